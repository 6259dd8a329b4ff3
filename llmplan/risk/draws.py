"""Every option priced at every draw and volume, block by block so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places
from llmplan.kinds import Kind
from llmplan.risk.distributions import latin_hypercube
from llmplan.risk.problem import ROUNDING, Draws, Problem, realise

Winners: TypeAlias = npt.NDArray[np.int32]
VOLUMES_PER_BLOCK = 2
DRAWS_PER_BLOCK = 5_000
"""A block of 10,000 cells stays in a core's cache."""
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles that are reported."""


def sample(problem: Problem, draws: int = 10_000, seed: int = 0) -> Floats:
    """Return seeded uniform draws of the problem's causes, (inputs, draws)."""
    return latin_hypercube(problem.names, draws, seed)


def monthly_usd(problem: Problem, drawn: Draws) -> Floats:
    """Return USD a month of each option at each draw's own volume, (n, d); infinity where it cannot serve."""
    found = np.empty(drawn.usd_per_query.shape)
    options, queries = problem.options, drawn.queries_per_day * problem.scenario.days_per_month
    for place in range(len(found)):
        found[place] = (drawn.usd_per_query[place] + drawn.query_usd) * queries
        if options.has_fleet[place]:
            found[place] += own_usd(problem, drawn, place, drawn.queries_per_day, slice(None))
    return found


def own_usd(problem: Problem, drawn: Draws, place: int, volumes: Floats, part: slice | Places) -> Floats:
    """Return USD a month of an option's fleet alone; `volumes` broadcast against the draws in `part`. (5.1)-(5.3), (8.5)"""
    rent = rent_usd(problem, drawn, place, volumes, part)
    return rent if problem.options.is_reserved[place] else rent + drawn.shared_usd[part]


def rent_usd(problem: Problem, drawn: Draws, place: int, volumes: Floats, part: slice | Places) -> Floats:
    """Return what a fleet costs above the hidden costs that every fleet has: rent, further steps of people.

    Written in place and in as few passes as the fleet allows: this is where the time goes.
    """
    options, spare = problem.options, problem.scenario.spare_replicas
    rents, row = options.market.rents, options.rent_row[place]
    unit, lot = problem.single_rents[place]
    with np.errstate(divide="ignore", invalid="ignore"):
        need = volumes * (ROUNDING * options.fleet_load[place] / drawn.per_replica[place, part])
        np.ceil(need, out=need)
        need += spare
        gpus = need * lot if unit else rents.gpus_of(1, row, need)
        by_size = drawn.pays_by_size and not options.is_reserved[place]
        extra = drawn.replica_usd[part] * need + drawn.gpu_usd[part] * gpus if by_size else None
        one_step = not gpus.size or gpus.max() <= drawn.least_gpus_per_step
        steps = None if one_step else gpus / drawn.gpus_per_step[part]
        if unit:
            need *= unit
        elif options.stops_idle[place]:
            fleet = options.take([place])
            shape = need.shape
            loads = np.broadcast_to(volumes * options.fleet_load[place], shape).reshape(1, -1)
            need = fleet.rent_usd(need.reshape(1, -1), 1, loads).reshape(shape)
        else:
            need = rents.usd(1, row, need) * (options.rent_factor[place] * options.hours_per_month)
        need *= drawn.rent_ratio[place, part]
        if extra is not None:
            need += extra
        if steps is not None:
            np.ceil(steps, out=steps)
            steps -= 1
            steps *= drawn.people_usd[part]
            need += steps
    return np.asarray(need)


@dataclass(frozen=True, eq=False)
class VolumeCurve:
    """Who is cheapest over volumes. First axis: volumes (v,).

    Attributes
    ----------
    p_cheapest: (v, n) share of draws in which an option is cheapest of those that the floor lets in and that reach it;
        rows sum to 1.
    p_kind: (v, kinds) the same for each `Kind`.
    token_usd, self_hosted_usd, saving_usd: (v, levels) quantiles of the cheapest token price's month, the
        cheapest fleet's, and the first less the second, of what reaches the floor in the base case; NaN where a
        side has no option.
    """

    queries_per_day: Floats
    option_ids: tuple[str, ...]
    p_cheapest: Floats
    p_kind: Floats
    levels: tuple[float, ...]
    token_usd: Floats
    self_hosted_usd: Floats
    saving_usd: Floats


