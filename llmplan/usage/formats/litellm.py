"""LiteLLM: the proxy's spend logs, its daily tables, and the payloads that it writes to S3 or GCS."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import ClassVar

from llmplan.usage.column_map import ColumnMap
from llmplan.usage.rows import Format, Row
from llmplan.usage.values import (
    Counts,
    Record,
    added,
    app_of,
    as_object,
    dig,
    hashed,
    is_true,
    kind_of,
    left_out,
    moment,
    number,
    openai_counts,
    text,
    tokens,
    without_usage,
)

APP = ("metadata.user_api_key_alias", "tag", "metadata.user_api_key_team_alias", "team_id")
_USAGES = ("metadata.usage_object", "metadata.additional_usage_values")
TWINS_REMEMBERED, TWINS_WITHIN_US = 10_000, 2_000_000
_OTHER_CALLS = {
    "ocr": "non_generation",
    "mcp": "non_generation",
    "file": "non_generation",
    "batch": "non_generation",
}


def _both(*names: str) -> tuple[str, ...]:
    """Return where counts stand in the metadata."""
    return tuple(f"{usage}.{name}" for name in names for usage in _USAGES)


class _Calls(Format):
    """What both logs of single calls share."""

    cost: ClassVar[str]

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[object, ...], tuple[str, int]] = OrderedDict()

    def rows(self, record: Record) -> Iterator[Row]:
        metadata = as_object(record.get("metadata"))
        call = text(record, "call_type") or ""
        provider = text(record, "custom_llm_provider")
        row = Row(
            moment(record, "startTime", "start_time"),
            app_of({**record, "tag": _app_tag(record)}, APP, ("api_key", "metadata.user_api_key_hash")),
            provider,
            # A deployment's alias says nothing; the public name does.
            text(record, "model_group", "model"),
            cost_usd=number(record, self.cost),
            # A repeated id with its own suffix is a hit of the gateway's cache, not a copy.
            key=hashed(text(record, "request_id", "id")),
            input_group=f"{call} {provider}",
            **_counts(record, metadata),
        )
        yield without_usage(left_out(row, self._status(record, metadata, call, row)))

    def _status(self, record: Record, metadata: Record, call: str, row: Row) -> str | None:
        if (text(record, "status") or text(metadata, "status") or "success") != "success":
            return "failed_attempt"
        if is_true(record, "cache_hit") or "_cache_hit" in (text(record, "request_id", "id") or ""):
            return "gateway_cache_hit"
        other = kind_of(call) or next((why for word, why in _OTHER_CALLS.items() if word in call), None)
        if other is None and kind_of(row.model) == "embedding":
            other = "embedding"
        return other or ("duplicate" if self._is_twin(call, row) else None)

    def _is_twin(self, call: str, row: Row) -> bool:
        """Say whether the same call was logged under another type: /v1/responses is, for some providers."""
        if row.ts_us is None or not (row.input_tokens or row.output_tokens):
            return False
        mark = (row.app, row.input_tokens, row.output_tokens)
        before, at = self._recent.get(mark, (call, row.ts_us))
        is_twin = before != call and "responses" in before + call and abs(row.ts_us - at) <= TWINS_WITHIN_US
        self._recent[mark] = (call, row.ts_us)
        self._recent.move_to_end(mark)
        if len(self._recent) > TWINS_REMEMBERED:
            self._recent.popitem(last=False)
        return is_twin


def _counts(record: Record, metadata: Record) -> Counts:
    """Return the row's counts; what is cached and what is reasoning stands in the metadata alone."""
    usage = as_object(metadata.get("usage_object"))
    extra = as_object(metadata.get("additional_usage_values"))
    found = openai_counts({**extra, **usage})
    known = bool(usage or extra)
    read = tokens(usage, "cache_read_input_tokens")
    if read is None:
        read = tokens(extra, "cache_read_input_tokens")
    written = tokens({**extra, **usage}, "cache_creation_input_tokens")
    cached = max((count for count in (read, found["cached_tokens"]) if count is not None), default=None)
    unknown = 0 if known else None
    return {
        "input_tokens": tokens(record, "prompt_tokens"),
        "output_tokens": tokens(record, "completion_tokens"),
        "cached_tokens": unknown if cached is None else cached,
        "cache_write_tokens": unknown if written is None else written,
        "reasoning_tokens": unknown if found["reasoning_tokens"] is None else found["reasoning_tokens"],
    }


