"""Quality of a task: expected success on a basket of benchmarks of that kind, with a band. (11.5)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.errors import UnknownNameError
from llmplan.quality.ability import Ability, Band, load_ability, load_fit
from llmplan.quality.factors import sigmoid
from llmplan.quality.names import Variant
from llmplan.quality.tables import names

SATURATED: Final = 0.97
"""A benchmark on which the best tenth of the models scores more than this says nothing between them."""
NORMAL_80: Final = 1.2816
"""Half an 80 % band of a normal, in standard deviations."""


@kept(1)
def baskets(catalog: Catalog) -> Mapping[str, Mapping[str, float]]:
    """Return task -> family -> weight, in the order of data/task_baskets.csv."""
    found: dict[str, dict[str, float]] = {}
    for row in catalog.task_baskets:
        found.setdefault(row.task_id, {})[row.family_id] = row.weight
    return found


@kept(1)
def task_structure(catalog: Catalog) -> tuple[tuple[int, float], ...]:
    """Return (families of the basket seen, sd of a basket's success beside the parameters' own), ascending."""
    return tuple((int(least), float(sd)) for least, sd in load_fit(catalog)["task_structure"])


def basket_items(ability: Ability, basket: Mapping[str, float]) -> tuple[Places, Floats]:
    """Return the places of a basket's items, the newest of each family that still tells, and their weights."""
    items, weights = [], []
    for family, weight in basket.items():
        if family not in ability.newest:
            continue
        item = ability.newest[family]
        if np.quantile(ability.expected_on_newest[item], 0.9) < SATURATED:
            items.append(item)
            weights.append(weight)
    share = np.array(weights)
    return np.array(items, dtype=np.intp), share / share.sum()


def basket_success(ability: Ability, variant: Places, items: Places, share: Floats) -> tuple[Floats, Floats]:
    """Return expected success on a basket of last items by variant and the sd that the abilities' own uncertainty makes."""
    success = np.stack([ability.expected_on_newest[item][variant] for item in items.tolist()], axis=1) @ share
    coefficients = ability.coefficients[items]
    linear = coefficients[:, 0] + ability.scale.ability[variant] @ coefficients[:, 1:-1].T
    smooth = sigmoid(linear + np.outer(ability.scale.effort[variant], coefficients[:, -1]))
    slope = (smooth * (1 - smooth) * share) @ coefficients[:, 1:-1]
    return success, np.sqrt(((slope * ability.scale.ability_sd[variant]) ** 2).sum(axis=1))


class TaskQuality:
    """Success by variant and task: arrays once, looked up at every move of a slider.

    Attributes
    ----------
    tasks : ids. success, sd : shape (variants, tasks), shares of such tasks and their standard deviations.
    seen : number of families of each basket on which a variant has figures, shape (variants, tasks).
    """

    def __init__(
        self,
        ability: Ability,
        baskets: Mapping[str, Mapping[str, float]],
        structure: Sequence[tuple[int, float]],
    ) -> None:
        self.ability = ability
        self.tasks = tuple(baskets)
        everyone = np.arange(len(ability.scale.variants))
        columns = []
        for basket in baskets.values():
            items, share = basket_items(ability, basket)
            success, parameter = basket_success(ability, everyone, items, share)
            own = ability.own_families[:, ability.family[items]].sum(axis=1)
            scaled = parameter * ability.width(everyone) / NORMAL_80
            columns.append((success, np.hypot(scaled, _structure_sd(own, structure)), own))
        success, self.sd, self.seen = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
        self.success = _between_measured(ability, success)

    def moments(
        self, variants: Sequence[Variant], task_mix: Mapping[str, float] | None = None
    ) -> tuple[Floats, Floats]:
        """Return success on a mix of tasks (None or empty: all alike) and its standard deviation, by variant.

        Errors of one model's tasks go together.
        """
        places = [self.ability.scale.place[variant] for variant in variants]
        share = self._share(task_mix)
        return self.success[places] @ share, self.sd[places] @ share

    def bands(self, variants: Sequence[Variant], task_mix: Mapping[str, float] | None = None) -> Floats:
        """Return low, base and high of success on a mix of tasks, an 80 % band, shape (3, variants)."""
        base, sd = self.moments(variants, task_mix)
        half = NORMAL_80 * sd
        return np.stack([np.maximum(base - half, 0.0), base, np.minimum(base + half, 1.0)])

    def _share(self, task_mix: Mapping[str, float] | None) -> Floats:
        mix = task_mix or dict.fromkeys(self.tasks, 1.0)
        unknown = sorted(mix.keys() - set(self.tasks))
        if unknown:
            raise UnknownNameError("task", unknown[0], self.tasks)
        share = np.array([mix.get(task, 0.0) for task in self.tasks])
        normed: Floats = share / share.sum()
        return normed


