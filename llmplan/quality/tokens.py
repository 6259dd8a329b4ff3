"""Output tokens that a model at an effort spends on a kind of work, with a band. (11.6)-(11.8)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.catalog.loading import QUALITY_FIT_FILE
from llmplan.foreign import foreign
from llmplan.quality.ability import REFIT, Scale, load_fit
from llmplan.quality.factors import Factors
from llmplan.quality.names import Variant


@dataclass(frozen=True, eq=False)
class Tokens:
    """The fit of log output tokens.

    Attributes
    ----------
    scale : the variants.
    workloads : ids.
    coefficients : (workloads, K + 2): intercept, loadings, effort (unused).
    evidence : number of workloads on which each variant has figures of its own.
    figure_sd : standard deviation of a figure's log around the fit.
    width : factor on the standard deviation that makes half an 80 % band.
    """

    scale: Scale
    workloads: tuple[str, ...]
    coefficients: Floats
    evidence: Places
    figure_sd: float
    width: float

    @cached_property
    def workload_place(self) -> dict[str, int]:
        return {workload: i for i, workload in enumerate(self.workloads)}

    def including(self, more: Sequence[Variant]) -> Tokens:
        """Return the fit with variants that no table knows, placed by effort and relatives."""
        scale = self.scale.including(more)
        extra = len(scale.variants) - len(self.scale.variants)
        evidence = np.append(self.evidence, np.zeros(extra, dtype=np.intp))
        return Tokens(scale, self.workloads, self.coefficients, evidence, self.figure_sd, self.width)

    def log_tokens(self, variant: Places, workload: Places) -> tuple[Floats, Floats]:
        """Return the log of tokens of each pair and its standard deviation. (11.6)"""
        factors = Factors(self.scale.ability, self.scale.ability_sd, self.coefficients)
        base = factors.linear(variant, workload, np.zeros(len(self.scale.variants)))
        spread = self.coefficients[workload][:, 1:-1] * self.scale.ability_sd[variant]
        return base, np.hypot(np.sqrt((spread**2).sum(axis=1)), self.figure_sd)

    def band(self, variant: Places, workload: Places) -> tuple[Floats, Floats, Floats]:
        """Return low, base and high tokens of each pair: a lognormal 80 % band."""
        base, sd = self.log_tokens(variant, workload)
        return np.exp(base - self.width * sd), np.exp(base), np.exp(base + self.width * sd)

    def as_dict(self) -> dict[str, Any]:
        return {
            "scale": self.scale.as_dict(),
            "workloads": list(self.workloads),
            "coefficients": (np.round(self.coefficients, 4) + 0.0).tolist(),
            "evidence": self.evidence.tolist(),
            "figure_sd": round(self.figure_sd, 4),
            "width": self.width,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tokens:
        return cls(
            Scale.from_dict(data["scale"]),
            tuple(data["workloads"]),
            np.array(data["coefficients"]),
            np.array(data["evidence"], dtype=np.intp),
            float(data["figure_sd"]),
            float(data["width"]),
        )


@kept(1)
def load_tokens(catalog: Catalog) -> Tokens:
    """Return the fit of tokens."""
    with foreign("file", QUALITY_FIT_FILE, REFIT):
        return Tokens.from_dict(load_fit(catalog)["tokens"])
