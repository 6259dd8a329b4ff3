"""Rows of single configurations worked by hand, refusals, and the command."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplan.catalog import load_catalog
from llmplan.cli import app
from llmplan.errors import InputError
from llmplan.huggingface.config import Config
from llmplan.huggingface.row import model_from_config, name_of
from llmplan.replica.memory import weights_gb

CASES = json.loads((Path(__file__).parent / "reference_configs.json").read_text())
CATALOG = load_catalog()
DENSE = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 8,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 10,
    "max_position_embeddings": 64,
}


def row(name: str) -> Any:
    return model_from_config(Config(CASES[name]["config"]), name)


def test_a_dense_model_by_hand() -> None:
    # embeddings 2 x 80, attention 2 x 8 x (8 + 4 + 4 + 8), feed-forward 2 x 3 x 8 x 16, norms 5 x 8
    model = model_from_config(Config(DENSE), "tiny")
    assert model.total_params_b * 1e9 == pytest.approx(160 + 384 + 768 + 40, rel=1e-3)
    assert (model.head_dim, model.kv_layers, model.state_bytes_per_sequence) == (2, None, 0)


def test_state_of_qwen_3_6_27b_by_hand() -> None:
    # 48 layers; each 48 heads x 128 x 128 at 4 bytes and (2 x 2048 + 6144) channels x 3 steps at 2
    model = row("nvidia--Qwen3.6-27B-NVFP4")
    assert model.state_bytes_per_sequence == 48 * (48 * 128 * 128 * 4 + 10240 * 3 * 2)
    assert (model.layers, model.kv_layers) == (64, 16)


def test_blocks_that_a_search_shaped_by_hand() -> None:
    # block 1 has 1 KV head of 2 and a width of int(2 x 24 x 8 / 3) = 128 -> 256; block 2 no attention, no feed-forward
    blocks = [
        {"attention": {"n_heads_in_group": 4}, "ffn": {"ffn_mult": 24}},
        {"attention": {"no_op": True}, "ffn": {"no_op": True}},
    ]
    model = model_from_config(Config(DENSE | {"num_key_value_heads": None, "block_configs": blocks}), "tiny")
    # embeddings 2 x 80, attention 8 x (8 + 2 + 2 + 8), feed-forward 3 x 8 x 256, norms 5 x 8
    assert model.total_params_b * 1e9 == pytest.approx(160 + 160 + 6144 + 40, rel=1e-3)
    assert (model.kv_heads, model.kv_layers) == (1, 1)


def test_blocks_of_nemotron_count_as_half_layers() -> None:
    model = row("nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16")
    assert (model.layers, model.first_dense_layers, model.kv_layers) == (26, 3, 6)
    assert model.experts_params_b == pytest.approx(23 * 128 * 2 * 2688 * 1856 / 1e9, rel=1e-4)
    # 23 layers; each 64 heads x 64 x 128 at 4 bytes and 6,144 channels x 3 steps at 2
    assert model.state_bytes_per_sequence == 23 * (64 * 64 * 128 * 4 + 6144 * 3 * 2)


def test_latents_of_deepseek_v4_by_hand() -> None:
    # 21 layers keep 512 elements for every 4 tokens, 20 for every 128; all 43 a window of 128 at 16 bit
    model = row("deepseek-ai--DeepSeek-V4-Flash")
    assert model.kv_elements_per_token == 21 * 512 / 4 + 20 * 512 / 128
    assert model.state_bytes_per_sequence == 43 * 128 * 512 * 2


@pytest.mark.parametrize(
    ("name", "precision_id", "bits"),
    [
        ("Qwen--Qwen3-32B-FP8", "fp8", (None, None, None, None)),
        ("moonshotai--Kimi-K2.5", "w4a16", (16, 16, 4.5, 16)),
        ("nvidia--Kimi-K2.5-NVFP4", "fp4", (16, 4.5, 4.5, 16)),
        ("nvidia--GLM-5.1-NVFP4", "fp4", (16, 16, 4.5, 16)),
        ("nvidia--Gemma-4-26B-A4B-NVFP4", "fp4", (16, 16, 4.5, 16)),
        ("nvidia--MiniMax-M3-NVFP4", "fp4", (8.25, 8.25, 4.5, 16)),
        ("nvidia--Qwen3.6-27B-NVFP4", "fp4", (8, 4.5, None, 4.5)),
        ("deepseek-ai--DeepSeek-V4-Flash", "mxfp4", (8, 8, 4.25, 16)),
        ("openai--gpt-oss-120b", "mxfp4", (16, None, 4.25, 16)),
    ],
)
def test_a_checkpoint_says_how_each_part_is_stored(
    name: str, precision_id: str, bits: tuple[float | None, ...]
) -> None:
    model = row(name)
    assert model.native_precision_id == precision_id
    assert (model.attention_bits, model.mlp_bits, model.expert_bits, model.head_bits) == bits


@pytest.mark.parametrize(
    ("name", "size_gb"),
    [("openai--gpt-oss-120b", 65.2), ("openai--gpt-oss-20b", 13.8), ("moonshotai--Kimi-K2.5", 595)],
)
def test_a_mixed_checkpoint_weighs_what_its_files_do(name: str, size_gb: float) -> None:
    model = row(name)
    assert weights_gb(model, CATALOG.precision(model.native_precision_id)) == pytest.approx(size_gb, rel=0.02)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"architectures": ["BertForMaskedLM"], "model_type": "bert"}, "model_type"),
        ({"is_encoder_decoder": True, "model_type": "t5"}, "model_type"),
        ({"_class_name": "FluxTransformer2DModel"}, "config"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "architectures"),
        ({"layer_types": ["full_attention", "retention"]}, "layer_types"),
        ({"mamba_d_state": 16}, "model_type"),
        ({"lru_width": 16}, "model_type"),
        ({"audio_processor": {"name": "cascades"}}, "audio_processor"),
        ({"intermediate_size": [16, 32]}, "intermediate_size"),
        ({"hidden_size": None}, "hidden_size"),
        ({"zero_expert_num": 2}, "zero_expert_num"),
        ({"audio_config": {"model_type": "whisper"}}, "audio_config"),
        ({"quantization_config": {"quant_method": "quip"}}, "quant_method"),
    ],
)
def test_what_cannot_be_sized_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as refused:
        model_from_config(Config(DENSE | change), "tiny")
    assert refused.value.field == field


def test_groups_of_linear_layers_keep_a_state() -> None:
    """Ring-linear: the last layer of each group attends, as do those beyond the last whole group."""
    shape = {"num_hidden_layers": 5, "layer_group_size": 2, "head_dim": 2}
    model = model_from_config(Config(DENSE | shape), "tiny")
    assert model.kv_layers == 3
    assert model.state_bytes_per_sequence == 2 * 4 * 2**2 * 4


def test_a_name_comes_from_where_the_file_lies(tmp_path: Path) -> None:
    assert name_of(Path("Qwen--Qwen3-8B_config.json")) == "Qwen3-8B"
    assert name_of(tmp_path / "Qwen3-8B" / "config.json") == "Qwen3-8B"


def test_the_command_adds_a_row_that_the_catalog_takes(tmp_path: Path) -> None:
    config = tmp_path / "tiny" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps(CASES["nvidia--Qwen3.6-27B-NVFP4"]["config"]))
    asked = [
        "add-model",
        str(config),
        "--data",
        str(tmp_path),
        "--licence",
        "apache-2.0",
        "--context",
        "32768",
        "--json",
    ]
    shown = json.loads(CliRunner().invoke(app, asked).stdout)
    assert shown["model_id"] == "tiny"
    assert shown["kv_cache_bytes_per_token"] == 2 * 16 * 4 * 256 * 2
    model = load_catalog(tmp_path).model("tiny")
    assert (model.total_params_b, model.state_bytes_per_sequence) == (
        shown["total_params_b"],
        shown["state_bytes_per_sequence"],
    )
    assert (model.max_context_tokens, model.licence_id) == (32768, "apache-2.0")
    again = CliRunner().invoke(app, asked)
    assert again.exit_code != 0
