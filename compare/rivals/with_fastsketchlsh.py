"""FastSketchLSH: the same sketch as ours, by other authors, on lists of word shingles or on ready hashes.

For pairs, its `LSH` with 32 bands of 4: it takes only powers of two, and our 21 of 6 are none. Of its candidates those
whose sketches agree in 0.8 of the slots or more.
"""

import numpy
from common import THRESHOLD, best_of, nanoseconds, run, word_shingles
from FastSketchLSH import LSH, FastSimilaritySketch, estimate_jaccard

SEED = 42
BANDS = 32


def sketch(options):
    def prepare(documents):
        ends = numpy.cumsum([0] + [len(hashes) for hashes in documents]).astype(numpy.uint64)
        return numpy.concatenate(documents), ends

    sketcher = FastSimilaritySketch(size=options.hashes, seed=SEED)
    return nanoseconds(
        options, prepare, lambda ready: sketcher.batch_csr(*ready, prehashed=True, num_threads=options.threads)
    )


def sketches(options, texts):
    sketcher = FastSimilaritySketch(size=options.hashes, seed=SEED)
    return numpy.asarray(
        sketcher.batch([word_shingles(text) for text in texts], prehashed=False, num_threads=options.threads)
    )


def signature(options, documents):
    seconds, _ = best_of(options.repeats, lambda: sketches(options, documents.texts))
    return seconds, None


def pairs(options, documents):
    def work():
        rows = sketches(options, documents.texts)
        index = LSH(num_perm=options.hashes, num_bands=BANDS, num_threads=options.threads)
        index.insert(rows)
        return [
            (row, other)
            for row, others in enumerate(index.query(rows))
            for other in others
            if row < other and estimate_jaccard(rows[row], rows[other]) >= THRESHOLD
        ]

    return best_of(options.repeats, work)


run({"sketch": sketch, "signature": signature, "pairs": pairs})
