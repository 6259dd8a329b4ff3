"""What stands before every handler: addresses, host names, connections, the log."""

from __future__ import annotations

import ipaddress
import logging
import socket
import time
from collections import OrderedDict
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.web import Application

from llmplan.app.server.settings import (
    HEADER_SECONDS,
    MAX_BODY_BYTES,
    MAX_CONNECTIONS,
    MAX_HEADER_BYTES,
    MAX_URL_CHARACTERS,
    MAX_WAITING_PER_ADDRESS,
)

SPARE_HANDLES = 256
"""Of the handles that the system grants, those kept for sessions and files."""
LOG_RECORDS, LOG_SECONDS = 20, 60.0


class Hosts:
    """The names that this server answers to: another one may be a foreign page that points here."""

    def __init__(self, bound: str, allowed: tuple[str, ...] = ()) -> None:
        own = {"localhost", socket.gethostname().lower(), socket.getfqdn().lower(), bound.lower()}
        self._names = own | {name.strip().lower() for name in allowed if name.strip()}

    def __contains__(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower().rstrip(".")
        if name in self._names or "*" in self._names:
            return True
        try:
            ipaddress.ip_address(name)  # an address needs no name that could be pointed elsewhere
        except ValueError:
            return False
        return True


class GuardedApplication:
    """Answers over-long addresses and foreign host names before any handler sees them."""

    def __init__(self, app: Application, hosts: Hosts, refuse: type[Any], server: BoundedServer) -> None:
        self._find, self._app = app.find_handler, app
        self._hosts, self._refuse, self._server = hosts, refuse, server
        app.find_handler = self.find_handler

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return the handler, or one that answers 414 or 421."""
        self._server.answering(request)
        if len(request.uri or "") > MAX_URL_CHARACTERS:
            return self._app.get_handler_delegate(request, self._refuse, {"status_code": 414})
        if request.host not in self._hosts:
            return self._app.get_handler_delegate(request, self._refuse, {"status_code": 421})
        return self._find(request, **kwargs)


class BoundedServer(HTTPServer):
    """Keeps connections that ask for nothing few and short."""

    def initialize(self, *arguments: Any, **named: Any) -> None:
        """Set the limits."""
        super().initialize(
            *arguments,
            max_header_size=MAX_HEADER_BYTES,
            max_body_size=MAX_BODY_BYTES,
            idle_connection_timeout=HEADER_SECONDS,
            body_timeout=HEADER_SECONDS,
            **named,
        )
        self._waiting: OrderedDict[IOStream, str] = OrderedDict()
        self._open: set[IOStream] = set()
        self._most = min(MAX_CONNECTIONS, handles() - SPARE_HANDLES)

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Take a connection; the oldest that waits makes room for it."""
        origin = str(address[0])
        same = [known for known, place in self._waiting.items() if place == origin]
        if len(same) >= MAX_WAITING_PER_ADDRESS:
            self._drop(same[0])
        if len(self._open) >= self._most:
            self._drop(next(iter(self._waiting), stream))
        if stream.closed():
            return
        self._open.add(stream)
        self._waiting[stream] = origin
        super().handle_stream(stream, address)

    def _drop(self, stream: IOStream) -> None:
        self._open.discard(stream)
        self._waiting.pop(stream, None)
        stream.close()

    def on_close(self, server_conn: Any) -> None:
        """Forget a connection that is closed, or has become a websocket."""
        self._open.discard(server_conn.stream)
        self._waiting.pop(server_conn.stream, None)
        super().on_close(server_conn)

    def answering(self, request: HTTPServerRequest) -> None:
        """Note that a connection has sent a request."""
        self._waiting.pop(getattr(request.connection, "stream", None), None)

    def answered(self, handler: Any) -> None:
        """Note that it has its answer; nothing is logged of it: addresses hold scenarios and tokens."""
        stream = getattr(handler.request.connection, "stream", None)
        if stream in self._open:
            self._waiting[stream] = handler.request.remote_ip or ""


def handles() -> int:
    """Return how many files and connections this process may hold, after asking for the most there are."""
    try:
        import resource
    except ImportError:
        return MAX_CONNECTIONS
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if most == resource.RLIM_INFINITY else min(most, 65_536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return wanted


class FewRecords(logging.Filter):
    """Lets so many records through a minute: a flood of requests is no flood of log."""

    def __init__(self) -> None:
        super().__init__()
        self._since, self._count = time.monotonic(), 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether this record is written."""
        del record
        now = time.monotonic()
        if now - self._since > LOG_SECONDS:
            self._since, self._count = now, 0
        self._count += 1
        return self._count <= LOG_RECORDS
