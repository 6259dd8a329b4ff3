"""Ability: what a model at an effort scores on an item, with a band, from the fit that data/quality_fit.json holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import orjson

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.catalog.loading import QUALITY_FIT_FILE
from llmplan.foreign import foreign, parse_json, read_text
from llmplan.quality.factors import Factors, sigmoid
from llmplan.quality.kinship import Spread, placed
from llmplan.quality.names import Variant

OBSERVED_SD = 0.1
"""How near a known variant's fitted ability is taken to hold for a relative, in units of ability."""


@dataclass(frozen=True)
class Band:
    """Low, base and high of an 80 % band."""

    low: float
    base: float
    high: float


@dataclass(frozen=True, eq=False)
class Scale:
    """Variants with fitted numbers, and how to place a variant that has none.

    Attributes
    ----------
    variants : those fitted, in order.
    ability, ability_sd : shape (variants, K).
    prior_sd : prior scale by dimension, K.
    efforts : h of each effort. years, spread : what relatives say, see `kinship`.
    """

    variants: tuple[Variant, ...]
    ability: Floats
    ability_sd: Floats
    prior_sd: Floats
    efforts: Mapping[str, float]
    years: Mapping[str, float]
    spread: Spread

    @cached_property
    def place(self) -> dict[Variant, int]:
        return {variant: i for i, variant in enumerate(self.variants)}

    @cached_property
    def effort(self) -> Floats:
        """(variants,) h of each."""
        return np.array([self.efforts.get(v.effort, self.efforts["medium"]) for v in self.variants])

    def including(self, more: Sequence[Variant]) -> Scale:
        """Return a scale that also places `more`, each by its relatives: a normal's conditional mean and sd. (11.2)"""
        new = tuple(sorted(set(more) - set(self.variants)))
        if not new:
            return self
        gain, left = placed(self.variants, new, self.efforts, self.years, self.spread, OBSERVED_SD)
        sd = np.sqrt(left)[:, None] * self.prior_sd
        return Scale(
            (*self.variants, *new),
            np.vstack([self.ability, gain @ self.ability]),
            np.vstack([self.ability_sd, np.hypot(sd, gain**2 @ self.ability_sd**2)]),
            self.prior_sd,
            self.efforts,
            self.years,
            self.spread,
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "variants": [str(variant) for variant in self.variants],
            "ability": _rounded(self.ability),
            "ability_sd": _rounded(self.ability_sd),
            "prior_sd": list(self.prior_sd),
            "efforts": dict(self.efforts),
            "years": {model: round(year, 3) for model, year in self.years.items()},
            "spread": vars(self.spread),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scale:
        return cls(
            tuple(Variant(*text.split("@")) for text in data["variants"]),
            np.array(data["ability"]),
            np.array(data["ability_sd"]),
            np.array(data["prior_sd"]),
            data["efforts"],
            data["years"],
            Spread(**data["spread"]),
        )


def _rounded(values: Floats, digits: int = 4) -> Any:
    return (np.round(values, digits) + 0.0).tolist()


@dataclass(frozen=True, eq=False)
class Ability:
    """The fit of ability.

    Attributes
    ----------
    scale : the variants. items, families : ids; family : place of each item's family.
    coefficients : (items, K + 2): intercept, loadings, effort.
    strengths : (variants, families): what a variant scores above its ability on a family, its own figures and
        those of its relatives smoothed.
    own_families : (variants, families): whether a variant has figures of its own on a family.
    family_sd : standard deviation of a held-out figure around the fit, by family, as a share of success.
    widths : (number of families seen from which it holds, factor on the standard deviation), ascending.
    """

    scale: Scale
    items: tuple[str, ...]
    families: tuple[str, ...]
    family: Places
    coefficients: Floats
    strengths: Floats
    own_families: Bools
    family_sd: Floats
    widths: tuple[tuple[int, float], ...]

    @cached_property
    def evidence(self) -> Places:
        """Number of families on which each variant has figures of its own."""
        count: Places = self.own_families.sum(axis=1)
        return count

    @cached_property
    def item_place(self) -> dict[str, int]:
        return {item: i for i, item in enumerate(self.items)}

    @cached_property
    def newest(self) -> dict[str, int]:
        """Place of the last item of each family; items are in the order of their dates."""
        return {self.families[f]: i for i, f in enumerate(self.family)}

    @cached_property
    def expected_on_newest(self) -> dict[int, Floats]:
        """By place of a family's last item the expected share of success of every variant. (11.1)"""
        items, everyone = list(self.newest.values()), np.arange(len(self.scale.variants))
        flat = self.expected(np.tile(everyone, len(items)), np.repeat(items, len(everyone)))
        return dict(zip(items, flat.reshape(len(items), -1), strict=True))

    def including(self, more: Sequence[Variant]) -> Ability:
        """Return the fit with variants that no table knows, placed by their relatives."""
        scale = self.scale.including(more)
        extra = len(scale.variants) - len(self.scale.variants)
        if not extra:
            return self
        none = np.zeros((extra, len(self.families)))
        strengths = np.vstack([self.strengths, none])
        return replace(
            self, scale=scale, strengths=strengths, own_families=np.vstack([self.own_families, none > 0])
        )

    def expected(self, variant: Places, item: Places) -> Floats:
        """Return the expected share of success of each pair. (11.1)"""
        return self._expected(self._smooth(variant, item), variant, item)

    def _smooth(self, variant: Places, item: Places) -> Floats:
        factors = Factors(self.scale.ability, self.scale.ability_sd, self.coefficients)
        return sigmoid(factors.linear(variant, item, self.scale.effort))

    def _expected(self, smooth: Floats, variant: Places, item: Places) -> Floats:
        return np.clip(smooth + self.strengths[variant, self.family[item]], 0.0, 1.0)

    def predict(self, variant: Places, item: Places) -> tuple[Floats, Floats]:
        """Return the expected share of success and its standard deviation of each pair. (11.1), (11.4)"""
        smooth = self._smooth(variant, item)
        slope = np.maximum(smooth * (1 - smooth), 0.02)
        spread = self.coefficients[item][:, 1:-1] * self.scale.ability_sd[variant]
        parameter = slope * np.sqrt((spread**2).sum(axis=1))
        return self._expected(smooth, variant, item), np.hypot(parameter, self.family_sd[self.family[item]])

    def width(self, variant: Places) -> Floats:
        """Return the factor that makes a standard deviation half an 80 % band, by how much a variant is known."""
        seen = self.evidence[variant]
        factor = np.full(len(seen), self.widths[0][1])
        for least, value in self.widths:
            factor = np.where(seen >= least, value, factor)
        return factor

    def band(self, variant: Places, item: Places) -> tuple[Floats, Floats, Floats]:
        """Return low, base and high shares of success of each pair, an 80 % band."""
        base, sd = self.predict(variant, item)
        half = sd * self.width(variant)
        return np.clip(base - half, 0.0, 1.0), base, np.clip(base + half, 0.0, 1.0)

    def as_dict(self) -> dict[str, Any]:
        told = np.flatnonzero(np.abs(self.strengths).max(axis=1) >= 0.001)
        return {
            "scale": self.scale.as_dict(),
            "items": list(self.items),
            "families": list(self.families),
            "family": self.family.tolist(),
            "coefficients": _rounded(self.coefficients),
            "strengths_pct": {str(v): _rounded(100 * self.strengths[v], 1) for v in told},
            "own_families": [np.flatnonzero(row).tolist() for row in self.own_families],
            "family_sd": _rounded(self.family_sd),
            "widths": [list(pair) for pair in self.widths],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ability:
        scale = Scale.from_dict(data["scale"])
        strengths = np.zeros((len(scale.variants), len(data["families"])))
        for place, values in data["strengths_pct"].items():
            strengths[int(place)] = np.array(values) / 100
        own = np.zeros(strengths.shape, dtype=bool)
        for i, families in enumerate(data["own_families"]):
            own[i, families] = True
        return cls(
            scale,
            tuple(data["items"]),
            tuple(data["families"]),
            np.array(data["family"], dtype=np.intp),
            np.array(data["coefficients"]),
            strengths,
            own,
            np.array(data["family_sd"]),
            tuple((int(least), float(factor)) for least, factor in data["widths"]),
        )


REFIT = "write it with `llmplan calibrate-quality`"


@kept(1)
def load_fit(catalog: Catalog) -> Mapping[str, Any]:
    """Return the fitted document of the catalog's folder."""
    path = catalog.folder.find(QUALITY_FIT_FILE)
    document: Mapping[str, Any] = parse_json(read_text(path), "file", str(path), REFIT, orjson.loads)
    return document


@kept(1)
def load_ability(catalog: Catalog) -> Ability:
    """Return the fit of ability."""
    with foreign("file", QUALITY_FIT_FILE, REFIT):
        return Ability.from_dict(load_fit(catalog)["ability"])
