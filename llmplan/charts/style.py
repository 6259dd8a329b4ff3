"""What all charts share: colours, axes of volume and of money, the line at the present volume."""

from __future__ import annotations

import math
import textwrap
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.wording import Currency

Figure = dict[str, Any]
FEW_DECADES = 2.5
LEGEND_LETTERS = 40
"""Letters of a legend's line: a longer one would be cut on a phone."""
TICKS = 6
"""At most so many steps between the ends of an axis of sums."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
NOTHING_HEIGHT = 60
NEAR_END = 0.3
"""Part of an axis of volumes from which on a label has no room before its end."""
BAND_OPACITY = 0.16
GROUND = "@card/0.9"
"""What letters within a chart stand on, so that no line shines through them."""


def figure_of(data: list[Figure], **layout: Any) -> Figure:
    """Return a figure of its traces and what its layout says besides a theme's."""
    return {"data": data, "layout": layout}


def nothing_figure() -> Figure:
    """Return a figure without anything in it, axes included, for a part that has nothing to show."""
    hidden = {"visible": False, "fixedrange": True}
    return figure_of([], xaxis=hidden, yaxis=hidden)


def log_axis(title: str, low: float, high: float, tickprefix: str = "", **more: Any) -> Figure:
    """Return a logarithmic axis between two values, with ticks as people read them.

    Ticks stand at the decades; over less than three of them also at their doubles and fives.
    """
    ends = [math.log10(low), math.log10(high)]
    first, last = math.floor(ends[0]), math.ceil(ends[1])
    steps = (1,) if ends[1] - ends[0] >= FEW_DECADES else (1, 2, 5)
    values = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    kept = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    texts = [tickprefix + tick_text(value) for value in kept]
    ticks = {"tickmode": "array", "tickvals": kept, "ticktext": texts}
    return {"type": "log", "title": title, "range": ends, **ticks, **more}


def money_log_axis(money: Currency, title: str, low: float, high: float) -> Figure:
    """Return a logarithmic axis of sums that are converted already."""
    return log_axis(f"{money.name} {title}", low, high, tickprefix=money.symbol)


def decades(values: Floats) -> tuple[float, float]:
    """Return the decades below and above the values that a logarithmic axis can show."""
    seen = values[np.isfinite(values) & (values > 0)]
    if not seen.size:
        return 1.0, 10.0
    return 10.0 ** math.floor(math.log10(seen.min())), 10.0 ** math.ceil(math.log10(seen.max()))


def plain_text(text: str) -> str:
    """Return a text that Plotly, which reads tags in names, shows as it is."""
    return escape(text, quote=False)


def legend_name(text: str) -> str:
    """Return a line's name for a legend, broken where a phone's would end."""
    return "<br>".join(map(plain_text, textwrap.wrap(text, LEGEND_LETTERS)))


def money_axis(money: Currency, title: str, low: float, high: float, **more: Any) -> Figure:
    """Return an axis of sums that are converted already; its labels all have as many decimals."""
    rough = (high - low) / TICKS or 1.0
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(step * size for step in (1, 2, 2.5, 5, 10) if step * size >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [place * step for place in range(first, last + 1)]
    ticks = {"tickmode": "array", "tickvals": values, "ticktext": money.ticks(values)}
    return {"title": f"{money.name} {title}", "range": [low, high], **ticks, **more}


def money_hover(money: Currency, letter: str) -> str:
    """Return how a chart's hover text writes a point's sum, converted already."""
    return f"{money.symbol}%{{{letter}:,.4~r}}"


def tick_text(value: float) -> str:
    """Return a number as a tick shows it: 0.001, 5, 200, 10k, 2M."""
    for step, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= step:
            return f"{value / step:.3g}{unit}"
    return f"{value:.10f}".rstrip("0").rstrip(".") if value < 1 else f"{value:.3g}"


def line_trace(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    name: str,
    colour: str,
    hover: str = "",
    *,
    dash: str = "solid",
    **more: Any,
) -> Figure:
    """Return a line; without a hover text it is silent. `more` of the line itself: width, shape."""
    spoken = {"hovertemplate": hover} if hover else {"hoverinfo": "skip"}
    line = {"color": colour, "dash": dash, "width": 2.5, **more}
    x, y = np.asarray(x, float), np.asarray(y, float)
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": line, **spoken}


def band_traces(x: Floats, low: Floats, high: Floats, colour: str) -> list[Figure]:
    """Return a tint between two lines that are not drawn themselves."""
    edge: Figure = {"type": "scatter", "mode": "lines", "x": x, "line": {"width": 0}}
    edge |= {"hoverinfo": "skip", "showlegend": False}
    return [
        {**edge, "y": low},
        {**edge, "y": high, "fill": "tonexty", "fillcolor": f"{colour}/{BAND_OPACITY}"},
    ]


def level_trace(ends: npt.ArrayLike, value: float, name: str) -> Figure:
    """Return a dashed level line from end to end, under a name in the legend."""
    return line_trace(ends, [value, value], name, "@ink", dash="dash", width=1.5)


def upright(x: float, colour: str = "@ink", dash: str = "dot", width: float = 1.5) -> Figure:
    """Return an upright line over the whole height."""
    line = {"color": colour, "dash": dash, "width": width}
    return {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def vertical_line(
    x: float, text: str, name: str = "", end: float = math.inf, **more: Any
) -> tuple[Figure, Figure]:
    """Return a dotted line at x and the label at its top, both under a name to find them by.

    end: where the axis ends: near it the label stands before the line, not on what is beside the axis.
    """
    label = {
        "name": name,
        "x": math.log10(x),
        "y": 1,
        "yref": "paper",
        "xanchor": "right" if x > NEAR_END * end else "left",
        "yanchor": "top",
        "text": text,
        "showarrow": False,
        "bgcolor": GROUND,
        "borderpad": 1,
        "font": {"color": "@ink", "size": 12},
        **more,
    }
    return {**upright(x), "name": name}, label
