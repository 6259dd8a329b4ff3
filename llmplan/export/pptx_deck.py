"""The deck: answer, cost, quality, bill, map, options, risk, growth, hardware, assumptions; native charts, footnotes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.util import Emu, Pt

from llmplan.errors import InputError, UnknownNameError
from llmplan.export.pptx_charts import (
    ACCENTS,
    SIDES,
    add_bill,
    add_cost_chart,
    add_frontier,
    add_growth,
    add_kind_bars,
)
from llmplan.export.pptx_parts import (
    BODY_PT,
    CARD_TINT,
    CELL_EDGE,
    CELL_SIDE,
    LEAST_BODY_PT,
    Box,
    Deck,
    add_slide,
    add_table,
    add_text,
    describe,
    open_deck,
    text_height,
    tint,
)
from llmplan.export.slides import SLIDES, Picture
from llmplan.export.tables import ASSUMPTION_HEADS, ASSUMPTIONS_TITLE, FLIP_HEADS, SOURCES_TITLE
from llmplan.kinds import Kind
from llmplan.report.assumptions import assumption_rows, hardware_rows
from llmplan.report.headlines import (
    answer_facts,
    bill_title,
    curve_title,
    flip_rows,
    flip_title,
    frontier_title,
    hardware_title,
    map_title,
    near_misses,
    option_title,
    payback_title,
)
from llmplan.report.notes import (
    answer_notes,
    bill_notes,
    curve_notes,
    flip_notes,
    frontier_notes,
    growth_notes,
    hardware_notes,
    map_notes,
    option_notes,
)
from llmplan.report.report import Report
from llmplan.units import UNIT_QUERIES
from llmplan.wording import share, short_volume

MAP_ROWS, OPTION_ROWS, FLIP_ROWS = 7, 7, 6
SEARCHED_LINES = 6
WIDE_ENOUGH = 1.55
"""Width over height from which four cards stand side by side."""
CARD_PT = (18, 18)
MAP_WORDS = {
    Kind.API: "API",
    Kind.HOSTED: "Hosted",
    Kind.SELF_HOSTED: "Self-host",
    Kind.HYBRID: Kind.HYBRID.short,
}
MAP_TINT = 30_000
"""Opacity of a map's colours, in thousandths of a percent."""


def pptx_bytes(
    report: Report,
    template: Path | str | None = None,
    slides: Sequence[str] = (),
    pictures: Sequence[Picture] = (),
) -> bytes:
    """Return the deck as a .pptx file, on the user's template where one is given.

    Parameters
    ----------
    slides: keys of `SLIDES`; none: all. pictures: charts to show before the assumptions.

    Raises InputError for a template that cannot be read, UnknownNameError for a slide that is not known.
    """
    for name in slides:
        if name not in SLIDES:
            raise UnknownNameError("slide", name, SLIDES)
    deck = open_deck(template)
    for name in SLIDES:
        if name == "assumptions":
            _pictures(deck, report, pictures)
        if not slides or name in slides:
            MAKERS[name](deck, report)
    if not len(deck.file.slides):
        _answer(deck, report)
    _stamp(deck, report)
    buffer = io.BytesIO()
    deck.file.save(buffer)
    return buffer.getvalue()


def _stamp(deck: Deck, report: Report) -> None:
    properties = deck.file.core_properties
    properties.title, properties.subject = report.finding, report.stamp
    properties.author, properties.comments = f"llmplan {report.version}", report.stamp
    properties.keywords = f"llmplan, {report.scenario.name}"


def _answer(deck: Deck, report: Report) -> None:
    slide, free = add_slide(deck, report.finding, report.footnote, answer_notes(report))
    if not report.best_places:
        rows = [["Nearest misses", f"{report.money.name} a month", "Why each is out"], *near_misses(report)]
        if len(rows) > 1:
            add_table(slide, free, rows, [3.6, 1.4, 5.0], name="Nearest misses", size=deck.pt(BODY_PT))
        return
    gap = deck.width // 60
    rest = _cards(deck, slide, free, answer_facts(report), gap) + gap
    below = Box(free.left, rest, free.width, free.top + free.height - rest)
    if not is_wide(deck):
        title = "What the cheapest option of each kind costs a month"
        slide, below = add_slide(deck, title, report.footnote, answer_notes(report))
    add_kind_bars(slide, below, report, deck.pt(BODY_PT))


def is_wide(deck: Deck) -> bool:
    """Return whether cards stand side by side with room for bars below."""
    return deck.width >= WIDE_ENOUGH * deck.height


