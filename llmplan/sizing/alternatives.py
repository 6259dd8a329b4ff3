"""What would fit instead: more GPUs, a smaller format, another card."""

from __future__ import annotations

from dataclasses import dataclass

from llmplan.catalog import Catalog, Gpu, Model, Precision
from llmplan.replica.memory import memory_plan, memory_reserve, smallest_gpu_count, tensor_parallel_degrees
from llmplan.sizing.support import engine_for, useful_formats

GPUS_PER_NODE = 8
MOST_NODES = 8


@dataclass(frozen=True)
class Alternative:
    """A replica that holds the model and one request.

    change: "other count", "more nodes", "other format" or "other GPU". note: a sentence.
    """

    change: str
    precision_id: str
    gpu_id: str
    n_gpus: int
    engine_id: str | None
    weights_gb: float
    max_concurrent_sequences: int
    note: str


def would_fit(
    catalog: Catalog, model: Model, precision: Precision, gpu: Gpu, n_gpus: int | None, context_tokens: float
) -> tuple[Alternative, ...]:
    """Return replicas near the wished one that fit `context_tokens`, nearest change first."""
    found = [_larger(catalog, model, precision, gpu, n_gpus, context_tokens)]
    for precision_id in useful_formats(catalog, model, gpu):
        if precision_id != precision.precision_id:
            other = catalog.precision(precision_id)
            found.append(_other_format(catalog, model, other, gpu, n_gpus, context_tokens))
    cards = [g for g in catalog.gpus.values() if g.status == "option" and g.gpu_id != gpu.gpu_id]
    others = [_other_card(catalog, model, precision, card, context_tokens) for card in cards]
    ranked = sorted((o for o in others if o), key=lambda o: (o.n_gpus, catalog.gpu(o.gpu_id).memory_gb))
    return tuple(option for option in [*found, *ranked] if option is not None)


def _larger(
    catalog: Catalog, model: Model, precision: Precision, gpu: Gpu, n_gpus: int | None, context: float
) -> Alternative | None:
    """More of the same cards, inside a node as tensor parallel, beyond it as pipeline over whole nodes."""
    if engine_for(catalog, precision, gpu, n_gpus) is None:
        return None
    degrees = [n for n in tensor_parallel_degrees(model) if n_gpus is None or n != n_gpus]
    for n in degrees:
        if memory_plan(model, precision, gpu, n, context, memory_reserve(catalog)).fits:
            note = f"{n} of the same GPU in one node"
            return _alternative(catalog, "other count", model, precision, gpu, n, context, note)
    for nodes in range(2, MOST_NODES + 1):
        n = nodes * GPUS_PER_NODE
        if (
            memory_plan(model, precision, gpu, n, context, memory_reserve(catalog)).fits
            and gpu.interconnect != "pcie"
        ):
            note = f"{n} GPUs in {nodes} nodes, as pipeline stages"
            return _alternative(catalog, "more nodes", model, precision, gpu, n, context, note)
    return None


def _other_format(
    catalog: Catalog, model: Model, precision: Precision, gpu: Gpu, n_gpus: int | None, context: float
) -> Alternative | None:
    if engine_for(catalog, precision, gpu, n_gpus) is None:
        return None
    wished = n_gpus is not None and n_gpus in tensor_parallel_degrees(model)
    if (
        wished
        and n_gpus is not None
        and memory_plan(model, precision, gpu, n_gpus, context, memory_reserve(catalog)).fits
    ):
        n: int | None = n_gpus
    else:
        n = smallest_gpu_count(model, precision, gpu, context, memory_reserve(catalog))
    if n is None:
        return None
    note = f"{precision.name} on {n} of the same GPU"
    return _alternative(catalog, "other format", model, precision, gpu, n, context, note)


def _other_card(
    catalog: Catalog, model: Model, precision: Precision, gpu: Gpu, context: float
) -> Alternative | None:
    if engine_for(catalog, precision, gpu, None) is None:
        return None
    n = smallest_gpu_count(model, precision, gpu, context, memory_reserve(catalog))
    if n is None:
        return None
    return _alternative(catalog, "other GPU", model, precision, gpu, n, context, f"{n} x {gpu.name}")


def _alternative(
    catalog: Catalog,
    change: str,
    model: Model,
    precision: Precision,
    gpu: Gpu,
    n_gpus: int,
    context: float,
    note: str,
) -> Alternative:
    plan = memory_plan(model, precision, gpu, n_gpus, context, memory_reserve(catalog))
    engine = engine_for(catalog, precision, gpu, n_gpus)
    return Alternative(
        change=change,
        precision_id=precision.precision_id,
        gpu_id=gpu.gpu_id,
        n_gpus=n_gpus,
        engine_id=engine.engine_id if engine else None,
        weights_gb=plan.weights_gb,
        max_concurrent_sequences=plan.max_concurrent_sequences,
        note=f"{note}: {plan.weights_gb:,.0f} GB of weights, {plan.max_concurrent_sequences:,} sequences",
    )
