"""Replicas as a struct of arrays: what a step must read, compute and send, one entry a configuration."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain, product
from typing import Any, Final, Self

import numpy as np

from llmplan.arrays import Bools, Columns, Floats, Places, Texts
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.catalog.records import EngineMemory
from llmplan.errors import UnknownNameError
from llmplan.replica.config import (
    DEFAULTS,
    FACTORS,
    LATEST,
    EngineSettings,
    ReplicaConfig,
    levels_of_card,
    levels_of_model,
    replica_level,
)
from llmplan.replica.demand import draft_numbers, machine_balance, model_numbers, peak_flops
from llmplan.replica.memory import (
    GpuMemory,
    as_loaded,
    card_numbers,
    draft_of,
    engine_memory,
    kv_layer_bytes,
    kv_shards,
    memory_numbers,
    stored_numbers,
    window_slack_tokens,
)
from llmplan.units import BYTES_PER_GB, BYTES_PER_GIB

__all__ = ["FACTORS", "LATEST", "Configurations", "Floats", "ReplicaConfig", "Texts"]


@dataclass(frozen=True, eq=False)
class Configurations(Columns):
    """Arrays of shape (n,), one entry a replica, and the catalog that they were looked up in.

    Bytes and parameters are of the whole model; `tensor_parallel` is the attention's degree. `codes`
    (n, number of factors) are those of `level_codes`, the levels on which calibrated constants may depend.
    """

    shared = ("catalog", "level_codes")

    catalog: Catalog
    level_codes: tuple[dict[str, int], ...]
    codes: Places
    model_id: Texts
    precision_id: Texts
    gpu_id: Texts
    engine_id: Texts
    engine_version: Texts
    settings: Texts
    n_gpus: Floats
    tensor_parallel: Floats
    data_parallel: Floats
    expert_parallel: Floats
    pipeline_parallel: Floats
    layers: Floats
    moe_layers: Floats
    hidden: Floats
    attention_width: Floats
    head_bytes: Floats
    attention_bytes: Floats
    dense_bytes: Floats
    expert_bytes: Floats
    active_params: Floats
    expert_active_params: Floats
    head_params: Floats
    experts: Floats
    experts_per_token: Floats
    full_layers: Floats
    state_bytes: Floats
    window_layers: Floats
    window_tokens: Floats
    window_held_tokens: Floats
    full_layer_kv_bytes: Floats
    window_layer_kv_bytes: Floats
    kv_shards: Floats
    bandwidth: Floats
    flops: Floats
    flops_16bit: Floats
    weight_only: Floats
    machine_balance: Floats
    adapter_pace: Floats
    link_bandwidth: Floats
    by_host: Floats
    kv_room_bytes: Floats
    weights_gb: Floats
    max_context_tokens: Floats
    batch_limit: Floats
    step_tokens: Floats
    kv_bytes: Floats
    draft_kv_bytes: Floats
    draft_tokens: Floats
    draft_gain: Floats
    draft_gain_low: Floats
    draft_gain_high: Floats
    draft_share: Floats
    draft_layers: Floats
    draft_bytes: Floats
    draft_params: Floats
    draft_head_bytes: Floats
    draft_head_params: Floats

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def stage(self) -> Self:
        """What serves a share of the sequences at a time: a pipeline of p stages is p of these (3.22).

        Each holds a p-th of the sequences, walks them through all layers on the GPUs of one stage, and has a p-th
        of the KV cache, while the others' sequences are in the other stages.
        """
        stages = self.pipeline_parallel
        if (stages == 1).all():
            return self
        return replace(
            self,
            n_gpus=self.n_gpus / stages,
            pipeline_parallel=np.ones(len(self)),
            kv_shards=self.kv_shards / stages,
            batch_limit=np.maximum(np.floor(self.batch_limit / stages), 1.0),
        )

    @property
    def is_unmeasured(self) -> Bools:
        """Whether a replica has pipeline stages, adapters or a draft, of which no measured row tells."""
        return (self.pipeline_parallel > 1) | (self.adapter_pace > 1) | (self.draft_tokens > 0)

    def config(self, place: int) -> ReplicaConfig:
        """Return the replica at a place by its names."""
        return ReplicaConfig(
            self.model_id[place],
            self.precision_id[place],
            self.gpu_id[place],
            int(self.n_gpus[place]),
            self.engine_id[place],
            int(self.data_parallel[place]),
            int(self.expert_parallel[place]),
            self.engine_version[place],
            int(self.pipeline_parallel[place]),
            self.settings[place],
        )

    @cached_property
    def configs(self) -> tuple[ReplicaConfig, ...]:
        """Every replica by its names."""
        return tuple(self.config(place) for place in range(len(self)))

    def levels(self, factor: str) -> Texts:
        """Level of a factor of each configuration, shape (n,) of str."""
        i = FACTORS.index(factor)
        names = np.array(list(self.level_codes[i]), dtype=object)
        return names[self.codes[:, i]] if len(names) else np.zeros(0, dtype=object)

    @classmethod
    def from_configs(cls, catalog: Catalog, configs: Sequence[ReplicaConfig]) -> Self:
        """Look every name up in the catalog and compute the arrays; unknown names offer near ones."""
        return cls._from_columns(catalog, *_columns(configs, ReplicaConfig))

    @classmethod
    def _from_columns(
        cls,
        catalog: Catalog,
        model_ids: Texts,
        precision_ids: Texts,
        gpu_ids: Texts,
        n_gpus: Texts,
        engine_ids: Texts,
        data_parallel: Texts,
        expert_parallel: Texts,
        engine_versions: Texts,
        pipeline_parallel: Texts,
        settings: Texts,
    ) -> Self:
        """Compute the arrays: what rows share, a model in a format or a card under an engine, once."""
        names = (model_ids, precision_ids, gpu_ids, engine_ids, engine_versions, settings)
        if not len(model_ids):
            return cls._none(catalog, *names)
        distinct, place = _distinct(*names)
        shared = tuple(column[distinct] for column in names)
        sizes = (n_gpus, data_parallel, expert_parallel, pipeline_parallel)
        return cls._of_shared(catalog, shared, place, *(column.astype(float) for column in sizes))

    @classmethod
    def _of_shared(
        cls,
        catalog: Catalog,
        shared: Sequence[Texts],
        place: Places,
        n_gpus: Floats,
        data_parallel: Floats,
        expert_parallel: Floats,
        pipeline_parallel: Floats,
    ) -> Self:
        """Compute the arrays of rows that share names; shared: columns of the names, place: (n,) which each row has."""
        names = {name: column[place] for name, column in zip(NAMES, shared, strict=True)}
        models, cards, level_codes, codes = _parts(catalog, shared)
        arrays = {name: column[place] for name, column in (models | cards).items()}
        tensor_parallel = n_gpus / (data_parallel * pipeline_parallel)
        memory = {name: arrays.pop(name) if name not in KEPT else arrays[name] for name in MEMORY}
        ranks = n_gpus / pipeline_parallel
        held = GpuMemory(**memory, ranks=ranks, stages=pipeline_parallel, copies=data_parallel)
        return cls(
            catalog,
            level_codes,
            codes[place],
            **names,
            n_gpus=n_gpus,
            tensor_parallel=tensor_parallel,
            data_parallel=data_parallel,
            expert_parallel=np.maximum(1.0, expert_parallel),
            pipeline_parallel=pipeline_parallel,
            window_held_tokens=arrays["window_tokens"] + arrays.pop("window_slack_tokens"),
            kv_shards=np.minimum(tensor_parallel, arrays.pop("most_kv_shards")) * pipeline_parallel,
            kv_room_bytes=held.kv_room_gib * BYTES_PER_GIB,
            **arrays,
        )

    @classmethod
    def _none(cls, catalog: Catalog, *names: Texts) -> Self:
        numbers = {f.name: np.zeros(0) for f in fields(cls)[len(names) + 3 :]}
        codes = np.zeros((0, len(FACTORS)), dtype=np.intp)
        return cls(catalog, tuple({} for _ in FACTORS), codes, *names, **numbers)

    @classmethod
    def grid(
        cls,
        catalog: Catalog,
        model_ids: Iterable[str],
        precision_ids: Iterable[str],
        gpu_ids: Iterable[str],
        n_gpus: Iterable[int],
        engine_ids: Iterable[str],
        keep: Callable[[str, str, str], bool] | None = None,
        settings: EngineSettings = DEFAULTS,
    ) -> Self:
        """Every combination that the engine supports on that GPU and whose GPUs divide the heads.

        keep: asked of each supported (model_id, precision_id, gpu_id); False leaves it out.
        """
        supported = {(s.engine_id, s.precision_id, s.architecture) for s in catalog.engine_support}
        multi = {e.engine_id: e.multi_gpu for e in catalog.engines.values()}
        engines = [e for e in engine_ids if settings.runs_on(e)]
        sizes = tuple(n_gpus)
        copies, spread, stages = settings.data_parallel, settings.expert_parallel, settings.pipeline_parallel
        degrees = {
            m: [
                n
                for n in sizes
                if settings.allows(n) and catalog.models[m].heads % (n // settings.groups) == 0
            ]
            for m in model_ids
        }
        alone = {m: [n for n in some if n == 1] for m, some in degrees.items()}
        hardware = {
            (p, g): [e for e in engines if (e, p, catalog.gpus[g].architecture) in supported]
            for p, g in product(precision_ids, gpu_ids)
        }
        rows = [
            (m, p, g, e, gpus)
            for m, (p, g) in product(model_ids, hardware)
            if hardware[p, g] and (keep is None or keep(m, p, g))
            for e in hardware[p, g]
            if (gpus := degrees[m] if multi.get(e, True) else alone[m])
        ]
        *ids, counts = _transposed(rows, 5)
        names = (*ids, *(np.full(len(rows), word, object) for word in (LATEST, settings)))
        if not rows:
            return cls._none(catalog, *names)
        place = np.repeat(np.arange(len(rows)), [len(some) for some in counts])
        parallel = (np.full(len(place), float(each)) for each in (copies, spread, stages))
        return cls._of_shared(
            catalog, names, place, np.array([*chain.from_iterable(counts)], float), *parallel
        )


NAMES: Final = ("model_id", "precision_id", "gpu_id", "engine_id", "engine_version", "settings")
"""What a replica is called but for its numbers of GPUs."""
MEMORY: Final = tuple(f.name for f in fields(GpuMemory))[:-3]
"""Fields of a GPU's memory that do not depend on how many GPUs a replica has."""
KEPT: Final = ("batch_limit", "step_tokens", "kv_bytes", "draft_kv_bytes")
"""Those of them that a configuration keeps."""


