"""Gateways with a row a request: Helicone, OpenRouter, Portkey, Kong and Cloudflare."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.units import TOKENS_PER_MTOK
from llmplan.usage.column_map import ColumnMap
from llmplan.usage.models import known_api
from llmplan.usage.rows import Format, Row
from llmplan.usage.values import (
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

ERROR_FROM = 400
CENTS_PER_USD = 100
APP_KEYS = ("app", "App", "_app", "application", "service", "team")


def _failed(record: Record, name: str) -> str | None:
    status = number(record, name)
    is_bad = status is not None and (status < 0 or status >= ERROR_FROM)
    return "failed_attempt" if is_bad else None


def _within(path: str, keys: tuple[str, ...] = APP_KEYS) -> tuple[str, ...]:
    return tuple(f"{path}.{key}" for key in keys)


def _records(record: Record, *wrappers: str) -> Iterator[Record]:
    """Yield the records that a page holds under one of the keys, or the record itself."""
    for wrapper in wrappers:
        if isinstance(record.get(wrapper), list):
            yield from (as_object(item) for item in record[wrapper])
            return
    yield record


def _first(record: Record, *wrappers: str) -> Record:
    return next(_records(record, *wrappers), {})


class Helicone(Format):
    name = "helicone"
    title = "Helicone requests, JSON or CSV"
    unknown = "reasoning tokens (within the output); the CSV has no cached tokens either"
    columns = ColumnMap(
        {
            "ts": ("request_created_at", "response_created_at"),
            "app": (*_within("request_properties"), *_within("properties")),
            "provider": "provider",
            "model": ("model", "response_model", "request_model"),
            "cost_usd": ("costUSD", "cost_usd", "cost"),
            "key": ("request_id", "response_id"),
            "input_tokens": "prompt_tokens",
            "cached_tokens": "prompt_cache_read_tokens",
            "cache_write_tokens": "prompt_cache_write_tokens",
            "output_tokens": "completion_tokens",
        },
        plain={
            "response_status": ("200", ""),
            "cache_hit": ("false", ""),
            "cache_reference_id": ("00000000-0000-0000-0000-000000000000", ""),
            "data": ("",),
        },
        hints=("request_path", "model", "response_model", "request_model"),
        required=("app",),
        needs_usage=True,
        group="helicone {provider}",
    )

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return {"response_id", "request_created_at", "prompt_tokens"} <= _first(record, "data").keys()

    def rows(self, record: Record) -> Iterator[Row]:
        yield from map(self._row, _records(record, "data"))

    def _row(self, record: Record) -> Row:
        names = (*_within("request_properties"), *_within("properties"))
        provider = text(record, "provider")
        row = Row(
            moment(record, "request_created_at", "response_created_at"),
            app_of(record, names, ("request_user_id",)),
            provider,
            text(record, "model", "response_model", "request_model"),
            cost_usd=number(record, "costUSD", "cost_usd", "cost"),
            key=hashed(text(record, "request_id", "response_id")),
            input_group=f"helicone {provider}",
            input_tokens=_known(record, "prompt_tokens"),
            cached_tokens=_known(record, "prompt_cache_read_tokens"),
            cache_write_tokens=_known(record, "prompt_cache_write_tokens"),
            output_tokens=_known(record, "completion_tokens"),
        )
        reason = _failed(record, "response_status") or (
            "gateway_cache_hit" if _helicone_hit(record) else None
        )
        return without_usage(left_out(row, reason or kind_of(text(record, "request_path"), row.model)))


def _helicone_hit(record: Record) -> bool:
    reference = text(record, "cache_reference_id")
    return is_true(record, "cache_hit") or (reference is not None and bool(reference.strip("0-")))


def _known(record: Record, name: str) -> int | None:
    """Return a count; -1 is Helicone's unknown."""
    return None if number(record, name) == -1 else tokens(record, name)


