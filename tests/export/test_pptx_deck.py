"""The deck: native charts whose sheets equal the tables, log axes, footnotes, any template."""

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from llmplan.charts import envelope_chart
from llmplan.errors import InputError, UnknownNameError
from llmplan.export.pptx_deck import pptx_bytes
from llmplan.export.pptx_parts import (
    BOLD_GLYPH,
    DECK_TYPE,
    LEADING,
    TEMPLATE_TYPE,
    TITLE_LINES,
    fitted,
    text_height,
)
from llmplan.export.slides import SLIDES, Picture
from llmplan.options.comparison_rows import comparison_row
from llmplan.report import Report, make_report
from llmplan.report.headlines import (
    bill_title,
    curve_title,
    frontier_title,
    hardware_title,
    payback_title,
)
from llmplan.report.report import short_title

Office = Callable[..., list[Path]]
LEAST_PT, LEAST_FOOTNOTE_PT = 14, 10
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
APPENDIX = {"What the answer rests on", "Where the numbers come from"}


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


def test_the_bill_adds_up_on_its_slide(deck: Any, report: Report) -> None:
    slide = next(each for each in deck.slides if each.shapes.title.text == bill_title(report))
    chart = next(shape.chart for shape in slide.shapes if shape.has_chart)
    before, parts, _ = (list(series.values) for series in chart.plots[0].series)
    total = float(report.comparison.monthly_usd[1, report.comparison.order[0]])
    assert parts[-1] == pytest.approx(total) == pytest.approx(sum(parts[:-1]))
    assert before[1:-1] == pytest.approx([sum(parts[:n]) for n in range(1, len(parts) - 1)])
    labels = [label.text_frame.text for label in (p.data_label for p in _points(chart))]
    assert labels[-1] == report.money.short(total)


def _points(chart: Any) -> list[Any]:
    above = list(chart.plots[0].series)[-1]
    return [above.points[place] for place in range(len(list(above.values)))]


def test_text_is_large_enough_for_a_slide(deck: Any) -> None:
    for slide in deck.slides:
        for shape in slide.shapes:
            least = LEAST_FOOTNOTE_PT if shape.name == "Footnote" else LEAST_PT
            for paragraph in shape.text_frame.paragraphs if shape.has_text_frame else ():
                assert paragraph.font.size >= Pt(least), (shape.name, paragraph.text)
    for name, table in tables(deck).items():
        sizes = [p.font.size for cell in table.iter_cells() for p in cell.text_frame.paragraphs]
        assert min(sizes) >= Pt(LEAST_PT), name
    for chart in charts(deck):
        sizes = [int(found.get("sz")) for found in chart._chartSpace.iter("{*}defRPr") if found.get("sz")]
        assert min(sizes) >= 100 * LEAST_PT


def test_a_title_takes_two_lines_at_most(deck: Any) -> None:
    for slide in deck.slides:
        title = slide.shapes.title
        size = title.text_frame.paragraphs[0].font.size.pt
        assert text_height(title.text, title.width, size, BOLD_GLYPH) <= TITLE_LINES * LEADING * Pt(size)


def test_every_slide_of_the_list_is_there_and_a_choice_is_kept(deck: Any, report: Report) -> None:
    titles = [slide.shapes.title.text for slide in deck.slides]
    assert len(titles) >= len(SLIDES) and report.growth is not None
    for title in (frontier_title(report), payback_title(report.growth), hardware_title(report)):
        assert title in titles
    picture = Picture("A chart of mine", "Two lines", "", PIXEL)
    chosen = Presentation(io.BytesIO(pptx_bytes(report, slides=["cost", "bill"], pictures=[picture])))
    assert [slide.shapes.title.text for slide in chosen.slides] == [
        curve_title(report),
        bill_title(report),
        "A chart of mine",
    ]
    with pytest.raises(UnknownNameError, match="cost"):
        pptx_bytes(report, slides=["costs"])
    with pytest.raises(InputError, match="PNG"):
        Picture("no picture", "", "", b"<svg>")
    with pytest.raises(InputError, match="picture"):
        pptx_bytes(report, slides=["bill"], pictures=[Picture("broken", "", "", PIXEL[:20])])


def test_every_slide_to_be_shown_has_notes(deck: Any) -> None:
    for slide in deck.slides:
        if not any(shape.name in APPENDIX for shape in slide.shapes):
            assert len(slide.notes_slide.notes_text_frame.text) > 80


def test_footnotes_name_sources(deck: Any, report: Report) -> None:
    foot = next(shape for shape in deck.slides[0].shapes if shape.name == "Footnote")
    assert "Sources: " in foot.text_frame.text
    assert short_title(report.sources[0].title) in foot.text_frame.text


