"""datasketch: `MinHash.generator`, which shares the permutations, with xxhash instead of the slower SHA-1.

For pairs, `MinHashLSH` with our bands; of its candidates those whose sketches agree in 0.8 of the slots or more, as
its documentation advises.
"""

import numpy
import xxhash
from common import THRESHOLD, best_of, nanoseconds, run, shingle_sets, word_shingles
from datasketch import MinHash, MinHashLSH


def sketch(options):
    def prepare(documents):
        return [(hashes & numpy.uint64(0xFFFF_FFFF)).tolist() for hashes in documents]

    def work(ready):
        # The shingles are hashes of 32 bits already, which `int` leaves as they are.
        return list(MinHash.generator(ready, num_perm=options.hashes, hashfunc=int))

    return nanoseconds(options, prepare, work)


def sketches_of_texts(options, texts):
    sets = ([shingle.encode() for shingle in word_shingles(text)] for text in texts)
    return list(MinHash.generator(sets, num_perm=options.hashes, hashfunc=xxhash.xxh32_intdigest))


def signature(options, documents):
    seconds, _ = best_of(options.repeats, lambda: sketches_of_texts(options, documents.texts))
    return seconds, None


def pairs_of(options, sketches):
    index = MinHashLSH(num_perm=options.hashes, params=(options.bands, options.rows))
    with index.insertion_session() as session:
        for key, minhash in enumerate(sketches):
            session.insert(key, minhash, check_duplication=False)
    return [
        (key, other)
        for key, minhash in enumerate(sketches)
        for other in index.query(minhash)
        if key < other and minhash.jaccard(sketches[other]) >= THRESHOLD
    ]


def pairs(options, documents):
    if options.shingles:
        sets = [(hashes & numpy.uint64(0xFFFF_FFFF)).tolist() for hashes in shingle_sets(options.shingles)]

        def make():
            return list(MinHash.generator(sets, num_perm=options.hashes, hashfunc=int))
    else:

        def make():
            return sketches_of_texts(options, documents.texts)

    return best_of(options.repeats, lambda: pairs_of(options, make()))


run({"sketch": sketch, "signature": signature, "pairs": pairs})
