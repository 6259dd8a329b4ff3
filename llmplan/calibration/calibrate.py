"""Refit everything: constants, held-out errors and bands, as one document."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Floats
from llmplan.calibration.fitting import fit, row_weights_of
from llmplan.calibration.observations import QUANTITIES, Observations
from llmplan.calibration.percent_errors import error_summary
from llmplan.calibration.predicted_rows import predicted
from llmplan.calibration.validation import (
    cross_validate,
    group_folds,
    point_folds,
)
from llmplan.replica.bands import FAR, SEEN, UNSEEN, Band, fit_bands, slice_keys, structure_of
from llmplan.replica.basis import ENOUGH_ROWS
from llmplan.replica.constants import Calibration

COUNTED: Final = "engine:architecture:compute"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out log errors (3, rows) of both protocols, and each row's chosen candidate."""

    points: Floats
    groups: Floats
    chosen: NDArray[np.intp]


def calibrate(obs: Observations, fit_date: str) -> tuple[dict[str, Any], HeldOut]:
    """Fit to all rows, cross-validate by points and by groups, and return the document to store."""
    calibration = fit(obs, row_weights_of(obs))
    _, chosen = predicted(obs, calibration)
    held = HeldOut(cross_validate(obs, point_folds(obs)), cross_validate(obs, group_folds(obs)), chosen)
    return document_of(obs, calibration, held, fit_date), held


def document_of(obs: Observations, calibration: Calibration, held: HeldOut, fit_date: str) -> dict[str, Any]:
    """The content of data/calibration.json."""
    c = obs.configurations.take(held.chosen)
    counts = Counter(str(name) for name in c.levels(COUNTED))
    return {
        "fit_date": fit_date,
        "rows": len(obs.rows),
        "errors": {
            "kept-back points": summaries(obs, held.points, held.chosen),
            "kept-back groups": summaries(obs, held.groups, held.chosen),
        },
        "base": calibration.base,
        "effects": calibration.effects,
        "rows_by_engine_architecture_compute": dict(sorted(counts.items())),
        "replicas": sorted({str(name) for name in c.levels("replica")}),
        "bands": bands_of(obs, held),
    }


def bands_of(obs: Observations, held: HeldOut) -> dict[str, dict[str, Band]]:
    """Bands by quantity and slice from the held-out errors of both protocols."""
    c = obs.configurations.take(held.chosen)
    columns = obs.kind[held.chosen], structure_of(c), c.levels("generation")
    seen = [slice_keys(SEEN, *(str(v) for v in row)) for row in zip(*columns, strict=True)]
    distance = distance_of(obs, held.chosen)
    unseen = [slice_keys(*(str(v) for v in row)) for row in zip(distance, *columns, strict=True)]
    result = {}
    for q, quantity in enumerate(QUANTITIES):
        errors = np.concatenate([held.points[q], held.groups[q]])
        result[quantity] = fit_bands(errors, seen + unseen)
    return result


def distance_of(obs: Observations, chosen: NDArray[np.intp]) -> NDArray[Any]:
    """Whether the fit that did not see a row's group still saw its engine on that GPU family."""
    folds = group_folds(obs)
    level = obs.configurations.take(chosen).levels(COUNTED)
    inside = Counter(zip(level.tolist(), folds.tolist(), strict=True))
    total = Counter(level.tolist())
    left = [
        total[name] - inside[name, fold] for name, fold in zip(level.tolist(), folds.tolist(), strict=True)
    ]
    return np.where(np.array(left) >= ENOUGH_ROWS, UNSEEN, FAR)


def summaries(obs: Observations, errors: Floats, chosen: NDArray[np.intp]) -> dict[str, Any]:
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
