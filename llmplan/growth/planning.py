"""A scenario planned over months: what runs today, all that one could switch to, and when to switch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.growth.candidates import candidate_options, moved_for
from llmplan.growth.cash import ForcedMove, PlanOption, cash_flows
from llmplan.growth.options import PricePaths, incumbent_option, price_paths, with_forced_move
from llmplan.growth.paths import compound_volumes
from llmplan.growth.switching import SwitchPlan, switch_plan
from llmplan.growth.timeline import TimePlan, net_present_usd, time_plan
from llmplan.scenario import Scenario
from llmplan.wording import Currency

INCUMBENT = "incumbent"
OWN = ("rented", "reserved", "bought")
"""Ways to pay for one's own fleet."""
FAMILIES = (INCUMBENT, "api", "hosted", *OWN, "hybrid")
PLAN_MONTHS = 36
"""Months of a plan that nothing else is said of."""


@dataclass(frozen=True, eq=False)
class GrowthPlan:
    """The plan over months of one scenario.

    Attributes
    ----------
    time: every option over the months, the incumbent first.
    options: what they cost, by option id.
    families: option id -> incumbent, api, hosted, rented, reserved, bought or hybrid.
    switches: leaving the incumbent, by the option taken in its place.
    """

    time: TimePlan
    options: dict[str, PlanOption]
    families: dict[str, str]
    switches: dict[str, SwitchPlan]

    @property
    def incumbent_id(self) -> str:
        return self.time.options[0].option_id

    def best_of(self, families: Collection[str]) -> str | None:
        """Return the option of least net present cost among some families; None where there is none."""
        rows = [row for row in self.time.options if self.families[row.option_id] in families]
        return min(rows, key=lambda row: row.npv_usd).option_id if rows else None

    @property
    def today_label(self) -> str:
        """What runs today."""
        return self.time.options[0].label.removesuffix(", in place")

    @property
    def best_own(self) -> SwitchPlan | None:
        """The switch to the self-hosted option of least present cost; None where none is feasible."""
        option_id = self.best_of(OWN)
        return None if option_id is None else self.switches[option_id]

    def best_of_each(self) -> dict[str, str]:
        """Return what runs today and the best of each family, option id -> family, in the order of `FAMILIES`."""
        best = {family: self.best_of([family]) for family in FAMILIES}
        return {option_id: family for family, option_id in best.items() if option_id is not None}

    @property
    def forced_moves(self) -> dict[str, ForcedMove]:
        """The options whose price ends within the plan, and where to they then have to move."""
        return {key: option.forced for key, option in self.options.items() if option.forced is not None}

    def forced_usd(self, option_id: str) -> float:
        """Return what the end of an option's price adds to its present cost. [USD]"""
        lasting = cash_flows(replace(self.options[option_id], forced=None), self.time.queries_per_day)
        return self.time.option(option_id).npv_usd - net_present_usd(lasting, self.time.discount_per_year)

    def leaders(self) -> list[tuple[int, int, str]]:
        """Return (first month, last month, option id) of the least cumulative cost, months from 1."""
        runs, month = [], 1
        for option_id, group in groupby(self.time.leader_by_month):
            count = len(list(group))
            runs.append((month, month + count - 1, option_id))
            month += count
        return runs


def plan_growth(
    scenario: Scenario,
    catalog: Catalog,
    queries_per_day: Floats,
    paths: PricePaths,
    discount_per_year: float,
    incumbent: str | None = None,
    migration_usd: float | Mapping[str, float] | None = None,
    ways_to_own: Sequence[str] = OWN,
) -> GrowthPlan:
    """Return a scenario's plan over the months of `queries_per_day`.

    Parameters
    ----------
    incumbent: API that runs today; by default the reference API.
    migration_usd: one-off cost of moving to any other option, or by its family; None: the catalog's. [USD]
    ways_to_own: the ways to pay for GPUs that count.

    Raises
    ------
    InputError: where a volume, a rate or a cost breaks its rule.
    """
    months = len(queries_per_day)
    first = incumbent_option(scenario, catalog, paths, incumbent)
    first = with_forced_move(first, scenario, catalog, paths, months)
    options, families = {first.option_id: first}, {first.option_id: INCUMBENT}
    for option in candidate_options(scenario, catalog, paths, queries_per_day):
        family = family_of(option.option_id, catalog)
        if option.option_id in options or (family in OWN and family not in ways_to_own):
            continue
        sum_usd = migration_usd.get(family) if isinstance(migration_usd, Mapping) else migration_usd
        moved = with_forced_move(moved_for([option], sum_usd)[0], scenario, catalog, paths, months)
        options[option.option_id], families[option.option_id] = moved, family
    time = time_plan(list(options.values()), queries_per_day, discount_per_year)
    others = list(options.values())[1:]
    switches = [switch_plan(first, option, queries_per_day, discount_per_year) for option in others]
    return GrowthPlan(time, options, families, {switch.candidate_id: switch for switch in switches})


def base_plan(scenario: Scenario, catalog: Catalog) -> GrowthPlan:
    """Return the plan under the catalog's base assumptions; InputError where nothing can run today."""
    growth, discount = (
        catalog.assumption(name).base for name in ("volume-growth-per-month", "capital-cost-per-year")
    )
    path = compound_volumes(scenario.queries_per_day, growth, PLAN_MONTHS)
    return plan_growth(scenario, catalog, path, price_paths(catalog), discount)


def family_of(option_id: str, catalog: Catalog) -> str:
    """Return how an option is paid for."""
    if option_id.startswith("hybrid:"):
        return "hybrid"
    if "#" in option_id:
        return option_id.rpartition("#")[2]
    api = catalog.api(option_id.partition("@")[0])
    return "hosted" if api.kind == "hosted_open" else "api"


def forced_lines(plan: GrowthPlan, money: Currency) -> list[str]:
    """Say of each price that ends within the plan when, where to it moves and what that adds."""
    lines = []
    for option_id, move in plan.forced_moves.items():
        usd = plan.forced_usd(option_id)
        lines.append(
            f"{plan.time.option(option_id).label}: its price ends on {move.ends_on}, which forces a move to "
            f"{move.to.label} in month {move.month + 1}; one-off {money.short(move.to.migration_usd)}, over the plan "
            f"{money.short(abs(usd))} {'more' if usd >= 0 else 'less'} in present money than if it lasted."
        )
    return lines