def _cards(deck: Deck, slide: Any, free: Box, cards: list[tuple[str, str]], gap: int) -> int:
    """Place the key figures in one row, on a narrow slide in two; return where they end."""
    rows = 1 if is_wide(deck) else 2
    each = len(cards) // rows
    width = free.row(0, each, gap).width - 2 * CELL_SIDE
    sizes = [deck.pt(size) for size in CARD_PT]
    heights = [
        sum(text_height(text, width, size) for text, size in zip(card, sizes, strict=True)) for card in cards
    ]
    height = max(heights) + 4 * int(CELL_EDGE)
    for number, card in enumerate(cards):
        row, column = divmod(number, each)
        line = Box(free.left, free.top + row * (height + gap), free.width, height)
        _card(slide, line.row(column, each, gap), card, sizes)
    return free.top + rows * height + (rows - 1) * gap


def _card(slide: Any, box: Box, card: tuple[str, str], sizes: list[int]) -> None:
    shape = slide.shapes.add_textbox(Emu(box.left), Emu(box.top), Emu(box.width), Emu(box.height))
    shape.name = card[0]
    tint(shape.fill, MSO_THEME_COLOR.TEXT_1, CARD_TINT)
    frame = shape.text_frame
    frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
    frame.vertical_anchor = MSO_ANCHOR.TOP
    frame.margin_left = frame.margin_right = CELL_SIDE
    frame.margin_top = frame.margin_bottom = CELL_EDGE
    for number, (text, size) in enumerate(zip(card, sizes, strict=True)):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = text
        paragraph.alignment = PP_ALIGN.LEFT
        paragraph.font.size, paragraph.font.bold = Pt(size), number == 1
        paragraph.font.color.theme_color = MSO_THEME_COLOR.TEXT_1


def _curve(deck: Deck, report: Report) -> None:
    if report.envelopes:
        slide, free = add_slide(deck, curve_title(report), report.footnote, curve_notes(report))
        add_cost_chart(slide, free, report, deck.pt(BODY_PT))


def _quality(deck: Deck, report: Report) -> None:
    if report.frontier:
        slide, free = add_slide(deck, frontier_title(report), report.footnote, frontier_notes(report))
        add_frontier(slide, free, report, deck.pt(LEAST_BODY_PT))


def _growth(deck: Deck, report: Report) -> None:
    if report.growth is not None:
        slide, free = add_slide(deck, payback_title(report.growth), report.footnote, growth_notes(report))
        add_growth(slide, free, report, report.growth, deck.pt(BODY_PT))


def _hardware(deck: Deck, report: Report) -> None:
    place = report.comparison.cheapest(Kind.SELF_HOSTED)
    if place is None:
        return
    slide, free = add_slide(deck, hardware_title(report), report.footnote, hardware_notes(report))
    rows = [["What", "Value"], *hardware_rows(report, place)]
    add_table(slide, free, rows, [3.0, 8.0], name="Hardware", size=deck.pt(BODY_PT))


def _pictures(deck: Deck, report: Report, pictures: Sequence[Picture]) -> None:
    """Add a slide for each chart that the reader has chosen, as large as there is room."""
    for each in pictures:
        slide, free = add_slide(deck, each.title, each.footnote or report.stamp, each.alt)
        try:
            shape = slide.shapes.add_picture(io.BytesIO(each.png), Emu(free.left), Emu(free.top))
        except Exception as problem:  # whatever the picture's reader raises
            raise InputError("picture", each.title, "cannot be read", "add the chart again") from problem
        scale = min(free.width / shape.width, free.height / shape.height)
        shape.width, shape.height = int(shape.width * scale), int(shape.height * scale)
        shape.left = free.left + (free.width - shape.width) // 2
        shape._element.nvPicPr.cNvPr.set("descr", each.alt)


def _bill(deck: Deck, report: Report) -> None:
    if not report.bill:
        return
    slide, free = add_slide(deck, bill_title(report), report.footnote, bill_notes(report))
    add_bill(slide, free, report, deck.pt(BODY_PT))


def _map(deck: Deck, report: Report) -> None:
    if not report.map.model_ids:
        return
    slide, free = add_slide(deck, map_title(report), report.footnote, map_notes(report))
    chosen = map_rows(len(report.map.model_ids))
    head = ["Model (quality)", *(f"{short_volume(v)}/day" for v in report.map.queries_per_day)]
    rows = [head, *(_map_texts(report, row) for row in chosen)]
    widths = [2.5, *[1.4] * (len(head) - 1)]
    frame = add_table(slide, free, rows, widths, name="Decision map", size=deck.pt(BODY_PT))
    for line, row in enumerate(chosen, start=1):
        for column in range(len(head) - 1):
            _shade(frame.table.cell(line, column + 1), int(report.map.kind[row, column]))
    describe(frame, f"The cheapest way to get each model's quality, by volume. {map_title(report)}")


