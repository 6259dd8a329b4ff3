"""When a fleet and an API together cost less than either: the best hybrid, and its cost at every draw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.options import Comparison, Option, Options
from llmplan.options.constraints import quality_reasons
from llmplan.options.hybrid import SPLITS, Hybrid, find_hybrids, hybrid_row
from llmplan.risk.draws import own_usd, sample
from llmplan.risk.inputs import RiskInput
from llmplan.risk.problem import problem_of, realise


@dataclass(frozen=True, eq=False)
class BestHybrid:
    """The cheapest hybrid that meets the floor, with the options that it is made of."""

    options: Options
    hybrid: Hybrid
    row: dict[str, Any]

    @property
    def weak(self) -> Option:
        return self.options.items[self.hybrid.weak]

    @property
    def option_id(self) -> str:
        return str(self.row["option_id"])

    @property
    def label(self) -> str:
        return str(self.row["label"])

    @property
    def monthly_usd(self) -> float:
        """Its base cost."""
        return self.hybrid.found.monthly_usd_base


@dataclass(frozen=True, eq=False)
class HybridDraws:
    """A hybrid under the causes of its fleet and its API: `usd` (d,); `u` (inputs, d), one row a cause."""

    usd: Floats
    inputs: tuple[RiskInput, ...]
    u: Floats


def winning_hybrid(found: Comparison) -> BestHybrid | None:
    """Return the cheapest hybrid where it costs less than every option of one kind; else None."""
    free = without_floor(found)
    least = float(found.monthly_usd[1, found.order[0]]) if found.order else np.inf
    own = np.flatnonzero(~free.is_api)
    if not len(own) or len(own) == len(free):
        return None
    load = found.scenario.queries_per_day * float(SPLITS.min())
    if not free.take(own).monthly_usd(load, sides=(1,)).min() < least:
        return None  # the smallest fleet alone is dearer already
    hybrids = find_hybrids(free, found.scenario.queries_per_day, found.scenario.quality_floor)
    if not hybrids or not hybrids[0].found.monthly_usd_base < least:
        return None
    return BestHybrid(free, hybrids[0], hybrid_row(free, hybrids[0]))


def without_floor(found: Comparison) -> Options:
    """Return the options that nothing but the overall quality floor keeps out, as feasible ones."""
    few = found.options.take(places_without_floor(found))
    free = tuple(item if item.feasible else replace(item, reasons=()) for item in few.items)
    return replace(few, scenario=found.scenario, items=free)


def places_without_floor(found: Comparison) -> list[int]:
    """Return the places of the options of known quality that nothing but the overall floor keeps out."""
    options, known = found.options, ~np.isnan(found.options.quality)
    kept_out = [
        place
        for place in np.flatnonzero(known & ~options.feasible).tolist()
        if list(options.items[place].reasons) == quality_reasons(found.scenario, options.items[place].quality)
    ]
    return sorted([*np.flatnonzero(known & options.feasible).tolist(), *kept_out])


def hybrid_draws(best: BestHybrid, catalog: Catalog, draws: int, seed: int) -> HybridDraws:
    """Return the hybrid's cost at each draw: its fleet and its API under the causes of both.

    The split and the router stay as in the base case; a cause has the same draws as in any other problem of
    the same seed, so that costs can be compared draw by draw.
    """
    hybrid, scenario = best.hybrid, best.options.scenario
    pair = problem_of(best.options.take([hybrid.strong, hybrid.weak]), catalog, None, prune=False)
    u = sample(pair, draws, seed)
    drawn, base = realise(pair, u), realise(pair, pair.base_draw())
    load = hybrid.found.fleet_queries_per_day
    growth = drawn.queries_per_day / scenario.queries_per_day
    token = best.monthly_usd - own_usd(pair, base, 1, np.array([load]), slice(None))
    price = drawn.usd_per_query[0] / base.usd_per_query[0]
    usd = own_usd(pair, drawn, 1, load * growth, slice(None)) + token * price * growth
    return HybridDraws(np.asarray(usd), pair.inputs, u)
