"""What all charts share: which colour and dash a kind of option has."""

from __future__ import annotations

from typing import Any

Figure = dict[str, Any]
KIND_COLOURS = {"api": "@1", "hosted": "@2", "self_hosted": "@3", "hybrid": "@4"}
KIND_NAMES = {
    "api": "API",
    "hosted": "Hosted open model",
    "self_hosted": "Self-hosted",
    "hybrid": "Hybrid",
}
KIND_DASHES = {"api": "solid", "hosted": "dash", "self_hosted": "solid", "hybrid": "dashdot"}
FEW_DECADES = 2.5
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
NOTHING_HEIGHT = 60
LIGHT_COLOURS = {
    "@1": "#0072B2",
    "@2": "#D55E00",
    "@3": "#009E73",
    "@4": "#AA4499",
    "@5": "#E69F00",
    "@6": "#56B4E9",
    "@7": "#882255",
    "@8": "#666666",
    "@ink": "#1b1f24",
    "@muted": "#5b6470",
    "@grid": "#dfe3e8",
    "@accent": "#0072B2",
    "@good": "#1a7f4b",
    "@bad": "#b3261e",
    "@card": "#ffffff",
}
"""Colour-blind-safe series (Okabe and Ito 2008; Tol 2021) on white."""


def nothing_figure() -> Figure:
    """Return a figure without anything in it, axes included, for a part that has nothing to show."""
    hidden = {"visible": False, "fixedrange": True}
    return {"data": [], "layout": {"xaxis": hidden, "yaxis": hidden}}


def log_axis(title: str, low: float, high: float, tickprefix: str = "", **more: Any) -> Figure:
    """Return a logarithmic axis between two values, with ticks as people read them.

    Ticks stand at the decades; over less than three of them also at their doubles and fives.
    """
    import math

    ends = [math.log10(low), math.log10(high)]
    first, last = math.floor(ends[0]), math.ceil(ends[1])
    steps = (1,) if ends[1] - ends[0] >= FEW_DECADES else (1, 2, 5)
    values = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    kept = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    texts = [tickprefix + tick_text(value) for value in kept]
    ticks = {"tickmode": "array", "tickvals": kept, "ticktext": texts}
    return {"type": "log", "title": title, "range": ends, **ticks, **more}


def tick_text(value: float) -> str:
    """Return a number as a tick shows it: 0.001, 5, 200, 10k, 2M."""
    for step, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= step:
            return f"{value / step:.3g}{unit}"
    return f"{value:.10f}".rstrip("0").rstrip(".") if value < 1 else f"{value:.3g}"


def vertical_line(x: float, text: str, **more: Any) -> tuple[Figure, Figure]:
    """Return a dotted line at x and the label at its top."""
    import math

    shape = {
        "type": "line",
        "x0": x,
        "x1": x,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": "@ink", "dash": "dot", "width": 1.5},
    }
    label = {
        "x": math.log10(x),
        "y": 1,
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "top",
        "text": text,
        "showarrow": False,
        "bgcolor": "@card/0.75",
        "borderpad": 1,
        "font": {"color": "@ink", "size": 12},
        **more,
    }
    return shape, label
