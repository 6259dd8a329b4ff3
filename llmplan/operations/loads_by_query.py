"""The loads of a scenario's hybrid: what its fleet carries and what goes to its API, by query."""

from __future__ import annotations

from dataclasses import dataclass

from llmplan.catalog import Catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.options import options_of
from llmplan.options.fleet_api_pairs import pairs_of
from llmplan.options.table import Options
from llmplan.scenario import Scenario

PREFIX = "hybrid:"


@dataclass(frozen=True)
class HybridLoads:
    """A fleet and an API that share the traffic at a fixed share; every load grows with the volume.

    Attributes
    ----------
    option_id, label: of the comparison.
    weak_id, api_id: the self-hosted option and that of the API.
    fleet_share, api_share: load on each in its mean queries, for each query of the traffic.
    router_usd_per_query: classifier and cache lookups. [USD/query]
    fleet: the self-hosted option as the hybrid rents it.
    """

    option_id: str
    label: str
    weak_id: str
    api_id: str
    fleet_share: float
    api_share: float
    router_usd_per_query: float
    fleet: Options


def hybrid_loads(scenario: Scenario, catalog: Catalog, option_id: str | None = None) -> HybridLoads:
    """Return the cheapest hybrid at the scenario's quality floor, or the named one.

    Raises InputError where no API and fleet make one at that floor, UnknownNameError for another name.
    """
    pairs = pairs_of(options_of(scenario, catalog), catalog)
    routes = [] if pairs is None else pairs.cheapest_by_api(scenario.queries_per_day)
    rows = {} if pairs is None else {pairs.option(route).option_id: route for route in routes}
    if pairs is None or not rows:
        rule = f"no fleet and API make a routed option at a quality of {scenario.quality_floor:g}"
        raise InputError("scenario", scenario.name, rule, "lower the floor, or choose one of the two")
    cheapest = pairs.cheapest(scenario.queries_per_day)[1]
    route = cheapest if option_id is None else rows.get(option_id)
    if route is None:
        raise UnknownNameError("routed option", str(option_id), rows)
    item, plan = pairs.option(route), pairs.plan
    return HybridLoads(
        option_id=item.option_id,
        label=item.label,
        weak_id=str(item.weak_id),
        api_id=str(item.strong_id),
        fleet_share=float(plan.fleet_queries_per_day[route.split]) if route.load is None else route.load,
        api_share=float(plan.api_queries_per_day[route.split]) if route.load is None else route.spilled,
        router_usd_per_query=float(plan.router_usd[route.split]),
        fleet=pairs.fleets_of([route]),
    )
