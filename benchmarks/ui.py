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
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import nbformat
import psutil
from playwright.async_api import Browser, Page, async_playwright

from llmplan.catalog import notebooks_dir
from tools.browser import browser_path, free_port

TURNS, TURN_KEYS = 6, 8
BETWEEN_KEYS_S = 0.6
IDLE_SHARE = 0.05
"""Of a processor: a page's processes that take less have done what they do once its reader rests."""
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
# Runs in the page before its own scripts: notes when a chart was first on the screen, and, after a key, when the last
# part that changed was: of those that a reader sees (last), of all (beside), each at the first task after its frame.
PROBE = """
window.bench = { first: null, key: 0, last: 0, beside: 0, parts: 0 };
let seen = new Set();
window.bench.look = () => { seen = new Set([...document.querySelectorAll('[WATCHED]')].filter((part) => {
  const { top, bottom, height } = part.getBoundingClientRect();
  return height && bottom > 0 && top < innerHeight;
})); };
const onScreen = (then) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => then(performance.now());
  channel.port2.postMessage(0);
});
new MutationObserver((records) => {
  const charts = records.some((r) => r.target.matches('.lp-plot, .js-line'));
  const mine = records.filter((r) => seen.has(r.target)).length;
  window.bench.parts += mine;
  onScreen((now) => {
    if (charts && window.bench.first === null) window.bench.first = now;
    if (mine) window.bench.last = Math.max(window.bench.last, now);
    window.bench.beside = Math.max(window.bench.beside, now);
  });
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["WATCHED"] });
addEventListener('keydown', (event) => {
  Object.assign(window.bench, { key: event.timeStamp, parts: 0, last: 0, beside: 0 });
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
    await page.add_init_script(PROBE.replace("WATCHED", watched))
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


@dataclass
class Keys:
    """Times from a slider's key to the last changed part that a reader sees, and to the last of all [ms]; the parts seen."""

    seen_ms: list[float] = field(default_factory=list)
    beside_ms: list[float] = field(default_factory=list)
    parts: int = 0


async def keys_to_paint(
    browser: Browser, server: psutil.Process, pages: Sequence[tuple[str, str, str]]
) -> list[Keys]:
    """Measure each page's slider.

    server: of the pages that work on while their reader rests. pages: address, slider and the attribute whose changes
    are paints. They take turns, a few keys each, since a machine's pace drifts. Each key leads to a value that was not
    shown before, and no page has work of its own while another is measured.
    """
    opened = [(await open_page(browser, url, watched), slider) for url, slider, watched in pages]
    for page, slider in opened:  # what a page does once, it does now
        await _turn(page, slider, Keys())
    found = [Keys() for _ in opened]
    for _ in range(TURNS):
        for (page, slider), keys in zip(opened, found, strict=True):
            await _idle(server)
            await _turn(page, slider, keys)
    for page, _ in opened:
        await page.context.close()
    return found


async def _idle(server: psutil.Process) -> None:
    """Wait until a server and its sessions do next to nothing."""
    before = float("-inf")
    while (now := _processor_s(server)) - before > 2 * IDLE_SHARE:
        before = now
        await asyncio.sleep(2)


def _processor_s(server: psutil.Process) -> float:
    everyone = [server, *server.children(recursive=True)]
    return sum(each.cpu_times().user + each.cpu_times().system for each in everyone)


async def _turn(page: Page, slider: str, keys: Keys) -> None:
    """Press the right key a few times."""
    await page.focus(slider)
    await asyncio.sleep(BETWEEN_KEYS_S)
    for _ in range(TURN_KEYS):
        await page.evaluate("() => window.bench.look()")
        await page.keyboard.press("ArrowRight")
        await asyncio.sleep(BETWEEN_KEYS_S)
        state: dict[str, float] = await page.evaluate("() => window.bench")
        if state["last"]:
            keys.seen_ms.append(state["last"] - state["key"])
            keys.beside_ms.append(state["beside"] - state["key"])
            keys.parts = max(keys.parts, int(state["parts"]))


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
        await page.add_init_script(PROBE.replace("WATCHED", "data-paints"))
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
                pages = [(url, SLIDER, "data-paints"), (other, STOCK_SLIDER, "d")]
                keys, stock = await keys_to_paint(browser, server, pages)
            await asyncio.sleep(2)
            first, later = await loads(browser, url)
            await asyncio.sleep(3)
            last, memory, own = await viewers(browser, url, server)
        with serving(notebook, pool_size=0) as (url, _):
            await asyncio.sleep(2)
            cold = await first_paints(browser, url, 1.0)
        await browser.close()
    seen, stock_seen, beside, stock_beside = map(
        _ends, (keys.seen_ms, stock.seen_ms, keys.beside_ms, stock.beside_ms)
    )
    over = f"{seen[0] / stock_seen[0]:.2f} / {seen[1] / stock_seen[1]:.2f}"
    return [
        (
            "slider key to repainted screen, p50 / p95",
            f"{_told(seen)} ({keys.parts} parts)",
            "40 / 60 ms",
            _told(stock_seen),
        ),
        ("the same over the stock page's", over, "0.60 / 0.60", "1"),
        ("slider key to the last part beside the screen", _told(beside), "-", _told(stock_beside)),
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


def _ends(times: list[float]) -> tuple[float, float]:
    return median(times), percentile(times, 0.95)


def _told(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.0f} / {ends[1]:.0f} ms"


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
