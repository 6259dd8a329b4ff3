"""A waterfall from stacked bars: what leads from one cost to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmplan.charts.style import Figure, money_axis
from llmplan.wording import Currency


def waterfall_figure(
    steps: Sequence[tuple[str, float]], start: tuple[str, float], end: str, money: Currency
) -> Figure:
    """Draw a start, its changes one after another, and the end they add up to.

    Parameters
    ----------
    steps: (what changed, USD a month it adds; negative: it saves). money: what it is drawn in.
    """
    changes = np.array([usd_added for _, usd_added in steps])
    after = start[1] + np.cumsum(changes)
    before = after - changes
    names = [start[0], *(name for name, _ in steps), end]
    final = float(after[-1]) if len(after) else start[1]
    bars = [
        _bars("total", "@1", names, {0: start[1], len(names) - 1: final}, {}, money),
        _bars(
            "dearer",
            "@2",
            names,
            {i + 1: c for i, c in enumerate(changes) if c >= 0},
            {i + 1: b for i, b in enumerate(before)},
            money,
        ),
        _bars(
            "cheaper",
            "@3",
            names,
            {i + 1: -c for i, c in enumerate(changes) if c < 0},
            {i + 1: a for i, a in enumerate(after)},
            money,
        ),
    ]
    highest = float(max([start[1], final, *after, *before]))
    return {
        "data": [bar for bar in bars if len(bar["x"])],
        "layout": {
            "barmode": "overlay",
            "xaxis": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": names,
                "automargin": True,
            },
            "yaxis": money_axis(money, "a month", 0.0, money.of(highest) * 1.15),
        },
    }


def _bars(
    name: str,
    colour: str,
    names: Sequence[str],
    heights: dict[int, float],
    bases: dict[int, float],
    money: Currency,
) -> Figure:
    places = sorted(heights)
    signs = {"dearer": "+", "cheaper": "−"}
    texts = [f"{signs.get(name, '')}{money.short(heights[i])}" for i in places]
    return {
        "type": "bar",
        "x": [names[i] for i in places],
        "y": money.of(np.array([heights[i] for i in places], float)),
        "base": money.of(np.array([bases.get(i, 0.0) for i in places], float)),
        "name": name,
        "marker": {"color": colour, "pattern": {"shape": "/" if name == "cheaper" else ""}},
        "text": texts,
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{x}: %{text}<extra></extra>",
    }
