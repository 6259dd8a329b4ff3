"""The billing modes of a planned fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llmplan.catalog import Catalog
from llmplan.growth.autoscaling.billing import ActiveWindow, ModeCost, billing_modes, busy_window
from llmplan.growth.autoscaling.fleet_week import FleetWeek, ScalingPolicy, autoscaled_week
from llmplan.growth.autoscaling.load import minute_loads, week_profile
from llmplan.operations.monitoring import thresholds
from llmplan.operations.plan import ServingPlan
from llmplan.options import options_of
from llmplan.scenario import Scenario

BINDING_PRICES: Final = ("reserved_1y", "reserved_short")
"""Kinds of GPU price whose hours are paid whether used or not."""


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
    plan, scenario: the chosen option and what it serves; the day is the scenario's profile, or a bell-shaped
        one with its peak-to-mean.
    usd_per_gpu_hour: rent. [USD/h]
    weekend_factor: Saturday's and Sunday's volume over a weekday's.
    fallback_usd_per_query: price of an API for what an active window leaves; None: it is missed.

    Where the scenario reserves, only the fleet that is always on pays that price: hours that are given back are
    rented on demand.
    """
    profile = scenario.workload(catalog).hourly_profile
    peak = min(20.0, plan.peak_to_mean)
    loads = minute_loads(plan.queries_per_day, week_profile(profile, weekend_factor, peak))
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
    offers = next((item.offers for item in options.items if item.option_id == option_id), None)
    return offers[1].usd_per_gpu_hour / usd_per_gpu_hour if offers else 1.0
