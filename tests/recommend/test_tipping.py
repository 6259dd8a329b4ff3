"""Tipping points: they flip the recommendation, nothing nearer does, and scenarios agree with arrays."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.options import Options, evaluate
from llmplan.options import options_of as catalog_options
from llmplan.recommend.tipping import flip_search as tipping_inputs
from llmplan.recommend.tipping import inputs_of, tipping_points
from llmplan.recommend.tipping.expected import expected_ranges
from llmplan.recommend.tipping.flip_search import PAIRS_KEPT, CheapestOfAll, Input, cheapest, contenders
from llmplan.recommend.tipping.load import load_inputs, quality_input, volume_input
from llmplan.recommend.tipping.points import tip
from llmplan.recommend.tipping.prices import gpu_price_input, price_inputs
from llmplan.recommend.tipping.tokens import MOST_FLEETS, shortlist
from llmplan.risk.tokens import with_tokens
from llmplan.scenario import Scenario
from tests.risk.synthetic_options import Fleet, options_of

NAMES = ("model_id", "precision_id", "gpu_id", "n_gpus", "engine_id")
SMALL = Scenario().but(
    name="small",
    queries_per_day=60_000,
    api_ids=("gpt-4o",),
    model_ids=("llama-3.1-8b", "qwen3-8b"),
    gpu_ids=("l4", "a100-80gb-sxm", "h100-sxm"),
    engine_ids=("vllm",),
)

fleets = st.builds(
    Fleet,
    each=st.floats(20, 2000),
    rent=st.floats(50, 3000),
    per=st.sampled_from([1, 2, 8]),
    gpus=st.sampled_from([1, 8]),
    quality=st.sampled_from([None, 0.6, 0.8, 0.95]),
)


def made(rows: list[Fleet], volume: float, spare: int) -> Options:
    scenario = Scenario(spare_replicas=spare, utilisation_ceiling=0.7, peak_to_mean=2, queries_per_day=volume)
    usd = {"a": 0.02, "host/b": 0.008}
    return options_of(usd, rows, scenario, (50,) * 3, (300,) * 3, qualities={"a": 1.0, "host/b": 0.7})


def kind_at(row: Input, value: float) -> str | None:
    item = row.recommended(value)
    return None if item is None else item.kind


def check(row: Input) -> None:
    """Compare what was found with every value of a dense scan, and with both sides of the edge."""
    found = tip(row)
    before = kind_at(row, row.base)
    scan = np.unique(np.concatenate([np.geomspace(max(row.low, 1e-3), row.high, 300), [row.low]]))
    scan = np.unique(np.round(scan)) if row.whole else scan
    for point, side in ((found.below, scan[scan < row.base][::-1]), (found.above, scan[scan > row.base])):
        side = side[(side >= row.low) & (side <= row.high)]
        if point is not None:  # what lies beyond it may be anything
            side = side[abs(side - row.base) < abs(point.value - row.base)]
        different = next((v for v in side if kind_at(row, float(v)) != before), None)
        if point is None:
            assert different is None, (row.input_id, different)
            continue
        assert kind_at(row, point.value) == point.kind != before
        assert kind_at(row, point.last_value) == before
        assert kind_at(row, point.shown) != before
        assert abs(point.shown - row.base) >= abs(point.value - row.base)
        assert abs(point.value - point.last_value) <= (1 if row.whole else 1e-8 * abs(point.value) + 1e-12)
        if different is not None:
            assert abs(point.value - row.base) <= abs(different - row.base) * (1 + 1e-8)


@settings(max_examples=8, deadline=None)
@given(st.lists(fleets, min_size=1, max_size=5), st.floats(10, 20_000), st.integers(0, 2))
def test_no_nearer_value_flips_on_small_cases(rows: list[Fleet], volume: float, spare: int) -> None:
    options, catalog = made(rows, volume, spare), load_catalog()
    few = contenders(options, catalog)
    inputs = [
        *price_inputs(few, catalog),
        *load_inputs(few, catalog),
        quality_input(few),
    ]
    for row in inputs:
        check(row)


@settings(max_examples=15, deadline=None)
@given(st.lists(fleets, min_size=1, max_size=4), st.integers(1, 3000), st.integers(0, 2))
def test_volume_is_exact_on_whole_queries(rows: list[Fleet], volume: int, spare: int) -> None:
    options = made(rows, float(volume), spare)
    row, last = volume_input(contenders(options, load_catalog())), 4000
    usd = options.monthly_usd(np.arange(1, last + 1), sides=(1,))[0]
    ranked = np.argsort(options.preference)  # equal costs go to the option that compare() puts first
    kinds = [options.items[ranked[i]].kind for i in np.argmin(usd[ranked], axis=0)]
    now = kinds[volume - 1]
    below = [q for q in range(volume - 1, 0, -1) if kinds[q - 1] != now]
    above = [q for q in range(volume + 1, last + 1) if kinds[q - 1] != now]
    found = tip(row)
    assert (found.below.value if found.below else None) == (below[0] if below else None)
    if above:
        assert found.above is not None and found.above.value == above[0]
    else:
        assert found.above is None or found.above.value > last


@settings(max_examples=30, deadline=None)
@given(st.lists(fleets, min_size=1, max_size=8), st.floats(10, 50_000), st.floats(0.2, 5), st.integers(0, 2))
def test_contenders_hold_the_cheapest(rows: list[Fleet], volume: float, scale: float, spare: int) -> None:
    options = made(rows, volume, spare)
    few = contenders(options, load_catalog())
    for changed in ("per_replica", "rent_factor"):
        all_usd = cheapest(replace(options, **{changed: getattr(options, changed) * scale}))[1]
        few_usd = cheapest(replace(few, **{changed: getattr(few, changed) * scale}))[1]
        assert few_usd == pytest.approx(all_usd, rel=1e-12)


def test_by_hand() -> None:
    # 1,000 queries/day at $0.01 are $300 a month; the fleet costs 500 + 100: dearer by a factor of 2
    scenario = Scenario(spare_replicas=0, utilisation_ceiling=1, peak_to_mean=1, queries_per_day=1000)
    options = options_of({"a": 0.01}, [Fleet(5000, 500)], scenario, flat=(100,) * 3)
    few, catalog = contenders(options, load_catalog()), load_catalog()
    rows = {row.input_id: tip(row) for row in [volume_input(few), *price_inputs(few, catalog)]}
    assert rows["queries_per_day"].above is not None and rows["queries_per_day"].above.value == 2001
    assert rows["queries_per_day"].below is None
    scale = rows["api_price_scale"].above
    assert scale is not None and scale.last_value == pytest.approx(2) and scale.value > 2
    assert scale.shown == pytest.approx(2.01) and "rise by 101%" in rows["api_price_scale"].sentence
    rent = rows["gpu_price_scale"].below
    assert rent is not None and rent.value == pytest.approx(0.4, rel=1e-6) and rent.kind == "self_hosted"
    assert rows["throughput_scale"].above is None and "no value" in rows["throughput_scale"].sentence
    assert rows["hidden_cost_scale"].below is None


@pytest.fixture(scope="module")
def small_rows() -> list[Input]:
    return inputs_of(replace(catalog_options(SMALL), scenario=SMALL), load_catalog())


def test_arrays_agree_with_scenarios(small_rows: list[Input]) -> None:
    """Every change that a scenario can express gives the same recommendation through compare()'s path."""
    checked = 0
    for row in small_rows:
        base = kind_at(row, row.base)
        found = tip(row)
        for point in (found.below, found.above):
            if point is None or point.changes is None:
                continue
            there = evaluate(SMALL.but(**point.changes)).recommended
            assert (there.kind if there else None) != base, row.input_id
            last = row.changes(point.last_value)
            assert last is not None
            here = evaluate(SMALL.but(**last)).recommended
            assert (here.kind if here else None) == base, row.input_id
            checked += 1
    assert checked >= 6


