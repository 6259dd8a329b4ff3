"""The fleet in time of day: a week's load, autoscaling with its lag, and the ways to be billed."""

from llmplan.cost.week import HOURS_PER_WEEK, STEP_S, STEPS_PER_WEEK, minute_loads, week_profile
from llmplan.growth.autoscaling.billing import ActiveWindow, ModeCost, billing_modes, busy_window
from llmplan.growth.autoscaling.fleet_week import (
    FleetWeek,
    ScalingPolicy,
    autoscaled_week,
    peak_replicas,
    static_week,
)
from llmplan.growth.autoscaling.waiting import fluid_backlog

__all__ = [
    "HOURS_PER_WEEK",
    "STEPS_PER_WEEK",
    "STEP_S",
    "ActiveWindow",
    "FleetWeek",
    "ModeCost",
    "ScalingPolicy",
    "autoscaled_week",
    "billing_modes",
    "busy_window",
    "fluid_backlog",
    "minute_loads",
    "peak_replicas",
    "static_week",
    "week_profile",
]
