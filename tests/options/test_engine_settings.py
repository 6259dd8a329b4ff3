"""How engines are started is asked once, in the scenario, and holds in sizing, comparison, search and plan."""

from itertools import pairwise

import pytest

from llmplan.catalog import load_catalog
from llmplan.operations import launch_command
from llmplan.options import evaluate
from llmplan.replica.config import EngineSettings
from llmplan.replica.memory import memory_plan
from llmplan.replica.reuse import PromptCache
from llmplan.scenario import Scenario
from llmplan.sizing import Load, SizeRequest, search, simulate_load, size
from tests.serving import serving_plan

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


LONE = BASE.but(tensor_parallel=1, input_tokens=2000, output_tokens=200)
MIXTURE = LONE.but(
    model_ids=("gpt-oss-20b",), precision_ids=("mxfp4",), gpu_ids=("h100-sxm",), tensor_parallel=4
)


def five_rates(scenario: Scenario) -> dict[str, float]:
    """Requests/s of a replica without targets as each of the five commands has it; simulated by 150 clients."""
    lengths = (scenario.input_tokens, scenario.output_tokens)
    names = (scenario.model_ids[0], scenario.precision_ids[0], scenario.gpu_ids[0])
    settings, cached = EngineSettings.of(scenario), PromptCache.of(scenario)
    endless = {"ttft_limit_ms": 1e9, "tpot_limit_ms": 1e9}
    request = SizeRequest(*names, *lengths, None, "vllm", settings=settings, cached=cached, **endless)
    model, precision, gpu = names
    found = search(
        CATALOG,
        model,
        *lengths,
        None,
        None,
        (precision,),
        (gpu,),
        ("vllm",),
        settings=settings,
        cached=cached,
    )
    item = next(i for i in evaluate(scenario, CATALOG).options.items if i.kind == "self_hosted")
    assert item.requests_per_s is not None
    run = simulate_load(CATALOG, request, Load(concurrency=150, requests=600, output_cv=0.3))
    rate = size(CATALOG, request).speed.requests_per_s
    assert rate is not None
    return {
        "size": rate,
        "search": found[0].requests_per_s,
        "compare": item.requests_per_s[1],
        "ops": serving_plan(scenario, CATALOG).requests_per_s,
        "simulate": run.simulation["requests_per_s"],
    }


@pytest.mark.parametrize(
    ("base", "change", "sign"),
    [
        (LONE, {"gpu_memory_utilisation": 0.7}, -1),
        (LONE, {"kv_cache_dtype": "fp8"}, 1),
        (LONE, {"max_sequences": 4}, -1),
        (LONE, {"max_batched_tokens": 64}, -1),
        (LONE, {"lora_adapters": 8, "lora_rank": 64}, -1),
        (LONE, {"cached_input_share": 0.6}, 1),
        (LONE, {"speculative_tokens": 3, "draft_acceptance": 0.8}, 1),
        (LONE, {"tensor_parallel": 2}, 1),
        (LONE, {"pipeline_parallel": 2}, 1),
        (LONE, {"data_parallel": 2}, 1),
        (LONE.but(tensor_parallel=2), {"peer_to_peer": False}, -1),
        (MIXTURE, {"expert_parallel": 4}, 0),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_every_command_moves_as_physics_says(base: Scenario, change: dict[str, object], sign: int) -> None:
    before, after = five_rates(base), five_rates(base.but(**change))
    for name, rate in after.items():
        moved = rate / before[name]
        assert moved > 1.02 if sign > 0 else moved < 0.98 if sign < 0 else abs(moved - 1) > 0.001, (
            name,
            moved,
        )
    for name in ("search", "compare", "ops"):
        assert after[name] == pytest.approx(after["size"], rel=1e-6), name


def test_a_longest_sequence_is_counted_in_the_reason_and_costs_no_requests() -> None:
    request = SizeRequest("llama-3.1-8b", "fp8", "l4", 2000, 200, 1, "vllm", concurrency=16)
    longer = size(CATALOG, SizeRequest(**vars(request) | {"settings": EngineSettings(max_model_len=20_000)}))
    usual = size(CATALOG, request)
    assert "leave room for 4 sequences of 20,000 tokens" in longer.reason
    assert "leave room for 43 sequences of 2,200 tokens" in usual.reason
    assert longer.max_concurrent_sequences == usual.max_concurrent_sequences == 43
    assert longer.speed == usual.speed
