"""The simulation against hand-worked runs, a naive oracle and conservation laws."""

from collections import deque
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.queueing.simulation.requests import (
    Requests,
    all_at_once,
    poisson_requests,
    requests_of_trace,
    sample_lengths,
)
from llmplan.queueing.simulation.runs import Router, simulate_closed_loop, simulate_requests
from llmplan.queueing.simulation.steps import AffineSteps, ReplicaLimits

STEPS = AffineSteps(0.010, 1e-4, 1e-9, 2e-4, 1e-7)


def one_by_one(
    steps: AffineSteps, limits: ReplicaLimits, requests: Requests
) -> tuple[list[float], list[float]]:
    """Serve requests with the plainest loop there is: every step, every sequence, no shortcuts."""
    n = len(requests)
    first, finish = [np.nan] * n, [np.nan] * n
    inputs, outputs = requests.input_tokens.tolist(), requests.output_tokens.tolist()
    pending, waiting = deque(range(n)), deque[int]()
    prefilling: dict[int, int] = {}
    decoding: dict[int, int] = {}
    now, reserved = 0.0, 0
    while pending or waiting or prefilling or decoding:
        while pending and requests.arrival_s[pending[0]] <= now:
            waiting.append(pending.popleft())
        while waiting and len(prefilling) + len(decoding) < limits.max_running:
            whole = inputs[waiting[0]] + outputs[waiting[0]]
            if reserved + whole > limits.kv_tokens:
                break
            reserved += whole
            prefilling[waiting.popleft()] = 0
        if not prefilling and not decoding:
            now = float(requests.arrival_s[pending[0]])
            continue
        budget, tokens, attended = limits.tokens_per_step - len(decoding), 0, 0.0
        for job, done in list(prefilling.items()):
            take = min(inputs[job] - done, budget - tokens)
            if take <= 0:
                break
            attended += sum(range(done + 1, done + take + 1))
            prefilling[job], tokens = done + take, tokens + take
        cached = sum(inputs[job] + made for job, made in decoding.items())
        now += steps.step_s(tokens, attended, len(decoding), cached)
        decoding = {job: made + 1 for job, made in decoding.items()}
        for job in [job for job, done in prefilling.items() if done == inputs[job]]:
            del prefilling[job]
            first[job], decoding[job] = now, 1
        for job in [job for job, made in decoding.items() if made == outputs[job]]:
            del decoding[job]
            finish[job], reserved = now, reserved - inputs[job] - outputs[job]
    return first, finish


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rate=st.floats(0.5, 40),
    budget=st.sampled_from([64, 200, 2048]),
    kv_tokens=st.integers(700, 6000),
    running=st.integers(1, 12),
)
def test_matches_the_plain_loop(seed: int, rate: float, budget: int, kv_tokens: int, running: int) -> None:
    requests = poisson_requests(np.random.default_rng(seed), 40, rate, 150, 25, 0.5, 0.7)
    longest = int((requests.input_tokens + requests.output_tokens).max())
    limits = ReplicaLimits(max(kv_tokens, longest), running, budget)
    found = simulate_requests(STEPS, limits, requests, warmup_share=0)
    first, finish = one_by_one(STEPS, limits, requests)
    np.testing.assert_allclose(
        found.ttft_ms, (np.array(first) - requests.arrival_s) * 1e3, rtol=1e-9, atol=1e-6
    )
    np.testing.assert_allclose(
        found.e2e_ms, (np.array(finish) - requests.arrival_s) * 1e3, rtol=1e-9, atol=1e-6
    )


def test_one_request_by_hand() -> None:
    steps = AffineSteps(0.010, 1e-4)
    requests = Requests(np.zeros(1), np.array([1000]), np.array([11]))
    found = simulate_requests(steps, ReplicaLimits(10_000), requests, warmup_share=0)
    # one step of 10 ms carries 1,000 prompt tokens of 0.1 ms; ten more steps of 10 ms follow
    assert found.ttft_ms == pytest.approx([110])
    assert found.tpot_ms == pytest.approx([10])
    assert found.e2e_ms == pytest.approx([210])
    assert found.requests_per_s == pytest.approx(1 / 0.21)


def test_a_prompt_longer_than_the_budget_takes_several_steps() -> None:
    steps = AffineSteps(0.010, 1e-4)
    requests = Requests(np.zeros(1), np.array([1000]), np.array([1]))
    found = simulate_requests(steps, ReplicaLimits(10_000, tokens_per_step=400), requests, warmup_share=0)
    assert found.ttft_ms == pytest.approx([130])
    assert np.isnan(found.tpot_ms).all()


def test_a_full_cache_makes_requests_wait_in_order() -> None:
    requests = all_at_once(np.random.default_rng(0), 3, 100, 10)
    found = simulate_requests(STEPS, ReplicaLimits(110), requests, warmup_share=0)
    assert list(found.ttft_ms) == sorted(found.ttft_ms)
    assert found.ttft_ms[1] > found.e2e_ms[0]
    assert found.running_sequences == pytest.approx(1)


