"""Every option over the whole horizon: monthly and cumulative cost, TCO, net present value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy_financial as npf

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.growth.cash import PlanOption, cash_flows
from llmplan.units import MONTHS_PER_YEAR


@dataclass(frozen=True)
class OptionPlan:
    """One option from the first month to the last.

    Attributes
    ----------
    flows_usd: payments at the start (index 0) and the end of each month. (m + 1,) [USD]
    cumulative_usd: their running sum. (m + 1,) [USD]
    tco_usd: their total. [USD]
    npv_usd: present value of the payments: a cost, so lower is better. [USD]
    """

    option_id: str
    label: str
    flows_usd: Floats
    cumulative_usd: Floats
    tco_usd: float
    npv_usd: float


@dataclass(frozen=True)
class TimePlan:
    """All options over the same months, in the order given.

    Attributes
    ----------
    queries_per_day: volume of each month. (m,)
    discount_per_year: effective yearly rate.
    leader_by_month: option of least cumulative cost at the end of each month. (m,)
    """

    queries_per_day: Floats
    discount_per_year: float
    options: tuple[OptionPlan, ...]
    leader_by_month: tuple[str, ...]

    def option(self, option_id: str) -> OptionPlan:
        return next(plan for plan in self.options if plan.option_id == option_id)

    @property
    def best(self) -> OptionPlan:
        """The option of least net present cost."""
        return min(self.options, key=lambda plan: plan.npv_usd)


def monthly_rate(discount_per_year: float) -> float:
    """Return the monthly rate that compounds to the effective yearly one, equation (8b.5). [1/month]"""
    if not -0.5 < discount_per_year < 5:
        raise InputError("discount_per_year", discount_per_year, "must lie in (-0.5, 5)", "give 0.08 for 8 %")
    return float((1 + discount_per_year) ** (1 / MONTHS_PER_YEAR) - 1)


def net_present_usd(flows_usd: Floats, discount_per_year: float) -> float:
    """Return the present value of monthly payments, the first of them now, equation (8b.6). [USD]"""
    return float(npf.npv(monthly_rate(discount_per_year), flows_usd))


def time_plan(options: Sequence[PlanOption], queries_per_day: Floats, discount_per_year: float) -> TimePlan:
    """Return each option's payments, totals and present value over the months of `queries_per_day`."""
    if not options:
        raise InputError("options", 0, "needs at least one option", "compare two or more")
    plans = tuple(_option_plan(option, queries_per_day, discount_per_year) for option in options)
    cumulative = np.array([plan.cumulative_usd[1:] for plan in plans])
    leaders = tuple(plans[int(row)].option_id for row in np.argmin(cumulative, axis=0))
    return TimePlan(np.asarray(queries_per_day, float), discount_per_year, plans, leaders)


def _option_plan(option: PlanOption, queries_per_day: Floats, discount_per_year: float) -> OptionPlan:
    flows = cash_flows(option, queries_per_day)
    return OptionPlan(
        option_id=option.option_id,
        label=option.label,
        flows_usd=flows,
        cumulative_usd=np.cumsum(flows),
        tco_usd=float(flows.sum()),
        npv_usd=net_present_usd(flows, discount_per_year),
    )
