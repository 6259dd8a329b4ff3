"""What would fit instead: more GPUs, a smaller format, another card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from llmplan.catalog import Catalog, Gpu
from llmplan.replica.config import LATEST, ReplicaConfig
from llmplan.replica.memory import (
    GPU_COUNTS,
    memory_plan,
    tensor_parallel_degrees,
)
from llmplan.sizing.support import engine_runs, useful_formats
from llmplan.units import GB_PER_GIB

GPUS_PER_NODE = 8
MOST_NODES = 8


@dataclass(frozen=True)
class Alternative:
    """A replica that holds the model and one request.

    change: "other share", "other engine", "other count", "more nodes", "other format", "other GPU" or "shorter context".
    note: a sentence.
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

    config: its settings hold the degrees that were asked for. counted: whether the number of GPUs was wished; other
    formats then keep it where they can. context_tokens beyond the model's own: nothing but shorter sequences helps.
    Degrees with which nothing starts are given up, then the memory share, then format and card together. No replica is
    named twice.
    """
    model = catalog.model(config.model_id)
    if context_tokens > model.max_context_tokens:
        context_tokens = model.max_context_tokens
        shorter = _same_but(catalog, config, counted, context_tokens, "shorter context")
        if shorter is not None:
            return (shorter,)
    own_share = replace(_plain(config).settings, gpu_memory_utilisation=None)
    usual = replace(config, settings=own_share)
    for wished in dict.fromkeys((config, _plain(config), usual)):
        options = _one_change(catalog, wished, counted, context_tokens)
        if options:
            return options
    stored = replace(usual, precision_id=model.native_precision_id or config.precision_id)
    return _other_cards(catalog, stored, catalog.gpus.values(), context_tokens)


def _one_change(
    catalog: Catalog, config: ReplicaConfig, counted: bool, context_tokens: float
) -> tuple[Alternative, ...]:
    """Return replicas that differ in share, engine, count, format or card."""
    model, gpu = catalog.model(config.model_id), catalog.gpu(config.gpu_id)
    found = [
        _higher_share(catalog, config, context_tokens),
        _same_but(catalog, config, counted, context_tokens, "other engine")
        or _larger(catalog, config, context_tokens),
    ]
    for precision_id in useful_formats(catalog, model, gpu):
        if precision_id != config.precision_id:
            other = replace(config, precision_id=precision_id)
            found.append(_other_format(catalog, other, counted, context_tokens))
    others = [card for card in catalog.gpus.values() if card.gpu_id != gpu.gpu_id]
    ranked = _other_cards(catalog, config, others, context_tokens)
    return tuple(option for option in [*found, *ranked] if option is not None)


def _other_cards(
    catalog: Catalog, config: ReplicaConfig, cards: Iterable[Gpu], context_tokens: float
) -> tuple[Alternative, ...]:
    """Return the replica on each card that is offered, fewest GPUs first."""
    offered = (replace(config, gpu_id=card.gpu_id) for card in cards if card.status == "option")
    found = (_other_card(catalog, wished, context_tokens) for wished in offered)
    ranked = sorted((o for o in found if o), key=lambda o: (o.n_gpus, catalog.gpu(o.gpu_id).memory_gb))
    return tuple(ranked)


def _plain(config: ReplicaConfig) -> ReplicaConfig:
    """The same without stages or copies asked for."""
    return replace(config, settings=replace(config.settings, pipeline_parallel=1, data_parallel=1))


def is_rented(n_gpus: int) -> bool:
    """Say whether instances have that many GPUs: 1, 2, 4, 8 or whole nodes."""
    return n_gpus in GPU_COUNTS or (n_gpus > GPUS_PER_NODE and n_gpus % GPUS_PER_NODE == 0)


def _laid_out(config: ReplicaConfig, n: int) -> ReplicaConfig:
    """The same on n GPUs: with the degrees that were asked for, else whole nodes as pipeline stages."""
    asked = config.settings
    over_nodes = asked.groups == 1 and n > GPUS_PER_NODE
    stages = n // GPUS_PER_NODE if over_nodes else asked.pipeline_parallel
    settings = replace(asked, tensor_parallel=None, pipeline_parallel=stages)
    copies = asked.data_parallel
    return replace(config, n_gpus=n, settings=settings, pipeline_parallel=stages, data_parallel=copies)


def _served(catalog: Catalog, config: ReplicaConfig, n: int) -> ReplicaConfig | None:
    """The replica on n GPUs under its own engine, or the first that serves it so; None where none does."""
    laid_out = _laid_out(config, n)
    precision, gpu = catalog.precision(config.precision_id), catalog.gpu(config.gpu_id)
    for engine_id in dict.fromkeys((config.engine_id, *catalog.preferred_engines)):
        engine = catalog.engine(engine_id)
        splits = (n == 1 or engine.multi_gpu) and laid_out.settings.runs_on(engine_id)
        if splits and engine_runs(catalog, engine, precision, gpu):
            own = engine_id == config.engine_id
            return laid_out if own else replace(laid_out, engine_id=engine_id, engine_version=LATEST)
    return None


def _starts(catalog: Catalog, config: ReplicaConfig, n: int, context: float) -> ReplicaConfig | None:
    """The replica on n GPUs as it is served, if that starts."""
    served = _served(catalog, config, n) if is_rented(n) else None
    return served if served is not None and memory_plan(catalog, served, context).fits else None


def _counts(catalog: Catalog, config: ReplicaConfig) -> list[int]:
    """Numbers of GPUs, fewest first, that the model's heads and the degrees asked for allow in a node."""
    return [
        degree * config.settings.groups for degree in tensor_parallel_degrees(catalog.model(config.model_id))
    ]


