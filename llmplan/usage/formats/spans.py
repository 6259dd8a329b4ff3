"""OpenTelemetry: OTLP/JSON spans with the GenAI attributes, those of older conventions among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmplan.usage.rows import STRUCTURE, Format, Row
from llmplan.usage.values import (
    Record,
    as_object,
    hashed,
    kind_of,
    left_out,
    moment,
    text,
    tokens,
    without_usage,
)

GENERATING = ("chat", "text_completion", "generate_content", "completion", "message", "responses")
STATUS_ERROR = ("2", "STATUS_CODE_ERROR")
INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
)
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
)
READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.cached_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
)
WRITTEN = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_creation_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.system")
MODEL = ("gen_ai.response.model", "gen_ai.request.model", "llm.response.model", "llm.request.model")


class GenAiSpans(Format):
    name = "otlp_genai"
    title = "OpenTelemetry GenAI spans (OTLP/JSON)"
    unknown = "cost; what an emitter leaves out, and what sampling dropped"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return "resourceSpans" in record or "resource_spans" in record

    def rows(self, record: Record) -> Iterator[Row]:
        for resource in record.get("resourceSpans") or record.get("resource_spans") or ():
            app = text(_flat(as_object(resource.get("resource"))), "service_name")
            for scope in resource.get("scopeSpans") or resource.get("scope_spans") or ():
                name = text(scope, "scope.name")
                for span in scope.get("spans") or ():
                    yield _row(as_object(span), app, name)


def _flat(holder: Record) -> Record:
    """Return the attributes of a span or resource; dots in their names would be read as paths."""
    return {
        _plain(item["key"]): _value(as_object(item.get("value"))) for item in holder.get("attributes") or ()
    }


def _plain(name: str) -> str:
    return name.replace(".", "_")


def _value(value: Record) -> Any:
    return next(iter(value.values()), None)


def _row(span: Record, app: str | None, scope: str | None) -> Row:
    said = _flat(span)
    attribute = _reader(said)
    operation = (text(said, _plain("gen_ai.operation.name")) or "").lower()
    provider, own = attribute(*PROVIDER), _id(span, "spanId", "span_id")
    row = Row(
        moment(span, "startTimeUnixNano", "start_time_unix_nano"),
        app,
        provider,
        attribute(*MODEL),
        key=hashed(attribute("gen_ai.response.id")) or own,
        span=own,
        parent=_id(span, "parentSpanId", "parent_span_id"),
        input_group=f"{scope} {provider}",
        input_tokens=tokens(said, *map(_plain, INPUT)),
        cached_tokens=tokens(said, *map(_plain, READ)),
        cache_write_tokens=tokens(said, *map(_plain, WRITTEN)),
        output_tokens=tokens(said, *map(_plain, OUTPUT)),
        reasoning_tokens=tokens(said, *map(_plain, REASONING)),
    )
    return without_usage(left_out(row, _status(span, said, operation, row)))


def _id(span: Record, *names: str) -> int | None:
    """Return a hash of a span's id, which is one within its trace alone."""
    own = text(span, *names)
    return None if own is None else hashed(text(span, "traceId", "trace_id"), own)


def _reader(said: Record) -> Any:
    return lambda *names: text(said, *map(_plain, names))


def _status(span: Record, said: Record, operation: str, row: Row) -> str | None:
    is_gen_ai = bool(operation) or any(name.startswith(("gen_ai_", "llm_")) for name in said)
    if not is_gen_ai:
        return STRUCTURE
    has_usage = bool(row.input_tokens or row.output_tokens)
    if str(as_object(span.get("status")).get("code")) in STATUS_ERROR or text(said, _plain("error.type")):
        return "failed_attempt"
    if operation and operation not in GENERATING:
        return kind_of(operation) or ("parent_rollup" if has_usage else "non_generation")
    kind = kind_of(text(said, _plain("llm.request.type")), row.model)
    return kind if kind in ("embedding", "rerank") else None
