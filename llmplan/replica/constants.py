"""The calibrated constants: what each means, on which factors it may depend, and their fitted values."""

from dataclasses import dataclass

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.catalog.evidence import Levels
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


@kept(1)
def constants(catalog: Catalog) -> tuple[Constant, ...]:
    """Return the constants of the serving model, with the factors that each may deviate by."""
    factors: dict[str, list[str]] = {}
    for row in catalog.calibration_factors:
        factors.setdefault(row.constant, []).append(row.factor)
    return tuple(
        Constant(
            row.constant,
            row.unit,
            row.meaning,
            row.start,
            row.tightness,
            row.least or 0.0,
            row.most or np.inf,
            tuple(factors.get(row.constant, ())),
        )
        for row in catalog.calibration_constants.values()
    )


@dataclass(frozen=True, eq=False)
class Calibration:
    """Fitted constants: log base values, and log deviations by constant, factor and level."""

    base: dict[str, float]
    effects: dict[str, Levels]

    def values(self, c: Configurations) -> dict[str, Floats]:
        """Constants of each configuration, each of shape (n,)."""
        result = {}
        for constant in constants(c.catalog):
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


@kept(1)
def fitted(catalog: Catalog) -> Calibration:
    """Return the constants as the catalog's fit has them."""
    return Calibration(catalog.calibration.base, catalog.calibration.effects)


@kept(1)
def fitted_values(c: Configurations) -> dict[str, Floats]:
    """Return the fitted constants of each configuration, each of shape (n,)."""
    return fitted(c.catalog).values(c)
