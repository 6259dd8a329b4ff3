"""The deck's native charts: bars by kind; cost over volume with bands on logarithmic axes and a tidy sheet behind."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import xlsxwriter
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import (
    XL_AXIS_CROSSES,
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.dml import MSO_LINE_DASH_STYLE, MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Emu, Pt
from xlsxwriter.utility import xl_col_to_name

from llmplan.charts import CostChart, CostLine, envelope_chart
from llmplan.charts.cost import TODAY
from llmplan.charts.frontier import named_points, point_name
from llmplan.charts.growth import FAMILY_NAMES, FAMILY_STYLES
from llmplan.charts.style import decades
from llmplan.export.pptx_parts import GLYPH, Box, describe
from llmplan.growth.planning import GrowthPlan
from llmplan.kinds import Kind
from llmplan.report.headlines import payback_title
from llmplan.report.report import Report
from llmplan.wording import VOLUME_FORMAT

ACCENTS = {
    "api": MSO_THEME_COLOR.ACCENT_1,
    "hosted": MSO_THEME_COLOR.ACCENT_2,
    "self_hosted": MSO_THEME_COLOR.ACCENT_3,
    "hybrid": MSO_THEME_COLOR.ACCENT_4,
}
FAMILY_ACCENTS = {
    "@1": MSO_THEME_COLOR.ACCENT_1,
    "@2": MSO_THEME_COLOR.ACCENT_2,
    "@3": MSO_THEME_COLOR.ACCENT_3,
    "@4": MSO_THEME_COLOR.ACCENT_4,
    "@5": MSO_THEME_COLOR.TEXT_2,
    "@6": MSO_THEME_COLOR.ACCENT_6,
    "@8": MSO_THEME_COLOR.ACCENT_5,
}
"""A theme's colours for those of the ways to pay."""
SIDES = ("low", "base", "high")
SIDE_BRIGHTNESS = (0.6, 0.0, -0.4)
"""Shades of one colour: low is light, high is dark."""
BARS = (0.45, 0.01, 0.47, 0.85)
"""Left, top, width and height of the bars in their chart: names wrap on the left, a legend stands below."""
SHEET = "Sheet1"
BAND_ALPHA = 25_000
"""Opacity of a band, in thousandths of a percent."""
LEFT, RIGHT, ABOVE, BELOW = 6.4, 1.6, 1.8, 4.0
"""Room around the plot for labels and names, in heights of the type."""
LEGEND_ROWS, LEGEND_LEADING, LEAST_PLOT = 2.2, 1.4, 0.3
"""Rows of a legend, their height over the type's size; the least share of a chart that its plot keeps."""
DASHES = {
    "solid": MSO_LINE_DASH_STYLE.SOLID,
    "dash": MSO_LINE_DASH_STYLE.LONG_DASH,
    "dot": MSO_LINE_DASH_STYLE.DASH,
    "dashdot": MSO_LINE_DASH_STYLE.DASH_DOT,
    "longdash": MSO_LINE_DASH_STYLE.LONG_DASH_DOT,
}
"""A chart's dashes as slides have them: dots would be lost in a room."""
PLOT_SHARE, LETTER_WIDTH, LINE_HEIGHT = 0.7, 0.65, 1.4
"""Of a chart's side that its plot has at least; of a letter's size its width, and the height of a line."""
LABEL_SHARE = 0.12
"""Height above a waterfall's columns for what they say, as a share of the highest."""


def add_chart(slide: Any, box: Box, kind: Any, data: Any) -> Any:
    """Add a native chart in a box; return its frame."""
    return slide.shapes.add_chart(kind, Emu(box.left), Emu(box.top), Emu(box.width), Emu(box.height), data)


def legend_below(chart: Any, size: int) -> None:
    """Show a legend below the plot, not on it."""
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.BOTTOM
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(size)


