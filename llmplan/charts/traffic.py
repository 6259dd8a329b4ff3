"""Traffic in pictures: the bill by app and model, the week, how long requests are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from llmplan.arrays import Floats
from llmplan.charts.growth import DAYS, HOURS_PER_DAY
from llmplan.charts.style import Figure, figure_of, line_trace, log_axis, money_axis, money_hover, plain_text
from llmplan.wording import Currency

COLOURS = tuple(f"@{place}" for place in range(1, 9))


def bill_figure(models: Mapping[str, Floats], apps: Sequence[str], money: Currency) -> Figure:
    """Draw the bill of each app, a bar, by model. models: USD a month by app, (apps,)."""
    converted = {model: np.asarray(money.of(usd), float) for model, usd in models.items()}
    names = [plain_text(app) for app in apps]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": names,
            "x": sums,
            "name": plain_text(model),
            "marker": {"color": COLOURS[place % len(COLOURS)]},
            "hovertemplate": f"%{{y}}, {plain_text(model)}: {money_hover(money, 'x')} a month<extra></extra>",
        }
        for place, (model, sums) in enumerate(converted.items())
    ]
    most = float(sum(converted.values(), np.zeros(len(apps))).max(initial=0.0)) or 1.0
    return figure_of(
        data,
        barmode="stack",
        xaxis=money_axis(money, "a month", 0, most * 1.05),
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )


def week_figure(week: Floats) -> Figure:
    """Draw the queries of each hour of the week as a heat map. week: Monday 0:00 UTC first, (168,)."""
    heat = {
        "type": "heatmap",
        "x": np.arange(HOURS_PER_DAY),
        "y": list(DAYS),
        "z": week.reshape(len(DAYS), HOURS_PER_DAY),
        "colorscale": [[0, "@3/0.05"], [1, "@3"]],
        "zmin": 0,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "%{y} %{x}:00 UTC: %{z:,.0f} queries<extra></extra>",
    }
    hours = {"title": "Hour of the day, UTC", "dtick": 3}
    return figure_of([heat], xaxis=hours, yaxis={"type": "category", "autorange": "reversed"})


def lengths_figure(lengths: Mapping[str, tuple[Floats, Floats]]) -> Figure:
    """Draw the share of requests of at most so many tokens. lengths: name -> tokens that rise, share up to them."""
    hover = "at most %{x:,.0f} tokens: %{y:.0%}"
    data = [
        line_trace(np.maximum(tokens, 1), share, name, COLOURS[place], hover, shape="hv")
        for place, (name, (tokens, share)) in enumerate(lengths.items())
    ]
    most = max((float(tokens.max()) for tokens, _ in lengths.values() if tokens.size), default=10.0)
    shares = {"title": "Share of requests", "range": [0, 1.02], "tickformat": ".0%"}
    return figure_of(data, xaxis=log_axis("Tokens", 1, max(most, 10)), yaxis=shares)
