"""Memory: the hard facts, and properties."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.replica.config import EngineSettings, ReplicaConfig
from llmplan.replica.memory import (
    as_loaded,
    engine_memory,
    kv_cache_bytes,
    kv_cache_bytes_per_token,
    kv_layer_bytes,
    kv_shards,
    memory_plan,
    smallest_gpu_count,
    tensor_parallel_degrees,
    weight_parts,
    weights_gb,
)

CATALOG = load_catalog()
GIB = 2.0**30


def plan(model: str, precision: str, gpu: str, n: int, context: float):
    return memory_plan(CATALOG, ReplicaConfig(model, precision, gpu, n, "vllm"), context)


def test_405b_at_16_bit_does_not_fit_eight_80_gb_cards():
    result = plan("llama-3.1-405b", "bf16", "a100-80gb-sxm", 8, 2500)
    assert weights_gb(CATALOG.model("llama-3.1-405b"), CATALOG.precision("bf16")) == pytest.approx(
        812, rel=2e-3
    )
    assert not result.fits
    assert result.binding == "weights"
    assert "exceed" in result.reason


def test_405b_at_4_bit_does_not_fit_two_cards():
    size = weights_gb(CATALOG.model("llama-3.1-405b"), CATALOG.precision("w4a16"))
    assert 203 <= size <= 219
    assert not plan("llama-3.1-405b", "w4a16", "a100-80gb-sxm", 2, 2500).fits
    assert plan("llama-3.1-405b", "w4a16", "a100-80gb-sxm", 4, 2500).fits


def test_70b_at_16_bit_on_two_80_gb_cards_holds_15_to_25_sequences():
    result = plan("llama-3.1-70b", "bf16", "a100-80gb-sxm", 2, 2500)
    assert result.fits
    assert 15 <= result.max_concurrent_sequences <= 25


def test_8b_at_16_bit_leaves_a_t4_no_useful_kv_cache():
    assert plan("llama-3.1-8b", "fp16", "t4", 1, 2500).max_concurrent_sequences == 0


@pytest.mark.parametrize(("model", "size_gb"), [("llama-3.1-70b", 39.8), ("llama-3.1-8b", 5.7)])
def test_4_bit_checkpoints_keep_embeddings_at_16_bit(model, size_gb):
    assert weights_gb(CATALOG.model(model), CATALOG.precision("w4a16")) == pytest.approx(size_gb, rel=0.01)


def test_mxfp4_pads_the_width_that_ranks_cut_and_the_models_own_but_once():
    """Eight ranks hold 360 of gpt-oss's 2,880 columns as 512, and 2,880 rows as 3,072; 7,168 of Kimi K3 are 28 x 256."""
    for name, cut, own in (("gpt-oss-120b", 512 / 360, 3072 / 2880), ("kimi-k3", 512 / 384, 1.0)):
        experts_gib = weight_parts(CATALOG.model(name)).experts_b * 4.25 / 8 * 1e9 / GIB
        grown = plan(name, "mxfp4", "b300-sxm", 8, 2000).weights_gib_per_gpu * 8
        stored = weights_gb(CATALOG.model(name), CATALOG.precision("mxfp4")) * 1e9 / GIB
        vision = 7 * (CATALOG.model(name).vision_params_b or 0.0) * 2e9 / GIB
        assert grown == pytest.approx(stored + vision + experts_gib * (cut * own - 1), rel=1e-6)


def test_mxfp4_quantises_the_experts_only():
    assert weights_gb(CATALOG.model("gpt-oss-120b"), CATALOG.precision("mxfp4")) == pytest.approx(
        65.2, rel=0.01
    )


def test_70b_cache_of_32_sequences_of_8192_tokens_takes_80_gib():
    per_token = kv_cache_bytes_per_token(CATALOG.model("llama-3.1-70b"), 2)
    assert per_token == 327_680
    assert per_token * 32 * 8192 == 80 * GIB


def test_mla_cache_is_small_and_copied_to_every_rank():
    model = CATALOG.model("deepseek-v3")
    assert kv_cache_bytes_per_token(model, 2) == 61 * (512 + 64) * 2
    assert kv_shards(model, 8) == 1


def test_gqa_cache_is_cut_up_to_the_kv_heads_and_copied_beyond():
    model = CATALOG.model("qwen3-235b-a22b")
    assert model.kv_heads == 4
    assert [kv_shards(model, n) for n in (1, 2, 4, 8)] == [1, 2, 4, 4]


def test_sliding_window_layers_stop_growing():
    model = CATALOG.model("gpt-oss-120b")
    full = model.layers - model.sliding_window_layers
    layer = 2 * model.kv_heads * model.head_dim * 2
    expected = (full * 10_000 + model.sliding_window_layers * 128) * layer
    assert kv_cache_bytes(model, 2, 10_000) == expected


def test_parts_of_deepseek_add_up():
    parts = weight_parts(CATALOG.model("deepseek-v3"))
    assert parts.experts_b == pytest.approx(58 * 256 * 3 * 7168 * 2048 / 1e9)
    total = (
        parts.embedding_b + parts.attention_b + parts.dense_mlp_b + parts.experts_b + parts.shared_experts_b
    )
    assert total == pytest.approx(671)


def test_tensor_parallel_divides_the_heads():
    assert tensor_parallel_degrees(CATALOG.model("llama-3.1-8b")) == (1, 2, 4, 8)


def test_smallest_count_of_a_model_that_fits_nowhere_is_none():
    def count(*names):
        return smallest_gpu_count(CATALOG, ReplicaConfig(*names, 1, "vllm"), 2500)

    assert count("llama-3.1-405b", "bf16", "l4") is None
    assert count("llama-3.1-70b", "bf16", "h100-sxm") == 2


