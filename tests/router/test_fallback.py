"""What spills from a fleet: hand-worked cases, bounds, a simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.router.fallback import fallback_share, hourly_load

FLAT = np.ones(24)


def test_by_hand():
    assert fallback_share(FLAT, 1, 1.0) == 0
    assert fallback_share(FLAT, 1, 1.0, 0.99) == pytest.approx(0.01)
    # Twelve hours at 1.5 against a capacity of 1.25: .25 of 1.5 in half of the day.
    busy = np.repeat([1.5, 0.5], 12)
    assert fallback_share(busy, 1, 1.25) == pytest.approx(0.125)
    # Two replicas, either carries everything: both down at once.
    assert fallback_share(FLAT, 2, 1.0, 0.9) == pytest.approx(0.01)
    # Two that carry half each: .5 spills when one is down (.18), all when both are (.01).
    assert fallback_share(FLAT, 2, 0.5, 0.9) == pytest.approx(0.18 * 0.5 + 0.01)
    assert fallback_share(FLAT, 0, 1.0) == 1
    assert fallback_share(FLAT, 3, 1.0, 0.0) == 1


def test_hourly_load_by_hand():
    assert hourly_load(None, 1.0).tolist() == [1.0] * 24
    load = hourly_load(None, 2.0)
    assert load[0] == 2 and load.mean() == pytest.approx(1) and load[1] == pytest.approx(22 / 23)
    office = np.repeat([1.5, 0.5], 12) / 24
    assert hourly_load(office, 1.2).tolist() == (office * 24).tolist()
    assert hourly_load(office, 3.0).max() == 3 and hourly_load(office, 3.0).mean() == pytest.approx(1)
    assert hourly_load(office, 1000.0).sum() == pytest.approx(24)


@given(st.integers(1, 60), st.floats(0.01, 2), st.floats(0, 1), st.floats(0, 1))
def test_more_replicas_or_availability_never_spill_more(replicas, each, one, other):
    load = hourly_load(None, 2.0)
    low, high = sorted((one, other))
    spilled = fallback_share(load, replicas, each, low)
    assert 0 <= spilled <= 1
    assert fallback_share(load, replicas, each, high) <= spilled + 1e-9
    assert fallback_share(load, replicas + 1, each, low) <= spilled + 1e-9


def test_against_hours_drawn_one_by_one():
    rng = np.random.default_rng(0)
    load, replicas, each, up = hourly_load(None, 3.0), 7, 0.3, 0.95
    capacity = rng.binomial(replicas, up, (20_000, 24)) * each
    drawn = np.maximum(load - capacity, 0).sum() / (load.sum() * 20_000)
    assert fallback_share(load, replicas, each, up) == pytest.approx(drawn, rel=0.01)


@pytest.mark.parametrize("availability", [-0.1, 1.1, float("nan")])
def test_availability_is_a_share(availability):
    with pytest.raises(InputError):
        fallback_share(FLAT, 1, 1.0, availability)
