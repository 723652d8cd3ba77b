"""Word shingles in plain Python: what the Python rivals that take tokens cost before they begin."""

from common import best_of, run, word_shingles


def shingle(options, documents):
    seconds, _ = best_of(options.repeats, lambda: sum(len(word_shingles(text)) for text in documents.texts))
    return seconds, None


run({"shingle": shingle})
