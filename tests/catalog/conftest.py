"""The tables are judged as of their newest date, so that these tests do not age with them."""

from functools import lru_cache

import pytest

from llmplan.catalog import loading, newest_shipped_date

AS_OF_ITS_DATE = lru_cache(maxsize=1)(loading._load_shipped.__wrapped__)
"""Holds the shipped catalog as of that date beside the one of all other tests, and what was worked out from either."""


@pytest.fixture(autouse=True)
def day_of_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_today", newest_shipped_date)
    monkeypatch.setattr(loading, "_load_shipped", AS_OF_ITS_DATE)
