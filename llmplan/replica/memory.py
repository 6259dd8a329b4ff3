"""Memory of one replica: weights, KV cache, overhead; whether its engine starts and how many sequences it runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog, Gpu, Model, Precision
from llmplan.catalog.records import EngineMemory
from llmplan.errors import InputError
from llmplan.replica.config import LATEST, SPLITTING, EngineSettings, ReplicaConfig
from llmplan.units import BITS_PER_BYTE, BYTES_PER_GB, BYTES_PER_GIB, GB_PER_GIB, PARAMS_PER_B

BYTES_16BIT: Final = 2.0
GPU_COUNTS: Final = (1, 2, 4, 8)
"""Sizes in which instances come; a larger replica spans nodes, one pipeline stage a node."""
LARGE_CARD_GIB: Final = 70.0
"""Memory from which vLLM takes its larger default batch, on every architecture but Ampere."""
USUAL_ENGINE: Final = "vllm"
"""Its rules stand for an engine whose own are not known."""
PADDED_TO: Final = 256
"""Kernels for MXFP4 experts pad each rank's intermediate width to a multiple of this, and the model's where they cut."""
MIXED: Final = ("attention", "mlp", "expert", "head")
"""Parts of which a checkpoint may say that they have bits of their own."""
SHARES: Final = ("card", "static", "free")
"""What an engine's memory share may be a share of; see data/engine_memory.csv."""
STATIC_CARD_GIB: Final = 80.0
"""Card for which data/engine_memory.csv states a static share."""
HIGHEST_SHARE: Final = 0.97
"""Share of a card above which engines do not start reliably beside a driver's own memory."""


@dataclass(frozen=True)
class WeightParts:
    """Parameters of a model by part, in billions [1e9 parameters].

    embedding_b: token embedding and output head. attention_b: every layer's attention and norms.
    dense_mlp_b: feed-forward of dense layers. experts_b: routed experts, all layers.
    shared_experts_b: experts that every token visits.
    """

    embedding_b: float
    attention_b: float
    dense_mlp_b: float
    experts_b: float
    shared_experts_b: float


def weight_parts(model: Model) -> WeightParts:
    """Split a model's parameters into parts; attention is what the other parts leave (equation 2.1)."""
    h = model.hidden_size
    embedding = model.vocab_size * h * (1 if model.tied_embeddings else 2)
    moe_layers = model.layers - model.first_dense_layers if model.is_moe else 0
    expert = 3 * h * model.moe_intermediate_size
    dense: float = (model.layers - moe_layers) * 3 * h * model.intermediate_size
    experts, shared = (moe_layers * float(n * expert) for n in (model.experts, model.shared_experts))
    if model.mlp_params_b is not None:
        dense, shared = model.mlp_params_b * PARAMS_PER_B, 0.0
    if model.experts_params_b is not None:
        experts = model.experts_params_b * PARAMS_PER_B
    text = (model.total_params_b - (model.vision_params_b or 0.0)) * PARAMS_PER_B
    rest = text - embedding - dense - experts - shared
    floor = (
        2 * cached_layers(model) * h * model.head_dim * (model.kv_heads if model.attention == "gqa" else 1)
    )
    parts = (embedding, max(rest, floor), dense, experts, shared)
    return WeightParts(*(part / PARAMS_PER_B for part in parts))


def cached_layers(model: Model) -> int:
    """Layers that keep a KV cache; the others keep a state of fixed size, or share a cache."""
    return model.layers if model.kv_layers is None else model.kv_layers


def part_bits(model: Model, precision: Precision) -> dict[str, float]:
    """Bits of a stored weight by part: head, attention, mlp (dense and shared experts), experts (2.2).

    Quantised formats keep embedding and output head at 16 bit, GGUF files do not; 4-bit floating point checkpoints of
    mixtures of experts keep all but the experts there, unless the model's own checkpoint says otherwise.
    """
    plain = precision.compute == "16bit" and not precision.weight_only
    stored = 8 * BYTES_16BIT if plain else precision.weight_bits
    other = 8 * BYTES_16BIT if quantises_experts_only(model, precision) else stored
    head = stored if precision.quantises_embeddings else 8 * BYTES_16BIT
    bits = {"head": head, "attention": other, "mlp": other, "experts": stored}
    if precision.precision_id == model.native_precision_id:
        own = zip(
            bits, (model.head_bits, model.attention_bits, model.mlp_bits, model.expert_bits), strict=True
        )
        bits |= {part: given for part, given in own if given is not None}
    return bits


