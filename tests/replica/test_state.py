"""Sequences of hybrids hold a state beside a cache of some layers: memory and traffic by hand."""

import pytest

from llmplan.catalog import load_catalog
from llmplan.replica.config import ReplicaConfig
from llmplan.replica.configurations import Configurations
from llmplan.replica.constants import fitted
from llmplan.replica.memory import kv_cache_bytes_per_token, memory_plan
from llmplan.replica.step import cached_bytes, decode_terms

CATALOG = load_catalog()
DENSE = CATALOG.model("qwen3-32b")
STATE = 64_000_000
HYBRID = DENSE.model_copy(
    update={
        "model_id": "hybrid",
        "kv_layers": 16,
        "state_bytes_per_sequence": STATE,
        "max_context_tokens": 262144,
    }
)
BOTH = CATALOG.with_record(HYBRID)


def replica(model_id: str, n_gpus: int = 1) -> ReplicaConfig:
    return ReplicaConfig(model_id, "fp8", "h100-sxm", n_gpus, "vllm")


def test_a_token_adds_to_the_layers_with_a_cache_alone() -> None:
    assert kv_cache_bytes_per_token(HYBRID, 2) == 16 * 2 * 8 * 128 * 2


@pytest.mark.parametrize(("n_gpus", "context"), [(1, 1000.0), (4, 1000.0), (4, 100_000.0)])
def test_a_sequence_holds_cache_and_state_divided_over_ranks(n_gpus: int, context: float) -> None:
    plan = memory_plan(BOTH, replica("hybrid", n_gpus), context)
    held = plan.kv_gib_per_sequence_per_gpu * 2**30
    assert held == pytest.approx((16 * 2 * 8 * 128 * plan.kv_bytes * context + STATE) / n_gpus)
    c = Configurations.from_configs(BOTH, [replica("hybrid", n_gpus)])
    assert cached_bytes(c, context, c.window_tokens)[0] == pytest.approx(held)


def test_a_step_reads_and_writes_the_state() -> None:
    c = Configurations.from_configs(BOTH, [replica("hybrid")])
    constants = fitted(BOTH).values(c)
    seconds = decode_terms(c, constants, 1000.0).kv_s_per_sequence
    moved = seconds * c.bandwidth * constants["kv_bandwidth_efficiency"]
    kv_bytes = c.full_layer_kv_bytes * c.full_layers * 1000.0
    assert moved[0] == pytest.approx(kv_bytes[0] + 2 * STATE)


def test_long_contexts_favour_the_hybrid() -> None:
    short, long = (
        [
            memory_plan(BOTH, replica(model_id, 2), context).kv_cache_tokens
            for model_id in ("hybrid", "qwen3-32b")
        ]
        for context in (100.0, 40_000.0)
    )
    assert short[0] < short[1]
    assert long[0] > 3 * long[1]
