"""Routers checked against real queries: measures, threshold at a quality floor, what a naive blend hides."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from llmplan.arrays import Floats, finite
from llmplan.errors import InputError
from llmplan.router.floors import FLOORS, LEAST_QUERIES_TO_SPLIT, TrialSettings, cheapest_at_floors
from llmplan.router.measures import (
    RouterCurve,
    aiq,
    apgr,
    area_under_curve,
    binned_curve,
    cpt_interpolated_pct,
    cpt_pct,
    exact_curve,
    ibc_lift,
    no_gap,
    non_decreasing_hull,
    roc_auc,
)
from llmplan.router.oracle import oracle_frontier, task_rule_scores
from llmplan.router.queries import QueryOutcomes

MOST_BINS = 100_000
AIQ_BINS = 10
"""RouterBench draws its hull through a few operating points; one through every query follows noise."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How a file is evaluated.

    Attributes
    ----------
    bins: quantile bins of the curve behind APGR, CPT and AUC; None for the exact per-query curve.
    floors: quality floors as shares of the strong model's quality.
    naive_share: strong share at which the naive blend, precision and recall are shown.
    bootstrap: resamples of the held-out part.
    seed: of the split and of the resampling.
    """

    bins: int | None = None
    floors: tuple[float, ...] = FLOORS
    naive_share: float = 0.30
    bootstrap: int = 500
    seed: int = 0

    @property
    def trial(self) -> TrialSettings:
        return TrialSettings(self.floors, self.bootstrap, self.seed)

    def __post_init__(self) -> None:
        if self.bins is not None and not 1 <= self.bins <= MOST_BINS:
            rule = f"must lie from 1 to {MOST_BINS:,}"
            raise InputError("bins", self.bins, rule, "give 10, or leave it out for the exact curve")
        for floor in self.floors:
            if not 0 <= floor < np.inf:
                rule = "must be a number from 0 up"
                raise InputError("floor", floor, rule, "give a share of the strong quality: 0.95")
        if not 0 <= self.naive_share <= 1:
            raise InputError(
                "naive share", self.naive_share, "must lie from 0 to 1", "give a strong share: 0.3"
            )


def evaluate(data: QueryOutcomes, router: str, settings: EvaluationSettings) -> dict[str, Any]:
    """Return one router's measures on one data set, as `llmplan route-eval --json` prints them.

    Qualities are in the file's units, costs in USD per query, CPT and shares in percent where the name
    says so. A measure that the data leave undefined is None, with the reason under "notes".
    """
    score, exact = data.scores[router], exact_curve(data.scores[router], data.weak, data.strong)
    curve, cpt = exact, cpt_pct
    if settings.bins is not None:
        curve, cpt = binned_curve(score, data.weak, data.strong, settings.bins), cpt_interpolated_pct
    return {
        "n": len(data),
        "weak_quality": float(exact.quality[0]),
        "strong_quality": float(exact.quality[-1]),
        "weak_usd_per_query": finite(exact.usd_per_query[0]),
        "strong_usd_per_query": finite(exact.usd_per_query[-1]),
        "apgr": finite(apgr(curve)),
        **{f"cpt{target}": finite(cpt(curve, target / 100)) for target in (20, 50, 80)},
        "auc": area_under_curve(curve),
        **_aiq_keys(data, score, exact, settings.bins or AIQ_BINS),
        "classifier": classification(data, score, settings.naive_share),
        "naive_blend": naive_blend(exact, settings.naive_share),
        "cascade": cascade(data, score, exact, settings.naive_share),
        "cheapest_at_floor": cheapest_at_floors(data, score, exact, settings.trial),
        "frontier": frontier_points(exact),
        "curve": _points(curve) if settings.bins is not None else None,
        "notes": _notes(data, score),
    }


def _aiq_keys(data: QueryOutcomes, score: Floats, exact: RouterCurve, bins: int) -> dict[str, Any]:
    points = binned_curve(score, data.weak, data.strong, bins)
    binned, every = aiq(points.usd_per_query, points.quality), aiq(exact.usd_per_query, exact.quality)
    return {
        "aiq": finite(binned.paper),
        "aiq_code": finite(binned.code),
        "aiq_exact": finite(every.paper),
        "aiq_code_exact": finite(every.code),
    }


def baselines(data: QueryOutcomes, settings: EvaluationSettings) -> dict[str, Any]:
    """Return what an oracle, a cross-fitted per-task rule and chance attain on the data set."""
    oracle = oracle_frontier(data) if data.has_costs else None
    best_share = float(data.needed.mean())
    rule = None
    if len(set(data.tasks)) > 1 and len(data) >= LEAST_QUERIES_TO_SPLIT:
        rule = exact_curve(task_rule_scores(data, settings.seed), data.weak, data.strong)
    alike = no_gap(float(data.weak_quality.mean()), float(data.strong_quality.mean()))
    return {
        "random": {"apgr": None if alike else 0.5},
        "oracle": {
            "quality": float(np.maximum(data.weak_quality, data.strong_quality).mean()),
            "share_strong": best_share,
            "frontier": None if oracle is None else _thinned(oracle),
        },
        "task_rule": None
        if rule is None
        else {"apgr": finite(apgr(rule)), "cpt50": finite(cpt_pct(rule, 0.5))},
    }


def classification(data: QueryOutcomes, score: Floats, share: float) -> dict[str, Any]:
    """Return the router read as a classifier of "strong is strictly better": ROC AUC, precision, recall."""
    needed, wanted = data.needed, float(data.needed.mean())
    flags = np.column_stack([needed, needed]).astype(float)
    # Of a tie group that the share cuts, the mean of random order counts.
    hits = exact_curve(score, np.zeros_like(flags), flags).quality_at(share)
    gain = data.strong_quality - data.weak_quality
    return {
        "share_needed": wanted,
        "roc_auc": finite(roc_auc(score, needed)),
        "share_strong": share,
        "precision": hits / share if share else None,
        "recall": hits / wanted if wanted else None,
        "false_positive_rate": (share - hits) / (1 - wanted) if wanted < 1 else None,
        "gain_where_needed": float(gain[needed].mean()) if wanted else None,
        "loss_elsewhere": float(-gain[~needed].mean()) if wanted < 1 else None,
    }


def naive_blend(curve: RouterCurve, share: float) -> dict[str, Any] | None:
    """Return what routed queries cost against share x mean price, which takes all queries for alike."""
    weak, strong = float(curve.usd_per_query[0]), float(curve.usd_per_query[-1])
    actual, naive = curve.usd_at(share), share * strong + (1 - share) * weak
    if not np.isfinite(actual):
        return None
    return {
        "share_strong": share,
        "usd_per_query": actual,
        "naive_usd_per_query": naive,
        "excess_pct": 100 * (actual / naive - 1) if naive else None,
        "saving_pct": 100 * (1 - actual / strong) if strong else None,
        "naive_saving_pct": 100 * (1 - naive / strong) if strong else None,
    }


def cascade(data: QueryOutcomes, score: Floats, curve: RouterCurve, share: float) -> dict[str, Any] | None:
    """Return what the same scores cost as a cascade that escalates a share: every query pays the weak model.

    The lift is the incremental benefit per cost over going straight to the strong model (AutoMix). (7.7), (7.17)
    """
    if not data.has_costs:
        return None
    weak_usd, strong_usd = float(curve.usd_per_query[0]), float(curve.usd_per_query[-1])
    again = np.column_stack([data.strong_usd, data.strong_usd])
    usd = weak_usd + exact_curve(score, np.zeros_like(again), again).quality_at(share)
    quality = curve.quality_at(share)
    lift = ibc_lift(quality, usd, float(curve.quality[0]), weak_usd, float(curve.quality[-1]), strong_usd)
    return {
        "share_escalated": share,
        "quality": quality,
        "usd_per_query": usd,
        "saving_pct": 100 * (1 - usd / strong_usd) if strong_usd else None,
        "ibc_lift": finite(float(lift)),
    }


def frontier_points(curve: RouterCurve) -> list[dict[str, Any]]:
    """Return the points on the non-decreasing hull of cost (without costs: of strong share) and quality."""
    priced = bool(np.isfinite(curve.usd_per_query).all())
    return _points(
        curve, non_decreasing_hull(curve.usd_per_query if priced else curve.share_strong, curve.quality)
    )


def _points(curve: RouterCurve, chosen: Any = slice(None)) -> list[dict[str, Any]]:
    columns = (curve.share_strong, curve.threshold, curve.usd_per_query, curve.quality)
    rows = zip(*(column[chosen] for column in columns), strict=True)
    names = ("share_strong", "threshold", "usd_per_query", "quality")
    return [dict(zip(names, map(finite, row), strict=True)) for row in rows]


def _thinned(curve: RouterCurve) -> list[dict[str, Any]]:
    """Return 21 of its points."""
    return _points(curve, np.unique(np.linspace(0, len(curve.quality) - 1, 21).round().astype(int)))


def _cost_notes(data: QueryOutcomes) -> list[str]:
    if not data.has_costs:
        return ["no costs: AIQ, savings and the oracle's frontier are undefined; add costs or token prices"]
    weak, strong = data.weak_usd.mean(), data.strong_usd.mean()
    if strong == weak:
        return ["both models cost the same on average: send everything to the better one"]
    if strong < weak:
        return ["the strong model is also the cheaper: send everything to it where it is no worse"]
    return []


def _notes(data: QueryOutcomes, score: Floats) -> list[str]:
    notes = []
    weak, strong = float(data.weak_quality.mean()), float(data.strong_quality.mean())
    if no_gap(weak, strong):
        notes.append("both models have the same mean quality: PGR, APGR and CPT are undefined")
    elif weak > strong:
        notes.append("the weak model is the better: APGR and CPT are shares of the loss taken, not of a gain")
    notes += _cost_notes(data)
    distinct = len(np.unique(score))
    if distinct < len(score):
        notes.append(
            f"{len(score) - distinct} tied scores: ties go up together, between them the mean of random order"
        )
    if len(data) < LEAST_QUERIES_TO_SPLIT:
        notes.append(f"fewer than {LEAST_QUERIES_TO_SPLIT} queries: no part is held out")
    return notes
