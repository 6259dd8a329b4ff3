"""`llmplan route-eval` from the shell."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmplan.cli import app
from llmplan.errors import LlmplanError

REAL = Path(__file__).parents[2] / "data" / "router_eval.csv"


def run(*arguments):
    return CliRunner().invoke(app, ["route-eval", *map(str, arguments)], catch_exceptions=False)


def test_json_has_every_key_for_every_router():
    found = json.loads(run(REAL, "--json", "--bootstrap", 5).stdout)
    assert set(found["datasets"]) == {"mmlu_pro_llama31_70b_vs_gpt4o", "gsm8k"}
    keys = {
        "n",
        "weak_quality",
        "strong_quality",
        "apgr",
        "cpt20",
        "cpt50",
        "cpt80",
        "aiq",
        "cheapest_at_floor",
    }
    for routers in found["datasets"].values():
        assert set(routers) == {"lr", "knn"}
        assert all(keys | {"auc", "frontier"} <= set(row) for row in routers.values())
    mmlu = found["datasets"]["mmlu_pro_llama31_70b_vs_gpt4o"]["lr"]
    assert mmlu["n"] == 12_032 and mmlu["apgr"] == pytest.approx(0.6607, abs=5e-5)


def test_bins_as_the_peer():
    found = json.loads(run(REAL, "--json", "--bins", 10, "--bootstrap", 5).stdout)["datasets"]
    row = found["mmlu_pro_llama31_70b_vs_gpt4o"]["lr"]
    assert row["apgr"] == pytest.approx(0.6581, abs=1e-3)
    assert [row["cpt20"], row["cpt50"], row["cpt80"]] == pytest.approx([10.07, 27.79, 59.37], abs=0.1)
    assert len(row["curve"]) == 11


def test_repriced_from_tokens():
    plain, dear = (
        json.loads(run(REAL, "--json", "--bootstrap", 2, *prices).stdout)["datasets"]["gsm8k"]["lr"]
        for prices in ((), ("--weak-price", "0.5,0.5", "--strong-price", "gpt-4o"))
    )
    assert dear["apgr"] == plain["apgr"]
    assert dear["strong_usd_per_query"] != plain["strong_usd_per_query"]


def test_own_queries_with_labels(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("label,in_tok,out_tok\n" + "easy,500,100\nhard,900,700\neasy,400,90\n" * 10)
    found = json.loads(
        run(
            path,
            "--weak-quality",
            0.9,
            "--strong-quality",
            1,
            "--weak-price",
            "0.1,0.1",
            "--strong-price",
            "3,15",
            "--json",
        ).stdout
    )
    row = found["datasets"]["own"]["label"]
    assert row["weak_quality"] == pytest.approx(0.9) and len(row["frontier"]) == 2
    assert row["naive_blend"]["excess_pct"] > 0


def test_tables():
    result = run(REAL, "--bootstrap", 5)
    assert "APGR" in result.stdout and "saves 57.3 %, not 65.6 %" in result.stdout


@pytest.mark.parametrize(
    "wrong",
    [
        ("--bins", 0),
        ("--bins", 10**9),
        ("--floor", -1),
        ("--floor", "inf"),
        ("--weak-price", "1,2"),
        ("--strong-share", 2),
    ],
)
def test_values_against_rules(wrong):
    with pytest.raises(LlmplanError):
        run(REAL, *wrong)
