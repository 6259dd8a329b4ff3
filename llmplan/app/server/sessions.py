"""Who calculates: one process each, never more than the limit, none without a reader."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from contextlib import ExitStack, suppress
from enum import IntEnum
from typing import Any, Protocol

from llmplan.app.server.forks import Child, Forks
from llmplan.app.server.settings import IDLE_SECONDS, MAX_SESSIONS, UNCONNECTED_SECONDS, YIELD_SECONDS
from llmplan.app.server.turns import Cores, NewestFirst
from llmplan.app.server.wire import RESTED, worker_of

SWEEP_SECONDS = 5.0
MOST_RESTING, REST_SECONDS = 8, 60.0
"""What a session may be asked for at rest before an earlier one is answered, and how long its turn may last [s]."""


class Why(IntEnum):
    """Why a session ended: the code that closes its page's websocket."""

    ASLEEP = 4000
    ENDED = 4001


class Full(Exception):
    """As many calculate as may."""


class Page(Protocol):
    """The page's end: its websocket."""

    async def show(self, frame: bytes) -> None:
        """Send one frame to the page."""

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the connection."""


class Session:
    """One visitor's process and the page that it answers."""

    def __init__(self, cores: Cores, now: float) -> None:
        self.key = str(uuid.uuid4())
        self._cores, self._aside = cores, ExitStack()
        self.touched = self.connected = now
        self.page: Page | None = None
        self.child: Child | None = None
        self.rested = asyncio.Event()
        self.resting = 0

    async def send(self, frame: bytes) -> None:
        """Pass a page's frame on."""
        self.touched = asyncio.get_running_loop().time()
        if self.child is not None:
            await self._cores.wait(self.key)
            await self.child.send(frame)

    async def relay(self) -> None:
        """Pass the process's frames to the page until it ends; without a page they are dropped."""
        while self.child is not None and (frame := await self.child.receive()) is not None:
            if frame == RESTED:
                self.rested.set()
            elif (pid := worker_of(frame)) is not None:
                self._aside.close()
                self._aside.enter_context(self._cores.background(pid))
            else:
                self._cores.answered(self.key)
                if self.page is not None:
                    await self.page.show(frame)

    async def rest(self, frame: bytes) -> None:
        """Have the process do what nobody waits for, and wait until it has."""
        self.rested.clear()
        if self.child is not None:
            await self.child.send(frame)
            await self.rested.wait()
            self._aside.close()

    def end(self) -> None:
        """End the process."""
        if self.child is not None:
            self.child.end()
        self.rested.set()
        self._cores.answered(self.key)
        self._aside.close()


class Sessions:
    """The sessions there are, by key."""

    def __init__(self, forks: Forks, cores: Cores, most: int = MAX_SESSIONS) -> None:
        self._forks, self._cores, self._most = forks, cores, most
        self._sessions: dict[str, Session] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._turns = NewestFirst()
        self._tasks: set[asyncio.Task[None]] = (
            set()
        )  # nothing else keeps the task of a session that has ended

    def __len__(self) -> int:
        return len(self._sessions)

    def start(self) -> None:
        """End idle sessions from now on."""
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """End all sessions."""
        if self._sweeping:
            self._sweeping.cancel()
        for key in list(self._sessions):
            self.end(key, Why.ENDED)

    def find(self, key: str) -> Session | None:
        """Return a session that runs."""
        session = self._sessions.get(key)
        return session if session and session.child else None

    async def open(self, query: str) -> Session:
        """Start a session that shows a link.

        Raises
        ------
        Full: all are taken and none rests. Unavailable: no process can be had.
        """
        now = asyncio.get_running_loop().time()
        if len(self._sessions) >= self._most and not self._make_room(now):
            raise Full
        session = Session(self._cores, now)
        self._sessions[session.key] = session  # its place is taken before anything is waited for
        try:
            session.child = await self._forks.child("session", query)
        except BaseException:
            self._sessions.pop(session.key, None)
            raise
        if session.key not in self._sessions:
            session.child.end()
        self._run(self._follow(session))
        return session

    def at_rest(self, session: Session, frame: bytes) -> None:
        """Pass on what nobody waits for, in its turn: of all sessions one at a time, so that sliders keep a core."""
        if session.resting < MOST_RESTING:
            session.resting += 1
            self._run(self._rest(session, frame))

    async def _rest(self, session: Session, frame: bytes) -> None:
        try:
            with suppress(TimeoutError):
                async with self._turns.turn(), asyncio.timeout(REST_SECONDS):
                    if session.key in self._sessions:
                        await session.rest(frame)
        finally:
            session.resting -= 1

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self, key: str, why: Why) -> None:
        """End a session and tell its page; one that is gone already is no error."""
        session = self._sessions.pop(key, None)
        if session is None:
            return
        if session.page is not None:
            session.page.close(why, why.name.lower())
        session.end()

    async def _follow(self, session: Session) -> None:
        try:
            await session.relay()
        finally:
            self.end(session.key, Why.ENDED)

    def _make_room(self, now: float) -> bool:
        rests = [s for s in self._sessions.values() if s.child and now - s.touched > YIELD_SECONDS]
        if rests:
            self.end(min(rests, key=lambda session: session.touched).key, Why.ASLEEP)
        return bool(rests)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = loop.time()
            for session in list(self._sessions.values()):
                if session.page is not None:
                    session.connected = now
                if now - session.touched > IDLE_SECONDS or now - session.connected > UNCONNECTED_SECONDS:
                    self.end(session.key, Why.ASLEEP)
