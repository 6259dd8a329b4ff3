"""Fleet: whole replicas for the peak, in lots."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmplan.cost.fleet import (
    peak_requests_per_s,
    queries_per_day_of_one_replica,
    replicas_by_hour,
    replicas_needed,
)
from llmplan.errors import InputError


def test_the_articles_volume_is_1_16_requests_a_second() -> None:
    assert float(peak_requests_per_s(100_000, 1)) == pytest.approx(1.1574, abs=1e-4)


def test_two_a100_of_1_1_requests_hold_neither_peak_nor_ceiling() -> None:
    each = queries_per_day_of_one_replica(1.1 / 2, 2, 0.7)  # two replicas of one GPU, peak twice the mean
    assert float(each) == pytest.approx(16_632)
    assert float(replicas_needed(100_000, each)) == 7


def test_spare_replicas_come_on_top_and_one_is_the_least() -> None:
    assert float(replicas_needed(1, 1000, 1)) == 2
    assert float(replicas_needed(0, 1000)) == 1


def test_an_exact_multiple_buys_no_extra_replica() -> None:
    each = 0.1 * 3  # 0.30000000000000004
    assert float(replicas_needed(each * 7, each)) == 7
    assert float(replicas_needed(each * 7 * (1 + 1e-9), each)) == 8


def test_a_replica_without_capacity_is_never_enough() -> None:
    assert math.isinf(float(replicas_needed(10, 0)))


def test_negative_volume_is_refused() -> None:
    with pytest.raises(InputError, match="at least 0"):
        replicas_needed(-1, 10)
    with pytest.raises(InputError):
        replicas_needed(math.nan, 10)


def test_replicas_follow_the_hours() -> None:
    profile = np.full(24, 1 / 24)
    profile[0], profile[12] = 0.0, 2 / 24
    hourly = replicas_by_hour(profile, 24 * 3600, 1.0, 0.5)
    assert hourly[0] == 1  # the least that stays up
    assert hourly[1] == 2  # one request a second at half load
    assert hourly[12] == 4


volumes = st.floats(1, 1e8)


@given(volumes, st.floats(1, 10), st.floats(0.1, 1e6))
def test_more_volume_never_needs_fewer_replicas(volume: float, factor: float, each: float) -> None:
    assert replicas_needed(volume * factor, each) >= replicas_needed(volume, each)


@given(volumes, st.floats(0.1, 1e6))
def test_the_replicas_carry_the_volume_and_one_fewer_would_not(volume: float, each: float) -> None:
    replicas = float(replicas_needed(volume, each))
    assert replicas * each >= volume * (1 - 1e-9)
    assert replicas == 1 or (replicas - 1) * each < volume * (1 + 1e-9)
