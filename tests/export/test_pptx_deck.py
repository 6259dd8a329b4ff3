"""The deck: native charts whose sheets equal the tables, log axes, footnotes, any template."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from pptx import Presentation
from pptx.util import Pt

from llmplan.errors import InputError
from llmplan.export import Report, make_report
from llmplan.export.pptx_deck import pptx_bytes
from llmplan.export.pptx_parts import DECK_TYPE, TEMPLATE_TYPE

Office = Callable[[Path, str], Path]
LEAST_PT = 18
SMALL = {"Footnote", "More sources"}


@pytest.fixture(scope="module")
def deck(report: Report) -> Any:
    return Presentation(io.BytesIO(pptx_bytes(report)))


def charts(deck: Any) -> list[Any]:
    return [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]


def tables(deck: Any) -> dict[str, Any]:
    return {shape.name: shape.table for slide in deck.slides for shape in slide.shapes if shape.has_table}


def embedded(chart: Any) -> list[list[Any]]:
    """Return the rows of the sheet inside a chart."""
    book = openpyxl.load_workbook(io.BytesIO(chart.part.chart_workbook.xlsx_part.blob))
    return [list(row) for row in book.active.iter_rows(values_only=True)]


def test_wide_with_a_finding_and_a_footnote_on_every_slide(deck: Any, report: Report) -> None:
    assert deck.slide_width / deck.slide_height == pytest.approx(16 / 9, rel=1e-3)
    assert deck.slides[0].shapes.title.text == report.finding
    for slide in deck.slides:
        assert slide.shapes.title.text
        foot = next(shape for shape in slide.shapes if shape.name == "Footnote")
        for part in (report.scenario.name, "prices as of", f"llmplan {report.version}", "2026-11-24"):
            assert part in foot.text_frame.text


def test_nothing_stands_outside_the_slide_or_on_something_else(deck: Any) -> None:
    for slide in deck.slides:
        boxes = []
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.top >= 0
            assert shape.left + shape.width <= deck.slide_width
            assert shape.top + shape.height <= deck.slide_height
            boxes.append((shape.left, shape.top, shape.left + shape.width, shape.top + shape.height))
        for number, a in enumerate(boxes):
            for b in boxes[number + 1 :]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_text_is_large_enough_for_a_slide(deck: Any) -> None:
    for slide in deck.slides:
        for shape in slide.shapes:
            if shape.has_text_frame and shape.name not in SMALL:
                for paragraph in shape.text_frame.paragraphs:
                    assert paragraph.font.size >= Pt(LEAST_PT), (shape.name, paragraph.text)


def test_cost_chart_is_native_and_logarithmic(deck: Any) -> None:
    scatter = next(chart for chart in charts(deck) if "SCATTER" in str(chart.chart_type))
    for axis in (scatter.category_axis, scatter.value_axis):
        scaling = axis._element.scaling
        # The schema's order: a base anywhere but first makes PowerPoint repair the file.
        assert scaling[0].tag.endswith("}logBase")
        assert scaling[0].get("val") == "10"


def test_sheet_in_the_cost_chart_equals_the_curves(deck: Any, report: Report) -> None:
    chart = next(chart for chart in charts(deck) if "SCATTER" in str(chart.chart_type))
    found = {series.name: list(series.values) for series in chart.plots[0].series}
    rows = [row for row in embedded(chart) if isinstance(row[0], int | float)]
    sheet = [(float(x), float(y)) for x, y, *_ in rows]
    for number, item in enumerate(report.curves.options.items):
        low, base, high = report.curves.monthly_usd[:, number]
        assert found[item.label] == pytest.approx(list(base))
        pairs = list(zip(report.curves.queries_per_day, base, strict=True))
        assert any(
            sheet[at : at + len(pairs)] == pytest.approx(np.array(pairs)) for at in starts(sheet, pairs)
        )
        if not np.array_equal(low, high):
            assert found[f"{item.label}, low"] == pytest.approx(list(low))
            assert found[f"{item.label}, high"] == pytest.approx(list(high))


def starts(sheet: list[tuple[float, float]], pairs: list[tuple[float, float]]) -> list[int]:
    return [at for at in range(len(sheet) - len(pairs) + 1) if sheet[at] == pytest.approx(pairs[0])]


def test_sheet_in_the_bars_equals_the_table(deck: Any, report: Report) -> None:
    chart = next(chart for chart in charts(deck) if "BAR" in str(chart.chart_type))
    head, *rows = embedded(chart)
    assert head[1:] == ["low", "base", "high"]
    wanted = [*(report.comparison.row(place) for place in report.curve_places), *report.hybrids[:1]]
    costs = sorted([row[f"monthly_usd_{side}"] for side in ("low", "base", "high")] for row in wanted)
    assert sorted(row[1:] for row in rows) == [pytest.approx(each) for each in costs]


def test_every_chart_and_map_has_a_description(deck: Any) -> None:
    for slide in deck.slides:
        for shape in slide.shapes:
            if shape.has_chart or shape.name in ("Decision map", "Options"):
                assert shape._element.nvGraphicFramePr.cNvPr.get("descr")


def test_map_says_in_words_what_its_colours_say(deck: Any, report: Report) -> None:
    table = tables(deck)["Decision map"]
    texts = [cell.text for row in list(table.rows)[1:] for cell in list(row.cells)[1:]]
    assert all(text.split("\n")[0] in ("API", "Hosted", "Self-host", "–") for text in texts)
    assert len(table.columns) == 1 + len(report.map.queries_per_day)


def test_assumptions_name_their_sources(deck: Any, report: Report) -> None:
    table = tables(deck)["Sources"]
    titles = {row.cells[0].text for row in list(table.rows)[1:]}
    assert titles <= {source.title for source in report.catalog.sources.values()}
    assert titles


def test_libreoffice_opens_it_and_finds_every_slide(report: Report, office: Office, tmp_path: Path) -> None:
    path = tmp_path / "deck.pptx"
    path.write_bytes(pptx_bytes(report))
    pdf = office(path, "pdf").read_bytes()
    pages = pdf.count(b"/Type/Page") - pdf.count(b"/Type/Pages")
    assert pages == len(Presentation(str(path)).slides)


def own_template(folder: Path, *, width: int, slides: int, kind: str = "pptx") -> Path:
    """Write a template: the library's stock one in another size, with sample slides."""
    deck = Presentation()
    deck.slide_width = width
    for _ in range(slides):
        deck.slides.add_slide(deck.slide_layouts[1]).shapes.title.text = "Sample"
    path = folder / f"own.{kind}"
    deck.save(str(path))
    if kind == "potx":
        retype(path)
    return path


