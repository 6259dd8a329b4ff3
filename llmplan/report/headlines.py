"""What charts show, in words: key figures and the findings that stand as titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llmplan.growth.planning import GrowthPlan
from llmplan.kinds import Kind
from llmplan.options import BreakEven, Option
from llmplan.options.constraints import floor_asked
from llmplan.options.rows import first_of_each
from llmplan.quality.tasks import NORMAL_80
from llmplan.recommend import Recommendation
from llmplan.report.finding import at_volume, times_as_much, where_cheaper
from llmplan.report.report import Report
from llmplan.units import MONTHS_PER_YEAR, UNIT_QUERIES
from llmplan.wording import (
    capital,
    in_unit,
    model_name,
    month_words,
    probability,
    share,
    short_volume,
    without_hardware,
)

MISSES_A_KIND = 2


def kpi_cards(report: Report) -> list[tuple[str, str, str]]:
    """Return (head, figure, note) of the answer's key figures."""
    cards = []
    for kind in Kind:
        place = report.comparison.cheapest(kind)
        if place is None:
            cards.append((kind.short, "–", "none is feasible"))
        else:
            month = report.money.short(float(report.comparison.base_usd[place]))
            each = report.money.short(float(report.comparison.usd_per_query[place]) * UNIT_QUERIES)
            cards.append((kind.short, f"{month}/month", f"{each} per 1,000 queries"))
    return [*cards, ("Self-hosting pays", *_pays(report))]


def _pays(report: Report) -> tuple[str, str]:
    rival = report.nearest_rival
    if rival is None:
        return "–", "nothing to compare"
    return where_cheaper(rival[1].self_hosted_cheaper, "/day"), f"against {report.option(rival[0]).label}"


def answer_facts(report: Report, weigh: bool = True) -> list[tuple[str, str]]:
    """Return (what, in words) of what an answer is judged by: saving, confidence, quality, the prices' dates.

    Nothing where nothing is feasible. weigh: False leaves the confidence open while it is not known yet.
    """
    item = report.comparison.recommended
    if item is None:
        return []
    asked = report.scenario
    floor = f"{floor_asked(asked)} needed" if asked.quality_floor else "no floor"
    facts = [
        ("Against today", _against_today(report)),
        ("Confidence", _confidence(report) if weigh or report.is_weighed else "…"),
        ("Quality", f"{share(item.quality)} of today's{quality_band(report, item)}; {floor}"),
    ]
    return [*facts, ("Prices", report.dates_line.removeprefix("prices "))]


def _confidence(report: Report) -> str:
    return f"{probability(report.advice.p_right)} {sure_of(report.advice)}"


def sure_of(advice: Recommendation) -> str:
    """Say what the confidence in a recommendation is the probability of."""
    reaches = "" if advice.p_meets is None else "it reaches the floor and "
    return f"that {reaches}{Kind(advice.kind or Kind.API).plural} stay the cheapest kind"


def _against_today(report: Report) -> str:
    """Say what the answer saves a month and a year against what runs today."""
    today, saving = report.today_place, report.saving_usd
    if today is None or saving is None:
        return f"{report.scenario.reference_api_id} is not among the options"
    label = report.option(today).label
    if today == report.comparison.best:
        return f"stay with {label}"
    month, year = (report.money.short(abs(saving) * months) for months in (1, MONTHS_PER_YEAR))
    verb = "saves" if saving >= 0 else "costs more by"
    return f"move from {label}: {verb} {month} a month, {year} a year"


def quality_band(report: Report, item: Option) -> str:
    """Return the 80 % band of an option's success over today's; nothing where that ratio is certain or not known. (11.10)"""
    half = NORMAL_80 * item.quality_sd
    if item.quality is None or not half:
        return ""
    today = None if report.today_place is None else report.option(report.today_place).success
    most = 1 / today.base if today is not None and today.base > 0 else np.inf
    low, high = max(item.quality - half, 0.0), min(item.quality + half, max(most, item.quality))
    return f" ({share(low)} to {share(high)})"


def bill_title(report: Report) -> str:
    """Return the largest part of the answer's month."""
    if not report.bill:
        return "No option meets these limits, so there is no bill"
    total, largest = sum(part.usd for part in report.bill), max(report.bill, key=lambda part: part.usd)
    return f"{capital(largest.name)}: {share(largest.usd / total)} of {report.money.short(total)} a month"


def curve_title(report: Report) -> str:
    """Return what the cost curve shows, in words: where self-hosting beats the cheapest token price."""
    if report.nearest_rival is None:
        return _ends_title(report)
    return f"Self-hosting {_beats(report, *report.nearest_rival)}"


def _ends_title(report: Report) -> str:
    """Return what the cheapest option costs today and at the largest volume."""
    found, asked = report.comparison, report.scenario.queries_per_day
    if not report.envelopes or found.best is None:
        return "No option is feasible at any volume"
    now = report.money.short(found.best_usd)
    least = min(float(each.monthly_usd[1, -1]) for each in report.envelopes)
    last = f"{report.money.short(least)} at {short_volume(report.envelopes[0].queries_per_day[-1])}"
    return f"The cheapest option costs {now} a month at {at_volume(asked)} queries/day, {last}"


def curve_note(report: Report) -> str:
    """Return where self-hosting beats the other token prices; empty where there is none."""
    others = [pair for pair in report.rivals if pair != report.nearest_rival]
    return "; ".join(f"Self-hosting {_beats(report, *pair)}" for pair in others)


def _beats(report: Report, place: int, rival: BreakEven) -> str:
    words, label = where_cheaper(rival.self_hosted_cheaper), report.option(place).label
    return f"never beats {label}" if words == "never" else f"beats {label} {words}"


