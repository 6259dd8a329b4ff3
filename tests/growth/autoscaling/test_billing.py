import numpy as np
import pytest

from llmplan.cost.billing import cold_wait_s, idle_shares, late_when_cold
from llmplan.errors import InputError
from llmplan.growth.autoscaling import (
    ActiveWindow,
    ScalingPolicy,
    billing_modes,
    busy_window,
    minute_loads,
    week_profile,
)

OFFICE = [0.0] * 8 + [1 / 10] * 10 + [0.0] * 6


def by_mode(loads, policy, **more):
    return {mode.mode: mode for mode in billing_modes(loads, policy, 4.0, 2.0, 30, **more)}


def test_always_on_bills_every_hour_of_the_peak_fleet():
    modes = by_mode(np.full(10_080, 1.0), ScalingPolicy(0.5))
    always = modes["always on"]
    assert always.peak_replicas == 3  # 1 / (0.5 x 0.7) = 2.86
    assert always.replica_hours_per_month == pytest.approx(3 * 720)
    assert always.usd_per_month == pytest.approx(3 * 720 * 4)
    assert modes["autoscaled"].usd_per_month == pytest.approx(always.usd_per_month)  # nothing to follow


def test_an_active_window_pays_its_hours_and_leaves_the_rest():
    loads = minute_loads(10_000, week_profile(OFFICE, 0.0))
    window = ActiveWindow(5, 8, 18)
    modes = by_mode(loads, ScalingPolicy(1.0, scale_up_lag_s=600), window=window)
    mode = modes["active window"]
    # five days of ten hours and ten minutes each, one replica
    assert mode.replica_hours_per_month == pytest.approx(5 * (10 + 1 / 6) * 30 / 7 * mode.peak_replicas)
    assert mode.unserved_share < 0.05  # the ramps before 8 and after 18
    paid = by_mode(loads, ScalingPolicy(1.0), window=window, fallback_usd_per_query=0.01)["active window"]
    assert paid.fallback_usd_per_month == pytest.approx(paid.unserved_share * 300_000 * 0.01)
    assert paid.slo_miss_share < mode.slo_miss_share
    assert mode.usd_per_month < modes["always on"].usd_per_month / 2


def test_the_busy_window_of_an_office():
    loads = minute_loads(10_000, week_profile(OFFICE, 0.0))
    window = busy_window(loads, 0.95)
    assert (window.days, window.start_hour, window.end_hour) == (5, 8, 18)


def test_a_window_may_run_past_midnight():
    minutes = ActiveWindow(1, 22, 26).open_minutes()
    assert minutes.sum() == 240 and minutes[22 * 60] and minutes[25 * 60] and not minutes[26 * 60]
    assert ActiveWindow(7, 0, 24).open_minutes().all()


def simulate_scale_to_zero(rate, timeout_s, cold_s, seed, arrivals=60_000):
    """Single Poisson arrivals: time billed and requests that met a cold start."""
    rng = np.random.default_rng(seed)
    clock = billed = waited = 0.0
    off_from, ready_at, cold = 0.0, -1.0, 0
    for gap in rng.exponential(1 / rate, arrivals):
        clock += gap
        if clock > off_from:  # stopped: start it
            billed_from, ready_at = clock, clock + cold_s
            off_from = ready_at + timeout_s
            billed += off_from - billed_from
            cold += 1
            waited += cold_s
        elif clock < ready_at:
            cold += 1
            waited += ready_at - clock
        else:
            billed += clock + timeout_s - off_from
            off_from = clock + timeout_s
    return billed / clock, cold / arrivals, waited / cold


@pytest.mark.parametrize(
    ("rate", "timeout_s", "cold_s"), [(0.001, 300, 120), (0.01, 120, 60), (0.005, 600, 300)]
)
def test_scale_to_zero_against_single_requests(rate, timeout_s, cold_s):
    on, cold = idle_shares(rate, timeout_s, cold_s)
    simulated_on, simulated_cold, simulated_wait = simulate_scale_to_zero(rate, timeout_s, cold_s, seed=3)
    assert on == pytest.approx(simulated_on, rel=0.02)
    assert cold == pytest.approx(simulated_cold, rel=0.02)
    assert cold_wait_s(rate, cold_s) == pytest.approx(simulated_wait, rel=0.02)


def test_scale_to_zero_is_cheap_and_late_at_low_volume_and_neither_at_high():
    policy = ScalingPolicy(1.0, scale_up_lag_s=300)
    low = by_mode(np.full(10_080, 0.0005), policy)
    assert low["scale to zero"].usd_per_month < 0.3 * low["autoscaled"].usd_per_month
    assert low["scale to zero"].slo_miss_share > 0.5
    high = by_mode(np.full(10_080, 0.5), policy)
    assert high["scale to zero"].usd_per_month == pytest.approx(high["autoscaled"].usd_per_month)
    assert high["scale to zero"].slo_miss_share == pytest.approx(high["autoscaled"].slo_miss_share, abs=1e-9)


def test_lateness_of_a_cold_start_by_hand():
    # nobody else arrives: the one request is late if the start takes longer than the limit
    assert late_when_cold(0.0, 60, 10) == 1 and late_when_cold(0.0, 5, 10) == 0
    # on average one more arrives during 100 s; three quarters of its places are late at a limit of 25 s
    assert late_when_cold(0.01, 100, 25) == pytest.approx((1 + 0.75) / 2)


def test_giving_hours_back_may_cost_more_an_hour():
    loads = np.full(10_080, 1.0)
    modes = by_mode(loads, ScalingPolicy(0.5), on_demand_factor=1.5)
    assert modes["autoscaled"].usd_per_month == pytest.approx(1.5 * modes["always on"].usd_per_month)


def test_odd_windows_are_refused():
    for bad in ((0, 0, 24), (5, 24, 25), (5, 8, 8), (5, 8, 40)):
        with pytest.raises(InputError):
            ActiveWindow(*bad)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"days_per_month": float("nan")}, "days_per_month"),
        ({"days_per_month": 0}, "days_per_month"),
        ({"usd_per_replica_hour": float("inf")}, "usd_per_replica_hour"),
        ({"fallback_usd_per_query": -1}, "fallback_usd_per_query"),
        ({"fallback_usd_per_query": float("nan")}, "fallback_usd_per_query"),
        ({"on_demand_factor": float("inf")}, "on_demand_factor"),
        ({"loads": np.zeros(10_080)}, "loads"),
        ({"loads": np.full(10_080, np.nan)}, "loads"),
        ({"loads": np.ones(24)}, "loads"),
    ],
)
def test_odd_amounts_are_refused_by_name(changes, field):
    plain = {
        "loads": np.ones(10_080),
        "policy": ScalingPolicy(0.5),
        "usd_per_replica_hour": 2.0,
        "wait_limit_s": 1.0,
        "days_per_month": 30,
    }
    with pytest.raises(InputError, match=field):
        billing_modes(**{**plain, **changes})
