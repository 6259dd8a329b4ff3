"""Which hours of a fleet are paid, and what that does to its cost."""

import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import Catalog, load_catalog
from llmplan.cost import billing
from llmplan.cost.billing import Billing, FleetHours, billed_rents, billings
from llmplan.cost.rent import MOST, Lot, rents_of
from llmplan.options import evaluate
from llmplan.options.comparison_rows import comparison_row
from llmplan.recommend import recommend
from llmplan.scenario import Scenario
from llmplan.scenario.values import HOURS_OF_WEEK

MODES = tuple(Billing)
BY_DAY = np.array([0.01] * 8 + [0.09] * 8 + [0.025] * 8)
HOURS = FleetHours(BY_DAY, BY_DAY / BY_DAY.max(), 0)


def test_serverless_pays_for_the_hours_with_queries(catalog: Catalog) -> None:
    """50 queries a day, one replica: by hand each is a start of 300 s and the weights' load, then 300 s idle."""
    scenario = Scenario(
        gpu_price_kind="serverless",
        model_ids=("llama-3.1-8b",),
        engine_ids=("vllm",),
        queries_per_day=50,
        peak_to_mean=1,
        spare_replicas=0,
    )
    found = evaluate(scenario, catalog)
    place = found.cheapest("self_hosted")
    assert place is not None
    item, rate = found.options.items[place], 50 / 86_400
    assert item.offers is not None and item.start_s is not None and item.n_gpus is not None
    on = 1 - 1 / (rate * item.start_s + math.exp(rate * 300))
    hour = item.offers[1].usd_per_gpu_hour * item.n_gpus
    assert found.rent_usd[place] == pytest.approx(hour * 720 * on)
    assert 0.2 < on < 0.3
    late = comparison_row(found, place)["late_share"]
    assert late == pytest.approx((1 + rate * item.start_s) / (rate * item.start_s + math.exp(rate * 300)))
    api = found.options.index("gpt-4o")
    cheapest = found.options.usd_per_query[found.options.is_api & found.options.feasible].min()
    assert cheapest <= found.options.usd_per_query[api]
    assert comparison_row(found, place)["late_usd"] == pytest.approx(late * 50 * 30 * cheapest)
    assert comparison_row(found, api)["late_usd"] is None
    said = recommend(scenario.but(data_stays_in_house=True), catalog, tipping=False).caveats
    assert any("of queries wait up to" in line for line in said)
    bell = evaluate(
        scenario.but(peak_to_mean=2), catalog
    )  # quiet hours share fewer starts: $576 when always on
    assert 130 < bell.rent_usd[bell.options.index(item.option_id)] < 145


def test_hours_by_hand() -> None:
    """Nine replicas at the peak, in a day of eight hours each of a ninth, all and 2.5 ninths of it."""
    assert HOURS.replicas(9, 0).tolist() == [1.0] * 8 + [9.0] * 8 + [3.0] * 8
    assert HOURS.busy().sum() == 19
    share = HOURS.billed(Billing.AUTOSCALED, 1800.0)
    assert share[9, [1, 3, 9]] == pytest.approx([7.5 / 24, 8 / 24, 8.5 / 24])
    rents = billed_rents(rents_of([[[Lot(1, 2.0, 1)]]]), HOURS, Billing.AUTOSCALED, 0.0)
    assert rents.usd_per_hour[1, 0, 9] == pytest.approx(2.0 * (1 + 9 + 3) / 3)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=24, max_size=24).filter(sum),
    st.integers(0, 3),
    st.integers(1, 8),
    st.floats(0, 3600),
)
def test_paying_for_fewer_hours_never_costs_more(
    day: list[float], spare: int, lot: int, start_s: float
) -> None:
    shares = np.array(day) / sum(day)
    hours = FleetHours(shares, shares / shares.max(), spare)
    always = rents_of([[[Lot(1, 3.0, 1), Lot(lot, 2.5 * lot, lot)]]])
    for mode in MODES:
        paid = billed_rents(always, hours, mode, start_s)
        assert (paid.usd_per_hour[..., spare + 1 :] <= always.usd_per_hour[..., spare + 1 :] + 1e-9).all()
        assert hours.billed(mode, start_s).sum(axis=1) == pytest.approx(np.ones(MOST + 1))


