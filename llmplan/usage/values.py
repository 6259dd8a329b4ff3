"""Cells of logs as numbers, times and text: each refuses what it cannot read by field, value, rule and fix."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, TypeVar

from llmplan.errors import InputError
from llmplan.usage.rows import OTHER_KINDS, Row

Record = Mapping[str, Any]
Amount = TypeVar("Amount", int, float)


class Counts(TypedDict, total=False):
    """The token counts of a row, by their canonical names."""

    input_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None


MOST_TOKENS = 10**15
US_PER_S = 1_000_000
KEYED_APP = "key-"
"""What the name of an app begins with that is told by a key or a user's id alone."""
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_US, LAST_US = ((bound - _EPOCH) // timedelta(microseconds=1) for bound in (FIRST, LAST))
YES = frozenset(("true", "t", "1", "hit", "yes"))
UNITS_PER_S = ((1e11, 1), (1e14, 10**3), (1e17, 10**6), (math.inf, 10**9))
"""An epoch below the bound counts in these units: dates of this century tell seconds from milliseconds."""
_FORMS = (
    *("%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y, %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p"),
    *("%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d"),
    *("%a, %d %b %Y %H:%M:%S %z", "%a %b %d %Y %H:%M:%S GMT%z", "%d/%b/%Y:%H:%M:%S %z"),
)
"""Of Azure's portal, databases, mail, JavaScript and web servers."""
EMPTY = frozenset(("", "null", "none", "None", "NULL", "\\N", "nan", "NaN", "NaT", "<NA>"))
_GROUPED = re.compile(r"^-?\$?\d{1,3}(,\d{3})*(\.\d+)?$")
"""A spreadsheet's figure: thousands grouped, dollars marked."""
KIND_WORDS = {
    "rerank": ("rerank",),
    "embedding": ("embed", "bge-", "voyage-"),
    "moderation": ("moderation",),
    "audio": ("speech", "transcri", "whisper", "tts-", "-tts", "audio_", "audio/"),
    "image": ("image", "dall-e"),
}


def dig(record: Record, path: str) -> Any:
    """Return the value at a path of keys parted by dots, or under a key of that name; None where none is."""
    if path in record:
        return record[path]
    if "." not in path:
        return None
    found: Any = record
    for key in path.split("."):
        found = as_object(found).get(key)
    return found


def as_object(value: Any) -> Record:
    """Return an object, or the one that a text holds; {} for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        for read in (json.loads, ast.literal_eval):  # a Python program may have written its own objects
            try:
                value = read(value)
                break
            except (ValueError, SyntaxError, RecursionError):
                continue
    if isinstance(value, list) and value and all(isinstance(pair, tuple) for pair in value):
        value = dict(value)  # a Parquet map
    return value if isinstance(value, Mapping) else {}


def text(record: Record, *names: str) -> str | None:
    """Return the first of the cells that holds text."""
    for name in names:
        value = dig(record, name)
        if value is not None and (said := str(value).strip()) not in EMPTY:
            return said.lower() if value is True or value is False else said
    return None


def number(record: Record, *names: str) -> float | None:
    """Return the first of the cells that holds a number."""
    for name in names:
        value = dig(record, name)
        if type(value) is int and 0 <= value <= MOST_TOKENS:  # most cells of JSON
            return float(value)
        if value is not None and str(value).strip() not in EMPTY:
            return _finite(name, value)
    return None


def _finite(name: str, value: Any) -> float:
    try:
        figure = float(re.sub("[$,]", "", value) if _is_grouped(value) else value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            name, str(value)[:40], "is not a number", "write digits and one decimal point"
        ) from None
    if not math.isfinite(figure):
        raise InputError(name, value, "is not finite", "leave it empty where it is not known")
    return figure


def _is_grouped(value: Any) -> bool:
    return isinstance(value, str) and _GROUPED.match(value.strip()) is not None


def tokens(record: Record, *names: str) -> int | None:
    """Return the first of the cells that holds a count, tokens or requests."""
    figure = number(record, *names)
    if figure is None:
        return None
    if not (0 <= figure <= MOST_TOKENS and figure.is_integer()):
        rule = f"must be a whole number from 0 to {MOST_TOKENS:,}"
        raise InputError(names[0], figure, rule, "correct it or delete the row")
    return int(figure)


def added(*amounts: Amount | None) -> Amount | None:
    """Return the sum of the amounts that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def is_true(record: Record, name: str) -> bool:
    """Say whether a cell says yes, as a truth value or as text."""
    return str(dig(record, name)).strip().lower() in YES


def moment(record: Record, *names: str) -> int:
    """Return the first of the cells that holds a time as microseconds since 1970 in UTC.

    ISO dates and times (a time without a zone is UTC, as the exports' own documents say), epochs in seconds
    to nanoseconds, and the forms of some tools.
    """
    found = next((name for name in names if text(record, name) is not None), None)
    if found is None:
        raise InputError(names[0], None, "has no time", "export the column that says when")
    value = dig(record, found)
    when = _epoch(value)
    if when is None:
        when = _written(str(value))
    if when is None or not FIRST <= when < LAST:
        fix = "write 2026-03-02T09:00:00Z, or seconds since 1970"
        raise InputError(found, value, "is not a time between 2000 and 2100", fix)
    return (when - _EPOCH) // timedelta(microseconds=1)


def _epoch(value: Any) -> datetime | None:
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    if not 0 <= figure < 1e19:
        return None
    per_s = next(units for bound, units in UNITS_PER_S if figure < bound)
    return _EPOCH + timedelta(microseconds=round(figure / per_s * US_PER_S))


def _written(written: str) -> datetime | None:
    written = re.sub(r"\s+\([^)]*\)$", "", written.strip())  # a zone's name
    written = re.sub(r"\s*(UTC|GMT|Z)$", " +00:00", written)
    try:
        when = datetime.fromisoformat(re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", written))
    except ValueError:
        for form in _FORMS:
            try:
                when = datetime.strptime(written, form)
                break
            except ValueError:
                continue
        else:
            return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def hashed(*parts: Any) -> int | None:
    """Return a 63-bit hash of an id of one or more parts; None where all are empty. Ids are not kept."""
    if all(part is None or str(part) in EMPTY for part in parts):
        return None
    # DuckDB's md5_number_lower, for rows that it reads.
    digest = hashlib.md5("\x1f".join(map(str, parts)).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") >> 1


class BucketKeys:
    """Keys of a file's buckets by what they are grouped by: of two exports of one bucket the fuller counts.

    Buckets of a file that a column since left out told apart (their figures differ) keep keys of their own.
    """

    def __init__(self, measured: tuple[str, ...]) -> None:
        self._measured = measured
        self._seen: dict[int | None, list[int | None]] = {}

    def key(self, record: Record) -> int | None:
        """Return the key of a row. `measured`: what its figures' names begin with."""
        cells = sorted((name, str(value)) for name, value in record.items())
        group = hashed(*(cell for cell in cells if not cell[0].startswith(self._measured)))
        all_of_it, seen = hashed(*cells), self._seen.setdefault(group, [])
        if all_of_it not in seen:
            seen.append(all_of_it)
        return hashed(group, seen.index(all_of_it))


def app_of(record: Record, names: tuple[str, ...], keys: tuple[str, ...] = ()) -> str | None:
    """Return the app: the first name that is told, else a hash of the first key or user id."""
    named = text(record, *names)
    if named is not None:
        return named
    secret = text(record, *keys) if keys else None
    return None if secret is None else f"{KEYED_APP}{hashed(secret):x}"[:12]


def kind_of(*hints: str | None) -> str | None:
    """Return which of `OTHER_KINDS` a call type, a path or a model's name speaks of; None: text."""
    said = " ".join(hint.lower() for hint in hints if hint)
    return next((kind for kind, words in KIND_WORDS.items() if any(word in said for word in words)), None)


def without_usage(row: Row) -> Row:
    """Return a row that counts, or leave it out where neither input nor output is known to be above 0."""
    if row.status == "ok" and not row.input_tokens and not row.output_tokens:
        return row._replace(status="no_usage")
    return row


def left_out(row: Row, status: str | None) -> Row:
    """Return the row with the status, a kind other than text among them; None leaves it as it is."""
    if status is None:
        return row
    return row._replace(status=status, kind=status if status in OTHER_KINDS else row.kind)


def openai_counts(usage: Record) -> Counts:
    """Return the counts of an OpenAI usage object; the input holds the cached tokens, the output the reasoning.

    Where the object has `prompt_tokens_details`, a missing cached count is 0, and so for reasoning.
    """
    inside, made = (
        as_object(usage.get("prompt_tokens_details")),
        as_object(usage.get("completion_tokens_details")),
    )
    inside = inside or as_object(usage.get("input_tokens_details"))
    made = made or as_object(usage.get("output_tokens_details"))
    cached = tokens(inside, "cached_tokens")
    reasoning = tokens(made, "reasoning_tokens")
    return {
        "input_tokens": tokens(usage, "prompt_tokens", "input_tokens"),
        "cached_tokens": 0 if inside and cached is None else cached,
        "output_tokens": tokens(usage, "completion_tokens", "output_tokens"),
        "reasoning_tokens": 0 if made and reasoning is None else reasoning,
    }


def anthropic_counts(usage: Record) -> Counts:
    """Return the counts of an Anthropic usage object, whose three kinds of input are disjoint."""
    split = as_object(usage.get("cache_creation"))
    written = tokens(usage, "cache_creation_input_tokens")
    if written is None:
        written = added(
            tokens(split, "ephemeral_5m_input_tokens"), tokens(split, "ephemeral_1h_input_tokens"), 0
        )
    read = tokens(usage, "cache_read_input_tokens") or 0
    return {
        "input_tokens": added(tokens(usage, "input_tokens", "uncached_input_tokens"), read, written),
        "cached_tokens": read,
        "cache_write_tokens": written,
        "output_tokens": tokens(usage, "output_tokens"),
    }


def gemini_counts(usage: Record) -> Counts:
    """Return the counts of Gemini's usageMetadata; thoughts stand beside the candidates."""

    def of(name: str) -> int | None:
        return tokens(usage, name, re.sub("([A-Z])", r"_\1", name).lower())

    thoughts = of("thoughtsTokenCount") or 0
    return {
        "input_tokens": added(of("promptTokenCount"), of("toolUsePromptTokenCount")),
        "cached_tokens": of("cachedContentTokenCount") or 0,
        "output_tokens": added(of("candidatesTokenCount"), thoughts),
        "reasoning_tokens": thoughts,
    }
