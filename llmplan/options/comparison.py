"""Scenario in, every option compared out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.cost.billing import Billing
from llmplan.cost.fleet import replicas_needed
from llmplan.options.build import build_options
from llmplan.options.fleet_api_pairs import with_hybrids
from llmplan.options.reserved import units_for, with_reserved
from llmplan.options.rows import Option, first_of_each, least_of_each
from llmplan.options.table import Options
from llmplan.scenario import NO_OPTION, Scenario, leaving_out, under_catalog


def aside(scenario: Scenario) -> Scenario:
    """Return the scenario that stands for all that have the same options."""
    return leaving_out(scenario, *NO_OPTION)


def same_options(scenario: Scenario, other: Scenario) -> bool:
    """Say whether two scenarios differ only in what no option depends on, the volume for instance."""
    return aside(scenario) == aside(other)


def options_of(scenario: Scenario, catalog: Catalog | None = None) -> Options:
    """Return the scenario's options of one kind; those that differ in what no option depends on share the work."""
    scenario, catalog = under_catalog(scenario, catalog)
    return _options_of(catalog, aside(scenario))


@kept(3)
def _options_of(catalog: Catalog, scenario: Scenario) -> Options:
    options = _under_any_floor(catalog, scenario.model_copy(update={"quality_floor": 0.0}))
    return with_reserved(options.at_floor(scenario), catalog)


@kept(2)
def _under_any_floor(catalog: Catalog, scenario: Scenario) -> Options:
    """Return the options without a floor, from which those at each floor are made while its slider moves."""
    return build_options(scenario, catalog)


def by_the_token(scenario: Scenario) -> Scenario:
    """Return the scenario without reserved capacity of APIs, which no fleet's files and weeks know."""
    return scenario.but(api_commitments=()) if scenario.api_commitments else scenario


