"""Reading a file of measured results: which tool wrote it is seen from its content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmplan.errors import InputError
from llmplan.foreign import parse_json, read_text
from llmplan.measurements.aiperf import aiperf_csv_run, aiperf_run, is_aiperf, is_aiperf_csv
from llmplan.measurements.guidellm import FIX, guidellm_runs, is_first_guidellm, is_guidellm
from llmplan.measurements.record import MeasuredRun
from llmplan.measurements.vllm import is_vllm, vllm_run

KNOWN = "vllm bench serve, AIPerf, GenAI-Perf or GuideLLM"


def read_results(path: Path | str) -> list[MeasuredRun]:
    """Return every run in a result file of vllm bench serve, AIPerf, GenAI-Perf or GuideLLM.

    Raises InputError naming file, field, value and fix.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("file", str(path), "does not exist", "give the path of a result file")
    text = read_text(file)
    if is_aiperf_csv(text):
        return [aiperf_csv_run(text, file.name)]
    return [run for place, data in _documents(text, file.name) for run in _runs(data, place)]


def _documents(text: str, name: str) -> list[tuple[str, Any]]:
    """Return the JSON documents in a text, one in all or one a line, with their places."""
    fix = f"give a file of {KNOWN}"
    try:
        return [(name, parse_json(text, "file", name, fix))]
    except InputError:
        lines = {f"{name} line {i}": line for i, line in enumerate(text.splitlines(), 1) if line.strip()}
        if len(lines) < 2:
            raise
    return [(place, parse_json(line, place, line[:40], fix)) for place, line in lines.items()]


def _runs(data: Any, where: str) -> list[MeasuredRun]:
    if is_guidellm(data):
        return guidellm_runs(data, where)
    if is_vllm(data):
        return [vllm_run(data, where)]
    if is_aiperf(data):
        return [aiperf_run(data, where)]
    if is_first_guidellm(data):
        raise InputError(where, "a report of GuideLLM 0.1", "has no summary of its requests", FIX)
    if isinstance(data, list) and data and all(is_vllm(item) for item in data):
        return [vllm_run(item, f"{where} item {place}") for place, item in enumerate(data, start=1)]
    raise InputError(where, _glimpse(data), f"is not a result of {KNOWN}", "check which file the tool wrote")


def _glimpse(data: Any) -> str:
    keys = list(data)[:6] if isinstance(data, dict) else type(data).__name__
    return f"keys {keys}" if isinstance(data, dict) else str(keys)
