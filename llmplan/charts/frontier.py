"""Quality against cost: a point a model at an effort, the frontier, what runs today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from llmplan.charts.style import GROUND, Figure, decades, line_trace, money_hover, money_log_axis, plain_text
from llmplan.kinds import Kind
from llmplan.quality.ability import Band
from llmplan.wording import Currency, model_name

SMALL, DIM = 6, 0.35
"""Size and opacity of a point that is not on the frontier."""
LETTERS_A_DECADE, RISE, LEAST_USD = 8, 0.04, 0.01
"""Letters that a decade of cost holds, the share of success that a name's height takes, the least cost drawn."""


class Point(Protocol):
    """What a point of the chart has to hold."""

    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def monthly_usd(self) -> float: ...
    @property
    def success(self) -> Band: ...
    @property
    def on_frontier(self) -> bool: ...
    @property
    def runs_today(self) -> bool: ...


def frontier_figure(points: Sequence[Point], least_success: float | None, money: Currency) -> Figure:
    """Draw success over the cost of a month.

    least_success: the share of success that the floor asks for; None: no floor.
    """
    usd = money.of(np.array([point.monthly_usd for point in points]))
    low, high = decades(usd)
    data = [_kind(points, kind, money) for kind in (Kind.API, Kind.HOSTED, Kind.SELF_HOSTED)]
    front = [point for point in points if point.on_frontier]
    data.append(
        line_trace(
            money.of(np.array([point.monthly_usd for point in front])),
            [100 * point.success.base for point in front],
            "frontier",
            "@ink",
            width=1.5,
            shape="hv",
        )
    )
    data.append(
        _marks([point for point in points if point.runs_today], "runs today", "@ink", "star", 15, money)
    )
    if least_success is not None:
        data.append(
            line_trace((low, high), [100 * least_success] * 2, "floor", "@ink", dash="dot", width=1.5)
        )
    top = max((100 * point.success.high for point in points), default=100.0)
    y = {"title": "Succeeds on, % of such tasks", "range": [0, min(100.0, top * 1.05)]}
    x = money_log_axis(money, "a month", low, high)
    names = [_name(front[place], money) for place in named_points(front)]
    layout = {"xaxis": x, "yaxis": y, "annotations": names}
    return {"data": [trace for trace in data if len(trace["x"])], "layout": layout}


def named_points(
    points: Sequence[Point],
    letters_a_decade: float = LETTERS_A_DECADE,
    rise: float = RISE,
    right: float = 0.0,
) -> list[int]:
    """Return the places of the frontier's points whose names have room above them, the best first, each model's once.

    Parameters
    ----------
    points: cheapest first.
    rise: share of success that a name's height takes. right: of a name that lies to the right of its point; to the left
        there is no point of the frontier as good.
    """
    logs = np.log10([max(point.monthly_usd, LEAST_USD) for point in points])
    success = np.array([point.success.base for point in points])
    wide = np.array([len(point_name(point)) for point in points]) / letters_a_decade
    starts, ends = logs - (1 - right) * wide, logs + right * wide
    kept: list[int] = []
    for place in reversed(range(len(points))):
        above = (success > success[place]) & (success < success[place] + 2 * rise)
        beside = [
            other for other in kept if starts[other] < ends[place] and success[other] - success[place] < rise
        ]
        taken = point_name(points[place]) in [point_name(points[other]) for other in kept]
        hidden = (above & (logs > starts[place]) & (logs < ends[place])).any()
        if starts[place] >= np.floor(logs[0]) and not (beside or taken or hidden):
            kept.append(place)
    return kept


def point_name(point: Point) -> str:
    """Return a point's model without its effort, which would take a name's room twice over."""
    return model_name(point.label).partition(", ")[0]


def _name(point: Point, money: Currency) -> Figure:
    return {
        "x": float(np.log10(money.of(point.monthly_usd))),
        "y": 100 * point.success.base,
        "text": plain_text(point_name(point)),
        "xanchor": "right",  # on that side nothing is as good: a name lies over no other point of the frontier
        "yanchor": "bottom",
        "yshift": 4,
        "showarrow": False,
        "bgcolor": GROUND,
        "font": {"size": 12},
    }


def _kind(points: Sequence[Point], kind: Kind, money: Currency) -> Figure:
    chosen = [point for point in points if point.kind == kind and not point.runs_today]
    chosen.sort(key=lambda point: point.label)  # an order that stays when costs change: only places move
    return _marks(chosen, kind.head, kind.colour, "circle", 9, money)


def _marks(
    points: Sequence[Point], name: str, colour: str, symbol: str, size: int, money: Currency
) -> Figure:
    base = np.array([100 * point.success.base for point in points])
    shown = np.array([point.on_frontier or point.runs_today for point in points])
    return {
        "type": "scatter",
        "mode": "markers",
        "x": money.of(np.array([point.monthly_usd for point in points])),
        "y": base,
        "name": name,
        "text": [plain_text(point.label) for point in points],
        # What something else beats in both stays in the background: its band would only hide the frontier.
        "marker": {
            "color": colour,
            "size": np.where(shown, size, SMALL),
            "opacity": np.where(shown, 1.0, DIM),
            "symbol": symbol,
        },
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (np.array([100 * point.success.high for point in points]) - base) * shown,
            "arrayminus": (base - np.array([100 * point.success.low for point in points])) * shown,
            "color": f"{colour}/0.5",
            "thickness": 1,
            "width": 0,
        },
        "hovertemplate": f"%{{text}}<br>{money_hover(money, 'x')} a month, %{{y:.0f}}% of tasks<extra></extra>",
    }
