"""A presentation's paper: opening a template, finding layouts, placing text and tables."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Emu, Inches, Pt

from llmplan.errors import InputError
from llmplan.export.palette import ACCENTS

WIDE = (Inches(13.333), Inches(7.5))
"""16:9."""
TITLE_PT, BODY_PT, TABLE_PT, FOOTNOTE_PT = 28, 18, 14, 11
LONG_TITLE, LEAST_TABLE_PT = 90, 10
TEMPLATE_TYPE = "presentationml.template.main+xml"
DECK_TYPE = "presentationml.presentation.main+xml"
INK = RGBColor(0x1F, 0x29, 0x33)


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
        raise InputError(
            "--template", str(template), f"is no PowerPoint file ({type(error).__name__})", "save it as .pptx"
        ) from error
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
    for number, colour in enumerate(ACCENTS, start=1):
        pattern = rf"(<a:accent{number}>).*?(</a:accent{number}>)"
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


def add_slide(deck: Deck, title: str, footnote: str) -> tuple[Any, Box]:
    """Add a slide with the finding as its title and a footnote; return it and the free box between."""
    slide = deck.file.slides.add_slide(title_layout(deck.file))
    margin = deck.width // 24
    shape = slide.shapes.title
    for placeholder in list(slide.placeholders):
        if shape is None or placeholder.shape_id != shape.shape_id:
            placeholder._element.getparent().remove(placeholder._element)
    if shape is None:
        shape = slide.shapes.add_textbox(margin, margin // 2, deck.width - 2 * margin, deck.height // 6)
    top = _place_title(deck, shape, title, margin)
    foot_top = int(deck.height * 0.925)
    free = Box(margin, top, deck.width - 2 * margin, foot_top - top - margin // 8)
    foot = Box(margin, foot_top, free.width, int(deck.height * 0.06))
    add_text(slide, foot, footnote, FOOTNOTE_PT, name="Footnote", grey=True)
    return slide, free


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
    paragraph.font.size = Pt(TITLE_PT if len(title) <= LONG_TITLE else TITLE_PT - 4)
    if not deck.own_template:
        paragraph.font.bold = True
        paragraph.font.color.rgb = INK
    return bottom + margin // 4


def add_text(
    slide: Any, box: Box, text: str, size: int, *, name: str, bold: bool = False, grey: bool = False
) -> Any:
    """Add a text box; lines are paragraphs."""
    shape = slide.shapes.add_textbox(Emu(box.left), Emu(box.top), Emu(box.width), Emu(box.height))
    shape.name = name
    frame = shape.text_frame
    frame.word_wrap = True
    for number, line in enumerate(text.split("\n")):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = line
        paragraph.font.size = Pt(size)
        paragraph.font.bold = bold
        if grey:
            paragraph.font.color.theme_color = MSO_THEME_COLOR.TEXT_1
            paragraph.font.color.brightness = 0.35
    return shape


def add_table(
    slide: Any, box: Box, rows: list[list[str]], widths: list[float], *, name: str, size: int = TABLE_PT
) -> Any:
    """Add a table, its first row the head; `widths` are relative. Text shrinks a little on narrow slides."""
    size = max(LEAST_TABLE_PT, round(size * min(1.0, box.width / (WIDE[0] * 11 / 12))))
    frame = slide.shapes.add_table(
        len(rows), len(rows[0]), Emu(box.left), Emu(box.top), Emu(box.width), Emu(1)
    )
    frame.name = name
    for column, width in zip(frame.table.columns, widths, strict=True):
        column.width = Emu(int(box.width * width / sum(widths)))
    height = min(box.height // len(rows), int(Pt(size) * 3.2))
    for row, texts in zip(frame.table.rows, rows, strict=True):
        row.height = Emu(height)
        for cell, text in zip(row.cells, texts, strict=True):
            fill_cell(cell, text, size)
    return frame


def fill_cell(cell: Any, text: str, size: int) -> None:
    """Write a cell with small margins, in the middle."""
    cell.text = text
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    cell.margin_left = cell.margin_right = Inches(0.08)
    cell.margin_top = cell.margin_bottom = Inches(0.02)
    for paragraph in cell.text_frame.paragraphs:
        paragraph.font.size = Pt(size)


def describe(frame: Any, text: str) -> None:
    """Give a chart or table the text that screen readers say."""
    frame._element.nvGraphicFramePr.cNvPr.set("descr", text)