def _between_measured(ability: Ability, success: Floats) -> Floats:
    """Return success with efforts that nobody measured held between the measured ones of their model.

    Such an effort is no worse than a measured lower one and no better than a measured higher one; where these
    two contradict each other, it lies between them. Measured efforts stay as fitted.
    """
    effort, measured = ability.scale.effort, ability.evidence > 0
    siblings: dict[str, list[int]] = {}
    for place, variant in enumerate(ability.scale.variants):
        siblings.setdefault(variant.model, []).append(place)
    bounded = success.copy()
    for places in map(np.array, siblings.values()):
        known = places[measured[places]]
        for one in places[~measured[places]]:
            least = success[known[effort[known] < effort[one]]].max(axis=0, initial=0.0)
            most = success[known[effort[known] > effort[one]]].min(axis=0, initial=1.0)
            bounded[one] = np.clip(success[one], np.minimum(least, most), np.maximum(least, most))
    return bounded


def _structure_sd(own: Places, structure: Sequence[tuple[int, float]]) -> Floats:
    sd = np.full(len(own), structure[0][1])
    for least, value in structure:
        sd = np.where(own >= least, value, sd)
    return sd


@kept(1)
def load_task_quality(catalog: Catalog) -> TaskQuality:
    """Return success by variant and task from the catalog's fit."""
    return TaskQuality(load_ability(catalog), baskets(catalog), task_structure(catalog))


def qualities_of(
    catalog: Catalog,
    models: Sequence[tuple[str, str | None]],
    task_mix: Mapping[str, float] | None = None,
) -> Floats:
    """Return the share of such tasks that models at efforts succeed on: low, base, high, shape (3, models). (11.5)

    models: id and effort; None: the vendor's default. A model that no table knows is placed by its relatives.
    """
    variants = [names(catalog).variant(*model) for model in models]
    return success_of(catalog, variants).bands(variants, task_mix)


def success_of(catalog: Catalog, variants: Iterable[Variant]) -> TaskQuality:
    """Return success by task of a fit that holds these variants."""
    unknown = tuple(sorted(set(variants) - load_ability(catalog).scale.place.keys()))
    return _including(catalog, unknown) if unknown else load_task_quality(catalog)


def quality_of(
    catalog: Catalog, model_id: str, effort: str | None = None, task_mix: Mapping[str, float] | None = None
) -> Band:
    """Return the share of such tasks that a model at an effort (None: its vendor's default) succeeds on. (11.5)"""
    low, base, high = qualities_of(catalog, [(model_id, effort)], task_mix)[:, 0]
    return Band(float(low), float(base), float(high))


@kept(32)
def _including(catalog: Catalog, variants: tuple[Variant, ...]) -> TaskQuality:
    """Return the quality with variants that the fit does not hold."""
    return TaskQuality(load_ability(catalog).including(variants), baskets(catalog), task_structure(catalog))


def as_points(band: Band) -> dict[str, Any]:
    """Return a band of shares in percent."""
    return {
        "low": round(100 * band.low, 1),
        "base": round(100 * band.base, 1),
        "high": round(100 * band.high, 1),
    }
