"""Names in a scenario, checked against the catalog that they are names of."""

from __future__ import annotations

from collections.abc import Collection

from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.errors import UnknownNameError
from llmplan.quality.tables import task_ids, text_kinds
from llmplan.scenario.fleet_fields import BILLING_MODES, COMMITMENTS
from llmplan.scenario.scenario import FIELDS, Scenario

REGION = "region"
"""What a scenario names by its beginning."""


def catalog_names(catalog: Catalog, what: str) -> Collection[str]:
    """Return the catalog's names of something: api, gpu, task, GPU provider, ..."""
    return _names(catalog)[what]


@kept(1)
def _names(catalog: Catalog) -> dict[str, Collection[str]]:
    return {
        "api": catalog.apis,
        "model": catalog.models,
        "scored model": {*catalog.models, *catalog.other_models},
        "precision": catalog.precisions,
        "gpu": catalog.gpus,
        "engine": catalog.engines,
        "task": task_ids(catalog),
        "text kind": text_kinds(catalog),
        "profile": {row.profile_id for row in catalog.profile_hours},
        "billing mode": BILLING_MODES,
        "commitment": COMMITMENTS,
        "API provider": {row.provider for row in catalog.apis.values()},
        "GPU provider": {row.provider for row in catalog.gpu_prices},
        REGION: {name for row in catalog.gpu_prices for name in (row.area or "", row.region)} - {""}
        | {area for row in catalog.apis.values() for area in (row.in_region_areas or "").split()},
    }


def check_ids(scenario: Scenario, catalog: Catalog) -> None:
    """Raise UnknownNameError for the first id in the scenario that the catalog does not hold."""
    for name, field in FIELDS.items():
        value = getattr(scenario, name)
        if not field.about.names or not value:
            continue
        known = catalog_names(catalog, field.about.names)
        for entry in (value,) if isinstance(value, str) else value:
            given = entry if isinstance(entry, str) else entry[0]
            if not _is_known(given, known, field.about.names):
                raise UnknownNameError(name, given, sorted(known))


def _is_known(given: str, known: Collection[str], what: str) -> bool:
    if what == REGION:
        return any(name.lower().startswith(given.lower()) for name in known)
    return given in known
