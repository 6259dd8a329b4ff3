"""Resting on a measurement: the user's own points in place of a prediction, published ones beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.measurements.points import MeasuredPoint, point_of_row
from llmplan.replica import Capacity, Configurations, ReplicaConfig

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
Replica = tuple[str, str, str, int, str]


def apply_measured(
    capacity: Capacity,
    configurations: Configurations,
    points: Sequence[MeasuredPoint],
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    ttft_limit_ms: float | None = None,
    tpot_limit_ms: float | None = None,
    answer_limit_ms: float | None = None,
) -> Capacity:
    """Return `capacity` with the user's measured rate wherever a point matches, its basis "measured".

    input_tokens, output_tokens: of a query, of each configuration or of all.

    A point matches a replica of the same model, precision, GPU, number of GPUs and engine when its lengths
    lie within 15 % of the configuration's (input and output tokens of a query) and its latencies within the
    targets; the highest rate counts.
    Where points match in lengths but none keeps the targets, the measured replica misses them: rate 0 with
    the reason. A measured replica fits, whatever the memory model says. p10 and p90 equal the measured value.
    """
    changed = {name: getattr(capacity, name).copy() for name in CHANGED}
    for name in ("reason", "binding", "basis"):
        changed[name] = changed[name].astype(object)  # a text array of fixed width would cut words
    limits = (ttft_limit_ms, tpot_limit_ms, answer_limit_ms)
    used = resting_points(configurations, points, input_tokens, output_tokens, *limits)
    for i, point in enumerate(used):
        if point is not None:
            for name, value in _figures(point, *limits).items():
                changed[name][i] = value
    return replace(capacity, **changed)


def resting_points(
    configurations: Configurations,
    points: Sequence[MeasuredPoint],
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    ttft_limit_ms: float | None = None,
    tpot_limit_ms: float | None = None,
    answer_limit_ms: float | None = None,
) -> tuple[MeasuredPoint | None, ...]:
    """Return the point that each configuration rests on, None where it rests on the prediction.

    Of the points that match, the one of highest rate that keeps the targets; where none does, the nearest
    miss is the one of highest rate.
    """
    measured: dict[Replica, list[MeasuredPoint]] = {}
    for point in points:
        if point.requests_per_s:
            measured.setdefault(_replica(point), []).append(point)

    def rank(point: MeasuredPoint) -> tuple[bool, float]:
        return not _missed(point, ttft_limit_ms, tpot_limit_ms, answer_limit_ms), point.requests_per_s or 0.0

    n = len(configurations)
    lengths = zip(*(np.broadcast_to(tokens, (n,)) for tokens in (input_tokens, output_tokens)), strict=True)
    near = (
        [point for point in measured.get(_replica(config), ()) if is_near(point, *tokens)]
        for config, tokens in zip(configurations.configs, lengths, strict=True)
    )
    return tuple(max(found, key=rank) if found else None for found in near)


def with_measured(
    catalog: Catalog,
    configurations: Configurations,
    points: Sequence[MeasuredPoint],
    keep: Callable[[ReplicaConfig], bool],
) -> Configurations:
    """Return the configurations with the measured replicas that are not among them and that `keep` allows.

    What ran, runs: no support table and no rule of useful sizes leaves a measured replica out.
    """
    known = {_replica(config) for config in configurations.configs}
    asked = dict.fromkeys(ReplicaConfig(*_replica(point)) for point in points)
    extra = [config for config in asked if _replica(config) not in known and keep(config)]
    if not extra:
        return configurations
    return Configurations.from_configs(catalog, [*configurations.configs, *extra])


def _figures(point: MeasuredPoint, *limits_ms: float | None) -> dict[str, Any]:
    """Return the fields of a capacity that a measured point sets."""
    missed = _missed(point, *limits_ms)
    rate = 0.0 if missed else point.requests_per_s or 0.0
    figures: dict[str, Any] = {
        "fits": True,
        "reason": f"your measurements miss the latency targets: {missed}" if missed else "",
        "requests_per_s": rate,
        "requests_per_s_p10": rate,
        "requests_per_s_p90": rate,
        "output_tokens_per_s": rate * point.output_tokens,
        "concurrency": point.clients or 0.0,
        "ttft_ms": np.nan if point.ttft_ms is None else point.ttft_ms,
        "tpot_ms": np.nan if point.tpot_ms is None else point.tpot_ms,
        "basis": "measured",
    }
    return figures | {"binding": "latency target"} if missed else figures


def _missed(point: MeasuredPoint, *limits_ms: float | None) -> str:
    """Name the targets that a point misses; "" where it keeps them or did not measure them.

    limits_ms: for the first token, for each further one and for the whole answer.
    """
    told = []
    both = point.ttft_ms is not None and point.tpot_ms is not None
    whole = (point.ttft_ms or 0.0) + (point.output_tokens - 1) * (point.tpot_ms or 0.0) if both else None
    values = (("TTFT", point.ttft_ms), ("TPOT", point.tpot_ms), ("the whole answer", whole))
    for (name, value), limit in zip(values, limits_ms, strict=True):
        if limit is not None and value is not None and value > limit:
            told.append(f"{name} {value:,.4g} ms exceeds {limit:,.4g} ms")
    sent = ", all requests sent at once" if told and point.arrival == "offline" else ""
    return " and ".join(told) + sent


def _replica(item: MeasuredPoint | ReplicaConfig) -> Replica:
    return (item.model_id, item.precision_id, item.gpu_id, item.n_gpus, item.engine_id)


def is_same(point: MeasuredPoint, config: ReplicaConfig) -> bool:
    """Say whether a point was measured on such a replica."""
    return _replica(point) == _replica(config)


def is_near(point: MeasuredPoint, input_tokens: float, output_tokens: float) -> bool:
    """Say whether a point's lengths stand for the workload's."""
    pairs = ((point.input_tokens, input_tokens), (point.output_tokens, output_tokens))
    return all(abs(measured - wanted) <= LENGTH_TOLERANCE * wanted for measured, wanted in pairs)


@kept(1)
def published_points(catalog: Catalog) -> tuple[MeasuredPoint, ...]:
    """Return the published rows (data/measured_serving.csv) whose lengths are numbers of tokens."""
    rows = (
        point_of_row(f"measured_serving.csv line {row.line}", row.cells, {})[0]
        for row in catalog.measured_points
    )
    return tuple(point for point in rows if point)


def points_of_slice(
    points: Sequence[MeasuredPoint],
    config: ReplicaConfig,
    input_tokens: float | None = None,
    output_tokens: float | None = None,
) -> tuple[MeasuredPoint, ...]:
    """Return the points of one replica by concurrency, at about these lengths where they are given."""
    found = [point for point in points if is_same(point, config)]
    if input_tokens is not None and output_tokens is not None:
        found = [point for point in found if is_near(point, input_tokens, output_tokens)]
    return tuple(sorted(found, key=lambda p: (p.input_tokens, p.output_tokens, p.concurrency or np.inf)))