def _columns(rows: Sequence[Any], of: type) -> list[Texts]:
    """Return the fields of some records, one array a field."""
    return _transposed([tuple(getattr(row, f.name) for f in fields(of)) for row in rows], len(fields(of)))


def _transposed(rows: Sequence[tuple[Any, ...]], width: int = 10) -> list[Texts]:
    table = np.empty((len(rows), width), dtype=object)
    if rows:
        table[:] = rows
    return list(table.T)


def _distinct(*columns: Texts) -> tuple[Places, Places]:
    """Return the places of the first of each distinct row, and for every row which of them it equals."""
    seen: dict[tuple[Any, ...], int] = {}
    # Words that all rows share, such as the settings of a grid, take the longest to hash and tell nothing apart.
    telling = [column for column in columns[1:] if any(word is not column[0] for word in column)]
    rows = zip(columns[0], *telling, strict=True)
    place = np.array([seen.setdefault(row, len(seen)) for row in rows], dtype=np.intp)
    first = np.unique(place, return_index=True)[1]
    return first, place


Part = tuple[dict[str, float], dict[str, str]]
"""Numbers, and levels of factors, that some rows share."""


def _parts(
    catalog: Catalog, names: Sequence[Texts]
) -> tuple[dict[str, Floats], dict[str, Floats], tuple[dict[str, int], ...], Places]:
    """Return the numbers that models and cards decide, and the levels of factors with each row's codes.

    names: ids of model, format, GPU and engine, the engine's version and its settings.
    """
    model_id, precision_id, gpu_id, engine_id, version, settings = names
    models, model_levels = _tabled(
        catalog, _model_part, (model_id, precision_id, engine_id, version, settings)
    )
    cards, card_levels = _tabled(catalog, _card_part, (precision_id, gpu_id, engine_id, version, settings))
    rows = zip(model_id, precision_id, gpu_id, engine_id, version, strict=True)
    levels = model_levels | card_levels | {"replica": _encoded(replica_level(*row) for row in rows)}
    codes = np.column_stack([levels[factor][1] for factor in FACTORS])
    return models, cards, tuple(levels[factor][0] for factor in FACTORS), codes


