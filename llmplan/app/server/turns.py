"""Work that nobody waits for takes turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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
