"""Measured points: what ran where under which load; the table with data/measured_serving.csv's columns."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from llmplan.catalog import Catalog
from llmplan.catalog.editing import write_atomically
from llmplan.catalog.measurements import PRECISION_ALIASES
from llmplan.errors import InputError, LlmplanError, UnknownNameError
from llmplan.foreign import read_text
from llmplan.measurements.record import MeasuredRun
from llmplan.units import MS_PER_S

COLUMNS: Final = (
    "model_id",
    "model_as_published",
    "precision",
    "gpu_id",
    "n_gpus",
    "tensor_parallel",
    "data_parallel",
    "expert_parallel",
    "engine_id",
    "engine_version",
    "isl_tokens",
    "osl_tokens",
    "arrival",
    "concurrency",
    "offered_rps",
    "output_tokens_per_s",
    "ttft_ms",
    "tpot_ms",
    "statistic",
    "scenario_as_published",
    "source_title",
    "source",
    "published",
    "source_id",
    "as_of",
)
NEEDED: Final = (
    "model_id",
    "precision",
    "gpu_id",
    "n_gpus",
    "engine_id",
    "isl_tokens",
    "osl_tokens",
    "arrival",
)
NUMBERS: Final = (
    "isl_tokens",
    "osl_tokens",
    "concurrency",
    "offered_rps",
    "output_tokens_per_s",
    "ttft_ms",
    "tpot_ms",
)
ARRIVALS: Final = ("closed_loop", "open_loop", "offline", "server", "static_batch")


class MeasuredFileError(LlmplanError):
    """All problems of a file of measured points, one a line with file, line, column, value, rule and fix."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class MeasuredPoint:
    """One row. Tokens are means; `ttft_ms`, `tpot_ms`, `output_tokens_per_s` are None where not measured."""

    model_id: str
    precision_id: str
    gpu_id: str
    n_gpus: int
    engine_id: str
    engine_version: str | None
    input_tokens: float
    output_tokens: float
    arrival: str
    concurrency: float | None
    offered_rps: float | None
    output_tokens_per_s: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    statistic: str
    source: str

    @property
    def requests_per_s(self) -> float | None:
        """Completed requests a second: tokens over tokens, else Little's law in a closed loop, else None."""
        if self.output_tokens_per_s is not None:
            return self.output_tokens_per_s / self.output_tokens
        if self.concurrency is None or self.ttft_ms is None or self.tpot_ms is None:
            return None
        return self.concurrency / self._cycle_ms * MS_PER_S

    @property
    def clients(self) -> float | None:
        """Requests in progress at once: the clients, else by Little's law from rate and latencies, else None."""
        rate = self.requests_per_s
        if self.concurrency is not None or rate is None or self.ttft_ms is None or self.tpot_ms is None:
            return self.concurrency
        return rate * self._cycle_ms / MS_PER_S

    @property
    def _cycle_ms(self) -> float:
        """One request from sending to its last token [ms]."""
        return (self.ttft_ms or 0.0) + max(self.output_tokens - 1, 0) * (self.tpot_ms or 0.0)


def read_points(
    path: Path | str, known: Mapping[str, Iterable[str]] | None = None
) -> tuple[MeasuredPoint, ...]:
    """Read a CSV with the columns of data/measured_serving.csv; all its problems are raised together.

    Parameters
    ----------
    known: allowed names by column (model_id, precision, gpu_id, engine_id); any other name is a problem.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("measured_csv", str(path), "does not exist", "give the path of a CSV file")
    reader = csv.DictReader(io.StringIO(read_text(file, "measured_csv")))
    header, rows = list(reader.fieldnames or []), list(reader)
    problems = _header_problems(file.name, header)
    if problems:
        raise MeasuredFileError(problems)
    points = []
    for line, row in enumerate(rows, start=2):
        point, found = point_of_row(f"{file.name} line {line}", row, known or {})
        problems += found
        points += [point] if point else []
    if not points and not problems:
        problems = [f"{file.name}: no rows; add at least one measured point"]
    if problems:
        raise MeasuredFileError(problems)
    return tuple(points)


def read_points_of(catalog: Catalog, path: Path | str) -> tuple[MeasuredPoint, ...]:
    """Read a CSV as `read_points` does; names that the catalog does not hold are problems."""
    known: dict[str, Iterable[str]] = {
        "model_id": catalog.models,
        "precision": catalog.precisions,
        "gpu_id": catalog.gpus,
        "engine_id": catalog.engines,
    }
    return read_points(path, known)


def _header_problems(name: str, header: list[str]) -> list[str]:
    if len(header) == 1 and ";" in header[0]:
        return [f"{name} line 1: columns are separated by semicolons; save with commas"]
    missing = [f"{name} line 1: column {c} is missing; add it" for c in NEEDED if c not in header]
    odd = [c for c in header if c not in COLUMNS]
    return missing + [f"{name} line 1: {UnknownNameError('column', c, COLUMNS)}" for c in odd]


def point_of_row(
    where: str, row: dict[str, str], known: Mapping[str, Iterable[str]]
) -> tuple[MeasuredPoint | None, list[str]]:
    """Return a row's point, or None and its problems."""
    problems: list[str] = []
    cell = {name: (row.get(name) or "").strip() for name in COLUMNS}
    cell["precision"] = PRECISION_ALIASES.get(cell["precision"].lower(), cell["precision"])
    problems += [f"{where}: {name} is empty; fill it" for name in NEEDED if not cell[name]]
    for name, allowed in known.items():
        if cell[name] and cell[name] not in set(allowed):
            problems.append(f"{where}: {UnknownNameError(name, cell[name], allowed)}")
    numbers = {name: _number(where, name, cell[name], problems) for name in (*NUMBERS, "n_gpus")}
    if cell["arrival"] and cell["arrival"] not in ARRIVALS:
        problems.append(f"{where}: {UnknownNameError('arrival', cell['arrival'], ARRIVALS)}")
    problems += _load_problems(where, cell, numbers)
    if problems:
        return None, problems
    return _build(where, cell, numbers), []


