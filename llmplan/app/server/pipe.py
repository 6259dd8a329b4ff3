"""Frames between two processes, each with its length before it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from llmplan.app.server.wire import LENGTH, bundle, prefixed

TOGETHER_SECONDS = 0.15
"""An answer's parts that take longer than this to make are sent as they come."""


class Pipe:
    """Frames over two file descriptors.

    Attributes
    ----------
    bundles: whether what is sent together goes as one frame.
    """

    bundles = False

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._held: list[bytes] | None = None
        self._held_since = 0.0

    def fileno(self) -> int:
        """Return what `select` waits for: the descriptor that is read."""
        return self._reads

    def send(self, frame: bytes) -> None:
        """Send one frame; BrokenPipeError when the server is gone."""
        if self._held is None:
            self._write(prefixed(frame))
            return
        if not self._held:
            self._held_since = time.monotonic()
        self._held.append(frame)
        if time.monotonic() - self._held_since > TOGETHER_SECONDS:
            self._flush()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what an answer consists of at once, so that a page paints it at once; a slow one still comes in parts."""
        self._held = []
        try:
            yield
        finally:
            self._flush()
            self._held = None

    def _flush(self) -> None:
        held, self._held = self._held or [], []
        if self.bundles and len(held) > 1:
            held = [bundle(held)]
        self._write(b"".join(map(prefixed, held)))

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._writes, left) :]

    def receive(self) -> bytes | None:
        """Return the next frame; None when the server is gone or done with this process."""
        head = self._exactly(LENGTH)
        return None if head is None else self._exactly(int.from_bytes(head, "little"))

    def _exactly(self, size: int) -> bytes | None:
        data = bytearray()
        while len(data) < size:
            chunk = os.read(self._reads, size - len(data))
            if not chunk:
                return None
            data += chunk
        return bytes(data)
