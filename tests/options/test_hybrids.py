"""Hybrids among the options: each agrees with the route planned for its pair alone."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.kinds import Kind
from llmplan.options.comparison import evaluate, options_of
from llmplan.options.comparison_rows import comparison_row
from llmplan.options.configurations import sized
from llmplan.options.fleet_api_pairs import SPLITS, hybrid_of, make_pairs, pairs_of
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
THINKING = SCENARIO.but(api_ids=("gpt-5", "gpt-5-mini"), ttft_limit_ms=None)


def hybrids(scenario: Scenario) -> list[dict]:
    found = evaluate(scenario)
    return [row for place in found.order if (row := comparison_row(found, place))["kind"] == "hybrid"]


def test_a_table_with_hybrids_ends_with_its_last_reader():
    """A page builds one at each change; of a circle through an array of functions none would ever go."""
    catalog = replace(load_catalog())
    found = evaluate(SCENARIO, catalog)
    assert "hybrid" in {found.options.items[place].kind for place in found.order}
    seen = weakref.ref(found.options)
    del catalog, found
    gc.collect()
    assert seen() is None


def test_of_other_tokens_tables_and_replicas_the_last_few_are_held():
    """The search for flips asks the whole catalog at a dozen token lengths beside a session: each takes some 50 MB."""
    catalog, seen = replace(load_catalog()), []
    for tokens in range(1_000, 9_000, 1_000):
        options = evaluate(SCENARIO.but(input_tokens=tokens), catalog).options
        rows, _ = sized(catalog, options.scenario)
        seen.append((weakref.ref(options), weakref.ref(rows), weakref.ref(rows.grid)))
    del options, rows
    gc.collect()
    for held in zip(*seen, strict=True):
        assert len({id(each()) for each in held} - {id(None)}) <= 3


@pytest.mark.parametrize("modes", [(), ("always_on", "autoscaled")])
@settings(max_examples=25, deadline=None)
@given(
    volume=st.floats(1e3, 3e7),
    floor=st.sampled_from([0.0, 0.6, 0.9, 1.0, 2.0]),
    price=st.floats(0.01, 100),
    below=st.sampled_from([np.inf, 2.0, 1.0, 0.5]),
)
def test_the_cheapest_hybrid_is_that_of_every_pair_and_split(modes, volume, floor, price, below):
    options = options_of(SCENARIO.but(billing_modes=modes))
    pairs = make_pairs(options, load_catalog(), prune=False)
    asked = SCENARIO.model_copy(update={"quality_floor": floor})
    pairs = pairs.of(replace(options, scenario=asked, usd_per_query=options.usd_per_query * price))
    total, fleets = pairs.total_usd(volume)
    total = np.where(pairs.allowed, total, np.inf)
    least = float(total.min())
    usd, route = pairs.cheapest(volume, least * below if below < np.inf else np.inf)
    if not least < least * below:
        assert usd == np.inf and route is None
    else:
        cell = np.unravel_index(int(np.argmin(total)), total.shape)
        assert usd == least and route == pairs.route(fleets, cell)


@pytest.mark.parametrize("floor", [0.0, 0.9, 0.97])
def test_a_row_for_each_api_that_can(floor):
    rows = [row for row in hybrids(SCENARIO.but(quality_floor=floor)) if row["split_by"] == "difficulty"]
    assert rows and len({row["api_id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["feasible"] and row["quality"] >= floor - 1e-9
        assert row["monthly_usd_low"] <= row["monthly_usd_base"] <= row["monthly_usd_high"]
        assert row["replicas"] > 0 and row["gpus_total"] >= row["n_gpus"]
        assert 0 < row["share_weak"] < 1 and 0 < row["utilisation"] <= 1


def test_rows_of_a_scenario_with_a_floor_may_have_a_weak_end_below_it():
    found = evaluate(SCENARIO.but(quality_floor=0.97))
    items = [item for item in found.options.items if item.kind == "hybrid"]
    assert items and all(item.quality >= 0.97 - 1e-9 for item in items)
    weak = [found.options.items[found.options.index(item.weak_id)] for item in items]
    assert min(item.quality for item in weak) < 0.97 and not all(item.feasible for item in weak)


def test_a_hybrid_at_a_fixed_split_costs_its_fleet_and_its_tokens_at_every_volume():
    found = evaluate(SCENARIO)
    place = next(p for p in found.order if found.options.items[p].split_by == "difficulty")
    item, options = found.options.items[place], found.options
    weak, strong = options.index(item.weak_id), options.index(item.api_id)
    volumes, load = np.array([1e3, 3e5, 2e7]), options.fleet_load[place]
    plan = pairs_of(found.alone, load_catalog()).plan
    split = int(np.argmin(np.abs(plan.share_weak - item.share_weak)))
    fleet = options.take([weak]).fleet_usd(volumes * load, 1)[0]
    each = options.usd_per_query[strong] * plan.api_queries_per_day[split] + plan.router_usd[split]
    expected = fleet + each * volumes * SCENARIO.days_per_month
    assert options.monthly_usd(volumes)[1, place] == pytest.approx(expected)


@pytest.mark.parametrize("scenario", [SCENARIO, THINKING])
def test_agrees_with_the_route_planned_alone(scenario):
    base = {row.assumption_id: row.base for row in load_catalog().router_assumptions.values()}
    rows = hybrids(scenario.but(quality_floor=0.96))
    ends = [row["option_id"].removeprefix("hybrid:").partition("+") for row in rows]
    efforts = {strong.partition("@")[2] for _, _, strong in ends}
    assert rows and (len(efforts) > 1 or scenario is SCENARIO)
    for row, (weak, _, strong) in zip(rows, ends, strict=True):
        if row["split_by"] != "difficulty":
            continue
        plan = plan_route(
            RouteRequest(
                scenario,
                weak=weak,
                strong=strong,
                share_weak=row["share_weak"],
                auc=base["router-auc"],
                hard_share=base["hard-share"],
                hard_token_multiplier=base["hard-token-multiplier"],
                router=Router(base["router-usd-per-million"] / 1e6),
            )
        )
        assert plan.monthly_usd[1] == pytest.approx(row["monthly_usd_base"])
        assert plan.chosen_quality == pytest.approx(row["quality"])


def test_no_other_pair_or_split_is_cheaper():
    floor = 0.96
    best = hybrids(SCENARIO.but(quality_floor=floor))[0]["monthly_usd_base"]
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
            usd = np.where(better & inside & (plan.assured >= floor - 1e-9), plan.total_usd[1], np.inf)
            assert best <= usd.min() * (1 + 1e-9)


def test_none_where_nothing_may_leave():
    at_home = SCENARIO.but(data_stays_in_house=True)
    assert hybrids(at_home) == [] and pairs_of(options_of(at_home), load_catalog()) is None


def test_a_share_that_is_next_to_nothing_is_not_said_to_be_none() -> None:
    items = options_of(SCENARIO).items
    fleet = next(item for item in items if item.kind == Kind.SELF_HOSTED)
    price = next(item for item in items if item.kind == Kind.API)
    ends = {
        share: hybrid_of(fleet, price, split_by="load", share_weak=1 - share).label for share in (2e-4, 0.034)
    }
    assert "peaks (under 0.1%) to" in ends[2e-4] and "peaks (3.4%) to" in ends[0.034]
