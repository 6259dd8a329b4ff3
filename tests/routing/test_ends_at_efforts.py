"""Ends of a route at an effort: priced, scored and sized as the option of that id."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from llmplan.catalog import load_catalog
from llmplan.cli import app
from llmplan.errors import UnknownNameError
from llmplan.options.comparison import options_of
from llmplan.options.standing import prices_at_efforts, standing_at, today_id
from llmplan.routing.by_task import task_report
from llmplan.routing.cascade import cascade_report
from llmplan.routing.plan import plan_route
from llmplan.routing.report import route_report
from llmplan.routing.request import RouteRequest
from llmplan.routing.sides import find_sides, is_token_price, token_end
from llmplan.routing.tiers import plan_tiers
from llmplan.scenario import Scenario

CATALOG = load_catalog()
SCENARIO = Scenario(queries_per_day=200_000, input_tokens=1500, output_tokens=400)


@pytest.fixture(scope="module")
def ids() -> tuple[str, ...]:
    return tuple(prices_at_efforts(SCENARIO, CATALOG).option_ids)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_both_ends_are_the_options_of_their_ids(ids: tuple[str, ...], data: st.DataObject) -> None:
    weak, strong = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
    every = options_of(SCENARIO, CATALOG)
    scenario = SCENARIO.but(reference_api_id="gpt-4o")
    sides = find_sides(RouteRequest(scenario, weak, strong, share_weak=0.5), CATALOG)
    one, other = every.index(weak), every.index(strong)
    assert sides.options is None
    assert sides.weak_usd_per_query == pytest.approx(every.usd_per_query[one])
    assert sides.strong_usd_per_query == pytest.approx(every.usd_per_query[other])
    found = every.items.moments(np.array([one, other]))
    assert [sides.weak_quality[0], sides.strong_quality] == pytest.approx(found[0])
    assert [sides.weak_sd[0], sides.strong_sd] == pytest.approx(found[1])


def test_a_strong_end_at_an_effort_by_hand() -> None:
    price = CATALOG.api("gpt-5")
    standing = standing_at(SCENARIO, CATALOG, price, "minimal")
    tokens_in, tokens_out = 1500 * standing.input_factor.base, 400 * standing.output_factor.base
    usd = (tokens_in * price.input_usd_per_mtok + tokens_out * price.output_usd_per_mtok) / 1e6
    plan = plan_route(RouteRequest(SCENARIO, "gpt-4o-mini", "gpt-5@minimal", share_weak=0.5))
    assert plan.sides.strong_usd_per_query == pytest.approx(usd)
    assert plan.sides.strong_quality == standing.quality
    assert plan.all_strong_usd == pytest.approx(usd * 200_000 * 30)
    default = plan_route(RouteRequest(SCENARIO, "gpt-4o-mini", "gpt-5", share_weak=0.5))
    assert default.sides.strong_usd_per_query > 1.5 * usd  # it thinks


def test_a_cascade_at_efforts_by_hand() -> None:
    plan = plan_route(RouteRequest(SCENARIO, "gpt-5-mini@minimal", "gpt-5@high", share_weak=1.0))
    weak, strong = (token_end(SCENARIO, CATALOG, name) for name in ("gpt-5-mini@minimal", "gpt-5@high"))
    right = weak[1].quality / strong[1].quality
    up = right * 0.1 + (1 - right) * 0.8
    found = cascade_report(plan, 0.9, 0.2, 0.0005)
    assert found["escalated"] == pytest.approx(up)
    assert found["usd_per_query"] == pytest.approx(weak[0] + 0.0005 + up * strong[0])
    assert found["quality"] == pytest.approx((right * 0.9 + up) * strong[1].quality)


def test_a_fleet_at_an_effort_has_no_other() -> None:
    patient = SCENARIO.but(ttft_limit_ms=None)
    any_effort, low = (
        find_sides(RouteRequest(patient, weak, quality_floor=0.5), CATALOG).options
        for weak in ("gpt-oss-20b", "gpt-oss-20b@low")
    )
    assert any_effort is not None and low is not None
    assert set(any_effort.items.effort) == {"low", "medium", "high"} and set(low.items.effort) == {"low"}
    tiers = plan_tiers(RouteRequest(SCENARIO, auc=0.8, quality_floor=0.9), ["llama-3.1-8b", "qwen3-32b@none"])
    assert tiers.names == ("llama-3.1-8b", "qwen3-32b@none", "gpt-4o")
    assert str(tiers.option_ids[1]).endswith("@none")


def test_a_model_that_bears_the_id_of_a_price() -> None:
    assert is_token_price("glm-5", CATALOG) and is_token_price("glm-5@none", CATALOG)
    assert not is_token_price("glm-5@", CATALOG)
    options = find_sides(RouteRequest(SCENARIO, "glm-5@", share_weak=0.5), CATALOG).options
    assert options is not None and set(options.items.model_id) == {"glm-5"}
    one = options.items[0].option_id
    exact = find_sides(RouteRequest(SCENARIO, one, share_weak=0.5), CATALOG).options
    assert exact is not None and list(exact.items.option_id) == [one]


@pytest.mark.parametrize("effort", [None, "high", "minimal"])
def test_what_runs_today_is_asked_as_today_and_is_the_measure(effort: str | None) -> None:
    scenario = SCENARIO.but(reference_api_id="gpt-5", reference_effort=effort)
    plan = plan_route(RouteRequest(scenario, "gpt-4o-mini", "gpt-5", share_weak=0.5))
    assert plan.sides.strong_quality == 1
    assert token_end(scenario, CATALOG, today_id(scenario, CATALOG))[1].quality == 1
    tasks = task_report(plan, CATALOG)
    assert tasks is not None and {row["strong_quality"] for row in tasks["rows"]} == {1.0}
    other = "low" if effort != "low" else "high"
    assert token_end(scenario, CATALOG, f"gpt-5@{other}")[1].quality != 1


def test_a_price_that_is_sold_at_one_effort_is_asked_at_it() -> None:
    price = CATALOG.api("x-ai/grok-4.20-none")
    usd, found = token_end(SCENARIO, CATALOG, price.api_id)
    assert found == standing_at(SCENARIO, CATALOG, price, "none")
    thinking = token_end(SCENARIO, CATALOG, "x-ai/grok-4.20-thinking")
    assert usd < thinking[0] and found.quality < thinking[1].quality
    with pytest.raises(UnknownNameError, match="effort"):
        token_end(SCENARIO, CATALOG, f"{price.api_id}@thinking")


@pytest.mark.parametrize(
    "end", ["--strong gpt-5@hi", "--weak gpt-5@hi", "--strong gpt-4o@high", "--strong x@low"]
)
def test_efforts_that_are_no_option_are_refused(end: str) -> None:
    found = CliRunner().invoke(app, ["route", *end.split()])
    assert found.exit_code != 0 and "is not a known" in str(found.exception or found.output)


def test_the_shell_says_the_same() -> None:
    flags = ["--weak", "gpt-5-mini@minimal", "--strong", "gpt-5@low", "--share", "0.6"]
    shell = json.loads(
        CliRunner().invoke(app, ["route", "--queries-per-day", "200000", *flags, "--json"]).stdout
    )
    scenario = Scenario(queries_per_day=200_000)
    plan = plan_route(RouteRequest(scenario, "gpt-5-mini@minimal", "gpt-5@low", share_weak=0.6))
    assert shell["monthly_usd"] == pytest.approx(route_report(plan)["monthly_usd"])
