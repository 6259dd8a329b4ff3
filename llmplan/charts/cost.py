"""Cost over volume, and the map of volume and model size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from llmplan.arrays import Floats
from llmplan.charts.style import (
    DASHES,
    KIND_COLOURS,
    KIND_DASHES,
    KIND_NAMES,
    Figure,
    log_axis,
    vertical_line,
)
from llmplan.options import Curves, DecisionMap, Option

UNIT_TITLES = {"month": "USD a month", "query": "USD a query", "mtok": "USD a million tokens"}
LETTER_EVERY = 6
"""Cells of a row from one letter to the next: one in each would run together."""
MAP_KINDS = ("api", "hosted", "self_hosted", "hybrid")


def per_unit(curves: Curves, unit: str, queries_per_volume: float, tokens_per_query: float) -> Floats:
    """Return the curves' cost (3, n, v) a month, a query or a million tokens.

    queries_per_volume: queries a month of one query a day (the days of a month).
    """
    queries = curves.queries_per_day * queries_per_volume
    share = {"month": np.ones_like(queries), "query": queries, "mtok": queries * tokens_per_query / 1e6}[unit]
    return np.asarray(curves.monthly_usd / share)


def cost_curves_figure(
    curves: Curves,
    cost: Floats,
    queries_per_day: float,
    crossings: Sequence[float] = (),
    *,
    unit: str = "month",
    logarithmic: bool = True,
    bands: bool = True,
) -> Figure:
    """Draw cost over volume: a line an option, its low-high band, the present volume and the crossings.

    Parameters
    ----------
    curves, cost: options and volumes; the cost (3, n, v) to draw, see `per_unit`.
    crossings: volumes [queries/day] at which the cheaper side changes.
    """
    volumes = curves.queries_per_day
    low, high = _ends(cost)
    data: list[Figure] = []
    styles = _styles(curves.options.items)
    for place, item in enumerate(curves.options.items):
        lines = np.where(np.isfinite(cost[:, place]), cost[:, place], np.nan)
        if bands and not np.allclose(lines[0], lines[2], equal_nan=True):
            data += _band(volumes, lines[0], lines[2], styles[place]["color"])
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": volumes,
                "y": lines[1],
                "name": item.label,
                "line": {
                    **styles[place],
                    "width": 2.5,
                    "shape": "hv" if item.kind == "self_hosted" else "linear",
                },
                "hovertemplate": "%{x:,.0f} a day: $%{y:,.4~g}",
            }
        )
    shape, label = vertical_line(queries_per_day, "now")
    marks = [x for x in crossings if volumes[0] <= x <= volumes[-1]][:6]
    crossed = [vertical_line(x, f"{x:,.0f}", font={"color": "@muted", "size": 11}) for x in marks]
    for mark, _ in crossed:
        mark["line"] = {"color": "@muted", "dash": "dash", "width": 1}
    y = log_axis(UNIT_TITLES[unit], low, high, tickprefix="$") if logarithmic else _linear(unit)
    return {
        "data": data,
        "layout": {
            "xaxis": log_axis("Queries a day", float(volumes[0]), float(volumes[-1])),
            "yaxis": y,
            "shapes": [shape, *(mark for mark, _ in crossed)],
            "annotations": [label, *_apart([text for _, text in crossed], math.log10(queries_per_day))],
        },
    }


def _apart(labels: list[Figure], taken: float) -> list[Figure]:
    """Keep the labels that stand clear of one another and of the present volume's."""
    kept: list[Figure] = []
    for label in labels:
        if all(abs(label["x"] - x) > 0.4 for x in [taken, *(one["x"] for one in kept)]):
            kept.append(label)
    return kept


def _ends(cost: Floats) -> tuple[float, float]:
    finite = cost[np.isfinite(cost) & (cost > 0)]
    if not finite.size:
        return 1.0, 10.0
    return 10 ** math.floor(math.log10(finite.min())), 10 ** math.ceil(math.log10(finite.max()))


def _linear(unit: str) -> Figure:
    return {"title": UNIT_TITLES[unit], "rangemode": "tozero", "tickprefix": "$", "tickformat": "~s"}


def _styles(items: Sequence[Option]) -> list[dict[str, str]]:
    """Return colour by kind; a second line of one kind gets the next dash."""
    seen: dict[str, int] = {}
    styles = []
    for item in items:
        count = seen.get(item.kind, 0)
        seen[item.kind] = count + 1
        dash = KIND_DASHES[item.kind] if count == 0 else DASHES[(count + 1) % len(DASHES)]
        styles.append({"color": KIND_COLOURS[item.kind], "dash": dash})
    return styles


def _band(x: Floats, low: Floats, high: Floats, colour: str) -> list[Figure]:
    edge = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return [{**edge, "y": low}, {**edge, "y": high, "fill": "tonexty", "fillcolor": f"{colour}/0.14"}]


def decision_map_figure(found: DecisionMap, queries_per_day: float, names: Mapping[str, str]) -> Figure:
    """Draw for each open model (row) and volume which kind of option is cheapest, by colour and by letter.

    names: a row's label by model id.
    """
    letters = np.array(["", "A", "H", "S", "M"])[found.kind + 1]
    letters[:, np.arange(letters.shape[1]) % LETTER_EVERY != LETTER_EVERY // 2] = ""
    colours = [[i / 4, c] for i, kind in enumerate(MAP_KINDS) for c in [f"{KIND_COLOURS[kind]}/0.75"]]
    scale = [[edge, colour] for i, (_, colour) in enumerate(colours) for edge in (i / 4, (i + 1) / 4)]
    rows = [names[model_id] for model_id in found.model_ids]
    heat = {
        "type": "heatmap",
        "x": found.queries_per_day,
        "y": rows,
        "z": np.where(found.kind < 0, np.nan, found.kind),
        "zmin": -0.5,
        "zmax": 3.5,
        "colorscale": scale,
        "showscale": False,
        "ygap": 1,
        "text": letters.tolist(),
        "texttemplate": "%{text}",
        "textfont": {"size": 10, "color": "@ink"},
        "hovertemplate": "%{y}, %{x:,.0f} a day: %{text}<extra></extra>",
    }
    legend = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": f"{'AHSM'[i]}: {KIND_NAMES[kind]}",
            "marker": {"color": f"{KIND_COLOURS[kind]}/0.75", "symbol": "square", "size": 12},
        }
        for i, kind in enumerate(MAP_KINDS)
        if (found.kind == i).any()
    ]
    shape, label = vertical_line(queries_per_day, "now")
    low, high = float(found.queries_per_day[0]), float(found.queries_per_day[-1])
    x = log_axis("Queries a day", low, high)
    # Beside the models' names a phone has no room for a tick at each decade.
    x |= {"tickvals": x["tickvals"][::2], "ticktext": x["ticktext"][::2], "tickangle": 0}
    return {
        "data": [heat, *legend],
        "layout": {
            "xaxis": x,
            "yaxis": {"type": "category", "automargin": True, "title": "", "tickfont": {"size": 11}},
            "shapes": [shape],
            "annotations": [label],
        },
    }
