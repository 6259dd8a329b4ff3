"""The step model: seconds of one decode step and of one prefill on one replica (equations 3.1 to 3.7)."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from llmplan.arrays import Columns, Floats
from llmplan.replica.configurations import Configurations
from llmplan.replica.memory import BYTES_16BIT

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


def smooth_max(a: Floats, b: Floats) -> Floats:
    """Soft maximum of two times, (a^4 + b^4)^(1/4): a kernel near the ridge is slower than either limit."""
    a2, b2 = a * a, b * b
    return np.sqrt(np.sqrt(a2 * a2 + b2 * b2))


def expert_share_touched(experts: Floats, experts_per_token: Floats, tokens: Floats) -> Floats:
    """Expected share of experts that a batch reads, 1 - (1 - k/E)^B (equation 3.2); 0 for dense models."""
    share = np.divide(experts_per_token, experts, out=np.zeros_like(experts), where=experts > 0)
    return 1.0 - (1.0 - np.minimum(share, 1.0 - 1e-12)) ** tokens


def efficiency(c: Configurations, on_h100: Floats) -> Floats:
    """Share of the tensor peak that a card reaches, from an H100's and its own machine balance (3.4b)."""
    return 1.0 / (1.0 + (1.0 / on_h100 - 1.0) * c.machine_balance)


def cached_bytes(c: Configurations, context_tokens: Floats, window_tokens: Floats) -> Floats:
    """KV cache and state of one sequence on one GPU [bytes]: sliding windows stop growing (2.4, 3.3)."""
    windowed = c.window_layers * np.minimum(context_tokens, window_tokens) * c.window_layer_kv_bytes
    full = c.full_layers * context_tokens * c.full_layer_kv_bytes + context_tokens * c.draft_kv_bytes
    cache = (full + windowed) / c.kv_shards
    return cache + held_state_bytes(c)


def held_state_bytes(c: Configurations) -> Floats:
    """State of a sequence on one GPU [bytes]: its heads are divided among ranks, its layers among stages (2.4b)."""
    return c.state_bytes / (c.tensor_parallel * c.pipeline_parallel)


def kv_efficiency(c: Configurations, k: Constants) -> Floats:
    """Share of the memory bandwidth at which the KV cache is read; kernels unpack an 8-bit one (3.3)."""
    quantised = c.kv_bytes < BYTES_16BIT
    return k["kv_bandwidth_efficiency"] * np.where(quantised, k["quantised_kv_efficiency"], 1.0)


def collective_s(c: Configurations, k: Constants, tokens: Floats) -> Floats:
    """Seconds that tensor- or expert-parallel ranks exchange activations of `tokens` tokens (3.5)."""
    ranks = np.where(c.experts > 0, c.n_gpus, c.tensor_parallel)
    message = tokens * c.hidden * 2.0
    link = c.link_bandwidth * k["link_efficiency"] * np.where(c.by_host > 0, k["host_copy_efficiency"], 1.0)
    volume = 2.0 * (ranks - 1.0) / ranks * message / link
    routed = np.minimum(np.maximum(c.experts_per_token, 1.0), ranks) / 2.0
    volume = np.where((c.data_parallel > 1) & (c.experts > 0), volume * routed / ranks, volume)
    latency = (k["collective_latency_s"] + c.by_host * k["host_copy_latency_s"]) * np.sqrt(ranks / 2.0)
    return np.where(ranks > 1, 2.0 * c.layers * (latency + volume), 0.0)


