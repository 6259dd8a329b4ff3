import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.cost.ownership import cheapest_servers, ownership_terms
from llmplan.errors import InputError, UnknownNameError
from llmplan.growth import cash_flows
from llmplan.growth.candidates import candidate_options
from llmplan.growth.cash import part_bills
from llmplan.growth.options import incumbent_option, price_paths
from llmplan.options import evaluate
from llmplan.options.comparison_rows import comparison_row
from llmplan.scenario import Scenario, load_scenario

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
    found = evaluate(scenario, CATALOG)
    row = comparison_row(found, found.options.index(hybrid.option_id))
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


def test_buying_and_reserving_are_compared_where_the_cheapest_to_rent_is_not_for_sale():
    """The cheapest rented GPUs at this volume have no price to buy; others do, and a term is priced for one."""
    scenario = load_scenario("support-chat").but(queries_per_day=800_000)
    volume = np.full(12, 800_000.0)
    options = candidate_options(scenario, CATALOG, STILL, volume)
    by_way = {
        way: [o for o in options if o.option_id.endswith(way)] for way in ("rented", "reserved", "bought")
    }
    assert all(by_way.values()) and len({o.option_id for o in options}) == len(options)
    sold = {row.gpu_id for row in CATALOG.gpu_purchases}
    table = evaluate(scenario, CATALOG).options
    for bought in by_way["bought"]:
        assert table.items[table.index(bought.option_id.partition("#")[0])].gpu_id in sold
    assert all(
        part.term_months == 12 for o in by_way["reserved"] for part in o.parts if part.name == "GPU rent"
    )


def test_a_scenario_that_reserves_is_bound_by_its_term():
    options = candidate_options(SCENARIO.but(gpu_price_kind="reserved_1y"), CATALOG, STILL, VOLUME)
    fleets = [o for o in options if any(part.name == "GPU rent" for part in o.parts)]
    assert fleets and not any(o.option_id.endswith("#rented") for o in fleets)
    assert all(part.term_months == 12 for o in fleets for part in o.parts if part.name == "GPU rent")
    shrinking = np.linspace(900_000, 1_000, 12)  # what is reserved stays paid
    bill = part_bills(next(p for p in fleets[0].parts if p.name == "GPU rent"), shrinking, 0, 12)[0]
    assert bill == pytest.approx(np.full(12, bill[0]))


def test_units_of_an_api_cost_what_the_comparison_says_and_bind_for_their_term():
    asked = SCENARIO.but(api_commitments=("1_month", "1_year"), api_ids=("azure/gpt-4.1",))
    options = candidate_options(asked, CATALOG, STILL, VOLUME)
    (reserved,) = [o for o in options if "@ptu" in o.option_id]
    found = evaluate(asked, CATALOG)
    place = next(p for p in found.order if found.options.is_reserved[p])
    assert reserved.option_id == found.options.items[place].option_id
    assert cash_flows(reserved, VOLUME)[1:] == pytest.approx(np.full(12, found.monthly_usd[1, place]))
    units = next(part for part in reserved.parts if part.name == "reserved units")
    bill = part_bills(units, np.linspace(900_000, 1_000, 12), 0, 12)[0]
    assert units.term_months == 12 and bill == pytest.approx(np.full(12, bill[0]))


def test_the_servers_to_buy_are_the_cheapest_of_all():
    """Brute force: every feasible option of the comparison, bought for the middle volume."""
    scenario, volume = SCENARIO.but(model_ids=("llama-3.1-8b",)), np.full(3, 900_000.0)
    options = candidate_options(scenario, CATALOG, STILL, volume)
    comparison = evaluate(scenario.but(queries_per_day=900_000), CATALOG)
    terms = ownership_terms(CATALOG)
    each = []
    for place, item in enumerate(comparison.options.items):
        if item.kind == "self_hosted" and item.feasible:
            replicas = int(comparison.replicas[place])
            gpu = CATALOG.gpu(item.gpu_id)
            choice = cheapest_servers(CATALOG.gpu_purchases, gpu, item.n_gpus, replicas, terms, 720)
            if choice is not None:
                each.append((choice.usd_per_month, choice.capital_usd))
    upfront = [cash_flows(o, volume)[0] - o.migration_usd for o in options if o.option_id.endswith("#bought")]
    assert min(each)[1] in [pytest.approx(usd) for usd in upfront]


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
