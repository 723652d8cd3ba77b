"""What every Python rival shares: arguments, documents, timing, and the one line of JSON it answers with.

A rival is run as `python with_NAME.py CONTENDER STAGE options` in a process of its own, so that its memory is its own.
Documents are read before the clock starts.
"""

import argparse
import json
import resource
import time

import numpy

THRESHOLD = 0.8


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("contender")
    parser.add_argument("stage")
    parser.add_argument("--documents")
    parser.add_argument("--shingles")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--pairs")
    parser.add_argument("--hashes", type=int, default=128)
    parser.add_argument("--bands", type=int, default=21)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--sizes", default="")
    parser.add_argument("--total", type=int, default=0)
    return parser.parse_args()


class Documents:
    """The first documents of a JSON-lines file, `limit` bytes of text or a little more."""

    def __init__(self, path, limit):
        self.ids, self.texts, self.bytes = [], [], 0
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if limit is not None and self.bytes >= limit:
                    break
                record = json.loads(line)
                self.ids.append(str(record["id"]))
                self.texts.append(record["text"])
                self.bytes += len(record["text"].encode())


def shingle_sets(path):
    """The file of ready shingle hashes: how many documents, where each ends, and the hashes; all 64-bit."""
    numbers = numpy.fromfile(path, dtype="<u8")
    documents = int(numbers[0])
    ends = numbers[1 : documents + 1]
    hashes = numbers[documents + 1 :]
    return numpy.split(hashes, ends[:-1].astype(numpy.int64))


def word_shingles(text):
    """Word 5-grams as users of Python tools make them: lower case, split at white space, joined by a space."""
    words = text.lower().split()
    if len(words) < 5:
        return [" ".join(words)] if words else []
    return [" ".join(words[i : i + 5]) for i in range(len(words) - 4)]


def best_of(repeats, work):
    """The least time of some runs, and what the last of them made."""
    best = float("inf")
    for _ in range(repeats):
        made = None  # what the run before made is freed outside the clock
        start = time.perf_counter()
        made = work()
        best = min(best, time.perf_counter() - start)
    return best, made


def random_documents(size, total):
    """Documents of `size` distinct random hashes, about `total` hashes in all."""
    random = numpy.random.default_rng(size)
    count = max(1, total // size)
    return [random.integers(0, 2**63, size, dtype=numpy.uint64) for _ in range(count)]


def nanoseconds(options, prepare, sketch):
    """For each number of shingles, the time of sketching a shingle: `sketch` what `prepare` makes of the hashes."""
    found = []
    for size in map(int, options.sizes.split(",")):
        documents = random_documents(size, options.total)
        ready = prepare(documents)
        seconds, _ = best_of(options.repeats, lambda: sketch(ready))
        found.append([size, seconds * 1e9 / (size * len(documents))])
    return found


def write_pairs(path, ids, pairs):
    if path:
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(f"{ids[a]}\t{ids[b]}\n" for a, b in pairs)


def resident():
    """Bytes of memory in use now."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def answer(**values):
    print(json.dumps(values), flush=True)


def run(stages):
    """Runs the stage asked for. Each is a function of the options; those on documents get them too."""
    options = arguments()
    if options.stage == "sketch":
        answer(nanoseconds=stages["sketch"](options))
        return
    documents = Documents(options.documents, options.limit)
    before = resident()
    seconds, pairs = stages[options.stage](options, documents)
    found = {"pairs": len(pairs)} if pairs is not None else {}
    if pairs is not None:
        write_pairs(options.pairs, documents.ids, pairs)
    answer(seconds=seconds, bytes=documents.bytes, documents=len(documents.ids), before=before, **found)