class OpenRouter(Format):
    name = "openrouter_activity_csv"
    title = "OpenRouter activity, CSV or JSON"
    unknown = "tokens written to a cache"
    columns = ColumnMap(
        {
            "ts": "created_at",
            "app": ("app_name", "api_key_name"),
            "provider": "provider_name",
            "model": ("model_permaslug", "model"),
            "cost_usd": "cost_total",
            "key": "generation_id",
            "input_tokens": "tokens_prompt",
            "cached_tokens": "tokens_cached",
            "output_tokens": "tokens_completion",
            "reasoning_tokens": "tokens_reasoning",
        },
        plain={
            "requests": ("",),
            "data": ("",),
            "cancelled": ("false", ""),
            "byok_usage_inference": ("0", "0.0", "0.00", ""),
            "finish_reason_normalized": ("stop", "length", "tool_calls", "content_filter", ""),
        },
        hints=("model_permaslug", "model"),
        required=("app", "cost_usd"),
        needs_usage=True,
    )

    @classmethod
    def recognises(cls, record: Record) -> bool:
        keys = _first(record, "data").keys()
        return {"generation_id", "tokens_prompt"} <= keys or {"model_permaslug", "requests", "usage"} <= keys

    def rows(self, record: Record) -> Iterator[Row]:
        for item in _records(record, "data"):
            yield self._daily(item) if "requests" in item else self._generation(item)

    def _generation(self, record: Record) -> Row:
        row = Row(
            moment(record, "created_at"),
            app_of(record, ("app_name", "api_key_name"), ("user",)),
            text(record, "provider_name"),
            text(record, "model_permaslug", "model"),
            # With a key of one's own the provider bills what the total leaves out.
            cost_usd=added(number(record, "cost_total"), number(record, "byok_usage_inference")),
            key=hashed(text(record, "generation_id")),
            input_tokens=tokens(record, "tokens_prompt"),
            cached_tokens=tokens(record, "tokens_cached"),
            output_tokens=tokens(record, "tokens_completion"),
            reasoning_tokens=tokens(record, "tokens_reasoning"),
        )
        failed = "failed_attempt" if text(record, "finish_reason_normalized") == "error" else None
        aborted = "aborted" if is_true(record, "cancelled") and not row.output_tokens else None
        return without_usage(left_out(row, failed or aborted or kind_of(row.model)))

    def _daily(self, record: Record) -> Row:
        row = Row(
            moment(record, "date"),
            None,
            text(record, "provider_name"),
            text(record, "model_permaslug", "model"),
            n_requests=tokens(record, "requests"),
            bucket_s=86_400,
            cost_usd=added(number(record, "usage"), number(record, "byok_usage_inference")),
            key=hashed(
                *(record.get(name) for name in ("date", "model_permaslug", "endpoint_id", "provider_name"))
            ),
            input_tokens=tokens(record, "prompt_tokens"),
            output_tokens=tokens(record, "completion_tokens"),
            reasoning_tokens=tokens(record, "reasoning_tokens"),
        )
        return left_out(row, kind_of(row.model))


class Portkey(Format):
    """Costs are documented in cents, and have been seen in dollars: each row's list price tells."""

    name = "portkey_logs"
    title = "Portkey logs"
    unknown = "cached and reasoning tokens, unless the response's usage is exported"

    def __init__(self) -> None:
        self._in_dollars = 0

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return {"ai_model", "req_units"} <= _first(record, "data").keys()

    def rows(self, record: Record) -> Iterator[Row]:
        yield from map(self._row, _records(record, "data"))

    def _row(self, record: Record) -> Row:
        usage = as_object(dig(record, "response.usage") or dig(record, "response.body.usage"))
        inside = openai_counts(usage)
        row = Row(
            moment(record, "created_at"),
            app_of(record, (*_within("metadata"), "prompt_slug")),
            text(record, "ai_org"),
            text(record, "ai_model"),
            key=hashed(text(record, "id")),
            input_tokens=tokens(record, "req_units"),
            cached_tokens=inside["cached_tokens"],
            output_tokens=tokens(record, "res_units"),
            reasoning_tokens=inside["reasoning_tokens"],
        )
        row = row._replace(cost_usd=self._usd(record, row))
        reason = _failed(record, "response_status_code")
        if reason is None and "hit" in (text(record, "cache_status") or "").lower():
            reason = "gateway_cache_hit"
        return without_usage(left_out(row, reason or kind_of(text(record, "request_url"), row.model)))

    def _usd(self, record: Record, row: Row) -> float | None:
        cost = number(record, "cost")
        if (text(record, "cost_currency") or "USD").upper() != "USD":
            raise InputError(
                "cost_currency", text(record, "cost_currency"), "is not USD", "convert the costs"
            )
        if not cost:
            return cost
        listed = _list_usd(row.model, row.input_tokens or 0, row.output_tokens or 0)
        if listed:  # nearer to a dollar a dollar than to a hundred cents
            self._in_dollars += 1 if cost < listed * CENTS_PER_USD**0.5 else -1
        return cost if self._in_dollars > 0 else cost / CENTS_PER_USD


