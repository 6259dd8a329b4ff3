"""Cost over volume: curves, their ranges, the names at their ends, where the cheapest changes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.charts.style import (
    DASHES,
    Figure,
    band_traces,
    decades,
    legend_name,
    line_trace,
    log_axis,
    money_axis,
    money_hover,
    plain_text,
    upright,
    vertical_line,
)
from llmplan.kinds import Kind
from llmplan.options import Curves, Envelope
from llmplan.scenario import Scenario
from llmplan.units import TOKENS_PER_MTOK, UNIT_QUERIES
from llmplan.wording import Currency, short_volume, shortened

UNITS = {
    "month": "a month",
    "query": f"per {UNIT_QUERIES:,} queries",
    "mtok": "per million of today's tokens",
}
TODAY = "now"
"""How the present volume's mark is labelled, and found."""
MOST_CROSSINGS = 6
LABEL_ROOM, LABEL_ROW, LABEL_ROWS = 0.65, 16, 3
"""Decades of volume and px of height that a crossing's label takes, and the rows that it may stand in."""
NAME_LETTERS, LETTER_WIDTH, NAME_HEIGHT = 14, 8, 0.045
"""Room for the lines' names at their ends: letters of a row, px of a letter, and a row's share of the chart's height."""
MOST_NAMED = 9
"""Lines that are named at their ends; more of them would not fit above one another."""


@dataclass(frozen=True)
class CostLine:
    """An option's cost over volume, and how it is drawn.

    Attributes
    ----------
    low, base, high: (v,), in the chart's currency and unit. is_stepped: it is level until it needs one more replica.
    dash: as Plotly names it; a second line of a kind, which has the kind's colour, has another one.
    is_shaded: its range is drawn as a band; of two bands of one colour the first alone.
    at: (v,) its volumes [queries/day]. labels: which option it is at each volume; empty: one all along.
    is_thin: drawn as a thin line beside the others.
    end: rows of what it is called at its right end.
    """

    name: str
    kind: Kind
    dash: str
    low: Floats
    base: Floats
    high: Floats
    is_stepped: bool
    is_shaded: bool
    at: Floats
    labels: tuple[str, ...] = ()
    is_thin: bool = False
    end: tuple[str, ...] = ()

    @property
    def is_range(self) -> bool:
        """Whether low and high differ anywhere."""
        return not np.array_equal(self.low, self.high)


@dataclass(frozen=True)
class CostChart:
    """Cost over volume as page, HTML report and deck draw it.

    Attributes
    ----------
    queries_per_day: (v,). today: the scenario's volume.
    crossings: volumes [queries/day] at which the cheaper side changes.
    title: of the cost axis.
    ends: the powers of ten around all costs.
    """

    queries_per_day: Floats
    lines: tuple[CostLine, ...]
    today: float
    crossings: tuple[float, ...]
    money: Currency
    title: str

    @property
    def named(self) -> tuple[CostLine, ...]:
        """The lines that say at their ends what they are, so that no legend is needed; none where they are too many."""
        named = tuple(line for line in self.lines if line.end and np.isfinite(line.base).any())
        return named if len(named) <= MOST_NAMED else ()

    @property
    def ends(self) -> tuple[float, float]:
        """The powers of ten around all costs: where a logarithmic axis begins and ends."""
        return decades(np.concatenate([[], *(side for line in self.lines for side in (line.low, line.high))]))

    def table(self) -> dict[str, Any]:
        """Return the numbers behind the chart, column by column."""
        columns: dict[str, Any] = {"Queries a day": self.queries_per_day}
        for line in self.on_one_axis().lines:
            if line.labels:
                columns[f"{line.name}, which"] = list(line.labels)
            columns |= {f"{line.name}, {side}": getattr(line, side) for side in ("low", "base", "high")}
        return columns

    def on_one_axis(self) -> CostChart:
        """Return the chart with every line at the chart's volumes, each as at its own nearest volume."""
        lines = []
        for line in self.lines:
            here = np.interp(self.queries_per_day, line.at, np.arange(len(line.at))).round().astype(int)
            sides = {side: getattr(line, side)[here] for side in ("low", "base", "high")}
            labels = tuple(line.labels[place] for place in here) if line.labels else ()
            lines.append(replace(line, at=self.queries_per_day, labels=labels, **sides))
        return replace(self, lines=tuple(lines))


