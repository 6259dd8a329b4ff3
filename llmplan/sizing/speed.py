"""How fast one replica is: predicted with its band, or as the user measured it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from llmplan.measurements import MeasuredPoint
from llmplan.replica import Capacity, Prediction

SPEED_FIELDS: Final = ("ttft_ms", "tpot_ms", "output_tokens_per_s", "requests_per_s")


@dataclass(frozen=True)
class Speed:
    """Latency and throughput of one replica with the ends of their 80 % bands; None where not predicted."""

    ttft_ms: float | None = None
    ttft_burst_ms: float | None = None
    """TTFT of a load test that opens with all clients at once."""
    tpot_ms: float | None = None
    output_tokens_per_s: float | None = None
    requests_per_s: float | None = None
    ttft_ms_p10: float | None = None
    ttft_ms_p90: float | None = None
    tpot_ms_p10: float | None = None
    tpot_ms_p90: float | None = None
    output_tokens_per_s_p10: float | None = None
    output_tokens_per_s_p90: float | None = None
    requests_per_s_p10: float | None = None
    requests_per_s_p90: float | None = None
    concurrency: float | None = None
    basis: str | None = None
    within_targets: bool | None = None
    """Whether the latency targets are kept; None where a concurrency was given or no speed is predicted."""
    measured_by: str | None = None
    """The user's own measurement that the figures rest on; None where they are predicted."""


def measured_speed(point: MeasuredPoint) -> Speed:
    """Return what a measurement says; its band is the value itself, what it did not measure is None."""
    rate = point.requests_per_s
    tokens = None if rate is None else rate * point.output_tokens
    numbers: dict[str, Any] = {}
    for name, value in zip(SPEED_FIELDS, (point.ttft_ms, point.tpot_ms, tokens, rate), strict=True):
        numbers |= {name: value, f"{name}_p10": value, f"{name}_p90": value}
    return Speed(**numbers, concurrency=point.clients, basis="measured", measured_by=point.source)


def speed_of(found: Prediction, best: Capacity | None, concurrency: float) -> Speed:
    """Return one replica's figures: predicted ones, or a capacity's with the prediction's relative band.

    Both are of a steady state; ttft_burst_ms adds what the opening of a load test adds.
    """
    numbers: dict[str, Any] = {}
    for name in SPEED_FIELDS:
        predicted = float(getattr(found, name)[0])
        value = predicted if best is None else float(getattr(best, name)[0])
        numbers[name] = value
        for end in ("_p10", "_p90"):
            numbers[name + end] = value * float(getattr(found, name + end)[0]) / predicted
    opening = float(found.ttft_burst_ms[0] - found.ttft_ms[0])
    numbers["ttft_burst_ms"] = numbers["ttft_ms"] + opening
    basis = found.basis if best is None else best.basis
    return Speed(**numbers, concurrency=concurrency, basis=str(basis[0]))
