"""Runs the code of each page, and checks what it leaves. A page is skipped if its package is missing."""

import gzip
import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resemblance import Deduper

pa = pytest.importorskip("pyarrow")

HERE = Path(__file__).parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run(page: str) -> dict[str, Any]:
    """The variables that the code of a page leaves."""
    text = (HERE / page).read_text()
    blocks = list(BLOCK.finditer(text))
    assert blocks, f"{page} has no code"
    left: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        # Line numbers of a traceback are those of the page.
        code = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(code, HERE / page, "exec"), left)
    return left


def kept(texts: list[str | None], ids: list[Any], order: list[Any] | None = None) -> list[Any]:
    """The ids that `Deduper.clusters` keeps of a plain list."""
    clusters = Deduper(threshold=0.7).clusters(texts, order=order)
    return [ids[place] for place in clusters.kept.to_pylist()]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def many() -> Any:
    """400 documents of drawn words with shuffled ids. Every third is an earlier one with up to 3 words changed."""
    draw = random.Random(11)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(2000)]
    texts: list[str | None] = []
    for number in range(400):
        words_of = draw.choices(words, k=60)
        if number % 3 == 2 and (earlier := draw.choice(texts)):
            words_of = earlier.split()
            for _ in range(draw.randint(0, 3)):
                words_of[draw.randrange(60)] = "changed"
        texts.append(" ".join(words_of))
    texts[5] = None
    texts[7] = ""
    ids = draw.sample(range(1000), k=400)
    return pa.table({"id": ids, "text": texts})


def kept_of_many(many: Any) -> list[int]:
    ids = many["id"].to_pylist()
    expected = sorted(kept(many["text"].to_pylist(), ids, order=ids))
    assert 250 < len(expected) < 350
    return expected


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    left = run("polars.md")
    articles = left["articles"]
    assert left["kept"].columns == articles.columns
    assert left["kept"]["id"].to_list() == ["museum", "bridge-2", "harvest"]
    days = [-day.toordinal() if day else None for day in articles["published"]]
    assert left["kept"]["id"].to_list() == kept(articles["text"].to_list(), articles["id"].to_list(), days)
    first = Deduper().similarity(articles["text"][0], articles["text"][2]).jaccard
    assert left["reasons"].rows() == [("bridge", "bridge-2", first), ("museum-2", "museum", 1.0)]
    assert pl.read_parquet("kept.parquet").sort("id").equals(left["kept"].sort("id"))


def test_duckdb(many: Any) -> None:
    pytest.importorskip("duckdb")
    left = run("duckdb.md")
    con = left["con"]
    rows = con.sql("SELECT id, text FROM pages ORDER BY changed DESC").fetchall()
    ids, texts = [row[0] for row in rows], [row[1] for row in rows]
    assert [row[0] for row in left["kept"].fetchall()] == [12, 13, 14] == sorted(kept(texts, ids))
    assert left["reasons"].fetchall() == [(11, 13, Deduper().similarity(texts[3], texts[1]).jaccard)]
    assert left["sizes"].fetchall() == [(0, 2)]
    assert con.sql("SELECT id FROM 'kept.parquet' ORDER BY id").fetchall() == [(12,), (13,), (14,)]
    assert left["least_similar"].fetchall() == [(2, 0)]

    con.register("many", many)
    decisions = left["decide"](con.sql("FROM many ORDER BY id"), Deduper(threshold=0.7))
    assert sorted(row[0] for row in decisions.filter("is_kept").select("id").fetchall()) == kept_of_many(many)


def test_daft(many: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    monkeypatch.setenv("DAFT_PROGRESS_BAR", "0")
    daft = pytest.importorskip("daft")
    left = run("daft.md")
    given = left["df"].to_pydict()
    assert sorted(left["deduplicated"].to_pydict()["id"]) == [1, 2, 4] == kept(given["text"], given["id"])
    similarity = Deduper().similarity(given["text"][0], given["text"][2]).jaccard
    assert left["removed"].to_pydict() == {"id": [3], "kept": [1], "jaccard": [similarity]}
    assert left["removed_of_candidates"].to_pydict() == left["removed"].to_pydict()

    for part in range(3):
        daft.from_arrow(many.slice(150 * part, 150)).write_parquet(f"many/{part}")
    df = daft.read_parquet("many/*/*.parquet")
    removed = left["removed_of"](df).to_pydict()["id"]
    assert sorted(set(many["id"].to_pylist()) - set(removed)) == kept_of_many(many)
    some = left["candidates"](df).collect()
    assert 100 < len(some) < 300
    assert sorted(left["removed_of"](some).to_pydict()["id"]) == sorted(removed)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    pytest.importorskip("ray.data")
    import ray

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.mark.usefixtures("cluster")
def test_ray(many: Any) -> None:
    import ray

    left = run("ray.md")
    rows = left["documents"].take_all()
    ids, texts = [row["id"] for row in rows], [row["text"] for row in rows]
    assert sorted(row["id"] for row in left["clean"].take_all()) == [2, 3, 4]
    assert sorted(row["id"] for row in left["deduplicated"].take_all()) == [1, 2, 4] == kept(texts, ids)

    removed = left["removed_ids"](ray.data.from_arrow(many).repartition(3), partitions=2)
    assert sorted(set(many["id"].to_pylist()) - set(removed.to_pylist())) == kept_of_many(many)
    unlike = ray.data.from_arrow(pa.table({"id": [1, 2], "text": [texts[0], texts[1]]}))
    assert left["removed_ids"](unlike, partitions=2).to_pylist() == []


def test_datatrove() -> None:
    pytest.importorskip("datatrove.pipeline.filters")
    pytest.importorskip("orjson")
    left = run("datatrove.md")
    files: list[dict[str, str]] = [left["north"], left["south"]]
    for number, texts in enumerate(files):
        assert ids_in(f"sieved/{number:05}.jsonl.gz") == kept(list(texts.values()), list(texts))
    assert ids_in("sieved/00001.jsonl.gz") == ["s1", "s2"]
    dropped = [json.loads(line) for line in gzip.open("dropped/00001.jsonl.gz", "rt")]
    assert [(doc["id"], doc["metadata"]["filter_reason"]) for doc in dropped] == [("s3", "near_duplicate")]
    everything = {id: text for texts in files for id, text in texts.items()}
    left_over = ids_in("kept/00000.jsonl.gz") + ids_in("kept/00001.jsonl.gz")
    assert left_over == ["n1", "n2", "s2"] == kept(list(everything.values()), list(everything))
    assert "s1" in Path("clusters.tsv").read_text()


def ids_in(path: str) -> list[str]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line)["id"] for line in lines]