def quantises_experts_only(model: Model, precision: Precision) -> bool:
    """4-bit floating point checkpoints of mixtures of experts keep attention at 16 bit (MXFP4, NVFP4)."""
    return model.is_moe and (precision.compute == "fp4" or precision.precision_id == "mxfp4")


def weights_gb(model: Model, precision: Precision) -> float:
    """Weights of the whole model as stored, vision tower included [GB, decimal] (equation 2.2)."""
    parts, bits = weight_parts(model), part_bits(model, precision)
    head = parts.embedding_b if model.tied_embeddings else parts.embedding_b / 2
    table = 0.0 if model.tied_embeddings else parts.embedding_b / 2
    stored = (
        head * bits["head"]
        + table * (bits["head"] if precision.quantises_embeddings else 8 * BYTES_16BIT)
        + parts.attention_b * bits["attention"]
        + (parts.dense_mlp_b + parts.shared_experts_b) * bits["mlp"]
        + parts.experts_b * bits["experts"]
    )
    bytes_total = stored / BITS_PER_BYTE + (model.vision_params_b or 0.0) * BYTES_16BIT
    return bytes_total * PARAMS_PER_B / BYTES_PER_GB


def as_loaded(
    catalog: Catalog, model_id: str, precision_id: str, engine_id: str = USUAL_ENGINE
) -> tuple[Model, Precision]:
    """Return a model and a format as the checkpoint has them that an engine loads (equation 2.2c).

    Engines of GGUF files load the one of that width; a published checkpoint may keep parts at more bits.
    """
    model, precision = catalog.models[model_id], catalog.precisions[precision_id]
    kind = catalog.engines[engine_id].checkpoint_format if engine_id in catalog.engines else "safetensors"
    if kind == "ollama":
        return model, catalog.precisions[precision.gguf_id or precision_id]
    rows = {row.format: row for row in catalog.checkpoints_of(model_id, precision_id)}
    row = rows.get(kind) or rows.get("safetensors")
    own = {} if row is None else {f"{part}_bits": getattr(row, f"{part}_bits") for part in MIXED}
    if not any(own.values()):
        return model, precision
    return model.model_copy(update=own | {"native_precision_id": precision_id}), precision


def kv_layer_bytes(model: Model, kv_bytes: float) -> tuple[float, float]:
    """Bytes that one token adds to the cache of a full-attention and of a windowed layer (equation 2.3)."""
    if model.kv_elements_per_token is not None:
        each = model.kv_elements_per_token / cached_layers(model) * kv_bytes
        return each, each
    if model.attention == "mla":
        latent = (model.kv_lora_rank + model.rope_head_dim) * kv_bytes
        return latent, latent
    heads, width = model.global_kv_heads or model.kv_heads, model.global_head_dim or model.head_dim
    full = heads * (width + (model.v_head_dim or width))
    return full * kv_bytes, model.kv_heads * (
        model.head_dim + (model.v_head_dim or model.head_dim)
    ) * kv_bytes


def kv_cache_bytes_per_token(model: Model, kv_bytes: float) -> float:
    """KV cache that one token takes in the whole model while every layer grows [bytes] (equation 2.3)."""
    full, windowed = kv_layer_bytes(model, kv_bytes)
    growing = cached_layers(model) - model.sliding_window_layers
    return growing * full + model.sliding_window_layers * windowed


def kv_cache_bytes(
    model: Model, kv_bytes: float, context_tokens: float, batched_tokens: float = 0.0
) -> float:
    """KV cache of one sequence [bytes]; windowed layers hold the window and a step's tokens (equation 2.4)."""
    full, windowed = kv_layer_bytes(model, kv_bytes)
    held = min(model.sliding_window_tokens + batched_tokens, context_tokens)
    growing = (cached_layers(model) - model.sliding_window_layers) * full * context_tokens
    return growing + model.sliding_window_layers * windowed * held


def kv_shards(model: Model, tensor_parallel: int) -> int:
    """Parts into which tensor parallelism cuts the KV cache, copying beyond (2.5); MLA: one part."""
    return 1 if model.attention == "mla" else min(tensor_parallel, model.kv_heads)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def engine_memory(rules: Iterable[EngineMemory], engine_id: str, version: str = LATEST) -> EngineMemory:
    """How an engine of that version shares out a card; the latest where the version is not a number."""
    every = tuple(rules)
    own = [rule for rule in every if rule.engine_id == engine_id]
    own = own or [rule for rule in every if rule.engine_id == USUAL_ENGINE]
    ordered = sorted(own, key=lambda rule: _version(rule.from_version))
    known = re.match(r"v?\d+\.\d+", version)
    older = [rule for rule in ordered if known and _version(rule.from_version) <= _version(version)]
    return older[-1] if older else ordered[-1]


