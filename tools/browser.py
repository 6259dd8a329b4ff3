"""A running dashboard and a real browser, for tests, timings and pictures."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from playwright.sync_api import Page

from llmplan.app.server.settings import add_template_path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HEALTH = "/healthz"


def free_port() -> int:
    """Return a port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def browser_path() -> str | None:
    """Return an installed Chromium, or None for the one Playwright downloaded."""
    named = os.environ.get("LLMPLAN_BROWSER")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def server_command(notebook: Path, port: int, *options: str, first: str = "") -> list[str]:
    """Return the command that serves a notebook; `first`: Python to run before, such as other limits."""
    command = [sys.executable, "-c", f"{first}\nfrom llmplan.cli import main; main()", "dashboard"]
    return [*command, "--no-browser", "--port", str(port), "--notebook", str(notebook), *options]


@contextmanager
def serving(
    notebook: Path, *options: str, port: int | None = None, first: str = "", log: IO[str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve a notebook with `llmplan dashboard`; yield the address and the process."""
    port = port or free_port()
    with running(server_command(notebook, port, *options, first=first), log) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert str(port) in line, f"the server said: {line!r}"
        wait_until_answering(f"http://127.0.0.1:{port}{HEALTH}", process)
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def serving_plainly(notebook: Path) -> Iterator[str]:
    """Serve a notebook with Voila alone, as `voila.json` of the checkout says; yield the address."""
    port = free_port()
    command = [sys.executable, "-m", "voila", str(notebook), "--no-browser", "--port", str(port)]
    add_template_path()  # of this checkout, whatever is installed
    with running(command, subprocess.DEVNULL) as process:
        wait_until_answering(f"http://127.0.0.1:{port}/voila/static/style.css", process)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(command: list[str], log: IO[str] | int | None) -> Iterator[subprocess.Popen[str]]:
    """Run a server until it is no longer needed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_until_answering(address: str, process: subprocess.Popen[str], limit_seconds: float = 180) -> None:
    """Wait until the server answers; fail if it ends or takes too long."""
    limit = time.monotonic() + limit_seconds
    while True:
        assert process.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert time.monotonic() < limit, "the server does not answer"
            time.sleep(0.2)


def ready(page: Page) -> None:
    """Wait until a page's charts are drawn."""
    page.wait_for_selector(".lp-plot .main-svg", timeout=30_000)
    page.wait_for_function("() => !document.documentElement.classList.contains('lp-waiting')")
