"""Fitting output tokens to published counts, and what held-out models say about the band."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.quality.ability import Scale
from llmplan.quality.factors import Evidence, Settings, fit_factors
from llmplan.quality.kinship import Spread, covariance
from llmplan.quality.names import Names, Variant
from llmplan.quality.tables import Figure
from llmplan.quality.tokens import Tokens

SETTINGS: Final = Settings(
    ability_sd=(1.0, 0.5), tail=4.0, intercept_sd=5.0, loading_sd=0.5, effort_sd=0.001, rounds=20
)
SPREAD: Final = Spread(effort=0.35, step=0.4, snapshot=0.3, parent=0.6, first=0.6)
FIGURE_SD: Final = 0.4
"""Standard deviation of the log of a count around the fit."""
FOLDS: Final = 6


@dataclass(frozen=True, eq=False)
class Counts:
    """Logs of published token counts as arrays over variants and workloads."""

    variants: tuple[Variant, ...]
    workloads: tuple[str, ...]
    variant: Places
    workload: Places
    log: Floats


def gather_counts(figures: Sequence[Figure], names: Names, more: Iterable[Variant] = ()) -> Counts:
    """Return the counts as arrays; `more` are variants to place that may have none."""
    read = [names.variant(figure.published) for figure in figures]
    variants = tuple(sorted({*read, *more}))
    workloads = tuple(sorted({f.item_id for f in figures}))
    place = {variant: i for i, variant in enumerate(variants)}
    return Counts(
        variants,
        workloads,
        np.array([place[variant] for variant in read]),
        np.array([workloads.index(f.item_id) for f in figures]),
        np.log([f.value for f in figures]),
    )


def fit_tokens(counts: Counts, efforts: Mapping[str, float], keep: Places | None = None) -> Tokens:
    """Fit the logs of tokens to the kept counts. (11.6)"""
    kept = np.arange(len(counts.log)) if keep is None else keep
    n = len(counts.variants)
    prior = covariance(counts.variants, efforts, {}, SPREAD)
    one = np.ones(len(kept))
    evidence = Evidence(counts.variant[kept], counts.workload[kept], counts.log[kept], FIGURE_SD * one, one)
    family = np.zeros(len(counts.workloads), dtype=np.intp)
    factors = fit_factors(evidence, prior, np.zeros(n), family, SETTINGS, logistic=False)
    scale_of = np.array(SETTINGS.ability_sd)
    scale = Scale(counts.variants, factors.ability, factors.ability_sd, scale_of, efforts, {}, SPREAD)
    seen = np.bincount(evidence.variant, minlength=n).astype(np.intp)
    return Tokens(scale, counts.workloads, factors.items, seen, FIGURE_SD, 1.2816)


def held_out(
    counts: Counts, efforts: Mapping[str, float], folds: int = FOLDS
) -> tuple[Floats, Floats, Places]:
    """Return errors of the log, their standard deviations and places of counts of models that no fit saw.

    Whole models are held out in turn, at every effort, of those that have ten workloads or more.
    """
    model = np.array([variant.model for variant in counts.variants])[counts.variant]
    names, sizes = np.unique(model, return_counts=True)
    rich = names[sizes >= 10]
    errors, sds, places = [], [], []
    for fold in range(folds):
        out = np.isin(model, rich[fold::folds])
        fit = fit_tokens(counts, efforts, np.flatnonzero(~out))
        held = np.flatnonzero(out)
        base, sd = fit.log_tokens(counts.variant[held], counts.workload[held])
        errors.append(counts.log[held] - base)
        sds.append(sd)
        places.append(held)
    return np.concatenate(errors), np.concatenate(sds), np.concatenate(places)


def calibrated_tokens(tokens: Tokens, errors: Floats, sds: Floats, coverage: float = 0.8) -> Tokens:
    """Return the fit with the band's width from held-out errors. (11.8)"""
    return replace(tokens, width=round(float(np.quantile(np.abs(errors) / sds, coverage)), 3))
