"""Fitting ability to published scores, and what held-out scores say about its bands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.quality.ability import Ability, Scale
from llmplan.quality.factors import Evidence, Factors, Settings, fit_factors, sigmoid
from llmplan.quality.kinship import Spread, covariance
from llmplan.quality.names import Names, Variant
from llmplan.quality.tables import Figure, Item

SETTINGS: Final = Settings(ability_sd=(1.0, 0.6, 0.5, 0.4))
SPREAD: Final = Spread()
FIGURE_SD: Final = 0.1
"""Standard deviation of a figure around the fit, beside what its number of questions makes, as a share."""
STRENGTH_NOISE: Final = 0.7
"""Variance of a figure around a strength over that which strengths have from kinship."""
FARTHEST: Final = 0.2
"""How far above or below the fit a figure counts for a strength, as a share of success."""
STRENGTH_NEAR: Final = 0.7
"""Distance of abilities within which two variants are good at the same things."""
STRENGTH_LIKE: Final = 0.5
"""What nearness in ability counts beside kinship, whose weight is 1."""
STRENGTH_KIN: Final = Spread(first=0.5, parent=1.0, common=0.001)
"""Kinship of strengths: what all share is in the fit already, so only nearness counts."""
FEWEST_OF_FAMILY: Final = 4
BAND_Z: Final = 1.2816
"""Standard normal at 90 %: half an 80 % band in standard deviations."""
TIERS: Final = (0, 1, 4, 10)
"""Numbers of families seen from which another width of the band is calibrated."""
FEWEST_OF_TIER: Final = 50
_EPOCH: Final = dt.date(2025, 6, 1)


@dataclass(frozen=True, eq=False)
class Scores:
    """Published scores as arrays over variants and items, the items in the order of their dates."""

    variants: tuple[Variant, ...]
    items: tuple[Item, ...]
    families: tuple[str, ...]
    family: Places
    variant: Places
    item: Places
    value: Floats

    def evidence(self, keep: Places | slice = slice(None)) -> Evidence:
        value, item = self.value[keep], self.item[keep]
        questions = np.array([i.questions for i in self.items])[item]
        weight = np.array([i.weight for i in self.items])[item]
        sampling = np.clip(value * (1 - value), 0.01, None) / questions
        return Evidence(self.variant[keep], item, value, np.sqrt(FIGURE_SD**2 + sampling), weight)

    def years(self) -> dict[str, float]:
        """Return the year, counted from the middle of 2025, of each model's first score in a dated release."""
        found: dict[str, float] = {}
        for v, i in zip(self.variant.tolist(), self.item.tolist(), strict=True):
            item = self.items[i]
            if item.item_id.startswith(("lb-", "lbx-")):
                year = (dt.date.fromisoformat(item.as_of) - _EPOCH).days / 365
                model = self.variants[v].model
                found[model] = min(year, found.get(model, year))
        return found


def gather(
    figures: Sequence[Figure], items: Mapping[str, Item], names: Names, more: Iterable[Variant] = ()
) -> Scores:
    """Return the figures as arrays; `more` are variants to place that may have none."""
    read = [names.variant(figure.published) for figure in figures]
    variants = tuple(sorted({*read, *more}))
    used = sorted({f.item_id for f in figures}, key=lambda i: (items[i].as_of, i))
    families = tuple(sorted({items[i].family_id for i in used}))
    place = {variant: i for i, variant in enumerate(variants)}
    item_place = {item: i for i, item in enumerate(used)}
    return Scores(
        variants,
        tuple(items[i] for i in used),
        families,
        np.array([families.index(items[i].family_id) for i in used]),
        np.array([place[variant] for variant in read]),
        np.array([item_place[f.item_id] for f in figures]),
        np.array([f.value for f in figures]),
    )


