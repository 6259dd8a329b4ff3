"""Both ends of a route: ways to run the weak model, the strong API, their prices and qualities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.options.comparison import options_of
from llmplan.options.rows import Option
from llmplan.options.standing import efforts_of, lengths_of, price_at_effort, standing_at, standing_of
from llmplan.options.table import Options
from llmplan.options.token_rows import usd_per_query
from llmplan.quality.floor import assured_quality, mixed
from llmplan.quality.variants import Standing
from llmplan.router.traffic_split import SplitPlan
from llmplan.routing.request import RouteRequest
from llmplan.scenario import Scenario

MOST_LOSS = 0.03
"""Formats and efforts that lose more quality than this are left out where only a split is asked for."""


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
    """Return both ends of the route with their prices and qualities, each at its effort.

    Raises
    ------
    UnknownNameError: for an unknown model, configuration, API or effort.
    InputError: where the weak model can be self-hosted on nothing that the scenario allows.
    """
    weak = weak_standing(request, catalog).moments()
    strong_usd, answers = token_end(request.scenario, catalog, request.strong)
    strong = answers.moments()
    unit, options = request.weak_usd_per_query, None
    if unit is None and is_token_price(request.weak, catalog):
        unit = token_end(request.scenario, catalog, request.weak)[0]
    if unit is None:
        options = _ways(request, catalog)
    found = np.array([weak]).T if options is None else np.array(options.items.moments(slice(None)))
    if request.weak_quality:
        found = np.array([[request.weak_quality], [0.0], [0.0]]).repeat(found.shape[1], axis=1)
    if request.strong_quality:
        strong = (request.strong_quality, 0.0, 0.0)
    if request.strong_usd_per_query is not None:
        strong_usd = request.strong_usd_per_query
    return Sides(
        catalog=catalog,
        options=options,
        weak_label=request.weak,
        weak_usd_per_query=unit or 0.0,
        weak_quality=found[0],
        strong_label=request.strong,
        strong_usd_per_query=strong_usd,
        strong_quality=strong[0],
        weak_sd=found[1],
        strong_sd=strong[1],
        today_sd=(found[2], strong[2]),
    )


def token_end(scenario: Scenario, catalog: Catalog, option_id: str) -> tuple[float, Standing]:
    """Return what a query costs at a token price, `api` or `api@effort`, USD, and what answers there."""
    price, effort = price_at_effort(scenario, catalog, option_id)
    found = standing_at(scenario, catalog, price, effort)
    return float(usd_per_query([price], [lengths_of(scenario, found)], scenario, catalog)[0]), found


def weak_standing(request: RouteRequest, catalog: Catalog, effort: str | None = None) -> Standing:
    """Return what the weak model is to the scenario; effort: of its fleet, None: as named, or its vendor's default."""
    if is_token_price(request.weak, catalog):
        return token_end(request.scenario, catalog, request.weak)[1]
    model_id, named = _hosted(request, catalog)
    return standing_of(request.scenario, catalog, model_id, effort or named)


def is_token_price(weak: str, catalog: Catalog) -> bool:
    """Say whether the weak model is paid by the token; of a model that bears a price's id, `model@` is a fleet."""
    api_id, *behind = weak.split("@")
    return api_id in catalog.apis and len(behind) < 2 and "" not in behind


def _hosted(request: RouteRequest, catalog: Catalog) -> tuple[str, str | None]:
    """Return the id under which a self-hosted weak model is scored, and the effort that its name holds, if any."""
    name, *behind = request.weak.split("@")
    model_id = catalog.model(name).model_id
    offered = efforts_of(request.scenario, catalog, model_id)
    return model_id, next((part for part in behind if part in offered), None)


def _ways(request: RouteRequest, catalog: Catalog) -> Options:
    """Return the configurations of the weak model that can serve, whatever their quality, at the effort that is named."""
    model_id, effort = _hosted(request, catalog)
    narrowed = request.scenario.but(
        api_ids=(request.strong.partition("@")[0],),
        model_ids=(model_id,),
        quality_floor=0.0,
        task_quality_floors={},
    )
    options = options_of(narrowed, catalog)
    items = options.items
    own = np.flatnonzero(items.kind == "self_hosted")
    behind = [part for part in request.weak.split("@")[1:] if part]
    named = behind not in ([], [effort])
    if named:
        known = items.option_id[own]
        own = own[known == request.weak]
        if not len(own):
            raise UnknownNameError("weak", request.weak, known.tolist())
    elif effort:
        own = own[items.effort[own] == effort]
    ways = own[items.feasible[own]]
    if not named and (request.share_weak is not None or request.threshold is not None):
        # With a floor or a budget the loss is weighed; a bare split must not buy its saving with it.
        quality = np.nan_to_num(items.quality[ways])
        ways = ways[quality >= quality.max(initial=0.0) * (1 - MOST_LOSS)]
    if not len(ways):
        reasons = [reason for i in own for reason in items[i].reasons[:1]]
        rule = f"cannot be self-hosted here: {reasons[0] if reasons else 'no configuration is offered'}"
        raise InputError("weak", request.weak, rule, "loosen the scenario or name another model")
    return options.take(ways)
