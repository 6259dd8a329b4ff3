"""A portfolio's files: sums that are live, every app and move in each, text that stays text."""

import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pptx import Presentation
from typer.testing import CliRunner

from llmplan.catalog import load_catalog
from llmplan.cli import app as shell
from llmplan.errors import UnknownNameError
from llmplan.export.portfolio import app_rows, move_rows, portfolio_bytes
from llmplan.portfolio.apps import apps_of
from llmplan.portfolio.plan import plan_portfolio
from llmplan.portfolio.tables import Planned
from llmplan.scenario import Scenario
from llmplan.usage.importing import import_usage
from llmplan.usage.summary import read_usage, summary

EVIL = "<b>=HYPERLINK(1)</b>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of a dear app and of one whose name is a formula and markup."""
    folder = tmp_path_factory.mktemp("files")
    calls = [
        {
            "request_id": f"{app}-{n}",
            "call_type": "acompletion",
            "spend": 5.0,
            "prompt_tokens": 2_000,
            "completion_tokens": 200,
            "startTime": 1_772_409_600 + n * 3_600,
            "model_group": model,
            "metadata": {"user_api_key_alias": app},
            "status": "success",
        }
        for n in range(48)
        for app, model in (("chat", "gpt-4o"), (EVIL, "gpt-4o-mini"))
    ]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, calls)))
    import_usage([folder / "log.jsonl"], folder / "usage")
    return folder / "usage"


@pytest.fixture(scope="module")
def plan(folder: Path) -> Planned:
    usage, scenario = (
        read_usage(folder),
        Scenario(gpu_ids=("l4",), quality_floor=0, currency_symbol="€", currency_per_usd=0.9),
    )
    found = plan_portfolio(apps_of(usage, scenario, load_catalog(), 9), load_catalog())
    return Planned(summary(usage), found, scenario.currency, "made for a test")


def test_workbook_sums_are_live_and_in_the_currency(plan: Planned) -> None:
    data = portfolio_bytes(plan, "xlsx")
    live, values = (load_workbook(io.BytesIO(data), data_only=flag)["Apps"] for flag in (False, True))
    n = len(plan.found.apps)
    assert live.cell(5 + n, 9).value == f"=SUM(I5:I{4 + n})" and live.cell(5, 16).value == "=I5-O5"
    assert values.cell(5 + n, 9).value == pytest.approx(plan.money.of(plan.found.today_usd))
    assert values.cell(5 + n, 15).value == pytest.approx(plan.money.of(plan.found.after_usd))
    assert {live.cell(row, 1).value for row in range(5, 5 + n)} == {"chat", EVIL}
    week = load_workbook(io.BytesIO(data))["Week"]
    shown = sum(week.cell(row, column).value for row in range(5, 12) for column in range(2, 26))
    assert shown == pytest.approx(plan.week.sum())


def test_page_and_slides_name_every_app_and_move(plan: Planned) -> None:
    page = portfolio_bytes(plan, "html").decode()
    assert "&lt;b&gt;=HYPERLINK" in page and "<b>=" not in page and "<script" not in page
    deck = Presentation(io.BytesIO(portfolio_bytes(plan, "pptx")))
    texts = [
        cell.text
        for slide in deck.slides
        for shape in slide.shapes
        if shape.has_table
        for row in shape.table.rows
        for cell in row.cells
    ]
    _, apps = app_rows(plan)
    for row in (*apps, *move_rows(plan)):
        assert all(cell in texts for cell in row)
        assert row[1].replace("'", "&#39;") in page
    assert deck.slides[0].shapes.title.text == plan.headline and plan.headline in page
    assert any(shape.has_chart for shape in deck.slides[1].shapes)


def test_table_and_unknown_formats(plan: Planned) -> None:
    assert portfolio_bytes(plan, "csv").decode().splitlines()[0].startswith("app,queries_per_day")
    with pytest.raises(UnknownNameError, match="format"):
        portfolio_bytes(plan, "pdf")


def test_the_shell_writes_them(folder: Path, tmp_path: Path) -> None:
    command = ["portfolio", str(folder), "--gpu-ids", "l4", "--out", str(tmp_path / "plan.html")]
    done = CliRunner().invoke(shell, command)
    assert done.exit_code == 0, done.output
    assert "What to move first" in (tmp_path / "plan.html").read_text()
