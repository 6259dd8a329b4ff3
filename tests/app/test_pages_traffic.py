"""Your traffic: a file brought along, its figures against the shell's, what is refused, and an earlier scenario."""

import gzip
import io
import json
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmplan.app.model import AppModel
from llmplan.app.pages import traffic_parts as parts
from llmplan.app.pages.traffic import TrafficPage
from llmplan.app.widgets.chart_view import ChartView
from llmplan.charts.traffic import lengths_figure, week_figure
from llmplan.errors import InputError
from llmplan.portfolio.plan import FirstMove
from llmplan.scenario import Scenario
from llmplan.usage import cubes, uploads
from llmplan.usage.summary import summary
from llmplan.usage.uploads import usage_of_file

QUICK = Scenario(gpu_ids=("l4",), quality_floor=0)


def call(number: int, app: str, model: str, hour: int) -> str:
    return json.dumps(
        {
            "request_id": f"r{number}",
            "call_type": "acompletion",
            "spend": 0.05,
            "prompt_tokens": 2_000,
            "completion_tokens": 200,
            "startTime": 1_772_409_600 + hour * 3_600,
            "model_group": model,
            "metadata": {"user_api_key_alias": app},
            "status": "success",
        }
    )


LOG = "\n".join(
    [call(n, "chat", "gpt-4o", n % 48) for n in range(96)]
    + [call(1_000 + n, "<b>search</b>", "gpt-4o-mini", 9) for n in range(12)]
).encode()


@pytest.fixture(scope="module")
def page() -> TrafficPage:
    """A page with the log, planned."""
    found = TrafficPage(AppModel(QUICK))
    assert "108 requests, 2 apps" in found.on_file(gzip.compress(LOG))
    return found


def test_every_part_shows_the_log(page: TrafficPage) -> None:
    views: list[Any] = [page.answer, page.moves, page.bill, page.week, page.lengths, page.apps]
    assert [view.error for view in views if view.error] == []
    charts = [view for view in views if isinstance(view, ChartView)]
    assert all(chart.figure["meta"][name] for chart in charts for name in ("title", "alt", "what"))
    assert "All apps by the logs: $" in page.apps.html and "of list prices" in page.apps.html
    assert "&lt;b&gt;search" in page.apps.html and "<b>search" not in page.apps.html
    asked = 'class="lp-answer"'
    assert asked in parts.lead(asks=True) and asked not in page.lead.html and asked in page.answer.html
    assert "Start from what you run" in page.lead.html and "LiteLLM" in page.lead.html
    assert page.bill.figure["meta"]["title"].startswith("chat costs most")


def test_figures_are_those_of_the_log(page: TrafficPage) -> None:
    """96 + 12 calls of 5 cents in two days: 30 days / 2 a month."""
    assert page.usage is not None and page._planned is not None
    plan, per_month = page._planned, QUICK.days_per_month / 2
    frame = plan.apps().set_index("app")
    assert frame.loc["chat", "paid_usd"] == pytest.approx(96 * 0.05 * per_month)
    price = page.model.catalog.api("gpt-4o")
    listed = (2_000 * price.input_usd_per_mtok + 200 * price.output_usd_per_mtok) / 1e6
    assert frame.loc["chat", "paid_to_list"] == pytest.approx(0.05 / listed)
    assert plan.week.sum() == pytest.approx(frame["queries_per_day"].sum() * 7, rel=0.5)
    tokens, reached = parts._lengths(page.usage.cubes.tokens, "input")
    assert reached.tolist() == [1.0] and tokens[0] == pytest.approx(2_000, rel=0.0035)
    name, media, data = page._file("csv")
    assert (name, media, data.count(b"\n")) == ("llmplan-apps.csv", "text/csv", 3)


def test_a_bill_beside_a_log_is_held_against_it() -> None:
    """OpenAI's costs CSV of the log's two days, in one ZIP with the log."""
    head = "start_time,end_time,amount_value,amount_currency,line_item,project_id"
    days = [1_772_409_600 + 86_400 * day for day in range(2)]
    items = (("gpt-4o, input", 2.75), ("gpt-4o, output", 1.25))
    rows = [f'{day},{day + 86_400},{usd},usd,"{item}",p' for day in days for item, usd in items]
    found = TrafficPage(AppModel(QUICK))
    said = found.on_file(packed(log=LOG, costs="\n".join([head, *rows]).encode()))
    assert "litellm_spendlogs and openai_costs, 108 requests, 2 apps" in said
    assert found._planned is not None
    bills, per_month = found._planned.bills, QUICK.days_per_month / 2
    assert bills.billed == pytest.approx(8.0 * per_month)
    assert bills.paid == pytest.approx(108 * 0.05 * per_month)
    listed = sum(
        n * (2_000 * price.input_usd_per_mtok + 200 * price.output_usd_per_mtok) / 1e6
        for n, price in (
            (n, found.model.catalog.api(api)) for n, api in ((96, "gpt-4o"), (12, "gpt-4o-mini"))
        )
    )
    assert bills.listed == pytest.approx(listed * per_month)
    for who, usd in (("bill", 8.0), ("logs", 108 * 0.05)):
        money = found.model.scenario.currency.short(usd * per_month)
        assert (
            f"All apps by the {who}: {money} a month, {usd / listed:.2f} of list prices." in found.apps.html
        )


def test_another_scenario_asks_before_it_plans_again(page: TrafficPage) -> None:
    page.model.change({"quality_floor": 0.5})
    page.refresh()
    assert "Recompute" in page.notice.html
    page.model.undo()
    page.refresh()
    assert page.notice.html == ""


