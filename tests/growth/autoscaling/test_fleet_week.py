from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.growth.autoscaling import (
    ScalingPolicy,
    autoscaled_week,
    minute_loads,
    peak_replicas,
    static_week,
    week_profile,
)
from llmplan.queueing import erlang_c

LIMIT_S = 20.0


def steep_loads(queries_per_day=150_000):
    day = np.array([1.0] * 8 + [6.0] * 4 + [2.0] * 8 + [1.0] * 4)
    return minute_loads(queries_per_day, week_profile(list(day / day.sum())))


def simulate(loads, policy, seed, replicas=None):
    """Single requests, second by second, over one day after a day to settle; slots serve exponentially.

    The autoscaler is a state machine here: it starts replicas one by one and remembers its wishes.
    """
    rng = np.random.default_rng(seed)
    slot_rate = policy.replica_requests_per_s / policy.concurrency
    started = [-1e9] * (replicas or 1)
    wishes, queue, busy = deque(), deque(), 0
    late = served = 0
    waited = hours = 0.0
    for second in range(2 * 86_400):
        load = loads[(second // 60) % len(loads)]
        if replicas is None and second % 60 == 0:
            wish = int(np.ceil(load / (policy.replica_requests_per_s * policy.target_utilisation)))
            wishes.append((second, max(policy.min_replicas, wish)))
            while wishes[0][0] < second - policy.scale_down_after_s:
                wishes.popleft()
            want = max(count for _, count in wishes)
            started += [second] * (want - len(started))
            del started[want:]
        ready = sum(1 for begun in started if begun <= second - policy.scale_up_lag_s)
        busy -= rng.binomial(busy, 1 - np.exp(-slot_rate)) if busy else 0
        queue.extend([second] * rng.poisson(load))
        counted = second >= 86_400
        while queue and busy < ready * policy.concurrency:
            arrived = queue.popleft()
            busy += 1
            if counted:
                served += 1
                waited += second - arrived
                late += second - arrived > LIMIT_S
        if counted:
            hours += len(started) / 3_600
    return hours, waited / served, late / served


@pytest.mark.parametrize(("lag_s", "within"), [(240.0, 0.15), (900.0, 0.5), (1_800.0, 0.15)])
def test_an_autoscaled_day_against_single_requests(lag_s, within):
    """A short overload (900 s of lag: a few per cent above capacity) is where a fluid is at its worst."""
    policy = ScalingPolicy(0.5, concurrency=8, scale_up_lag_s=lag_s)
    loads = steep_loads()
    week = autoscaled_week(loads, policy, LIMIT_S)
    hours, wait_s, late = simulate(loads, policy, seed=1)
    assert week.replica_hours / 7 == pytest.approx(hours, rel=0.01)
    assert week.mean_wait_s == pytest.approx(wait_s, rel=within, abs=0.5)
    assert week.slo_miss_share == pytest.approx(late, rel=within, abs=0.005)


def test_a_static_fleet_against_single_requests():
    policy = ScalingPolicy(0.5, concurrency=8)
    loads = steep_loads()
    replicas = peak_replicas(loads, policy) - 3  # too small for the peak
    week = static_week(loads, replicas, policy, LIMIT_S)
    hours, wait_s, late = simulate(loads, policy, seed=2, replicas=replicas)
    assert week.replica_hours / 7 == pytest.approx(hours)
    assert week.mean_wait_s == pytest.approx(wait_s, rel=0.15, abs=0.5)
    assert week.slo_miss_share == pytest.approx(late, rel=0.15, abs=0.005)


def test_replicas_by_hand():
    # one replica serves 1/s and is kept at half load; 1,000 s of lag are 17 steps
    loads = np.full(10_080, 0.4)
    loads[100:200] = 2.0
    policy = ScalingPolicy(1.0, target_utilisation=0.5, scale_up_lag_s=1_000, scale_down_after_s=120)
    week = autoscaled_week(loads, policy, 1.0)
    assert week.replicas_billed[[99, 100, 199, 201, 202]].tolist() == [1, 4, 4, 4, 1]
    assert week.replicas_ready[[100, 116, 117, 201, 202]].tolist() == [1, 1, 4, 4, 1]
    assert week.backlog_requests[116] == pytest.approx(16.5 * 60)
    assert week.replicas_by_hour.shape == (168,)


@given(st.floats(1e3, 1e6), st.floats(1, 6), st.floats(0.3, 1.0), st.floats(0, 1_800))
@settings(max_examples=25, deadline=None)
def test_properties_of_any_week(queries, peak, target, lag_s):
    loads = minute_loads(queries, week_profile(None, 0.6, peak))
    policy = ScalingPolicy(0.7, target_utilisation=target, scale_up_lag_s=lag_s)
    scaled = autoscaled_week(loads, policy, LIMIT_S)
    fixed = static_week(loads, peak_replicas(loads, policy), policy, LIMIT_S)
    assert scaled.replica_hours <= fixed.replica_hours + 1e-6
    assert scaled.slo_miss_share >= fixed.slo_miss_share - 1e-9
    assert np.all(scaled.replicas_ready <= scaled.replicas_billed)
    assert 0 <= scaled.slo_miss_share <= 1
    slower = autoscaled_week(loads, ScalingPolicy(0.7, 32, target, scale_up_lag_s=lag_s + 600), LIMIT_S)
    assert slower.replica_hours == pytest.approx(scaled.replica_hours)
    assert slower.slo_miss_share >= scaled.slo_miss_share - 1e-9


def test_waiting_near_full_load():
    """Always 95 %: M/M/c's own mean. Always full: long, though finite. Full for a moment: neither."""
    policy = ScalingPolicy(0.5, concurrency=8)

    def week(loads):
        return static_week(loads, 4, policy, LIMIT_S)

    steady = float(erlang_c(32, 0.95 * 32)) / (2.0 * 0.05)
    assert week(np.full(10_080, 1.9)).mean_wait_s == pytest.approx(steady)
    full = week(np.full(10_080, 2.0))
    assert full.slo_miss_share > 0.9 and 100 < full.mean_wait_s < 1_000
    loads = np.full(10_080, 1.0)
    loads[100:103] = 2.0
    assert week(loads).wait_s[100:103].max() < 5


def test_a_bound_on_the_fleet_shows_as_waiting():
    loads = steep_loads()
    free = autoscaled_week(loads, ScalingPolicy(0.5), LIMIT_S)
    bound = autoscaled_week(loads, ScalingPolicy(0.5, max_replicas=5), LIMIT_S)
    assert bound.replicas_billed.max() == 5
    assert bound.mean_wait_s > free.mean_wait_s and bound.slo_miss_share > free.slo_miss_share


@pytest.mark.parametrize(
    "change",
    [
        {"replica_requests_per_s": 0},
        {"target_utilisation": 1.1},
        {"min_replicas": 0},
        {"max_replicas": 0},
        {"scale_up_lag_s": float("nan")},
    ],
)
def test_odd_policies_are_refused(change):
    with pytest.raises(InputError):
        ScalingPolicy(**{"replica_requests_per_s": 1.0, **change})


def test_odd_loads_are_refused():
    with pytest.raises(InputError):
        autoscaled_week(np.ones(24), ScalingPolicy(1.0), 1.0)
    with pytest.raises(InputError):
        static_week(np.full(10_080, -1.0), 1, ScalingPolicy(1.0), 1.0)
