"""Clouds: Bedrock invocation logs, Azure API Management's LLM log, Vertex request-response logging."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmplan.usage.rows import Format, Row
from llmplan.usage.values import (
    Counts,
    Record,
    added,
    anthropic_counts,
    app_of,
    as_object,
    dig,
    gemini_counts,
    hashed,
    kind_of,
    left_out,
    moment,
    openai_counts,
    text,
    tokens,
    without_usage,
)

APP_KEYS = ("app", "application", "service", "team")


class Bedrock(Format):
    name = "bedrock_invocation"
    title = "AWS Bedrock model invocation logs"
    unknown = "reasoning tokens (within the output) and cost"
    marks = frozenset({"modelId", "operation"})

    def rows(self, record: Record) -> Iterator[Row]:
        usage = _usage_of_body(dig(record, "output.outputBodyJson"))
        read = tokens(record, "input.cacheReadInputTokenCount")
        written = tokens(record, "input.cacheWriteInputTokenCount")
        split = anthropic_counts(usage)
        read = split["cached_tokens"] if read is None else read
        written = split["cache_write_tokens"] if written is None else written
        fresh = tokens(record, "input.inputTokenCount")
        if fresh is None:
            fresh = tokens(usage, "input_tokens", "inputTokens")
        made = tokens(record, "output.outputTokenCount")
        row = Row(
            moment(record, "timestamp"),
            app_of(record, tuple(f"requestMetadata.{key}" for key in APP_KEYS)) or _role(record),
            "bedrock",
            text(record, "modelId"),
            key=hashed(text(record, "requestId")),
            input_tokens=added(fresh, read, written),
            cached_tokens=read,
            cache_write_tokens=written,
            output_tokens=tokens(usage, "output_tokens", "outputTokens") if made is None else made,
        )
        failed = "failed_attempt" if text(record, "errorCode") else None
        yield without_usage(left_out(row, failed or kind_of(row.model)))


def _partner_counts(usage: Record) -> Counts:
    """Return the counts of a partner's model: Claude's, or those of OpenAI's form."""
    if not usage:
        return Counts()
    return openai_counts(usage) if "prompt_tokens" in usage else anthropic_counts(usage)


def _usage_of_body(body: object) -> Record:
    """Return Claude's usage; a stream's parts tell the input at its start and the output at its end."""
    found: dict[str, object] = {}
    for part in _parts(body):
        for holder in (as_object(part.get("message")), part):
            found |= as_object(holder.get("usage"))
    return found


def _parts(answer: object) -> list[Record]:
    """Return an answer's parts: several where it was streamed."""
    if isinstance(answer, str) and answer.lstrip().startswith("["):
        answer = as_object('{"parts": ' + answer + "}").get("parts")
    return [as_object(part) for part in (answer if isinstance(answer, list) else [answer])]


def _role(record: Record) -> str | None:
    found = re.search(r":assumed-role/([^/]+)/|:(?:role|user)/(.+)$", text(record, "identity.arn") or "")
    return None if found is None else found[1] or found[2]


class AzureApiManagement(Format):
    name = "azure_apim_llm"
    title = "Azure API Management LLM log"
    unknown = "cached and reasoning tokens, cost; apps, unless ApimSubscriptionId is joined on CorrelationId"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        keys = {re.sub(r" ?\[.*\]$", "", key) for key in record}
        return {"CorrelationId", "PromptTokens", "CompletionTokens"} <= keys

    def rows(self, record: Record) -> Iterator[Row]:
        # The portal's CSV writes the zone into the heading.
        record = {re.sub(r" ?\[.*\]$", "", key): value for key, value in record.items()}
        part = tokens(record, "SequenceNumber") or 0
        row = Row(
            moment(record, "TimeGenerated"),
            app_of(record, ("ProductId", "ApiId"), ("ApimSubscriptionId",)),
            "azure",
            text(record, "ModelName", "DeploymentName"),
            key=hashed(text(record, "CorrelationId", "RequestId")),
            input_tokens=tokens(record, "PromptTokens"),
            output_tokens=tokens(record, "CompletionTokens"),
        )
        is_part = part or (row.input_tokens is None and row.model is None)
        reason = "message_part" if is_part else kind_of(text(record, "OperationName"), row.model)
        yield without_usage(left_out(row, reason))


class Vertex(Format):
    name = "vertex_gemini"
    title = "Vertex AI request-response logs"
    unknown = (
        "cost, tokens written to a cache (but for Claude); the log may be a sample: multiply by 1 / its rate"
    )

    @classmethod
    def recognises(cls, record: Record) -> bool:
        return "logging_time" in record and bool({"full_response", "response_payload"} & record.keys())

    def rows(self, record: Record) -> Iterator[Row]:
        response = record.get("full_response") or record.get("response_payload")
        parts = _parts(response)
        # Of a stream's parts the last that has a usage holds all of it.
        told = [as_object(part.get("usageMetadata") or part.get("usage_metadata")) for part in parts]
        gemini = next((usage for usage in reversed(told) if usage), {})
        partner = _usage_of_body(response)
        answer = parts[-1] if parts else {}
        model = text(record, "model") or text(answer, "modelVersion", "model")
        counts = gemini_counts(gemini) if gemini else _partner_counts(partner)
        row = Row(
            moment(record, "logging_time"),
            app_of(record, tuple(f"full_request.labels.{key}" for key in APP_KEYS)),
            "google-vertex",
            None if model is None else model.rsplit("/", 1)[-1],
            key=hashed(text(record, "request_id"), text(record, "endpoint")),
            **counts,
        )
        failed = "failed_attempt" if "error" in answer or text(record, "error") else None
        method = text(record, "api_method") or ""
        other = "non_generation" if "count" in method else kind_of(method, row.model)
        yield without_usage(left_out(row, failed or other))
