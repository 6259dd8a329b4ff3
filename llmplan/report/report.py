"""What every export shows, worked out once: the scenario's options, curves, map and where they come from."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from llmplan import __version__
from llmplan.catalog import ApiPrice, Assumption, Catalog, Source
from llmplan.catalog.tables import PRICE_STALE_DAYS
from llmplan.cost.hidden import PEOPLE_STEP, PER_STEP, UPDATES_LINE
from llmplan.errors import InputError
from llmplan.growth.planning import GrowthPlan, base_plan
from llmplan.kinds import Kind
from llmplan.options import (
    CURVE_POINTS,
    BreakEven,
    Comparison,
    Curves,
    DecisionMap,
    Envelope,
    Option,
    cost_curves,
    envelopes,
    evaluate,
    map_of,
    volume_axis,
)
from llmplan.options.bill import Part, bill_of
from llmplan.options.comparison_rows import comparison_rows
from llmplan.options.standing import today_id
from llmplan.options.token_rows import priced
from llmplan.recommend import Recommendation, recommend
from llmplan.recommend.tipping import Tipping, tipping_points
from llmplan.report.finding import finding
from llmplan.report.frontier import FrontierPoint, frontier_points
from llmplan.report.rivals import Rivals, best_places, first_to_pay, nearest, rivals_of
from llmplan.scenario import Scenario, under_catalog
from llmplan.wording import Currency

TABLE_STEP = 8
"""Of the map's volumes those that a table shows: one a decade."""
SHOWN_OPTIONS = 10
FOOTNOTE_SOURCES = 3


