from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, Self, SupportsIndex, TypeAlias, final

from typing_extensions import disjoint_base

__all__ = [
    "Array",
    "Cluster",
    "Clusters",
    "Decided",
    "Deduper",
    "Index",
    "Match",
    "Pairs",
    "Recall",
    "Removal",
    "Sieve",
    "Similarity",
    "Table",
    "Verdict",
    "VerifiedMatch",
    "__version__",
    "dedup",
    "main",
]

__version__: str

class _ArrowArray(Protocol):
    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

# An Arrow column of strings, or strings; None is a document without text.
_Texts: TypeAlias = _ArrowArray | _ArrowStream | Iterable[str | None]
_Column: TypeAlias = _ArrowArray | _ArrowStream | Iterable[Any]
# True for a bar, or a callable that takes a stage, what is done, the total and the unit.
_Progress: TypeAlias = bool | Callable[[str, int, int, str], object] | None
_Path: TypeAlias = str | PathLike[str]
_Id: TypeAlias = str | int

@final
class Array:
    def __len__(self) -> int: ...
    def __getitem__(self, place: SupportsIndex, /) -> Any: ...
    def to_pylist(self) -> list[Any]: ...
    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...
    def __arrow_c_schema__(self) -> Any: ...

@disjoint_base
class Table:
    @property
    def column_names(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, place: SupportsIndex, /) -> dict[str, Any]: ...
    def column(self, name: str) -> Array: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...
    def __arrow_c_schema__(self) -> Any: ...

@final
class Similarity:
    @property
    def shared(self) -> int: ...
    @property
    def jaccard(self) -> float: ...
    @property
    def containment_a(self) -> float: ...
    @property
    def containment_b(self) -> float: ...

@final
class Recall:
    @property
    def method(self) -> Literal["lsh", "exact"]: ...
    @property
    def reason(self) -> str: ...
    @property
    def banding(self) -> str | None: ...
    @property
    def promised(self) -> float: ...
    @property
    def found(self) -> int: ...
    @property
    def missed(self) -> float: ...
    @property
    def missed_range(self) -> tuple[int, int]: ...
    @property
    def unseen(self) -> int: ...

@final
class Removal:
    @property
    def document(self) -> int: ...
    @property
    def kept(self) -> int: ...
    @property
    def similarity(self) -> Similarity: ...

@final
class Cluster:
    @property
    def kept(self) -> int: ...
    @property
    def removed(self) -> list[Removal]: ...
    @property
    def documents(self) -> list[int]: ...
    def __len__(self) -> int: ...

@final
class Clusters:
    def __len__(self) -> int: ...
    def __getitem__(self, place: SupportsIndex, /) -> Cluster: ...
    @property
    def documents(self) -> int: ...
    def cluster_of(self, document: SupportsIndex) -> Cluster | None: ...
    @property
    def kept(self) -> Array: ...
    @property
    def is_kept(self) -> Array: ...
    @property
    def removed(self) -> Table: ...
    @property
    def table(self) -> Table: ...
    @property
    def empty(self) -> list[int]: ...
    @property
    def nulls(self) -> int: ...
    @property
    def recall(self) -> Recall: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

@final
class Pairs(Table):
    @property
    def recall(self) -> Recall: ...

@final
class Deduper:
    def __new__(
        cls,
        *,
        threshold: float = 0.8,
        shingle: str = "words:5",
        normalization: str = "nfkc-casefold+apostrophes",
        method: Literal["lsh", "exact", "auto"] = "lsh",
        recall: float = 0.99,
        hashes: int = 128,
        seed: int = 0,
        measure: Literal["jaccard", "containment"] = "jaccard",
        weights: Literal["none", "ln"] = "none",
        cluster_mode: Literal["components", "leader"] | None = None,
        keep: Literal["first", "longest", "largest"] | None = None,
        sketch: Literal["fast-similarity", "classic"] = "fast-similarity",
        banding: str | None = None,
        exact_memory: int = 4294967296,
        exact_work: int = 20000000000,
        set_aside_words: int = 5,
        threads: int | None = None,
    ) -> Self: ...
    def clusters(
        self,
        texts: _Texts,
        *,
        order: _Column | None = None,
        groups: _Texts | None = None,
        progress: _Progress = None,
    ) -> Clusters: ...
    def pairs(
        self,
        texts: _Texts,
        *,
        groups: _Texts | None = None,
        pairs_of_copies: Literal["all", "star"] = "all",
        progress: _Progress = None,
    ) -> Pairs: ...
    def similarity(self, a: str, b: str) -> Similarity: ...
    def signatures(self, texts: _Texts, *, progress: _Progress = None) -> Array: ...
    def bands(self, texts: _Texts, *, progress: _Progress = None) -> Array: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...
    @property
    def settings(self) -> dict[str, Any]: ...
    @property
    def banding(self) -> str: ...
    @property
    def recall(self) -> float: ...

