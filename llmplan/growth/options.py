"""One option as it is paid for over months: API, rented, reserved, bought, hybrid."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice, Catalog
from llmplan.cost.fleet import replicas_needed
from llmplan.cost.hidden import UPDATES_LINE, HiddenCosts, owned_people_factor
from llmplan.cost.ownership import (
    ServerChoice,
    cheapest_servers,
    ownership_terms,
    running_usd_per_server_month,
    server_power_kw,
)
from llmplan.errors import InputError, UnknownNameError
from llmplan.growth.cash import CostPart, ForcedMove, MonthlyCost, PlanOption, PurchasePart
from llmplan.growth.paths import price_factors
from llmplan.kinds import Kind
from llmplan.operations.loads_by_query import hybrid_loads
from llmplan.options import evaluate, options_of
from llmplan.options.comparison import by_the_token
from llmplan.options.standing import today_id
from llmplan.options.table import Options
from llmplan.scenario import Scenario
from llmplan.units import DAYS_PER_YEAR, MONTHS_PER_YEAR

BASE = 1
TERM_MONTHS = {
    "reserved_1y": MONTHS_PER_YEAR,
    "reserved_3y": 3 * MONTHS_PER_YEAR,
    "3_months": 3,
    "6_months": 6,
    "1_year": MONTHS_PER_YEAR,
}
"""Kind of GPU price, or commitment to an API's units -> how long it binds; the others can be given back each month."""


@dataclass(frozen=True)
class PricePaths:
    """How prices fall, and what updates take. [1/year; updates/year; USD]"""

    api_decline_per_year: float
    gpu_decline_per_year: float
    server_decline_per_year: float
    updates_per_year: float
    update_usd: float


def price_paths(
    catalog: Catalog,
    api_decline_per_year: float | None = None,
    gpu_decline_per_year: float | None = None,
    updates_per_year: float | None = None,
    days_per_update: float | None = None,
) -> PricePaths:
    """Return the catalog's base assumptions, or the values given instead; InputError where one is out of range."""

    def base(assumption_id: str, given: float | None = None) -> float:
        return catalog.assumption(assumption_id).base if given is None else given

    for field, given in (("api_decline", api_decline_per_year), ("gpu_decline", gpu_decline_per_year)):
        if given is not None:
            price_factors(given, 1, field)
    for field, given in (("updates_per_year", updates_per_year), ("days_per_update", days_per_update)):
        if given is not None and not 0 <= given <= DAYS_PER_YEAR:
            raise InputError(field, given, f"must lie in 0 to {DAYS_PER_YEAR}", "give what a year can hold")
    return PricePaths(
        api_decline_per_year=base("api-price-decline-per-year", api_decline_per_year),
        gpu_decline_per_year=base("gpu-price-decline-per-year", gpu_decline_per_year),
        server_decline_per_year=base("server-price-decline-per-year"),
        updates_per_year=base("updates-per-year", updates_per_year),
        update_usd=base("days-per-update", days_per_update) * base("day-rate-usd"),
    )


def incumbent_option(
    scenario: Scenario, catalog: Catalog, paths: PricePaths, api_id: str | None = None
) -> PlanOption:
    """Return what runs today: an API, by default the scenario's reference."""
    comparison = evaluate(by_the_token(scenario), catalog)
    wanted = today_id(scenario, catalog) if api_id is None else api_id
    options = comparison.options
    apis = {options.items.option_id[place]: int(place) for place in np.flatnonzero(options.is_api)}
    if wanted in apis:
        return _in_place(api_option(options, apis[wanted], catalog, paths))
    if api_id is not None:
        raise UnknownNameError("incumbent", api_id, apis)
    place = comparison.cheapest("api", "hosted")
    if place is None:
        raise InputError("incumbent", wanted, "no API is an option here", "name one with --incumbent")
    return _in_place(api_option(options, place, catalog, paths))


def _in_place(option: PlanOption) -> PlanOption:
    return replace(option, label=f"{option.label}, in place", migration_usd=0.0)


