"""A price that ends within the plan forces a move, whose cost is the plan's."""

import datetime as dt

import numpy as np
import pytest
from markupsafe import escape

from llmplan.app.pages.growth_parts import Planned, forced_moves
from llmplan.catalog import load_catalog
from llmplan.growth.cash import CostPart, ForcedMove, PlanOption, cash_flows
from llmplan.growth.options import months_left, price_paths
from llmplan.growth.planning import forced_lines, plan_growth
from llmplan.growth.switching import switch_plan
from llmplan.scenario import Scenario
from llmplan.wording import DOLLAR

VOLUMES = np.full(6, 100.0)


def flat(option_id: str, usd: float, migration_usd: float = 0.0) -> PlanOption:
    return PlanOption(
        option_id, option_id, (CostPart("tokens", lambda v: v * usd),), migration_usd=migration_usd
    )


DEARER = flat("dearer", 3.0, 500.0)
ENDING = PlanOption(
    "ending", "ending", flat("", 1.0).parts, forced=ForcedMove(dt.date(2027, 1, 20), 2, DEARER)
)


def test_it_pays_its_own_price_then_the_move_then_the_others() -> None:
    assert cash_flows(ENDING, VOLUMES).tolist() == [0, 100, 600, 300, 300, 300, 300]
    assert cash_flows(ENDING, VOLUMES, 0, 2).tolist() == [0, 100, 100, 0, 0, 0, 0]
    assert cash_flows(ENDING, VOLUMES, 3).tolist() == [0, 0, 0, 500, 300, 300, 300]


def test_leaving_before_the_end_saves_the_forced_move() -> None:
    """2.00 a query elsewhere for 300 once: 200 + 300 + 4 x 200 against 200 + 500 + 4 x 300."""
    plan = switch_plan(ENDING, flat("other", 2.0, 300.0), VOLUMES, 0.0)
    assert plan.best_month == 2
    assert plan.saving_usd == pytest.approx(1_900 - 1_300)


@pytest.mark.parametrize(
    ("day", "months"), [("2027-01-27", 2), ("2027-01-26", 1), ("2026-11-30", 0), ("2026-01-01", 0)]
)
def test_whole_months_that_are_left(day: str, months: int) -> None:
    price = load_catalog().api("gpt-4o").model_copy(update={"ends_on": dt.date.fromisoformat(day)})
    assert months_left(price, dt.date(2026, 11, 27)) == months
    assert months_left(price.model_copy(update={"ends_on": None}), dt.date(2026, 11, 27)) is None


def test_a_plan_moves_todays_api_when_it_ends() -> None:
    catalog = load_catalog()
    ending = catalog.api("gpt-4o").model_copy(update={"ends_on": catalog.today + dt.timedelta(days=70)})
    catalog = catalog.with_record(ending)
    scenario = Scenario(api_ids=("gpt-4o", "gpt-4o-mini"), model_ids=("llama-3.1-8b",), gpu_ids=("l4",))
    catalog = catalog.with_record(catalog.api("gpt-4o-mini").model_copy(update={"ends_on": None}))
    found = plan_growth(scenario, catalog, np.full(12, 1_000.0), price_paths(catalog), 0.08)
    move = found.forced_moves[found.incumbent_id]
    assert (move.month, move.to.option_id) == (2, "gpt-4o-mini")
    lines = forced_lines(found, DOLLAR)
    assert f"ends on {ending.ends_on}" in lines[0] and "month 3" in lines[0]
    assert escape(lines[0]) in forced_moves(Planned(found, DOLLAR, ""))
    assert move.to.migration_usd == catalog.assumption("one-off-hosted-usd").base
