"""What the cost curves page draws: lines by kind and model, points by model size, in the reader's unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmplan.catalog import Catalog
from llmplan.charts.sizes import SizePoint
from llmplan.options import Curves, break_even, cost_curves, volume_axis
from llmplan.report import Report
from llmplan.report.report import CURVE_POINTS
from llmplan.units import TOKENS_PER_MTOK, UNIT_QUERIES
from llmplan.wording import short_volume

UNITS = (("month", "A month"), ("query", "A thousand queries"), ("mtok", "A million tokens"))
MOST_PAIRS = 6
"""Pairs of lines whose crossings are worked out exactly while a slider moves."""
NOT_OFFERED = "known for its measurements, not offered as an option"


@dataclass(frozen=True)
class ShownCosts:
    """Cost over volume of the lines drawn.

    Attributes
    ----------
    present: index of the present volume.
    crossings: volumes [queries/day] at which a self-hosted line crosses one of token prices.
    """

    places: tuple[int, ...]
    curves: Curves
    present: int
    crossings: tuple[float, ...]
    cheapest_in_words: str


def choice_key(kind: str, model_id: str) -> str:
    """Return the key of a line: a model by one kind of way, whichever configuration is the cheapest."""
    return f"{kind}:{model_id}"


def choices(report: Report) -> tuple[tuple[str, str], ...]:
    """Return (key, label) of every line that is feasible, by kind, then name."""
    found: dict[str, tuple[int, str, str]] = {}
    for place in report.comparison.order:
        item = report.option(place)
        key = choice_key(item.kind, item.model_id)
        if key not in found:
            model = report.catalog.models.get(item.model_id)
            name = model.name if model else item.model_id
            found[key] = (item.kind.order, name.lower(), f"{name}, {item.kind.label}")
    return tuple((key, row[2]) for key, row in sorted(found.items(), key=lambda pair: pair[1][:2]))


def default_choices(report: Report) -> list[str]:
    """Return the cheapest of each kind and the reference API."""
    places = [*report.curve_places]
    reference = report.scenario.reference_api_id
    places += [p for p in report.comparison.order if report.option(p).option_id == reference]
    items = [report.option(place) for place in dict.fromkeys(places)]
    return list(dict.fromkeys(choice_key(item.kind, item.model_id) for item in items))


def places_of(report: Report, keys: Iterable[str]) -> tuple[int, ...]:
    """Return the places of the cheapest option of each key; a key that is out now has none."""
    wanted = dict.fromkeys(keys)
    first: dict[str, int] = {}
    for place in report.comparison.order:
        item = report.option(place)
        first.setdefault(choice_key(item.kind, item.model_id), place)
    return tuple(first[key] for key in wanted if key in first)


def shown_costs(report: Report, places: Sequence[int]) -> ShownCosts:
    """Return the curves of the options at some places."""
    scenario, options = report.scenario, report.comparison.options
    ids = [options.items[place].option_id for place in places]
    volumes = np.union1d(volume_axis(CURVE_POINTS), [scenario.queries_per_day])
    curves = cost_curves(scenario, ids, volumes, report.catalog, options)
    present = int(np.searchsorted(volumes, scenario.queries_per_day))
    words = _cheapest_line(curves)
    return ShownCosts(tuple(places), curves, present, _crossings(curves), words)


def _crossings(curves: Curves) -> tuple[float, ...]:
    """Return the volumes at which a self-hosted line crosses one of token prices, exact for few lines."""
    options = curves.options
    own = [i for i, item in enumerate(options.items) if item.kind == "self_hosted"]
    paid = np.flatnonzero(options.is_api)
    pairs = [(o, int(p)) for o in own for p in paid][:MOST_PAIRS]
    found = [float(x) for o, p in pairs for x in break_even(options, [o], p).crossings_queries_per_day]
    return tuple(sorted(set(found)))


def _cheapest_line(curves: Curves) -> str:
    """Say which line is the cheapest from which volume."""
    base = curves.monthly_usd[1]
    if not base.size:
        return "No option is chosen."
    best = np.argmin(base, axis=0)
    starts = [0, *(int(i) for i in np.flatnonzero(np.diff(best)) + 1)]
    parts = [
        f"from {short_volume(float(curves.queries_per_day[i]))} a day {curves.options.items[int(best[i])].label}"
        for i in starts
    ]
    return f"The cheapest: {'; '.join(parts)}."


def size_points(report: Report, unit: str) -> tuple[list[SizePoint], list[tuple[str, float]]]:
    """Return the cheapest self-hosted and hosted option of each open model, and the levels of two APIs."""
    scenario, found = report.scenario, report.comparison
    share = _queries_or_tokens(report, unit)
    best: dict[tuple[str, str], int] = {}
    usd, feasible = found.monthly_usd[1], found.options.feasible
    for place in np.lexsort((usd, ~feasible)):
        item = found.options.items[place]
        if item.model_id in report.catalog.models and item.kind != "api" and np.isfinite(usd[place]):
            best.setdefault((item.kind, item.model_id), int(place))
    points = [_point(report, place, share) for place in best.values()]
    apis = dict.fromkeys([found.cheapest("api"), _place_of(report, scenario.reference_api_id)])
    levels = [(report.option(p).label, float(usd[p] / share)) for p in apis if p is not None]
    return sorted(points, key=lambda p: (p.total_params_b, p.kind)), levels


def small_models(catalog: Catalog) -> tuple[str, ...]:
    """Return the open models below the smallest option, which are known for their measurements only."""
    options = [m.total_params_b for m in catalog.models.values() if m.status != "measured only"]
    smallest = min(options, default=0.0)
    rows = [m for m in catalog.models.values() if m.total_params_b < smallest]
    return tuple(m.model_id for m in rows if m.status == "measured only")


def small_points(report: Report, unit: str) -> list[SizePoint]:
    """Return the points of a report on `small_models` alone: open markers, with the reason."""
    found, share = report.comparison, _queries_or_tokens(report, unit)
    best: dict[str, int] = {}
    for place in np.argsort(found.monthly_usd[1], kind="stable"):
        item = found.options.items[place]
        if item.kind == "self_hosted" and np.isfinite(found.monthly_usd[1, place]):
            best.setdefault(item.model_id, int(place))
    points = [_point(report, place, share) for place in best.values()]
    return [replace(p, feasible=False, why_out=p.why_out or NOT_OFFERED) for p in points]


def _queries_or_tokens(report: Report, unit: str) -> float:
    """Return what a month's cost is divided by: 1, its queries, its million tokens."""
    month = report.comparison.queries_per_month
    tokens = report.scenario.input_tokens + report.scenario.output_tokens
    return {"month": 1.0, "query": month / UNIT_QUERIES, "mtok": month * tokens / TOKENS_PER_MTOK}[unit]


def _place_of(report: Report, option_id: str) -> int | None:
    items = report.comparison.options.items
    return next((i for i, item in enumerate(items) if item.option_id == option_id), None)


def _point(report: Report, place: int, share: float) -> SizePoint:
    item = report.option(place)
    model = report.catalog.models[item.model_id]
    low, base, high = (float(side) / share for side in report.comparison.monthly_usd[:, place])
    return SizePoint(
        item.kind,
        model.name,
        item.label,
        model.total_params_b,
        low,
        base,
        high,
        item.feasible,
        "; ".join(item.reasons),
    )


def size_title(points: Sequence[SizePoint]) -> str:
    """Return the finding: up to which model size one's own fleet undercuts the same model's token price."""
    own = {p.model_name: p for p in points if p.kind == "self_hosted"}
    hosted = {p.model_name: p for p in points if p.kind == "hosted"}
    both = [name for name in own if name in hosted]
    won = sum(own[name].base < hosted[name].base for name in both)
    if not both:
        return "What each model size costs at this volume"
    if won == 0:
        return f"At this volume tokens are cheaper than a fleet for each of {len(both)} open models"
    return f"At this volume a fleet is cheaper than tokens for {won} of {len(both)} open models"
