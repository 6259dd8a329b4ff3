"""Snapshots that are kept: by what, how many, and who waits for one must not keep the server busy."""

import asyncio
import gzip
import time
from importlib.metadata import version
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import apart, demo_notebook
from frames import STATES, asking, content_of

from llmplan.app.server import assets, session, snapshots
from llmplan.app.server.forks import Forks, Unavailable
from llmplan.app.server.snapshots import Snapshot, Snapshots
from llmplan.app.server.turns import Cores, NewestFirst
from llmplan.app.server.wire import RESTED

REST_SECONDS, LONGEST_SECONDS = 0.05, 60.0


def forks_of(edition: str) -> Forks:
    """What snapshots ask of the processes: which tables they have read."""
    return cast(Forks, SimpleNamespace(edition=edition))


def test_what_other_tables_gave_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    forks, made = forks_of("old"), 0
    arrived, goes_on = asyncio.Event(), asyncio.Event()

    async def of_link(_: Any, link: str) -> Snapshot:
        nonlocal made
        made += 1
        page = forks.edition.encode()
        if link == "slow":
            arrived.set()
            await goes_on.wait()
        return Snapshot(page, b"", "tag", True, ())

    async def run() -> list[bytes]:
        kept = Snapshots(forks, Cores())
        shown = [(await kept.find("a=1")).page, (await kept.find("a=1")).page]
        slow = asyncio.create_task(kept.find("slow"))
        await arrived.wait()
        forks.edition = "new"
        kept.prepare()
        goes_on.set()
        shown += [(await slow).page, (await kept.find("slow")).page, (await kept.find("a=1")).page]
        kept.prepare()  # the same tables: another process has merely taken the place of one that ended
        return [*shown, (await kept.find("a=1")).page]

    monkeypatch.setattr(snapshots, "taken", of_link)
    assert apart(lambda: asyncio.run(run())) == [b"old", b"old", b"old", b"new", b"new", b"new"]
    assert made == 5, "each page once for each edition, the first one included"


def test_an_edition_is_the_version_and_every_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editions = set()
    for place, cell in enumerate("123"):
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / "gpus.csv").write_text(f"a,{min(cell, '2')}")
        monkeypatch.setattr(assets, "data_dir", lambda folder=folder: folder)
        editions.add(assets.edition())
    assert len(editions) == 2 and all(edition.startswith(version("llmplan")) for edition in editions)


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def of_link(_: Any, link: str) -> Snapshot:
        return Snapshot(bytes(100), link.encode(), "tag", True, ())

    async def run() -> Snapshots:
        kept = Snapshots(forks_of("tables"), Cores(), most_bytes=1_000)
        for place in range(2_000):
            await kept.find(f"{place:04d}")
        await asyncio.sleep(0)
        return kept

    monkeypatch.setattr(snapshots, "taken", of_link)
    kept = apart(lambda: asyncio.run(run()))
    assert [link for _, link in kept._kept] == [f"{place}" for place in range(1_991, 2_000)]
    assert not kept._first and not kept._making and not kept._tasks


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

    async def of_link(_: Any, link: str, whole: bool = False, background: object = None) -> Snapshot:
        assert whole == (background is not None), "readers come before what is added at rest"
        if not whole:
            return Snapshot(b"page", b"", "part", False, ("a=1", "a=2"))
        await asyncio.sleep(REST_SECONDS)
        taken.append(link)
        return Snapshot(b"page", b"tables", "whole", True, ("a=1", "a=2"))

    async def run() -> Snapshots:
        loop: Any = asyncio.get_running_loop()
        once = loop._run_once

        def counted() -> None:
            nonlocal turns
            turns += 1
            once()

        monkeypatch.setattr(loop, "_run_once", counted)
        kept = Snapshots(forks_of("tables"), Cores())
        kept.prepare()
        while len(taken) < 3:
            await asyncio.sleep(REST_SECONDS)
        return kept

    monkeypatch.setattr(snapshots, "taken", of_link)
    monkeypatch.setattr(snapshots, "PREPARED_PAGES", 2)
    apart(lambda: asyncio.run(run()))
    assert taken == ["", "a=1", "a=2"]
    assert turns < 200, f"{turns} turns of the loop while three snapshots rested"