@pytest.mark.parametrize(
    "bad",
    [
        lambda: plan("llama-3.1-8b", "bf16", "l4", 0, 1000),
        lambda: plan("llama-3.1-8b", "bf16", "l4", 1, float("nan")),
        lambda: EngineSettings(gpu_memory_utilisation=1.5),
        lambda: EngineSettings(kv_cache_dtype="int3"),
        lambda: EngineSettings(max_sequences=0),
        lambda: ReplicaConfig("llama-3.1-8b", "bf16", "l4", 3, "vllm", data_parallel=2),
    ],
)
def test_bad_requests_name_the_field(bad):
    with pytest.raises(InputError):
        bad()


def test_a_window_holds_a_step_more_and_global_layers_have_their_own_heads():
    """Gemma 4 31B: ten global layers of 4 x 512, fifty windowed ones of 16 x 256 over 1,024 tokens."""
    model = CATALOG.model("gemma-4-31b")
    assert kv_layer_bytes(model, 2) == (2 * 4 * 512 * 2, 2 * 16 * 256 * 2)
    assert kv_cache_bytes(model, 2, 100_000, 2048) == 10 * 100_000 * 8192 + 50 * 3072 * 16384


def test_pipeline_stages_divide_layers_and_cache():
    both = [
        memory_plan(
            CATALOG, ReplicaConfig("llama-3.3-70b", "fp8", "l40s", 4, "vllm", pipeline_parallel=p), 4000
        )
        for p in (1, 2)
    ]
    assert both[0].weights_gib_per_gpu == pytest.approx(both[1].weights_gib_per_gpu)
    assert both[0].kv_gib_per_sequence_per_gpu == pytest.approx(both[1].kv_gib_per_sequence_per_gpu)


def test_an_engine_of_a_version_takes_the_rule_of_that_version():
    rules = CATALOG.engine_memory
    found = [
        engine_memory(rules, "vllm", v).memory_share for v in ("0.6.3", "0.19.1", "0.25", "latest", "nightly")
    ]
    assert found == [0.9, 0.9, 0.92, 0.92, 0.92]
    assert engine_memory(rules, "an engine unknown").engine_id == "vllm"


def test_a_refusal_names_the_share_with_which_the_engine_would_start():
    tight = plan("llama-3.3-70b", "fp8", "h100-sxm", 1, 16_000)
    assert not tight.fits and tight.binding == "kv cache"
    share = float(tight.reason.rpartition("a memory share of ")[2].split()[0])
    config = ReplicaConfig("llama-3.3-70b", "fp8", "h100-sxm", 1, "vllm")
    for value, starts in ((share, True), (share - 0.01, False)):
        settings = EngineSettings(gpu_memory_utilisation=value)
        assert memory_plan(CATALOG, replace(config, settings=settings), 16_000).fits is starts


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(CATALOG.models)),
    st.sampled_from(["bf16", "fp8", "w4a16"]),
    st.sampled_from([500.0, 4000.0]),
)
def test_more_gpus_never_hold_fewer_sequences_and_longer_ones_never_more(model, precision, context):
    counts = [plan(model, precision, "h100-sxm", n, context).max_concurrent_sequences for n in (1, 2, 4, 8)]
    assert counts == sorted(counts)
    longer = plan(model, precision, "h100-sxm", 8, 2 * context).max_concurrent_sequences
    assert longer <= counts[-1]


def test_a_checkpoint_that_keeps_parts_at_16_bit_weighs_what_its_log_says() -> None:
    """Meta's 405B in FP8, as first released with 16 KV heads: 57.752 GiB on each of eight GPUs."""
    model, precision = as_loaded(CATALOG, "llama-3.1-405b", "fp8")
    more = 126 * 2 * 8 * 128 * 16384 / 1e9  # keys and values of 8 further heads in 126 layers
    first = model.model_copy(update={"kv_heads": 16, "total_params_b": model.total_params_b + more})
    assert weights_gb(first, precision) * 1e9 / 8 / GIB == pytest.approx(57.752, rel=0.002)
    full = weights_gb(*as_loaded(CATALOG, "llama-3.1-405b", "fp8", "tensorrt-llm"))
    assert weights_gb(model, precision) / full == pytest.approx(1.19, abs=0.01)


def test_a_checkpoint_that_keeps_parts_in_another_format_weighs_its_parts() -> None:
    """NVIDIA's Qwen3.6-35B: attention at 8 bit, all else but the embedding table at 4.5."""
    model, precision = as_loaded(CATALOG, "qwen3.6-35b-a3b", "fp4")
    parts = weight_parts(model)
    by_hand = parts.attention_b * 8 + (parts.dense_mlp_b + parts.shared_experts_b + parts.experts_b) * 4.5
    by_hand += parts.embedding_b / 2 * (4.5 + 16) + (model.vision_params_b or 0) * 16
    assert weights_gb(model, precision) == pytest.approx(by_hand / 8)
    assert as_loaded(CATALOG, "llama-3.1-8b", "fp8") == (
        CATALOG.model("llama-3.1-8b"),
        CATALOG.precision("fp8"),
    )


@pytest.mark.parametrize("engine", ["ollama", "llama.cpp"])
def test_engines_of_gguf_files_load_the_file_of_that_width(engine: str) -> None:
    loaded = memory_plan(CATALOG, ReplicaConfig("llama-3.1-8b", "w4a16", "rtx-4090", 1, engine), 2000)
    assert loaded.weights_gb == pytest.approx(4.92, rel=0.01)  # llama3.1:8b-instruct-q4_K_M
