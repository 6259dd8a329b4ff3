"""Comparison on the shipped catalog: what must hold whatever the figures are."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import Catalog, load_catalog
from llmplan.errors import UnknownNameError
from llmplan.growth.options import price_paths, rented_option
from llmplan.kinds import Kind
from llmplan.options import compare, cost_curves, decision_map, evaluate, options_of, volume_axis
from llmplan.options.comparison_rows import comparison_row, comparison_rows
from llmplan.options.configurations import is_useful_format
from llmplan.options.offers import offers_of
from llmplan.risk.draws import monthly_usd
from llmplan.risk.problem import problem_from, realise
from llmplan.scenario import Scenario

SMALL = Scenario(
    model_ids=("llama-3.1-8b", "llama-3.1-70b", "mistral-large-2", "deepseek-v3"),
    gpu_ids=("a100-80gb-sxm", "h100-sxm", "t4"),
    engine_ids=("vllm", "tensorrt-llm"),
)


def test_the_table_is_sorted_and_its_ranges_are_ordered() -> None:
    table = compare(SMALL)
    inside = table[table.feasible]
    assert inside.monthly_usd_base.is_monotonic_increasing
    assert (inside.monthly_usd_low <= inside.monthly_usd_base).all()
    assert (inside.monthly_usd_base <= inside.monthly_usd_high).all()
    assert table.option_id.is_unique


def test_a_hosted_open_model_is_called_by_its_host_and_no_two_options_alike() -> None:
    table = compare(SMALL.but(model_ids=(), gpu_ids=("t4",)))
    hosted = table[table.kind == "hosted"]
    assert not set(hosted.model_id) <= set(load_catalog().models)
    name = load_catalog().provider_name
    assert all(f" at {name(row.provider)}" in row.label for row in hosted.itertuples())
    assert not hosted.label.str.contains(" API").any()
    assert table.label[table.kind.isin(["hosted", "api"])].is_unique


def test_every_option_that_is_out_says_why_and_none_that_is_in() -> None:
    table = compare(SMALL.but(quality_floor=0.9))
    assert all(
        bool(reasons) != feasible for reasons, feasible in zip(table.reasons, table.feasible, strict=True)
    )
    gone = [a.api_id for a in load_catalog().apis.values() if a.status == "historical"]
    assert not table[table.option_id.isin(gone)].feasible.any()
    assert (table[table.feasible].quality >= 0.9).all()


def test_the_recommended_is_the_cheapest_feasible() -> None:
    found = evaluate(SMALL)
    inside = [i for i, item in enumerate(found.options.items) if item.feasible]
    best = min(found.monthly_usd[1, i] for i in inside)
    assert found.recommended is not None
    assert found.monthly_usd[1, found.order[0]] == best


@settings(max_examples=12, deadline=None)
@given(
    volume=st.floats(100, 2e7),
    floor=st.sampled_from([0.0, 0.9, 1.05]),
    spare=st.integers(0, 2),
    cap=st.integers(1, 64),
)
def test_what_is_worked_out_for_a_few_options_is_what_the_whole_table_says(
    volume: float, floor: float, spare: int, cap: int
) -> None:
    asked = SMALL.but(queries_per_day=volume, quality_floor=floor, spare_replicas=spare, max_gpus=cap)
    found = evaluate(asked)
    items, order = found.options.items, list(found.order)
    keys = found.monthly_usd[1], found.gpus_total, items.preference
    assert order == sorted(order, key=lambda place: tuple(key[place] for key in keys))
    assert set(order) == set(np.flatnonzero(items.feasible & np.isfinite(found.monthly_usd[1])).tolist())
    assert (found.n_feasible, found.best) == (len(order), next(iter(order), None))
    assert found.best_usd == (found.monthly_usd[1, order[0]] if order else math.inf)
    for kind in Kind:
        assert found.cheapest(kind) == next((place for place in order if items.kind[place] == kind), None)
    first = {(items.kind[place], items.model_id[place]): place for place in reversed(order)}
    assert set(found.first_of_each(*items.kind_and_model).tolist()) == set(first.values())
    assert sorted(first.values(), key=order.index) == found.first_of_each(*items.kind_and_model).tolist()
    few = order[::7]
    assert np.array_equal(found.monthly_of(few), found.monthly_usd[:, few])
    assert np.array_equal(found.gpus_of(few), found.gpus_total[few])


def test_unit_prices_follow_from_the_month() -> None:
    row = compare(SMALL.but(queries_per_day=10_000, input_tokens=1000, output_tokens=500)).set_index(
        "option_id"
    )
    gpt = row.loc["gpt-4o"]
    assert gpt.monthly_usd_base == pytest.approx(2250)
    assert gpt.usd_per_query == pytest.approx(0.0075)
    assert gpt.usd_per_mtok == pytest.approx(5.0)


def test_rows_agree_with_the_curves() -> None:
    table = compare(SMALL).set_index("option_id")
    chosen = list(table.index[table.feasible][:5])
    curves = cost_curves(SMALL, chosen, np.array([SMALL.queries_per_day]))
    assert curves.monthly_usd[1, :, 0] == pytest.approx(table.loc[chosen].monthly_usd_base.to_numpy())


def test_nothing_leaves_the_house_when_data_must_stay() -> None:
    table = compare(SMALL.but(data_stays_in_house=True))
    assert set(table[table.feasible].kind) == {"self_hosted"}


def test_licences_bind_by_users_and_by_commerce() -> None:
    crowd = compare(SMALL.but(monthly_active_users=800_000_000))
    assert not crowd[crowd.model_id == "llama-3.1-8b"].feasible.any()
    free = compare(SMALL.but(commercial_use=False))
    assert free[free.model_id == "mistral-large-2"].feasible.any()


def test_llama_4_is_not_granted_to_companies_of_the_eu() -> None:
    ours = SMALL.but(model_ids=("llama-4-scout", "llama-3.1-8b"))
    for eu, models in ((False, {"llama-4-scout", "llama-3.1-8b"}), (True, {"llama-3.1-8b"})):
        table = compare(ours.but(eu_company=eu))
        assert set(table[table.feasible & (table.kind == "self_hosted")].model_id) == models


def test_hardware_facts_reach_the_table() -> None:
    table = compare(SMALL)
    turing = table[table.gpu_id == "t4"]
    assert not turing.precision_id.isin(["bf16", "fp8"]).any()
    assert not table[table.gpu_id == "a100-80gb-sxm"].precision_id.isin(["fp8"]).any()
    assert not turing.engine_id.isin(["tensorrt-llm"]).any()


def test_own_gpu_price_and_own_engineering_replace_the_catalogs() -> None:
    mine = SMALL.but(gpu_usd_per_hour={"h100-sxm": 1.0}, engineering_usd_per_month=0, spare_replicas=0)
    table = compare(mine)
    row = table[(table.gpu_id == "h100-sxm") & table.feasible].iloc[0]
    assert row.monthly_usd_base == pytest.approx(row.replicas * row.n_gpus * 720)
    assert row.provider == "own price"


def test_a_price_of_ones_own_moves_the_api() -> None:
    table = compare(SMALL.but(api_output_usd_per_mtok={"gpt-4o": 0}, output_tokens=500)).set_index(
        "option_id"
    )
    assert table.loc["gpt-4o"].usd_per_query == pytest.approx(1000 * 2.5 / 1e6)


def test_aws_sells_h100_in_eights() -> None:
    catalog = load_catalog()
    offers = offers_of(catalog, SMALL.but(gpu_providers=("aws",)), "h100-sxm", 2)
    assert [offer.gpus_per_instance for offer in offers] == [8]
    assert offers[0].replicas_per_instance(2) == 4


def test_of_equally_dear_formats_the_better_one_is_recommended() -> None:
    """Twelve gigabytes or five: one T4 is rented either way, so the format that loses least wins."""
    found = evaluate(
        Scenario(
            model_ids=("llama-3.1-8b",),
            precision_ids=("w3a16", "w4a16", "int8"),
            gpu_ids=("t4",),
            engine_ids=("vllm",),
            queries_per_day=100,
            ttft_limit_ms=None,
            tpot_limit_ms=None,
            data_stays_in_house=True,
        )
    )
    tied = [i for i in found.order if found.monthly_usd[1, i] == found.monthly_usd[1, found.order[0]]]
    items = [found.options.items[i] for i in tied]
    assert {item.precision_id for item in items} == {"w3a16", "w4a16", "int8"}
    assert [item.quality for item in items] == sorted((item.quality or 0 for item in items), reverse=True)


def test_regions_find_a_providers_own_names_and_say_what_is_out() -> None:
    """Azure's eastus is in the us, its northeurope in the eu; nothing in the table rents an A10G there."""
    us = offers_of(load_catalog(), Scenario(regions=("us",)), "a100-80gb-pcie", 1)
    assert "azure" in {offer.provider for offer in us}
    eu = offers_of(load_catalog(), Scenario(regions=("eu",)), "a100-80gb-pcie", 1)
    assert {(offer.provider, offer.region) for offer in eu} == {("azure", "northeurope")}
    table = compare(Scenario(regions=("eu",), model_ids=("llama-3.1-8b",), gpu_ids=("a10g",)))
    reasons = {reason for row in table[table.kind == "self_hosted"].reasons for reason in row}
    assert "no on demand price for this GPU from any provider in region eu" in reasons
    with pytest.raises(UnknownNameError, match="mars"):
        compare(Scenario(regions=("mars",)))


