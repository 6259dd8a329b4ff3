"""Sessions without processes: work at rest takes turns, and keeps nobody from moving a slider."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import apart
from frames import asking

from llmplan.app.server.forks import Forks
from llmplan.app.server.sessions import MOST_RESTING, Page, Sessions, Why
from llmplan.app.server.settings import IDLE_SECONDS, UNCONNECTED_SECONDS
from llmplan.app.server.wire import RESTED, Asked, for_widgets

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
        sessions = Sessions(cast(Forks, SimpleNamespace(child=child)))
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
        sessions, closed = Sessions(cast(Forks, SimpleNamespace(child=child))), list[int]()
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
