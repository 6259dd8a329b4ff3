"""Capacity: the largest batch within the targets, reasons, properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.replica import Configurations, ReplicaConfig, capacity
from llmplan.replica.capacity import thinks_too_long
from llmplan.replica.memory import memory_plan

CATALOG = load_catalog()


def replicas(*rows):
    return Configurations.from_configs(CATALOG, [ReplicaConfig(*row) for row in rows])


def test_what_does_not_fit_says_so_and_serves_nothing():
    c = replicas(("llama-3.1-405b", "bf16", "a100-80gb-sxm", 8, "vllm"))
    got = capacity(c, 1000, 500, 2000, 100)
    assert not got.fits[0]
    assert got.requests_per_s[0] == 0
    assert got.binding[0] == "memory"
    assert "do not fit" in got.reason[0]


def test_memory_agrees_with_the_memory_plan():
    c = replicas(
        ("llama-3.1-70b", "bf16", "a100-80gb-sxm", 2, "vllm"), ("deepseek-v3", "fp8", "h200-sxm", 8, "sglang")
    )
    got = capacity(c, 2000, 500)
    for i, config in enumerate(c.configs):
        plan = memory_plan(CATALOG, config, 2500)
        assert got.max_concurrent_sequences[i] == plan.max_concurrent_sequences


def test_targets_are_kept_and_a_tighter_one_never_serves_more():
    c = replicas(("llama-3.1-70b", "fp8", "h100-sxm", 4, "vllm"), ("llama-3.1-8b", "bf16", "l4", 1, "vllm"))
    loose, tight = capacity(c, 1000, 500, 5000, 100), capacity(c, 1000, 500, 2000, 30)
    free = capacity(c, 1000, 500)
    assert np.all(tight.requests_per_s <= loose.requests_per_s + 1e-9)
    assert np.all(loose.requests_per_s <= free.requests_per_s + 1e-9)
    assert loose.tpot_ms[0] <= 100
    assert loose.ttft_ms[0] <= 5000


def test_an_impossible_target_names_itself():
    got = capacity(replicas(("llama-3.1-70b", "bf16", "a100-80gb-sxm", 4, "vllm")), 1000, 500, None, 0.5)
    assert got.fits[0]
    assert got.requests_per_s[0] == 0
    assert got.binding[0] == "latency target"
    assert "TPOT" in got.reason[0]


THINKERS = replicas(
    ("gpt-oss-120b", "mxfp4", "h100-sxm", 1, "vllm"),
    ("gpt-oss-20b", "mxfp4", "l4", 1, "vllm"),
    ("qwen3-32b", "fp8", "l40s", 2, "vllm"),
    ("deepseek-v3", "fp8", "h200-sxm", 8, "sglang"),
)


@given(
    read=st.floats(10, 20_000),
    said=st.floats(1, 800),
    reasoning=st.floats(1, 3000),
    limit_ms=st.floats(50, 60_000),
)
def test_no_replica_that_thinks_too_long_serves_in_time(read, said, reasoning, limit_ms):
    lengths = [np.full(len(THINKERS), tokens) for tokens in (read, said + reasoning, reasoning)]
    hopeless = thinks_too_long(THINKERS, *lengths, limit_ms)
    got = capacity(THINKERS, *lengths[:2], limit_ms, reasoning_tokens=reasoning)
    assert not np.any(hopeless & (got.requests_per_s > 0))


def test_what_thinks_too_long_is_found_without_solving_it():
    lengths = [np.full(len(THINKERS), tokens) for tokens in (500.0, 2500.0, 2000.0)]
    limits_ms = np.geomspace(500, 100_000, 40)
    solved = np.array(
        [capacity(THINKERS, *lengths[:2], x, reasoning_tokens=2000).requests_per_s for x in limits_ms]
    )
    bound = np.array([thinks_too_long(THINKERS, *lengths, x) for x in limits_ms])
    assert bound.any(axis=0).all() and (solved[~bound] == 0).sum() <= 4  # a step of the limit each at most


def test_the_whole_answer_keeps_its_target():
    """TTFT + 499 TPOT of the chosen load; a target that one client misses names itself."""
    c = replicas(("llama-3.1-70b", "fp8", "h100-sxm", 4, "vllm"), ("llama-3.1-8b", "bf16", "l4", 1, "vllm"))
    free, held = capacity(c, 1000, 500), capacity(c, 1000, 500, answer_limit_ms=12_000)
    whole_ms = held.ttft_ms + 499 * held.tpot_ms
    assert whole_ms[0] <= 12_000 < (free.ttft_ms + 499 * free.tpot_ms)[0]
    assert 0 < held.requests_per_s[0] < free.requests_per_s[0] and held.binding[0] == "latency target"
    assert (
        held.requests_per_s[1] == 0 and "answer" in held.reason[1] and "exceeds 12,000 ms" in held.reason[1]
    )


def test_a_context_beyond_the_model_is_refused():
    got = capacity(
        replicas(("mixtral-8x7b", "bf16", "h200-sxm", 4, "vllm")), 1000, 500, context_tokens=100_000
    )
    assert not got.fits[0]
    assert "context" in got.reason[0]


def test_bands_enclose_the_rate():
    c = replicas(("llama-3.1-70b", "fp8", "h100-sxm", 4, "vllm"))
    got = capacity(c, 1000, 500, 2000, 100)
    assert 0 < got.requests_per_s_p10[0] <= got.requests_per_s[0] <= got.requests_per_s_p90[0]
    assert got.output_tokens_per_s[0] == pytest.approx(got.requests_per_s[0] * 500)


def test_an_engine_without_continuous_batching_runs_few_sequences():
    c = replicas(
        ("llama-3.1-8b", "bf16", "h100-sxm", 1, "ollama"), ("llama-3.1-8b", "bf16", "h100-sxm", 1, "vllm")
    )
    got = capacity(c, 1000, 500)
    assert got.concurrency[0] <= 4
    assert got.requests_per_s[0] < 0.2 * got.requests_per_s[1]
    assert got.binding[0] != "memory"
