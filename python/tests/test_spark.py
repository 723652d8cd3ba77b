"""`resemblance.spark` gives the decisions of one machine, on whatever engine `RESEMBLANCE_SPARK` names."""

import gzip
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import resemblance
from resemblance import Deduper

pytest.importorskip("pyspark")
from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from resemblance import spark as on_spark  # noqa: E402

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    engine = os.environ.get("RESEMBLANCE_SPARK", "local[2]")
    if engine == "sail":
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        host, port = server.listening_address
        session = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    elif engine == "connect":
        session = SparkSession.builder.remote("local[2]").config("spark.sql.shuffle.partitions", "4").getOrCreate()
    else:
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.driver.memory": "2g",
        }
        builder = SparkSession.builder.master(engine)
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
    yield session
    session.stop()


def frame(spark: SparkSession, table: pa.Table) -> DataFrame:
    """Rows in another order, in parts of other sizes."""
    return spark.createDataFrame(table).repartition(5).orderBy(F.xxhash64("id"))


def table_of(texts: list[str | None]) -> pa.Table:
    columns = {"id": [f"d{number}" for number in range(len(texts))], "number": range(len(texts)), "text": texts}
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def decided(spark: SparkSession, table: pa.Table, deduper: Deduper, **named: Any) -> dict[str, tuple[Any, ...]]:
    rows = on_spark.decisions(frame(spark, table), order="number", deduper=deduper, **named).collect()
    assert len(rows) == table.num_rows
    return {row["id"]: (row["kept"], row["is_kept"], row["jaccard"]) for row in rows}


def expected(table: pa.Table, deduper: Deduper) -> dict[str, tuple[Any, ...]]:
    rows = pa.table(deduper.clusters(table["text"]).table).to_pylist()
    ids = table["id"].to_pylist()
    return {ids[row["document"]]: (ids[row["kept"]], row["is_kept"], row["jaccard"]) for row in rows}


def pages(seed: int, many: int) -> list[str | None]:
    """Pages of two sites with their chrome, some with hardly more and with less of it; changed copies and exact ones, short texts,
    and texts that are missing."""
    draw = random.Random(seed)
    words = [f"w{number}" for number in range(4000)]
    chrome = [draw.sample(words, 80) for _ in range(2)]
    all: list[list[str] | None] = []
    for _ in range(many):
        kind = draw.random()
        if all and kind < 0.35:
            text = list(draw.choice(all) or [])
            for _ in range(draw.randrange(4)):
                if text:
                    text[draw.randrange(len(text))] = draw.choice(words)
            all.append(text)
        elif kind < 0.4:
            all.append(None if draw.random() < 0.5 else draw.sample(words, draw.randrange(4)))
        elif kind < 0.6:  # similar to one another by nothing but chrome
            all.append(draw.choice(chrome)[: 80 - 5 * draw.randrange(3)] + draw.sample(words, draw.randrange(1, 4)))
        else:
            head = draw.choice(chrome)
            all.append(head + draw.sample(words, draw.randrange(1, 40)) if kind < 0.8 else draw.sample(words, 60))
    return [None if text is None else " ".join(text) for text in all]


@pytest.mark.parametrize("mode", ["components", "leader"])
@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_decisions_are_those_of_one_machine(spark: SparkSession, mode: Any, threshold: float) -> None:
    table = table_of(pages(3, 700))
    deduper = Deduper(threshold=threshold, shingle="words:2", method="exact", cluster_mode=mode)
    assert decided(spark, table, deduper, buckets=20) == expected(table, deduper)


@pytest.mark.parametrize("copies", ["all", "star"])
def test_pairs_are_those_of_one_machine(spark: SparkSession, copies: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_spark, "_ROWS", 50)
    table = table_of(pages(5, 300))
    deduper = Deduper(threshold=0.5, shingle="words:2", method="exact")
    found = on_spark.pairs(frame(spark, table), id="number", deduper=deduper, pairs_of_copies=copies, buckets=20)
    expected = pa.table(deduper.pairs(table["text"], pairs_of_copies=copies)).to_pylist()
    rows = [row.asDict() for row in found.collect()]
    assert sorted(rows, key=lambda row: (row["a"], row["b"])) == sorted(expected, key=lambda row: (row["a"], row["b"]))


