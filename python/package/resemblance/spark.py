"""Near-duplicates of Spark DataFrames: the same decisions as `resemblance.dedup` with the exact join, on many machines.

Needs DataFrames alone, so it runs on Spark 4 (classic and Connect) and on Sail. The steps are those of the crate's module
`engine`; each is a function of its input, so Spark may repeat it, and rows may come in any order.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType

from resemblance._native import Deduper, Steps, bins, forest

__all__ = ["decisions", "deduplicate", "pairs"]

_Order = str | Column | Iterable[str | Column] | None

# The bytes of the sets of a bucket, about, and the least for which another bucket is worth its messages.
_BUCKET = 1 << 26
_LEAST = 1 << 22

_MESSAGES = "to int, body binary"
_PAIRS = "a long, b long"
_DECIDED = ("kept", "is_kept", "jaccard", "containment_in_kept", "containment_of_kept")


def decisions(
    df: DataFrame,
    *,
    text: str = "text",
    id: str = "id",
    order: _Order = None,
    deduper: Deduper | None = None,
    buckets: int | None = None,
    most_pairs: int = 50_000_000,
) -> DataFrame:
    """A row for each document: its id; `kept`, the id of the document that is kept, itself or another; `is_kept`; and the
    similarity to the kept one, null for a kept document: `jaccard`, `containment_in_kept`, `containment_of_kept`.

    - text: the column of texts. A null is a document without text: it is kept, and resembles nothing.
    - id: the column of ids, which are unique.
    - order: columns of which the least values are kept, nulls last; then the least id. Default: the `keep` of the deduper,
      then the least id.
    - deduper: the settings. Its method is of no account: every pair is found.
    - buckets: how many parts the work is split into. Default: one for 64 MB of shingle sets, and more for small collections,
      up to the number of shuffle partitions.
    - most_pairs: how many pairs of sets the driver may connect, at about 40 bytes each. There are fewer pairs than connected
      sets in each part of the work.
    """
    job = _Job(df, text, id, order, deduper, buckets, most_pairs)
    if id in _DECIDED:
        raise ValueError(f"the ids are in `{id}`, which is a column of the result: rename it")
    removed = job.in_bins(_decide, "fingerprint binary, kept_fingerprint binary, jaccard double, "
        "containment_in_kept double, containment_of_kept double")
    firsts = job.firsts()
    ids = firsts.select(F.col("fingerprint").alias("kept_fingerprint"), F.col("first.id").alias("kept"))
    removed = removed.join(ids, "kept_fingerprint").drop("kept_fingerprint")
    sets = firsts.select("fingerprint", F.col("first.id").alias("first")).join(removed, "fingerprint", "left")
    every = job.members.join(sets, "fingerprint", "left")
    kept = F.coalesce("kept", "first", "id")
    is_kept = kept == F.col("id")

    def share(name: str) -> Column:
        return F.when(~is_kept, F.coalesce(name, F.lit(1.0))).alias(name)

    return every.select(F.col("id").alias(id), kept.alias("kept"), is_kept.alias("is_kept"), *map(share, _DECIDED[2:]))


def deduplicate(
    df: DataFrame,
    *,
    text: str = "text",
    id: str = "id",
    order: _Order = None,
    deduper: Deduper | None = None,
    buckets: int | None = None,
    most_pairs: int = 50_000_000,
) -> DataFrame:
    """The rows of `df` without near-duplicates: of each cluster, the document that is kept. The arguments are those of
    `decisions`."""
    decided = decisions(
        df, text=text, id=id, order=order, deduper=deduper, buckets=buckets, most_pairs=most_pairs
    )
    removed = decided.where(~F.col("is_kept")).select(_column(id))
    return df.join(removed, id, "left_anti")


def pairs(
    df: DataFrame,
    *,
    text: str = "text",
    id: str = "id",
    deduper: Deduper | None = None,
    pairs_of_copies: Literal["all", "star"] = "all",
    buckets: int | None = None,
    most_pairs: int = 50_000_000,
) -> DataFrame:
    """Every pair of near-duplicates: the ids `a` and `b`, of which `a` is less; `jaccard`, `containment_a`, `containment_b` and
    `shared`.

    With `pairs_of_copies="star"`, documents with the same shingles make a pair with that of the least id only: a thousand
    copies are 999 pairs instead of half a million. The other arguments are those of `decisions`.
    """
    if pairs_of_copies not in ("all", "star"):
        raise ValueError(f"pairs_of_copies is {pairs_of_copies!r}: use 'all' or 'star'")
    job = _Job(df, text, id, _column(id), deduper, buckets, most_pairs)
    found = job.in_bins(_pairs, "fingerprint_a binary, fingerprint_b binary, jaccard double, containment_a double, "
        "containment_b double, shared long")
    members = job.members.where("fingerprint is not null").select("fingerprint", "id", "shingles")
    firsts = job.firsts().select("fingerprint", F.col("first.id").alias("id"))
    some = members if pairs_of_copies == "all" else firsts

    def side(name: str, of: DataFrame) -> DataFrame:
        return of.select(F.col("fingerprint").alias(f"fingerprint_{name}"), F.col("id").alias(name))

    between = found.join(side("a", some), "fingerprint_a").join(side("b", some), "fingerprint_b")
    turned = F.col("a") > F.col("b")

    def least(one: str, other: str) -> Column:
        return F.when(turned, F.col(other)).otherwise(F.col(one)).alias(one)

    between = between.select(
        least("a", "b"),
        least("b", "a"),
        "jaccard",
        least("containment_a", "containment_b"),
        least("containment_b", "containment_a"),
        "shared",
    )
    one = F.lit(1.0)
    copies = side("a", some).join(members.withColumnsRenamed({"fingerprint": "fingerprint_a", "id": "b"}), "fingerprint_a")
    copies = copies.where("a < b").select(
        "a", "b", one.alias("jaccard"), one.alias("containment_a"), one.alias("containment_b"), F.col("shingles").alias("shared")
    )
    return between.unionByName(copies)


class _Job:
    """The steps up to the bins of sets that resemble one another."""

    def __init__(
        self,
        df: DataFrame,
        text: str,
        id: str,
        order: _Order,
        deduper: Deduper | None,
        buckets: int | None,
        most_pairs: int,
    ) -> None:
        self.most_pairs = most_pairs
        self.deduper = Deduper() if deduper is None else deduper
        Steps(self.deduper)  # refuses what cannot be distributed
        if buckets is not None and not 1 <= buckets <= 1 << 20:
            raise ValueError(f"buckets is {buckets}: choose from 1 to {1 << 20}")
        self.spark = df.sparkSession
        fields = {field.name: field.dataType for field in df.schema.fields}
        for name in (text, id):
            if name not in fields:
                raise ValueError(f"no column `{name}`: there are {', '.join(f'`{name}`' for name in fields)}")
        if not isinstance(fields[text], StringType):
            raise TypeError(f"the column `{text}` is {fields[text].simpleString()}, not string")
        _check_sorts(f"the column `{id}`", fields[id])

        named = [order] if isinstance(order, str | Column) else list(order or ())
        by = [F.col(one) if isinstance(one, str) else one for one in named]
        by = [column.alias(f"order{place}") for place, column in enumerate(by)]
        try:
            source = df.select(_column(id).alias("id"), *by, _column(text).alias("text"))
            schema = source.schema
        except AnalysisException as error:
            raise ValueError(f"order: {error}") from error
        self.order = schema.names[1:-1]
        for name, said in zip(self.order, named, strict=True):
            _check_sorts(f"order {said}", schema[name].dataType)
        _check_ids(source.select("id"), id)

        of_members = schema.fields[:-1]
        made = StructType().add("fingerprint", "binary").add("shingles", "long").add("bytes", "long").fields
        self.members = source.mapInArrow(_digests(self.deduper), StructType(of_members + made)).persist()
        count, shingles = self.members.agg(F.count("fingerprint"), F.sum("shingles")).first() or (0, 0)
        self.bytes_of_set = max(8, 8 * (shingles or 0) // max(1, count))
        self.buckets = buckets or self._buckets(8 * (shingles or 0))
        if not named:
            self._order_by_keep()

        sets = source.select("text").mapInArrow(_sets(self.deduper, self.buckets), "to int, fingerprint binary, set binary")
        pages = sets.groupBy("to").applyInArrow(_pack, _MESSAGES)
        # As the other sides of joins are distributed: so the pages are not sent again, once Spark has seen how they lie.
        self.pages = pages.repartition(self._partitions(), "to").persist()
        self.pages.count()

    def _partitions(self) -> int:
        return int(self.spark.conf.get("spark.sql.shuffle.partitions", "200") or 200)

    def _buckets(self, size: int) -> int:
        return max(1, -(-size // _BUCKET), min(-(-size // _LEAST), self._partitions()))

    def _order_by_keep(self) -> None:
        column = {"longest": "bytes", "largest": "shingles"}.get(str(self.deduper.settings["keep"]))
        if column:
            self.members = self.members.withColumn("order0", -F.col(column))
            self.order = ["order0"]

    def firsts(self) -> DataFrame:
        """For each fingerprint, the document that is kept of those with it, with its order."""
        fields = [field for name in self.order for field in (F.col(name).isNull().alias(f"no_{name}"), F.col(name))]
        first = F.min(F.struct(*fields, F.col("id"))).alias("first")
        return self.members.where("fingerprint is not null").groupBy("fingerprint").agg(first)

    def in_bins(self, decide: "Callable[[Deduper], _OfBin]", schema: str) -> DataFrame:
        """What `decide` makes of each bin of sets that resemble no set of another bin."""
        assigned = self.spark.createDataFrame(self._assigned(), "to int, place int, bin int")
        taken = self._with_pages(assigned, _take, "bin int, fingerprint binary, set binary")
        ordered = taken.join(self.firsts(), "fingerprint").select("bin", "fingerprint", "set", "first.*")
        return ordered.groupBy("bin").applyInArrow(decide(self.deduper), schema)

    def _with_pages(self, messages: DataFrame, step: "_OfBucket", schema: str) -> DataFrame:
        return self.pages.groupBy("to").cogroup(messages.groupBy("to")).applyInArrow(step, schema)

    def _assigned(self) -> pa.Table:
        """The sets that resemble others: their buckets, places and bins."""
        deduper, ranges = self.deduper, self.buckets
        counts = self.pages.groupBy("to").applyInArrow(_count(deduper, ranges), "to int, source int, body binary")
        sums = counts.groupBy("to").applyInArrow(_sum(deduper), _MESSAGES)
        scanned = self._with_pages(sums, _scan(deduper, ranges), "is_part boolean, to int, body binary").persist()
        of_ranges = scanned.where("not is_part").select("to", "body").groupBy("to")
        candidates = of_ranges.applyInArrow(_candidates(deduper), _MESSAGES)
        asked = self._with_pages(candidates, _fetch, _MESSAGES)
        similar = self._with_pages(asked, _verify(deduper), _PAIRS)
        parts = scanned.where("is_part").select("to", "body").groupBy("to")
        merged = parts.applyInArrow(_merge(deduper), f"{_PAIRS}, {_MESSAGES}").persist()
        parts = merged.where("body is not null").select("to", "body").groupBy("to")
        connected = parts.applyInArrow(_connect(deduper), _PAIRS)
        found = similar.unionAll(merged.where("body is null").select("a", "b")).unionAll(connected)
        few = found.mapInArrow(_forest, _PAIRS).persist()
        count = few.count()
        if count > self.most_pairs:
            raise ValueError(
                f"{count} pairs connect sets, and most_pairs is {self.most_pairs}: allow more, at about 40 bytes each at the driver"
            )
        edges = few.toArrow()
        for done in (scanned, merged, few):
            done.unpersist()
        together = min(_BUCKET // self.bytes_of_set, edges.num_rows // self.buckets)
        return pa.table(bins(edges["a"], edges["b"], max(1, together)))


_OfBatches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
_OfGroup = Callable[[pa.Table], pa.Table]
_OfBin = Callable[[pa.Table], pa.Table]
_OfBucket = Callable[[tuple[pa.Scalar, ...], pa.Table, pa.Table], pa.Table]


def _column(name: str) -> Column:
    quoted = name.replace("`", "``")
    return F.col(f"`{quoted}`")


def _check_sorts(what: str, kind: DataType) -> None:
    if isinstance(kind, ArrayType | MapType | StructType) or kind.typeName() in ("variant", "void"):
        raise TypeError(f"{what} is {kind.simpleString()}, which has no order: use numbers, strings or times")


def _check_ids(ids: DataFrame, name: str) -> None:
    nulls = ids.where("id is null").count()
    if nulls:
        raise ValueError(f"the column `{name}` has {nulls} nulls: give each document an id, or drop these rows")
    repeated = ids.groupBy("id").count().where("count > 1").orderBy("id").limit(3).collect()
    if repeated:
        which = ", ".join(f"{row['id']!r} ({row['count']} times)" for row in repeated)
        raise ValueError(f"the column `{name}` has ids that are not unique, such as {which}: make them unique")


def _digests(deduper: Deduper) -> _OfBatches:
    def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        steps = Steps(deduper)
        for batch in batches:
            table = pa.Table.from_batches([batch])
            made = pa.table(steps.digests(table["text"]))
            table = table.drop_columns(["text"])
            for name in made.column_names:
                table = table.append_column(name, made[name])
            yield from table.to_batches()

    return step


def _sets(deduper: Deduper, buckets: int) -> _OfBatches:
    def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        steps = Steps(deduper)
        for batch in batches:
            yield from pa.table(steps.sets(batch.column("text"), buckets)).to_batches()

    return step


def _pack(table: pa.Table) -> pa.Table:
    return pa.table(Steps.pack(table["to"][0].as_py(), table["fingerprint"], table["set"]))


def _count(deduper: Deduper, ranges: int) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        counts = pa.table(Steps(deduper).count(table["body"], ranges))
        return counts.add_column(1, "source", pa.repeat(table["to"][0], counts.num_rows))

    return step


def _sum(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        return pa.table(Steps(deduper).sum(table["source"].to_pylist(), table["body"]))

    return step


def _scan(deduper: Deduper, ranges: int) -> _OfBucket:
    def step(key: tuple[pa.Scalar, ...], pages: pa.Table, counts: pa.Table) -> pa.Table:
        found = Steps(deduper).scan(key[0].as_py(), pages["body"], counts["body"], ranges)
        return pa.concat_tables(
            table.add_column(0, "is_part", pa.repeat(is_part, table.num_rows))
            for is_part, table in zip((False, True), map(pa.table, found), strict=True)
        )

    return step


def _candidates(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        return pa.table(Steps(deduper).candidates(table["body"]))

    return step


def _fetch(key: tuple[pa.Scalar, ...], pages: pa.Table, pairs: pa.Table) -> pa.Table:
    return pa.table(Steps.fetch(key[0].as_py(), pages["body"], pairs["body"]))


def _verify(deduper: Deduper) -> _OfBucket:
    def step(key: tuple[pa.Scalar, ...], pages: pa.Table, asked: pa.Table) -> pa.Table:
        return pa.table(Steps(deduper).verify(key[0].as_py(), pages["body"], asked["body"]))

    return step


def _merge(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        parts, pairs = map(pa.table, Steps(deduper).merge(0, table["body"]))
        return pa.concat_tables([pairs, parts], promote_options="default")  # with nulls

    return step


def _connect(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        return pa.table(Steps(deduper).connect(table["body"]))

    return step


def _forest(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Fewer pairs that connect the same sets."""
    for batch in batches:
        yield from pa.table(forest(batch.column("a"), batch.column("b"))).to_batches()


