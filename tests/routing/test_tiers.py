"""More than two tiers: bounds against two, and the shell."""

import itertools
import json

import pytest
from typer.testing import CliRunner

from llmplan.cli import app
from llmplan.errors import InputError
from llmplan.routing.request import RouteRequest
from llmplan.routing.tiers import plan_tiers, tier_report
from llmplan.scenario import Scenario

SCENARIO = Scenario(
    queries_per_day=2_000_000,
    input_tokens=1000,
    output_tokens=200,
    gpu_ids=("h100-sxm", "l4"),
    engine_ids=("vllm",),
)
WEAK = ("llama-3.1-70b", "llama-3.1-8b")


def report_of(weak=WEAK, **rest):
    return tier_report(plan_tiers(RouteRequest(SCENARIO, **rest), weak))


@pytest.mark.parametrize("floor", [0.8, 0.93, 0.97, 1.0])
def test_three_tiers_hold_the_floor_and_beat_the_api_alone(floor):
    found = report_of(quality_floor=floor)
    assert found["quality"] >= floor - 1e-9
    assert found["monthly_usd"]["base"] <= found["all_strong_usd"] * (1 + 1e-12)
    assert sum(tier["share"] for tier in found["tiers"]) == pytest.approx(1)
    assert [tier["name"] for tier in found["tiers"]] == ["llama-3.1-8b", "llama-3.1-70b", "gpt-4o"]
    assert sum(found["breakdown"].values()) == pytest.approx(found["monthly_usd"]["base"])


def test_a_third_tier_never_hurts_where_its_configuration_stays():
    three = report_of(quality_floor=0.96, auc=0.8)["monthly_usd"]["base"]
    plan = plan_tiers(RouteRequest(SCENARIO, quality_floor=0.96, auc=0.8), WEAK)
    without = plan.policies.share[:, 0] == 0
    ok = without & (plan.quality >= 0.96)
    assert three <= plan.cost[1].total[ok, 0].min() * (1 + 1e-12)


def test_the_last_tier_has_the_apis_own_quality():
    found = report_of(quality_floor=0.0, strong_quality=1.2)
    assert max(row["quality"] for row in found["frontier"]) == pytest.approx(1.2)


def test_frontier_is_monotone_and_budget_kept():
    rows = report_of(quality_floor=0.9, auc=0.75)["frontier"]
    assert all(
        a["monthly_usd"] <= b["monthly_usd"] and a["quality"] < b["quality"]
        for a, b in itertools.pairwise(rows)
    )
    budget = rows[len(rows) // 2]["monthly_usd"]
    assert report_of(budget_usd=budget, auc=0.75)["monthly_usd"]["base"] <= budget


@pytest.mark.parametrize(
    "wrong",
    [
        {"share_weak": 0.5},
        {"threshold": 0.5},
        {"quality_floor": 3.0},
        {"budget_usd": 1.0},
        {"weak_usd_per_query": 0.1},
        {"availability": 0.99},
    ],
)
def test_values_against_rules(wrong):
    with pytest.raises(InputError):
        report_of(**wrong)


def test_shell():
    arguments = ["route", "--weak", ",".join(WEAK), "--queries-per-day", "2000000", "--quality-floor", "0.95"]
    found = json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert len(found["tiers"]) == 3 and found["fleet"]["name"] == "llama-3.1-8b"
    assert any("never errs" in note for note in found["notes"])
    with pytest.raises(InputError, match="two tiers"):
        CliRunner().invoke(app, [*arguments, "--verifier", "1,0"], catch_exceptions=False)
    assert "Tiers" in CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
