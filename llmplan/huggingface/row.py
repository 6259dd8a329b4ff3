"""A model's row from its configuration: parameters by part, KV cache, state and stored sizes."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from llmplan.catalog.records import Model
from llmplan.foreign import foreign
from llmplan.huggingface import layers as kinds
from llmplan.huggingface.config import Config
from llmplan.huggingface.formats import KINDS, Stored, stored
from llmplan.huggingface.parameters import (
    dense_width,
    expert_params,
    expert_width,
    heads_of,
    is_compressed,
    is_mla,
    latent_params,
    matrices,
    mixer_params,
    shared_width,
    state_bytes,
)
from llmplan.huggingface.vision import audio_params, vision_params
from llmplan.units import PARAMS_PER_B

CACHED: Final = (kinds.FULL, kinds.WINDOW, kinds.PARALLEL)
"""Mixers with a KV cache."""
NOT_STATED: Final = "not-stated"
SAME_WITHIN: Final = 1e-3
"""Share by which a part may differ from what the shapes of the row give before it is written out."""


@dataclass(frozen=True)
class Parts:
    """Parameters of a text model by part [count]."""

    embedding: float
    mixers: float
    dense: float
    experts: float
    shared: float
    other: float

    @property
    def total(self) -> float:
        return self.embedding + self.mixers + self.dense + self.experts + self.shared + self.other


def parts_of(config: Config) -> Parts:
    """Count a text model's parameters by part; prediction heads for later tokens (MTP) are left out."""
    h, vocab = config.whole("hidden_size"), config.whole("vocab_size")
    mixers, feeds = kinds.mixers_of(config), kinds.feed_forwards_of(config)
    n_moe, per_matrix = feeds.count(kinds.MOE), matrices(config) * h
    # Gemma 4 has a dense feed-forward beside the experts of each layer
    n_dense = len(feeds) if config.get("enable_moe_block") else len(feeds) - n_moe
    dense_widths = kinds.searched_widths(config) or [dense_width(config)] * n_dense if n_dense else []
    if config.get("use_double_wide_mlp"):
        dense_widths += [dense_width(config)] * config.whole("num_kv_shared_layers", 0)
    shared_layers = n_moe if n_moe or not config.get("num_experts") else 0
    experts = n_moe * config.whole("num_experts", 0) * expert_params(config) if n_moe else 0.0
    norms = 2.0 * h * max(len(mixers), len(feeds)) + h
    return Parts(
        embedding=float(vocab * h * (1 if config.get("tie_word_embeddings", False) else 2)),
        mixers=sum(mixer_params(config, kind, place) for place, kind in enumerate(mixers)),
        dense=float(per_matrix * sum(dense_widths)),
        experts=experts,
        shared=float(shared_layers * per_matrix * shared_width(config)) if shared_layers else 0.0,
        other=norms + (n_moe * latent_params(config) if n_moe else 0.0) + _per_layer_embeddings(config),
    )


def _per_layer_embeddings(config: Config) -> float:
    """Parameters of Gemma 3n's and 4's embeddings of their own for every layer."""
    wide, n = config.get("hidden_size_per_layer_input", 0), config.whole("num_hidden_layers", 0)
    if not wide:
        return 0.0
    table = config.whole("vocab_size_per_layer_input", config.whole("vocab_size")) * wide * n
    return float(table + 3 * config.whole("hidden_size") * wide * n)


def name_of(path: Path) -> str:
    """Return a model's name from where its configuration lies: OWNER--NAME_config.json, or NAME/config.json."""
    stem = re.sub(r"[._-]?config$", "", path.stem)
    return (stem or path.resolve().parent.name).split("--")[-1]


@foreign("config", "its figures", "give the model's own config.json")
def model_from_config(
    config: Config,
    name: str,
    *,
    params_b: float | None = None,
    active_params_b: float | None = None,
    context_tokens: int | None = None,
    licence_id: str | None = None,
) -> Model:
    """Return the row of a model; what is given replaces what the configuration says.

    Raises
    ------
    InputError with the reason where the configuration cannot be sized.
    """
    parts, vision = parts_of(config), _vision_params(config)
    mixers, feeds = kinds.mixers_of(config), kinds.feed_forwards_of(config)
    row: dict[str, Any] = {
        "model_id": re.sub(r"[^a-z0-9._:/+-]+", "-", name.lower()),
        "name": name,
        "family": re.sub(r"[^a-z0-9]+.*", "", config.family.lower()) or "other",
        **_sizes(config, parts, vision, params_b, active_params_b),
        **_layers_of(config, parts, mixers, feeds),
        "vision_params_b": round(vision / PARAMS_PER_B, 4) or None,
        "max_context_tokens": context_tokens or config.whole("max_position_embeddings"),
        "licence_id": licence_id or NOT_STATED,
        "status": "current",
        "source_id": "hf-model-repositories",
        "as_of": dt.date.today(),
        "note": "computed from its config.json",
    }
    row |= _attention_of(config, mixers)
    row |= _explicit(row, parts, feeds.count(kinds.MOE))
    row |= _stored_as(config, mixers, feeds, parts)
    return Model(**row)


