"""What a model in a format weighs and computes, and what a GPU offers for that format."""

from typing import Final

from llmplan.catalog.records import Assumption, Gpu, Model, Precision
from llmplan.replica.config import EngineSettings
from llmplan.replica.memory import (
    BYTES_16BIT,
    Draft,
    cached_layers,
    part_bits,
    weight_parts,
    weights_gb,
)
from llmplan.units import BITS_PER_BYTE, FLOPS_PER_TFLOPS, PARAMS_PER_B


def model_numbers(model: Model, precision: Precision) -> dict[str, float]:
    """Bytes and parameters of one model in one format."""
    parts, bits = weight_parts(model), part_bits(model, precision)
    moe_layers = model.layers - model.first_dense_layers if model.is_moe else 0
    used = parts.experts_b * PARAMS_PER_B * model.experts_per_token / model.experts if model.is_moe else 0.0
    mlp = parts.dense_mlp_b + parts.shared_experts_b
    always = (parts.attention_b + parts.dense_mlp_b + parts.shared_experts_b) * PARAMS_PER_B
    head = float(model.vocab_size * model.hidden_size)
    return {
        "layers": model.layers,
        "moe_layers": moe_layers,
        "hidden": model.hidden_size,
        "attention_width": _attention_width(model),
        "head_bytes": head
        * (BYTES_16BIT if precision.quantises_embeddings else bits["head"] / BITS_PER_BYTE),
        "attention_bytes": parts.attention_b * PARAMS_PER_B * bits["attention"] / BITS_PER_BYTE,
        "dense_bytes": mlp * PARAMS_PER_B * bits["mlp"] / BITS_PER_BYTE,
        "expert_bytes": parts.experts_b * PARAMS_PER_B * bits["experts"] / BITS_PER_BYTE,
        "active_params": always,
        "expert_active_params": used,
        "head_params": head,
        "experts": model.experts,
        "experts_per_token": model.experts_per_token,
        "full_layers": cached_layers(model) - model.sliding_window_layers,
        "state_bytes": model.state_bytes_per_sequence,
        "window_layers": model.sliding_window_layers,
        "window_tokens": model.sliding_window_tokens,
        "weights_gb": weights_gb(model, precision),
    }


DRAFT: Final = (
    "draft_tokens",
    "draft_gain",
    "draft_gain_low",
    "draft_gain_high",
    "draft_share",
    "draft_layers",
    "draft_bytes",
    "draft_params",
    "draft_head_bytes",
    "draft_head_params",
)


def draft_numbers(
    model: Model, precision: Precision, draft: Draft | None, settings: EngineSettings, acceptance: Assumption
) -> dict[str, float]:
    """What drafting a token takes, and the tokens that a step then brings: 1 without a draft. (3.25), (3.26)

    A draft of the model's own kind is `draft_share` of its layers; a small model has bytes and parameters of its own.
    """
    found = dict.fromkeys(DRAFT, 0.0)
    if draft is None:
        return found | dict.fromkeys(("draft_gain", "draft_gain_low", "draft_gain_high"), 1.0)
    k, own = settings.speculative_tokens, settings.draft_acceptance
    kept = (acceptance.base, acceptance.low, acceptance.high) if own is None else (own,) * 3
    gains = ("draft_gain", "draft_gain_low", "draft_gain_high")
    found |= {"draft_tokens": k} | {
        name: tokens_a_step(k, share) for name, share in zip(gains, kept, strict=True)
    }
    if draft.model is None or draft.precision is None:
        head = model_numbers(model, precision)
        found |= {"draft_share": 1.0 / model.layers, "draft_layers": 1.0}
    else:
        head = model_numbers(draft.model, draft.precision)
        found |= {
            "draft_layers": draft.model.layers,
            "draft_bytes": head["attention_bytes"] + head["dense_bytes"] + head["expert_bytes"],
            "draft_params": head["active_params"] + head["expert_active_params"],
        }
    return found | {"draft_head_bytes": head["head_bytes"], "draft_head_params": head["head_params"]}


def tokens_a_step(drafted: int, acceptance: float) -> float:
    """Expected tokens of a sequence in a step: those kept before the first that is not, and one more. (3.26)

    (1 - a^(k+1)) / (1 - a); Leviathan et al. 2023, equation 1: tokens are taken to be kept independently.
    """
    return (1.0 - acceptance ** (drafted + 1)) / (1.0 - acceptance)


def _attention_width(model: Model) -> float:
    """Multiply-adds a token pair costs in one layer's attention: scores plus weighted values."""
    value = model.v_head_dim or (128 if model.attention == "mla" else model.head_dim)
    return model.heads * (model.head_dim + value) / 2


H100_BALANCE: Final = 989e12 / (132 * 64 * 1.83e9)
"""Tensor over vector rate of an H100 SXM, the unit of `machine_balance` [FLOP per lane and cycle]."""


def machine_balance(gpu: Gpu) -> float:
    """16-bit tensor peak over vector lanes x clock, in units of an H100's; 1 where the card's are not known.

    The more tensor cores outrun the vector units that feed them (addresses, unpacking), the less of their peak
    is reached.
    """
    if gpu.compute_units is None or gpu.boost_ghz is None:
        return 1.0
    wide = (gpu.bf16_tflops or gpu.fp16_tflops) * FLOPS_PER_TFLOPS
    return wide / (gpu.compute_units * 64 * gpu.boost_ghz * 1e9) / H100_BALANCE


def peak_flops(gpu: Gpu, precision: Precision) -> tuple[float, float, bool]:
    """Peak of the format's own cores, of 16 bit [FLOP/s], and whether weights are unpacked to 16 bit."""
    wide = (gpu.bf16_tflops or gpu.fp16_tflops) * FLOPS_PER_TFLOPS
    if precision.precision_id == "mxfp4" and gpu.fp4_tflops is not None:
        return gpu.fp4_tflops * FLOPS_PER_TFLOPS, wide, False
    own = {"fp8": gpu.fp8_tflops, "int8": gpu.int8_tops, "fp4": gpu.fp4_tflops}.get(precision.compute)
    if precision.compute == "16bit":
        return wide, wide, precision.weight_only
    if own is None:
        return wide, wide, True
    return own * FLOPS_PER_TFLOPS, wide, False
