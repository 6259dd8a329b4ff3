"""Shared by all tests."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep browser tests on one process: two Chromiums on two cores only make each other late."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """Start a headless Chromium, one for all tests of a process; without one the test fails."""
    from playwright.sync_api import sync_playwright

    from tools.browser import browser_path

    # Without its sandbox, since tests also run as root in a container; they open their own pages only.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        yield browser
        browser.close()
