"""A presentation's paper: opening a template, finding layouts, placing text and tables."""

from __future__ import annotations

import io
import re
import textwrap
import zipfile
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Emu, Inches, Pt

from llmplan.charts.palette import light
from llmplan.errors import InputError

WIDE = (Inches(13.333), Inches(7.5))
"""16:9."""
TITLE_PT, BODY_PT, LEAST_BODY_PT, FOOTNOTE_PT = 28, 18, 14, 11
LEAST_TITLE_PT, LEAST_PT, TITLE_LINES = 18, 7, 2
SURE = 0.94
"""Share of a slide's free height that rows may fill by estimate: some programs draw them higher."""
GLYPH, BOLD_GLYPH, LEADING = 0.56, 0.64, 1.2
"""Mean width of a letter and height of a line, as shares of the type's size; wide typefaces reach this."""
TEMPLATE_TYPE = "presentationml.template.main+xml"
DECK_TYPE = "presentationml.presentation.main+xml"
CELL_SIDE, CELL_EDGE, INSET = Inches(0.08), Inches(0.03), Inches(0.05)
HEAD_TINT, BAND_TINTS, CARD_TINT = 40_000, (4_000, 14_000), 6_000
"""Opacity of fills, in thousandths of a percent."""
LONGEST_WORD = 16
INK = RGBColor.from_string(light("@ink").removeprefix("#"))
THEME_SERIES = ("@1", "@2", "@3", "@4", "@8", "@6")
"""A theme's six accents: the kinds of options in their order, then two neutral ones."""


@dataclass(frozen=True)
class Deck:
    """A presentation that is being written, and whether its looks are the user's own."""

    file: Any
    own_template: bool

    @property
    def width(self) -> int:
        return int(self.file.slide_width)

    @property
    def height(self) -> int:
        return int(self.file.slide_height)

    def pt(self, size: float) -> int:
        """Return a type's size on this slide: smaller paper is shown as large, with smaller type."""
        return max(LEAST_PT, round(size * min(1.0, min(self.width, self.height) / int(WIDE[1]))))


@dataclass(frozen=True)
class Box:
    """A place on a slide in EMU."""

    left: int
    top: int
    width: int
    height: int

    def row(self, number: int, of: int, gap: int) -> Box:
        """Return one of `of` equal cells side by side."""
        width = (self.width - gap * (of - 1)) // of
        return Box(self.left + number * (width + gap), self.top, width, self.height)


def open_deck(template: Path | str | None) -> Deck:
    """Return an empty 16:9 presentation, or the user's template without its sample slides.

    Raises InputError for a file that is no PowerPoint presentation or template.
    """
    if template is None:
        return Deck(_plain_deck(), own_template=False)
    path = Path(template)
    if not path.is_file():
        raise InputError("--template", str(template), "no such file", "give a path to a .pptx or .potx file")
    try:
        deck = Presentation(io.BytesIO(_as_deck(path.read_bytes())))
        _drop_slides(deck)
        layouts = list(deck.slide_layouts)
    except Exception as error:  # python-pptx raises whatever its XML and ZIP readers raise
        raise InputError("--template", str(template), "is no PowerPoint file", "save it as .pptx") from error
    if not layouts:
        raise InputError("--template", str(template), "has no slide layout", "add a layout with a title")
    return Deck(deck, own_template=True)


