"""The server without a browser: what it serves, what it refuses, and that nobody can run code on it."""

import gzip
import json
import re
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest
from frames import converse, frame, get, message_types, post, start, websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from llmplan.app.server.assets import RUNTIME_SCRIPTS, STATIC_DIR, loader_source, runtime_files
from llmplan.app.server.http import PageSocket
from llmplan.app.server.server import bind
from llmplan.app.server.settings import voila_settings
from llmplan.app.server.wire import PROTOCOL
from llmplan.app.server.zygote import imported_modules
from llmplan.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def first_page(demo_url: str) -> tuple[Message, str]:
    status, headers, body = get(demo_url)
    assert status == 200
    return headers, body.decode()


def test_the_page_holds_no_code_no_path_and_no_other_host(first_page: tuple[Message, str]) -> None:
    _, html = first_page
    for leak in ("import ", "DemoPage", "sys.path", str(PROJECT), "/tmp", "ipynb", "Traceback"):
        assert leak not in html
    assert re.findall(r"https?://[^\"'\s]+", html) == []
    assert len(html) < 4000


def test_security_headers_stand_on_every_answer(demo_url: str, first_page: tuple[Message, str]) -> None:
    style = get(f"{demo_url}/voila/templates/llmplan/static/style.css")[1]
    missing = get(f"{demo_url}/voila/static/nothing.js")[1]
    for headers in (first_page[0], style, missing):
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe-eval" not in policy and "script-src 'self' " not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers


def test_files_are_compressed_and_cached_for_good(demo_url: str, first_page: tuple[Message, str]) -> None:
    links = re.findall(r'(?:src|href)="(/voila/templates/llmplan/static/[^"]+)"', first_page[1])
    assert len(links) == 9
    assert "/snapshot?" in first_page[1]
    total = 0
    for link in links:
        status, headers, body = get(demo_url + link, {"Accept-Encoding": "gzip"})
        assert status == 200 and headers["Content-Encoding"] == "gzip"
        assert "immutable" in headers["Cache-Control"]
        name = link.split("?")[0].rsplit("/", 1)[1]
        assert gzip.decompress(body) == (STATIC_DIR / name).read_bytes()
        total += len(body)
    assert total < 700_000
    stale = get(f"{demo_url}/voila/templates/llmplan/static/style.css?v=old")[1]
    assert stale["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/demo.ipynb",
        "/voila/files/../../etc/passwd",
        "/voila/files/%2e%2e/%2e%2e/etc/passwd",
        "/voila/files/demo_page.py",
        "/voila/templates/llmplan/static/..%2f..%2f..%2fbase.py",
        "/voila/templates/llmplan/static/../index.html.j2",
        "/voila/templates/llmplan/../../../server.py",
        "/voila/static/../../etc/passwd",
        "/api/contents/demo.ipynb",
        "/api/kernels",
        "/api/sessions",
        "/api/terminals",
        "/voila/tree",
        "/files/demo.ipynb",
    ],
)
def test_no_file_and_no_other_service_is_reachable(demo_url: str, path: str) -> None:
    status, _, body = get(demo_url + path)
    assert status in (302, 400, 403, 404, 405) or b"lp-config" in body
    assert b"DemoPage" not in body and b"root:" not in body and b"def " not in body


def test_over_long_addresses_are_refused(demo_url: str) -> None:
    assert get(f"{demo_url}/?q={'x' * 9000}")[0] == 414


def test_a_page_cannot_choose_template_or_theme(demo_url: str) -> None:
    html = get(f"{demo_url}/?template=lab&theme=dark")[2].decode()
    assert 'class="lp-page' in html and "voila.js" not in html


def test_an_execute_request_over_the_page_s_websocket_does_nothing(demo_url: str, tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    code = f"open({str(proof)!r}, 'w').write('x')"
    request = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
    }
    url = websocket(demo_url)
    control = {"comm_id": "c1", "target_name": "jupyter.widget", "data": {"state": {}}}
    frames = [frame("execute_request", request, channel) for channel in ("shell", "control")]
    frames += [
        frame("inspect_request", {"code": "open", "cursor_pos": 4, "detail_level": 1}),
        frame("complete_request", {"code": "op", "cursor_pos": 2}),
        frame("history_request", {"hist_access_type": "tail", "n": 5, "output": True, "raw": True}),
        frame("debug_request", {"type": "request", "command": "evaluate"}, "control"),
        frame("comm_open", control),
        frame("comm_msg", {"comm_id": "c1", "data": {"method": "request_states"}}),
    ]
    heard = converse(url, frames, 3.0)
    assert message_types(heard) == {"comm_msg"}, "the session answers widget messages, and nothing else"
    assert not proof.exists()
    assert not any(b"demo_page.py" in data or str(PROJECT).encode() in data for data in heard)


