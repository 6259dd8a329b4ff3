"""Snapshots that are kept: who waits for one must not keep the server busy."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from conftest import apart

from llmplan.app.server import snapshots
from llmplan.app.server.forks import Forks
from llmplan.app.server.snapshots import NewestFirst, Snapshot, Snapshots

REST_SECONDS = 0.05


def test_the_newest_is_next_and_one_that_gave_up_takes_no_turn() -> None:
    order: list[str] = []

    async def wait(turns: NewestFirst, name: str) -> None:
        async with turns.turn():
            order.append(name)
            await asyncio.sleep(REST_SECONDS)

    async def run() -> None:
        turns = NewestFirst()
        tasks = [asyncio.create_task(wait(turns, name)) for name in "abcd"]
        await asyncio.sleep(REST_SECONDS / 2)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    apart(lambda: asyncio.run(run()))
    assert order == ["a", "d", "b"]


def test_preparing_waits_and_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    turns = 0

    async def of_link(_: Any, link: str) -> AsyncIterator[Snapshot]:
        yield Snapshot(b"page", b"", "part", False, ("a=1", "a=2"))
        await asyncio.sleep(REST_SECONDS)
        taken.append(link)
        yield Snapshot(b"page", b"tables", "whole", True, ("a=1", "a=2"))

    async def run() -> Snapshots:
        loop: Any = asyncio.get_running_loop()
        once = loop._run_once

        def counted() -> None:
            nonlocal turns
            turns += 1
            once()

        monkeypatch.setattr(loop, "_run_once", counted)
        kept = Snapshots(cast(Forks, None))
        kept.prepare()
        while len(taken) < 3:
            await asyncio.sleep(REST_SECONDS)
        return kept

    monkeypatch.setattr(snapshots, "taken", of_link)
    apart(lambda: asyncio.run(run()))
    assert taken == ["", "a=1", "a=2"]
    assert turns < 200, f"{turns} turns of the loop while three snapshots rested"
