"""The Python package of this crate, on a column of pyarrow."""

import pyarrow
from common import THRESHOLD, best_of, run
from resemblance import Deduper


def column(documents):
    return pyarrow.array(documents.texts, pyarrow.large_string())


def deduper(options):
    # The normalization of the true pairs.
    return Deduper(
        threshold=THRESHOLD, hashes=options.hashes, threads=options.threads, normalization="nfkc-casefold"
    )


def signature(options, documents):
    texts = column(documents)
    seconds, _ = best_of(options.repeats, lambda: deduper(options).signatures(texts))
    return seconds, None


def pairs(options, documents):
    texts = column(documents)
    seconds, found = best_of(options.repeats, lambda: deduper(options).pairs(texts))
    table = pyarrow.table(found)
    return seconds, list(zip(table["a"].to_pylist(), table["b"].to_pylist()))


def clusters(options, documents):
    texts = column(documents)
    seconds, found = best_of(options.repeats, lambda: deduper(options).clusters(texts))
    return seconds, [(removal["document"], removal["kept"]) for removal in found.removed]


run({"signature": signature, "pairs": pairs, "clusters": clusters})
