"""Memory of one replica: weights, KV cache, overhead; what fits and how many sequences run at once."""

from dataclasses import dataclass
from typing import Any, Final

from llmplan.arrays import Floats
from llmplan.catalog import Catalog, Gpu, Model, Precision
from llmplan.catalog.cache import kept
from llmplan.errors import InputError
from llmplan.units import BITS_PER_BYTE, BYTES_PER_GB, BYTES_PER_GIB, GB_PER_GIB, PARAMS_PER_B

BYTES_16BIT: Final = 2.0
GPU_COUNTS: Final = (1, 2, 4, 8)
"""Sizes in which instances come; a larger replica spans nodes and is not offered."""


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
    dense = (model.layers - moe_layers) * 3 * h * model.intermediate_size
    experts, shared = (moe_layers * n * expert for n in (model.experts, model.shared_experts))
    rest = model.total_params_b * PARAMS_PER_B - embedding - dense - experts - shared
    floor = 2 * model.layers * h * model.head_dim * (model.kv_heads if model.attention == "gqa" else 1)
    parts = (embedding, max(rest, floor), dense, experts, shared)
    return WeightParts(*(part / PARAMS_PER_B for part in parts))


def quantises_experts_only(model: Model, precision: Precision) -> bool:
    """4-bit floating point checkpoints of mixtures of experts keep attention at 16 bit (MXFP4, NVFP4)."""
    return model.is_moe and (precision.compute == "fp4" or precision.precision_id == "mxfp4")


def weights_gb(model: Model, precision: Precision) -> float:
    """Weights of the whole model as stored [GB, decimal] (equation 2.2).

    Quantised formats keep embedding and output head at 16 bit; scales and zeros are in
    `precision.weight_bits`.
    """
    parts = weight_parts(model)
    total = sum((parts.embedding_b, parts.attention_b, parts.dense_mlp_b, parts.experts_b))
    total += parts.shared_experts_b
    kept = parts.embedding_b
    if quantises_experts_only(model, precision):
        kept += parts.attention_b + parts.dense_mlp_b + parts.shared_experts_b
    if precision.compute == "16bit" and not precision.weight_only:
        kept = total
    bytes_total = kept * BYTES_16BIT + (total - kept) * precision.weight_bits / BITS_PER_BYTE
    return bytes_total * PARAMS_PER_B / BYTES_PER_GB


def kv_bytes_per_token_per_layer(model: Model, kv_bytes: float) -> float:
    """Bytes that one token adds to the cache of one full-attention layer (equation 2.3)."""
    if model.attention == "mla":
        return (model.kv_lora_rank + model.rope_head_dim) * kv_bytes
    return 2 * model.kv_heads * model.head_dim * kv_bytes


def kv_cache_bytes_per_token(model: Model, kv_bytes: float) -> float:
    """KV cache that one token takes in the whole model [bytes], every layer growing (equation 2.3)."""
    return model.layers * kv_bytes_per_token_per_layer(model, kv_bytes)


def kv_cache_bytes(model: Model, kv_bytes: float, context_tokens: float) -> float:
    """KV cache of one sequence [bytes]; sliding-window layers stop at the window (equation 2.4)."""
    window = model.sliding_window_tokens if model.sliding_window_layers else context_tokens
    full_layers = model.layers - model.sliding_window_layers
    tokens = full_layers * context_tokens + model.sliding_window_layers * min(window, context_tokens)
    return tokens * kv_bytes_per_token_per_layer(model, kv_bytes)


def kv_shards(model: Model, tensor_parallel: int) -> int:
    """Parts into which tensor parallelism cuts the KV cache, copying beyond (2.5); MLA: one part."""
    return 1 if model.attention == "mla" else min(tensor_parallel, model.kv_heads)


@dataclass(frozen=True)
class MemoryReserve:
    """What of a GPU's memory is kept from the KV cache.

    Attributes
    ----------
    fixed_gib: runtime, activations, graphs and communication buffers of one GPU. [GiB]
    share_of_weights: overhead that grows with the weights on the GPU.
    utilisation: share of the memory left after weights and overhead that the engine gives to the KV cache.
    """

    fixed_gib: float
    share_of_weights: float
    utilisation: float

    def overhead_gib(self, weights_gib_per_gpu: Floats | float) -> Any:
        """Runtime, activations, graphs and buffers of one GPU [GiB], float or array (equation 2.6)."""
        return self.fixed_gib + self.share_of_weights * weights_gib_per_gpu