def test_more_ways_of_paying_never_raise_the_minimum() -> None:
    """Every option of one mode is there among all of them at the same cost; reserved hours are paid anyway."""
    catalog = load_catalog()
    plain = Scenario(model_ids=("llama-3.1-8b",), profile_id="office-hours", spare_replicas=0)
    every = evaluate(plain.but(billing_modes=MODES), catalog)
    cost = dict(zip(every.options.items.option_id, every.monthly_usd[1], strict=True))
    for mode in MODES:
        alone = evaluate(plain.but(billing_modes=(mode,)), catalog)
        own = np.flatnonzero(alone.options.is_self_hosted & np.isfinite(alone.monthly_usd[1]))
        for place in own.tolist():
            assert cost[alone.options.items.option_id[place]] == alone.monthly_usd[1, place]
        assert every.monthly_usd[1, every.order[0]] <= alone.monthly_usd[1, alone.order[0]]
    assert billings("reserved_1y", MODES) == (Billing.ALWAYS_ON,)


def test_a_week_of_its_own_is_paid_hour_by_hour() -> None:
    """Eight hours of five days, all alike: 40 of 168 hours at the peak of 4.2 times the mean, one replica else."""
    week = {hour: 3.0 for hour in HOURS_OF_WEEK if hour[:3] not in ("sat", "sun") and 9 <= int(hour[4:]) < 17}
    workload = Scenario(week_profile=week, peak_to_mean=1, weekend_factor=1).workload()
    assert workload.busiest_to_mean == pytest.approx(168 / 40)
    hours = FleetHours.of(workload, 0)
    assert hours.load.tolist() == pytest.approx([1.0 if hour in week else 0.0 for hour in HOURS_OF_WEEK])
    share = hours.billed(Billing.AUTOSCALED, 0.0)[2]
    assert (share[1], share[2]) == (pytest.approx(128 / 168), pytest.approx(40 / 168))
    assert hours.busy().sum() == 8 * 7  # an office opens at the same hours of every day
    half = FleetHours.of(Scenario(week_profile=week, batch_share=0.5, peak_to_mean=1).workload(), 0)
    # What may wait fills the sixteen idle hours of its own day; the weekend stays without.
    assert half.shares.reshape(7, 24).sum(axis=1) == pytest.approx([0.2] * 5 + [0, 0])
    assert half.shares.max() == pytest.approx(0.2 / 16)


def test_idle_time_in_pieces_is_that_of_each_hour() -> None:
    """Whatever shape is asked for, and with fleets that are never idle."""
    hours = FleetHours.of(Scenario(peak_to_mean=1.5).workload(), 1)
    rng = np.random.default_rng(7)
    queries, starts = 10 ** rng.uniform(0, 6, (40, 9)), rng.uniform(10, 900, (40, 1))
    fleets = rng.integers(2, 9, (40, 9)).astype(float)
    fleets[::7] = np.inf
    with patch.object(billing, "PIECE", 17):
        found = hours.idle_share(queries, fleets, starts)
    by_hour = queries[..., None] * hours.shares / 3600
    on, _ = billing.idle_shares(by_hour, billing.IDLE_TIMEOUT_S, starts[..., None])
    expected = np.where(hours.replicas(fleets, 0) == 1, 1 - on, 0.0).mean(axis=-1)
    assert found == pytest.approx(expected, abs=1e-15)
    assert (found > 0).any() and (found == 0).any() and float(hours.idle_share(5.0, 2.0, 60.0)) > 0.5
