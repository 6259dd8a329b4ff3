"""Shared catalog of the sizing tests."""

import pytest

from llmplan.catalog import Catalog, load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()
