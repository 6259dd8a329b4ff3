"""Anthropic: the usage and cost reports of the API, and the console's two CSVs."""

from __future__ import annotations

from collections.abc import Iterator

from llmplan.usage.formats.openai import usd
from llmplan.usage.rows import BILL, Format, Row
from llmplan.usage.values import (
    US_PER_S,
    BucketKeys,
    Record,
    added,
    anthropic_counts,
    app_of,
    as_object,
    hashed,
    moment,
    text,
    tokens,
)

NO_REQUESTS = (
    "requests, so tokens of a request and percentiles; reasoning tokens (they are within the output)"
)
CENTS_PER_USD = 100
MEASURED = ("output_tokens", "amount", "cache_creation", "server_tool_use")
_TIERS = ("usage_type", "service_tier")


def _results(record: Record) -> Iterator[tuple[int, int, Record]]:
    """Yield (start, seconds, result) of a page, or of a bucket alone."""
    for bucket in record.get("data", [record]):
        start = moment(bucket, "starting_at")
        length = (moment(bucket, "ending_at") - start) // US_PER_S
        for result in bucket.get("results") or []:
            yield start, length, as_object(result)


def _dimensions(result: Record) -> list[object]:
    """Return what a result is grouped by, which tells it from the others of its bucket."""
    return [
        value
        for name, value in sorted(result.items())
        if name not in MEASURED and not name.endswith("tokens")
    ]


def _first_result(record: Record) -> Record | None:
    data = record.get("data", [record])
    buckets = [as_object(item) for item in data] if isinstance(data, list) else []
    if not buckets or not all("starting_at" in bucket for bucket in buckets[:1]):
        return None
    return next((as_object(result) for bucket in buckets for result in bucket.get("results") or []), {})


def _is_batch(record: Record) -> bool | None:
    tier = text(record, *_TIERS)
    return None if tier is None else tier.lower() == "batch"


class UsageReport(Format):
    name = "anthropic_usage_api"
    title = "Anthropic usage report"
    unknown = NO_REQUESTS

    @classmethod
    def recognises(cls, record: Record) -> bool:
        first = _first_result(record)
        return first is not None and "amount" not in first

    def rows(self, record: Record) -> Iterator[Row]:
        for start, length, result in _results(record):
            yield Row(
                start,
                app_of(result, ("workspace_name", "workspace_id"), ("api_key_id",)),
                "anthropic",
                text(result, "model"),
                n_requests=None,
                bucket_s=length,
                batch=_is_batch(result),
                key=hashed(start, length, *_dimensions(result)),
                **anthropic_counts(result),
            )


class CostReport(Format):
    name = "anthropic_cost_api"
    title = "Anthropic cost report"
    unknown = "requests and tokens, and the Priority Tier; it is a bill, to hold logs against"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return "amount" in (_first_result(record) or {})

    def rows(self, record: Record) -> Iterator[Row]:
        for start, length, result in _results(record):
            cents = usd(result, "amount")
            yield Row(
                start,
                text(result, "workspace_name", "workspace_id"),
                "anthropic",
                text(result, "model"),
                BILL,
                n_requests=None,
                bucket_s=length,
                cost_usd=None if cents is None else cents / CENTS_PER_USD,
                key=hashed(start, length, *_dimensions(result)),
            )


def _day_or_hour(record: Record) -> int:
    """Return the length of a console row's bucket: a date alone is a day, with a time it is an hour. [s]"""
    return 3_600 if ":" in (text(record, "usage_date_utc") or "") else 86_400


class ConsoleTokens(Format):
    name = "anthropic_console_csv"
    title = "Anthropic console CSV of tokens"
    unknown = NO_REQUESTS
    marks = frozenset({"usage_date_utc", "usage_input_tokens_no_cache"})

    def __init__(self) -> None:
        self._keys = BucketKeys(("usage_input", "usage_output", "web_search"))

    def rows(self, record: Record) -> Iterator[Row]:
        read = tokens(record, "usage_input_tokens_cache_read")
        written = added(
            tokens(record, "usage_input_tokens_cache_write_5m"),
            tokens(record, "usage_input_tokens_cache_write_1h"),
        )
        yield Row(
            moment(record, "usage_date_utc"),
            app_of(record, ("api_key", "workspace")),
            "anthropic",
            text(record, "model_version", "model"),
            n_requests=None,
            bucket_s=_day_or_hour(record),
            batch=_is_batch(record),
            input_tokens=added(tokens(record, "usage_input_tokens_no_cache"), read, written),
            cached_tokens=read,
            cache_write_tokens=written,
            output_tokens=tokens(record, "usage_output_tokens"),
            key=self._keys.key(record),
        )


class ConsoleCosts(Format):
    name = "anthropic_console_cost_csv"
    title = "Anthropic console CSV of costs"
    unknown = "requests and tokens; sums are rounded to cents; it is a bill, to hold logs against"
    marks = frozenset({"usage_date_utc", "cost_usd"})

    def __init__(self) -> None:
        self._keys = BucketKeys(("cost_usd",))

    def rows(self, record: Record) -> Iterator[Row]:
        cost = usd(record, "cost_usd")
        if cost is not None:
            yield Row(
                moment(record, "usage_date_utc"),
                app_of(record, ("api_key", "workspace")),
                "anthropic",
                text(record, "model"),
                BILL,
                n_requests=None,
                bucket_s=_day_or_hour(record),
                batch=_is_batch(record),
                cost_usd=cost,
                key=self._keys.key(record),
            )
