"""Times `decisions` on Spark, and counts the bytes that it sends: python/bench/spark.py [DOCUMENTS…]

Makes texts of 200 drawn words, of which every tenth is the one before with three words changed, or reads the JSON lines that
are named instead of a number. Run it on a quiet machine, with `--master` and `--partitions` for other settings.
"""

import argparse
import itertools
import json
import os
import random
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from pyspark.sql import SparkSession
from resemblance import Deduper
from resemblance import spark as on_spark


def make(path: Path, many: int) -> None:
    draw = random.Random(5)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(3, 9))) for _ in range(60_000)]
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(words))))
    text: list[str] = []
    with path.open("w") as lines:
        for number in range(many):
            if text and draw.random() < 0.1:
                for _ in range(3):
                    text[draw.randrange(len(text))] = draw.choice(words)
            else:
                text = draw.choices(words, cum_weights=weights, k=200)
            lines.write(json.dumps({"id": f"d{number}", "text": " ".join(text)}) + "\n")


def measure(spark: SparkSession, path: str, mode: str) -> None:
    df = spark.read.schema("id string, text string").json(path)
    documents, before = df.count(), sent(spark)
    start = time.monotonic()
    decided = on_spark.decisions(df, deduper=Deduper(cluster_mode="leader" if mode == "leader" else "components"))
    removed = decided.where("not is_kept").count()
    seconds = time.monotonic() - start
    spark.catalog.clearCache()
    print(
        f"{documents} documents, {mode}: {removed} removed, {seconds:.1f} s, {1e6 * seconds / documents:.0f} µs a document, "
        f"{(sent(spark) - before) / documents:.0f} bytes a document sent",
        flush=True,
    )


def sent(spark: SparkSession) -> int:
    """The bytes that were written to be sent, as Spark compresses them."""
    context = spark.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages?status=complete"
    with urllib.request.urlopen(url) as stages:
        return sum(stage["shuffleWriteBytes"] for stage in json.load(stages))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="*", default=["100000", "1000000"], help="a number, or a file of JSON lines")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--partitions", default="32")
    parser.add_argument("--mode", default="components", choices=["components", "leader"])
    asked = parser.parse_args()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.driver.memory": "8g",
        "spark.sql.shuffle.partitions": asked.partitions,
        "spark.ui.retainedStages": "100000",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(asked.master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        for which in asked.documents:
            path = Path(folder) / f"{which}.jsonl" if which.isdigit() else Path(which)
            if which.isdigit():
                make(path, int(which))
            measure(spark, str(path), asked.mode)
    spark.stop()


if __name__ == "__main__":
    main()
