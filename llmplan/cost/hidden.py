"""What an option costs besides tokens and GPUs: named lines of any unit, a row of data/assumptions.csv each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import Assumption, Catalog
from llmplan.units import MONTHS_PER_YEAR, TOKENS_PER_MTOK


class LowBaseHigh(NamedTuple):
    """A figure with its range."""

    low: float
    base: float
    high: float

    def times(self, factor: float) -> LowBaseHigh:
        """Return the figure and its range `factor` times as large."""
        return LowBaseHigh(*(side * factor for side in self))


PER_MONTH, PER_STEP = "USD/month", "USD/GPU step-month"
PER_QUERY, PER_MTOK = "USD/query", "USD/1M tokens"
PER_GPU_HOUR, PER_REPLICA = "USD/GPU-hour", "USD/replica-month"
ONCE = "USD once"
ONCE_MONTHS = "one-off-months"
GROUP = "hidden cost"
PEOPLE_STEP = "gpus-per-people-step"
UPDATES_LINE = "model updates"
GIVEN_LINE = "engineering, as given"


@dataclass(frozen=True)
class CostLine:
    """A named part of a month's bill.

    Attributes
    ----------
    unit: what `usd` is paid for. A month and a begun step of GPUs are paid by every fleet, a GPU-hour by every
        GPU rented, a replica-month by every replica; a query and a million tokens by every option, whoever serves
        them. What a fleet pays once is spread over months and stands as a month's line.
    usd: USD for one of the unit.
    assumption_id, source_id: the row that it comes from; empty where the scenario gives it.
    """

    name: str
    unit: str
    usd: LowBaseHigh
    assumption_id: str = ""
    source_id: str = ""


@dataclass(frozen=True)
class HiddenCosts:
    """The lines of a bill that are neither tokens nor GPUs; people are paid by begun steps of GPUs."""

    lines: tuple[CostLine, ...]
    gpus_per_people_step: LowBaseHigh

    def of_unit(self, *units: str) -> tuple[CostLine, ...]:
        """Return the lines of some units."""
        return tuple(line for line in self.lines if line.unit in units)

    def total(self, unit: str, side: int) -> float:
        """Return the sum of a unit's lines; side 0 low, 1 base, 2 high."""
        return sum(line.usd[side] for line in self.of_unit(unit))

    def usd(self, gpus: npt.ArrayLike, side: int) -> Floats:
        """Return what a fleet of `gpus` rented GPUs pays a month besides them. (5.3)"""
        rented = np.asarray(gpus, float)
        known = np.isfinite(rented)
        steps = np.ceil(np.where(known, rented, 0.0) / self.gpus_per_people_step[2 - side])
        month = self.total(PER_MONTH, side) + steps * self.total(PER_STEP, side)
        return np.where(known, month, np.inf)

    def fleet_usd(self, gpus: Floats, replicas: Floats, hours_per_month: float, side: int) -> Floats:
        """Return what a fleet pays a month besides rent: `usd`, and by the GPU-hour and the replica. (5.3), (5.5)"""
        usd = self.usd(gpus, side)
        each_gpu, each_replica = (
            self.total(PER_GPU_HOUR, side) * hours_per_month,
            self.total(PER_REPLICA, side),
        )
        if each_gpu:
            usd = usd + each_gpu * gpus
        return usd + each_replica * replicas if each_replica else usd

    def usd_per_query(self, input_tokens: float, output_tokens: float, side: int) -> float:
        """Return what every query costs, whoever serves it. (5.5)"""
        tokens = (input_tokens + output_tokens) / TOKENS_PER_MTOK
        return self.total(PER_QUERY, side) + tokens * self.total(PER_MTOK, side)


def hidden_costs(
    catalog: Catalog, engineering_usd_per_month: float | None = None, *, owned: bool = False
) -> HiddenCosts:
    """Return the catalog's lines; one given figure replaces what a fleet pays by the month: lines, people, updates.

    owned: whether the servers are one's own, which take more of the people. (5b.7)
    """
    rows = [row for row in catalog.assumptions.values() if row.group == GROUP]
    units = (PER_MONTH, PER_STEP, PER_QUERY, PER_MTOK, PER_GPU_HOUR, PER_REPLICA)
    lines = [_line(row) for row in rows if row.unit in units]
    if owned:
        more = owned_people_factor(catalog)
        lines = [replace(line, usd=line.usd.times(more)) if line.unit == PER_STEP else line for line in lines]
    lines += [_spread_out(row, catalog.assumption(ONCE_MONTHS)) for row in rows if row.unit == ONCE]
    if engineering_usd_per_month is None:
        lines.append(CostLine(UPDATES_LINE, PER_MONTH, updates_usd_per_month(catalog)))
    else:
        given = LowBaseHigh(*(engineering_usd_per_month,) * 3)
        lines = [line for line in lines if line.unit not in (PER_MONTH, PER_STEP, PER_REPLICA)]
        lines.append(CostLine(GIVEN_LINE, PER_MONTH, given))
    return HiddenCosts(tuple(lines), _spread(catalog.assumption(PEOPLE_STEP)))


def owned_people_factor(catalog: Catalog) -> float:
    """Return the people that owned servers take over those that rented ones do."""
    return catalog.assumption("fte-owned").base / catalog.assumption("fte-rented").base


def updates_usd_per_month(catalog: Catalog) -> LowBaseHigh:
    """Return days an update x updates a year x day rate over twelve months. (5.4)"""
    rows = [catalog.assumption(name) for name in ("days-per-update", "updates-per-year", "day-rate-usd")]
    return LowBaseHigh(*(d * n * r / MONTHS_PER_YEAR for d, n, r in zip(*map(_spread, rows), strict=True)))


def _line(row: Assumption) -> CostLine:
    return CostLine(row.name, row.unit, _spread(row), row.assumption_id, row.source_id)


def _spread_out(row: Assumption, months: Assumption) -> CostLine:
    """Return what is paid once as a line of each month; the cheap side spreads it longest."""
    each = LowBaseHigh(row.low / months.high, row.base / months.base, row.high / months.low)
    return CostLine(
        f"{row.name}, spread over {months.base:g} months", PER_MONTH, each, row.assumption_id, row.source_id
    )


def _spread(row: Assumption) -> LowBaseHigh:
    return LowBaseHigh(row.low, row.base, row.high)
