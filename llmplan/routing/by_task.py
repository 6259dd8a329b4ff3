"""Which task goes to the fleet and which to the API, and what keeping some in house costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.quality.tables import task_ids
from llmplan.router.costs import FleetUsd, Tier
from llmplan.router.task_mixes import task_mixes
from llmplan.router.tasks import TaskTable, residency_shadow_price, task_table, whole_task_split
from llmplan.routing.plan import RoutePlan
from llmplan.routing.request import DEFAULT_FLOOR_OF_STRONG
from llmplan.routing.sides import token_end, weak_standing

ENDS = ("weak", "strong")


def task_report(
    route: RoutePlan,
    catalog: Catalog,
    stays_in_house: Sequence[str] = (),
    tolerance: Mapping[str, float] | None = None,
    work: Mapping[str, float] | None = None,
    floor: float | None = None,
) -> dict[str, Any] | None:
    """Return which task goes where at the route's floor, whole tasks and the fleet re-sized. (7.12)

    Where the floor is out of reach every task goes to
    the better end that it may go to. "shadow_price_usd" is what keeping the tasks of `stays_in_house` on the
    fleet costs a month.

    Parameters
    ----------
    stays_in_house: tasks that may not go to an API.
    tolerance: task -> quality that it can lose against the better end; the scenario's floors by task hold too.
    work: task -> cost and load of its query over another task's; by default all tasks are alike. The mean
        over the mix is the scenario's query.
    floor: least quality; by default the route's, else most of the strong model's.

    Raises UnknownNameError for a named task that is not in the mix.
    """
    for task in (*stays_in_house, *(tolerance or {}), *(work or {})):
        if task not in _mix(route, catalog):
            raise UnknownNameError("task", task, _mix(route, catalog))
    table = _table(route, catalog, stays_in_house, tolerance or {}, work or {})
    if table is None:
        return None
    floor = route.request.quality_floor if floor is None else floor
    floor = DEFAULT_FLOOR_OF_STRONG * route.sides.strong_quality if floor is None else floor
    tiers = [Tier("weak", fleet_usd=_fleet_usd(route)), Tier("strong")]
    volume, traffic = route.plan.queries_per_day, route.plan.traffic
    split = whole_task_split(table, tiers, volume, traffic, floor)
    best = np.where(table.allowed, table.quality, -np.inf).argmax(axis=1)
    chosen = best if split is None else split.assigned.argmax(axis=1)
    days = traffic.days_per_month
    asked = (task for task, weight in _mix(route, catalog).items() if weight > 0)
    return {
        "rows": _rows(table, chosen, stays_in_house, volume * traffic.missed * days, catalog),
        "not_scored": [task for task in asked if task not in table.task_ids],
        "floor": floor,
        "floor_reached": split is not None,
        "monthly_usd": None if split is None else split.usd,
        "quality": float(table.share @ table.quality[np.arange(len(chosen)), chosen]),
        "shadow_price_usd": residency_shadow_price(table, tiers, volume, traffic, floor)
        if stays_in_house
        else None,
    }


def _rows(
    table: TaskTable,
    chosen: Places,
    stays_in_house: Sequence[str],
    queries_per_month: float,
    catalog: Catalog,
) -> list[dict[str, Any]]:
    verdicts = {task: v for mix in task_mixes(catalog).values() for task, v in mix.verdicts.items()}
    return [
        {
            "task": task,
            "share": float(table.share[i]),
            "weak_quality": float(table.quality[i, 0]),
            "strong_quality": float(table.quality[i, 1]),
            "within_tolerance": bool(table.tolerated[i, 0]),
            "strong_monthly_usd": float(table.usd_per_query[i, 1] * table.share[i] * queries_per_month),
            "article": verdicts.get(task),
            "stays_in_house": task in stays_in_house,
            "goes_to": ENDS[int(chosen[i])],
        }
        for i, task in enumerate(table.task_ids)
    ]


def _mix(route: RoutePlan, catalog: Catalog) -> dict[str, float]:
    return dict(route.request.scenario.task_mix) or dict.fromkeys(task_ids(catalog), 1.0)


def _table(
    route: RoutePlan,
    catalog: Catalog,
    stays_in_house: Sequence[str],
    tolerance: Mapping[str, float],
    work: Mapping[str, float],
) -> TaskTable | None:
    weak, strong = _qualities(route, catalog)
    given = _mix(route, catalog)
    mix = {task: share for task, share in given.items() if share > 0 and task in weak and task in strong}
    if not mix:
        return None
    unit = route.sides.strong_usd_per_query
    own = 0.0 if route.sides.options is not None else route.sides.weak_usd_per_query
    kept = [task for task in stays_in_house if task in mix]
    quality = {task: (weak[task], strong[task]) for task in mix}
    load = _work(mix, work)
    may_lose = dict(tolerance)
    for task, floor in dict(route.request.scenario.task_quality_floors).items():
        if task in mix:
            best = max(quality[task])
            may_lose[task] = min(may_lose.get(task, np.inf), max(0.0, best - floor))
    prices = load[:, None] * np.array([own, unit])
    return task_table(mix, list(quality.values()), prices, kept, tolerance=may_lose, work=load)


def _work(mix: Mapping[str, float], work: Mapping[str, float]) -> Floats:
    """Return each task's work in mean queries: the mean over the mix is 1."""
    for task, value in work.items():
        if not 0 < value < np.inf:
            raise InputError(f"work of {task}", value, "must be above 0", "1: as long as the others")
    load = np.array([work.get(task, 1.0) for task in mix])
    share = np.array(list(mix.values()))
    return np.asarray(load * share.sum() / (load @ share))


def _qualities(route: RoutePlan, catalog: Catalog) -> tuple[dict[str, float], dict[str, float]]:
    """Return both ends' quality by task, the weak one's after its format's loss."""
    request, item = route.request, route.sides.item(route.way)
    found = weak_standing(request, catalog, item.effort if item else None)
    kept = item.quality / found.quality if item and item.quality and found.quality else 1.0
    weak = {task: quality * kept for task, quality in found.by_task.items()}
    return weak, token_end(request.scenario, catalog, request.strong)[1].by_task


def _fleet_usd(route: RoutePlan) -> FleetUsd | None:
    options = route.sides.options
    if options is None:
        return None
    way = options.take([route.way])
    return lambda load: way.monthly_usd(load, sides=(1,))[0, 0]
