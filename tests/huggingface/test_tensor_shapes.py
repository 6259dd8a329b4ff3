"""Ten configurations counted a second time: every tensor of the checkpoint by its shape, one by one.

Nothing is shared with llmplan.huggingface but the files: no parts, no families, no aliases.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmplan.huggingface.config import Config
from llmplan.huggingface.row import model_from_config
from llmplan.replica.memory import kv_cache_bytes_per_token

CASES = json.loads((Path(__file__).parent / "reference_configs.json").read_text())
Shapes = Iterator[tuple[int, ...]]


def ends(c: dict[str, Any]) -> Shapes:
    """Embedding, last norm, head."""
    yield from [(c["vocab_size"], c["hidden_size"]), (c["hidden_size"],)]
    if not c.get("tie_word_embeddings"):
        yield c["vocab_size"], c["hidden_size"]


def attention(c: dict[str, Any], gated: bool = False) -> Shapes:
    h, q, kv = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"]
    d = c.get("head_dim") or h // q
    yield from [(q * d * (1 + gated), h), (kv * d, h), (kv * d, h), (h, q * d)]


def mlp(h: int, width: int) -> Shapes:
    yield from [(width, h), (width, h), (h, width)]


def norms(c: dict[str, Any], of_heads: bool = False) -> Shapes:
    yield from [(c["hidden_size"],)] * 2
    if of_heads:
        yield from [(c["head_dim"],)] * 2


def dense(c: dict[str, Any]) -> Shapes:
    """Llama, Qwen 3."""
    yield from ends(c)
    for _ in range(c["num_hidden_layers"]):
        yield from attention(c)
        yield from mlp(c["hidden_size"], c["intermediate_size"])
        yield from norms(c, "head_dim" in c)


def mixture(c: dict[str, Any]) -> Shapes:
    """Mixtral, Qwen 3, MiniMax M2: every layer routes, nothing is shared."""
    n = c.get("num_experts") or c["num_local_experts"]
    width = c.get("moe_intermediate_size") or c["intermediate_size"]
    yield from ends(c)
    for _ in range(c["num_hidden_layers"]):
        yield from attention(c)
        yield n, c["hidden_size"]
        for _ in range(n):
            yield from mlp(c["hidden_size"], width)
        yield from norms(c)


def gpt_oss(c: dict[str, Any]) -> Shapes:
    h, q, kv, d = (c[k] for k in ("hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"))
    n, width = c["num_local_experts"], c["intermediate_size"]
    yield from ends(c)
    for _ in range(c["num_hidden_layers"]):
        yield from attention(c)
        yield from [(q * d,), (kv * d,), (kv * d,), (h,), (q,)]  # biases, sinks
        yield from [(n, h), (n,), (n, h, 2 * width), (n, 2 * width), (n, width, h), (n, h)]
        yield from norms(c)


def latent(c: dict[str, Any]) -> Shapes:
    """DeepSeek V3, Kimi K2."""
    h, heads, rank, low = (
        c[k] for k in ("hidden_size", "num_attention_heads", "kv_lora_rank", "q_lora_rank")
    )
    nope, rope, value = (c[k] for k in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
    yield from ends(c)
    for layer in range(c["num_hidden_layers"]):
        yield from [(low, h), (low,), (heads * (nope + rope), low)]
        yield from [(rank + rope, h), (rank,), (heads * (nope + value), rank), (h, heads * value)]
        yield from norms(c)
        if layer < c["first_k_dense_replace"]:
            yield from mlp(h, c["intermediate_size"])
        else:
            yield c["n_routed_experts"], h
            for _ in range(c["n_routed_experts"] + c["n_shared_experts"]):
                yield from mlp(h, c["moe_intermediate_size"])


def delta_hybrid(c: dict[str, Any]) -> Shapes:
    """Qwen 3.5 and 3.6, dense."""
    h, values, keys = (c["hidden_size"], c["linear_num_value_heads"], c["linear_num_key_heads"])
    k, v = keys * c["linear_key_head_dim"], values * c["linear_value_head_dim"]
    yield from ends(c)
    for kind in c["layer_types"]:
        if kind == "full_attention":
            yield from attention(c, gated=True)
        else:
            yield from [(2 * k + v, h), (v, h), (values, h), (values, h), (h, v)]
            yield from [(2 * k + v, c["linear_conv_kernel_dim"]), (values,), (values,)]
        yield from mlp(h, c["intermediate_size"])
        yield from norms(c)


def nemotron_h(c: dict[str, Any]) -> Shapes:
    h, heads, groups, state = (c[k] for k in ("hidden_size", "mamba_num_heads", "n_groups", "ssm_state_size"))
    inner, n, width = heads * c["mamba_head_dim"], c["n_routed_experts"], c["moe_intermediate_size"]
    mixed = inner + 2 * groups * state
    yield from ends(c)
    for sign in c["hybrid_override_pattern"]:
        yield (h,)
        if sign == "M":
            yield from [(inner + mixed + heads, h), (mixed, c["conv_kernel"]), (mixed,), (h, inner)]
            yield from [(heads,)] * 3
            yield (inner,)
        elif sign == "*":
            yield from attention(c)
        else:
            yield n, h
            yield from [(width, h), (h, width)] * n
            yield from [(c["moe_shared_expert_intermediate_size"], h)] * 2


def growing(c: dict[str, Any]) -> int:
    """Layers with a KV cache."""
    if "hybrid_override_pattern" in c:
        return int(c["hybrid_override_pattern"].count("*"))
    return sum(kind != "linear_attention" for kind in c.get("layer_types") or ["a"] * c["num_hidden_layers"])


@pytest.mark.parametrize(
    ("name", "tensors"),
    [
        ("meta-llama--Meta-Llama-3.1-8B", dense),
        ("meta-llama--Meta-Llama-3.1-405B", dense),
        ("Qwen--Qwen3-32B", dense),
        ("mistralai--Mixtral-8x22B-v0.1", mixture),
        ("Qwen--Qwen3-235B-A22B", mixture),
        ("MiniMaxAI--MiniMax-M2.5", mixture),
        ("openai--gpt-oss-20b", gpt_oss),
        ("deepseek-ai--DeepSeek-V3", latent),
        ("moonshotai--Kimi-K2-Instruct", latent),
        ("nvidia--Qwen3.6-27B-NVFP4", delta_hybrid),
        ("nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", nemotron_h),
    ],
)
def test_a_configuration_counts_its_tensors(name: str, tensors: Any) -> None:
    document = CASES[name]["config"]
    c = document | document.get("text_config", {})
    model = model_from_config(Config(document), name)
    counted = sum(math.prod(shape) for shape in tensors(c)) / 1e9
    assert model.total_params_b - (model.vision_params_b or 0) == pytest.approx(counted, rel=2e-3)
    if "kv_lora_rank" in c:
        each = c["kv_lora_rank"] + c["qk_rope_head_dim"]
    else:
        d = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
        each = 2 * c["num_key_value_heads"] * d
    assert kv_cache_bytes_per_token(model, 2.0) == growing(c) * each * 2
