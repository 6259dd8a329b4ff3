"""The comparison over months: growth, falling prices, terms, purchases, and when to switch."""

from llmplan.growth.cash import CostPart, PlanOption, PurchasePart, cash_flows, exit_usd
from llmplan.growth.paths import (
    MAX_MONTHS,
    compound_volumes,
    numbers,
    price_factors,
    s_curve_volumes,
    series_volumes,
)
from llmplan.growth.switching import SwitchPlan, payback_month, switch_plan
from llmplan.growth.timeline import OptionPlan, TimePlan, monthly_rate, net_present_usd, time_plan

__all__ = [
    "MAX_MONTHS",
    "CostPart",
    "OptionPlan",
    "PlanOption",
    "PurchasePart",
    "SwitchPlan",
    "TimePlan",
    "cash_flows",
    "compound_volumes",
    "exit_usd",
    "monthly_rate",
    "net_present_usd",
    "numbers",
    "payback_month",
    "price_factors",
    "s_curve_volumes",
    "series_volumes",
    "switch_plan",
    "time_plan",
]