def test_another_currency_reaches_every_slide(report: Report) -> None:
    euros = make_report(
        report.scenario.but(currency_symbol="€", currency_per_usd=0.9), made_on=report.made_on
    )
    deck = Presentation(io.BytesIO(pptx_bytes(euros)))
    for slide in deck.slides:
        for shape in slide.shapes:
            texts = [shape.text_frame.text] if shape.has_text_frame else []
            texts += [cell.text for cell in shape.table.iter_cells()] if shape.has_table else []
            assert not any("$" in text for text in texts)
    for chart in charts(deck):
        formats = [found.get("formatCode") for found in chart._chartSpace.iter("{*}numFmt")]
        assert not any("$" in text for text in formats if text)
    bars = next(chart for chart in charts(deck) if "BAR" in str(chart.chart_type))
    costs = sorted(report.comparison.monthly_usd[1, place] * 0.9 for place in report.best_places)
    base = next(series for series in bars.plots[0].series if series.name == "base")
    assert set(np.round(costs, 6)) <= set(np.round(list(base.values), 6))


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
    head, *rows = embedded(chart)
    sheet = {name: [row[column] for row in rows] for column, name in enumerate(head) if name}
    drawn = envelope_chart(report.envelopes, report.answer_curve, report.scenario).on_one_axis()
    assert sheet["Queries a day"] == pytest.approx(list(drawn.queries_per_day))
    assert {line.name for line in drawn.lines} < set(found)
    for line in drawn.lines:
        assert found[line.name] == pytest.approx(list(line.base))
        assert sheet[line.name] == pytest.approx(list(line.base))
        if line.is_range:
            assert sheet[f"{line.name}, low"] == pytest.approx(list(line.low))
            assert sheet[f"{line.name}, high"] == pytest.approx(list(line.high))


def test_lines_and_bands_are_tied_to_the_sheet(deck: Any, report: Report) -> None:
    """Every reference of the chart names cells whose values are those that it caches."""
    chart = next(chart for chart in charts(deck) if "SCATTER" in str(chart.chart_type))
    book = openpyxl.load_workbook(io.BytesIO(chart.part.chart_workbook.xlsx_part.blob), data_only=True)
    drawn = [each.kind for each in report.envelopes]
    bands = chart._chartSpace.findall(".//{*}errBars")
    assert len(bands) == sum(kind in ("self_hosted", "hybrid") for kind in drawn)
    for reference in chart._chartSpace.findall(".//{*}numRef"):
        sheet, cells = reference.find("{*}f").text.split("!")
        values = [row[0].value for row in book[sheet][cells.replace("$", "")]]
        cached = [float(point.text) for point in reference.findall(".//{*}v")]
        assert values == pytest.approx(cached)
    formulas = openpyxl.load_workbook(io.BytesIO(chart.part.chart_workbook.xlsx_part.blob))
    _, cells = bands[0].find(".//{*}plus//{*}f").text.split("!")
    assert all(str(row[0].value).startswith("=") for row in formulas.active[cells.replace("$", "")]), (
        "the band follows when low or high are edited"
    )


def test_sheet_in_the_bars_equals_the_table(deck: Any, report: Report) -> None:
    chart = next(chart for chart in charts(deck) if "BAR" in str(chart.chart_type))
    head, *rows = embedded(chart)
    assert head[1:] == ["low", "base", "high"]
    wanted = [comparison_row(report.comparison, place) for place in report.best_places]
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
    assert all(text.split("\n")[0] in ("API", "Hosted", "Self-host", "Routed", "–") for text in texts)
    assert len(table.columns) == 1 + len(report.map.queries_per_day)


def test_assumptions_name_their_sources(deck: Any, report: Report) -> None:
    table = tables(deck)["Where the numbers come from"]
    titles = {row.cells[0].text for row in list(table.rows)[1:]}
    assert titles <= {source.title for source in report.catalog.sources.values()}
    assert titles


def test_libreoffice_opens_it_and_finds_every_slide(report: Report, office: Office, tmp_path: Path) -> None:
    path = tmp_path / "deck.pptx"
    path.write_bytes(pptx_bytes(report))
    (made,) = office("pdf", path)
    pdf = made.read_bytes()
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
    made = pptx_bytes(report, path)
    deck = Presentation(io.BytesIO(made))
    assert deck.slide_width == 9_144_000
    titles = [slide.shapes.title.text for slide in deck.slides]
    assert titles[0] == report.finding
    assert "Sample" not in titles
    names = zipfile.ZipFile(io.BytesIO(made)).namelist()
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("width", "height"), [(10, 5.625), (10, 7.5), (12.8, 8), (7.5, 10), (13.333, 7.5)])
def test_nothing_leaves_the_slide_on_any_paper(
    report: Report, tmp_path: Path, width: float, height: float
) -> None:
    deck = Presentation()
    across, down = Inches(width) / deck.slide_width, Inches(height) / deck.slide_height
    deck.slide_width, deck.slide_height = Inches(width), Inches(height)
    for sheet in [deck.slide_master, *deck.slide_layouts]:
        sheet.name = "Folie"
        for shape in sheet.placeholders:
            if shape._element.spPr.find(qn("a:xfrm")) is not None:
                shape.left, shape.width = int(shape.left * across), int(shape.width * across)
                shape.top, shape.height = int(shape.top * down), int(shape.height * down)
    path = tmp_path / "own.pptx"
    deck.save(str(path))
    test_nothing_stands_outside_the_slide_or_on_something_else(
        Presentation(io.BytesIO(pptx_bytes(report, path)))
    )


def test_a_table_shrinks_until_its_words_have_room() -> None:
    rows = [["Option", "Why"], ["unbreakable-name", "one two three four five six seven"]]
    wide, _ = fitted(rows, [Inches(4), Inches(6)], Inches(4), 18)
    narrow, heights = fitted(rows, [Inches(1), Inches(1)], Inches(1.2), 18)
    assert wide == 18 > narrow
    assert sum(heights) <= Inches(1.2)
    assert text_height("a b", Inches(1), 10) < text_height("a b\nc", Inches(1), 10)


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