@pytest.mark.parametrize("corpus", ["licenses_scancode", "psdocs_versions", "zh_poetry", "ja_aozora"])
@pytest.mark.parametrize("mode", ["components", "leader"])
def test_decisions_on_corpora(spark: SparkSession, corpus: str, mode: Any) -> None:
    path = SHARED / "corpora" / corpus / "docs.jsonl.gz"
    if not path.exists():
        pytest.skip("the corpora are not here")
    with gzip.open(path, "rt") as lines:
        records = [json.loads(line) for line in lines]
    table = table_of([record["text"] for record in records])
    deduper = Deduper(method="exact", cluster_mode=mode)
    assert decided(spark, table, deduper, buckets=16) == expected(table, deduper)


def test_what_is_kept(spark: SparkSession) -> None:
    text = "the ferry returns to the harbour on monday after nine years"
    rows = [("a", 3, 0.5, text), ("b", None, 0.5, text), ("c", 1, math.nan, text), ("d", 1, 0.5, text + " and a half")]
    df = spark.createDataFrame(rows, "id string, rank int, score double, text string")

    def kept(**named: Any) -> set[str]:
        rows = on_spark.decisions(df, deduper=Deduper(threshold=0.7, **named.pop("settings", {})), **named).collect()
        return {row["kept"] for row in rows}

    assert kept() == {"a"}
    assert kept(order="rank") == {"c"}
    assert kept(order=["rank", "score"]) == {"d"}
    assert kept(order=-F.col("rank")) == {"a"}
    assert kept(order=F.col("id") != "b") == {"b"}
    assert kept(settings={"keep": "longest"}) == {"d"}
    assert kept(settings={"keep": "largest"}) == {"d"}
    left = on_spark.deduplicate(df, order="rank", deduper=Deduper(threshold=0.7))
    assert [(row["id"], row["rank"]) for row in left.collect()] == [("c", 1)]
    assert left.columns == df.columns


def test_ids_of_other_names_and_kinds(spark: SparkSession) -> None:
    rows = [(7, "one and the same text of some words"), (5, "one and the same text of some words"), (6, None)]
    df = spark.createDataFrame(rows, "`the.id` bigint, page string")
    found = on_spark.decisions(df, id="the.id", text="page").orderBy("`the.id`").collect()
    assert [tuple(row) for row in found] == [(5, 5, True, None, None, None), (6, 6, True, None, None, None), (7, 5, False, 1, 1, 1)]
    left = on_spark.deduplicate(df, id="the.id", text="page").orderBy("`the.id`").collect()
    assert [tuple(row) for row in left] == [(5, rows[1][1]), (6, None)]
    pair = on_spark.pairs(df, id="the.id", text="page").collect()
    assert [(row["a"], row["b"], row["jaccard"]) for row in pair] == [(5, 7, 1.0)]


def test_rows_are_left_as_they_are(spark: SparkSession) -> None:
    text = "one and the same text of some words"
    df = spark.createDataFrame([(text, 2, "b.c", [1]), (text, 1, "b.d", [2])], "text string, id int, `b.c` string, more array<int>")
    left = on_spark.deduplicate(df, order="b.c")
    assert left.columns == df.columns
    assert [tuple(row) for row in left.collect()] == [(text, 2, "b.c", [1])]


@pytest.mark.skipif(os.environ.get("RESEMBLANCE_SPARK") == "sail", reason="Sail has no such setting")
def test_large_arrow_types(spark: SparkSession) -> None:
    name = "spark.sql.execution.arrow.useLargeVarTypes"
    table = table_of(pages(9, 60))
    deduper = Deduper(threshold=0.5, shingle="words:2", method="exact")
    try:
        spark.conf.set(name, "true")
        assert decided(spark, table, deduper, buckets=2) == expected(table, deduper)
    finally:
        spark.conf.set(name, "false")


