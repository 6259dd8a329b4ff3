"""Time the dashboard as a visitor meets it, in headless Chromium: `python -m benchmarks.ui [NOTEBOOK]`.

Prints a table: what was measured, this project's goal, and a stock Voila page of two FigureWidgets. How long a slider
takes is measured on both in the same run, since absolute times differ by a factor of two between machines: the ratio
is what counts. Run it on an otherwise idle machine; a busy one doubles every figure.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import nbformat
import psutil
from playwright.async_api import Browser, Page, async_playwright

from llmplan.catalog import notebooks_dir
from tools.browser import browser_path, free_port

TURNS, TURN_KEYS = 6, 8
SETTLING_S = 40
"""Until a page has done what it does once its reader rests."""
FIRST_LOADS = 7
VIEWERS = 10
SLIDER = ".lp-range[data-key=queries_per_day]"
STOCK_SLIDER = ".noUi-handle"
STOCK_PAGE = """
import ipywidgets, numpy as np, plotly.graph_objects as go
x = np.logspace(2, 7, 200)
lines = range(1, 7)
figures = [go.FigureWidget([go.Scatter(x=x, y=n * x) for n in lines]) for _ in range(2)]
slider = ipywidgets.FloatLogSlider(value=1e4, min=2, max=7, step=0.01)
def move(change):
    for figure in figures:
        with figure.batch_update():
            for n, line in zip(lines, figure.data):
                line.y = n * x + change.new
slider.observe(move, "value")
ipywidgets.VBox([slider, *figures])
"""
# Runs in the page before its own scripts: notes when a chart was first on the screen, and, after a key,
# when the last of all parts that changed was. "On the screen" is the first task after the frame.
PROBE = """
window.bench = { first: null, key: 0, last: 0, parts: 0 };
const onScreen = (then) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => then(performance.now());
  channel.port2.postMessage(0);
});
new MutationObserver((records) => {
  const charts = records.some((r) => r.target.matches('.lp-plot, .js-line'));
  window.bench.parts += records.length;
  onScreen((now) => {
    if (charts && window.bench.first === null) window.bench.first = now;
    window.bench.last = Math.max(window.bench.last, now);
  });
}).observe(document, { subtree: true, attributes: true, attributeFilter: [WATCHED] });
addEventListener('keydown', (event) => {
  Object.assign(window.bench, { key: event.timeStamp, parts: 0, last: 0 });
}, true);
"""


def wait_until_listening(port: int) -> None:
    """Wait until somebody takes connections on a port."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)


@contextmanager
def serving_stock() -> Iterator[str]:
    """Serve the stock page with plain Voila; yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(STOCK_PAGE)]), path)
        port = free_port()
        command = [sys.executable, "-m", "voila", str(path), "--no-browser", f"--port={port}"]
        quiet = subprocess.DEVNULL
        # In a folder of its own: beside this project's voila.json it would wear our template and not be stock.
        process = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet)
        try:
            wait_until_listening(port)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def serving(notebook: Path, pool_size: int) -> Iterator[tuple[str, psutil.Process]]:
    """Serve the notebook; yield the address and the server's process."""
    port = free_port()
    command = [sys.executable, "-c", "from llmplan.cli import main; main()", "dashboard", "--no-browser"]
    command += ["--port", str(port), "--notebook", str(notebook)]
    environment = {**os.environ, "LLMPLAN_POOL_SIZE": str(pool_size)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}/", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


async def open_page(browser: Browser, url: str, watched: str = "data-paints") -> Page:
    """Open a page in a fresh context (empty cache) and wait until its first chart is painted.

    watched: the attribute whose changes are paints.
    """
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(120_000)
    page = await context.new_page()
    await page.add_init_script(PROBE.replace("WATCHED", repr(watched)))
    await page.goto(url)
    await page.wait_for_function("() => window.bench.first !== null")
    return page


async def first_paints(browser: Browser, url: str, pause_seconds: float) -> list[float]:
    """Return the times from navigation to the first painted chart [ms]."""
    times: list[float] = []
    for _ in range(FIRST_LOADS):
        await asyncio.sleep(pause_seconds)
        page = await open_page(browser, url)
        times.append(float(await page.evaluate("() => window.bench.first")))
        await page.context.close()
    return times


async def keys_to_paint(
    browser: Browser, pages: Sequence[tuple[str, str, str]]
) -> list[tuple[list[float], int]]:
    """Return for each page the times from a slider's key to the last changed part on the screen [ms], and the parts.

    pages: address, slider and the attribute whose changes are paints. They take turns, a few keys each, since a machine's
    pace drifts. Each turn ends where it began, so that no page has work of its own while the others are measured.
    """
    opened = [(await open_page(browser, url, watched), slider) for url, slider, watched in pages]
    for page, slider in opened:  # what a page does once, it does now
        await _turn(page, slider)
    await asyncio.sleep(SETTLING_S)
    found: list[tuple[list[float], int]] = [([], 0) for _ in opened]
    for _ in range(TURNS):
        for i, (page, slider) in enumerate(opened):
            times, parts = await _turn(page, slider)
            found[i] = (found[i][0] + times, max(found[i][1], parts))
    for page, _ in opened:
        await page.context.close()
    return found


async def _turn(page: Page, slider: str) -> tuple[list[float], int]:
    """Press a slider's keys, as many to the right as to the left; return times and parts as `keys_to_paint`."""
    await page.focus(slider)
    times: list[float] = []
    parts = 0
    for press in range(TURN_KEYS):
        await page.keyboard.press("ArrowRight" if press < TURN_KEYS / 2 else "ArrowLeft")
        await asyncio.sleep(0.6)
        state: dict[str, float] = await page.evaluate("() => window.bench")
        if state["last"]:
            times.append(state["last"] - state["key"])
            parts = max(parts, int(state["parts"]))
    return times, parts


