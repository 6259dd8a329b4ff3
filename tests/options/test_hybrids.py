"""Hybrids among the options: each agrees with the route planned for its pair alone."""

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.options.comparison import COLUMNS, options_of
from llmplan.options.hybrid import SPLITS, find_hybrids, hybrid_row, hybrid_rows
from llmplan.router.costs import Router
from llmplan.routing.plan import plan_route
from llmplan.routing.request import RouteRequest
from llmplan.scenario import Scenario

SCENARIO = Scenario(
    queries_per_day=300_000,
    input_tokens=2000,
    output_tokens=500,
    model_ids=("llama-3.1-8b", "llama-3.1-70b"),
    gpu_ids=("h100-sxm", "l40s"),
    engine_ids=("vllm",),
    api_ids=("gpt-4o", "gpt-4o-mini"),
)


def options():
    return options_of(SCENARIO)


@pytest.mark.parametrize("floor", [0.0, 0.9, 0.97])
def test_a_row_for_each_api_that_can(floor):
    rows = [hybrid_row(options(), hybrid) for hybrid in find_hybrids(options(), 300_000, floor)]
    assert rows and len({row["api_id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["kind"] == "hybrid" and set(row) - {"share_weak"} <= set(COLUMNS)
        assert row["quality"] >= floor - 1e-9
        assert row["monthly_usd_low"] <= row["monthly_usd_base"] <= row["monthly_usd_high"]
        assert row["replicas"] > 0 and row["gpus_total"] >= row["n_gpus"]


def test_rows_of_a_scenario_with_a_floor_may_have_a_weak_end_below_it():
    rows = hybrid_rows(SCENARIO.but(quality_floor=0.97))
    assert rows and all(row["quality"] >= 0.97 - 1e-9 for row in rows)
    by_id = {item.option_id: item for item in options().items}
    weak = [by_id[row["option_id"].removeprefix("hybrid:").partition("+")[0]].quality for row in rows]
    assert min(weak) < 0.97


def test_agrees_with_the_route_planned_alone():
    base = {row.assumption_id: row.base for row in load_catalog().router_assumptions.values()}
    found = find_hybrids(options(), 300_000, 0.96)
    assert found
    for hybrid in found:
        weak, strong = options().items[hybrid.weak], options().items[hybrid.strong]
        plan = plan_route(
            RouteRequest(
                SCENARIO,
                weak=weak.option_id,
                strong=strong.option_id,
                share_weak=hybrid.found.share_weak,
                auc=base["router-auc"],
                hard_share=base["hard-share"],
                hard_token_multiplier=base["hard-token-multiplier"],
                router=Router(base["router-usd-per-million"] / 1e6),
            )
        )
        assert plan.monthly_usd[1] == pytest.approx(hybrid.found.monthly_usd_base)
        assert plan.chosen_quality == pytest.approx(hybrid.found.quality)


def test_no_other_pair_or_split_is_cheaper():
    floor = 0.96
    best = find_hybrids(options(), 300_000, floor)[0].found.monthly_usd_base
    base = {row.assumption_id: row.base for row in load_catalog().router_assumptions.values()}
    for model in SCENARIO.model_ids:
        for api in SCENARIO.api_ids:
            try:
                plan = plan_route(
                    RouteRequest(
                        SCENARIO,
                        weak=model,
                        strong=api,
                        auc=base["router-auc"],
                        hard_share=base["hard-share"],
                        hard_token_multiplier=base["hard-token-multiplier"],
                        router=Router(base["router-usd-per-million"] / 1e6),
                        quality_floor=0.0,
                    )
                )
            except ValueError:
                continue
            inside = np.isin(np.round(plan.plan.share_weak, 6), np.round(SPLITS, 6))
            better = plan.sides.weak_quality[:, None] < plan.sides.strong_quality
            usd = np.where(better & inside & (plan.quality >= floor - 1e-9), plan.total_usd[1], np.inf)
            assert best <= usd.min() * (1 + 1e-9)


def test_none_where_nothing_may_leave():
    assert find_hybrids(options_of(SCENARIO.but(data_stays_in_house=True)), 300_000, 0.0) == []
