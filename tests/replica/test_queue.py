"""The closed queue: its limits and its opening burst, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from llmplan.replica import Configurations, ReplicaConfig
from llmplan.replica.constants import fitted
from llmplan.replica.queue import closed_loop, kv_limited_sequences, running_limit
from llmplan.replica.step import decode_step, prefill


@pytest.fixture
def replica(catalog):
    c = Configurations.from_configs(catalog, [ReplicaConfig("llama-3.1-8b", "fp8", "h100-sxm", 1, "vllm")])
    return c, fitted(c.catalog).values(c)


def test_the_token_budget_bounds_the_decoding_batch(replica):
    c, k = replica
    c = replace(c, step_tokens=np.array([4096.0]))
    isl, osl = np.array([8192.0]), np.array([40.0])
    assert running_limit(c, k, isl, osl)[0] == pytest.approx(20.0)
    short = np.array([100.0])
    assert running_limit(c, k, short, osl) == kv_limited_sequences(c, k, short, osl)


def test_prompts_of_a_burst_that_share_a_step_get_their_first_token_together(replica):
    """Ten at once, four to a step: (10 + 4 - 2) / 2 = 6 prefills ahead of the mean one; alone 4.5."""
    c, k = replica
    load = np.array([1000.0]), np.array([500.0]), np.array([10.0])
    marginal = prefill(c, k, load[0]).marginal_s[0]

    changed = k | {"burst_share": np.array([1.0]), "prefill_interference": np.zeros(1)}
    for budget, ahead in ((4000.0, 6.0), (1000.0, 4.5)):
        budgeted = replace(c, step_tokens=np.array([budget]))
        steady, opening = (closed_loop(budgeted, changed, *load, load_test=test) for test in (False, True))
        assert opening.ttft_s - steady.ttft_s == pytest.approx(ahead * marginal, rel=1e-6)
        assert steady.burst_s == pytest.approx(ahead * marginal, rel=1e-6)


def test_a_lone_client_is_not_slowed_by_its_own_prompt(replica):
    c, k = replica
    lone = closed_loop(c, k, np.array([8000.0]), np.array([500.0]), np.array([1.0]))
    step = (
        decode_step(c, k, lone.running, np.array([8250.0])).total_s * k["decode_pace"] / k["tokens_per_step"]
    )
    assert lone.tpot_s == pytest.approx(step)


def test_a_replicas_own_pace_scales_its_decode_steps_and_its_prefills(replica):
    c, k = replica
    isl, osl, one = np.array([1000.0]), np.array([500.0]), np.array([1.0])
    slow = k | {"decode_pace": 2.0 * k["decode_pace"], "prefill_interference": np.zeros(1)}
    plain = k | {"prefill_interference": np.zeros(1)}
    assert closed_loop(c, slow, isl, osl, one).tpot_s == pytest.approx(
        2.0 * closed_loop(c, plain, isl, osl, one).tpot_s, rel=0.02
    )
    longer = k | {"prefill_pace": 2.0 * k["prefill_pace"]}
    assert prefill(c, longer, isl).alone_s == pytest.approx(2.0 * prefill(c, k, isl).alone_s)
