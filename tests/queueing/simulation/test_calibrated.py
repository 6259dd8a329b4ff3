"""The calibrated step model inside the simulation agrees with the closed-form prediction."""

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.queueing import closed_loop, open_loop, service_curve
from llmplan.queueing.simulation.calibrated import simulated_replica
from llmplan.queueing.simulation.requests import poisson_requests, sample_lengths
from llmplan.queueing.simulation.runs import simulate_closed_loop, simulate_requests
from llmplan.replica import Configurations, ReplicaConfig, predict

CASES = [
    (ReplicaConfig("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm"), 1000, 300),
    (ReplicaConfig("llama-3.3-70b", "fp8", "h100-sxm", 2, "tensorrt-llm"), 5000, 500),
    (ReplicaConfig("llama-3.1-70b", "w4a16", "a100-80gb-sxm", 1, "vllm"), 2000, 500),
    (ReplicaConfig("gpt-oss-120b", "mxfp4", "h200-sxm", 1, "vllm"), 1000, 1000),
    (ReplicaConfig("deepseek-v3", "fp8", "h200-sxm", 8, "sglang"), 2000, 600),
    (ReplicaConfig("qwen3-32b", "fp8", "l40s", 2, "vllm"), 1500, 400),
    (ReplicaConfig("llama-3.1-8b", "fp8", "l4", 1, "vllm"), 800, 200),
]


def one(config: ReplicaConfig) -> Configurations:
    return Configurations.from_configs(load_catalog(), [config])


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
@pytest.mark.parametrize(("config", "isl", "osl"), CASES, ids=lambda case: getattr(case, "model_id", None))
def test_simulation_formula_and_prediction_are_one_steady_state(
    config: ReplicaConfig, isl: int, osl: int, utilisation: float
) -> None:
    """Clients that bring the replica to a share of its highest rate: rate and TPOT of all three, TTFT of two."""
    replica = simulated_replica(one(config), isl, osl)
    curve = service_curve(replica.steps, replica.limits, isl, osl)
    wanted = utilisation * curve.saturation_requests_per_s
    clients = max(1, int(np.searchsorted(curve.requests_per_s, wanted)))
    rng, n = np.random.default_rng(0), max(20 * clients, 300)
    prompts, answers = sample_lengths(rng, n, isl, 0.3), sample_lengths(rng, n, osl, 0.3)
    run = simulate_closed_loop(replica.steps, replica.limits, prompts, answers, clients)
    formula, predicted = closed_loop(curve, clients), predict(one(config), isl, osl, clients)
    for found in (formula, predicted):
        assert found.output_tokens_per_s[0] == pytest.approx(run.output_tokens_per_s, rel=0.05)
        assert found.tpot_ms[0] == pytest.approx(np.nanmean(run.tpot_ms), rel=0.05)
    assert formula.ttft_ms[0] == pytest.approx(run.ttft_ms.mean(), rel=0.1)
    alike = np.full(20 * clients, isl), np.full(20 * clients, osl)
    run = simulate_closed_loop(replica.steps, replica.limits, *alike, clients, out_of_step=True)
    outside = 1e3 * replica.request_overhead_s
    assert formula.ttft_ms[0] + outside == pytest.approx(run.ttft_ms.mean() + outside, rel=0.1)


@pytest.mark.parametrize("utilisation", [0.3, 0.6, 0.8])
@pytest.mark.parametrize(("config", "isl", "osl"), CASES, ids=lambda case: getattr(case, "model_id", None))
def test_random_arrivals_at_calibrated_replicas(
    config: ReplicaConfig, isl: int, osl: int, utilisation: float
) -> None:
    """Means within 10 %; prompts of more than half a step's budget, which share no step, are up to a fifth off."""
    replica = simulated_replica(one(config), isl, osl)
    curve = service_curve(replica.steps, replica.limits, isl, osl, 0.3)
    rate = utilisation * curve.saturation_requests_per_s
    found = open_loop(curve, rate, input_cv=0.3, percentiles=(90,))
    requests = poisson_requests(np.random.default_rng(2), 6000, rate, isl, osl, 0.3, 0.3)
    run = simulate_requests(replica.steps, replica.limits, requests, warmup_share=0.2)
    within = 0.1 if 2 * isl <= replica.limits.tokens_per_step else 0.22
    assert found.ttft_ms_mean[0] == pytest.approx(run.ttft_ms.mean(), rel=within)
    assert found.tpot_ms[0] == pytest.approx(np.nanmean(run.tpot_ms), rel=within)


def test_the_published_cliff_with_the_calibrated_model() -> None:
    """50 clients wait below a few seconds; 150 wait ten times as long at about the same throughput."""
    config, isl, osl = CASES[1]
    replica = simulated_replica(one(config), isl, osl)
    curve = service_curve(replica.steps, replica.limits, isl, osl)
    clients = [50, 150, 200]
    formula = closed_loop(curve, clients)
    runs = [
        simulate_closed_loop(replica.steps, replica.limits, np.full(15 * c, isl), np.full(15 * c, osl), c)
        for c in clients
    ]
    for ttft, rate in (
        (formula.ttft_ms, formula.output_tokens_per_s),
        ([r.ttft_ms.mean() for r in runs], [r.output_tokens_per_s for r in runs]),
    ):
        assert ttft[1] > 10 * ttft[0]
        assert ttft[2] > 1.3 * ttft[1]
        assert rate[2] == pytest.approx(rate[1], rel=0.05)
        assert rate[1] == pytest.approx(rate[0], rel=0.25)


def test_open_loop_formula_against_the_calibrated_simulation() -> None:
    config, isl, osl = CASES[0]
    replica = simulated_replica(one(config), isl, osl)
    curve = service_curve(replica.steps, replica.limits, isl, osl, 0.5)
    rate = 0.6 * curve.saturation_requests_per_s
    found = open_loop(curve, rate, input_cv=0.3, percentiles=(50, 90))
    requests = poisson_requests(np.random.default_rng(2), 6000, rate, isl, osl, 0.3, 0.5)
    run = simulate_requests(replica.steps, replica.limits, requests)
    assert found.ttft_ms_mean[0] == pytest.approx(run.ttft_ms.mean(), rel=0.2)
    assert found.ttft_ms[1, 0] == pytest.approx(np.percentile(run.ttft_ms, 90), rel=0.25)


def test_a_model_without_room_is_an_error() -> None:
    with pytest.raises(InputError, match="no room"):
        simulated_replica(one(ReplicaConfig("llama-3.1-70b", "bf16", "a100-80gb-sxm", 1, "vllm")), 1000, 500)


def test_more_than_one_replica_at_a_time_is_an_error() -> None:
    many = one(CASES[0][0]).take(np.zeros(2, dtype=np.intp))
    with pytest.raises(InputError, match="one replica"):
        simulated_replica(many, 1000, 500)
