"""rensa: its batch calls in Rust on lists of word shingles, or on ready hashes.

`rensa-r` and `rensa-c` sketch the whole set; `rensa-rho` samples token positions, and is another thing.
"""

import numpy
from common import THRESHOLD, best_of, nanoseconds, run, shingle_sets, word_shingles
from rensa import CMinHash, RMinHash, RMinHashLSH

SEED = 42


def sketch(options):
    if options.contender == "rensa-c":
        # C-MinHash has no call on flat buffers: strings are its fastest input.
        def prepare(documents):
            return [[f"{number:016x}" for number in hashes.tolist()] for hashes in documents]

        return nanoseconds(
            options, prepare, lambda ready: CMinHash.digests64_from_token_sets(ready, options.hashes, SEED)
        )

    if options.contender == "rensa-r-strings":

        def prepare(documents):
            return [[f"{number:016x}" for number in hashes.tolist()] for hashes in documents]

        return nanoseconds(
            options, prepare, lambda ready: RMinHash.digest_matrix_from_token_sets(ready, options.hashes, SEED)
        )

    def prepare(documents):
        ends = numpy.cumsum([0] + [len(hashes) for hashes in documents]).astype(numpy.uint64)
        return numpy.concatenate(documents), ends

    flat = {
        "rensa-r": RMinHash.digest_matrix_from_flat_token_hashes,
        "rensa-rho": RMinHash.digest_matrix_from_flat_token_hashes_rho,
    }[options.contender]
    return nanoseconds(options, prepare, lambda ready: flat(*ready, options.hashes, SEED))


def signature(options, documents):
    of_token_sets = {
        "rensa-r": RMinHash.digest_matrix_from_token_sets,
        "rensa-c": CMinHash.digests64_from_token_sets,
        "rensa-rho": RMinHash.digest_matrix_from_token_sets_rho,
    }[options.contender]

    def work():
        return of_token_sets([word_shingles(text) for text in documents.texts], options.hashes, SEED)

    seconds, _ = best_of(options.repeats, work)
    return seconds, None


def pairs_of(options, sets):
    """Only its objects can be asked for candidates; the fast matrix calls answer with a flag a document."""
    # The index wants bands that fill the sketch: 126 slots, not 128.
    hashes = options.bands * options.rows
    sketches = RMinHash.from_token_sets(sets, hashes, SEED)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=hashes, num_bands=options.bands)
    index.insert_many(sketches)
    return [
        (key, other)
        for key, others in enumerate(index.query_all(sketches))
        for other in others
        if key < other and sketches[key].jaccard(sketches[other]) >= THRESHOLD
    ]


def pairs(options, documents):
    if options.shingles:
        # The objects take bytes and strings only: each shingle's hash is a token of eight bytes.
        ready = [[number.tobytes() for number in hashes] for hashes in shingle_sets(options.shingles)]

        def make():
            return ready
    else:

        def make():
            return [word_shingles(text) for text in documents.texts]

    return best_of(options.repeats, lambda: pairs_of(options, make()))


def flags(options, documents):
    """The job of its own benchmark: which documents share a band with another, by the matrix calls."""
    hashes = options.bands * options.rows
    of_token_sets = {
        "rensa-r": RMinHash.digest_matrix_from_token_sets,
        "rensa-rho": RMinHash.digest_matrix_from_token_sets_rho,
    }[options.contender]

    def work():
        matrix = of_token_sets([word_shingles(text) for text in documents.texts], hashes, SEED)
        index = RMinHashLSH(threshold=THRESHOLD, num_perm=hashes, num_bands=options.bands)
        return index.query_duplicate_flags_matrix_one_shot(matrix)

    seconds, _ = best_of(options.repeats, work)
    return seconds, None


run({"sketch": sketch, "signature": signature, "pairs": pairs, "flags": flags})
