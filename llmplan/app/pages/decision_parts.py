"""What each part of the Decision page shows: the answer, its cost, how sure it is, the options."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from llmplan.app.flips import Flips
from llmplan.app.pages.page import once
from llmplan.app.widgets import html
from llmplan.app.widgets.chart_view import Chart, no_chart
from llmplan.app.widgets.html import (
    KeyFigure,
    badge,
    bullets,
    card,
    folded,
    full_value,
    note,
    paragraph,
    table,
)
from llmplan.catalog.cache import kept
from llmplan.charts import cost_curves_figure, decision_map_figure, envelope_chart
from llmplan.charts.frontier import frontier_figure
from llmplan.charts.waterfall import waterfall_figure
from llmplan.kinds import Kind
from llmplan.options import DecisionMap, Options
from llmplan.options.rows import first_of_each
from llmplan.recommend import Recommendation
from llmplan.recommend.relaxing import relaxing_sentences
from llmplan.report import Report
from llmplan.report.finding import where_cheaper
from llmplan.report.headlines import (
    answer_facts,
    bill_title,
    curve_title,
    frontier_title,
    map_title,
    near_misses,
    quality_band,
    sure_of,
)
from llmplan.wording import NOTHING, milliseconds, probability, share, shortened

UNRIVALLED = " * No token price is known to reach this model's quality."
LONGEST_ROW = 22
HEIGHT = 460
MAP_AROUND, MAP_ROW = 130, 17
"""Pixels of the map: around its rows, and of one row, whose letters it holds."""
HOW_SURE = "How sure is that"
WEIGH_MS = 1_000
"""How long the inputs must have rested before the browser asks how sure the answer is."""
DOUBLE, MANY = 2, 10
LEAST_DRAWN_USD = 0.01
BAR_MARGIN = 0.03
"""Share of a card's line that stays free at each end, so that a mark there is whole."""
GLOSSARY = {
    Kind.API: "A model that its vendor runs: you pay by the token.",
    Kind.HOSTED: "An open-weight model that a provider runs: you pay by the token.",
    Kind.SELF_HOSTED: "An open-weight model on GPUs that you rent and run.",
    Kind.HYBRID: "Easy queries, or the base load, go to a model on your own GPUs, hard ones, or peaks, to an API.",
}
OPTION_HEADS = (
    "Option",
    "A month",
    "Low to high",
    "Why not",
    "Quality",
    "First token",
    "Token every",
    "GPUs",
    "Speed is",
)
MISS_HEADS = ("Option", "A month", "Limit in the way")
NOTHING_FLIPS = "No single input changes the recommendation within the values tried."


def answer(report: Report) -> Markup:
    """Say what to do, what that saves, how sure it is, how good, and how old the prices are."""
    return html.answer(report.finding) + html.facts(answer_facts(report, weigh=False))


def stamp(report: Report) -> Markup:
    """Say where the numbers come from."""
    return note(report.stamp)


@once
def figures(report: Report) -> Markup:
    """Return a card a kind, all alike: cost with its range, quality, first token, gap to the answer."""
    found = report.comparison
    places = [place for kind in Kind if (place := found.cheapest(kind)) is not None]
    months = dict(zip(places, found.monthly_of(places).T.tolist(), strict=True))
    ends = [math.log(max(end, LEAST_DRAWN_USD)) for low, _, high in months.values() for end in (low, high)]
    scale = min(ends, default=0.0), max(ends, default=0.0)
    return html.cards([_kind_card(report, kind, months, scale) for kind in Kind])


def _cost_bar(report: Report, usd: Sequence[float], scale: tuple[float, float]) -> Markup:
    """Return a month's low, base and high as a bar; scale: logarithms of the lowest and the highest of all cards."""
    money, (first, last) = report.money, scale
    inner = 1 - 2 * BAR_MARGIN
    parts = [
        BAR_MARGIN
        + inner * ((math.log(max(each, LEAST_DRAWN_USD)) - first) / (last - first) if last > first else 0.5)
        for each in usd
    ]
    edges = [money.short(math.exp(end)) for end in scale]
    words = f"A month: low {money.short(usd[0])}, base {money.short(usd[1])}, high {money.short(usd[2])}"
    return html.range_bar(
        parts, f"{words}; every card's line runs from {edges[0]} to {edges[1]}, in powers of ten"
    )


def _kind_card(
    report: Report, kind: Kind, months: Mapping[int, Sequence[float]], scale: tuple[float, float]
) -> KeyFigure:
    found, money = report.comparison, report.money
    head = Markup('<span title="{}">{}</span>').format(GLOSSARY[kind], kind.short)
    place = found.cheapest(kind)
    if place is None:
        return head, NOTHING, why_none(report, kind)
    item = report.option(place)
    low, base, high = months[place]
    if place == found.best:
        head += Markup(" ") + badge("the answer", "lp-badge-chosen")
    gap = "the answer" if place == found.best else _why_not(base, found.best_usd)
    first = "first word not stated" if item.ttft_ms is None else f"first word {milliseconds(item.ttft_ms)}"
    lines = (
        _cost_bar(report, (low, base, high), scale) + Markup("{}").format(money.range(low, high)),
        item.label,
        f"quality {share(item.quality)}{quality_band(report, item)} · {first}",
        gap,
    )
    return head, full_value(money, base, "/month"), Markup("<br>").join(lines)


