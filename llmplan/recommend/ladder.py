"""What the quality floor does to the choice: the cheapest option at every floor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from llmplan.catalog import Catalog
from llmplan.options import Comparison
from llmplan.options.fleet_api_pairs import pairs_of
from llmplan.wording import Currency

MOST_LINES = 8


@dataclass(frozen=True)
class QualityStep:
    """The cheapest option for every floor above the step before and up to `quality`.

    Attributes
    ----------
    quality: the highest floor that it meets, as a share of the reference's.
    monthly_usd: its base cost.
    """

    quality: float
    option_id: str
    label: str
    kind: str
    monthly_usd: float


def quality_ladder(found: Comparison, catalog: Catalog) -> tuple[QualityStep, ...]:
    """Return the steps from the cheapest scored option to the best one, every other constraint held."""
    pairs, volume = pairs_of(found.alone, catalog), found.scenario.queries_per_day
    options = found.alone if pairs is None else pairs.join(pairs.best_by_quality(volume))
    usd = options.monthly_usd([volume], sides=(1,))[0, :, 0]
    free = np.flatnonzero((options.feasible | options.near_floor) & np.isfinite(options.quality + usd))
    ranked = free[np.lexsort((options.preference[free], usd[free]))]
    quality = options.items.assured[ranked]
    best_before = np.maximum.accumulate(np.concatenate([[-np.inf], quality]))[:-1]
    return tuple(
        QualityStep(float(quality[i]), item.option_id, item.label, item.kind, float(usd[ranked[i]]))
        for i in np.flatnonzero(quality > best_before)
        for item in (options.items[ranked[i]],)
    )


def floor_sentences(ladder: tuple[QualityStep, ...], label: str, floor: float, money: Currency) -> list[str]:
    """Say whether the floor drives the choice, and what a higher one would make of it."""
    at = next((place for place, step in enumerate(ladder) if step.label == label), None)  # splits share an id
    if at is None:
        return []
    said = []
    if floor > 0 and at > 0:
        first = ladder[0]
        cost = money.whole(first.monthly_usd)
        said.append(f"The floor drives the choice: without it {first.label} would do at {cost}.")
    elif floor > 0:
        said.append("The floor does not drive the choice: nothing cheaper is kept out by it.")
    if at + 1 < len(ladder):
        after = ladder[at + 1]
        cost = money.whole(after.monthly_usd)
        said.append(f"For more quality than that the cheapest is {after.label} at {cost}.")
    else:
        said.append("No feasible option has a higher quality.")
    return said


def whole_steps(ladder: tuple[QualityStep, ...]) -> tuple[QualityStep, ...]:
    """Return the steps that some floor in whole percent asks for: of several under one percent the cheapest."""
    return tuple(
        step
        for step, below in zip(ladder, (None, *ladder), strict=False)
        if below is None or _percent(step.quality) > _percent(below.quality)
    )


def _percent(quality: float) -> int:
    """Return a quality in percent, rounded down: an option of that quality meets the floor told."""
    return math.floor(100 * quality + 1e-9)


def floor_percent(quality: float) -> str:
    """Return the highest floor in whole percent that a quality meets."""
    return f"{_percent(quality)}%"


def floor_text(step: QualityStep, money: Currency) -> str:
    """Return a step in a line: the highest floor that it meets, what it is, what it costs."""
    return f"up to {floor_percent(step.quality)}: {step.label}, {money.whole(step.monthly_usd)} a month"


def ladder_lines(ladder: tuple[QualityStep, ...], money: Currency) -> list[str]:
    """Return one line a step: the cheapest ones and the best; how many lie between is told."""
    lines = [floor_text(step, money) for step in whole_steps(ladder)]
    between = len(lines) - MOST_LINES
    return lines if between < 1 else [*lines[: MOST_LINES - 1], f"{between} steps more, then {lines[-1]}"]
