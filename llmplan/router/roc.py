"""What a classifier can tell apart: its ROC curve, from an error matrix, an AUC, an accuracy or scores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Bools, Floats
from llmplan.errors import InputError

GRID_SIGMAS = np.linspace(-6.0, 6.0, 401)
"""Thresholds of the binormal curve, in standard deviations of the easy queries' score."""


@dataclass(frozen=True)
class RocCurve:
    """Recall against false-positive rate, from sending nothing up to sending everything up.

    A straight line between two points is attained by mixing them at random.

    Attributes
    ----------
    recall: share of the hard queries sent up [-], ascending from 0 to 1, shape (m,).
    false_positive_rate: share of the easy queries sent up [-], ascending from 0 to 1, shape (m,).
    """

    recall: Floats
    false_positive_rate: Floats

    @property
    def auc(self) -> float:
        """Area under the curve; .5 is chance."""
        return float(np.trapezoid(self.recall, self.false_positive_rate))

    def share_up(self, hard_share: float) -> Floats:
        """Return the share of all queries sent up at each point, shape (m,). (7.2)"""
        return hard_share * self.recall + (1 - hard_share) * self.false_positive_rate

    def rates_at(self, share_up: ArrayLike, hard_share: float) -> tuple[Floats, Floats]:
        """Return the recall and the false-positive rate at which a share of all queries goes up."""
        share, path = np.asarray(share_up, float), self.share_up(hard_share)
        place = np.interp(share, path, np.arange(len(path), dtype=float))
        points = np.arange(len(path))
        return np.interp(place, points, self.recall), np.interp(place, points, self.false_positive_rate)

    def share_up_from_posterior(self, threshold: float, hard_share: float) -> float:
        """Return the share sent up when a query goes up from P(hard | score) = `threshold`. (7.4)

        P(hard | score) follows from the curve's slope, the likelihood ratio: n L / (n L + 1 - n).
        """
        recall, fpr = np.diff(self.recall), np.diff(self.false_positive_rate)
        hard, easy = hard_share * recall, (1 - hard_share) * fpr
        weight = hard + easy
        posterior = np.divide(hard, weight, out=np.full_like(weight, -1.0), where=weight > 0)
        return float(weight[posterior >= threshold].sum())


def perfect() -> RocCurve:
    """Return the curve of an oracle."""
    return RocCurve(np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0]))


def chance() -> RocCurve:
    """Return the curve of a coin."""
    return RocCurve(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


def from_error_matrix(recall: float, false_positive_rate: float) -> RocCurve:
    """Return the curve through one operating point, mixed at random with none up and all up."""
    _check("recall", recall)
    _check("false_positive_rate", false_positive_rate)
    if not recall >= false_positive_rate:
        rule = f"lies below the false-positive rate {false_positive_rate}, worse than a coin"
        raise InputError("recall", recall, rule, "swap what goes up and what goes down")
    return RocCurve(np.array([0.0, recall, 1.0]), np.array([0.0, false_positive_rate, 1.0]))


def from_separation(sigmas: float) -> RocCurve:
    """Return the binormal curve: scores of hard and easy queries normal, means `sigmas` apart. (7.3)"""
    if not sigmas >= 0:
        raise InputError(
            "separation", sigmas, "must be at least 0", "give the distance in standard deviations"
        )
    if math.isinf(sigmas):
        return perfect()
    normal = NormalDist()
    fpr = np.array([normal.cdf(-x) for x in GRID_SIGMAS])[::-1]
    recall = np.array([normal.cdf(sigmas - x) for x in GRID_SIGMAS])[::-1]
    return RocCurve(np.hstack([0.0, recall, 1.0]), np.hstack([0.0, fpr, 1.0]))


def from_auc(auc: float) -> RocCurve:
    """Return the binormal curve of an area: the means lie sqrt(2) x the normal quantile of it apart. (7.3)"""
    if not 0.5 <= auc <= 1:
        raise InputError("router AUC", auc, "must lie from 0.5 to 1", "0.5 is a coin, 1 never errs")
    return from_separation(math.inf if auc == 1 else math.sqrt(2) * NormalDist().inv_cdf(auc))


def from_accuracy(accuracy: float) -> RocCurve:
    """Return the binormal curve through recall = `accuracy`, false-positive rate = 1 - `accuracy`. (7.3)"""
    if not 0.5 <= accuracy <= 1:
        raise InputError(
            "classifier accuracy", accuracy, "must lie from 0.5 to 1", "0.5 is a coin, 1 never errs"
        )
    return from_separation(math.inf if accuracy == 1 else 2 * NormalDist().inv_cdf(accuracy))


def from_scores(score: Sequence[float] | Floats, hard: Bools) -> RocCurve:
    """Return the curve of scores with known labels; tied scores go up together."""
    values = np.asarray(score, float)
    hard = np.asarray(hard, bool)
    if not 0 < int(hard.sum()) < len(hard):
        raise InputError("labels", int(hard.sum()), "must hold hard and easy queries", "label some of each")
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order]) != 0), len(values) - 1)
    hits, alarms = np.cumsum(hard[order])[ends], np.cumsum(~hard[order])[ends]
    return RocCurve(np.append(0.0, hits / hits[-1]), np.append(0.0, alarms / alarms[-1]))


def _check(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InputError(name, value, "must lie from 0 to 1", "give a share such as 0.9")
