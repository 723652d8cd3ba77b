import polars
import pyarrow
import pyarrow.compute
import pytest

from resemblance import Deduper

TEXTS = [
    "The steam ferry goes back into service on Monday, nine years after its last crossing.",
    None,
    "Volunteers will open the lighthouse to visitors for one day in June.",
    "The steam ferry goes back into service on Monday, nine years after its last crossing!",
]
KEPT = [0, 1, 2]

COLUMNS = {
    "string": pyarrow.array(TEXTS),
    "large string": pyarrow.array(TEXTS, pyarrow.large_string()),
    "string view": pyarrow.array(TEXTS, pyarrow.string_view()),
    "dictionary": pyarrow.array(TEXTS).dictionary_encode(),
    "chunks": pyarrow.chunked_array([TEXTS[:1], [], TEXTS[1:]], pyarrow.string()),
    "slice": pyarrow.array(["before", *TEXTS, "after"]).slice(1, 4),
    "polars": polars.Series(TEXTS),
    "polars categories": polars.Series(TEXTS, dtype=polars.Categorical),
    "column of a table": pyarrow.table({"text": TEXTS})["text"],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_strings_are_read(name: str) -> None:
    clusters = Deduper().clusters(COLUMNS[name])
    assert clusters.kept.to_pylist() == KEPT
    assert clusters.nulls == 1


def test_a_column_of_nulls() -> None:
    assert Deduper().clusters(pyarrow.nulls(3)).nulls == 3
    assert len(Deduper().clusters(pyarrow.array([], pyarrow.string()))) == 0
    assert len(Deduper().clusters(pyarrow.chunked_array([], pyarrow.string()))) == 0


def test_other_columns_are_refused() -> None:
    with pytest.raises(TypeError, match="Arrow array of Int64, not of strings"):
        Deduper().clusters(pyarrow.array([1, 2]))
    with pytest.raises(TypeError, match=r"texts is a table: pass one of its columns \(`id`, `text`\)"):
        Deduper().clusters(pyarrow.table({"id": [1], "text": ["a"]}))


def test_results_are_arrow() -> None:
    clusters = Deduper().clusters(TEXTS)
    table = pyarrow.table(clusters)
    assert table["document"].to_pylist() == [0, 1, 2, 3]
    assert table["kept"].to_pylist() == [0, 1, 2, 0]
    assert table["cluster"].to_pylist() == [0, None, None, 0]
    assert table["jaccard"].to_pylist() == [None, None, None, 1.0]
    column = pyarrow.table({"text": TEXTS})
    assert column.filter(pyarrow.array(clusters.is_kept)).num_rows == 3
    assert polars.DataFrame({"text": TEXTS}).filter(polars.Series(clusters.is_kept)).height == 3
    assert polars.DataFrame(clusters.removed)["document"].to_list() == [3]
    pairs = pyarrow.table(Deduper().pairs(TEXTS))
    assert pairs.to_pylist()[0]["b"] == 3
    signatures = pyarrow.array(Deduper().signatures(TEXTS))
    assert signatures.type == pyarrow.list_(pyarrow.field("item", pyarrow.uint32(), nullable=False), 128)
    assert signatures.null_count == 1


def test_orders_are_columns() -> None:
    texts = [TEXTS[0]] * 4
    for values in ([3, 1, 2, None], [3.5, 1.5, float("nan"), 2.0], ["c", "a", "b", None]):
        for column in (pyarrow.array(values), pyarrow.chunked_array([values[:1], values[1:]]), polars.Series(values)):
            assert Deduper().clusters(texts, order=column).kept.to_pylist() == [1]


def test_rows_and_columns_by_name() -> None:
    pairs = Deduper().pairs(TEXTS)
    assert pairs[-1] == pairs[0] and len(pairs) == 1
    assert pairs.column("jaccard").to_pylist() == [1.0]
    with pytest.raises(KeyError, match="no column `similarity`"):
        pairs.column("similarity")
    with pytest.raises(IndexError):
        pairs[1]


def test_damaged_columns_are_refused() -> None:
    latin = pyarrow.array([b"fine", b"caf\xe9"]).cast(pyarrow.string(), safe=False)
    for column in (latin, latin.cast(pyarrow.large_string()), pyarrow.chunked_array([latin])):
        with pytest.raises(ValueError, match=r"texts\[1\] is not UTF-8"):
            Deduper().clusters(column)
    missing = pyarrow.Array.from_buffers(
        pyarrow.string(), 2, [pyarrow.py_buffer(b"\x01"), latin.buffers()[1], latin.buffers()[2]]
    )
    assert Deduper().clusters(missing).nulls == 1
    views = pyarrow.array([b"fine", b"caf\xe9"]).view(pyarrow.string()).cast(pyarrow.string_view(), safe=False)
    with pytest.raises(ValueError, match="texts is damaged"):
        Deduper().clusters(views)
    offsets = pyarrow.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]))
    backwards = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, offsets, pyarrow.py_buffer(b"abc")])
    with pytest.raises(ValueError, match="texts is damaged"):
        Deduper().clusters(backwards)
    keys = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 9]), pyarrow.array(["x"]), safe=False)
    with pytest.raises(ValueError, match="texts is damaged"):
        Deduper().clusters(keys)


def test_columns_without_values() -> None:
    categories = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    for column in (
        pyarrow.array([None, None], categories),
        polars.Series([None, None], dtype=polars.Categorical),
        pyarrow.array([None, None], pyarrow.float64()),
    ):
        assert Deduper().clusters(column).nulls == 2
        assert Deduper().clusters(TEXTS[:2], groups=column).documents == 2
    assert len(Deduper().clusters(pyarrow.array([], categories))) == 0


def test_a_table_of_one_column_is_that_column() -> None:
    assert Deduper().clusters(pyarrow.table({"text": TEXTS})).kept.to_pylist() == KEPT


def test_categories_are_no_order() -> None:
    order = pyarrow.array(["low", "high"]).dictionary_encode()
    with pytest.raises(TypeError, match="order is a column of categories"):
        Deduper().clusters([TEXTS[0], TEXTS[0]], order=order)


def test_an_order_without_values_keeps_the_first() -> None:
    for order in (pyarrow.nulls(2), pyarrow.array([None, None], pyarrow.int64()), [None, None]):
        assert Deduper().clusters([TEXTS[0], TEXTS[0]], order=order).kept.to_pylist() == [0]


class Stale:
    """Gives the same capsules twice."""

    def __init__(self) -> None:
        self.capsules = pyarrow.array(["a", "b"]).__arrow_c_array__()

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.capsules


def test_what_breaks_the_protocol_is_refused() -> None:
    stale = Stale()
    assert Deduper().clusters(stale).documents == 2
    with pytest.raises(ValueError):
        Deduper().clusters(stale)
