"""The article check's charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmplan.charts.style import (
    Figure,
    band_traces,
    figure_of,
    line_trace,
    log_axis,
    money_hover,
    money_log_axis,
    vertical_line,
)
from llmplan.claims.pictures import CrossoverLines, HardwareCost, RequestRates
from llmplan.wording import Currency


def claimed_cost_figure(rows: Sequence[HardwareCost], money: Currency) -> Figure:
    """Draw each row's claimed range as a bar and today's range as a line with its median."""
    names = [row.name.replace(", ", "<br>") for row in rows]
    claimed = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": [money.of(row.claimed_high - row.claimed_low) for row in rows],
        "base": [money.of(row.claimed_low) for row in rows],
        "name": "claimed",
        "marker": {"color": "@8/0.45"},
        "hovertemplate": f"claimed from {money_hover(money, 'base')}<extra></extra>",
    }
    computed = {
        "type": "scatter",
        "mode": "markers",
        "y": names,
        "x": [money.of(row.computed.base) for row in rows],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [money.of(row.computed.high - row.computed.base) for row in rows],
            "arrayminus": [money.of(row.computed.base - row.computed.low) for row in rows],
            "color": "@1",
        },
        "name": "today: cheapest, median, dearest",
        "marker": {"color": "@1", "size": 10, "symbol": "diamond"},
        "hovertemplate": f"median {money_hover(money, 'x')}<extra></extra>",
    }
    return figure_of(
        [claimed, computed],
        xaxis=money_log_axis(money, "a month", money.of(100), money.of(50_000)),
        yaxis={"type": "category", "automargin": True, "autorange": "reversed"},
    )


def crossover_figure(lines: CrossoverLines, money: Currency) -> Figure:
    """Draw the API's line, the article's flat fleet, the fleet for the peak, and the claimed band."""
    styles = (
        (lines.api_usd, f"GPT-4o at {money.each(lines.usd_per_query)} a query", "@1", "solid", "linear"),
        (lines.flat_usd, "the article: two A100, any volume", "@8", "dash", "linear"),
        (lines.fleet_usd, "A100 as the peak needs them", "@3", "solid", "hv"),
    )
    hover = f"%{{x:,.0f}} a day: {money_hover(money, 'y')}"
    data = [
        line_trace(lines.queries_per_day, money.of(y), name, colour, hover, dash=dash, shape=shape)
        for y, name, colour, dash, shape in styles
    ]
    crossings = (
        (lines.flat_crossing, lines.flat_crossing_usd, "@8"),
        (lines.fleet_crossing, lines.fleet_crossing_usd, "@3"),
    )
    shown = [crossing for crossing in crossings if crossing[0] < lines.queries_per_day[-1]]
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [crossing[0] for crossing in shown],
            "y": [money.of(crossing[1]) for crossing in shown],
            "name": "costs no more than the API from here",
            "marker": {
                "symbol": "diamond",
                "size": 12,
                "color": [crossing[2] for crossing in shown],
                "line": {"color": "@ink", "width": 1},
            },
            "hovertemplate": f"{hover}<extra></extra>",
        }
    )
    return figure_of(
        data,
        xaxis=log_axis("Queries a day", 1_000, 1_000_000),
        yaxis=money_log_axis(money, "a month", money.of(100), money.of(1_000_000)),
        shapes=[_band(*lines.claimed, "x")],
        annotations=[_note(float(np.log10(np.sqrt(lines.claimed[0] * lines.claimed[1]))), "claimed")],
    )


def request_rate_figure(rates: RequestRates) -> Figure:
    """Draw requests a minute over prompt length with its band, and the claimed band."""
    line, label = vertical_line(
        rates.stated_tokens,
        f"the article's prompt:<br>{rates.stated_tokens:,.0f} tokens",
        y=0,
        yanchor="bottom",
        xanchor="right",
        align="right",
    )
    least, most = rates.claimed
    return figure_of(
        [
            *band_traces(rates.input_tokens, rates.low, rates.high, "@3"),
            line_trace(
                rates.input_tokens, rates.base, "predicted", "@3", "%{x:,.0f} tokens: %{y:.0f} a minute"
            ),
        ],
        xaxis=log_axis("Input tokens", 100, 30_000),
        yaxis=log_axis("Requests a minute", 0.8 * float(rates.low.min()), 1.5 * float(rates.high.max())),
        shapes=[_band(least, most, "y"), line],
        annotations=[
            label,
            {
                "x": 1,
                "xref": "paper",
                "xanchor": "right",
                "y": float(np.log10(most)),
                "yanchor": "bottom",
                "text": f"claimed: {least:g} to {most:g}",
                "showarrow": False,
                "font": {"color": "@ink", "size": 12},
            },
        ],
    )


def _band(low: float, high: float, axis: str) -> Figure:
    other = "y" if axis == "x" else "x"
    return {
        "type": "rect",
        f"{axis}0": low,
        f"{axis}1": high,
        f"{other}ref": "paper",
        f"{other}0": 0,
        f"{other}1": 1,
        "fillcolor": "@8/0.2",
        "line": {"width": 0},
        "layer": "below",
    }


def _note(x: float, text: str) -> Figure:
    return {
        "x": x,
        "y": 1,
        "yref": "paper",
        "yanchor": "top",
        "text": text,
        "showarrow": False,
        "font": {"color": "@ink", "size": 12},
    }
