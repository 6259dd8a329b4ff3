"""Scenario in, every option compared out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from operator import attrgetter

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.cost.billing import Billing
from llmplan.cost.fleet import replicas_needed
from llmplan.options.fleet_api_pairs import with_hybrids
from llmplan.options.offers import PAID_AS, Offer
from llmplan.options.reserved import units_for, with_reserved
from llmplan.options.rows import Option
from llmplan.options.table import Options, build_options
from llmplan.quality.ability import Band
from llmplan.scenario import Affects, Scenario, fields_that, under_catalog
from llmplan.units import TOKENS_PER_MTOK

PIECE = 512
"""Rows that are made at once: what the processor's cache holds."""
ASIDE = {
    field: Scenario.model_fields[field].get_default()
    for field in fields_that(Affects.VOLUME, Affects.RISK, Affects.SHOWN)
}
"""Fields that no option depends on, with the values that stand for any."""


def aside(scenario: Scenario) -> Scenario:
    """Return the scenario that stands for all that have the same options."""
    return scenario.model_copy(update=ASIDE)


def same_options(scenario: Scenario, other: Scenario) -> bool:
    """Say whether two scenarios differ only in what no option depends on, the volume for instance."""
    return aside(scenario) == aside(other)


def options_of(scenario: Scenario, catalog: Catalog | None = None) -> Options:
    """Return the scenario's options of one kind; those that differ in the fields of `ASIDE` only share the work."""
    scenario, catalog = under_catalog(scenario, catalog)
    return _options_of(catalog, aside(scenario))


@kept(6)
def _options_of(catalog: Catalog, scenario: Scenario) -> Options:
    return with_reserved(build_options(scenario, catalog), catalog)


def by_the_token(scenario: Scenario) -> Scenario:
    """Return the scenario without reserved capacity of APIs, which no fleet's files and weeks know."""
    return scenario.but(api_commitments=()) if scenario.api_commitments else scenario


@dataclass(frozen=True)
class Comparison:
    """Every option of a scenario at its volume.

    Attributes
    ----------
    options: every option, hybrids at the end. alone: those of one kind, which no volume changes; the same places.
    monthly_usd: (3, n) low, base, high; infinity where an option cannot serve.
    replicas, gpus_total: (n,) of the base offer; 0 for APIs.
    order: places of the feasible options, cheapest base cost first.
    """

    scenario: Scenario
    options: Options
    alone: Options
    monthly_usd: Floats
    replicas: Floats
    gpus_total: Floats
    order: tuple[int, ...]

    @property
    def recommended(self) -> Option | None:
        """The cheapest feasible option at base cost; None where nothing is feasible."""
        return self.options.items[self.order[0]] if self.order else None

    def cheapest(self, *kinds: str) -> int | None:
        """Return the place of the cheapest feasible option of the kinds."""
        return next((place for place in self.order if self.options.items.kind[place] in kinds), None)

    @cached_property
    def queries_per_month(self) -> float:
        return self.scenario.queries_per_day * self.scenario.days_per_month

    @property
    def usd_per_query(self) -> Floats:
        return np.asarray(self.monthly_usd[1] / self.queries_per_month)

    @cached_property
    def utilisation(self) -> Floats:
        """Mean load of the base fleet over its rate at the targets; NaN for APIs."""
        peak = self.scenario.workload().effective_peak_to_mean
        carried = self.options.per_replica[1] * self.replicas * peak / self.scenario.utilisation_ceiling
        carried = np.where(self.units > 0, self.options.per_replica[1] * self.units * peak, carried)
        load = self.scenario.queries_per_day * self.options.fleet_load
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
        loads = self.scenario.queries_per_day * self.options.fleet_load
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

    def _beyond(self, place: int, base_usd: float) -> dict[str, object]:
        """Return what a row says where the volume needs more GPUs than there are: allowed, or owned and not for rent."""
        if math.isfinite(base_usd) or not self.options.feasible[place]:
            return {}
        return {"feasible": False, "reasons": ("the volume needs more GPUs than are allowed or owned",)}

    def _paid_as(self, provider: str) -> str:
        return PAID_AS.get(provider, self.scenario.fleet_price_kind)

    def row(self, place: int) -> dict[str, object]:
        """Return one option's row of the table."""
        return next(self.rows([place]))

    def rows(self, places: Sequence[int]) -> Iterator[dict[str, object]]:
        """Yield options' rows of the table: many in one call take a fraction of the time of each alone."""
        columns = (
            self.replicas,
            self.gpus_total,
            self.units,
            self.rent_usd,
            self.utilisation,
            self.options.rent_row,
        )
        for start in range(0, len(places), PIECE):
            piece = np.asarray(places[start : start + PIECE], np.intp)
            figures = (*self.monthly_usd[:, piece], *(column[piece] for column in columns))
            items = self.options.items.records(piece)
            lists = (column.tolist() for column in (piece, *figures))
            yield from (self._row(item, *numbers) for item, *numbers in zip(items, *lists, strict=True))

    def _row(
        self,
        item: Option,
        place: int,
        low: float,
        base: float,
        high: float,
        replicas: float,
        gpus: float,
        units: float,
        rent_usd: float,
        utilisation: float,
        rent_row: int,
    ) -> dict[str, object]:
        tokens = item.tokens or self.scenario.input_tokens + self.scenario.output_tokens
        offers = self._offers(rent_row, int(replicas)) if item.has_fleet else None
        late = self.late_share(place, item)
        return {
            **dict(zip(_OF_OPTION, _of_option(item), strict=True)),
            "monthly_usd_low": low,
            "monthly_usd_base": base,
            "monthly_usd_high": high,
            "usd_per_query": base / self.queries_per_month,
            "usd_per_mtok": base / (self.queries_per_month * tokens) * TOKENS_PER_MTOK,
            "replicas": 0 if units else int(replicas),
            "gpus_total": int(gpus),
            "reserved_units": int(units),
            "provider": offers[1].provider if offers else item.provider,
            "price_kind": self._paid_as(offers[1].provider if offers else "")
            if item.has_fleet
            else f"reserved, {item.reserved.commitment}"
            if item.reserved
            else "per token",
            "own_gpus": self.options.own_gpus_of(place, int(replicas)),
            "usd_per_gpu_hour": rent_usd / (int(gpus) * self.options.hours_per_month)
            if offers and int(gpus)
            else None,
            "replica_requests_per_s": item.requests_per_s[1] if item.requests_per_s else None,
            "utilisation": utilisation,
            "late_share": late,
            "late_usd": self.late_usd(place, late),
            **self._beyond(place, base),
            **_spread("success", item.success),
            **_spread("output_tokens", item.output_tokens),
            "input_tokens": None if item.lengths is None else item.lengths.input,
            "reasoning_tokens": None if item.lengths is None else item.lengths.reasoning,
        }

    @cached_property
    def _offers(self) -> Callable[[int, int], tuple[Offer, Offer, Offer] | None]:
        """The offers of a fleet by its row of the market and its replicas, each looked up once."""
        return cache(self.options.market.offers)

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


