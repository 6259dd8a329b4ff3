"""Waits by formula: exact cases, limits, and the simulation as oracle inside the stated range."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from llmplan.errors import InputError
from llmplan.queueing import (
    closed_loop,
    erlang_c,
    highest_rate,
    open_loop,
    service_curve,
)
from llmplan.queueing.simulation.requests import poisson_requests, sample_lengths
from llmplan.queueing.simulation.runs import Router, simulate_closed_loop, simulate_requests
from llmplan.queueing.simulation.steps import AffineSteps, ReplicaLimits

LARGE = AffineSteps(0.012, 6.5e-5, 0, 2e-4, 3.3e-8)
SMALL = AffineSteps(0.007, 2.2e-5, 0, 2e-5, 5e-8)
LIMITS = ReplicaLimits(480_000, 256, 8192)


def erlang_c_by_sum(k: int, load: float) -> float:
    """The textbook sum, for few servers."""
    top = load**k / math.factorial(k) * k / (k - load)
    return top / (sum(load**i / math.factorial(i) for i in range(k)) + top)


@pytest.mark.parametrize(("k", "load"), [(1, 0.5), (2, 1.2), (5, 4.0), (20, 15.0)])
def test_erlang_c_is_the_textbook_sum(k: int, load: float) -> None:
    assert erlang_c(k, load) == pytest.approx(erlang_c_by_sum(k, load), rel=1e-9)


def test_erlang_c_by_hand_and_at_its_ends() -> None:
    # one server waits with the probability that it is busy; two servers at 1 erlang: 1/3
    assert erlang_c(1, 0.3) == pytest.approx(0.3)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(3, [0.0, 3.0, 9.0]).tolist() == [0, 1, 1]
    assert erlang_c([1, 2, 3], 0.9) == pytest.approx([0.9, erlang_c_by_sum(2, 0.9), erlang_c_by_sum(3, 0.9)])
    assert erlang_c(2000, [1900.0, 1999.0]) == pytest.approx([0.0, 1.0], abs=0.98)


@pytest.mark.parametrize("steps", [LARGE, SMALL])
@pytest.mark.parametrize(("isl", "osl"), [(1000, 300), (5000, 500), (500, 1000)])
@pytest.mark.parametrize("clients", [4, 16, 48])
def test_service_curve_against_simulation(steps: AffineSteps, isl: int, osl: int, clients: int) -> None:
    curve = service_curve(steps, LIMITS, isl, osl)
    rng, n = np.random.default_rng(1), 25 * clients
    prompts, answers = sample_lengths(rng, n, isl, 0.2), sample_lengths(rng, n, osl, 0.2)
    run = simulate_closed_loop(steps, LIMITS, prompts, answers, clients, warmup_share=0.3)
    assert curve.requests_per_s[clients - 1] == pytest.approx(run.requests_per_s, rel=0.08)
    assert curve.pace_s[clients - 1] * 1e3 == pytest.approx(run.tpot_ms.mean(), rel=0.08)
    assert curve.first_s[clients - 1] * 1e3 == pytest.approx(run.ttft_ms.mean(), rel=0.15)


def test_one_client_by_hand() -> None:
    # 1,000 prompt tokens of 0.1 ms and one step of 10 ms, then 10 steps of 10 ms
    curve = service_curve(AffineSteps(0.010, 1e-4), ReplicaLimits(1e6), 1000, 11)
    assert curve.first_s[0] == pytest.approx(0.110)
    assert curve.pace_s[0] == pytest.approx(0.010)
    assert curve.requests_per_s[0] == pytest.approx(1 / 0.210)


def test_rates_rise_with_the_batch() -> None:
    curve = service_curve(LARGE, LIMITS, 2000, 500)
    assert np.all(np.diff(curve.requests_per_s) > -1e-9)
    assert np.all(np.diff(curve.pace_s) > -1e-9)
    assert curve.places == 192


SHORT = ReplicaLimits(400_000, 256, 2048)
"""Prompts of several steps queue one by one."""
FLEETS: list[tuple[AffineSteps, ReplicaLimits, int, int, float, float, int, Router, float]] = [
    (LARGE, LIMITS, 1000, 300, 0.0, 0.0, 1, "least_loaded", 0.1),
    (LARGE, LIMITS, 5000, 500, 0.3, 0.5, 1, "least_loaded", 0.1),
    (SMALL, LIMITS, 1000, 300, 0.5, 1.0, 1, "least_loaded", 0.1),
    (SMALL, SHORT, 5000, 500, 0.5, 0.5, 1, "least_loaded", 0.1),
    (SMALL, LIMITS, 8000, 60, 0.2, 0.2, 1, "least_loaded", 0.25),  # two such prompts share no step
    (LARGE, LIMITS, 5000, 500, 0.3, 0.5, 4, "least_loaded", 0.1),
    (SMALL, LIMITS, 1000, 300, 0.5, 1.0, 4, "random", 0.1),
]


@pytest.mark.parametrize(
    ("steps", "limits", "isl", "osl", "input_cv", "output_cv", "replicas", "router", "within"), FLEETS
)
def test_open_loop_against_simulation_in_its_range(
    steps: AffineSteps,
    limits: ReplicaLimits,
    isl: int,
    osl: int,
    input_cv: float,
    output_cv: float,
    replicas: int,
    router: Router,
    within: float,
) -> None:
    """Means within 10 % up to a utilisation of 0.8, the 90th percentile within 15 %."""
    curve = service_curve(steps, limits, isl, osl, output_cv)
    rates = np.array([0.4, 0.8]) * curve.saturation_requests_per_s * replicas
    found = open_loop(curve, rates, replicas, router, input_cv, (90,))
    assert found.valid.all()
    for i, rate in enumerate(rates):
        requests = poisson_requests(np.random.default_rng(2), 16_000, rate, isl, osl, input_cv, output_cv)
        run = simulate_requests(steps, limits, requests, replicas, router, 0.2)
        assert found.ttft_ms_mean[i] == pytest.approx(run.ttft_ms.mean(), rel=within)
        assert found.tpot_ms[i] == pytest.approx(run.tpot_ms.mean(), rel=within)
        assert found.ttft_ms[0, i] == pytest.approx(np.percentile(run.ttft_ms, 90), rel=within + 0.05)


CURVE = service_curve(LARGE, LIMITS, 2000, 500, 0.5)


def test_percentiles_are_ordered_and_rise_with_load() -> None:
    rates = np.linspace(0.02, 1.2, 40) * CURVE.saturation_requests_per_s
    found = open_loop(CURVE, rates, input_cv=0.4)
    inside = found.utilisation < 0.95
    assert np.all(np.diff(found.ttft_ms[:, inside], axis=0) >= 0)
    assert np.all(np.diff(found.ttft_ms_mean[inside]) > 0)
    assert np.isinf(found.ttft_ms[:, found.utilisation >= 1]).all()
    assert not found.valid[found.utilisation > 0.85].any()
    assert found.valid[found.utilisation <= 0.85].all()


def test_a_larger_fleet_waits_no_longer_at_the_same_share() -> None:
    rate = 0.7 * CURVE.saturation_requests_per_s
    means = [open_loop(CURVE, rate * n, n).ttft_ms_mean[0] for n in (1, 2, 4, 8)]
    assert means == sorted(means, reverse=True)


def test_highest_rate_keeps_its_limit() -> None:
    rate = highest_rate(CURVE, 700, percentile=95, input_cv=0.3)
    assert 0 < rate < CURVE.saturation_requests_per_s
    assert open_loop(CURVE, rate, input_cv=0.3, percentiles=(95,)).ttft_ms[0, 0] <= 700
    assert highest_rate(CURVE, 1.0) == 0
    assert highest_rate(CURVE, 2000) >= highest_rate(CURVE, 700)


def test_the_cliff_at_a_full_cache() -> None:
    """Past the places in the batch throughput is flat and every client adds the same wait to all."""
    curve = service_curve(LARGE, LIMITS, 5000, 500)
    found = closed_loop(curve, [50, 87, 100, 150])
    assert curve.places == 87
    assert found.output_tokens_per_s[2] == found.output_tokens_per_s[1] == found.output_tokens_per_s[3]
    assert found.ttft_ms[2] > 5 * found.ttft_ms[0]
    assert found.ttft_ms[3] - found.ttft_ms[2] == pytest.approx(50 / curve.saturation_requests_per_s * 1e3)
    assert found.waiting.tolist() == [0, 0, 13, 63]


def test_published_waits_follow_from_littles_law() -> None:
    """70B FP8 on two H100 at 921 tokens/s of 500 each: 150 and 200 clients waited 34.8 and 61.7 s."""
    rate = 920.9 / 500
    assert 50 / rate == pytest.approx(61.68 - 34.79, rel=0.02)


def test_waiting_for_a_place_near_saturation_against_simulation() -> None:
    """At 0.9 a full batch is most of the 99th percentile; the formula finds its size."""
    curve = service_curve(LARGE, LIMITS, 5000, 500, 0.5)
    rate = 0.9 * curve.saturation_requests_per_s
    requests = poisson_requests(np.random.default_rng(11), 20_000, rate, 5000, 500, 0.3, 0.5)
    run = simulate_requests(LARGE, LIMITS, requests, warmup_share=0.2)
    found = open_loop(curve, rate, input_cv=0.3, percentiles=(90, 99))
    assert found.ttft_ms_mean[0] == pytest.approx(run.ttft_ms.mean(), rel=0.3)
    assert found.ttft_ms[1, 0] == pytest.approx(np.percentile(run.ttft_ms, 99), rel=0.5)
    assert found.running[0] == pytest.approx(run.running_sequences, rel=0.1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: erlang_c(0, 0.5),
        lambda: erlang_c(2, float("nan")),
        lambda: service_curve(LARGE, LIMITS, 0, 100),
        lambda: service_curve(LARGE, LIMITS, 100, 100, output_cv=5),
        lambda: service_curve(LARGE, ReplicaLimits(1000), 2000, 100),
        lambda: open_loop(CURVE, [0.0, 1.0]),
        lambda: open_loop(CURVE, float("nan")),
        lambda: open_loop(CURVE, 1.0, replicas=0),
        lambda: open_loop(CURVE, 1.0, input_cv=9),
        lambda: closed_loop(CURVE, 0),
        lambda: highest_rate(CURVE, 0),
    ],
)
def test_impossible_inputs_are_errors(call: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        call()


@pytest.mark.parametrize(("isl", "osl"), [(1000, 300), (5000, 500), (3000, 100)])
def test_the_closed_loop_is_right_where_it_says_so(isl: int, osl: int) -> None:
    """Varied answers: 10 %. Fixed ones keep clients in step, so only an overfull batch and one client count."""
    for cv in (0.0, 0.5):
        curve = service_curve(LARGE, LIMITS, isl, osl, cv)
        for clients in (1, 16, curve.places // 2, 2 * curve.places):
            rng, n = np.random.default_rng(3), max(600, 15 * clients)
            prompts, answers = sample_lengths(rng, n, isl, cv), sample_lengths(rng, n, osl, cv)
            run = simulate_closed_loop(LARGE, LIMITS, prompts, answers, clients)
            found = closed_loop(curve, clients)
            assert found.valid[0] == (cv > 0 or clients in (1, 2 * curve.places))
            assert found.requests_per_s[0] == pytest.approx(run.requests_per_s, rel=0.1)
            if found.valid[0]:
                assert found.ttft_ms[0] == pytest.approx(run.ttft_ms.mean(), rel=0.1)
