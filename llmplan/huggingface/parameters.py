"""Parameters of a text model by part, its KV cache and its state, from the shapes of its matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from llmplan.huggingface import layers as kinds
from llmplan.huggingface.config import Config

NOT_GATED: Final = (
    "nemotron",
    "starcoder2",
    "falcon",
    "phi",
    "gpt_neox",
    "gptj",
    "gpt2",
    "gpt_bigcode",
    "opt",
    "bloom",
    "mpt",
    "arcee",
    "apertus",
)
"""Families (as named, `falcon_h1`, `phi3` and `phimoe` apart) whose feed-forward has two matrices."""
BIASED: Final = ("qwen2", "mimo", "chatglm")
"""Families with biases on queries, keys and values that their configurations do not mention."""
STATE_BYTES: Final = {"float32": 4, "float": 4, "bfloat16": 2, "float16": 2, "auto": 2}
CACHE_BYTES: Final = 2
"""Bytes of an element of the cache and of convolutional state at 16 bit."""


@dataclass(frozen=True)
class Heads:
    """Heads of a layer's attention and their widths."""

    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int

    @property
    def cached(self) -> int:
        """Elements that a token adds to the layer's KV cache."""
        return self.kv_heads * (self.head_dim + self.value_dim)


def heads_of(config: Config, windowed: bool = False, place: int | None = None) -> Heads:
    """Return the heads of a layer with or without a window; Gemma 4, MiMo and Step have two kinds.

    place: the layer, where an architecture search gave each its own.
    """
    heads = config.whole("num_attention_heads")
    head_dim = config.whole("head_dim", config.whole("hidden_size", 0) // heads)
    kv_heads = config.whole("num_key_value_heads", 1 if config.get("multi_query") else heads)
    groups = [block["attention"].get("n_heads_in_group") for block in config.get("block_configs") or ()]
    if any(groups):
        kv_heads = heads // ((groups[place] if place is not None else None) or next(filter(None, groups)))
    value_dim = head_dim if is_mla(config) else config.whole("v_head_dim", head_dim)
    if windowed:
        other = config.get("attention_other_setting") or {}
        return Heads(
            int(config.get("swa_num_attention_heads", other.get("num_attention_heads", heads))),
            int(config.get("swa_num_key_value_heads", other.get("num_attention_groups", kv_heads))),
            int(config.get("swa_head_dim", head_dim)),
            int(config.get("swa_v_head_dim", value_dim)),
        )
    if config.get("global_head_dim"):
        wide = config.whole("global_head_dim")
        return Heads(heads, config.whole("num_global_key_value_heads", kv_heads), wide, wide)
    return Heads(heads, kv_heads, head_dim, value_dim)


def is_mla(config: Config) -> bool:
    """Whether keys and values are kept as one latent vector."""
    return bool(config.get("kv_lora_rank")) or is_compressed(config)


def is_compressed(config: Config) -> bool:
    """Whether layers keep a latent vector for every few tokens (DeepSeek V4)."""
    return bool(config.get("compress_ratios"))


def mixer_params(config: Config, kind: str, place: int) -> float:
    """Parameters of a layer's mixer, norms left out."""
    own = {
        kinds.DELTA: _delta,
        kinds.KDA: _kda,
        kinds.LIGHTNING: _lightning,
        kinds.MAMBA: _mamba,
        kinds.MAMBA1: _mamba1,
        kinds.CONV: _conv,
    }
    if kind in own:
        return own[kind](config)
    if kind == kinds.NONE:
        return 0.0
    if kind == kinds.PARALLEL:
        return _attention(config, False, place) + _mamba(config)
    if is_compressed(config):
        return _compressed(config, int(config.get("compress_ratios")[place]))
    if is_mla(config):
        return _latent_attention(config) + _indexer(config, place)
    return _attention(config, kind == kinds.WINDOW, place) + _sparse_index(config, place)


def _attention(config: Config, windowed: bool, place: int) -> float:
    h, own = config.whole("hidden_size"), heads_of(config, windowed, place)
    queries = own.heads * own.head_dim
    keys, values = own.kv_heads * own.head_dim, own.kv_heads * own.value_dim
    if config.get("attention_k_eq_v") and not windowed:
        values = 0
    gate = queries if config.get("attn_output_gate") or config.family == "qwen3_next" else 0
    out = own.heads * own.value_dim
    biased = config.get("attention_bias") or config.get("qkv_bias") or config.family.startswith(BIASED)
    bias = queries + keys + values if biased else 0
    return float(h * (queries + gate + keys + values + out) + bias)


def _latent_attention(config: Config) -> float:
    h, heads = config.whole("hidden_size"), config.whole("num_attention_heads")
    rank, rope = config.whole("kv_lora_rank"), config.whole("qk_rope_head_dim", 0)
    nope, value = config.whole("qk_nope_head_dim"), config.whole("v_head_dim")
    low = config.get("q_lora_rank")
    queries = low * (h + heads * (nope + rope)) if low else h * heads * (nope + rope)
    gate = h * heads * value if config.get("mla_use_output_gate") else 0
    return float(queries + h * (rank + rope) + rank * heads * (nope + value) + heads * value * h + gate)


def _indexer(config: Config, place: int) -> float:
    """Parameters of DeepSeek's sparse indexer, which layers may share (GLM 5.2)."""
    width, n = config.get("index_head_dim"), config.get("index_n_heads")
    types = config.get("indexer_types")
    if not width or (types and types[place] == "shared"):
        return 0.0
    return float(config.whole("q_lora_rank") * n * width + config.whole("hidden_size") * (width + n))


def _sparse_index(config: Config, place: int) -> float:
    """Parameters of MiniMax M3's index: queries of its heads and one key."""
    sparse = config.get("sparse_attention_config") or {}
    where = sparse.get("sparse_attention_freq") or ()
    if not sparse.get("use_sparse_attention") or not where[place]:
        return 0.0
    return float(
        config.whole("hidden_size") * sparse["sparse_index_dim"] * (sparse["sparse_num_index_heads"] + 1)
    )


def _compressed(config: Config, ratio: int) -> float:
    """Parameters of DeepSeek V4's attention: one latent key and value, grouped output, compressor, index."""
    h, heads, width = (config.whole(name) for name in ("hidden_size", "num_attention_heads", "head_dim"))
    low, out, groups = (config.whole(name) for name in ("q_lora_rank", "o_lora_rank", "o_groups"))
    total = low * (h + heads * width) + h * width + heads * width * out + groups * out * h
    if ratio:
        total += 2 * h * width * _overlap(ratio)
    if ratio == INDEXED_RATIO:
        n, index = config.whole("index_n_heads"), config.whole("index_head_dim")
        total += low * n * index + h * n + 2 * h * index * _overlap(ratio)
    return float(total)


INDEXED_RATIO: Final = 4
"""DeepSeek V4 selects among latents of this many tokens by an index; the others are all read."""


def _overlap(ratio: int) -> int:
    return 2 if ratio == INDEXED_RATIO else 1


def _delta(config: Config) -> float:
    """Gated delta net (Qwen3-Next, Qwen3.5): projections of q, k, v, z, beta and alpha, convolution, output."""
    h, keys, values = config.whole("hidden_size"), _delta_keys(config), _delta_values(config)
    n = config.whole("linear_num_value_heads")
    convolution = (2 * keys + values) * config.whole("linear_conv_kernel_dim", 4)
    return float(h * (2 * keys + 2 * values + 2 * n) + convolution + values * h + 2 * n)


def _delta_keys(config: Config) -> int:
    return config.whole("linear_num_key_heads") * config.whole("linear_key_head_dim")


def _delta_values(config: Config) -> int:
    return config.whole("linear_num_value_heads") * config.whole("linear_value_head_dim")


def _kda(config: Config) -> float:
    """Kimi delta attention: q, k, v with convolutions, low-rank decay, gate and output."""
    h, linear = config.whole("hidden_size"), config.get("linear_attn_config")
    heads, width = linear["num_heads"], linear["head_dim"]
    inner = heads * width
    decay = h * width + width * inner
    gate = h * inner if linear.get("use_full_rank_gate") else decay
    return float(
        4 * h * inner
        + 3 * inner * linear.get("short_conv_kernel_size", 4)
        + decay
        + gate
        + h * heads
        + 2 * inner
    )


def _lightning(config: Config) -> float:
    """Lightning attention (MiniMax-01): q, k, v, output and its gate."""
    own = heads_of(config)
    return float(5 * config.whole("hidden_size") * own.heads * own.head_dim)


def _mamba_sizes(config: Config) -> tuple[int, int, int, int, int]:
    """Heads, their width, state, groups and kernel of a Mamba 2 layer under its families' names."""
    get = config.get
    heads, width = get("mamba_num_heads", get("mamba_n_heads")), get("mamba_head_dim", get("mamba_d_head"))
    state = get("ssm_state_size", get("mamba_d_state"))
    groups, kernel = get("n_groups", get("mamba_n_groups", 1)), get("conv_kernel", get("mamba_d_conv", 4))
    if not isinstance(width, int):
        inner = get("mamba_d_ssm") or get("mamba_expand", 2) * config.whole("hidden_size")
        width = inner // heads
    return heads, width, state, groups, kernel


def _mamba(config: Config) -> float:
    h = config.whole("hidden_size")
    heads, width, state, groups, kernel = _mamba_sizes(config)
    inner = heads * width
    mixed = inner + 2 * groups * state
    return float(h * (inner + mixed + heads) + mixed * (kernel + 1) + inner * h + 3 * heads + inner)


def _mamba1_sizes(config: Config) -> tuple[int, int, int]:
    inner = config.whole("mamba_expand", 2) * config.whole("hidden_size")
    return inner, config.whole("mamba_d_state", 16), config.whole("mamba_d_conv", 4)


def _mamba1(config: Config) -> float:
    h, (inner, state, kernel) = config.whole("hidden_size"), _mamba1_sizes(config)
    rank = config.get("mamba_dt_rank")
    rank = rank if isinstance(rank, int) else -(-h // 16)
    return float(
        3 * h * inner + inner * (kernel + 1) + inner * (rank + 2 * state) + rank * inner + inner * (state + 2)
    )


def _conv(config: Config) -> float:
    h = config.whole("hidden_size")
    return float(4 * h * h + h * config.whole("conv_L_cache", 3))


def state_bytes(config: Config, kind: str) -> float:
    """Bytes that a layer keeps of a sequence however long it is, at the engines' default types."""
    wide = STATE_BYTES.get(str(config.get("mamba_ssm_cache_dtype", config.get("mamba_ssm_dtype", "auto"))), 2)
    if kind == kinds.DELTA:
        n, key = config.whole("linear_num_value_heads"), config.whole("linear_key_head_dim")
        mixed = 2 * _delta_keys(config) + _delta_values(config)
        kept = n * key * config.whole("linear_value_head_dim")
        return float(kept * wide + mixed * (config.whole("linear_conv_kernel_dim", 4) - 1) * CACHE_BYTES)
    if kind == kinds.KDA:
        linear = config.get("linear_attn_config")
        inner = linear["num_heads"] * linear["head_dim"]
        mixed = 3 * inner * (linear.get("short_conv_kernel_size", 4) - 1)
        return float(inner * linear["head_dim"] * 4 + mixed * CACHE_BYTES)
    if kind == kinds.LIGHTNING:
        own = heads_of(config)
        return float(own.heads * own.head_dim**2 * 4)
    if kind in (kinds.MAMBA, kinds.PARALLEL):
        heads, width, state, groups, kernel = _mamba_sizes(config)
        mixed = heads * width + 2 * groups * state
        return float(heads * width * state * wide + mixed * (kernel - 1) * CACHE_BYTES)
    if kind == kinds.MAMBA1:
        inner, state, kernel = _mamba1_sizes(config)
        return float(inner * (state * wide + (kernel - 1) * CACHE_BYTES))
    if kind == kinds.CONV:
        return float(config.whole("hidden_size") * (config.whole("conv_L_cache", 3) - 1) * CACHE_BYTES)
    return 0.0


def matrices(config: Config) -> int:
    """Matrices of a feed-forward: 3 with a gate, else 2."""
    plain = config.family in NOT_GATED or config.family == "nemotron_h"
    activation = str(config.get("mlp_hidden_act", config.get("hidden_act", "")))
    return 2 if plain or activation == "relu2" else 3


def dense_width(config: Config) -> int:
    """Width of the feed-forward of a dense layer; 0 where a mixture's own width is all that is given."""
    for name in ("intermediate_size_mlp", "dense_intermediate_size"):
        if config.get(name):
            return config.whole(name)
    if config.family == "granitemoehybrid" and not config.get("num_experts"):
        return config.whole("shared_intermediate_size")
    searched = kinds.searched_widths(config)
    if searched:
        return max(searched)
    width = config.whole("intermediate_size", 4 * config.whole("hidden_size"))
    if config.family == "lfm2" and config.get("block_auto_adjust_ff_dim", True):
        multiple = config.whole("block_multiple_of", 256)
        wide = int(config.get("block_ffn_dim_multiplier", 1.0) * int(2 * width / 3))
        return -(-wide // multiple) * multiple
    return width


def expert_width(config: Config) -> int:
    """Width of one routed expert."""
    return config.whole(
        "moe_intermediate_size" if config.get("moe_intermediate_size") else "intermediate_size"
    )


def expert_params(config: Config) -> float:
    """Parameters of one routed expert; Nemotron 3 and Kimi K3 route in a narrower latent space."""
    wide = (
        config.get("moe_latent_size")
        or config.get("routed_expert_hidden_size")
        or config.whole("hidden_size")
    )
    return float(matrices(config) * wide * expert_width(config))


def shared_width(config: Config) -> int:
    """Width of what every token visits beside the routed experts."""
    n = int(config.get("n_shared_experts", 1 if config.family == "llama4_text" else 0) or 0)
    wide = config.get("shared_intermediate_size")
    if wide is not None:
        return int(wide)
    return n * expert_width(config)


def latent_params(config: Config) -> float:
    """Projections of a mixture layer into its latent space and back, and its router."""
    h, latent = (
        config.whole("hidden_size"),
        config.get("moe_latent_size") or config.get("routed_expert_hidden_size") or 0,
    )
    return float(2 * h * latent + h * config.whole("num_experts"))
