"""Any CSV, JSON or Parquet by a mapping of its columns: llmplan usage import --map MAP.toml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmplan.errors import InputError
from llmplan.foreign import parse_toml, read_text
from llmplan.usage.rows import OK, Format, Row
from llmplan.usage.values import (
    Record,
    added,
    hashed,
    is_true,
    kind_of,
    left_out,
    moment,
    number,
    text,
    tokens,
)

COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
COLUMNS = (
    "ts",
    "app",
    "provider",
    "model",
    "kind",
    "ok",
    "n_requests",
    "bucket_s",
    "batch",
    *COUNTS,
    "cost_usd",
    "key",
)
OPTIONS = ("input_holds_cached", "output_holds_reasoning", "cost_per_usd", "bucket_s", "constants")
EXAMPLE = '[columns] with, say, ts = "created_at" and input_tokens = "usage.prompt_tokens"'


@dataclass(frozen=True)
class Mapping:
    """Where a file's own columns stand among the canonical ones.

    Attributes
    ----------
    columns: canonical column -> path in the record, keys parted by dots.
    constants: canonical column -> value for all rows (app, provider, model, kind).
    input_holds_cached: False where cached and written tokens stand beside the input.
    output_holds_reasoning: False where reasoning stands beside the output.
    cost_per_usd: 100 where costs are in cents.
    bucket_s: length of a bucket where a row is not one request. [s]
    """

    columns: dict[str, str]
    constants: dict[str, str]
    input_holds_cached: bool = True
    output_holds_reasoning: bool = True
    cost_per_usd: float = 1.0
    bucket_s: int = 0


def read_mapping(path: Path) -> Mapping:
    """Read a mapping; raise InputError for a name that it may not hold."""
    held = parse_toml(read_text(path, "--map"), "--map", f"write {EXAMPLE}")
    columns = held.pop("columns", {})
    for name in (*columns, *held.get("constants", {})):
        if name not in COLUMNS:
            raise InputError("--map", name, "is not a canonical column", f"use {', '.join(COLUMNS)}")
    for name in held:
        if name not in OPTIONS:
            raise InputError("--map", name, "is not an option of a mapping", f"use {', '.join(OPTIONS)}")
    if not isinstance(columns, dict) or not columns:
        raise InputError("--map", str(path), "maps no column", f"write {EXAMPLE}")
    return Mapping(columns, held.pop("constants", {}), **held)


def mapped(mapping: Mapping) -> type[Format]:
    """Return the format of files that keep to a mapping."""

    class Mapped(Format):
        name = "mapped"
        title = "a mapping of one's own"
        unknown = ", ".join(column for column in (*COUNTS, "cost_usd") if column not in mapping.columns)

        @classmethod
        def recognises(cls, record: Record) -> bool:
            return bool(record)

        def rows(self, record: Record) -> Iterator[Row]:
            yield _row(record, mapping)

    return Mapped


def _row(record: Record, mapping: Mapping) -> Row:
    """Return the row of a record. A cell that is missing is unknown, a path that no record has a blank column."""
    paths = mapping.columns

    def word(name: str) -> str | None:
        return text(record, paths[name]) if name in paths else mapping.constants.get(name)

    inputs, cached, written, outputs, reasoning = (
        tokens(record, paths[name]) if name in paths else None for name in COUNTS
    )
    if not mapping.input_holds_cached:
        inputs = added(inputs, cached, written)
    if not mapping.output_holds_reasoning:
        outputs = added(outputs, reasoning)
    cost = number(record, paths["cost_usd"]) if "cost_usd" in paths else None
    buckets = "bucket_s" in paths or mapping.bucket_s > 0
    length = tokens(record, paths["bucket_s"]) if "bucket_s" in paths else mapping.bucket_s
    row = Row(
        moment(record, paths["ts"]) if "ts" in paths else None,
        word("app"),
        word("provider"),
        word("model"),
        n_requests=tokens(record, paths["n_requests"]) if "n_requests" in paths else None if buckets else 1,
        bucket_s=length or 0,
        batch=is_true(record, paths["batch"]) if "batch" in paths else None,
        cost_usd=None if cost is None else cost / mapping.cost_per_usd,
        key=hashed(text(record, paths["key"])) if "key" in paths else None,
        input_tokens=inputs,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=outputs,
        reasoning_tokens=reasoning,
    )
    failed = "ok" in paths and not _is_ok(record, paths["ok"])
    return left_out(row, "failed_attempt" if failed else kind_of(word("kind")))


def _is_ok(record: Record, path: str) -> bool:
    """Say whether a cell speaks of success: true, "success", or an HTTP status below 400."""
    said = (text(record, path) or "").lower()
    return said in ("true", "1", OK, "success", "succeeded", "completed") or (
        said.isdigit() and 2 <= int(said) < 400
    )
