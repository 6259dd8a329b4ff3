"""Scoring predictions against measured rows, slice by slice, with band coverage."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Bools, Floats, Places
from llmplan.calibration.observations import (
    QUANTITIES,
    Observations,
    Unanswered,
    asked_kind,
    observe,
    predicted,
)
from llmplan.catalog import Catalog
from llmplan.catalog.measurements import Measurement
from llmplan.replica.bands import band_factors, structure_of
from llmplan.replica.basis import basis_of
from llmplan.replica.constants import fitted

SLICES: Final[dict[str, Callable[[Measurement], str]]] = {
    "model": lambda m: m.model_id,
    "gpu": lambda m: m.gpu_id,
    "engine": lambda m: m.engine_id,
    "precision": lambda m: m.precision,
    "arrival": lambda m: m.arrival,
}


@dataclass(frozen=True, eq=False)
class Scored:
    """Rows with predicted values and bands: arrays (3, rows) for TPOT [ms], TTFT [ms], output tokens/s."""

    rows: tuple[Measurement, ...]
    measured: Floats
    predicted: Floats
    low: Floats
    high: Floats
    basis: NDArray[Any]
    structure: NDArray[Any]
    unanswered: tuple[Unanswered, ...]


def score(catalog: Catalog, measurements: Sequence[Measurement]) -> Scored:
    """Predict every row that can be answered; the rest come back with the reason."""
    obs, unanswered = observe(catalog, measurements)
    logs, chosen = predicted(obs, fitted(catalog))
    return scored_from(obs, logs, chosen, unanswered)


def scored_from(
    obs: Observations,
    logs: Floats,
    chosen: Places,
    unanswered: tuple[Unanswered, ...] = (),
    tier: NDArray[Any] | None = None,
) -> Scored:
    """Add bands to predicted logs (3, rows); `tier`: nearness to the data of held-out rows."""
    c = obs.configurations.take(chosen)
    kind = asked_kind(obs, chosen)
    load = np.where(kind == "open_loop", obs.offered_rps[chosen], obs.clients[chosen])
    basis = basis_of(c, obs.input_tokens[chosen], obs.output_tokens[chosen], load, kind)
    values = np.exp(logs)
    low, high = np.empty_like(values), np.empty_like(values)
    for q, (down, up) in enumerate(band_factors(c, QUANTITIES, basis, kind, tier)):
        low[q], high[q] = values[q] * down, values[q] * up
    return Scored(obs.rows, np.exp(obs.measured), values, low, high, basis, structure_of(c), unanswered)


def report(scored: Scored, note: str = "") -> dict[str, Any]:
    """The answer of `llmplan accuracy`: figures by quantity, slices, and rows that cannot be answered."""
    everything = np.ones(len(scored.rows), dtype=bool)
    result: dict[str, Any] = {
        quantity: _figures(scored, q, everything) for q, quantity in enumerate(QUANTITIES)
    }
    result["unanswered"] = [
        {"line": u.line, "model_id": u.model_id, "gpu_id": u.gpu_id, "reason": u.reason}
        for u in scored.unanswered
    ]
    result["slices"] = slices(scored)
    if note:
        result["note"] = note
    return result


def slices(scored: Scored) -> list[dict[str, Any]]:
    """Figures of each model, GPU, engine, precision, arrival, structure and basis, where anything is measured."""
    labels: dict[str, list[str]] = {name: [label(m) for m in scored.rows] for name, label in SLICES.items()}
    labels["structure"] = [str(value) for value in scored.structure]
    labels["basis"] = [str(value) for value in scored.basis]
    labels["arrival and structure"] = [
        f"{m.arrival}, {kind}" for m, kind in zip(scored.rows, scored.structure, strict=True)
    ]
    result = []
    for by, names in labels.items():
        for name in sorted(set(names)):
            mask = np.array([value == name for value in names])
            figures = {quantity: _figures(scored, q, mask) for q, quantity in enumerate(QUANTITIES)}
            result.append({"by": by, "name": name, **figures})
    return result


def _figures(scored: Scored, q: int, mask: Bools) -> dict[str, float | int | None]:
    """n, mean, median, p90, bias and coverage of the stated 80 % band over the rows of a mask."""
    mask = mask & np.isfinite(scored.measured[q]) & np.isfinite(scored.predicted[q])
    value = scored.measured[q][mask]
    errors = np.log(scored.predicted[q][mask] / value)
    inside = (value >= scored.low[q][mask]) & (value <= scored.high[q][mask])
    coverage = round(100.0 * float(inside.mean()), 1) if len(value) else None
    return error_summary(errors) | {"band_coverage_pct": coverage}


def shown(value: float | int | None, digits: int = 1) -> str:
    """A figure for a table; a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def error_summary(log_errors: Floats) -> dict[str, float | int | None]:
    """Percent errors of predictions from their log errors; None where there is nothing to score."""
    percent = 100.0 * np.expm1(log_errors[np.isfinite(log_errors)])
    if not len(percent):
        return {"n": 0, "mean_abs_pct": None, "median_abs_pct": None, "p90_abs_pct": None, "bias_pct": None}
    size = np.abs(percent)
    return {
        "n": len(percent),
        "mean_abs_pct": round(float(size.mean()), 2),
        "median_abs_pct": round(float(np.median(size)), 2),
        "p90_abs_pct": round(float(np.quantile(size, 0.9)), 2),
        "bias_pct": round(float(np.median(percent)), 2),
    }
