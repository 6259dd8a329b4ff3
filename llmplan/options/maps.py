"""Costs over volumes: curves of chosen options and where they cross, and the map of volume and model size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.kinds import Kind
from llmplan.options.breakeven import break_even
from llmplan.options.comparison import options_of
from llmplan.options.fleet_api_pairs import Pairs, Route, feasible_contenders, pairs_of
from llmplan.options.rows import Option
from llmplan.options.table import Options
from llmplan.scenario import Scenario, under_catalog

VOLUME_LOW, VOLUME_HIGH = 100.0, 10_000_000.0
CURVE_POINTS, MAP_POINTS = 201, 41


def volume_axis(points: int = 200) -> Floats:
    """Return volumes in queries/day, 100 to 10 million, evenly spaced in the logarithm."""
    return np.geomspace(VOLUME_LOW, VOLUME_HIGH, points)


@dataclass(frozen=True)
class Curves:
    """Monthly cost of options over volumes: monthly_usd is (3, n, v), low/base/high, low <= base <= high."""

    queries_per_day: Floats
    options: Options
    monthly_usd: Floats


def cost_curves(
    scenario: Scenario,
    option_ids: Sequence[str],
    queries_per_day: Floats,
    catalog: Catalog | None = None,
    options: Options | None = None,
) -> Curves:
    """Return the cost curves of some options; KeyError for an unknown option id."""
    options = options or options_of(scenario, catalog)
    chosen = options.take([options.index(option_id) for option_id in option_ids])
    usd = chosen.monthly_usd(queries_per_day)
    return Curves(queries_per_day, chosen, np.stack([usd.min(axis=0), usd[1], usd.max(axis=0)]))


def crossings_of(curves: Curves, most_pairs: int) -> tuple[float, ...]:
    """Return the volumes [queries/day] at which a self-hosted curve crosses one of token prices, exactly.

    most_pairs: of curves, the first of which are looked at; each takes some milliseconds.
    """
    options = curves.options
    paid = np.flatnonzero(options.is_api).tolist()
    pairs = [(own, token) for own in np.flatnonzero(options.is_self_hosted).tolist() for token in paid]
    found = (break_even(options, [own], token) for own, token in pairs[:most_pairs])
    return tuple(sorted({float(x) for pair in found for x in pair.crossings_queries_per_day}))


def leaders_of(curves: Curves) -> list[tuple[float, Option]]:
    """Return from which volume [queries/day] which option is the cheapest of those drawn."""
    base = curves.monthly_usd[1]
    if not base.size:
        return []
    best = np.argmin(base, axis=0)
    starts = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist()]
    return [(float(curves.queries_per_day[i]), curves.options.items[int(best[i])]) for i in starts]


@dataclass(frozen=True)
class DecisionMap:
    """For each open model (row) and volume (column): the cheapest way to get at least its quality.

    Attributes
    ----------
    model_ids: rows, the best first, of equals the smaller; total_params_b, quality (0: not known) beside them.
    queries_per_day: columns (v,).
    options: those of one kind, then the hybrids that win somewhere.
    kind: (rows, v) 0 API, 1 hosted open model, 2 self-hosted, 3 hybrid, -1 nothing feasible.
    option_place: (rows, v) the cheapest option's place, -1 for none.
    monthly_usd: (rows, v) its base cost.
    saving: (rows, v) 1 - cheapest self-hosted / cheapest token price; negative: self-hosting is dearer.
    unrivalled: (rows,) True where no token price is known to reach the model's quality: self-hosting it is
        then the only way, not the cheaper one.
    """

    model_ids: tuple[str, ...]
    total_params_b: Floats
    quality: Floats
    queries_per_day: Floats
    options: Options
    kind: npt.NDArray[np.int_]
    option_place: npt.NDArray[np.int_]
    monthly_usd: Floats
    saving: Floats
    unrivalled: Bools

    @cached_property
    def labels(self) -> list[list[str]]:
        """(rows, v) what each cell's option is called."""
        places, items = self.option_place.tolist(), self.options.items
        return [["none feasible" if at < 0 else items[at].label for at in row] for row in places]

    def every(self, step: int) -> DecisionMap:
        """Return the map at every so many of its volumes."""
        names = ("queries_per_day", "kind", "option_place", "monthly_usd", "saving")
        return replace(self, **{name: getattr(self, name)[..., ::step] for name in names})


