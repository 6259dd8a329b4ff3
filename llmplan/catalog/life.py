"""What a folder lacks or has for too long: offers that end, old prices, open models that nobody hosts, cards unpriced."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmplan.catalog.catalog import Catalog
from llmplan.catalog.folder import data_dir
from llmplan.catalog.loading import read_folder
from llmplan.catalog.problems import Problem
from llmplan.catalog.reading import RawRow
from llmplan.catalog.tables import BY_NAME, Table

ENDS_SOON_DAYS = 90
OLD_DAYS = 180
PRICES = ("apis", "own_apis", "gpu_prices", "gpu_purchases")
"""Tables whose rows are prices."""
OF_CARDS = ("gpu_prices", "gpu_purchases")
"""Those whose rows are prices of a GPU."""


@dataclass(frozen=True)
class Life:
    """What the next `refresh-prices`, or the next plan, should see to; no rule of the tables is broken by it.

    Attributes
    ----------
    ended, ending: a warning for each active offer that is over, or ends within `ENDS_SOON_DAYS`.
    old: file -> (active rows older than `OLD_DAYS`, all its active rows).
    unhosted: open models without a hosted price. models: how many can be chosen.
    unpriced: file -> cards that can be chosen and have no active row in it.
    """

    ended: tuple[Problem, ...]
    ending: tuple[Problem, ...]
    old: dict[str, tuple[int, int]]
    unhosted: tuple[str, ...]
    models: int
    unpriced: dict[str, tuple[str, ...]]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The warnings: one an offer that ends, one a table with old rows, one for models and for cards without any."""
        found = [*self.ended, *self.ending]
        for file, (old, active) in self.old.items():
            if old:
                rule = f"{old} of {active} active rows are older than {OLD_DAYS} days"
                fix = "check the prices, or mark them historical"
                found.append(Problem(file, 0, "as_of", "", rule, fix, "warning"))
        for file, gpus in self.unpriced.items():
            if gpus:
                rule, fix = f"{len(gpus)} cards without a price", "add a row with its source"
                found.append(Problem(file, 0, "gpu_id", ", ".join(gpus), rule, fix, "warning"))
        if self.unhosted:
            rule = f"{len(self.unhosted)} open models without a hosted price"
            names = ", ".join(self.unhosted)
            models = BY_NAME["models"].file
            found.append(Problem(models, 0, "model_id", names, rule, "run refresh-prices", "warning"))
        return tuple(found)

    @property
    def summary(self) -> str:
        """All of it in a line."""
        ages = ", ".join(f"{old} of {active} in {file}" for file, (old, active) in self.old.items())
        cards = ", ".join(
            f"{len(gpus)} cards without a price in {file}" for file, gpus in self.unpriced.items()
        )
        return (
            f"{len(self.ended)} offers ended but active, {len(self.ending)} end within {ENDS_SOON_DAYS} days; "
            f"older than {OLD_DAYS} days: {ages}; "
            f"{len(self.unhosted)} of {self.models} open models without a hosted price; {cards}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, for JSON."""
        return {
            "ended_but_active": len(self.ended),
            "ends_soon": len(self.ending),
            "ends_soon_days": ENDS_SOON_DAYS,
            "old_days": OLD_DAYS,
            "old_rows": {file: old for file, (old, _) in self.old.items()},
            "active_rows": {file: active for file, (_, active) in self.old.items()},
            "open_models": self.models,
            "open_models_without_hosted_price": list(self.unhosted),
            "gpus_without_price": {file: list(gpus) for file, gpus in self.unpriced.items()},
        }


def life_of(folder: Path | str | None = None, today: dt.date | None = None) -> Life | None:
    """Return what is past its time in a folder (the shipped one when None); None where it cannot be read."""
    catalog = read_folder(data_dir() if folder is None else Path(folder), today)[0]
    if catalog is None:
        return None
    ends = [problem for name in ("apis", "own_apis") for problem in _ends(catalog, BY_NAME[name])]
    hosted = {price.model_id for price in catalog.apis.values() if price.is_offered(catalog.today)}
    models = [m.model_id for m in catalog.models.values() if m.status != "measured only"]
    counts = {BY_NAME[name].file: _ages(catalog, name) for name in PRICES}
    return Life(
        tuple(problem for left, problem in ends if left <= 0),
        tuple(problem for left, problem in ends if left > 0),
        {file: count for file, count in counts.items() if count[1]},
        tuple(model_id for model_id in models if model_id not in hosted),
        len(models),
        {BY_NAME[name].file: _unpriced(catalog, name) for name in OF_CARDS},
    )


def _ends(catalog: Catalog, table: Table) -> Iterator[tuple[int, Problem]]:
    """Yield the days left of each active price that has ended or soon will, and the warning of it."""
    prices = catalog.apis if table.name == "apis" else catalog.own_apis
    rows: Sequence[RawRow] = catalog.folder.read(table).rows
    for row in rows:
        price = prices.get(row.cells["api_id"])
        if price is None or price.status != "active" or price.ends_on is None:
            continue
        left = (price.ends_on - catalog.today).days
        if left <= ENDS_SOON_DAYS:
            rule, fix = f"ends in {left} days", "plan the move to its successor"
            if left <= 0:
                rule, fix = "has ended but is active", "run refresh-prices, or mark it historical"
            yield left, Problem(table.file, row.line, "ends_on", row.cells["ends_on"], rule, fix, "warning")


def _ages(catalog: Catalog, name: str) -> tuple[int, int]:
    """Return how many active rows of a table are old, and how many are active."""
    held = getattr(catalog, name)
    rows = held.values() if isinstance(held, dict) else held
    ages = [(catalog.today - row.as_of).days for row in rows if getattr(row, "status", "active") == "active"]
    return sum(age > OLD_DAYS for age in ages), len(ages)


def _unpriced(catalog: Catalog, name: str) -> tuple[str, ...]:
    """Return the cards that can be chosen and have no active row in a table."""
    priced = {row.gpu_id for row in getattr(catalog, name) if getattr(row, "status", "active") == "active"}
    return tuple(
        gpu.gpu_id for gpu in catalog.gpus.values() if gpu.status == "option" and gpu.gpu_id not in priced
    )
