"""One replica in pictures: its memory by part, its latency under load; and the fleet by hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llmplan.arrays import Bools, Floats
from llmplan.charts.style import Figure, band_traces, figure_of, level_trace, line_trace, log_axis, upright

PART_COLOURS = {
    "weights": "@1",
    "overhead": "@8",
    "KV cache in use": "@3",
    "KV cache free": "@3/0.35",
    "kept back": "@8/0.35",
    "missing": "@bad",
}
PART_PATTERNS = {"KV cache free": "/", "kept back": ".", "missing": "x"}
METRIC_TITLES = {
    "ttft_ms": "First token after [ms]",
    "tpot_ms": "Then a token every [ms]",
    "output_tokens_per_s": "Output tokens/s",
}
NARROW_SHARE = 0.08
FEW_REPLICAS = 8
"""Up to here each replica gets a tick of its own: Plotly would also mark halves."""


def memory_figure(rows: Sequence[Mapping[str, Any]], card_gib: float, gpu_name: str) -> Figure:
    """Draw one GPU's memory as a stacked bar against the card's size.

    rows: {part, gib, note} as of `llmplan.sizing.memory_breakdown`.
    """
    needed = sum(row["gib"] for row in rows if row["part"] != "missing")
    end = max(card_gib, needed) * 1.04
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [gpu_name],
            "x": [row["gib"]],
            "name": row["part"],
            "marker": {
                "color": PART_COLOURS[row["part"]],
                "pattern": {"shape": PART_PATTERNS.get(row["part"], "")},
            },
            "text": [f"{row['gib']:.0f} GiB" if row["gib"] > NARROW_SHARE * end else ""],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "insidetextfont": {"color": "@ink" if row["part"] in PART_PATTERNS else "@card"},
            "textangle": 0,
            "hovertemplate": f"{row['part']}: %{{x:.1f}} GiB<br>{row['note']}<extra></extra>",
        }
        for row in rows
        if row["gib"] > 0 and row["part"] != "missing"
    ]
    label = {
        "x": card_gib,
        "y": 1,
        "yref": "paper",
        "xanchor": "right",
        "yanchor": "top",
        "text": f"card: {card_gib:.1f} GiB",
        "showarrow": False,
        "font": {"color": "@ink", "size": 12},
    }
    return figure_of(
        data,
        barmode="stack",
        xaxis={"title": "GiB of one GPU", "range": [0, end]},
        yaxis={"type": "category", "showticklabels": False},
        shapes=[upright(card_gib, dash="solid", width=2.0)],
        annotations=[label],
        uniformtext={"minsize": 12, "mode": "hide"},
    )


def load_figure(
    concurrency: Floats,
    base: Floats,
    low: Floats,
    high: Floats,
    metric: str,
    measured: tuple[Floats, Floats, Sequence[str]],
    limit: float | None = None,
    present: float | None = None,
) -> Figure:
    """Draw a metric of one replica against concurrency with its 80 % band and measured points.

    Parameters
    ----------
    metric: a key of METRIC_TITLES. measured: concurrency, value and source of measured points.
    limit: the latency target. present: the concurrency at which the fleet runs.
    """
    data = band_traces(concurrency, low, high, "@3")
    data.append(
        line_trace(concurrency, base, "predicted, band p10 to p90", "@3", "%{x:.0f} at once: %{y:,.0f}")
    )
    if len(measured[0]):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": measured[0],
                "y": measured[1],
                "name": "measured",
                "text": list(measured[2]),
                "marker": {"color": "@2", "size": 9, "symbol": "x"},
                "hovertemplate": "%{x:.0f} at once: %{y:,.0f}<br>%{text}<extra></extra>",
            }
        )
    if limit is not None:
        data.append(level_trace(concurrency[[0, -1]], limit, f"target: {limit:,.0f} ms"))
    shapes = [upright(present)] if present else []
    values = np.concatenate([low, high, *([measured[1]] if len(measured[0]) else [])])
    values = values[np.isfinite(values) & (values > 0)]
    ends = (float(values.min()) / 1.5, float(max(values.max(), limit or 0)) * 1.5)
    return figure_of(
        data,
        xaxis=log_axis("Requests at once", float(concurrency[0]), float(concurrency[-1])),
        yaxis=log_axis(METRIC_TITLES[metric], *ends),
        shapes=shapes,
    )


def waiting_figure(
    queries_per_day: Floats,
    percentiles: Sequence[float],
    ttft_ms: Floats,
    valid: Bools,
    limit: float | None = None,
    present: float | None = None,
) -> Figure:
    """Draw percentiles of TTFT of a fleet against its arrival rate; dotted where the formula is out of range.

    Parameters
    ----------
    queries_per_day: arrival rates held all day, shape (n,). ttft_ms: shape (percentiles, n).
    limit: the latency target. present: the rate of the busiest time.
    """
    data: list[Figure] = []
    colours = ("@3", "@1", "@2", "@5")
    for place, (percentile, row) in enumerate(zip(percentiles, ttft_ms, strict=True)):
        name, colour = f"{percentile:g} % start within", colours[place % len(colours)]
        seen = np.isfinite(row)
        inside, outside = valid & seen, seen & ~(valid & np.append(valid[1:], False))
        hover = "%{x:,.0f} a day: %{y:,.0f} ms"
        data.append(line_trace(queries_per_day[inside], row[inside], name, colour, hover))
        dotted = line_trace(queries_per_day[outside], row[outside], name, colour, dash="dot")
        data.append({**dotted, "showlegend": False})
    if limit is not None:
        data.append(level_trace(queries_per_day[[0, -1]], limit, f"target: {limit:,.0f} ms"))
    values = ttft_ms[np.isfinite(ttft_ms)]
    ends = (float(values.min()) / 1.5, float(max(values.max(), limit or 0)) * 1.5)
    return figure_of(
        data,
        xaxis={"title": "Queries/day, arriving at random", "rangemode": "tozero"},
        yaxis=log_axis(METRIC_TITLES["ttft_ms"], *ends),
        shapes=[upright(present)] if present else [],
    )


def fleet_figure(needed: Floats, queries_per_hour: Floats, billed: float) -> Figure:
    """Draw the replicas that each hour needs (bars), and those that are rented all day (line)."""
    hours = np.arange(len(needed))
    bars = {
        "type": "bar",
        "x": hours,
        "y": needed,
        "name": "needed in the hour, with spares",
        "marker": {"color": "@3/0.7"},
        "text": [f"{q:,.0f} queries" for q in queries_per_hour],
        "textposition": "none",
        "hovertemplate": "%{x}:00: %{y:.0f} replicas<br>%{text}<extra></extra>",
    }
    rented = level_trace([-0.5, len(needed) - 0.5], billed, f"rented all day, for the peak: {billed:,.0f}")
    top = max(billed, float(needed.max()))
    whole = {"dtick": 1} if top <= FEW_REPLICAS else {}
    return figure_of(
        [bars, rented],
        xaxis={"title": "Hour of the day", "range": [-0.6, len(needed) - 0.4], "dtick": 3},
        yaxis={"title": "Replicas", "range": [0, top * 1.15 + 0.2], **whole},
        bargap=0.15,
    )
