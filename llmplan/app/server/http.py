"""Tornado pieces around Voila: headers on every answer, files that are compressed once, limits."""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import Application, ErrorHandler, HTTPError, OutputTransform, RequestHandler, authenticated
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import (
    VoilaKernelWebsocketHandler,
    read_header_from_binary_message,
)

from llmplan.app.server.assets import STATIC_DIR, content_hash
from llmplan.app.server.settings import MAX_KERNELS, MAX_URL_CHARACTERS, SECURITY_HEADERS

FOREVER = "public, max-age=31536000, immutable"
FULL = (
    '<!DOCTYPE html><html lang="en"><title>llmplan</title><body><p>Too many dashboards are open on this server. '
    "Please try again in a minute.</p></body></html>"
)
# What a page needs from its kernel. Streams, errors and outputs could carry paths or code: they stay here.
MESSAGES_TO_BROWSER = frozenset(
    ["comm_open", "comm_msg", "comm_close", "status", "comm_info_reply", "kernel_info_reply"]
)


class SecurityHeaders(OutputTransform):
    """Puts the security headers on every answer, whichever handler wrote it."""

    def __init__(self, request: HTTPServerRequest) -> None:
        del request

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Set the headers."""
        del finishing
        for name, value in SECURITY_HEADERS.items():
            headers[name] = value
        headers.pop("Server", None)
        return status_code, headers, chunk


@lru_cache(maxsize=64)
def static_file(name: str) -> tuple[bytes, bytes, str]:
    """Return a static file's bytes, its bytes compressed (once), and the hash in its address."""
    path = STATIC_DIR / name
    data = path.read_bytes()
    return data, gzip.compress(data, 9, mtime=0), content_hash(path)


class StaticHandler(RequestHandler):
    """Serves the template's files by name from one flat folder, compressed, cacheable for good."""

    def get(self, name: str) -> None:
        """Send the file; an address without the present hash is served, but not cached."""
        if name not in {path.name for path in STATIC_DIR.iterdir()}:
            self.send_error(404)
            return
        data, packed, digest = static_file(name)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Vary", "Accept-Encoding")
        current = self.get_query_argument("v", "") == digest
        self.set_header("Cache-Control", FOREVER if current else "no-cache")
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            data = packed
        self.write(data)

    head = get


class LimitedPage(TornadoVoilaHandler):
    """The page, as long as there is room for its kernel."""

    async def get(self, path: str | None = None) -> None:
        """Send the page, or say that too many are open."""
        if len(self.kernel_manager) < MAX_KERNELS:
            await super().get(path)
            return
        self.set_status(503)
        self.set_header("Retry-After", "60")
        self.finish(FULL)


class AliveHandler(JupyterHandler):
    """Says whether a page's kernel is still there, and nothing else about it."""

    @authenticated
    def get(self, kernel_id: str) -> None:
        """Send its state, or 404."""
        if kernel_id not in self.kernel_manager:
            self.send_error(404)
            return
        state = getattr(self.kernel_manager.get_kernel(kernel_id), "execution_state", "unknown")
        self.set_header("Cache-Control", "no-store")
        self.write({"execution_state": state})


class ShutdownHandler(JupyterHandler):
    """Ends a page's kernel when the page is left; asked by `navigator.sendBeacon`."""

    def check_xsrf_cookie(self) -> None:
        """A beacon carries no token: take it from this server's own pages only."""
        origin = self.request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != self.request.host:
            raise HTTPError(403)

    @authenticated
    async def post(self, kernel_id: str) -> None:
        """End the kernel; one that is gone already is no error."""
        if kernel_id in self.kernel_manager:
            await ensure_async(self.kernel_manager.shutdown_kernel(kernel_id, now=True))
        self.set_status(204)


class WidgetOnlyWebsocket(VoilaKernelWebsocketHandler):
    """The kernel's websocket, narrowed to widget messages on the way out as Voila does on the way in."""

    last_ping = 0.0
    ping_callback: PeriodicCallback | None = None

    def get_compression_options(self) -> dict[str, int]:
        """Compress, lightly: a page's first state is mostly text, and a slider's answer must not wait."""
        return {"compression_level": 1, "mem_level": 8}

    def send_ping(self) -> None:
        """Ping, or hang up where the last ping was never answered.

        Jupyter compares the last answer's age with a limit instead, and ends live connections where the limit
        is one interval; Tornado allows none longer.
        """
        if self.ws_connection is None:
            if self.ping_callback is not None:
                self.ping_callback.stop()
            return
        silent = self.last_pong < self.last_ping
        if silent:
            self.close()
            return
        self.ping(b"")
        self.last_ping = IOLoop.current().time()

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Send the message on if its type is one the page needs."""
        header = read_header_from_binary_message(message) if isinstance(message, bytes) else None
        if isinstance(message, dict):
            header = message.get("header")
        if not header or header.get("msg_type") not in MESSAGES_TO_BROWSER:
            return None
        return super().write_message(message, binary)


class LimitedApplication:
    """Refuses requests with an over-long address before any handler sees them."""

    def __init__(self, app: Application) -> None:
        self._find = app.find_handler
        self._app = app
        app.find_handler = self.find_handler

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return the handler, or one that answers 414."""
        if len(request.uri or "") > MAX_URL_CHARACTERS:
            return self._app.get_handler_delegate(request, ErrorHandler, {"status_code": 414})
        return self._find(request, **kwargs)
