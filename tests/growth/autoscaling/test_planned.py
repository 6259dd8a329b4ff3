import pytest

from llmplan.catalog import load_catalog
from llmplan.growth.autoscaling.planned import give_back_factor, planned_week
from llmplan.options import options_of
from llmplan.scenario import Scenario
from tests.serving import serving_plan

CATALOG = load_catalog()
SCENARIO = Scenario(
    queries_per_day=2_000_000, model_ids=("llama-3.1-8b",), gpu_ids=("l4",), engine_ids=("vllm",)
)


def test_a_planned_fleet_through_the_week():
    plan = serving_plan(SCENARIO, CATALOG)
    planned = planned_week(plan, SCENARIO, CATALOG, 1.0, fallback_usd_per_query=0.001)
    always, window, scaled, zero = planned.modes
    assert always.peak_replicas == pytest.approx(
        plan.replicas, abs=1
    )  # the peak minute is a little below the hour
    assert always.usd_per_month == pytest.approx(always.peak_replicas * plan.n_gpus * 720)
    assert scaled.usd_per_month < always.usd_per_month
    assert zero.usd_per_month <= scaled.usd_per_month
    assert window.fallback_usd_per_month > 0
    assert planned.policy.scale_up_lag_s == plan.start_s


def test_a_quiet_weekend_needs_a_larger_peak():
    plan = serving_plan(SCENARIO, CATALOG)
    even = planned_week(plan, SCENARIO, CATALOG, 1.0).modes[2]
    quiet = planned_week(plan, SCENARIO, CATALOG, 1.0, weekend_factor=0.2).modes[2]
    assert quiet.peak_replicas >= even.peak_replicas  # the same volume in five days


def test_hours_that_are_given_back_are_not_reserved():
    scenario = SCENARIO.but(gpu_ids=("h100-sxm",), gpu_price_kind="reserved_1y")
    plan = serving_plan(scenario, CATALOG)
    always, _, scaled, _ = planned_week(plan, scenario, CATALOG, 2.0).modes
    on_demand = serving_offer(scenario.but(gpu_price_kind="on_demand"), plan.option_id)
    hours = plan.n_gpus * scaled.replica_hours_per_month
    assert scaled.usd_per_month == pytest.approx(hours * on_demand)
    assert always.usd_per_month == pytest.approx(always.replica_hours_per_month * plan.n_gpus * 2.0)
    spot = scenario.but(gpu_price_kind="spot")
    assert give_back_factor(plan.option_id, spot, CATALOG, 2.0) == 1


def serving_offer(scenario, option_id):
    options = options_of(scenario, CATALOG)
    return options.items[options.index(option_id)].offers[1].usd_per_gpu_hour