def test_useful_formats_are_smaller_than_the_checkpoint() -> None:
    catalog = load_catalog()
    v3, h100 = catalog.model("deepseek-v3"), catalog.gpu("h100-sxm")
    assert is_useful_format(catalog, v3, catalog.precision("fp8"), h100)
    assert not is_useful_format(catalog, v3, catalog.precision("bf16"), h100)
    llama, t4 = catalog.model("llama-3.1-8b"), catalog.gpu("t4")
    assert is_useful_format(catalog, llama, catalog.precision("fp16"), t4)
    assert not is_useful_format(catalog, llama, catalog.precision("bf16"), t4)


def test_cost_never_falls_with_volume() -> None:
    options = options_of(SMALL)
    usd = options.monthly_usd(np.geomspace(100, 1e7, 300))
    finite = np.isfinite(usd[1, :, 0])
    assert (np.diff(usd[:, finite], axis=2) >= -1e-9).all()


def test_a_higher_price_or_a_lower_ceiling_never_makes_self_hosting_cheaper() -> None:
    def usd(**changes: object) -> float:
        found = evaluate(SMALL.but(**changes))
        place = found.cheapest("self_hosted")
        assert place is not None
        return float(found.monthly_usd[1, place])

    assert usd(utilisation_ceiling=0.5) >= usd(utilisation_ceiling=0.9)
    assert usd(peak_to_mean=4) >= usd(peak_to_mean=1)
    assert usd(spare_replicas=3) >= usd(spare_replicas=0)


