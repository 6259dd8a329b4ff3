"""Where a file's own columns stand among the canonical ones: what --map says, and formats that are no more than that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from llmplan.errors import InputError
from llmplan.foreign import parse_toml, read_text
from llmplan.usage.column_map import ColumnMap
from llmplan.usage.rows import MEASURES, OK, Format, Row
from llmplan.usage.values import added, hashed, is_true, kind_of, left_out, moment, number, text, tokens

COLUMNS = (
    *("ts", "app", "provider", "model", "kind", "ok", "n_requests", "bucket_s", "batch"),
    *(*MEASURES, "cost_usd", "key"),
)
OPTIONS = ("input_holds_cached", "output_holds_reasoning", "cost_per_usd", "bucket_s", "constants")
EXAMPLE = '[columns] with, say, ts = "created_at" and input_tokens = "usage.prompt_tokens"'
GOOD = ("true", "1", OK, "success", "succeeded", "completed")
BAD_FROM = 400


def read_mapping(path: Path) -> ColumnMap:
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
    return ColumnMap(columns, held.pop("constants", {}), **held)


class MappedFormat(Format):
    """A format that is its map alone."""

    columns: ClassVar[ColumnMap]
    """Not None, unlike a format's that is more than its map."""

    def rows(self, record: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the row of a record. A cell that is missing is unknown, a path that no record has a blank column."""
        where = self.columns

        def word(name: str) -> str | None:
            return text(record, *where.paths(name)) or where.constants.get(name)

        inputs, cached, written, outputs, reasoning = (
            tokens(record, *where.paths(name)) if name in where.columns else None for name in MEASURES
        )
        if not where.input_holds_cached:
            inputs = added(inputs, cached, written)
        if not where.output_holds_reasoning:
            outputs = added(outputs, reasoning)
        cost = number(record, *where.paths("cost_usd"))
        n_requests = (
            tokens(record, *where.paths("n_requests"))
            if "n_requests" in where.columns
            else None
            if where.is_bucketed
            else 1
        )
        length = tokens(record, *where.paths("bucket_s")) if "bucket_s" in where.columns else where.bucket_s
        row = Row(
            moment(record, *where.paths("ts")) if "ts" in where.columns else None,
            word("app"),
            word("provider"),
            word("model"),
            n_requests=n_requests,
            bucket_s=length or 0,
            batch=is_true(record, where.paths("batch")[0]) if "batch" in where.columns else None,
            cost_usd=None if cost is None else cost / where.cost_per_usd,
            key=hashed(text(record, *where.paths("key"))),
            input_tokens=inputs,
            cached_tokens=cached,
            cache_write_tokens=written,
            output_tokens=outputs,
            reasoning_tokens=reasoning,
        )
        failed = "ok" in where.columns and not _is_ok(record, *where.paths("ok"))
        yield left_out(row, "failed_attempt" if failed else kind_of(word("kind")))


def mapped(where: ColumnMap) -> type[Format]:
    """Return the format of files that keep to a mapping."""

    class Mapped(MappedFormat):
        name = "mapped"
        title = "a mapping of one's own"
        unknown = ", ".join(column for column in (*MEASURES, "cost_usd") if column not in where.columns)
        columns = where

        @classmethod
        def recognises(cls, record: Mapping[str, Any]) -> bool:
            return bool(record)

    return Mapped


def _is_ok(record: Mapping[str, Any], *paths: str) -> bool:
    """Say whether a cell speaks of success: true, "success", or an HTTP status below 400."""
    said = (text(record, *paths) or "").lower()
    return said in GOOD or (said.isdigit() and 2 <= int(said) < BAD_FROM)
