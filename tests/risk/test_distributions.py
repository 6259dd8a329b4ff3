"""Quantile functions: by hand, in order, and never narrower for a wider range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.risk.distributions import Range, latin_hypercube, split_lognormal, triangular_quantile

LEVELS = np.linspace(0.001, 0.999, 101)


def test_triangular_by_hand() -> None:
    # low 0, mode 1, high 4: F(1) = 1/4; left q = sqrt(4u), right q = 4 - sqrt(12 (1 - u))
    found = triangular_quantile([0.0, 0.0625, 0.25, 0.75, 1.0], 0, 1, 4, 1)
    assert found == pytest.approx([0, 0.5, 1, 4 - 3**0.5, 4])


def test_triangular_agrees_with_scipy() -> None:
    from scipy.stats import triang

    expected = triang.ppf(LEVELS, c=0.3, loc=2, scale=5)
    assert triangular_quantile(LEVELS, 2, 3.5, 7, 0) == pytest.approx(expected)


def test_nan_is_the_base_case_and_no_width_is_a_constant() -> None:
    assert Range(1, 2, 3, 2.5).at(np.array([np.nan]))[0] == 2.5
    assert Range(2, 2, 2, 2).at(np.array([0.1, 0.9])).tolist() == [2, 2]


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 5), st.floats(0, 5), st.floats(0, 5), st.floats(0, 5))
def test_a_wider_triangle_never_narrows_the_distance_of_two_quantiles(
    left: float, right: float, more_left: float, more_right: float
) -> None:
    narrow = triangular_quantile(LEVELS, 10 - left, 10, 10 + right, 10)
    wide = triangular_quantile(LEVELS, 10 - left - more_left, 10, 10 + right + more_right, 10)
    assert np.all(np.diff(wide) >= np.diff(narrow) - 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 9), min_size=3, max_size=3), st.lists(st.floats(0, 3), min_size=3, max_size=3))
def test_ordered_parameters_give_ordered_quantiles(first: list[float], more: list[float]) -> None:
    low = sorted(first)
    high = sorted(a + b for a, b in zip(low, more, strict=True))
    high = [max(a, b) for a, b in zip(low, high, strict=True)]
    assert np.all(triangular_quantile(LEVELS, *low, 0) <= triangular_quantile(LEVELS, *high, 0) + 1e-9)


def test_split_lognormal_has_the_stated_percentiles() -> None:
    z = np.array([-1.2815515655446004, 0, 1.2815515655446004, 99.0, np.nan])
    found = split_lognormal(z, 0.6, 1.5)
    assert found[:3] == pytest.approx([0.6, 1, 1.5])
    assert found[3] == pytest.approx(1.5 ** (3 / 1.2815515655446004))
    assert found[4] == 1


def test_draws_are_stratified_seeded_and_independent_of_other_inputs() -> None:
    both, alone = latin_hypercube(("a", "b"), 1000, 7), latin_hypercube(("b",), 1000, 7)
    assert np.array_equal(both[1], alone[0])
    assert np.array_equal(np.sort(np.floor(both[0] * 1000)), np.arange(1000))
    assert not np.array_equal(both[1], latin_hypercube(("b",), 1000, 8)[0])
    assert abs(np.corrcoef(both)[0, 1]) < 0.1
    assert latin_hypercube((), 5, 0).shape == (0, 5)
