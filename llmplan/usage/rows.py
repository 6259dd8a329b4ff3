"""The canonical row: what every log, export, trace and scrape becomes, and why a row may not count.

Tokens mean the same whatever the source: `input_tokens` is all of the prompt, cache reads and writes within
it; `output_tokens` is all that was generated, reasoning within it. Unknown is null, never 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

    from llmplan.usage.column_map import ColumnMap

OK = "ok"
EXCLUDED = {
    "failed_attempt": "the attempt failed; a retry that worked is a row of its own",
    "aborted": "the client went away before an answer",
    "duplicate": "the same request stands in the logs twice",
    "parent_rollup": "a parent that repeats the tokens of its children",
    "gateway_cache_hit": "answered from the gateway's own cache, no model was asked",
    "no_usage": "no token count, as streamed requests have that do not ask for one",
    "non_generation": "a step that generates nothing",
    "message_part": "a part of a request whose tokens stand in another row",
    "embedding": "embeddings, not generated text",
    "rerank": "reranking, not generated text",
    "image": "images, not text",
    "audio": "speech or transcription, not text",
    "moderation": "moderation, not generated text",
}
"""Why a row is left out of the totals; each is counted."""
STRUCTURE = "structure"
"""Status of a span that only says who is whose parent; it is neither counted nor reported."""
CHAT, BILL = "chat", "bill"
OTHER_KINDS = ("embedding", "rerank", "image", "audio", "moderation")
MEASURES = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")


class Row(NamedTuple):
    """One request, or the requests of one bucket of time.

    Attributes
    ----------
    ts_us: when it began, microseconds since 1970 in UTC; None: the source has no time.
    app, provider, model: as written; None: not told.
    kind: chat (all generated text), one of `OTHER_KINDS`, or bill: a cost without traffic.
    status: ok, or a key of `EXCLUDED`.
    n_requests: 1 for a request; None where a bucket does not tell.
    bucket_s: length of the bucket, 0 for a request. [s]
    batch: whether the provider's batch price applies.
    cost_usd: as the source states it.
    key: hash of the request's id, the same in each copy of it.
    span, parent: hashes of this step's and its parent's id, where the source is a tree.
    input_group: not None where the source does not say whether its input holds the cached tokens; rows of
        a group follow the same convention, see `llmplan.usage.canonical`.
    """

    ts_us: int | None = None
    app: str | None = None
    provider: str | None = None
    model: str | None = None
    kind: str = CHAT
    status: str = OK
    n_requests: int | None = 1
    bucket_s: int = 0
    batch: bool | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    key: int | None = None
    span: int | None = None
    parent: int | None = None
    input_group: str | None = None


def schema() -> pa.Schema:
    """Return the Arrow schema of stored rows: `Row` with its time as a timestamp, and the format's name.

    The timestamp is in UTC but bears no zone: engines take many times as long over those that do.
    """
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    kinds: dict[str, pa.DataType] = {
        "kind": text,
        "status": text,
        "batch": pa.bool_(),
        "cost_usd": pa.float64(),
    }
    kinds |= dict.fromkeys(("app", "provider", "model", "input_group"), text)
    fields = [(name, kinds.get(name, whole)) for name in Row._fields[1:]]
    return pa.schema([("ts", pa.timestamp("us")), *fields, ("format", text)])


class Format(ABC):
    """An adapter: what one export looks like, and how a record of it becomes rows.

    Sub-classes are registered under the entry point group `llmplan.usage_formats`. An instance reads one
    file, or all files of the format where `spans_files`, and may keep state between records.

    Attributes
    ----------
    name, title: for --format, and for people.
    unknown: which of the canonical columns the source cannot tell, in words for the report.
    relative_time: times count from the trace's own start, not from a date.
    marks: names that the first record of a file has where it is this format's.
    columns: how the plain records of large files are read by columns; None: each is read by itself.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    unknown: ClassVar[str] = ""
    relative_time: ClassVar[bool] = False
    spans_files: ClassVar[bool] = False
    marks: ClassVar[frozenset[str]] = frozenset()
    columns: ClassVar[ColumnMap | None] = None

    @classmethod
    def recognises(cls, record: Mapping[str, Any]) -> bool:
        """Say whether the first record of a file is this format's."""
        return bool(cls.marks) and cls.marks <= record.keys()

    @abstractmethod
    def rows(self, record: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the rows of a record; raise InputError for a value that breaks a rule."""


def formats() -> dict[str, type[Format]]:
    """Return every registered format by name, those of other packages among them."""
    found = {point.name: point.load() for point in entry_points(group="llmplan.usage_formats")}
    return dict(sorted(found.items()))