def fit_ability(scores: Scores, efforts: Mapping[str, float], keep: Places | slice = slice(None)) -> Ability:
    """Fit ability to the kept scores; bands are those of a normal until they are calibrated. (11.1)-(11.4)"""
    years, evidence = scores.years(), scores.evidence(keep)
    effort = np.array([efforts.get(v.effort, efforts["medium"]) for v in scores.variants])
    prior = covariance(scores.variants, efforts, years, SPREAD)
    factors = fit_factors(evidence, prior, effort, scores.family, SETTINGS, logistic=True)
    scale = Scale(
        scores.variants,
        factors.ability,
        factors.ability_sd,
        np.array(SETTINGS.ability_sd),
        efforts,
        years,
        SPREAD,
    )
    n_variants, n_families = len(scores.variants), len(scores.families)
    own = np.zeros((n_variants, n_families), dtype=bool)
    own[evidence.variant, scores.family[evidence.item]] = True
    return Ability(
        scale,
        tuple(item.item_id for item in scores.items),
        scores.families,
        scores.family,
        factors.items,
        strengths_of(scores, evidence, factors, effort, efforts),
        own,
        np.full(n_families, FIGURE_SD),
        ((0, BAND_Z),),
    )


def strengths_of(
    scores: Scores, evidence: Evidence, factors: Factors, effort: Floats, efforts: Mapping[str, float]
) -> Floats:
    """Return what each variant scores above the fit on each family, smoothed over relatives of like ability. (11.3)"""
    error = evidence.value - sigmoid(factors.linear(evidence.variant, evidence.item, effort))
    error = np.clip(error, -FARTHEST, FARTHEST)
    n_variants, n_families = len(scores.variants), len(scores.families)
    cell = evidence.variant * n_families + scores.family[evidence.item]
    count = np.bincount(cell, minlength=n_variants * n_families).reshape(n_variants, n_families)
    mean = np.bincount(cell, error, n_variants * n_families).reshape(n_variants, n_families) / np.maximum(
        count, 1
    )
    kin = covariance(scores.variants, efforts, {}, STRENGTH_KIN)
    scale = np.sqrt(np.diag(kin))
    like = alike(factors.ability) * (kin / np.outer(scale, scale) + STRENGTH_LIKE)
    strengths = np.zeros((n_variants, n_families))
    for f in range(n_families):
        own = np.flatnonzero(count[:, f])
        if len(own) >= FEWEST_OF_FAMILY:
            noisy = like[np.ix_(own, own)] + STRENGTH_NOISE * np.eye(len(own))
            strengths[:, f] = like[:, own] @ np.linalg.solve(noisy, mean[own, f])
    return strengths


def alike(ability: Floats) -> Floats:
    """Return how near abilities lie to each other, 1 where they are the same; shape (variants, variants). (11.3)"""
    square = (ability**2).sum(axis=1)
    distance = square[:, None] + square - 2 * ability @ ability.T
    return np.asarray(np.exp(-np.maximum(distance, 0.0) / (2 * STRENGTH_NEAR**2)))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A fit and the scores that it never saw."""

    fit: Ability
    variant: Places
    item: Places
    value: Floats


def calibrated(ability: Ability, held: Sequence[HeldOut], coverage: float = 0.8) -> Ability:
    """Return the fit with family errors and band widths from held-out scores. (11.4)"""
    error = [h.value - h.fit.predict(h.variant, h.item)[0] for h in held]
    families = np.concatenate([h.fit.family[h.item] for h in held])
    tiers = np.concatenate([h.fit.evidence[h.variant] for h in held])
    family_sd = _family_sd(families, np.concatenate(error), len(ability.families))
    sds = [replace(h.fit, family_sd=family_sd).predict(h.variant, h.item)[1] for h in held]
    ratios = np.abs(np.concatenate(error)) / np.concatenate(sds)
    widths = []
    for low, high in zip(TIERS, (*TIERS[1:], np.inf), strict=True):
        inside = (tiers >= low) & (tiers < high)
        if inside.sum() >= FEWEST_OF_TIER:
            widths.append((low, round(float(np.quantile(ratios[inside], coverage)), 3)))
    return replace(ability, family_sd=family_sd, widths=tuple(widths) or ability.widths)


def _family_sd(family: Places, error: Floats, n_families: int, prior_count: float = 20.0) -> Floats:
    """Return the root mean square of held-out errors by family, shrunk to that of all and cut at 0.3."""
    square = np.clip(np.abs(error), 0, 0.3) ** 2
    count = np.bincount(family, minlength=n_families)
    total = np.bincount(family, square, n_families)
    sd: Floats = np.sqrt((total + prior_count * square.mean()) / (count + prior_count))
    return sd