def _app_tag(record: Record) -> str | None:
    tags = record.get("request_tags")
    if isinstance(tags, str):
        tags = tags.strip("[]{}").replace('"', "").split(",")
    named = [str(tag).strip() for tag in tags or () if str(tag).strip().startswith("app:")]
    return named[0].removeprefix("app:") if named else None


class SpendLogs(_Calls):
    name = "litellm_spendlogs"
    title = "LiteLLM spend logs"
    marks = frozenset({"request_id", "spend", "startTime"})
    cost = "spend"
    columns = ColumnMap(
        {
            "ts": ("startTime", "start_time"),
            "app": "metadata.user_api_key_alias",
            "provider": "custom_llm_provider",
            "model": ("model_group", "model"),
            "cost_usd": cost,
            "key": ("request_id", "id"),
            "input_tokens": "prompt_tokens",
            "output_tokens": "completion_tokens",
            "cached_tokens": _both("cache_read_input_tokens", "prompt_tokens_details.cached_tokens"),
            "cache_write_tokens": _both("cache_creation_input_tokens"),
            "reasoning_tokens": _both("completion_tokens_details.reasoning_tokens"),
        },
        plain={
            "status": ("success", ""),
            "metadata.status": ("success", ""),
            "cache_hit": ("false", "f", "0", ""),
            "call_type": ("acompletion", "completion", "atext_completion", "anthropic_messages"),
            **dict.fromkeys(_both("input_tokens_details", "output_tokens_details"), ("",)),
        },
        hints=("request_id", "id", "model_group", "model"),
        required=("app",),
        needs_usage=True,
        told=_USAGES,
        group="{call_type} {custom_llm_provider}",
        # Calls of this kind may be logged twice, which only neighbours tell.
        unless=("aresponses", '"responses"', ",responses,"),
    )


class S3Payloads(_Calls):
    name = "litellm_s3"
    title = "LiteLLM payloads of the S3 or GCS logger"
    marks = frozenset({"response_cost", "call_type", "startTime"})
    cost = "response_cost"


class DailySpend(Format):
    name = "litellm_daily"
    title = "LiteLLM daily spend tables"
    unknown = "tokens of single requests, reasoning tokens, hours"
    marks = frozenset({"spend", "api_requests", "date"})

    def rows(self, record: Record) -> Iterator[Row]:
        failed = tokens(record, "failed_requests") or 0
        worked = tokens(record, "successful_requests")
        asked = tokens(record, "api_requests")
        provider = text(record, "custom_llm_provider")
        row = Row(
            moment(record, "date"),
            app_of(record, ("tag", "team_alias", "team_id"), ("api_key", "user_id")),
            provider,
            text(record, "model_group", "model"),
            n_requests=added(asked, -failed) if worked is None else worked,
            bucket_s=86_400,
            input_tokens=tokens(record, "prompt_tokens"),
            cached_tokens=tokens(record, "cache_read_input_tokens"),
            cache_write_tokens=tokens(record, "cache_creation_input_tokens"),
            output_tokens=tokens(record, "completion_tokens"),
            cost_usd=number(record, "spend"),
            key=hashed(
                *(dig(record, name) for name in ("id", "date", "api_key", "model", "tag", "endpoint"))
            ),
            input_group=f"daily {provider}",
        )
        yield left_out(row, kind_of(text(record, "endpoint"), row.model))
        if failed:
            yield Row(row.ts_us, row.app, provider, row.model, status="failed_attempt", n_requests=failed)