def test_costs_at_other_values_are_the_scenarios(small_rows: list[Input]) -> None:
    values = {
        "queries_per_day": 123_456.0,
        "peak_to_mean": 3.3,
        "utilisation_ceiling": 0.41,
        "spare_replicas": 3.0,
    }
    values |= {"days_per_month": 28.0, "cached_input_share": 0.3, "batch_share": 0.2, "input_tokens": 1500.0}
    values |= {"gpu_usd_per_hour:l4": 0.9, "price_scale:gpt-4o": 0.5, "quality_floor": 0.9}
    seen = set()
    for row in small_rows:
        if row.input_id in values:
            changes = row.changes(values[row.input_id])
            assert changes is not None
            found = evaluate(SMALL.but(**changes))
            assert row.monthly_usd(values[row.input_id]) == pytest.approx(
                found.monthly_usd[1, found.order[0]]
            )
            seen.add(row.input_id)
    assert seen == set(values) - ({"gpu_usd_per_hour:l4"} - seen)


def test_every_input_has_a_sentence_and_the_nearest_comes_first() -> None:
    found = tipping_points(SMALL)
    assert all(row.sentence.endswith(".") for row in found)
    order = [(not row.is_plausible, row.distance) for row in found]
    assert order == sorted(order)
    for row in found:
        if row.nearest is not None:
            assert row.nearest in (row.below, row.above)
    assert {"queries_per_day", "input_tokens", "output_tokens", "quality_floor"} <= {
        r.input_id for r in found
    }


