"""Results of GuideLLM (benchmarks.json): several loads in one report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from llmplan.errors import InputError
from llmplan.measurements.record import Arrival, Fields, MeasuredRun, load_of, text_or_none

FIX = "write the report again with guidellm benchmark (0.2 or newer) as benchmarks.json"
STRATEGY_PATHS = ("config.strategy", "scheduler.strategy", "args.strategy")


def is_guidellm(data: Any) -> bool:
    """Say whether a JSON document is a GuideLLM report: a list of benchmarks with metrics."""
    if not isinstance(data, Mapping) or not isinstance(data.get("benchmarks"), list):
        return False
    first = data["benchmarks"][0] if data["benchmarks"] else None
    return isinstance(first, Mapping) and isinstance(first.get("metrics"), Mapping)


def is_first_guidellm(data: Any) -> bool:
    """Say whether a JSON document is a report of GuideLLM 0.1: single requests without metrics."""
    benchmarks = data.get("benchmarks") if isinstance(data, Mapping) else None
    first = benchmarks[0] if isinstance(benchmarks, list) and benchmarks else None
    return isinstance(first, Mapping) and isinstance(first.get("results"), list)


def guidellm_runs(data: Mapping[str, Any], where: str) -> list[MeasuredRun]:
    """Return one run a benchmark; raise InputError for missing or impossible figures.

    Notes
    -----
    Format: guidellm/benchmark/schemas. Its inter_token_latency_ms leaves out the first token and is TPOT
    here; its own time_per_output_token_ms counts the first token in and is not used. Failed and cut-off
    requests are left out ("successful"), and so is a load at which every request failed.
    """
    served = [
        (place, benchmark)
        for place, benchmark in enumerate(data["benchmarks"], start=1)
        if _completed(Fields(benchmark, where, FIX)) != 0
    ]
    if not served:
        raise InputError(
            where, "benchmarks", "have no successful request", "look at the errors in the report"
        )
    return [_run(data, benchmark, f"{where} benchmark {place}") for place, benchmark in served]


def _run(report: Mapping[str, Any], benchmark: Mapping[str, Any], where: str) -> MeasuredRun:
    fields = Fields(benchmark, where, FIX)
    count = _completed(fields)
    failed = fields.get("metrics.request_totals.errored") or fields.get("request_totals.errored") or 0
    arrival, clients, offered = _load(fields, int(count) if count else None, where)
    return MeasuredRun(
        tool="guidellm",
        tool_version=text_or_none(Fields(report, where, FIX).get("metadata.guidellm_version")),
        model_name=_model_name(report, fields),
        arrival=arrival,
        concurrency=clients,
        offered_rps=offered,
        input_tokens=fields.needed(*_mean("prompt_token_count"), *_mean("text.tokens.input")),
        output_tokens=fields.needed(*_mean("output_token_count"), *_mean("text.tokens.output")),
        requests_per_s=fields.needed(*_mean("requests_per_second")),
        output_tokens_per_s=fields.needed(*_mean("output_tokens_per_second")),
        ttft_ms=fields.number(*_mean("time_to_first_token_ms")),
        tpot_ms=_tpot_ms(fields),
        statistic="mean",
        n_requests=int(count) if count else None,
        n_failed=int(failed),
        measured_on=_day(fields.get("start_time")),
        where=where,
    )


def _completed(fields: Fields) -> Any:
    """Return the count of successful requests; None where the report does not state it."""
    counts = (fields.get(f"{path}request_totals.successful") for path in ("metrics.", ""))
    return next((count for count in counts if count is not None), None)


def _mean(metric: str) -> tuple[str, ...]:
    return (f"metrics.{metric}.successful.mean",)


def _tpot_ms(fields: Fields) -> float | None:
    value = fields.get("metrics.inter_token_latency_ms.successful.mean")
    return fields.number("metrics.inter_token_latency_ms.successful.mean") if value else None


def _load(fields: Fields, n_requests: int | None, where: str) -> tuple[Arrival, float | None, float | None]:
    """Read the strategy that ran: synchronous, concurrent, throughput, constant, poisson.

    Throughput with a cap on requests in progress is a closed loop of as many clients.
    """
    strategy = next((s for s in map(fields.get, STRATEGY_PATHS) if isinstance(s, Mapping)), None)
    if strategy is None:
        raise InputError(f"{where}: config.strategy", None, "is missing", FIX)
    kind, own = str(strategy.get("type_") or strategy.get("type")), Fields(strategy, where, FIX)
    if kind == "synchronous":
        return "closed_loop", 1.0, None
    if kind == "concurrent":
        return "closed_loop", own.needed("streams"), None
    if kind == "throughput":
        return load_of(own.number("max_concurrency"), None, n_requests)
    if kind in ("constant", "poisson", "async"):
        return load_of(None, own.needed("rate"), None)
    raise InputError(
        f"{where}: strategy", kind, "is not a known kind of load", "use concurrent, poisson or constant"
    )


def _model_name(report: Mapping[str, Any], fields: Fields) -> str | None:
    args = Fields(report, "", FIX)
    for value in (
        args.get("args.model"),
        fields.get("config.backend.model"),
        fields.get("benchmarker.backend.model"),
    ):
        if isinstance(value, str) and value:
            return value
    return None


def _day(value: Any) -> str | None:
    """Return the day of a Unix time."""
    if not (isinstance(value, int | float) and value > 0):
        return None
    return dt.datetime.fromtimestamp(value, tz=dt.UTC).date().isoformat()
