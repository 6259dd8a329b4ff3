"""Held-out figures as the world will bring them: cells, most subtasks of a model, whole models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.quality.ability import Ability
from llmplan.quality.fit_ability import HeldOut, Scores, fit_ability

CELL_SHARE: Final = 0.12
FEW_MODELS: Final = 40
FEW_FAMILIES: Final = 6
MODEL_SHARE: Final = 0.12
LIVEBENCH: Final = "lb-"


def _pairs(scores: Scores) -> tuple[Places, Places]:
    """Return the variant x family of each score, and the places of LiveBench subtasks."""
    pair = scores.variant * len(scores.families) + scores.family[scores.item]
    subtask = np.array([item.item_id.startswith(LIVEBENCH) for item in scores.items])
    return pair, np.flatnonzero(subtask[scores.item])


def cells_and_few(scores: Scores, seed: int) -> tuple[Places, Places]:
    """Return the places of a random share of variant x subtask, and of all but six subtasks of forty variants.

    Every release of a pair goes at once: the same figure often stands in several.
    """
    rng = np.random.default_rng(seed)
    pair, places = _pairs(scores)
    n_families = len(scores.families)
    pairs = np.unique(pair[places])
    owner, count = np.unique(pairs // n_families, return_counts=True)
    few = rng.choice(owner[count >= 2 * FEW_FAMILIES], FEW_MODELS, replace=False)
    hidden = []
    for variant in np.sort(few):
        own = pairs[pairs // n_families == variant]
        hidden.append(rng.permutation(own)[FEW_FAMILIES:])
    rest = pairs[~np.isin(pairs // n_families, few)]
    cells = rest[rng.random(len(rest)) < CELL_SHARE]
    chosen = pair[places]
    return places[np.isin(chosen, cells)], places[np.isin(chosen, np.concatenate(hidden))]


def whole_models(scores: Scores, seed: int) -> Places:
    """Return the places of all figures of a random share of the models, at every effort."""
    models = np.array([variant.model for variant in scores.variants])
    names = np.unique(models[scores.variant])
    out = names[np.random.default_rng(seed).random(len(names)) < MODEL_SHARE]
    return np.flatnonzero(np.isin(models[scores.variant], out))


def without(scores: Scores, places: Places, efforts: Mapping[str, float]) -> Ability:
    """Fit to all scores but those at `places` and every other of the same variant on the same family."""
    pair, _ = _pairs(scores)
    return fit_ability(scores, efforts, np.flatnonzero(~np.isin(pair, pair[places])))


def held_out(fit: Ability, scores: Scores, places: Places) -> HeldOut:
    """Return the scores at `places` beside a fit that never saw them."""
    return HeldOut(fit, scores.variant[places], scores.item[places], scores.value[places])


def summary_of(held: HeldOut, like: Ability) -> dict[str, Any]:
    """Return the errors of held-out scores with the bands of a calibrated fit."""
    fit = replace(held.fit, family_sd=like.family_sd, widths=like.widths)
    return summary(held.value, *fit.band(held.variant, held.item))


def summary(measured: Floats, low: Floats, base: Floats, high: Floats) -> dict[str, Any]:
    """Return n, mean and median absolute error [points] and the share inside the band [%]."""
    points = 100 * np.abs(measured - base)
    inside = (measured >= low) & (measured <= high)
    return {
        "n": len(measured),
        "mean_abs_points": round(float(points.mean()), 2) if len(points) else None,
        "median_abs_points": round(float(np.median(points)), 2) if len(points) else None,
        "band_coverage_pct": round(100 * float(inside.mean()), 1) if len(points) else None,
    }
