"""Many readers at once on this machine: `python -m benchmarks.load [READERS] [SECONDS] [DRAGGING]`, default 500 in 60 s.

Clients speak the page's own protocols over loopback: each opens the page with an empty cache (the page, its
files, its snapshot) on a connection of its own; of 500, 40 also drag the volume: ten moves a tenth of a second apart,
then they read for some 20 s, while the page asks for what it shows at rest (the whole page, how sure, what would flip
it), and again until the run ends. "First chart" is when all that the first chart is drawn from has come;
"slider" from a move to its answer. The clients share the machine's cores with the server. One viewer is
measured first, then all of them reading only. At last 2,000 open the page and leave, and 100 start a session and
leave: what the server holds before and after.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from urllib.parse import urlsplit

import psutil
from websockets.asyncio.client import ClientConnection, connect

from llmplan.app.server.snapshots import MOST_ARRAYS, MOST_BYTES
from llmplan.app.server.wire import PROTOCOL, decode, join
from llmplan.catalog import notebooks_dir
from tools.browser import serving

READERS, SECONDS, DRAGGING = 500, 60.0, 40
MOVES, BETWEEN_MOVES_S, BEFORE_REST_S, READS_S = 10, 0.1, 0.4, 20.0
REST_S = 6.0
LONGEST_S = 30.0
OPENINGS, SESSIONS, AT_ONCE = 2_000, 100, 10


@dataclass
class Seen:
    """What the clients of a run saw, and the most memory that the server and its processes held."""

    first_chart_ms: list[float] = field(default_factory=list)
    slider_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    most_mb: float = 0.0
    session_mb: list[float] = field(default_factory=list)
    cpu_s: float = 0.0


class Client:
    """One reader's connection: requests one after another, kept alive, compressed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.host = urlsplit(url).netloc

    async def __aenter__(self) -> Client:
        parts = urlsplit(self.url)
        self.reader, self.writer = await asyncio.open_connection(parts.hostname, parts.port)
        return self

    async def __aexit__(self, *_problem: object) -> None:
        self.writer.close()

    async def ask(self, path: str, method: str = "GET") -> bytes:
        """Return an answer's body."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"
        self.writer.write(head.encode())
        status = await self.reader.readline()
        headers = {}
        while (line := (await self.reader.readline()).strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        if status.split()[1:2] not in ([b"200"], [b"204"]):
            raise ConnectionError(f"{status.decode().strip()} for {path.split('?')[0]}")
        return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


async def open_page(client: Client) -> float:
    """Open the page as a browser with an empty cache does; return the milliseconds."""
    began = time.perf_counter()
    html = (await client.ask("/")).decode()
    snapshot = json.loads(html.split('id="lp-config">')[1].split("</script>")[0])["snapshot"]
    for path in [snapshot, *re.findall(r'(?:src|href)="(/voila/[^"]+)"', html)]:
        await client.ask(path.replace("&amp;", "&"))
    return (time.perf_counter() - began) * 1e3


def frame(comm_id: str, data: dict[str, object]) -> bytes:
    """Return a widget's message."""
    content = {"comm_id": comm_id, "data": data}
    parts = ({"msg_type": "comm_msg"}, {}, {}, content)
    return join([b"shell", *(json.dumps(part).encode() for part in parts)])


async def drag(url: str, client: Client, seen: Seen, until: float) -> None:
    """Start a session, drag the volume, read, and again until the run ends."""
    key = json.loads(await client.ask("/api/kernels?", "POST"))["id"]
    address = f"{url.replace('http', 'ws')}api/kernels/{key}/channels?session_id=s"
    async with connect(address, subprotocols=[PROTOCOL], max_size=None) as socket:
        await socket.send(frame("c", {"method": "request_states"}))
        states = bytes(await asyncio.wait_for(socket.recv(), LONGEST_S))
        found = decode(states, MOST_ARRAYS, MOST_BYTES).content["data"]["states"]
        first = next(key for key, value in found.items() if value["state"].get("kind") == "controls")
        volume, sequence = 50_000.0, count(1)
        while time.perf_counter() < until:
            number = next(sequence)
            for _ in range(MOVES):
                volume *= random.uniform(0.97, 1.035)
                moved = {"set": {"queries_per_day": round(volume)}, "drag": number}
                took = await answered(socket, first, moved, next(sequence))
                seen.slider_ms.append(took * 1e3)
                await asyncio.sleep(max(0.0, BETWEEN_MOVES_S - took))
            await asyncio.sleep(BEFORE_REST_S)
            await answered(socket, first, {"rest": True}, next(sequence))
            await read(socket, sequence, READS_S * random.uniform(0.5, 1.5))


async def answered(
    socket: ClientConnection, comm_id: str, content: dict[str, object], sequence: int
) -> float:
    """Ask a widget; return the seconds until its answer has come."""
    began = time.perf_counter()
    await socket.send(frame(comm_id, {"method": "custom", "content": {**content, "seq": sequence}}))
    mark = f'"seq":{sequence}'.encode()
    async with asyncio.timeout(LONGEST_S):
        while mark not in bytes(await socket.recv()):
            pass
    return time.perf_counter() - began


