"""What routing does to the traffic: which share, of what quality and length, goes to which tier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Floats
from llmplan.errors import InputError
from llmplan.router.roc import RocCurve


@dataclass(frozen=True)
class Population:
    """Two classes of queries, hard and easy, and what k tiers (weakest first) do with them.

    Attributes
    ----------
    hard_share: share of hard queries n [-].
    quality: quality of a tier's answer by class (row 0 hard, row 1 easy), shape (2, k).
    cost_factor: cost of a query of the class over the tier's mean query, shape (2, k).
    """

    hard_share: float
    quality: Floats
    cost_factor: Floats

    @property
    def weights(self) -> Floats:
        """Shares of the classes, hard and easy, shape (2,)."""
        return np.array([self.hard_share, 1 - self.hard_share])


def population(tier_quality: ArrayLike, hard_share: float, hard_token_multiplier: float = 1.0) -> Population:
    """Return a population whose tiers have the given mean qualities. (7.1)

    Each tier's gap to the top tier falls on the hard queries, which cost `hard_token_multiplier` times easy ones.

    Raises
    ------
    InputError: where the hard queries are too few to hold the gap (a quality would be negative).
    """
    mean = np.asarray(tier_quality, float)
    if not 0 <= hard_share <= 1:
        raise InputError("hard share", hard_share, "must lie from 0 to 1", "give the share of hard queries")
    if not 0 < hard_token_multiplier < np.inf:
        raise InputError("hard token multiplier", hard_token_multiplier, "must be above 0", "1: all alike")
    easy = np.full(len(mean), mean[-1])
    if hard_share > 0:
        hard = (mean - (1 - hard_share) * easy) / hard_share
    elif np.ptp(mean) == 0:
        hard = mean
    else:
        easy = hard = mean
    if not np.all(hard >= -1e-12):
        least = float((mean[-1] - mean.min()) / mean[-1])
        rule = f"too few hard queries to hold a gap in quality of {mean[-1] - mean.min():.3f}"
        raise InputError("hard share", hard_share, rule, f"give at least {least:.3f}")
    factors = np.array([hard_token_multiplier, 1.0])
    factors /= np.array([hard_share, 1 - hard_share]) @ factors
    return Population(hard_share, np.vstack([hard, easy]), np.repeat(factors[:, None], len(mean), axis=1))


@dataclass(frozen=True)
class Policies:
    """p ways to split the traffic over k tiers, weakest first.

    Attributes
    ----------
    share: share of queries at each tier, shape (p, k); rows sum to 1.
    quality: quality of a tier's answers to what it gets, shape (p, k); 0 where it gets nothing.
    top_quality: quality of the top tier's answers to the same queries, shape (p, k).
    cost_factor: mean cost of what a tier gets over its mean cost of all queries, shape (p, k); 1 for nothing.
    top_cost_factor: the same for the top tier's cost of those queries, shape (p, k).
    """

    share: Floats
    quality: Floats
    top_quality: Floats
    cost_factor: Floats
    top_cost_factor: Floats

    def __len__(self) -> int:
        return len(self.share)

    @property
    def routes(self) -> Floats:
        """1 where a classifier is needed, 0 where one tier gets everything, shape (p,)."""
        return np.where((self.share > 0).sum(axis=1) > 1, 1.0, 0.0)


def from_classes(roc: RocCurve, people: Population, cut_share: ArrayLike) -> Policies:
    """Return the policies that cut a classifier's score so that given shares go up. (7.2)

    Parameters
    ----------
    cut_share: share of queries sent above tier 1, 2, ... k - 1; falling along the row; shape (p, k - 1).
    """
    cuts = _checked(cut_share, people.quality.shape[1])
    recall, fpr = roc.rates_at(cuts, people.hard_share)
    by_class = np.stack([_segments(recall), _segments(fpr)], axis=1)
    joint = people.weights[:, None] * by_class
    share = joint.sum(axis=1)

    def mean(values: Floats, empty: float) -> Floats:
        return _over((joint * values).sum(axis=1), share, empty)

    top = np.broadcast_to(people.quality[:, -1:], people.quality.shape)
    top_factor = np.broadcast_to(people.cost_factor[:, -1:], people.cost_factor.shape)
    return Policies(
        share,
        mean(people.quality, 0.0),
        mean(top, 0.0),
        mean(people.cost_factor, 1.0),
        mean(top_factor, 1.0),
    )


def _over(total: Floats, share: Floats, empty: float) -> Floats:
    """Return total / share, `empty` where a tier gets nothing."""
    mean = np.full(share.shape, empty)
    np.divide(total, share, out=mean, where=share > 1e-15)
    return mean


def _segments(above: Floats) -> Floats:
    """Return what falls between falling cuts: (p, k - 1) -> (p, k)."""
    ends = np.zeros((len(above), 1))
    bounds = np.hstack([ends + 1, above, ends])
    return np.asarray(-np.diff(bounds, axis=1))


def _checked(cut_share: ArrayLike, tiers: int) -> Floats:
    cuts = np.atleast_2d(np.asarray(cut_share, float))
    if cuts.shape[1] != tiers - 1:
        raise InputError(
            "cut_share", cuts.shape, f"needs {tiers - 1} columns for {tiers} tiers", "one cut less"
        )
    if not (np.all((cuts >= 0) & (cuts <= 1)) and np.all(np.diff(cuts, axis=1) <= 0)):
        raise InputError("cut_share", cuts.tolist()[:3], "must fall along the row within 0 to 1", "sort it")
    return cuts


def cut_grid(tiers: int, points: int) -> Floats:
    """Return about `points` splits over `tiers` tiers, the pure ones included, shape (p, tiers - 1)."""
    if tiers == 2:
        return np.linspace(0, 1, max(points, 2))[:, None]
    steps = 2
    while len(_simplex(tiers - 1, steps + 1)) <= points:
        steps += 1
    return _simplex(tiers - 1, steps)


def _simplex(cuts: int, steps: int) -> Floats:
    """Return every falling sequence of `cuts` values on a grid of `steps` steps."""
    grids = np.meshgrid(*[np.arange(steps + 1)] * cuts, indexing="ij")
    rows = np.stack([grid.ravel() for grid in grids], axis=1)
    return rows[np.all(np.diff(rows, axis=1) <= 0, axis=1)] / steps