def test_the_map_names_the_cheapest_of_each_cell() -> None:
    volumes = volume_axis(9)
    found = decision_map(SMALL, volumes)
    assert list(found.quality) == sorted(found.quality, reverse=True)
    assert "mistral-large-2" not in found.model_ids
    usd = found.options.monthly_usd(volumes, sides=(1,))[0]
    qualities: dict[str, list[float]] = {}
    for item in found.options.items:
        if item.kind == "self_hosted" and item.feasible:
            qualities.setdefault(item.model_id, []).append(item.quality or 0.0)
    for row in range(len(found.model_ids)):
        for column in range(len(volumes)):
            place = found.option_place[row, column]
            assert usd[place, column] == pytest.approx(found.monthly_usd[row, column], rel=1e-12)
            item = found.options.items[place]
            assert item.feasible
            as_good = item.quality is not None and item.quality >= max(qualities[found.model_ids[row]])
            assert item.model_id == found.model_ids[row] or (item.kind in ("api", "hybrid") and as_good)
    assert not found.unrivalled.any()


def test_the_map_marks_models_that_no_token_price_reaches() -> None:
    free = SMALL.but(api_ids=("gpt-4o-mini",), model_ids=("llama-3.1-8b", "llama-3.1-70b"))
    found = decision_map(free, volume_axis(5))
    qualities = [
        max(o.quality or 0.0 for o in found.options.items if o.kind == "self_hosted" and o.model_id == m)
        for m in found.model_ids
    ]
    (mini,) = [o.quality for o in found.options.items if o.kind == "api"]
    assert mini is not None
    assert list(found.unrivalled) == [quality > mini for quality in qualities] == [True, False]
    assert (found.kind[0] == 2).all() and np.isnan(found.saving[0]).all()


def test_dates_on_the_table_come_from_the_data() -> None:
    catalog = load_catalog()
    known = {row.as_of for row in catalog.gpu_prices} | {row.as_of for row in catalog.apis.values()}
    table = compare(SMALL)
    assert set(table.prices_as_of.dropna()) <= known
    assert all(isinstance(day, dt.date) for day in table.prices_as_of.dropna())
    assert all(source in catalog.sources for ids in table.source_ids for source in ids)


def test_utilisation_stays_under_the_ceiling() -> None:
    table = compare(SMALL)
    loads = [u for u in table.utilisation if not math.isnan(u)]
    assert loads
    assert max(loads) <= SMALL.utilisation_ceiling + 1e-9


def test_an_unknown_context_is_not_unlimited() -> None:
    asked = SMALL.but(min_context_tokens=10_000_000)
    apis = load_catalog().apis
    contexts = [
        apis[evaluate(asked).options.items[p].option_id].max_context_tokens for p in evaluate(asked).order
    ]
    assert all(tokens is not None and tokens >= 10_000_000 for tokens in contexts)
    unknown = [
        item for item in evaluate(asked).options.items if "context not known" in " ".join(item.reasons)
    ]
    assert all(item.kind in ("api", "hosted") for item in unknown)