async def read(socket: ClientConnection, sequence: Iterator[int], seconds: float) -> None:
    """Rest for so long, and ask for what the page then asks for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                message = decode(bytes(await socket.recv()), MOST_ARRAYS, MOST_BYTES).content
                html = message["data"].get("state", {}).get("html", "")
                if asks := re.search(r'data-action="([^"]+)" data-rest="([^"]+)"', html):
                    await asyncio.sleep(float(asks[2]) / 1e3)
                    content = {"action": asks[1], "value": None, "rest": True, "seq": next(sequence)}
                    await socket.send(frame(message["comm_id"], {"method": "custom", "content": content}))


async def reader(url: str, after: float, drags: bool, seen: Seen, until: float) -> None:
    """Be one reader."""
    await asyncio.sleep(after)
    try:
        async with Client(url) as client:
            seen.first_chart_ms.append(await asyncio.wait_for(open_page(client), LONGEST_S))
            if drags:
                await drag(url, client, seen, until)
    except Exception as problem:
        seen.errors.append(f"{type(problem).__name__}: {problem}")


async def run(url: str, readers: int, seconds: float, dragging: int, seen: Seen) -> None:
    """Have so many readers come within so many seconds."""
    until = time.perf_counter() + seconds + REST_S
    every = max(1, readers // max(1, dragging))
    jobs = (
        reader(url, seconds * place / readers, place % every == 0 and dragging > 0, seen, until)
        for place in range(readers)
    )
    await asyncio.gather(*jobs)


async def watched(url: str, server: psutil.Process, readers: int, seconds: float, dragging: int) -> Seen:
    """Return what the readers saw and what it took the server."""

    async def watch() -> None:
        while True:
            seen.most_mb = max(seen.most_mb, memory_mb(server))
            seen.session_mb += own_mb(server)
            await asyncio.sleep(3)

    seen, before = Seen(), cpu_s(server)
    watching = asyncio.create_task(watch())
    await run(url, readers, seconds, dragging, seen)
    seen.cpu_s = cpu_s(server) - before
    watching.cancel()
    return seen


def cpu_s(server: psutil.Process) -> float:
    """Return the processor's time that the server and its processes have taken, those that have ended among them [s]."""
    total = 0.0
    for process in [server, *server.children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def own_mb(server: psutil.Process) -> list[float]:
    """Return what each visitor's process holds for itself alone [MB]."""
    found = []
    for process in server.children(recursive=True):
        with suppress(psutil.Error):
            if process.ppid() != server.pid:
                found.append(process.memory_full_info().uss / 1e6)
    return found


def memory_mb(server: psutil.Process) -> float:
    """Return what the server and its processes hold, what they share counted once [MB]."""
    total = 0
    for process in [server, *server.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


async def open_and_leave(url: str, server: psutil.Process) -> None:
    """Open and leave the page many times, and start and leave sessions; print what the server holds."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def once(starts: bool) -> None:
        async with turns, Client(url) as client:
            await open_page(client)
            if starts:
                key = json.loads(await client.ask("/api/kernels?", "POST"))["id"]
                await client.ask(f"/voila/api/shutdown/{key}", "POST")

    print("\n| after | memory, MB | handles | processes |\n|---|---|---|---|")
    for name, times, starts in (
        ("the runs above", 0, False),
        (f"{OPENINGS:,} openings", OPENINGS, False),
        (f"{SESSIONS} sessions", SESSIONS, True),
        (f"{SESSIONS} more", SESSIONS, True),
    ):
        await asyncio.gather(*(once(starts) for _ in range(times)))
        await asyncio.sleep(REST_S)
        holds = (memory_mb(server), server.num_fds(), 1 + len(server.children(recursive=True)))
        print("| " + " | ".join([name, *(f"{value:,.0f}" for value in holds)]) + " |", flush=True)


def percentiles(values: list[float]) -> str:
    """Return the median and the 95th percentile."""
    if not values:
        return "-"
    ordered = sorted(values)
    return f"{median(ordered):,.0f} / {ordered[round(0.95 * (len(ordered) - 1))]:,.0f}"


async def measure(url: str, pid: int, readers: int, seconds: float, dragging: int) -> None:
    """Measure one viewer, then many; print a line for each."""
    server = psutil.Process(pid)
    async with Client(url) as client:
        for _ in range(240):
            try:
                await client.ask("/healthz")
                await client.ask("/snapshot?")
                break
            except ConnectionError:
                await asyncio.sleep(0.5)
    print(
        "| viewers | first chart p50 / p95, ms | slider p50 / p95, ms (moves) | processor, s | memory, MB "
        "| of a session's own p50 / p95, MB | errors |"
    )
    print("|---|---|---|---|---|---|---|")
    for viewers, span, drags in ((1, 10.0, 1), (readers, seconds, 0), (readers, seconds, dragging)):
        seen = await watched(url, server, viewers, span, drags)
        slider = f"{percentiles(seen.slider_ms)} ({len(seen.slider_ms)})"
        row = (
            f"{viewers}, {drags} drag",
            percentiles(seen.first_chart_ms),
            slider,
            f"{seen.cpu_s:,.1f}",
            f"{seen.most_mb:,.0f}",
            percentiles(seen.session_mb) if drags else "-",
            str(len(seen.errors)),
        )
        print("| " + " | ".join(row) + " |", flush=True)
        for problem in sorted(set(seen.errors))[:3]:
            print(f"  {problem}")
    await open_and_leave(url, server)


def main() -> None:
    """Serve the dashboard, measure and print."""
    readers = int(sys.argv[1]) if len(sys.argv) > 1 else READERS
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    dragging = int(sys.argv[3]) if len(sys.argv) > 3 else DRAGGING
    os.environ.setdefault("LLMPLAN_MAX_KERNELS", "60")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load before the run {load:.1f}")
    with serving(notebooks_dir() / "dashboard.ipynb") as (url, process):
        asyncio.run(measure(f"{url}/", process.pid, readers, seconds, dragging))


if __name__ == "__main__":
    main()