def cost_chart(
    curves: Curves,
    scenario: Scenario,
    crossings: Sequence[float] = (),
    unit: str = "month",
    *,
    every_band: bool = False,
    named: Sequence[str] = (),
) -> CostChart:
    """Describe the cost of some options over volume, in the scenario's currency.

    Parameters
    ----------
    crossings: volumes [queries/day] at which the cheaper side changes; the first of those in sight are kept.
    unit: a key of `UNITS`. every_band: shade the range of a kind's later lines too.
    named: what each option is called at its line's end, below its kind.
    """
    money, volumes = scenario.currency, curves.queries_per_day
    cost = money.of(per_unit(curves, unit, scenario))
    count: Counter[str] = Counter()
    lines = []
    for place, item in enumerate(curves.options.items):
        low, base, high = np.where(np.isfinite(cost[:, place]), cost[:, place], np.nan)
        lines.append(
            CostLine(
                name=item.label,
                kind=item.kind,
                dash=line_dash(item.kind, count[item.kind]),
                low=low,
                base=base,
                high=high,
                is_stepped=unit == "month" and item.kind is Kind.SELF_HOSTED,
                is_shaded=(every_band or not count[item.kind]) and not np.allclose(low, high, equal_nan=True),
                at=volumes,
                end=(item.kind.short, shortened(named[place], NAME_LETTERS)) if named else (),
            )
        )
        count[item.kind] += 1
    seen = tuple(x for x in crossings if volumes[0] <= x <= volumes[-1])[:MOST_CROSSINGS]
    title = f"{money.name} {UNITS[unit]}"
    return CostChart(volumes, tuple(lines), scenario.queries_per_day, seen, money, title)


def envelope_chart(
    found: Sequence[Envelope],
    chosen: Curves,
    scenario: Scenario,
    crossings: Sequence[float] = (),
    unit: str = "month",
) -> CostChart:
    """Describe what the cheapest option of each kind costs at every volume, and the chosen option beside.

    Parameters
    ----------
    chosen: the curve of the option that is the answer today; its line is thin. crossings, unit: as in `cost_chart`.
    """
    money, beside = scenario.currency, cost_chart(chosen, scenario, crossings, unit)
    lines = []
    for each in found:
        low, base, high = money.of(each.monthly_usd / _units_a_month(each.queries_per_day, unit, scenario))
        lines.append(
            CostLine(
                name=each.kind.short,
                kind=each.kind,
                dash=each.kind.dash,
                low=low,
                base=base,
                high=high,
                is_stepped=unit == "month" and each.kind is Kind.SELF_HOSTED,
                is_shaded=not np.allclose(low, high),
                at=each.queries_per_day,
                labels=each.labels,
                end=(each.kind.short,),
            )
        )
    thin = (replace(line, is_thin=True, is_shaded=False) for line in beside.lines)
    return replace(beside, lines=(*lines, *thin))


def per_unit(curves: Curves, unit: str, scenario: Scenario) -> Floats:
    """Return the curves' cost (3, n, v) in USD a month, per thousand queries or per million of today's tokens."""
    return np.asarray(curves.monthly_usd / _units_a_month(curves.queries_per_day, unit, scenario))


def _units_a_month(queries_per_day: Floats, unit: str, scenario: Scenario) -> Floats:
    """Return how many of a unit a month holds at each volume: months, thousands of queries, millions of tokens as today's
    model counts them, so that lines compare equal work."""
    queries = queries_per_day * scenario.days_per_month
    tokens = queries * (scenario.input_tokens + scenario.output_tokens)
    share = {
        "month": np.ones_like(queries),
        "query": queries / UNIT_QUERIES,
        "mtok": tokens / TOKENS_PER_MTOK,
    }
    return share[unit]


def line_dash(kind: Kind, number: int) -> str:
    """Return the dashes of a kind's line, the first (0) or a later one."""
    return kind.dash if number == 0 else DASHES[(number + 1) % len(DASHES)]


