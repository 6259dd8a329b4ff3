"""Cost by model size: the cheapest way to run each open model, and what lies below the smallest one offered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.kinds import Kind
from llmplan.options.comparison import Comparison
from llmplan.options.rows import first_of_each

NOT_OFFERED = "known for its measurements, not offered as an option"


@dataclass(frozen=True)
class SizePoint:
    """The cheapest way of one kind to serve one open model.

    Attributes
    ----------
    total_params_b: all parameters in billions.
    low, base, high: cost in the unit asked for.
    feasible: False where something but the cost stands against it.
    """

    kind: str
    model_name: str
    label: str
    total_params_b: float
    low: float
    base: float
    high: float
    feasible: bool
    why_out: str


def size_points(found: Comparison, catalog: Catalog, cost: Floats) -> list[SizePoint]:
    """Return the cheapest self-hosted and hosted option of each open model, feasible before not, by size.

    cost: (3, n) low, base, high of each option, in any unit.
    """
    points = [
        _point(found, catalog, place, cost)
        for place in _first_of_each(found, np.lexsort((found.base_usd, ~found.options.feasible)))
        if found.options.items.kind[place] != Kind.API
        and found.options.items.model_id[place] in catalog.models
    ]
    return sorted(points, key=lambda point: (point.total_params_b, point.kind))


def small_models(catalog: Catalog) -> tuple[str, ...]:
    """Return the open models below the smallest option, which are known for their measurements only."""
    offered = [m.total_params_b for m in catalog.models.values() if m.status != "measured only"]
    smallest = min(offered, default=0.0)
    rows = [m for m in catalog.models.values() if m.total_params_b < smallest]
    return tuple(m.model_id for m in rows if m.status == "measured only")


def small_points(found: Comparison, catalog: Catalog, cost: Floats) -> list[SizePoint]:
    """Return the self-hosted points of a comparison of `small_models` alone: out, with the reason."""
    own = (
        _point(found, catalog, place, cost)
        for place in _first_of_each(found, np.argsort(found.base_usd, kind="stable"))
        if found.options.items.kind[place] == Kind.SELF_HOSTED
    )
    return [
        SizePoint(**vars(point) | {"feasible": False, "why_out": point.why_out or NOT_OFFERED})
        for point in own
    ]


def _first_of_each(found: Comparison, order: Places) -> list[int]:
    """Return the first place of each kind and model among those that can serve."""
    items, able = found.options.items, order[np.isfinite(found.base_usd[order])]
    return [int(place) for place in first_of_each(able, *items.kind_and_model)]


def _point(found: Comparison, catalog: Catalog, place: int, cost: Floats) -> SizePoint:
    item = found.options.items[place]
    model = catalog.models[item.model_id]
    low, base, high = (float(side) for side in cost[:, place])
    return SizePoint(
        item.kind,
        model.name,
        item.label,
        model.total_params_b,
        low,
        base,
        high,
        item.feasible,
        "; ".join(item.reasons),
    )
