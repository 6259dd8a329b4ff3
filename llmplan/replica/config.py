"""One replica, and the factors on which calibrated constants may depend."""

import re
from dataclasses import dataclass, fields
from functools import cache
from typing import Final, Self

from llmplan.catalog.records import Gpu, Model, Precision
from llmplan.errors import InputError
from llmplan.scenario import Scenario

LATEST: Final = "latest"
KV_CACHE_BYTES: Final = {"auto": None, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0}
"""Bytes of one KV-cache element by the name that engines give its type; auto: as the format has it."""


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is started; None: its own default on that card.

    gpu_memory_utilisation: share of the card that it claims, in its own terms. kv_cache_dtype: auto, bf16, fp16
    or fp8. max_batched_tokens: prompt tokens of a step. max_sequences: sequences that run at once.
    max_model_len: longest sequence that it takes [tokens]; None: what requests need. The parallel degrees multiply
    to a replica's GPUs; tensor_parallel None: as the GPUs allow. lora_adapters: adapters held at once,
    lora_rank: their rank. speculative_tokens: drafted ahead of each step; 0: none. draft_model_id: the model that
    drafts them; None: a layer of the model's own kind. draft_acceptance: chance that a drafted token is kept; None: as
    assumed. peer_to_peer: whether the host lets GPUs on PCIe read each other's memory.
    """

    gpu_memory_utilisation: float | None = None
    kv_cache_dtype: str = "auto"
    max_batched_tokens: float | None = None
    max_sequences: float | None = None
    max_model_len: float | None = None
    tensor_parallel: int | None = None
    pipeline_parallel: int = 1
    data_parallel: int = 1
    expert_parallel: int = 1
    lora_adapters: int = 0
    lora_rank: int = 16
    peer_to_peer: bool = True
    speculative_tokens: int = 0
    draft_model_id: str | None = None
    draft_acceptance: float | None = None

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Return the settings that a scenario asks for."""
        return cls(**{field.name: getattr(scenario, field.name) for field in fields(cls)})

    def __post_init__(self) -> None:
        share = self.gpu_memory_utilisation
        if share is not None and not 0 < share <= 1:
            raise InputError("gpu_memory_utilisation", share, "must lie in (0, 1]", "give 0.9")
        if self.kv_cache_dtype not in KV_CACHE_BYTES:
            known = ", ".join(KV_CACHE_BYTES)
            raise InputError("kv_cache_dtype", self.kv_cache_dtype, "is not known", f"use one of {known}")
        kept = self.draft_acceptance
        if kept is not None and not 0 <= kept < 1:
            raise InputError("draft_acceptance", kept, "must lie in [0, 1)", "give 0.7")
        for field in fields(self)[2:-2]:
            value, least = getattr(self, field.name), 0 if field.name in MAY_BE_NONE else 1
            if value is not None and not least <= value < float("inf"):
                raise InputError(field.name, value, f"must be at least {least}", "give a whole number")

    @property
    def kv_cache_bytes(self) -> float | None:
        return KV_CACHE_BYTES[self.kv_cache_dtype]

    @property
    def groups(self) -> int:
        """Groups of GPUs, each of which cuts its layers by itself: stages times copies."""
        return self.pipeline_parallel * self.data_parallel

    def allows(self, n_gpus: int) -> bool:
        """Say whether a replica of that many GPUs has the degrees that are asked for."""
        tensor, rest = divmod(n_gpus, self.groups)
        return rest == 0 and tensor >= 1 and self.tensor_parallel in (None, tensor)

    def runs_on(self, engine_id: str) -> bool:
        """Say whether an engine knows the kinds of parallelism that are asked for."""
        return engine_id in SPLITTING or self.groups == self.expert_parallel == 1


MAY_BE_NONE: Final = ("lora_adapters", "peer_to_peer", "speculative_tokens")
DEFAULTS: Final = EngineSettings()
SPLITTING: Final = ("vllm", "sglang", "tensorrt-llm")
"""Engines with pipeline stages, copies of attention and spread experts, as their documentation of flags has it."""