def cost_curves_figure(chart: CostChart, *, logarithmic: bool = True, bands: bool = True) -> Figure:
    """Draw cost over volume: a line an option, its low-high band, the present volume and the crossings."""
    data: list[Figure] = []
    for line in chart.lines:
        if bands and line.is_shaded:
            data += band_traces(line.at, line.low, line.high, line.kind.colour)
        data.append(_trace(line, chart.money))
    now, label = vertical_line(chart.today, TODAY, name=TODAY, end=float(chart.queries_per_day[-1]))
    # At the foot: at the top stand the present volume's label and, near the end, the lines' names.
    foot: Figure = {"y": 0, "yanchor": "bottom", "font": {"color": "@muted", "size": 12}}
    crossed = [vertical_line(x, short_volume(float(f"{x:.2g}")), **foot) for x in chart.crossings]
    for mark, _ in crossed:
        mark |= upright(mark["x0"], "@muted", "dash", 1.0)
    y = (
        log_axis(chart.title, *chart.ends, tickprefix=chart.money.symbol)
        if logarithmic
        else money_axis(chart.money, "", 0.0, _top(chart)) | {"title": chart.title}
    )
    ends = float(chart.queries_per_day[0]), float(chart.queries_per_day[-1])
    layout: Figure = {
        "xaxis": log_axis("Queries a day", *ends),
        "yaxis": y,
        "shapes": [now, *(mark for mark, _ in crossed)],
        "annotations": [label, *_apart([text for _, text in crossed])],
    }
    if chart.named:
        letters = max(len(row) for line in chart.named for row in line.end)
        layout["shapes"] += _winners(chart)
        layout["annotations"] += _end_names(chart, logarithmic)
        layout |= {"showlegend": False, "margin": {"r": LETTER_WIDTH * letters}}
    return {"data": data, "layout": layout}


def _trace(line: CostLine, money: Currency) -> Figure:
    """Return a line that says on hover what it costs, and which option it is there."""
    hover = f"%{{x:,.0f}} a day: {money_hover(money, 'y')}"
    more: Figure = {"customdata": list(line.labels)} if line.labels else {}
    if line.labels:
        hover += "<br>%{customdata}"
    shape = "hv" if line.is_stepped else "linear"
    looks: Figure = {"dash": "dot", "width": 1.25} if line.is_thin else {"dash": line.dash}
    trace = line_trace(
        line.at, line.base, legend_name(line.name), line.kind.colour, hover, shape=shape, **looks
    )
    return trace | more


def _winners(chart: CostChart) -> list[Figure]:
    """Return a tint over the volumes at which each kind is the cheapest."""
    axis = chart.queries_per_day
    lines = [line for line in chart.lines if not line.is_thin]
    costs = np.array([np.interp(np.log(axis), np.log(line.at), line.base) for line in lines])
    costs = np.where(np.isnan(costs), np.inf, costs)
    best = costs.argmin(axis=0)
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(axis) - 1]
    return [
        {
            "type": "rect",
            "layer": "below",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "x0": float(axis[first]),
            "x1": float(axis[last]),
            "line": {"width": 0},
            "fillcolor": f"{lines[best[first]].kind.colour}/0.07",
        }
        for first, last in pairwise(edges)
        if last > first
    ]


def _end_names(chart: CostChart, logarithmic: bool) -> list[Figure]:
    """Return the lines' names at their right ends, moved apart where they would run into one another."""
    low, high = map(math.log10, chart.ends) if logarithmic else (0.0, _top(chart))
    row = NAME_HEIGHT * (high - low)
    ends = [float(line.base[np.isfinite(line.base)][-1]) for line in chart.named]
    places = [math.log10(end) if logarithmic else end for end in ends]
    names: list[Figure] = []
    least = -math.inf
    for place, line in sorted(zip(places, chart.named, strict=True), key=lambda pair: pair[0]):
        height = row * len(line.end)
        bottom = max(place - height / 2, least)
        least = bottom + height
        names.append(
            {
                "name": line.name,
                "x": 1,
                "xref": "paper",
                "y": bottom,
                "xanchor": "left",
                "yanchor": "bottom",
                "align": "left",
                "borderpad": 0,
                "xshift": 4,
                "text": "<br>".join(map(plain_text, line.end)),
                "showarrow": False,
                "font": {"color": line.kind.colour, "size": 12},
            }
        )
    most = high
    for name in reversed(names):  # those that came to lie above the axis, back into it
        height = row * (1 + name["text"].count("<br>"))
        name["y"] = min(name["y"], most - height)
        most = name["y"]
    return names


def _apart(labels: list[Figure]) -> list[Figure]:
    """Keep the labels, from the left, that stand clear of one another in a row of theirs; the same words stand once."""
    kept: list[Figure] = []
    ends = [-math.inf] * LABEL_ROWS
    for label in labels:
        said = any(label["text"] == other["text"] for other in kept)
        row = next((row for row, end in enumerate(ends) if label["x"] - end > LABEL_ROOM), None)
        if row is not None and not said:
            ends[row] = label["x"]
            kept.append({**label, "yshift": LABEL_ROW * row})
    return kept


def _top(chart: CostChart) -> float:
    """Return where a linear axis of costs ends."""
    costs = np.concatenate([[], *(line.high for line in chart.lines)])
    seen = costs[np.isfinite(costs)]
    return 1.05 * float(seen.max()) if seen.size else 1.0