def default_share(rule: EngineMemory, gpu: Gpu) -> float:
    """An engine's own memory share; SGLang keeps back as many GiB of a larger card as of one of 80."""
    if rule.share_of != "static":
        return rule.memory_share
    kept_back = (1.0 - rule.memory_share) * STATIC_CARD_GIB / gpu.memory_gib_usable
    return max(rule.memory_share, round(1.0 - kept_back, 3))


def stored_numbers(model: Model, precision: Precision) -> dict[str, float]:
    """Those fields of `GpuMemory` that a model in a format alone decides."""
    parts, padded = weight_parts(model), precision.precision_id == "mxfp4"
    vision_gib = (model.vision_params_b or 0.0) * BYTES_16BIT / GB_PER_GIB
    stored = weights_gb(model, precision) / GB_PER_GIB - vision_gib
    bits = part_bits(model, precision)
    mlp = parts.experts_b * bits["experts"] + (parts.dense_mlp_b + parts.shared_experts_b) * bits["mlp"]
    cut = mlp / BITS_PER_BYTE / GB_PER_GIB if model.is_moe else 0.0
    return {
        "stored_gib": stored,
        "cut_gib": cut,
        "padded_gib": parts.experts_b * precision.weight_bits / BITS_PER_BYTE / GB_PER_GIB if padded else 0.0,
        "vision_gib": vision_gib,
        "mlp_width": model.intermediate_size,
        "expert_width": model.moe_intermediate_size,
        "routed": model.experts_per_token,
        "model_width": model.hidden_size,
    }


class Draft(NamedTuple):
    """What drafts tokens: a model in a format, or (None) a layer of the served model's own kind."""

    model: Model | None = None
    precision: Precision | None = None

    def gib(self, model: Model, precision: Precision) -> float:
        """Weights of the draft that serves `model` [GiB]; a layer's table and head are the model's. (3.25)"""
        if self.model is not None and self.precision is not None:
            return weights_gb(self.model, self.precision) / GB_PER_GIB
        parts, bits = weight_parts(model), part_bits(model, precision)
        mlp = parts.dense_mlp_b + parts.shared_experts_b
        stored = parts.attention_b * bits["attention"] + mlp * bits["mlp"] + parts.experts_b * bits["experts"]
        return stored / BITS_PER_BYTE / model.layers / GB_PER_GIB

    def kv_bytes(self, model: Model, kv_bytes: float) -> float:
        """Bytes that a token adds to the draft's cache. (3.25)"""
        if self.model is not None:
            return kv_cache_bytes_per_token(self.model, kv_bytes)
        return kv_layer_bytes(model, kv_bytes)[0]


def draft_of(catalog: Catalog, model: Model, engine_id: str, settings: EngineSettings) -> Draft | None:
    """Return what drafts a model's tokens under an engine; None: nothing does."""
    if not settings.speculative_tokens or engine_id not in SPLITTING:
        return None
    if settings.draft_model_id is None:
        return Draft()
    small = catalog.model(settings.draft_model_id)
    if small.vocab_size != model.vocab_size or small.total_params_b >= model.total_params_b:
        return None
    return Draft(small, catalog.precisions[small.native_precision_id])


def memory_numbers(
    model: Model, precision: Precision, rule: EngineMemory, settings: EngineSettings, draft: Draft | None
) -> dict[str, float]:
    """Those fields of `GpuMemory` that a model in a format decides under an engine, on any card."""
    own = rule.quantised_kv_bytes if precision.compute in ("fp8", "fp4") else None
    copied, cut = adapter_gib(model, settings.lora_rank)
    kv_bytes = settings.kv_cache_bytes or own or precision.kv_bytes
    return {
        "kv_bytes": kv_bytes,
        "draft_gib": 0.0 if draft is None else draft.gib(model, precision),
        "draft_kv_bytes": 0.0 if draft is None else draft.kv_bytes(model, kv_bytes),
        "sampling_bytes": rule.sampler_bytes * model.vocab_size,
        "moe_extra": rule.moe_gib if model.is_moe else 0.0,
        "adapters_copied_gib": settings.lora_adapters * copied,
        "adapters_cut_gib": settings.lora_adapters * cut,
    }