@dataclass(frozen=True)
class ReplicaConfig:
    """One replica: a model in a format on GPUs under an engine.

    n_gpus: GPUs of the replica. data_parallel: copies of the attention part inside the replica.
    pipeline_parallel: stages among which the layers are divided. expert_parallel: ranks over which whole experts
    are spread; 1 cuts every expert instead. engine_version: blank means the latest known generation.
    """

    model_id: str
    precision_id: str
    gpu_id: str
    n_gpus: int
    engine_id: str
    data_parallel: int = 1
    expert_parallel: int = 1
    engine_version: str = LATEST
    pipeline_parallel: int = 1
    settings: EngineSettings = DEFAULTS

    def __post_init__(self) -> None:
        groups = self.data_parallel * self.pipeline_parallel
        if not self.n_gpus >= 1 or groups < 1 or self.n_gpus % groups:
            rule = "must be a multiple of data_parallel x pipeline_parallel"
            raise InputError("n_gpus", self.n_gpus, rule, "change one of them")

    @classmethod
    def started(
        cls,
        model_id: str,
        precision_id: str,
        gpu_id: str,
        n_gpus: int,
        engine_id: str,
        settings: EngineSettings = DEFAULTS,
        engine_version: str = LATEST,
    ) -> Self:
        """Return the replica whose parallel degrees are those of its settings."""
        names = (model_id, precision_id, gpu_id, n_gpus, engine_id)
        degrees = (settings.data_parallel, settings.expert_parallel, engine_version)
        return cls(*names, *degrees, settings.pipeline_parallel, settings)

    @property
    def tensor_parallel(self) -> int:
        """Ranks among which each layer's attention is cut."""
        return self.n_gpus // (self.data_parallel * self.pipeline_parallel)


FACTORS: Final = (
    "generation",
    "gpu",
    "architecture",
    "compute",
    "model",
    "structure",
    "link",
    "engine:gpu",
    "engine:architecture",
    "engine:compute",
    "engine:structure",
    "architecture:compute",
    "engine:architecture:compute",
    "replica",
    "release",
)
"""Levels on which a calibrated constant may depend. structure: dense, gqa-moe or mla-moe. release: engine,
version and model, of mixtures of experts only: their releases differ by speculative decoding."""


@cache
def engine_generation(engine_id: str, version: str) -> str:
    """Name the generation of an engine that a version belongs to; a blank version is the latest.

    vLLM before 0.8 runs its first engine core, from 0.14 on it schedules beside the running step; TensorRT-LLM
    before 1.0 runs compiled engines; Ollama runs llama.cpp; MLPerf submissions are tuned by hand for one data set.
    """
    if engine_id == "ollama":
        return "llama.cpp"
    if version.startswith("MLPerf"):
        return f"{engine_id}-tuned"
    found = re.match(r"0\.(\d+)", version)
    if found and engine_id == "vllm" and int(found[1]) < 14:
        return "vllm-v0" if int(found[1]) < 8 else "vllm-v1"
    return "tensorrt-llm-v0" if found and engine_id == "tensorrt-llm" else engine_id


def levels_of_model(model: Model, engine_id: str, engine_version: str) -> dict[str, str]:
    """Level of each factor that a model decides under an engine, on any card."""
    generation = engine_generation(engine_id, engine_version)
    structure = "dense" if not model.is_moe else f"{model.attention}-moe"
    versioned = engine_version != LATEST
    return {
        "model": model.model_id,
        "structure": structure,
        "engine:structure": f"{generation}:{structure}",
        "release": f"{engine_id}:{engine_version}:{model.model_id}" if model.is_moe and versioned else "",
    }


def levels_of_card(
    precision: Precision, gpu: Gpu, engine_id: str, engine_version: str, unpacks: bool
) -> dict[str, str]:
    """Level of each factor that a card decides in a format under an engine, whatever the model."""
    arch, generation = gpu.architecture, engine_generation(engine_id, engine_version)
    native_fp4 = precision.precision_id == "mxfp4" and not unpacks
    compute = f"weight-only-{precision.weight_bits:.0f}bit" if unpacks else precision.compute
    compute = "fp4" if native_fp4 else compute
    return {
        "generation": generation,
        "gpu": gpu.gpu_id,
        "architecture": arch,
        "compute": compute,
        "link": gpu.interconnect.removesuffix("-host"),
        "engine:gpu": f"{generation}:{gpu.gpu_id}",
        "engine:architecture": f"{generation}:{arch}",
        "engine:compute": f"{generation}:{compute}",
        "architecture:compute": f"{arch}:{compute}",
        "engine:architecture:compute": f"{generation}:{arch}:{compute}",
    }


def replica_level(model_id: str, precision_id: str, gpu_id: str, engine_id: str, engine_version: str) -> str:
    """Level of the factor "replica"."""
    return f"{engine_generation(engine_id, engine_version)}:{model_id}:{gpu_id}:{precision_id}"
