"""How an engine is started, as options that `size`, `search` and `simulate` share."""

from typing import Annotated

import typer

GpuMemoryShare = Annotated[
    float | None,
    typer.Option(
        "--gpu-memory-utilisation",
        "--gpu-memory-utilization",
        help="The engine's memory share, in its own terms (vLLM: of the card, SGLang: --mem-fraction-static, "
        "TensorRT-LLM: of free memory); default: its own.",
    ),
]
KvCacheDtype = Annotated[str, typer.Option(help="KV cache: auto, bf16, fp16 or fp8.")]
BatchedTokens = Annotated[int | None, typer.Option(help="Prompt tokens of a step; default: the engine's.")]
MaxSequences = Annotated[int | None, typer.Option(help="Sequences that run at once; default: the engine's.")]
EngineVersion = Annotated[str, typer.Option(help="Version of the engine, e.g. 0.11; default: the latest.")]
MaxModelLen = Annotated[
    float | None, typer.Option(help="Longest sequence the engine must take; default: input plus output.")
]
TensorParallel = Annotated[int | None, typer.Option(help="Ranks that cut each layer.", min=1)]
PipelineParallel = Annotated[int, typer.Option(help="Stages that divide the layers.", min=1)]
DataParallel = Annotated[int, typer.Option(help="Copies of the attention inside a replica.", min=1)]
ExpertParallel = Annotated[int, typer.Option(help="Ranks over which whole experts are spread.", min=1)]