def _spread(name: str, band: Band | None) -> dict[str, float | None]:
    """Return a band's base, low and high under names of columns."""
    low, base, high = (None, None, None) if band is None else (band.low, band.base, band.high)
    return {name: base, f"{name}_low": low, f"{name}_high": high}


COLUMNS = (
    "option_id",
    "kind",
    "label",
    "feasible",
    "reasons",
    "model_id",
    "api_id",
    "precision_id",
    "gpu_id",
    "n_gpus",
    "replicas",
    "gpus_total",
    "reserved_units",
    "engine_id",
    "provider",
    "price_kind",
    "own_gpus",
    "billing_mode",
    "start_s",
    "late_share",
    "late_usd",
    "usd_per_gpu_hour",
    "monthly_usd_low",
    "monthly_usd_base",
    "monthly_usd_high",
    "usd_per_query",
    "usd_per_mtok",
    "quality",
    "quality_stands_on",
    "effort",
    "success",
    "success_low",
    "success_high",
    "meets_floor",
    "input_tokens",
    "output_tokens",
    "output_tokens_low",
    "output_tokens_high",
    "reasoning_tokens",
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "replica_requests_per_s",
    "utilisation",
    "binding",
    "basis",
    "measured_by",
    "licence_id",
    "source_ids",
    "prices_as_of",
    "share_weak",
    "split_by",
)
_SPREAD = {"success", "output_tokens"}
_OF_OPTION = tuple(
    name for name in COLUMNS if name in {"feasible", *(f.name for f in fields(Option))} - _SPREAD
)
"""Columns that an option holds itself, whatever the volume."""
_of_option = attrgetter(*_OF_OPTION)


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
    return compared(replace(everything, scenario=scenario), options)


def compared(options: Options, alone: Options) -> Comparison:
    """Compare some options at their scenario's volume; `alone` as in `Comparison`."""
    scenario = options.scenario
    volume = np.array([scenario.queries_per_day])
    monthly = options.monthly_usd(volume)[:, :, 0]
    monthly = np.stack([monthly.min(axis=0), monthly[1], monthly.max(axis=0)])
    own = options.has_fleet & np.isfinite(monthly[1])
    replicas = replicas_needed(volume * options.fleet_load, options.per_replica[1], scenario.spare_replicas)
    replicas = np.where(own, replicas, 0.0)
    ranked = np.flatnonzero(options.feasible & np.isfinite(monthly[1]))
    gpus = np.where(own, options.gpus_of(replicas[:, None])[:, 0], 0.0)
    keys = options.preference[ranked], gpus[ranked], monthly[1, ranked]
    order = tuple(ranked[np.lexsort(keys)].tolist())
    return Comparison(scenario, options, alone, monthly, replicas, gpus, order)