def volume_curve(problem: Problem, u: Floats, queries_per_day: npt.ArrayLike) -> VolumeCurve:
    """Return probabilities and quantiles over volumes; the scenario's own range of volume does not enter. (8.6)

    Parameters
    ----------
    u: draws of the causes, (inputs, d).
    queries_per_day: (v,).

    Notes
    -----
    Draws are sorted by the GPU price, so that a block spans little of it; in a block a fleet is priced only
    if its least cost there is below the largest cost of every other option there.
    """
    volumes = np.atleast_1d(np.asarray(queries_per_day, float))
    drawn = realise(problem, _sorted(problem, u))
    let_in = problem.options.feasible
    token, token_place = _best_token(problem, drawn, drawn.meets & let_in[:, None])
    side_usd = _best_token(problem, drawn, let_in[:, None])[0]
    parts = [_Slice(problem, drawn, columns) for columns in _blocks(u.shape[1], DRAWS_PER_BLOCK)]
    wins = np.zeros((len(volumes), len(problem.options)))
    routes = np.flatnonzero(let_in & problem.options.has_fleet & ~problem.options.is_self_hosted).tolist()
    sides = np.full((3, len(volumes), len(LEVELS)), np.nan)
    sides[0] = volumes[:, None] * quantiles(side_usd, LEVELS)
    for rows in _blocks(len(volumes), VOLUMES_PER_BLOCK):
        cost = volumes[rows, None] * token
        own, least, winner = _best_own(problem, drawn, parts, volumes[rows], cost, token_place)
        for route in routes:
            tokens = drawn.usd_per_query[route] * problem.scenario.days_per_month + _query_usd(problem, drawn)
            both = volumes[rows, None] * tokens + own_usd(
                problem, drawn, route, volumes[rows, None], slice(None)
            )
            both = np.where(drawn.meets[route], both, np.inf)
            winner = np.where(both < least, route, winner)
            least = np.minimum(both, least)
        for offset, places in enumerate(winner):
            wins[rows.start + offset] = np.bincount(places, minlength=wins.shape[1])
        sides[1, rows] = quantiles(own, LEVELS)
        sides[2, rows] = quantiles(_difference(volumes[rows, None] * side_usd, own), LEVELS)
    p = wins / u.shape[1]
    kinds = np.array(problem.kinds, dtype=str)
    p_kind = np.stack([p[:, kinds == kind].sum(axis=1) for kind in Kind], axis=1)
    ids = tuple(problem.options.items.option_id.tolist())
    return VolumeCurve(volumes, ids, p, p_kind, LEVELS, *sides)


def _sorted(problem: Problem, u: Floats) -> Floats:
    if "gpu_price" not in problem.names:
        return u
    return u[:, np.argsort(u[problem.names.index("gpu_price")], kind="stable")]


