"""The tables of data/ that quality and tokens are fitted from: read as text, checked by `check-data`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.quality.names import EffortsOfModels, Names


@dataclass(frozen=True)
class Item:
    """A benchmark in one release from one publisher; items of a family share loadings."""

    item_id: str
    family_id: str
    questions: int
    weight: float
    as_of: str


@dataclass(frozen=True)
class Figure:
    """A published figure: a share of success on an item, or output tokens on a workload."""

    item_id: str
    published: str
    value: float


def rows(catalog: Catalog, file: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table of the catalog's folder, or of the shipped data where the folder lacks it."""
    with catalog.folder.find(file).open(encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


@kept(1)
def names(catalog: Catalog) -> Names:
    """Return the reading of published names by the shipped rules and tables."""
    aliases = {row["published"]: row["model_id"] for row in rows(catalog, "model_name_aliases.csv")}
    models = (
        EffortsOfModels(row["pattern"], row["effort"], row["apart"] == "true", tuple(row["offered"].split()))
        for row in rows(catalog, "unmarked_efforts.csv")
    )
    return Names(aliases, models)


@kept(1)
def task_names(catalog: Catalog) -> dict[str, str]:
    """Return the kinds of tasks, id -> name, in the order of data/task_baskets.csv."""
    return {row.task_id: row.task_name for row in catalog.task_baskets}


def task_ids(catalog: Catalog) -> tuple[str, ...]:
    """Return the ids of the kinds of tasks."""
    return tuple(task_names(catalog))


@kept(16)
def sources_of_task(catalog: Catalog, task_id: str) -> tuple[str, ...]:
    """Return where the figures of a task's benchmarks come from."""
    families = {row.family_id for row in catalog.task_baskets if row.task_id == task_id}
    found = {row["source_id"] for row in rows(catalog, "ability_items.csv") if row["family_id"] in families}
    return tuple(sorted(found))


@kept(1)
def text_kinds(catalog: Catalog) -> tuple[str, ...]:
    """Return the kinds of text on which tokenizers were measured."""
    return tuple(sorted({row["text_kind"] for row in rows(catalog, "tokenizer_ratios.csv")}))


@kept(1)
def efforts(catalog: Catalog) -> dict[str, float]:
    """Return the scale of effort: 0 thinking off, 1 high."""
    return {row["effort"]: float(row["scale"]) for row in rows(catalog, "effort_scale.csv")}


def items(catalog: Catalog) -> dict[str, Item]:
    """Return the items by id."""
    return {
        row["item_id"]: Item(
            row["item_id"],
            row["family_id"],
            int(row["questions"]),
            float(row["weight"]),
            row["as_of"],
        )
        for row in rows(catalog, "ability_items.csv")
    }


def scores(catalog: Catalog) -> list[Figure]:
    """Return the published scores as shares of success."""
    found = rows(catalog, "ability_scores.csv")
    return [Figure(row["item_id"], row["published"], float(row["score_pct"]) / 100) for row in found]


def task_tokens(catalog: Catalog) -> list[Figure]:
    """Return the output tokens that models spent on workloads."""
    found = rows(catalog, "task_tokens.csv")
    return [Figure(row["workload_id"], row["published"], float(row["output_tokens"])) for row in found]
