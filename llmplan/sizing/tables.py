"""Tables and curves for charts: memory by part, latency by concurrency, waiting by arrival rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats
from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.measurements import MeasuredPoint, points_of_slice
from llmplan.measurements.use import published_points
from llmplan.queueing import highest_rate, open_loop, service_curve
from llmplan.queueing.simulation.calibrated import simulated_replica
from llmplan.replica import Configurations, Prediction, ReplicaConfig, predict
from llmplan.replica.memory import memory_plan
from llmplan.units import MS_PER_S, S_PER_DAY


def memory_breakdown(
    catalog: Catalog, config: ReplicaConfig, context_tokens: float, sequences: float | None = None
) -> list[dict[str, Any]]:
    """Return the memory of one GPU by part as rows {part, gib, share, note}, adding up to the card.

    Parameters
    ----------
    context_tokens: tokens of one complete sequence. sequences: how many run; None: as many as fit.

    Notes
    -----
    Parts: weights, overhead, KV cache in use, KV cache free, kept back by the engine. Where the weights do
    not fit, a last row "missing" has the GiB that the card lacks, and the shares exceed 1.
    """
    plan = memory_plan(catalog, config, context_tokens)
    running = plan.max_concurrent_sequences if sequences is None else sequences
    if not running >= 0:
        raise InputError("sequences", sequences, "must be at least 0", "give how many run at once")
    used = min(running * plan.kv_gib_per_sequence_per_gpu, plan.kv_gib_per_gpu)
    taken = plan.weights_gib_per_gpu + plan.overhead_gib_per_gpu
    left = plan.usable_gib_per_gpu - taken
    parts = [
        ("weights", plan.weights_gib_per_gpu, f"{plan.weights_gb:,.0f} GB over {config.n_gpus} GPUs"),
        ("overhead", plan.overhead_gib_per_gpu, "runtime, activations, graphs, communication buffers"),
        ("KV cache in use", used, f"{running:,.0f} sequences of {context_tokens:,.0f} tokens"),
        ("KV cache free", plan.kv_gib_per_gpu - used, "room for more sequences"),
        ("kept back", max(left - plan.kv_gib_per_gpu, 0.0), "share of the card the engine leaves alone"),
    ]
    if left < 0:
        parts.append(("missing", -left, "the card is too small by this much"))
    size = plan.usable_gib_per_gpu
    return [{"part": part, "gib": gib, "share": gib / size, "note": note} for part, gib, note in parts]


@dataclass(frozen=True, eq=False)
class LatencyCurve:
    """One replica against concurrency; arrays of shape (n,) inside `prediction`, measured points beside."""

    concurrency: Floats
    prediction: Prediction
    points: tuple[MeasuredPoint, ...]

    def bands(self, metric: str) -> tuple[Floats, Floats, Floats]:
        """Return value, p10 and p90 of `metric` (a field of `Prediction`) at each concurrency."""
        base, low, high = (getattr(self.prediction, metric + end) for end in ("", "_p10", "_p90"))
        return base, low, high

    def measured(self, metric: str) -> tuple[Floats, Floats, tuple[str, ...]]:
        """Return clients, value and source of the measured points that have `metric` (a field of theirs)."""
        known = [p for p in self.points if p.concurrency and getattr(p, metric)]
        values = np.array([getattr(p, metric) for p in known], dtype=float)
        return np.array([p.concurrency for p in known], dtype=float), values, tuple(p.source for p in known)


def latency_curve(
    catalog: Catalog,
    config: ReplicaConfig,
    input_tokens: float,
    output_tokens: float,
    concurrency: npt.ArrayLike | None = None,
    measured: Sequence[MeasuredPoint] = (),
) -> LatencyCurve:
    """Return latency and throughput with bands at each concurrency, and the slice's measured points.

    Parameters
    ----------
    concurrency: numbers of clients, shape (n,); None: 1 to 256 in powers of two and between.
    measured: points of the user's own, shown beside the published ones.
    """
    clients = np.array([1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256], dtype=float)
    if concurrency is not None:
        clients = np.atleast_1d(np.asarray(concurrency, dtype=float))
    if not np.all(clients >= 1):
        raise InputError("concurrency", concurrency, "must be at least 1", "give numbers of clients")
    one = Configurations.from_configs(catalog, [config])
    many = one.take(np.zeros(clients.size, dtype=np.intp))
    found = predict(many, input_tokens, output_tokens, clients)
    points = points_of_slice((*published_points(catalog), *measured), config, input_tokens, output_tokens)
    return LatencyCurve(clients, found, points)


@dataclass(frozen=True, eq=False)
class WaitingCurve:
    """TTFT of a fleet against its arrival rate; arrays by rate, `ttft_ms` of shape (percentiles, n).

    queries_per_day: that rate all day. valid: the formula is in its range. requests_per_s_for_target: highest
    rate in that range whose last percentile keeps the target; None without a target.
    """

    requests_per_s: Floats
    queries_per_day: Floats
    utilisation: Floats
    percentiles: tuple[float, ...]
    ttft_ms: Floats
    ttft_ms_mean: Floats
    tpot_ms: Floats
    valid: Bools
    requests_per_s_for_target: float | None


def waiting_curve(
    catalog: Catalog,
    config: ReplicaConfig,
    input_tokens: float,
    output_tokens: float,
    replicas: int = 1,
    utilisation: npt.ArrayLike | None = None,
    input_cv: float = 0.5,
    output_cv: float = 0.5,
    percentiles: Sequence[float] = (50, 90, 95),
    ttft_limit_ms: float | None = None,
) -> WaitingCurve:
    """Return percentiles of TTFT of `replicas` equal replicas from idle up to saturation.

    Parameters
    ----------
    utilisation: shares of saturation, shape (n,); None: 0.05 to 0.98.
    input_cv, output_cv: standard deviation over mean of the lengths.
    """
    replica = simulated_replica(Configurations.from_configs(catalog, [config]), input_tokens, output_tokens)
    curve = service_curve(replica.steps, replica.limits, input_tokens, output_tokens, output_cv)
    shares = (
        np.linspace(0.05, 0.98, 32) if utilisation is None else np.atleast_1d(np.asarray(utilisation, float))
    )
    rates = shares * curve.saturation_requests_per_s * replicas
    found = open_loop(curve, rates, replicas, input_cv=input_cv, percentiles=percentiles)
    extra_ms = replica.request_overhead_s * MS_PER_S
    best = None
    if ttft_limit_ms is not None:
        room_ms = max(ttft_limit_ms - extra_ms, 1e-9)
        best = highest_rate(curve, room_ms, found.percentiles[-1], replicas, input_cv=input_cv)
    return WaitingCurve(
        requests_per_s=rates,
        queries_per_day=rates * S_PER_DAY,
        utilisation=found.utilisation,
        percentiles=found.percentiles,
        ttft_ms=found.ttft_ms + extra_ms,
        ttft_ms_mean=found.ttft_ms_mean + extra_ms,
        tpot_ms=found.tpot_ms,
        valid=found.valid,
        requests_per_s_for_target=best,
    )