@dataclass(frozen=True)
class DecodeTerms(Columns):
    """A decode step by what its parts depend on, at one context: fixed seconds, and seconds a sequence (3.1).

    unread_log: logarithm of the chance that a sequence's tokens leave an expert unread; 0 for dense models.
    draft_...: what drafting the step's tokens reads and computes (3.26); draft_experts: layers of experts that it walks
    over those of the step, draft_tokens: that it drafts.
    """

    shared: ClassVar[tuple[str, ...]] = ()
    dense_read_s: Floats
    dense_math_s_per_sequence: Floats
    expert_read_s: Floats
    expert_math_s_per_sequence: Floats
    unread_log: Floats
    kv_s_per_sequence: Floats
    collectives_s: Floats
    collectives_s_per_sequence: Floats
    overhead_s: Floats
    overhead_s_per_sequence: Floats
    draft_read_s: Floats
    draft_math_s_per_sequence: Floats
    draft_experts: Floats
    draft_tokens: Floats

    def parts(self, batch: Floats) -> StepParts:
        """Seconds of a step of `batch` sequences by cause."""
        expert_read = self.expert_read_s * -np.expm1(batch * self.unread_log)
        math = (self.dense_math_s_per_sequence + self.expert_math_s_per_sequence) * batch
        kv = self.kv_s_per_sequence * batch
        exchange = self.collectives_s + self.collectives_s_per_sequence * batch
        overhead = self.overhead_s + self.overhead_s_per_sequence * batch
        return StepParts(self.dense_read_s + expert_read, math, kv, exchange, overhead, self.total_s(batch))

    def total_s(self, batch: Floats) -> Floats:
        """Seconds of a whole step: read and math of a matrix overlap, the rest adds up."""
        busy = smooth_max(self.dense_read_s, self.dense_math_s_per_sequence * batch)
        if self.expert_read_s.any():
            read = self.expert_read_s * -np.expm1(batch * self.unread_log)
            busy = busy + smooth_max(read, self.expert_math_s_per_sequence * batch)
        if self.draft_read_s.any():
            busy = busy + self._drafting_s(batch)
        return busy + self._fixed_s + self._s_per_sequence * batch

    def _drafting_s(self, batch: Floats) -> Floats:
        """Seconds in which a step's tokens are drafted, one after another; each touches experts of its own."""
        together = 1.0 + self.draft_tokens
        read = self.expert_read_s * -np.expm1(batch * self.unread_log / together)
        experts = smooth_max(read, self.expert_math_s_per_sequence * batch / together)
        own = smooth_max(self.draft_read_s, self.draft_math_s_per_sequence * batch)
        return own + self.draft_experts * experts

    @cached_property
    def _fixed_s(self) -> Floats:
        return self.collectives_s + self.overhead_s

    @cached_property
    def _s_per_sequence(self) -> Floats:
        return self.kv_s_per_sequence + self.collectives_s_per_sequence + self.overhead_s_per_sequence


def decode_terms(c: Configurations, k: Constants, context_tokens: Floats) -> DecodeTerms:
    """What decode steps cost at `context_tokens` tokens a sequence, whatever the batch (3.1 to 3.5).

    With a draft a step checks 1 + k tokens of each sequence: math and exchange grow, reads of weights and cache do
    not; and k steps of the draft come before it (3.26).
    """
    g, t = c.n_gpus, c.tensor_parallel
    cut = np.where(c.experts > 0, g, t)  # copies of a dense model's attention bring its feed-forward along
    read = c.bandwidth * k["weight_bandwidth_efficiency"]
    spread = np.where((c.expert_parallel > 1) & (c.experts > 0), k["expert_parallel_load"], 1.0)
    rate = c.flops * efficiency(c, k["decode_compute_efficiency"])
    flops = 2.0 * (1.0 + c.weight_only * k["unpack_work"] * c.machine_balance) / g
    # a state is read and written back, a cache only grows by a token
    moved = cached_bytes(c, context_tokens, c.window_tokens) + held_state_bytes(c)
    none = np.zeros_like(g)
    latency = collective_s(c, k, none)
    per_layer = k["layer_overhead_s"] + c.weight_only * k["unpack_launch_s"]
    overhead = k["step_overhead_s"] + per_layer * c.layers
    dense_bytes = (c.attention_bytes + c.head_bytes) / t + c.dense_bytes / cut
    drafted, checked = c.draft_tokens, 1.0 + c.draft_tokens
    walked = drafted * c.draft_layers / c.layers  # layers of drafting over those of the step
    draft_bytes = (c.draft_share * c.attention_bytes + c.draft_bytes + c.draft_head_bytes) / t
    draft_bytes = draft_bytes + c.draft_share * c.dense_bytes / cut
    draft_params = c.draft_share * c.active_params + c.draft_params + c.draft_head_params
    moved = moved + np.maximum(drafted - 1.0, 0.0) * context_tokens * c.draft_kv_bytes / c.kv_shards
    return DecodeTerms(
        dense_read_s=dense_bytes / read,
        dense_math_s_per_sequence=flops * checked * (c.active_params + c.head_params) / rate,
        expert_read_s=c.expert_bytes / g * spread / (read * k["expert_bandwidth_efficiency"]),
        expert_math_s_per_sequence=flops
        * checked
        * c.expert_active_params
        * spread
        / (rate * k["expert_compute_efficiency"]),
        unread_log=checked * np.log1p(-expert_share_touched(c.experts, c.experts_per_token, none + 1.0)),
        kv_s_per_sequence=moved / (c.bandwidth * kv_efficiency(c, k) * c.data_parallel),
        collectives_s=latency * (1.0 + walked),
        collectives_s_per_sequence=(collective_s(c, k, none + 1.0) - latency) * (checked + walked),
        overhead_s=overhead
        + per_layer * drafted * c.draft_layers
        + k["moe_layer_overhead_s"] * c.moe_layers * (1.0 + drafted * c.draft_share),
        overhead_s_per_sequence=k["sequence_overhead_s"] / c.data_parallel,
        draft_read_s=drafted * draft_bytes / read,
        draft_math_s_per_sequence=flops * drafted * draft_params / rate,
        draft_experts=drafted * c.draft_share,
        draft_tokens=drafted,
    )


