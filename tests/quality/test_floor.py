"""The chance to reach a floor and the quality that is assured: by hand, against each other and against draws."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmplan.quality.floor import assured_quality, chance_to_meet, mixed, reaches

Z80 = NormalDist().inv_cdf(0.8)


def test_against_a_certain_today_the_assured_quality_is_so_many_deviations_less() -> None:
    assert assured_quality(0.8, 1.1, 0.1, 0.0) == pytest.approx(1.1 - 0.1 * Z80)
    assert assured_quality(0.5, 1.1, 0.1, 0.07) == pytest.approx(1.1), (
        "at evens the expected quality is assured"
    )


def test_what_runs_today_is_assured_of_itself() -> None:
    assert assured_quality(0.99, 1.0, 0.0, 0.0) == 1 and chance_to_meet(1.0, 1.0, 0.0, 0.0) == 1
    assert reaches(1.0, assured_quality(0.99, 1.0, 0.0, 0.0)) and not reaches(1.01, 1.0)


def test_where_today_may_be_anything_nothing_is_assured() -> None:
    assert assured_quality(0.99, 1.2, 0.1, 0.5) == 0
    assert reaches(0.0, 0.0), "a floor of 0 lets everything in"


@given(st.floats(0.5, 0.98), st.floats(0.3, 1.5), st.floats(0.01, 0.3), st.floats(0, 0.2), st.floats(0, 0.9))
def test_at_the_assured_quality_the_chance_is_the_one_asked_for(
    chance: float, quality: float, sd: float, today_sd: float, part: float
) -> None:
    of_today = part * quality
    floor = float(assured_quality(chance, quality, sd, today_sd, of_today))
    if floor > 0.01:
        assert chance_to_meet(floor, quality, sd, today_sd, of_today) == pytest.approx(chance)


def test_a_mixture_is_as_uncertain_as_draws_of_its_models_say() -> None:
    """A weak model of .9 +- .1 answers 30 %, what runs today the rest: .97 against a floor of .95."""
    weak, today = (0.9, 0.1, 0.06), (1.0, 0.0, 0.0)
    doubt = mixed(0.3, weak, today)
    assert doubt.of_today == pytest.approx(0.7) and doubt.weak_sd == pytest.approx(0.03)
    found = chance_to_meet(0.95, 0.97, *doubt.spread)
    assert found == pytest.approx(NormalDist().cdf(0.02 / math.hypot(0.03, 0.25 * 0.06)))
    draws = np.random.default_rng(0).normal(size=(2, 400_000))
    now = 1 + 0.06 * draws[1]
    success = 0.3 * (0.9 + 0.1 * draws[0]) + 0.7 * now
    assert found == pytest.approx(np.mean(success >= 0.95 * now), abs=0.003)


@given(st.floats(0, 1), st.floats(0.01, 0.3), st.floats(0.01, 0.3), st.floats(0.0, 0.1))
def test_a_mixture_of_two_is_never_less_sure_than_both_of_them(
    share: float, weak_sd: float, strong_sd: float, today_sd: float
) -> None:
    ends = (0.9, weak_sd, today_sd), (1.0, strong_sd, today_sd)
    sd, today, _ = mixed(share, *ends).spread
    assert sd <= max(weak_sd, strong_sd) + 1e-12 and today == today_sd