def _blocks(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def _best_token(problem: Problem, drawn: Draws, allowed: Bools) -> tuple[Floats, Winners]:
    """Return the cheapest token price as USD a month for one query a day, and whose it is, each (d,).

    allowed: (n, d) or (n, 1) which options count in which draws.
    """
    token = np.flatnonzero(problem.options.is_api)
    draws = len(drawn.queries_per_day)
    if not len(token):
        return np.full(draws, np.inf), np.zeros(draws, np.int32)
    usd = (drawn.usd_per_query[token] + drawn.query_usd) * problem.scenario.days_per_month
    usd = np.where(allowed[token], usd, np.inf)
    at = np.argmin(usd, axis=0)
    return usd[at, np.arange(draws)], token[at].astype(np.int32)


class _Slice:
    """The extremes of the causes of each fleet that the floor lets in over some draws, for a bound below its rent."""

    def __init__(self, problem: Problem, drawn: Draws, columns: slice) -> None:
        self.columns = columns
        self.fleets = np.flatnonzero(problem.options.is_self_hosted & problem.options.feasible)
        self.options = problem.options.take(self.fleets)
        self.spare = problem.scenario.spare_replicas
        each = drawn.per_replica[self.fleets, columns]
        ratio = drawn.rent_ratio[self.fleets, columns]
        least = problem.least_rents[self.fleets, None]
        self.each, self.ratio, self.least = each.max(axis=1), ratio.min(axis=1), least[:, 0]
        self.step, self.people = drawn.gpus_per_step[columns].max(), drawn.people_usd[columns].min()
        with np.errstate(divide="ignore", invalid="ignore"):
            self.unit = (ratio * least / each).min(axis=1) * ROUNDING

    def least_usd(self, volume: float) -> Floats:
        """Return a bound below each fleet's rent at `volume` and above: rent is monotone in every cause. (8.7)

        Also at least the rent of the replicas without rounding, whose extremes are taken together.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            need = np.ceil(volume * ROUNDING / self.each) + self.spare
            gpus = self.options.gpus_of(need[:, None])[:, 0]
            further = (np.ceil(gpus / self.step) - 1) * self.people
            stairs = self.options.rent_usd(need[:, None], 1)[:, 0] * self.ratio + further
            smooth = volume * self.unit + self.ratio * self.least * self.spare
            bound = np.where(self.options.stops_idle, 0.0, np.maximum(stairs, smooth))
            return np.asarray(np.nan_to_num(bound, nan=np.inf))


def _best_own(
    problem: Problem, drawn: Draws, parts: list[_Slice], volumes: Floats, token: Floats, token_place: Winners
) -> tuple[Floats, Floats, Winners]:
    """Return the cheapest fleet, then the cheapest option of one kind that reaches the floor and whose it is.

    All are (volumes, d); token, token_place: the cheapest token price. Fleets are tried in the order of their least
    cost in the block, until that is above the best found.
    """
    shared = drawn.shared_usd + volumes[:, None] * _query_usd(problem, drawn)
    least, place = token - shared, np.tile(token_place, (len(volumes), 1))
    best = np.full(least.shape, np.inf)
    for part in parts:
        low = part.least_usd(float(volumes.min()))
        mine, whose, side = (rows[:, part.columns] for rows in (least, place, best))
        most = np.inf
        for fleet, bound in sorted(zip(part.fleets.tolist(), low.tolist(), strict=True), key=itemgetter(1)):
            if bound > most:
                break
            usd = rent_usd(problem, drawn, fleet, volumes[:, None], part.columns)
            np.minimum(side, usd, out=side)
            better = (usd < mine) & drawn.meets[fleet, part.columns]
            if better.any():
                np.copyto(whose, fleet, where=better, casting="unsafe")
                np.copyto(mine, usd, where=better)
            most = max(side.max(), mine.max())
    return best + shared, least + shared, place


def _query_usd(problem: Problem, drawn: Draws) -> Floats:
    """Return what a query a day costs a month besides tokens, whoever serves it, (d,)."""
    return drawn.query_usd * problem.scenario.days_per_month


def _difference(cost: Floats, own: Floats) -> Floats:
    """Return cost less own; NaN where either side has no option."""
    known = np.isfinite(cost) & np.isfinite(own)
    return np.where(known, cost, np.nan) - np.where(known, own, np.nan)


def quantiles(values: Floats, levels: tuple[float, ...]) -> Floats:
    """Return quantiles along the last axis, linearly interpolated between order statistics; NaN spreads."""
    count = values.shape[-1]
    at = np.asarray(levels) * (count - 1)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, count - 1)
    ranked = np.partition(values, np.unique(np.concatenate([below, above])), axis=-1)
    low, high = ranked[..., below], ranked[..., above]
    with np.errstate(invalid="ignore"):
        return np.where(low == high, low, low + (high - low) * (at - below))
