"""Cost over volume as a native PowerPoint chart: lines with bands on log axes, and a tidy sheet behind."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
import xlsxwriter
from pptx.chart.data import XyChartData
from pptx.enum.chart import (
    XL_AXIS_CROSSES,
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.dml import MSO_LINE_DASH_STYLE, MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Pt
from xlsxwriter.utility import xl_col_to_name

from llmplan.arrays import Floats
from llmplan.export.number_formats import VOLUME, ticks
from llmplan.export.pptx_charts import ACCENTS, add_chart, legend_below, place
from llmplan.export.pptx_parts import Box, describe
from llmplan.report.report import Report

SHEET, TODAY = "Sheet1", "today"
BAND_ALPHA = 25_000
"""Opacity of a band, in thousandths of a percent."""
LEFT, RIGHT, ABOVE, BELOW = 6.4, 1.6, 1.8, 4.0
"""Room around the plot for labels and names, in heights of the type."""
LEGEND_LEADING, LEAST_PLOT = 1.4, 0.3
"""Height of a legend's row over its type's size; the least share of a chart that its plot keeps."""
DASHES = {"hosted": MSO_LINE_DASH_STYLE.LONG_DASH, "hybrid": MSO_LINE_DASH_STYLE.DASH_DOT}
SECOND_DASH = MSO_LINE_DASH_STYLE.DASH
"""A second line of a kind."""


class Line(NamedTuple):
    """One option's line: its name, kind, and costs (low, base, high) over the volumes."""

    name: str
    kind: str
    low: Floats
    base: Floats
    high: Floats

    @property
    def is_range(self) -> bool:
        return not np.array_equal(self.low, self.high)


