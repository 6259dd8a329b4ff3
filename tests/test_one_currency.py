"""Every surface in the scenario's currency: no dollar sign beside euros, no euro sign beside dollars."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pptx import Presentation
from typer.testing import CliRunner

from llmplan.app.dashboard import PAGES, WITHOUT_SCENARIO
from llmplan.app.model import AppModel
from llmplan.app.pages.traffic import TrafficPage
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.parts import HtmlView
from llmplan.cli import app
from llmplan.export.files import export_bytes
from llmplan.report import make_report
from llmplan.scenario import Scenario

FEW = {
    "api_ids": ("gpt-4o", "gpt-4o-mini", "deepinfra/llama-3.1-8b-turbo"),
    "model_ids": ("llama-3.1-8b", "llama-3.3-70b"),
    "gpu_ids": ("l4", "a100-80gb-sxm"),
    "engine_ids": ("vllm",),
    "queries_per_day": 200_000,
}
SCENARIOS = {
    "$": Scenario().but(**FEW),
    "€": Scenario().but(**FEW, currency_symbol="€", currency_per_usd=0.92),
}
A_LOG = Path(__file__).parent / "data" / "usage_logs" / "litellm_spendlogs" / "spend_logs.json"
OTHER = {"$": "€", "€": "$"}
COMMANDS = (
    "compare",
    "recommend",
    "risk --draws 500 --points 5",
    "plan --months 6",
    "route --weak llama-3.1-8b --strong gpt-4o",
    "breakeven --api gpt-4o --model llama-3.1-8b --precision fp16 --gpu a100-80gb-sxm",
)


def settings(scenario: Scenario) -> list[str]:
    lists = {key: ",".join(value) for key, value in FEW.items() if isinstance(value, tuple)}
    values = {**lists, "queries_per_day": scenario.queries_per_day}
    if scenario.currency_symbol != "$":
        values |= {"currency_symbol": scenario.currency_symbol, "currency_per_usd": scenario.currency_per_usd}
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture(params=sorted(SCENARIOS))
def symbol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_shell(symbol: str, command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), *settings(SCENARIOS[symbol])])
    assert done.exit_code == 0, done.output
    assert OTHER[symbol] not in done.output
    if symbol == "€" and "breakeven" not in command:
        assert "€" in done.output and "USD" not in done.output


def test_the_operations_plan(symbol: str, tmp_path: Path) -> None:
    # Tables and what gateways are told stay in US dollars, as their heads and keys say.
    out = tmp_path / "ops"
    done = CliRunner().invoke(app, ["ops", "--out", str(out), *settings(SCENARIOS[symbol])])
    assert done.exit_code == 0, done.output
    page = (out / "README.md").read_text(encoding="utf-8")
    here, away = ("€", "USD") if symbol == "€" else ("USD", "€")
    assert here in page and away not in page


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, memoryview) else str(value)


def texts(root: Any, seen: set[int]) -> Iterator[str]:
    """Yield what every view of a page shows, charts as their JSON."""
    if id(root) in seen:
        return
    seen.add(id(root))
    if isinstance(root, HtmlView):
        yield root.html
    elif isinstance(root, ChartView):
        yield json.dumps(root.figure, default=plain, ensure_ascii=False)
    for value in getattr(root, "__dict__", {}).values():
        if isinstance(value, (HtmlView, ChartView)) or type(value).__module__.startswith("llmplan.app.pages"):
            yield from texts(value, seen)


def test_the_pages(symbol: str) -> None:
    model = AppModel(SCENARIOS[symbol])
    model.pinned = SCENARIOS[symbol].but(queries_per_day=50_000)
    # The pages on the article and on the data quote others, in their currency.
    for name in PAGES.keys() - WITHOUT_SCENARIO:
        page = PAGES[name][1](model)
        if isinstance(page, TrafficPage):
            page.on_file(A_LOG.read_bytes())
        getattr(page, "open", page.refresh)()
        said = "\n".join(texts(page, set()))
        assert "went wrong" not in said
        assert symbol in said and OTHER[symbol] not in said, name


def test_files(symbol: str) -> None:
    report = make_report(SCENARIOS[symbol])
    deck = Presentation(io.BytesIO(export_bytes(report, "pptx")))
    said = [shape.text_frame.text for slide in deck.slides for shape in slide.shapes if shape.has_text_frame]
    said += [
        cell.text
        for slide in deck.slides
        for shape in slide.shapes
        if shape.has_table
        for row in shape.table.rows
        for cell in row.cells
    ]
    said += [slide.notes_slide.notes_text_frame.text for slide in deck.slides if slide.has_notes_slide]
    said += [
        labels.number_format
        for slide in deck.slides
        for shape in slide.shapes
        if shape.has_chart
        for labels in [shape.chart.value_axis.tick_labels]
    ]
    book = zipfile.ZipFile(io.BytesIO(export_bytes(report, "xlsx")))
    said += [book.read(name).decode() for name in ("xl/sharedStrings.xml", "xl/styles.xml")]
    page = export_bytes(report, "html").decode()
    said.append(re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S))
    said += re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.S)
    assert symbol in "".join(said)
    assert [text[:200] for text in said if OTHER[symbol] in text] == []
