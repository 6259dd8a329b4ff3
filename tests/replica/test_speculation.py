"""Speculative decoding: off by default, exact tokens of a step, less of a gain the larger the batch, weights of its own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.options import evaluate
from llmplan.replica import Configurations, ReplicaConfig, capacity, predict
from llmplan.replica.config import EngineSettings
from llmplan.replica.demand import tokens_a_step
from llmplan.replica.memory import gpu_memory, weights_gb
from llmplan.scenario import Scenario
from llmplan.sizing import Load, SizeRequest, search, simulate_load, size

CATALOG = load_catalog()
CLIENTS = np.array([1.0, 8.0, 64.0, 256.0])
DRAFTS = EngineSettings(speculative_tokens=3, draft_acceptance=0.7)


def config(asked: EngineSettings, model: str = "llama-3.1-70b", engine: str = "vllm") -> ReplicaConfig:
    return ReplicaConfig.started(model, "bf16", "h100-sxm", 4, engine, asked)


def rows(asked: EngineSettings, model: str = "llama-3.1-70b", engine: str = "vllm") -> Configurations:
    one = Configurations.from_configs(CATALOG, [config(asked, model, engine)])
    return one.take(np.zeros(len(CLIENTS), np.intp))


def tpot(asked: EngineSettings, **more: str) -> np.ndarray:
    return predict(rows(asked, **more), 500, 300, CLIENTS).tpot_ms


@given(st.integers(0, 8), st.floats(0, 0.98))
def test_tokens_of_a_step_are_those_kept_and_one(drafted: int, kept: float) -> None:
    """By hand: the model's own token, and the i-th drafted one where all i before it and itself are kept."""
    assert tokens_a_step(drafted, kept) == pytest.approx(sum(kept**i for i in range(drafted + 1)))


def test_the_gain_falls_with_the_batch_to_a_loss() -> None:
    """Published vLLM runs on H100: near twice as fast alone, little or nothing gained at 128 and more."""
    gain = tpot(EngineSettings()) / tpot(DRAFTS)
    assert (np.diff(gain) < 0).all()
    assert 1.5 < gain[0] < tokens_a_step(3, 0.7) and gain[-1] < 1


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 6), st.floats(0, 0.95), st.floats(0, 0.95))
def test_the_more_is_kept_the_faster(drafted: int, a: float, b: float) -> None:
    slow, fast = (
        tpot(EngineSettings(speculative_tokens=drafted, draft_acceptance=x)) for x in sorted((a, b))
    )
    assert (fast <= slow * (1 + 1e-12)).all()


def test_a_draft_takes_memory_by_hand() -> None:
    """A layer of the model's own kind is an 80th of its layers; a small model its 16-bit weights; both on four ranks."""
    none, layer, small = (
        gpu_memory(CATALOG, config(s))
        for s in (EngineSettings(), DRAFTS, replace(DRAFTS, draft_model_id="llama-3.2-1b"))
    )
    model = CATALOG.models["llama-3.1-70b"]
    head_gb = 2 * model.vocab_size * model.hidden_size * 2 / 1e9
    whole = weights_gb(model, CATALOG.precisions["bf16"])
    gib = 1e9 / 2**30 / 4
    assert layer.weights_gib - none.weights_gib == pytest.approx((whole - head_gb) / 80 * gib, rel=1e-6)
    one = weights_gb(CATALOG.models["llama-3.2-1b"], CATALOG.precisions["bf16"])
    assert small.weights_gib - none.weights_gib == pytest.approx(one * gib, rel=1e-6)
    assert small.kv_room_gib < layer.kv_room_gib < none.kv_room_gib


def test_where_it_cannot_be_it_is_off() -> None:
    """Another vocabulary, no smaller model, an engine without it; and nothing changes by default."""
    for asked, more in (
        (replace(DRAFTS, draft_model_id="qwen2.5-0.5b"), {}),
        (replace(DRAFTS, draft_model_id="llama-3.1-405b"), {}),
        (DRAFTS, {"engine": "tgi"}),
        (EngineSettings(draft_acceptance=0.9), {}),
    ):
        assert (tpot(asked, **more) == tpot(EngineSettings(), **more)).all()
    with pytest.raises(InputError, match="draft_acceptance"):
        EngineSettings(draft_acceptance=1.0)


def test_the_assumed_range_widens_the_band_and_a_measured_share_does_not() -> None:
    found, own = (predict(rows(replace(DRAFTS, draft_acceptance=x)), 500, 300, CLIENTS) for x in (None, 0.7))
    assert set(found.basis) == {"extrapolated"}
    low, base, high = (tokens_a_step(3, x) for x in (0.5, 0.7, 0.87))
    assert found.requests_per_s == pytest.approx(own.requests_per_s)
    assert found.requests_per_s_p10 / own.requests_per_s_p10 == pytest.approx(low / base)
    assert found.requests_per_s_p90 / own.requests_per_s_p90 == pytest.approx(high / base)


def test_every_command_counts_it() -> None:
    """`size`, `search`, `simulate` and `compare` from the same replica."""
    request = SizeRequest("llama-3.1-70b", "bf16", "h100-sxm", 500, 300, 4, "vllm", 1, settings=DRAFTS)
    speed = size(CATALOG, request).speed
    assert speed.tpot_ms == pytest.approx(tpot(DRAFTS)[0])
    run = simulate_load(CATALOG, request, Load(concurrency=1, requests=40))
    assert run.simulation["tpot_ms_mean"] == pytest.approx(speed.tpot_ms, rel=0.03)
    asked = {"precision_ids": ["bf16"], "gpu_ids": ["h100-sxm"], "engine_ids": ["vllm"], "n_gpus": [4]}
    (row,) = search(CATALOG, "llama-3.1-70b", 500, 300, tpot_limit_ms=8, **asked, settings=DRAFTS)  # type: ignore[arg-type]
    best = capacity(rows(DRAFTS), 500, 300, 2_000, 8)
    assert row.feasible and row.requests_per_s == pytest.approx(best.requests_per_s[0])
    (plain,) = search(CATALOG, "llama-3.1-70b", 500, 300, tpot_limit_ms=8, **asked)  # type: ignore[arg-type]
    assert not plain.feasible  # a token every 8 ms is out of reach without
    scenario = Scenario(
        model_ids=("llama-3.1-70b",),
        gpu_ids=("h100-sxm",),
        engine_ids=("vllm",),
        precision_ids=("bf16",),
        api_ids=("gpt-4o",),
        token_basis="equal",
        input_tokens=500,
        output_tokens=300,
        tpot_limit_ms=8,
        speculative_tokens=3,
        draft_acceptance=0.7,
    )
    options = evaluate(scenario, CATALOG).options
    place = options.index("llama-3.1-70b@bf16@4xh100-sxm@vllm")
    assert options.items[place].requests_per_s[1] == pytest.approx(row.requests_per_s)  # type: ignore[index]
