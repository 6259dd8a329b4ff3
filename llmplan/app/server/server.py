"""The dashboard's server: Voila with this project's template, limits, headers and kernels."""

from __future__ import annotations

import errno
import json
import logging
import os
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from socket import (
    AF_INET6,
    AI_PASSIVE,
    IPPROTO_IPV6,
    IPV6_V6ONLY,
    SO_REUSEADDR,
    SOCK_STREAM,
    SOL_SOCKET,
    getaddrinfo,
    socket,
)
from threading import Timer
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop
from tornado.web import GZipContentEncoding
from traitlets.config import Config
from voila.app import Voila

from llmplan.app.server.forks import Forks
from llmplan.app.server.http import (
    AliveHandler,
    HealthHandler,
    LoginPage,
    LogoutPage,
    PageHandler,
    PageSocket,
    Refuse,
    SecurityHeaders,
    ShutdownHandler,
    SnapshotHandler,
    StartHandler,
    StaticHandler,
    page_templates,
)
from llmplan.app.server.limits import BoundedServer, FewRecords, GuardedApplication, Hosts
from llmplan.app.server.sessions import Sessions
from llmplan.app.server.settings import (
    MAX_WEBSOCKET_BYTES,
    PING_INTERVAL_MS,
    add_template_path,
    voila_settings,
)
from llmplan.app.server.snapshots import Snapshots
from llmplan.app.server.turns import Cores
from llmplan.errors import InputError, LlmplanError

KERNEL_ID = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


class DashboardServer(Voila):
    """Voila's configuration, template and sign-in for one notebook; its processes and handlers are ours."""

    sockets: Sequence[socket] = ()
    allowed_hosts: tuple[str, ...] = ()
    had_page = False
    problem: str | None = None

    def init_settings(self) -> dict[str, Any]:
        """Return the application's settings: Voila's, with pages of this project's own."""
        settings: dict[str, Any] = super().init_settings()
        self.identity_provider.login_handler_class = LoginPage
        self.identity_provider.logout_handler_class = LogoutPage
        notebook = Path(self.notebook_path)
        return {**settings, "pages": page_templates(), "page_title": title_of(notebook)}

    def init_handlers(self) -> list[Any]:
        """Return the addresses there are; all else is a 404."""
        addresses = {
            r"/healthz": HealthHandler,
            r"/snapshot(?:/(tables))?": SnapshotHandler,
            r"/api/kernels": StartHandler,
            rf"/api/kernels/{KERNEL_ID}/channels": PageSocket,
            rf"/api/kernels/{KERNEL_ID}": AliveHandler,
            rf"/voila/api/shutdown/{KERNEL_ID}": ShutdownHandler,
            r"/voila/templates/llmplan/static/([\w.-]+)": StaticHandler,
            r"/": PageHandler,
        }
        own = [(url_path_join(self.server_url, path), handler) for path, handler in addresses.items()]
        sign_in = [
            (url_path_join(self.server_url, path), handler)
            for path, handler in self.identity_provider.get_handlers()
        ]
        return [*own, *sign_in, (r".*", Refuse, {"status_code": 404})]

    def listen(self) -> None:
        """Answer on the bound sockets until interrupted."""
        self.forks = Forks(Path(self.notebook_path), self.on_ready)
        cores = Cores()
        self.sessions, self.snapshots = Sessions(self.forks, cores), Snapshots(self.forks, cores)
        self.app.settings |= {"forks": self.forks, "sessions": self.sessions, "snapshots": self.snapshots}
        server = BoundedServer(self.app, xheaders=bool(os.environ.get("LLMPLAN_BEHIND_PROXY")))
        self.app.settings["log_function"] = server.answered
        self.app.add_transform(GZipContentEncoding)
        self.app.add_transform(SecurityHeaders)
        GuardedApplication(self.app, Hosts(self.ip, self.allowed_hosts), Refuse, server)
        server.add_sockets(self.sockets)
        print(f"llmplan dashboard: {self.connection_url.rstrip('/')}  (Ctrl+C stops it)", flush=True)
        if self.open_browser:
            Timer(0.5, webbrowser.open, [self.connection_url]).start()
        self.ioloop = IOLoop.current()
        self.ioloop.add_callback(self.begin)
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            print("stopped", flush=True)
        finally:
            self.ioloop.run_sync(self.finish)
            self.stop()

    async def begin(self) -> None:
        """Get the page ready and take visitors."""
        self.forks.start()
        self.sessions.start()

    def on_ready(self, problem: str | None) -> None:
        """Have the page prepared before its first reader; a server that never had one ends."""
        if problem is not None and not self.had_page:
            self.problem = problem
            self.ioloop.stop()
            return
        self.had_page = True
        self.snapshots.prepare()

    async def finish(self) -> None:
        """End every visitor's process."""
        await self.sessions.close()
        await self.forks.close()


