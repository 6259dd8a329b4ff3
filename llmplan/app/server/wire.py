"""Messages between a page and its session: frames of Jupyter's websocket protocol, version 1.

A frame is a count, that many offsets (64 bit, little endian) and then the parts between the offsets:
channel, header, parent header, metadata, content, buffers. On the way between processes the length of the
frame stands before it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate, pairwise
from typing import Any

from llmplan.app.server.settings import MAX_WEBSOCKET_BYTES

PROTOCOL = "v1.kernel.websocket.jupyter.org"
BUNDLE = b"bundle"
"""In place of a channel: the parts are frames."""
CHANNELS = frozenset({b"shell", b"iopub", b"control", b"stdin"})
WORD, LENGTH = 8, 4
FIXED_PARTS, MAX_BUFFERS = 5, 8
MAX_HEADER_BYTES = 4_096
MAX_CONTENT_BYTES = 65_536
"""A page sends values and names; a file travels as a buffer."""
METHODS = frozenset({"custom", "request_states"})
"""What a page may ask of a widget: its own message, or what it shows. State is set by Python only."""


class FrameError(ValueError):
    """A frame that breaks the protocol."""


@dataclass(frozen=True)
class Message:
    """One message: its type, its JSON content, its binary buffers."""

    kind: str
    content: dict[str, Any]
    buffers: tuple[bytes, ...] = ()
    channel: str = "iopub"


def join(parts: Sequence[bytes]) -> bytes:
    """Return the frame of these parts."""
    offsets = list(accumulate((len(part) for part in parts), initial=WORD * (len(parts) + 2)))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def split(frame: bytes, most_parts: int) -> list[bytes]:
    """Return a frame's parts.

    Raises
    ------
    FrameError: the count is not between 1 and what fits, or offsets descend or leave the frame.
    """
    if len(frame) < WORD:
        raise FrameError("too short")
    (count,) = struct.unpack_from("<Q", frame)
    if not 1 <= count <= min(len(frame) // WORD - 1, most_parts + 1):
        raise FrameError(f"{count} offsets")
    offsets = struct.unpack_from(f"<{count}Q", frame, WORD)
    ends = (WORD * (count + 1), *offsets, len(frame))
    if any(first > then for first, then in pairwise(ends)):
        raise FrameError("offsets out of order")
    return [frame[first:then] for first, then in pairwise(offsets)]


def encode(message: Message) -> bytes:
    """Return the frame of a message to a page."""
    header = {"msg_type": message.kind}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, {}, {}, message.content)]
    return join([message.channel.encode(), *parts, *message.buffers])


def bundle(frames: Sequence[bytes]) -> bytes:
    """Return one frame that holds others: a page takes an answer of many parts in a third of the time."""
    return join([BUNDLE, *frames])


def decode(frame: bytes, most_buffers: int = MAX_BUFFERS, most_bytes: int = MAX_CONTENT_BYTES) -> Message:
    """Return the message in a frame; FrameError for what is none, or larger than a page's messages are."""
    parts = split(frame, FIXED_PARTS + most_buffers)
    if len(parts) < FIXED_PARTS or parts[0] not in CHANNELS:
        raise FrameError("not a message on a channel")
    header, content = _json(parts[1], MAX_HEADER_BYTES), _json(parts[4], most_bytes)
    kind = header.get("msg_type")
    if not isinstance(kind, str):
        raise FrameError("no message type")
    return Message(kind, content, tuple(parts[FIXED_PARTS:]), parts[0].decode())


def _json(part: bytes, most_bytes: int) -> dict[str, Any]:
    if len(part) > most_bytes:
        raise FrameError(f"a part of {len(part)} bytes")
    try:
        value = json.loads(part)
    except (ValueError, RecursionError):
        raise FrameError("not JSON") from None
    if not isinstance(value, dict):
        raise FrameError("not a JSON object")
    return value


AT_REST = frozenset({"action", "ahead"})
"""What a message at rest asks for that takes a turn of its own: work, or what the reader may ask for next."""


class Asked(IntEnum):
    """What a page's frame is: nothing that its session takes, something that a reader waits for, work at rest."""

    NOTHING = 0
    NOW = 1
    AT_REST = 2


def for_widgets(frame: bytes | str) -> Asked:
    """Return what a page's frame asks of its session; what is nothing is dropped.

    Raises
    ------
    FrameError: no frame of the protocol: its sender is no page of ours.
    """
    if not isinstance(frame, bytes) or len(frame) > MAX_WEBSOCKET_BYTES:
        raise FrameError("not a binary frame within the limit")
    return asked_of(decode(frame))


def asked_of(message: Message) -> Asked:
    """Return what a page's message asks of its session."""
    data = message.content.get("data")
    asks = (
        (message.channel, message.kind) == ("shell", "comm_msg")
        and isinstance(message.content.get("comm_id"), str)
        and isinstance(data, dict)
        and data.get("method") in METHODS
    )
    if not asks or not isinstance(data, dict):
        return Asked.NOTHING
    asked = data.get("content")
    at_rest = isinstance(asked, dict) and asked.get("rest") is True and not AT_REST.isdisjoint(asked)
    return Asked.AT_REST if at_rest else Asked.NOW


RESTED = b""
"""In place of a frame to a page: a session has done what was asked of it at rest."""


def working(pid: int) -> bytes:
    """Return, in place of a frame to a page: the process that does now what was asked at rest."""
    return pid.to_bytes(LENGTH, "little")


def worker_of(frame: bytes) -> int | None:
    """Return the process that a session names in place of a frame to a page."""
    return int.from_bytes(frame, "little") if len(frame) == LENGTH else None


def prefixed(frame: bytes) -> bytes:
    """Return the frame as it travels between processes."""
    return len(frame).to_bytes(LENGTH, "little") + frame