def _vision_params(config: Config) -> float:
    """Parameters of what reads images and sound beside the text model."""
    vision = vision_params(config.vision, config.top, config.whole("hidden_size")) if config.vision else 0.0
    return vision + audio_params(config.top.get("audio_config"))


def _sizes(
    config: Config, parts: Parts, vision: float, params_b: float | None, active_params_b: float | None
) -> dict[str, float]:
    """Columns of all parameters and of those that a token passes; what is given replaces what was counted."""
    has_experts, experts = kinds.MOE in kinds.feed_forwards_of(config), config.whole("num_experts", 0)
    used = config.whole("num_experts_per_tok", 0) if has_experts else 0
    active = parts.total - parts.experts * (1 - used / experts if has_experts else 0)
    given = active_params_b or (None if has_experts else params_b)
    return {
        "total_params_b": _billions(params_b, parts.total + vision),
        "active_params_b": _billions(given, active + (0 if has_experts else vision)),
    }


def _layers_of(config: Config, parts: Parts, mixers: list[str], feeds: list[str]) -> dict[str, Any]:
    """Columns of layers, widths and experts."""
    h, n_moe = config.whole("hidden_size"), feeds.count(kinds.MOE)
    whole = config.whole("num_hidden_layers", len(mixers) + len(feeds))
    layers = -(-(len(mixers) + len(feeds)) // 2) if kinds.blocks_of(config) else whole
    columns: dict[str, Any] = {
        "layers": layers,
        "hidden_size": h,
        "intermediate_size": dense_width(config) if parts.dense else 0,
        "vocab_size": config.whole("vocab_size"),
        "tied_embeddings": bool(config.get("tie_word_embeddings", False)),
    }
    if not n_moe:
        names = (
            "experts",
            "experts_per_token",
            "moe_intermediate_size",
            "shared_experts",
            "first_dense_layers",
        )
        return columns | dict.fromkeys(names, 0)
    return columns | {
        "experts": config.whole("num_experts", 0),
        "experts_per_token": config.whole("num_experts_per_tok", 0),
        "moe_intermediate_size": expert_width(config),
        "shared_experts": round(parts.shared / (n_moe * matrices(config) * h * expert_width(config))),
        "first_dense_layers": layers - n_moe,
    }


def _billions(given: float | None, counted: float) -> float:
    return given or float(f"{counted / PARAMS_PER_B:.4g}")


def _attention_of(config: Config, mixers: list[str]) -> dict[str, Any]:
    """Columns of attention, cache and state."""
    count = Counter(mixers)
    own, windowed = heads_of(config), heads_of(config, windowed=True)
    cached = sum(count[kind] for kind in CACHED) - config.whole("num_kv_shared_layers", 0)
    if config.get("use_cla"):
        cached = -(-cached // config.whole("cla_share_factor", 1))
    state = sum(state_bytes(config, kind) for kind in mixers)
    columns: dict[str, Any] = {
        "attention": "mla" if is_mla(config) else "gqa",
        "heads": own.heads,
        "kv_layers": cached if cached < len(mixers) or kinds.blocks_of(config) else None,
        "state_bytes_per_sequence": round(state),
    }
    if is_compressed(config):
        return columns | _compressed_columns(config)
    if is_mla(config):
        rope = config.whole("qk_rope_head_dim", 0)
        return columns | {
            "kv_heads": own.heads,
            "head_dim": config.whole("qk_nope_head_dim") + rope,
            "kv_lora_rank": config.whole("kv_lora_rank"),
            "rope_head_dim": rope,
            "v_head_dim": config.whole("v_head_dim"),
        }
    if count[kinds.WINDOW]:
        columns |= {
            "sliding_window_tokens": kinds.window_of(config),
            "sliding_window_layers": _windows(config, mixers),
        }
        differs = own != windowed
        columns |= {
            "global_kv_heads": own.kv_heads if differs else None,
            "global_head_dim": own.head_dim if differs else None,
        }
        own = replace(windowed, heads=own.heads)
    value = own.value_dim if own.value_dim != own.head_dim else None
    if config.get("block_configs"):
        each = [heads_of(config, place=i).cached for i, kind in enumerate(mixers) if kind in CACHED]
        columns["kv_elements_per_token"] = sum(each) if len(set(each)) > 1 else None
    return columns | {"kv_heads": own.kv_heads, "head_dim": own.head_dim, "v_head_dim": value}


def _windows(config: Config, mixers: list[str]) -> int:
    """Windowed layers with a cache of their own: the last layers of Gemma 3n and 4 share that of others."""
    own = mixers[: len(mixers) - config.whole("num_kv_shared_layers", 0)]
    return own.count(kinds.WINDOW)


def _compressed_columns(config: Config) -> dict[str, Any]:
    """Columns of DeepSeek V4: latents of every few tokens grow, those of a window are held as state."""
    width, rope, n = (config.whole(name) for name in ("head_dim", "qk_rope_head_dim", "num_hidden_layers"))
    ratios = config.get("compress_ratios")[:n]
    window = config.whole("sliding_window") * width * n
    return {
        "kv_heads": config.whole("num_attention_heads"),
        "head_dim": width,
        "kv_lora_rank": width - rope,
        "rope_head_dim": rope,
        "v_head_dim": width,
        "kv_elements_per_token": sum(width / ratio for ratio in ratios if ratio),
        "state_bytes_per_sequence": window * 2,
    }


def _explicit(row: dict[str, Any], parts: Parts, n_moe: int) -> dict[str, Any]:
    """Parameters of feed-forwards where the row's shapes do not give them: no gate, a latent space, odd layers."""
    h, layers = row["hidden_size"], row["layers"]
    dense = (layers - n_moe) * 3 * h * row["intermediate_size"]
    expert = n_moe * 3 * h * row["moe_intermediate_size"]
    mlp = dense + expert * row["shared_experts"]
    found: dict[str, Any] = {}
    if abs(mlp - parts.dense - parts.shared) > SAME_WITHIN * parts.total:
        found["mlp_params_b"] = round((parts.dense + parts.shared) / PARAMS_PER_B, 4)
    if abs(expert * row["experts"] - parts.experts) > SAME_WITHIN * parts.total:
        found["experts_params_b"] = round(parts.experts / PARAMS_PER_B, 4)
    return found


def _stored_as(config: Config, mixers: list[str], feeds: list[str], parts: Parts) -> dict[str, Any]:
    """Native format, and the bits of each part where a checkpoint mixes formats."""
    format_ = stored(config.quantisation, config.get("expert_dtype"))
    format_ = format_ and replace(format_, family=config.family)
    if format_ is None:
        half = str(config.get("torch_dtype", config.get("dtype", "bfloat16"))) == "float16"
        return {"native_precision_id": "fp16" if half else "bf16"}
    attention = [format_.of(KINDS.get(kind, "full"), place) for place, kind in enumerate(mixers)]
    mlp, experts = _mlp_bits(format_, feeds, parts), _expert_bits(format_, feeds)
    bits = {
        "attention_bits": _mean(attention),
        "mlp_bits": mlp,
        "expert_bits": experts,
        "head_bits": format_.of_head(),
    }
    usual = {
        "attention_bits": format_.bits,
        "mlp_bits": format_.bits,
        "expert_bits": format_.bits,
        "head_bits": 16.0,
    }
    mixed = any(value is not None and abs(value - usual[name]) > 0.01 for name, value in bits.items())
    return {"native_precision_id": format_.precision_id} | (bits if mixed else {})


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _expert_bits(format_: Stored, feeds: list[str]) -> float | None:
    return _mean([format_.of("experts", place) for place, kind in enumerate(feeds) if kind == kinds.MOE])


def _mlp_bits(format_: Stored, feeds: list[str], parts: Parts) -> float | None:
    """Bits of dense layers and of shared experts together, by their parameters."""
    both = kinds.DENSE not in feeds and parts.dense > 0
    dense = _mean([format_.of("dense", i) for i, kind in enumerate(feeds) if both or kind == kinds.DENSE])
    shared = _mean([format_.of("shared", place) for place, kind in enumerate(feeds) if kind == kinds.MOE])
    weights = (parts.dense if dense is not None else 0.0, parts.shared if shared is not None else 0.0)
    if not sum(weights):
        return None
    return round(((dense or 0.0) * weights[0] + (shared or 0.0) * weights[1]) / sum(weights), 4)
