import json

import pytest
from typer.testing import CliRunner

from llmplan.cli import app
from llmplan.errors import InputError

FLAGS = ["--preset", "rag", "--set", "model_ids=llama-3.1-8b", "--set", "engine_ids=vllm"]
FLAGS += ["--model-quality", "llama-3.1-8b=0.9"]


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
    ("words", "message"),
    [
        (["--volumes", "a,b"], "--volumes"),
        (["--volumes", "1,2,3", "--months", "2"], "3 values.*more than the 2 months"),
        (["--volumes", "1,2", "--growth", "0.1"], "--growth and --volumes"),
        (["--ceiling", "1000000", "--growth", "0.1"], "--growth and --ceiling"),
        (["--midpoint", "6"], "--ceiling with it"),
        (["--months", "99"], "1 to 60"),
        (["--months", "0"], "1 to 60"),
        (["--growth", "-1"], "growth_per_month"),
        (["--growth", "9", "--months", "60"], "above 1,000,000,000"),
        (["--incumbent", "gpt-99"], "incumbent"),
        (["--discount", "-3"], "discount_per_year"),
        (["--discount", "nan"], "discount"),
        (["--api-decline", "1"], "api_decline"),
        (["--gpu-decline", "nan"], "gpu_decline"),
        (["--updates-per-year", "inf"], "updates_per_year"),
        (["--days-per-update", "-1"], "days_per_update"),
        (["--migration-usd", "nan"], "migration_usd"),
        (["--weekend-factor", "-1"], "weekend_factor"),
    ],
)
def test_plan_refuses_odd_flags(words, message):
    with pytest.raises(InputError, match=message):
        run("plan", *FLAGS, *words)


def test_updates_and_the_move_can_be_given():
    flags = ("--months", "12", "--growth", "0", "--api-decline", "0", "--gpu-decline", "0", "--json")
    plain = json.loads(run("plan", *FLAGS, *flags, "--updates-per-year", "4", "--days-per-update", "0"))
    given = json.loads(
        run(
            "plan",
            *FLAGS,
            *flags,
            "--updates-per-year",
            "4",
            "--days-per-update",
            "3",
            "--migration-usd",
            "7",
        )
    )
    assert {option["migration_usd"] for option in given["options"]} == {0, 7}  # what runs today moves nowhere
    for before, after in zip(plain["options"], given["options"], strict=True):
        if "#rented" in after["option_id"]:
            updates = after["tco_usd"] - 7 - (before["tco_usd"] - before["migration_usd"])
            assert updates == pytest.approx(4 * 3 * 857.14)  # a working day


def test_a_series_without_months_is_as_long_as_it_is():
    assert json.loads(run("plan", *FLAGS, "--volumes", "10,20,30,40", "--json"))["months"] == 4


def test_the_price_of_a_year_s_delay_is_that_of_the_document():
    document = json.loads(run("plan", *FLAGS, "--volumes", "5000000", "--months", "24", "--json"))
    late = [
        f"{switch['cost_of_waiting_usd'][switch['best_month'] - 1 + 12]:,.0f}"
        for switch in document["switches"]
        if switch["best_month"] is not None and switch["best_month"] + 12 <= 24
    ]
    text = run("plan", *FLAGS, "--volumes", "5000000", "--months", "24")
    assert late and "12 months" in text and all(figure in text for figure in late)
