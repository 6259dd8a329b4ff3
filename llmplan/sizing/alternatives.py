"""What would fit instead: more GPUs, a smaller format, another card."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmplan.catalog import Catalog
from llmplan.replica.config import LATEST, ReplicaConfig
from llmplan.replica.memory import (
    GPU_COUNTS,
    memory_plan,
    smallest_gpu_count,
    tensor_parallel_degrees,
)
from llmplan.sizing.support import engine_for, engine_runs, useful_formats

GPUS_PER_NODE = 8
MOST_NODES = 8


@dataclass(frozen=True)
class Alternative:
    """A replica that holds the model and one request.

    change: "other share", "other count", "more nodes", "other format" or "other GPU". note: a sentence.
    """

    change: str
    precision_id: str
    gpu_id: str
    n_gpus: int
    engine_id: str
    weights_gb: float
    max_concurrent_sequences: int
    gpu_memory_share: float
    note: str


def would_fit(
    catalog: Catalog, config: ReplicaConfig, counted: bool, context_tokens: float
) -> tuple[Alternative, ...]:
    """Return replicas near the wished one that start with `context_tokens`, nearest change first.

    counted: whether the number of GPUs was wished; other formats then keep it where they can. No replica is
    named twice.
    """
    model, gpu = catalog.model(config.model_id), catalog.gpu(config.gpu_id)
    found = [
        _higher_share(catalog, config, context_tokens),
        _larger(catalog, config, counted, context_tokens),
    ]
    for precision_id in useful_formats(catalog, model, gpu):
        if precision_id != config.precision_id:
            other = replace(config, precision_id=precision_id)
            found.append(_other_format(catalog, other, counted, context_tokens))
    cards = [g for g in catalog.gpus.values() if g.status == "option" and g.gpu_id != gpu.gpu_id]
    others = [_other_card(catalog, replace(config, gpu_id=card.gpu_id), context_tokens) for card in cards]
    ranked = sorted((o for o in others if o), key=lambda o: (o.n_gpus, catalog.gpu(o.gpu_id).memory_gb))
    return tuple(option for option in [*found, *ranked] if option is not None)


def _served(catalog: Catalog, config: ReplicaConfig, n_gpus: int | None) -> ReplicaConfig | None:
    """Return the replica under its own engine, or one that serves the format there; None where none does."""
    precision, gpu = catalog.precision(config.precision_id), catalog.gpu(config.gpu_id)
    own = catalog.engines.get(config.engine_id)
    if own is not None and engine_runs(catalog, own, precision, gpu):
        return config
    engine = engine_for(catalog, precision, gpu, n_gpus)
    return None if engine is None else replace(config, engine_id=engine.engine_id, engine_version=LATEST)


def is_rented(n_gpus: int) -> bool:
    """Say whether instances have that many GPUs: 1, 2, 4, 8 or whole nodes."""
    return n_gpus in GPU_COUNTS or (n_gpus > GPUS_PER_NODE and n_gpus % GPUS_PER_NODE == 0)


def _higher_share(catalog: Catalog, config: ReplicaConfig, context: float) -> Alternative | None:
    """The same replica with the share of the card that it needs."""
    served = _served(catalog, config, config.n_gpus)
    if served is None or not is_rented(config.n_gpus):
        return None
    share = memory_plan(catalog, served, context).raised_share
    if share is None:
        return None
    raised = replace(served, settings=replace(served.settings, gpu_memory_utilisation=share))
    return _alternative(catalog, "other share", raised, context, f"a memory share of {share:g}")


def _larger(catalog: Catalog, config: ReplicaConfig, counted: bool, context: float) -> Alternative | None:
    """The nearest number of the same cards: inside a node tensor parallel, beyond it a pipeline over whole nodes."""
    served = _served(catalog, config, config.n_gpus if counted else None)
    if served is None:
        return None
    groups = config.data_parallel * config.pipeline_parallel
    counts = [degree * groups for degree in tensor_parallel_degrees(catalog.model(config.model_id))]
    for n in sorted(counts, key=lambda n: abs(n - config.n_gpus)):
        more = replace(served, n_gpus=n)
        if n != config.n_gpus and memory_plan(catalog, more, context).fits:
            return _alternative(catalog, "other count", more, context, f"{n} of the same GPU in one node")
    for nodes in range(2, MOST_NODES + 1):
        n = nodes * GPUS_PER_NODE
        more = replace(served, n_gpus=n, pipeline_parallel=nodes, data_parallel=1)
        if memory_plan(catalog, more, context).fits and not catalog.gpu(
            config.gpu_id
        ).interconnect.startswith("pcie"):
            note = f"{n} GPUs in {nodes} nodes, as pipeline stages"
            return _alternative(catalog, "more nodes", more, context, note)
    return None


def _other_format(
    catalog: Catalog, config: ReplicaConfig, counted: bool, context: float
) -> Alternative | None:
    served = _served(catalog, config, config.n_gpus if counted else None)
    if served is None:
        return None
    fits = counted and is_rented(config.n_gpus) and memory_plan(catalog, served, context).fits
    n = config.n_gpus if fits else smallest_gpu_count(catalog, served, context)
    if n is None:
        return None
    note = f"{catalog.precision(config.precision_id).name} on {n} of the same GPU"
    return _alternative(catalog, "other format", replace(served, n_gpus=n), context, note)


def _other_card(catalog: Catalog, config: ReplicaConfig, context: float) -> Alternative | None:
    served = _served(catalog, config, None)
    n = None if served is None else smallest_gpu_count(catalog, served, context)
    if served is None or n is None:
        return None
    note = f"{n} x {catalog.gpu(config.gpu_id).name}"
    return _alternative(catalog, "other GPU", replace(served, n_gpus=n), context, note)


def _alternative(
    catalog: Catalog, change: str, config: ReplicaConfig, context: float, note: str
) -> Alternative:
    plan = memory_plan(catalog, config, context)
    sequences = (
        f"{plan.max_concurrent_sequences:,} sequence{'' if plan.max_concurrent_sequences == 1 else 's'}"
    )
    return Alternative(
        change=change,
        precision_id=config.precision_id,
        gpu_id=config.gpu_id,
        n_gpus=config.n_gpus,
        engine_id=config.engine_id,
        weights_gb=plan.weights_gb,
        max_concurrent_sequences=plan.max_concurrent_sequences,
        gpu_memory_share=plan.gpu_memory_share,
        note=f"{note}: {plan.weights_gb:,.0f} GB of weights, {sequences}",
    )
