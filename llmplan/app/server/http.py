"""What the server answers: the page, its snapshots, its files, its session; nothing else is reachable."""

from __future__ import annotations

import gzip
import mimetypes
import uuid
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from jupyter_server.auth.decorator import allow_unauthenticated, ws_authenticated
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.httputil import HTTPHeaders, HTTPServerRequest, responses
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import HTTPError, OutputTransform, RequestHandler, authenticated
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from llmplan.app.server.assets import STATIC_DIR, content_hash
from llmplan.app.server.forks import Forks, Unavailable
from llmplan.app.server.sessions import Full, Session, Sessions, Why
from llmplan.app.server.settings import SECURITY_HEADERS
from llmplan.app.server.snapshots import Snapshots, link_of
from llmplan.app.server.wire import PROTOCOL, Asked, FrameError, for_widgets

FOREVER = "public, max-age=31536000, immutable"
RETRY_SECONDS = 5
BROKEN_PROTOCOL = 1002
READER = "llmplan_reader"
NOTES = {
    401: "That was not the token.",
    404: "There is no such page.",
    405: "That is not possible here.",
    414: "This address is too long. Copy the link again.",
    421: "This server does not answer to that name. Who runs it can allow it: llmplan dashboard --allow-host NAME.",
    503: "This page is being prepared. Please try again in a moment.",
}


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


class Plain(RequestHandler):
    """An answer of this project's own for whatever goes wrong, without a trace of what did."""

    def write_error(self, status_code: int, **named: Any) -> None:
        """Say what is wrong in one line."""
        del named
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        if status_code in (429, 503):
            self.set_header("Retry-After", str(RETRY_SECONDS))
        note = NOTES.get(status_code, responses.get(status_code, "Something went wrong."))
        self.finish(self.settings["pages"].get_template("plain.html.j2").render(note=note))

    def log_exception(self, kind: Any, problem: Any, trace: Any) -> None:
        """Log failures of the server's own, not those of its visitors."""
        if not isinstance(problem, HTTPError):
            super().log_exception(kind, problem, trace)


class Refuse(Plain):
    """Answers everything with one status."""

    def initialize(self, status_code: int = 404) -> None:
        """Take the status."""
        self.set_status(status_code)

    def prepare(self) -> None:
        """Refuse."""
        self.send_error(self.get_status())

    def check_xsrf_cookie(self) -> None:
        """Nothing happens here that would need one."""


@lru_cache(maxsize=64)
def static_file(name: str) -> tuple[bytes, bytes, str]:
    """Return a static file's bytes, its bytes compressed (once), and the hash in its address."""
    path = STATIC_DIR / name
    data = path.read_bytes()
    return data, gzip.compress(data, 9, mtime=0), content_hash(path)


@lru_cache(maxsize=1)
def static_names() -> frozenset[str]:
    """Return the names of the static files."""
    return frozenset(path.name for path in STATIC_DIR.iterdir())


class StaticHandler(Plain):
    """Serves the template's files by name from one flat folder, compressed, cacheable for good."""

    def get(self, name: str) -> None:
        """Send the file; an address without the present hash is served, but not cached."""
        if name not in static_names():
            self.send_error(404)
            return
        data, packed, digest = static_file(name)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        current = self.get_query_argument("v", "") == digest
        self.set_header("Cache-Control", FOREVER if current else "no-cache")
        send_packed(self, data, packed)

    head = get


def send_packed(handler: RequestHandler, data: bytes | None, packed: bytes) -> None:
    """Send compressed bytes to a client that takes them, else the plain ones."""
    handler.set_header("Vary", "Accept-Encoding")
    if "gzip" in handler.request.headers.get("Accept-Encoding", ""):
        handler.set_header("Content-Encoding", "gzip")
        handler.write(packed)
    else:
        handler.write(gzip.decompress(packed) if data is None else data)


def static_url(base_url: str, name: str) -> str:
    """Return a static file's address, with the hash of its content."""
    return f"{base_url}voila/templates/llmplan/static/{name}?v={static_file(name)[2]}"


class Visitor(Plain, JupyterHandler):
    """A handler for visitors who are signed in, where that is asked for."""

    @property
    def sessions(self) -> Sessions:
        """The sessions of this server."""
        found: Sessions = self.settings["sessions"]
        return found


class OwnPagesOnly(Visitor):
    """Takes what this server's own pages post, for which the token of a form would be too late."""

    def check_xsrf_cookie(self) -> None:
        """Refuse another site's page: a browser says where a request comes from."""
        origin = self.request.headers.get("Origin")
        if origin and urlsplit(origin).netloc != self.request.host:
            raise HTTPError(403)


class PageHandler(Visitor):
    """The page: its frame, the same for everyone; what it shows comes as a snapshot."""

    @authenticated
    def get(self) -> None:
        """Send it."""
        link = link_of(self.request.query)
        config = {"baseUrl": self.base_url, "snapshot": f"{self.base_url}snapshot?{link}"}
        template = self.settings["pages"].get_template("frame.html.j2")
        self.set_header("Cache-Control", "no-cache")
        if not self.get_cookie(READER):  # a load balancer keeps a reader with one server by it
            self.set_cookie(READER, uuid.uuid4().hex, path=self.base_url, httponly=True, samesite="Lax")
        self.finish(
            template.render(
                config=config,
                title=self.settings["page_title"],
                static_url=lambda name: static_url(self.base_url, name),
            )
        )

    head = get


