"""What a page shows that nobody has touched: worked out once for each link, kept, sent to all."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from llmplan.app.server.forks import Forks, Unavailable
from llmplan.app.server.settings import (
    PREPARED_PAGES,
    RESTING_SECONDS,
    SNAPSHOT_BYTES,
    SNAPSHOT_SECONDS,
    SNAPSHOTS_AT_ONCE,
    SNAPSHOTS_WAITING,
)
from llmplan.app.server.turns import Cores, NewestFirst
from llmplan.app.server.wire import decode

LOG = logging.getLogger("llmplan.app")
MOST_ARRAYS, MOST_BYTES = 2_048, 2**26
NOT_OF_THE_PAGE = frozenset({"token"})


@dataclass(frozen=True)
class Snapshot:
    """Compressed frames: the page as it stands, and the tables behind its charts.

    `tag` names the content; `whole` is False while the page's own work for a resting reader is under way; `near`
    holds the links that are one choice away.
    """

    page: bytes
    tables: bytes
    tag: str
    whole: bool
    near: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.page) + len(self.tables)


def link_of(query: str) -> str:
    """Return a query string as snapshots are kept by: what the page does not read is left out.

    Fields keep their order: of one that stands twice, the page counts the last.
    """
    fields = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, value) for name, value in fields if name not in NOT_OF_THE_PAGE])


Key = tuple[str, str]
"""What a snapshot is kept by: the edition of package and tables, and the link."""


class Snapshots:
    """The snapshots of one notebook, as many as fit."""

    def __init__(self, forks: Forks, cores: Cores, most_bytes: int = SNAPSHOT_BYTES) -> None:
        self._forks, self._cores, self._most_bytes = forks, cores, most_bytes
        self._kept: OrderedDict[Key, Snapshot] = OrderedDict()
        self._first: dict[Key, asyncio.Future[Snapshot]] = {}
        self._places, self._resting = asyncio.Semaphore(SNAPSHOTS_AT_ONCE), NewestFirst()
        self._tasks: set[asyncio.Task[None]] = set()
        self._making: set[asyncio.Task[None]] = set()

    def prepare(self) -> None:
        """Take the first page's snapshot, and of what is one choice away, before anyone asks."""
        for key in [key for key in self._kept if key[0] != self._forks.edition]:
            del self._kept[key]
        self._run(self._prepare())

    async def _prepare(self) -> None:
        with suppress(Unavailable):
            first = await self.find("")
            for link in first.near[:PREPARED_PAGES]:
                while self._making:
                    await asyncio.wait(self._making)
                await self.find(link)

    async def find(self, link: str) -> Snapshot:
        """Return a link's snapshot; who asks for the same one meanwhile waits for the same work.

        Raises
        ------
        Unavailable: too many wait, or it could not be taken.
        """
        key = (self._forks.edition, link)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._first:
            if len(self._first) >= SNAPSHOTS_WAITING:
                raise Unavailable("too many pages are being prepared")
            self._first[key] = asyncio.get_running_loop().create_future()
            making = self._run(self._make(key, self._first[key]))
            self._making.add(making)
            making.add_done_callback(self._making.discard)
        return await asyncio.shield(self._first[key])

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _make(self, key: Key, first: asyncio.Future[Snapshot]) -> None:
        try:
            # Its place is for the page as it stands: what is added at rest, at low priority, keeps nobody waiting.
            async with asyncio.timeout(SNAPSHOT_SECONDS), self._places:
                await self._cores.wait(key)
                found = await taken(self._forks, key[1])
                self._cores.answered(key)
            self._keep(key, found)
            first.set_result(found)
            if not found.whole:
                async with self._resting.turn(), asyncio.timeout(RESTING_SECONDS):
                    self._keep(key, await taken(self._forks, key[1], True, self._cores))
        except Exception as problem:
            if not isinstance(problem, (Unavailable, TimeoutError)):
                LOG.exception("a page could not be prepared")
            if not first.done():
                first.set_exception(Unavailable(str(problem)))
                first.exception()  # whoever asked is told; nobody may be left to ask
            if key in self._kept and not self._kept[key].whole:
                del self._kept[key]  # the next reader has it made anew
        finally:
            self._first.pop(key, None)

    def _keep(self, key: Key, found: Snapshot) -> None:
        self._kept[key] = found
        while sum(kept.size for kept in self._kept.values()) > self._most_bytes and len(self._kept) > 1:
            self._kept.popitem(last=False)


async def taken(forks: Forks, link: str, whole: bool = False, cores: Cores | None = None) -> Snapshot:
    """Have a process of its own take the snapshot of a link: as it stands at once, or with its work at rest done.

    Given a background, the process stands still while readers wait for others.
    """
    child = await forks.child("whole" if whole else "snapshot", link)
    try:
        with nullcontext() if cores is None else cores.background(child.pid):
            page = await child.receive()
        if page is None:
            raise Unavailable("the page could not be prepared")
        content = decode(page, MOST_ARRAYS, MOST_BYTES).content
        tables = b"" if content["partial"] else await child.receive()
        if tables is None:
            raise Unavailable("the page's tables could not be prepared")
    finally:
        child.end()
    return await asyncio.to_thread(_packed, page, tables, content)


def _packed(page: bytes, tables: bytes, content: dict[str, Any]) -> Snapshot:
    packed = gzip.compress(page, 6, mtime=0)
    tag = hashlib.sha256(packed).hexdigest()[:32]
    near = tuple(content["near"])
    return Snapshot(packed, gzip.compress(tables, 6, mtime=0), tag, not content["partial"], near)