@kept(2)
def map_of(options: Options, catalog: Catalog) -> DecisionMap:
    """Return the decision map over `MAP_POINTS` volumes of a scenario's options of one kind, which no volume changes."""
    return decision_map(options.scenario, volume_axis(MAP_POINTS), catalog, options)


def decision_map(
    scenario: Scenario,
    queries_per_day: Floats,
    catalog: Catalog | None = None,
    options: Options | None = None,
) -> DecisionMap:
    """Return the cheapest option by model size and volume at equal quality.

    A row's candidates: self-hosting that model, the same model hosted, and every feasible API and hybrid whose
    known quality is at least the model's (any feasible API where the model's own is not known).

    options: the scenario's of one kind, when they are at hand.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    options = options_of(scenario, catalog) if options is None else options
    rows = _Rows(options, queries_per_day)
    models = sorted(rows.own, key=lambda m: (-rows.quality(m), catalog.models[m].total_params_b, m))
    quality = np.array([rows.quality(m) for m in models])
    shape = (len(models), len(queries_per_day))
    place, best, saving = np.full(shape, -1), np.full(shape, np.inf), np.full(shape, np.nan)
    unrivalled = np.zeros(shape[0], bool)
    for row, model_id in enumerate(models):
        token, place[row], best[row] = rows.cheapest(model_id)
        unrivalled[row] = not len(token)
        if len(token):
            saving[row] = 1 - rows.usd[rows.own[model_id]].min(axis=0) / rows.usd[token].min(axis=0)
    options = _with_routes(options, catalog, quality, queries_per_day, place, best)
    orders = {kind: kind.order for kind in Kind}
    kinds = np.array([*map(orders.__getitem__, options.items.kind), -1])
    sizes = np.array([catalog.models[m].total_params_b for m in models])
    return DecisionMap(
        tuple(models), sizes, quality, queries_per_day, options, kinds[place], place, best, saving, unrivalled
    )


@dataclass(frozen=True)
class Envelope:
    """The cheapest feasible option of one kind at each volume.

    Attributes
    ----------
    labels: (v,) which option that is. monthly_usd: (3, v) what it costs, low <= base <= high.
    """

    kind: Kind
    queries_per_day: Floats
    labels: tuple[str, ...]
    monthly_usd: Floats


@kept(2)
def envelopes(options: Options, catalog: Catalog) -> tuple[Envelope, ...]:
    """Return the lower envelope of each kind that has a feasible option.

    options: the scenario's of one kind; hybrids are asked for at each volume of the map.
    """
    found = [
        _cheapest_of(options, kind, volume_axis(CURVE_POINTS)) for kind in Kind if kind is not Kind.HYBRID
    ]
    return tuple(each for each in [*found, _cheapest_hybrids(options, catalog)] if each is not None)


def _cheapest_of(options: Options, kind: Kind, volumes: Floats) -> Envelope | None:
    own = kind is Kind.SELF_HOSTED
    mine = (
        feasible_contenders(options)
        if own
        else np.flatnonzero(options.feasible & (options.items.kind == kind))
    )
    if not len(mine):
        return None
    mine = mine[np.argsort(options.preference[mine])]
    cheapest = options.take(mine).monthly_usd(volumes, sides=(1,))[0].argmin(axis=0)
    return _envelope(options, kind, mine[cheapest], volumes)


def _cheapest_hybrids(options: Options, catalog: Catalog) -> Envelope | None:
    pairs, volumes = pairs_of(options, catalog), volume_axis(MAP_POINTS)
    if pairs is None or not pairs.allowed.any():
        return None
    _, route_at = _cheapest_routes(pairs, volumes)
    routes = [route_at(column) for column in range(len(volumes))]
    distinct = list(dict.fromkeys(routes))
    places = np.array([len(options) + distinct.index(route) for route in routes])
    return _envelope(pairs.join(distinct), Kind.HYBRID, places, volumes)


def _envelope(options: Options, kind: Kind, places: Places, volumes: Floats) -> Envelope:
    """Return the envelope that the options at `places`, one a volume, make."""
    chosen, which = np.unique(places, return_inverse=True)
    winners = options.take(chosen)
    usd = winners.monthly_usd(volumes)[:, which, np.arange(len(volumes))]
    labels = [item.label for item in winners.items]
    sides = np.stack([usd.min(axis=0), usd[1], usd.max(axis=0)])
    return Envelope(kind, volumes, tuple(labels[i] for i in which.tolist()), sides)


class _Rows:
    """The feasible options by model, priced at every volume."""

    def __init__(self, options: Options, volumes: Floats) -> None:
        self.options = options
        self.usd = np.full((len(options), len(volumes)), np.inf)
        feasible = np.flatnonzero(options.feasible)
        self.usd[feasible] = options.take(feasible).monthly_usd(volumes, sides=(1,))[0]
        kinds = options.items.kind[feasible]
        self.own = self._by_model(feasible[kinds == "self_hosted"])
        self._hosted = self._by_model(feasible[kinds == "hosted"])
        self._apis = feasible[kinds == "api"]

    def _by_model(self, places: Places) -> dict[str, Places]:
        names, group = np.unique(self.options.items.model_id[places].astype(str), return_inverse=True)
        return {str(name): places[group == number] for number, name in enumerate(names)}

    def quality(self, model_id: str) -> float:
        """Return a model's best quality; 0 where none is known."""
        return float(np.nan_to_num(self.options.quality[self.own[model_id]]).max())

    def cheapest(self, model_id: str) -> tuple[Places, Places, Floats]:
        """Return a model's rivals by the token, and the cheapest way to its best quality and what it costs."""
        own, quality, least = self.own[model_id], np.nan_to_num(self.options.quality), self.quality(model_id)
        as_good = self._apis[(least <= 0) | (quality[self._apis] >= least)]
        token = np.concatenate([self._hosted.get(model_id, own[:0]), as_good])
        every = np.concatenate([token, own])
        every = every[np.argsort(self.options.preference[every])]
        at = np.argmin(self.usd[every], axis=0)
        return token, every[at], self.usd[every[at], np.arange(self.usd.shape[1])]


