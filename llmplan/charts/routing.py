"""Routing in pictures: where the traffic flows, and what cost buys in quality."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.charts.style import Figure, figure_of, money_axis, money_hover
from llmplan.wording import Currency, share

LABEL_WIDTH = 15
"""Letters of a line beside a node: a longer one runs over the node before it."""


@dataclass(frozen=True)
class RoutePoint:
    """A marked point: USD a month and quality (reference = 1)."""

    name: str
    monthly_usd: float
    quality: float
    symbol: str
    colour: str


def flow_figure(flows: Sequence[Mapping[str, Any]], weak: str, strong: str, money: Currency) -> Figure:
    """Draw the traffic as a Sankey: width by queries, labels with what each end costs a month.

    Parameters
    ----------
    flows: {source, target, queries_per_day, monthly_usd} as of `llmplan.routing.report.flows`.
    """
    names = list(dict.fromkeys(name for row in flows for name in (row["source"], row["target"])))
    colours = {"queries": "@8", "router": "@8", "cache": "@6", weak: "@3", strong: "@1"}
    paid = {name: sum(row["monthly_usd"] for row in flows if row["target"] == name) for name in names}
    whole = sum(row["queries_per_day"] for row in flows if row["source"] == "queries")
    labels = []
    for name in names:
        carried = sum(row["queries_per_day"] for row in flows if row["target"] == name)
        end = (
            f"<br>{share(carried / whole)}<br>{money.short(paid[name])}/month"
            if name in (weak, strong)
            else ""
        )
        labels.append("<br>".join(textwrap.wrap(name, LABEL_WIDTH)) + end)
    link = {
        "source": [names.index(row["source"]) for row in flows],
        "target": [names.index(row["target"]) for row in flows],
        "value": [max(row["queries_per_day"], 1e-9) for row in flows],
        "color": [f"{colours.get(row['target'], '@8')}/0.35" for row in flows],
        "customdata": [money.short(row["monthly_usd"]) for row in flows],
        "hovertemplate": "%{value:,.0f} a day, %{customdata} a month<extra></extra>",
    }
    node = {
        "label": labels,
        "color": [colours.get(name, "@8") for name in names],
        "pad": 30,
        "thickness": 16,
        "hovertemplate": "%{label}<extra></extra>",
    }
    trace = {
        "type": "sankey",
        "arrangement": "snap",
        "node": node,
        "link": link,
        "textfont": {"color": "@ink", "size": 12},
    }
    return figure_of([trace], margin={"l": 8, "r": 8})


def frontier_figure(
    all_usd: Floats,
    all_quality: Floats,
    frontier: Sequence[Mapping[str, Any]],
    points: Sequence[RoutePoint],
    floor: float | None,
    money: Currency,
) -> Figure:
    """Draw quality against cost: every split, the frontier that nothing beats, and named points.

    Parameters
    ----------
    all_usd, all_quality: (p,) of the cheapest fleet at each split. floor: least quality, a level line.
    """
    hover = f"{money_hover(money, 'x')}, quality %{{y:.1%}}"
    data: list[Figure] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": money.of(all_usd),
            "y": all_quality,
            "name": "every split",
            "marker": {"color": "@8/0.6", "size": 4},
            "hovertemplate": hover,
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": money.of(np.array([row["monthly_usd"] for row in frontier])),
            "y": np.array([row["quality"] for row in frontier]),
            "name": "frontier: nothing is cheaper and better",
            "line": {"color": "@3", "width": 2.5},
            "marker": {"size": 6, "color": "@3"},
            "text": [f"{share(row['share_weak'])} to the easy queries' model" for row in frontier],
            "hovertemplate": f"%{{text}}<br>{hover}<extra></extra>",
        },
    ]
    data += [_mark(point, money, hover) for point in points]
    usd_all = np.concatenate([all_usd, [p.monthly_usd for p in points]])
    quality = np.concatenate([all_quality, [p.quality for p in points], [floor] if floor else []])
    pad = max(0.02, 0.08 * float(quality.max() - quality.min()))
    shapes = []
    if floor:
        line = {"color": "@ink", "dash": "dash", "width": 1}
        shapes = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": floor, "y1": floor, "line": line}]
    return figure_of(
        data,
        xaxis=money_axis(money, "a month", 0.0, money.of(float(usd_all.max())) * 1.08),
        yaxis={
            "title": "Quality, % of today's",
            "range": [float(quality.min()) - pad, float(quality.max()) + pad],
            "tickformat": ".1~%",
        },
        shapes=shapes,
    )


def _mark(point: RoutePoint, money: Currency, hover: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": np.array([money.of(point.monthly_usd)]),
        "y": np.array([point.quality]),
        "name": point.name,
        "marker": {
            "color": point.colour,
            "size": 14,
            "symbol": point.symbol,
            "line": {"color": "@card", "width": 1},
        },
        "hovertemplate": f"{point.name}<br>{hover}<extra></extra>",
    }
