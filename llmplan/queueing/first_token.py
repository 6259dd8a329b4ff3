"""From a place in the batch to the first token: step under way, prompts ahead, own prefill (3b.8, 3b.9)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from llmplan.arrays import Floats
from llmplan.queueing.curve import ServiceCurve

MOST_BUSY: Final = 0.98
QUANTILE_NODES: Final = 48
"""Equally likely points that stand for the distribution of one rate."""
PROMPTS: Final = 24
"""Prompts in one step that are told apart."""
SPREAD_NODES: Final = 4
LENGTH_NODES: Final = 16


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Prompts that come to one replica; arrays by rate.

    requests_per_s: of one replica. batch: mean requests in service there. input_cv: spread of lengths.
    crowding: share of the chance to meet other prompts that the router leaves (1: none avoided).
    """

    requests_per_s: Floats
    batch: Floats
    input_cv: float
    crowding: float


class _Parts(NamedTuple):
    """Step without prompts, prefill of one prompt [s], prompts' share of time, length of a mean step [s]."""

    step: Floats
    prefill: Floats
    busy: Floats
    length: Floats


def _parts(curve: ServiceCurve, rates: Floats, batch: Floats) -> _Parts:
    n = np.arange(1, curve.places + 1, dtype=float)
    step, prefill = np.interp(batch, n, curve.decode_step_s), np.interp(batch, n, curve.prefill_s)
    busy = np.minimum(rates * prefill, MOST_BUSY)
    return _Parts(step, prefill, busy, step / (1 - busy))


def first_token_mean_s(
    curve: ServiceCurve, rates: Floats, batch: Floats, input_cv: float, crowding: float = 1.0
) -> Floats:
    """Return the mean time from a place in the batch to the first token [s]; arrays broadcast. (3b.8)

    Prompts shorter than a step's token budget are gated: those that arrive during one step share the next.
    Its mean length is T = d / (1 - rho), its variance lambda T E[P^2] / (1 - rho^2); an arrival waits half of
    the step it falls in (longer than the mean one, inspection paradox) and its own with all beside it.
    Longer prompts queue one by one, M/G/1 (Pollaczek, Khinchine) with the decode step as the vacation.
    """
    step, prefill, busy, length = _parts(curve, rates, batch)
    second = 1 + input_cv**2
    share = curve.steps_per_prompt
    if share <= 1:
        seen = length + crowding * prefill * second * busy / (1 - busy**2)
        return step + prefill + (0.5 + crowding * busy) * seen
    work = prefill + step * share
    load = np.minimum(crowding * rates * work, MOST_BUSY)
    queue = load * work * second / (2 * (1 - load))
    return np.asarray(step * np.ceil(share) + prefill + 0.5 * step + queue)


def first_token_nodes_s(curve: ServiceCurve, arrivals: Arrivals) -> tuple[Floats, Floats]:
    """Return points and weights of the time to the first token, both of shape (rates, QUANTILE_NODES) [s]."""
    parts = _Parts(*(part[:, None] for part in _parts(curve, arrivals.requests_per_s, arrivals.batch)))
    own = _length_nodes(arrivals.input_cv)
    if curve.steps_per_prompt <= 1:
        points, weights = _gated(curve, arrivals, parts, own)
    else:
        points, weights = _queued(curve, arrivals, parts, own)
    return _condense(points, weights)


def _length_nodes(cv: float) -> Floats:
    """Return equally likely lengths over their mean: the means of as many parts of a lognormal distribution."""
    if cv == 0:
        return np.ones(1)
    normal, sigma = NormalDist(), float(np.sqrt(np.log1p(cv**2)))
    inner = [normal.cdf(normal.inv_cdf(i / LENGTH_NODES) - sigma) for i in range(1, LENGTH_NODES)]
    return np.diff([0.0, *inner, 1.0]) * LENGTH_NODES


