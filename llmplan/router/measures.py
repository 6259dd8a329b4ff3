"""Measures of a router from per-query outcomes: PGR, APGR, CPT, AUC, AIQ, IBC lift."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Bools, Floats, Places


@dataclass(frozen=True)
class RouterCurve:
    """What a router attains as its threshold falls, from all weak to all strong.

    Attributes
    ----------
    share_strong: share of queries sent to the strong model, ascending from 0 to 1 [-], shape (m,).
    quality: mean quality at that share, in the units of the outcomes, shape (m,).
    usd_per_query: mean cost of a query at that share [USD], shape (m,); NaN where costs are unknown.
    threshold: score at or above which a query goes up, shape (m,); infinite where none does.
    """

    share_strong: Floats
    quality: Floats
    usd_per_query: Floats
    threshold: Floats

    def quality_at(self, share_strong: float) -> float:
        """Return the quality at a strong share, tie groups split at random."""
        return float(np.interp(share_strong, self.share_strong, self.quality))

    def usd_at(self, share_strong: float) -> float:
        """Return the mean cost of a query at a strong share [USD]."""
        return float(np.interp(share_strong, self.share_strong, self.usd_per_query))


def exact_curve(score: Floats, weak: Floats, strong: Floats) -> RouterCurve:
    """Return the curve through every distinct score.

    Queries with the same score go up together; between two such points the curve is a straight line,
    which is the expectation when ties are broken at random.

    Parameters
    ----------
    score: the router's score, higher means send up, shape (n,).
    weak, strong: columns quality and cost of a query at each model, shape (n, 2).
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.append(np.flatnonzero(np.diff(ranked) != 0), len(score) - 1)
    gained = np.cumsum((strong - weak)[order], axis=0)[ends] / len(score)
    # The last point is all strong: its mean is taken directly, free of the sum's rounding.
    means = np.vstack([weak.mean(axis=0), weak.mean(axis=0) + gained[:-1], strong.mean(axis=0)])
    share = np.append(0.0, (ends + 1) / len(score))
    return RouterCurve(share, means[:, 0], means[:, 1], np.append(np.inf, ranked[ends]))


def binned_curve(score: Floats, weak: Floats, strong: Floats, bins: int) -> RouterCurve:
    """Return the curve through `bins` + 1 thresholds at equal quantiles of the score, as RouteLLM draws it.

    A query goes up at or above its threshold, at the highest threshold only above it. Quantiles that fall
    together through ties make the same point twice, so a tie group wider than a bin goes up as a whole.

    Source: quantile bins of routellm.evals (arXiv 2406.18665, section 5, and its code).
    """
    every = exact_curve(score, weak, strong)
    thresholds = np.append(np.inf, np.quantile(score, np.linspace(0, 1, bins + 1))[-2::-1])
    at = np.searchsorted(-every.threshold, -thresholds, "right") - 1
    return RouterCurve(every.share_strong[at], every.quality[at], every.usd_per_query[at], thresholds)


def no_gap(weak_quality: float, strong_quality: float) -> bool:
    """Return whether two mean qualities are the same but for rounding."""
    return math.isclose(weak_quality, strong_quality, rel_tol=1e-12)


def pgr(quality: ArrayLike, weak_quality: float, strong_quality: float) -> Floats:
    """Return the performance gap recovered (quality - weak) / (strong - weak), NaN without a gap.

    Source: RouteLLM, arXiv 2406.18665, eq. 4.
    """
    gap = np.nan if no_gap(weak_quality, strong_quality) else strong_quality - weak_quality
    return (np.asarray(quality, float) - weak_quality) / gap


def apgr(curve: RouterCurve) -> float:
    """Return the mean of PGR over the strong share from 0 to 1; .5 is a random router, NaN without a gap.

    Source: RouteLLM, arXiv 2406.18665, eq. 5; here an integral, there a mean over ten shares.
    """
    recovered = pgr(curve.quality, curve.quality[0], curve.quality[-1])
    return float(np.trapezoid(recovered, curve.share_strong))


def cpt_pct(curve: RouterCurve, pgr_target: float) -> float:
    """Return CPT: the least percentage of strong calls with a PGR of `pgr_target`; NaN without a gap.

    The first crossing counts, so a curve that is not monotone does not break it.
    Source: call-performance threshold, RouteLLM, arXiv 2406.18665, section 2.3.
    """
    recovered = pgr(curve.quality, curve.quality[0], curve.quality[-1])
    reached = np.flatnonzero(recovered >= pgr_target)
    if not len(reached):
        return float("nan")
    i = int(reached[0])
    if i == 0:
        return 0.0
    share = np.interp(pgr_target, recovered[i - 1 : i + 1], curve.share_strong[i - 1 : i + 1])
    return 100 * float(share)


