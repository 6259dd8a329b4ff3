"""What each layer of a configuration is: which mixer it has, and which feed-forward."""

from __future__ import annotations

from typing import Any, Final

from llmplan.errors import InputError
from llmplan.huggingface.config import Config

FULL, WINDOW, DELTA, KDA, LIGHTNING, MAMBA, MAMBA1, CONV, PARALLEL, NONE = (
    "full",
    "window",
    "delta",
    "kda",
    "lightning",
    "mamba",
    "mamba1",
    "conv",
    "parallel",
    "none",
)
DENSE, MOE = "dense", "moe"
TYPES: Final = {
    "full_attention": FULL,
    "attention": FULL,
    "deepseek_sparse_attention": FULL,
    "sliding_attention": WINDOW,
    "chunked_attention": WINDOW,
    "linear_attention": DELTA,
    "mamba": MAMBA,
    "conv": CONV,
}
"""Mixers by their name in `layer_types`."""
BLOCKS: Final = {"M": "mamba", "*": "attention", "E": "moe", "-": "mlp"}
"""Blocks of Nemotron-H by their sign; each holds one part, a mixer or a feed-forward."""


RECURRENT: Final = ("mamba_", "ssm_", "linear_num_", "linear_attn", "rwkv", "lru_")
"""How keys begin that speak of layers without a KV cache."""


def blocks_of(config: Config) -> list[str] | None:
    """Return the blocks of a model whose layers hold one part each; None for the others."""
    named, signs = config.get("layers_block_type"), config.get("hybrid_override_pattern")
    if named and not {"moe", "mlp"}.isdisjoint(named):
        return list(named)
    return [BLOCKS[sign] for sign in signs] if signs else None


def mixers_of(config: Config) -> list[str]:
    """Return the mixer of each layer."""
    blocks = blocks_of(config)
    if blocks is not None:
        kinds = {"mamba": MAMBA, "attention": FULL}
        return [kinds[block] for block in blocks if block in kinds]
    searched = config.get("block_configs")
    if searched:
        return [NONE if _is_left_out(block["attention"]) else FULL for block in searched]
    n = config.whole("num_hidden_layers")
    return _named(config, n) or _hybrid(config, n) or _windowed(config, n) or [FULL] * n


def _is_left_out(part: dict[str, Any]) -> bool:
    """Whether an architecture search (Nemotron's) dropped a block's part, or made it one matrix."""
    return bool(part.get("no_op") or part.get("replace_with_linear"))


