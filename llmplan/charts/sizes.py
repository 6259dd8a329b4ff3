"""Cost over model size: what each open model costs at one volume, self-hosted and hosted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmplan.charts.cost import UNITS
from llmplan.charts.style import (
    Figure,
    legend_name,
    line_trace,
    log_axis,
    money_axis,
    money_hover,
    money_log_axis,
)
from llmplan.kinds import Kind
from llmplan.options.model_sizes import SizePoint
from llmplan.wording import Currency

SMALLEST_B, LARGEST_B = 0.8, 1_200.0
SYMBOLS = {Kind.SELF_HOSTED: "circle", Kind.HOSTED: "diamond"}


def model_size_figure(
    points: Sequence[SizePoint],
    flat: Sequence[tuple[str, float]],
    unit: str,
    *,
    money: Currency,
    logarithmic: bool = True,
) -> Figure:
    """Draw cost against model size; open markers are out for another reason than cost.

    flat: (label, cost) of APIs, whose model size is not published: a horizontal line each.
    """
    costs = [p.base for p in points] + [p.high for p in points if p.feasible] + [usd for _, usd in flat]
    known = money.of(np.array([usd for usd in costs if np.isfinite(usd) and usd > 0] or [1.0]))
    data = [_trace(points, kind, inside, money) for kind in SYMBOLS for inside in (True, False)]
    data += [_level(label, usd, place, money) for place, (label, usd) in enumerate(flat)]
    title = UNITS[unit]
    y = (
        money_log_axis(money, title, float(known.min()) / 2, float(known.max()) * 2)
        if logarithmic
        else money_axis(money, title, 0.0, float(known.max()) * 1.1)
    )
    x = log_axis("Billions of parameters", SMALLEST_B, LARGEST_B)
    return {"data": [trace for trace in data if len(trace["x"])], "layout": {"xaxis": x, "yaxis": y}}


def _trace(points: Sequence[SizePoint], kind: Kind, feasible: bool, money: Currency) -> Figure:
    chosen = [p for p in points if p.kind == kind and p.feasible == feasible and np.isfinite(p.base)]
    base = money.of(np.array([p.base for p in chosen]))
    symbol = SYMBOLS[kind] if feasible else f"{SYMBOLS[kind]}-open"
    trace: Figure = {
        "type": "scatter",
        "mode": "markers",
        "x": np.array([p.total_params_b for p in chosen]),
        "y": base,
        "name": kind.head if feasible else f"{kind.head}, out",
        "text": [f"{p.label}{'' if p.feasible else f': {p.why_out}'}" for p in chosen],
        "marker": {"color": kind.colour, "size": 10, "symbol": symbol},
        "hovertemplate": f"%{{text}}<br>{money_hover(money, 'y')}<extra></extra>",
    }
    if feasible and kind is Kind.SELF_HOSTED:
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": money.of(np.array([p.high for p in chosen])) - base,
            "arrayminus": base - money.of(np.array([p.low for p in chosen])),
            "color": f"{kind.colour}/0.5",
            "thickness": 1.5,
        }
    return trace


def _level(label: str, usd: float, place: int, money: Currency) -> Figure:
    ends, dash = (SMALLEST_B, LARGEST_B), "dash" if place else "solid"
    return line_trace(
        ends, [money.of(usd)] * 2, legend_name(label), Kind.API.colour, money_hover(money, "y"), dash=dash
    )
