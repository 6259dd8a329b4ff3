"""The calibrated constants: what each means, on which factors it may depend, and their fitted values."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import data_dir
from llmplan.replica.configurations import FACTORS, Configurations


@dataclass(frozen=True)
class Constant:
    """A physical constant of the step model, a row of data/calibration_constants.csv.

    start: value at which the fit starts, in `unit`. tightness: weight of the prior on log(value / start).
    least, most: physical bounds; 0 and infinity where there are none. factors: what it may deviate by
    (data/calibration_factors.csv).
    """

    name: str
    unit: str
    meaning: str
    start: float
    tightness: float
    least: float
    most: float
    factors: tuple[str, ...]

    def value(self, log: Floats) -> Floats:
        """Value of its logarithm, within the bounds."""
        return np.clip(np.exp(log), self.least, self.most)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (data_dir() / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


@lru_cache(maxsize=1)
def constants() -> tuple[Constant, ...]:
    """Read the registry of constants."""
    factors: dict[str, list[str]] = {}
    for row in _rows("calibration_factors.csv"):
        factors.setdefault(row["constant"], []).append(row["factor"])
    return tuple(
        Constant(
            row["constant"],
            row["unit"],
            row["meaning"],
            float(row["start"]),
            float(row["tightness"]),
            float(row["least"] or 0.0),
            float(row["most"] or "inf"),
            tuple(factors.get(row["constant"], ())),
        )
        for row in _rows("calibration_constants.csv")
    )


Levels = dict[str, dict[str, float]]
"""Log deviations by factor and level."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted constants: log base values, and log deviations by constant, factor and level."""

    base: dict[str, float]
    effects: dict[str, Levels]

    def values(self, c: Configurations) -> dict[str, Floats]:
        """Constants of each configuration, each of shape (n,)."""
        result = {}
        for constant in constants():
            log = np.full(len(c), self.base.get(constant.name, np.log(constant.start)))
            for factor, levels in self.effects.get(constant.name, {}).items():
                log += level_values(c, factor, levels)
            result[constant.name] = constant.value(log)
        return result


def level_values(c: Configurations, factor: str, levels: dict[str, float]) -> Floats:
    """Deviation of each configuration's level; 0 for a level that the data does not hold."""
    i = FACTORS.index(factor)
    codes = c.level_codes[i]
    by_code = np.zeros(max(len(codes), 1))
    for name, value in levels.items():
        code = codes.get(name)
        if code is not None:
            by_code[code] = value
    values: Floats = by_code[c.codes[:, i]]
    return values


@lru_cache(maxsize=1)
def load_document() -> dict[str, Any]:
    """Read data/calibration.json: constants, their deviations, bands, errors and the fit's date."""
    document: dict[str, Any] = json.loads((data_dir() / "calibration.json").read_text(encoding="utf-8"))
    return document


@lru_cache(maxsize=1)
def load_calibration() -> Calibration:
    """Constants as fitted last, from data/calibration.json."""
    document = load_document()
    return Calibration(document["base"], document["effects"])
