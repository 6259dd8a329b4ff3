"""The fit behind ability and tokens: a few numbers a variant, a few an item, by robust penalised least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats, Places


@dataclass(frozen=True, eq=False)
class Evidence:
    """Figures in arrays of one length: which variant, which item, the figure, its standard deviation, its weight."""

    variant: Places
    item: Places
    value: Floats
    sd: Floats
    weight: Floats


@dataclass(frozen=True)
class Settings:
    """How the fit shrinks and for how long it runs.

    Attributes
    ----------
    ability_sd: prior scale of each dimension of ability; its length is the number of dimensions.
    tail: degrees of freedom of Student's t for the errors; low: figures far off count little.
    intercept_sd, loading_sd, effort_sd: of an item around its family.
    family_sd: of a family's loadings around 1 (first dimension) or 0.
    """

    ability_sd: tuple[float, ...]
    tail: float = 1.5
    intercept_sd: float = 3.0
    loading_sd: float = 0.25
    effort_sd: float = 0.25
    family_sd: float = 0.5
    rounds: int = 15


@dataclass(frozen=True, eq=False)
class Factors:
    """Fitted numbers: ability (variants, K) with its sd, items (items, K + 2) as intercept, loadings, effort."""

    ability: Floats
    ability_sd: Floats
    items: Floats

    def linear(self, variant: Places, item: Places, effort: Floats) -> Floats:
        """Return b + a . theta + c h of each pair; `effort` is h by variant. (11.1)"""
        row = self.items[item]
        eta: Floats = (
            row[:, 0] + (row[:, 1:-1] * self.ability[variant]).sum(axis=1) + row[:, -1] * effort[variant]
        )
        return eta


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + np.exp(-x))


def fit_factors(
    evidence: Evidence, prior: Floats, effort: Floats, family: Places, settings: Settings, logistic: bool
) -> Factors:
    """Fit abilities and items by alternating Gauss-Newton steps, each a ridge regression. (11.1)-(11.3)

    Parameters
    ----------
    evidence : figures; shares of success where `logistic`, else any number (logs of tokens).
    prior : covariance of the variants, shape (variants, variants), for a dimension of scale 1.
    effort : h by variant.
    family : family of each item, counted from 0; items of a family share loadings.
    """
    e, n_variants, n_items, k = evidence, len(prior), len(family), len(settings.ability_sd)
    inverse = [np.linalg.inv(sd**2 * prior + 1e-8 * np.eye(n_variants)) for sd in settings.ability_sd]
    work = np.log((e.value + 0.02) / (1.02 - e.value)) if logistic else e.value
    ability, items = _start(e, work, n_variants, n_items, family, k)
    families = np.zeros((family.max() + 1, k + 2))
    families[:, 1] = 1.0
    diagonal = np.arange(n_variants)
    sd = np.zeros_like(ability)

    def response() -> tuple[Floats, Floats, Floats]:
        """Linear predictor, working error and weight of each figure at the present fit."""
        eta = Factors(ability, sd, items).linear(e.variant, e.item, effort)
        fitted = sigmoid(eta) if logistic else eta
        slope = np.clip(fitted * (1 - fitted), 0.02, None) if logistic else np.ones_like(eta)
        error = e.value - fitted
        robust = (settings.tail + 1) / (settings.tail + (error / e.sd) ** 2)
        return eta, error / slope, e.weight * robust * (slope / e.sd) ** 2

    for turn in range(settings.rounds):
        for dim in range(k):
            _, error, weight = response()
            loading = items[e.item, 1 + dim]
            target = error + loading * ability[e.variant, dim]
            matrix = inverse[dim].copy()
            matrix[diagonal, diagonal] += np.bincount(e.variant, weight * loading**2, n_variants)
            new = np.linalg.solve(matrix, np.bincount(e.variant, weight * loading * target, n_variants))
            ability[:, dim] = new if turn > 2 else (new + ability[:, dim]) / 2
            if turn == settings.rounds - 1:
                sd[:, dim] = np.sqrt(np.diag(np.linalg.inv(matrix)))
        columns = np.column_stack([np.ones(len(e.item)), ability[e.variant], effort[e.variant]])
        for _ in range(2):
            eta, error, weight = response()
            items = _items(e, columns, eta + error, weight, families[family], settings)
        families = _families(items, family, settings)
    return Factors(ability, sd, items)


def _start(
    e: Evidence, work: Floats, n_variants: int, n_items: int, family: Places, k: int
) -> tuple[Floats, Floats]:
    """Begin at two-way means, and the leading directions of what they leave, family by family."""
    count = np.bincount(e.variant, minlength=n_variants)
    first, level = np.zeros(n_variants), np.zeros(n_items)
    for _ in range(5):
        rest = np.bincount(e.item, work - first[e.variant], n_items)
        level = rest / np.maximum(np.bincount(e.item, minlength=n_items), 1)
        first = np.bincount(e.variant, work - level[e.item], n_variants) / (count + 3)
    ability, items = np.zeros((n_variants, k)), np.zeros((n_items, k + 2))
    ability[:, 0], items[:, 0], items[:, 1] = first, level, 1.0
    n_families = int(family.max()) + 1
    cell = e.variant * n_families + family[e.item]
    shape = (n_variants, n_families)
    total = np.bincount(cell, work - level[e.item] - first[e.variant], n_variants * n_families)
    left = (total / (np.bincount(cell, minlength=n_variants * n_families) + 1)).reshape(shape)
    u, s, v = np.linalg.svd(np.clip(left, -2, 2), full_matrices=False)
    for dim in range(1, k):
        direction = v[dim - 1]
        peak = direction[np.abs(direction).argmax()]
        items[:, 1 + dim] = 0.5 * direction[family] / peak
        ability[:, dim] = u[:, dim - 1] * s[dim - 1] * peak
    return ability, items


def _items(
    e: Evidence, columns: Floats, target: Floats, weight: Floats, centre: Floats, settings: Settings
) -> Floats:
    """Return each item's ridge regression on ability and effort, shrunk to its family."""
    n_items, width = centre.shape
    gram, moment = np.empty((n_items, width, width)), np.empty((n_items, width))
    for i in range(width):
        weighted = weight * columns[:, i]
        moment[:, i] = np.bincount(e.item, weighted * target, n_items)
        for j in range(i, width):
            gram[:, i, j] = gram[:, j, i] = np.bincount(e.item, weighted * columns[:, j], n_items)
    ridge = np.diag(_item_sd(settings) ** -2.0)
    solved = np.linalg.solve(gram + ridge, (moment + centre @ ridge)[..., None])
    return solved[..., 0].astype(np.float64)


def _item_sd(settings: Settings) -> Floats:
    k = len(settings.ability_sd)
    return np.array([settings.intercept_sd, *[settings.loading_sd] * k, settings.effort_sd])


def _families(items: Floats, family: Places, settings: Settings) -> Floats:
    """Return the families' means, themselves shrunk: first loading to 1, others to 0, the rest to all items'."""
    count = np.bincount(family)
    k = len(settings.ability_sd)
    centre = np.zeros(k + 2)
    centre[0], centre[1], centre[-1] = items[:, 0].mean(), 1.0, items[:, -1].mean()
    own = np.array([settings.intercept_sd, *[settings.family_sd] * k, settings.family_sd])
    ratio = (_item_sd(settings) / own) ** 2
    sums = np.stack([np.bincount(family, column) for column in items.T], axis=1)
    families: Floats = (sums + ratio * centre) / (count[:, None] + ratio)
    return families