def card_numbers(gpu: Gpu, rule: EngineMemory, settings: EngineSettings) -> dict[str, float]:
    """Those fields of `GpuMemory` that a card decides under an engine, whatever the model."""
    large = gpu.memory_gib_usable >= LARGE_CARD_GIB and gpu.architecture != "ampere"
    return {
        "share_of": SHARES.index(rule.share_of),
        "memory_share": settings.gpu_memory_utilisation or default_share(rule, gpu),
        "batch_limit": settings.max_sequences or (rule.large_sequences if large else rule.sequences),
        "step_tokens": settings.max_batched_tokens
        or (rule.large_batched_tokens if large else rule.batched_tokens),
        "card_gib": gpu.memory_gib_usable,
        "runtime": rule.runtime_gib,
        "parallel": rule.parallel_gib,
    }


def adapter_gib(model: Model, rank: int) -> tuple[float, float]:
    """GiB of one LoRA adapter of that rank on every linear layer but routed experts: copied to ranks, and cut (2.8).

    A pair of matrices takes rank x (in + out) numbers; ranks cut the side on which they cut the layer's own weights.
    """
    h, heads = model.hidden_size, model.heads * model.head_dim
    kv = 2 * model.kv_heads * model.head_dim if model.attention == "gqa" else 0
    moe_layers = model.layers - model.first_dense_layers if model.is_moe else 0
    shared = model.shared_experts * model.moe_intermediate_size
    wide = (model.layers - moe_layers) * model.intermediate_size + moe_layers * shared
    in_mlp = model.layers - moe_layers + (moe_layers if shared else 0)
    # queries, keys, values, gate and up cut their outputs; the projections back cut their inputs
    copied = (4.0 if kv else 2.0) * model.layers * h + 3.0 * in_mlp * h
    cut = model.layers * (2.0 * heads + kv) + 3.0 * wide
    gib = rank * BYTES_16BIT / BYTES_PER_GIB
    return copied * gib, cut * gib


def _padding(width: Floats) -> Floats:
    """A width as a kernel holds it, over the width."""
    return np.asarray(np.ceil(width / PADDED_TO) * PADDED_TO / width)


@dataclass(frozen=True, eq=False)
class GpuMemory:
    """What one GPU of each replica holds; arrays of shape (n,), or numbers, all alike.

    share_of: place in SHARES of what `memory_share` is a share of. ranks: GPUs that share a layer, stages: pipeline
    stages, copies: of the attention among the ranks (data parallel). stored_gib: the checkpoint; cut_gib: its part
    that all ranks share however often attention is copied, the feed-forward of mixtures of experts; padded_gib: its
    part that kernels pad; vision_gib: what every rank copies. adapters: LoRA matrices, copied to ranks and cut.
    draft_gib: a draft's weights, draft_kv_bytes: what a token adds to its cache.
    """

    share_of: Floats
    memory_share: Floats
    batch_limit: Floats
    step_tokens: Floats
    kv_bytes: Floats
    draft_gib: Floats
    draft_kv_bytes: Floats
    card_gib: Floats
    stored_gib: Floats
    cut_gib: Floats
    padded_gib: Floats
    vision_gib: Floats
    mlp_width: Floats
    expert_width: Floats
    routed: Floats
    model_width: Floats
    sampling_bytes: Floats
    runtime: Floats
    parallel: Floats
    moe_extra: Floats
    adapters_copied_gib: Floats
    adapters_cut_gib: Floats
    ranks: Floats
    stages: Floats
    copies: Floats

    @cached_property
    def weights_gib(self) -> Floats:
        """Weights as the engine holds them (equation 2.2b).

        A vision tower is copied to every rank; MXFP4 experts are padded, in both widths where a kernel cuts them.
        """
        padding = _padding(np.maximum(self.expert_width, 1.0) / self.ranks)
        padding = padding * np.where(self.ranks > 1, _padding(self.model_width), 1.0)
        padded = self.padded_gib * (padding - 1.0)
        tensor = self.ranks / self.copies
        cut = self.stored_gib - self.cut_gib + self.adapters_cut_gib + self.draft_gib
        copied = cut / tensor + self.adapters_copied_gib
        return (copied + (self.cut_gib + padded) / self.ranks) / self.stages + self.vision_gib

    @cached_property
    def runtime_gib(self) -> Floats:
        return self.runtime + np.where(self.ranks * self.stages > 1, self.parallel, 0.0)

    @cached_property
    def overhead_gib(self) -> Floats:
        """Runtime, activations, graphs and buffers (equation 2.6).

        Activations are those of the engine's trial step: of its prompt tokens, or of sampling for its largest batch.
        """
        expert = 3.0 * self.expert_width / self.ranks + 2.0 * self.model_width
        width = np.maximum(3.0 * self.mlp_width / self.ranks, self.routed * expert)
        step = BYTES_16BIT * self.step_tokens * (width + 4.0 * self.model_width)
        activations = np.maximum(step, self.sampling_bytes * self.batch_limit) / BYTES_PER_GIB
        return self.runtime_gib + self.moe_extra + activations

    @cached_property
    def kv_room_gib(self) -> Floats:
        """Room for the KV cache (equation 2.7); below 0 the weights do not fit."""
        card, taken = self.card_gib, self.weights_gib + self.overhead_gib
        rooms = (
            self.memory_share * card - taken,
            self.memory_share * (card - self.runtime_gib) - self.weights_gib,
            self.memory_share * (card - taken),
        )
        return np.choose(np.asarray(self.share_of, dtype=np.intp), rooms)

    def share_for(self, kv_gib: float) -> Floats:
        """Memory share with which the cache gets that much."""
        card, taken = self.card_gib, self.weights_gib + self.overhead_gib
        shares = (
            (taken + kv_gib) / card,
            (self.weights_gib + kv_gib) / (card - self.runtime_gib),
            kv_gib / np.maximum(card - taken, 1e-9),
        )
        return np.choose(np.asarray(self.share_of, dtype=np.intp), shares)

    def raised_share(self, kv_gib: float) -> float | None:
        """Memory share in whole hundredths with which one replica's cache gets that much; None: no higher one does."""
        wanted = float(self.share_for(kv_gib))
        raised = math.ceil(wanted * 100) / 100
        return raised if self.memory_share < wanted and raised <= HIGHEST_SHARE else None


