"""A scenario planned over months: who is in it, how each is paid for, who leads when."""

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.growth.autoscaling.planned import cheapest_week
from llmplan.growth.options import price_paths
from llmplan.growth.planning import OWN, GrowthPlan, family_of, plan_growth
from llmplan.scenario import load_scenario
from tests.serving import serving_plan

CATALOG = load_catalog()
SCENARIO = load_scenario("article-as-computed")


def a_plan(**more: object) -> GrowthPlan:
    paths = price_paths(CATALOG, 0.2, 0.1)
    return plan_growth(SCENARIO, CATALOG, np.full(12, SCENARIO.queries_per_day), paths, 0.08, **more)


@pytest.fixture(scope="module")
def plan() -> GrowthPlan:
    return a_plan()


def test_what_runs_today_comes_first_and_is_left_for_each_other(plan: GrowthPlan) -> None:
    assert plan.incumbent_id == SCENARIO.reference_api_id
    assert plan.families[plan.incumbent_id] == "incumbent"
    assert list(plan.switches) == [row.option_id for row in plan.time.options[1:]]
    assert {switch.incumbent_id for switch in plan.switches.values()} == {plan.incumbent_id}


def test_the_best_of_a_family_costs_least_in_present_money(plan: GrowthPlan) -> None:
    best = plan.best_of(OWN)
    own = {row.option_id: row.npv_usd for row in plan.time.options if plan.families[row.option_id] in OWN}
    assert best is not None and own[best] == min(own.values())
    assert plan.best_of(["no such family"]) is None


def test_the_leaders_cover_every_month_once(plan: GrowthPlan) -> None:
    runs = plan.leaders()
    assert [first for first, _, _ in runs] == [1, *(last + 1 for _, last, _ in runs[:-1])]
    assert runs[-1][1] == 12
    by_month = [key for first, last, key in runs for _ in range(first, last + 1)]
    assert tuple(by_month) == plan.time.leader_by_month


def test_a_way_to_pay_can_be_left_out_and_moving_has_one_cost_or_one_by_family() -> None:
    rented = a_plan(ways_to_own=("rented",), migration_usd={"rented": 1234.0})
    assert set(rented.families.values()) & set(OWN) == {"rented"}
    costs = {rented.families[key]: option.migration_usd for key, option in rented.options.items()}
    assert costs["rented"] == 1234.0 and costs["hybrid"] not in (0.0, 1234.0)
    same = a_plan(migration_usd=77.0)
    assert {option.migration_usd for key, option in same.options.items() if key in same.switches} == {77.0}


def test_families_are_read_from_ids() -> None:
    ids = ["gpt-4o", "hybrid:a+b", "model@fp8@gpu#bought"]
    assert [family_of(option_id, CATALOG) for option_id in ids] == ["api", "hybrid", "bought"]


def test_waiting_is_counted_from_the_best_month_and_within_the_plan(plan: GrowthPlan) -> None:
    for switch in plan.switches.values():
        month, usd = switch.cost_of_waiting(3)
        assert month == min((switch.best_month or 0) + 3, 11)
        assert usd == switch.cost_of_waiting_usd[month] >= 0


def test_the_cheapest_week_is_of_the_fleet_that_operations_plan() -> None:
    found = cheapest_week(SCENARIO, CATALOG)
    assert found is not None
    assert found.serving == serving_plan(SCENARIO, CATALOG)
    always, _, scaled, _ = found.week.modes
    assert found.week.autoscaling_saves_usd == always.usd_per_month - scaled.usd_per_month
    assert cheapest_week(SCENARIO.but(quality_floor=1.5), CATALOG) is None