@kept(1)
def memory_reserve(catalog: Catalog) -> MemoryReserve:
    """Return the reserve that the catalog's assumptions state."""
    ids = "overhead-gib-per-gpu", "overhead-share-of-weights", "gpu-memory-utilisation"
    return MemoryReserve(*(catalog.assumption(name).base for name in ids))


@dataclass(frozen=True)
class MemoryPlan:
    """What a replica's memory holds. `binding`: "weights", "kv cache", "parallelism" or "none"."""

    fits: bool
    binding: str
    reason: str
    weights_gb: float
    weights_gib_per_gpu: float
    overhead_gib_per_gpu: float
    usable_gib_per_gpu: float
    kv_gib_per_gpu: float
    kv_gib_per_sequence_per_gpu: float
    max_concurrent_sequences: int


def tensor_parallel_degrees(model: Model) -> tuple[int, ...]:
    """Tensor-parallel degrees of 1, 2, 4, 8 that divide the attention heads."""
    return tuple(n for n in GPU_COUNTS if model.heads % n == 0)


def memory_plan(
    model: Model,
    precision: Precision,
    gpu: Gpu,
    n_gpus: int,
    context_tokens: float,
    reserve: MemoryReserve,
) -> MemoryPlan:
    """Say whether a replica on `n_gpus` GPUs (tensor parallel) fits and how many sequences it holds.

    Parameters
    ----------
    context_tokens: tokens of one sequence when it is complete, input and output [tokens].
    reserve: what is kept from the KV cache.

    Notes
    -----
    Equations 2.5 to 2.7. Too little KV room for all clients is no lack of memory: the rest waits.
    Out of memory is: weights, overhead and one sequence do not fit.
    """
    _check_request(n_gpus, context_tokens)
    total_gb = weights_gb(model, precision)
    weights = total_gb / GB_PER_GIB / n_gpus
    overhead = reserve.overhead_gib(weights)
    room = reserve.utilisation * (gpu.memory_gib_usable - weights - overhead)
    per_sequence = kv_cache_bytes(model, precision.kv_bytes, context_tokens) / BYTES_PER_GIB
    per_sequence /= kv_shards(model, n_gpus)
    sequences = max(0, int(room / per_sequence))
    binding, reason = _verdict(model, gpu, n_gpus, weights, overhead, room, sequences, context_tokens)
    return MemoryPlan(
        fits=binding in ("none", "kv cache") and sequences > 0,
        binding=binding,
        reason=reason,
        weights_gb=total_gb,
        weights_gib_per_gpu=weights,
        overhead_gib_per_gpu=overhead,
        usable_gib_per_gpu=gpu.memory_gib_usable,
        kv_gib_per_gpu=max(0.0, room),
        kv_gib_per_sequence_per_gpu=per_sequence,
        max_concurrent_sequences=sequences,
    )


def _check_request(n_gpus: int, context_tokens: float) -> None:
    if not n_gpus >= 1:
        raise InputError("n_gpus", n_gpus, "must be at least 1", "give 1, 2, 4 or 8")
    if not context_tokens > 0:
        raise InputError(
            "context_tokens", context_tokens, "must be positive", "give input plus output tokens"
        )


def _verdict(
    model: Model,
    gpu: Gpu,
    n_gpus: int,
    weights: float,
    overhead: float,
    room: float,
    sequences: int,
    context_tokens: float,
) -> tuple[str, str]:
    """Name what binds and say it in a sentence."""
    card = f"{gpu.memory_gib_usable:.1f} GiB of {gpu.name}"
    need = f"{weights:.1f} GiB of weights and {overhead:.1f} GiB of overhead a GPU"
    if n_gpus in GPU_COUNTS and model.heads % n_gpus != 0:
        return "parallelism", f"{n_gpus} GPUs do not divide the {model.heads} attention heads"
    if room <= 0:
        return "weights", f"{need} exceed the {card}"
    if sequences == 0:
        return "kv cache", f"{need} leave {room:.1f} GiB: not one sequence of {context_tokens:,.0f} tokens"
    return "none", f"{need} leave room for {sequences} sequences of {context_tokens:,.0f} tokens on {card}"


def smallest_gpu_count(
    model: Model, precision: Precision, gpu: Gpu, context_tokens: float, reserve: MemoryReserve
) -> int | None:
    """Fewest GPUs of 1, 2, 4, 8 that hold the model and one sequence; None when eight do not."""
    for n in tensor_parallel_degrees(model):
        if memory_plan(model, precision, gpu, n, context_tokens, reserve).fits:
            return n
    return None