def gpu_memory(catalog: Catalog, config: ReplicaConfig) -> GpuMemory:
    """Memory of one replica's GPU, in numbers."""
    model, precision = catalog.models[config.model_id], catalog.precisions[config.precision_id]
    loaded = as_loaded(catalog, config.model_id, config.precision_id, config.engine_id)
    rule = engine_memory(catalog.engine_memory, config.engine_id, config.engine_version)
    card = catalog.gpus[config.gpu_id]
    draft = draft_of(catalog, model, config.engine_id, config.settings)
    numbers = (
        stored_numbers(*loaded)
        | memory_numbers(model, precision, rule, config.settings, draft)
        | card_numbers(card, rule, config.settings)
    )
    arrays = {name: np.asarray(float(value)) for name, value in numbers.items()}
    stages, copies = float(config.pipeline_parallel), float(config.data_parallel)
    layout = {"ranks": config.n_gpus / stages, "stages": stages, "copies": copies}
    return GpuMemory(**arrays, **{name: np.asarray(value) for name, value in layout.items()})


def window_slack_tokens(engine_id: str, step_tokens: float) -> float:
    """Tokens that a windowed layer holds beyond its window: vLLM frees them a step later."""
    return step_tokens if engine_id == USUAL_ENGINE else 0.0


@dataclass(frozen=True)
class MemoryPlan:
    """What a replica's memory holds. `binding`: "weights", "kv cache", "parallelism" or "none".

    gpu_memory_share: the engine's own setting: of the card (vLLM, TGI, llama.cpp), of the card without
    activations (SGLang), or of what weights leave free (TensorRT-LLM, LMDeploy). kv_cache_tokens: tokens that the
    whole replica's cache holds in sequences of that context. raised_share: with which a replica that does not
    start would; None: it starts, or none does.
    """

    fits: bool
    binding: str
    reason: str
    weights_gb: float
    weights_gib_per_gpu: float
    overhead_gib_per_gpu: float
    usable_gib_per_gpu: float
    kv_gib_per_gpu: float
    kv_gib_per_sequence_per_gpu: float
    kv_cache_tokens: int
    kv_bytes: float
    max_concurrent_sequences: int
    gpu_memory_share: float
    raised_share: float | None


def tensor_parallel_degrees(model: Model) -> tuple[int, ...]:
    """Tensor-parallel degrees of 1, 2, 4, 8 that divide the attention heads."""
    return tuple(n for n in GPU_COUNTS if model.heads % n == 0)


