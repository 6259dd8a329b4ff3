"""Ways to be billed for the same week: always on, active window, autoscaled, scale to zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Bools, Floats
from llmplan.cost.billing import cold_wait_s, idle_shares, late_when_cold
from llmplan.cost.week import STEP_S, STEPS_PER_WEEK, require
from llmplan.growth.autoscaling.fleet_week import (
    FleetWeek,
    ScalingPolicy,
    autoscaled_week,
    check_loads,
    peak_replicas,
    serve_week,
    static_week,
)
from llmplan.scenario.workload import WORKING_DAYS
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY, S_PER_DAY, S_PER_HOUR


@dataclass(frozen=True)
class ActiveWindow:
    """When the fleet runs: `days` first days of the week (Monday first), from `start_hour` to `end_hour`.

    `end_hour` up to 48: past midnight the window runs into the next day.
    """

    days: int = DAYS_PER_WEEK
    start_hour: int = 0
    end_hour: int = HOURS_PER_DAY

    def __post_init__(self) -> None:
        require(1 <= self.days <= DAYS_PER_WEEK, "days", self.days, "must be 1 to 7")
        require(0 <= self.start_hour < HOURS_PER_DAY, "start_hour", self.start_hour, "must be 0 to 23")
        longest = self.start_hour + HOURS_PER_DAY
        require(
            self.start_hour < self.end_hour <= longest,
            "end_hour",
            self.end_hour,
            "must be later than start_hour by at most 24",
        )

    def open_minutes(self, warm_up_s: float = 0.0) -> Bools:
        """Return when it runs, by minute of the week, begun `warm_up_s` early. (10080,)"""
        minutes = np.zeros(STEPS_PER_WEEK, bool)
        per_hour, per_day = S_PER_HOUR // STEP_S, S_PER_DAY // STEP_S
        early = int(np.ceil(warm_up_s / STEP_S))
        for day in range(self.days):
            first = day * per_day + self.start_hour * per_hour - early
            last = day * per_day + self.end_hour * per_hour
            minutes[np.arange(first, last) % STEPS_PER_WEEK] = True
        return minutes


@dataclass(frozen=True)
class ModeCost:
    """One way to be billed, over a month.

    Attributes
    ----------
    mode: "always on", "active window", "autoscaled" or "scale to zero".
    peak_replicas: most replicas at once.
    replica_hours_per_month: billed. [h]
    fleet_usd_per_month: their price. [USD/month]
    fallback_usd_per_month: requests outside the window, at the fallback's price. [USD/month]
    usd_per_month: both. [USD/month]
    slo_miss_share: requests that wait longer than the limit, or that nobody serves. [0..1]
    mean_wait_s: before a replica takes a request, over the served ones. [s]
    unserved_share: requests that the fleet leaves to the fallback. [0..1]
    """

    mode: str
    peak_replicas: int
    replica_hours_per_month: float
    fleet_usd_per_month: float
    fallback_usd_per_month: float
    usd_per_month: float
    slo_miss_share: float
    mean_wait_s: float
    unserved_share: float


def billing_modes(
    loads: ArrayLike,
    policy: ScalingPolicy,
    usd_per_replica_hour: float,
    wait_limit_s: float,
    days_per_month: float,
    window: ActiveWindow | None = None,
    fallback_usd_per_query: float | None = None,
    on_demand_factor: float = 1.0,
) -> tuple[ModeCost, ...]:
    """Return the four modes for the same load, in the order of the module's title.

    Parameters
    ----------
    loads: requests/s by minute of the week. (10080,)
    usd_per_replica_hour: all GPUs of a replica, always on. [USD/h]
    wait_limit_s: what a request may wait for a replica. [s]
    window: None: the shortest daily window that holds 95 % of the requests.
    fallback_usd_per_query: price of an API that takes what the window leaves; None: those requests are
        missed.
    on_demand_factor: price of an hour that can be given back over the price of one that is always on (above 1
        where the latter is reserved).
    """
    fallback = 0.0 if fallback_usd_per_query is None else fallback_usd_per_query
    amounts = {"usd_per_replica_hour": usd_per_replica_hour, "fallback_usd_per_query": fallback}
    for field, usd in amounts.items():
        require(0 <= usd < np.inf, field, usd, "must be finite, not negative")
    require(0 < on_demand_factor < np.inf, "on_demand_factor", on_demand_factor, "must be finite, above 0")
    require(0 < days_per_month <= 31, "days_per_month", days_per_month, "must be above 0, at most 31")
    offered = check_loads(loads)
    require(offered.sum() > 0, "loads", 0.0, "must not be zero all week")
    weeks = days_per_month / DAYS_PER_WEEK
    flexible = usd_per_replica_hour * on_demand_factor
    always = static_week(offered, peak_replicas(offered, policy), policy, wait_limit_s)
    scaled = autoscaled_week(offered, policy, wait_limit_s)
    return (
        _mode("always on", always, usd_per_replica_hour, weeks),
        _window_mode(
            offered,
            policy,
            window or busy_window(offered),
            flexible,
            wait_limit_s,
            weeks,
            fallback_usd_per_query,
        ),
        _mode("autoscaled", scaled, flexible, weeks),
        _zero_mode(offered, policy, flexible, wait_limit_s, weeks),
    )


def _mode(name: str, week: FleetWeek, usd_per_replica_hour: float, weeks: float) -> ModeCost:
    usd = week.replica_hours * weeks * usd_per_replica_hour
    return ModeCost(
        mode=name,
        peak_replicas=int(np.ceil(week.replicas_billed.max())),
        replica_hours_per_month=week.replica_hours * weeks,
        fleet_usd_per_month=usd,
        fallback_usd_per_month=0.0,
        usd_per_month=usd,
        slo_miss_share=week.slo_miss_share,
        mean_wait_s=week.mean_wait_s,
        unserved_share=0.0,
    )


def _window_mode(
    offered: Floats,
    policy: ScalingPolicy,
    window: ActiveWindow,
    usd_per_replica_hour: float,
    wait_limit_s: float,
    weeks: float,
    fallback_usd_per_query: float | None,
) -> ModeCost:
    """A fleet sized for the window's busiest minute, started one lag early and stopped at the end."""
    inside = np.where(window.open_minutes(), offered, 0.0)
    replicas = peak_replicas(inside, policy)
    billed = _fleet_while(window.open_minutes(policy.scale_up_lag_s), replicas)
    ready = _fleet_while(window.open_minutes(), replicas)
    served = serve_week(inside, billed, ready, policy, wait_limit_s)
    mode = _mode("active window", served, usd_per_replica_hour, weeks)
    outside = float((offered - inside).sum()) * STEP_S
    unserved = outside / (float(offered.sum()) * STEP_S)
    fallback = outside * weeks * (fallback_usd_per_query or 0.0)
    missed = unserved if fallback_usd_per_query is None else 0.0
    return ModeCost(
        **{
            **mode.__dict__,
            "fallback_usd_per_month": fallback,
            "usd_per_month": mode.fleet_usd_per_month + fallback,
            "slo_miss_share": mode.slo_miss_share * (1 - unserved) + missed,
            "unserved_share": unserved,
        }
    )


