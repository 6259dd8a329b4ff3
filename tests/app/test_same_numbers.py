"""A number is the same number wherever it stands: on the page, in its link, deck, workbook and `compare --json`."""

import csv
import io
import random
import re
from dataclasses import asdict
from html import unescape
from typing import Any

import openpyxl
import pytest
from pptx import Presentation

from llmplan.app.flips import Flips
from llmplan.app.model import AppModel
from llmplan.app.pages import decision_parts as parts
from llmplan.app.pages.risk_parts import RiskAnswers, tipping_card
from llmplan.cli.compare import comparison_json
from llmplan.export.files import export_bytes
from llmplan.export.tables import csv_text
from llmplan.export.xlsx_curve import curve_volumes
from llmplan.export.xlsx_parts import FIRST_ROW
from llmplan.kinds import Kind
from llmplan.options.table import SIDES
from llmplan.recommend import recommend
from llmplan.report import Report
from llmplan.report.headlines import near_misses
from llmplan.wording import in_unit

MODELS = ("llama-3.1-8b", "qwen3-14b", "qwen3-30b-a3b", "gpt-oss-120b", "llama-3.3-70b")
APIS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1-mini", "claude-sonnet-4")
GPUS = ("l4", "h100-sxm", "a100-sxm-80gb")
DRAWN = 40
SEARCHED_AGAIN = 8
"""The page searches what flips the answer itself in one of so many scenarios: it takes seconds each."""


def drawn(seed: int, known: dict[str, set[str]]) -> dict[str, Any]:
    """Return a scenario's changes, drawn over the ranges that readers use."""
    dice = random.Random(seed)

    def some(names: tuple[str, ...], least: int) -> tuple[str, ...]:
        there = [name for name in names if name in set.union(*known.values())]
        return tuple(dice.sample(there, dice.randint(least, len(there))))

    return {
        "queries_per_day": float(dice.choice(curve_volumes()[5:])),
        "input_tokens": float(round(10 ** dice.uniform(2, 4.2))),
        "output_tokens": float(round(10 ** dice.uniform(1.5, 3.2))),
        "input_tokens_p95": None,
        "output_tokens_p95": None,
        "cached_input_share": round(dice.random(), 2),
        "batch_share": round(dice.random() / 2, 2),
        "quality_floor": dice.choice((0.0, 0.7, 0.9)),
        "data_stays_in_house": dice.random() < 0.2,
        "currency_symbol": dice.choice(("$", "€", "CHF")),
        "currency_per_usd": round(dice.uniform(0.8, 1.2), 3),
        "model_ids": some(MODELS, 2),
        "api_ids": some(APIS, 1),
        "gpu_ids": some(GPUS, 1),
        "spare_replicas": dice.randint(0, 2),
    }


@pytest.fixture(scope="module")
def model() -> AppModel:
    return AppModel()


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


def titles_of(html: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'title="([^"]*)"', html)]


