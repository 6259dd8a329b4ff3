"""`llmplan calibrate-quality`: ability and tokens from the tables of data/, bands from what was held out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.quality import tables
from llmplan.quality.ability import Ability
from llmplan.quality.fit_ability import HeldOut, Scores, calibrated, fit_ability, gather
from llmplan.quality.fit_tokens import calibrated_tokens, fit_tokens, gather_counts
from llmplan.quality.fit_tokens import held_out as tokens_held_out
from llmplan.quality.tables import Figure, Item
from llmplan.quality.tasks import NORMAL_80, basket_items, basket_success, baskets
from llmplan.quality.validation import cells_and_few, held_out, summary_of, whole_models, without

CARD_WEIGHT: Final = 0.5
"""Weight of a benchmark score of data/quality.csv, most of them vendors' own."""
CARD_QUESTIONS: Final = 200
FEWEST_MODELS: Final = 6
LENGTHS: Final = ("effective", "arena-elo", "vectara")
"""Words in ids of benchmarks that are no share of success, or that another table holds in full."""
FEWEST_FAMILIES: Final = 2
"""Families of a basket that must be held out together for its error to count."""


def card_scores(catalog: Catalog) -> tuple[list[Figure], dict[str, Item]]:
    """Return the scores of data/quality.csv as figures, and their benchmarks as items."""
    figures: list[Figure] = []
    items: dict[str, Item] = {}
    models: dict[str, set[str]] = {}
    for row in catalog.scores:
        benchmark = catalog.benchmarks[row.benchmark_id]
        if any(word in row.benchmark_id for word in LENGTHS) or "base" in row.model_name.lower():
            continue
        share = (row.score - benchmark.scale_low) / (benchmark.scale_high - benchmark.scale_low)
        share = share if benchmark.higher_is_better else 1 - share
        name = f"card-{row.benchmark_id}"
        day = benchmark.as_of.isoformat()
        items[name] = Item(name, benchmark.family_id, CARD_QUESTIONS, CARD_WEIGHT, day)
        figures.append(Figure(name, row.model_id, min(max(share, 0.0), 1.0)))
        models.setdefault(name, set()).add(row.model_id)
    told = [f for f in figures if len(models[f.item_id]) >= FEWEST_MODELS]
    return told, items


def offered(catalog: Catalog) -> list[tuple[str, str]]:
    """Return (model id, effort) of every model of the catalog at its default and at the efforts it offers."""
    ids = sorted({*catalog.models, *catalog.other_models})
    names = tables.names(catalog)
    return [(m, effort) for m in ids for effort in names.efforts_of(m)]


def evidence(catalog: Catalog, extra: Sequence[Figure] = (), items: Iterable[Item] = ()) -> Scores:
    """Return every published score, and the user's own, as arrays; every offered variant has a place."""
    names = tables.names(catalog)
    card_figures, card_items = card_scores(catalog)
    every = {**tables.items(catalog), **card_items, **{item.item_id: item for item in items}}
    more = [names.variant(model, effort) for model, effort in offered(catalog)]
    return gather([*tables.scores(catalog), *card_figures, *extra], every, names, more)


def calibrate_quality(
    catalog: Catalog, extra: Sequence[Figure] = (), items: Iterable[Item] = ()
) -> dict[str, Any]:
    """Fit, hold out, calibrate; return the document of data/quality_fit.json. Deterministic."""
    efforts = tables.efforts(catalog)
    scores = evidence(catalog, extra, items)
    ability, errors, structure = _ability(scores, efforts, baskets(catalog))
    figures, names = tables.task_tokens(catalog), tables.names(catalog)
    wrong, sds, _ = tokens_held_out(gather_counts(figures, names), efforts)
    counts = gather_counts(figures, names, scores.variants)
    tokens = calibrated_tokens(fit_tokens(counts, efforts), wrong, sds)
    factor = np.exp(np.abs(wrong))
    errors["tokens of whole models"] = {
        "n": len(wrong),
        "median_factor": round(float(np.median(factor)), 3),
        "within_80_factor": round(float(np.quantile(factor, 0.8)), 3),
        "band_coverage_pct": round(100 * float((np.abs(wrong) <= tokens.width * sds).mean()), 1),
    }
    return {
        "scores": len(scores.value),
        "held_out": errors,
        "ability": ability.as_dict(),
        "task_structure": structure,
        "tokens": tokens.as_dict(),
    }


def _ability(
    scores: Scores, efforts: Mapping[str, float], tasks: Mapping[str, Mapping[str, float]]
) -> tuple[Ability, dict[str, Any], list[list[float]]]:
    """Return the calibrated fit, the errors of what was held out, and the structural error of baskets."""
    cells, few = cells_and_few(scores, seed=0)
    models = whole_models(scores, seed=0)
    seen_part = without(scores, np.concatenate([cells, few]), efforts)
    seen_none = without(scores, models, efforts)
    held = {
        "cells": held_out(seen_part, scores, cells),
        "models with six subtasks": held_out(seen_part, scores, few),
        "whole models": held_out(seen_none, scores, models),
    }
    ability = calibrated(fit_ability(scores, efforts), list(held.values()))
    errors = {name: summary_of(part, ability) for name, part in held.items()}
    baskets_held = [held["models with six subtasks"], held["whole models"]]
    shown = [replace(part, fit=replace(part.fit, widths=ability.widths)) for part in baskets_held]
    return ability, errors, _structure(shown, list(tasks.values()))


def _structure(held: Sequence[HeldOut], tasks: Sequence[Mapping[str, float]]) -> list[list[float]]:
    """Return [families seen, sd]: what is left of a basket's held-out error beside the abilities' own. (11.5)"""
    errors: dict[int, list[tuple[float, float]]] = {0: [], 1: []}
    for part in held:
        for basket in tasks:
            for seen, wrong, own in _basket_errors(part, basket):
                errors[min(seen, 1)].append((wrong, own))
    found: list[list[float]] = []
    for tier, pairs in sorted(errors.items(), reverse=True):
        if pairs:
            wrong, own = np.abs(np.array(pairs)).T
            total = float(np.quantile(wrong, 0.8)) / NORMAL_80
            left = max(total**2 - float(np.median(own)) ** 2, 0.0) ** 0.5
            # A basket of which nothing is seen is never better known than one of which something is.
            found.append([tier, round(max(left, found[-1][1] if found else 0.01), 4)])
    return found[::-1]


def _basket_errors(part: HeldOut, basket: Mapping[str, float]) -> list[tuple[int, float, float]]:
    """Return (families seen, error of the mean, sd of the abilities' own) of each variant held out on a task."""
    fit = part.fit
    items, share = basket_items(fit, basket)
    families = fit.family[items]
    inside = np.isin(fit.family[part.item], families)
    error: Floats = part.value[inside] - fit.predict(part.variant[inside], part.item[inside])[0]
    variant, family = part.variant[inside], fit.family[part.item[inside]]
    found = []
    for one in np.unique(variant):
        mine = variant == one
        means = [error[mine & (family == f)].mean() for f in np.unique(family[mine])]
        if len(means) >= FEWEST_FAMILIES:
            place = np.array([one])
            own = basket_success(fit, place, items, share)[1][0] * fit.width(place)[0] / NORMAL_80
            found.append((int(fit.own_families[one, families].sum()), float(np.mean(means)), float(own)))
    return found


def write_fit(document: dict[str, Any], path: Path) -> None:
    """Write the document, one entry a line at the top, compact below."""
    parts = [
        f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in document.items()
    ]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
