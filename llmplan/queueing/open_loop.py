"""TTFT against arrival rate, mean and percentiles, at a replica and a fleet (3b.6 to 3b.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats
from llmplan.errors import InputError
from llmplan.queueing.curve import ServiceCurve
from llmplan.queueing.first_token import Arrivals, first_token_mean_s, first_token_nodes_s
from llmplan.queueing.waits import LARGEST_CV
from llmplan.units import MS_PER_S

Router = Literal["least_loaded", "round_robin", "random"]

MOST_STALLED: Final = 0.9
"""Largest share of time that prompts are taken to stop decoding."""
HIGHEST_UTILISATION: Final = 0.85
"""Above this share of saturation a small error of the rate is a large one of the wait."""


@dataclass(frozen=True, eq=False)
class OpenLoop:
    """A fleet under Poisson arrivals; arrays of shape (n,) by rate, `ttft_ms` of shape (percentiles, n).

    Attributes
    ----------
    requests_per_s: arrival rate of the whole fleet. utilisation: its share of saturation.
    ttft_ms_mean, ttft_ms: infinity at and above saturation. tpot_ms: mean. running: sequences a replica.
    valid: inside the stated range, a utilisation up to 0.85.
    """

    requests_per_s: Floats
    utilisation: Floats
    percentiles: tuple[float, ...]
    ttft_ms_mean: Floats
    ttft_ms: Floats
    tpot_ms: Floats
    running: Floats
    valid: Bools


def open_loop(
    curve: ServiceCurve,
    requests_per_s: npt.ArrayLike,
    replicas: int = 1,
    router: Router = "least_loaded",
    input_cv: float = 0.0,
    percentiles: Sequence[float] = (50, 90, 95, 99),
) -> OpenLoop:
    """Return TTFT by arrival rate of `replicas` equal replicas.

    Parameters
    ----------
    requests_per_s: arrival rates of the whole fleet [requests/s], any number of them.
    router: least_loaded sends a request where fewest are; round_robin in turn; random by lot.
    input_cv: standard deviation over mean of the prompts' lengths; that of the answers is in the curve.

    Notes
    -----
    The number in service is a birth-death chain (3b.6): exact for processor sharing whatever the lengths'
    distribution, as long as places are free (Kelly, Reversibility and Stochastic Networks, 1979). The wait
    for a place is exponential once it occurs, scaled by Allen and Cunneen's factor (3b.7). Prompts share or
    queue for steps (3b.8, 3b.9). Against simulation, fleets of 1 and 4, prompts up to three token budgets:
    up to a utilisation of 0.8 the mean and the 90th percentile lie within about 20 %. Above 0.85, simulate.
    """
    rates = _checked_rates(requests_per_s, replicas, input_cv)
    limit = curve.saturation_requests_per_s * replicas
    inside = np.minimum(rates, 0.9999 * limit)
    pool = replicas if router == "least_loaded" else 1
    each = inside / replicas
    crowding = 1.0 if router == "random" else (1 + 1 / replicas) / 2
    batch, waits = _occupancy(curve, each, pool, input_cv, crowding)
    place_s = _place_wait_s(curve, each * pool, pool, router, replicas, input_cv)
    arrivals = Arrivals(each, batch, input_cv, crowding)
    nodes, weights = first_token_nodes_s(curve, arrivals)
    ttft = _quantiles_s(nodes, weights, waits, place_s, np.asarray(percentiles) / 100)
    mean = (nodes * weights).sum(axis=1) + waits * place_s
    over = rates >= limit
    first = first_token_mean_s(curve, each, batch, input_cv, crowding)
    return OpenLoop(
        requests_per_s=rates,
        utilisation=rates / limit,
        percentiles=tuple(float(p) for p in percentiles),
        ttft_ms_mean=np.where(over, np.inf, mean) * MS_PER_S,
        ttft_ms=np.where(over, np.inf, ttft) * MS_PER_S,
        tpot_ms=_pace_s(curve, each, batch, first, crowding) * MS_PER_S,
        running=batch,
        valid=rates <= HIGHEST_UTILISATION * limit,
    )


def highest_rate(
    curve: ServiceCurve,
    ttft_limit_ms: float,
    percentile: float = 95,
    replicas: int = 1,
    router: Router = "least_loaded",
    input_cv: float = 0.0,
) -> float:
    """Return the highest arrival rate of the fleet [requests/s] whose TTFT percentile keeps the limit. (3b.10)

    Only the valid range is searched; 0 when even a nearly idle fleet misses the limit.
    """
    if not ttft_limit_ms > 0:
        raise InputError("ttft_limit_ms", ttft_limit_ms, "must be positive", "give milliseconds")
    high = HIGHEST_UTILISATION * curve.saturation_requests_per_s * replicas
    low = high * 1e-3
    for _ in range(3):
        rates = np.linspace(low, high, 17)
        found = open_loop(curve, rates, replicas, router, input_cv, (percentile,))
        kept = np.flatnonzero(found.ttft_ms[0] <= ttft_limit_ms)
        if not kept.size:
            return 0.0
        low, high = rates[kept[-1]], rates[min(kept[-1] + 1, rates.size - 1)]
    return float(low)


def _checked_rates(rates: npt.ArrayLike, replicas: int, input_cv: float) -> Floats:
    values = np.atleast_1d(np.asarray(rates, dtype=float))
    if not (values.ndim == 1 and np.all(values > 0) and np.all(np.isfinite(values))):
        raise InputError("requests_per_s", rates, "must be positive", "give arrival rates > 0")
    if not replicas >= 1:
        raise InputError("replicas", replicas, "must be at least 1", "give whole replicas")
    if not 0 <= input_cv <= LARGEST_CV:
        raise InputError(
            "input_cv", input_cv, f"formula holds for 0 to {LARGEST_CV:g}", "simulate wider spreads"
        )
    return values


def _pace_s(curve: ServiceCurve, each: Floats, batch: Floats, first_s: Floats, crowding: float) -> Floats:
    """Return the seconds between tokens when prompts arrive at `each` [1/s] a replica. (3b.6)

    Steps are stretched by the prompts that arrive while a request decodes, and by those that came while it
    waited for its own first token and are still due.
    """
    n = np.arange(1, curve.places + 1, dtype=float)
    step, prefill = np.interp(batch, n, curve.decode_step_s), np.interp(batch, n, curve.prefill_s)
    busy = np.minimum(each * prefill, 0.99)
    gaps = max(curve.output_tokens - 1, 1.0)
    pace = (step + crowding * each * prefill * first_s / gaps) / (1 - busy)
    return np.asarray(np.minimum(pace, step + prefill / curve.steps_per_prompt))


def _occupancy(
    curve: ServiceCurve, each: Floats, pool: int, input_cv: float, crowding: float
) -> tuple[Floats, Floats]:
    """Return mean requests in service at a replica and the chance that no place is free. (3b.6)

    `pool` replicas share their queue; `each` is the arrival rate of one of them, shape (rates,).
    """
    m = np.arange(1, curve.places * pool + 1, dtype=float)
    batch = np.maximum(m / pool, 1.0)
    lam = each[:, None]
    first = first_token_mean_s(curve, lam, batch, input_cv, crowding)
    gaps = max(curve.output_tokens - 1, 0.0)
    served = m / (first + gaps * _pace_s(curve, lam, batch, first, crowding))
    served[:, -1] = pool * curve.saturation_requests_per_s
    # work also waits as prompts, in order of arrival: by S / (S - P) more requests than sharing alone holds
    chances = _stationary(np.log(pool * lam / served) / _work_ratio(curve, each)[:, None])
    return chances[:, 1:] @ m / pool, chances[:, -1]


def _stationary(log_ratios: Floats) -> Floats:
    """Return the chances of 0, 1, ... requests from the logarithms of birth over death rates; last: or more."""
    logs = np.concatenate((np.zeros((len(log_ratios), 1)), np.cumsum(log_ratios, axis=1)), axis=1)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights[:, -1] /= -np.expm1(log_ratios[:, -1])
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _work_ratio(curve: ServiceCurve, each: Floats) -> Floats:
    """Return a request's work over the part of it that is shared, 1 / (1 - rho). (3b.6)"""
    return np.asarray(1 / (1 - np.minimum(each * curve.prefill_s[-1], MOST_STALLED)))


