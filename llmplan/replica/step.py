"""The step model: seconds of one decode step and of one prefill on one replica (equations 3.1 to 3.7)."""

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats
from llmplan.replica.configurations import Configurations

Constants = dict[str, Floats]
"""Calibrated constants by name, each of shape (n,)."""


@dataclass(frozen=True)
class StepParts:
    """Seconds of one decode step by cause, each of shape (n,) or broadcast with the batch."""

    weights_s: Floats
    compute_s: Floats
    kv_s: Floats
    collectives_s: Floats
    overhead_s: Floats
    total_s: Floats


def smooth_max(a: Floats, b: Floats, sharpness: float = 4.0) -> Floats:
    """Soft maximum of two positive times: a kernel near the ridge is slower than either limit."""
    top = np.maximum(a, b)
    return top * (1.0 + (np.minimum(a, b) / top) ** sharpness) ** (1.0 / sharpness)


def expert_share_touched(experts: Floats, experts_per_token: Floats, tokens: Floats) -> Floats:
    """Expected share of experts that a batch reads, 1 - (1 - k/E)^B (equation 3.2); 0 for dense models."""
    share = np.divide(experts_per_token, experts, out=np.zeros_like(experts), where=experts > 0)
    return 1.0 - (1.0 - np.minimum(share, 1.0 - 1e-12)) ** tokens


def cached_tokens_read(c: Configurations, context_tokens: Floats) -> Floats:
    """Layer-tokens of KV cache that one sequence's step reads: sliding windows stop growing (3.3)."""
    windowed = np.minimum(context_tokens, np.where(c.window_layers > 0, c.window_tokens, np.inf))
    return c.full_layers * context_tokens + c.window_layers * windowed


def collective_s(c: Configurations, k: Constants, tokens: Floats) -> Floats:
    """Seconds that tensor- or expert-parallel ranks exchange activations of `tokens` tokens (3.5)."""
    ranks = c.n_gpus
    message = tokens * c.hidden * 2.0
    volume = 2.0 * (ranks - 1.0) / ranks * message / (c.link_bandwidth * k["link_efficiency"])
    latency = k["collective_latency_s"] * np.sqrt(ranks / 2.0)
    return np.where(ranks > 1, 2.0 * c.layers * (latency + volume), 0.0)


def decode_step(c: Configurations, k: Constants, batch: Floats, context_tokens: Floats) -> StepParts:
    """Seconds of one decode step of `batch` sequences that each hold `context_tokens` tokens (3.1)."""
    g, t = c.n_gpus, c.tensor_parallel
    per_rank = np.maximum(batch / c.data_parallel, 1e-9)
    dense_gb = (c.attention_bytes + c.head_bytes) / t + c.dense_bytes / g
    touched = expert_share_touched(c.experts, c.experts_per_token, batch)
    expert_gb = c.expert_bytes / g * touched
    read = c.bandwidth * k["weight_bandwidth_efficiency"]
    spread = np.where((c.expert_parallel > 1) & (c.experts > 0), k["expert_parallel_load"], 1.0)
    dense_read = dense_gb / read
    expert_read = expert_gb * spread / (read * k["expert_bandwidth_efficiency"])
    rate = c.flops * k["decode_compute_efficiency"]
    unpack = 1.0 + c.weight_only * k["unpack_work"]
    flops = 2.0 * unpack * batch / g
    dense_math = flops * (c.active_params + c.head_params) / rate
    expert_math = flops * c.expert_active_params * spread / (rate * k["expert_compute_efficiency"])
    cached = cached_tokens_read(c, context_tokens) * c.kv_layer_bytes / c.kv_shards
    kv = per_rank * cached / (c.bandwidth * k["kv_bandwidth_efficiency"])
    exchange = collective_s(c, k, batch)
    overhead = k["step_overhead_s"] + k["layer_overhead_s"] * c.layers
    overhead = overhead + k["moe_layer_overhead_s"] * c.moe_layers + k["sequence_overhead_s"] * batch
    math = dense_math + expert_math
    weights = dense_read + expert_read
    busy = smooth_max(dense_read, dense_math) + np.where(
        c.experts > 0, smooth_max(np.maximum(expert_read, 1e-12), np.maximum(expert_math, 1e-12)), 0.0
    )
    return StepParts(weights, math, kv, exchange, overhead, busy + kv + exchange + overhead)


@dataclass(frozen=True)
class Prefill:
    """Seconds of one request's prefill: alone, and what it adds to a step that is busy anyway."""

    alone_s: Floats
    marginal_s: Floats


def prefill(c: Configurations, k: Constants, input_tokens: Floats) -> Prefill:
    """Seconds to prefill one prompt of `input_tokens` tokens (equations 3.6 and 3.7)."""
    g = c.n_gpus
    filled = input_tokens / (input_tokens + k["half_efficiency_tokens"])
    rate = c.flops * k["prefill_compute_efficiency"] * filled
    linear = (
        2.0
        * input_tokens
        * (c.active_params / rate + c.expert_active_params / (rate * k["expert_prefill_efficiency"]))
        / g
    )
    linear = linear * (1.0 + c.weight_only * k["prefill_unpack_work"])
    pairs = c.full_layers * input_tokens**2 / 2.0
    windowed = np.minimum(input_tokens, np.where(c.window_layers > 0, c.window_tokens, 0.0))
    pairs = pairs + c.window_layers * windowed * input_tokens
    attention = 4.0 * pairs * c.attention_width / (c.flops_16bit * k["prefill_attention_efficiency"] * g)
    exchange = collective_s(c, k | {"collective_latency_s": np.zeros_like(g)}, input_tokens)
    marginal = linear + attention + exchange * k["prefill_exchange_share"]
    touched = expert_share_touched(c.experts, c.experts_per_token, input_tokens)
    weights = (c.attention_bytes + c.head_bytes + c.dense_bytes + c.expert_bytes * touched) / g
    floor = weights / (c.bandwidth * k["weight_bandwidth_efficiency"]) + k["step_overhead_s"]
    floor = floor + k["layer_overhead_s"] * c.layers + k["moe_layer_overhead_s"] * c.moe_layers
    launch, pace = k["prefill_launch_s"], k["prefill_pace"]
    return Prefill(pace * (smooth_max(marginal, floor, 2.0) + launch), pace * (marginal + launch))
