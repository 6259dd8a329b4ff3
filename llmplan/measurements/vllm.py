"""Results of `vllm bench serve --save-result` (one JSON) and `--append-result` (one JSON a line)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmplan.errors import InputError
from llmplan.measurements.record import Fields, MeasuredRun, load_of, text_or_none

FIX = "save the run again with vllm bench serve --save-result"
MARKS = ("request_throughput", "total_output_tokens", "completed")


def is_vllm(data: Any) -> bool:
    """Say whether a JSON document is a result of vllm bench serve (also of SGLang's bench_serving)."""
    return isinstance(data, Mapping) and all(key in data for key in MARKS)


def vllm_run(data: Mapping[str, Any], where: str) -> MeasuredRun:
    """Return the run; raise InputError for missing or impossible figures.

    Notes
    -----
    Format: vllm/benchmarks/serve.py. `mean_tpot_ms` leaves out the first token; `request_rate` is "inf" where
    requests are sent as fast as `max_concurrency` lets them, and that is null without a cap.
    """
    fields = Fields(data, where, FIX)
    completed = fields.needed("completed")
    rate = data.get("request_rate")
    offered = None if rate in (None, "inf") or rate == float("inf") else fields.needed("request_rate")
    asked = fields.number("num_prompts") or completed
    arrival, concurrency, offered = load_of(fields.number("max_concurrency"), offered, int(asked))
    if arrival == "open_loop" and data.get("ramp_up_strategy"):
        raise InputError(f"{where}: ramp_up_strategy", data["ramp_up_strategy"], "has no steady rate", FIX)
    return MeasuredRun(
        tool="vllm bench serve",
        tool_version=text_or_none(data.get("vllm_version") or data.get("version")),
        model_name=text_or_none(data.get("model_id")),
        arrival=arrival,
        concurrency=concurrency,
        offered_rps=offered,
        input_tokens=fields.needed("total_input_tokens") / completed,
        output_tokens=fields.needed("total_output_tokens") / completed,
        requests_per_s=fields.needed("request_throughput"),
        output_tokens_per_s=fields.needed("output_throughput"),
        ttft_ms=fields.number("mean_ttft_ms"),
        tpot_ms=fields.number("mean_tpot_ms") if _has_tpot(data) else None,
        statistic="mean",
        n_requests=int(completed),
        n_failed=int(data.get("failed") or 0),
        measured_on=_day(data.get("date")),
        where=where,
    )


def _has_tpot(data: Mapping[str, Any]) -> bool:
    """Single-token answers have no time per further token; the tool writes 0 then."""
    return bool(data.get("mean_tpot_ms"))


def _day(value: Any) -> str | None:
    """Return 20250131-104500 as 2025-01-31."""
    text = str(value or "")
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) >= 8 and text[:8].isdigit() else None
