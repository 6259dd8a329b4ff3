"""Quality against cost: what each model at an effort succeeds on and costs, and what nothing beats in both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Bools, Places
from llmplan.catalog import Catalog
from llmplan.kinds import Kind
from llmplan.options import Comparison
from llmplan.options.rows import first_of_each, least_of_each
from llmplan.options.standing import today_id
from llmplan.quality.ability import Band


@dataclass(frozen=True)
class FrontierPoint:
    """The cheapest way to run a model at an effort, whatever the quality floor.

    Attributes
    ----------
    monthly_usd: base cost. success: share of the scenario's tasks on which it succeeds, an 80 % band.
    meets_floor: probability that its quality reaches the floor; None where none is set.
    on_frontier: nothing that costs no more succeeds more often.
    runs_today: whether it is what runs today, which stands here even where a limit keeps it out.
    """

    option_id: str
    label: str
    kind: Kind
    monthly_usd: float
    success: Band
    meets_floor: float | None
    on_frontier: bool
    runs_today: bool


def frontier_points(found: Comparison, catalog: Catalog) -> tuple[FrontierPoint, ...]:
    """Return a point for each model at an effort that nothing but the floor keeps out, cheapest first."""
    options, usd = found.options, found.base_usd
    today = options.items.places.get(today_id(found.scenario, catalog))
    usable = options.feasible | options.items.only_floor
    open_to = usable & np.isfinite(usd) & (options.items.kind != Kind.HYBRID)
    places = _cheapest_of_each(found, open_to, today)
    quality = options.quality[places]
    best_before = np.maximum.accumulate(
        np.concatenate([[-np.inf], np.where(usable[places], quality, -np.inf)])
    )
    return tuple(
        FrontierPoint(
            item.option_id,
            item.label,
            Kind(item.kind),
            float(usd[place]),
            item.success,
            item.meets_floor,
            bool(usable[place] and quality[i] > best_before[i]),
            place == today,
        )
        for i, place in enumerate(places.tolist())
        for item in (options.items[place],)
        if item.success is not None
    )


def _cheapest_of_each(found: Comparison, open_to: Bools, today: int | None) -> Places:
    """Return the cheapest place of each model at an effort, and what runs today in place of its own, by cost.

    Of a model that is fine-tuned, shared endpoints serve another one.
    """
    items, rank, own = found.options.items, found.options.preference, found.scenario.own_weights
    usd = np.where(open_to, found.base_usd, np.inf)
    if today is not None:
        usd[today] = -np.inf
    served = (np.where(np.isin(items.model_id, own), items.quality, 0.0),) if own else ()
    alike = (*items.model_and_effort, *served)
    places = np.flatnonzero(usd < np.inf)
    near = least_of_each(places, usd[places], *alike)
    chosen = first_of_each(near[np.argsort(rank[near])], *alike)
    return chosen[np.lexsort((rank[chosen], found.base_usd[chosen]))]