def test_a_sample_for_who_has_no_log() -> None:
    """A public trace at the scenario's API: 10,000 requests in an hour, taken as a day's."""
    page = TrafficPage(AppModel(QUICK))
    assert 'data-action="sample"' in page.lead.html
    page.lead.answer({"action": "sample"}, [])
    assert page._planned is not None and "A sample" in page.told.html
    frame, api = page._planned.apps().set_index("app"), page.model.catalog.api(QUICK.reference_api_id)
    usd = sum(
        row["queries_per_day"] * row[f"{side}_tokens"] * price / 1e6 * QUICK.days_per_month
        for _, row in frame.iterrows()
        for side, price in (("input", api.input_usd_per_mtok), ("output", api.output_usd_per_mtok))
    )
    assert frame["queries_per_day"].sum() == 10_000
    assert frame["list_usd"].sum() == pytest.approx(usd)
    page.on_file(LOG)
    assert page.told.html == ""


def packed(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as into:
        for name, data in files.items():
            into.writestr(f"folder/{name}.csv", data)
    return held.getvalue()


def test_cubes_may_be_brought_instead(tmp_path: Path) -> None:
    found = usage_of_file(LOG)
    cubes.save(found.cubes, tmp_path, ".csv")
    files = {name: (tmp_path / f"{name}.csv").read_bytes() for name in cubes.DIMENSIONS}
    assert summary(usage_of_file(packed(**files))) == summary(found)
    assert summary(usage_of_file(uploads.zip_of_cubes(found))) == summary(found)
    for column, figure in (("hour", 10**12), ("bucket_s", 10**12), ("bucket_s", -3_600)):
        broken = found.cubes.hours.assign(**{column: figure}).to_csv(index=False).encode()
        with pytest.raises(InputError, match="no log's time"):
            usage_of_file(packed(**files | {"hours": broken}))
    twice = summary(usage_of_file(packed(log=LOG, other=gzip.compress(LOG))))
    assert (twice["requests"], twice["excluded"]) == (108, {"duplicate": 108})
    del files["minutes"]
    with pytest.raises(InputError, match=r"no minutes\.csv"):
        usage_of_file(packed(**files))


def parquet(records: list[dict[str, Any]]) -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), held, compression="zstd")
    return held.getvalue()


def test_parquet_may_be_brought() -> None:
    """A call of Langfuse's with a map within; text that repeats is held as codes."""
    call = {
        "id": "o1",
        "type": "GENERATION",
        "start_time": datetime(2026, 3, 2, 9),
        "usage_details": {"input": 100, "output": 10},
        "metadata": '{"app": "chat"}',
    }
    found = summary(usage_of_file(parquet([call, call | {"id": "o2"}])))
    assert (found["requests"], found["input_tokens"], found["apps"][0]["app"]) == (2, 200, "chat")


def test_what_is_too_much_or_no_log_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10_000)
    for data, said in (
        (gzip.compress(b"\n" * 20_000), "unpacked"),
        (packed(hours=b"x" * 20_000, tokens=b"", minutes=b""), "unpacked"),
        (b"PAR1xxxx", "cannot be read"),
        (parquet([{"model": "m" * 500} for _ in range(100)]), "unpacked"),
        (parquet([{"n": 1}] * 20_000), "unpacked"),
        (b"PK\x03\x04garbage", "cannot be unpacked"),
        (packed(**{".": b""}), "holds no file"),
        (packed(logs=packed(log=b"x")), "is not read here"),
        (b"\x1f\x8bgarbage", "cannot be unpacked"),
        (b"a,b\n1,2\n", "no known format"),
    ):
        with pytest.raises(InputError, match=said):
            usage_of_file(data)


def test_drawings_stand_where_they_belong() -> None:
    week = np.arange(168.0)
    heat = week_figure(week)["data"][0]
    assert heat["z"][1][2] == 26 and heat["y"][1] == "Tue" and heat["x"][2] == 2
    line = lengths_figure({"input": (np.array([0.0, 10.0]), np.array([0.25, 1.0]))})["data"][0]
    assert line["x"].tolist() == [1, 10] and line["y"].tolist() == [0.25, 1]


WITHIN_LIMIT = """
import sys
from llmplan.app.model import AppModel
from llmplan.app.pages.traffic import TrafficPage
from llmplan.app.server.settings import SESSION_MEMORY_MB
from llmplan.app.server.zygote import limit_memory

page = TrafficPage(AppModel())
limit_memory(SESSION_MEMORY_MB)
print(page.on_file(sys.stdin.buffer.read()), [view.error for view in (page.answer, page.bill, page.apps)])
"""


@pytest.mark.server
def test_a_log_of_many_apps_fits_a_session_s_memory() -> None:
    """Threads that read files reserve addresses, which are no memory: only what is written to counts."""
    models = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5")
    log = "\n".join(call(n, f"app{n % 9}", models[n % 3], n % 168) for n in range(900)).encode()
    done = subprocess.run([sys.executable, "-c", WITHIN_LIMIT], input=log, capture_output=True, check=False)
    assert b"900 requests, 9 apps. ['', '', '']" in done.stdout, done.stderr.decode()[-2000:]


def test_a_payback_beyond_reach_is_no_number_of_months() -> None:
    assert FirstMove(("a",), "b", 100.0, 1_000.0).paid_back_in == "10.0 months"
    assert FirstMove(("a",), "b", 0.2, 15_000.0).paid_back_in == "more than 10 years"
