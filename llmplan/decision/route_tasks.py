"""Which task goes to the fleet and which to the API, and what keeping some in house costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from llmplan.catalog import Catalog
from llmplan.decision.route_request import DEFAULT_FLOOR_OF_STRONG
from llmplan.decision.routed import RoutePlan
from llmplan.errors import UnknownNameError
from llmplan.quality import relative_qualities, task_ids
from llmplan.routing.assumptions import task_mixes
from llmplan.routing.costs import FleetUsd, Tier
from llmplan.routing.tasks import TaskTable, residency_shadow_price, task_table, whole_task_split

Floats: TypeAlias = npt.NDArray[np.float64]
ENDS = ("weak", "strong")


def task_report(
    route: RoutePlan, catalog: Catalog, stays_in_house: Sequence[str] = ()
) -> dict[str, Any] | None:
    """Return which task goes where at the route's floor, whole tasks and the fleet re-sized. (7.12)

    None where no task of the mix is scored for both. Where the floor is out of reach every task goes to
    the better end that it may go to. "shadow_price_usd" is what keeping the tasks of `stays_in_house` on the
    fleet costs a month.

    Raises UnknownNameError for a task in `stays_in_house` that is not in the mix.
    """
    table = _table(route, catalog, stays_in_house)
    if table is None:
        return None
    floor = route.request.quality_floor
    floor = DEFAULT_FLOOR_OF_STRONG * route.sides.strong_quality if floor is None else floor
    tiers = [Tier("weak", fleet_usd=_fleet_usd(route)), Tier("strong")]
    volume, traffic = route.plan.queries_per_day, route.plan.traffic
    split = whole_task_split(table, tiers, volume, traffic, floor)
    best = np.where(table.allowed, table.quality, -np.inf).argmax(axis=1)
    chosen = best if split is None else split.assigned.argmax(axis=1)
    return {
        "rows": _rows(table, chosen, stays_in_house),
        "floor": floor,
        "floor_reached": split is not None,
        "monthly_usd": None if split is None else split.usd,
        "quality": float(table.share @ table.quality[np.arange(len(chosen)), chosen]),
        "shadow_price_usd": residency_shadow_price(table, tiers, volume, traffic, floor)
        if stays_in_house
        else None,
    }


def _rows(
    table: TaskTable, chosen: npt.NDArray[np.intp], stays_in_house: Sequence[str]
) -> list[dict[str, Any]]:
    verdicts = task_mixes()["article-70-30"].verdicts
    return [
        {
            "task": task,
            "share": float(table.share[i]),
            "weak_quality": float(table.quality[i, 0]),
            "strong_quality": float(table.quality[i, 1]),
            "article": verdicts.get(task),
            "stays_in_house": task in stays_in_house,
            "goes_to": ENDS[int(chosen[i])],
        }
        for i, task in enumerate(table.task_ids)
    ]


def _table(route: RoutePlan, catalog: Catalog, stays_in_house: Sequence[str]) -> TaskTable | None:
    weak, strong = _qualities(route, catalog)
    given = dict(route.request.scenario.task_mix) or dict.fromkeys(task_ids(catalog), 1.0)
    for task in stays_in_house:
        if task not in given:
            raise UnknownNameError("task", task, given)
    mix = {task: share for task, share in given.items() if share > 0 and task in weak and task in strong}
    if not mix:
        return None
    unit = route.sides.strong_usd_per_query
    own = 0.0 if route.sides.options is not None else route.sides.weak_usd_per_query
    kept = [task for task in stays_in_house if task in mix]
    return task_table(mix, [[weak[task], strong[task]] for task in mix], [[own, unit]] * len(mix), kept)


def _qualities(route: RoutePlan, catalog: Catalog) -> tuple[dict[str, float], dict[str, float]]:
    """Return both ends' quality by task, the weak one's after its format's loss; an unscored API's as 1."""
    scenario, price = route.request.scenario, catalog.apis.get(route.request.weak)
    weak_id = price.model_id if price else route.request.weak.partition("@")[0]
    strong_id = catalog.api(route.request.strong).model_id
    reference = catalog.api(scenario.reference_api_id).model_id
    found = relative_qualities(
        catalog, {weak_id, strong_id}, reference, dict(scenario.task_mix), dict(scenario.model_quality)
    )
    item, whole = route.sides.item(route.way), found[weak_id].overall
    kept = item.quality / whole if item and item.quality and whole else 1.0
    weak = {task: quality * kept for task, quality in found[weak_id].by_task.items()}
    if not route.sides.strong_quality_known:
        return weak, dict.fromkeys(weak, route.sides.strong_quality)
    return weak, dict(found[strong_id].by_task)


def _fleet_usd(route: RoutePlan) -> FleetUsd | None:
    options = route.sides.options
    if options is None:
        return None
    way = options.take([route.way])
    return lambda load: way.monthly_usd(load, sides=(1,))[0, 0]