def test_no_engineering_is_zero_engineering() -> None:
    """A given 0 leaves rent and tokens alone; the catalog's lines come with no figure."""
    with_lines, without = evaluate(SMALL), evaluate(SMALL.but(engineering_usd_per_month=0))
    own = np.flatnonzero(without.options.is_self_hosted & np.isfinite(without.monthly_usd[1]))
    assert without.options.hidden.usd(8, 1) == 0 < with_lines.options.hidden.usd(8, 1)
    assert (without.monthly_usd[1, own] < with_lines.monthly_usd[1, own]).all()


def test_what_may_wait_flattens_the_fleet_and_drops_its_targets() -> None:
    """Halving the urgent queries halves the peak; where all may wait, targets that no replica keeps matter no more."""
    urgent, half = evaluate(SMALL.but(peak_to_mean=4)), evaluate(SMALL.but(peak_to_mean=4, batch_share=0.5))
    own = np.flatnonzero(urgent.options.is_self_hosted & urgent.options.feasible)
    assert half.options.per_replica[1, own] == pytest.approx(2 * urgent.options.per_replica[1, own])
    tight = SMALL.but(tpot_limit_ms=0.01)
    assert not evaluate(tight).options.feasible[own].any()
    assert evaluate(tight.but(batch_share=1)).options.feasible[own].any()


@settings(deadline=None, max_examples=6)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 10), st.floats(1e3, 1e6))
def test_a_higher_batch_share_never_costs_more(a: float, b: float, peak: float, volume: float) -> None:
    less, more = (
        options_of(SMALL.but(batch_share=share, peak_to_mean=peak)).monthly_usd(volume, sides=(1,))[0, :, 0]
        for share in sorted((a, b))
    )
    assert (more <= less * (1 + 1e-12)).all()


@pytest.mark.parametrize("unit", ["USD/month", "USD once", "USD/replica-month", "USD/GPU-hour", "USD/query"])
def test_a_cost_line_of_any_unit_is_one_row(unit: str) -> None:
    """Options, draws and the plan over months all pay it."""
    catalog = load_catalog()
    row = catalog.assumption("monitoring-usd-per-month")
    changes = {"assumption_id": "mine", "unit": unit, "low": 60.0, "base": 60.0, "high": 60.0}
    other = catalog.with_record(row.model_copy(update=changes))
    asked = SMALL.but(data_stays_in_house=True)
    found, more = evaluate(asked, catalog), evaluate(asked, other)
    place = found.order[0]
    times = {
        "USD/month": 1.0,
        "USD once": 1 / 36,
        "USD/replica-month": found.replicas[place],
        "USD/GPU-hour": found.gpus_total[place] * 720,
        "USD/query": found.queries_per_month,
    }
    added = 60.0 * times[unit]
    assert more.monthly_usd[1, place] - found.monthly_usd[1, place] == pytest.approx(added)
    drawn = [problem_from(each, at) for each, at in ((found, catalog), (more, other))]
    base = [monthly_usd(p, realise(p, p.base_draw()))[p.base_place, 0] for p in drawn]
    assert base[1] - base[0] == pytest.approx(added if more.order[0] == place else base[1] - base[0])
    if unit == "USD/query":
        return
    months = [
        rented_option(each.alone, each.options.items[place].option_id, at, price_paths(at))
        for each, at in ((found, catalog), (more, other))
    ]
    volumes = np.array([asked.queries_per_day])
    usd = [sum(float(part.usd_per_month(volumes)[0]) for part in option.parts) for option in months]
    assert usd[1] - usd[0] == pytest.approx(added)


def test_rows_made_together_are_those_made_alone(catalog: Catalog) -> None:
    own = {
        "model_ids": ("llama-3.1-8b", "llama-3.1-70b"),
        "gpu_ids": ("h100-sxm", "l40s"),
        "engine_ids": ("vllm",),
    }
    sold = {"api_ids": ("gpt-4o", "gpt-4o-mini", "azure/gpt-4.1"), "api_commitments": ("1_month",)}
    scenario = SMALL.but(queries_per_day=300_000, output_tokens=500, tpot_limit_ms=20, **own, **sold)
    alone, together = (evaluate(scenario, replace(catalog)) for _ in range(2))
    places = np.random.default_rng(5).permutation(len(together.options)).tolist()
    assert {together.options.items.kind[place] for place in places} >= {"api", "self_hosted", "hybrid"}
    assert together.units.any() and not together.options.feasible.all()
    for place, row in zip(places, comparison_rows(together, places), strict=True):
        np.testing.assert_equal(row, comparison_row(alone, place))
        assert together.options.items[place] == alone.options.items[place]