def _list_usd(model: str | None, inputs: int, outputs: int) -> float | None:
    price = _token_usd(model)
    return None if price is None else inputs * price[0] + outputs * price[1]


@cache
def _token_usd(model: str | None) -> tuple[float, float] | None:
    api = known_api(model, load_catalog())
    if api is None:
        return None
    return api.input_usd_per_mtok / TOKENS_PER_MTOK, api.output_usd_per_mtok / TOKENS_PER_MTOK


class Kong(Format):
    name = "kong_ai_log"
    title = "Kong AI Gateway logs"
    unknown = "tokens written to a cache; before 3.11 cached and reasoning tokens"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return "ai" in record and ("started_at" in record or "response" in record)

    def rows(self, record: Record) -> Iterator[Row]:
        plugins = as_object(record.get("ai"))
        plugin = as_object(plugins.get("proxy")) or next(
            (as_object(item) for item in plugins.values() if as_object(item).get("usage")), {}
        )
        usage, meta = as_object(plugin.get("usage")), as_object(plugin.get("meta"))
        counts = openai_counts(usage)
        if counts["input_tokens"] is None:
            counts["input_tokens"], counts["output_tokens"] = (
                tokens(usage, "prompt_token"),
                tokens(usage, "completion_token"),
            )
        row = Row(
            moment(record, "started_at", "request_time"),
            app_of(record, ("consumer.username", "consumer.custom_id", "route.name", "service.name")),
            text(meta, "provider_name"),
            text(meta, "response_model", "request_model"),
            cost_usd=number(usage, "cost"),
            key=hashed(text(record, "request.id", "request.headers.x-kong-request-id")),
            input_group=f"kong {text(meta, 'provider_name')}",
            **counts,
        )
        reason = _failed(record, "response.status")
        if reason is None and (text(plugin, "cache.cache_status") or "").lower() == "hit":
            reason = "gateway_cache_hit"
        if reason is None and not plugin:
            reason = "non_generation"
        yield without_usage(left_out(row, reason or kind_of(text(record, "request.uri"), row.model)))


class Cloudflare(Format):
    name = "cloudflare_ai_gateway"
    title = "Cloudflare AI Gateway logs"
    unknown = "cached and reasoning tokens; its cost is an estimate from list prices"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return {"tokens_in", "tokens_out"} <= _first(record, "result").keys()

    def rows(self, record: Record) -> Iterator[Row]:
        for item in _records(record, "result"):
            row = Row(
                moment(item, "created_at"),
                app_of(item, _within("metadata")),
                text(item, "provider"),
                text(item, "model"),
                cost_usd=number(item, "cost"),
                key=hashed(text(item, "id")),
                input_tokens=tokens(item, "tokens_in"),
                output_tokens=tokens(item, "tokens_out"),
            )
            failed = "failed_attempt" if str(item.get("success")).lower() in ("false", "0") else None
            reason = failed or _failed(item, "status_code")
            if reason is None and is_true(item, "cached"):
                reason = "gateway_cache_hit"
            said = (text(item, "path"), text(item, "model_type"), row.model)
            yield without_usage(left_out(row, reason or kind_of(*said)))
