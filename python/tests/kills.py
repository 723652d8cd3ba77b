"""Runs `decisions` on a cluster of two workers while these are killed: kills.py PARQUET

Prints the decisions of each run as a line of JSON. In every run, an executor is killed (`kill -9`) at another moment.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from pyspark.sql import SparkSession
from resemblance import Deduper
from resemblance import spark as on_spark

# The number of Spark's jobs after which an executor is killed. A run has about 20.
MOMENTS = (1, 4, 6, 9, 14)


def executors(app: str) -> list[int]:
    """The processes of the executors of this program."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
        except OSError:
            continue
        if "CoarseGrainedExecutorBackend" in command and app in command:
            found.append(int(process.name))
    return sorted(found)


def kill_after(spark: SparkSession, jobs: int, killed: list[int]) -> None:
    context = spark.sparkContext
    tracker = context.statusTracker()
    before = len(tracker.getJobIdsForGroup(None))
    while len(tracker.getJobIdsForGroup(None)) < before + jobs:
        time.sleep(0.01)
    while not (running := executors(str(context.applicationId))):
        time.sleep(0.01)
    killed.append(running[jobs % len(running)])
    os.kill(killed[-1], signal.SIGKILL)


def main(path: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,2048]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    for jobs in MOMENTS:
        killed: list[int] = []
        killer = threading.Thread(target=kill_after, args=(spark, jobs, killed), daemon=True)
        killer.start()
        deduper = Deduper(threshold=0.5, shingle="words:2", cluster_mode="leader")
        rows = on_spark.decisions(spark.read.parquet(path), order="number", deduper=deduper, buckets=3).collect()
        killer.join(timeout=0)
        spark.catalog.clearCache()
        decided = {row["id"]: [row["kept"], row["is_kept"], row["jaccard"]] for row in rows}
        print(json.dumps({"killed": killed, "decided": decided}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