def hybrid_option(
    scenario: Scenario, catalog: Catalog, paths: PricePaths, queries_per_day: Floats
) -> PlanOption | None:
    """Return the hybrid that is cheapest at the plan's middle volume, its share kept; None: there is none."""
    middle = scenario.but(queries_per_day=float(queries_per_day[len(queries_per_day) // 2]))
    try:
        loads = hybrid_loads(middle, catalog)
    except InputError:
        return None
    options = options_of(scenario, catalog)
    fleet = rented_option(loads.fleet, loads.weak_id, catalog, paths)
    usd = float(options.usd_per_query[options.index(loads.api_id)]) * loads.api_share
    days, router = scenario.days_per_month, loads.router_usd_per_query
    parts = [
        replace(part, usd_per_month=_scaled(part.usd_per_month, loads.fleet_share)) for part in fleet.parts
    ]
    parts.append(CostPart("tokens", lambda v: v * days * usd, paths.api_decline_per_year))
    parts.append(CostPart("router", lambda v: v * days * router))
    return replace(fleet, option_id=loads.option_id, label=loads.label, parts=tuple(parts))


def _scaled(cost: MonthlyCost, share: float) -> MonthlyCost:
    return lambda v: cost(v * share)


def api_option(options: Options, place: int, catalog: Catalog, paths: PricePaths) -> PlanOption:
    """Return an API or hosted open model: a bill by the query, a one-off to move to it."""
    item, days = options.items[place], options.scenario.days_per_month
    usd_per_query = float(options.usd_per_query[place])
    return PlanOption(
        option_id=item.option_id,
        label=item.label,
        parts=(CostPart("tokens", lambda v: v * days * usd_per_query, paths.api_decline_per_year),),
        migration_usd=catalog.assumption("one-off-hosted-usd").base,
    )


def reserved_units_option(options: Options, place: int, catalog: Catalog, paths: PricePaths) -> PlanOption:
    """Return an API on reserved units: these for their terms, what they cannot take by the token. (7.19)"""
    item, load = options.items[place], float(options.fleet_load[place])
    part, needed = options.take([place]), replicas_of(options, place)
    units = CostPart(
        "reserved units",
        lambda v: part.rent_usd(needed(v * load)[None], BASE)[0],
        paths.api_decline_per_year,
        TERM_MONTHS.get(item.reserved.commitment, 0) if item.reserved else 0,
    )
    by_token = api_option(options, place, catalog, paths)
    return replace(by_token, parts=(*by_token.parts, units))


def with_forced_move(
    option: PlanOption, scenario: Scenario, catalog: Catalog, paths: PricePaths, months: int
) -> PlanOption:
    """Return the option with the move that the end of its API's price forces within a plan. (8b.8)

    It moves to the price per token that is cheapest at the scenario's volume among those that last; where none
    does, or the option pays no API alone, it stays as it is.
    """
    price = catalog.apis.get(option.option_id.partition("@")[0])
    month = None if price is None else months_left(price, catalog.today)
    if price is None or price.ends_on is None or month is None or month >= months:
        return option
    found = evaluate(by_the_token(scenario), catalog)
    items = found.options.items
    for place in found.order:
        if items.kind[place] in (Kind.API, Kind.HOSTED):
            left = months_left(catalog.api(str(items[place].api_id)), catalog.today)
            if left is None or left >= months:
                to = api_option(found.options, int(place), catalog, paths)
                return replace(option, forced=ForcedMove(price.ends_on, month, to))
    return option


def months_left(price: ApiPrice, today: dt.date) -> int | None:
    """Return the whole months for which a price lasts; None: no end is known."""
    end = price.ends_on
    if end is None:
        return None
    whole = (end.year - today.year) * MONTHS_PER_YEAR + end.month - today.month - (end.day < today.day)
    return max(0, whole)


def rented_option(options: Options, option_id: str, catalog: Catalog, paths: PricePaths) -> PlanOption:
    """Return a self-hosted option on GPUs rented as the scenario rents them; a reservation binds for its term."""
    place = options.index(option_id)
    part, replicas = options.take([place]), replicas_of(options, place)
    term_months = TERM_MONTHS.get(options.scenario.gpu_price_kind, 0)
    rent = CostPart(
        "GPU rent",
        lambda v: part.rent_usd(replicas(v)[None], BASE, v)[0],
        paths.gpu_decline_per_year,
        term_months,
    )
    years = term_months // MONTHS_PER_YEAR
    term = "reserved for a year" if years == 1 else f"reserved for {years} years"
    kind = term if term_months else options.scenario.gpu_price_kind.replace("_", " ")
    return _with_people(
        f"{option_id}#{'reserved' if term_months else 'rented'}",
        f"{options.items[place].label}, {kind}",
        options,
        catalog,
        paths,
        gpus=lambda v: part.gpus_of(replicas(v)[None], BASE)[0],
        replicas=replicas,
        parts=(rent,),
        one_off="one-off-rented-usd",
    )


def bought_option(
    options: Options, option_id: str, catalog: Catalog, paths: PricePaths, largest_volume: float
) -> PlanOption | None:
    """Return a self-hosted option on the servers that are cheapest at the largest volume; None: none is sold."""
    place = options.index(option_id)
    item, scenario = options.items[place], options.scenario
    terms, hours = ownership_terms(catalog, scenario=scenario), scenario.workload(catalog).hours_per_month
    gpu, replicas = catalog.gpu(str(item.gpu_id)), replicas_of(options, place)
    most = int(replicas(np.array([largest_volume]))[0])
    choice = cheapest_servers(catalog.gpu_purchases, gpu, item.n_gpus or 1, most, terms, hours)
    if choice is None:
        return None
    usd_per_server = choice.purchase.server_usd + choice.purchase.installation_usd
    power_kw = server_power_kw(choice.purchase.gpus_per_server, gpu.tdp_w, terms)
    servers = _servers(choice, replicas)
    part = PurchasePart(
        name="servers",
        servers=servers,
        usd_per_server=usd_per_server,
        running_usd_per_server_month=running_usd_per_server_month(usd_per_server, power_kw, terms, hours),
        life_months=round(terms.life_years * MONTHS_PER_YEAR),
        residual_share=terms.residual_share,
        decline_per_year=paths.server_decline_per_year,
    )
    # The lines of a fleet that is bought anyway hold these people already.
    owned = 1.0 if scenario.buys_gpus else owned_people_factor(catalog)
    return _with_people(
        f"{option_id}#bought",
        f"{item.label}, bought ({choice.purchase.gpus_per_server}-GPU servers)",
        options,
        catalog,
        paths,
        gpus=lambda v: servers(v) * choice.purchase.gpus_per_server,
        replicas=replicas,
        purchases=(part,),
        one_off="one-off-owned-usd",
        people_factor=owned,
    )


def _with_people(
    option_id: str,
    label: str,
    options: Options,
    catalog: Catalog,
    paths: PricePaths,
    gpus: MonthlyCost,
    replicas: MonthlyCost,
    one_off: str,
    parts: tuple[CostPart, ...] = (),
    purchases: tuple[PurchasePart, ...] = (),
    people_factor: float = 1.0,
) -> PlanOption:
    """Add the hidden lines and people, which do not fall in price, and the updates as they come.

    Where the scenario gives one figure for engineering, updates are in it already.
    """
    hidden, all_in = options.hidden, options.scenario.engineering_usd_per_month is not None
    hours = options.hours_per_month
    running = CostPart(
        "people and running", lambda v: _running_usd(hidden, gpus(v), replicas(v), hours, people_factor)
    )
    return PlanOption(
        option_id=option_id,
        label=label,
        parts=(*parts, running),
        purchases=purchases,
        migration_usd=catalog.assumption(one_off).base,
        updates_per_year=0.0 if all_in else paths.updates_per_year,
        update_usd=paths.update_usd,
    )


def _running_usd(
    hidden: HiddenCosts, gpus: Floats, replicas: Floats, hours_per_month: float, people_factor: float
) -> Floats:
    """The month's lines without updates: those are booked when they happen."""
    updates = sum(line.usd[BASE] for line in hidden.lines if line.name == UPDATES_LINE)
    people = hidden.usd(gpus, BASE) - hidden.usd(0, BASE)
    by_size = hidden.fleet_usd(gpus, replicas, hours_per_month, BASE) - hidden.usd(gpus, BASE)
    return np.asarray(hidden.usd(0, BASE) - updates + people * people_factor + by_size)


def replicas_of(options: Options, place: int) -> MonthlyCost:
    """Return the replicas of an option, spares included, as a function of the volume."""
    per_replica, spare = float(options.per_replica[BASE, place]), options.scenario.spare_replicas
    return lambda v: replicas_needed(v, per_replica, spare)


def _servers(choice: ServerChoice, replicas: MonthlyCost) -> MonthlyCost:
    return lambda v: np.asarray(np.ceil(replicas(v) / choice.replicas_per_server))