def _fleet_while(running: Bools, replicas: int) -> Floats:
    fleet = np.full(running.shape, float(replicas))
    fleet[~running] = 0.0
    return fleet


def _zero_mode(
    offered: Floats, policy: ScalingPolicy, usd_per_replica_hour: float, wait_limit_s: float, weeks: float
) -> ModeCost:
    """Autoscaled without spares; the last replica stops when idle, the next request waits for it to start."""
    scaled = autoscaled_week(offered, replace(policy, spare_replicas=0), wait_limit_s)
    on, cold = idle_shares(offered, policy.idle_timeout_s, policy.scale_up_lag_s)
    last = scaled.replicas_billed <= 1
    billed = np.where(last, scaled.replicas_billed * on, scaled.replicas_billed)
    cold = np.where(last, cold, 0.0)
    lag = policy.scale_up_lag_s
    week = FleetWeek(
        offered,
        billed,
        scaled.replicas_ready,
        scaled.backlog_requests,
        scaled.wait_s * (1 - cold) + cold * cold_wait_s(offered, lag),
        scaled.late_share * (1 - cold) + cold * late_when_cold(offered, lag, wait_limit_s),
    )
    return _mode("scale to zero", week, usd_per_replica_hour, weeks)


def busy_window(loads: ArrayLike, share: float = 0.95) -> ActiveWindow:
    """Return the window of fewest hours a week that holds `share` of the requests."""
    require(0 < share <= 1, "share", share, "must be above 0, at most 1")
    offered = check_loads(loads)
    hourly = offered.reshape(DAYS_PER_WEEK, HOURS_PER_DAY, -1).sum(axis=2)
    best, fewest = ActiveWindow(), DAYS_PER_WEEK * HOURS_PER_DAY
    for days, start, length in product(
        (WORKING_DAYS, DAYS_PER_WEEK), range(HOURS_PER_DAY), range(1, HOURS_PER_DAY)
    ):
        if days * length >= fewest:
            continue
        window = ActiveWindow(days, start, start + length)
        inside = window.open_minutes().reshape(DAYS_PER_WEEK, HOURS_PER_DAY, -1)[:, :, 0]
        if hourly[inside].sum() >= share * hourly.sum():
            best, fewest = window, days * length
    return best
