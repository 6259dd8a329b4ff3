"""OpenAI: the usage API and its CSV, the older activity CSV, the costs API and its CSV."""

from __future__ import annotations

from collections.abc import Iterator

from llmplan.errors import InputError
from llmplan.usage.rows import BILL, Format, Row
from llmplan.usage.values import (
    US_PER_S,
    BucketKeys,
    Record,
    app_of,
    as_object,
    hashed,
    is_true,
    kind_of,
    left_out,
    moment,
    number,
    text,
    tokens,
)

DIMENSIONS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")
BUCKETED = "tokens of single requests and their percentiles, reasoning tokens (they are within the output)"


def _bucket_rows(record: Record) -> Iterator[tuple[Record, Record]]:
    """Yield (bucket, result) of a page, or of a bucket alone."""
    for bucket in record.get("data", [record]):
        for result in as_object(bucket).get("results") or []:
            yield bucket, as_object(result)


def _start_and_length(bucket: Record) -> tuple[int, int]:
    start, end = moment(bucket, "start_time"), moment(bucket, "end_time")
    return start, (end - start) // US_PER_S


def _first_result(record: Record, word: str) -> bool:
    buckets = record.get("data", [record])
    if (
        not isinstance(buckets, list)
        or not buckets
        or not {"start_time", "results"} <= as_object(buckets[0]).keys()
    ):
        return False
    # A bucket without traffic has no results.
    results = (as_object(result) for bucket in buckets for result in bucket.get("results") or ())
    return ("amount" in next(results, {})) == (word == "costs")


def _usage_row(bucket: Record, result: Record) -> Row:
    start, length = _start_and_length(bucket)
    batch = text(result, "batch")
    kind = kind_of(text(result, "object"), text(result, "model"))
    row = Row(
        start,
        app_of(result, ("project_name", "project_id"), ("api_key_id", "user_id")),
        "openai",
        text(result, "model"),
        n_requests=tokens(result, "num_model_requests"),
        bucket_s=length,
        batch=None if batch is None else is_true(result, "batch"),
        input_tokens=tokens(result, "input_tokens"),
        cached_tokens=tokens(result, "input_cached_tokens"),
        cache_write_tokens=tokens(result, "input_cache_write_tokens"),
        output_tokens=tokens(result, "output_tokens"),
        key=hashed(start, length, kind, *(text(result, name) for name in DIMENSIONS)),
    )
    # Stores and sessions are counted in bytes and hours.
    other = "vector_store" in (said := text(result, "object") or "") or "code_interpreter" in said
    return left_out(row, "non_generation" if other else kind)


class UsageApi(Format):
    name = "openai_usage_api"
    title = "OpenAI usage API"
    unknown = BUCKETED

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return _first_result(record, "usage")

    def rows(self, record: Record) -> Iterator[Row]:
        for bucket, result in _bucket_rows(record):
            yield _usage_row(bucket, result)


class UsageCsv(Format):
    name = "openai_usage_csv"
    title = "OpenAI usage CSV"
    unknown = BUCKETED
    marks = frozenset({"start_time", "num_model_requests", "input_tokens"})

    def rows(self, record: Record) -> Iterator[Row]:
        # A bucket without traffic holds its four times alone.
        if text(record, "num_model_requests", "input_tokens") is not None:
            yield _usage_row(record, record)


class ActivityCsv(Format):
    name = "openai_activity_csv"
    title = "OpenAI activity CSV (before 2025)"
    unknown = BUCKETED
    marks = frozenset({"n_context_tokens_total", "n_generated_tokens_total"})

    def __init__(self) -> None:
        self._keys = BucketKeys(("n_", "num_"))

    def rows(self, record: Record) -> Iterator[Row]:
        row = Row(
            moment(record, "timestamp"),
            app_of(record, ("api_key_name", "project_name", "project_id"), ("api_key_id", "user")),
            "openai",
            text(record, "model"),
            n_requests=tokens(record, "num_requests"),
            bucket_s=86_400,
            batch="batch" in (text(record, "request_type", "usage_type") or "").lower() or None,
            input_tokens=tokens(record, "n_context_tokens_total"),
            cached_tokens=tokens(record, "n_cached_context_tokens_total"),
            output_tokens=tokens(record, "n_generated_tokens_total"),
            key=self._keys.key(record),
        )
        yield left_out(row, kind_of(text(record, "operation"), text(record, "usage_type"), row.model))


def usd(amount: Record, value: str = "value", currency: str = "currency") -> float | None:
    """Return a sum of money; raise InputError unless it is in US dollars."""
    named = text(amount, currency) or "usd"
    if named.lower() != "usd":
        raise InputError(currency, named, "is not US dollars", "convert the export to USD")
    return number(amount, value)


class Costs(Format):
    name = "openai_costs"
    title = "OpenAI costs, API or CSV"
    unknown = "requests and tokens; it is a bill, to hold logs against"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return {"amount_value", "start_time"} <= record.keys() or _first_result(record, "costs")

    def rows(self, record: Record) -> Iterator[Row]:
        pairs = [(record, record)] if "amount_value" in record else _bucket_rows(record)
        for bucket, result in pairs:
            start, length = _start_and_length(bucket)
            amount = as_object(result.get("amount"))
            cost = usd(amount) if amount else usd(result, "amount_value", "amount_currency")
            if cost is None:
                continue
            line = text(result, "line_item")
            app = app_of(result, ("project_name", "project_id"), ("api_key_id",))
            key = hashed(
                start, length, *(result.get(name) for name in ("project_id", "api_key_id", "line_item"))
            )
            model = line.split(",")[0] if line else None
            yield Row(
                start, app, "openai", model, BILL, n_requests=None, bucket_s=length, cost_usd=cost, key=key
            )
