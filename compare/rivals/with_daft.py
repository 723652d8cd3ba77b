"""daft: its `minhash` expression over a text column of a data frame in memory, by the steps of its documentation.

The documented pipeline normalizes, sketches, cuts sketches into bands, explodes them and groups by band. What it then
has are buckets of candidates: it verifies nothing, and so the pairs here are all those of a bucket. Its connected
components, a loop of joins, are left out, in its favour.
"""

import os

import daft
import pyarrow
from common import best_of, run
from daft import col, lit
from daft.functions import chunk, minhash, normalize

# More pairs than this, one of each bucket for itself, are not listed.
MOST_PAIRS = 20_000_000


def frame(documents):
    columns = {
        "id": pyarrow.array(range(len(documents.texts)), pyarrow.int64()),
        "text": pyarrow.array(documents.texts, pyarrow.large_string()),
    }
    return daft.from_arrow(pyarrow.table(columns)).collect()


def sketched(options, documents, text):
    if options.threads > 1:
        # Its own batches are of a hundred thousand rows and more: one, here, and so one thread.
        documents = documents.into_batches(64)
    # The documentation's example takes xxhash, which is the fastest of its hashes too.
    return documents.select(
        "id", minhash(text, num_hashes=options.hashes, ngram_size=5, hash_function="xxhash").alias("minhash")
    )


def normalized():
    return normalize(col("text"), remove_punct=True, lowercase=True, nfd_unicode=True, white_space=True)


def signature(options, documents):
    rows = frame(documents)
    text = col("text") if options.contender == "daft-bare" else normalized()
    seconds, _ = best_of(options.repeats, lambda: sketched(options, rows, text).collect())
    return seconds, None


def buckets(options, documents):
    return (
        sketched(options, documents, normalized())
        .select("id", chunk(col("minhash"), options.rows).alias("slots"))
        .with_column("band", lit(list(range(options.bands))))
        .explode("slots", "band")
        .groupby("band", "slots")
        .agg(col("id").list_agg().alias("ids"))
        .where(col("ids").list_count() > 1)
        .collect()
    )


def pairs(options, documents):
    rows = frame(documents)
    seconds, found = best_of(options.repeats, lambda: buckets(options, rows))
    # Outside the clock: the pairs of every bucket, to count and compare.
    buckets_of_ids = found.select("ids").to_pydict()["ids"]
    if sum(len(ids) * (len(ids) - 1) // 2 for ids in buckets_of_ids) > MOST_PAIRS:
        return seconds, None
    candidates = set()
    for ids in buckets_of_ids:
        ids.sort()
        candidates.update((a, b) for i, a in enumerate(ids) for b in ids[i + 1 :])
    return seconds, sorted(candidates)


run({"signature": signature, "pairs": pairs})
# daft's threads now and then abort an interpreter that is ending; all has been said by now.
os._exit(0)