def bind(host: str, port: int) -> list[socket]:
    """Return sockets on the one port asked for; a taken port is an `InputError`, never another port."""
    sockets: list[socket] = []
    absent: OSError | None = None
    try:
        found = getaddrinfo(host or None, port, type=SOCK_STREAM, flags=AI_PASSIVE)
        for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
            try:
                sockets.append(listening_socket(family, address))
            except OSError as problem:
                # "localhost" may name an IPv6 address on a machine that has none.
                if problem.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                absent = problem
        if not sockets and absent:
            raise absent
    except OSError as problem:
        for opened in sockets:
            opened.close()
        raise listening_error(host, port, problem) from None
    return sockets


def listening_socket(family: int, address: Any) -> socket:
    """Return one listening socket, or raise what the system says."""
    made = socket(family, SOCK_STREAM)
    try:
        if os.name != "nt":
            made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        if family == AF_INET6:
            made.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(128)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def listening_error(host: str, port: int, problem: OSError) -> InputError:
    """Return what to tell the user when the port cannot be had."""
    if problem.errno == errno.EADDRINUSE:
        rule = "is already in use by another program"
    elif problem.errno in (errno.EACCES, errno.EPERM):
        rule = "may not be used without administrator rights"
    else:
        rule = f"cannot be used on host {host} ({problem.strerror})"
    fix = f"choose another one: --port {port + 1}, or make dashboard PORT={port + 1}"
    return InputError("port", port, rule, fix)


def server_config(port: int, host: str, open_browser: bool, token: str | None = None) -> Config:
    """Return the whole configuration of a server."""
    config = Config(voila_settings())
    config.Voila.port = port
    config.Voila.ip = host
    config.Voila.open_browser = open_browser
    config.Voila.log_level = logging.DEBUG if os.environ.get("LLMPLAN_DEBUG") else logging.ERROR
    config.Voila.tornado_settings = {
        "websocket_max_message_size": MAX_WEBSOCKET_BYTES,
        "ws_ping_interval": PING_INTERVAL_MS,
        "ws_ping_timeout": PING_INTERVAL_MS,
    }
    if token:
        config.Voila.token = token
    if secret := os.environ.get(
        "LLMPLAN_COOKIE_SECRET"
    ):  # several servers know each other's signed-in readers
        config.Voila.cookie_secret = secret.encode()
    if base := os.environ.get("LLMPLAN_BASE_URL", "").strip("/"):
        config.Voila.base_url = f"/{base}/"
    return config


def title_of(notebook: Path) -> str:
    """Return the title that a notebook gives its page."""
    metadata = json.loads(notebook.read_text(encoding="utf-8")).get("metadata", {})
    return str(metadata.get("title", "llmplan"))


def serve(
    notebook: Path,
    port: int = 8866,
    host: str = "localhost",
    open_browser: bool = True,
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
) -> None:
    """Serve the notebook as a dashboard until interrupted.

    Raises
    ------
    InputError
        The notebook does not exist, or the port is taken or not allowed.
    LlmplanError
        The notebook's page cannot be made, for instance because a table is wrong.
    """
    if not notebook.is_file():
        fix = "run from the project's folder, or install llmplan"
        raise InputError("notebook", notebook.name, "does not exist", fix)
    sockets = bind(host, port)
    add_template_path()
    app = DashboardServer(config=server_config(port, host, open_browser, token))
    app.config_file_paths = []
    app.sockets, app.allowed_hosts = sockets, tuple(allowed_hosts)
    app.notebook_path = str(notebook.resolve())
    app.initialize([])
    for handler in logging.getLogger().handlers + app.log.handlers:
        handler.addFilter(FewRecords())
    app.start()
    if app.problem:
        raise LlmplanError(f"the page cannot be made: {app.problem}")
