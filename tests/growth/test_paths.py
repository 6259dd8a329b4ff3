import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.growth import compound_volumes, price_factors, s_curve_volumes, series_volumes


def test_compound_growth_by_hand():
    assert compound_volumes(1_000, 0.1, 4) == pytest.approx([1_000, 1_100, 1_210, 1_331])


def test_s_curve_starts_at_the_start_and_passes_half_at_its_midpoint():
    volumes = s_curve_volumes(1_000, 100_000, 12, 60)
    assert volumes[0] == pytest.approx(1_000)
    assert volumes[12] == pytest.approx(50_000)
    assert volumes[24] == pytest.approx(99_000)  # the logistic is symmetric about its midpoint
    assert np.all(np.diff(volumes) > 0) and volumes[-1] < 100_000


def test_a_series_holds_its_last_value():
    assert series_volumes([5, 7], 4).tolist() == [5, 7, 7, 7]
    with pytest.raises(InputError, match=r"3 values.*more than the 2 months"):
        series_volumes([5, 7, 9], 2)


def test_prices_fall_by_the_stated_share_each_year():
    factors = price_factors(0.2, 25)
    assert factors[[0, 12, 24]] == pytest.approx([1, 0.8, 0.64])
    assert price_factors(-0.1, 13)[12] == pytest.approx(1.1)


@given(st.floats(1, 1e6), st.floats(-0.5, 0.1), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_growth_keeps_its_sign(start, growth, months):
    steps = np.diff(compound_volumes(start, growth, months))
    assert np.all(np.sign(growth) * steps >= 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: compound_volumes(0, 0.1, 12),
        lambda: compound_volumes(1, float("nan"), 12),
        lambda: compound_volumes(1, 0.1, 61),
        lambda: s_curve_volumes(60, 100, 12, 12),
        lambda: s_curve_volumes(10, 100, 0, 12),
        lambda: series_volumes([], 12),
        lambda: series_volumes([1, -1], 12),
        lambda: series_volumes([1, float("nan")], 12),
        lambda: series_volumes([1e10], 12),
        lambda: compound_volumes(1, -1, 12),
        lambda: compound_volumes(1_000, 9, 60),
        lambda: compound_volumes(1, 0.1, 0),
        lambda: price_factors(1.0, 12),
    ],
)
def test_values_outside_the_rules_are_refused(call):
    with pytest.raises(InputError):
        call()
