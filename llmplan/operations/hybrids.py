"""The loads of a scenario's hybrid: what its fleet carries and what goes to its API, by query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.catalog import Catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.options import options_of
from llmplan.options.hybrid import Hybrid, assumed_plan, find_hybrids, hybrid_row
from llmplan.router.hybrid import SplitPlan
from llmplan.scenario import Scenario

PREFIX = "hybrid:"


@dataclass(frozen=True)
class HybridLoads:
    """A fleet and an API that share the traffic at a fixed share; every load grows with the volume.

    Attributes
    ----------
    option_id, label: of the comparison.
    weak_id, api_id: the self-hosted option and the API.
    fleet_share, api_share: load on each in its mean queries, for each query of the traffic.
    router_usd_per_query: classifier and cache lookups. [USD/query]
    """

    option_id: str
    label: str
    weak_id: str
    api_id: str
    fleet_share: float
    api_share: float
    router_usd_per_query: float


def hybrid_loads(scenario: Scenario, catalog: Catalog, option_id: str | None = None) -> HybridLoads:
    """Return the cheapest hybrid at the scenario's quality floor, or the named one.

    Raises InputError where no API and fleet make a hybrid at that floor, UnknownNameError for another name.
    """
    options = options_of(scenario.but(quality_floor=0.0) if scenario.quality_floor else scenario, catalog)
    found = find_hybrids(options, scenario.queries_per_day, scenario.quality_floor, catalog)
    rows = {str(hybrid_row(options, hybrid)["option_id"]): hybrid for hybrid in found}
    if not rows:
        rule = f"no fleet and API make a hybrid at a quality of {scenario.quality_floor:g}"
        raise InputError("scenario", scenario.name, rule, "lower the floor, or choose one of the two")
    name = next(iter(rows)) if option_id is None else option_id
    if name not in rows:
        raise UnknownNameError("hybrid", name, rows)
    plan = assumed_plan(scenario.queries_per_day, scenario.days_per_month, catalog=catalog)
    return _loads(plan, rows[name], name, str(hybrid_row(options, rows[name])["label"]))


def _loads(plan: SplitPlan, hybrid: Hybrid, option_id: str, label: str) -> HybridLoads:
    weak_id, _, api_id = option_id.removeprefix(PREFIX).partition("+")
    split = int(np.argmin(np.abs(plan.share_weak - hybrid.found.share_weak)))
    volume, days = plan.queries_per_day, plan.traffic.days_per_month
    return HybridLoads(
        option_id=option_id,
        label=label,
        weak_id=weak_id,
        api_id=api_id,
        fleet_share=hybrid.found.fleet_queries_per_day / volume,
        api_share=float(plan.api_queries_per_day[split]) / volume,
        router_usd_per_query=float(plan.router_usd[split]) / (volume * days),
    )
