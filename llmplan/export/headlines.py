"""What charts show, in words: key figures and the findings that stand as titles."""

from __future__ import annotations

import numpy as np

from llmplan.decision import BreakEven
from llmplan.export.report import Report
from llmplan.wording import share, short_volume, usd, volume

MISSES_A_KIND = 2
SHORT_FROM = 100_000
UNIT_QUERIES = 1_000
"""Unit costs are shown for a thousand queries: a single one costs too little to read."""


def kpi_cards(report: Report) -> list[tuple[str, str, str]]:
    """Return (head, figure, note) of the answer's key figures."""
    cards = []
    heads = {"api": "API", "hosted": "Hosted open model", "self_hosted": "Self-hosted"}
    for kind, head in heads.items():
        place = report.comparison.cheapest(kind)
        if place is None:
            cards.append((head, "–", "none is feasible"))
        else:
            month = usd(float(report.comparison.monthly_usd[1, place]))
            each = usd(float(report.comparison.usd_per_query[place]) * UNIT_QUERIES)
            cards.append((head, f"{month}/month", f"{each} per 1,000 queries"))
    return [*cards, ("Self-hosting pays", *_pays(report))]


def _pays(report: Report) -> tuple[str, str]:
    if not report.rivals:
        return "–", "nothing to compare"
    place, rival = min(report.rivals, key=lambda pair: float(report.comparison.monthly_usd[1, pair[0]]))
    return _verdict(rival), f"against {report.option(place).label}"


def _verdict(rival: BreakEven) -> str:
    if not rival.self_hosted_cheaper:
        return "never"
    low = rival.self_hosted_cheaper[0][0]
    if rival.self_hosted_cheaper[0] == (1, None):
        return "always"
    return f"from {volume(low) if low < SHORT_FROM else short_volume(low)}/day"


def curve_title(report: Report) -> str:
    """Return what the cost curve shows, in words."""
    own = report.comparison.cheapest("self_hosted")
    if own is None or not report.rivals:
        return "What each option costs a month, over volume"
    verdicts: dict[str, list[str]] = {}
    for place, rival in report.rivals:
        verdicts.setdefault(_verdict_words(rival), []).append(report.option(place).label)
    parts = [words.format(" or ".join(names)) for words, names in verdicts.items()]
    return f"Self-hosting {report.catalog.model(report.option(own).model_id).name} " + " and ".join(parts)


def _verdict_words(rival: BreakEven) -> str:
    if not rival.self_hosted_cheaper:
        return "never beats {}"
    low = rival.self_hosted_cheaper[0][0]
    return "always beats {}" if low == 1 else f"beats {{}} from {volume(low)} queries/day"


def map_title(report: Report) -> str:
    """Return how much of the map self-hosting wins."""
    won = float(np.mean(report.map.kind == 2)) if report.map.kind.size else 0.0
    if won == 0:
        return "At equal quality, tokens are cheaper than own GPUs at every model size and volume"
    return f"At equal quality, self-hosting wins {share(won)} of the map; where, by model size and volume"


def flip_title(report: Report) -> str:
    """Return what would flip the answer, the nearest change of one input."""
    flips = [row for row in report.tipping if row.below or row.above]
    if not flips:
        return "No change of one input, within the ranges searched, flips the answer"
    return f"Nearest flip: {flips[0].sentence[:1].lower()}{flips[0].sentence[1:].rstrip('.')}"


def flip_rows(report: Report) -> list[list[str]]:
    """Return (input, today, flips at, then) for every input that can flip the answer, nearest first."""
    rows = []
    for row in report.tipping:
        for point in (row.below, row.above):
            if point is not None:
                change = f" ({point.change_pct:+.0f}%)" if point.change_pct is not None else ""
                then = point.label or "nothing is feasible"
                rows.append(
                    [
                        row.label,
                        _with_unit(row.base, row.unit),
                        f"{_with_unit(point.value, row.unit)}{change}",
                        then,
                    ]
                )
    return rows


def _with_unit(value: float, unit: str) -> str:
    if unit == "ratio to today":
        return "today's" if value == 1 else f"{value:.3g} x today's"
    if unit == "ratio":
        return f"{value:.3g}"
    if unit.startswith("share"):
        return f"{value:.1%}{unit.removeprefix('share')}"
    return f"{volume(value) if abs(value) >= UNIT_QUERIES else f'{value:.3g}'} {unit}".strip()


def near_misses(report: Report) -> list[list[str]]:
    """Return, where nothing is feasible, the cheapest models of each kind that are out, and why."""
    options, monthly = report.comparison.options, report.comparison.monthly_usd[1]
    by_kind: dict[str, dict[str, int]] = {}
    for place in np.argsort(monthly, kind="stable"):
        item = options.items[place]
        if np.isfinite(monthly[place]) and item.reasons:
            by_kind.setdefault(item.kind, {}).setdefault(item.model_id, int(place))
    chosen = [place for found in by_kind.values() for place in list(found.values())[:MISSES_A_KIND]]
    return [
        [options.items[p].label, usd(float(monthly[p])), "; ".join(options.items[p].reasons)] for p in chosen
    ]
