"""`llmplan compare` and `llmplan breakeven`: the JSON contract, and errors that can be acted on."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from llmplan.decision import options_of
from llmplan.scenario import Scenario

OPTION_KEYS = {
    "id",
    "kind",
    "model_id",
    "precision",
    "gpu_id",
    "n_gpus",
    "engine_id",
    "monthly_usd",
    "usd_per_query",
    "feasible",
    "reasons",
}


def llmplan(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from llmplan.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def answer(*words: str) -> Any:
    done = llmplan(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def document() -> Any:
    workload = ("--queries-per-day", "10000", "--input-tokens", "1000", "--output-tokens", "500")
    return answer("compare", *workload, "--set", "gpu_ids=a100-80gb-sxm,t4", "--set", "engine_ids=vllm")


def test_the_document_keeps_its_keys(document: Any) -> None:
    assert set(document) == {"scenario", "recommended", "options"}
    for option in document["options"]:
        assert set(option) >= OPTION_KEYS
        assert set(option["monthly_usd"]) == {"low", "base", "high"}
    assert {o["kind"] for o in document["options"]} == {"api", "hosted", "self_hosted", "hybrid"}


def test_the_figures_are_the_articles(document: Any) -> None:
    by_id = {option["id"]: option for option in document["options"]}
    assert by_id["gpt-4o"]["monthly_usd"]["base"] == pytest.approx(2250)
    assert by_id["claude-sonnet-4-5"]["monthly_usd"]["base"] == pytest.approx(3150)
    inside = [o for o in document["options"] if o["feasible"]]
    cheapest = min(inside, key=lambda o: o["monthly_usd"]["base"])
    assert by_id[document["recommended"]]["monthly_usd"]["base"] == cheapest["monthly_usd"]["base"]
    assert all(o["reasons"] for o in document["options"] if not o["feasible"])


def test_a_quality_floor_holds_for_everything_that_is_in() -> None:
    found = answer("compare", "--preset", "rag", "--quality-floor", "0.95", "--set", "gpu_ids=h100-sxm")
    assert all(o["quality"] >= 0.95 - 1e-9 for o in found["options"] if o["feasible"])


def test_breakeven_agrees_with_the_costs() -> None:
    words = ("--api", "gpt-4o", "--model", "llama-3.1-70b", "--precision", "w4a16", "--gpu", "a100-80gb-sxm")
    found = answer("breakeven", *words, "--input-tokens", "1000", "--output-tokens", "500")
    assert set(found) >= {"crossings_queries_per_day", "self_hosted_cheaper"}
    scenario = Scenario(
        input_tokens=1000,
        output_tokens=500,
        api_ids=("gpt-4o",),
        model_ids=("llama-3.1-70b",),
        precision_ids=("w4a16",),
        gpu_ids=("a100-80gb-sxm",),
    )
    options = options_of(scenario)
    assert found["crossings_queries_per_day"]
    for crossing in found["crossings_queries_per_day"]:
        usd = options.monthly_usd(np.array([crossing - 1, crossing]), sides=(1,))[0]
        cheaper = usd[~options.is_api].min(axis=0) < usd[options.is_api][0]
        assert cheaper[0] != cheaper[1]


def test_never_is_an_answer() -> None:
    words = (
        "--api",
        "gpt-4o-mini",
        "--model",
        "llama-3.1-70b",
        "--precision",
        "w4a16",
        "--gpu",
        "a100-80gb-sxm",
    )
    found = answer("breakeven", *words, "--input-tokens", "2000", "--output-tokens", "500")
    assert found["self_hosted_cheaper"] == []
    assert found["crossings_queries_per_day"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "--preset", "suport-chat"), "support-chat"),
        (("compare", "--queries-per-day", "-1"), "queries_per_day"),
        (("compare", "--set", "gpu_ids=a100"), "a100-80gb-sxm"),
        (("compare", "--set", "nonsense"), "FIELD=VALUE"),
        (
            ("breakeven", "--api", "gpt-4", "--model", "llama-3.1-70b", "--precision", "fp8", "--gpu", "t4"),
            "gpt-4o",
        ),
    ],
)
def test_errors_name_the_fix(words: tuple[str, ...], said: str) -> None:
    done = llmplan(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
