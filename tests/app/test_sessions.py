"""Sessions without processes: work at rest takes turns, and keeps nobody from moving a slider."""

import asyncio
import subprocess
import sys
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import apart
from frames import asking

from llmplan.app.server.forks import Forks
from llmplan.app.server.sessions import MOST_RESTING, Page, Sessions, Why
from llmplan.app.server.settings import IDLE_SECONDS, UNCONNECTED_SECONDS
from llmplan.app.server.turns import Cores
from llmplan.app.server.wire import RESTED, Asked, for_widgets, working

LONGEST_S = 10.0
MOVE, REST = asking("w1", {"set": {"a": 1}}), asking("w2", {"action": "flip", "rest": True})


class Scripted:
    """A visitor's process that notes what it gets and says that it has rested when the test says so."""

    def __init__(self, got: list[tuple[int, bytes]], number: int) -> None:
        self.got, self.number = got, number
        self.out: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send(self, frame: bytes) -> None:
        self.got.append((self.number, frame))

    async def receive(self) -> bytes | None:
        return await self.out.get()

    def end(self) -> None:
        self.out.put_nowait(None)


def test_work_at_rest_is_told_from_what_a_reader_waits_for() -> None:
    assert for_widgets(MOVE) is for_widgets(asking("w1", {"rest": True})) is Asked.NOW
    assert for_widgets(REST) is Asked.AT_REST


def test_one_session_works_at_rest_at_a_time_and_sliders_wait_for_none() -> None:
    got: list[tuple[int, bytes]] = []
    made: list[Scripted] = []

    async def child(*_: Any) -> Scripted:
        made.append(Scripted(got, len(made)))
        return made[-1]

    async def settled() -> list[tuple[int, bytes]]:
        for _ in range(10):
            await asyncio.sleep(0)
        now, got[:] = list(got), []
        return now

    async def run() -> None:
        sessions = Sessions(cast(Forks, SimpleNamespace(child=child)), Cores())
        one, other, third = [await sessions.open("") for _ in range(3)]
        for session in (one, other):
            for _ in range(2 * MOST_RESTING):
                sessions.at_rest(session, REST)
        assert one.resting == MOST_RESTING, "a page that asks for more is not listened to"
        assert await settled() == [(0, REST)]
        await one.send(MOVE)
        assert await settled() == [(0, MOVE)]
        made[0].out.put_nowait(RESTED)
        (following,) = await settled()
        assert following == (1, REST), "of those that wait the newest is next"
        sessions.end(other.key, cast(Any, 4001))
        assert await settled() == [(0, REST)], "a session that ends gives its turn on"
        sessions.at_rest(third, REST)
        made[0].out.put_nowait(RESTED)
        assert await settled() == [(2, REST)]
        await sessions.close()
        assert len(await settled()) == 0 and not sessions._tasks

    apart(lambda: asyncio.run(run()))