def test_a_foreign_origin_gets_no_websocket(demo_url: str) -> None:
    url = websocket(demo_url)
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(url, subprotocols=[PROTOCOL], origin="https://evil.example"),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_another_site_cannot_end_a_session(demo_url: str) -> None:
    kernel = start(demo_url)
    end = f"{demo_url}/voila/api/shutdown/{kernel}"
    assert post(end, {"Origin": "https://evil.example"}) == 403
    assert get(f"{demo_url}/api/kernels/{kernel}")[0] == 200
    assert post(end, {"Origin": demo_url}) == 204
    assert get(f"{demo_url}/api/kernels/{kernel}")[0] == 404


def test_large_bodies_are_refused(demo_url: str) -> None:
    kernel = start(demo_url)
    try:
        status = post(f"{demo_url}/voila/api/shutdown/{kernel}", {}, bytes(3_000_000))
    except OSError:
        status = 400  # the server has hung up on the rest of it
    assert status in (400, 413)
    assert get(f"{demo_url}/api/kernels/{kernel}")[0] == 200


def test_large_websocket_messages_end_the_connection(demo_url: str) -> None:
    url = websocket(demo_url)
    with connect(url, subprotocols=[PROTOCOL]) as socket, pytest.raises(ConnectionClosed):
        socket.send(frame("comm_msg", {"comm_id": "x", "data": "x" * 1_200_000}))
        for _ in range(100):
            socket.recv(timeout=10)


def test_a_taken_port_is_a_clear_error() -> None:
    taken = bind("127.0.0.1", 0)
    port = taken[0].getsockname()[1]
    with pytest.raises(InputError, match=f"already in use.*{port + 1}"):
        bind("127.0.0.1", port)
    for socket in taken:
        socket.close()


def test_voila_json_says_what_the_server_says() -> None:
    written = json.loads((PROJECT / "voila.json").read_text())
    ours = voila_settings()
    assert ours["VoilaConfiguration"].items() <= written["VoilaConfiguration"].items()


class Pinged(PageSocket):
    """The websocket with its pings counted, on no connection."""

    def __init__(self) -> None:
        self.last_ping = self.last_pong = 0.0
        self.ws_connection = self
        self.pings = self.closed = 0

    def ping(self, data: bytes = b"") -> None:
        del data
        self.pings += 1

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        del code, reason
        self.closed += 1


def test_an_answered_connection_stays_and_a_silent_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1, 10))
    clock = SimpleNamespace(time=lambda: float(next(seconds)))
    monkeypatch.setattr("llmplan.app.server.http.IOLoop", SimpleNamespace(current=lambda: clock))
    socket = Pinged()
    for _ in range(3):
        socket.send_ping()
        socket.last_pong = socket.last_ping + 0.1
    assert (socket.pings, socket.closed) == (3, 0)
    socket.send_ping()
    socket.send_ping()
    assert (socket.pings, socket.closed) == (4, 1)
    socket.ws_connection = None
    socket.send_ping()
    assert (socket.pings, socket.closed) == (4, 1)


def test_the_runtime_for_jupyterlab_is_whole() -> None:
    files = runtime_files()
    assert set(files) == {"css", "plotly", "runtime"}
    for name in RUNTIME_SCRIPTS:
        assert (STATIC_DIR / name).read_bytes() in files["runtime"]
    assert len(loader_source()) < 2000 and "export default" in loader_source()


def test_the_notebook_s_imports_are_found(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["import nothing"]},
        {"cell_type": "code", "source": ["import os, json\n", "from llmplan.app import fields"]},
    ]
    notebook = tmp_path / "n.ipynb"
    notebook.write_text(json.dumps({"cells": cells}))
    assert imported_modules(notebook) == ["os", "json", "llmplan.app"]
