"""Work that nobody waits for takes turns, and stands still while a reader waits for an answer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

LONGEST_PAUSE_S = 0.5
"""A reader's answer that takes longer is no slider's move: the work goes on beside it."""


class NewestFirst:
    """One at a time; of those that wait the newest is next: its reader is the likeliest to be there still."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._busy = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and keep it."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        self._give()
        try:
            await mine
        except asyncio.CancelledError:
            self._end(mine)
            raise
        try:
            yield
        finally:
            self._end(mine)

    def _end(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        else:
            self._busy = False
            self._give()

    def _give(self) -> None:
        while not self._busy and self._waiting:
            if not (newest := self._waiting.pop()).done():
                self._busy = True
                newest.set_result(None)


class Cores:
    """Who works when: readers' answers as many at a time as there are processors, and what nobody waits for only meanwhile.

    Two processes at work slow each other, most of all where two processors are threads of one core: beside work that
    nobody waits for a slider's move takes twice its time. And of many moves at once each is answered sooner, or as
    soon, when they follow one another.
    """

    def __init__(self, cores: int = os.cpu_count() or 1) -> None:
        self._free = asyncio.Semaphore(cores)
        self._works: set[int] = set()
        self._waits: dict[Hashable, asyncio.TimerHandle] = {}

    @contextmanager
    def background(self, pid: int) -> Iterator[None]:
        """Let a process be stopped while readers wait; it is held by a handle, which names no other once it has ended."""
        handle = None
        with suppress(OSError):
            handle = os.pidfd_open(pid) if sys.platform == "linux" else None
        if handle is None:
            yield
            return
        self._works.add(handle)
        if self._waits:
            _tell([handle], signal.SIGSTOP)
        try:
            yield
        finally:
            self._works.discard(handle)
            _tell([handle], signal.SIGCONT)
            os.close(handle)

    async def wait(self, reader: Hashable) -> None:
        """Wait for a processor on which a reader's answer is worked out from now on; one that has it keeps it."""
        if reader not in self._waits:
            await self._free.acquire()
            if reader in self._waits:  # it asked twice, and has one already
                self._free.release()
        if (timer := self._waits.pop(reader, None)) is not None:
            timer.cancel()
        elif not self._waits:
            _tell(self._works, signal.SIGSTOP)
        loop = asyncio.get_running_loop()
        self._waits[reader] = loop.call_later(LONGEST_PAUSE_S, self.answered, reader)

    def answered(self, reader: Hashable) -> None:
        """A reader has an answer, or is gone."""
        if (timer := self._waits.pop(reader, None)) is None:
            return
        timer.cancel()
        self._free.release()
        if not self._waits:
            _tell(self._works, signal.SIGCONT)


def _tell(handles: Iterable[int], what: signal.Signals) -> None:
    for handle in handles:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, what)