async def stands(process: subprocess.Popen[bytes], still: bool) -> None:
    """Wait until Linux says that a process is stopped, or that it is not."""
    async with asyncio.timeout(LONGEST_S):
        while still != (Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").split()[2] == "T"):
            await asyncio.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is worked out beside a session")
def test_work_that_nobody_waits_for_stands_still_while_a_reader_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        cores = Cores()
        with cores.background(process.pid):
            await cores.wait("a")
            await cores.wait("b")
            cores.answered("a")
            await stands(process, still=True)  # b waits still
            cores.answered("b")
            cores.answered("b")
            await stands(process, still=False)
            await cores.wait("c")
            with cores.background(other.pid):
                await stands(process, still=True)
                await stands(other, still=True)
            await stands(other, still=False)  # what is no work of the background any more goes on
            monkeypatch.setattr("llmplan.app.server.turns.LONGEST_PAUSE_S", 0.05)
            await cores.wait("c")
            await stands(process, still=False)  # c is never answered
        with cores.background(ended.pid):
            await cores.wait("d")

    monkeypatch.setattr("llmplan.app.server.turns.LONGEST_PAUSE_S", 2 * LONGEST_S)
    with subprocess.Popen(["sleep", "60"]) as process, subprocess.Popen(["sleep", "60"]) as other:
        ended = subprocess.Popen(["true"])
        ended.wait()
        try:
            apart(lambda: asyncio.run(run()))
        finally:
            process.kill()
            other.kill()


def test_moves_follow_one_another_as_many_at_a_time_as_there_are_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> list[str]:
        cores, went = Cores(2), list[str]()

        async def ask(reader: str) -> None:
            await cores.wait(reader)
            went.append(reader)

        async def asked(*readers: str) -> str:
            jobs.extend(asyncio.ensure_future(ask(reader)) for reader in readers)
            for _ in range(5):
                await asyncio.sleep(0)
            now, went[:] = "".join(went), []
            return now

        jobs: list[asyncio.Future[None]] = []
        seen = [await asked("a", "a", "b", "c", "c", "d"), await asked("b")]
        cores.answered("a")
        cores.answered("b")
        seen.append(await asked())
        cores.answered("c")
        cores.answered("d")
        seen.append(await asked("e", "f", "g"))
        cores.answered("x")
        seen.append(await asked())
        await asyncio.wait_for(asyncio.gather(*jobs), LONGEST_S)  # of e, f and g none is answered
        return [*seen, "".join(went)]

    monkeypatch.setattr("llmplan.app.server.turns.LONGEST_PAUSE_S", 0.2)
    assert apart(lambda: asyncio.run(run())) == ["aab", "b", "ccd", "ef", "", "g"]


def test_a_session_names_the_process_that_stands_still_while_its_slider_moves() -> None:
    async def run() -> list[tuple[str, Any]]:
        log: list[tuple[str, Any]] = []

        class Noted(Cores):
            @contextmanager
            def background(self, pid: int) -> Iterator[None]:
                log.append(("works", pid))
                yield
                log.append(("rested", pid))

            async def wait(self, reader: Hashable) -> None:
                log.append(("waits", reader))

            def answered(self, reader: Hashable) -> None:
                log.append(("answered", reader))

        async def child(*_: Any) -> Scripted:
            return made

        async def settled() -> None:
            for _ in range(10):
                await asyncio.sleep(0)

        made = Scripted([], 0)
        sessions = Sessions(cast(Forks, SimpleNamespace(child=child)), Noted())
        session = await sessions.open("")
        sessions.at_rest(session, REST)
        await settled()
        made.out.put_nowait(working(4_321))
        await settled()
        await session.send(MOVE)
        made.out.put_nowait(MOVE)
        made.out.put_nowait(RESTED)
        await settled()
        await sessions.close()
        return [(what, "it" if value == session.key else value) for what, value in log]

    log = apart(lambda: asyncio.run(run()))
    assert log[:4] == [("works", 4_321), ("waits", "it"), ("answered", "it"), ("rested", 4_321)]


def test_a_session_ends_that_nobody_touches_or_whose_page_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    async def child(*_: Any) -> Scripted:
        return Scripted([], 0)

    async def at(seconds: float) -> None:
        nonlocal now
        now = seconds
        for _ in range(20):
            await asyncio.sleep(0)

    async def run() -> list[set[str]]:
        nonlocal now
        loop: Any = asyncio.get_running_loop()
        began, now = loop.time(), loop.time()
        monkeypatch.setattr(loop, "time", lambda: now)
        monkeypatch.setattr("llmplan.app.server.sessions.SWEEP_SECONDS", 0)
        sessions, closed = Sessions(cast(Forks, SimpleNamespace(child=child)), Cores()), list[int]()
        named = {name: await sessions.open("") for name in ("read", "used", "left")}
        page = cast(Page, SimpleNamespace(close=lambda code, _why: closed.append(code)))
        named["read"].page = named["used"].page = page
        sessions.start()
        there = []
        for after in (UNCONNECTED_SECONDS - 1, UNCONNECTED_SECONDS + 1, IDLE_SECONDS - 1, IDLE_SECONDS + 1):
            await at(began + after)
            there.append({name for name, each in named.items() if sessions.find(each.key)})
            await named["used"].send(MOVE)
        assert closed == [Why.ASLEEP], "the page is told, and starts another session at its next touch"
        await sessions.close()
        return there

    ends = apart(lambda: asyncio.run(run()))
    assert ends == [{"read", "used", "left"}, {"read", "used"}, {"read", "used"}, {"used"}]
