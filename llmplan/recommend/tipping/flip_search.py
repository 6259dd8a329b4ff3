"""An input whose tipping points are sought, and the few options among which the answer lies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.options import Option, Options
from llmplan.options.fleet_api_pairs import SPLITS, Pairs, ends_of_hybrids, make_pairs
from llmplan.options.pruning import can_win, features_of
from llmplan.options.rows import Rows
from llmplan.options.token_rows import usd_per_query
from llmplan.quality.floor import reaches

MANY = 3.0
"""From this many times the base on a change is told as a multiple, below it in percent."""
Best: TypeAlias = tuple[Option | None, float]
"""An option and its base cost in USD a month; None and infinity where nothing is feasible."""
TOKENS_TRIED = 16.0
"""Tokens are tried up to so many times those of today, and down to that part of them."""
GRID = 48
"""Values tried on either side where the answer need not change once only."""
PAIRS_KEPT = 2


@dataclass(frozen=True, eq=False)
class Input:
    """One input, and the recommendation as a function of its value.

    Attributes
    ----------
    label: a noun phrase; plural: it takes a plural verb.
    options_at: value -> options of one kind with their scenario, all that nothing but the quality floor keeps out.
    text: value -> words with the unit. is_scale: the value is a ratio to today, told as a change in percent.
    changes: value -> scenario fields that make the same change; None where no field can.
    whole: only whole values mean something. exact: the values tried prove that no nearer change of kind was
        missed.
    grid: values to try, ascending; None: spaced in the logarithm (in the value where the range holds 0).
    full: value -> the recommendation among every option of the catalog and its cost, where `options_at` asks
        a part only.
    expected: the range that the value is expected to keep to; None where none is known.
    by_option: any other option counts as a change, not a kind alone.
    choose: options -> the recommended one, hybrids among them. tolerance: share of a value to which its two sides
        are told apart.
    """

    input_id: str
    label: str
    unit: str
    base: float
    low: float
    high: float
    options_at: Callable[[float], Options]
    text: Callable[[float], str]
    changes: Callable[[float], dict[str, Any] | None] = lambda _: None
    whole: bool = False
    exact: bool = True
    grid: tuple[float, ...] | None = None
    plural: bool = False
    is_scale: bool = False
    full: Callable[[float], Best] | None = None
    expected: tuple[float, float] | None = None
    by_option: bool = False
    choose: Callable[[Options], Best] = lambda options: cheapest(options)
    tolerance: float = 1e-9
    seen: dict[float, Best] = field(default_factory=dict)

    @property
    def is_share(self) -> bool:
        return self.unit.startswith("share")

    def step(self, value: float) -> float:
        """Return the step in which people tell a value: whole percents, two figures of a multiple, else three."""
        if self.is_share or (self.is_scale and value < MANY):
            return 0.01
        size = math.floor(math.log10(abs(value))) if value else 0
        return float(10.0 ** (size - (1 if self.is_scale else 2)))

    def recommended(self, value: float) -> Option | None:
        """Return the cheapest feasible option at a value."""
        return self._at(value)[0]

    def monthly_usd(self, value: float) -> float:
        """Return its base cost in USD a month; infinity where nothing is feasible."""
        return self._at(value)[1]

    def _at(self, value: float) -> Best:
        if value not in self.seen:
            self.seen[value] = self.choose(self.options_at(value))
        return self.seen[value]

    @cached_property
    def _values(self) -> Floats:
        if self.grid is not None:
            return np.array(self.grid, float)
        if self.whole and self.high - self.low <= 4 * GRID:
            return np.arange(np.ceil(self.low), self.high + 1)
        if self.low > 0:
            return np.geomspace(self.low, self.high, 2 * GRID + 1)
        return np.linspace(self.low, self.high, 2 * GRID + 1)

    def values_below(self) -> list[float]:
        """Return the values to try below the base, nearest first."""
        return [float(v) for v in self._values[::-1] if self.low <= v < self.base]

    def values_above(self) -> list[float]:
        """Return the values to try above the base, nearest first."""
        return [float(v) for v in self._values if self.base < v <= self.high]


def percents(share: float) -> str:
    """Return a share in percent, in as many figures as it has, four at most."""
    return f"{100 * share:.4g}%"


def cheapest(options: Options) -> Best:
    """Return the option of one kind of least base cost at the scenario's floor, ties as compare() breaks them."""
    meets = np.flatnonzero(reaches(options.scenario.quality_floor, options.items.assured))
    if not len(meets):
        return None, float("inf")
    usd = options.take(meets).monthly_usd(options.scenario.queries_per_day, sides=(1,))[0, :, 0]
    place = int(np.lexsort((options.preference[meets], usd))[0])
    if not np.isfinite(usd[place]):
        return None, float("inf")
    return options.items[meets[place]], float(usd[place])