@pytest.mark.parametrize("seed", range(DRAWN))
def test_page_link_and_json_say_the_same(model: AppModel, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    catalog = model.catalog
    model.change(drawn(seed, {"m": {*catalog.models}, "a": {*catalog.apis}, "g": {*catalog.gpus}}))
    report = model.report
    opened = AppModel()
    opened.open_query(model.query)
    assert opened.ignored == () and opened.scenario == model.scenario and opened.answer == model.answer

    table = comparison_json(report.comparison)
    by_id = {row["id"]: row for row in table["options"]}
    assert table["recommended"] == model.answer["option_id"]
    cards, money = parts.figures(report), report.money
    for kind in Kind:
        place = report.comparison.cheapest(kind)
        if place is None:
            continue
        row = by_id[report.option(place).option_id]
        usd = row["monthly_usd"]
        assert [usd[side] for side in SIDES] == report.comparison.monthly_usd[:, place].tolist()
        assert money.full(usd["base"]) in titles_of(cards) and money.short(usd["base"]) in plain(cards)
        assert money.range(usd["low"], usd["high"]) in plain(cards)
    if model.answer["option_id"] is not None:
        best = by_id[model.answer["option_id"]]
        assert best["monthly_usd"] == model.answer["monthly_usd"]
        assert money.short(best["monthly_usd"]["base"]) in report.finding
        assert best["quality"] == model.answer["quality"]
    written = io.BytesIO(export_bytes(report, "xlsx"))
    book = openpyxl.load_workbook(written, read_only=True, data_only=True)
    assert_files(report, by_id, book)
    if model.answer["option_id"] is not None:
        if seed % SEARCHED_AGAIN:
            monkeypatch.setattr(Flips, "_work", lambda *_: iter([report.tipping]))
        assert_flips(model, book)


def assert_flips(model: AppModel, book: Any) -> None:
    """Hold what flips the answer on pages and in files against `recommend --json`."""
    report = model.report
    told = recommend(model.scenario, model.catalog).to_dict()
    points = [
        (row, point)
        for row in told["tipping_points"]
        for point in (row["below"], row["above"])
        if point is not None
    ]
    flips = Flips(model)
    flips.finish()
    assert flips.points is not None and [asdict(row) for row in flips.points] == told["tipping_points"]
    decision = plain(parts.sure_cards(report, flips))
    assert all(sentence in decision for sentence in told["flips"])
    risk = unescape(tipping_card(flips, RiskAnswers(report, draws=2, seed=0)))
    rows = []
    for row, point in points:
        said = point["condition"][:1].upper() + point["condition"][1:]
        rows.append(
            [said, in_unit(row["base"], row["unit"], report.money), point["label"] or "nothing is feasible"]
        )
        assert said in risk and report.money.short(point["monthly_usd"]) in risk
        assert point["condition"] in row["sentence"]
    slide = Presentation(io.BytesIO(export_bytes(report, "pptx", slides=("risk",))))
    tables = [s.table for slide in slide.slides for s in slide.shapes if s.has_table]
    written = [[cell.text for cell in row.cells] for table in tables for row in table.rows][1:]
    assert written == rows[: len(written)] and bool(written) == bool(rows)
    page = unescape(export_bytes(report, "html").decode())
    assert all(cell in page for row in rows for cell in row)
    listed = list(csv.DictReader(io.StringIO(csv_text(report, "flips"))))
    assert [row["input"] for row in listed] == [row["label"] for row in told["tipping_points"]]
    for line, row in zip(listed, told["tipping_points"], strict=True):
        for side in ("below", "above"):
            at = line[f"{side}_flips_at"]
            assert (float(at) if at else None) == (row[side] and row[side]["shown"])
    cells = book["Flips"].iter_rows(min_row=FIRST_ROW + 1, values_only=True)
    assert [list(each) for each in cells] == rows


def assert_files(report: Report, by_id: dict[str, Any], book: Any) -> None:
    """Hold deck, tables and workbook against the JSON's rows."""
    deck = Presentation(io.BytesIO(export_bytes(report, "pptx", slides=("answer", "options"))))
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    assert any(report.finding in shape.text_frame.text for shape in shapes if shape.has_text_frame)
    lines = [[cell.text for cell in row.cells] for s in shapes if s.has_table for row in s.table.rows][1:]
    listed = {row["label"]: report.money.short(row["monthly_usd"]["base"]) for row in by_id.values()}
    if not report.best_places:  # the deck lists what is nearest instead, its workbook no option
        near = {name: usd for name, usd, _ in near_misses(report)}
        assert all(line[1] == near[line[0]] for line in lines if line[0] in near)
        listed |= near
    assert lines and all(line[1] == listed[line[0]] for line in lines)
    shown = list(csv.DictReader(io.StringIO(csv_text(report, "shown"))))
    assert [row["label"] for row in shown] == [report.option(place).label for place in report.shown_places]
    for row in shown:
        assert float(row["monthly_usd_base"]) == by_id[row["option_id"]]["monthly_usd"]["base"]
    (now,) = (
        row
        for row in csv.DictReader(io.StringIO(csv_text(report, "curve")))
        if float(row["queries_per_day"]) == report.scenario.queries_per_day
    )
    for place in report.curve_places:
        option_id = report.option(place).option_id
        for side in SIDES:
            drawn_usd = float(now[f"{option_id} monthly_usd_{side}"])
            assert drawn_usd == pytest.approx(by_id[option_id]["monthly_usd"][side], rel=1e-9)
    assert_curve_sheet(report, by_id, book["Curve"])
    rows = book["Options"].iter_rows(min_row=FIRST_ROW + 1, values_only=True)
    costs = {row[0]: row[3:6] for row in rows if row[0]}
    for place in report.shown_places:
        option_id = report.option(place).option_id
        usd = by_id[option_id]["monthly_usd"]
        assert costs[option_id] == pytest.approx([report.money.of(usd[side]) for side in SIDES], rel=1e-9)


def assert_curve_sheet(report: Report, by_id: dict[str, Any], sheet: Any) -> None:
    """Hold the curve sheet's row of the present volume against the JSON's rows."""
    rows = sheet.iter_rows(min_row=FIRST_ROW + 1, values_only=True)
    (now,) = (row for row in rows if row[0] == report.scenario.queries_per_day)
    wanted = [
        report.money.of(by_id[item.option_id]["monthly_usd"][side])
        for item in map(report.option, report.curve_places)
        for side in (SIDES if item.has_fleet else ("base",))
    ]
    assert list(now[1 : 1 + len(wanted)]) == pytest.approx(wanted, rel=1e-9, abs=0.01)