class SnapshotHandler(Visitor):
    """What a link shows as long as nobody touches it."""

    @authenticated
    async def get(self, part: str | None = None) -> None:
        """Send it, or say that what the client has is still true."""
        snapshots: Snapshots = self.settings["snapshots"]
        try:
            found = await snapshots.find(link_of(self.request.query))
        except Unavailable:
            self.send_error(503)
            return
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", f'"{found.tag}{"-tables" if part else ""}"')
        if self.check_etag_header():
            self.set_status(304)
            return
        send_packed(self, None, found.tables if part else found.page)

    def compute_etag(self) -> None:
        """Leave the tag as it was set: it names the snapshot, not its compressed bytes."""

    def check_etag_header(self) -> bool:
        """Return whether the client has this content."""
        return self._headers["ETag"] in self.request.headers.get("If-None-Match", "").replace("W/", "")


class StartHandler(OwnPagesOnly):
    """Starts a session; asked by a page that is touched."""

    @authenticated
    async def post(self) -> None:
        """Send the session's key; 503 where all are taken or none can be had just now."""
        try:
            session = await self.sessions.open(link_of(self.request.query))
        except (Full, Unavailable) as problem:
            self.set_status(503)
            self.set_header("Retry-After", str(RETRY_SECONDS))
            self.finish({"full": isinstance(problem, Full)})
            return
        self.set_header("Cache-Control", "no-store")
        self.finish({"id": session.key})


class AliveHandler(Visitor):
    """Says whether a page's session is still there, and nothing else about it."""

    @authenticated
    def get(self, kernel_id: str) -> None:
        """Send its state, or 404."""
        if self.sessions.find(kernel_id) is None:
            self.send_error(404)
            return
        self.set_header("Cache-Control", "no-store")
        self.write({"execution_state": "idle"})


class ShutdownHandler(OwnPagesOnly):
    """Ends a page's session when the page is left; asked by `navigator.sendBeacon`."""

    @authenticated
    def post(self, kernel_id: str) -> None:
        """End the session; one that is gone already is no error."""
        self.sessions.end(kernel_id, Why.ENDED)
        self.set_status(204)


class HealthHandler(Plain):
    """Whether a visitor could be served now: for load balancers and supervisors."""

    def get(self) -> None:
        """Send 200, or 503 while there is no process to fork sessions from."""
        forks: Forks = self.settings["forks"]
        sessions: Sessions = self.settings["sessions"]
        self.set_header("Cache-Control", "no-store")
        self.set_status(200 if forks.ready else 503)
        self.write({"status": "ok" if forks.ready else "starting", "sessions": len(sessions)})

    head = get


class LoginPage(Plain, LoginFormHandler):
    """Asks for the token."""

    def _render(self, message: dict[str, str] | None = None) -> None:
        note = NOTES[401] if message else ""
        template = self.settings["pages"].get_template("plain.html.j2")
        self.finish(template.render(note=note, xsrf=self.xsrf_token.decode(), ask_token=True))


class LogoutPage(Visitor):
    """Forgets who asks."""

    @allow_unauthenticated
    def get(self) -> None:
        """Clear the cookie and go to the page, which asks again."""
        self.identity_provider.clear_login_cookie(self)
        self.redirect(self.base_url)


class PageSocket(Plain, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """A page's websocket: widget messages in, its session's frames out."""

    session: Session | None = None
    ping_callback: PeriodicCallback | None = None
    last_ping = 0.0

    def get_compression_options(self) -> dict[str, int]:
        """Compress, lightly: what a page shows is mostly text, and a slider's answer must not wait."""
        return {"compression_level": 1, "mem_level": 8}

    def set_default_headers(self) -> None:
        """None: this is no page."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Speak the one protocol there is."""
        return PROTOCOL if PROTOCOL in subprotocols else None

    @ws_authenticated
    async def get(self, kernel_id: str) -> None:
        """Connect a page of ours with its session."""
        asked = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if PROTOCOL not in [name.strip() for name in asked]:
            raise HTTPError(400)
        self.session = self.settings["sessions"].find(kernel_id)
        if self.session is None:
            raise HTTPError(404)
        await super().get(kernel_id)

    def open(self, *arguments: Any, **named: Any) -> None:
        """Take the place of the page's earlier connection."""
        super().open(*arguments, **named)
        if self.session is not None:
            earlier, self.session.page = self.session.page, self
            if earlier is not None:
                earlier.close()

    async def on_message(self, message: str | bytes) -> None:
        """Pass a widget's message on; hang up on anything that is no frame."""
        try:
            wanted = for_widgets(message)
        except FrameError:
            self.close(BROKEN_PROTOCOL)
            return
        if not isinstance(message, bytes) or self.session is None:
            return
        if wanted is Asked.AT_REST:
            self.settings["sessions"].at_rest(self.session, message)
        elif wanted is Asked.NOW:
            await self.session.send(message)

    async def show(self, frame: bytes) -> None:
        """Send a frame; waits for a page that is slow."""
        try:
            await self.write_message(frame, binary=True)
        except WebSocketClosedError:
            return

    def on_close(self) -> None:
        """Leave the session without a page; it waits a while for the next one."""
        if self.session is not None and self.session.page is self:
            self.session.page = None

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


def page_templates() -> Environment:
    """Return the templates of the server's pages."""
    return Environment(loader=FileSystemLoader(STATIC_DIR.parent), autoescape=True)