def test_a_reader_is_told_when_a_page_fails_in_a_way_that_nobody_foresaw(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> Snapshot:
        raise ZeroDivisionError("unforeseen")

    async def run() -> None:
        kept = Snapshots(forks_of("tables"), Cores())
        for _ in range(2):
            with pytest.raises(Unavailable):
                await asyncio.wait_for(kept.find("a=1"), LONGEST_SECONDS)

    monkeypatch.setattr(snapshots, "taken", broken)
    apart(lambda: asyncio.run(run()))
    assert "unforeseen" in caplog.text


RESTING = """from llmplan.app.widgets.html import at_rest
from llmplan.app.widgets.layout import stack
from llmplan.app.widgets.parts import HtmlView
def line(done):
    return "all is done" if done == 3 else at_rest("go on", 1, done, f"{done} done")
def go_on(name, value):
    state["done"] += 1
    shown.show(line(state["done"]))
state = {"done": 0}
shown, hidden = HtmlView(line(0), on_action=go_on), HtmlView(line(0), on_action=lambda *_: 1 / 0)
stack([shown])"""


@pytest.mark.server
def test_a_page_is_sent_as_it_stands_and_then_with_its_work_at_rest_done(tmp_path: Path) -> None:
    async def run() -> list[tuple[bool, str]]:
        forks = Forks(demo_notebook(tmp_path, RESTING))
        forks.start()
        try:
            while not forks.ready:
                await asyncio.sleep(REST_SECONDS)
            found = [await snapshots.taken(forks, "", whole) for whole in (False, True)]
            return [(each.whole, gzip.decompress(each.page).decode("latin-1")) for each in found]
        finally:
            await forks.close()

    (early, first), (late, then) = apart(lambda: asyncio.run(run()))
    assert (early, late) == (False, True)
    assert "0 done" in first and "all is done" in then and "0 done" not in then, "what is hidden is not sent"


BESIDE = """import os, time
from llmplan.app.aside import Aside
from llmplan.app.widgets.layout import stack
from llmplan.app.widgets.parts import HtmlView
def work():
    time.sleep(2)
    yield os.getppid()
def act(name, value):
    if name == "work":
        aside.ask("it", work, lambda found: shown.show("beside" if found() == os.getpid() else "alone"))
    else:
        shown.show("at once")
aside, shown = Aside(), HtmlView("", on_action=act)
stack([shown])"""


@pytest.mark.server
def test_a_session_answers_while_it_works_at_rest(tmp_path: Path) -> None:
    async def run() -> list[bytes]:
        forks = Forks(demo_notebook(tmp_path, BESIDE))
        forks.start()
        try:
            while not forks.ready:
                await asyncio.sleep(REST_SECONDS)
            child = await forks.child("session", "")
            await child.send(STATES)
            states: Any = content_of(cast(bytes, await child.receive()))["data"]
            view = next(key for key, each in states["states"].items() if each["state"].get("kind") == "html")
            await child.send(asking(view, {"action": "work", "rest": True}))
            await child.send(asking(view, {"action": "other", "seq": 2}))
            heard = [cast(bytes, await child.receive())]
            while heard[-1] != RESTED:
                heard.append(cast(bytes, await child.receive()))
            child.end()
            return heard
        finally:
            await forks.close()

    said = apart(lambda: asyncio.run(asyncio.wait_for(run(), LONGEST_SECONDS)))
    shown = [word for each in said for word in (b"at once", b"beside") if word in each]
    assert shown == [b"at once", b"beside"], "who moves a slider waits for no work at rest"


def test_work_at_rest_is_finished_however_slow_the_clock_says_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0.0, 1_000.0)
    left = iter(range(5, -1, -1))

    def work(view: Any, *_rest: Any) -> None:
        steps = next(left)
        view.html = f'<p data-action="work" data-rest="1">{steps}</p>' if steps else "<p>done</p>"

    view = SimpleNamespace(html='<p data-action="work" data-rest="1">more</p>')
    monkeypatch.setattr(session.View, "_receive", work)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    session.finish_work([view])
    assert view.html == "<p>done</p>"