def _load_problems(where: str, cell: dict[str, str], numbers: dict[str, float | None]) -> list[str]:
    problems = []
    if not any(cell[name] for name in ("output_tokens_per_s", "ttft_ms", "tpot_ms")):
        problems.append(f"{where}: no result; fill output_tokens_per_s, ttft_ms or tpot_ms")
    if cell["arrival"] == "closed_loop" and not cell["concurrency"]:
        problems.append(f"{where}: concurrency is empty; a closed loop has a number of clients")
    if cell["arrival"] == "open_loop" and not cell["offered_rps"]:
        problems.append(f"{where}: offered_rps is empty; an open loop has an arrival rate")
    gpus = numbers["n_gpus"]
    if gpus is not None and gpus != int(gpus):
        problems.append(f"{where}: n_gpus = {cell['n_gpus']!r}: must be whole; give 1, 2, 4 or 8")
    return problems


def _number(where: str, name: str, text: str, problems: list[str]) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if value > 0 and math.isfinite(value):
        return value
    fix = "use a point for decimals" if "," in text else "give a number above 0"
    problems.append(f"{where}: {name} = {text!r}: must be a positive number; {fix}")
    return None


def _build(where: str, cell: dict[str, str], numbers: dict[str, float | None]) -> MeasuredPoint:
    return MeasuredPoint(
        model_id=cell["model_id"],
        precision_id=cell["precision"],
        gpu_id=cell["gpu_id"],
        n_gpus=int(numbers["n_gpus"] or 0),
        engine_id=cell["engine_id"],
        engine_version=cell["engine_version"] or None,
        input_tokens=numbers["isl_tokens"] or 0.0,
        output_tokens=numbers["osl_tokens"] or 0.0,
        arrival=cell["arrival"],
        concurrency=numbers["concurrency"],
        offered_rps=numbers["offered_rps"],
        output_tokens_per_s=numbers["output_tokens_per_s"],
        ttft_ms=numbers["ttft_ms"],
        tpot_ms=numbers["tpot_ms"],
        statistic=cell["statistic"] or "mean",
        source=cell["source"] or where,
    )


def points_of_runs(
    runs: Sequence[MeasuredRun],
    model_id: str,
    precision_id: str,
    gpu_id: str,
    n_gpus: int,
    engine_id: str,
    engine_version: str | None = None,
) -> tuple[MeasuredPoint, ...]:
    """Return the runs as points of one deployment; the tools do not know on what they ran."""
    if not n_gpus >= 1:
        raise InputError("n_gpus", n_gpus, "must be at least 1", "give the GPUs of the replica")
    return tuple(
        MeasuredPoint(
            model_id=model_id,
            precision_id=precision_id,
            gpu_id=gpu_id,
            n_gpus=n_gpus,
            engine_id=engine_id,
            engine_version=engine_version,
            source=f"{run.tool} {run.tool_version or ''}".strip() + f", {run.where}",
            **{f.name: getattr(run, f.name) for f in fields(MeasuredPoint) if f.name in _SHARED},
        )
        for run in runs
    )


_SHARED: Final = frozenset(f.name for f in fields(MeasuredPoint)) & frozenset(
    f.name for f in fields(MeasuredRun)
)
_CSV_NAMES: Final = {"precision_id": "precision", "input_tokens": "isl_tokens", "output_tokens": "osl_tokens"}


def write_points(path: Path | str, points: Sequence[MeasuredPoint], append: bool = False) -> None:
    """Write points as CSV with the columns of data/measured_serving.csv, or `append` them to such a file."""
    file = Path(path)
    if file.is_dir():
        raise InputError("out", str(path), "is a folder", "name a file in it")
    if not file.parent.is_dir():
        raise InputError("out", str(path), "its folder does not exist", f"create {file.parent} first")
    if append and file.exists():
        points = (*read_points(file), *points)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for point in points:
        cells = {_CSV_NAMES.get(f.name, f.name): getattr(point, f.name) for f in fields(point)}
        writer.writerow({name: "" if value is None else value for name, value in cells.items()})
    try:
        write_atomically(file, text.getvalue().encode("utf-8"))
    except OSError as error:
        raise InputError(
            "out", str(path), f"cannot be written ({error.strerror})", "name another place"
        ) from None
