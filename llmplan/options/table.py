"""Every option of a scenario as columns: what does not depend on the volume, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places
from llmplan.cost.billing import FleetHours
from llmplan.cost.fleet import replicas_needed
from llmplan.cost.hidden import HiddenCosts
from llmplan.cost.rent import MOST
from llmplan.kinds import TOKEN
from llmplan.measurements.use import LENGTH_TOLERANCE
from llmplan.options.offers import Market
from llmplan.options.rows import Rows
from llmplan.scenario import Scenario
from llmplan.units import HOURS_PER_DAY

SIDES = ("low", "base", "high")


@dataclass(frozen=True, eq=False)
class Options:
    """The options of a scenario with the arrays that price them. First axis: options.

    Every option is priced alike: its tokens by the query, and a fleet for the load that it carries. APIs carry no
    fleet, self-hosting pays no tokens, a hybrid does both.

    Attributes
    ----------
    usd_per_query: (n,) what a query of the scenario's pays for tokens (and a router); 0 for self-hosting.
    fleet_load: (n,) queries that the fleet is sized for, for each query of the scenario's; 0 for APIs.
    per_replica: (3, n) daily queries of one replica at the ceiling, for cost low/base/high.
    market: offers and rents by pair of GPU and size, for each way to pay hours. rent_row: (n,) that of each option.
    start_s: (n,) of a replica that stops when idle; NaN where its hours do not depend on the queries in them.
    rent_factor: (n,) multiple of that rent that is paid; 1 but where a price is varied.
    """

    scenario: Scenario
    items: Rows
    hidden: HiddenCosts
    usd_per_query: Floats
    fleet_load: Floats
    per_replica: Floats
    market: Market
    rent_row: Places
    rent_factor: Floats
    start_s: Floats
    hours: FleetHours

    def __len__(self) -> int:
        return len(self.items)

    def index(self, option_id: str) -> int:
        """Return an option's place; KeyError when it is not there."""
        return self.items.places[option_id]

    def take(self, places: Sequence[int] | npt.NDArray[np.int_]) -> Options:
        """Return the options at `places`, in that order."""
        chosen = np.asarray(places, np.intp)
        return self._with(self.items.take(chosen), lambda name: getattr(self, name)[..., chosen])

    def joined(self, other: Options) -> Options:
        """Return these options and others behind them."""
        return self._with(
            self.items.joined(other.items),
            lambda name: np.concatenate([getattr(self, name), getattr(other, name)], axis=-1),
        )

    def at_floor(self, scenario: Scenario) -> Options:
        """Return these options under the overall quality floor of a scenario that differs in it alone."""
        if scenario.quality_floor == self.items.floor:
            return self
        found = replace(self, scenario=scenario, items=self.items.at_floor(scenario.quality_floor))
        vars(found)["_any_floor"] = self.any_floor
        return found

    @property
    def any_floor(self) -> Options:
        """The options that `at_floor` made these of, or themselves."""
        known: Options = vars(self).get("_any_floor", self)
        return known

    def _with(self, items: Rows, column: Callable[[str], Floats]) -> Options:
        columns: dict[str, Any] = {name: column(name) for name in COLUMNS}
        return replace(self, items=items, **columns)

    def monthly_usd(self, queries_per_day: npt.ArrayLike, sides: Sequence[int] = (0, 1, 2)) -> Floats:
        """Return USD a month, shape (len(sides), n, v) for `queries_per_day` of shape (v,). (5.1)-(5.5)"""
        volumes = np.atleast_1d(np.asarray(queries_per_day, float))
        queries = volumes * self.scenario.days_per_month
        own = np.flatnonzero(self.has_fleet)
        fleets = self if len(own) == len(self) else self.take(own)
        found = np.empty((len(sides), len(self), len(volumes)))
        for number, side in enumerate(sides):
            found[number] = (self.usd_per_query[:, None] + self.hidden_usd_per_query(side)) * queries
            if len(own):
                found[number, own] += fleets.fleet_usd(fleets.fleet_load[:, None] * volumes, side)
        return found

    def fleet_usd(self, queries_per_day: Floats, side: int) -> Floats:
        """Return USD a month of fleets alone for loads of shape (v,) or (n, v), shape (n, v). (5.1)-(5.3)"""
        spare = self.scenario.spare_replicas
        replicas = replicas_needed(queries_per_day, self.per_replica[side, :, None], spare)
        rent, gpus = self.rent_usd(replicas, side, queries_per_day), self.gpus_of(replicas, side)
        lines = self.hidden.fleet_usd(gpus, replicas, self.hours_per_month, side)
        return rent + (np.where(self.is_reserved[:, None], 0.0, lines) if self.market.behind else lines)

    def rent_usd(self, replicas: Floats, side: int, queries_per_day: Floats | None = None) -> Floats:
        """Return USD a month of `replicas` (n, v) replicas' instances, (n, v). (5.1), (4.8), (4.9)

        queries_per_day: on them, (v,) or (n, v); without it no replica stops when idle.
        """
        rent = self.market.rents.usd(side, self.rent_row[:, None], replicas)
        if queries_per_day is not None and self.stops_idle.any():
            mine = np.flatnonzero(self.stops_idle)
            loads = np.broadcast_to(queries_per_day, replicas.shape)[mine]
            idle = self.hours.idle_share(loads, replicas[mine], self.start_s[mine, None])
            rent[mine] -= idle * self.one_replica_usd_per_hour(side)[mine, None]
        return rent * (self.rent_factor[:, None] * self.hours_per_month)

    def one_replica_usd_per_hour(self, side: int) -> Floats:
        """Return (n,) what one working replica rents for; 0 where nothing is offered."""
        usd = self.market.rents.usd(side, self.rent_row, np.full(len(self), 1.0 + self.hours.spare))
        return np.where(np.isfinite(usd), usd, 0.0)

    @property
    def stops_idle(self) -> Bools:
        """(n,) True where a replica without queries is not paid for."""
        return np.isfinite(self.start_s)

    def gpus_of(self, replicas: Floats, side: int = 1) -> Floats:
        """Return the GPUs that `replicas` (n, v) replicas rent, (n, v). (4.5)"""
        return self.market.rents.gpus_of(side, self.rent_row[:, None], replicas)

    def own_gpus_of(self, place: int, replicas: int) -> int:
        """Return how many of an option's base GPUs are owned already. (5b.11)"""
        own, most = self.market.rents.own_gpus, min(replicas, MOST)
        return 0 if own is None or not self.has_fleet[place] else int(own[1, self.rent_row[place], most])

    def rent_profiles(self) -> tuple[Floats, Places]:
        """Return rents and GPUs at every number of replicas as columns, (k, f), and the row of each option."""
        return self.market.rent_profiles(self.rent_row, self.rent_factor)

    @property
    def merits(self) -> Floats:
        """(2, n) of what more is better at one rent: daily queries of a replica, and how soon one that stops is back."""
        return np.stack([self.per_replica[1], -np.nan_to_num(self.start_s, nan=NEVER_STOPS)])

    @property
    def hours_per_month(self) -> float:
        return self.scenario.days_per_month * HOURS_PER_DAY

    def hidden_usd_per_query(self, side: int) -> float:
        """Return what every query costs besides tokens, whoever serves it."""
        return self.hidden.usd_per_query(self.scenario.input_tokens, self.scenario.output_tokens, side)

    @cached_property
    def has_fleet(self) -> Bools:
        """(n,) True where GPUs are paid for."""
        return np.asarray(self.fleet_load > 0)

    @property
    def is_api(self) -> Bools:
        """(n,) True where tokens are all that is paid for."""
        return ~self.has_fleet

    @cached_property
    def is_reserved(self) -> Bools:
        """(n,) True where units of an API's capacity are paid for, which are nobody's servers to run."""
        if not self.market.behind:
            return np.zeros(len(self), bool)
        return self.has_fleet & np.isin(self.items.kind, TOKEN)

    @property
    def is_self_hosted(self) -> Bools:
        """(n,) True where a fleet serves every query."""
        return self.items.is_self_hosted

    @property
    def feasible(self) -> Bools:
        """(n,) True where no reason stands against the option."""
        return self.items.feasible

    @property
    def near_floor(self) -> Bools:
        """(n,) True where a known quality below the overall floor is all that stands against the option."""
        return self.items.only_floor & ~np.isnan(self.items.quality)

    @property
    def quality(self) -> Floats:
        """(n,) share of the reference's quality; NaN where it is not known."""
        return self.items.quality

    @property
    def preference(self) -> Places:
        """(n,) ranks that break ties of cost, see `tie_rank`."""
        return self.items.preference


COLUMNS = (
    "usd_per_query",
    "fleet_load",
    "per_replica",
    "rent_row",
    "rent_factor",
    "start_s",
)
NEVER_STOPS = 1e6
"""Seconds of a start that stand for a replica that is paid for without a query too."""


def measurements_used(options: Options) -> str:
    """Return, as a sentence, how many options rest on the scenario's measurements, and why if none does."""
    asked = options.scenario
    file, used = Path(asked.measured_csv or "").name, sum(1 for item in options.items if item.measured_by)
    if used:
        return f"{used} option{'s' if used > 1 else ''} of {len(options)} rest on {file}, the others on predictions"
    return (
        f"no option rests on {file}: lengths must lie within {LENGTH_TOLERANCE:.0%} of "
        f"{asked.input_tokens:,.0f} + {asked.output_tokens:,.0f} tokens, on a replica that the scenario allows"
    )