def test_what_is_told_is_rounded_and_keeps_the_same_option_in_front() -> None:
    """Whole percents, two figures of a multiple, three of anything else, wherever those still flip it."""
    catalog, options = load_catalog(), catalog_options(SMALL)
    rows = {row.input_id: row for row in inputs_of(replace(options, scenario=SMALL), catalog)}
    told = 0
    for found in tipping_points(SMALL, verify=False):
        row = rows[found.input_id]
        for point in (found.below, found.above):
            if point is None:
                continue
            there = row.recommended(point.shown)
            assert (there.option_id if there else None) == point.option_id
            assert abs(point.shown - row.base) >= abs(point.value - row.base) * (1 - 1e-12)
            steps = point.shown / row.step(point.value)
            told += abs(steps - round(steps)) < 1e-6
    assert told >= 6


def test_a_point_outside_the_range_expected_says_so_and_comes_later() -> None:
    # 1,000 queries/day at $0.01 are $300; the fleet costs 600: API prices would have to double
    scenario = Scenario(spare_replicas=0, utilisation_ceiling=1, peak_to_mean=1, queries_per_day=1000)
    options = options_of({"a": 0.01}, [Fleet(5000, 500)], scenario, flat=(50, 100, 600))
    few = contenders(options, load_catalog())
    expected = expected_ranges(few, load_catalog())
    row = load_catalog().assumption("api-price-factor")
    assert expected["api_price_scale"] == expected["price_scale:a"] == (row.low, row.high)
    assert expected["hidden_cost_scale"] == (0.5, 6.0)
    found = {}
    for scale in price_inputs(few, load_catalog()):
        found[scale.input_id] = tip(replace(scale, expected=expected.get(scale.input_id)))
    api = found["api_price_scale"]
    assert api.above is not None and api.above.within_expected is False and not api.is_plausible
    low, high = f"{100 * (row.low - 1):+.0f}%", f"{100 * (row.high - 1):+.0f}%"
    assert api.sentence.endswith(f"outside the {low} to {high} expected.")
    dearer = scenario.but(queries_per_day=3000)  # $900 against $600: people may become four times as dear
    options = options_of({"a": 0.01}, [Fleet(5000, 500)], dearer, flat=(50, 100, 600))
    few = contenders(options, load_catalog())
    hidden = next(row for row in price_inputs(few, load_catalog()) if row.input_id == "hidden_cost_scale")
    point = tip(replace(hidden, expected=expected["hidden_cost_scale"])).above
    assert point is not None and point.within_expected is True
    assert point.value == pytest.approx(4) and point.shown == pytest.approx(4.1)


def test_the_quality_floor_is_searched_up_to_the_references_own_quality() -> None:
    for floor in (0.0, 0.8, 1.0):
        scenario = SMALL.but(quality_floor=floor)
        options = replace(catalog_options(scenario), scenario=scenario)
        row = quality_input(contenders(options, load_catalog()))
        assert row.high == 1.0
        assert all(value <= 1 for value in row.values_above())


def test_by_option_is_never_farther_than_by_kind() -> None:
    names = ["queries_per_day", "peak_to_mean", "api_price_scale", "throughput_scale"]
    by_kind = {row.input_id: row.distance for row in tipping_points(SMALL, only=names)}
    by_option = {row.input_id: row for row in tipping_points(SMALL, by="option", only=names)}
    assert set(by_kind) == set(names)
    for name, row in by_option.items():
        assert row.distance <= by_kind[name] * (1 + 1e-6)
        assert not row.exact


def test_a_gpus_own_price_is_the_scenarios_or_keeps_the_lots() -> None:
    catalog, seen = load_catalog(), set()
    for volume in (60_000, 400_000):
        for gpu_id in ("l4", "b200-sxm"):
            scenario = SMALL.but(gpu_ids=(gpu_id,), queries_per_day=volume)
            options = replace(catalog_options(scenario), scenario=scenario)
            few = contenders(options, load_catalog())
            row = gpu_price_input(options, few, catalog)
            assert row is not None and row.input_id == f"gpu_usd_per_hour:{gpu_id}"
            row = replace(row, choose=CheapestOfAll(few, catalog))
            changes = row.changes(row.base / 50)
            seen.add(changes is None)
            if changes is not None:
                there = evaluate(scenario.but(**changes))
                usd = there.monthly_usd[1, there.order[0]]
                assert row.monthly_usd(row.base / 50) == pytest.approx(usd)
    assert False in seen


