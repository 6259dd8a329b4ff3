"""A bill's named parts add up to what the table says, for every kind of option and unit of a cost line."""

import dataclasses

import numpy as np
import pytest

from llmplan.catalog import Catalog
from llmplan.options import evaluate
from llmplan.options.bill import bill_of
from llmplan.scenario import load_scenario

UNITS = {
    "USD/query": 2e-5,
    "USD/1M tokens": 0.02,
    "USD/GPU-hour": 0.07,
    "USD/replica-month": 3.0,
    "USD once": 360.0,
}


def with_lines(catalog: Catalog) -> Catalog:
    """Return a catalog that has a cost line of each unit."""
    row = catalog.assumption("monitoring-usd-per-month")
    for unit, usd in UNITS.items():
        more = {
            "assumption_id": unit,
            "name": f"by {unit}",
            "unit": unit,
            "low": usd,
            "base": usd,
            "high": usd,
        }
        catalog = catalog.with_record(row.model_copy(update=more))
    return catalog


@pytest.mark.parametrize("preset", ["support-chat", "batch-classification"])
def test_parts_add_up_for_every_kind(catalog: Catalog, preset: str) -> None:
    lines = with_lines(catalog)
    scenario = load_scenario(preset, catalog).but(queries_per_day=2_000_000, cached_input_share=0.3)
    found = evaluate(scenario, lines)
    places = {str(found.options.items.kind[place]): place for place in reversed(found.order)}
    assert len(places) >= 3
    for place in (*places.values(), *found.order[::97]):
        parts = bill_of(found, place, lines)
        assert sum(part.usd for part in parts) == pytest.approx(found.monthly_usd[1, place], rel=1e-12)
        names = [part.name for part in parts]
        assert len(set(names)) == len(names)
        for unit in ("by USD/GPU-hour", "by USD/replica-month", "by USD once, spread over 36 months"):
            assert (unit in names) == (found.gpus_total[place] > 0)
        assert {"by USD/query", "by USD/1M tokens"} <= set(names)
    api = [part.name for part in bill_of(found, places["api"], lines)]
    assert api[:2] == ["Input tokens", "Output tokens"]


def test_an_option_that_cannot_serve_has_no_bill(catalog: Catalog) -> None:
    found = evaluate(load_scenario("support-chat", catalog), catalog)
    without = dataclasses.replace(found)
    vars(without)["base_usd"] = np.where(np.arange(len(found.options)) == 3, np.inf, found.base_usd)
    assert bill_of(found, 3, catalog) and bill_of(without, 3, catalog) == ()
