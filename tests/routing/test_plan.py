"""A scenario routed: the article's case, the fleet's staircase, what the report says of it."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from llmplan.catalog import data_dir, load_catalog
from llmplan.cli import app
from llmplan.errors import InputError, LlmplanError, UnknownNameError
from llmplan.router.costs import Router, Traffic
from llmplan.router.queries import read_queries
from llmplan.routing.by_task import task_report
from llmplan.routing.cascade import cascade_report
from llmplan.routing.plan import plan_route
from llmplan.routing.report import route_report
from llmplan.routing.request import RouteRequest
from llmplan.scenario import Scenario

SCENARIO = Scenario(queries_per_day=200_000, input_tokens=1500, output_tokens=400)
UNIT = {"weak_usd_per_query": 0.001, "strong_usd_per_query": 0.015}


def report_of(scenario=SCENARIO, **rest):
    return route_report(plan_route(RouteRequest(scenario, **rest)))


def test_article_hybrid():
    found = report_of(share_weak=0.7, **UNIT)
    assert found["usd_per_query"] == pytest.approx(0.0052)
    assert found["saving_pct"] == pytest.approx(65.3, abs=0.05)
    assert found["share_weak"] == 0.7 and found["fleet"]["option_id"] is None


def test_fleet_is_sized_for_its_share():
    whole, part = (report_of(share_weak=share)["fleet"] for share in (1.0, 0.3))
    assert part["replicas"] > 0
    assert (
        whole["usd_per_query"] * 200_000 > part["usd_per_query"] * 60_000
    )  # other cards may need as many replicas
    assert part["queries_per_day"] == pytest.approx(60_000)
    # A fleet of whole replicas costs more a query when it carries less.
    assert part["usd_per_query"] > whole["usd_per_query"]
    assert report_of(share_weak=0.0)["fleet"]["replicas"] == 0


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_pure_ends_and_parts_add_up(share):
    traffic = Traffic(exact_hits=0.1, semantic_hits=0.2, usd_per_lookup=1e-5, fallback=0.03)
    found = report_of(share_weak=share, traffic=traffic, router=Router(1e-5), hard_token_multiplier=1.2)
    assert sum(found["breakdown"].values()) == pytest.approx(found["monthly_usd"]["base"])
    assert found["monthly_usd"]["low"] <= found["monthly_usd"]["base"] <= found["monthly_usd"]["high"]
    if share == 0:
        assert found["monthly_usd"]["base"] == pytest.approx(found["all_strong_usd"])
        assert found["breakdown"]["router_usd"] == pytest.approx(0)


def test_error_matrix_over_the_target_split():
    found = report_of(share_weak=0.7, accuracy=0.9, **UNIT)
    assert found["share_weak"] == pytest.approx(0.7 * 0.9 + 0.3 * 0.1)
    errors = found["misrouting"]
    assert errors["hard_sent_down_share"] == pytest.approx(0.03, abs=1e-4)
    assert errors["easy_sent_up_share"] == pytest.approx(0.07, abs=1e-4)
    assert found["quality"] == pytest.approx(1 - 0.1 * (1 - found["weak_quality"]), abs=1e-4)
    assert errors["strong_usd_for_easy"] == pytest.approx(0.07 * 0.015 * 6e6, rel=2e-3)


def test_a_lopsided_error_matrix_by_hand():
    found = report_of(share_weak=0.7, error_matrix=(0.95, 0.2), weak_quality=0.9, strong_quality=1.0, **UNIT)
    assert found["share_weak"] == pytest.approx(1 - (0.3 * 0.95 + 0.7 * 0.2))
    assert found["misrouting"]["hard_sent_down_share"] == pytest.approx(0.015)
    assert found["misrouting"]["easy_sent_up_share"] == pytest.approx(0.14)
    assert found["quality"] == pytest.approx(1 - 0.05 * 0.1)
    assert found["misrouting"]["quality_lost"] == pytest.approx(0.05 * 0.1)
    assert found["usd_per_query"] == pytest.approx(0.001 * 0.575 + 0.015 * 0.425)


def test_what_a_fleet_cannot_take_spills():
    up, down = (report_of(share_weak=0.7, availability=a) for a in (1.0, 0.9))
    assert up["fallback"]["share"] == 0 and up["breakdown"]["fallback_usd"] == 0
    assert 0 < down["fallback"]["share"] < 0.1
    spilled = down["fallback"]["share"] * 0.7 * SCENARIO.queries_per_day * 30
    unit = down["all_strong_usd"] / SCENARIO.queries_per_day / 30
    assert down["breakdown"]["fallback_usd"] == pytest.approx(spilled * unit)
    assert sum(down["breakdown"].values()) == pytest.approx(down["monthly_usd"]["base"])
    spares = report_of(SCENARIO.but(spare_replicas=3), share_weak=0.7, availability=0.9)
    assert spares["fallback"]["share"] < down["fallback"]["share"]
    unit_price = report_of(share_weak=0.7, availability=0.9, **UNIT)
    assert unit_price["fallback"]["share"] == pytest.approx(0.1)


def test_latency_is_said_where_it_is_known():
    plan = plan_route(
        RouteRequest(SCENARIO, share_weak=0.7, router=Router(latency_ms=20), strong_latency_ms=9000)
    )
    item = plan.sides.item(plan.way)
    weak = item.ttft_ms + item.lengths.output * item.tpot_ms
    found = route_report(plan)["latency"]
    assert found["mean_ms"] == pytest.approx(20 + 0.7 * weak + 0.3 * 9000)
    cascade = cascade_report(plan, 0.9, 0.2, verifier_latency_ms=50)
    assert cascade["latency"]["before_escalation_ms"] == pytest.approx(weak + 50)
    assert cascade["latency"]["mean_ms"] == pytest.approx(weak + 50 + cascade["escalated"] * 9000)
    assert report_of(share_weak=0.7)["latency"]["mean_ms"] is None
    assert report_of(share_weak=1.0)["latency"]["mean_ms"] > 0
    assert report_of(share_weak=0.7, **UNIT)["latency"] == {
        "weak_ms": None,
        "strong_ms": None,
        "mean_ms": None,
    }
    for wrong in ({"verifier_usd_per_query": -1}, {"verifier_latency_ms": float("nan")}):
        with pytest.raises(InputError):
            cascade_report(plan, 0.9, 0.2, **wrong)


@pytest.mark.parametrize("floor", [0.9, 0.96, 0.98, 0.995, 1.0])
def test_more_accurate_is_never_dearer_and_never_beaten_by_a_pure_option(floor):
    usd = [report_of(quality_floor=floor, accuracy=a)["monthly_usd"]["base"] for a in (0.6, 0.8, 0.9, 1.0)]
    assert all(one >= other * (1 - 1e-12) for one, other in pairwise(usd))
    plan = plan_route(RouteRequest(SCENARIO, quality_floor=floor, accuracy=0.6))
    pure = np.where(plan.assured[:, [0, -1]] >= floor - 1e-9, plan.total_usd[1][:, [0, -1]], np.inf)
    assert plan.monthly_usd[1] <= pure.min() * (1 + 1e-12)
    assert plan.chosen_quality >= floor - 1e-9


@pytest.mark.parametrize("accuracy", [0.6, 0.8, 0.95])
def test_regret_is_what_an_oracle_and_a_coin_would_cost(accuracy):
    found = report_of(share_weak=0.7, accuracy=accuracy, weak_quality=0.9, strong_quality=1.0, **UNIT)
    recall, month = accuracy, 6_000_000
    # The oracle sends up .3 x recall of the queries, a coin recall of them, for the same quality.
    oracle, coin = (month * (0.001 + 0.014 * up) for up in (0.3 * recall, recall))
    base = found["monthly_usd"]["base"]
    assert found["regret"]["to_oracle_usd"] == pytest.approx(base - oracle, rel=1e-3)
    assert found["regret"]["saving_on_random_usd"] == pytest.approx(coin - base, rel=1e-3)


def test_frontier_is_monotone():
    rows = report_of(accuracy=0.8)["frontier"]
    assert len(rows) > 5
    for one, other in pairwise(rows):
        assert other["monthly_usd"] >= one["monthly_usd"] and other["quality"] > one["quality"]


def test_threshold_budget_and_default():
    assert report_of(threshold=0.5)["share_weak"] == pytest.approx(1 - 0.292)
    found = report_of(budget_usd=30_000, accuracy=0.8)
    assert found["monthly_usd"]["base"] <= 30_000
    assert report_of()["quality"] >= 0.95


def test_volume_from_which_it_is_worth():
    found = report_of(share_weak=0.7)["worth_from_queries_per_day"]
    first = found["first"]
    at, before = (
        report_of(
            SCENARIO.but(queries_per_day=float(volume)),
            share_weak=0.7,
            weak=report_of(share_weak=0.7)["fleet"]["option_id"],
        )
        for volume in (first, first - 1)
    )
    assert at["monthly_usd"]["base"] < at["all_strong_usd"]
    assert before["monthly_usd"]["base"] >= before["all_strong_usd"]
    assert found["formula"] <= first + 1


def test_small_model_at_an_api_as_the_weak_end():
    found = report_of(weak="gpt-4o-mini", share_weak=0.5)
    assert found["fleet"]["basis"] == "unit price" and found["saving_pct"] > 0


def test_by_task_and_residency():
    scenario = SCENARIO.but(task_mix={"classification": 1, "complex-reasoning": 1})
    plan = plan_route(RouteRequest(scenario, quality_floor=0.9))
    free, bound = (task_report(plan, load_catalog(), kept) for kept in ((), ("classification",)))
    assert free["floor_reached"] and free["monthly_usd"] is not None
    beyond = task_report(replace(plan, request=replace(plan.request, quality_floor=1.5)), load_catalog())
    assert not beyond["floor_reached"] and beyond["monthly_usd"] is None
    assert {row["goes_to"] for row in beyond["rows"]} == {"strong"}
    assert {row["task"] for row in free["rows"]} == {"classification", "complex-reasoning"}
    assert free["quality"] >= 0.9 and bound["shadow_price_usd"] >= 0
    assert next(row for row in bound["rows"] if row["task"] == "classification")["goes_to"] == "weak"


def test_a_task_goes_up_that_loses_more_than_it_may():
    scenario = SCENARIO.but(queries_per_day=2_000_000, task_mix={"classification": 1, "content": 1})
    plan = plan_route(RouteRequest(scenario, quality_floor=0.5))

    def rows_of(**rest):
        return {row["task"]: row for row in task_report(plan, load_catalog(), **rest)["rows"]}

    assert {row["goes_to"] for row in rows_of().values()} == {"weak"}
    strict = rows_of(tolerance={"content": 0.05})
    assert strict["content"]["goes_to"] == "strong" and not strict["content"]["within_tolerance"]
    assert strict["classification"]["goes_to"] == "weak"
    floors = plan_route(RouteRequest(scenario.but(task_quality_floors={"content": 0.95}), quality_floor=0.5))
    assert task_report(floors, load_catalog())["rows"][1]["goes_to"] == "strong"
    with pytest.raises(InputError, match="tolerance and residency"):
        rows_of(tolerance={"content": 0.05}, stays_in_house=["content"])


def test_long_tasks_cost_more_and_fill_the_fleet_more():
    scenario = SCENARIO.but(task_mix={"classification": 3, "code": 1})
    plan = plan_route(RouteRequest(scenario, quality_floor=0.9))
    alike, longer = (task_report(plan, load_catalog(), work=work) for work in ({}, {"code": 5}))
    usd = [{row["task"]: row["strong_monthly_usd"] for row in found["rows"]} for found in (alike, longer)]
    # The mean query stays the scenario's: 3/4 at 1/2 and 1/4 at 5/2 of it.
    assert sum(usd[0].values()) == pytest.approx(sum(usd[1].values()))
    assert usd[1]["code"] == pytest.approx(2.5 * usd[0]["code"])
    for wrong in ({"code": 0.0}, {"nothing": 1.0}):
        with pytest.raises((InputError, UnknownNameError)):
            task_report(plan, load_catalog(), work=wrong)


@pytest.fixture(scope="module")
def measured():
    return read_queries(data_dir() / "router_eval.csv")["mmlu_pro_llama31_70b_vs_gpt4o"]


def test_measured_queries_in_place_of_a_classifier(measured):
    found = report_of(share_weak=0.7, queries=measured, query_router="lr", **UNIT)
    up, score = np.zeros(len(measured), bool), measured.scores["lr"]
    up[np.argsort(-score, kind="stable")[: round(0.3 * len(score))]] = True
    strong = 0.015 * measured.strong_usd[up].sum() / measured.strong_usd.sum()
    weak = 0.001 * measured.weak_usd[~up].sum() / measured.weak_usd.sum()
    # Routed queries are 30 % dearer than the mean: the article's $0.0052 becomes $0.0064.
    assert found["usd_per_query"] == pytest.approx(strong + weak, rel=1e-3)
    assert found["usd_per_query"] == pytest.approx(0.0064, abs=1e-4)
    recovered = (
        np.where(up, measured.strong_quality, measured.weak_quality).mean() - measured.weak_quality.mean()
    ) / (measured.strong_quality.mean() - measured.weak_quality.mean())
    assert (found["quality"] - found["weak_quality"]) / (1 - found["weak_quality"]) == pytest.approx(
        recovered, abs=1e-3
    )
    assert found["misrouting"]["recall"] == pytest.approx(0.437, abs=1e-3)


def test_regret_on_measured_queries(measured):
    found = report_of(share_weak=0.7, queries=measured, query_router="lr", **UNIT)
    gained = found["quality"] - found["weak_quality"]
    # A coin sends up the share of the gap that is to be gained; an oracle, one to one, far fewer.
    share = gained / (1 - found["weak_quality"])
    coin = 6e6 * (0.001 + 0.014 * share)
    base = found["monthly_usd"]["base"]
    assert found["regret"]["saving_on_random_usd"] == pytest.approx(coin - base, abs=0.011 * 6e6 * 0.014)
    assert found["regret"]["to_oracle_usd"] > 0.3 * base


def test_own_queries_with_labels_and_tokens(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("label,in_tok,out_tok\n" + "easy,500,100\nhard,1500,300\neasy,500,100\n" * 10)
    given = ("--queries", str(path), "--share", "0.6666666666666667", "--json")
    unit = ("--weak-usd-per-query", "0.001", "--strong-usd-per-query", "0.01")
    found = json.loads(run(*given, *unit).stdout)
    # The labels find every hard query, and these make three fifths of the tokens.
    assert found["quality"] == pytest.approx(1) and found["misrouting"]["recall"] == pytest.approx(1)
    assert found["usd_per_query"] == pytest.approx(0.001 * 0.4 + 0.01 * 0.6)
    plain = tmp_path / "plain.csv"
    plain.write_text("complexity\n" + "0.1\n0.9\n0.4\n" * 10)
    found = json.loads(run("--queries", str(plain), *given[2:], *unit).stdout)
    assert found["usd_per_query"] == pytest.approx(0.001 * 2 / 3 + 0.01 / 3)


def test_measured_queries_without_a_gap_or_beside_a_classifier(measured):
    worse = replace(measured, strong_quality=measured.weak_quality)
    for wrong in (
        {"queries": worse},
        {"queries": measured, "auc": 0.7},
        {"queries": measured, "query_router": "x"},
    ):
        with pytest.raises(InputError):
            report_of(share_weak=0.7, **wrong, **UNIT)


def test_as_a_cascade():
    plan = plan_route(RouteRequest(SCENARIO, share_weak=0.7, weak_quality=0.8, strong_quality=1.0, **UNIT))
    found = cascade_report(plan, 0.9, 0.25, 0.0005)
    assert found["escalated"] == pytest.approx(0.08 + 0.15)
    assert found["quality"] == pytest.approx(0.72 + 0.08 + 0.15)
    # Every query pays the weak model and the verifier, an escalated one the strong model too.
    assert found["usd_per_query"] == pytest.approx(0.001 + 0.0005 + 0.23 * 0.015)
    fleet = plan_route(RouteRequest(SCENARIO, share_weak=1.0))
    assert cascade_report(fleet, 1.0, 1.0)["monthly_usd"]["base"] == pytest.approx(fleet.monthly_usd[1])


def test_a_bare_split_does_not_pay_with_its_format():
    plan = plan_route(RouteRequest(SCENARIO, share_weak=0.7))
    assert plan.sides.weak_quality.min() >= 0.97 * plan.sides.weak_quality.max()


@pytest.mark.parametrize(
    "wrong",
    [
        {"share_weak": 1.2},
        {"share_weak": float("nan")},
        {"share_weak": 0.5, "quality_floor": 0.9},
        {"quality_floor": 3.0},
        {"budget_usd": 1.0},
        {"accuracy": 0.2},
        {"accuracy": 0.0},
        {"error_matrix": (0.1, 0.5)},
        {"error_matrix": (0.9, 0.1), "accuracy": 0.9},
        {"hard_token_multiplier": 0.0},
        {"strong_usd_per_query": 1e300},
        {"strong_quality": 1e300},
        {"hard_token_multiplier": float("inf")},
        {"availability": 1.5},
        {"availability": 0.99, "traffic": Traffic(fallback=0.1)},
        {"strong_latency_ms": float("nan")},
        {"accuracy": 0.9, "auc": 0.9},
        {"hard_share": 0.001},
        {"weak": "llama-3.1-70"},
        {"strong": "gpt-5000"},
        {"weak": "llama-3.1-405b@bf16@8xnothing@vllm"},
        {"weak_quality": float("nan")},
        {"splits": 1},
    ],
)
def test_values_against_rules(wrong):
    with pytest.raises((InputError, UnknownNameError)):
        report_of(**wrong)


def run(*arguments):
    return CliRunner().invoke(app, ["route", *arguments], catch_exceptions=False)


def test_shell_prints_one_document():
    result = run(
        "--weak-usd-per-query", "0.001", "--strong-usd-per-query", "0.015", "--share", "0.7", "--json"
    )
    found = json.loads(result.stdout)
    keys = {"share_weak", "monthly_usd", "usd_per_query", "quality", "fleet", "all_strong_usd", "saving_pct"}
    assert keys | {"breakdown", "frontier"} <= set(found)
    assert set(found["monthly_usd"]) == {"low", "base", "high"}
    assert found["usd_per_query"] == pytest.approx(0.0052)


def test_shell_prints_tables():
    result = run(
        "--queries-per-day", "100000", "--share", "0.7", "--task-mix", "article-70-30", "--verifier", "1,0"
    )
    assert result.exit_code == 0
    assert "As a cascade" in result.stdout and "complex-reasoning" in result.stdout
    assert "Misrouting" in result.stdout and "Cheaper than the API alone" in result.stdout


def test_a_folder_of_ones_own_assumptions_is_used(tmp_path):
    rows = (data_dir() / "router_assumptions.csv").read_text()
    (tmp_path / "router_assumptions.csv").write_text(rows.replace("0.168,0.292,0.3,", "0.168,0.2,0.3,"))
    found = json.loads(run("--threshold", "0.5", "--data", str(tmp_path), "--json").stdout)
    assert found["share_weak"] == pytest.approx(0.8)


def test_shell_takes_tolerances_and_lengths_by_task():
    mix = ("--queries-per-day", "2000000", "--quality-floor", "0.5", "--task-mix", "article-match", "--json")
    rows = json.loads(run(*mix).stdout)["tasks"]["rows"]
    # The preset lets a task lose 5 %; first drafts lose more on the 70B.
    assert {row["task"]: row["goes_to"] for row in rows if not row["within_tolerance"]}["content"] == "strong"
    loose = json.loads(run(*mix, "--task-tolerance", "content:0.5", "--task-tokens", "content:3").stdout)
    content = next(row for row in loose["tasks"]["rows"] if row["task"] == "content")
    assert content["within_tolerance"] and content["goes_to"] == "weak"
    kept = json.loads(run(*mix, "--keep-in-house", "content").stdout)["tasks"]
    assert next(row for row in kept["rows"] if row["task"] == "content")["goes_to"] == "weak"
    assert kept["shadow_price_usd"] is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("--task-mix", "code:x"),
        ("--task-mix", "nothing"),
        ("--verifier", "0.9"),
        ("--error-matrix", "0.9"),
        ("--task-tolerance", "code"),
        ("--task-tokens", "nothing:2"),
        ("--availability", "2"),
        ("--verifier", "2,1"),
        ("--share", "2"),
    ],
)
def test_shell_errors(arguments):
    with pytest.raises(LlmplanError):
        run(*arguments)