def cpt_interpolated_pct(curve: RouterCurve, pgr_target: float) -> float:
    """Return CPT as RouteLLM's program reads it off its bins, in percent; NaN without a gap.

    It interpolates the share over the quality as if that rose throughout: the same as `cpt_pct` where it does,
    another crossing where it does not. A strong model that is the worse has no rising curve: first crossing.

    Source: np.interp(accuracy, accuracies, strong shares) in routellm.evals.evaluate.
    """
    weak, strong = float(curve.quality[0]), float(curve.quality[-1])
    if no_gap(weak, strong) or strong < weak:
        return cpt_pct(curve, pgr_target)
    target = weak + pgr_target * (strong - weak)
    return 100 * float(np.interp(target, curve.quality, curve.share_strong))


def area_under_curve(curve: RouterCurve) -> float:
    """Return the mean quality over the strong share from 0 to 1, in the units of the outcomes."""
    return float(np.trapezoid(curve.quality, curve.share_strong))


def roc_auc(score: Floats, needed: Bools) -> float:
    """Return P(score of a needed query > score of another), ties counting half; NaN if one class is empty."""
    others = np.sort(score[~needed])
    if not len(others) or len(others) == len(score):
        return float("nan")
    below = np.searchsorted(others, score[needed], "left") + np.searchsorted(others, score[needed], "right")
    return float(below.mean() / (2 * len(others)))


def non_decreasing_hull(usd: ArrayLike, quality: ArrayLike) -> Places:
    """Return the indices of the points on the non-decreasing concave hull, by rising cost.

    Mixing two routers at random attains every point between them, so what lies under the hull is
    dominated. A strong model that is also the cheaper leaves a hull of one point.

    Source: RouterBench, arXiv 2403.12031, section 3 (linear interpolation, extrapolation, convex hull).
    """
    usd, quality = np.asarray(usd, float), np.asarray(quality, float)
    order = np.lexsort((-quality, usd))
    best_before = np.append(-np.inf, np.maximum.accumulate(quality[order])[:-1])
    hull: list[int] = []
    for i in order[quality[order] > best_before + 1e-12]:
        while len(hull) > 1 and _under_chord(usd, quality, hull[-2], hull[-1], int(i)):
            hull.pop()
        hull.append(int(i))
    return np.array(hull, np.intp)


def _under_chord(x: Floats, y: Floats, left: int, middle: int, right: int) -> bool:
    return bool((y[middle] - y[left]) * (x[right] - x[left]) <= (y[right] - y[left]) * (x[middle] - x[left]))


@dataclass(frozen=True)
class Aiq:
    """Average improvement in quality, by two normalisations of the same area.

    Attributes
    ----------
    paper: area under the hull over (usd_max - usd_min), the mean quality over the range of cost.
    code: the same area over usd_max, as RouterBench's program divides; falls when the cheap end is dear.
    usd_min, usd_max: range of the cost [USD per query].
    """

    paper: float
    code: float
    usd_min: float
    usd_max: float


def aiq(usd: ArrayLike, quality: ArrayLike) -> Aiq:
    """Return AIQ on the non-decreasing hull, up to the dearest point of the best quality.

    Where the hull is one point (the best router is also the cheapest) `paper` is that point's quality,
    the limit of the mean over a shrinking range, and `code` is 0. NaN throughout where a cost is unknown.

    Source: RouterBench, arXiv 2403.12031, eq. 5; its program's division by the largest cost.
    """
    usd, quality = np.asarray(usd, float), np.asarray(quality, float)
    hull = non_decreasing_hull(usd, quality)
    if not (len(hull) and np.isfinite(usd).all()):
        return Aiq(*[float("nan")] * 4)
    best = quality >= quality[hull[-1]] - 1e-12
    low, high = float(usd[hull[0]]), float(usd[best].max())
    if not high > low:
        return Aiq(float(quality[hull[-1]]), 0.0, low, high)
    grid = np.append(usd[hull][usd[hull] < high], high)
    area = float(np.trapezoid(np.interp(grid, usd[hull], quality[hull]), grid))
    return Aiq(area / (high - low), area / high, low, high)


def ibc_lift(
    quality: ArrayLike,
    cost: ArrayLike,
    weak_quality: float,
    weak_cost: float,
    strong_quality: float,
    strong_cost: float,
) -> Floats:
    """Return the relative lift of the incremental benefit per cost over going straight to the strong model.

    0: no better than the strong model for its money. NaN where the strong model is not both dearer and better,
    so that there is no benefit to compare with, and where the router costs what the weak model does.

    Source: AutoMix, arXiv 2310.12963, section 4 (IBC).
    """
    base_cost, extra = strong_cost - weak_cost, np.asarray(cost, float) - weak_cost
    base = (strong_quality - weak_quality) / base_cost if base_cost > 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        benefit = (np.asarray(quality, float) - weak_quality) / np.where(extra == 0, np.nan, extra)
        return np.asarray(benefit / (base if base > 0 else np.nan) - 1)
