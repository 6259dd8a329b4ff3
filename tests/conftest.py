"""Shared by all tests."""

import datetime as dt
import gc
import importlib
from collections.abc import Iterator
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


def file_of(item: pytest.Item) -> str:
    """Return the path of a test's file from the root."""
    return item.nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Give each process whole files, whose fixtures are then made once, in the order of `pytest_collection_modifyitems`."""
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with `LONG`; try a failing test of a browser or a server again: it hangs on other processes' pace.

    The summary lists it.
    """
    items.sort(key=lambda item: file_of(item) not in LONG)
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