def _tabled(
    catalog: Catalog, part_of: Callable[..., Part], names: Sequence[Texts]
) -> tuple[dict[str, Floats], dict[str, tuple[dict[str, int], Places]]]:
    """Return what parts of the rows say as columns: each distinct part is worked out once."""
    distinct, place = _distinct(*names)
    parts = [part_of(catalog, *row) for row in zip(*(column[distinct] for column in names), strict=True)]
    numbers = {name: np.array([part[0][name] for part in parts], float)[place] for name in parts[0][0]}
    levels = {}
    for factor in parts[0][1]:
        seen, codes = _encoded(part[1][factor] for part in parts)
        levels[factor] = seen, codes[place]
    return numbers, levels


def _encoded(levels: Iterable[str]) -> tuple[dict[str, int], Places]:
    """Return the code of each level, and the codes of the rows."""
    seen: dict[str, int] = {}
    codes = [seen.setdefault(level, len(seen)) for level in levels]
    return seen, np.array(codes, dtype=np.intp)


def _model_part(
    catalog: Catalog, model_id: str, precision_id: str, engine_id: str, version: str, settings: EngineSettings
) -> Part:
    """Return what a model in a format decides under an engine, on any card."""
    model = _known("model", model_id, catalog.models)
    precision = _known("precision", precision_id, catalog.precisions)
    rule = _memory_rule(catalog, engine_id, version)
    draft = draft_of(catalog, model, engine_id, settings)
    memory = memory_numbers(model, precision, rule, settings, draft)
    full, windowed = kv_layer_bytes(model, memory["kv_bytes"])
    numbers = (
        _format_numbers(catalog, model_id, precision_id, engine_id)
        | memory
        | draft_numbers(model, precision, draft, settings, catalog.assumption("draft-acceptance"))
        | {
            "most_kv_shards": kv_shards(model, model.kv_heads),
            "max_context_tokens": model.max_context_tokens,
            "full_layer_kv_bytes": full,
            "window_layer_kv_bytes": windowed,
        }
    )
    return numbers, levels_of_model(model, engine_id, version)


