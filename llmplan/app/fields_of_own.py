"""Boxes for what is the reader's own: prices of the GPUs and tokens that the shown options rest on, and GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from llmplan.app.fields import Number
from llmplan.catalog import Catalog
from llmplan.options.comparison_rows import comparison_row
from llmplan.report import Report
from llmplan.scenario import FIELDS, Scenario
from llmplan.scenario.about import Group

GPU_PRICES = "gpu_usd_per_hour"
WAYS = {GPU_PRICES: "", "api_input_usd_per_mtok": ", input", "api_output_usd_per_mtok": ", output"}
"""Fields of own prices, and what their boxes' names end with."""
OWNED = "owned_gpus"
HIGHEST_USD = 10_000.0
MOST_OWNED = 10_000
LIST_PRICE = "list price"


def price_fields(report: Report) -> list[Number]:
    """Return boxes for the prices behind the cheapest option of each kind and today's, and for those given."""
    own = dict.fromkeys(own_values(report.scenario, WAYS), LIST_PRICE)
    listed = {key: f"{usd:.4g}" for key, usd in _listed(report)}
    return [_box(key, empty, report) for key, empty in (listed | own).items()]


def _listed(report: Report) -> Iterator[tuple[str, float]]:
    for place in dict.fromkeys([*report.best_places, report.today_place]):
        if place is None:
            continue
        item, catalog = report.option(place), report.catalog
        if item.api_id is not None:
            for way in list(WAYS)[1:]:
                yield f"{way}.{item.api_id}", getattr(catalog.api(item.api_id), way.removeprefix("api_"))
        usd = comparison_row(report.comparison, place)["usd_per_gpu_hour"]
        if item.gpu_id is not None and isinstance(usd, float):
            yield f"{GPU_PRICES}.{item.gpu_id}", usd


def _box(key: str, empty: str, report: Report) -> Number:
    field, _, name = key.partition(".")
    about, gpu = FIELDS[field].about, report.catalog.gpus.get(name)
    label = f"{gpu.name if gpu else name}{WAYS[field]}"
    return Number(
        key, label, 0, HIGHEST_USD, about.unit, Group.PRICES, empty=empty, decimals=4, hint=about.help
    )


def owned_fields(catalog: Catalog) -> list[Number]:
    """Return a box for each GPU: how many of it there are already."""
    field = FIELDS[OWNED]
    about = field.about
    one = Number(
        OWNED, "", 0, MOST_OWNED, about.unit, field.group, step=1, empty=about.empty, hint=about.help
    )
    gpus = [gpu for gpu in catalog.gpus.values() if gpu.status == "option"]
    return [replace(one, key=f"{OWNED}.{gpu.gpu_id}", label=gpu.name) for gpu in gpus]


def own_values(scenario: Scenario, fields: Iterable[str] = (*WAYS, OWNED)) -> dict[str, float]:
    """Return what the scenario gives of the reader's own, by the keys of the boxes."""
    return {f"{field}.{name}": value for field in fields for name, value in getattr(scenario, field)}


def with_own(values: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    """Return changed values with the boxes of the reader's own put together to the scenario's fields."""
    found = {key: value for key, value in values.items() if key.partition(".")[0] not in (*WAYS, OWNED)}
    for key in values.keys() - found.keys():
        field, _, name = key.partition(".")
        given = found.get(field, dict(getattr(scenario, field)))
        found[field] = {k: v for k, v in {**given, name: values[key]}.items() if v is not None}
    return found
