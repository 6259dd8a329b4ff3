"""What each part of the Cost curves page shows: lines by kind and model, points by model size, any unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from markupsafe import Markup

from llmplan.app.widgets import html
from llmplan.app.widgets.chart_view import Chart
from llmplan.app.widgets.html import card, table
from llmplan.arrays import Floats
from llmplan.charts import cost_chart, cost_curves_figure
from llmplan.charts.cost import per_unit
from llmplan.charts.sizes import model_size_figure
from llmplan.options import CURVE_POINTS, Curves, cost_curves, volume_axis
from llmplan.options.maps import crossings_of, leaders_of
from llmplan.options.model_sizes import SizePoint, size_points, small_points
from llmplan.options.rows import first_of_each
from llmplan.options.standing import today_id
from llmplan.report import Report
from llmplan.report.headlines import curve_title, kpi_cards
from llmplan.wording import parameters, short_volume

UNITS = (("month", "A month"), ("query", "A thousand queries"), ("mtok", "A million of today's tokens"))
MOST_PAIRS = 6
"""Pairs of lines whose crossings are worked out exactly while a slider moves."""
MOST_TOLD = 12
HEIGHT = 480


@dataclass(frozen=True, eq=False)
class CostsByVolume:
    """Cost over volume of the options at some places, and how it is drawn."""

    report: Report
    places: tuple[int, ...]
    unit: str
    logarithmic: bool
    bands: bool

    @cached_property
    def curves(self) -> Curves:
        """The lines, with a point at the present volume."""
        scenario, options = self.report.scenario, self.report.comparison.options
        ids = [options.items[place].option_id for place in self.places]
        volumes = np.union1d(volume_axis(CURVE_POINTS), [scenario.queries_per_day])
        return cost_curves(scenario, ids, volumes, self.report.catalog, options)


@dataclass(frozen=True, eq=False)
class CostsBySize:
    """Cost over model size, and how it is drawn; `below`: the models that are too small to be options."""

    report: Report
    below: Report | None
    unit: str
    logarithmic: bool


def choices(report: Report) -> tuple[tuple[str, str], ...]:
    """Return (key, label) of every line that is feasible, by kind, then name."""
    found: dict[str, tuple[int, str, str]] = {}
    for key, place in _cheapest(report).items():
        item, name = report.option(place), _model_name(report, place)
        found[key] = (item.kind.order, name.lower(), f"{name}, {item.kind.label}")
    return tuple((key, row[2]) for key, row in sorted(found.items(), key=lambda pair: pair[1][:2]))


def _model_name(report: Report, place: int) -> str:
    model_id = report.option(place).model_id
    model = report.catalog.models.get(model_id)
    return model.name if model else model_id


def default_choices(report: Report) -> list[str]:
    """Return the cheapest of each kind and the reference API."""
    reference = today_id(report.scenario, report.catalog)
    ids = report.comparison.options.items.option_id
    known = [place for place in report.comparison.order if ids[place] == reference]
    return list(dict.fromkeys(_key(report, place) for place in (*report.curve_places, *known)))


def places_of(report: Report, keys: Iterable[str]) -> tuple[int, ...]:
    """Return the places of the report's curves of each key, else of its cheapest option; a key that is out now has none."""
    first, drawn = _cheapest(report), defaultdict(list)
    for place in report.curve_places:
        drawn[_key(report, place)].append(place)
    return tuple(
        place for key in dict.fromkeys(keys) if key in first for place in drawn.get(key, [first[key]])
    )


def _cheapest(report: Report) -> dict[str, int]:
    """Return the place of the cheapest option of each key."""
    items, order = report.comparison.options.items, np.array(report.comparison.order, np.intp)
    places = first_of_each(order, *items.kind_and_model).tolist()
    return {_key(report, place): place for place in places}


def _key(report: Report, place: int) -> str:
    """Return the key of a line: a model by one kind of way, whichever configuration is the cheapest."""
    items = report.comparison.options.items
    return f"{items.kind[place]}:{items.model_id[place]}"


def answer(report: Report) -> Markup:
    """Say where self-hosting beats the cheapest token price."""
    return html.answer(curve_title(report))


def figures(report: Report) -> Markup:
    """Return what the cheapest option of each kind costs a month and per 1,000 queries."""
    return html.cards(kpi_cards(report))


