"""Published measurements of serving: reading a CSV with the columns of data/measured_serving.csv."""

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from llmplan.catalog.cache import kept
from llmplan.catalog.catalog import Catalog
from llmplan.errors import InputError
from llmplan.foreign import read_text

REQUIRED: Final = ("model_id", "gpu_id", "n_gpus", "arrival")
PRECISION_ALIASES: Final = {
    "w8a8-int8": "int8",
    "w8a8": "int8",
    "int4": "w4a16",
    "awq": "w4a16",
    "gptq": "w4a16",
    "int3": "w3a16",
    "nvfp4": "fp4",
    "float16": "fp16",
    "half": "fp16",
    "bfloat16": "bf16",
    "auto": "bf16",
    "e4m3": "fp8",
    "fp8-e4m3": "fp8",
    "w8a8-fp8": "fp8",
}
"""Other spellings of the catalog's precision ids."""
RANDOM_LENGTH_SHARE: Final = 0.9
"""InferenceMAX draws lengths evenly from 0.8 to 1.0 of the nominal ones."""
RANDOM_LENGTHS: Final = (1024.0, 8192.0)
LEAST_PROMPT: Final = 16.0
"""Prompt assumed where a generation-only test states none [tokens]."""
UNSTATED_OUTPUT: Final = 512.0
"""Output assumed where a row states none [tokens]."""

Text = Callable[[str], str]
Number = Callable[[str], float]


@dataclass(frozen=True)
class Measurement:
    """One published point; blank numbers are NaN, blank texts empty. Times in ms, rates in 1/s.

    input_tokens, output_tokens: means as served, from the file or the benchmark's data set; the limits are
    those of a benchmark's latency-bound scenario.
    """

    line: int
    model_id: str
    precision: str
    gpu_id: str
    n_gpus: int
    tensor_parallel: float
    data_parallel: int
    expert_parallel: int
    engine_id: str
    engine_version: str
    input_tokens: float
    output_tokens: float
    arrival: str
    concurrency: float
    offered_rps: float
    output_tokens_per_s: float
    ttft_ms: float
    tpot_ms: float
    ttft_limit_ms: float
    tpot_limit_ms: float
    statistic: str
    source_title: str
    published: str

    @property
    def replica(self) -> str:
        """The group of rows that share model, format, GPU and engine."""
        return f"{self.engine_id}|{self.gpu_id}|{self.model_id}|{self.precision}"


class Lengths(NamedTuple):
    """Mean lengths as served, and the latency limits of the benchmark's scenario; NaN: none."""

    input_tokens: float
    output_tokens: float
    ttft_limit_ms: float
    tpot_limit_ms: float


Datasets = Mapping[tuple[str, str, str], Lengths]
"""By data set, model (blank: any) and scenario."""


@kept(1)
def datasets(catalog: Catalog) -> Datasets:
    """Return the mean lengths behind the data sets of benchmarks."""
    return {
        (row.dataset, row.model_id or "", row.scenario): Lengths(
            row.input_tokens, row.output_tokens, row.ttft_limit_ms, row.tpot_limit_ms
        )
        for row in catalog.measured_datasets
    }


def dataset_of(known: Datasets, name: str, model_id: str, scenario: str) -> Lengths | None:
    """Data set that a row's length column names; offline rows take the lengths of the server scenario."""
    wanted = "MLPerf Interactive" if "interactive" in scenario.lower() else "MLPerf Server"
    keys = ((name, model_id, wanted), (name, "", wanted), (name, model_id, "MLPerf Server"))
    found = (known[key] for key in keys if key in known)
    return next(found, known.get((name, "", "MLPerf Server")))


def read_measurements(path: Path | str, catalog: Catalog) -> tuple[Measurement, ...]:
    """Read a CSV with the columns of data/measured_serving.csv; a missing column or file is an InputError."""
    file = Path(path)
    if not file.is_file():
        raise InputError("file", str(path), "does not exist", "give the path of a CSV")
    reader = csv.DictReader(io.StringIO(read_text(file)))
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError("columns", missing, "are missing", "use the columns of data/measured_serving.csv")
    known = datasets(catalog)
    found = tuple(measurement_of(row, known, line) for line, row in enumerate(reader, start=2))
    if not found:
        raise InputError("file", file.name, "has no rows", "give one row for each measured point")
    return found


def measurement_of(row: dict[str, str | None], known: Datasets, line: int = 0) -> Measurement:
    """Turn one row of text into a Measurement; what cannot be read as a number is NaN."""

    def text(name: str, default: str = "") -> str:
        return (row.get(name) or default).strip()

    def number(name: str) -> float:
        try:
            return float(text(name))
        except ValueError:
            return math.nan

    def count(name: str) -> int:
        value = number(name)
        return max(1, int(value)) if math.isfinite(value) else 1

    def name(column: str) -> str:
        return "-".join(text(column).lower().replace("_", " ").split())

    model_id, arrival = name("model_id"), text("arrival", "closed_loop").lower()
    lengths = _lengths(text, number, model_id, known)
    return Measurement(
        line=line,
        model_id=model_id,
        precision=text("precision", "unstated").lower(),
        gpu_id=name("gpu_id"),
        n_gpus=count("n_gpus"),
        tensor_parallel=number("tensor_parallel"),
        data_parallel=count("data_parallel"),
        expert_parallel=count("expert_parallel"),
        engine_id=text("engine_id", "unstated").lower(),
        engine_version=text("engine_version"),
        input_tokens=lengths.input_tokens,
        output_tokens=lengths.output_tokens,
        arrival=arrival,
        concurrency=number("concurrency"),
        offered_rps=number("offered_rps"),
        output_tokens_per_s=number("output_tokens_per_s"),
        ttft_ms=number("ttft_ms"),
        tpot_ms=number("tpot_ms"),
        ttft_limit_ms=lengths.ttft_limit_ms,
        tpot_limit_ms=lengths.tpot_limit_ms,
        statistic=text("statistic", "mean"),
        source_title=text("source_title"),
        published=text("published"),
    )


def _lengths(text: Text, number: Number, model_id: str, known: Datasets) -> Lengths:
    """Mean lengths of a row: those of its data set, or the stated ones."""
    found = dataset_of(known, text("isl_tokens"), model_id, text("scenario_as_published"))
    if found is not None:
        return found
    isl, osl = number("isl_tokens"), number("osl_tokens")
    drawn = text("source_title").startswith("aiconfigurator") and bool(text("published"))
    share = RANDOM_LENGTH_SHARE if drawn and isl in RANDOM_LENGTHS else 1.0
    isl = max(isl, LEAST_PROMPT) if math.isfinite(isl) else isl
    osl = osl if math.isfinite(osl) else UNSTATED_OUTPUT
    return Lengths(isl * share, osl * share, math.nan, math.nan)
