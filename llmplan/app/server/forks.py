"""The server's end of the zygote: starts it, starts it again when it ends, has it fork."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llmplan.app.server.assets import edition
from llmplan.app.server.wire import LENGTH

LOG = logging.getLogger("llmplan.app")
READY_SECONDS = 180
FORK_SECONDS = 5
"""A zygote that has not forked by then is frozen; it is replaced."""
PAUSES = (0.2, 1.0, 5.0, 30.0)
"""Before a zygote that ended soon after its start is started again [s]."""
SETTLED_SECONDS = 60.0
MAX_FRAME_BYTES = 2**27


class Unavailable(Exception):
    """No process can be had just now."""


class Child:
    """A visitor's process, seen from the server: frames go in and come out."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._reader, self._writer = reader, writer

    async def send(self, frame: bytes) -> None:
        """Send one frame; waits while the process has not taken the last ones."""
        self._writer.write(len(frame).to_bytes(LENGTH, "little") + frame)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def receive(self) -> bytes | None:
        """Return the next frame; None when the process has ended."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            size = int.from_bytes(await self._reader.readexactly(LENGTH), "little")
            if size <= MAX_FRAME_BYTES:
                return await self._reader.readexactly(size)
        return None

    def end(self) -> None:
        """End the process, busy or not; it holds nothing that would have to be saved."""
        if not self._reader.at_eof():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGTERM)
        self._writer.close()


class Forks:
    """Visitors' processes: forked from a zygote on Linux, started one by one elsewhere.

    Elsewhere system libraries may not survive a fork. The zygote may die or hang at any time: who has a process
    keeps it, who wants one waits or is told, and another zygote is started.
    """

    def __init__(
        self, notebook: Path, on_ready: Callable[[str | None], None] = lambda _problem: None
    ) -> None:
        self._notebook, self._on_ready = notebook, on_ready
        self._folder = TemporaryDirectory(prefix="llmplan-")  # what a notebook's shell writes
        self._environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._environment |= {"IPYTHONDIR": self._folder.name, "JUPYTER_WIDGETS_ECHO": "0"}
        self._forking = sys.platform == "linux"
        self.edition = edition()
        """The package and the tables that sessions rest on: the zygote says which it has read."""
        self._ready = asyncio.Event()
        self._asking = asyncio.Lock()
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether a visitor's process can be had at once."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The zygote's process id."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Get ready, and stay so until `close`."""
        if self._forking:
            self._task = asyncio.create_task(self._keep())
        else:
            self._ready.set()
            self._on_ready(None)

    async def close(self) -> None:
        """End the zygote."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._process:
            await self._process.wait()  # its end is noted before the loop that heard of it is gone
        self._folder.cleanup()

    async def child(self, kind: str, query: str) -> Child:
        """Return a new process: a "session", or one that takes a "snapshot", as it stands at once or "whole".

        Raises
        ------
        Unavailable: there is no zygote ready within a few seconds, or it does not answer.
        """
        if not self._forking:
            return await self._alone(kind, query)
        ours, theirs = socket.socketpair()
        try:
            pid = await self._fork({"kind": kind, "query": query}, theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return Child(pid, *await asyncio.open_unix_connection(sock=ours))

    async def _fork(self, request: dict[str, str], theirs: socket.socket) -> int:
        try:
            await asyncio.wait_for(self._ready.wait(), FORK_SECONDS)
        except TimeoutError:
            raise Unavailable("the page is not ready yet") from None
        async with self._asking:
            control, process = self._control, self._process
            try:
                if control is None:
                    raise ConnectionError
                socket.send_fds(control, [json.dumps(request).encode() + b"\n"], [theirs.fileno()])
                return int((await asyncio.wait_for(_line(control), FORK_SECONDS))["pid"])
            except (OSError, TimeoutError):
                self._ready.clear()
                _kill(process)
                raise Unavailable("the process that forks is being replaced") from None

    async def _keep(self) -> None:
        """Run one zygote after another."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            started = loop.time()
            try:
                await self._run_one()
            finally:
                self._ready.clear()
                _kill(self._process)
                if self._control:
                    self._control.close()
                self._control = None
            failures = 0 if loop.time() - started > SETTLED_SECONDS else failures + 1
            LOG.error("the process that forks sessions has ended; another is started")
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    async def _run_one(self) -> None:
        """Start a zygote and wait until it ends."""
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "llmplan.app.server.zygote",
                    str(theirs.fileno()),
                    str(self._notebook),
                ),
                pass_fds=[theirs.fileno()],
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
            )
        try:
            answer = await asyncio.wait_for(_line(self._control), READY_SECONDS)
        except (OSError, TimeoutError):
            return
        self.edition = answer["edition"]
        self._ready.set()
        self._on_ready(answer["problem"])
        await self._process.wait()

    async def _alone(self, kind: str, query: str) -> Child:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "llmplan.app.server.zygote", kind, query, str(self._notebook)),
            stdin=pipe,
            stdout=pipe,
            env=self._environment,
        )
        if process.stdout is None or process.stdin is None:
            raise Unavailable("no pipes")
        return Child(process.pid, process.stdout, process.stdin)


def _kill(process: asyncio.subprocess.Process | None) -> None:
    if process is not None and process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()


async def _line(control: socket.socket) -> dict[str, Any]:
    """Return the zygote's next answer, one line of JSON; ConnectionError when it has ended."""
    data = b""
    while not data.endswith(b"\n"):
        chunk = await asyncio.get_running_loop().sock_recv(control, 65_536)
        if not chunk:
            raise ConnectionError
        data += chunk
    return dict(json.loads(data))
