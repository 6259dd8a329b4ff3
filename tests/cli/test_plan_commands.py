import json

import pytest
from typer.testing import CliRunner

from llmplan.cli import app
from llmplan.errors import InputError

FLAGS = ["--preset", "rag", "--set", "model_ids=llama-3.1-8b", "--set", "engine_ids=vllm"]


def run(*words):
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_plan_prints_one_document():
    document = json.loads(run("plan", *FLAGS, "--months", "24", "--growth", "0.1", "--json"))
    assert document["months"] == 24 and len(document["queries_per_day"]) == 24
    assert document["queries_per_day"][1] == pytest.approx(1.1 * document["queries_per_day"][0])
    ids = [option["option_id"] for option in document["options"]]
    assert ids[0] == document["incumbent"] == "gpt-4o" and len(ids) == len(set(ids))
    for option in document["options"]:
        assert len(option["monthly_usd"]) == len(option["cumulative_usd"]) == 24
        assert option["tco_usd"] == pytest.approx(option["upfront_usd"] + sum(option["monthly_usd"]))
        assert option["cumulative_usd"][-1] == pytest.approx(option["tco_usd"])
    best = min(document["options"], key=lambda option: option["npv_usd"])
    assert best["option_id"] == document["best"]
    for switch in document["switches"]:
        never, moments = switch["npv_usd_never"], switch["npv_usd_by_month"]
        assert switch["saving_usd"] == pytest.approx(never - min(never, *moments))
        if switch["best_month"] is not None:
            assert moments[switch["best_month"] - 1] == min(moments)
    assert len(document["fleet"]["replicas_by_hour"]) == 168
    assert [mode["mode"] for mode in document["fleet"]["modes"]] == [
        "always on",
        "active window",
        "autoscaled",
        "scale to zero",
    ]


def test_plan_s_curve_and_series():
    curve = json.loads(
        run("plan", *FLAGS, "--ceiling", "90000", "--midpoint", "6", "--months", "12", "--json")
    )
    assert curve["queries_per_day"][6] == pytest.approx(45_000)
    series = json.loads(run("plan", *FLAGS, "--volumes", "10,20", "--months", "3", "--json"))
    assert series["queries_per_day"] == [10, 20, 20]
    assert "NPV of cost" in run("plan", *FLAGS, "--months", "6")


def test_plan_without_a_feasible_fleet_still_compares_apis():
    document = json.loads(run("plan", *FLAGS, "--set", "ttft_limit_ms=1", "--months", "3", "--json"))
    assert document["fleet"] is None and len(document["options"]) >= 2


@pytest.mark.parametrize(
    "words", [["--volumes", "a,b"], ["--months", "99"], ["--incumbent", "gpt-99"], ["--discount", "-3"]]
)
def test_plan_refuses_odd_flags(words):
    with pytest.raises(InputError):
        run("plan", *FLAGS, *words)