def memory_plan(catalog: Catalog, config: ReplicaConfig, context_tokens: float) -> MemoryPlan:
    """Say whether a replica starts and how many sequences of `context_tokens` tokens it holds.

    context_tokens: tokens of one sequence when it is complete, input and output [tokens].

    Notes
    -----
    Equations 2.5 to 2.7. Too little KV room for all clients is no lack of memory: the rest waits.
    Out of memory is: weights, overhead and one sequence do not fit, and the engine refuses to start.
    """
    if not context_tokens > 0:
        raise InputError(
            "context_tokens", context_tokens, "must be positive", "give input plus output tokens"
        )
    model = catalog.models[config.model_id]
    held = gpu_memory(catalog, config)
    slack = window_slack_tokens(config.engine_id, float(held.step_tokens))
    cache = kv_cache_bytes(model, float(held.kv_bytes), context_tokens, slack)
    cache += float(held.draft_kv_bytes) * context_tokens
    cache = cache / kv_shards(model, config.tensor_parallel)
    state = model.state_bytes_per_sequence / config.tensor_parallel
    per_sequence = (cache + state) / BYTES_PER_GIB / config.pipeline_parallel
    room = max(0.0, float(held.kv_room_gib))
    sequences = int(min(room / per_sequence, float(held.batch_limit))) * config.data_parallel
    gpu_name = catalog.gpus[config.gpu_id].name
    binding, reason = _verdict(model, gpu_name, config, held, per_sequence, sequences, context_tokens)
    return MemoryPlan(
        fits=binding == "none",
        binding=binding,
        reason=reason,
        weights_gb=weights_gb(*as_loaded(catalog, config.model_id, config.precision_id, config.engine_id)),
        weights_gib_per_gpu=float(held.weights_gib),
        overhead_gib_per_gpu=float(held.overhead_gib),
        usable_gib_per_gpu=float(held.card_gib),
        kv_gib_per_gpu=room,
        kv_gib_per_sequence_per_gpu=per_sequence,
        kv_cache_tokens=int(room / per_sequence * context_tokens) * config.data_parallel,
        kv_bytes=float(held.kv_bytes),
        max_concurrent_sequences=sequences,
        gpu_memory_share=float(held.memory_share),
        raised_share=held.raised_share(per_sequence) if binding in ("weights", "kv cache") else None,
    )


def _verdict(
    model: Model,
    gpu_name: str,
    config: ReplicaConfig,
    held: GpuMemory,
    per_sequence: float,
    sequences: int,
    context_tokens: float,
) -> tuple[str, str]:
    """Name what binds and say it in a sentence, with the nearest setting that works."""
    need = f"{held.weights_gib:.1f} GiB of weights and {held.overhead_gib:.1f} GiB of overhead a GPU"
    card = f"the {held.card_gib:.1f} GiB of one {gpu_name}"
    of = (card, f"{card} without activations", f"what they leave free of {card}")
    claimed = f"{100 * float(held.memory_share):g}% of {of[int(held.share_of)]}"
    if config.pipeline_parallel > 1:
        claimed += f", in {config.pipeline_parallel} pipeline stages"
    ranks = config.tensor_parallel
    if ranks in GPU_COUNTS and model.heads % ranks != 0:
        return "parallelism", f"{ranks} GPUs do not divide the {model.heads} attention heads"
    if sequences > 0:
        held_at_once = f"{sequences} sequence{'s' if sequences > 1 else ''} of {context_tokens:,.0f} tokens"
        return "none", f"{need} leave room for {held_at_once} in {claimed}"
    raised = held.raised_share(per_sequence)
    hint = "" if raised is None else f"; a memory share of {raised:g} would hold one"
    if held.kv_room_gib <= 0:
        return "weights", f"{need} exceed {claimed}{hint}"
    tokens = f"not one sequence of {context_tokens:,.0f} tokens"
    return "kv cache", f"{need} leave {held.kv_room_gib:.1f} GiB in {claimed}: {tokens}{hint}"


def smallest_gpu_count(catalog: Catalog, config: ReplicaConfig, context_tokens: float) -> int | None:
    """Fewest GPUs with which a replica starts, its tensor-parallel degree 1, 2, 4 or 8; None when none do."""
    groups = config.data_parallel * config.pipeline_parallel
    for n in tensor_parallel_degrees(catalog.models[config.model_id]):
        if memory_plan(catalog, replace(config, n_gpus=n * groups), context_tokens).fits:
            return n * groups
    return None