def _with_routes(
    options: Options, catalog: Catalog, quality: Floats, volumes: Floats, place: Places, best: Floats
) -> Options:
    """Put hybrids into the cells of the map in which one costs least, and behind the options."""
    pairs = pairs_of(options, catalog)
    if pairs is None:
        return options
    routes: list[Route] = []
    for row, least in enumerate(quality):
        cost, route_at = _cheapest_routes(pairs, volumes, float(least))
        for column in np.flatnonzero(cost < best[row]).tolist():
            best[row, column], place[row, column] = cost[column], len(options) + len(routes)
            routes.append(route_at(column))
    return pairs.join(routes)


def _cheapest_routes(
    pairs: Pairs, volumes: Floats, least: float = -np.inf
) -> tuple[Floats, Callable[[int], Route]]:
    """Return what the cheapest hybrid of at least a quality costs at each volume, USD a month (v,), and which it is."""
    fleets, to_api = pairs.kept_fleets(tuple(volumes))
    month = volumes * pairs.options.scenario.days_per_month
    # Whatever share goes to an API, the cheapest is the one of the least price.
    price, possible = pairs.options.usd_per_query[pairs.apis], pairs.allowed & (pairs.quality >= least)
    api = np.where(possible, price[:, None], np.inf).argmin(axis=1)
    beside = pairs.plan.router_usd + pairs.options.hidden_usd_per_query(1)
    total = fleets.usd + (price[api][..., None] * to_api + beside[:, None]) * month
    total = np.where(np.asarray(possible.any(axis=1))[..., None], total, np.inf)
    total = total.reshape(-1, len(volumes))
    best = np.transpose(np.divmod(total.argmin(axis=0), fleets.usd.shape[1]))

    def route_at(column: int) -> Route:
        group, split = best[column]
        return pairs.route(fleets, (group, api[group, split], split), column)

    return total.min(axis=0), route_at
