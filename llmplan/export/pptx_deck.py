"""The deck: answer, cost curve, decision map, options, assumptions; native charts, footnotes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import PP_ALIGN
from pptx.util import Emu, Pt

from llmplan.export.assumptions import assumption_rows
from llmplan.export.headlines import (
    UNIT_QUERIES,
    curve_title,
    flip_rows,
    flip_title,
    kpi_cards,
    map_title,
    near_misses,
)
from llmplan.export.pptx_charts import ACCENTS, add_cost_chart, add_kind_bars
from llmplan.export.pptx_parts import (
    BODY_PT,
    TABLE_PT,
    Box,
    Deck,
    add_slide,
    add_table,
    add_text,
    describe,
    open_deck,
)
from llmplan.export.report import Report
from llmplan.wording import kind_name, milliseconds, parameters, share, short_volume, usd

MAP_ROWS = OPTION_ROWS = FLIP_ROWS = 8
SEARCHED_LINES = 6
ASSUMPTIONS_A_SLIDE = 8
SOURCES_A_SLIDE = 9
SMALL_TABLE_PT = 12
WIDE_ENOUGH = 1.55
"""Width over height from which four cards stand side by side."""
CARD_SHARE = 0.3
MAP_KINDS = {0: "api", 1: "hosted", 2: "self_hosted"}
MAP_WORDS = {0: "API", 1: "Hosted", 2: "Self-host"}


def pptx_bytes(report: Report, template: Path | str | None = None) -> bytes:
    """Return the deck as a .pptx file, on the user's template where one is given.

    Raises InputError for a template that cannot be read.
    """
    deck = open_deck(template)
    _answer(deck, report)
    if report.curve_places:
        _curve(deck, report)
    if report.map.model_ids:
        _map(deck, report)
    if report.comparison.order or report.hybrids:
        _options(deck, report)
    if report.comparison.order:
        _flips(deck, report)
    _assumptions(deck, report)
    _sources(deck, report)
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
    slide, free = add_slide(deck, report.finding, report.stamp)
    gap = deck.width // 60
    rest = _cards(deck, slide, free, kpi_cards(report), gap) + gap
    below = Box(free.left, rest, free.width, free.top + free.height - rest)
    if report.curve_places and not is_wide(deck):
        slide, below = add_slide(deck, "What the cheapest option of each kind costs a month", report.stamp)
    if report.curve_places:
        add_kind_bars(slide, below, report)
    elif misses := near_misses(report):
        rows = [["Nearest miss", "USD a month", "Why it is out"], *misses]
        add_table(slide, below, rows, [3.2, 1.2, 5.0], name="Nearest misses", size=SMALL_TABLE_PT)


def is_wide(deck: Deck) -> bool:
    """Return whether cards stand side by side with room for bars below."""
    return deck.width >= WIDE_ENOUGH * deck.height


def _cards(deck: Deck, slide: Any, free: Box, cards: list[tuple[str, str, str]], gap: int) -> int:
    """Place the key figures in one row, on a narrow slide in two; return where they end."""
    rows = 1 if is_wide(deck) else 2
    height = int(free.height * CARD_SHARE)
    each = len(cards) // rows
    for number, (head, figure, note) in enumerate(cards):
        row, column = divmod(number, each)
        line = Box(free.left, free.top + row * (height + gap), free.width, height)
        _card(slide, line.row(column, each, gap), head, figure, note)
    return free.top + rows * height + (rows - 1) * gap


def _card(slide: Any, box: Box, head: str, figure: str, note: str) -> None:
    shape = slide.shapes.add_shape(
        MSO_SHAPE.RECTANGLE, Emu(box.left), Emu(box.top), Emu(box.width), Emu(box.height)
    )
    shape.name = head
    shape.shadow.inherit = False
    shape.fill.solid()
    shape.fill.fore_color.theme_color = MSO_THEME_COLOR.BACKGROUND_1
    shape.fill.fore_color.brightness = -0.05
    shape.line.fill.background()
    frame = shape.text_frame
    frame.word_wrap = True
    for number, (text, size, bold) in enumerate(((head, 18, False), (figure, 24, True), (note, 18, False))):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = text
        paragraph.alignment = PP_ALIGN.LEFT
        paragraph.font.size, paragraph.font.bold = Pt(size), bold
        paragraph.font.color.theme_color = MSO_THEME_COLOR.TEXT_1


def _curve(deck: Deck, report: Report) -> None:
    slide, free = add_slide(deck, curve_title(report), f"{report.stamp} · dotted: low, high")
    add_cost_chart(slide, free, report)


def _map(deck: Deck, report: Report) -> None:
    slide, free = add_slide(deck, map_title(report), report.stamp)
    chosen = map_rows(len(report.map.model_ids))
    head = ["Model (parameters)", *(f"{short_volume(v)}/day" for v in report.map.queries_per_day)]
    rows = [head, *(_map_texts(report, row) for row in chosen)]
    frame = add_table(slide, free, rows, [2.8, *[1.4] * (len(head) - 1)], name="Decision map")
    for line, row in enumerate(chosen, start=1):
        for column in range(len(head) - 1):
            _shade(frame.table.cell(line, column + 1), int(report.map.kind[row, column]))
    describe(frame, f"The cheapest way to get each model's quality, by volume. {map_title(report)}")


def map_rows(count: int) -> list[int]:
    """Return at most MAP_ROWS rows, evenly over the model sizes."""
    return sorted({int(row) for row in np.linspace(0, count - 1, min(count, MAP_ROWS)).round()})


def _map_texts(report: Report, row: int) -> list[str]:
    size = parameters(float(report.map.total_params_b[row]))
    cells = []
    for kind, cost in zip(report.map.kind[row], report.map.monthly_usd[row], strict=True):
        cells.append(f"{MAP_WORDS[int(kind)]}\n{usd(float(cost))}" if int(kind) in MAP_WORDS else "–")
    return [f"{report.map.model_ids[row]} ({size})", *cells]


def _shade(cell: Any, kind: int) -> None:
    if kind in MAP_KINDS:
        cell.fill.solid()
        cell.fill.fore_color.theme_color = ACCENTS[MAP_KINDS[kind]]
        cell.fill.fore_color.brightness = 0.7


def _options(deck: Deck, report: Report) -> None:
    feasible, every = len(report.comparison.order), len(report.comparison.options)
    title = f"{feasible:,} of {every:,} options meet the scenario; the cheapest of each kind and model"
    slide, free = add_slide(deck, title, report.stamp)
    head = ["Option", "Kind", "USD a month", "Low to high", "Per 1,000 queries", "Quality", "TTFT", "TPOT"]
    rows = [head, *(_option_texts(row) for row in report.rows(report.shortlist(OPTION_ROWS - 1)))]
    frame = add_table(
        slide, free, rows, [4.2, 2.2, 1.2, 2.0, 1.3, 1.0, 1.0, 1.0], name="Options", size=SMALL_TABLE_PT + 1
    )
    describe(frame, title)


def _option_texts(row: Mapping[str, Any]) -> list[str]:
    low, base, high = (float(row[f"monthly_usd_{side}"]) for side in ("low", "base", "high"))
    return [
        row["label"],
        kind_name(row["kind"]),
        usd(base),
        "–" if low == high else f"{usd(low)} to {usd(high)}",
        usd(float(row["usd_per_query"]) * UNIT_QUERIES),
        share(row["quality"]),
        milliseconds(row.get("ttft_ms")),
        milliseconds(row.get("tpot_ms")),
    ]


def _flips(deck: Deck, report: Report) -> None:
    slide, free = add_slide(deck, flip_title(report), f"{report.stamp} · one at a time")
    rows = [["Input", "Today", "Flips at", "Then the answer is"], *flip_rows(report)[:FLIP_ROWS]]
    if len(rows) > 1:
        add_table(slide, free, rows, [3.2, 2.0, 2.4, 4.4], name="Flips", size=TABLE_PT)
    else:
        searched = "\n".join(row.sentence for row in report.tipping[:SEARCHED_LINES])
        add_text(slide, free, searched, BODY_PT, name="Searched")


def _assumptions(deck: Deck, report: Report) -> None:
    rows = assumption_rows(report)
    size = -(-len(rows) // -(-len(rows) // ASSUMPTIONS_A_SLIDE))  # slides as few, and as even, as can be
    pages = [rows[start : start + size] for start in range(0, len(rows), size)]
    for number, page in enumerate(pages, start=1):
        title = "What the answer rests on" + (f" ({number} of {len(pages)})" if len(pages) > 1 else "")
        slide, free = add_slide(deck, title, report.stamp)
        texts = [["Assumption", "Value", "Source", "As of"], *(list(row) for row in page)]
        add_table(slide, free, texts, [3.0, 3.9, 4.0, 1.4], name="Assumptions", size=SMALL_TABLE_PT)


def _sources(deck: Deck, report: Report) -> None:
    if not report.sources:
        return
    shown, every = report.sources[:SOURCES_A_SLIDE], len(report.sources)
    more = f" ({len(shown)} of {every}; all of them are in the workbook)" if every > len(shown) else ""
    slide, free = add_slide(deck, f"Sources{more}", report.stamp)
    rows = [["Source", "Kind", "Address", "As of"]]
    rows += [[row.title, row.kind, row.url or "–", str(row.as_of)] for row in shown]
    add_table(slide, free, rows, [4.2, 1.4, 5.0, 1.4], name="Sources", size=SMALL_TABLE_PT)