def why_none(report: Report, kind: Kind) -> str:
    """Say why no option of a kind is feasible: what stands against the cheapest of it."""
    found = report.comparison
    mine = np.flatnonzero((found.options.items.kind == kind) & np.isfinite(found.base_usd))
    if not len(mine):
        return "none is possible within these limits"
    cheapest = report.option(int(mine[np.argmin(found.base_usd[mine])]))
    return f"{cheapest.label}: {cheapest.reasons[0]}" if cheapest.reasons else "none is feasible"


@once
def bill_chart(report: Report) -> Chart:
    """Draw what the answer's month is made of."""
    if not report.bill:
        return no_chart(bill_title(report))
    money = report.money
    return Chart(
        waterfall_figure([(part.name, part.usd) for part in report.bill], None, "A month", money),
        title=bill_title(report),
        what="What the answer's month is made of, base figures.",
        alt="; ".join(f"{part.name} {money.short(part.usd)}" for part in report.bill),
        table={
            "part": [part.name for part in report.bill],
            f"{money.name} a month": [money.of(part.usd) for part in report.bill],
            "source": [part.source_id or "prices" for part in report.bill],
        },
        filename="bill",
        footnote=report.stamp,
        height=320,
    )


@once
def curve_chart(report: Report) -> Chart:
    """Draw the cheapest option of each kind at every volume, and the answer's own line."""
    if not report.envelopes:
        return no_chart("No option meets these limits at any volume")
    chart = envelope_chart(report.envelopes, report.answer_curve, report.scenario, report.crossings)
    names = "; ".join(line.name for line in chart.lines)
    where = ", ".join(f"{x:,.0f}" for x in report.crossings[:4]) or "nowhere"
    return Chart(
        cost_curves_figure(chart),
        title=curve_title(report),
        what="The cheapest option of each kind at every volume (which one: hover), base cost, bands low to high; "
        "dotted: today's answer. Tint: the cheapest kind. Uprights: own GPUs and tokens change places.",
        alt=f"Cost over volume of {names}. The cheaper side changes at {where} queries a day.",
        table=chart.table,
        filename="cost-curve",
        footnote=report.stamp,
        height=HEIGHT,
    )


@once
def frontier_chart(report: Report) -> Chart:
    """Draw what each model at an effort succeeds on and costs."""
    points, money = report.frontier, report.money
    if not points:
        return no_chart(frontier_title(report))
    best = [point for point in points if point.on_frontier]
    return Chart(
        frontier_figure(points, report.least_success, money),
        title=frontier_title(report),
        what="One point a model at an effort, its cheapest way at this volume; bars: 80% band. Star: what runs today.",
        alt="; ".join(
            f"{point.label} {share(point.success.base)} at {money.short(point.monthly_usd)}" for point in best
        ),
        table={
            "option": [point.label for point in points],
            "kind": [point.kind.head for point in points],
            f"{money.name} a month": [money.of(point.monthly_usd) for point in points],
            "success %, low": [100 * point.success.low for point in points],
            "success %": [100 * point.success.base for point in points],
            "success %, high": [100 * point.success.high for point in points],
            "on the frontier": [point.on_frontier for point in points],
        },
    )


@once
def map_chart(report: Report) -> Chart:
    """Draw the cheapest kind of option for each open model and volume."""
    found = report.full_map
    if not found.model_ids:
        return no_chart(map_title(report))
    names = _row_names(report, found)
    return Chart(
        decision_map_figure(found, report.scenario.queries_per_day, names, report.money),
        title=map_title(report),
        what="For each open model (row, the best on top, its quality beside it) and volume: the cheapest way to get at "
        "least its quality, and what that costs a month." + (UNRIVALLED if found.unrivalled.any() else ""),
        alt=f"A map of {len(names)} models by volume, coloured and lettered by the cheapest kind of option.",
        table={
            "queries a day": [f"{v:,.0f}" for v in found.queries_per_day],
            **{
                names[model_id]: labels
                for model_id, labels in zip(found.model_ids, found.labels, strict=True)
            },
        },
        filename="decision-map",
        footnote=report.stamp,
        height=max(HEIGHT, MAP_AROUND + MAP_ROW * len(names)),
    )


def _row_names(report: Report, found: DecisionMap) -> dict[str, str]:
    """Return the map's row labels: name and quality, names cut where they stay apart; starred where unrivalled."""
    names = [report.catalog.models[model_id].name.removesuffix("-Instruct") for model_id in found.model_ids]
    short = [shortened(text, LONGEST_ROW) for text in names]
    if len(set(short)) < len(short):
        short = names
    return {
        model_id: f"{'* ' if alone else ''}{name} {share(quality) if quality else NOTHING}"
        for model_id, name, quality, alone in zip(
            found.model_ids, short, found.quality.tolist(), found.unrivalled, strict=True
        )
    }


