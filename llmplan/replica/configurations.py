"""Replicas as a struct of arrays: what a step must read, compute and send, one entry a configuration."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Floats
from llmplan.catalog.records import Gpu, Model, Precision
from llmplan.errors import InputError, UnknownNameError
from llmplan.replica.config import FACTORS, LATEST, ReplicaConfig, levels_of
from llmplan.replica.demand import model_numbers, peak_flops
from llmplan.replica.memory import kv_shards, overhead_gib, tensor_parallel_degrees
from llmplan.units import BYTES_PER_GB, BYTES_PER_GIB, GB_PER_GIB

__all__ = ["FACTORS", "LATEST", "Configurations", "Floats", "KnowsHardware", "ReplicaConfig", "Texts"]

Texts = NDArray[Any]


class KnowsHardware(Protocol):
    """The part of a catalog that sizing needs."""

    @property
    def models(self) -> dict[str, Model]: ...
    @property
    def gpus(self) -> dict[str, Gpu]: ...
    @property
    def precisions(self) -> dict[str, Precision]: ...


@dataclass(frozen=True, eq=False)
class Configurations:
    """Arrays of shape (n,), one entry a replica.

    Bytes and parameters are of the whole model; `tensor_parallel` is the attention's degree. `codes`
    (n, number of factors) are those of `level_codes`, the levels on which calibrated constants may depend.
    """

    configs: tuple[ReplicaConfig, ...]
    level_codes: tuple[dict[str, int], ...]
    codes: NDArray[np.intp]
    n_gpus: Floats
    tensor_parallel: Floats
    data_parallel: Floats
    expert_parallel: Floats
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
    kv_layer_bytes: Floats
    full_layers: Floats
    window_layers: Floats
    window_tokens: Floats
    kv_shards: Floats
    bandwidth: Floats
    flops: Floats
    flops_16bit: Floats
    weight_only: Floats
    link_bandwidth: Floats
    kv_room_bytes: Floats
    weights_gb: Floats
    max_context_tokens: Floats
    batch_limit: Floats

    def __len__(self) -> int:
        return len(self.configs)

    def take(self, index: NDArray[np.intp]) -> Self:
        """Return the configurations at `index` (repeats allowed)."""
        arrays = {f.name: getattr(self, f.name)[index] for f in fields(self)[2:]}
        configs = tuple(self.configs[i] for i in index)
        return type(self)(configs=configs, level_codes=self.level_codes, **arrays)

    def levels(self, factor: str) -> Texts:
        """Level of a factor of each configuration, shape (n,) of str."""
        i = FACTORS.index(factor)
        names = np.array(list(self.level_codes[i]), dtype=object)
        return names[self.codes[:, i]] if len(names) else np.zeros(0, dtype=object)

    @classmethod
    def from_configs(cls, catalog: KnowsHardware, configs: Sequence[ReplicaConfig]) -> Self:
        """Look every name up in the catalog and compute the arrays; unknown names offer near ones."""
        seen: dict[tuple[str, str], Any] = {}
        rows = [_row(catalog, config, seen) for config in configs]
        table = np.array([row.numbers for row in rows], dtype=float).reshape(len(rows), len(NUMBERS))
        level_codes, codes = _encoded([row.levels for row in rows])
        arrays = {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(NUMBERS)}
        return cls(tuple(configs), level_codes, codes, **arrays)

    @classmethod
    def grid(
        cls,
        catalog: Any,
        model_ids: Iterable[str],
        precision_ids: Iterable[str],
        gpu_ids: Iterable[str],
        n_gpus: Iterable[int],
        engine_ids: Iterable[str],
        keep: Callable[[str, str, str], bool] | None = None,
    ) -> Self:
        """Every combination that the engine supports on that GPU and whose GPUs divide the heads.

        keep: asked of each supported (model_id, precision_id, gpu_id); False leaves it out.
        """
        supported = {(s.engine_id, s.precision_id, s.architecture) for s in catalog.engine_support}
        multi = {e.engine_id: e.multi_gpu for e in catalog.engines.values()}
        configs = [
            ReplicaConfig(model_id, precision_id, gpu_id, n, engine_id)
            for model_id, precision_id, gpu_id, engine_id, n in product(
                model_ids, precision_ids, gpu_ids, engine_ids, n_gpus
            )
            if (engine_id, precision_id, catalog.gpus[gpu_id].architecture) in supported
            and n in tensor_parallel_degrees(catalog.models[model_id])
            and (n == 1 or multi.get(engine_id, True))
            and (keep is None or keep(model_id, precision_id, gpu_id))
        ]
        return cls.from_configs(catalog, configs)


UNBATCHED_SEQUENCES: Final = 4.0
"""Default of OLLAMA_NUM_PARALLEL where memory allows it (Ollama's FAQ)."""
NUMBERS: Final = tuple(f.name for f in fields(Configurations))[3:]
"""Fields that hold one number a configuration."""


def _encoded(levels: Sequence[tuple[str, ...]]) -> tuple[tuple[dict[str, int], ...], NDArray[np.intp]]:
    """Code of each level by factor, and the codes of each row."""
    codes = np.zeros((len(levels), len(FACTORS)), dtype=np.intp)
    names = []
    for i in range(len(FACTORS)):
        seen: dict[str, int] = {}
        codes[:, i] = [seen.setdefault(row[i], len(seen)) for row in levels]
        names.append(seen)
    return tuple(names), codes


@dataclass(frozen=True)
class _Row:
    numbers: tuple[float, ...]
    levels: tuple[str, ...]


def _row(catalog: KnowsHardware, config: ReplicaConfig, seen: dict[tuple[str, str], Any]) -> _Row:
    """Numbers and levels of one configuration; `seen` holds what rows share."""
    model = _known("model", config.model_id, catalog.models)
    precision = _known("precision", config.precision_id, catalog.precisions)
    gpu = _known("gpu", config.gpu_id, catalog.gpus)
    if not config.n_gpus >= 1 or config.n_gpus % config.data_parallel:
        raise InputError("n_gpus", config.n_gpus, "must be a multiple of data_parallel", "change one of them")
    numbers = seen.get((config.model_id, config.precision_id))
    if numbers is None:
        numbers = seen[config.model_id, config.precision_id] = model_numbers(model, precision)
    cores = seen.get((config.gpu_id, config.precision_id))
    if cores is None:
        cores = seen[config.gpu_id, config.precision_id] = peak_flops(gpu, precision)
    own, wide, unpacks = cores
    tensor_parallel = config.n_gpus // config.data_parallel
    per_gpu_gib = numbers["weights_gb"] / GB_PER_GIB / config.n_gpus
    room = gpu.memory_gib_usable - per_gpu_gib - overhead_gib(per_gpu_gib)
    all_numbers = numbers | {
        "n_gpus": config.n_gpus,
        "tensor_parallel": tensor_parallel,
        "data_parallel": config.data_parallel,
        "expert_parallel": max(1, config.expert_parallel),
        "kv_shards": kv_shards(model, tensor_parallel),
        "bandwidth": gpu.bandwidth_gb_s * BYTES_PER_GB,
        "flops": own,
        "flops_16bit": wide,
        "weight_only": float(unpacks),
        "link_bandwidth": gpu.interconnect_gb_s * BYTES_PER_GB / 2,
        "kv_room_bytes": room * BYTES_PER_GIB,
        "max_context_tokens": model.max_context_tokens,
        "batch_limit": _batch_limit(catalog, config.engine_id),
    }
    names = [f.name for f in fields(Configurations)][3:]
    return _Row(
        tuple(float(all_numbers[name]) for name in names), levels_of(model, precision, gpu, config, unpacks)
    )


def _batch_limit(catalog: KnowsHardware, engine_id: str) -> float:
    """Sequences that an engine without continuous batching runs at once; no limit for the others."""
    engine = getattr(catalog, "engines", {}).get(engine_id)
    return UNBATCHED_SEQUENCES if engine is not None and not engine.continuous_batching else np.inf


def _known(field: str, name: str, table: dict[str, Any]) -> Any:
    if name not in table:
        raise UnknownNameError(field, name, table)
    return table[name]
