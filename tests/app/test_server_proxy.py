"""Two servers behind one proxy that keeps readers by their cookie; one is restarted. Loopback only."""

import asyncio
import queue
import re
import threading
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import demo_notebook
from frames import STATES, content_of, get, start
from websockets.sync.client import connect

from llmplan.app.server.http import READER
from llmplan.app.server.wire import PROTOCOL
from tools.browser import free_port, serving

pytestmark = pytest.mark.server


class StickyProxy:
    """Sends each connection to the server that its cookie names, or to the other where that one is gone."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"llmplan_reader=(\w+)", head)
        first = zlib.crc32(found[1] if found else b"") % len(self.ports)
        for place in (first, 1 - first):
            with suppress(ConnectionError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.ports[place])
                far_writer.write(head)
                await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))
                return
        writer.close()


async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()


@contextmanager
def proxied(ports: list[int]) -> Iterator[str]:
    """Run the proxy in a thread; yield its address."""
    found: queue.Queue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        ended = asyncio.Event()
        server = await asyncio.start_server(StickyProxy(ports).connected, "127.0.0.1", 0)
        found.put((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), ended))
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    port, loop, ended = found.get(timeout=20)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(5)


def reader_cookie(url: str) -> str:
    """Open the page; return the cookie that it sets."""
    with urllib.request.urlopen(url, timeout=30) as got:
        cookies = [cookie.split(";")[0] for cookie in got.headers.get_all("Set-Cookie")]
    return next(cookie for cookie in cookies if cookie.startswith(f"{READER}="))


def answer_of(url: str, cookie: str, query: str) -> tuple[str, str]:
    """Start a session as a page does; return its key and what it shows."""
    request = urllib.request.Request(f"{url}/api/kernels?{query}", b"", {"Cookie": cookie}, method="POST")
    with urllib.request.urlopen(request, timeout=30) as got:
        key = re.findall(r'"id": "([^"]+)"', got.read().decode())[0]
    address = f"{url.replace('http', 'ws')}/api/kernels/{key}/channels"
    with connect(
        address, subprotocols=[PROTOCOL], additional_headers={"Cookie": cookie}, max_size=None
    ) as page:
        page.send(STATES)
        return key, str(content_of(bytes(page.recv(timeout=30))))


def test_readers_keep_their_server_and_a_rolling_restart_loses_no_scenario(
    demo_url: str, tmp_path: Path
) -> None:
    """Of two servers one ends and comes back: its readers go on at the other one, then at the new one."""
    notebook, port = demo_notebook(tmp_path), free_port()
    ports = [port, int(demo_url.rsplit(":", 1)[1])]

    def homes_shown(url: str, cookies: list[str]) -> list[int]:
        """Have every reader start a session that shows their link; return which server has it."""
        found = [answer_of(url, cookie, "queries_per_day=70000") for cookie in cookies]
        assert all("70,000 a day" in shown for _, shown in found)
        return [ports[get(f"{demo_url}/api/kernels/{key}")[0] == 200] for key, _ in found]

    with proxied(ports) as url:
        start(demo_url)
        with serving(notebook, port=port) as (own, _):
            start(own)
            cookies = [reader_cookie(url) for _ in range(6)]
            before = homes_shown(url, cookies)
            assert before == [ports[zlib.crc32(cookie.split("=")[1].encode()) % 2] for cookie in cookies]
        assert homes_shown(url, cookies) == [ports[1]] * 6
        with serving(notebook, port=port) as (own, _):
            start(own)
            assert homes_shown(url, cookies) == before
