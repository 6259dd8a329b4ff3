import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.decision import evaluate
from llmplan.decision.hybrids import hybrid_rows
from llmplan.errors import InputError, UnknownNameError
from llmplan.growth import cash_flows
from llmplan.growth.options import candidate_options, incumbent_option, price_paths
from llmplan.scenario import Scenario

SCENARIO = Scenario(
    queries_per_day=200_000,
    model_ids=("llama-3.1-70b",),
    gpu_ids=("h100-sxm", "a100-80gb-sxm"),
    engine_ids=("vllm",),
)
CATALOG = load_catalog()
STILL = price_paths(CATALOG, 0.0, 0.0, 0.0)
VOLUME = np.full(12, 200_000.0)


def by_kind():
    return {
        o.option_id.partition("#")[2] or o.option_id: o
        for o in candidate_options(SCENARIO, CATALOG, STILL, VOLUME)
    }


def test_without_growth_and_change_a_month_costs_what_the_comparison_says():
    comparison = evaluate(SCENARIO, CATALOG)
    for option in candidate_options(SCENARIO, CATALOG, STILL, VOLUME):
        name, _, kind = option.option_id.partition("#")
        if kind not in ("", "rented") or name.startswith("hybrid:"):
            continue
        bill = cash_flows(option, VOLUME)[1:]
        place = comparison.options.index(name)
        expected = comparison.monthly_usd[1, place]
        if kind == "rented":  # the comparison spreads updates over the year; here there are none
            expected -= CATALOG.assumption("updates-per-year").base * STILL.update_usd / 12
        assert bill == pytest.approx(np.full(12, expected))


def test_a_hybrid_without_change_costs_what_the_comparison_says():
    scenario = SCENARIO.but(quality_floor=0.97)
    hybrid = next(
        o for o in candidate_options(scenario, CATALOG, STILL, VOLUME) if o.option_id.startswith("hybrid:")
    )
    row = next(row for row in hybrid_rows(scenario, CATALOG) if row["option_id"] == hybrid.option_id)
    updates = CATALOG.assumption("updates-per-year").base * STILL.update_usd / 12
    bills = cash_flows(hybrid, VOLUME)[1:]
    assert bills == pytest.approx(np.full(12, row["monthly_usd_base"] - updates))


def test_with_updates_the_year_costs_what_the_comparison_says():
    paths = price_paths(CATALOG, 0.0, 0.0)
    rented = next(
        o for o in candidate_options(SCENARIO, CATALOG, paths, VOLUME) if o.option_id.endswith("#rented")
    )
    comparison = evaluate(SCENARIO, CATALOG)
    expected = 12 * comparison.monthly_usd[1, comparison.options.index(rented.option_id.split("#")[0])]
    assert cash_flows(rented, VOLUME).sum() - rented.migration_usd == pytest.approx(expected)


def test_the_three_ways_to_have_a_fleet():
    kinds = by_kind()
    assert {"rented", "reserved", "bought"} <= set(kinds)
    assert kinds["bought"].migration_usd > kinds["rented"].migration_usd
    flows = cash_flows(kinds["bought"], VOLUME)
    assert flows[0] > 100_000  # servers come first
    assert flows[1:-1].max() < cash_flows(kinds["rented"], VOLUME)[1:].min()


def test_the_incumbent_pays_no_migration():
    first = incumbent_option(SCENARIO, CATALOG, STILL)
    assert first.option_id == "gpt-4o" and first.migration_usd == 0 and first.label.endswith("in place")
    assert incumbent_option(SCENARIO, CATALOG, STILL, "claude-sonnet-4-5").option_id == "claude-sonnet-4-5"
    with pytest.raises(UnknownNameError, match="incumbent"):
        incumbent_option(SCENARIO, CATALOG, STILL, "gpt-99")


def test_another_incumbent_where_the_reference_is_no_option():
    some = SCENARIO.but(api_ids=("claude-sonnet-4-5",))
    assert incumbent_option(some, CATALOG, STILL).option_id == "claude-sonnet-4-5"
    with pytest.raises(InputError, match="incumbent"):
        incumbent_option(some.but(data_stays_in_house=True), CATALOG, STILL)


def test_one_engineering_figure_holds_the_updates():
    plain = SCENARIO.but(engineering_usd_per_month=2_000)
    options = candidate_options(plain, CATALOG, price_paths(CATALOG), VOLUME)
    assert all(o.updates_per_year == 0 for o in options)
