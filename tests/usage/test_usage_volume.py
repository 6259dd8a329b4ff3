"""Volume in people's own units: each rule by hand, and back."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from llmplan.catalog import load_catalog
from llmplan.cli import app
from llmplan.cost.month import api_usd_per_query
from llmplan.errors import InputError
from llmplan.scenario import Scenario
from llmplan.usage.volume import CALLS, UNITS, queries_per_day_of_one, with_volume

CATALOG = load_catalog()
SCENARIO = Scenario(
    input_tokens=900, output_tokens=100, days_per_month=30, peak_to_mean=2, reference_api_id="gpt-4o"
)


def per_day(**units: Any) -> float:
    return with_volume(SCENARIO, units, CATALOG).scenario.queries_per_day


@pytest.mark.parametrize(
    ("units", "queries_per_day"),
    [
        ({"tokens_per_month": 30e6}, 1_000),
        ({"requests_per_s": 0.5}, 43_200),
        # 100 users in the busiest time ask every 50 s: 2 a second there, 1 a second on average.
        ({"concurrent_users": 100, "think_time_s": 50}, 86_400),
        ({"seats": 200, "prompts_per_day": 15}, 3_000),
        # Each prompt a task of 4 calls.
        ({"seats": 200, "prompts_per_day": 15, "calls_per_task": 4}, 12_000),
        ({"tasks_per_day": 500, "calls_per_task": 4}, 2_000),
    ],
)
def test_rules_by_hand(units: dict[str, Any], queries_per_day: float) -> None:
    assert per_day(**units) == pytest.approx(queries_per_day)


def test_a_bill_is_the_volume_that_costs_it() -> None:
    found = with_volume(SCENARIO, {"monthly_bill": 428.0, "model": "GPT-4o-mini-2024-07-18"}, CATALOG)
    price = CATALOG.api("gpt-4o-mini")
    assert found.scenario.reference_api_id == "gpt-4o-mini"
    usd = float(api_usd_per_query(price, 900, 100)) * found.scenario.queries_per_day * 30
    assert usd == pytest.approx(428.0)
    assert "428 USD/month" in found.rules[0]


def test_an_agent_reads_what_it_wrote() -> None:
    """Calls of 1,000, 1,300 and 1,600 tokens; the second and third find the call before them cached."""
    start = SCENARIO.but(input_tokens=1_000, queries_per_day=10)
    found = with_volume(start, {"calls_per_task": 3, "tokens_added_per_call": 300}, CATALOG).scenario
    assert (found.queries_per_day, found.input_tokens, found.input_tokens_p95) == (30, 1_300, 1_600)
    assert found.cached_input_share == pytest.approx(2_300 / 3_900)


@pytest.mark.parametrize(
    ("units", "field"),
    [
        ({"seats": 3}, "--prompts-per-day"),
        ({"concurrent_users": 3}, "--think-time-s"),
        ({"seats": 3, "prompts_per_day": 0}, "--prompts-per-day"),
        ({"requests_per_s": 1, "tokens_per_month": 5}, "--tokens-per-month and --requests-per-s"),
        ({"requests_per_s": -1}, "--requests-per-s"),
        ({"monthly_bill": 5, "model": "no-such-model"}, "--model"),
        ({"model": "gpt-4o"}, "--model"),
        ({"tasks_per_day": 9}, "--calls-per-task"),
        ({"tokens_added_per_call": 5}, "--tokens-added-per-call"),
    ],
)
def test_what_contradicts_itself_is_refused(units: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        per_day(**units)
    assert refused.value.field == field


@given(st.sampled_from(sorted(UNITS)), st.floats(1e-2, 1e6), st.floats(0.5, 100))
def test_every_unit_has_a_way_back(unit: str, amount: float, companion: float) -> None:
    needs = UNITS[unit].needs
    companions = {needs: math.ceil(companion) if needs == CALLS else companion} if needs else {}
    factor = queries_per_day_of_one(unit, SCENARIO, companions, CATALOG)
    if not 0 < amount * factor <= 1e9:
        return
    found = with_volume(SCENARIO, {unit: amount, **companions}, CATALOG).scenario
    back = queries_per_day_of_one(unit, found, companions, CATALOG)
    assert found.queries_per_day / back == pytest.approx(amount)


def test_every_command_takes_them_and_says_the_rule() -> None:
    command = ["compare", "--seats", "50", "--prompts-per-day", "20", "--gpu-ids", "l4", "--json"]
    done = CliRunner().invoke(app, command)
    assert json.loads(done.stdout)["scenario"]["queries_per_day"] == 1_000
    assert done.stderr == "50 seats = 1,000 queries/day: seats x prompts a day.\n"
    both = [*command, "--queries-per-day", "9"]
    assert "are volumes both" in str(CliRunner().invoke(app, both).exception)
