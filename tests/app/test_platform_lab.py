"""The same widgets in JupyterLab: drawn, moved by keyboard, fed by the kernel."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from conftest import demo_notebook
from playwright.sync_api import Page, TimeoutError, expect

from tools.browser import free_port, wait_until_answering

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of JupyterLab on the demo notebook, with settings of its own."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = demo_notebook(folder)
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.token=test", f"--ServerApp.root_dir={folder}", "--ServerApp.port_retries=0"]
    settings = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTERLAB_SETTINGS_DIR": str(folder / "user")}
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until_answering(f"http://127.0.0.1:{port}/api", process)
        yield f"http://127.0.0.1:{port}/lab/tree/{notebook.name}?token=test"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def run_first_cell(page: Page) -> None:
    """Run the first cell. Lab drops a key that comes before it listens: press until the cell has been sent."""
    cell = page.locator(".jp-Notebook .jp-Cell").first
    cell.wait_for(timeout=180_000)
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_attached(timeout=180_000)
    sent = cell.locator(".jp-InputPrompt").filter(has_not_text="[ ]:")
    for _ in range(30):
        cell.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        with suppress(TimeoutError):
            return sent.wait_for(timeout=6_000)
    raise AssertionError(f"the cell does not run: {page.locator('body').inner_text()}")


def test_the_widgets_work_in_jupyterlab(page: Page, lab_url: str) -> None:
    page.goto(lab_url)
    run_first_cell(page)
    try:
        page.wait_for_selector(".lp-plot .main-svg", timeout=180_000)
    except TimeoutError as error:
        raise AssertionError(
            f"no chart: {page.locator('.jp-Notebook').inner_text()} {page.problems}"
        ) from error
    page.get_by_role("slider", name="Queries a day, slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lp-answer")).not_to_contain_text("50,000")
    page.problems.clear()  # JupyterLab's own messages are not ours to judge