def test_a_request_larger_than_the_cache_is_an_error() -> None:
    requests = all_at_once(np.random.default_rng(0), 1, 1000, 100)
    with pytest.raises(InputError, match="exceed the KV cache"):
        simulate_requests(STEPS, ReplicaLimits(1000), requests)


def test_same_seed_same_answer_and_littles_law() -> None:
    def run() -> dict[str, float]:
        requests = poisson_requests(np.random.default_rng(7), 3000, 3.0, 500, 200, 0.4, 0.6)
        return simulate_requests(STEPS, ReplicaLimits(200_000), requests, 3, warmup_share=0).summary()

    one, two = run(), run()
    assert one == two
    in_system = 3 * (one["running_sequences"] + one["waiting_requests"])
    assert in_system == pytest.approx(one["requests_per_s"] * one["e2e_ms_mean"] / 1e3, rel=0.02)


def test_closed_loop_keeps_its_clients_busy() -> None:
    lengths = sample_lengths(np.random.default_rng(1), 800, 300, 0.5)
    found = simulate_closed_loop(STEPS, ReplicaLimits(1e6), lengths, lengths // 4 + 1, 20, replicas=2)
    assert found.running_sequences + found.waiting_requests == pytest.approx(10, rel=1e-6)
    assert found.busy == pytest.approx(1)


def test_more_replicas_never_wait_longer() -> None:
    requests = poisson_requests(np.random.default_rng(3), 2000, 6.0, 800, 150, 0.3, 0.5)
    limits = ReplicaLimits(60_000, 64)
    means = [simulate_requests(STEPS, limits, requests, n).ttft_ms.mean() for n in (1, 2, 4)]
    assert means[0] > means[1] > means[2]


@pytest.mark.parametrize("router", ["round_robin", "random", "least_loaded"])
def test_routers_serve_every_request(router: Router) -> None:
    requests = poisson_requests(np.random.default_rng(3), 300, 5.0, 200, 50)
    found = simulate_requests(STEPS, ReplicaLimits(1e6), requests, 3, router, 0)
    assert np.isfinite(found.e2e_ms).all()
    assert found.ttft_ms.size == 300


def test_the_published_cliff() -> None:
    """70B FP8 on two H100, 5,000 + 500 tokens: TTFT jumps past a full cache while throughput stays flat.

    Published: 50 clients 814 tokens/s and 835 ms, 100 clients 7,996 ms, 150 clients 921 tokens/s, 34,794 ms.
    """
    steps = AffineSteps(0.012, 6.5e-5, 0.0, 2e-4, 3.3e-8)
    limits = ReplicaLimits(480_000)
    runs = {
        c: simulate_closed_loop(steps, limits, np.full(20 * c, 5000), np.full(20 * c, 500), c).summary()
        for c in (50, 100, 150)
    }
    assert runs[50]["ttft_ms_mean"] < 1200
    assert runs[100]["ttft_ms_mean"] > 5 * runs[50]["ttft_ms_mean"]
    assert runs[150]["ttft_ms_mean"] > 3 * runs[100]["ttft_ms_mean"]
    assert runs[150]["output_tokens_per_s"] == pytest.approx(runs[50]["output_tokens_per_s"], rel=0.15)


def test_lengths_have_the_asked_mean_and_spread() -> None:
    draws = sample_lengths(np.random.default_rng(0), 200_000, 500, 0.8)
    assert draws.mean() == pytest.approx(500, rel=0.01)
    assert draws.std() / draws.mean() == pytest.approx(0.8, rel=0.03)
    assert (sample_lengths(np.random.default_rng(0), 5, 500) == 500).all()


def test_a_trace_starts_at_zero_and_can_be_replayed_faster() -> None:
    trace = requests_of_trace([30.0, 10.0, 20.0], [3, 1, 2], [1, 1, 1], speed=2)
    assert trace.arrival_s.tolist() == [0, 5, 10]
    assert trace.input_tokens.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "call",
    [
        lambda: AffineSteps(float("nan"), 1e-4),
        lambda: ReplicaLimits(0),
        lambda: ReplicaLimits(100).sequences(0),
        lambda: sample_lengths(np.random.default_rng(0), 3, 0.2),
        lambda: sample_lengths(np.random.default_rng(0), 3, 10, -1),
        lambda: poisson_requests(np.random.default_rng(0), 3, float("nan"), 10, 10),
        lambda: poisson_requests(np.random.default_rng(0), 0, 1, 10, 10),
        lambda: requests_of_trace([], [], []),
        lambda: Requests(np.array([1.0, 0.5]), np.array([1, 1]), np.array([1, 1])),
        lambda: simulate_closed_loop(STEPS, ReplicaLimits(1e6), np.array([5]), np.array([5]), 2),
        lambda: simulate_requests(
            STEPS, ReplicaLimits(1e6), all_at_once(np.random.default_rng(0), 2, 5, 5), replicas=0
        ),
    ],
)
def test_impossible_inputs_are_errors(call: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        call()