def _place_wait_s(
    curve: ServiceCurve, rates: Floats, pool: int, router: Router, replicas: int, input_cv: float
) -> Floats:
    """Return the mean wait for a place of those who wait for one [s]. (3b.7)"""
    prompt, answer = curve.first_s[-1], curve.pace_s[-1] * max(curve.output_tokens - 1, 0)
    spread = ((prompt * input_cv) ** 2 + (answer * curve.output_cv) ** 2) / (prompt + answer) ** 2
    arrival = 1 / replicas if router == "round_robin" else 1.0
    return np.asarray((arrival + spread) / 2 / (pool * curve.saturation_requests_per_s - rates))


def _quantiles_s(
    nodes: Floats, weights: Floats, wait_probability: Floats, mean_wait: Floats, levels: Floats
) -> Floats:
    """Return quantiles of node plus, with a probability, an exponential wait; shape (levels, rates)."""
    low = np.zeros((levels.size, nodes.shape[0]))
    high = np.broadcast_to(nodes.max(axis=1) + mean_wait * 40, low.shape).copy()
    scale = np.maximum(mean_wait, 1e-12)[:, None]
    for _ in range(40):
        middle = (low + high) / 2
        gap = middle[:, :, None] - nodes
        reached = np.where(
            gap >= 0, 1 - wait_probability[:, None] * np.exp(-np.maximum(gap, 0.0) / scale), 0.0
        )
        below = (reached * weights).sum(axis=2) < levels[:, None]
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