@final
class Match:
    @property
    def id(self) -> Any: ...
    @property
    def jaccard(self) -> float: ...
    @property
    def error(self) -> float: ...

@final
class VerifiedMatch:
    @property
    def id(self) -> Any: ...
    @property
    def similarity(self) -> Similarity: ...

class _TextOf(Protocol):
    def __getitem__(self, id: Any, /) -> str: ...

@final
class Index:
    def __new__(cls, deduper: Deduper | None = None) -> Self: ...
    def insert(self, id: _Id, text: str) -> None: ...
    def insert_all(self, ids: _Column, texts: _Texts) -> None: ...
    def remove(self, id: _Id) -> bool: ...
    def query(self, text: str) -> list[Match]: ...
    def top_k(self, text: str, k: int) -> list[Match]: ...
    def query_verified(self, text: str, text_of: Callable[[Any], str | None] | _TextOf) -> list[VerifiedMatch]: ...
    def __contains__(self, id: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def ids(self) -> list[Any]: ...
    def save(self, path: _Path) -> None: ...
    @staticmethod
    def open(path: _Path) -> Index: ...

@final
class Verdict:
    @property
    def passes(self) -> bool: ...
    def __bool__(self) -> bool: ...
    @property
    def is_empty(self) -> bool: ...
    @property
    def document(self) -> int | None: ...
    @property
    def jaccard(self) -> float | None: ...
    @property
    def similarity(self) -> Similarity | None: ...

@final
class Sieve:
    def __new__(
        cls,
        deduper: Deduper | None = None,
        *,
        last: int | None = None,
        documents: int | None = None,
        rate: float | None = None,
    ) -> Self: ...
    def admit(self, text: str, id: int | None = None) -> Verdict: ...
    def admit_all(self, texts: _Texts) -> Array: ...
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def memory_usage(self) -> int: ...
    def save(self, path: _Path) -> None: ...
    @staticmethod
    def open(path: _Path) -> Sieve: ...

@final
class Decided:
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def recall(self) -> Recall: ...
    @property
    def pairs_recall(self) -> Recall | None: ...
    @property
    def removed(self) -> Table | None: ...

def dedup(
    paths: _Path | Sequence[_Path],
    *,
    table: bool | None = None,
    progress: _Progress = None,
    threads: int | None = None,
    similarity: Literal["jaccard", "containment"] = "jaccard",
    weights: Literal["none", "ln"] = "none",
    freeze_weights: bool = False,
    threshold: float = 0.8,
    shingle: str = "words:5",
    method: Literal["lsh", "exact", "auto"] = "lsh",
    recall: float = 0.99,
    hashes: int = 128,
    seed: int | Literal["random"] = 0,
    exact_memory: int | str = "4GiB",
    exact_work: int = 20000000000,
    normalize: str = "nfkc-casefold+apostrophes",
    set_aside: str | None = None,
    set_aside_host: str | None = None,
    set_aside_words: int = 5,
    cluster: Literal["components", "leader"] | None = None,
    keep: str | None = None,
    prefer: str | None = None,
    on_bad: Literal["fail", "skip"] = "fail",
    max_record: int | str | None = None,
    rejects: _Path | None = None,
    pairs: _Path | None = None,
    pairs_of_copies: Literal["all", "star"] | None = None,
    confirm: Literal["text"] | None = None,
    clusters: _Path | None = None,
    kept: _Path | None = None,
    removed: _Path | None = None,
    against: _Path | Sequence[_Path] | None = None,
    save_index: _Path | None = None,
    memory: int | str | None = None,
    work: _Path | None = None,
    fresh: bool = False,
    input_format: Literal["text", "jsonl", "csv", "tsv", "wet", "parquet"] | None = None,
    text_field: str = "text",
    id_field: str | None = None,
    ids_by_file: bool = False,
) -> Decided: ...
def main(arguments: list[str]) -> int: ...
