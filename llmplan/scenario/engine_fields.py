"""How engines are started."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel

from llmplan.scenario.about import About, Box, Group
from llmplan.scenario.values import EMPTY, limits

KV_CACHE_TYPES = (("auto", "As the format has it"), ("bf16", "BF16"), ("fp16", "FP16"), ("fp8", "FP8"))


class EngineFields(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """How engines are started."""

    GROUP: ClassVar[Group] = Group.ENGINE

    gpu_memory_utilisation: Annotated[
        float | None,
        limits(gt=0, le=1),
        EMPTY,
        About(
            "Memory share",
            "Share of a GPU's memory that the engine claims, in its own terms.",
            "share",
            empty="each engine's own",
            flags=("--gpu-memory-utilisation", "--gpu-memory-utilization"),
            panel=Box(0.1, 1, 0.01),
        ),
    ] = None
    kv_cache_dtype: Annotated[
        Literal["auto", "bf16", "fp16", "fp8"],
        About("KV cache", "Type of the KV cache's elements.", panel=Box(), choices=KV_CACHE_TYPES),
    ] = "auto"
    max_batched_tokens: Annotated[
        int | None,
        limits(ge=1, le=1_000_000),
        EMPTY,
        About(
            "Prompt tokens of a step",
            "Prompt tokens that a step takes at most.",
            "tokens",
            empty="each engine's own",
            panel=Box(1, 1e6, 1),
        ),
    ] = None
    max_sequences: Annotated[
        int | None,
        limits(ge=1, le=1_000_000),
        EMPTY,
        About(
            "Sequences at once",
            "Sequences that a replica runs at once at most.",
            "sequences",
            empty="each engine's own",
            panel=Box(1, 1e6, 1),
        ),
    ] = None
    max_model_len: Annotated[
        int | None,
        limits(ge=1, le=100_000_000),
        EMPTY,
        About(
            "Longest sequence",
            "Longest sequence that an engine must take, where that is more than queries need.",
            "tokens",
            empty="what queries need",
            panel=Box(1, 1e8, 1),
        ),
    ] = None
    tensor_parallel: Annotated[
        int | None,
        limits(ge=1, le=64),
        EMPTY,
        About(
            "Tensor parallel",
            "GPUs that cut each layer.",
            "GPUs",
            empty="as the GPUs allow",
            panel=Box(1, 64, 1),
        ),
    ] = None
    pipeline_parallel: Annotated[
        int,
        limits(ge=1, le=64),
        About(
            "Pipeline stages",
            "Stages that divide the layers.",
            "stages",
            panel=Box(1, 64, 1),
        ),
    ] = 1
    data_parallel: Annotated[
        int,
        limits(ge=1, le=64),
        About(
            "Data parallel",
            "Copies of the attention inside a replica.",
            "copies",
            panel=Box(1, 64, 1),
        ),
    ] = 1
    expert_parallel: Annotated[
        int,
        limits(ge=1, le=512),
        About(
            "Expert parallel",
            "GPUs over which whole experts are spread; 1 cuts every expert.",
            "GPUs",
            panel=Box(1, 512, 1),
        ),
    ] = 1
    lora_adapters: Annotated[
        int,
        limits(ge=0, le=10_000),
        About(
            "LoRA adapters",
            "Adapters that a replica holds at once.",
            "adapters",
            panel=Box(0, 1e4, 1),
        ),
    ] = 0
    lora_rank: Annotated[
        int,
        limits(ge=1, le=1024),
        About("LoRA rank", "Rank of the adapters.", "rank", panel=Box(1, 1024, 1)),
    ] = 16
    speculative_tokens: Annotated[
        int,
        limits(ge=0, le=16),
        About(
            "Tokens drafted ahead",
            "Tokens that a draft proposes for each step of the model, which checks them together; 0: no speculative "
            "decoding. Faster at few sequences, slower at many.",
            "tokens/step",
            panel=Box(0, 16, 1),
        ),
    ] = 0
    draft_model_id: Annotated[
        str | None,
        EMPTY,
        About(
            "Draft model",
            "Model that drafts tokens; used where its vocabulary is the served model's and it is the smaller one.",
            empty="a layer of the model's own kind, as MTP modules and EAGLE heads are",
            panel=Box(),
            names="model",
        ),
    ] = None
    draft_acceptance: Annotated[
        float | None,
        limits(ge=0, le=0.99),
        EMPTY,
        About(
            "Drafted tokens kept",
            "Chance that the model keeps a drafted token which follows kept ones.",
            "share",
            empty="the catalog's assumption with its range",
            panel=Box(0, 0.99, 0.01),
        ),
    ] = None
    peer_to_peer: Annotated[
        bool,
        About(
            "GPUs reach each other",
            "Whether GPUs on PCIe read each other's memory; many rented hosts do not let them.",
            flags=("--peer-to-peer/--no-peer-to-peer",),
        ),
    ] = True