@dataclass(frozen=True)
class Comparison:
    """Every option of a scenario at its volume; what only a table of all of them needs is worked out for that.

    Attributes
    ----------
    options: every option, hybrids at the end. alone: those of one kind, which no volume changes; the same places.
    """

    scenario: Scenario
    options: Options
    alone: Options

    @cached_property
    def base_usd(self) -> Floats:
        """(n,) base cost, USD a month; infinity where an option cannot serve."""
        (base_usd,) = self._monthly(self.options, (1,))
        return np.asarray(base_usd)

    @cached_property
    def monthly_usd(self) -> Floats:
        """(3, n) low, base, high; infinity where an option cannot serve."""
        return self._around(self.options, self.base_usd)

    def monthly_of(self, places: Sequence[int]) -> Floats:
        """Return `monthly_usd` of some options, (3, len(places))."""
        return self._around(self.options.take(places), self.base_usd[list(places)])

    def _around(self, options: Options, base_usd: Floats) -> Floats:
        sides = np.stack([base_usd, *self._monthly(options, (0, 2))])
        return np.stack([sides.min(axis=0), base_usd, sides.max(axis=0)])

    def _monthly(self, options: Options, sides: Sequence[int]) -> Floats:
        return options.monthly_usd(self.scenario.queries_per_day, sides)[:, :, 0]

    @property
    def replicas(self) -> Floats:
        """(n,) of the base offer; 0 for APIs."""
        return self._every_fleet[0]

    @property
    def gpus_total(self) -> Floats:
        """(n,) of the base offer; 0 for APIs."""
        return self._every_fleet[1]

    @cached_property
    def _every_fleet(self) -> tuple[Floats, Floats]:
        return self._fleets(self.options, self.base_usd)

    def gpus_of(self, places: Sequence[int]) -> Floats:
        """Return `gpus_total` of some options, (len(places),)."""
        return self._fleets(self.options.take(places), self.base_usd[list(places)])[1]

    def _fleets(self, options: Options, base_usd: Floats) -> tuple[Floats, Floats]:
        """Return replicas and GPUs of some options."""
        own, loads = options.has_fleet & np.isfinite(base_usd), self._loads(options)
        replicas = replicas_needed(loads, options.per_replica[1], self.scenario.spare_replicas)
        replicas = np.where(own, replicas, 0.0)
        return replicas, np.where(own, options.gpus_of(replicas[:, None])[:, 0], 0.0)

    def _loads(self, options: Options) -> Floats:
        return self.scenario.queries_per_day * options.fleet_load

    @cached_property
    def _ranked(self) -> Places:
        """Places of the feasible options."""
        return np.flatnonzero(self.options.feasible & np.isfinite(self.base_usd))

    @property
    def n_feasible(self) -> int:
        return len(self._ranked)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Places of the feasible options, cheapest base cost first."""
        return tuple(self._by_cost(self._ranked).tolist())

    def _by_cost(self, places: Places) -> Places:
        """Return places by base cost; of equal costs the fewest GPUs go first, then what is preferred."""
        keys = self.options.preference[places], self.gpus_of(places.tolist()), self.base_usd[places]
        return places[np.lexsort(keys)]

    def first_of_each(self, *columns: Places) -> Places:
        """Return the cheapest feasible option of each combination of values of the columns, in `order`'s order.

        columns: (n,) numbers, of words `Rows.numbers`.
        """
        near = least_of_each(self._ranked, self.base_usd[self._ranked], *columns)
        return first_of_each(self._by_cost(near), *columns)

    @cached_property
    def _best(self) -> dict[str, int]:
        """The place of the cheapest feasible option of each kind, the cheapest first."""
        items = self.options.items
        return {items.kind[p]: p for p in self.first_of_each(items.numbers("kind")).tolist()}

    @property
    def best(self) -> int | None:
        """The place of the cheapest feasible option at base cost; None where nothing is feasible."""
        return next(iter(self._best.values()), None)

    @property
    def best_usd(self) -> float:
        """Its base cost, USD a month; infinity where nothing is feasible."""
        return float("inf") if self.best is None else float(self.base_usd[self.best])

    @property
    def recommended(self) -> Option | None:
        """The cheapest feasible option at base cost; None where nothing is feasible."""
        return None if self.best is None else self.options.items[self.best]

    def cheapest(self, *kinds: str) -> int | None:
        """Return the place of the cheapest feasible option of the kinds."""
        return next((place for kind, place in self._best.items() if kind in kinds), None)

    @cached_property
    def queries_per_month(self) -> float:
        return self.scenario.queries_per_day * self.scenario.days_per_month

    @property
    def usd_per_query(self) -> Floats:
        return np.asarray(self.base_usd / self.queries_per_month)

    @cached_property
    def utilisation(self) -> Floats:
        """Mean load of the base fleet over its rate at the targets; NaN for APIs."""
        peak = self.scenario.workload().effective_peak_to_mean
        carried = self.options.per_replica[1] * self.replicas * peak / self.scenario.utilisation_ceiling
        carried = np.where(self.units > 0, self.options.per_replica[1] * self.units * peak, carried)
        load = self._loads(self.options)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.replicas > 0, load / carried, np.nan)

    @cached_property
    def units(self) -> Floats:
        """(n,) units of reserved capacity that are bought; 0 for other options."""
        found = np.zeros(len(self.options))
        for place in np.flatnonzero(self.options.is_reserved).tolist():
            row = self.options.items[place].reserved
            if row is not None:
                found[place] = units_for(row, self.replicas[place] - self.options.hours.spare)
        return found

    @cached_property
    def rent_usd(self) -> Floats:
        """(n,) what each option's base fleet rents for, USD a month; 0 for tokens alone."""
        loads = self._loads(self.options)
        rents = self.options.rent_usd(self.replicas[:, None], 1, loads[:, None])[:, 0]
        return np.where(self.replicas > 0, rents, 0.0)

    @cached_property
    def _cheapest_token_usd(self) -> float:
        """USD a query at the cheapest feasible token price; infinity where there is none."""
        usd = self.options.usd_per_query[self.options.is_api & self.options.feasible]
        return float(usd.min(initial=np.inf))

    def late_share(self, place: int, item: Option) -> float | None:
        """Return the share of a fleet's queries that wait for its start; None for tokens."""
        if item.billing_mode is None or item.start_s is None:
            return None
        load, fleet = (
            self.scenario.queries_per_day * self.options.fleet_load[place],
            float(self.replicas[place]),
        )
        return self.options.hours.late_share(Billing(item.billing_mode), float(load), fleet, item.start_s)

    def late_usd(self, place: int, late_share: float | None) -> float | None:
        """Return what late queries would cost by the token, at the cheapest price that serves, USD a month. (4.10)

        None for tokens, and where no token price serves.
        """
        if late_share is None or not math.isfinite(self._cheapest_token_usd):
            return None
        return (
            late_share
            * (self.queries_per_month * float(self.options.fleet_load[place]))
            * self._cheapest_token_usd
        )


def evaluate(
    scenario: Scenario, catalog: Catalog | None = None, options: Options | None = None
) -> Comparison:
    """Compare every option of a scenario, hybrids among them; plain arrays, no DataFrame.

    options: those of this scenario of one kind when they are at hand, a part of them for instance.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    return _evaluated(options_of(scenario, catalog) if options is None else options, catalog, scenario)


@kept(1)
def _evaluated(options: Options, catalog: Catalog, scenario: Scenario) -> Comparison:
    everything = with_hybrids(options, catalog, scenario.queries_per_day)
    return Comparison(scenario, replace(everything, scenario=scenario), options)
