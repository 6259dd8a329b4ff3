"""Work that no slider waits for: its results come one by one, in a visitor's session from a process beside it."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from typing import Any, ClassVar, NoReturn, TypeAlias

from llmplan.app.server.pipe import Pipe
from llmplan.app.widgets.base import PLAIN_FAILURE, plain_message
from llmplan.errors import LlmplanError

LOWEST_PRIORITY = 19
DIES_WITH_ITS_PARENT = 1
"""`PR_SET_PDEATHSIG` of Linux's prctl."""
DONE = b""

Work: TypeAlias = Callable[[], Iterator[Any]]
Take: TypeAlias = Callable[[Callable[[], Any]], None]
"""Takes a result: called with what returns it, or raises why there is none."""


class Fork:
    """The results of some work, worked out in a fork of this process and sent back one by one."""

    def __init__(self, work: Work, take: Take) -> None:
        self.take = take
        reads, writes = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _work_alone(work, writes)
        os.close(writes)
        self._pipe, self._reads = Pipe(reads, reads), reads

    def fileno(self) -> int:
        """Return what `select` waits for."""
        return self._reads

    def next(self) -> bytes | None:
        """Return the next result, pickled; `DONE` after the last one, None where the process has ended before."""
        return self._pipe.receive()

    def end(self) -> None:
        """End the process, done or not."""
        os.close(self._reads)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


class Aside:
    """Does one piece of work at a time for a page whose reader rests.

    Where this process may fork, all results come by themselves, and what the work needed ends with its process:
    `running` is to be waited for, and `take_next` called. Elsewhere each `ask` works out the next result at once.
    """

    forks: ClassVar[bool] = False
    running: ClassVar[Fork | None] = None

    def __init__(self) -> None:
        self._of: Hashable = None
        self._results: Iterator[Any] = iter(())

    def does(self, of: Hashable) -> bool:
        """Return whether a process works at a subject."""
        return Aside.running is not None and self._of == of

    def ask(self, of: Hashable, work: Work, take: Take) -> None:
        """Have a subject's work gone on with; that of any other is given up."""
        if self.does(of):
            return
        if self._of != of:
            self.stop()
            self._of, self._results = of, iter(()) if Aside.forks else work()
        if Aside.forks:
            Aside.running = Fork(work, take)
            return
        take(lambda: next(self._results))

    def stop(self) -> None:
        """Give up what is worked at."""
        self._of = None
        if Aside.running is not None:
            Aside.running.end()
            Aside.running = None

    @classmethod
    def take_next(cls) -> None:
        """Have the next result of the process taken, or why it has ended without one."""
        if (fork := cls.running) is None:
            return
        sent = fork.next()
        if not sent:
            fork.end()
            cls.running = None
        if sent != DONE:
            fork.take(lambda: _result(sent))


def _result(sent: bytes | None) -> Any:
    found = LlmplanError(PLAIN_FAILURE) if sent is None else pickle.loads(sent)
    if isinstance(found, Exception):
        raise found
    return found


def _work_alone(work: Work, writes: int) -> NoReturn:
    """Send the results of some work and end; nothing else that this process has open is its own."""
    try:
        os.closerange(3, writes)
        os.closerange(writes + 1, os.sysconf("SC_OPEN_MAX"))
        os.nice(LOWEST_PRIORITY)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(DIES_WITH_ITS_PARENT, signal.SIGKILL)
        pipe = Pipe(writes, writes)
        try:
            for result in work():
                pipe.send(pickle.dumps(result))
        except Exception as problem:
            pipe.send(pickle.dumps(LlmplanError(plain_message(problem))))
        pipe.send(DONE)
    finally:
        os._exit(0)
