"""A process that has the page ready and forks a copy of itself for each visitor.

A process that starts from nothing imports for seconds, computes the page and holds a copy of every library. A
fork starts in milliseconds and shares all of that with its siblings. The zygote has one thread, opens no
socket but the one to its server, and never does a visitor's work itself.
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
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from llmplan.app.server.assets import edition
from llmplan.app.server.notebook import Shown, run_notebook
from llmplan.app.server.pipe import Pipe
from llmplan.app.server.session import serve, take_snapshot, use_pipe_comms
from llmplan.app.server.settings import SESSION_MEMORY_MB

REQUEST_BYTES = 65_536
DATA_PAGES = 5
"""Place in /proc/self/statm of the pages that a process can write to."""
OLD_LOOKS = 2
"""Looks at younger objects before one at all: what the fork shares is frozen, so that it takes some milliseconds, and
tables that a move leaves behind end after a few moves, not after thirty."""
NICER, KILLED_FIRST = 5, 500
"""Forty busy visitors' processes leave the server its share, and are the first to go when memory ends."""


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


def warm_up(names: Iterable[str]) -> None:
    """Have each module that defines `warm_up()` fill the caches that forks share; a failure is the page's to say."""
    for name in names:
        with suppress(Exception):
            found = getattr(importlib.import_module(name), "warm_up", None)
            if callable(found):
                found()


def ready_page(notebook: Path, warm: bool) -> list[Shown]:
    """Run the notebook and return what it shows; its widgets wait for a page."""
    use_pipe_comms()
    logging.getLogger("Comm").setLevel(logging.ERROR)
    if warm:
        warm_up(imported_modules(notebook))
    shown = run_notebook(notebook)
    freeze()
    return shown


def freeze() -> None:
    """Have forks share what there is, and end soon what they leave behind themselves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], OLD_LOOKS)


def tell(control: socket.socket, answer: dict[str, Any]) -> None:
    """Send one line of JSON to the server."""
    control.sendall(json.dumps(answer).encode() + b"\n")


def limit_memory(megabytes: int) -> None:
    """Give this process so much memory beyond what it has; more is a `MemoryError` of its own.

    What counts is memory that it can write to: threads reserve some 64 MB of addresses each and use little of it.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[DATA_PAGES])
    except (ImportError, OSError):
        return
    most = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(KILLED_FIRST), encoding="ascii")


def work(kind: str, query: str, pipe: Pipe, shown: list[Shown]) -> NoReturn:
    """Be a visitor's session, or take one snapshot; never returns."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which then ends the others
        limit_memory(SESSION_MEMORY_MB)
        random.seed()
        sys.modules["numpy"].random.seed()
        if kind == "session":
            serve(pipe, query)
        else:
            take_snapshot(pipe, query, shown, whole=kind == "whole")
        status = 0
    except OSError:
        pass  # the server is gone: so is what this process is for
    except BaseException:
        logging.getLogger("llmplan.app").exception("a visitor's process failed")
    finally:
        os._exit(status)


def reap(*_signal: Any) -> None:
    """Collect ended children, so that none stays behind as a zombie."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main(fd: int, notebook: Path) -> None:
    """Get ready, then fork a child for each request until the server is gone."""
    control = socket.socket(fileno=fd)
    read = edition()
    shown = ready_page(notebook, warm=True)
    problem = next((item["error"] for item in shown if "error" in item), None)
    signal.signal(signal.SIGCHLD, reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tell(control, {"edition": read, "problem": problem})
    while True:
        line, fds, _, _ = socket.recv_fds(control, REQUEST_BYTES, 1)
        if not line:
            return
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            control.close()
            os.setpgid(0, 0)  # not a session of its own: some schedulers would then ignore how nice it is
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.nice(NICER)
            work(request["kind"], request["query"], Pipe(fds[0], fds[0]), shown)
        os.close(fds[0])
        tell(control, {"pid": pid})


def alone(kind: str, query: str, notebook: Path) -> None:
    """Be one session or take one snapshot in a process of its own, over its standard input and output."""
    pipe = Pipe(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    work(kind, query, pipe, ready_page(notebook, warm=False))


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        with suppress(ConnectionError):
            main(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        alone(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