def place(element: Any, kind: str, left: float, top: float, width: float, height: float) -> None:
    """Fix where a plot or legend lies, in shares of the chart; `kind` inner: the plot without its labels."""
    target = f'<c:layoutTarget val="{kind}"/>' if kind else ""
    sides = "".join(
        f'<c:{name} val="{value}"/>'
        for name, value in (
            *(("xMode", "edge"), ("yMode", "edge")),
            *(("x", left), ("y", top), ("w", width), ("h", height)),
        )
    )
    layout = parse_xml(
        f"<c:layout {nsdecls('c')}><c:manualLayout>{target}{sides}</c:manualLayout></c:layout>"
    )
    old = element.find("{*}layout")
    if old is not None:
        element.replace(old, layout)
    elif kind:
        element.insert(0, layout)
    else:
        element.find("{*}overlay").addprevious(layout)


def add_kind_bars(slide: Any, box: Box, report: Report, size: int) -> Any:
    """Add bars: monthly cost of the cheapest option of each kind, low, base and high; type of `size` points."""
    rows = report.rows(report.best_places)
    money = report.money
    data = CategoryChartData(number_format="#,##0.00")
    # Broken here: a name that is wider than its room squeezes the whole chart in some programs.
    a_line = int((BARS[0] - 0.02) * box.width / (GLYPH * Pt(size)))
    # Two lines are the room of one: where names meet, some programs leave out every other.
    names = (textwrap.fill(str(row["label"]), a_line, max_lines=2, placeholder=" …") for row in rows)
    data.categories = list(names)
    for side in SIDES:
        data.add_series(side, [money.of(float(row[f"monthly_usd_{side}"])) for row in rows])
    frame = add_chart(slide, box, XL_CHART_TYPE.BAR_CLUSTERED, data)
    chart = frame.chart
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 35, 0
    for series, brightness in zip(plot.series, SIDE_BRIGHTNESS, strict=True):
        _shade(series, MSO_THEME_COLOR.TEXT_2, brightness)
        for number, row in enumerate(rows):
            _shade(series.points[number], ACCENTS[row["kind"]], brightness)
    same = [n for n, row in enumerate(rows) if row["monthly_usd_low"] == row["monthly_usd_high"]]
    for series, side in zip(plot.series, SIDES, strict=True):
        # Three bars of an option without a range say the same: one label is enough.
        _label(series, money.short_format, size, hidden=() if side == "base" else same)
    chart.category_axis.tick_labels.font.size = Pt(size)
    chart.category_axis.reverse_order = True
    every = parse_xml(f'<c:tickLblSkip {nsdecls("c")} val="1"/>')  # no name may be left out for want of room
    chart.category_axis._element.find(qn("c:noMultiLvlLbl")).addprevious(every)
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    legend_below(chart, size)
    place(chart._chartSpace.chart.plotArea, "inner", *BARS)
    costs = ", ".join(f"{row['label']} {money.short(float(row['monthly_usd_base']))}" for row in rows)
    describe(frame, f"Monthly cost of the cheapest option of each kind: {costs}.")
    return frame


def add_bill(slide: Any, box: Box, report: Report, size: int) -> Any:
    """Add the answer's month as a waterfall: a part a column, on top of those before it; type of `size` points."""
    money = report.money
    sums = [money.of(part.usd) for part in report.bill]
    tops = list(accumulate(sums))
    data = CategoryChartData(number_format="#,##0.00")
    a_line = int(box.width / (len(sums) + 1) / (GLYPH * Pt(size)))
    names = [*(part.name for part in report.bill), "A month"]
    data.categories = [textwrap.fill(name, max(a_line, 8)) for name in names]
    data.add_series("Before", [*(top - usd for top, usd in zip(tops, sums, strict=True)), 0.0])
    data.add_series(f"{money.name} a month", [*sums, tops[-1]])
    # A sum stands on its column: within it, a thin one would strike it through.
    data.add_series("Sum", [tops[-1] * LABEL_SHARE] * len(names))
    frame = add_chart(slide, box, XL_CHART_TYPE.COLUMN_STACKED, data)
    chart = frame.chart
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 35, 100
    below, bars, above = plot.series
    below.format.fill.background()
    above.format.fill.background()
    _shade(bars, MSO_THEME_COLOR.TEXT_2, 0.4)
    _shade(bars.points[len(sums)], ACCENTS[report.option(report.comparison.order[0]).kind], 0.0)
    for point, part_usd in enumerate([*(part.usd for part in report.bill), sum(p.usd for p in report.bill)]):
        label = above.points[point].data_label
        label.text_frame.text = money.short(part_usd)
        label.text_frame.paragraphs[0].runs[0].font.size = Pt(size)
        label.position = XL_LABEL_POSITION.INSIDE_BASE
    chart.has_legend = False
    chart.category_axis.tick_labels.font.size = Pt(size)
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    parts = ", ".join(f"{part.name} {money.short(part.usd)}" for part in report.bill)
    describe(frame, f"What the answer's month is made of: {parts}.")
    return frame


