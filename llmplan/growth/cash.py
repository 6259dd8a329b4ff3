"""What each option pays and when: running bills, terms, purchases, migration, model updates.

Cash, not cost accounting: a server is an outlay when bought and a receipt when sold; there is no
depreciation and no capital charge, because the discount rate already is the cost of capital.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.growth.paths import price_factors
from llmplan.units import MONTHS_PER_YEAR

MonthlyCost = Callable[[Floats], Floats]
"""queries/day of each month (m,) -> USD/month at today's prices (m,)"""


@dataclass(frozen=True)
class CostPart:
    """A running bill.

    Attributes
    ----------
    name: what it is for: "tokens", "GPU rent", "people".
    usd_per_month: the bill at today's prices for given volumes, with every step of the fleet in it.
    decline_per_year: how much its price falls in a year. [1/year]
    term_months: 0: pay as you go. Above 0: each term fixes the price of its first month and the amount
        bought in it, used or not; what is needed on top is bought at the price of the month.
    """

    name: str
    usd_per_month: MonthlyCost
    decline_per_year: float = 0.0
    term_months: int = 0


@dataclass(frozen=True)
class PurchasePart:
    """Servers that are bought.

    Attributes
    ----------
    servers: whole servers needed for given volumes.
    usd_per_server: price today, installed. [USD]
    running_usd_per_server_month: power, space, maintenance. [USD/month]
    life_months: when a server is sold and, if needed, replaced.
    residual_share: of its price, at the end of its life; before it the straight line between. [0..1]
    decline_per_year: how much the price of new servers falls. [1/year]
    """

    name: str
    servers: MonthlyCost
    usd_per_server: float
    running_usd_per_server_month: float
    life_months: int
    residual_share: float
    decline_per_year: float = 0.0


@dataclass(frozen=True)
class ForcedMove:
    """A price that ends: its option runs the months before `month` and is left for another then.

    Attributes
    ----------
    ends_on: day from which the provider answers no more.
    month: whole months that it can still run from the plan's start.
    to: what takes its place, its migration paid.
    """

    ends_on: dt.date
    month: int
    to: PlanOption


@dataclass(frozen=True)
class PlanOption:
    """An option as it is paid for over months.

    Attributes
    ----------
    parts, purchases: running bills and servers bought.
    migration_usd: paid once when the option starts. [USD]
    updates_per_year, update_usd: model updates and what one takes (days x day rate). [1/year, USD]
    forced: the move that the end of its price forces; None: it lasts.
    """

    option_id: str
    label: str
    parts: tuple[CostPart, ...] = ()
    purchases: tuple[PurchasePart, ...] = ()
    migration_usd: float = 0.0
    updates_per_year: float = 0.0
    update_usd: float = 0.0
    forced: ForcedMove | None = None


def cash_flows(
    option: PlanOption, queries_per_day: Floats, start: int = 0, stop: int | None = None
) -> Floats:
    """Return what the option pays when it serves the months `start` to `stop` - 1.

    Parameters
    ----------
    queries_per_day: volume of each month. (m,)

    Returns
    -------
    (m + 1,) payments: index k is the end of month k, which is the start of month k + 1. Bills and updates
    fall at the end of their month, migration and purchases at its start; servers are sold at `stop`.
    Receipts are negative. [USD]
    """
    months = len(queries_per_day)
    stop = months if stop is None else stop
    if not 0 <= start <= stop <= months:
        raise InputError("start", start, f"must lie in 0 to {stop}", "start within the plan")
    forced = option.forced
    if forced is not None and stop > forced.month:
        leave = max(start, forced.month)
        before = cash_flows(replace(option, forced=None), queries_per_day, start, leave)
        return before + cash_flows(forced.to, queries_per_day, leave, stop)
    flows = np.zeros(months + 1)
    if start == stop:
        return flows
    for part in option.parts:
        flows[start + 1 : stop + 1] += part_bills(part, queries_per_day, start, stop)[0]
    for purchase in option.purchases:
        flows += purchase_flows(purchase, queries_per_day, start, stop)[0]
    flows[start + 1 : stop + 1] += option.update_usd * updates_by_month(option.updates_per_year, stop - start)
    flows[start] += option.migration_usd
    return flows


def part_bills(part: CostPart, queries_per_day: Floats, start: int, stop: int) -> tuple[Floats, Floats]:
    """Return the bills of months `start` to `stop` - 1 and what of them a term commits. [USD/month]"""
    factors = price_factors(part.decline_per_year, len(queries_per_day))[start:stop]
    today = np.asarray(part.usd_per_month(queries_per_day[start:stop]), float)
    if part.term_months <= 0:
        return today * factors, np.zeros(stop - start)
    month = np.arange(stop - start)
    first = month - month % part.term_months
    committed = today[first] * factors[first]
    return committed + np.maximum(today - today[first], 0.0) * factors, committed


def exit_usd(option: PlanOption, queries_per_day: Floats, start: int, stop: int) -> float:
    """Return what terms still bind when the option, begun at `start`, is left at `stop`. [USD]"""
    total = 0.0
    for part in option.parts:
        left = -(stop - start) % part.term_months if part.term_months > 0 and stop > start else 0
        if left:
            total += left * float(part_bills(part, queries_per_day, start, stop)[1][-1])
    return total


def purchase_flows(
    part: PurchasePart, queries_per_day: Floats, start: int, stop: int
) -> tuple[Floats, Floats]:
    """Return payments (m + 1,) for servers bought as volume asks for them, and servers owned by month (m,).

    A server stays until its life ends, needed or not; at `stop` the rest are sold at straight-line value.
    """
    months = len(queries_per_day)
    price = part.usd_per_server * price_factors(part.decline_per_year, months)
    needed = np.asarray(part.servers(queries_per_day), float)
    flows, owned, bought = np.zeros(months + 1), np.zeros(months), np.zeros(months)
    for month in range(start, stop):
        oldest = month - part.life_months
        if oldest >= start:
            flows[month] -= bought[oldest] * price[oldest] * part.residual_share
        alive = bought[max(start, oldest + 1) : month].sum()
        bought[month] = max(0.0, needed[month] - alive)
        owned[month] = alive + bought[month]
        flows[month] += bought[month] * price[month]
        flows[month + 1] += owned[month] * part.running_usd_per_server_month
    flows[stop] -= _resale_usd(part, bought, price, start, stop)
    return flows, owned


def _resale_usd(part: PurchasePart, bought: Floats, price: Floats, start: int, stop: int) -> float:
    first = max(start, stop - part.life_months)
    age = stop - np.arange(first, stop)
    kept = 1 - (1 - part.residual_share) * age / part.life_months
    return float((bought[first:stop] * price[first:stop] * kept).sum())


def updates_by_month(updates_per_year: float, months: int) -> Floats:
    """Return how many model updates fall in each month; a year has exactly `updates_per_year`. (months,)"""
    if not 0 <= updates_per_year < np.inf:
        raise InputError("updates_per_year", updates_per_year, "must not be negative", "give 0 or more")
    done = np.floor(np.arange(months + 1) * updates_per_year / MONTHS_PER_YEAR + 1e-9)
    return np.diff(done)
