"""A waterfall from stacked bars: what leads from one cost to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmplan.arrays import Bools, Floats
from llmplan.charts.style import Figure, figure_of, money_axis
from llmplan.wording import Currency


def waterfall_figure(
    steps: Sequence[tuple[str, float]], start: tuple[str, float] | None, end: str, money: Currency
) -> Figure:
    """Draw a start, its changes one after another, and the end they add up to; without a start, from nothing.

    Parameters
    ----------
    steps: (what changed, USD a month it adds; negative: it saves). money: what it is drawn in.
    """
    first = [] if start is None else [start]
    changes = np.array([usd_added for _, usd_added in steps])
    after = sum(usd for _, usd in first) + np.cumsum(changes)
    before = after - changes
    names = [name for name, _ in (*first, *steps)] + [end]
    final = float(after[-1]) if len(after) else sum(usd for _, usd in first)
    ends = {place: usd for place, (_, usd) in enumerate(first)} | {len(names) - 1: final}
    rises, falls = changes >= 0, changes < 0
    rise = ("dearer", "@bad/0.75") if first else ("part", "@ink/0.4")
    n = len(first)
    bars = [
        _bars("total", "@ink/0.75", names, ends, {}, money),
        _bars(*rise, names, _of(changes, rises, n), _of(before, rises, n), money),
        _bars("cheaper", "@good/0.75", names, _of(-changes, falls, n), _of(after, falls, n), money),
    ]
    highest = float(max([*ends.values(), *after, *before]))
    return figure_of(
        [bar for bar in bars if len(bar["x"])],
        barmode="overlay",
        showlegend=bool(first),
        xaxis={
            "type": "category",
            "categoryorder": "array",
            "categoryarray": names,
            "automargin": True,
        },
        yaxis=money_axis(money, "a month", 0.0, money.of(highest) * 1.15),
    )


def _of(values: Floats, chosen: Bools, first: int) -> dict[int, float]:
    """Return the chosen values by their place among the bars."""
    return {first + int(place): float(values[place]) for place in np.flatnonzero(chosen)}


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
