"""Hybrids among a scenario's options: a fleet and an API that share the traffic by difficulty, or by load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.cost.billing import Billing, FleetHours
from llmplan.kinds import Kind
from llmplan.options.by_hour import THRESHOLDS, fleets_by_hour, least_usd_by_hour, with_own_rents
from llmplan.options.offers import Market
from llmplan.options.pruning import can_win, features_of
from llmplan.options.rows import Option, Rows, first_of_each, group_of_each, made_once
from llmplan.options.table import Options
from llmplan.quality.floor import assured_quality, chance_to_meet, mixed, reaches
from llmplan.quality.variants import default_effort
from llmplan.router.costs import Router, Traffic
from llmplan.router.roc import from_auc
from llmplan.router.traffic_split import SplitPlan, mixed_quality, split_plan

BEYOND = np.uint16(2**16 - 1)
"""A rank that no group has."""
SPLITS = np.linspace(0.05, 0.95, 19)
"""Shares of the fleet that are tried; all and nothing are options of their own."""
FLOORS = np.array([0.2, 0.4, 0.6, 0.8])
"""Of the peak's load that a fleet is sized for whose peaks go to an API; at a volume its replicas fill up."""
LEAST_SAID = 0.001
"""Share of the queries below which a label names none."""
GROUPS = 8
"""Models and formats whose hybrids are judged at once: what stays in the processor's cache."""
CELLS = 64
"""Fleets and splits of which the cheapest hybrid is sought at once."""
HARD, LEVEL = len(SPLITS), len(SPLITS) + len(FLOORS)
"""Where splits by load begin behind those by difficulty: with one fleet for all hours, and with one for each hour."""


@kept(1)
def assumed_split(catalog: Catalog) -> SplitPlan:
    """Return the loads of one query a day at every split, as data/router_assumptions.csv assumes. (7.2)"""
    base = {row.assumption_id: row.base for row in catalog.router_assumptions.values()}
    router = Router(base["router-usd-per-million"] / 1e6, latency_ms=base["router-latency-ms"])
    curve, multiplier = from_auc(base["router-auc"]), base["hard-token-multiplier"]
    return split_plan(1.0, SPLITS, curve, base["hard-share"], multiplier, Traffic(days_per_month=1.0), router)


class Fleets(NamedTuple):
    """The cheapest fleet of g models and formats at p splits and v volumes.

    Attributes
    ----------
    usd: USD a month, place: among the options, (g, p, v). filled: the busiest hour's whole replicas of each split by
        load over what the peak fills, spilled: its share of the queries for the API, (g, splits by load, v).
    """

    usd: Floats
    place: Places
    filled: Floats
    spilled: Floats


class Route(NamedTuple):
    """One hybrid: the places of fleet and API among the options, and its place in `Pairs.quality`."""

    fleet: int
    group: int
    api: int
    split: int
    filled: float | None = None
    """Of a split by load at a volume: the busiest hour's whole replicas over what the peak fills."""
    spilled: float = 0.0
    """Of a split by load the share of the queries that goes to the API."""

    @property
    def by_load(self) -> bool:
        return self.split >= HARD

    @property
    def load(self) -> float | None:
        """Of a split by load the part of the peak's load that the fleet is sized for."""
        return None if self.filled is None else min(self.filled, 1.0)

    @property
    def threshold(self) -> float | None:
        """Of a fleet for each hour: what an hour must fill of a replica."""
        return float(THRESHOLDS[self.split - LEVEL]) if self.split >= LEVEL else None


def with_spill(plan: SplitPlan, hours: FleetHours, by_hour: bool) -> SplitPlan:
    """Return the splits by difficulty and, behind them, those by load: a fleet for the base, an API for peaks. (7.18)

    by_hour: also those with a fleet for each hour (7.20), whose loads follow the volume.
    """
    each = np.zeros(len(THRESHOLDS) * by_hour)
    spilled, floors = np.concatenate([hours.spilled(FLOORS), each]), np.concatenate([FLOORS, each + 1])
    none = np.zeros(len(floors))
    return replace(
        plan,
        share_weak=np.concatenate([plan.share_weak, 1 - spilled]),
        recall=np.concatenate([plan.recall, none]),
        false_positive_rate=np.concatenate([plan.false_positive_rate, none]),
        fleet_queries_per_day=np.concatenate([plan.fleet_queries_per_day, floors]),
        api_queries_per_day=np.concatenate([plan.api_queries_per_day, spilled]),
        router_usd=np.concatenate([plan.router_usd, none]),
    )


