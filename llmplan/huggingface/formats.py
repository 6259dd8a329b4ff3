"""In which format a checkpoint stores each part, from its quantization_config."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from llmplan.errors import InputError
from llmplan.huggingface import layers as kinds

PLAIN_BITS: Final = 16.0
SCALE_BITS: Final = 16.0
PREFIXES: Final = (
    "model.layers.",
    "model.language_model.layers.",
    "language_model.model.layers.",
    "layers.",
    "backbone.layers.",
)
PARTS: Final = {
    "full": ("self_attn.q_proj", "self_attn.o_proj", "attn.wq_a", "mixer.q_proj", "attn.q_proj"),
    "delta": ("linear_attn.in_proj_qkv", "linear_attn.in_proj_qkvz", "linear_attn"),
    "mamba": ("mixer.in_proj", "mamba.in_proj"),
    "dense": ("mlp.gate_proj", "mlp.up_proj", "mixer.up_proj", "feed_forward.w1", "ffn.w1"),
    "shared": (
        "mlp.shared_experts.gate_proj",
        "mlp.shared_expert.gate_proj",
        "ffn.shared_experts.w1",
        "mixer.shared_experts.up_proj",
        "block_sparse_moe.shared_experts.gate_proj",
    ),
    "experts": (
        "mlp.experts.0.gate_proj",
        "mlp.experts",
        "ffn.experts.0.w1",
        "block_sparse_moe.experts.0.w1",
        "mixer.experts.0.up_proj",
    ),
}
"""What families call a matrix of each part, within its layer."""
OWN_PARTS: Final = {"gemma4_text": {"experts": ("experts.0.gate_proj", "moe.experts.0.gate_proj")}}
"""The same of families that name a part in a way that means another part elsewhere."""
HEADS: Final = ("lm_head", "head", "language_model.lm_head")
KINDS: Final = {kinds.DELTA: "delta", kinds.MAMBA: "mamba", kinds.MAMBA1: "mamba"}


@dataclass(frozen=True)
class Stored:
    """A checkpoint's format: its precision id, and bits of a matrix by the names that it may have."""

    precision_id: str
    bits: float
    ignored: tuple[str, ...] = ()
    named: dict[str, float] | None = None
    other_bits: float = PLAIN_BITS
    expert_bits: float | None = None
    family: str = ""

    def of(self, part: str, place: int) -> float:
        """Bits of a part's weights in layer `place`, scales included."""
        if part == "experts" and self.expert_bits is not None:
            return self.expert_bits
        names = OWN_PARTS.get(self.family, {}).get(part, PARTS[part])
        return self._bits([f"{p}{place}.{name}" for p in PREFIXES for name in names])

    def of_head(self) -> float:
        """Bits of the output head: 16 unless it is named among the quantised."""
        return next((bits for name, bits in (self.named or {}).items() if name in HEADS), PLAIN_BITS)

    def _bits(self, names: list[str]) -> float:
        for name in names:
            for key, bits in (self.named or {}).items():
                if name == key or name.startswith(f"{key}.") or key.startswith(f"{name}."):
                    return bits
        if self.named:
            return self.other_bits
        return self.other_bits if any(_matches(name, self.ignored) for name in names) else self.bits


def _matches(name: str, patterns: Iterable[str]) -> bool:
    for pattern in patterns:
        if pattern.startswith("re:"):
            if re.match(pattern[3:], name):
                return True
        elif "*" in pattern:
            if fnmatch.fnmatch(name, pattern):
                return True
        elif (
            name == pattern
            or name.startswith(f"{pattern}.")
            or ("." not in pattern and pattern in name.split("."))
        ):
            return True
    return False


def stored(quantisation: dict[str, Any] | None, expert_dtype: str | None = None) -> Stored | None:
    """Return how a checkpoint stores its weights; None: at 16 bit.

    Raises
    ------
    InputError for a method of quantisation that is not known.
    """
    if quantisation is None:
        return None
    q, method = quantisation, str(quantisation.get("quant_method", "modelopt")).replace("_", "-")
    ignored = tuple(q.get("modules_to_not_convert") or q.get("ignore") or q.get("exclude_modules") or ())
    if q.get("quantized_layers") or q.get("config_groups"):
        return _grouped(q, method, ignored)
    if method in ("fp8", "fbgemm-fp8") or q.get("quant_algo") == "FP8":
        experts = 4.25 if expert_dtype == "fp4" else None
        return Stored("mxfp4" if experts else "fp8", 8.0, ignored, expert_bits=experts)
    if method == "mxfp4":
        return Stored("mxfp4", 4.25, (*ignored, "self_attn"))
    if method in ("awq", "gptq", "auto-round"):
        bits, group = (
            int(q.get("bits", q.get("w_bit", 4))),
            int(q.get("group_size", q.get("q_group_size", 128))),
        )
        return _weight_only(bits, (SCALE_BITS + bits) / group if group > 0 else 0.0, ignored)
    if "NVFP4" in str(q.get("quant_algo")):
        return Stored("fp4", 4.5, ignored)
    raise InputError("quant_method", method, "is not known", "give --params-b and the row's format by hand")


def _grouped(q: dict[str, Any], method: str, ignored: tuple[str, ...]) -> Stored:
    """Return the format of a checkpoint that lists groups of matrices, or each matrix, with its own."""
    named: dict[str, float] = {}
    every: tuple[str, float] | None = None
    for group in (q.get("config_groups") or {}).values():
        precision_id, bits = _weights(group)
        targets = group.get("targets") or ["Linear"]
        if "Linear" in targets:
            every = precision_id, bits
        else:
            named |= dict.fromkeys(targets, bits)
    for name, layer in (q.get("quantized_layers") or {}).items():
        named.setdefault(name, ALGORITHMS.get(str(layer.get("quant_algo")), ("fp8", 8.0))[1])
    if named and (every is None or q.get("quantized_layers")):
        base = 8.0 if method == "fp8" else PLAIN_BITS
        return Stored("fp4" if min(named.values()) < 8 else "fp8", 8.0, ignored, named, base)
    precision_id, bits = every or ("fp8", 8.0)
    return Stored(precision_id, bits, ignored)


ALGORITHMS: Final = {
    "NVFP4": ("fp4", 4.5),
    "MXFP8": ("fp8", 8.25),
    "FP8": ("fp8", 8.0),
    "W4A16_NVFP4": ("fp4", 4.5),
}
"""Precision and bits with scales by ModelOpt's name."""


def _weights(group: dict[str, Any]) -> tuple[str, float]:
    weights = group.get("weights") or {}
    bits, size = int(weights.get("num_bits", 8)), weights.get("group_size")
    activations = group.get("input_activations")
    if weights.get("type") == "float":
        if bits == 8:
            return "fp8", 8.0
        return ("fp4", 4.5) if size == 16 else ("mxfp4", 4.25)
    if activations and bits == 8:
        return "int8", 8.0
    scales = SCALE_BITS + (0 if weights.get("symmetric", True) else bits)
    whole = _weight_only(bits, scales / size if size and size > 0 else 0.0, ())
    return whole.precision_id, whole.bits


def _weight_only(bits: int, scales: float, ignored: tuple[str, ...]) -> Stored:
    names = {3: "w3a16", 4: "w4a16", 8: "w8a16"}
    if bits not in names:
        raise InputError(
            "bits", bits, "is no format of the catalog", f"known are {', '.join(names.values())}"
        )
    return Stored(names[bits], bits + scales, ignored)
