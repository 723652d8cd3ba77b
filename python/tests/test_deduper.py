import copy
import inspect
import itertools
import pickle
import random
import signal
from concurrent.futures import ProcessPoolExecutor

import pytest

from resemblance import Deduper

FERRY = "The steam ferry goes back into service on Monday, nine years after its last crossing."
COPY = "NEWS | SPORT The steam ferry goes back into service on Monday, nine years after its last crossing."
LIGHTHOUSE = "Volunteers will open the lighthouse to visitors for one day in June."


def brute_force(deduper: Deduper, texts: list[str], threshold: float) -> set[tuple[int, int]]:
    numbers = range(len(texts))
    near = lambda a, b: deduper.similarity(texts[a], texts[b]).jaccard >= threshold
    return {(a, b) for b in numbers for a in range(b) if near(a, b)}


def test_clusters_name_what_is_kept_and_why() -> None:
    clusters = Deduper(threshold=0.7).clusters([FERRY, LIGHTHOUSE, COPY])
    assert len(clusters) == 1 and clusters.documents == 3
    assert clusters.kept.to_pylist() == [0, 1]
    assert clusters.is_kept.to_pylist() == [True, True, False]
    cluster = clusters[0]
    assert (cluster.kept, cluster.documents, len(cluster)) == (0, [0, 2], 2)
    removal = cluster.removed[0]
    assert (removal.document, removal.kept) == (2, 0)
    assert removal.similarity == Deduper().similarity(COPY, FERRY)
    assert clusters.cluster_of(1) is None
    assert "3 documents = 2 kept + 1 removed" in repr(clusters)


@pytest.mark.parametrize("method", ["lsh", "exact", "auto"])
def test_pairs_are_those_of_brute_force(articles: list[str], method: str) -> None:
    deduper = Deduper(threshold=0.8, method=method)  # type: ignore[arg-type]
    pairs = deduper.pairs(articles)
    found = {(pair["a"], pair["b"]) for pair in pairs}
    truth = brute_force(deduper, articles, 0.8)
    assert len(truth) == 30
    assert found == truth
    assert pairs.recall.found == len(truth)
    for pair in pairs:
        similarity = deduper.similarity(articles[pair["a"]], articles[pair["b"]])
        assert pair["jaccard"] == similarity.jaccard
        assert pair["shared"] == similarity.shared


def test_the_number_of_threads_changes_nothing(articles: list[str]) -> None:
    one, two = (Deduper(threads=threads).pairs(articles) for threads in (1, 2))
    assert list(one) == list(two)


def test_order_decides_which_copy_is_kept() -> None:
    texts = [FERRY, FERRY, LIGHTHOUSE, FERRY]
    kept = lambda order: Deduper().clusters(texts, order=order).kept.to_pylist()
    assert kept(None) == [0, 2]
    assert kept([3, 1, 9, 1]) == [1, 2]
    assert kept(["2026-03-01", "2026-02-01", "", "2026-01-01"]) == [2, 3]
    assert kept([None, 5, None, None]) == [1, 2]
    with pytest.raises(ValueError, match="order has 2 values for 4 texts"):
        kept([1, 2])
    with pytest.raises(TypeError):
        kept([1, "a", 2, 3])


def test_groups_set_their_own_text_aside() -> None:
    chrome = "home news sport weather subscribe to our newsletter today and follow us everywhere "
    bodies = [f"report {n} about the {n} harbour walls and {n} lighthouses of town {n}" for n in range(6)]
    texts = [chrome + body for body in bodies]
    together = Deduper(threshold=0.3, shingle="words:2")
    assert len(together.clusters(texts)) == 1
    apart = together.clusters(texts, groups=["gazette"] * 6)
    assert len(apart) == 0
    assert apart.table[0]["aside"] > 0.4
    with pytest.raises(ValueError, match="groups has 1 values for 6 texts"):
        together.clusters(texts, groups=["gazette"])


def test_containment_and_weights() -> None:
    short, long = FERRY, f"{LIGHTHOUSE} {FERRY} {LIGHTHOUSE.upper()} And so much more about it, which is not there."
    assert len(Deduper().clusters([short, long])) == 0
    clusters = Deduper(measure="containment").clusters([short, long])
    assert clusters.removed[0]["document"] == 0
    assert clusters.removed[0]["containment_in_kept"] == 1.0
    assert Deduper(weights="ln").clusters([FERRY, COPY, LIGHTHOUSE]).recall.method == "exact"


def test_signatures_and_bands() -> None:
    deduper = Deduper()
    signatures = deduper.signatures([FERRY, "", FERRY.upper()])
    assert len(signatures) == 3 and len(signatures[0]) == 128
    assert signatures[0] == signatures[2] and signatures[1] is None
    bands = deduper.bands([FERRY, None, COPY])
    assert len(bands[0]) == 21 and bands[1] is None
    assert deduper.banding == "21 x 6"
    # The numbers of docs/signature.md never change.
    assert len(set(signatures[0])) > 10


