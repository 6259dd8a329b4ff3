"""A page's side of the protocol, for tests: requests, sessions, frames. Loopback only."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Mapping
from email.message import Message

from websockets.sync.client import connect

from llmplan.app.server.wire import PROTOCOL, join


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, Message, bytes]:
    """Return status, headers and body; an error status is an answer too."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=dict(headers or {})), timeout=60
        ) as got:
            return got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def post(url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> int:
    """Return the status of a POST."""
    request = urllib.request.Request(url, body, dict(headers or {}), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as got:
            return int(got.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def start(url: str, query: str = "", limit_seconds: float = 60) -> str:
    """Return the key of a new session; waits for a server that is getting ready."""
    limit = time.monotonic() + limit_seconds
    while True:
        try:
            request = urllib.request.Request(f"{url}/api/kernels?{query}", b"", method="POST")
            with urllib.request.urlopen(request, timeout=30) as got:
                return str(json.load(got)["id"])
        except urllib.error.HTTPError as error:
            full = error.code != 503 or json.load(error)["full"]
            assert not full and time.monotonic() < limit, f"no session: {error.code}"
            time.sleep(0.2)


def websocket(url: str, key: str | None = None) -> str:
    """Return the address of a session's websocket, of a new session where none is given."""
    return f"{url.replace('http', 'ws')}/api/kernels/{key or start(url)}/channels?session_id=s"


def frame(message_type: str, content: object, channel: str = "shell", buffers: Iterable[bytes] = ()) -> bytes:
    """Return a message as the page's websocket takes it."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": message_type, "session": "s", "version": "5.4"}
    parts = [json.dumps(part).encode() for part in (header, {}, {"version": "1.0.0"}, content)]
    return join([channel.encode(), *parts, *buffers])


def asking(comm_id: str, content: Mapping[str, object], buffers: Iterable[bytes] = ()) -> bytes:
    """Return a widget's own message."""
    data = {"method": "custom", "content": {"seq": 1, **content}}
    return frame("comm_msg", {"comm_id": comm_id, "data": data}, buffers=buffers)


STATES = frame("comm_msg", {"comm_id": "c1", "data": {"method": "request_states"}})


def content_of(data: bytes) -> dict[str, object]:
    """Return the content of a message that came over the websocket."""
    offsets = [int.from_bytes(data[8 * (i + 1) : 8 * (i + 2)], "little") for i in range(6)]
    return dict(json.loads(data[offsets[4] : offsets[5]]))


def message_types(heard: Iterable[bytes]) -> set[str]:
    """Return the types of messages that came over the websocket."""
    found = set()
    for data in heard:
        first, then = (int.from_bytes(data[8 * i : 8 * i + 8], "little") for i in (2, 3))
        found.add(str(json.loads(data[first:then])["msg_type"]))
    return found


def converse(url: str, frames: Iterable[bytes], seconds: float) -> list[bytes]:
    """Send frames over a websocket; return all that comes back in this time."""
    heard: list[bytes] = []
    with connect(url, subprotocols=[PROTOCOL], max_size=None) as socket:
        for data in frames:
            socket.send(data)
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            try:
                heard.append(bytes(socket.recv(timeout=left)))
            except TimeoutError:
                break
    return heard


def states_of(url: str, key: str | None = None) -> dict[str, dict[str, object]]:
    """Return what every widget of a session shows, by id."""
    with connect(websocket(url, key), subprotocols=[PROTOCOL], max_size=None) as socket:
        socket.send(STATES)
        data = content_of(bytes(socket.recv(timeout=30)))["data"]
    return {name: found["state"] for name, found in data["states"].items()}
