"""Resting on a measurement: the user's own points in place of a prediction, published ones beside it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from llmplan.errors import InputError
from llmplan.measured_results.points import MeasuredPoint, point_of_row
from llmplan.throughput import Capacity, Configurations, ReplicaConfig

LENGTH_TOLERANCE: Final = 0.15
"""A point stands for a workload when input and output tokens each lie within this share of its own."""


CHANGED: Final = (
    "fits",
    "reason",
    "requests_per_s",
    "requests_per_s_p10",
    "requests_per_s_p90",
    "output_tokens_per_s",
    "concurrency",
    "ttft_ms",
    "tpot_ms",
    "binding",
    "basis",
)


def apply_measured(
    capacity: Capacity,
    configurations: Configurations,
    points: Sequence[MeasuredPoint],
    input_tokens: float,
    output_tokens: float,
    ttft_limit_ms: float | None = None,
    tpot_limit_ms: float | None = None,
) -> Capacity:
    """Return `capacity` with the user's measured rate wherever a point matches, its basis "measured".

    A point matches a replica of the same model, precision, GPU, number of GPUs and engine when its lengths
    lie within 15 % of the workload's and its latencies within the targets; the highest rate counts.
    Where points match in lengths but none keeps the targets, the measured replica misses them: rate 0 with
    the reason. A measured replica fits, whatever the memory model says. p10 and p90 equal the measured value.
    """
    changed = {name: getattr(capacity, name).copy() for name in CHANGED}
    for name in ("reason", "binding", "basis"):
        changed[name] = changed[name].astype(object)  # a text array of fixed width would cut words
    for i, config in enumerate(configurations.configs):
        near = [p for p in points if is_same(p, config) and is_near(p, input_tokens, output_tokens)]
        rated = [p for p in near if p.requests_per_s]
        if not rated:
            continue
        kept = [p for p in rated if _within(p, ttft_limit_ms, tpot_limit_ms)]
        best = max(kept or rated, key=lambda p: p.requests_per_s or 0.0)
        for name, value in _figures(best, bool(kept)).items():
            changed[name][i] = value
    return replace(capacity, **changed)


def _figures(point: MeasuredPoint, keeps_targets: bool) -> dict[str, Any]:
    """Return the fields of a capacity that a measured point sets."""
    rate = (point.requests_per_s or 0.0) if keeps_targets else 0.0
    figures: dict[str, Any] = {
        "fits": True,
        "reason": "" if keeps_targets else "your measurements miss the latency targets",
        "requests_per_s": rate,
        "requests_per_s_p10": rate,
        "requests_per_s_p90": rate,
        "output_tokens_per_s": rate * point.output_tokens,
        "concurrency": point.concurrency or 0.0,
        "ttft_ms": np.nan if point.ttft_ms is None else point.ttft_ms,
        "tpot_ms": np.nan if point.tpot_ms is None else point.tpot_ms,
        "basis": "measured",
    }
    return figures if keeps_targets else figures | {"binding": "latency target"}


def is_same(point: MeasuredPoint, config: ReplicaConfig) -> bool:
    """Say whether a point was measured on such a replica."""
    return (point.model_id, point.precision_id, point.gpu_id, point.n_gpus, point.engine_id) == (
        config.model_id,
        config.precision_id,
        config.gpu_id,
        config.n_gpus,
        config.engine_id,
    )


def is_near(
    point: MeasuredPoint, input_tokens: float, output_tokens: float, tolerance: float = LENGTH_TOLERANCE
) -> bool:
    """Say whether a point's lengths stand for the workload's."""
    if not tolerance >= 0:
        raise InputError("tolerance", tolerance, "must be at least 0", "0.15 allows 15 %")
    pairs = ((point.input_tokens, input_tokens), (point.output_tokens, output_tokens))
    return all(abs(measured - wanted) <= tolerance * wanted for measured, wanted in pairs)


def _within(point: MeasuredPoint, ttft_limit_ms: float | None, tpot_limit_ms: float | None) -> bool:
    pairs = ((point.ttft_ms, ttft_limit_ms), (point.tpot_ms, tpot_limit_ms))
    return all(limit is None or value is None or value <= limit for value, limit in pairs)


@lru_cache(maxsize=1)
def published_points() -> tuple[MeasuredPoint, ...]:
    """Return the rows of data/measured_serving.csv whose lengths are numbers of tokens."""
    from llmplan.catalog import data_dir

    points = []
    with (data_dir() / "measured_serving.csv").open(newline="", encoding="utf-8") as stream:
        for line, row in enumerate(csv.DictReader(stream), start=2):
            point, _ = point_of_row(f"measured_serving.csv line {line}", row, {})
            points += [point] if point else []
    return tuple(points)


def points_of_slice(
    config: ReplicaConfig,
    input_tokens: float | None = None,
    output_tokens: float | None = None,
    points: Sequence[MeasuredPoint] | None = None,
    tolerance: float = LENGTH_TOLERANCE,
) -> tuple[MeasuredPoint, ...]:
    """Return published (or given) points of one replica by concurrency, at about these lengths if given."""
    found = [point for point in (published_points() if points is None else points) if is_same(point, config)]
    if input_tokens is not None and output_tokens is not None:
        found = [point for point in found if is_near(point, input_tokens, output_tokens, tolerance)]
    return tuple(sorted(found, key=lambda p: (p.input_tokens, p.output_tokens, p.concurrency or np.inf)))
