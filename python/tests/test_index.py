from pathlib import Path

import pytest

from resemblance import Deduper, Index, Sieve

TEXTS = {
    "ferry": "The steam ferry goes back into service on Monday, nine years after its last crossing.",
    "lighthouse": "Volunteers will open the lighthouse to visitors for one day in June.",
}
QUERY = "NEWS The steam ferry goes back into service on Monday, nine years after its last crossing."


def test_an_index_of_strings(tmp_path: Path) -> None:
    index = Index(Deduper(threshold=0.7))
    assert len(index) == 0 and index.query(QUERY) == []
    index.insert_all(list(TEXTS), list(TEXTS.values()))
    assert len(index) == 2 and "ferry" in index and "harbour" not in index and 7 not in index
    match = index.query(QUERY)[0]
    assert match.id == "ferry" and match.jaccard > 0.7 and 0 < match.error < 0.1
    for text_of in (TEXTS, TEXTS.get, TEXTS.__getitem__):
        verified = index.query_verified(QUERY, text_of)
        assert [found.id for found in verified] == ["ferry"]
        assert verified[0].similarity == Deduper().similarity(QUERY, TEXTS["ferry"])
    assert index.query_verified(QUERY, {}) == []
    assert [found.id for found in index.top_k(QUERY, 5)] == ["ferry"]
    index.save(tmp_path / "index")
    opened = Index.open(tmp_path / "index")
    assert opened.ids() == ["ferry", "lighthouse"]
    assert opened.remove("ferry") and not opened.remove("ferry")
    assert opened.query(QUERY) == []
    opened.insert("late", QUERY)
    assert opened.query(QUERY)[0].id == "late"


def test_an_index_of_numbers(tmp_path: Path) -> None:
    index = Index()
    index.insert(2**64 - 1, TEXTS["ferry"])
    assert index.query(TEXTS["ferry"])[0].id == 2**64 - 1
    index.save(tmp_path / "index")
    opened = Index.open(tmp_path / "index")
    assert opened.ids() == [2**64 - 1]
    with pytest.raises(TypeError, match='id "seven" is str, but the ids of this index are int'):
        opened.insert("seven", "a text")
    with pytest.raises(ValueError, match="id -1 is not from 0"):
        opened.insert(-1, "a text")


def test_ids_are_taken_once() -> None:
    index = Index()
    index.insert("a", "some text")
    with pytest.raises(ValueError, match="a"):
        index.insert("a", "another text")
    with pytest.raises(ValueError, match="1 ids for 2 texts"):
        index.insert_all(["b"], ["one", "two"])
    with pytest.raises(ValueError):
        index.insert_all(["b", "b"], ["one", "two"])
    assert len(index) == 1
    with pytest.raises(TypeError, match="id 1.5 is float: ids are str or int"):
        index.insert(1.5, "a text")  # type: ignore[arg-type]


def test_a_callback_may_use_the_index() -> None:
    index = Index()
    index.insert("ferry", TEXTS["ferry"])

    def text_of(id: str) -> str:
        index.insert(f"copy of {id}", TEXTS[id])
        return TEXTS[id]

    assert [found.id for found in index.query_verified(TEXTS["ferry"], text_of)] == ["ferry"]
    assert len(index) == 2


def test_missing_and_damaged_indexes_are_os_errors(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        Index.open(tmp_path / "nowhere")
    index = Index()
    index.insert("a", "some text")
    index.save(tmp_path / "index")
    for file in (tmp_path / "index").rglob("*"):
        if file.suffix == ".bin":
            file.write_bytes(b"nothing")
    with pytest.raises(OSError, match="corrupt"):
        Index.open(tmp_path / "index")


def test_a_sieve(tmp_path: Path) -> None:
    sieve = Sieve(Deduper(threshold=0.7))
    verdicts = [sieve.admit(text) for text in (TEXTS["ferry"], TEXTS["lighthouse"], QUERY, "")]
    assert [bool(verdict) for verdict in verdicts] == [True, True, False, True]
    dropped = verdicts[2]
    assert dropped.document == 0 and dropped.similarity == Deduper().similarity(QUERY, TEXTS["ferry"])
    assert verdicts[3].is_empty and verdicts[0].document is None
    assert sieve.counts == {"documents": 4, "passed": 3, "empty": 1, "dropped": 1, "failed": 0}
    sieve.save(tmp_path / "sieve")
    opened = Sieve.open(tmp_path / "sieve")
    assert not opened.admit(QUERY, id=77)
    assert opened.admit_all([QUERY, "something else that nobody has seen yet at all"]).to_pylist() == [False, True]


def test_memories_of_a_sieve() -> None:
    assert not Sieve(documents=1000, rate=0.001).admit(QUERY) is None
    last = Sieve(last=1)
    assert last.admit(QUERY) and last.admit(TEXTS["lighthouse"]) and last.admit(QUERY)
    with pytest.raises(ValueError, match="together with rate"):
        Sieve(documents=1000)
    with pytest.raises(ValueError):
        Sieve(documents=1000, rate=2.0)


def test_ids_that_run_python_code_do_not_block() -> None:
    index = Index()

    class Curious(str):
        def __hash__(self) -> int:
            return len(index)

        def __repr__(self) -> str:
            return f"{len(index)}"

    index.insert(Curious("a"), "some text")
    with pytest.raises(TypeError):
        index.insert([Curious("a")], "some text")  # type: ignore[arg-type]
    assert Curious("a") in index and index.remove(Curious("a"))


def test_the_first_document_decides_the_type_of_ids() -> None:
    index = Index()
    with pytest.raises(TypeError):
        index.insert_all([1, "a"], ["one", "two"])
    index.insert("a", "one")
    with pytest.raises(TypeError, match="id 1 is int, but the ids of this index are str"):
        index.insert(1, "two")
    assert index.remove("a")
    index.insert(1, "two")
    with pytest.raises(TypeError, match="id True is bool"):
        index.insert(True, "three")
    assert True not in index


def test_other_rules_are_refused() -> None:
    for deduper in (Deduper(measure="containment"), Deduper(weights="ln")):
        with pytest.raises(ValueError, match="Jaccard"):
            Index(deduper)
        with pytest.raises(ValueError):
            Sieve(deduper)
