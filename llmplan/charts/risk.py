"""Uncertainty in pictures: who is cheapest how surely, the spread of both sides, what moves the answer."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.charts.style import (
    Figure,
    band_traces,
    decades,
    figure_of,
    line_trace,
    log_axis,
    money_axis,
    money_hover,
    money_log_axis,
    upright,
    vertical_line,
)
from llmplan.kinds import Kind
from llmplan.risk import Information, VolumeCurve
from llmplan.risk.sensitivity import Bar, SobolIndex
from llmplan.wording import Currency

LABEL_WIDTH = 19
OUTSIDE_PX = 56
"""Room for the sum after the longest bar, whatever the chart's width."""
LEAST_SHARE = 0.005
"""Bars below this share of the longest are left out: they would not be seen."""
SIDES = {"token": ("Cheapest token price", "@1", "solid"), "own": ("Cheapest own fleet", "@3", "dash")}


def probability_figure(curve: VolumeCurve, queries_per_day: float) -> Figure:
    """Draw the probability that each kind is the cheapest, over volume, stacked to one."""
    hover = "%{x:,.0f} a day: %{y:.0%}"
    data = [
        {
            **line_trace(
                curve.queries_per_day, curve.p_kind[:, i], kind.head, kind.colour, hover, dash=kind.dash
            ),
            "stackgroup": "kinds",
            "fillcolor": f"{kind.colour}/0.45",
        }
        for i, kind in enumerate(Kind)
        if (curve.p_kind[:, i] > 0).any()
    ]
    shape, label = vertical_line(queries_per_day, "now", end=float(curve.queries_per_day[-1]))
    return figure_of(
        data,
        xaxis=_volumes(curve.queries_per_day),
        yaxis={
            "title": "Share of cases in which it is cheapest",
            "range": [0, 1],
            "dtick": 0.25,
            "tickformat": ".0%",
        },
        showlegend=True,
        shapes=[shape],
        annotations=[label],
    )


def sides_figure(curve: VolumeCurve, queries_per_day: float, money: Currency) -> Figure:
    """Draw the month's cost of the cheapest token price and of the cheapest fleet: median, 10 to 90% of cases."""
    low, middle, high = (curve.levels.index(level) for level in (0.1, 0.5, 0.9))
    data: list[Figure] = []
    seen = []
    for side, costs in (("token", curve.token_usd), ("own", curve.self_hosted_usd)):
        if not np.isfinite(costs[:, middle]).any():
            continue
        name, colour, dash = SIDES[side]
        costs = money.of(np.where(np.isfinite(costs), costs, np.nan))
        data += band_traces(curve.queries_per_day, costs[:, low], costs[:, high], colour)
        hover = f"%{{x:,.0f}} a day: {money_hover(money, 'y')}"
        data.append(line_trace(curve.queries_per_day, costs[:, middle], name, colour, hover, dash=dash))
        seen.append(costs[:, [low, high]])
    shape, label = vertical_line(queries_per_day, "now", end=float(curve.queries_per_day[-1]))
    return figure_of(
        data,
        xaxis=_volumes(curve.queries_per_day),
        yaxis=money_log_axis(money, "a month", *decades(np.array(seen))),
        shapes=[shape],
        annotations=[label],
    )


def tornado_figure(bars: Sequence[Bar], what: str, money: Currency, most: int = 10) -> Figure:
    """Draw each input's effect on the outcome, one at a time, around its base value; the widest on top.

    what: the outcome, for the axis: "a month", or "a month saved"; a longer one would be cut on a phone.
    """
    shown = [bar for bar in bars if bar.swing_usd > LEAST_SHARE * max(b.swing_usd for b in bars)][:most]
    names = [_wrapped(bar.label) for bar in shown]
    base = money.of(shown[0].usd_at_base) if shown else 0.0
    ends = [("low end (10th percentile)", "@1", "", [bar.usd_at_low for bar in shown])]
    ends.append(("high end (90th percentile)", "@5", "/", [bar.usd_at_high for bar in shown]))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": names,
            "x": money.of(np.array(values)) - base,
            "base": np.full(len(shown), base),
            "name": name,
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "customdata": [money.short(value) for value in values],
            "hovertemplate": "%{customdata} a month",
        }
        for name, colour, pattern, values in ends
    ]
    reach = [money.of(value) for _, _, _, values in ends for value in values] + [base]
    layout = _bars_layout(names, money_axis(money, what, *_padded(min(reach), max(reach))))
    layout["shapes"] = [upright(base)]
    return figure_of(data, **layout, barmode="overlay")


def information_figure(rows: Sequence[Information], money: Currency, most: int = 8) -> Figure:
    """Draw what knowing each input before choosing is worth."""
    top = max((row.usd_per_month for row in rows), default=0.0)
    shown = [row for row in rows if row.usd_per_month > LEAST_SHARE * top][:most]
    names = [_wrapped(row.label) for row in shown]
    values = np.array([row.usd_per_month for row in shown])
    axis = money_axis(money, "a month", 0.0, money.of(top) * 1.02 if top > 0 else 1.0)
    return figure_of(
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": names,
                "x": money.of(values),
                "text": [money.short(value) for value in values],
                "textposition": "outside",
                "cliponaxis": False,
                "marker": {"color": "@4"},
                "hovertemplate": "%{y}: %{text} a month<extra></extra>",
                "showlegend": False,
            }
        ],
        # The bars say their sums: on a phone ticks would have no room.
        **_bars_layout(names, axis | {"tickvals": [], "ticktext": []}),
        margin={"r": OUTSIDE_PX},
    )


def sobol_figure(rows: Sequence[SobolIndex], most: int = 8) -> Figure:
    """Draw each input's share of the outcome's variance, alone and with its interactions, with 95% intervals."""
    shown = [row for row in rows if row.total > LEAST_SHARE][:most]
    names = [_wrapped(row.label) for row in shown]
    kinds = [("alone", "@1", "", [(row.first, row.first_ci95) for row in shown])]
    kinds.append(("with interactions", "@5", "/", [(row.total, row.total_ci95) for row in shown]))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": names,
            "x": np.array([value for value, _ in pairs]),
            "error_x": {"type": "data", "array": [half for _, half in pairs], "color": "@ink"},
            "name": name,
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "hovertemplate": "%{x:.2f}",
        }
        for name, colour, pattern, pairs in kinds
    ]
    axis = {"title": "Share of the variance", "range": [0.0, 1.15], "tickformat": ".0%", "nticks": 6}
    layout = _bars_layout(names, axis)
    return figure_of(data, **layout, barmode="group")


def _bars_layout(names: Sequence[str], axis: Figure) -> dict[str, Any]:
    return {
        "xaxis": axis,
        "yaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": list(names)[::-1],
            "automargin": True,
            "title": "",
        },
        "bargap": 0.35,
    }


def _wrapped(label: str) -> str:
    return "<br>".join(textwrap.wrap(label, LABEL_WIDTH))


def _padded(low: float, high: float) -> tuple[float, float]:
    pad = 0.08 * (high - low) or max(1.0, 0.1 * abs(high))
    return low - pad, high + pad


def _volumes(volumes: Floats) -> Figure:
    return log_axis("Queries a day", float(volumes[0]), float(volumes[-1]))
