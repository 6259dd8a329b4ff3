"""Preset task mixes: shares of tasks, and what each can lose."""

from collections.abc import Collection
from dataclasses import dataclass

from llmplan.catalog import Catalog
from llmplan.errors import UnknownNameError


@dataclass(frozen=True)
class TaskMix:
    """A preset task mix of data/router_task_mixes.csv.

    Attributes
    ----------
    shares: task_id -> share; sums to 1.
    tolerances: task_id -> quality that the task can lose against the better end, reference = 1; where stated.
    verdicts: task_id -> what the article says of open models there, match or fall short; where it does.
    """

    mix_id: str
    name: str
    shares: dict[str, float]
    tolerances: dict[str, float]
    verdicts: dict[str, str]


def task_mixes(catalog: Catalog) -> dict[str, TaskMix]:
    """Return the preset task mixes by id."""
    found: dict[str, TaskMix] = {}
    for row in catalog.router_task_mixes:
        mix = found.setdefault(row.mix_id, TaskMix(row.mix_id, row.mix_name, {}, {}, {}))
        mix.shares[row.task_id] = row.share
        if row.tolerance is not None:
            mix.tolerances[row.task_id] = row.tolerance
        if row.article_verdict is not None:
            mix.verdicts[row.task_id] = row.article_verdict
    return found


def task_mix(catalog: Catalog, mix_id: str) -> TaskMix:
    """Return a preset task mix. Raises UnknownNameError with near names."""
    mixes = task_mixes(catalog)
    if mix_id not in mixes:
        raise UnknownNameError("task mix", mix_id, mixes)
    return mixes[mix_id]


def preset_tolerance(catalog: Catalog, mix_id: str, stays_in_house: Collection[str] = ()) -> dict[str, float]:
    """Return what a preset's tasks can lose; a task that stays in house must make do with what is there."""
    found = task_mix(catalog, mix_id).tolerances
    return {task: loss for task, loss in found.items() if task not in stays_in_house}