def test_missing_texts_are_counted() -> None:
    clusters = Deduper().clusters([FERRY, None, float("nan"), "", FERRY])  # type: ignore[list-item]
    assert clusters.nulls == 2
    assert clusters.empty == [1, 2, 3]
    assert clusters.kept.to_pylist() == [0, 1, 2, 3]


def test_empty_collections() -> None:
    assert len(Deduper().clusters([])) == 0
    assert len(Deduper().pairs([])) == 0
    assert len(Deduper().signatures([])) == 0
    assert Deduper().clusters([]).table.column_names[0] == "document"


def test_settings_are_the_crates() -> None:
    assert repr(Deduper()) == "Deduper()"
    for name, default in inspect.signature(Deduper).parameters.items():
        if name != "threads":
            assert Deduper().settings[name] == default.default
    deduper = Deduper(threshold=0.5, shingle="chars:7", threads=2)
    assert repr(deduper) == 'Deduper(shingle="chars:7", threshold=0.5, threads=2)'
    assert deduper.settings["shingle"] == "chars:7"
    assert deduper.settings["hashes"] == 128
    assert deduper != Deduper() and deduper == Deduper(shingle="chars:7", threshold=0.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"shingle": "sentences:2"}, "shingle"),
        ({"shingle": "words:0"}, "words"),
        ({"method": "magic"}, "method"),
        ({"recall": 0.999999, "threshold": 0.1}, "out of reach"),
        ({"threads": 0}, "threads is 0"),
        ({"threshold": float("nan")}, "threshold NaN"),
        ({"banding": "many"}, "band"),
        ({"normalization": "nfkc+nothing"}, "nothing"),
        ({"hashes": 0}, "hashes"),
    ],
)
def test_invalid_settings_are_value_errors(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Deduper(**settings)  # type: ignore[arg-type]


def test_unknown_settings_are_type_errors() -> None:
    with pytest.raises(TypeError, match="treshold"):
        Deduper(treshold=0.7)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", "texts is one str"),
        (7, "texts is int"),
        (["a", 7], r"texts\[1\] is int, not str"),
        ([b"bytes"], r"texts\[0\] is bytes, not str"),
    ],
)
def test_what_is_no_text_is_a_type_error(texts: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Deduper().clusters(texts)  # type: ignore[arg-type]


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"texts\[0\] has a lone surrogate"):
        Deduper().clusters(["\ud800"])


def clusters_of(deduper: Deduper, texts: list[str]) -> list[int]:
    return deduper.clusters(texts).kept.to_pylist()


def test_dedupers_go_to_other_processes(articles: list[str]) -> None:
    deduper = Deduper(threshold=0.6, seed=5, threads=1)
    for twin in (pickle.loads(pickle.dumps(deduper)), copy.deepcopy(deduper)):
        assert twin == deduper and repr(twin) == repr(deduper)
    here = clusters_of(deduper, articles)  # starts threads, which a forked process does not have
    with ProcessPoolExecutor(2) as pool:
        assert list(pool.map(clusters_of, [deduper] * 2, [articles] * 2)) == [here, here]


def test_html_escapes_texts() -> None:
    text = "<script>alert(1)</script> & so on, in a text that is long enough to be a near-duplicate"
    html = Deduper().clusters([text, text])._repr_html_()  # type: ignore[attr-defined]
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "1 clusters" in html
    assert "<table>" in Deduper().pairs([text, text])._repr_html_()  # type: ignore[attr-defined]


def test_progress_is_shown() -> None:
    seen: list[tuple[str, int, int, str]] = []
    Deduper().clusters([FERRY, COPY] * 1000, progress=lambda *at: seen.append(at))
    assert seen and all(done <= total for _, done, total, _ in seen)
    with pytest.raises(TypeError, match="progress"):
        Deduper().clusters([FERRY], progress=7)  # type: ignore[arg-type]


def test_an_exception_in_progress_is_raised() -> None:
    def fail(*at: object) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        Deduper().clusters([FERRY, COPY] * 1000, progress=fail)


class Whim:
    def __init__(self) -> None:
        self.draw = random.Random(3)

    def __lt__(self, other: object) -> bool:
        return self.draw.random() < 0.5


def test_orders_that_are_none_still_keep_one() -> None:
    clusters = Deduper().clusters([FERRY] * 2000, order=[Whim() for _ in range(2000)])
    assert len(clusters.kept) == 1


def test_an_iterator_without_end_can_be_interrupted() -> None:
    def interrupt(*at: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            Deduper().clusters(itertools.repeat(FERRY))
    finally:
        signal.signal(signal.SIGALRM, before)


def test_results_are_sequences() -> None:
    clusters = Deduper().clusters([FERRY, FERRY])
    assert [cluster.kept for cluster in clusters] == [0]
    assert list(clusters.is_kept) == [True, False]
    with pytest.raises(IndexError, match="-9 is out of range for 1"):
        clusters[-9]
