"""Native, editable PowerPoint charts: cost lines on log axes, and bars."""

from __future__ import annotations

from typing import Any

import numpy as np
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import (
    XL_AXIS_CROSSES,
    XL_CHART_TYPE,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.dml import MSO_LINE_DASH_STYLE, MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Emu, Pt

from llmplan.export.pptx_parts import Box, describe
from llmplan.export.report import Report
from llmplan.wording import kind_name, usd, volume

USD_FORMAT = '[>=1000000]$#,##0,,"M";[>=1000]$#,##0,"k";$#,##0'
LABEL_FORMAT = '[>=1000000]$0.00,,"M";[>=10000]$0.0,"k";$#,##0'
VOLUME_FORMAT = '[>=1000000]0,,"M";[>=1000]0,"k";0'
SMALL_USD_FORMAT = "[>=1000]$#,##0;[>=1]$0;$0.00"
AXIS_PT, LEGEND_PT = 14, 14
ACCENTS = {
    "api": MSO_THEME_COLOR.ACCENT_1,
    "hosted": MSO_THEME_COLOR.ACCENT_2,
    "self_hosted": MSO_THEME_COLOR.ACCENT_3,
    "hybrid": MSO_THEME_COLOR.ACCENT_4,
}
SIDE_ACCENTS = (MSO_THEME_COLOR.ACCENT_6, MSO_THEME_COLOR.ACCENT_1, MSO_THEME_COLOR.ACCENT_5)
DASHES = {
    "api": MSO_LINE_DASH_STYLE.SOLID,
    "hosted": MSO_LINE_DASH_STYLE.LONG_DASH,
    "self_hosted": MSO_LINE_DASH_STYLE.SOLID,
    "hybrid": MSO_LINE_DASH_STYLE.DASH_DOT,
}


def add_cost_chart(slide: Any, box: Box, report: Report) -> Any:
    """Add monthly cost over volume: a line an option, thin lines for its range, today's volume marked."""
    data = XyChartData(number_format="#,##0.00")
    styles: list[tuple[str, str]] = []
    for number, item in enumerate(report.curves.options.items):
        low, base, high = report.curves.monthly_usd[:, number]
        styles.append((item.kind, "base"))
        _add_line(data, f"{item.label}", report.curves.queries_per_day, base)
        if not np.array_equal(low, high):
            for side, values in (("low", low), ("high", high)):
                styles.append((item.kind, side))
                _add_line(data, f"{item.label}, {side}", report.curves.queries_per_day, values)
    ends = _usd_ends(report)
    today = report.scenario.queries_per_day
    _add_line(data, f"{volume(today)} queries/day", np.array([today, today]), np.array(ends))
    styles.append(("", "today"))
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS,
        Emu(box.left),
        Emu(box.top),
        Emu(box.width),
        Emu(box.height),
        data,
    )
    chart = frame.chart
    for series, (kind, side) in zip(chart.plots[0].series, styles, strict=True):
        _style_line(series, kind, side)
    _cost_axes(chart, report, ends)
    _legend(chart, [number for number, (_, side) in enumerate(styles) if side in ("low", "high")])
    describe(frame, f"Monthly cost over queries a day, both on logarithmic axes. {report.finding}")
    return frame


def _add_line(data: Any, name: str, xs: Any, ys: Any) -> None:
    series = data.add_series(name)
    for x, y in zip(xs, ys, strict=True):
        if np.isfinite(y) and y > 0:
            series.add_data_point(float(x), float(y))


def _usd_ends(report: Report) -> tuple[float, float]:
    """Return the powers of ten around everything drawn, for the axis and the mark of today's volume."""
    return _decades(report.curves.monthly_usd)


def _decades(values: Any) -> tuple[float, float]:
    """Return the powers of ten around positive values: what a logarithmic axis may begin and end at."""
    drawn = values[np.isfinite(values) & (values > 0)]
    if not drawn.size:
        return 1.0, 10.0
    return float(10 ** np.floor(np.log10(drawn.min()))), float(10 ** np.ceil(np.log10(drawn.max())))


