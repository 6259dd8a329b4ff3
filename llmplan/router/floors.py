"""The cheapest threshold at a quality floor: on all queries, and chosen on one half and tried on the other."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llmplan.arrays import Floats, Places, finite
from llmplan.router.measures import RouterCurve, exact_curve, non_decreasing_hull
from llmplan.router.oracle import oracle_frontier
from llmplan.router.queries import QueryOutcomes

FLOORS = (0.90, 0.95, 0.97, 0.99)
LEAST_QUERIES_TO_SPLIT = 20
Z_95 = 1.645
"""Standard normal quantile of .95."""


@dataclass(frozen=True)
class TrialSettings:
    """How thresholds are tried.

    Attributes
    ----------
    floors: quality floors as shares of the strong model's quality.
    bootstrap: resamples of the held-out answers.
    seed: of the split and of the resampling.
    """

    floors: tuple[float, ...] = FLOORS
    bootstrap: int = 500
    seed: int = 0


def cheapest_at_floors(
    data: QueryOutcomes, score: Floats, curve: RouterCurve, settings: TrialSettings
) -> dict[str, Any]:
    """Return, by floor, the cheapest threshold on all data, and chosen on one half and tried on the other."""
    trials = held_out_trials(data, score, settings)
    oracle = oracle_frontier(data) if data.has_costs else None
    return {
        f"{floor:g}": _floor_row(curve, oracle, floor) | trial
        for floor, trial in zip(settings.floors, trials, strict=True)
    }


def _floor_row(curve: RouterCurve, oracle: RouterCurve | None, floor: float) -> dict[str, Any]:
    target, weak, strong = floor * curve.quality[-1], float(curve.quality[0]), float(curve.quality[-1])
    i = cheapest_point(curve, target)
    best = None if oracle is None else cheapest_point(oracle, target)
    row: dict[str, Any] = {"floor_quality": float(target)}
    row["mixed"] = mixed_at(curve, float(target))
    random_share = 0.0 if weak >= target else (target - weak) / (strong - weak) if strong >= target else None
    row["share_strong_random"] = random_share
    if i is None:
        return row | {"reason": "no threshold reaches the floor", "share_strong": None, "usd_per_query": None}
    usd, all_strong = float(curve.usd_per_query[i]), float(curve.usd_per_query[-1])
    oracle_usd = None if oracle is None or best is None else float(oracle.usd_per_query[best])
    random_usd = None if random_share is None else _chance(curve, random_share)
    if random_usd is not None and strong >= target:
        random_usd = min(random_usd, all_strong)
    return row | {
        "share_strong": float(curve.share_strong[i]),
        "threshold": finite(curve.threshold[i]),
        "quality": float(curve.quality[i]),
        "usd_per_query": finite(usd),
        "saving_pct": finite(100 * (1 - usd / all_strong)) if all_strong else None,
        "regret_to_oracle_usd": None if oracle_usd is None else usd - oracle_usd,
        "saving_on_random_usd": None if random_usd is None else finite(random_usd - usd),
    }


def _chance(curve: RouterCurve, share: float) -> float:
    return float((1 - share) * curve.usd_per_query[0] + share * curve.usd_per_query[-1])


def mixed_at(curve: RouterCurve, target_quality: float) -> dict[str, float | None] | None:
    """Return what two thresholds mixed at random need for a quality, on the hull; None where out of reach.

    Without costs the hull is over the share of strong calls.
    """
    priced = bool(np.isfinite(curve.usd_per_query).all())
    hull = non_decreasing_hull(curve.usd_per_query if priced else curve.share_strong, curve.quality)
    if not curve.quality[hull[-1]] >= target_quality - 1e-12:
        return None
    columns = {"share_strong": curve.share_strong, "usd_per_query": curve.usd_per_query}
    return {
        name: finite(float(np.interp(target_quality, curve.quality[hull], column[hull])))
        for name, column in columns.items()
    }


def cheapest_point(curve: RouterCurve, target_quality: float) -> int | None:
    """Return the index of the cheapest point at a quality or above; without costs, of the least share."""
    reach = np.flatnonzero(curve.quality >= target_quality - 1e-12)
    if not len(reach):
        return None
    usd = curve.usd_per_query[reach]
    return int(reach[0] if np.isnan(usd).any() else reach[np.argmin(usd)])


def held_out_trials(data: QueryOutcomes, score: Floats, settings: TrialSettings) -> list[dict[str, Any]]:
    """Choose each floor's threshold on one random half and report the other, both ways round.

    "held_out" takes the cheapest threshold whose mean reaches the floor, "held_out_safe" the cheapest whose
    lower confidence bound does: the first picks the luckiest of thousands, and often misses its floor.
    """
    if len(data) < LEAST_QUERIES_TO_SPLIT:
        return [{"held_out": None, "held_out_safe": None}] * len(settings.floors)
    rng = np.random.default_rng(settings.seed)
    halves = np.array_split(rng.permutation(len(data)), 2)
    draws = _resampling_weights(len(data), settings.bootstrap, rng)
    return [
        {
            "held_out": _trial(data, score, halves, draws, floor, 0.0),
            "held_out_safe": _trial(data, score, halves, draws, floor, Z_95),
        }
        for floor in settings.floors
    ]


def _resampling_weights(n: int, times: int, rng: np.random.Generator) -> Floats:
    """Return how often each of n queries is drawn, over n, in each of `times` resamples, (times, n)."""
    counts = np.empty((times, n))
    for row in counts:
        row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
    return counts / n


def _choose(data: QueryOutcomes, score: Floats, chosen: Places, floor: float, z: float) -> float | None:
    """Return the cheapest threshold z standard errors clear of the floor on the chosen half.

    Minus infinity where all of it goes up: then the other half's lower scores do too.
    """
    curve = exact_curve(score[chosen], data.weak[chosen], data.strong[chosen])
    margin = curve.quality - floor * curve.quality[-1] - z * _margin_error(data, score, chosen, floor)
    i = cheapest_point(replace(curve, quality=margin), 0.0)
    if i is None:
        return None
    return -np.inf if i == len(curve.threshold) - 1 else float(curve.threshold[i])


def _margin_error(data: QueryOutcomes, score: Floats, chosen: Places, floor: float) -> Floats:
    """Return the standard error of (routed - floor x strong) quality at each point of the half's curve.

    The curve of a mean carries the curve of its square in the second column.
    """
    weak, strong = data.weak_quality[chosen], data.strong_quality[chosen]
    low, high = weak - floor * strong, strong - floor * strong
    moments = exact_curve(score[chosen], np.column_stack([low, low**2]), np.column_stack([high, high**2]))
    return np.sqrt(np.maximum(moments.usd_per_query - moments.quality**2, 0) / len(chosen))


def _trial(
    data: QueryOutcomes, score: Floats, halves: list[Places], draws: Floats, floor: float, z: float
) -> dict[str, Any] | None:
    up, thresholds = np.zeros(len(data), bool), []
    for chosen, tried in (halves, halves[::-1]):
        threshold = _choose(data, score, chosen, floor, z)
        if threshold is None:
            return None
        up[tried] = score[tried] >= threshold
        thresholds.append(finite(max(threshold, float(score.min()))))
    routed = np.where(up[:, None], data.strong, data.weak)
    columns = np.column_stack([routed, data.strong_quality])
    quality, usd, strong = columns.mean(axis=0)
    resampled = draws @ columns
    low, high = np.percentile(resampled[:, 0], [5, 95])
    return {
        "thresholds": thresholds,
        "share_strong": float(up.mean()),
        "quality": float(quality),
        "quality_p5": float(low),
        "quality_p95": float(high),
        "usd_per_query": finite(usd),
        "quality_of_strong": float(quality / strong) if strong else None,
        "probability_floor_met": float((resampled[:, 0] >= floor * resampled[:, 2]).mean()),
    }