class Relay:
    """A TCP relay in front of the server: counts every byte on the wire, headers and websocket included."""

    def __init__(self, url: str) -> None:
        self.target = int(url.rstrip("/").rsplit(":", 1)[1])
        self.bytes = 0
        self.jobs: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen; return the address to open in place of the server's."""
        self.server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a browser's connection to one of the server's."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        for job in (self.pipe(reader, far_writer), self.pipe(far_reader, writer)):
            task = asyncio.create_task(job)
            self.jobs.add(task)
            task.add_done_callback(self.jobs.discard)

    async def pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass bytes on and count them."""
        with suppress(ConnectionError):
            while data := await source.read(65536):
                self.bytes += len(data)
                sink.write(data)
                await sink.drain()
        sink.close()


@dataclass(frozen=True)
class Load:
    """What one load of the page moved and asked for."""

    megabytes: float
    requests: int
    foreign: int


async def loads(browser: Browser, url: str) -> tuple[Load, Load]:
    """Return what a first load and a second one (same browser profile) move, until two seconds after."""
    relay = Relay(url)
    address = await relay.start()
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    seen: list[Load] = []
    for _ in range(2):
        page = await context.new_page()
        await page.add_init_script(PROBE.replace("WATCHED", "'data-paints'"))
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        before = relay.bytes
        await page.goto(address)
        await page.wait_for_function("() => window.bench.first !== null", timeout=60_000)
        await asyncio.sleep(2)
        foreign = [u for u in asked if not u.startswith((address, "data:", "blob:"))]
        seen.append(Load((relay.bytes - before) / 1e6, len(asked), len(foreign)))
        await page.close()
    await context.close()
    relay.server.close()
    return seen[0], seen[1]


async def viewers(browser: Browser, url: str, server: psutil.Process) -> tuple[float, list[float], float]:
    """Return the seconds until the last of many has its chart, and memory a kernel and of the server [MB]."""
    started = time.perf_counter()
    pages = await asyncio.gather(*(open_page(browser, url) for _ in range(VIEWERS)))
    last = time.perf_counter() - started
    await asyncio.sleep(3)
    memory = kernel_memory_mb(server)
    own = server.memory_full_info().uss / 1e6
    for page in pages:
        await page.context.close()
    return last, memory, own


def kernel_memory_mb(server: psutil.Process) -> list[float]:
    """Return the unshared memory of each kernel [MB]; the process they are forked from counts as server."""
    everyone = server.children(recursive=True)
    parents = {child.ppid() for child in everyone} - {server.pid}
    return [child.memory_full_info().uss / 1e6 for child in everyone if child.pid not in parents]


async def measure(notebook: Path) -> list[tuple[str, str, str, str]]:
    """Return the table's rows."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        with serving(notebook, pool_size=2) as (url, server):
            await asyncio.sleep(5)
            warm = await first_paints(browser, url, 2.5)
            with serving_stock() as other:
                found = await keys_to_paint(
                    browser, [(url, SLIDER, "data-paints"), (other, STOCK_SLIDER, "d")]
                )
            (keys, parts), (stock, _) = found
            await asyncio.sleep(2)
            first, later = await loads(browser, url)
            await asyncio.sleep(3)
            last, memory, own = await viewers(browser, url, server)
        with serving(notebook, pool_size=0) as (url, _):
            await asyncio.sleep(2)
            cold = await first_paints(browser, url, 1.0)
        await browser.close()
    ends, stock_ends = ((median(times), percentile(times, 0.95)) for times in (keys, stock))
    p50, p95 = (mine / theirs for mine, theirs in zip(ends, stock_ends, strict=True))
    theirs = f"{stock_ends[0]:.0f} / {stock_ends[1]:.0f} ms"
    key = f"{median(keys):.0f} / {percentile(keys, 0.95):.0f} ms ({parts} parts)"
    return [
        ("slider key to repainted page, p50 / p95", key, "40 / 60 ms", theirs),
        ("the same over the stock page's", f"{p50:.2f} / {p95:.2f}", "0.60 / 0.60", "1"),
        ("first chart painted, preheated kernel", f"{median(warm) / 1e3:.2f} s", "1.5 s", "3.3 s"),
        ("first chart painted, cold kernel", f"{median(cold) / 1e3:.2f} s", "3.5 s", "8.3 s"),
        ("first load, HTTP + websocket", f"{first.megabytes:.2f} MB", "2.5 MB", "20.2 MB"),
        ("later load", f"{later.megabytes:.2f} MB", "0.3 MB", "-"),
        ("requests of a first load", f"{first.requests}", "-", "102"),
        ("requests to other hosts", f"{first.foreign + later.foreign}", "0", "2"),
        ("memory per open dashboard, USS", f"{median(memory):.0f} MB", "90 MB", "149 MB"),
        ("server itself, USS", f"{own:.0f} MB", "-", "147 MB"),
        (f"{VIEWERS} viewers at once, until the last chart", f"{last:.1f} s", "8 s", "32 s"),
    ]


def main() -> None:
    """Measure and print."""
    notebook = Path(sys.argv[1]) if len(sys.argv) > 1 else notebooks_dir() / "dashboard.ipynb"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    rows = asyncio.run(measure(notebook))
    print(f"{notebook.name}, {os.cpu_count()} cores, load before the run {load:.1f}\n")
    print("| what | measured | goal | stock |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