def _style_line(series: Any, kind: str, side: str) -> None:
    series.smooth = False
    series.marker.style = XL_MARKER_STYLE.NONE
    line = series.format.line
    line.width = Pt(2.75 if side == "base" else 1.0)
    if side == "today":
        line.color.theme_color = MSO_THEME_COLOR.TEXT_1
        line.dash_style = MSO_LINE_DASH_STYLE.SQUARE_DOT
        line.width = Pt(1.75)
        return
    line.color.theme_color = ACCENTS.get(kind, MSO_THEME_COLOR.ACCENT_5)
    line.dash_style = (
        DASHES.get(kind, MSO_LINE_DASH_STYLE.SOLID) if side == "base" else MSO_LINE_DASH_STYLE.ROUND_DOT
    )


def _cost_axes(chart: Any, report: Report, ends: tuple[float, float]) -> None:
    horizontal, vertical = chart.category_axis, chart.value_axis
    horizontal.minimum_scale, horizontal.maximum_scale = _decades(report.curves.queries_per_day)
    vertical.minimum_scale, vertical.maximum_scale = ends
    for axis, text, number_format in (
        (horizontal, "Queries a day", VOLUME_FORMAT),
        (vertical, "USD a month", USD_FORMAT if ends[0] >= 1 else SMALL_USD_FORMAT),
    ):
        make_logarithmic(axis)
        axis.crosses = XL_AXIS_CROSSES.MINIMUM
        axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = number_format, False
        axis.tick_labels.font.size = Pt(AXIS_PT)
        axis.has_major_gridlines = True
        axis.major_gridlines.format.line.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1
        axis.major_gridlines.format.line.color.brightness = -0.15
        _name_axis(axis, text)


def make_logarithmic(axis: Any) -> None:
    """Set base 10; the schema wants it first inside c:scaling, and python-pptx has no call for it."""
    scaling = axis._element.scaling
    scaling.insert(0, parse_xml(f'<c:logBase {nsdecls("c")} val="10"/>'))


def _name_axis(axis: Any, text: str) -> None:
    axis.has_title = True
    axis.axis_title.text_frame.text = text
    font = axis.axis_title.text_frame.paragraphs[0].font
    font.size, font.bold = Pt(AXIS_PT), False


def _legend(chart: Any, hidden: list[int]) -> None:
    """Show a legend below, without the entries of range lines: they share their option's colour."""
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.BOTTOM
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(LEGEND_PT)
    position = chart.legend._element.find("{*}legendPos")
    for number in reversed(hidden):
        entry = f'<c:legendEntry {nsdecls("c")}><c:idx val="{number}"/><c:delete val="1"/></c:legendEntry>'
        position.addnext(parse_xml(entry))


def add_kind_bars(slide: Any, box: Box, report: Report) -> Any:
    """Add bars: monthly cost of the cheapest option of each kind, low, base and high."""
    data = CategoryChartData(number_format="#,##0.00")
    rows = report.rows(report.curve_places)
    data.categories = [f"{kind_name(row['kind'])}: {row['label']}" for row in rows]
    for side in ("low", "base", "high"):
        data.add_series(side, [float(row[f"monthly_usd_{side}"]) for row in rows])
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.BAR_CLUSTERED, Emu(box.left), Emu(box.top), Emu(box.width), Emu(box.height), data
    )
    chart = frame.chart
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 60, -5
    for series, accent in zip(plot.series, SIDE_ACCENTS, strict=True):
        series.format.fill.solid()
        series.format.fill.fore_color.theme_color = accent
    plot.has_data_labels = True
    plot.data_labels.number_format, plot.data_labels.number_format_is_linked = LABEL_FORMAT, False
    plot.data_labels.font.size = Pt(AXIS_PT)
    chart.category_axis.tick_labels.font.size = Pt(AXIS_PT)
    chart.category_axis.reverse_order = True
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.BOTTOM
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(LEGEND_PT)
    costs = ", ".join(f"{row['label']} {usd(float(row['monthly_usd_base']))}" for row in rows)
    describe(frame, f"Monthly cost of the cheapest option of each kind: {costs}.")
    return frame