def test_an_empty_frame(spark: SparkSession) -> None:
    df = spark.createDataFrame([], "id string, text string")
    assert on_spark.decisions(df).collect() == []
    assert on_spark.deduplicate(df).collect() == []
    assert on_spark.pairs(df).collect() == []


def test_bad_input_is_refused(spark: SparkSession) -> None:
    df = spark.createDataFrame([("a", "x", 1), ("a", "y", 2), (None, "z", 3)], "id string, text string, number int")
    with pytest.raises(ValueError, match="no column `body`: there are `id`, `text`, `number`"):
        on_spark.decisions(df, text="body")
    with pytest.raises(ValueError, match="no column `key`"):
        on_spark.decisions(df, id="key")
    with pytest.raises(TypeError, match="the column `number` is int, not string"):
        on_spark.decisions(df, text="number")
    with pytest.raises(ValueError, match="the column `id` is null in 1 rows"):
        on_spark.decisions(df)
    with pytest.raises(ValueError, match=r"not unique, such as 'a' \(2 times\)"):
        on_spark.decisions(df.where("id is not null"))
    with pytest.raises(TypeError, match="by which documents are not sorted"):
        on_spark.decisions(df.where("number = 1").withColumn("id", F.array("id")))
    with pytest.raises(TypeError, match="order xs is array<int>, by which"):
        on_spark.decisions(df.where("number = 1").withColumn("xs", F.array("number")), order="xs")
    with pytest.raises(ValueError, match="order: .*age"):
        on_spark.decisions(df.where("number = 1"), order="age")
    with pytest.raises(ValueError, match="by containment"):
        on_spark.decisions(df, deduper=Deduper(measure="containment"))
    with pytest.raises(ValueError, match="with weights ln"):
        on_spark.decisions(df, deduper=Deduper(weights="ln"))
    with pytest.raises(ValueError, match="buckets is 0"):
        on_spark.decisions(df, buckets=0)
    with pytest.raises(TypeError, match="buckets is 2.5, not a whole number"):
        on_spark.decisions(df, buckets=2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="df is list"):
        on_spark.decisions([])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="order has 5: use names of columns"):
        on_spark.decisions(df, order=[5])  # type: ignore[list-item]
    for direction in (F.col("number").desc(), F.asc_nulls_last("number")):
        with pytest.raises(ValueError, match="which is a direction"):
            on_spark.decisions(df, order=direction)
    copies = spark.createDataFrame([(n, f"{n % 2} is one of two texts that are much alike") for n in range(4)], "id int, text string")
    with pytest.raises(ValueError, match="1 pairs connect sets, and most_pairs is 0"):
        on_spark.decisions(copies, deduper=Deduper(threshold=0.5), most_pairs=0)
    with pytest.raises(ValueError, match="pairs_of_copies is 'some'"):
        on_spark.pairs(df, pairs_of_copies="some")  # type: ignore[arg-type]
    renamed = df.where("number = 1").withColumnRenamed("id", "Kept")
    with pytest.raises(ValueError, match="a column of the result"):
        on_spark.decisions(renamed, id="Kept")
    assert on_spark.deduplicate(renamed, id="Kept").count() == 1


def test_no_module_without_pyspark() -> None:
    assert "spark" not in resemblance.__all__


@pytest.mark.skipif(sys.platform != "linux" or "RESEMBLANCE_SPARK" in os.environ, reason="needs Spark's own cluster on Linux")
def test_killed_workers_change_nothing(tmp_path: Path) -> None:
    table = table_of(pages(3, 700))
    deduper = Deduper(threshold=0.5, shingle="words:2", method="exact", cluster_mode="leader")
    pq.write_table(table, tmp_path / "pages.parquet", row_group_size=100)
    command = [sys.executable, Path(__file__).parent / "kills.py", tmp_path / "pages.parquet"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    runs = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    assert len({killed for run in runs for killed in run["killed"]}) == 5
    right = {id: list(decision) for id, decision in expected(table, deduper).items()}
    for run in runs:
        assert run["decided"] == right
