"""The billing modes of a planned fleet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.catalog import Catalog
from llmplan.cost.billing import BINDING_PRICES
from llmplan.cost.week import MOST_PEAKED, minute_loads, week_profile
from llmplan.growth.autoscaling.billing import ActiveWindow, ModeCost, billing_modes, busy_window
from llmplan.growth.autoscaling.fleet_week import FleetWeek, ScalingPolicy, autoscaled_week
from llmplan.operations.choosing import plan_of
from llmplan.operations.monitoring import thresholds
from llmplan.operations.plan import ServingPlan
from llmplan.options import evaluate, options_of
from llmplan.options.comparison import by_the_token
from llmplan.scenario import Scenario


@dataclass(frozen=True)
class PlannedWeek:
    """A planned fleet through the week.

    Attributes
    ----------
    policy: how a replica serves and the autoscaler follows.
    wait_limit_s: what queueing may take of the time to first token. [s]
    week: the autoscaled fleet by minute.
    window: the busy window that the active-window mode keeps.
    modes: always on, active window, autoscaled, scale to zero.
    """

    policy: ScalingPolicy
    wait_limit_s: float
    week: FleetWeek
    window: ActiveWindow
    modes: tuple[ModeCost, ...]

    @property
    def autoscaling_saves_usd(self) -> float:
        """What autoscaling costs less than the fleet that is always on. [USD/month]"""
        always, _, scaled, _ = self.modes
        return always.usd_per_month - scaled.usd_per_month


@dataclass(frozen=True)
class CheapestWeek:
    """The cheapest self-hosted fleet through the week: the option's label, what serves, the week."""

    label: str
    serving: ServingPlan
    week: PlannedWeek


def cheapest_week(scenario: Scenario, catalog: Catalog, weekend_factor: float = 1.0) -> CheapestWeek | None:
    """Return the cheapest self-hosted fleet of a scenario through the week; None where none is feasible."""
    comparison = evaluate(by_the_token(scenario), catalog)
    place = comparison.cheapest("self_hosted")
    if place is None:
        return None
    item, chosen = comparison.options.items[place], plan_of(comparison, place, catalog)
    api = comparison.cheapest("api", "hosted")
    fallback = None if api is None else comparison.options.items[api].usd_per_query
    rent = item.offers[1].usd_per_gpu_hour if item.offers else 0.0
    week = planned_week(chosen, scenario, catalog, rent, weekend_factor, fallback)
    return CheapestWeek(item.label, chosen, week)


def planned_week(
    plan: ServingPlan,
    scenario: Scenario,
    catalog: Catalog,
    usd_per_gpu_hour: float,
    weekend_factor: float = 1.0,
    fallback_usd_per_query: float | None = None,
) -> PlannedWeek:
    """Return a week of the plan's fleet in the four billing modes.

    Parameters
    ----------
    plan, scenario: the chosen option and what it serves; the week is the scenario's own, else its day's profile, or a
        bell-shaped day with its peak-to-mean.
    usd_per_gpu_hour: rent. [USD/h]
    weekend_factor: Saturday's and Sunday's volume over a weekday's.
    fallback_usd_per_query: price of an API for what an active window leaves; None: it is missed.

    Where the scenario reserves, only the fleet that is always on pays that price: hours that are given back are
    rented on demand.
    """
    workload = scenario.workload(catalog)
    week = workload.week_profile
    if week is None:
        peak = min(MOST_PEAKED, plan.peak_to_mean)
        week = tuple(week_profile(workload.hourly_profile, weekend_factor, peak))
    loads = minute_loads(plan.queries_per_day, week)
    policy = ScalingPolicy(
        replica_requests_per_s=plan.requests_per_s,
        concurrency=plan.concurrency,
        target_utilisation=plan.utilisation_ceiling,
        spare_replicas=plan.spare_replicas,
        scale_up_lag_s=plan.start_s,
    )
    limit, window = thresholds(plan).queue_wait_s, busy_window(loads)
    factor = give_back_factor(plan.option_id, scenario, catalog, usd_per_gpu_hour)
    modes = billing_modes(
        loads,
        policy,
        usd_per_gpu_hour * plan.n_gpus,
        limit,
        scenario.days_per_month,
        window,
        fallback_usd_per_query,
        factor,
    )
    return PlannedWeek(policy, limit, autoscaled_week(loads, policy, limit), window, modes)


def give_back_factor(option_id: str, scenario: Scenario, catalog: Catalog, usd_per_gpu_hour: float) -> float:
    """Return the price of an hour that can be given back over the scenario's own; 1 where that one can be.

    Also 1 where a reserved GPU has no on-demand price.
    """
    if scenario.gpu_price_kind not in BINDING_PRICES or not usd_per_gpu_hour > 0:
        return 1.0
    options = options_of(scenario.but(gpu_price_kind="on_demand"), catalog)
    place = np.flatnonzero(options.items.option_id == option_id)
    offers = options.items[place[0]].offers if len(place) else None
    return offers[1].usd_per_gpu_hour / usd_per_gpu_hour if offers else 1.0