def _card_part(
    catalog: Catalog, precision_id: str, gpu_id: str, engine_id: str, version: str, settings: EngineSettings
) -> Part:
    """Return what a card decides in a format under an engine, whatever the model."""
    precision = _known("precision", precision_id, catalog.precisions)
    gpu = _known("gpu", gpu_id, catalog.gpus)
    own, wide, unpacks = peak_flops(gpu, precision)
    memory = card_numbers(gpu, _memory_rule(catalog, engine_id, version), settings)
    by_host = gpu.interconnect == "pcie-host" or (gpu.interconnect == "pcie" and not settings.peer_to_peer)
    numbers = memory | {
        "bandwidth": gpu.bandwidth_gb_s * BYTES_PER_GB,
        "flops": own,
        "flops_16bit": wide,
        "weight_only": float(unpacks),
        "machine_balance": machine_balance(gpu),
        "adapter_pace": _adapter_pace(catalog) if settings.lora_adapters else 1.0,
        "link_bandwidth": gpu.interconnect_gb_s * BYTES_PER_GB / 2,
        "by_host": float(by_host),
        "window_slack_tokens": window_slack_tokens(engine_id, memory["step_tokens"]),
    }
    return numbers, levels_of_card(precision, gpu, engine_id, version, unpacks)


def _adapter_pace(catalog: Catalog) -> float:
    """Time of steps and prompts with LoRA adapters over that without (3.23)."""
    return 1.0 / (1.0 - catalog.assumption("lora-throughput-loss").base)


@kept(4096)
def _format_numbers(catalog: Catalog, model_id: str, precision_id: str, engine_id: str) -> dict[str, float]:
    loaded = as_loaded(catalog, model_id, precision_id, engine_id)
    return model_numbers(*loaded) | stored_numbers(*loaded)


@kept(256)
def _memory_rule(catalog: Catalog, engine_id: str, version: str) -> EngineMemory:
    return engine_memory(catalog.engine_memory, engine_id, version)


def _known(field: str, name: str, table: dict[str, Any]) -> Any:
    if name not in table:
        raise UnknownNameError(field, name, table)
    return table[name]
