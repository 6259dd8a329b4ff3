"""Break-even: every crossing, exact, against brute force over whole volumes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.cost.billing import FleetHours
from llmplan.errors import InputError
from llmplan.options.breakeven import break_even, cheaper_intervals, merge
from llmplan.options.rows import Option, Rows
from llmplan.options.table import Options
from llmplan.scenario import Scenario
from tests.hidden_costs import hidden
from tests.rents import market_of

BARE = {"reasons": (), "licence_id": None, "source_ids": (), "prices_as_of": None, "quality": None}


def pair(
    usd_per_query: float,
    each: float,
    usd_instance: float,
    per_instance: int = 1,
    flat: float = 0.0,
    people: float = 0.0,
    gpus_per_step: float = 1.0,
    spare: int = 0,
    others: tuple[tuple[float, float], ...] = (),
) -> Options:
    """One API and self-hosted options of `each` queries a day at `usd_instance` a month."""
    own = [(each, usd_instance), *others]
    api = Option("api", "api", "api", "m", api_id="api", usd_per_query=usd_per_query, **BARE)
    items = [api, *(Option(f"own{i}", "self_hosted", "own", "m", **BARE) for i in range(len(own)))]
    lots = [(1.0, 0.0, 1.0), *((per_instance, o[1], per_instance) for o in own)]
    return Options(
        scenario=Scenario(spare_replicas=spare),
        items=Rows.of(items),
        hidden=hidden((flat,) * 3, (people,) * 3, (gpus_per_step,) * 3),
        fleet_load=np.array([0.0, *(1.0 for _ in own)]),
        usd_per_query=np.array([usd_per_query, *(0.0 for _ in own)]),
        per_replica=np.tile(np.array([1.0, *(o[0] for o in own)]), (3, 1)),
        market=market_of([(lot, lot, lot) for lot in lots]),
        rent_row=np.arange(len(lots)),
        rent_factor=np.ones(len(lots)),
        start_s=np.full(len(lots), np.nan),
        hours=FleetHours(np.full(24, 1 / 24), np.ones(24), spare),
    )


def brute(options: Options, own: list[int], last: int) -> list[bool]:
    usd = options.monthly_usd(np.arange(1, last + 1), sides=(1,))[0]
    return [bool(x) for x in usd[own].min(axis=0) < usd[0]]


def test_one_replica_that_carries_everything_crosses_once() -> None:
    # $1,000 a month against $0.01 x 30 a daily query: dearer up to 3,333.3
    found = break_even(pair(0.01, 1e12, 1000), [1], 0)
    assert found.crossings_queries_per_day == (3334,)
    assert found.self_hosted_cheaper == ((3334, None),) or found.self_hosted_cheaper[0][0] == 3334


def test_a_staircase_crosses_several_times_by_hand() -> None:
    # 1,000 a day a replica at $100 against $0.12 a daily query-month: at 834 cheaper, at 1,001 dearer again ...
    found = break_even(pair(0.12 / 30, 1000, 100), [1], 0)
    assert found.self_hosted_cheaper[0] == (834, 1000)
    assert found.self_hosted_cheaper[1] == (1667, 2000)
    assert found.crossings_queries_per_day[:4] == (834, 1001, 1667, 2001)
    assert found.self_hosted_cheaper[-1][1] is None


def test_never_against_a_price_below_the_fleets_own() -> None:
    found = break_even(pair(0.0001, 1000, 100), [1], 0)
    assert found.verdict == "never"
    assert found.crossings_queries_per_day == ()


def test_always_where_one_query_already_costs_more() -> None:
    found = break_even(pair(100.0, 1000, 1.0), [1], 0)
    assert found.verdict == "always"
    assert found.self_hosted_cheaper == ((1, None),)


def test_a_replica_without_capacity_is_never_cheaper() -> None:
    assert cheaper_intervals(pair(1.0, 0.0, 1.0), 1, 0) == []


def test_equal_slopes_with_a_fixed_cost_never_cross() -> None:
    found = break_even(pair(0.1 / 30, 1000, 100, flat=1), [1], 0)
    assert found.verdict == "never"


def test_the_other_side_must_have_a_token_price() -> None:
    with pytest.raises(InputError, match="token price"):
        break_even(pair(1.0, 10.0, 1.0), [0], 1)


def test_merge_joins_neighbours_and_overlaps() -> None:
    assert merge([(5, 9), (1, 4), (20, None), (30, 40), (12, 13)]) == ((1, 9), (12, 13), (20, None))


@settings(max_examples=120, deadline=None)
@given(
    st.floats(1e-5, 0.2),
    st.floats(1.5, 900),
    st.floats(1, 5000),
    st.integers(1, 8),
    st.floats(0, 3000),
    st.floats(0, 500),
    st.integers(1, 40),
    st.integers(0, 2),
)
def test_every_interval_equals_brute_force(
    usd: float, each: float, instance: float, per: int, flat: float, people: float, step: int, spare: int
) -> None:
    options = pair(usd, each, instance, per, flat, people, step, spare)
    last = 20_000
    expected = brute(options, [1], last)
    found = break_even(options, [1], 0)
    state = np.zeros(last + 1, bool)
    for low, high in found.self_hosted_cheaper:
        state[low : last + 1 if high is None else high + 1] = True
    assert state[1:].tolist() == expected
    changes = [q for q in range(2, last + 1) if expected[q - 1] != expected[q - 2]]
    assert [q for q in found.crossings_queries_per_day if q <= last] == changes


@settings(max_examples=40, deadline=None)
@given(st.floats(1e-4, 0.05), st.floats(5, 500), st.floats(5, 500), st.floats(10, 900), st.floats(10, 900))
def test_the_union_is_the_cheapest_of_several(
    usd: float, each: float, other: float, usd_one: float, usd_other: float
) -> None:
    options = pair(usd, each, usd_one, others=((other, usd_other),))
    expected = brute(options, [1, 2], 5000)
    state = np.zeros(5001, bool)
    for low, high in break_even(options, [1, 2], 0).self_hosted_cheaper:
        state[low : 5001 if high is None else high + 1] = True
    assert state[1:].tolist() == expected


@settings(max_examples=60, deadline=None)
@given(st.floats(1e-4, 0.2), st.floats(5, 5000), st.floats(10, 3000), st.integers(1, 8), st.floats(0, 500))
def test_an_open_interval_stays_cheaper_far_out(
    usd: float, each: float, instance: float, per: int, flat: float
) -> None:
    options = pair(usd, each, instance, per, flat)
    found = break_even(options, [1], 0).self_hosted_cheaper
    if found and found[-1][1] is None:
        volumes = np.geomspace(found[-1][0], 1e9, 4000).round()
        cost = options.monthly_usd(volumes, sides=(1,))[0]
        assert (cost[1] < cost[0]).all()


@pytest.mark.parametrize(("usd_per_query", "flat"), [(0.05, 0.0), (0.05, 20.0), (0.004, 3.0), (0.0312, 0.0)])
def test_a_fleet_that_stops_when_idle_may_cross_twice_on_a_level(usd_per_query: float, flat: float) -> None:
    """Its cost is concave in the volume there: cheaper below, dearer in the middle, cheaper above."""
    options = pair(usd_per_query, 900.0, 1_000.0, flat=flat)
    shares = np.array([0.02] * 12 + [0.76 / 12] * 12)
    stops = replace(
        options, start_s=np.array([np.nan, 300.0]), hours=FleetHours(shares, shares / shares.max(), 0)
    )
    last = 3_000
    cheaper = brute(stops, [1], last)
    for low, high in cheaper_intervals(stops, 1, 0):
        for volume in range(low, min(last, high or last) + 1):
            assert cheaper[volume - 1]
            cheaper[volume - 1] = False
    assert not any(cheaper)


@settings(max_examples=60, deadline=None)
@given(
    *(st.floats(1e-4, 0.05), st.floats(5, 900), st.floats(5, 900), st.floats(10, 900), st.floats(10, 900)),
    *(st.floats(0, 50), st.integers(0, 2), st.booleans()),
)
def test_the_union_of_fleets_that_stop_when_idle_is_the_cheapest(
    usd: float,
    each: float,
    other: float,
    usd_one: float,
    usd_other: float,
    flat: float,
    spare: int,
    both: bool,
) -> None:
    """Those that cannot win below a volume are left out until then: none may be missed."""
    options = pair(usd, each, usd_one, flat=flat, spare=spare, others=((other, usd_other),))
    shares = np.array([0.02] * 12 + [0.76 / 12] * 12)
    starts = np.array([np.nan, 300.0, 60.0 if both else np.nan])
    stops = replace(options, start_s=starts, hours=FleetHours(shares, shares / shares.max(), spare))
    state = np.zeros(5001, bool)
    for low, high in break_even(stops, [1, 2], 0).self_hosted_cheaper:
        state[low : 5001 if high is None else high + 1] = True
    assert state[1:].tolist() == brute(stops, [1, 2], 5000)