class _End(NamedTuple):
    """Models at either end of hybrids: quality, its deviation and today's, what is assured, and which model it is."""

    quality: Floats
    sd: Floats
    today_sd: Floats
    assured: Floats
    model: Places

    def at(self, places: Any) -> _End:
        return _End(*(column[places] for column in self))

    def content(self) -> tuple[bytes, ...]:
        """Return the columns as a key."""
        return tuple(column.tobytes() for column in self)

    @classmethod
    def of(cls, content: tuple[bytes, ...]) -> _End:
        """Return the columns of a key."""
        quality, sd, today_sd, assured = (np.frombuffer(column) for column in content[:-1])
        return cls(quality, sd, today_sd, assured, np.frombuffer(content[-1], np.intp))


def _judge(plan: SplitPlan, chance: float, weak: _End, strong: _End, splits: Places) -> tuple[Floats, Floats]:
    """Return quality and the highest floor that is reached with a chance; ends and splits broadcast. (7.1), (11.10)

    A model paired with itself at a provider is no route by difficulty. One by load is as good as its worse end.
    """
    shape = np.broadcast_shapes(weak.quality.shape, strong.quality.shape, splits.shape)
    worse = np.minimum(weak.quality, strong.quality), np.minimum(weak.assured, strong.assured)
    if (splits >= HARD).all():
        return np.broadcast_to(worse[0], shape), np.broadcast_to(worse[1], shape)
    share = plan.share_of_weak[splits]
    quality = mixed_quality(plan, weak.quality, strong.quality, share)
    quality = np.where(weak.model != strong.model, quality, np.nan)
    assured = assured_quality(chance, quality, *mixed(share, weak[:3], strong[:3]).spread)
    hard = splits < HARD
    return (
        (quality, assured)
        if hard.all()
        else (np.where(hard, quality, worse[0]), np.where(hard, assured, worse[1]))
    )


