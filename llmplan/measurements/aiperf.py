"""Results of AIPerf (profile_export_aiperf.json, .csv) and of its predecessor GenAI-Perf, same layout."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmplan.errors import InputError
from llmplan.measurements.record import Arrival, Fields, MeasuredRun, load_of, text_or_none

FIX = "profile a streaming endpoint and take profile_export_aiperf.json from the artifact folder"
MARKS = ("request_throughput", "output_token_throughput")
CSV_NAMES = {
    "request throughput": "request_throughput",
    "output token throughput": "output_token_throughput",
    "time to first token": "time_to_first_token",
    "inter token latency": "inter_token_latency",
    "input sequence length": "input_sequence_length",
    "output sequence length": "output_sequence_length",
    "request count": "request_count",
    "error request count": "error_request_count",
}


def is_aiperf(data: Any) -> bool:
    """Say whether a JSON document is an AIPerf or GenAI-Perf summary: metrics as {unit, avg, p50, ...}."""
    return isinstance(data, Mapping) and all(
        isinstance(data.get(key), Mapping) and "avg" in data[key] for key in MARKS
    )


def is_aiperf_csv(text: str) -> bool:
    """Say whether a CSV text is an AIPerf or GenAI-Perf export."""
    return text.lstrip("\ufeff").startswith("Metric,avg") and "Output Token Throughput" in text


def aiperf_run(data: Mapping[str, Any], where: str) -> MeasuredRun:
    """Return the run; raise InputError for missing or impossible figures.

    Notes
    -----
    Format: aiperf/common/models/export_models.py (JsonExportData). Inter-token latency is
    (request latency - TTFT) / (output tokens - 1), so it is TPOT here. The load stands in `input_config`:
    since 0.10 in the last of its phases that is not left out of results (`rate`, `concurrency`), before under
    loadgen, under perf_analyzer.stimulus in GenAI-Perf (`request_rate`, `concurrency`).
    """
    fields = Fields(data, where, FIX)
    config = data.get("input_config") or {}
    count = fields.number("request_count.avg")
    wanted = int(count) if count else None
    arrival, clients, offered = _load(config, wanted, where)
    return MeasuredRun(
        tool="aiperf" if data.get("aiperf_version") or "schema_version" in data else "genai-perf",
        tool_version=text_or_none(data.get("aiperf_version")),
        model_name=_model_name(config),
        arrival=arrival,
        concurrency=clients,
        offered_rps=offered,
        input_tokens=fields.needed("input_sequence_length.avg"),
        output_tokens=fields.needed("output_sequence_length.avg", "output_token_count.avg"),
        requests_per_s=fields.needed("request_throughput.avg"),
        output_tokens_per_s=fields.needed("output_token_throughput.avg"),
        ttft_ms=fields.number("time_to_first_token.avg"),
        tpot_ms=fields.number("inter_token_latency.avg"),
        statistic="mean",
        n_requests=wanted,
        n_failed=int(fields.number("error_request_count.avg") or 0)
        if fields.get("error_request_count.avg")
        else 0,
        measured_on=(str(data.get("start_time") or "")[:10]) or None,
        where=where,
    )


def aiperf_csv_run(text: str, where: str) -> MeasuredRun:
    """Return the run of a CSV export; it names no load, so arrival is offline unless given otherwise."""
    metrics: dict[str, Any] = {}
    for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))):
        if len(row) < 2 or row[0] == "Metric":
            continue
        name = re.sub(r"\s*\(.*\)\s*", "", row[0]).strip().lower()
        if name in CSV_NAMES:
            metrics.setdefault(CSV_NAMES[name], {"avg": row[1].replace(",", "")})
    return aiperf_run({**metrics, "schema_version": None}, where)


def _load(config: Any, n_requests: int | None, where: str) -> tuple[Arrival, float | None, float | None]:
    """Return arrival, concurrency and rate of the phase that was measured."""
    phase = _measured_phase(config)
    kind = phase.get("type") if isinstance(phase, Mapping) else None
    if kind == "fixed_schedule" or any(_values(phase, "rate_series")):
        fix = "profile with --request-rate or --concurrency"
        raise InputError(f"{where}: input_config.phases", kind, "has no steady rate", fix)
    rate = _find(phase, "request_rate") or _find(phase, "rate")
    return load_of(_find(phase, "concurrency"), rate, n_requests)


def _measured_phase(config: Any) -> Any:
    """Return the last phase that counts (warm-ups do not), or the whole configuration where it has no phases."""
    phases = config.get("phases") if isinstance(config, Mapping) else None
    if isinstance(phases, Mapping):
        phases = [{"name": name, **phase} for name, phase in phases.items() if isinstance(phase, Mapping)]
    if not isinstance(phases, list):
        return config
    counted = [p for p in phases if isinstance(p, Mapping) and not p.get("exclude_from_results")]
    return counted[-1] if counted else config


def _find(config: Any, key: str) -> float | None:
    """Return the last positive number under `key`, however deep."""
    found = [value for value in _values(config, key) if isinstance(value, int | float) and value > 0]
    return float(found[-1]) if found and not isinstance(found[-1], bool) else None


def _values(node: Any, key: str) -> Iterator[Any]:
    items: list[Any] = []
    if isinstance(node, Mapping):
        if key in node:
            yield node[key]
        items = list(node.values())
    elif isinstance(node, list):
        items = node
    for item in items:
        yield from _values(item, key)


def _model_name(config: Any) -> str | None:
    for path in ("endpoint.model_names", "model_names", "models.items", "model"):
        value = Fields(config if isinstance(config, Mapping) else {}, "", "").get(path)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, Mapping):
            first = first.get("name")
        if isinstance(first, str):
            return first
    return None
