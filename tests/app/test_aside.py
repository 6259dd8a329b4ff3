"""Work at rest: here a result an ask, in a session from a process beside it whose end is the work's end."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from llmplan.app.aside import Aside
from llmplan.app.model import AppModel
from llmplan.app.widgets.base import PLAIN_FAILURE
from llmplan.errors import InputError, LlmplanError

LONGEST_S = 20.0


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aside]:
    monkeypatch.setattr(Aside, "forks", True)
    aside = Aside()
    yield aside
    aside.stop()


def results_of(aside: Aside, work: Any) -> list[Any]:
    """Have work done as a session does; return its results, what went wrong in their place."""
    found: list[Any] = []

    def take(result: Any) -> None:
        try:
            found.append(result())
        except LlmplanError as problem:
            found.append(str(problem))

    aside.ask("work", work, take)
    while (fork := Aside.running) is not None:
        assert select.select([fork], [], [], LONGEST_S)[0], "nothing came"
        Aside.take_next()
    return found


def test_without_a_process_every_ask_brings_the_next_result() -> None:
    aside, found = Aside(), list[int]()
    for _ in range(3):
        aside.ask("a", lambda: iter(range(10)), lambda result: found.append(result()))
    aside.ask("b", lambda: iter(range(10)), lambda result: found.append(result()))
    aside.ask("a", lambda: iter(range(10)), lambda result: found.append(result()))
    assert found == [0, 1, 2, 0, 0] and not aside.does("a")


def test_a_process_beside_the_session_sends_every_result(session: Aside) -> None:
    def work() -> Iterator[tuple[int, int]]:
        yield from ((number, os.getpid()) for number in range(3))

    found = results_of(session, work)
    assert [number for number, _ in found] == [0, 1, 2]
    assert {pid for _, pid in found}.isdisjoint({os.getpid()}) and not session.does("work")


def test_what_goes_wrong_is_told_in_words_that_a_reader_may_see(session: Aside) -> None:
    def refused() -> Iterator[int]:
        yield 1
        raise InputError("volume", -1, "must be positive", "give it so")

    def broken() -> Iterator[int]:
        yield 1 // 0

    def killed() -> Iterator[int]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield 1

    first, why = results_of(session, refused)
    assert first == 1 and "volume" in why and "must be positive" in why
    assert results_of(session, broken) == results_of(session, killed) == [PLAIN_FAILURE]


def test_another_scenario_ends_the_work_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly() -> Iterator[int]:
        for number in count():
            time.sleep(0.01)
            yield number

    monkeypatch.setattr(Aside, "forks", True)
    model = AppModel()
    model.aside.ask("endless", slowly, lambda _result: None)
    fork = Aside.running
    assert fork is not None and model.aside.does("endless")
    model.aside.ask("endless", lambda: iter(()), lambda _result: None)
    assert Aside.running is fork, "the same work is not begun twice"
    model.change({"queries_per_day": 4_321})
    assert Aside.running is None and not model.aside.does("endless")
    with pytest.raises(ProcessLookupError):
        os.kill(fork.pid, 0)