class CheapestOfAll:
    """Chooses among options of one kind and the hybrids that they make, whose split is chosen anew every time."""

    def __init__(self, options: Options, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[int, tuple[Rows, Pairs | None]] = {}
        self.has_hybrids = self._pairs_of(options) is not None
        """Whether any pair makes a hybrid."""

    def _pairs_of(self, options: Options) -> Pairs | None:
        """Return the pairs of some options; other prices and rates of the same options share them."""
        if id(options.items) not in self._known:
            while (
                len(self._known) > PAIRS_KEPT
            ):  # the base's stay, of the others the last: each takes megabytes
                del self._known[[*self._known][1]]
            self._known[id(options.items)] = (options.items, make_pairs(options, self._catalog, prune=False))
        pairs = self._known[id(options.items)][1]
        return None if pairs is None else pairs.of(options)

    def __call__(self, options: Options) -> Best:
        """Return the cheapest option at the options' scenario and its base cost."""
        item, least = cheapest(options)
        volume, own = options.scenario.queries_per_day, options.take(ends_of_hybrids(options)[0])
        smallest = own.fleet_usd(np.array([volume * float(SPLITS[0])]), 1)
        if options.market.hourly is None and not smallest.min(initial=np.inf) < least:
            return item, least  # the smallest fleet alone is dearer already; one of few hours may be cheaper
        pairs = self._pairs_of(options)
        if pairs is None:
            return item, least
        usd, route = pairs.cheapest(volume, least)
        return (item, least) if route is None else (pairs.option(route), usd)


def contenders(options: Options, catalog: Catalog) -> Options:
    """Return the options of which one, or a hybrid of two, is cheapest at every volume, price level and rate scale.

    A fleet is left out when another of its model and format has at least its rate and at most its rent and GPUs for
    every number of replicas (as in `options.pruning`): no change that acts on all fleets alike can make it the
    cheapest. Token prices are left out likewise. What misses nothing but the quality floor stays: a hybrid may be
    made of it.
    """
    usable = options.feasible | options.near_floor
    own = np.flatnonzero(usable & options.is_self_hosted & (options.per_replica[1] > 0))
    front = own
    if len(own):
        part = options.take(own)
        features = features_of(part.merits, *part.rent_profiles())
        front = own[can_win(features, part.items.formats)]
    best, _ = cheapest(options.take(np.flatnonzero(options.feasible)))
    named = [] if best is None else [options.index(best.option_id)]
    apis = _token_front(options, catalog, np.flatnonzero(usable & options.is_api), best)
    return options.take(sorted({*apis, *front.tolist(), *named}))


def _token_front(options: Options, catalog: Catalog, places: Places, best: Option | None) -> list[int]:
    """Return the token prices that no other of their kind undercuts at as much and as sure a quality, whatever the tokens.

    They are compared at every corner of tokens, cached share and batch share, between which the price of a query is
    linear; what only the recommended model or the cheapest price's undercuts stays: their own prices and success move.
    """
    places = places[np.argsort(options.preference[places])]  # of equal ones the first stays
    items = [options.items[place] for place in places.tolist()]
    known = np.array([item.api_id in catalog.apis and item.lengths is not None for item in items], bool)
    prices = [catalog.api(str(item.api_id)) for item, listed in zip(items, known, strict=True) if listed]
    lengths = [item.lengths for item, listed in zip(items, known, strict=True) if listed and item.lengths]
    corners = [options.usd_per_query[places[known]]]
    for batch, cached, more in product((0.0, 1.0), (0.0, 1.0), (0.0, TOKENS_TRIED)):
        asked = [n._replace(output=n.output * more) for n in lengths]
        moved = options.scenario.model_copy(update={"batch_share": batch, "cached_input_share": cached})
        corners.append(usd_per_query(prices, asked, moved, catalog))
    quality, sd, today_sd = options.items.moments(places[known])
    features = np.column_stack([*corners, -quality, sd, today_sd])
    kinds, models = options.items.kind[places[known]], options.items.model_id[places[known]]
    front = can_win(features, kinds)
    usable = np.where(options.feasible[places[known]], corners[0], np.inf)
    alone = {None if best is None else best.model_id, models[np.argmin(usable)] if len(usable) else None}
    for model_id in alone - {None}:
        others = np.flatnonzero(models != model_id)
        front[others[can_win(features[others], kinds[others])]] = True
    return [*places[~known].tolist(), *places[known][front].tolist()]
