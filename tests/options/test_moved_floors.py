"""A floor decides what is feasible and nothing else: options under another one are those of a table made for it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.options import break_even, options_of
from llmplan.options.build import build_options
from llmplan.options.fleet_api_pairs import HARD, contenders, feasible_contenders, make_pairs, pairs_of
from llmplan.report.rivals import rivals_of
from llmplan.scenario import load_scenario

SCENARIO = load_scenario("support-chat")
MODES = ("always_on", "autoscaled")


@pytest.mark.parametrize("modes", [(), MODES])
@settings(max_examples=4, deadline=None)
@given(floor=st.floats(0, 1.2), volume=st.floats(1e3, 1e7))
def test_options_and_hybrids_under_a_moved_floor_are_those_of_a_new_table(modes, floor, volume):
    catalog, scenario = load_catalog(), SCENARIO.but(billing_modes=modes, quality_floor=floor)
    before = options_of(SCENARIO.but(billing_modes=modes), catalog)
    moved, anew = options_of(scenario, catalog), build_options(scenario, catalog)
    assert moved.any_floor is before.any_floor and anew.any_floor is not before.any_floor
    assert np.array_equal(moved.feasible, anew.feasible) and np.array_equal(moved.near_floor, anew.near_floor)
    some = np.arange(0, len(moved), 97)
    for item, other in zip(moved.items.records(some), anew.items.records(some), strict=True):
        assert str(item) == str(other)  # NaN where a fleet cannot serve
    pairs, others = pairs_of(moved, catalog), make_pairs(anew, catalog)
    assert pairs is not None and others is not None
    assert np.array_equal(pairs.allowed, others.allowed)
    assert pairs.cheapest_by_api(volume) == others.cheapest_by_api(volume)


@pytest.mark.parametrize("modes", [(), (*MODES, "scale_to_zero")])
@pytest.mark.parametrize("floor", [0.0, 0.7, 0.95])
def test_contenders_at_a_floor_win_wherever_any_feasible_fleet_does(modes, floor):
    options = options_of(SCENARIO.but(billing_modes=modes, quality_floor=floor))
    own = np.flatnonzero(options.feasible & options.is_self_hosted)
    few, volumes = feasible_contenders(options), np.geomspace(1e2, 1e8, 30)
    assert 0 < len(few) < len(own) and options.feasible[few].all()
    assert set(few) == set(contenders(options, own))
    usd, every = (options.take(places).monthly_usd(volumes, sides=(1,))[0] for places in (few, own))
    assert np.array_equal(usd.min(axis=0), every.min(axis=0))


@pytest.mark.parametrize("modes", [(), MODES])
def test_rivals_are_those_of_every_feasible_fleet(modes):
    options = options_of(SCENARIO.but(billing_modes=modes, model_ids=("llama-3.1-8b",), quality_floor=0.0))
    own = np.flatnonzero(options.feasible & options.is_self_hosted).tolist()
    assert rivals_of(options)
    for place, found in rivals_of(options):
        assert found == break_even(options, own, place)


def test_no_fleet_of_a_hybrid_by_difficulty_is_cheaper_than_the_contenders_whatever_way_hours_are_paid():
    options = options_of(SCENARIO.but(billing_modes=(*MODES, "scale_to_zero")))
    few, every = (make_pairs(options, load_catalog(), prune) for prune in (True, False))
    volumes = np.array([2e3, 1e5, 4e6])
    assert few is not None and every is not None and len(few.fleets) < len(every.fleets)
    usd, least = (pairs.fleets_at(volumes).usd[:, :HARD] for pairs in (few, every))
    assert usd == pytest.approx(least, rel=1e-12)
