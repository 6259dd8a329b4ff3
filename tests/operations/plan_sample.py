"""A plan with round numbers, for the tests of this folder."""

from dataclasses import replace

from llmplan.catalog import load_catalog
from llmplan.operations import ServingPlan
from llmplan.operations.checkpoints import repositories_of

SAMPLE = ServingPlan(
    option_id="llama-3.1-70b@fp8@2xh100-sxm@vllm",
    model_id="llama-3.1-70b",
    precision_id="fp8",
    gpu_id="h100-sxm",
    engine_id="vllm",
    n_gpus=2,
    replicas=5,
    spare_replicas=1,
    input_tokens=1_000,
    output_tokens=300,
    context_tokens=5_120,
    max_concurrent_sequences=80,
    concurrency=64,
    ttft_ms=500,
    tpot_ms=40,
    output_tokens_per_s=1_200,
    requests_per_s=4,
    queries_per_day=500_000,
    peak_to_mean=2,
    utilisation_ceiling=0.7,
    ttft_limit_ms=2_000,
    tpot_limit_ms=50,
    weights_gb=72.6,
    weights_gib_per_gpu=34,
    kv_gib_per_gpu=36,
    overhead_gib_per_gpu=4,
    usable_gib_per_gpu=80,
    memory_shares={"vllm": 0.92, "sglang": 0.86, "tensorrt-llm": 0.9, "tgi": 0.95},
    kv_bytes=2,
    start_s=400,
    repositories=repositories_of(load_catalog(), "llama-3.1-70b"),
)


def sample(**changes: object) -> ServingPlan:
    """Return the plan with some fields changed; another model brings its own repositories."""
    if "model_id" in changes:
        changes["repositories"] = repositories_of(load_catalog(), str(changes["model_id"]))
    return replace(SAMPLE, **changes)
