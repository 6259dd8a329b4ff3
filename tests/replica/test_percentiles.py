"""Percentiles of random arrivals: exact where a queue is, against the event simulation elsewhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.queueing import erlang_c
from llmplan.replica import Configurations, ReplicaConfig, capacity
from llmplan.replica.percentiles import SHARES, at_random, gated_moments
from llmplan.replica.queue import Service
from llmplan.sizing import Load, SizeRequest, simulate_load

CATALOG = load_catalog()


def one(*names: str | int) -> Configurations:
    return Configurations.from_configs(CATALOG, [ReplicaConfig(*names)])


def servers(count: int, service_s: float) -> tuple[Service, np.ndarray]:
    """A replica whose every sequence is served at its own pace, prompts taking no time: M/M/k."""
    clients = np.minimum(np.array([[1.0, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]]), count)
    ones = np.ones_like(clients)
    pace = ones * service_s / 100
    rates = clients / service_s
    return Service(pace, pace, rates, clients, 0 * ones, 1e-9 * rates, 0 * ones), clients


@pytest.mark.parametrize("count", [1, 2, 8, 40, 96])
def test_the_chance_to_wait_for_a_place_is_erlangs(count: int) -> None:
    service, clients = servers(count, 4.0)
    found = at_random(service, clients, np.array([100.0]), 95)
    expected = erlang_c(count, SHARES * count)
    np.testing.assert_allclose(found.percentile.waiting[0], expected, rtol=1e-6, atol=1e-12)
    inside = SHARES * count + expected * SHARES / (1 - SHARES)
    queued = expected * SHARES / (1 - SHARES)
    np.testing.assert_allclose(found.mean.running[0], inside - queued, rtol=1e-6)


def test_many_places_are_told_apart_closely_enough() -> None:
    service, clients = servers(144, 4.0)
    found = at_random(service, clients, np.array([100.0]), 95)
    busy = SHARES > 0.8
    np.testing.assert_allclose(
        found.percentile.waiting[0, busy], erlang_c(144, SHARES[busy] * 144), rtol=0.1, atol=0.005
    )


def test_a_step_without_prompts_is_waited_for_half_and_taken_whole() -> None:
    """Residual of a constant step d uniform, then the own one: mean 3/2 d, variance d^2 / 12."""
    mean, variance = gated_moments(np.array([1e-6]), np.array([1e-9]), np.array([0.02]), 0.0)
    assert mean[0] == pytest.approx(1.5 * 0.02 + 1e-3, rel=1e-3)  # a prompt takes busy / rate = 1 ms
    assert variance[0] == pytest.approx(0.02**2 / 12, rel=1e-3)


@pytest.mark.parametrize(
    ("names", "isl", "osl", "ttft_ms", "tpot_ms", "slack"),
    [
        (("llama-3.1-70b", "fp8", "h100-sxm", 2, "vllm"), 2000, 500, 1500, 100, 1.0),
        (("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm"), 5000, 500, 3000, 100, 1.0),
        (("llama-3.1-8b", "w4a16", "l4", 1, "vllm"), 2000, 500, 1500, 100, 1.1),
        (("llama-3.1-70b", "bf16", "a100-80gb-sxm", 2, "vllm"), 2000, 500, 1500, 100, 1.3),
        (("llama-3.1-8b", "w4a16", "l4", 1, "vllm"), 2000, 500, 3000, 100, 1.0),
        (("llama-3.1-70b", "bf16", "a100-80gb-sxm", 2, "vllm"), 2000, 500, 3000, 100, 1.0),
    ],
)
def test_the_rate_at_a_percentile_keeps_its_targets_in_the_simulation(
    names: tuple[str, str, str, int, str],
    isl: float,
    osl: float,
    ttft_ms: float,
    tpot_ms: float,
    slack: float,
) -> None:
    """Near a full cache a tenth of the rate is most of the wait; in two a prompt is slow.

    slack: two of them exceed a tight TTFT in the simulation: with 2,048 tokens a step, a longer prompt takes
    several steps, which the formula does not see.
    """
    rate = float(capacity(one(*names), isl, osl, ttft_ms, tpot_ms, latency_percentile=95).requests_per_s[0])
    assert rate > 0
    request = SizeRequest(*names[:3], isl, osl, *names[3:])
    load = Load(requests_per_s=0.9 * rate, input_cv=0.5, output_cv=0.5, requests=6000)
    run = simulate_load(CATALOG, request, load).simulation
    assert run["ttft_ms_p95"] <= slack * ttft_ms
    assert run["tpot_ms_p95"] <= tpot_ms
    faster = Load(requests_per_s=1.5 * rate, input_cv=0.5, output_cv=0.5, requests=3000)
    worse = simulate_load(CATALOG, request, faster).simulation
    assert worse["ttft_ms_p95"] > ttft_ms or worse["tpot_ms_p95"] > tpot_ms


@settings(max_examples=25, deadline=None)
@given(
    isl=st.floats(50, 8000),
    osl=st.floats(5, 2000),
    ttft_ms=st.floats(50, 20_000),
    low=st.floats(50, 99.8),
    more=st.floats(0, 49),
)
def test_a_stricter_percentile_never_serves_more(
    isl: float, osl: float, ttft_ms: float, low: float, more: float
) -> None:
    replica = one("llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm")
    high = min(low + more, 99.9)
    loose, strict = (
        capacity(replica, isl, osl, ttft_ms, 100, latency_percentile=p).requests_per_s[0] for p in (low, high)
    )
    assert strict <= loose
    assert np.isfinite(loose)


def test_why_a_percentile_is_out_of_reach() -> None:
    found = capacity(
        one("llama-3.1-70b", "w4a16", "a100-80gb-sxm", 2, "vllm"), 5000, 500, 500, 100, latency_percentile=95
    )
    assert found.requests_per_s[0] == 0
    assert "even nearly idle, at the 95th percentile" in found.reason[0]


@pytest.mark.parametrize("wrong", [0.0, 49.9, 100.0, float("nan"), -5.0])
def test_percentiles_out_of_range_are_errors(wrong: float) -> None:
    with pytest.raises(InputError, match="latency_percentile"):
        capacity(
            one("llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm"), 1000, 300, 500, 100, latency_percentile=wrong
        )