@pytest.mark.parametrize("volume", [20_000, 60_000, 400_000])
def test_a_gpu_that_becomes_dear_gives_way_to_fleets_on_others(volume: int) -> None:
    """A fleet that the dear GPU kept off the list of contenders can be the cheapest once it is dear."""
    catalog = load_catalog()
    scenario = Scenario().but(
        queries_per_day=volume,
        input_tokens=2000,
        output_tokens=500,
        ttft_limit_ms=None,
        tpot_limit_ms=None,
        api_ids=("gpt-4o",),
        model_ids=("llama-3.1-70b", "mixtral-8x22b"),
        gpu_ids=("l4", "t4"),
        spare_replicas=0,
        peak_to_mean=1.5,
        utilisation_ceiling=0.9,
        engineering_usd_per_month=1000,
    )
    options = replace(catalog_options(scenario), scenario=scenario)
    few = contenders(options, load_catalog())
    row = gpu_price_input(options, few, catalog)
    assert row is not None
    row = replace(row, choose=CheapestOfAll(few, catalog))
    compared = 0
    for scale in (0.3, 0.7, 1.5, 3.0, 10.0):
        changes = row.changes(row.base * scale)
        if changes is not None:
            there = evaluate(scenario.but(**changes))
            usd = float(there.monthly_usd[1, there.order[0]])
            assert row.monthly_usd(row.base * scale) == pytest.approx(usd)
            compared += 1
    assert compared == 5


def test_tokens_are_told_as_the_whole_catalog_has_them() -> None:
    scenario = Scenario().but(
        api_ids=("gpt-4o",),
        gpu_ids=("l4", "l40s", "a100-80gb-sxm", "h100-sxm", "h200-sxm"),
        queries_per_day=60_000,
        quality_floor=0.8,
    )
    for found in tipping_points(scenario, only=["input_tokens", "output_tokens"]):
        for point in (found.below, found.above):
            if point is not None and point.changes is not None:
                there = evaluate(scenario.but(**point.changes))
                assert there.recommended is not None and there.recommended.option_id == point.option_id
                assert float(there.monthly_usd[1, there.order[0]]) == pytest.approx(point.monthly_usd)


def test_fleets_that_are_sized_for_other_tokens_hold_those_that_win_there() -> None:
    """Some 2,000 contenders of which 120 are sized; each once, however many efforts and bills it has."""
    scenario = Scenario().but(
        queries_per_day=1_000_000, quality_floor=0.7, billing_modes=("always_on", "autoscaled")
    )
    catalog = load_catalog()
    options = replace(catalog_options(scenario, catalog), scenario=scenario)
    fleets = shortlist(options, contenders(options, catalog), catalog)
    named = set(zip(*(getattr(fleets, name) for name in NAMES), strict=True))
    assert len(named) == len(fleets) <= MOST_FLEETS
    won = set()
    for tokens in (100.0, 400.0, 3000.0, 8000.0):
        best = evaluate(with_tokens(scenario, input_tokens=tokens), catalog).recommended
        if best is not None and best.engine_id is not None:
            won.add(tuple(getattr(best, name) for name in NAMES))
    assert won and won <= named


def test_nothing_feasible_can_become_feasible() -> None:
    scenario = SMALL.but(quality_floor=1.4)
    found = {row.input_id: row for row in tipping_points(scenario, only=["quality_floor"])}
    point = found["quality_floor"].below
    assert point is not None and point.option_id is not None and point.shown < 1.4
    assert evaluate(scenario.but(quality_floor=point.shown)).recommended is not None


def test_a_gpu_sold_in_large_lots_keeps_them() -> None:
    """A price of one's own comes in lots of one; where that alone changes the answer, lots are kept."""
    scenario = Scenario().but(
        api_ids=("gpt-4o",), model_ids=("llama-3.1-8b",), gpu_ids=("b200-sxm",), queries_per_day=150_000
    )
    for row in tipping_points(scenario, only=["gpu_usd_per_hour:b200-sxm"]):
        assert row.unit == "USD/GPU-hour"
        for point in (row.below, row.above):
            assert point is None or abs(point.change_pct or 0) > 0.2


def test_pairs_of_a_few_values_are_held_and_those_of_the_base_made_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    base = made([Fleet(100, 500)], 1_000, 0)
    monkeypatch.setattr(
        tipping_inputs, "make_pairs", lambda options, *_, **__: asked.append(id(options.items))
    )
    choose = CheapestOfAll(base, load_catalog())
    moved = [replace(base, items=base.items.take(np.arange(len(base)))) for _ in range(4)]
    for options in (*moved, base):
        choose._pairs_of(options)
    assert asked == [id(options.items) for options in (base, *moved)]
    assert len(choose._known) == 1 + PAIRS_KEPT