def _as_deck(content: bytes) -> bytes:
    """Return a .potx as the .pptx it is but for one content type; a .pptx comes back as it was."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        types = source.read("[Content_Types].xml").decode()
        if TEMPLATE_TYPE not in types:
            return content
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
            for item in source.infolist():
                data = source.read(item)
                if item.filename == "[Content_Types].xml":
                    data = types.replace(TEMPLATE_TYPE, DECK_TYPE).encode()
                target.writestr(item.filename, data)
    return buffer.getvalue()


def _drop_slides(deck: Any) -> None:
    listed = deck.slides._sldIdLst
    for entry in list(listed):
        deck.part.drop_rel(entry.rId)
        listed.remove(entry)


def _plain_deck() -> Any:
    deck = Presentation()
    scale = WIDE[0] / deck.slide_width
    deck.slide_width, deck.slide_height = WIDE
    for sheet in [deck.slide_master, *deck.slide_layouts]:
        for shape in sheet.placeholders:
            if shape._element.spPr.find(qn("a:xfrm")) is not None:
                shape.left, shape.width = int(shape.left * scale), int(shape.width * scale)
    _colour_theme(deck)
    return deck


def _colour_theme(deck: Any) -> None:
    """Put our palette into the theme, so that charts and tables are edited with it."""
    part = next(
        rel.target_part for rel in deck.slide_master.part.rels.values() if rel.reltype.endswith("/theme")
    )
    theme = part.blob.decode()
    for number, series in enumerate(THEME_SERIES, start=1):
        pattern = rf"(<a:accent{number}>).*?(</a:accent{number}>)"
        colour = light(series).removeprefix("#")
        theme = re.sub(pattern, rf'\g<1><a:srgbClr val="{colour}"/>\g<2>', theme, flags=re.DOTALL)
    part._blob = theme.encode()


TITLES = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE)
FURNITURE = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)


def title_layout(deck: Any) -> Any:
    """Return the layout that has a title and the least besides it; the barest one where none has a title."""

    def others(layout: Any) -> tuple[bool, int]:
        kinds = [shape.placeholder_format.type for shape in layout.placeholders]
        plain = PP_PLACEHOLDER.TITLE in kinds
        return (not plain, sum(kind not in (*TITLES, *FURNITURE) for kind in kinds))

    return min(deck.slide_layouts, key=others)


def add_slide(deck: Deck, title: str, footnote: str, notes: str = "") -> tuple[Any, Box]:
    """Add a slide with the finding as its title, a footnote and speaker's notes; return it and the free box."""
    slide = deck.file.slides.add_slide(title_layout(deck.file))
    margin = deck.width // 24
    shape = slide.shapes.title
    for placeholder in list(slide.placeholders):
        if shape is None or placeholder.shape_id != shape.shape_id:
            placeholder._element.getparent().remove(placeholder._element)
    if shape is None:
        shape = slide.shapes.add_textbox(margin, margin // 2, deck.width - 2 * margin, deck.height // 6)
    top = _place_title(deck, shape, title, margin)
    width = deck.width - 2 * margin
    foot_pt = deck.pt(FOOTNOTE_PT)
    foot_height = text_height(footnote, width - margin // 2, foot_pt) + 2 * INSET
    foot = Box(margin, deck.height - foot_height - margin // 8, width, foot_height)
    add_text(slide, foot, footnote, foot_pt, name="Footnote", grey=True)
    if notes:
        slide.notes_slide.notes_text_frame.text = notes
    return slide, Box(margin, top, width, foot.top - top - margin // 8)


def _title_height(shape: Any, size: int) -> int:
    """Return the height in EMU that a title may take: its place's, of so many lines at most."""
    return min(int(shape.height), int(TITLE_LINES * LEADING * Pt(size)))


def _place_title(deck: Deck, shape: Any, title: str, margin: int) -> int:
    """Set the title; return where the body may begin. A template's own place is kept when on top."""
    bottom = int(shape.top + shape.height)
    if not (deck.own_template and 0 < bottom <= deck.height * 0.35):
        shape.left, shape.top, shape.width = margin, margin // 3, deck.width - 2 * margin
        shape.height = int(deck.height * 0.15)
        bottom = int(shape.top + shape.height)
    frame = shape.text_frame
    frame.text = title
    frame.word_wrap = True
    frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    paragraph = frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.LEFT
    sizes = [deck.pt(size) for size in range(TITLE_PT, LEAST_TITLE_PT - 1, -2)]
    width = shape.width - margin // 2
    fits = (
        size for size in sizes if text_height(title, width, size, BOLD_GLYPH) <= _title_height(shape, size)
    )
    paragraph.font.size = Pt(next(fits, sizes[-1]))
    if not deck.own_template:
        paragraph.font.bold = True
        paragraph.font.color.rgb = INK
    return bottom + margin // 4


def text_height(text: str, width: int, size: int, glyph: float = GLYPH) -> int:
    """Return the height in EMU that a text needs at most, wrapped at a width in EMU.

    A word longer than a line, an address, is broken where its parts end, which takes a line more.
    """
    a_line = max(1, int(width / (glyph * Pt(size))))
    lines = sum(len(textwrap.wrap(part, a_line)) or 1 for part in text.split("\n"))
    lines += sum(len(word) > a_line for word in text.split())
    return int(lines * LEADING * Pt(size))


def add_text(slide: Any, box: Box, text: str, size: int, *, name: str, grey: bool = False) -> Any:
    """Add a text box; lines are paragraphs."""
    shape = slide.shapes.add_textbox(Emu(box.left), Emu(box.top), Emu(box.width), Emu(box.height))
    shape.name = name
    frame = shape.text_frame
    frame.word_wrap = True
    for number, line in enumerate(text.split("\n")):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = line
        paragraph.font.size = Pt(size)
        paragraph.font.bold = False
        if grey:
            paragraph.font.color.theme_color = MSO_THEME_COLOR.TEXT_1
            paragraph.font.color.brightness = 0.35
    return shape


def add_table(
    slide: Any,
    box: Box,
    rows: list[list[str]],
    widths: list[float],
    *,
    name: str,
    size: int,
    least: bool = False,
) -> Any:
    """Add a table, its first row the head; `widths` are relative.

    Text shrinks to what can be read on a slide (`least`: `size` is that already); rows for which that leaves no
    room are left out, the last first.
    """
    columns = [int(box.width * width / sum(widths)) for width in widths]
    smallest = size if least else max(LEAST_PT, round(size * LEAST_BODY_PT / BODY_PT))
    count, size, heights = rows_that_fit(rows, columns, box.height, size, smallest)
    rows = rows[:count]
    frame = slide.shapes.add_table(
        len(rows), len(rows[0]), Emu(box.left), Emu(box.top), Emu(box.width), Emu(sum(heights))
    )
    frame.name = name
    for column, width in zip(frame.table.columns, columns, strict=True):
        column.width = Emu(width)
    for number, (row, height, texts) in enumerate(zip(frame.table.rows, heights, rows, strict=True)):
        row.height = Emu(height)
        for cell, text in zip(row.cells, texts, strict=True):
            fill_cell(cell, text, size)
            tint(cell.fill, MSO_THEME_COLOR.ACCENT_1, HEAD_TINT if number == 0 else BAND_TINTS[number % 2])
    return frame


def rows_that_fit(
    rows: list[list[str]], columns: list[int], height: int, size: int, least: int
) -> tuple[int, int, list[int]]:
    """Return how many rows have room at the least size, and then their size and heights."""
    heights = [_row_height(row, columns, least) for row in rows]
    count = max(2, sum(top <= SURE * height for top in accumulate(heights)))
    size, heights = fitted(rows[:count], columns, height, size)
    return count, size, heights


def fitted(rows: list[list[str]], columns: list[int], height: int, size: int) -> tuple[int, list[int]]:
    """Return the largest type up to `size` at which the rows fit into a height, and the rows' heights."""
    while True:
        heights = [_row_height(row, columns, size) for row in rows]
        whole = all(_has_room(row, columns, size) for row in rows)
        if (whole and sum(heights) <= height) or size <= LEAST_PT:
            airy = min(int(Pt(size) * 0.8), max(0, (height - sum(heights)) // len(rows)))
            return size, [each + airy for each in heights]
        size -= 1


def _has_room(row: list[str], columns: list[int], size: int) -> bool:
    """Say whether every word of a row stands in its column unbroken; addresses may be broken."""
    for text, width in zip(row, columns, strict=True):
        longest = max((len(word) for word in text.split() if len(word) <= LONGEST_WORD), default=0)
        if longest * GLYPH * Pt(size) > width - 2 * CELL_SIDE:
            return False
    return True


def _row_height(row: list[str], columns: list[int], size: int) -> int:
    tallest = max(
        text_height(text, width - 2 * CELL_SIDE, size) for text, width in zip(row, columns, strict=True)
    )
    return tallest + 2 * int(CELL_EDGE)


def fill_cell(cell: Any, text: str, size: int) -> None:
    """Write a cell with small margins, in the middle."""
    cell.text = text
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    cell.margin_left = cell.margin_right = CELL_SIDE
    cell.margin_top = cell.margin_bottom = CELL_EDGE
    for paragraph in cell.text_frame.paragraphs:
        paragraph.font.size = Pt(size)
        paragraph.font.color.theme_color = MSO_THEME_COLOR.TEXT_1


def tint(fill: Any, theme_color: Any, opacity: int) -> None:
    """Fill with a theme's colour, see-through, so that its text colour stays readable on light and dark."""
    fill.solid()
    fill.fore_color.theme_color = theme_color
    colour = fill._xPr.find(".//" + qn("a:schemeClr"))
    colour.append(parse_xml(f'<a:alpha {nsdecls("a")} val="{opacity}"/>'))


def describe(frame: Any, text: str) -> None:
    """Give a chart or table the text that screen readers say."""
    frame._element.nvGraphicFramePr.cNvPr.set("descr", text)
