import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow
import pytest

import resemblance
from resemblance import Deduper, dedup

COMMAND = Path(sys.executable).with_name("resemblance")


@pytest.fixture
def file(tmp_path: Path, articles: list[str]) -> Path:
    path = tmp_path / "articles.jsonl"
    path.write_text("".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(articles)))
    return path


def test_files_are_decided_as_texts_are(file: Path, tmp_path: Path, articles: list[str]) -> None:
    kept = tmp_path / "kept.jsonl"
    decided = dedup(file, kept=kept, threshold=0.7, pairs=tmp_path / "pairs.tsv")
    clusters = Deduper(threshold=0.7).clusters(articles)
    assert decided.counts["in"] == 300 and decided.counts["removed"] == 30
    assert decided.recall.found == clusters.recall.found
    assert decided.pairs_recall is not None and decided.pairs_recall.found == 30
    ids = [json.loads(line)["id"] for line in kept.read_text().splitlines()]
    assert ids == clusters.kept.to_pylist()
    assert decided.removed is not None
    removed = pyarrow.table(decided.removed)
    assert removed["id"].to_pylist() == [str(n) for n in clusters.removed.column("document").to_pylist()]
    assert "300 documents in = 270 kept + 30 removed + 0 rejected" in str(decided)


def test_records_are_annotated(file: Path, tmp_path: Path) -> None:
    kept, removed = tmp_path / "kept.jsonl", tmp_path / "removed.jsonl"
    decided = dedup(file, kept=kept, removed=removed, annotate="dup_", keep="none", threshold=0.7)
    assert decided.counts["kept"] == 240 and decided.counts["removed"] == 60
    singles = [json.loads(line) for line in kept.read_text().splitlines()]
    assert all((one["dup_cluster"], one["dup_cluster_size"], one["dup_kept"]) == (None, 1, True) for one in singles)
    members = [json.loads(line) for line in removed.read_text().splitlines()]
    assert all(one["dup_cluster_size"] >= 2 and not one["dup_kept"] for one in members)
    assert decided.removed is not None
    table = pyarrow.table(decided.removed)
    cluster_of = {str(one["id"]): one["dup_cluster"] for one in members}
    assert dict(zip(table["id"].to_pylist(), table["cluster"].to_pylist(), strict=True)) == cluster_of
    assert set(table["reason"].to_pylist()) == {"none kept"}
    # Each is removed for another document of its cluster.
    pairs = zip(table["id"].to_pylist(), table["kept"].to_pylist(), strict=True)
    assert all(own != other and cluster_of[own] == cluster_of[other] for own, other in pairs)
    with pytest.raises(ValueError, match="--kept and --removed"):
        dedup(file, annotate="dup_")


def test_jobs_in_bounded_memory(file: Path, tmp_path: Path) -> None:
    free = dedup(file, clusters=tmp_path / "free.tsv")
    bounded = dedup([file], clusters=tmp_path / "bounded.tsv", memory="64MiB", work=tmp_path / "work")
    assert bounded.removed is None and bounded.counts == free.counts
    assert (tmp_path / "free.tsv").read_bytes() == (tmp_path / "bounded.tsv").read_bytes()


def test_days_against_an_index(file: Path, tmp_path: Path) -> None:
    dedup(file, save_index=tmp_path / "seen")
    (tmp_path / "next.jsonl").write_text(file.read_text().replace('"id": ', '"id": 1000'))
    decided = dedup(tmp_path / "next.jsonl", against=[tmp_path / "seen"])
    assert decided.counts["kept"] == 0 and decided.counts["matched"] == 300


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threshold": 7}, ValueError, "threshold"),
        ({"treshold": 0.7}, ValueError, "--treshold"),
        ({"text_field": "body"}, ValueError, "articles.jsonl:1"),
        ({"kept": "/nowhere/at/all/kept.jsonl"}, OSError, "nowhere"),
        ({"log": "json"}, TypeError, "--log"),
        ({"kept": b"kept.jsonl"}, TypeError, "kept is bytes"),
        ({"threads": 0}, ValueError, "threads is 0"),
        ({"freeze_weights": True}, ValueError, "--against"),
    ],
)
def test_what_is_wrong_is_said(
    file: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dedup(file, **options)  # type: ignore[arg-type]


def test_missing_files_are_os_errors(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere.jsonl"):
        dedup(tmp_path / "nowhere.jsonl")
    with pytest.raises(TypeError, match="a path is int"):
        dedup([7])  # type: ignore[list-item]


def test_paths_are_any_iterable(file: Path) -> None:
    assert dedup(file.parent.glob("*.jsonl"), memory=1e9).counts["in"] == 300  # type: ignore[arg-type]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)


def test_the_command_is_the_program(file: Path) -> None:
    ran = run("dedup", file, "--format", "json")
    assert ran.returncode == 0 and json.loads(ran.stdout)["documents"]["removed"] == 30
    assert run("dedup", file, "--threshold", "7").returncode == 2
    assert "Usage: resemblance dedup" in run("dedup", "--help").stdout
    assert "Usage: resemblance evaluate" in run("evaluate", "--help").stdout
    assert "Usage: resemblance leaks" in run("leaks", "--help").stdout
    leaks = run("leaks", file, "--in", file, "--format", "json")
    assert leaks.returncode == 0 and json.loads(leaks.stdout)["counts"]["items"] == 300
    assert run("--version").stdout == f"resemblance {resemblance.__version__}\n"
    assert run().returncode == 2 and run("cluster").returncode == 2
    compared = run("compare", file, file)
    assert compared.returncode == 0 and "1.000" in compared.stdout
    assert run("compare", file, "nowhere").returncode == 1
    with open("/dev/full", "w") as full:
        assert subprocess.run([COMMAND, "--help"], stdout=full).returncode == 0


LONG = """
import sys, threading
from resemblance import Deduper
text = [f"a long text about {n} things and {n + 1} more things of {n + 2} kinds" for n in range(200_000)] * 3
print("ready", flush=True)
Deduper(method="exact", shingle="words:1", threshold=0.3, threads=1).clusters(text)
print("done")
"""


def test_ctrl_c_ends_a_run() -> None:
    process = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    start = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in error and "done" not in out
    assert time.monotonic() - start < 20


def test_other_threads_run_meanwhile(articles: list[str]) -> None:
    import threading

    ticks = 0
    ended = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not ended.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    Deduper(method="exact", threshold=0.5).clusters(articles * 300)
    ended.set()
    thread.join()
    assert ticks > 20
