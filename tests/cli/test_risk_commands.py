"""`llmplan risk`, `llmplan recommend`: keys, exit codes, what people read."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplan.cli import app, main

FEW = (
    *("--set", "api_ids=gpt-4o,gpt-4o-mini", "--set", "model_ids=llama-3.1-8b"),
    *("--set", "gpu_ids=l4,h100-sxm", "--set", "engine_ids=vllm", "--queries-per-day", "60000"),
)


def run(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*words, *FEW, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_risk_is_one_document_with_units_in_its_keys() -> None:
    words = (
        "--draws",
        "500",
        "--points",
        "7",
        "--sobol",
        "8",
        "--range",
        "queries_per_day=30000:60000:200000",
    )
    found = run("risk", *words, "--set", "quality_floor=0.95")
    assert set(found) == {
        "scenario",
        "draws",
        "seed",
        "recommended",
        "p_holds",
        "evaluation_usd_per_month",
        "p_cheapest_kind",
        "inputs",
        "options",
        "self_hosting_against_token_price",
        "perfect_information_usd_per_month",
        "information",
        "by_volume",
        "tornado",
        "sobol",
        "tipping_points",
    }
    assert sum(found["p_cheapest_kind"].values()) == pytest.approx(1)
    assert found["scenario"]["ranges"] == {"queries_per_day": [30000, 60000, 200000]}
    assert len(found["by_volume"]) == 7
    assert all(
        row["p_api"] + row["p_hosted"] + row["p_self_hosted"] + row["p_hybrid"] == pytest.approx(1)
        for row in found["by_volume"]
    )
    assert {row["input_id"] for row in found["inputs"]} == {
        row["input_id"] for row in found["tornado"] or found["inputs"]
    }
    assert all(row["sentence"].endswith(".") for row in found["tipping_points"])
    assert all({"base", "mean", "p05", "p50", "p95"} <= set(row["monthly_usd"]) for row in found["options"])


def test_risk_for_people_names_the_recommended_option() -> None:
    result = CliRunner().invoke(app, ["risk", *FEW, "--draws", "300", "--sobol", "4"], catch_exceptions=False)
    assert result.exit_code == 0
    for words in ("Cheapest in 300 draws", "expected regret", "Worth of knowing", "Sobol", "gpt-4o-mini"):
        assert words in result.stdout


def test_recommend_is_one_document_with_units_in_its_keys() -> None:
    found = run("recommend")
    assert set(found) >= {
        "scenario",
        "option_id",
        "kind",
        "label",
        "headline",
        "reason",
        "monthly_usd",
        "margin_usd_per_month",
        "margin_pct",
        "confidence",
        "caveats",
        "flips",
        "runners_up",
        "tipping_points",
    }
    assert found["option_id"] in {"gpt-4o-mini", "gpt-4o"} or "@" in found["option_id"]
    assert len(found["caveats"]) == 3
    assert found["monthly_usd"]["low"] <= found["monthly_usd"]["base"] <= found["monthly_usd"]["high"]


def test_recommend_for_people_says_the_same() -> None:
    found = run("recommend", "--no-tipping")
    result = CliRunner().invoke(app, ["recommend", *FEW, "--no-tipping"], catch_exceptions=False)
    assert result.exit_code == 0
    assert found["headline"] in result.stdout and found["reason"] in result.stdout
    assert found["tipping_points"] == []


def test_nothing_feasible_is_no_error() -> None:
    result = CliRunner().invoke(
        app, ["risk", *FEW, "--set", "quality_floor=1.45", "--no-tipping"], catch_exceptions=False
    )
    assert result.exit_code == 0 and "Nothing is feasible" in result.stdout
    found = run("recommend", "--set", "quality_floor=1.45", "--no-tipping")
    assert found["option_id"] is None and found["monthly_usd"]["base"] is None


@pytest.mark.parametrize(
    ("text", "words"),
    [("queries_per_day", "NAME=LOW:HIGH"), ("queries_per_day=1", "NAME=LOW:HIGH"), ("volume=1:2", "ranges")],
)
def test_a_bad_range_ends_with_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    monkeypatch.setattr("sys.argv", ["llmplan", "risk", *FEW, "--range", text])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


CONSTRAINTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("--data-stays-in-house",), "data must stay in house"),
    (("--monthly-active-users", "800000000"), "above 700,000,000 monthly users a grant is needed"),
    (("--monthly-active-users", "200000000"), "above 100,000,000 monthly users a grant is needed"),
    (("--commercial",), "no commercial use without a grant"),
    (("--min-context-tokens", "500000"), "below the 500,000 needed"),
    (("--quality-floor", "0.99"), "below the floor of 99%"),
    (("--task-quality-floor", "code=0.95"), "code: quality"),
    (("--ttft-limit-ms", "1"), "TTFT"),
    (("--api-providers", "openai"), "is not on the allow-list"),
    (("--regions", "westeurope"), "any provider in region westeurope"),
)


def reasons_of(*words: str) -> set[str]:
    models = "llama-3.1-8b,mistral-large-2,qwen2.5-72b"
    few = ("--set", f"model_ids={models}", "--set", "gpu_ids=h100-sxm", "--set", "engine_ids=vllm")
    result = CliRunner().invoke(app, ["compare", *few, *words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return {reason for row in json.loads(result.stdout)["options"] for reason in row["reasons"]}


@pytest.mark.parametrize(("words", "reason"), CONSTRAINTS)
def test_each_constraint_has_a_flag_and_a_reason(words: tuple[str, ...], reason: str) -> None:
    with_flag, without = reasons_of(*words), reasons_of("--research", "--ttft-limit-ms", "none")
    assert any(reason in text for text in with_flag)
    assert not any(reason in text for text in without)


def test_the_flags_say_the_same_as_set() -> None:
    flags = ("--data-stays-in-house", "--gpu-providers", "runpod,lambda", "--tpot-limit-ms", "none")
    flags += ("--task-quality-floor", "code=0.5", "--task-quality-floor", "rag-qa=0.6")
    fields = ("data_stays_in_house=true", "gpu_providers=runpod,lambda", "tpot_limit_ms=none")
    fields += ("task_quality_floors=code:0.5,rag-qa:0.6",)
    settings = [word for field in fields for word in ("--set", field)]
    by_flag, by_set = run("recommend", "--no-tipping", *flags), run("recommend", "--no-tipping", *settings)
    assert by_flag == by_set
    assert by_flag["scenario"]["task_quality_floors"] == {"code": 0.5, "rag-qa": 0.6}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--monthly-active-users", "-4"), "monthly_active_users"),
        (("--task-quality-floor", "code"), "TASK=NUMBER"),
        (("--task-quality-floor", "code=nan"), "task_quality_floors"),
        (("--ttft-limit-ms", "soon"), "ttft_limit_ms"),
        (("--api-providers", "nobody"), "api_providers"),
    ],
)
def test_a_bad_constraint_ends_with_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr("sys.argv", ["llmplan", "recommend", *FEW, *words])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
