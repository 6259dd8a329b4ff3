"""Langfuse: observations of the blob export (snake case) and of the user interface (camel case)."""

from __future__ import annotations

from collections.abc import Iterator

from llmplan.usage.rows import Format, Row
from llmplan.usage.values import (
    Counts,
    Record,
    app_of,
    as_object,
    hashed,
    left_out,
    moment,
    number,
    text,
    tokens,
    without_usage,
)

APP = (
    "metadata.app",
    "metadata.application",
    "metadata.service",
    "trace_name",
    "traceName",
    "project_id",
    "projectId",
)
GENERATIONS = ("GENERATION", "EMBEDDING")
_INPUT, _OUTPUT = (
    ("input", "prompt", "cache"),
    ("output", "completion", "reasoning", "candidates", "thoughts"),
)


class Observations(Format):
    name = "langfuse_observations"
    title = "Langfuse observations"

    @classmethod
    def recognises(cls, record: Record) -> bool:
        keys = record.keys()
        return (
            {"type", "usage_details"} <= keys
            or {"type", "usageDetails"} <= keys
            or {"startTime", "inputUsage"} <= keys
        )

    def rows(self, record: Record) -> Iterator[Row]:
        kind = (text(record, "type") or "GENERATION").upper()
        row = Row(
            moment(record, "start_time", "startTime"),
            app_of(record, APP),
            None,
            text(record, "provided_model_name", "providedModelName", "model", "model_id"),
            cost_usd=number(
                record,
                *(
                    "total_cost",
                    "totalCost",
                    "calculatedTotalCost",
                    "cost_details.total",
                    "costDetails.total",
                ),
            ),
            key=hashed(text(record, "id")),
            span=hashed(text(record, "id")),
            parent=hashed(text(record, "parent_observation_id", "parentObservationId")),
            **_counts(record),
        )
        if kind in GENERATIONS:
            failed = "failed_attempt" if text(record, "level") == "ERROR" else None
            yield without_usage(left_out(row, failed or ("embedding" if kind == "EMBEDDING" else None)))
        elif row.input_tokens or row.output_tokens:
            yield row._replace(status="parent_rollup")
        else:
            yield row._replace(status="non_generation")


def _counts(record: Record) -> Counts:
    """Return the counts of a map of usage whose buckets are disjoint by Langfuse's contract.

    Some SDKs put the cached tokens inside `input` all the same: the map's total tells.
    """
    usage = as_object(record.get("usage_details") or record.get("usageDetails"))
    if not usage:
        return {
            "input_tokens": tokens(record, "inputUsage", "promptTokens"),
            "output_tokens": tokens(record, "outputUsage", "completionTokens"),
        }
    parts: dict[str, int] = dict.fromkeys(("input", "read", "write", "output", "reasoning"), 0)
    for key in usage:
        part = _part(key.lower())
        if part is not None:
            parts[part] += tokens(usage, key) or 0
    total = tokens(usage, "total", "total_tokens")
    cached = parts["read"] + parts["write"]
    inside = cached > 0 and total is not None and _adds_up(total, parts, cached_inside=True)
    reasoned = parts["reasoning"] > 0 and total is not None and _reasoning_inside(total, parts, inside)
    return {
        "input_tokens": parts["input"] + (0 if inside else cached),
        "cached_tokens": parts["read"],
        "cache_write_tokens": parts["write"],
        "output_tokens": parts["output"] + (0 if reasoned else parts["reasoning"]),
        "reasoning_tokens": parts["reasoning"],
    }


def _adds_up(total: int, parts: dict[str, int], cached_inside: bool) -> bool:
    """Say whether the total is input and output, the cached tokens being inside the input."""
    output = {parts["output"], parts["output"] + parts["reasoning"]}
    fits = parts["input"] >= parts["read"] + parts["write"] and total - parts["input"] in output
    return fits == cached_inside


def _reasoning_inside(total: int, parts: dict[str, int], cached_inside: bool) -> bool:
    prompt = parts["input"] + (0 if cached_inside else parts["read"] + parts["write"])
    return parts["output"] >= parts["reasoning"] and total == prompt + parts["output"]


def _part(key: str) -> str | None:
    if key.startswith("total"):
        return None
    if "cache" in key:
        return "write" if any(word in key for word in ("creation", "write", "5m", "1h")) else "read"
    if "reasoning" in key or "thought" in key:
        return "reasoning"
    if any(word in key for word in _OUTPUT):
        return "output"
    return "input" if any(word in key for word in _INPUT) else None