@kept(1)
def _judged_everywhere(
    plan: SplitPlan, chance: float, by_load: int, weak: tuple[bytes, ...], strong: tuple[bytes, ...]
) -> tuple[Floats, Floats]:
    """Return `_judge` of every pair, (g, m, p): no price, no volume and no floor changes it.

    by_load: splits by load. weak, strong: `_End.content`.
    """
    groups, apis = _End.of(weak), _End.of(strong).at(np.s_[:, None])
    splits = np.arange(HARD + by_load)
    shape = len(groups.model), len(apis.model), len(splits)
    quality, assured = np.empty(shape), np.empty(shape)
    for start in range(0, len(quality), GROUPS):
        rows = slice(start, start + GROUPS)
        for columns in (slice(HARD), slice(HARD, None)):
            each = groups.at(rows).at(np.s_[:, None, None])
            found = _judge(plan, chance, each, apis, splits[columns])
            quality[rows, :, columns], assured[rows, :, columns] = found
    quality.flags.writeable = assured.flags.writeable = False
    return quality, assured


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every fleet and API that may share the traffic, at every split.

    Attributes
    ----------
    plan: loads of one query a day at each of p splits.
    fleets: (f,) places of the self-hosted options that can be the cheapest of their model and format at some
        load; group: (f,) the model and format of each, numbered 0..g-1.
    apis: (m,) places. assumed: the plan without splits by load.
    """

    options: Options
    assumed: SplitPlan
    plan: SplitPlan
    fleets: Places
    group: Places
    apis: Places

    def of(self, options: Options) -> Pairs:
        """Return the same pairs of the same options at other prices, rates, volumes or another floor."""
        return replace(self, options=options)

    def at_floor_of(self, options: Options) -> Pairs:
        """Return the same pairs of the same options under another floor, with what no floor changes worked out once."""
        found = self.of(options)
        vars(found).update(_any_floor=self, _own=self._own, _judged=self._judged, price=self.price)
        return found

    @property
    def quality(self) -> Floats:
        """(g, m, p) what users see, NaN where a pair makes no hybrid."""
        return self._judged[0]

    @property
    def assured(self) -> Floats:
        """(g, m, p) the highest floor that a hybrid reaches with the chance that the scenario asks for."""
        return self._judged[1]

    @cached_property
    def _judged(self) -> tuple[Floats, Floats]:
        by_load = len(self.plan.share_weak) - HARD
        ends = (end.content() for end in self._ends)
        return _judged_everywhere(self.assumed, self.options.scenario.floor_chance, by_load, *ends)

    def judged(self, groups: Places, apis: Places, splits: Places) -> tuple[Floats, Floats]:
        """Return quality and the highest floor that is reached, of hybrids at places that broadcast. (7.1), (11.10)"""
        weak, strong = self._ends
        return _judge(self.plan, self.options.scenario.floor_chance, weak.at(groups), strong.at(apis), splits)

    @cached_property
    def _ends(self) -> tuple[_End, _End]:
        """What is known of the models and formats, and of the APIs."""
        items = self.options.items
        columns = items.quality, items.quality_sd, items.today_sd, items.assured, items.numbers("model_id")
        every = _End(*columns)
        return every.at(self._first), every.at(self.apis)

    @cached_property
    def _first(self) -> Places:
        """(g,) the first fleet of each model and format, which all have its quality."""
        return self.fleets[np.flatnonzero(np.diff(self.group, prepend=-1))]

    @cached_property
    def price(self) -> Floats:
        """(m, p) USD a query for tokens and the router."""
        usd = self.options.usd_per_query[self.apis, None]
        return np.asarray(usd * self.plan.api_queries_per_day + self.plan.router_usd)

    @cached_property
    def allowed(self) -> Bools:
        """(g, m, p) whether the quality reaches the floor."""
        return self._meets(self.quality, self.assured)

    def _meets(self, quality: Floats, assured: Floats) -> Bools:
        """Say which hybrids there are and reach the floor."""
        floor = self.options.scenario.quality_floor
        return reaches(floor, assured) if floor > 0 else ~np.isnan(quality)

    def fleets_at(self, queries_per_day: Floats, below: float = np.inf) -> Fleets:
        """Return the cheapest fleet of each model and format at every split and volume.

        below: USD a month at the only volume; fleets by hour that cannot cost less are left out.
        """
        loads = (self.plan.fleet_queries_per_day[:, None] * queries_per_day).ravel()
        usd, v = self._own.fleet_usd(loads, 1), len(queries_per_day)
        steady, scaled = (mask[self.options.rent_row[self.fleets]] for mask in self._ways)
        usd[~steady, HARD * v :] = np.inf  # its hours are priced for the whole load's shape
        usd[:, LEVEL * v :] = np.inf
        near = np.flatnonzero(scaled)
        if len(near) and below < np.inf:
            near = near[least_usd_by_hour(self._own.take(near), float(queries_per_day[0])) < below]
        if len(near):
            by_hour = fleets_by_hour(self._own.take(near), queries_per_day)
            usd[near, LEVEL * v :] = by_hour.usd.reshape(len(by_hour.usd), -1)
        starts = np.flatnonzero(np.diff(self.group, prepend=-1))
        shape = (len(starts), -1, len(queries_per_day))
        least: Floats = np.minimum.reduceat(usd, starts, axis=0)
        numbers = np.where(usd == least[self.number], np.arange(len(usd))[:, None], len(usd))
        best = np.minimum.reduceat(numbers, starts, axis=0)
        least = least.reshape(shape)
        places: Places = np.take(self.fleets, best).reshape(shape)
        filled = self._filled(places[:, HARD:LEVEL], queries_per_day)
        least[:, HARD:LEVEL][filled >= 1] = np.inf  # whole replicas carry the peak too: no hybrid
        spilled = self.options.hours.spilled(filled)
        if len(self.plan.share_weak) > LEVEL:
            more = self._by_hour(places[:, LEVEL:], queries_per_day)
            filled, spilled = (
                np.concatenate(both, axis=1) for both in ((filled, more[0]), (spilled, more[1]))
            )
        return Fleets(least, places, filled, spilled)

    @cached_property
    def _own(self) -> Options:
        """The fleets' options."""
        return self.options.take(self.fleets)

    @cached_property
    def number(self) -> Places:
        """(f,) which of the groups each fleet's is, in their order."""
        return np.cumsum(np.diff(self.group, prepend=self.group[0]) != 0)

    @cached_property
    def _ways(self) -> tuple[Bools, Bools]:
        """By row of the market whether all hours are paid, and whether hours one by one are, where they can be chosen."""
        market = self.options.market
        return market.steady, market.autoscaled & (market.hourly is not None)

    def kept_fleets(self, queries_per_day: tuple[float, ...]) -> tuple[Fleets, Floats]:
        """Return `fleets_at` and `to_api` of them, kept for map, envelope and every floor: they ask for the same volumes."""
        known: Pairs = vars(self).get("_any_floor", self)
        return known._fleets_over(queries_per_day)

    @kept(1)
    def _fleets_over(self, queries_per_day: tuple[float, ...]) -> tuple[Fleets, Floats]:
        fleets = self.fleets_at(np.array(queries_per_day))
        return fleets, self.to_api(fleets)

    def to_api(self, fleets: Fleets) -> Floats:
        """Return the API's share of the queries at every split, (g, p, v): what filled replicas leave of the peaks."""
        share = np.repeat(self.plan.api_queries_per_day[None, :, None], len(fleets.usd), axis=0)
        share = np.repeat(share, fleets.usd.shape[2], axis=2)
        share[:, HARD:] = fleets.spilled
        return share

    def total_usd(self, queries_per_day: float) -> tuple[Floats, Fleets]:
        """Return what every hybrid costs at a volume, USD a month, (g, m, p), and its fleets."""
        fleets = self.fleets_at(np.array([queries_per_day]))
        tokens = self.options.usd_per_query[self.apis, None] * self.to_api(fleets)[:, None, :, 0]
        each = tokens + self.plan.router_usd + self.options.hidden_usd_per_query(1)
        month = queries_per_day * self.options.scenario.days_per_month
        return fleets.usd[:, None, :, 0] + each * month, fleets

    def _filled(self, fleets: Places, queries_per_day: Floats) -> Floats:
        """Return the load that fleets for `FLOORS` of the peak's carry in whole replicas; (g, floors, v)."""
        each = self.options.per_replica[1, fleets] / queries_per_day
        floor = np.broadcast_to(FLOORS[:, None], each.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            replicas = np.maximum(np.ceil(floor / each * (1 - 1e-12)), 1.0)
        return np.asarray(np.where(each > 0, np.minimum(replicas * each, 1.0), floor))

    def _by_hour(self, fleets: Places, queries_per_day: Floats) -> tuple[Floats, Floats]:
        """Return `filled` and `spilled` of fleets for each hour, (g, thresholds, v). (7.20)"""
        with np.errstate(divide="ignore"):
            at_peak = queries_per_day / self.options.per_replica[1, fleets]
        at_peak = np.where(np.isfinite(at_peak), at_peak, 1.0)  # of no fleet at all
        replicas, spilled = self.options.hours.chosen_by_hour(at_peak, THRESHOLDS[:, None])
        return replicas.max(axis=-1) / at_peak, spilled

    def route(self, fleets: Fleets, cell: Sequence[Any], column: int = 0) -> Route:
        """Return the hybrid of a group, an API and a split at one of the fleets' volumes."""
        group, api, split = (int(i) for i in cell)
        fleet, number = int(fleets.place[group, split, column]), split - HARD
        if number < 0:
            return Route(fleet, group, api, split)
        figures = (float(each[group, number, column]) for each in (fleets.filled, fleets.spilled))
        return Route(fleet, group, api, split, *figures)

    def cheapest(self, queries_per_day: float, below: float = np.inf) -> tuple[float, Route | None]:
        """Return the cheapest hybrid at a volume and its USD a month; infinity and None where none costs less than `below`.

        Fleets and splits are asked in the order of what they cost beside the least price, until the next one's is above
        the best: no other can win. A hybrid is no better than its better end, or than its API by difficulty, so that an
        API below the floor makes none.
        """
        fleets = self.fleets_at(np.array([queries_per_day]), below)
        rents, to_api = fleets.usd[:, :, 0], self.to_api(fleets)[:, :, 0]
        beside, floor = self.plan.router_usd, self.options.scenario.quality_floor
        able = np.flatnonzero(reaches(floor, self.options.quality[self.apis]))
        if not len(able):
            return np.inf, None
        month, lines = (
            queries_per_day * self.options.scenario.days_per_month,
            self.options.hidden_usd_per_query(1),
        )
        price = self.options.usd_per_query[self.apis[able]]

        def total(groups: Places, splits: Places, usd: Floats) -> Floats:
            each = usd * to_api[groups, splits] + beside[splits] + lines
            return np.asarray(rents[groups, splits] + each * month)

        every = np.arange(len(rents))[:, None], np.arange(len(beside))
        least = total(*every, price.min(initial=np.inf)).ravel()
        near = np.flatnonzero(least < below)
        near = near[np.argsort(least[near], kind="stable")]
        best: tuple[float, tuple[int, ...]] | None = None
        for start in range(0, len(near), CELLS):
            piece = near[start : start + CELLS]
            if best is not None and least[piece[0]] > best[0]:
                break
            groups, splits = (each[:, None] for each in np.divmod(piece, len(beside)))
            usd = total(groups, splits, price)
            cell, api = np.nonzero((usd < below) & (usd <= (best[0] if best else np.inf)))
            where = groups[cell, 0], able[api], splits[cell, 0]
            meets = np.flatnonzero(self._meets(*self.judged(*where)))
            if len(meets):
                usd = usd[cell, api][meets]
                equal = meets[usd == usd.min()]
                first = min(zip(*(each[equal].tolist() for each in where), strict=True))
                found = (float(usd.min()), first)
                best = found if best is None else min(best, found)
        return (np.inf, None) if best is None else (best[0], self.route(fleets, best[1]))

    def cheapest_by_api(self, queries_per_day: float) -> list[Route]:
        """Return for each API its cheapest partner and split by difficulty at a volume, and the cheapest split by load."""
        fleets = self.fleets_at(np.array([queries_per_day]))
        hard, month = HARD, queries_per_day * self.options.scenario.days_per_month
        lines = self.options.hidden_usd_per_query(1)
        rents, every = fleets.usd[:, :hard, 0], np.arange(len(self.apis))
        cheapest_first = rents.argsort(axis=0, kind="stable")
        rank = np.empty(rents.shape, np.uint16)
        np.put_along_axis(rank, cheapest_first, np.arange(len(rents), dtype=np.uint16)[:, None], axis=0)
        first = np.maximum(rank.T[:, None, :], self._out_of_reach).min(axis=2)
        group = cheapest_first[first % len(rents), np.arange(hard)[:, None]]
        usd = np.where(first < len(rents), np.take_along_axis(rents.T, group, axis=1), np.inf)
        usd = usd + (self.price[:, :hard].T + lines) * month
        best = usd.argmin(axis=0)
        known = np.flatnonzero(np.isfinite(usd[best, every])).tolist()
        routes = [self.route(fleets, (group[best[api], api], api, best[api])) for api in known]
        to_api, rents = (each[:, hard:, 0].T[:, :, None] for each in (self.to_api(fleets), fleets.usd))
        peaks = np.where(
            self._allowed_by_load,
            rents + (self.options.usd_per_query[self.apis] * to_api + lines) * month,
            np.inf,
        )
        if np.isfinite(least := peaks.min(initial=np.inf)):
            cells = [(g, api, hard + split) for split, g, api in np.argwhere(peaks == least).tolist()]
            routes.append(self.route(fleets, min(cells)))
        return routes

    @cached_property
    def _out_of_reach(self) -> npt.NDArray[np.uint16]:
        """(splits by difficulty, m, g) what raises a rank beyond all others where a pair is not allowed; 0 where it is."""
        out = ~self.allowed[:, :, :HARD].transpose(2, 1, 0)
        return np.ascontiguousarray(out).astype(np.uint16) * BEYOND

    @cached_property
    def _allowed_by_load(self) -> Bools:
        """(splits by load, g, m) `allowed`."""
        return np.ascontiguousarray(self.allowed[:, :, HARD:].transpose(2, 0, 1))

    @cached_property
    def _best_first(self) -> Places:
        """Places in `assured`, flattened, of the hybrids that there are, the best first."""
        there = np.count_nonzero(~np.isnan(self.assured))
        return np.asarray(np.argsort(-self.assured, axis=None, kind="stable")[:there])

    def best_by_quality(self, queries_per_day: float) -> list[Route]:
        """Return the hybrids than which none is both cheaper and as good, whatever the floor; cheapest first."""
        total, fleets = self.total_usd(queries_per_day)
        usd = total.ravel()
        # What another one, as good or better, undercuts is left out before costs are sorted.
        ranked = usd[self._best_first]
        near = np.sort(self._best_first[(ranked <= np.minimum.accumulate(ranked)) & np.isfinite(ranked)])
        order = near[np.argsort(usd[near], kind="stable")]
        assured = self.assured.ravel()[order]
        before = np.maximum.accumulate(np.concatenate([[-np.inf], assured]))[:-1]
        cells = np.transpose(np.unravel_index(order[assured > before], total.shape)).tolist()
        return [self.route(fleets, tuple(cell)) for cell in cells]

    def option(self, route: Route) -> Option:
        """Return a hybrid as a record."""
        figures = {name: column.item() for name, column in self._figures([route]).items()}
        items, strong = self.options.items, int(self.apis[route.api])
        floor, sides = self.options.scenario.quality_floor, (figures["sd"], figures["today_sd"])
        meets = chance_to_meet(floor, figures["quality"], *sides, figures["of_today"]) if floor > 0 else None
        return hybrid_of(
            items[route.fleet],
            items[strong],
            split_by="load" if route.by_load else "difficulty",
            share_weak=figures["share_weak"],
            quality=figures["quality"],
            assured_quality=figures["assured"],
            quality_sd=figures["sd"],
            today_sd=figures["today_sd"],
            meets_floor=None if meets is None else float(meets),
        )

    def _figures(self, routes: Sequence[Route]) -> dict[str, Floats]:
        """Return what hybrids have of their own, by name, each of their shape."""
        fleets, groups, apis, splits = _columns(routes)
        strong, items, by_load = self.apis[apis], self.options.items, splits >= HARD
        # A split by load is as good as its worse end.
        worse = self.options.quality[fleets] <= self.options.quality[strong]
        of_weak = np.where(by_load, worse, self.plan.share_of_weak[splits])
        sd, today_sd, of_today = mixed(of_weak, items.moments(fleets), items.moments(strong)).spread
        quality, assured = self.judged(groups, apis, splits)
        return {
            "share_weak": np.where(by_load, 1 - _spilled(routes), self.plan.share_weak[splits]),
            "quality": quality,
            "assured": assured,
            "sd": sd,
            "today_sd": today_sd,
            "of_today": of_today,
        }

    def _rows(self, routes: Sequence[Route]) -> Rows:
        """Return hybrids as columns; a record is made once somebody asks for it."""
        fleets, _, apis, splits = _columns(routes)
        weak, strong, figures = self.options.items.take(fleets), self.apis[apis], self._figures(routes)
        ends = zip(weak.option_id, self.options.items.option_id[strong], splits >= HARD, strict=True)
        ids = np.array([hybrid_id(*each) for each in ends], dtype=object)
        rank = np.lexsort((ids.astype(str), -figures["quality"], weak.preference))
        return Rows(
            make=made_once(
                lambda numbers, _: [self.option(routes[number]) for number in numbers], len(routes)
            ),
            numbered=len(routes),
            floor=self.options.scenario.quality_floor,
            cells=np.arange(len(routes)).astype(object),
            option_id=ids,
            kind=np.full(len(routes), Kind.HYBRID, dtype=object),
            model_id=weak.model_id,
            effort=weak.effort,
            precision_id=weak.precision_id,
            gpu_id=weak.gpu_id,
            n_gpus=weak.n_gpus,
            quality=figures["quality"],
            quality_sd=figures["sd"],
            today_sd=figures["today_sd"],
            assured=figures["assured"],
            feasible=np.ones(len(routes), bool),
            only_floor=np.zeros(len(routes), bool),
            preference=np.argsort(rank),
        )

    def fleets_of(self, routes: Sequence[Route]) -> Options:
        """Return the fleets of some hybrids, with rents of their own where each hour has its fleet. (7.20)"""
        found = self.options.take([route.fleet for route in routes])
        chosen = [
            (place, r.filled, r.threshold) for place, r in enumerate(routes) if r.threshold and r.filled
        ]
        if not chosen:
            return found
        places, over_peak, thresholds = map(list, zip(*chosen, strict=True))
        own = with_own_rents(found.take(places), over_peak, thresholds)
        rows = found.rent_row.copy()
        rows[places] = own.rent_row
        return replace(found, market=own.market, rent_row=rows)

    def join(self, routes: Sequence[Route]) -> Options:
        """Return the options with some hybrids behind them."""
        if not routes:
            return self.options
        _, _, apis, splits = _columns(routes)
        load = np.array([np.nan if route.load is None else route.load for route in routes])
        filled, fleets = np.isfinite(load), self.fleets_of(routes)
        up = _spilled(routes) * self.options.usd_per_query[self.apis[apis]]
        more = replace(
            fleets,
            items=self._rows(routes),
            usd_per_query=np.where(filled, up, self.price[apis, splits]),
            fleet_load=np.where(filled, load, self.plan.fleet_queries_per_day[splits]),
        )
        return replace(self.options, market=fleets.market).joined(more)


def _spilled(routes: Sequence[Route]) -> Floats:
    """Return the share of the queries that each hybrid's fleet leaves to the API by load; of one by difficulty none."""
    return np.array([route.spilled for route in routes])


def _columns(routes: Sequence[Route]) -> list[Places]:
    """Return the fleets, groups, APIs and splits of some hybrids."""
    return [np.array([route[place] for route in routes], np.intp) for place in range(4)]


@kept(2)
def pairs_of(options: Options, catalog: Catalog) -> Pairs | None:
    """Return `make_pairs`, kept with the options: which fleets and prices may share the traffic rests on no floor."""
    if options.any_floor is options:
        return make_pairs(options, catalog)
    pairs = pairs_of(options.any_floor, catalog)
    return None if pairs is None else pairs.at_floor_of(options)


def ends_of_hybrids(options: Options) -> tuple[Places, Places]:
    """Return the places of the fleets and of the token prices that a hybrid may be made of."""
    usable = (options.feasible | options.near_floor) & ~np.isnan(options.quality)
    return np.flatnonzero(usable & options.is_self_hosted), np.flatnonzero(usable & options.is_api)


def make_pairs(options: Options, catalog: Catalog, prune: bool = True) -> Pairs | None:
    """Return the pairs that may share the traffic; None where one side is missing. (7.1)-(7.5)

    A hybrid by difficulty keeps the quality floor, not its weak end, which may lie below it; floors by task hold for
    both ends.

    prune: leave out the fleets that others of the same model and format always undercut at these prices and rates, and
    the efforts that another price undercuts with hybrids as good.
    """
    own, offers = ends_of_hybrids(options)
    apis = _cheapest_offers(options, offers)
    if not (len(own) and len(apis)):
        return None
    if prune:
        apis = _worth_routing_to(options, catalog, apis, own)
    fleets, group = _grouped(options, _best_of_each_way(options, own) if prune else own)
    by_hour = bool(options.market.hourly is not None and options.market.autoscaled.any())
    assumed = assumed_split(catalog)
    return Pairs(options, assumed, with_spill(assumed, options.hours, by_hour), fleets, group, apis)


def _cheapest_offers(options: Options, apis: Places) -> Places:
    """Return the cheapest provider of each model at an effort: the others make the same hybrid for more."""
    order = apis[np.lexsort((options.preference[apis], options.usd_per_query[apis]))]
    return np.sort(first_of_each(order, *options.items.model_and_effort, options.quality))


def _worth_routing_to(options: Options, catalog: Catalog, apis: Places, own: Places) -> Places:
    """Return every model at its default effort, and the other efforts that none undercuts with as good a hybrid.

    What costs no more, succeeds as often and is as sure of it makes a hybrid with the same fleets that costs no more
    and whose assured quality is as high: (7.1) and (11.10) keep the order. A model that is also hosted makes none with
    its own fleet, so that it bars nobody.
    """
    items = options.items
    models = items.model_id[apis].tolist()
    efforts = zip(models, items.effort[apis].tolist(), strict=True)
    default = np.array([effort == default_effort(catalog, model) for model, effort in efforts], bool)
    hosted = set(items.model_id[own].tolist())
    elsewhere = np.array([model not in hosted for model in models], bool)
    quality, sd, today_sd = items.moments(apis)
    rows = np.column_stack([options.usd_per_query[apis], -quality, sd, today_sd])
    rivals = rows[elsewhere, None]
    beaten = ((rivals <= rows).all(axis=2) & (rivals < rows).any(axis=2)).any(axis=0)
    return apis[default | ~beaten]


def _best_of_each_way(options: Options, own: Places) -> Places:
    """Return the contenders among fleets paid in all hours, and among the others, which take no split by load."""
    steady = options.market.steady[options.rent_row[own]]
    parts = [contenders(options, own[side]) for side in (steady, ~steady) if side.any()]
    return np.concatenate(parts)


def contenders(options: Options, own: Places) -> Places:
    """Return the fleets that none of the same model and format is always as cheap as.

    No floor and no token price changes it: what does is the key under which it is kept.
    """
    items = options.items
    ways = *items.model_and_effort, items.numbers("precision_id"), options.rent_row, options.rent_factor
    columns = np.array([column[own] for column in (*ways, *options.merits, options.preference)], float)
    return np.asarray(own[_contenders(options.market, columns.tobytes())])


def feasible_contenders(options: Options) -> Places:
    """Return the contenders that are feasible: those of a model and format keep to a floor together."""
    able = options.feasible | options.items.only_floor
    found = contenders(options, np.flatnonzero(able & options.is_self_hosted))
    return found[options.feasible[found]]


@kept(4)
def _contenders(market: Market, fleets: bytes) -> Places:
    columns = np.frombuffer(fleets).reshape(8, -1)
    *formats, rows, factors, rates, starts, preference = columns
    fastest = np.lexsort((preference, -rates))
    # Of one model, format and way to pay the same GPUs the fastest of those that are back as soon.
    first = np.sort(first_of_each(fastest, *formats, rows, starts))
    profiles = market.rent_profiles(rows[first].astype(np.intp), factors[first])
    features = features_of(np.stack([rates, starts])[:, first], *profiles)
    return first[can_win(features, group_of_each(first, *formats))]


def _grouped(options: Options, fleets: Places) -> tuple[Places, Places]:
    """Return fleets sorted by model and format, and the number of each one's; equal costs go to the first."""
    group = np.unique(np.array(options.items.take(fleets).formats), return_inverse=True)[1]
    order = np.lexsort((options.preference[fleets], group))
    return fleets[order], group[order].astype(np.intp)


def with_hybrids(options: Options, catalog: Catalog, queries_per_day: float) -> Options:
    """Return the options with one hybrid by difficulty for each API that can make one at a volume, and one by load."""
    pairs = pairs_of(options, catalog)
    return options if pairs is None else pairs.join(pairs.cheapest_by_api(queries_per_day))


def hybrid_id(weak_id: str, strong_id: str, by_load: bool) -> str:
    """Return the id of the option in which two others share the traffic."""
    return f"hybrid:{weak_id}+{strong_id}{'@peaks' if by_load else ''}"


def hybrid_of(weak: Option, strong: Option, split_by: str, share_weak: float, **figures: Any) -> Option:
    """Return the option in which `weak` answers a share of the queries and `strong` the rest; figures: its own."""
    label = f"{share_weak:.0%} {weak.label}, {1 - share_weak:.0%} {strong.label}"
    if split_by == "load":
        rest = "the rest" if weak.billing_mode == Billing.AUTOSCALED else "peaks"
        spilled = f"{1 - share_weak:.1%}" if 1 - share_weak >= LEAST_SAID else f"under {LEAST_SAID:.1%}"
        label = f"{weak.label}, {rest} ({spilled}) to {strong.label}"
    return weak._replace(
        option_id=hybrid_id(weak.option_id, strong.option_id, split_by == "load"),
        kind=Kind.HYBRID,
        label=label,
        reasons=(),
        source_ids=tuple(dict.fromkeys([*weak.source_ids, *strong.source_ids])),
        prices_as_of=_oldest(weak, strong),
        api_id=strong.api_id,
        ttft_ms=None,
        tpot_ms=None,
        output_tokens_per_s=None,
        binding=None,
        quality_stands_on=None,
        success=None,
        lengths=strong.lengths,
        tokens=share_weak * (weak.tokens or 0.0) + (1 - share_weak) * (strong.tokens or 0.0),
        output_tokens=strong.output_tokens,
        split_by=split_by,
        share_weak=share_weak,
        weak_id=weak.option_id,
        weak_label=weak.label,
        strong_label=strong.label,
        strong_id=strong.option_id,
        **figures,
    )


def _oldest(*items: Option) -> dt.date | None:
    return min((item.prices_as_of for item in items if item.prices_as_of is not None), default=None)
