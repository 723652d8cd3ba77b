import pytest

from resemblance import Deduper

FERRY = "The steam ferry goes back into service on Monday, nine years after its last crossing."


def test_passages_are_slices_of_both_texts() -> None:
    page = "渡し船 👩‍👧 NEWS\n" + FERRY.replace("Monday", "Tuesday") + " © Gazette"
    passages = Deduper().passages(FERRY, page)
    assert len(passages) == 1
    passage = passages[0]
    assert FERRY[passage.a] == FERRY[:-1]
    assert page[passage.b] == FERRY.replace("Monday", "Tuesday")[:-1]
    assert passage.words == 14
    assert [(FERRY[a], page[b]) for a, b in passage.runs] == [
        ("The steam ferry goes back into service on",) * 2,
        ("nine years after its last crossing",) * 2,
    ]
    assert passages.share_a == 14 / 15
    assert [FERRY[only] for only in passages.only_in_a] == ["Monday"]
    assert [page[only] for only in passages.only_in_b][1:] == ["Tuesday", "Gazette"]
    assert page[passages.only_in_b[0]].startswith("渡し船") and page[passages.only_in_b[0]].endswith("NEWS")
    assert repr(passage).startswith("Passage(a=slice(0, 84, 1), b=slice(")


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 700])
def test_places_after_characters_of_all_lengths(length: int) -> None:
    for character in "aé漢👩":
        a = f"{character * length} {FERRY} tower"
        for b in (a, f"{FERRY} tower"):
            (passage,) = Deduper().passages(a, b)
            assert a[passage.a].endswith("crossing. tower") and a.endswith(a[passage.a])
            assert b[passage.b].endswith("crossing. tower") and b.endswith(b[passage.b])


def test_settings_change_what_a_passage_is() -> None:
    one, two = "one two three four five six", "one two three X five six"
    assert len(Deduper().passages(one, two)) == 0
    assert len(Deduper().passages(one, two, min_words=3)) == 1
    assert Deduper().passages(one, two, min_words=3)[0].words == 5
    assert Deduper().passages(one, two, min_words=3, max_gap=0)[0].words == 3
    assert Deduper(normalization="none").passages("A B C", "a b c", min_words=1).share_a == 0
    for wrong in ({"min_words": 0}, {"max_gap": 101}):
        with pytest.raises(ValueError, match="passage"):
            Deduper().passages(one, two, **wrong)


def test_passages_are_shown_side_by_side() -> None:
    passages = Deduper().passages(FERRY, f"<b> {FERRY}")
    assert str(passages).startswith("1 passage: 15 of 15 words of the first text (100.0%)")
    assert repr(passages) == "<resemblance.Passages: 1, 100.0% of a, 93.8% of b>"
    html = passages._repr_html_()  # type: ignore[attr-defined]
    assert "&lt;b&gt;" in html and "<b> " not in html


def test_a_cluster_shows_its_texts() -> None:
    texts = [FERRY, FERRY + " <script>", "A goat has eaten the minutes."]
    clusters = Deduper(threshold=0.5).clusters(texts)
    html = clusters[0]._repr_html_()  # type: ignore[attr-defined]
    assert "removed: 1" in html and "kept: 0" in html and "&lt;script&gt;" in html
    many = Deduper().clusters([FERRY] * 50)
    assert "and 44 more removed" in many[0]._repr_html_()  # type: ignore[attr-defined]
