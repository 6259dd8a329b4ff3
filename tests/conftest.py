"""Shared by all tests."""

import datetime as dt
import gc
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from llmplan.catalog import Catalog, load_catalog
from llmplan.report import Report, make_report
from llmplan.scenario import Scenario

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")  # how long an example takes is the machine's, busy or not

importlib.import_module("llmplan.app.server")  # before anything loads jsonschema and its slow grammar

ROOT = Path(__file__).parents[1]
SCENARIO = Scenario(
    name="export test",
    queries_per_day=200_000,
    input_tokens=1_000,
    output_tokens=300,
    cached_input_share=0.25,
    batch_share=0.1,
    model_ids=("llama-3.1-8b", "llama-3.1-70b"),
    gpu_ids=("l4", "a100-80gb-sxm", "h100-sxm"),
    engine_ids=("vllm",),
    precision_ids=("bf16", "fp8", "w4a16"),
)
MADE_ON = dt.date(2026, 11, 24)
COLLECT_AFTER = (50_000, 20, 20)
"""New objects until they are collected, and such collections until older ones are."""


LONG = ("tests/test_notebooks.py", "tests/risk/test_draws.py")
"""Files of which one test takes a minute or more: at the end of a run a process would wait for it."""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def report() -> Report:
    return make_report(SCENARIO, made_on=MADE_ON)


@pytest.fixture
def no_flips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the search for tipping points, seconds for each scenario, out of reports that are asked for other things."""
    monkeypatch.setattr("llmplan.report.report.tipping_points", lambda *_: ())


@cache
def is_served(file: str) -> bool:
    """Return whether a file of tests, by its path from the root, marks one that needs a browser or a server."""
    return bool(re.search(r"mark\.(browser|server)\b", (ROOT / file).read_text(encoding="utf-8")))


def file_of(item: pytest.Item) -> str:
    """Return the path of a test's file from the root."""
    return item.nodeid.partition("::")[0]


class WholeFiles(LoadFileScheduling):
    """Gives a process whole files, whose fixtures are then made once, and one process all that need a server.

    Two of these at a time make each other late.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "served" if is_served(file) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> WholeFiles:
    """Distribute files in the order of `pytest_collection_modifyitems`."""
    config.option.loadscopereorder = False
    return WholeFiles(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes longest: the files that need a server, whose tests wait while others calculate; then `LONG`.

    One of them that fails is tried again: it hangs on other processes' pace. The summary lists it.
    """
    first = {file: (not is_served(file), file not in LONG) for file in {file_of(item) for item in items}}
    items.sort(key=lambda item: first[file_of(item)])
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("server"):
            item.add_marker(pytest.mark.flaky(reruns=2))


def pytest_collection_finish() -> None:
    """Leave what imports made out of every later collection, and have these come more rarely: they took a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


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
