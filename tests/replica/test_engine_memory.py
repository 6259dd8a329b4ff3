"""KV pools, weights and refusals of real engines, from their own logs."""

import csv
from pathlib import Path

import pytest

from llmplan.catalog import load_catalog
from llmplan.replica.config import EngineSettings, ReplicaConfig
from llmplan.replica.memory import MemoryPlan, memory_plan

CATALOG = load_catalog()
CASES = list(
    csv.DictReader(Path(__file__).with_name("engine_memory_cases.csv").read_text("utf-8").splitlines())
)
TOLERANCE = 0.15


def planned(case: dict[str, str]) -> MemoryPlan:
    share = float(case["memory_share"]) if case["memory_share"] else None
    config = ReplicaConfig(
        case["model_id"],
        case["precision_id"],
        case["gpu_id"],
        int(case["n_gpus"]),
        case["engine_id"],
        engine_version=case["engine_version"],
        settings=EngineSettings(share, case["kv_cache_dtype"] or "auto"),
    )
    return memory_plan(CATALOG, config, float(case["context_tokens"]))


def predicted(case: dict[str, str]) -> float:
    plan = planned(case)
    one = plan.weights_gib_per_gpu + plan.overhead_gib_per_gpu + plan.kv_gib_per_sequence_per_gpu
    return {
        "kv gib": plan.kv_gib_per_gpu,
        "kv tokens": plan.kv_cache_tokens,
        "weights gib": plan.weights_gib_per_gpu,
        "sequences": plan.kv_cache_tokens / float(case["context_tokens"]),
        "sequences per kv gib": 1 / plan.kv_gib_per_sequence_per_gpu,
        "used gib": one * int(case["n_gpus"]),
    }[case["quantity"]]


@pytest.mark.parametrize("case", [c for c in CASES if c["quantity"] == "starts"], ids=lambda c: c["case"])
def test_what_refuses_to_start_is_told(case: dict[str, str]) -> None:
    assert planned(case).fits is (case["value"] == "true")


def test_sizes_are_those_that_engines_log() -> None:
    sized = [case for case in CASES if case["quantity"] != "starts"]
    errors = {case["case"]: predicted(case) / float(case["value"]) - 1 for case in sized}
    off = {name: error for name, error in errors.items() if abs(error) > TOLERANCE}
    assert len(off) <= 0.07 * len(errors), off
    assert sorted(map(abs, errors.values()))[len(errors) // 2] < 0.02


def test_own_engine_is_met_within_a_percent() -> None:
    own = [case for case in CASES if case["source"].startswith("own")]
    for case in own:
        assert predicted(case) == pytest.approx(float(case["value"]), rel=0.01)