def curve_chart(shown: CostsByVolume) -> Chart:
    """Draw cost over volume."""
    report, crossings = shown.report, crossings_of(shown.curves, MOST_PAIRS)
    called = [_model_name(report, place).rpartition("/")[2] for place in shown.places]
    chart = cost_chart(shown.curves, report.scenario, crossings, shown.unit, every_band=True, named=called)
    names = "; ".join(line.name for line in chart.lines)
    leads = (f"from {short_volume(at)} a day {item.label}" for at, item in leaders_of(shown.curves))
    cheapest = "; ".join(leads) or "no option is chosen"
    return Chart(
        cost_curves_figure(chart, logarithmic=shown.logarithmic, bands=shown.bands),
        title=_now_title(shown),
        what="Cost against volume. Lines are base costs, bands low to high, steps whole replicas; dashed "
        "uprights: where a fleet crosses a token price.",
        alt=f"Cost over 100 to 10 million queries a day of {names}. The cheapest: {cheapest}.",
        table=chart.table(),
        filename="cost-curves",
        footnote=report.stamp,
        height=HEIGHT,
    )


def _now_title(shown: CostsByVolume) -> str:
    """Say which of the lines costs least at the present volume."""
    found, asked = shown.report.comparison, shown.report.scenario.queries_per_day
    if not shown.places:
        return "No line is chosen"
    best = min(shown.places, key=lambda place: float(found.base_usd[place]))
    cost = shown.report.money.short(float(found.base_usd[best]))
    return f"Of these, {shown.report.option(best).label} costs least at {short_volume(asked)} a day: {cost} a month"


def present_card(shown: CostsByVolume) -> Markup:
    """Return what each line costs at the present volume, in every unit."""
    curves, scenario, money = shown.curves, shown.report.scenario, shown.report.money
    now = int(np.searchsorted(curves.queries_per_day, scenario.queries_per_day))
    units = [per_unit(curves, unit, scenario)[1][:, now] for unit, _ in UNITS]
    low, _, high = curves.monthly_usd[:, :, now]
    rows = [
        (
            curves.options.items[i].label,
            *(money.short(float(cost[i])) for cost in units),
            money.range(float(low[i]), float(high[i])),
        )
        for i in np.argsort(units[0], kind="stable")
    ]
    heads = (
        "Option",
        "A month",
        "Per 1,000 queries",
        "Per million of today's tokens",
        "A month, low to high",
    )
    return card("At the present volume", table(heads, rows, "Costs at the present volume", range(1, 5)))


def sizes_chart(shown: CostsBySize) -> Chart:
    """Draw cost over model size."""
    report, found, money = shown.report, shown.report.comparison, shown.report.money
    cost = _cost(report, shown.unit)
    offered = size_points(found, report.catalog, cost)
    below = shown.below
    small = small_points(below.comparison, report.catalog, _cost(below, shown.unit)) if below else []
    points = [*small, *offered]
    today = today_id(report.scenario, report.catalog)
    reference = np.flatnonzero(found.options.items.option_id == today).tolist()
    apis = dict.fromkeys(place for place in (found.cheapest("api"), *reference) if place is not None)
    flat = [(report.option(place).label, float(cost[1, place])) for place in apis]
    return Chart(
        model_size_figure(points, flat, shown.unit, money=money, logarithmic=shown.logarithmic),
        title=_sizes_title(offered),
        what=f"Each open model at {report.scenario.queries_per_day:,.0f} queries a day: its cheapest fleet and "
        "its cheapest token price. Open markers are out for another reason than cost.",
        alt="Cost over model size: "
        + "; ".join(
            f"{p.model_name} {parameters(p.total_params_b)} {p.kind} {money.short(p.base)}"
            for p in points[:MOST_TOLD]
        ),
        table={
            "model": [p.model_name for p in points],
            "billions of parameters": [p.total_params_b for p in points],
            "option": [p.label for p in points],
            **{side: [money.of(getattr(p, side)) for p in points] for side in ("low", "base", "high")},
            "why out": [p.why_out for p in points],
        },
        filename="cost-by-model-size",
        footnote=report.stamp,
        height=HEIGHT,
    )


def _cost(report: Report, unit: str) -> Floats:
    """Return the cost (3, n) of every option of a report in a unit."""
    found, volume = report.comparison, np.array([report.scenario.queries_per_day])
    return per_unit(Curves(volume, found.options, found.monthly_usd[:, :, None]), unit, report.scenario)[
        :, :, 0
    ]


def _sizes_title(points: Sequence[SizePoint]) -> str:
    """Say for how many open models one's own fleet undercuts the same model's token price."""
    own, hosted = (
        {p.model_name: p.base for p in points if p.kind == kind} for kind in ("self_hosted", "hosted")
    )
    both = own.keys() & hosted.keys()
    won = sum(own[name] < hosted[name] for name in both)
    if not both:
        return "What each model size costs at this volume"
    if won == 0:
        return f"At this volume tokens are cheaper than a fleet for each of {len(both)} open models"
    return f"At this volume a fleet is cheaper than tokens for {won} of {len(both)} open models"