def _gated(curve: ServiceCurve, arrivals: Arrivals, parts: _Parts, own: Floats) -> tuple[Floats, Floats]:
    """Points and weights, prompts sharing steps; axes: rate, prompts in this step, the next, place, own.

    Prompts of others are alike, 1 + cv^2 times the mean and as much rarer: their sum in a step, compound Poisson,
    then has its mean and its variance.
    """
    second = 1 + arrivals.input_cv**2
    k, rates = np.arange(PROMPTS, dtype=float), arrivals.requests_per_s[:, None] / second
    size = k * second
    chance = _prompts_in_a_step(rates * parts.length, parts.busy, k)
    under_way = parts.step + size * parts.prefill
    chance = chance * under_way * np.where(k > 0, arrivals.crowding, 1.0)
    chance /= chance.sum(axis=1, keepdims=True)
    beside = arrivals.crowding * rates * under_way
    u = (np.arange(SPREAD_NODES) + 0.5) / SPREAD_NODES
    joined = _poisson(beside, k)
    share = curve.steps_per_prompt
    steps = np.ceil((size[:, None, None] * u[:, None] + own) * share - 1e-9)
    together = np.minimum(size[:, None, None] + own, steps / share)
    step, prefill = parts.step[..., None, None], parts.prefill[..., None, None]
    time = steps * step + together * prefill
    residual = under_way[:, :, None, None, None] * u[:, None]
    points = residual + time[:, None]
    weights = (chance[:, :, None] * joined)[..., None, None] / (u.size * own.size)
    weights = np.broadcast_to(weights, points.shape)
    return points.reshape(len(points), -1), weights.reshape(len(points), -1)


def _prompts_in_a_step(mean: Floats, busy: Floats, k: Floats) -> Floats:
    """Return chances of k prompts in a step: negative binomial, variance over mean 1 / (1 - rho^2). (3b.9)"""
    spread = np.maximum(busy**2, 1e-9)
    shape = mean * (1 - spread) / spread
    ratios = (k[:-1] + shape) / (k[:-1] + 1) * spread
    first = np.exp(shape * np.log1p(-spread))
    return np.concatenate((first, first * np.cumprod(ratios, axis=1)), axis=1)


def _poisson(mean: Floats, k: Floats) -> Floats:
    """Return chances of k arrivals, last axis k; the last one holds the rest."""
    steps = np.concatenate(
        (np.zeros((*mean.shape, 1)), np.log(np.maximum(mean, 1e-300)[..., None] / k[1:])), axis=-1
    )
    chances = np.exp(np.cumsum(steps, axis=-1) - mean[..., None])
    chances[..., -1] = np.maximum(1 - chances[..., :-1].sum(axis=-1), 0.0)
    return chances


def _queued(curve: ServiceCurve, arrivals: Arrivals, parts: _Parts, own: Floats) -> tuple[Floats, Floats]:
    """Points and weights, prompts queueing; axes: rate, wait behind others, step under way, own."""
    share = curve.steps_per_prompt
    u = (np.arange(SPREAD_NODES) + 0.5) / SPREAD_NODES
    work = parts.prefill + parts.step * share
    load = np.minimum(arrivals.crowding * arrivals.requests_per_s[:, None] * work, MOST_BUSY)
    mean = work * (1 + arrivals.input_cv**2) / (2 * (1 - load))
    fine = (np.arange(QUANTILE_NODES) + 0.5) / QUANTILE_NODES
    ahead = np.where(fine > 1 - load, -mean * np.log(np.minimum((1 - fine) / load, 1.0)), 0.0)
    mine = parts.prefill * own + parts.step * np.ceil(own * share)
    residual = parts.step * u
    points = ahead[:, :, None, None] + residual[:, None, :, None] + mine[:, None, None, :]
    flat = points.reshape(len(points), -1)
    return flat, np.full_like(flat, 1 / flat.shape[1])


def _condense(points: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return QUANTILE_NODES points a row that stand for many weighted ones: means of equally likely parts."""
    order = np.argsort(points, axis=1)
    sorted_points = np.take_along_axis(points, order, axis=1)
    cumulative = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    area = np.cumsum(sorted_points * np.diff(cumulative, axis=1, prepend=0.0), axis=1)
    edges = np.arange(1, QUANTILE_NODES + 1) / QUANTILE_NODES
    rows = []
    for x, y in zip(cumulative, area, strict=True):
        total = np.interp(edges * x[-1], np.concatenate(([0.0], x)), np.concatenate(([0.0], y)))
        rows.append(np.diff(total, prepend=0.0) * QUANTILE_NODES / x[-1])
    points_out = np.array(rows)
    return points_out, np.full_like(points_out, 1 / QUANTILE_NODES)