def searched_widths(config: Config) -> list[int]:
    """Widths of the feed-forwards that an architecture search gave each block; none for other models."""
    h, multiple, widths = config.whole("hidden_size"), 256, []
    for block in config.get("block_configs") or ():
        wide = 0 if _is_left_out(block["ffn"]) else int(2 * block["ffn"]["ffn_mult"] * h / 3)
        widths.append(-(-wide // multiple) * multiple)
    return widths


def _named(config: Config, n: int) -> list[str] | None:
    named = config.get("layer_types") or config.get("layers_block_type")
    if not isinstance(named, list):
        return None
    unknown = sorted({str(kind) for kind in named if kind not in TYPES})
    if unknown or len(named) < n:
        rule = "names layers that are not known" if unknown else "does not name every layer"
        raise InputError("layer_types", ", ".join(unknown), rule, f"known are {', '.join(TYPES)}")
    return [TYPES[kind] for kind in named[:n]]


def _hybrid(config: Config, n: int) -> list[str] | None:
    get = config.get
    if "linear_attn_config" in config.text and (linear := get("linear_attn_config")):
        full = {place - 1 for place in linear["full_attn_layers"]}
        return [FULL if i in full else KDA for i in range(n)]
    if 0 in (get("attn_type_list") or ()):
        return [FULL if kind else LIGHTNING for kind in get("attn_type_list")]
    if get("full_attention_interval"):
        return [FULL if (i + 1) % get("full_attention_interval") == 0 else DELTA for i in range(n)]
    if get("layer_group_size"):
        group = config.whole("layer_group_size")
        return [FULL if (i + 1) % group == 0 or i >= n // group * group else LIGHTNING for i in range(n)]
    if get("attn_layer_period"):
        period, offset = get("attn_layer_period"), get("attn_layer_offset", 0)
        return [FULL if i % period == offset else MAMBA1 for i in range(n)]
    if get("attn_layer_indices"):
        return [FULL if i in get("attn_layer_indices") else MAMBA for i in range(n)]
    if get("full_attn_idxs"):
        return [FULL if i in get("full_attn_idxs") else CONV for i in range(n)]
    if config.family == "falcon_h1":
        return [PARALLEL] * n
    if any(key.startswith(RECURRENT) for key in config.text):
        raise InputError(
            "model_type", config.family, "mixes layers in a way that is not known", "give a row by hand"
        )
    return None


def window_of(config: Config) -> int:
    """Tokens that a windowed layer looks back; 0: no layer has a window."""
    text = config.text
    optional = config.family.startswith(("qwen2", "qwen3", "smollm3")) or config.family == "mimo"
    if not text.get("use_sliding_window", not optional or bool(text.get("layer_types"))):
        return 0
    return int(
        text.get("sliding_window") or text.get("sliding_window_size") or text.get("attention_chunk_size") or 0
    )


def _windowed(config: Config, n: int) -> list[str] | None:
    window = window_of(config)
    if not window or window >= config.whole("max_position_embeddings", 2**40):
        return None
    pattern: Any = config.get("sliding_window_pattern")
    if config.get("hybrid_layer_pattern"):
        return [WINDOW if kind else FULL for kind in config.get("hybrid_layer_pattern")[:n]]
    if isinstance(pattern, str):
        return [WINDOW if pattern[i % len(pattern)] == "L" else FULL for i in range(n)]
    interval = pattern or config.get("no_rope_layer_interval")
    if interval:
        return [FULL if (i + 1) % interval == 0 else WINDOW for i in range(n)]
    if config.family.startswith(("qwen2", "qwen3")):
        return [WINDOW if i >= config.get("max_window_layers", n) else FULL for i in range(n)]
    return [WINDOW] * n


def feed_forwards_of(config: Config) -> list[str]:
    """Return the feed-forward of each layer: dense or a mixture of experts."""
    blocks = blocks_of(config)
    if blocks is not None:
        kinds = {"moe": MOE, "mlp": DENSE}
        return [kinds[block] for block in blocks if block in kinds]
    n = config.whole("num_hidden_layers")
    if not config.get("num_experts"):
        return [DENSE] * n
    return [MOE if _has_experts(config, i) else DENSE for i in range(n)]


def _has_experts(config: Config, i: int) -> bool:
    get = config.get
    for name in ("mlp_layer_types", "is_moe_layer", "moe_layer_freq"):
        listed = get(name)
        if isinstance(listed, list):
            return bool(listed[i] in (1, True, "sparse", "moe"))
    if get("moe_layers_enum"):
        return str(i) in str(get("moe_layers_enum")).split(",")
    if get("moe_layers"):
        return bool(i in get("moe_layers"))
    if get("interleave_moe_layer_step"):
        return (i + 1) % int(get("interleave_moe_layer_step")) == 0
    if get("expert_layer_period"):
        return bool(i % int(get("expert_layer_period")) == get("expert_layer_offset", 0))
    if get("moe_layer_start_index") is not None:
        last = get("moe_layer_end_index", -1)
        inside = get("moe_layer_start_index") <= i <= (last if last >= 0 else i)
        return bool(inside) and (i + 1) % int(get("moe_layer_interval", 1)) == 0
    first = get("first_k_dense_replace", get("num_dense_layers", get("n_dense_layers", 0)))
    if i < first or i in (get("mlp_only_layers") or ()):
        return False
    step = get("decoder_sparse_step")
    return (i + 1) % int(step) == 0 if step else i % int(get("moe_layer_freq", 1)) == 0
