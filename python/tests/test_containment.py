import pytest

from resemblance import ContainmentIndex, Deduper

PAGES = {
    "ferry": "Shipping news. The steam ferry goes back into service on Monday, nine years after its last crossing. Tides.",
    "lighthouse": "Volunteers will open the lighthouse to visitors for one day in June.",
}
SENTENCE = "the steam ferry goes back into service on Monday, nine years after its last crossing"


def test_both_questions() -> None:
    index = ContainmentIndex()
    assert len(index) == 0 and index.containing(SENTENCE, 0.8) == []
    index.insert_all(list(PAGES), list(PAGES.values()))
    assert len(index) == 2 and "ferry" in index and "harbour" not in index and 7 not in index
    assert index.ids() == ["ferry", "lighthouse"] and index.memory_usage > 0
    (found,) = index.containing(SENTENCE, 0.8)
    assert (found.id, found.shared, found.containment) == ("ferry", 11, 1.0)
    assert repr(found) == "ContainmentMatch(id='ferry', containment=1.000000, shared=11)"
    assert index.contained_in(SENTENCE, 0.9) == []
    similarity = Deduper().similarity(SENTENCE, PAGES["ferry"])
    (found,) = index.contained_in(SENTENCE, 0.5)
    assert found.containment == similarity.containment_b
    assert index.remove("ferry") and not index.remove("ferry")
    assert index.containing(SENTENCE, 0.1) == []
    assert repr(index) == "<resemblance.ContainmentIndex of 1 documents, shingle words:5>"


def test_ids_of_one_type() -> None:
    index = ContainmentIndex(Deduper(shingle="words:2"))
    index.insert(2**64 - 1, SENTENCE)
    assert index.contained_in(PAGES["ferry"], 1.0)[0].id == 2**64 - 1
    with pytest.raises(TypeError, match='id "seven" is str, but the ids of this index are int'):
        index.insert("seven", "a text")
    with pytest.raises(ValueError, match="already"):
        index.insert(2**64 - 1, "a text")
    with pytest.raises(ValueError, match="1 ids for 2 texts"):
        index.insert_all([1], ["one", "two"])
    assert index.remove(2**64 - 1)
    index.insert("seven", "a text")
    assert index.ids() == ["seven"]


@pytest.mark.parametrize("containment", [0.0, -1.0, 1.5, float("nan")])
def test_a_containment_out_of_range_is_an_error(containment: float) -> None:
    index = ContainmentIndex()
    with pytest.raises(ValueError, match="containment .*: must be above 0 and at most 1"):
        index.containing(SENTENCE, containment)
    with pytest.raises(ValueError, match="containment"):
        index.contained_in(SENTENCE, containment)


def test_settings_of_the_deduper() -> None:
    assert len(ContainmentIndex(Deduper(measure="containment"))) == 0
    with pytest.raises(ValueError, match="without weights"):
        ContainmentIndex(Deduper(weights="ln"))