def _shade(bars: Any, colour: Any, brightness: float) -> None:
    bars.format.fill.solid()
    bars.format.fill.fore_color.theme_color, bars.format.fill.fore_color.brightness = colour, brightness


def _label(series: Any, number_format: str, size: int, hidden: Sequence[int]) -> None:
    labels = series.data_labels
    labels.show_value = True
    labels.number_format, labels.number_format_is_linked = number_format, False
    labels.font.size = Pt(size)
    for category in reversed(hidden):
        gone = f'<c:dLbl {nsdecls("c")}><c:idx val="{category}"/><c:delete val="1"/></c:dLbl>'
        labels._element.insert(0, parse_xml(gone))


def add_cost_chart(slide: Any, box: Box, report: Report, size: int) -> Any:
    """Add monthly cost over volume: the cheapest of each kind with its band, today's answer, today's volume marked.

    Its type has `size` points. Lines that a logarithmic axis cannot show at every volume are left out.
    """
    chart = envelope_chart(report.envelopes, report.answer_curve, report.scenario).on_one_axis()
    lines = [line for line in chart.lines if np.all(line.low > 0) and np.all(np.isfinite(line.high))]
    data = XyChartData(number_format="#,##0.00")
    for line in lines:
        _add_series(data, line.name, chart.queries_per_day, line.base)
    _add_series(data, TODAY, (chart.today, chart.today), chart.ends)
    frame = add_chart(slide, box, XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, data)
    legend_below(frame.chart, size)
    series = list(frame.chart.plots[0].series)
    for one, line in zip(series, lines, strict=False):
        width, dash = (Pt(1.5), "dot") if line.is_thin else (Pt(3), line.dash)
        _style_line(one, ACCENTS[line.kind], DASHES[dash], width)
    _mark_today(series[-1], len(lines), frame.chart, size)
    _cost_axes(frame.chart, chart, size)
    width = _make_room(frame.chart, box, size)
    _put_sheet(frame.chart, chart, lines, stroke=width // len(chart.queries_per_day))
    describe(frame, f"Monthly cost over queries a day, both on logarithmic axes. {report.finding}")
    return frame


def add_frontier(slide: Any, box: Box, report: Report, size: int) -> Any:
    """Add success over the cost of a month: points by kind, the frontier with its models' names, what runs today."""
    money, points = report.money, report.frontier
    data = XyChartData(number_format="#,##0.00")
    kinds = [kind for kind in Kind if any(p.kind == kind and not p.runs_today for p in points)]
    front = [p for p in points if p.on_frontier]
    groups = [(kind.head, [p for p in points if p.kind == kind and not p.runs_today]) for kind in kinds]
    groups += [("Frontier", front), *((f"Runs today: {p.label}", [p]) for p in points if p.runs_today)]
    # The longest first: LibreOffice draws nothing of a series that stands before a longer one.
    groups = sorted((group for group in groups if group[1]), key=lambda group: -len(group[1]))
    for name, chosen in groups:
        xs, ys = [money.of(p.monthly_usd) for p in chosen], [100 * p.success.base for p in chosen]
        _add_series(data, name, xs, ys)
    ends = decades(np.array([money.of(p.monthly_usd) for p in points]))
    frame = add_chart(slide, box, XL_CHART_TYPE.XY_SCATTER, data)
    chart = frame.chart
    legend_below(chart, size)
    accents = {kind.head: ACCENTS[kind] for kind in kinds}
    for one, (name, chosen) in zip(chart.plots[0].series, groups, strict=True):
        if name in accents:
            _style_points(one, accents[name], XL_MARKER_STYLE.CIRCLE, 7)
        elif chosen is front:
            _style_line(one, MSO_THEME_COLOR.TEXT_1, MSO_LINE_DASH_STYLE.SOLID, Pt(1.5))
            for number in named_points(front, *_room_for_names(box, ends, size), right=0.5):
                _name_point(one, number, point_name(front[number]), size)
        else:
            _style_points(one, MSO_THEME_COLOR.TEXT_1, XL_MARKER_STYLE.STAR, 14)
    _scale(chart.category_axis, ends)
    make_logarithmic(chart.category_axis)
    _scale(chart.value_axis, (0.0, 100.0))
    ticks = money.ticks_format(float(chart.category_axis.minimum_scale))
    _title_axis(chart.category_axis, f"{money.name} a month", ticks, size)
    _title_axis(chart.value_axis, "Succeeds on, % of such tasks", "0", size)
    _make_room(chart, box, size)
    told = ", ".join(f"{p.label} {p.success.base:.0%} at {money.short(p.monthly_usd)}" for p in front)
    describe(frame, f"Quality against cost. On the frontier: {told}.")
    return frame


def add_growth(slide: Any, box: Box, report: Report, plan: GrowthPlan, size: int) -> Any:
    """Add what today's option and the best of each family have cost by the end of each month."""
    money, drawn = report.money, plan.best_of_each()
    data = XyChartData(number_format="#,##0.00")
    for option_id, family in drawn.items():
        costs = money.of(plan.time.option(option_id).cumulative_usd)
        _add_series(data, FAMILY_NAMES[family], range(len(costs)), costs)
    frame = add_chart(slide, box, XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, data)
    chart = frame.chart
    legend_below(chart, size)
    for one, family in zip(chart.plots[0].series, drawn.values(), strict=True):
        colour, dash = FAMILY_STYLES[family]
        _style_line(one, FAMILY_ACCENTS[colour], DASHES.get(dash, MSO_LINE_DASH_STYLE.LONG_DASH), Pt(3))
    _scale(chart.category_axis, (0.0, float(len(plan.time.queries_per_day))))
    _title_axis(chart.category_axis, "Month", "0", size)
    _title_axis(chart.value_axis, f"{money.name} so far", money.ticks_format(1.0), size)
    _make_room(chart, box, size)
    describe(frame, f"What each option has cost so far, month by month. {payback_title(plan)}.")
    return frame


def _style_points(series: Any, colour: Any, marker: Any, size: int) -> None:
    series.format.line.fill.background()
    series.marker.style, series.marker.size = marker, size
    series.marker.format.fill.solid()
    series.marker.format.fill.fore_color.theme_color = colour
    series.marker.format.line.color.theme_color = colour


def _room_for_names(box: Box, ends: tuple[float, float], size: int) -> tuple[float, float]:
    """Return how many letters a decade of cost holds, and the share of the chart's height that a line of them takes."""
    width, height = (Emu(round(PLOT_SHARE * side)).pt for side in (box.width, box.height))
    return width / (LETTER_WIDTH * size) / np.log10(ends[1] / ends[0]), LINE_HEIGHT * size / height


def _name_point(series: Any, place: int, name: str, size: int) -> None:
    text = series.points[place].data_label
    text.text_frame.text = name
    text.text_frame.word_wrap = False
    text.text_frame.paragraphs[0].runs[0].font.size = Pt(size)
    text.position = XL_LABEL_POSITION.ABOVE


def _scale(axis: Any, ends: tuple[float, float]) -> None:
    axis.minimum_scale, axis.maximum_scale = ends


def _add_series(data: Any, name: str, xs: Any, ys: Any) -> None:
    series = data.add_series(name)
    for x, y in zip(xs, ys, strict=True):
        series.add_data_point(float(x), float(y))


def _style_line(series: Any, colour: Any, dash: Any, width: int) -> None:
    series.smooth = False
    series.marker.style = XL_MARKER_STYLE.NONE
    line = series.format.line
    line.width, line.color.theme_color, line.dash_style = width, colour, dash


def _mark_today(series: Any, hidden: int, chart: Any, size: int) -> None:
    """Draw today's volume as an upright line that says so itself, and keep it out of the legend."""
    _style_line(series, MSO_THEME_COLOR.TEXT_1, MSO_LINE_DASH_STYLE.SQUARE_DOT, Pt(1.75))
    label = series.points[1].data_label
    label.position = XL_LABEL_POSITION.ABOVE
    label.font.size = Pt(size)
    for name, shown in (("showSerName", "1"), ("showVal", "0"), ("showLegendKey", "0")):
        label._dLbl.find(f"{{*}}{name}").set("val", shown)
    entry = f'<c:legendEntry {nsdecls("c")}><c:idx val="{hidden}"/><c:delete val="1"/></c:legendEntry>'
    chart.legend._element.find("{*}legendPos").addnext(parse_xml(entry))


def _cost_axes(chart: Any, shown: CostChart, size: int) -> None:
    horizontal, vertical = chart.category_axis, chart.value_axis
    horizontal.minimum_scale, horizontal.maximum_scale = decades(shown.queries_per_day)
    vertical.minimum_scale, vertical.maximum_scale = shown.ends
    for axis, text, number_format in (
        (horizontal, "Queries a day", VOLUME_FORMAT),
        (vertical, shown.title, shown.money.ticks_format(shown.ends[0])),
    ):
        make_logarithmic(axis)
        _title_axis(axis, text, number_format, size)


def _title_axis(axis: Any, text: str, number_format: str, size: int) -> None:
    """Set what an axis is called, how its labels are written, and light lines at them."""
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


def _make_room(chart: Any, box: Box, size: int) -> int:
    """Give the plot what labels and the legend leave of the box; return its width in EMU."""
    space, em = chart._chartSpace.chart, Pt(size)
    left, top = LEFT * em / box.width, ABOVE * em / box.height
    width = 1 - left - RIGHT * em / box.width
    legend = LEGEND_ROWS * LEGEND_LEADING * em / box.height
    height = max(LEAST_PLOT, 1 - top - BELOW * em / box.height - legend)
    place(space.plotArea, "inner", left, top, width, height)
    place(space.find("{*}legend"), "", 0.02, 1 - legend, 0.96, legend)
    return int(width * box.width)


def _put_sheet(chart: Any, shown: CostChart, lines: list[CostLine], stroke: int) -> None:
    """Put one table behind the chart, a row a volume, and tie lines and bands to its columns."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet(SHEET)
    money = book.add_format({"num_format": "#,##0.00"})
    sheet.set_column(0, 5 * len(lines) + 2, 18)
    sheet.write_string(0, 0, "Queries a day")
    sheet.write_column(1, 0, shown.queries_per_day)
    count, column = len(shown.queries_per_day), 1
    elements = [one._element for one in chart.plots[0].series]
    for element, line in zip(elements, lines, strict=False):
        _tie(element, 0, column, count)
        sheet.write_string(0, column, line.name)
        sheet.write_column(1, column, line.base, money)
        column += 1
        if line.is_range:
            _write_range(sheet, column, line, money)
            if line.is_shaded:
                _add_band(element, line, column + 2, count, stroke)
            column += 4
    _tie(elements[-1], column, column + 1, 2)
    sheet.write_string(0, column + 1, TODAY)
    sheet.write_column(1, column, (shown.today, shown.today))
    sheet.write_column(1, column + 1, shown.ends, money)
    sheet.freeze_panes(1, 1)
    book.close()
    chart.part.chart_workbook.update_from_xlsx_blob(buffer.getvalue())


def _write_range(sheet: Any, column: int, line: CostLine, money: Any) -> None:
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


def _add_band(element: Any, line: CostLine, column: int, count: int, stroke: int) -> None:
    """Add error bars as wide as the volumes are apart: together they are the band from low to high."""
    accent = f"accent{list(ACCENTS).index(line.kind) + 1}"
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