def retype(path: Path) -> None:
    """Make a deck a template by its one content type."""
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if item.filename == "[Content_Types].xml":
                data = data.replace(DECK_TYPE.encode(), TEMPLATE_TYPE.encode())
            target.writestr(item.filename, data)


@pytest.mark.parametrize("kind", ["pptx", "potx"])
def test_own_template_keeps_its_size_and_loses_its_samples(report: Report, tmp_path: Path, kind: str) -> None:
    path = own_template(tmp_path, width=9_144_000, slides=3, kind=kind)
    deck = Presentation(io.BytesIO(pptx_bytes(report, path)))
    assert deck.slide_width == 9_144_000
    titles = [slide.shapes.title.text for slide in deck.slides]
    assert titles[0] == report.finding
    assert "Sample" not in titles
    names = zipfile.ZipFile(io.BytesIO(pptx_bytes(report, path))).namelist()
    assert len(names) == len(set(names))


def test_a_template_without_any_title_still_works(report: Report, tmp_path: Path) -> None:
    path = own_template(tmp_path, width=12_192_000, slides=0)
    deck = Presentation(str(path))
    for layout in deck.slide_layouts:
        for shape in list(layout.placeholders):
            shape._element.getparent().remove(shape._element)
    deck.save(str(path))
    made = Presentation(io.BytesIO(pptx_bytes(report, path)))
    texts = [shape.text_frame.text for shape in made.slides[0].shapes if shape.has_text_frame]
    assert report.finding in texts


@pytest.mark.parametrize("content", [b"", b"no deck", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_deck_is_said(report: Report, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pptx"
    path.write_bytes(content)
    with pytest.raises(InputError, match="--template"):
        pptx_bytes(report, path)
    with pytest.raises(InputError, match="no such file"):
        pptx_bytes(report, tmp_path / "missing.pptx")


def test_a_scenario_that_nothing_meets_still_gives_a_deck(report: Report) -> None:
    empty = make_report(report.scenario.but(quality_floor=1.5), made_on=report.made_on)
    deck = Presentation(io.BytesIO(pptx_bytes(empty)))
    assert "No option meets" in deck.slides[0].shapes.title.text
