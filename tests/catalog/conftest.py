"""The tables are judged as of their newest date, so that these tests do not age with them."""

import pytest

from llmplan.catalog import loading, newest_shipped_date


@pytest.fixture(autouse=True)
def day_of_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_today", newest_shipped_date)
    loading.clear_cache()
