"""How engines are started is asked once, in the scenario, and holds in sizing, comparison, search and plan."""

from itertools import pairwise

import pytest

from llmplan.catalog import load_catalog
from llmplan.operations import launch_command
from llmplan.operations.choosing import serving_plan
from llmplan.options import evaluate
from llmplan.replica.config import EngineSettings
from llmplan.replica.memory import memory_plan
from llmplan.scenario import Scenario
from llmplan.sizing import search

CATALOG = load_catalog()
BASE = Scenario(
    name="settings",
    model_ids=("llama-3.1-8b",),
    gpu_ids=("l4",),
    engine_ids=("vllm",),
    precision_ids=("fp8",),
    api_ids=("gpt-4o",),
    queries_per_day=200_000,
    tpot_limit_ms=None,
    ttft_limit_ms=None,
    token_basis="equal",
)


def rates(scenario: Scenario) -> dict[str, float]:
    options = evaluate(scenario, CATALOG).options
    return {
        i.option_id: i.requests_per_s[1] for i in options.items if i.requests_per_s and i.share_weak is None
    }


@pytest.mark.parametrize(
    ("change", "sign"),
    [({"gpu_memory_utilisation": 0.6}, -1), ({"max_sequences": 8}, -1), ({"kv_cache_dtype": "fp8"}, 1)],
)
def test_a_setting_moves_the_rate_and_search_agrees(change: dict[str, object], sign: int) -> None:
    scenario = BASE.but(**change)
    before, after = rates(BASE), rates(scenario)
    assert before.keys() == after.keys() and all(sign * (after[name] - before[name]) >= 0 for name in after)
    assert any(after[name] != before[name] for name in after)
    lengths = (scenario.input_tokens, scenario.output_tokens, None, None)
    found = search(
        CATALOG, "llama-3.1-8b", *lengths, ("fp8",), ("l4",), ("vllm",), settings=EngineSettings.of(scenario)
    )
    searched = {row.n_gpus: row.requests_per_s for row in found}
    items = evaluate(scenario, CATALOG).options.items
    for item in items:
        if item.kind == "self_hosted" and item.feasible:
            assert item.requests_per_s is not None
            assert item.requests_per_s[1] == pytest.approx(searched[item.n_gpus or 0])


def test_the_plan_starts_the_engine_as_the_scenario_says() -> None:
    asked = BASE.but(
        gpu_memory_utilisation=0.8, kv_cache_dtype="fp8", max_batched_tokens=4096, max_sequences=24
    )
    plan = serving_plan(asked, CATALOG)
    words = launch_command(plan).argv
    flags = dict(pairwise(words))
    assert flags["--gpu-memory-utilization"] == "0.8" and flags["--kv-cache-dtype"] == "fp8"
    assert flags["--max-num-batched-tokens"] == "4096" and int(flags["--max-num-seqs"]) <= 24
    item = next(i for i in evaluate(asked, CATALOG).options.items if i.option_id == plan.option_id)
    by_hand = memory_plan(CATALOG, item.replica_config(EngineSettings.of(asked)), 1_300)
    assert plan.kv_gib_per_gpu == pytest.approx(by_hand.kv_gib_per_gpu)
    assert "--max-num-batched-tokens" not in launch_command(serving_plan(BASE, CATALOG)).argv


def test_degrees_and_adapters_hold_in_comparison_search_and_plan() -> None:
    asked = BASE.but(
        gpu_ids=("l40s",),
        tensor_parallel=2,
        pipeline_parallel=2,
        lora_adapters=4,
        lora_rank=64,
        max_model_len=9000,
    )
    items = [i for i in evaluate(asked, CATALOG).options.items if i.kind == "self_hosted"]
    assert {i.n_gpus for i in items} == {4}
    settings = EngineSettings.of(asked)
    found = search(
        CATALOG, "llama-3.1-8b", 1000, 300, precision_ids=("fp8",), gpu_ids=("l40s",), settings=settings
    )
    assert {row.n_gpus for row in found} == {4}
    plan = serving_plan(asked, CATALOG)
    flags = dict(pairwise(launch_command(plan).argv))
    assert flags["--tensor-parallel-size"] == flags["--pipeline-parallel-size"] == "2"
    assert flags["--max-loras"] == "4" and flags["--max-lora-rank"] == "64"
    assert plan.context_tokens == 9000 and flags["--max-model-len"] == "9000"
    sglang = dict(pairwise(launch_command(plan, "sglang").argv))
    assert sglang["--tp-size"] == sglang["--pp-size"] == "2" and sglang["--max-loras-per-batch"] == "4"


def test_engines_without_stages_are_left_out() -> None:
    asked = BASE.but(gpu_ids=("l40s",), engine_ids=("vllm", "tgi"), pipeline_parallel=2)
    engines = {i.engine_id for i in evaluate(asked, CATALOG).options.items if i.kind == "self_hosted"}
    assert engines == {"vllm"}