def _take(key: tuple[pa.Scalar, ...], pages: pa.Table, assigned: pa.Table) -> pa.Table:
    sets = pa.table(Steps.take(pages["body"], assigned["place"].to_pylist()))
    return sets.add_column(0, "bin", assigned["bin"])


def _decide(deduper: Deduper) -> _OfBin:
    def step(table: pa.Table) -> pa.Table:
        removed = pa.table(Steps(deduper).decide(table["set"], _ranks(table)))
        columns = {
            "fingerprint": table["fingerprint"].take(removed["document"]),
            "kept_fingerprint": table["fingerprint"].take(removed["kept"]),
        }
        return pa.table(columns | {name: removed[name] for name in _DECIDED[2:]})

    return step


def _pairs(deduper: Deduper) -> _OfBin:
    def step(table: pa.Table) -> pa.Table:
        found = pa.table(Steps(deduper).pairs(table["set"]))
        sides = {f"fingerprint_{side}": table["fingerprint"].take(found[side]) for side in ("a", "b")}
        columns = {name: found[name] for name in ("jaccard", "containment_a", "containment_b")}
        return pa.table(sides | columns | {"shared": found["shared"].cast(pa.int64())})

    return step


def _ranks(table: pa.Table) -> pa.Array:
    """The place of each set in the order by which documents are kept."""
    by = [(name, "ascending") for name in table.column_names if name not in ("bin", "fingerprint", "set")]
    places = pc.sort_indices(table, sort_keys=by)
    return pc.sort_indices(places)
