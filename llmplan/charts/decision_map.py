"""The map of volume and model: which kind of option is cheapest, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from llmplan.arrays import Floats
from llmplan.charts.style import Figure, figure_of, log_axis, money_hover, vertical_line
from llmplan.kinds import Kind
from llmplan.options import DecisionMap
from llmplan.wording import Currency

LABEL_EVERY = 8
"""Cells of a row from one label to the next, a decade of volume: one in each would run together."""
LABEL_EDGE = 2
"""Cells at either end of a row that are too near to the edge for a label's middle."""


def decision_map_figure(
    found: DecisionMap, queries_per_day: float, names: Mapping[str, str], money: Currency
) -> Figure:
    """Draw for each open model (row) and volume which kind is cheapest, by colour and letter, and what it costs.

    names: a row's label by model id. money: what costs are drawn in.
    """
    rows = [names[model_id] for model_id in found.model_ids]
    heat = _cells(found, rows, _labels(found, queries_per_day, money), money)
    shape, label = vertical_line(queries_per_day, "now")
    low, high = float(found.queries_per_day[0]), float(found.queries_per_day[-1])
    x = log_axis("Queries a day", low, high)
    # Beside the models' names a phone has no room for a tick at each decade.
    x |= {"tickvals": x["tickvals"][::2], "ticktext": x["ticktext"][::2], "tickangle": 0}
    return figure_of(
        [heat, *_legend(found)],
        xaxis=x,
        yaxis={
            "type": "category",
            "autorange": "reversed",
            "automargin": True,
            "title": "",
            "tickfont": {"size": 12},
            "dtick": 1,
        },
        shapes=[shape],
        annotations=[label],
    )


def _labels(found: DecisionMap, queries_per_day: float, money: Currency) -> list[list[str]]:
    """Return what stands in each cell: the kind's letter and its cost, where a label has room."""
    labels = np.full(found.kind.shape, "", object)
    columns = _label_columns(found.queries_per_day, queries_per_day)
    for row, column in np.argwhere(found.kind >= 0).tolist():
        if column in columns:
            kind, usd = list(Kind)[found.kind[row, column]], float(found.monthly_usd[row, column])
            labels[row, column] = f"{kind.letter} {money.short(usd)}"
    shown: list[list[str]] = labels.tolist()
    return shown


def _label_columns(volumes: Floats, queries_per_day: float) -> range:
    """Return the columns that say their cost, one a decade: the present volume's line, named on its right, crosses none."""
    now = int(np.abs(np.log(volumes / queries_per_day)).argmin())
    first = (now - LABEL_EVERY // 2 + 1) % LABEL_EVERY
    first += LABEL_EVERY if first < LABEL_EDGE else 0
    return range(first, len(volumes) - LABEL_EDGE, LABEL_EVERY)


def _cells(found: DecisionMap, rows: list[str], labels: list[list[str]], money: Currency) -> Figure:
    """Draw the cells, each in its kind's colour."""
    colours = [f"{kind.colour}/0.75" for kind in Kind]
    scale = [[end / 4, colour] for i, colour in enumerate(colours) for end in (i, i + 1)]
    return {
        "type": "heatmap",
        "x": found.queries_per_day,
        "y": rows,
        "z": np.where(found.kind < 0, np.nan, found.kind),
        "zmin": -0.5,
        "zmax": 3.5,
        "colorscale": scale,
        "showscale": False,
        "ygap": 1,
        "text": labels,
        "customdata": money.of(found.monthly_usd),
        "texttemplate": "%{text}",
        "textfont": {"size": 12, "color": "@ink"},
        "hovertemplate": f"%{{y}}, %{{x:,.0f}} a day: {money_hover(money, 'customdata')} a month<extra></extra>",
    }


def _legend(found: DecisionMap) -> list[Figure]:
    """Return an empty trace for each kind that the map shows."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": f"{kind.letter}: {kind.short}",
            "marker": {"color": f"{kind.colour}/0.75", "symbol": "square", "size": 12},
        }
        for kind in Kind
        if (found.kind == kind.order).any()
    ]