def decode_step(c: Configurations, k: Constants, batch: Floats, context_tokens: Floats) -> StepParts:
    """Seconds of one decode step of `batch` sequences that each hold `context_tokens` tokens (3.1)."""
    return decode_terms(c, k, context_tokens).parts(batch)


@dataclass(frozen=True)
class Prefill:
    """Seconds of one request's prefill: alone, and what it adds to a step that is busy anyway."""

    alone_s: Floats
    marginal_s: Floats


def prefill(
    c: Configurations, k: Constants, input_tokens: Floats, fresh_tokens: Floats | None = None
) -> Prefill:
    """Seconds to prefill one prompt of `input_tokens` tokens (equations 3.6 and 3.7).

    fresh_tokens: its end that no prefix cache holds; it still attends to all that comes before (3.20). Default: all.
    """
    g, fresh = c.n_gpus, input_tokens if fresh_tokens is None else fresh_tokens
    filled = fresh / (fresh + k["half_efficiency_tokens"])
    rate = c.flops * efficiency(c, k["prefill_compute_efficiency"]) * filled
    linear = (
        2.0
        * fresh
        * (c.active_params / rate + c.expert_active_params / (rate * k["expert_prefill_efficiency"]))
        / g
    )
    linear = linear * (1.0 + c.draft_share) + 2.0 * fresh * c.draft_params / (rate * g)
    linear = linear * (1.0 + c.weight_only * k["prefill_unpack_work"] * c.machine_balance)
    pairs = c.full_layers * (input_tokens**2 - (input_tokens - fresh) ** 2) / 2.0
    windowed = np.minimum(input_tokens, np.where(c.window_layers > 0, c.window_tokens, 0.0))
    pairs = pairs + c.window_layers * windowed * fresh
    attention = 4.0 * pairs * c.attention_width / (c.flops_16bit * k["prefill_attention_efficiency"] * g)
    exchange = collective_s(c, k, fresh) - collective_s(c, k, np.zeros_like(g))
    marginal = linear + attention + exchange * k["prefill_exchange_share"]
    touched = expert_share_touched(c.experts, c.experts_per_token, fresh)
    weights = (c.attention_bytes + c.head_bytes + c.dense_bytes + c.expert_bytes * touched) / g
    floor = weights / (c.bandwidth * k["weight_bandwidth_efficiency"]) + k["step_overhead_s"]
    floor = floor + k["layer_overhead_s"] * c.layers + k["moe_layer_overhead_s"] * c.moe_layers
    launch, pace = k["prefill_launch_s"], k["prefill_pace"] * c.adapter_pace
    return Prefill(pace * (np.hypot(marginal, floor) + launch), pace * (marginal + launch))
