"""`llmplan compare` and `llmplan breakeven`: the JSON contract, and errors that can be acted on."""

import contextlib
import io
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from llmplan.cli import app, main
from llmplan.options import options_of
from llmplan.report.finding import where_cheaper
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


OUTPUT = ("--output-tokens", "500", "--token-basis", "equal")


def in_a_process(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from llmplan.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def llmplan(*words: str) -> subprocess.CompletedProcess[str]:
    """Do as a process of its own does, without its start: a second for every command."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["llmplan", *words])
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def test_a_process_says_the_same() -> None:
    few = ("--set", "gpu_ids=t4", "--api-ids", "gpt-4o,gpt-4o-mini")
    for words in (("compare", "--json", *OUTPUT, *few), ("compare", "--set", "gpu_ids=t5")):
        real, done = in_a_process(*words), llmplan(*words)
        assert (real.returncode, real.stdout, real.stderr) == (done.returncode, done.stdout, done.stderr)


def answer(*words: str) -> Any:
    done = llmplan(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def document() -> Any:
    workload = (
        "--queries-per-day",
        "10000",
        "--input-tokens",
        "1000",
        "--output-tokens",
        "500",
        "--token-basis",
        "equal",
    )
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
    found = answer(
        "breakeven", *words, "--input-tokens", "1000", "--output-tokens", "500", "--token-basis", "equal"
    )
    assert set(found) >= {"crossings_queries_per_day", "self_hosted_cheaper"}
    scenario = Scenario(
        input_tokens=1000,
        output_tokens=500,
        token_basis="equal",
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
    found = answer(
        "breakeven", *words, "--input-tokens", "2000", "--output-tokens", "500", "--token-basis", "equal"
    )
    assert found["self_hosted_cheaper"] == []
    assert found["crossings_queries_per_day"] == []


SIZES = ("--set", "gpu_ids=a100-80gb-sxm,l4", "--set", "model_ids=llama-3.1-8b,mistral-large-2")


def test_the_printed_table_can_be_read_on_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmplan.cli.output.WIDTH_WITHOUT_TERMINAL", 80)
    flags = ["compare", "--preset", "support-chat", *SIZES, "--queries-per-day", "250000"]
    table, _, words = CliRunner().invoke(app, flags).stdout.partition("Cheapest feasible: ")
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    assert "USD/month" in table
    found = answer("compare", "--preset", "support-chat", *SIZES, "--queries-per-day", "250000")
    best = next(o for o in found["options"] if o["id"] == found["recommended"])
    assert f"{best['monthly_usd']['base']:,.0f}" in table
    assert words.startswith(f"{best['label']} ({best['id']}), $")


def test_what_is_out_is_printed_with_its_reason() -> None:
    said = llmplan("compare", "--preset", "support-chat", *SIZES).stdout
    out = [line for line in said.splitlines() if line.startswith("Out: ")]
    assert out and any("below the floor" in line for line in out)
    assert "prices of models without a published score" in said


def test_every_api_names_its_provider(document: Any) -> None:
    apis = [o for o in document["options"] if o["kind"] in ("api", "hosted")]
    assert {o["provider"] for o in apis} >= {"openai", "anthropic", "google", "deepinfra"}
    assert {o["price_kind"] for o in apis} == {"per token"}
    own = [o for o in document["options"] if o["kind"] == "self_hosted"]
    assert {o["price_kind"] for o in own} == {"on_demand"}


BREAK_EVEN = ("breakeven", "--api", "gpt-4o", "--model", "llama-3.1-70b", "--gpu", "a100-80gb-sxm")


def test_breakeven_is_exact_in_json_and_rounded_in_print() -> None:
    words = (*BREAK_EVEN, "--precision", "w4a16", "--input-tokens", "1000", "--output-tokens", "500")
    found = answer(*words)
    said = llmplan(*words).stdout
    assert len(found["self_hosted_cheaper"]) > 1
    for low, _ in found["self_hosted_cheaper"]:
        assert f"from {low:,}" in found["verdict"] and f"{low:,}" not in said
    assert f"cheaper: {where_cheaper([tuple(pair) for pair in found['self_hosted_cheaper']])}" in said


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--precision", "fp8"), "has no hardware for FP8"),
        (("--precision", "int8", "--engine", "ollama"), "Ollama does not serve INT8"),
    ],
)
def test_what_cannot_run_is_never_cheaper_and_says_why(flags: tuple[str, ...], reason: str) -> None:
    found = answer(*BREAK_EVEN, *flags)
    assert (found["verdict"], found["self_hosted_cheaper"], found["configurations"]) == ("never", [], [])
    assert reason in found["reasons"][0]
    assert reason in llmplan(*BREAK_EVEN, *flags).stdout


def test_break_even_has_a_range() -> None:
    """A fleet at the low end of its cost is cheaper wherever the base one is, at the high end nowhere else."""
    words = (
        *BREAK_EVEN,
        "--precision",
        "w4a16",
        "--input-tokens",
        "1000",
        "--output-tokens",
        "500",
        "--token-basis",
        "equal",
    )
    found = answer(*words, "--n-gpus", "1", "--engine", "vllm", "--set", "gpu_usd_per_hour=a100-80gb-sxm:2")
    base, low, high = (
        part["self_hosted_cheaper"] for part in (found, found["at_low_cost"], found["at_high_cost"])
    )
    assert base and low != base
    for inner, outer in ((base, low), (high, base)):
        assert all(
            any(lo <= a and (hi is None or (b is not None and b <= hi)) for lo, hi in outer) for a, b in inner
        )


def test_usual_spellings_of_a_format_are_understood() -> None:
    asked = answer(*BREAK_EVEN, "--precision", "int4")
    assert asked == answer(*BREAK_EVEN, "--precision", "w4a16")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("queries_per_day=1e400", "must be a finite number"),
        ("queries_per_day=many", "must be a number"),
        ("utilisation_ceiling=0", "must be above 0; give a number above 0"),
        ("spare_replicas=1.5", "must be a whole number"),
        ("gpu_price_kind=rented", "use 'on_demand'"),
        ("input_tokens_p95=1", "lies far below the mean"),
        ("regions=mars", "is not a known regions"),
    ],
)
def test_a_refused_field_is_named_with_rule_and_fix(setting: str, said: str) -> None:
    done = llmplan("compare", "--set", setting, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"llmplan: {setting.partition('=')[0]} = ")
    assert said in done.stderr and done.stderr.count("\n") == 1


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