def frontier_title(report: Report) -> str:
    """Say how many models are worth their price, and whether today's is one of them."""
    points = report.frontier
    if not points:
        return "No option with a known quality meets the limits"
    best = [point for point in points if point.on_frontier]
    today = next((point for point in points if point.runs_today), None)
    said = f"{len(best)} of {len(points)} models are worth their price"
    if today is None:
        return said
    if today.on_frontier:
        return f"{said}; {model_name(today.label)} is one"
    better = [p for p in best if p.monthly_usd <= today.monthly_usd and p.success.base >= today.success.base]
    cheapest = min(better, key=lambda point: point.monthly_usd, default=None)
    if cheapest is None:
        return f"{said}; {model_name(today.label)} is not one"
    cost = f"{report.money.short(cheapest.monthly_usd)} instead of {report.money.short(today.monthly_usd)}"
    return f"{said}: {model_name(cheapest.label)} does as well as {model_name(today.label)} for {cost}"


def payback_title(plan: GrowthPlan) -> str:
    """Say by when the least costly option, and self-hosting, have paid back against what runs today."""
    best, own = plan.time.best, plan.best_own
    said = []
    if best.option_id != plan.incumbent_id:
        said.append((without_hardware(best.label), plan.switches[best.option_id].payback_month_now))
    if own is not None and own.candidate_id != best.option_id:
        said.append(("self-hosting", own.payback_month_now))
    if not said:
        return f"Nothing to switch to from {plan.today_label}, which runs today"
    words = [f"{name} {'does not' if month is None else f'by {month_words(month)}'}" for name, month in said]
    return f"Pays back against {plan.today_label}, which runs today: {'; '.join(words)}"


def hardware_title(report: Report) -> str:
    """Return what would be run on own GPUs, and what that costs beside the answer."""
    place, found = report.comparison.cheapest(Kind.SELF_HOSTED), report.comparison
    if place is None:
        return "No self-hosted option meets the limits"
    usd, best = float(found.base_usd[place]), found.best_usd
    name = report.catalog.models[report.option(place).model_id].name
    if place == found.best:
        return f"What we would run: {name} on own GPUs, {report.money.short(usd)} a month"
    more = report.money.short(usd - best)
    return f"{name} on own GPUs would cost {report.money.short(usd)} a month, {more} more than the answer"


def map_title(report: Report) -> str:
    """Return for how many models self-hosting wins, about today's volume and at the map's largest.

    Models whose quality no token price reaches are left out: there is nothing to win against.
    """
    shown = report.full_map
    if not len(shown.model_ids):
        return "No open model can be self-hosted within these limits"
    rivalled = shown.kind[~shown.unrivalled]
    if not rivalled.size:
        return "No token price meets these limits: own GPUs are the only way, for every model and volume"
    won = np.sum(rivalled == Kind.SELF_HOSTED.order, axis=0)
    asked = report.scenario.queries_per_day
    now = int(np.argmin(np.abs(np.log(shown.queries_per_day / asked))))
    if not won.any():
        # A route may undercut tokens and own GPUs alike, which says nothing of these two.
        routed = bool((rivalled == Kind.HYBRID.order).any())
        rival, own = ("tokens or routing are", "own GPUs alone") if routed else ("tokens are", "own GPUs")
        return f"At equal quality, {rival} cheaper than {own} for every model and volume"
    if won.min() == len(rivalled):
        return "At equal quality, self-hosting is the cheapest for every model and volume"
    wins = f"At today's volume, self-hosting wins for {won[now] or 'none'} of {len(rivalled)} models at equal quality"
    last = short_volume(shown.queries_per_day[-1])
    return (
        f"{wins}, as at {last} queries/day"
        if won[now] == won[-1]
        else f"{wins}, for {won[-1]} at {last} queries/day"
    )


def option_title(report: Report, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how the cheapest option compares with the next of a short table, cheapest first."""
    feasible, every = report.comparison.n_feasible, len(report.comparison.options)
    if len(rows) == 1:
        return f"{rows[0]['label']} is the only one of {every:,} options that meets the scenario"
    more = times_as_much(float(rows[1]["monthly_usd_base"]) / float(rows[0]["monthly_usd_base"]))
    return f"{rows[0]['label']} is the cheapest of {feasible:,} feasible options; {rows[1]['label']} costs {more}"


def flip_title(report: Report) -> str:
    """Return what would flip the answer, the nearest change of one input."""
    for row in report.tipping:
        if row.nearest is not None:
            return f"The answer holds unless {row.nearest.condition}"
    return "No change of one input, within the ranges searched, flips the answer"


def flip_rows(report: Report) -> list[list[str]]:
    """Return (it flips when, today, then) for every input that can flip the answer, nearest first."""
    return [
        [
            capital(point.condition),
            in_unit(row.base, row.unit, report.money),
            point.label or "nothing is feasible",
        ]
        for row in report.tipping
        for point in (row.below, row.above)
        if point is not None
    ]


def near_misses(report: Report) -> list[list[str]]:
    """Return, where nothing is feasible, the cheapest models of each kind that are out, and why."""
    options, monthly = report.comparison.options, report.comparison.base_usd
    items, order = options.items, np.argsort(monthly, kind="stable")
    out = order[np.isfinite(monthly[order]) & ~options.feasible[order]]
    by_kind: dict[str, list[int]] = {}
    for place in first_of_each(out, *items.kind_and_model).tolist():
        by_kind.setdefault(items.kind[place], []).append(place)
    chosen = [place for found in by_kind.values() for place in found[:MISSES_A_KIND]]
    return [
        [options.items[p].label, report.money.short(float(monthly[p])), "; ".join(options.items[p].reasons)]
        for p in chosen
    ]
