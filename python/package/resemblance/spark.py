"""Near-duplicates of Spark DataFrames: the same decisions as `resemblance.dedup` with the exact join, on many machines.

Needs DataFrames alone, so it runs on Spark 4 (classic and Connect) and on Sail. The steps are those of the crate's module
`engine`; each is a function of its input, so Spark may repeat it, and rows may come in any order.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from resemblance._native import Deduper, Steps, Table, bins, forest

__all__ = ["decisions", "deduplicate", "pairs"]

_Order = str | Column | Iterable[str | Column] | None

# The bytes of the sets of a bucket, about, and the least for which another bucket is worth its messages.
_BUCKET = 1 << 26
_SMALL_BUCKET = 1 << 22
# The rows that are sent to the cluster at once.
_ROWS = 4_000_000
# The bytes of texts that are shingled at once, and of a column that is returned at once: Arrow counts to 2 GB.
_TOGETHER = 1 << 27

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
    """Returns a row for each document: its id; `kept`, the id of the document that is kept for it (its own, if it is kept);
    `is_kept`; and the similarity to the kept one, null for a kept document: `jaccard`, `containment_in_kept`,
    `containment_of_kept`.

    - text: the column of texts. A null is a document without text: it is kept, and resembles nothing.
    - id: the column of ids, which must be unique and not null.
    - order: columns or expressions. Of each cluster, the document with the smallest values is kept. Nulls come last, and ties
      go to the smallest id. For the largest number first, use `-F.col("x")`. Default: the `keep` of the deduper.
    - deduper: the settings. `method` is ignored: the join is always exact.
    - buckets: the number of parts into which the work is split. Default: one for each 64 MB of shingle sets; in small
      collections one for each 4 MB, at most `spark.sql.shuffle.partitions`.
    - most_pairs: the most pairs that may be connected at the driver, at about 40 bytes each. Expect two or three for each
      distinct text that has a near-duplicate. A run that finds more ends with an error.

    `df` and `order` must give the same values whenever they are computed.
    """
    job = _Job(df, text, id, order, deduper, buckets, most_pairs)
    if id.lower() in _DECIDED:
        raise ValueError(f"the ids are in `{id}`, which is a column of the result: rename it")
    return _decided(job).withColumnRenamed("id", id)


def _decided(job: "_Job") -> DataFrame:
    schema = (
        "fingerprint binary, kept_fingerprint binary, jaccard double, containment_in_kept double, containment_of_kept double"
    )
    removed = job.in_bins(_decide, schema)
    firsts = job.firsts()
    ids = firsts.select(F.col("fingerprint").alias("kept_fingerprint"), F.col("first.id").alias("kept"))
    removed = removed.join(ids, "kept_fingerprint").drop("kept_fingerprint")
    sets = firsts.select("fingerprint", F.col("first.id").alias("first")).join(removed, "fingerprint", "left")
    documents = job.members.join(sets, "fingerprint", "left")
    kept = F.coalesce("kept", "first", "id")
    is_kept = kept == F.col("id")

    def share(name: str) -> Column:
        return F.when(~is_kept, F.coalesce(name, F.lit(1.0))).alias(name)

    return documents.select("id", kept.alias("kept"), is_kept.alias("is_kept"), *map(share, _DECIDED[2:]))


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
    job = _Job(df, text, id, order, deduper, buckets, most_pairs)
    name = f"removed of {df.columns}"  # longer than the name of any column
    removed = _decided(job).where(~F.col("is_kept")).select(F.col("id").alias(name))
    return df.join(removed, _column(id) == _column(name), "left_anti")


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

    With `pairs_of_copies="star"`, each of the documents with the same shingles is paired only with the one that has the
    smallest id: a thousand copies are 999 pairs instead of half a million. The other arguments are those of `decisions`.
    """
    if pairs_of_copies not in ("all", "star"):
        raise ValueError(f"pairs_of_copies is {pairs_of_copies!r}: use 'all' or 'star'")
    job = _Job(df, text, id, _column(id), deduper, buckets, most_pairs)
    schema = (
        "fingerprint_a binary, fingerprint_b binary, jaccard double, containment_a double, containment_b double, shared long"
    )
    found = job.in_bins(_pairs, schema)
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
        if not isinstance(df, DataFrame):
            raise TypeError(f"df is {type(df).__name__}, not a DataFrame")
        if df.isStreaming:
            raise ValueError("df is a stream: near-duplicates are found among rows that are all there")
        self.deduper = Deduper() if deduper is None else deduper
        Steps(self.deduper)  # refuses what cannot be distributed
        _check_number("buckets", 1 if buckets is None else buckets, 1, 1 << 16)
        _check_number("most_pairs", most_pairs, 0, 1 << 32)
        self.most_pairs = most_pairs
        self.spark = df.sparkSession
        fields = {field.name: field.dataType for field in df.schema.fields}
        for name in (text, id):
            if name not in fields:
                raise ValueError(f"no column `{name}`: there are {', '.join(f'`{name}`' for name in fields)}")
        if not isinstance(fields[text], T.StringType):
            raise TypeError(f"the column `{text}` is {fields[text].simpleString()}, not string")
        _check_sorts(f"the column `{id}`", fields[id])

        orders = [order] if isinstance(order, str | Column) else list(order or ())
        columns = []
        for place, column in enumerate(orders):
            if isinstance(column, str):
                column = _column(column) if column in fields else F.col(column)
            elif not isinstance(column, Column):
                raise TypeError(f"order has {column!r}: use names of columns, or expressions")
            if re.search(r" (ASC|DESC) NULLS (FIRST|LAST)\b", str(column)):
                raise ValueError(f"order has {column}, which is a direction: use an expression such as -F.col('x')")
            columns.append(column.alias(f"order{place}"))
        try:
            source = df.select(_column(id).alias("id"), *columns, _column(text).alias("text"))
            schema = source.schema
        except AnalysisException as error:
            raise ValueError(f"order: {error}") from error
        self.order = schema.names[1:-1]
        for name, column in zip(self.order, orders, strict=True):
            _check_sorts(f"order {column}", schema[name].dataType)
        _check_ids(source.select("id"), id)

        of_members = schema.fields[:-1]
        made = T.StructType().add("fingerprint", "binary").add("shingles", "long").add("bytes", "long").fields
        self.members = source.mapInArrow(_digests(self.deduper), T.StructType(of_members + made)).persist()
        count, shingles = self.members.agg(F.count("fingerprint"), F.sum("shingles")).first() or (0, 0)
        self.bytes_of_set = max(8, 8 * (shingles or 0) // max(1, count))
        self.buckets = buckets or self._buckets(8 * (shingles or 0))
        if not orders:
            self._order_by_keep()

        sets = source.select("text").mapInArrow(_sets(self.deduper, self.buckets), "to int, fingerprint binary, set binary")
        pages = sets.groupBy("to").applyInArrow(_pack, _MESSAGES)
        # Partitioned like the other side of each cogroup, so that Spark does not send the pages again. It knows how they are
        # partitioned once they are there.
        self.pages = pages.repartition(self._partitions(), "to").persist()
        self.pages.count()

    def _partitions(self) -> int:
        partitions = self.spark.conf.get("spark.sql.shuffle.partitions", "200") or ""
        return int(partitions) if partitions.isdigit() else 200  # "auto" on some platforms

    def _buckets(self, size: int) -> int:
        return max(1, -(-size // _BUCKET), min(-(-size // _SMALL_BUCKET), self._partitions()))

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

    def in_bins(self, decide: "Callable[[Deduper], _OfGroup]", schema: str) -> DataFrame:
        """What `decide` makes of each bin of sets that resemble no set of another bin."""
        try:
            assigned = self._assigned()
            # Spark Connect takes messages of up to 128 MB.
            parts = [assigned.slice(start, _ROWS) for start in range(0, max(1, assigned.num_rows), _ROWS)]
            frames = [self.spark.createDataFrame(part, "to int, place int, bin int") for part in parts]
            together = functools.reduce(lambda one, other: one.unionAll(other), frames)
            taken = self._with_pages(together, _take, "bin int, fingerprint binary, set binary")
            ordered = taken.join(self.firsts(), "fingerprint").select("bin", "fingerprint", "set", "first.*")
            decided = ordered.groupBy("bin").applyInArrow(decide(self.deduper), schema).persist()
            decided.count()
            return decided
        finally:
            self.pages.unpersist()

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
        try:
            count = few.count()
            if count > self.most_pairs:
                raise ValueError(
                    f"{count} pairs connect sets, and most_pairs is {self.most_pairs}: allow more, which take about 40 bytes "
                    "each at the driver"
                )
            edges = few.toArrow()
        finally:
            for cached in (scanned, merged, few):
                cached.unpersist()
        together = min(_BUCKET // self.bytes_of_set, edges.num_rows // self.buckets)
        return pa.table(bins(edges["a"], edges["b"], max(1, together)))


_SORTED = (
    T.NumericType,
    T.StringType,
    T.CharType,
    T.VarcharType,
    T.BinaryType,
    T.BooleanType,
    T.DateType,
    T.TimestampType,
    T.TimestampNTZType,
    T.DayTimeIntervalType,
)

_OfBatches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
_OfGroup = Callable[[pa.Table], pa.Table]
_OfBucket = Callable[[tuple[pa.Scalar, ...], pa.Table, pa.Table], pa.Table]


def _column(name: str) -> Column:
    quoted = name.replace("`", "``")
    return F.col(f"`{quoted}`")


def _check_number(name: str, value: int, least: int, most: int) -> None:
    if type(value) is not int:
        raise TypeError(f"{name} is {value!r}, not a whole number")
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}: choose from {least} to {most}")


def _check_sorts(what: str, kind: T.DataType) -> None:
    if not isinstance(kind, _SORTED) or " collate " in kind.simpleString():
        raise TypeError(f"{what} is {kind.simpleString()}, by which documents are not sorted: use numbers, plain strings or times")


def _check_ids(ids: DataFrame, name: str) -> None:
    bad = ids.groupBy("id").count().where("count > 1 or id is null").orderBy(F.asc_nulls_first("id")).limit(3).collect()
    if bad and bad[0]["id"] is None:
        nulls = bad[0]["count"]
        raise ValueError(f"the column `{name}` is null in {nulls} rows: give each document an id, or drop these rows")
    if bad:
        which = ", ".join(f"{row['id']!r} ({row['count']} times)" for row in bad)
        raise ValueError(f"the column `{name}` has ids that are not unique, such as {which}: make them unique")


def _as_spark_has_it(made: Table | pa.Table, given: pa.Table | pa.RecordBatch) -> pa.Table:
    """A table whose columns of bytes are of the type that this session of Spark uses, which is that of what it gave."""
    table = pa.table(made)
    if any(kind in (pa.large_binary(), pa.large_string()) for kind in given.schema.types):
        return table
    is_large = pa.large_binary().equals
    schema = pa.schema([field.with_type(pa.binary()) if is_large(field.type) else field for field in table.schema])
    rows = max(1, table.num_rows * _TOGETHER // max(1, table.nbytes))
    parts = [table.slice(start, rows).cast(schema) for start in range(0, max(1, table.num_rows), rows)]
    return pa.concat_tables(parts)


def _small(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that are not too large to shingle at once."""
    for batch in batches:
        rows = max(1, batch.num_rows * _TOGETHER // max(1, batch.nbytes))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _digests(deduper: Deduper) -> _OfBatches:
    def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        steps = Steps(deduper)
        for batch in _small(batches):
            table = pa.Table.from_batches([batch])
            made = _as_spark_has_it(steps.digests(table["text"]), batch)
            table = table.drop_columns(["text"])
            for name in made.column_names:
                table = table.append_column(name, made[name])
            yield from table.to_batches()

    return step


def _sets(deduper: Deduper, buckets: int) -> _OfBatches:
    def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        steps = Steps(deduper)
        for batch in _small(batches):
            yield from _as_spark_has_it(steps.sets(batch.column("text"), buckets), batch).to_batches()

    return step


def _pack(table: pa.Table) -> pa.Table:
    return _as_spark_has_it(Steps.pack(table["to"][0].as_py(), table["fingerprint"], table["set"]), table)


def _count(deduper: Deduper, ranges: int) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        counts = _as_spark_has_it(Steps(deduper).count(table["body"], ranges), table)
        return counts.add_column(1, "source", pa.repeat(table["to"][0], counts.num_rows))

    return step


def _sum(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        return _as_spark_has_it(Steps(deduper).sum(table["source"].to_pylist(), table["body"]), table)

    return step


def _scan(deduper: Deduper, ranges: int) -> _OfBucket:
    def step(key: tuple[pa.Scalar, ...], pages: pa.Table, counts: pa.Table) -> pa.Table:
        found = Steps(deduper).scan(key[0].as_py(), pages["body"], counts["body"], ranges)
        tables = [_as_spark_has_it(table, pages) for table in found]
        return pa.concat_tables(
            table.add_column(0, "is_part", pa.repeat(is_part, table.num_rows))
            for is_part, table in zip((False, True), tables, strict=True)
        )

    return step


def _candidates(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        return _as_spark_has_it(Steps(deduper).candidates(table["body"]), table)

    return step


def _fetch(key: tuple[pa.Scalar, ...], pages: pa.Table, pairs: pa.Table) -> pa.Table:
    return _as_spark_has_it(Steps.fetch(key[0].as_py(), pages["body"], pairs["body"]), pages)


def _verify(deduper: Deduper) -> _OfBucket:
    def step(key: tuple[pa.Scalar, ...], pages: pa.Table, asked: pa.Table) -> pa.Table:
        return pa.table(Steps(deduper).verify(key[0].as_py(), pages["body"], asked["body"]))

    return step


def _merge(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        parts, pairs = (_as_spark_has_it(made, table) for made in Steps(deduper).merge(table["body"]))
        return pa.concat_tables([pairs, parts], promote_options="default")  # with nulls

    return step


def _connect(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        return pa.table(Steps(deduper).connect(table["body"]))

    return step


def _forest(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Fewer pairs that connect the same sets."""
    parts = [pa.table(forest(batch.column("a"), batch.column("b"))) for batch in batches]
    if parts:
        together = pa.concat_tables(parts)
        yield from pa.table(forest(together["a"], together["b"])).to_batches(max_chunksize=1 << 20)


def _take(key: tuple[pa.Scalar, ...], pages: pa.Table, assigned: pa.Table) -> pa.Table:
    sets = _as_spark_has_it(Steps.take(pages["body"], assigned["place"].to_pylist()), pages)
    return sets.add_column(0, "bin", assigned["bin"])


def _decide(deduper: Deduper) -> _OfGroup:
    def step(table: pa.Table) -> pa.Table:
        removed = pa.table(Steps(deduper).decide(table["set"], _ranks(table)))
        columns = {
            "fingerprint": table["fingerprint"].take(removed["document"]),
            "kept_fingerprint": table["fingerprint"].take(removed["kept"]),
        }
        return pa.table(columns | {name: removed[name] for name in _DECIDED[2:]})

    return step


def _pairs(deduper: Deduper) -> _OfGroup:
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