def sure_cards(report: Report, flips: Flips) -> Markup:
    """Say how sure the answer is, and what would flip it as far as that is worked out."""
    if report.comparison.best is not None:
        flip = card("What would flip it", _flips(flips), _by_volume(report))
    else:
        near = table(MISS_HEADS, near_misses(report), "The cheapest that are out", (1,))
        freed = relaxing_sentences(report.advice.relaxed, report.money) if report.is_weighed else ()
        flip = card("What would have to give", bullets(freed), near)
    sure = _sure(report.advice) if report.is_weighed else _weighing(flips)
    return Markup('<div class="lp-pair">{}{}</div>').format(sure, flip)


def _weighing(flips: Flips) -> Markup:
    """Return the line that has the browser ask how sure the answer is, once a slider comes to rest."""
    line = html.at_rest("weigh", WEIGH_MS, flips.model.scenario, "Trying cases: inputs from their ranges…")
    return card(HOW_SURE, line)


def _sure(found: Recommendation) -> Markup:
    """Say how sure the recommendation is, and what weighs against it."""
    if found.kind is None or found.p_right is None:
        return card(HOW_SURE, paragraph(found.reason))
    sure = f"{found.confidence.capitalize()} ({probability(found.p_right)})"
    lead = Markup("<strong>{}</strong> {} over the ranges of the inputs. ").format(sure, sure_of(found))
    if found.p_meets is not None:
        lead += f"It reaches the floor with a chance of {probability(found.p_meets)}. "
    if found.expected_regret_usd:
        wrong = found.scenario.currency.whole(found.expected_regret_usd)
        lead += f"If it is wrong, that costs {wrong} a month on average."
    tokens = paragraph(found.why_these_tokens) if found.why_these_tokens else Markup("")
    return card(HOW_SURE, paragraph(lead), bullets(found.caveats), tokens)


def _flips(flips: Flips) -> Markup:
    """Return the nearest flips, or the line that has the browser ask for the next bit of the work."""
    known = flips.sentences
    return flips.asking() if known is None else bullets(known or (NOTHING_FLIPS,))


def _by_volume(report: Report) -> Markup:
    """Say from which volumes self-hosting is cheaper, against each kind of token price."""
    line = Markup("Self-hosting is cheaper than {}: <strong>{}</strong>.")
    lines = [
        line.format(report.option(place).label, where_cheaper(rival.self_hosted_cheaper))
        for place, rival in report.rivals
    ]
    return Markup("<h3>By volume</h3>") + bullets(lines) if lines else Markup("")


@once
def options_card(report: Report) -> Markup:
    """Return the top options, and the reason why the best of every other model is out."""
    found, places = report.comparison, report.shown_places
    months, least = (
        found.monthly_of(places).T.tolist(),
        float(found.base_usd[list(places)].min(initial=np.inf)),
    )
    rows = []
    for place, (low, base, high), gpus in zip(places, months, found.gpus_of(places).tolist(), strict=True):
        item = report.option(place)
        rows.append(
            (
                item.label,
                full_value(report.money, base),
                report.money.range(low, high),
                "the answer" if place == found.best else _why_not(base, least),
                share(item.quality),
                milliseconds(item.ttft_ms),
                milliseconds(item.tpot_ms),
                int(gpus) or NOTHING,
                "your measurement" if item.measured_by else item.basis or NOTHING,
            )
        )
    shown = table(OPTION_HEADS, rows, "The cheapest options", range(1, 8), chosen=0) if rows else None
    shown = shown or paragraph("No option meets these limits.")
    return card("The options", shown, _left_out(found.alone))


def _why_not(base: float, least: float) -> str:
    """Say why an option that would do is not the answer: how much more it costs than the cheapest."""
    if base <= least:
        return "costs the same"
    times = base / least if least > 0 else float("inf")
    if times < DOUBLE:
        return f"{times - 1:.0%} more"
    return f"{times:,.0f} x the cost" if times >= MANY else f"{times:,.1f} x the cost"


@kept(1)
def _left_out(options: Options) -> Markup:
    """Return why the best of every model and kind of which none is feasible is out; no hybrid is made of those."""
    items = options.items
    inside = set(
        zip(items.kind[items.feasible].tolist(), items.model_id[items.feasible].tolist(), strict=True)
    )
    first = first_of_each(np.arange(len(items)), *items.kind_and_model).tolist()
    out = [items[place] for place in first if (items.kind[place], items.model_id[place]) not in inside]
    if not out:
        return Markup("")
    rows = [(item.label, "; ".join(item.reasons)) for item in out]
    more = table(("Option", "Why it is out"), rows, "Options that are out")
    return folded(f"{len(out)} models that are out, and why", more)
