"""Apps planned together: their weeks by hand, the shared fleet against every subset, the shell's document."""

import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from llmplan.catalog import load_catalog
from llmplan.cli import app as shell
from llmplan.errors import InputError
from llmplan.options import evaluate
from llmplan.options.token_rows import usd_per_query
from llmplan.portfolio.apps import App, _listed, _shares, apps_of, bills_of, week_of
from llmplan.portfolio.plan import _Tables, plan_portfolio
from llmplan.quality.variants import Lengths
from llmplan.scenario import Scenario
from llmplan.scenario.trace import length_shares
from llmplan.usage import cubes
from llmplan.usage.importing import import_usage
from llmplan.usage.requests import requests_of
from llmplan.usage.summary import Usage, read_usage

CATALOG = load_catalog()
BASE = Scenario(gpu_ids=("l4",), data_stays_in_house=True, quality_floor=0, engineering_usd_per_month=0)
MONDAY_S = 1_772_409_600
"""2 March 2026, 0:00 UTC."""
DAY, NIGHT = range(8, 18), range(20, 24)


def line(number: int, app: str, hour: int, second: int) -> str:
    call = {
        "request_id": f"r{number}",
        "call_type": "acompletion",
        "spend": 0.02,
        "prompt_tokens": 2_000,
        "completion_tokens": 200,
        "startTime": MONDAY_S + hour * 3_600 + second,
        "model_group": "gpt-4o",
        "metadata": {"user_api_key_alias": app},
        "status": "success",
    }
    return json.dumps(call)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of a day app (3 requests an hour from 8 to 18) and a night app (6 from 20 to 24)."""
    folder = tmp_path_factory.mktemp("portfolio")
    hours = {"day": (DAY, 3), "night": (NIGHT, 6)}
    calls = [
        (app, 24 * day + hour, second)
        for app, (at, each) in hours.items()
        for day in range(7)
        for hour in at
        for second in range(each)
    ]
    (folder / "log.jsonl").write_text("\n".join(line(n, *call) for n, call in enumerate(calls)))
    import_usage([folder / "log.jsonl"], folder / "usage")
    return folder / "usage"


@pytest.fixture(scope="module")
def usage(folder: Path) -> Usage:
    return read_usage(folder)


def apps_with(usage: Usage, factor: float) -> list[App]:
    """Return the two apps with so many times their traffic and bill."""
    return [
        replace(
            app,
            scenario=app.scenario.but(queries_per_day=app.scenario.queries_per_day * factor),
            week=app.week * factor,
            today_usd=(app.today_usd or 0) * factor,
        )
        for app in apps_of(usage, BASE, CATALOG, 9)
    ]


def test_an_app_is_a_scenario_of_its_own_week(usage: Usage) -> None:
    day = next(app for app in apps_of(usage, BASE, CATALOG, 9) if app.name == "day")
    span_days = (6 * 24 + 24 - 8) / 24  # to the end of the night app's last hour
    asked = day.scenario
    assert asked.queries_per_day == pytest.approx(210 / span_days)
    assert (asked.input_tokens, asked.output_tokens, asked.reference_api_id) == (2_000, 200, "gpt-4o")
    assert asked.input_lengths == (("2000", 1.0),)
    assert (
        asked.task_mix == (("rag-qa", 1.0),) and "its task as rag-qa, by the shape of its tokens" in day.taken
    )
    chosen = apps_of(usage, BASE.but(task_mix=(("code", 1.0),)), CATALOG, 1)[0]
    assert chosen.scenario.task_mix == (("code", 1.0),)
    assert day.week.reshape(7, 24)[:, 8:18].tolist() == [[3.0] * 10] * 7 and day.week.sum() == 210
    assert asked.peak_to_mean == pytest.approx(3 * 24 / asked.queries_per_day)
    assert day.paid_usd == pytest.approx(210 * 0.02 / span_days * asked.days_per_month)
    price = CATALOG.api("gpt-4o")
    each = (2_000 * price.input_usd_per_mtok + 200 * price.output_usd_per_mtok) / 1e6
    assert day.list_usd == pytest.approx(210 * each / span_days * asked.days_per_month)


def test_tokens_written_to_a_cache_are_the_scenario_s(usage: Usage) -> None:
    cells = usage.cubes.hours.head(2).assign(batch=None)
    told = cells.assign(
        cached_tokens=[300, 100], cached_of_input=[1_000, 1_000], cache_write_tokens=[200, 300]
    )
    shares = _shares(told, 10, [])
    assert (shares["cached_input_share"], shares["cache_write_share"]) == (0.2, 0.25)
    silent = _shares(told.assign(cache_write_tokens=np.nan), 10, [])
    assert silent["cache_write_share"] is None
    scenario = BASE.but(**shares)
    assert scenario.cache_write_share == 0.25


def test_a_long_bucket_is_spread_over_its_hours(usage: Usage) -> None:
    cells = usage.cubes.hours.head(1).copy()
    cells["bucket_s"], cells["requests"] = 86_400, 48
    cells["hour"] = MONDAY_S // 3_600
    assert week_of(cells).tolist() == [2.0] * 168  # the other days as this one


def test_a_fleet_is_shared_where_peaks_do_not_coincide(usage: Usage) -> None:
    """At the traffic where each app fills one replica in its hours, both together still fill one."""
    apps = apps_with(usage, 60)
    found = plan_portfolio(apps, CATALOG)
    fleet = found.fleet
    assert fleet is not None and len(fleet.apps) == 2
    assert fleet.replicas < fleet.apart_replicas
    assert float(fleet.shares.sum()) == pytest.approx(1)
    assert sum(v.after_usd or 0 for v in found.verdicts) == pytest.approx(fleet.monthly_usd)
    assert fleet.monthly_usd <= sum(v.alone.monthly_usd for v in found.verdicts)
    assert found.first_moves[0].saving_usd == pytest.approx(found.today_usd - found.after_usd)
    idle = fleet.needed_by_hour.reshape(7, 24)[:, :8]
    assert not idle.any() and fleet.replicas_by_hour.min() == 1


def test_the_set_of_apps_is_the_best_of_all_subsets(usage: Usage) -> None:
    one, two = apps_with(usage, 400)
    apps = [one, two, replace(one, week=one.week * 0.3), replace(two, week=two.week * 2)]
    compared = [evaluate(app.scenario, CATALOG) for app in apps]
    rng = np.random.default_rng(0)
    waiting = np.array([0.0, 0.5, 0.0, 1.0])
    tables, paying = _Tables(apps, compared, waiting), 0
    for row in range(0, len(tables.can), max(1, len(tables.can) // 15)):
        alone_usd = rng.uniform(50, 5_000, len(apps))
        chosen, saving = tables.best_set(row, alone_usd)
        sets = [
            np.array(bits, bool)
            for bits in itertools.product((0, 1), repeat=len(apps))
            if sum(bits) > 1 and not (np.array(bits, bool) & ~tables.can[row]).any()
        ]
        best = max(float(tables.savings(np.array([row]), each[None], alone_usd)[0]) for each in sets)
        if chosen.sum() > 1:  # one app alone may save more than any set of several
            assert saving == pytest.approx(best)
            paying += best > 0
        else:
            assert saving >= best
    assert paying > 3


def test_what_may_wait_needs_no_more_replicas(usage: Usage) -> None:
    apps = apps_with(usage, 2_000)
    compared = [evaluate(app.scenario, CATALOG) for app in apps]
    urgent, waits = (_Tables(apps, compared, np.array(share)) for share in ([0.0, 0.0], [0.0, 1.0]))
    rows = np.arange(len(urgent.can))
    before, after = (tables.needed(rows, tables.can)[1] for tables in (urgent, waits))
    assert (after <= before + 1e-12).all() and (after < before).any()
    assert (after >= before * 24 / 168 / 7).all()
    row = int(np.argmax(np.where(waits.can.all(axis=1), before - after, 0)))
    fleet = waits.fleet(row, np.array([True, True]))
    assert fleet.unbatched_replicas == max(1, math.ceil(before[row] - 1e-9)) + waits.spare
    assert fleet.replicas == max(1, math.ceil(after[row] - 1e-9)) + waits.spare


def test_what_may_wait_is_asked_of_apis_too(usage: Usage) -> None:
    """An app that may wait pays an API's batch price, half of the usual one, as a fleet's valleys serve it."""
    base = BASE.but(data_stays_in_house=False, api_ids=("gpt-4o",), model_ids=("llama-3.1-8b",))
    apps = [app for app in apps_of(usage, base, CATALOG, 9) if app.name == "night"]
    alone = [plan_portfolio(apps, CATALOG, frozenset(names)).verdicts[0].alone for names in ((), ("night",))]
    assert [each.option_id for each in alone] == ["gpt-4o", "gpt-4o"]
    assert alone[1].monthly_usd == pytest.approx(alone[0].monthly_usd / 2, rel=0.1)


def test_a_log_brings_its_mean_week(usage: Usage) -> None:
    day = next(app for app in apps_of(usage, BASE, CATALOG, 9) if app.name == "day").scenario
    week = day.workload(CATALOG).week
    assert week is not None and sum(week) == pytest.approx(1)
    assert max(week) * 168 == pytest.approx(24 / 10, rel=1e-3)  # ten hours of every day, alike


def test_list_prices_go_by_the_lengths_of_requests() -> None:
    """Nine short requests and one above the tier's start: the tier's price for that one, not for the mean or for all."""
    api = next(a for a in CATALOG.apis.values() if a.long_context_from_tokens and a.is_offered(CATALOG.today))
    long = float(api.long_context_from_tokens or 0) * 2
    bins = pd.DataFrame({"side": "input", "bin": [900, 1_800], "requests": [9, 1]})
    bins = bins.assign(input_tokens=[9_000.0, long], output_tokens=[900.0, 100.0])
    names = ("cached_tokens", "cached_of_input", "cache_write_tokens", "cost_usd")
    cells = pd.DataFrame(
        {"model": [api.api_id], "requests": [10], "input_tokens": [9_000 + long], "output_tokens": [1_000]}
    )
    cells = cells.assign(**dict.fromkeys(names, pd.Series([None], dtype="Float64")), batch=False)
    asked = BASE.but(service_tier="standard")
    usd = [
        float(usd_per_query([api], [Lengths(*each)], asked, CATALOG)[0])
        for each in ((1_000, 100), (long, 100))
    ]
    assert _listed(cells, bins, asked, CATALOG) == pytest.approx(9 * usd[0] + usd[1])
    planned = asked.but(input_lengths=length_shares(np.array([1_000.0, long]), np.array([9.0, 1.0])))
    mean = Lengths((9_000 + long) / 10, 100)
    assert float(usd_per_query([api], [mean], planned, CATALOG)[0]) * 10 == pytest.approx(9 * usd[0] + usd[1])


def test_the_shell_prints_a_document_that_adds_up(usage: Usage, tmp_path: Path) -> None:
    cubes.save(usage.cubes, tmp_path, ".csv")
    command = ["portfolio", str(tmp_path), "--gpu-ids", "l4", "--may-wait", "night"]
    done = CliRunner().invoke(shell, [*command, "--json"])
    found = json.loads(done.stdout)
    assert found["saving_usd"] == pytest.approx(found["today_usd"] - found["after_usd"])
    assert found["today_usd"] == pytest.approx(sum(app["today_usd"] for app in found["apps"]))
    assert found["after_usd"] == pytest.approx(sum(app["after_usd"] for app in found["apps"]))
    bills = found["bills"]
    assert bills["paid_to_list"] == pytest.approx(bills["paid_usd"] / bills["list_usd"])
    assert bills["paid_usd"] == pytest.approx(sum(app["paid_usd"] for app in found["apps"]))
    assert all(app["after_usd"] <= app["today_usd"] for app in found["apps"])
    told = CliRunner().invoke(shell, [*command, "--currency-symbol", "€", "--currency-per-usd", "0.5"]).stdout
    assert f"Together €{found['today_usd'] / 2:,.0f}" in told.replace(".00 a month", " a month"), told
    assert "$" not in told and not re.search(r"\s[\d,.]+ (a month|once)", told)
    wrong = CliRunner().invoke(shell, ["portfolio", str(tmp_path), "--may-wait", "nihgt"])
    assert "night" in str(wrong.exception)


def test_an_app_of_a_log_drives_comparison_and_simulation(folder: Path) -> None:
    """Its scenario in compare, its requests as they arrived in simulate; both refuse a guess."""
    named = ["--usage", str(folder), "--app", "day"]
    done = CliRunner().invoke(
        shell, ["compare", *named, "--gpu-ids", "l4", "--output-tokens", "300", "--json"]
    )
    asked = json.loads(done.stdout)["scenario"]
    assert (asked["name"], asked["input_tokens"], asked["output_tokens"]) == ("day", 2_000, 300)
    found = requests_of(folder, "day")
    assert (found.requests, found.mean_input_tokens, found.requests_per_minute.max()) == (210, 2_000, 3)
    assert np.diff(found.arrival_s)[:3].tolist() == [1, 1, 3_598]
    engine = ["simulate", "llama-3.1-8b", "--gpu", "l4", "--precision", "fp8", "--requests", "30"]
    done = CliRunner().invoke(shell, [*engine, *named, "--json"])
    assert json.loads(done.stdout)["load"]["trace"] == "day"
    for flags, said in (
        (["--usage", str(folder)], "choose of 2 apps"),
        (["--usage", str(folder), "--app", "dya"], "day"),
        (["--app", "day"], "belongs to --usage"),
        ([*named, "--trace", "x.csv"], "requests both"),
    ):
        for command in (["compare"], engine):
            assert said in str(CliRunner().invoke(shell, [*command, *flags]).exception)


def test_a_bill_is_held_against_logs_and_list_prices(usage: Usage) -> None:
    """The same 7 days in a bill of 12 USD; the logs say 378 calls of 2 cents."""
    first = usage.cubes.hours.iloc[[0]]
    row = {
        "kind": "bill",
        "hour": MONDAY_S // 3_600,
        "bucket_s": 7 * 86_400,
        "cost_usd": 12.0,
        "requests": None,
    }
    bill = first.assign(**dict.fromkeys(("input_tokens", "output_tokens", "cached_tokens")), **row)
    both = cubes.merge([usage.cubes, replace(usage.cubes, hours=bill.astype(first.dtypes.to_dict()))])
    found = bills_of(Usage(both, {}), BASE, CATALOG)
    n_calls = 7 * (len(DAY) * 3 + len(NIGHT) * 6)
    span_days = (6 * 24 + 24 - 8) / 24
    price = CATALOG.api("gpt-4o")
    each = (2_000 * price.input_usd_per_mtok + 200 * price.output_usd_per_mtok) / 1e6
    assert found.billed == pytest.approx(12 / 7 * BASE.days_per_month)
    assert found.paid == pytest.approx(n_calls * 0.02 / span_days * BASE.days_per_month)
    assert found.listed == pytest.approx(n_calls * each / span_days * BASE.days_per_month)
    assert bills_of(usage, BASE, CATALOG).billed is None


def test_cubes_alone_hold_no_requests(usage: Usage, tmp_path: Path) -> None:
    cubes.save(usage.cubes, tmp_path, ".csv")
    with pytest.raises(InputError, match="no two single requests"):
        requests_of(tmp_path, "day")


def test_a_plan_grows_as_the_log_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmplan.portfolio.apps.growth_per_month", lambda _cells: 0.1)
    command = ["plan", "--usage", str(folder), "--app", "day", "--gpu-ids", "l4", "--months", "3", "--json"]
    done = CliRunner().invoke(shell, command)
    volumes = json.loads(done.stdout)["queries_per_day"]
    assert np.divide(volumes[1:], volumes[:-1]) == pytest.approx(1.1)
    assert "grows by 10.0% a month" in done.stderr
    done = CliRunner().invoke(shell, [*command, "--growth", "0"])
    assert len(set(json.loads(done.stdout)["queries_per_day"])) == 1
