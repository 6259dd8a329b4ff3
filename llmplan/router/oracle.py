"""What an all-knowing router and a per-task rule attain on real queries."""

import numpy as np

from llmplan.arrays import Floats
from llmplan.router.measures import RouterCurve
from llmplan.router.queries import QueryOutcomes


def oracle_frontier(data: QueryOutcomes) -> RouterCurve:
    """Return the least cost at which a router that knows every outcome attains each quality.

    Each query starts at its cheaper model (the better one at equal cost) and is upgraded in the order
    of quality gained per dollar: the fractional knapsack, exact on the hull of all assignments.
    """
    weak_first = (data.weak_usd < data.strong_usd) | (
        (data.weak_usd == data.strong_usd) & (data.weak_quality >= data.strong_quality)
    )
    cheap = np.where(weak_first[:, None], data.weak, data.strong)
    dear = np.where(weak_first[:, None], data.strong, data.weak)
    gain, extra = (dear - cheap).T
    useful = np.flatnonzero(gain > 0)
    order = useful[np.argsort(-gain[useful] / np.maximum(extra[useful], 1e-300), kind="stable")]
    steps = np.column_stack([gain, extra, np.where(weak_first, 1.0, -1.0)])[order].cumsum(axis=0) / len(data)
    start = np.append(cheap.mean(axis=0), 1 - weak_first.mean())
    path = np.vstack([start, start + steps])
    return RouterCurve(path[:, 2], path[:, 0], path[:, 1], np.full(len(path), np.nan))


def task_rule_scores(data: QueryOutcomes, seed: int, folds: int = 5) -> Floats:
    """Return the mean gain of a query's task in the other folds: the per-category router, out of fold."""
    fold = np.random.default_rng(seed).permutation(len(data)) % folds
    gain = data.strong_quality - data.weak_quality
    _, task = np.unique(data.tasks, return_inverse=True)
    scores = np.empty(len(data))
    for held_out in range(folds):
        train = fold != held_out
        count = np.bincount(task[train], minlength=task.max() + 1)
        total = np.bincount(task[train], gain[train], minlength=task.max() + 1)
        means = np.where(count > 0, total / np.maximum(count, 1), gain[train].mean())
        scores[~train] = means[task[~train]]
    return scores