def add_cost_chart(slide: Any, box: Box, report: Report, size: int) -> Any:
    """Add monthly cost over volume: a line an option, its band from low to high, today's volume marked.

    Its type has `size` points.
    """
    lines = cost_lines(report)
    volumes = report.curves.queries_per_day
    today = report.scenario.queries_per_day
    ends = _decades([line.low for line in lines] + [line.high for line in lines])
    data = XyChartData(number_format="#,##0.00")
    for line in lines:
        _add_series(data, line.name, volumes, line.base)
    _add_series(data, TODAY, (today, today), ends)
    frame = add_chart(slide, box, XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, data)
    legend_below(frame.chart, size)
    series = list(frame.chart.plots[0].series)
    seen: set[str] = set()
    for one, line in zip(series, lines, strict=False):
        _style_line(one, line.kind, is_second=line.kind in seen)
        seen.add(line.kind)
    _mark_today(series[-1], len(lines), frame.chart, size)
    _cost_axes(frame.chart, report, ends, size)
    width = _make_room(frame.chart, box, size, len(lines))
    _put_sheet(frame.chart, lines, volumes, (today, ends), stroke=width // len(volumes))
    describe(frame, f"Monthly cost over queries a day, both on logarithmic axes. {report.finding}")
    return frame


def cost_lines(report: Report) -> list[Line]:
    """Return the lines that a logarithmic axis can show: those that cost something at every volume."""
    found = []
    for number, item in enumerate(report.curves.options.items):
        sides = report.money.of(report.curves.monthly_usd[:, number])
        if np.all(np.isfinite(sides) & (sides > 0)):
            found.append(Line(item.label, item.kind, *sides))
    return found


def _add_series(data: Any, name: str, xs: Any, ys: Any) -> None:
    series = data.add_series(name)
    for x, y in zip(xs, ys, strict=True):
        series.add_data_point(float(x), float(y))


def _decades(values: Any) -> tuple[float, float]:
    """Return the powers of ten around positive values: what a logarithmic axis may begin and end at."""
    drawn = np.concatenate([np.ravel(each) for each in values]) if len(values) else np.array([1.0, 10.0])
    return float(10 ** np.floor(np.log10(drawn.min()))), float(10 ** np.ceil(np.log10(drawn.max())))


def _style_line(series: Any, kind: str, *, is_second: bool) -> None:
    series.smooth = False
    series.marker.style = XL_MARKER_STYLE.NONE
    line = series.format.line
    line.width = Pt(3)
    line.color.theme_color = ACCENTS.get(kind, MSO_THEME_COLOR.ACCENT_5)
    line.dash_style = SECOND_DASH if is_second else DASHES.get(kind, MSO_LINE_DASH_STYLE.SOLID)


def _mark_today(series: Any, hidden: int, chart: Any, size: int) -> None:
    """Draw today's volume as an upright line that says so itself, and keep it out of the legend."""
    series.smooth = False
    series.marker.style = XL_MARKER_STYLE.NONE
    line = series.format.line
    line.color.theme_color = MSO_THEME_COLOR.TEXT_1
    line.dash_style = MSO_LINE_DASH_STYLE.SQUARE_DOT
    line.width = Pt(1.75)
    label = series.points[1].data_label
    label.position = XL_LABEL_POSITION.ABOVE
    label.font.size = Pt(size)
    for name, shown in (("showSerName", "1"), ("showVal", "0"), ("showLegendKey", "0")):
        label._dLbl.find(f"{{*}}{name}").set("val", shown)
    entry = f'<c:legendEntry {nsdecls("c")}><c:idx val="{hidden}"/><c:delete val="1"/></c:legendEntry>'
    chart.legend._element.find("{*}legendPos").addnext(parse_xml(entry))


def _cost_axes(chart: Any, report: Report, ends: tuple[float, float], size: int) -> None:
    horizontal, vertical = chart.category_axis, chart.value_axis
    horizontal.minimum_scale, horizontal.maximum_scale = _decades([report.curves.queries_per_day])
    vertical.minimum_scale, vertical.maximum_scale = ends
    for axis, text, number_format in (
        (horizontal, "Queries a day", VOLUME),
        (vertical, f"{report.money.name} a month", ticks(report.money, ends[0])),
    ):
        make_logarithmic(axis)
        axis.crosses = XL_AXIS_CROSSES.MINIMUM
        axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = number_format, False
        axis.tick_labels.font.size = Pt(size)
        axis.has_major_gridlines = True
        axis.major_gridlines.format.line.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1
        axis.major_gridlines.format.line.color.brightness = -0.15
        axis.has_title = True
        axis.axis_title.text_frame.text = text
        font = axis.axis_title.text_frame.paragraphs[0].font
        font.size, font.bold = Pt(size), False


def make_logarithmic(axis: Any) -> None:
    """Set base 10; the schema wants it first inside c:scaling, and python-pptx has no call for it."""
    scaling = axis._element.scaling
    scaling.insert(0, parse_xml(f'<c:logBase {nsdecls("c")} val="10"/>'))


def _make_room(chart: Any, box: Box, size: int, entries: int) -> int:
    """Give the plot what labels and a legend of so many rows leave of the box; return its width in EMU."""
    space, em = chart._chartSpace.chart, Pt(size)
    left, top = LEFT * em / box.width, ABOVE * em / box.height
    width = 1 - left - RIGHT * em / box.width
    legend = (entries + 0.5) * LEGEND_LEADING * em / box.height
    height = max(LEAST_PLOT, 1 - top - BELOW * em / box.height - legend)
    place(space.plotArea, "inner", left, top, width, height)
    place(space.find("{*}legend"), "", 0.02, 1 - legend, 0.96, legend)
    return int(width * box.width)


def _put_sheet(
    chart: Any,
    lines: list[Line],
    volumes: Any,
    today: tuple[float, tuple[float, float]],
    stroke: int,
) -> None:
    """Put one table behind the chart, a row a volume, and tie lines and bands to its columns."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet(SHEET)
    money = book.add_format({"num_format": "#,##0.00"})
    sheet.set_column(0, 5 * len(lines) + 2, 18)
    sheet.write_string(0, 0, "Queries a day")
    sheet.write_column(1, 0, volumes)
    banded: set[str] = set()
    count, column = len(volumes), 1
    elements = [one._element for one in chart.plots[0].series]
    for element, line in zip(elements, lines, strict=False):
        _tie(element, 0, column, count)
        sheet.write_string(0, column, line.name)
        sheet.write_column(1, column, line.base, money)
        column += 1
        if line.is_range:
            _write_range(sheet, column, line, money)
            if line.kind not in banded:  # two bands of one colour would hide each other
                _add_band(element, line, column + 2, count, stroke)
                banded.add(line.kind)
            column += 4
    _tie(elements[-1], column, column + 1, 2)
    sheet.write_string(0, column + 1, TODAY)
    sheet.write_column(1, column, (today[0], today[0]))
    sheet.write_column(1, column + 1, today[1], money)
    sheet.freeze_panes(1, 1)
    book.close()
    chart.part.chart_workbook.update_from_xlsx_blob(buffer.getvalue())


def _write_range(sheet: Any, column: int, line: Line, money: Any) -> None:
    """Write low and high, then live: how far they lie from the base in the column before."""
    heads = ("low", "high", "base less low", "high less base")
    for offset, head in enumerate(heads):
        sheet.write_string(0, column + offset, f"{line.name}, {head}")
    sheet.write_column(1, column, line.low, money)
    sheet.write_column(1, column + 1, line.high, money)
    base, low, high = (xl_col_to_name(place) for place in (column - 1, column, column + 1))
    for row, (less, more) in enumerate(zip(line.base - line.low, line.high - line.base, strict=True), 1):
        sheet.write_formula(row, column + 2, f"={base}{row + 1}-{low}{row + 1}", money, less)
        sheet.write_formula(row, column + 3, f"={high}{row + 1}-{base}{row + 1}", money, more)


def _tie(element: Any, xs: int, ys: int, count: int) -> None:
    """Let a series read its name, volumes and costs from the sheet's columns."""
    name, x_values, y_values = element.findall(".//{*}f")
    name.text = f"{SHEET}!${xl_col_to_name(ys)}$1"
    x_values.text, y_values.text = _span(xs, count), _span(ys, count)


def _span(column: int, count: int) -> str:
    letters = xl_col_to_name(column)
    return f"{SHEET}!${letters}$2:${letters}${count + 1}"


def _add_band(element: Any, line: Line, column: int, count: int, stroke: int) -> None:
    """Add error bars as wide as the volumes are apart: together they are the band from low to high."""
    accent = f"accent{list(ACCENTS).index(line.kind) + 1}" if line.kind in ACCENTS else "accent5"
    minus, plus = (
        f"<c:{side}><c:numRef><c:f>{_span(column + number, count)}</c:f>{_cache(values)}</c:numRef></c:{side}>"
        for number, (side, values) in enumerate(
            (("minus", line.base - line.low), ("plus", line.high - line.base))
        )
    )
    bars = (
        f'<c:errBars {nsdecls("c", "a")}><c:errDir val="y"/><c:errBarType val="both"/><c:errValType val="cust"/>'
        f'<c:noEndCap val="1"/>{plus}{minus}<c:spPr><a:ln w="{stroke}" cap="flat"><a:solidFill>'
        f'<a:schemeClr val="{accent}"><a:alpha val="{BAND_ALPHA}"/></a:schemeClr></a:solidFill></a:ln></c:spPr>'
        "</c:errBars>"
    )
    element.find("{*}xVal").addprevious(parse_xml(bars))


def _cache(values: Any) -> str:
    points = "".join(f'<c:pt idx="{n}"><c:v>{value:.10g}</c:v></c:pt>' for n, value in enumerate(values))
    return (
        f'<c:numCache><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>'
        f"{points}</c:numCache>"
    )