def _smallest(catalog: Catalog, config: ReplicaConfig, context: float) -> ReplicaConfig | None:
    every = (_starts(catalog, config, n, context) for n in _counts(catalog, config))
    return next((served for served in every if served is not None), None)


def _higher_share(catalog: Catalog, config: ReplicaConfig, context: float) -> Alternative | None:
    """The same replica with the share of the card that it needs."""
    served = _served(catalog, config, config.n_gpus) if is_rented(config.n_gpus) else None
    share = None if served is None else memory_plan(catalog, served, context).raised_share
    if served is None or share is None:
        return None
    raised = replace(served, settings=replace(served.settings, gpu_memory_utilisation=share))
    return _alternative(catalog, "other share", raised, context, f"a memory share of {share:g}")


def _same_but(
    catalog: Catalog, config: ReplicaConfig, counted: bool, context: float, change: str
) -> Alternative | None:
    """The same format on the same card under another engine, or with shorter sequences."""
    served = (
        _starts(catalog, config, config.n_gpus, context) if counted else _smallest(catalog, config, context)
    )
    if served is None or (change == "other engine" and served.engine_id == config.engine_id):
        return None
    name = catalog.engine(served.engine_id).name
    under = f"{name} on {served.n_gpus} of the same GPU"
    return _alternative(catalog, change, served, context, under)


def _larger(catalog: Catalog, config: ReplicaConfig, context: float) -> Alternative | None:
    """The nearest number of the same cards: inside a node tensor parallel, beyond it a pipeline over whole nodes."""
    for n in sorted(_counts(catalog, config), key=lambda n: abs(n - config.n_gpus)):
        more = _starts(catalog, config, n, context) if n != config.n_gpus else None
        if more is not None:
            return _alternative(catalog, "other count", more, context, f"{n} of the same GPU in one node")
    if catalog.gpu(config.gpu_id).interconnect.startswith("pcie"):
        return None
    for nodes in range(2, MOST_NODES + 1):
        n = nodes * GPUS_PER_NODE
        more = _starts(catalog, _plain(config), n, context)
        if more is not None:
            note = f"{n} GPUs in {nodes} nodes, as pipeline stages"
            return _alternative(catalog, "more nodes", more, context, note)
    return None


def _other_format(
    catalog: Catalog, config: ReplicaConfig, counted: bool, context: float
) -> Alternative | None:
    wished = _starts(catalog, config, config.n_gpus, context) if counted else None
    served = wished or _smallest(catalog, config, context)
    if served is None:
        return None
    note = f"{catalog.precision(config.precision_id).name} on {served.n_gpus} of the same GPU"
    return _alternative(catalog, "other format", served, context, note)


def _other_card(catalog: Catalog, config: ReplicaConfig, context: float) -> Alternative | None:
    served = _smallest(catalog, config, context)
    if served is None:
        return None
    note = (
        f"{served.n_gpus} x {catalog.gpu(config.gpu_id).name}, {catalog.precision(config.precision_id).name}"
    )
    return _alternative(catalog, "other GPU", served, context, note)


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
        note=f"{note}: {plan.weights_gb / GB_PER_GIB:,.0f} GiB of weights, {sequences} of {context:,.0f} tokens",
    )
