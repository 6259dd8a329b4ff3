"""A process that has imported everything and forks a kernel for each visitor.

A kernel that starts from nothing imports for seconds and holds a copy of every library. A fork starts in
milliseconds and shares the libraries' memory with its siblings. The zygote has one thread, opens no
socket but the one to its server, and never runs a visitor's code itself.
"""

from __future__ import annotations

import ast
import gc
import importlib
import json
import logging
import os
import random
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

PRELOAD = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "ipykernel.subshell_manager",
    "jupyter_client.localinterfaces",
    "psutil",
    "comm",
    "llmplan.app.widgets.controls",
    "llmplan.app.widgets.parts",
    "llmplan.app.widgets.layout",
    "llmplan.app.widgets.chart_view",
)
KERNEL_OPTIONS = (
    "--HistoryManager.enabled=False",
    "--IPKernelApp.capture_fd_output=False",
    "--IPKernelApp.log_level=ERROR",
    "--IPKernelApp.quiet=True",
)
FRAME_BYTES = 8


class WithoutDebugger(MetaPathFinder):
    """Keeps debugpy out: a kernel takes a second to load it, and a visitor may not debug."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse debugpy; leave every other module to the usual finders."""
        del path, target
        if fullname == "debugpy":
            raise ImportError(fullname)
        return None


def imported_modules(notebook: Path) -> list[str]:
    """Return the modules that the notebook's code cells import, in order."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    names: list[str] = []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.append(node.module)
    return names


def preload(names: Iterable[str]) -> None:
    """Import the modules; one that defines `warm_up()` has it called, to fill caches that forks share.

    A module that only the notebook itself can find is left to its kernels.
    """
    for name in names:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        warm_up = getattr(module, "warm_up", None)
        if callable(warm_up):
            warm_up()
    sys.modules["jupyter_client.localinterfaces"].localhost()  # looks at the network once, not per kernel
    # ipywidgets does this at import when a kernel is running; here none is, yet.
    sys.modules["ipywidgets"].register_comm_target()
    gc.collect()
    gc.freeze()


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send one message: its length, then JSON."""
    data = json.dumps(message).encode()
    channel.sendall(len(data).to_bytes(FRAME_BYTES, "little") + data)


def receive(channel: socket.socket) -> dict[str, Any] | None:
    """Return the next message, or None when the other end is gone."""
    head = read_exactly(channel, FRAME_BYTES)
    if head is None:
        return None
    data = read_exactly(channel, int.from_bytes(head, "little"))
    return None if data is None else dict(json.loads(data))


def read_exactly(channel: socket.socket, size: int) -> bytes | None:
    """Return exactly `size` bytes, or None when the other end is gone."""
    chunks = b""
    while len(chunks) < size:
        chunk = channel.recv(size - len(chunks))
        if not chunk:
            return None
        chunks += chunk
    return chunks


def become_kernel(request: dict[str, Any]) -> NoReturn:
    """Turn this fork into the kernel that the request describes; never returns."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"] or "/")
        random.seed()
        sys.modules["numpy"].random.seed()
        logging.basicConfig(stream=sys.__stderr__)  # failures are the operator's to read, not the page's
        logging.getLogger("Comm").setLevel(logging.ERROR)  # it warns when a page has been left
        parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # ends the kernel if the zygote is gone
        sys.argv = ["ipykernel_launcher", "-f", request["connection_file"], parent, *KERNEL_OPTIONS]
        from ipykernel.kernelapp import IPKernelApp

        IPKernelApp.launch_instance(sys.argv[1:])
        status = 0
    finally:
        os._exit(status)


def reap(*_signal: Any) -> None:
    """Collect ended kernels, so that none stays behind as a zombie."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def main(fd: int, notebook: Path) -> None:
    """Import, then fork a kernel for each request until the server is gone."""
    channel = socket.socket(fileno=fd)
    sys.meta_path.insert(0, WithoutDebugger())
    preload([*PRELOAD, *imported_modules(notebook)])
    signal.signal(signal.SIGCHLD, reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which then ends the kernels
    send(channel, {"ready": True})
    while (request := receive(channel)) is not None:
        pid = os.fork()
        if pid == 0:
            channel.close()
            become_kernel(request)
        send(channel, {"pid": pid})


if __name__ == "__main__":
    with suppress(ConnectionError):  # the server is gone: so is what this process is for
        main(int(sys.argv[1]), Path(sys.argv[2]))
