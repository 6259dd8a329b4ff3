"""When to leave what runs today for something else, and what waiting costs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from llmplan.arrays import Floats
from llmplan.growth.cash import PlanOption, cash_flows, exit_usd
from llmplan.growth.timeline import net_present_usd


@dataclass(frozen=True)
class SwitchPlan:
    """Leaving `incumbent_id` for `candidate_id` at the start of each month, or never.

    Attributes
    ----------
    npv_usd: present cost of switching at the start of month index 0 to m - 1; last entry: never. (m + 1,)
    best_month: index of the cheapest moment, the earliest among equals; None: never.
    saving_usd: present value of the best moment against never. [USD]
    cost_of_waiting_usd: present cost of each moment above the best one. (m + 1,) [USD]
    payback_month: months after today until a switch made at `best_month` has paid back; None: it does not.
    payback_month_now: the same for a switch made today.
    """

    incumbent_id: str
    candidate_id: str
    npv_usd: Floats
    best_month: int | None
    saving_usd: float
    cost_of_waiting_usd: Floats
    payback_month: int | None
    payback_month_now: int | None

    def cost_of_waiting(self, months: int) -> tuple[int, float]:
        """Return the month index so long after the best one, within the plan, and what switching then costs more."""
        last = len(self.cost_of_waiting_usd) - 2
        month = min((self.best_month or 0) + months, last)
        return month, float(self.cost_of_waiting_usd[month])


def switch_flows(incumbent: PlanOption, candidate: PlanOption, queries_per_day: Floats, month: int) -> Floats:
    """Return the payments of running the incumbent until `month` and the candidate from it on. (m + 1,) [USD]

    The incumbent is in place already (no migration); leaving it pays what its terms still bind, at once.
    """
    settled = _in_place(incumbent)
    flows = cash_flows(settled, queries_per_day, 0, month) + cash_flows(candidate, queries_per_day, month)
    if month < len(queries_per_day):
        flows[month] += exit_usd(settled, queries_per_day, 0, month)
    return flows


def switch_plan(
    incumbent: PlanOption, candidate: PlanOption, queries_per_day: Floats, discount_per_year: float
) -> SwitchPlan:
    """Return the present cost of every moment to switch, equation (8b.7), the best one and its payback."""
    months = len(queries_per_day)
    moments = [switch_flows(incumbent, candidate, queries_per_day, month) for month in range(months + 1)]
    npv = np.array([net_present_usd(flows, discount_per_year) for flows in moments])
    best = int(np.argmin(npv))
    never = moments[months]
    return SwitchPlan(
        incumbent_id=incumbent.option_id,
        candidate_id=candidate.option_id,
        npv_usd=npv,
        best_month=None if best == months else best,
        saving_usd=float(npv[months] - npv[best]),
        cost_of_waiting_usd=npv - npv[best],
        payback_month=None if best == months else payback_month(never, moments[best]),
        payback_month_now=payback_month(never, moments[0]),
    )


def payback_month(flows_without_usd: Floats, flows_with_usd: Floats) -> int | None:
    """Return the first month by whose end the switch has saved more than it took, and never falls back again.

    Undiscounted; 0 where it is ahead from the start; None where it is not ahead at the end of the horizon.
    """
    saved = np.cumsum(flows_without_usd - flows_with_usd)
    tolerance = 1e-9 * max(1.0, float(np.abs(np.cumsum(flows_without_usd)).max()))
    behind = np.flatnonzero(saved < -tolerance)
    if saved[-1] <= tolerance:
        return None
    return int(behind[-1]) + 1 if behind.size else 0


def _in_place(option: PlanOption) -> PlanOption:
    """The option without its migration: it runs already."""
    return replace(option, migration_usd=0.0)
