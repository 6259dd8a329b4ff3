"""A running dashboard and a real browser. Where there is no browser these tests fail: they never skip."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from llmplan.catalog import notebooks_dir
from tools.browser import serving

os.environ.setdefault("LLMPLAN_PREPARED_PAGES", "0")  # pages that no test opens
expect.set_options(timeout=60_000)  # what a machine with other work to do may take
Found = TypeVar("Found")
HERE = Path(__file__).parent
DEMO_CODE = f"import sys; sys.path.insert(0, {str(HERE)!r})\nfrom demo_page import DemoPage\nDemoPage().root"


def apart(function: Callable[[], Found]) -> Found:
    """Run what starts an event loop in a thread of its own: a browser's may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def demo_notebook(folder: Path, code: str = DEMO_CODE) -> Path:
    """Write a notebook that shows the demo page, or what other code returns."""
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    cells = [nbformat.v4.new_code_cell(code)]
    path = folder / "demo.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that shows the demo page."""
    with serving(demo_notebook(tmp_path_factory.mktemp("demo"))) as (url, _):
        yield url


@pytest.fixture(scope="session")
def dashboard_url() -> Iterator[str]:
    """Return the address of a server that shows the executive dashboard."""
    with serving(notebooks_dir() / "dashboard.ipynb") as (url, _):
        yield url


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Browser:
    """Return the headless Chromium that all tests of a process share."""
    return chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a fresh page; a script error or a message on the console's error level fails the test.

    A test that expects such errors clears `page.problems`.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(120_000)
    fresh = context.new_page()
    fresh.problems = []
    fresh.on("pageerror", lambda error: fresh.problems.append(f"script: {error}"))
    fresh.on("console", lambda m: fresh.problems.append(f"console: {m.text}") if m.type == "error" else None)
    yield fresh
    problems = list(fresh.problems)
    context.close()
    assert not problems, problems


def choose(page: Page, name: str, place: int = 0) -> Locator:
    """Open the menu that holds a line, the first or a later one, and choose it; return the line."""
    line = page.locator(".lp-menu-list button").get_by_text(name, exact=True).nth(place)
    line.evaluate("line => { line.closest('details').open = true; }")
    line.click()
    return line


def ready(page: Page) -> None:
    """Wait until a page's charts are drawn."""
    page.wait_for_selector(".lp-plot .main-svg", timeout=120_000)
    page.wait_for_function("() => !document.documentElement.classList.contains('lp-waiting')")