def map_rows(count: int) -> list[int]:
    """Return at most MAP_ROWS rows, evenly from the best model to the last."""
    return sorted({int(row) for row in np.linspace(0, count - 1, min(count, MAP_ROWS)).round()})


def _map_texts(report: Report, row: int) -> list[str]:
    quality = share(float(report.map.quality[row]) or None)
    cells = []
    for kind, cost in zip(report.map.kind[row], report.map.monthly_usd[row], strict=True):
        month = report.money.short(float(cost))
        cells.append(f"{MAP_WORDS[list(Kind)[kind]]}\n{month}" if kind >= 0 else "–")
    return [f"{report.catalog.models[report.map.model_ids[row]].name} ({quality})", *cells]


def _shade(cell: Any, kind: int) -> None:
    if kind >= 0:
        tint(cell.fill, ACCENTS[list(Kind)[kind]], MAP_TINT)


def _options(deck: Deck, report: Report) -> None:
    if report.comparison.best is None:
        return
    listed = report.rows(report.shortlist(OPTION_ROWS - 1))
    title = option_title(report, listed)
    slide, free = add_slide(deck, title, report.footnote, option_notes(report))
    head = ["Option", f"{report.money.name} a month", "Low to high", "Per 1,000 queries", "Quality"]
    rows = [head, *(_option_texts(report, row) for row in listed)]
    frame = add_table(slide, free, rows, [5.4, 1.6, 2.6, 1.6, 1.2], name="Options", size=deck.pt(BODY_PT))
    describe(frame, title)


def _option_texts(report: Report, row: Mapping[str, Any]) -> list[str]:
    low, base, high = (report.money.short(float(row[f"monthly_usd_{side}"])) for side in SIDES)
    return [
        row["label"],
        base,
        "–" if low == high else f"{low} to {high}",
        report.money.short(float(row["usd_per_query"]) * UNIT_QUERIES),
        share(row["quality"]),
    ]


def _flips(deck: Deck, report: Report) -> None:
    if report.comparison.best is None:
        return
    slide, free = add_slide(deck, flip_title(report), report.footnote, flip_notes(report))
    rows = [list(FLIP_HEADS), *flip_rows(report)[:FLIP_ROWS]]
    if len(rows) > 1:
        add_table(slide, free, rows, [5.2, 2.2, 5.0], name="Flips", size=deck.pt(BODY_PT))
    else:
        searched = "\n".join(row.sentence for row in report.tipping[:SEARCHED_LINES])
        add_text(slide, free, searched, deck.pt(BODY_PT), name="Searched")


def _assumptions(deck: Deck, report: Report) -> None:
    assumptions = [list(row) for row in assumption_rows(report)]
    _appendix(deck, report, ASSUMPTIONS_TITLE, ASSUMPTION_HEADS, assumptions, [3.0, 3.9, 4.0, 1.4])
    sources = [[row.title, row.kind, row.url or "–", str(row.as_of)] for row in report.sources]
    heads = ("Source", "Kind", "Address", "As of")
    _appendix(deck, report, SOURCES_TITLE, heads, sources, [4.2, 1.4, 5.0, 1.4])


def _appendix(
    deck: Deck, report: Report, title: str, head: tuple[str, ...], rows: list[list[str]], widths: list[float]
) -> None:
    """Add a table for reference, on as many slides as its rows need."""
    number = 1
    while rows:
        more = f" (continued, {number})" if number > 1 else ""
        slide, free = add_slide(deck, f"{title}{more}", report.stamp)
        part = [list(head), *rows]
        frame = add_table(slide, free, part, widths, name=title, size=deck.pt(LEAST_BODY_PT), least=True)
        rows, number = rows[len(frame.table.rows) - 1 :], number + 1


MAKERS: dict[str, Callable[[Deck, Report], None]] = {
    "answer": _answer,
    "cost": _curve,
    "quality": _quality,
    "bill": _bill,
    "map": _map,
    "options": _options,
    "risk": _flips,
    "growth": _growth,
    "hardware": _hardware,
    "assumptions": _assumptions,
}
"""What makes the slides of each key."""
