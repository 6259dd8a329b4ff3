"""An input whose tipping points are sought, and the few options among which the answer lies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from llmplan.arrays import Floats
from llmplan.options import Option, Options
from llmplan.options.table import tie_rank
from llmplan.risk.pruning import can_win, features_of

MANY = 3.0
"""From this many times the base on a change is told as a multiple, below it in percent."""
Best: TypeAlias = tuple[Option | None, float]
"""An option and its base cost in USD a month; None and infinity where nothing is feasible."""
GRID = 48
"""Values tried on either side where the answer need not change once only."""


@dataclass(frozen=True, eq=False)
class Input:
    """One input, and the recommendation as a function of its value.

    Attributes
    ----------
    label: a noun phrase; plural: it takes a plural verb.
    options_at: value -> options with their scenario, feasible ones only.
    text: value -> words with the unit. is_scale: the value is a ratio to today, told as a change in percent.
    changes: value -> scenario fields that make the same change; None where no field can.
    whole: only whole values mean something. exact: the values tried prove that no nearer change of kind was
        missed.
    grid: values to try, ascending; None: spaced in the logarithm (in the value where the range holds 0).
    full: value -> the recommendation among every option of the catalog and its cost, where `options_at` asks
        a part only.
    expected: the range that the value is expected to keep to; None where none is known.
    choose: options -> the recommended one. tolerance: share of a value to which its two sides are told apart.
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
    """Return the option of least base cost, ties as compare() breaks them, and its USD a month."""
    if not len(options):
        return None, float("inf")
    usd = options.monthly_usd(options.scenario.queries_per_day, sides=(1,))[0, :, 0]
    place = min(np.flatnonzero(usd == usd.min()), key=lambda i: tie_rank(options.items[i]))
    if not np.isfinite(usd[place]):
        return None, float("inf")
    return options.items[place], float(usd[place])


def contenders(options: Options) -> Options:
    """Return the feasible options of which one is cheapest at every volume, price level and rate scale.

    A fleet is left out when another has at least its rate and at most its rent and GPUs for every number of
    replicas (as in `risk.pruning`): no change that acts on all fleets alike can make it the cheapest.
    """
    feasible = options.take(np.flatnonzero(options.feasible))
    own = np.flatnonzero(~feasible.is_api & (feasible.per_replica[1] > 0))
    part = feasible.take(own)
    features = features_of(
        part.per_replica[1:2],
        np.tile(part.usd_per_instance_month[1], (4, 1)),
        part.replicas_per_instance[1],
        part.gpus_per_instance[1],
    )
    front = own[can_win(features, [""] * len(own))] if len(own) else own
    best, _ = cheapest(feasible)
    named = [i for i in own if best is not None and feasible.items[i].option_id == best.option_id]
    places = sorted({*np.flatnonzero(feasible.is_api).tolist(), *front.tolist(), *named})
    return feasible.take(places)
