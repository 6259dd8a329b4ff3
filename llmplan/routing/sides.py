"""Both ends of a route: ways to run the weak model, the strong API, their prices and qualities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.options.comparison import options_of
from llmplan.options.rows import Option
from llmplan.options.standing import effort_today, lengths_of, standing_at, standing_of
from llmplan.options.table import Options, usd_per_query
from llmplan.quality.floor import assured_quality, mixed
from llmplan.router.traffic_split import SplitPlan
from llmplan.routing.request import RouteRequest

MOST_FORMAT_LOSS = 0.03
"""Formats that lose more quality than this are left out where only a split is asked for."""


@dataclass(frozen=True)
class Sides:
    """The two ends of a route: n ways to run the weak model; `options` is None where it has a unit price.

    weak_sd, strong_sd, today_sd: standard deviations of both models' success and, for each, of today's; 0 where a
    quality is given.
    """

    catalog: Catalog
    options: Options | None
    weak_label: str
    weak_usd_per_query: float
    weak_quality: Floats
    strong_label: str
    strong_usd_per_query: float
    strong_quality: float
    weak_sd: Floats
    strong_sd: float
    today_sd: tuple[Floats, float]

    def assured(self, share: Floats, quality: Floats, chance: float) -> Floats:
        """Return the highest floor reached with a chance where so much of the quality is the weak model's, (n, p)."""
        weak = self.weak_quality[:, None], self.weak_sd[:, None], self.today_sd[0][:, None]
        strong = self.strong_quality, self.strong_sd, self.today_sd[1]
        return assured_quality(chance, quality, *mixed(share, weak, strong).spread)

    def weak_monthly_usd(self, plan: SplitPlan) -> Floats:
        """Return USD a month of every way to run the weak model at every split, low/base/high, (3, n, p)."""
        load = plan.fleet_queries_per_day
        if self.options is None:
            unit = self.weak_usd_per_query * load * plan.traffic.days_per_month
            return np.broadcast_to(unit, (3, 1, len(load)))
        usd = self.options.monthly_usd(load)
        return np.where(load > 0, np.stack([usd.min(axis=0), usd[1], usd.max(axis=0)]), 0.0)

    def item(self, way: int) -> Option | None:
        return None if self.options is None else self.options.items[way]


def find_sides(request: RouteRequest, catalog: Catalog) -> Sides:
    """Return both ends of the route with their prices and qualities: what runs today at its effort, others at their default.

    Raises
    ------
    UnknownNameError: for an unknown model, configuration or API.
    InputError: where the weak model can be self-hosted on nothing that the scenario allows.
    """
    scenario, weak_id = request.scenario, _weak_model_id(request, catalog)
    weak_price = catalog.apis.get(request.weak)
    weak = (
        standing_of(scenario, catalog, weak_id)
        if weak_price is None
        else standing_at(scenario, catalog, weak_price)
    ).moments()
    strong = standing_at(
        scenario, catalog, catalog.api(request.strong), _effort(request, request.strong)
    ).moments()
    unit, options = request.weak_usd_per_query, None
    if unit is None and request.weak in catalog.apis:
        unit = _api_usd(request, catalog, request.weak)
    if unit is None:
        options = _ways(request, catalog, weak_id)
    found = np.array([weak]).T if options is None else np.array(options.items.moments(slice(None)))
    if request.weak_quality:
        found = np.array([[request.weak_quality], [0.0], [0.0]]).repeat(found.shape[1], axis=1)
    if request.strong_quality:
        strong = (request.strong_quality, 0.0, 0.0)
    strong_usd = request.strong_usd_per_query
    return Sides(
        catalog=catalog,
        options=options,
        weak_label=request.weak,
        weak_usd_per_query=unit or 0.0,
        weak_quality=found[0],
        strong_label=request.strong,
        strong_usd_per_query=_api_usd(request, catalog, request.strong) if strong_usd is None else strong_usd,
        strong_quality=strong[0],
        weak_sd=found[1],
        strong_sd=strong[1],
        today_sd=(found[2], strong[2]),
    )


def _weak_model_id(request: RouteRequest, catalog: Catalog) -> str:
    """Return the id under which the weak model is scored."""
    if request.weak in catalog.apis:
        return catalog.apis[request.weak].model_id
    return catalog.model(request.weak.partition("@")[0]).model_id


def _api_usd(request: RouteRequest, catalog: Catalog, api_id: str) -> float:
    price, scenario = catalog.api(api_id), request.scenario
    lengths = lengths_of(scenario, standing_at(scenario, catalog, price, _effort(request, api_id)))
    return float(usd_per_query([price], [lengths], scenario, catalog)[0])


def _effort(request: RouteRequest, api_id: str) -> str | None:
    """Return the effort at which an API is asked: that of today where it is what runs today."""
    return effort_today(request.scenario) if api_id == request.scenario.reference_api_id else None


def _ways(request: RouteRequest, catalog: Catalog, model_id: str) -> Options:
    """Return the configurations of the weak model that can serve, whatever their quality."""
    narrowed = request.scenario.but(
        api_ids=(request.strong,), model_ids=(model_id,), quality_floor=0.0, task_quality_floors={}
    )
    options = options_of(narrowed, catalog)
    items = options.items
    own = np.flatnonzero(items.kind == "self_hosted")
    if "@" in request.weak:
        known = items.option_id[own]
        own = own[known == request.weak]
        if not len(own):
            raise UnknownNameError("weak", request.weak, known.tolist())
    ways = own[items.feasible[own]]
    if "@" not in request.weak and (request.share_weak is not None or request.threshold is not None):
        # With a floor or a budget the format's loss is weighed; a bare split must not buy its saving with it.
        quality = np.nan_to_num(items.quality[ways])
        ways = ways[quality >= quality.max(initial=0.0) * (1 - MOST_FORMAT_LOSS)]
    if not len(ways):
        reasons = [reason for i in own for reason in items[i].reasons[:1]]
        rule = f"cannot be self-hosted here: {reasons[0] if reasons else 'no configuration is offered'}"
        raise InputError("weak", request.weak, rule, "loosen the scenario or name another model")
    return options.take(ways)
