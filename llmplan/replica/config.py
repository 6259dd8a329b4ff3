"""One replica, and the factors on which calibrated constants may depend."""

import re
from dataclasses import dataclass
from typing import Final

from llmplan.catalog.records import Gpu, Model, Precision

LATEST: Final = "latest"


@dataclass(frozen=True)
class ReplicaConfig:
    """One replica: a model in a format on GPUs under an engine.

    n_gpus: GPUs of the replica. data_parallel: copies of the attention part inside the replica (its tensor
    parallelism is n_gpus / data_parallel). expert_parallel: ranks over which whole experts are spread; 1
    cuts every expert instead. engine_version: blank means the latest known generation.
    """

    model_id: str
    precision_id: str
    gpu_id: str
    n_gpus: int
    engine_id: str
    data_parallel: int = 1
    expert_parallel: int = 1
    engine_version: str = LATEST


FACTORS: Final = (
    "generation",
    "gpu",
    "architecture",
    "compute",
    "model",
    "structure",
    "link",
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


def engine_generation(engine_id: str, version: str) -> str:
    """Name the generation of an engine that a version belongs to; a blank version is the latest.

    vLLM before 0.8 runs its first engine core, TensorRT-LLM before 1.0 compiled engines; Ollama runs
    llama.cpp; MLPerf submissions are tuned by hand for one data set.
    """
    if engine_id == "ollama":
        return "llama.cpp"
    if version.startswith("MLPerf"):
        return f"{engine_id}-tuned"
    found = re.match(r"0\.(\d+)", version)
    if found and engine_id == "vllm" and int(found[1]) < 8:
        return "vllm-v0"
    return "tensorrt-llm-v0" if found and engine_id == "tensorrt-llm" else engine_id


def levels_of(
    model: Model, precision: Precision, gpu: Gpu, engine_id: str, engine_version: str, unpacks: bool
) -> tuple[str, ...]:
    """Level of each factor, in the order of FACTORS."""
    arch = gpu.architecture
    native_fp4 = precision.precision_id == "mxfp4" and not unpacks
    compute = f"weight-only-{precision.weight_bits:.0f}bit" if unpacks else precision.compute
    compute = "fp4" if native_fp4 else compute
    structure = "dense" if not model.is_moe else f"{model.attention}-moe"
    generation = engine_generation(engine_id, engine_version)
    versioned = engine_version != LATEST
    return (
        generation,
        gpu.gpu_id,
        arch,
        compute,
        model.model_id,
        structure,
        gpu.interconnect,
        f"{generation}:{arch}",
        f"{generation}:{compute}",
        f"{generation}:{structure}",
        f"{arch}:{compute}",
        f"{generation}:{arch}:{compute}",
        f"{generation}:{model.model_id}:{gpu.gpu_id}:{precision.precision_id}",
        f"{engine_id}:{engine_version}:{model.model_id}" if model.is_moe and versioned else "",
    )
