"""The dashboard's server: Voila with this project's template, limits, headers and kernels."""

from __future__ import annotations

import errno
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
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import ErrorHandler, GZipContentEncoding
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.handler import TornadoVoilaHandler

from llmplan.app.server.http import (
    AliveHandler,
    LimitedApplication,
    LimitedPage,
    SecurityHeaders,
    ShutdownHandler,
    StaticHandler,
    WidgetOnlyWebsocket,
)
from llmplan.app.server.provisioning import use_forked_kernels
from llmplan.app.server.settings import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_WEBSOCKET_BYTES,
    PING_INTERVAL_MS,
    add_template_path,
    voila_settings,
)
from llmplan.errors import InputError

KERNEL_ID = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"


class DashboardServer(Voila):
    """Voila for one notebook, on sockets that are bound already, with nothing else reachable."""

    sockets: Sequence[socket] = ()

    def init_handlers(self) -> list[Any]:
        """Return the addresses there are: the page, its files, its kernel, the login. All else is a 404.

        Of Voila's own handlers only the page stays, and how a kernel learns its request: files, themes,
        extensions and the front end of JupyterLab are not used here, so they are not served.
        """
        base = self.server_url
        page, *_ = [handler for handler in super().init_handlers() if handler[1] is TornadoVoilaHandler]
        query = (url_path_join(base, rf"/voila/query/{KERNEL_ID}"), RequestInfoSocketHandler)
        return [
            (url_path_join(base, rf"/api/kernels/{KERNEL_ID}/channels"), WidgetOnlyWebsocket),
            (url_path_join(base, rf"/api/kernels/{KERNEL_ID}"), AliveHandler),
            (url_path_join(base, r"/voila/templates/llmplan/static/([\w.-]+)"), StaticHandler),
            (url_path_join(base, rf"/voila/api/shutdown/{KERNEL_ID}"), ShutdownHandler),
            query,
            *self.identity_provider.get_handlers(),
            (url_path_join(base, r"/()"), LimitedPage, page[2]),
            (r".*", ErrorHandler, {"status_code": 404}),
        ]

    def listen(self) -> None:
        """Answer on the bound sockets until interrupted."""
        self.app.add_transform(GZipContentEncoding)
        self.app.add_transform(SecurityHeaders)
        LimitedApplication(self.app)
        server = HTTPServer(self.app, max_header_size=MAX_HEADER_BYTES, max_body_size=MAX_BODY_BYTES)
        server.add_sockets(self.sockets)
        address = self.connection_url.rstrip("/")
        print(f"llmplan dashboard: {address}  (Ctrl+C stops it)", flush=True)
        if self.open_browser:
            Timer(0.5, webbrowser.open, [self.connection_url]).start()
        self.ioloop = IOLoop.current()
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            print("stopped", flush=True)
        finally:
            self.stop()


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
    return config


def serve(
    notebook: Path,
    port: int = 8866,
    host: str = "localhost",
    open_browser: bool = True,
    token: str | None = None,
) -> None:
    """Serve the notebook as a dashboard until interrupted.

    Raises
    ------
    InputError
        The notebook does not exist, or the port is taken or not allowed.
    """
    if not notebook.is_file():
        fix = "run from the project's folder, or install llmplan"
        raise InputError("notebook", notebook.name, "does not exist", fix)
    sockets = bind(host, port)
    add_template_path()
    os.environ["JUPYTER_WIDGETS_ECHO"] = "0"
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    zygote = use_forked_kernels(notebook.resolve())
    app = DashboardServer(config=server_config(port, host, open_browser, token))
    app.config_file_paths = []
    app.sockets = sockets
    app.notebook_path = str(notebook.resolve())
    app.initialize([])
    try:
        app.start()
    finally:
        if zygote:
            zygote.close()