@dataclass(frozen=True)
class Report:
    """A scenario's answer with everything that an export needs to show and to prove it.

    Attributes
    ----------
    made_on: the day the export was made.
    """

    scenario: Scenario
    catalog: Catalog
    comparison: Comparison
    made_on: dt.date
    version: str = __version__

    @cached_property
    def rivals(self) -> Rivals:
        """(token price's place, where any feasible self-hosted option is cheaper than it)."""
        return rivals_of(self.comparison.alone)

    @cached_property
    def curve_places(self) -> tuple[int, ...]:
        """Places in `comparison.options` of the options drawn: the cheapest of each kind, and the self-hosted option
        that pays first as volume grows."""
        first = first_to_pay(self.comparison, self.rivals)
        return tuple(dict.fromkeys([*best_places(self.comparison), *first]))

    @cached_property
    def curves(self) -> Curves:
        """Monthly cost over volumes of `curve_places`, low/base/high."""
        options = self.comparison.options
        names = [options.items.option_id[place] for place in self.curve_places]
        volumes = np.union1d(volume_axis(CURVE_POINTS), [self.scenario.queries_per_day])
        return cost_curves(self.scenario, names, volumes, self.catalog, options)

    @cached_property
    def finding(self) -> str:
        """The answer in one sentence."""
        return finding(self.comparison, dict(self.rivals))

    @cached_property
    def full_map(self) -> DecisionMap:
        """The cheapest way to each open model's quality at each volume."""
        return map_of(self.comparison.alone, self.catalog)

    @cached_property
    def map(self) -> DecisionMap:
        """The map at one volume a decade."""
        return self.full_map.every(TABLE_STEP)

    @cached_property
    def envelopes(self) -> tuple[Envelope, ...]:
        """The cheapest option of each kind at every volume, the present one among them."""
        return tuple(map(self._with_present, envelopes(self.comparison.alone, self.catalog)))

    def _with_present(self, each: Envelope) -> Envelope:
        now, place = self.scenario.queries_per_day, self.comparison.cheapest(each.kind)
        at = int(np.searchsorted(each.queries_per_day, now))
        if place is None or now in each.queries_per_day:
            return each
        return replace(
            each,
            queries_per_day=np.insert(each.queries_per_day, at, now),
            labels=(*each.labels[:at], self.option(place).label, *each.labels[at:]),
            monthly_usd=np.insert(each.monthly_usd, at, self.comparison.monthly_of([place])[:, 0], axis=1),
        )

    @property
    def answer_curve(self) -> Curves:
        """The curve of today's answer alone; of nothing where none is feasible."""
        places = [number for number, place in enumerate(self.curve_places) if place == self.comparison.best]
        curves = self.curves
        return replace(curves, options=curves.options.take(places), monthly_usd=curves.monthly_usd[:, places])

    @cached_property
    def advice(self) -> Recommendation:
        """What to do and how sure that is, without tipping points."""
        return recommend(self.scenario, self.catalog, tipping=False, options=self.comparison.alone)

    def weighed(self, advice: Recommendation) -> Report:
        """Return this report with its advice known, which may have been worked out elsewhere."""
        vars(self)["advice"] = advice
        return self

    @property
    def is_weighed(self) -> bool:
        """Whether it is known how sure the answer is: `advice` takes longer than a slider may wait."""
        return "advice" in vars(self)

    @cached_property
    def bill(self) -> tuple[Part, ...]:
        """The named parts of the answer's base month; empty where nothing is feasible."""
        best = self.comparison.best
        return () if best is None else bill_of(self.comparison, best, self.catalog)

    @property
    def today_place(self) -> int | None:
        """The place of what runs today; None where the scenario leaves it out."""
        try:
            return self.comparison.options.index(today_id(self.scenario, self.catalog))
        except KeyError:
            return None

    @property
    def saving_usd(self) -> float | None:
        """What the answer costs less a month than what runs today, at base; None without one of the two."""
        today, found = self.today_place, self.comparison
        return None if today is None or found.best is None else float(found.base_usd[today]) - found.best_usd

    @property
    def money(self) -> Currency:
        """The currency that the export is in."""
        return self.scenario.currency

    def option(self, place: int) -> Option:
        """Return the option at a place."""
        return self.comparison.options.items[place]

    def price(self, place: int) -> ApiPrice:
        """Return the token prices of an API's place, the scenario's own in place of the catalog's."""
        return priced(self.catalog.api(self.option(place).api_id or ""), self.scenario)

    @cached_property
    def shown_places(self) -> tuple[int, ...]:
        """Places of a short table: the options drawn and the cheapest of each kind and model; by cost."""
        return self.shortlist(SHOWN_OPTIONS)

    @cached_property
    def hybrid_places(self) -> tuple[int, ...]:
        """Places of the fleets that share the traffic with an API, cheapest first."""
        kinds = self.comparison.options.items.kind
        return tuple(place for place in self.comparison.order if kinds[place] == Kind.HYBRID)

    @cached_property
    def frontier(self) -> tuple[FrontierPoint, ...]:
        """What each model at an effort succeeds on and costs, cheapest first."""
        return frontier_points(self.comparison, self.catalog)

    @property
    def least_success(self) -> float | None:
        """The share of tasks that the floor asks for; None where none is set."""
        today = next((point.success.base for point in self.frontier if point.runs_today), None)
        floor = self.scenario.quality_floor
        return floor * today if floor > 0 and today is not None else None

    @property
    def best_places(self) -> tuple[int, ...]:
        """Places of the cheapest option of each kind."""
        return tuple(best_places(self.comparison))

    @property
    def nearest_rival(self) -> tuple[int, BreakEven] | None:
        """The cheapest token price's place and where self-hosting beats it; None where one side is missing."""
        return next(iter(nearest(self.comparison, self.rivals)), None)

    @cached_property
    def crossings(self) -> tuple[int, ...]:
        """Volumes [queries/day] at which the cheapest fleet and the cheapest token price change places."""
        rival = self.nearest_rival
        return rival[1].crossings_queries_per_day if rival else ()

    def rows(self, places: Iterable[int]) -> list[Mapping[str, Any]]:
        """Return options' rows of the table, by cost."""
        return sorted(
            comparison_rows(self.comparison, list(places)), key=lambda row: float(row["monthly_usd_base"])
        )

    def shortlist(self, count: int) -> tuple[int, ...]:
        """Return `count` places by cost: the options drawn, then the cheapest of each kind and model."""
        items = self.comparison.options.items
        best = self.comparison.first_of_each(*items.kind_and_model)[:count].tolist()
        chosen = list(dict.fromkeys([*self.curve_places, *best]))[:count]
        usd, rank = self.comparison.base_usd[chosen], items.preference[chosen]
        by_cost = np.lexsort((rank, usd, ~items.feasible[chosen]))
        return tuple(chosen[number] for number in by_cost)

    @cached_property
    def tipping(self) -> tuple[Tipping, ...]:
        """For each input, the nearest values that change the kind of option to choose; nearest first.

        Worked out at the first call, in a second or two. Empty where nothing is feasible to begin with.
        """
        return tipping_points(self.scenario, self.catalog) if self.comparison.best is not None else ()

    @cached_property
    def growth(self) -> GrowthPlan | None:
        """The plan over months under the base assumptions, a second's work; None where nothing can run today."""
        try:
            return base_plan(self.scenario, self.catalog)
        except InputError:
            return None

    @cached_property
    def prices_as_of(self) -> tuple[dt.date, dt.date] | None:
        """The oldest and the newest price date of the options shown; None where no price is dated."""
        dates = [day for place in self.shown_places if (day := self.option(place).prices_as_of)]
        return (min(dates), max(dates)) if dates else None

    @cached_property
    def sources(self) -> list[Source]:
        """The sources of the options shown and of the cost lines, in order of first use."""
        return self.sources_of(self.shown_places)

    def sources_of(self, places: Iterable[int]) -> list[Source]:
        """Return the sources of some options and of the cost lines, in order of first use."""
        names = dict.fromkeys(name for place in places for name in self.option(place).source_ids)
        names |= dict.fromkeys(row.source_id for row in cost_assumptions(self))
        return [self.catalog.sources[name] for name in names if name in self.catalog.sources]

    @cached_property
    def stamp(self) -> str:
        """Where the numbers come from, for a footer: scenario, prices' dates, version, day."""
        made = f"llmplan {self.version}, {self.made_on:%Y-%m-%d}"
        parts = [self.scenario_line, self.dates_line, self.money.note, made]
        return " · ".join(part for part in parts if part)

    @property
    def footnote(self) -> str:
        """The stamp and the first sources, for the foot of a slide."""
        names = [short_title(source.title) for source in self.sources]
        more = f" and {len(names) - FOOTNOTE_SOURCES} more" if len(names) > FOOTNOTE_SOURCES else ""
        cited = f" · Sources: {', '.join(names[:FOOTNOTE_SOURCES])}{more}" if names else ""
        return f"{self.stamp}{cited}"

    @property
    def scenario_line(self) -> str:
        """The scenario in one line."""
        asked = self.scenario
        return (
            f"Scenario {asked.name}: {asked.queries_per_day:,.0f} queries/day, "
            f"{asked.input_tokens:,.0f} + {asked.output_tokens:,.0f} tokens"
        )

    @property
    def dates_line(self) -> str:
        """The prices' dates in words."""
        if self.prices_as_of is None:
            return "prices as given"
        first, last = self.prices_as_of
        stale = (self.made_on - first).days > PRICE_STALE_DAYS
        dates = f"prices as of {last}" if first == last else f"prices as of {first} to {last}"
        return f"{dates} (some over {PRICE_STALE_DAYS} days old)" if stale else dates


def short_title(title: str) -> str:
    """Return a source's title up to its first stop or file name."""
    return re.split(r"[,;:(]|\s\S*[_/]\S*", title, maxsplit=1)[0].strip() or title


def cost_assumptions(report: Report) -> list[Assumption]:
    """Return the catalog's rows that the fleet's cost lines come from."""
    hidden = report.comparison.options.hidden
    lines = {line.assumption_id for line in hidden.lines}
    updates = any(line.name == UPDATES_LINE for line in hidden.lines)
    lines |= {PEOPLE_STEP} if hidden.of_unit(PER_STEP) else set()
    rows = report.catalog.assumptions.values()
    return [row for row in rows if row.assumption_id in lines or (updates and row.group == "updates")]


def make_report(
    scenario: Scenario,
    catalog: Catalog | None = None,
    made_on: dt.date | None = None,
) -> Report:
    """Work out everything an export shows.

    made_on: the day to print; today when not given.
    """
    scenario, catalog = under_catalog(scenario, catalog)
    today = made_on or dt.datetime.now(tz=dt.UTC).date()
    return Report(scenario, catalog, evaluate(scenario, catalog), today)
