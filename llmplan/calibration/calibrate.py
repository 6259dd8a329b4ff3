"""Refit everything: constants, held-out errors and bands, as one document."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Floats, Places
from llmplan.calibration.accuracy import error_summary
from llmplan.calibration.fitting import fit, row_weights_of
from llmplan.calibration.observations import QUANTITIES, Observations, asked_kind, predicted
from llmplan.calibration.validation import PROTOCOLS, cross_validate, folds_of
from llmplan.replica.bands import FAR, SEEN, UNSEEN, Band, fit_bands, slice_keys, structure_of
from llmplan.replica.basis import COUNTED
from llmplan.replica.config import FACTORS
from llmplan.replica.constants import Calibration

ENOUGH_ROWS: Final = 15
"""Rows from which a kind of replica may be called calibrated."""
EARNED_ERROR: Final = 0.2
"""Median held-out error, of groups, models and sources, up to which it is."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out log errors (3, rows) by protocol, and each row's chosen candidate."""

    errors: dict[str, Floats]
    chosen: Places


def calibrate(obs: Observations, fit_date: str) -> tuple[dict[str, Any], HeldOut]:
    """Fit to all rows, cross-validate by every protocol, and return the document to store."""
    calibration = fit(obs, row_weights_of(obs))
    _, chosen = predicted(obs, calibration)
    errors = {name: cross_validate(obs, folds_of(obs, name), calibration) for name in PROTOCOLS}
    held = HeldOut(errors, chosen)
    return document_of(obs, calibration, held, fit_date), held


def document_of(obs: Observations, calibration: Calibration, held: HeldOut, fit_date: str) -> dict[str, Any]:
    """The content of data/calibration.json."""
    c = obs.configurations.take(held.chosen)
    return {
        "fit_date": fit_date,
        "inputs": fingerprint(obs),
        "rows": len(obs.rows),
        "errors": {
            f"kept-back {name}": summaries(obs, errors, held.chosen) for name, errors in held.errors.items()
        },
        "base": calibration.base,
        "effects": calibration.effects,
        "calibrated": calibrated_kinds(obs, held),
        "replicas": sorted({str(name) for name in c.levels("replica")}),
        "bands": bands_of(obs, held),
    }


def fingerprint(obs: Observations) -> str:
    """Name of all that a fit rests on: rows, weights, constants with their factors, and what the model says of them.

    The model speaks through its answers at the constants' starting values, to six digits; another code or catalog that
    gives the same answers has the same name.
    """
    starts = {c.name: np.full(len(obs.configurations), c.start) for c in obs.constants}
    levels = [obs.configurations.levels(factor).tolist() for factor in FACTORS]
    numbers = (obs.outputs(starts), obs.measured, row_weights_of(obs))
    told = [levels, repr(obs.constants), *(np.char.mod("%.6g", array).tolist() for array in numbers)]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def calibrated_kinds(obs: Observations, held: HeldOut) -> dict[str, int]:
    """Rows of each engine, GPU family and compute that are enough, and whose held-out errors are small enough."""
    level = obs.configurations.take(held.chosen).levels(COUNTED)
    unseen = np.array([held.errors[name][q] for name in PROTOCOLS if name != "points" for q in (0, 2)])
    earned = {}
    for name in sorted(set(level.tolist())):
        errors = unseen[:, level == name]
        errors = np.abs(np.expm1(errors[np.isfinite(errors)]))
        rows = int((level == name).sum())
        if rows >= ENOUGH_ROWS and len(errors) and np.median(errors) <= EARNED_ERROR:
            earned[str(name)] = rows
    return earned


def bands_of(obs: Observations, held: HeldOut) -> dict[str, dict[str, Band]]:
    """Bands by quantity and slice, from all protocols: a replica that another source measured too counts as seen."""
    kind, structure = asked_kind(obs, held.chosen), structure_of(obs.configurations.take(held.chosen))
    keys, errors = [], []
    for name, of_protocol in held.errors.items():
        tier = distance_of(obs, held.chosen, name)
        keys += [slice_keys(*(str(v) for v in row)) for row in zip(tier, kind, structure, strict=True)]
        errors.append(of_protocol)
    every = np.concatenate(errors, axis=1)
    return {quantity: fit_bands(every[q], keys) for q, quantity in enumerate(QUANTITIES)}


def distance_of(obs: Observations, chosen: Places, protocol: str) -> NDArray[Any]:
    """How near the data was to each row when a protocol kept it back: its replica, its kind, or neither seen."""
    if protocol == "points":
        return np.full(len(obs.rows), SEEN, dtype=object)
    c, folds = obs.configurations.take(chosen), folds_of(obs, protocol)
    far = np.where(_left(c.levels(COUNTED), folds) >= ENOUGH_ROWS, UNSEEN, FAR)
    return np.where(_left(c.levels("replica"), folds) > 0, SEEN, far)


def _left(levels: NDArray[Any], folds: Places) -> Places:
    """Rows of each row's level that lie in other folds than it does."""
    names = levels.tolist()
    inside, total = Counter(zip(names, folds.tolist(), strict=True)), Counter(names)
    return np.array(
        [total[name] - inside[name, fold] for name, fold in zip(names, folds.tolist(), strict=True)]
    )


def summaries(obs: Observations, errors: Floats, chosen: Places) -> dict[str, Any]:
    """Mean, median and 90th percentile of |error| [%] and bias by quantity, for all, dense and MoE rows."""
    structure = structure_of(obs.configurations.take(chosen))
    kind = obs.kind[chosen]
    result: dict[str, Any] = {}
    for q, quantity in enumerate(QUANTITIES):
        masks = {"all": np.ones(len(kind), bool), "dense": structure == "dense", "moe": structure == "moe"}
        if quantity == "throughput":
            masks["offline"] = kind == "offline"
        result[quantity] = {name: error_summary(errors[q][mask]) for name, mask in masks.items()}
    return result


def write_document(document: dict[str, Any], path: Path) -> None:
    """Write the document so that the same fit gives the same bytes."""
    path.write_text(
        json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
