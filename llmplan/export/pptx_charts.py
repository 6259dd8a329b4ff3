"""What all native charts share, and the bars."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Emu, Pt

from llmplan.export.number_formats import short
from llmplan.export.pptx_parts import GLYPH, Box, describe
from llmplan.report.report import Report

BARS = (0.45, 0.01, 0.47, 0.85)
"""Left, top, width and height of the bars in their chart: names wrap on the left, a legend stands below."""
ACCENTS = {
    "api": MSO_THEME_COLOR.ACCENT_1,
    "hosted": MSO_THEME_COLOR.ACCENT_2,
    "self_hosted": MSO_THEME_COLOR.ACCENT_3,
    "hybrid": MSO_THEME_COLOR.ACCENT_4,
}
SIDES = ("low", "base", "high")
SIDE_ACCENTS = (MSO_THEME_COLOR.ACCENT_6, MSO_THEME_COLOR.ACCENT_1, MSO_THEME_COLOR.ACCENT_5)


def add_chart(slide: Any, box: Box, kind: Any, data: Any) -> Any:
    """Add a native chart in a box; return its frame."""
    return slide.shapes.add_chart(kind, Emu(box.left), Emu(box.top), Emu(box.width), Emu(box.height), data)


def legend_below(chart: Any, size: int) -> None:
    """Show a legend below the plot, not on it."""
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.BOTTOM
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(size)


def _label(series: Any, number_format: str, size: int, hidden: Sequence[int]) -> None:
    labels = series.data_labels
    labels.show_value = True
    labels.number_format, labels.number_format_is_linked = number_format, False
    labels.font.size = Pt(size)
    for category in reversed(hidden):
        gone = f'<c:dLbl {nsdecls("c")}><c:idx val="{category}"/><c:delete val="1"/></c:dLbl>'
        labels._element.insert(0, parse_xml(gone))


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
    data.categories = [textwrap.fill(str(row["label"]), a_line) for row in rows]
    for side in SIDES:
        data.add_series(side, [money.of(float(row[f"monthly_usd_{side}"])) for row in rows])
    frame = add_chart(slide, box, XL_CHART_TYPE.BAR_CLUSTERED, data)
    chart = frame.chart
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 35, 0
    for series, accent in zip(plot.series, SIDE_ACCENTS, strict=True):
        series.format.fill.solid()
        series.format.fill.fore_color.theme_color = accent
    same = [n for n, row in enumerate(rows) if row["monthly_usd_low"] == row["monthly_usd_high"]]
    for series, side in zip(plot.series, SIDES, strict=True):
        # Three bars of an option without a range say the same: one label is enough.
        _label(series, short(money), size, hidden=() if side == "base" else same)
    chart.category_axis.tick_labels.font.size = Pt(size)
    chart.category_axis.reverse_order = True
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    legend_below(chart, size)
    place(chart._chartSpace.chart.plotArea, "inner", *BARS)
    costs = ", ".join(f"{row['label']} {money.short(float(row['monthly_usd_base']))}" for row in rows)
    describe(frame, f"Monthly cost of the cheapest option of each kind: {costs}.")
    return frame
