"""What a visitor may send and what may die under the server: nothing of it stops the page. Loopback, seconds each."""

import gzip
import json
import os
import random
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from conftest import demo_notebook
from frames import STATES, asking, content_of, get, post, start, states_of, websocket
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from llmplan.app.server.limits import FewRecords, Hosts
from llmplan.app.server.pipe import Pipe
from llmplan.app.server.settings import whole_number
from llmplan.app.server.snapshots import link_of
from llmplan.app.server.wire import BUNDLE, PROTOCOL, Asked, FrameError, for_widgets, join, split
from llmplan.errors import InputError
from tools.browser import free_port, server_command, serving

pytestmark = pytest.mark.server
ENDED = 4001
TOKEN = "secret-of-the-test"
IMPATIENT = """from llmplan.app.server import forks, limits
forks.FORK_SECONDS, forks.PAUSES, limits.MAX_WAITING_PER_ADDRESS = 1, (0.1,), 128"""
"""Given to the server under attack: a frozen process is given up after a second, a dead one replaced at once."""
HUGE = struct.pack("<Q", 2**62)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, psutil.Process]]:
    """A server of our own, since it is hit hard: its address and process."""
    with serving(demo_notebook(tmp_path_factory.mktemp("attacked")), first=IMPATIENT) as (url, process):
        start(url)
        yield url, psutil.Process(process.pid)


TAKE = """import numpy
from llmplan.app.widgets.parts import HtmlView
def take(name, value):
    page.kept = numpy.ones(300_000_000)
page = HtmlView('free', on_action=take)
page"""


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, psutil.Process]]:
    """A server with little room: five sessions of 64 MB, in a folder with a long name."""
    folder = tmp_path_factory.mktemp("narrow")
    deep = folder / ("d" * 90)
    deep.mkdir()
    limits = {"TMPDIR": str(deep), "LLMPLAN_MAX_KERNELS": "5", "LLMPLAN_KERNEL_MEMORY_MB": "64"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setenv(name, value)
        with serving(demo_notebook(folder, TAKE)) as (url, process):
            until(lambda: get(f"{url}/healthz")[0] == 200, 60)
            yield url, psutil.Process(process.pid)


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that asks for a token: its address and its log."""
    folder = tmp_path_factory.mktemp("secret")
    log = folder / "log"
    with log.open("w") as out, serving(demo_notebook(folder), "--token", TOKEN, log=out) as (url, _):
        yield url, log


def zygote_of(server: psutil.Process) -> psutil.Process:
    return next(child for child in server.children() if "zygote" in " ".join(child.cmdline()))


def until(true: Callable[[], object], limit_seconds: float = 10) -> None:
    limit = time.monotonic() + limit_seconds
    while not true():
        assert time.monotonic() < limit, "it did not come about in time"
        time.sleep(0.05)


@contextmanager
def opened(url: str, key: str | None = None) -> Iterator[ClientConnection]:
    """Open a connection whose session has answered; a broken one is no error at the end."""
    with (
        suppress(ConnectionClosed),
        connect(websocket(url, key), subprotocols=[PROTOCOL], max_size=None) as page,
    ):
        page.send(STATES)
        page.recv(timeout=30)
        yield page


# ---------------------------------------------------------------- frames


@pytest.mark.parametrize(
    "frame",
    [
        HUGE,
        HUGE + bytes(64),
        struct.pack("!i", 2**31 - 1) + bytes(64),
        b"",
        b"\x00" * 7,
        struct.pack("<Q", 0) + bytes(64),
        struct.pack("<8Q", 6, 64, 60, 70, 80, 90, 100, 0),
        struct.pack("<8Q", 6, 64, 2**40, 2**40, 2**40, 2**40, 2**40, 0),
        "text",
    ],
)
def test_a_hostile_frame_ends_its_connection_only(
    served: tuple[str, psutil.Process], frame: bytes | str
) -> None:
    url, _ = served
    with opened(url) as page, opened(url) as other:
        page.send(frame)
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=5)
        other.send(STATES)
        assert other.recv(timeout=5)


@pytest.mark.parametrize("protocols", [None, ["jupyter"], ["v1"]])
def test_only_the_one_protocol_is_spoken(
    served: tuple[str, psutil.Process], protocols: list[str] | None
) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(websocket(served[0]), subprotocols=protocols):
        pass
    assert refused.value.response.status_code == 400


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        parts = split(data, 16)
    except FrameError:
        return
    assert sum(map(len, parts)) <= len(data) and len(parts) <= 16


@given(st.lists(st.binary(max_size=40), max_size=16))
def test_a_frame_is_read_as_it_was_written(parts: list[bytes]) -> None:
    assert split(join(parts), 16) == parts


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=9))
def test_frames_sent_together_arrive_as_one_where_the_page_asked_for_that(frames: list[bytes]) -> None:
    for bundles in (False, True):
        reads, writes = os.pipe()
        pipe = Pipe(reads, writes)
        pipe.bundles = bundles
        with pipe.together():
            for each in frames:
                pipe.send(each)
        os.close(writes)
        found = []
        while (frame := pipe.receive()) is not None:
            found.append(frame)
        os.close(reads)
        if bundles and len(frames) > 1:
            assert len(found) == 1 and split(found[0], 10) == [BUNDLE, *frames]
        else:
            assert found == frames


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"set": {"queries_per_day": 1}}, Asked.NOW),
        ({"rest": True}, Asked.NOW),
        ({"ahead": {"queries_per_day": 1}, "rest": True}, Asked.AT_REST),
        ({"action": "weigh", "rest": True}, Asked.AT_REST),
        ({"action": "compute"}, Asked.NOW),
    ],
)
def test_what_nobody_waits_for_yet_takes_a_turn_at_rest(asked: dict[str, object], expected: Asked) -> None:
    assert for_widgets(asking("w1", asked)) is expected


def test_bits_flipped_in_a_real_frame_are_read_or_refused() -> None:
    whole, chance = asking("w1", {"set": {"a": 1}}), random.Random(0)
    for _ in range(500):
        hurt = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            hurt[chance.randrange(len(hurt))] ^= 1 << chance.randrange(8)
        try:
            for_widgets(bytes(hurt))
        except FrameError:
            continue


@pytest.mark.parametrize(
    "content",
    [
        {"comm_id": "w1", "data": {"method": "update", "state": {"html": "x" * 1000}}},
        {"comm_id": ["w1"], "data": {"method": "custom"}},
        {"comm_id": "w1", "data": "custom"},
        {"comm_id": "w1"},
    ],
)
def test_a_page_sets_no_state_and_opens_no_widget(content: object) -> None:
    parts = [b"shell", b'{"msg_type":"comm_msg"}', b"{}", b"{}", json.dumps(content).encode()]
    assert not for_widgets(join(parts))
    assert not for_widgets(join([b"shell", b'{"msg_type":"comm_open"}', b"{}", b"{}", b"{}"]))


@pytest.mark.parametrize("content", [b"[" * 30_000, b"{", b'"text"', b'{"a":' * 9_000, b" " * 70_000 + b"{}"])
def test_deep_broken_and_long_json_is_refused(content: bytes) -> None:
    with pytest.raises(FrameError):
        for_widgets(join([b"shell", b'{"msg_type":"comm_msg"}', b"{}", b"{}", content]))


def test_a_thousand_large_messages_are_not_kept(served: tuple[str, psutil.Process]) -> None:
    url, server = served
    with opened(url) as page:
        newest = max(zygote_of(server).children(), key=lambda child: child.create_time())
        before = newest.memory_full_info().uss
        for _ in range(300):
            page.send(asking("w3", {"action": "none", "value": "x" * 60_000}, [b"x" * 200_000]))
        page.send(STATES)
        while "update_states" not in str(content_of(bytes(page.recv(timeout=30)))["data"])[:60]:
            pass
        assert newest.memory_full_info().uss - before < 50e6


# ---------------------------------------------------------------- what dies under it


def test_a_killed_session_is_told_at_once_and_does_not_come_back(served: tuple[str, psutil.Process]) -> None:
    url, server = served
    known = set(zygote_of(server).children())
    key = start(url)
    with opened(url, key) as page:
        (own,) = set(zygote_of(server).children()) - known
        own.kill()
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=3)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == ENDED
    assert get(f"{url}/api/kernels/{key}")[0] == 404


def test_a_dead_zygote_is_replaced_and_sessions_live_on(served: tuple[str, psutil.Process]) -> None:
    url, server = served
    with opened(url) as page:
        first = zygote_of(server)
        first.kill()
        until(lambda: get(f"{url}/healthz")[0] == 503)
        page.send(STATES)
        assert page.recv(timeout=5), "who calculates goes on"
        assert get(url)[0] == 200 and get(f"{url}/snapshot?")[0] == 200, "who reads notices nothing"
        until(lambda: get(f"{url}/healthz")[0] == 200, 60)
    assert zygote_of(server).pid != first.pid
    assert states_of(url)


def test_a_frozen_zygote_holds_nobody_up_and_is_replaced(served: tuple[str, psutil.Process]) -> None:
    url, server = served
    frozen = zygote_of(server)
    frozen.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(post, f"{url}/api/kernels")
        time.sleep(0.3)
        began = time.monotonic()
        assert get(f"{url}/healthz")[0] == 200 and get(url)[0] == 200
        waited = time.monotonic() - began
        assert asked.result(30) == 503
    assert waited < 4, "the event loop waited for the frozen process"
    until(lambda: not frozen.is_running() or frozen.status() == psutil.STATUS_ZOMBIE)
    assert states_of(url)


def test_a_session_s_memory_ends_before_the_machine_s(narrow: tuple[str, psutil.Process]) -> None:
    with opened(narrow[0]) as page:
        page.send(asking("w2", {"action": "take"}))
        answer = content_of(bytes(page.recv(timeout=20)))["data"]["content"]
        assert "could not be computed" in answer["error"]
        page.send(STATES)
        assert "free" in str(content_of(bytes(page.recv(timeout=5))))


# ---------------------------------------------------------------- how many


def sessions_of(url: str) -> int:
    return int(json.loads(get(f"{url}/healthz")[2])["sessions"])


def test_the_limit_holds_under_concurrency_and_is_what_it_says(narrow: tuple[str, psutil.Process]) -> None:
    url, server = narrow
    before = sessions_of(url)
    for _ in range(10):
        assert get(url)[0] == 200
    assert sessions_of(url) == before, "a plain visit takes no session"
    with ThreadPoolExecutor(15) as pool:
        statuses = list(pool.map(post, [f"{url}/api/kernels"] * 15))
    assert sorted(statuses) == [200] * (5 - before) + [503] * (10 + before)
    assert len(zygote_of(server).children()) <= 5 + 2, "five sessions, and snapshots under way"
    assert sessions_of(url) == 5


def test_what_is_left_gives_its_place_back(served: tuple[str, psutil.Process]) -> None:
    url, server = served
    zygote = zygote_of(server)

    def visit(volume: int) -> None:
        """Read a page of its own, calculate on it, leave."""
        query = f"queries_per_day={volume}"
        assert get(f"{url}/?{query}")[0] == get(f"{url}/snapshot?{query}")[0] == 200
        key = start(url, query)
        with opened(url, key):
            assert post(f"{url}/voila/api/shutdown/{key}") == 204

    def held() -> tuple[int, int, int]:
        return sessions_of(url), server.num_fds(), len(zygote.children())

    for volume in range(1_000, 1_010):
        visit(volume)
    time.sleep(0.2)
    before, memory = held(), server.memory_full_info().uss
    for volume in range(2_000, 2_060):
        visit(volume)
    until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))
    assert server.memory_full_info().uss - memory < 60 * 50e3, "a snapshot of some 10 kB, and little else"


# ---------------------------------------------------------------- addresses, names, connections


def test_half_open_connections_make_room(served: tuple[str, psutil.Process]) -> None:
    url, server = served
    port = int(url.rsplit(":", 1)[1])
    quiet = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    try:
        for one in quiet:
            one.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert get(url)[0] == 200
        until(lambda: len([c for c in server.net_connections("tcp") if c.status == "ESTABLISHED"]) < 200)
    finally:
        for one in quiet:
            one.close()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("evil.example:80", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:80", 200),
    ],
)
def test_a_foreign_name_is_refused(served: tuple[str, psutil.Process], host: str, status: int) -> None:
    assert get(served[0], {"Host": host})[0] == status
    assert (host in Hosts("127.0.0.1")) == (status == 200)


def test_allowed_names_are_answered() -> None:
    assert "plan.example:8866" in Hosts("0.0.0.0", ("plan.example",))
    assert "other.example" not in Hosts("0.0.0.0", ("plan.example",))


def test_what_voila_would_tell_about_others_is_not_there(served: tuple[str, psutil.Process]) -> None:
    url, _ = served
    assert get(f"{url}/voila/query/{start(url)}")[0] == 404


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/api/kernels", 405), ("/" + "x" * 9000, 414)]
)
def test_refusals_are_ours(served: tuple[str, psutil.Process], path: str, status: int) -> None:
    got, headers, body = get(served[0] + path)
    assert got == status and b"<h1>llmplan</h1>" in body and b"upyter" not in body and b"ornado" not in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_token_is_asked_for_by_a_page_of_ours(secret: tuple[str, Path]) -> None:
    url, _ = secret
    login = get(url)[2]
    assert b"<h1>llmplan</h1>" in login and b"Token" in login
    assert b"upyter" not in login and b"lp-config" not in login
    alive = get(f"{url}/api/kernels/00000000-0000-0000-0000-000000000000")
    assert b"execution_state" not in alive[2]
    assert b"lp-config" in get(f"{url}/?token={TOKEN}")[2]


def test_the_server_says_nothing_of_its_visitors(secret: tuple[str, Path]) -> None:
    url, log = secret
    for path in (f"/?token={TOKEN}&queries_per_day=4711", f"/nothing?token={TOKEN}"):
        get(url + path)
    for _ in range(50):
        post(f"{url}/api/kernels?token=wrong-secret")
    said = log.read_text()
    assert "secret" not in said and "4711" not in said and "Traceback" not in said
    assert len(said) < 2_000


def test_the_log_is_bounded() -> None:
    few = FewRecords()
    assert sum(few.filter(None) for _ in range(1000)) == 20  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["abc", "-1", "0", "1e3", "9" * 50, "40.5"])
def test_a_setting_that_is_no_number_is_refused_in_words(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMPLAN_MAX_KERNELS", text)
    with pytest.raises(InputError, match="whole number from 1 to 100"):
        whole_number("LLMPLAN_MAX_KERNELS", 40, 1, 100)


# ---------------------------------------------------------------- snapshots


def test_a_snapshot_is_kept_compressed_and_not_sent_twice(served: tuple[str, psutil.Process]) -> None:
    url, _ = served
    link = f"{url}/snapshot?queries_per_day=70000"
    status, headers, packed = get(link, {"Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Encoding"] == "gzip"
    plain = get(link)[2]
    assert gzip.decompress(packed) == plain and b"70,000 a day" in plain
    again = get(link, {"If-None-Match": headers["ETag"]})
    assert again[0] == 304 and again[2] == b""
    assert b"50,000 a day" in get(f"{url}/snapshot?")[2]


def test_a_session_goes_on_where_the_snapshot_stands(served: tuple[str, psutil.Process]) -> None:
    url, _ = served
    query = "queries_per_day=70000"
    snapshot = content_of(get(f"{url}/snapshot?{query}")[2])["states"]
    live = states_of(url, start(url, query))
    assert {key: found["state"] for key, found in snapshot.items()} == live


def test_tables_come_when_they_are_asked_for(served: tuple[str, psutil.Process]) -> None:
    tables = content_of(get(f"{served[0]}/snapshot/tables?")[2])
    assert [table["columns"] for table in tables.values()] == [["size", "cheapest"]]


def test_tokens_are_no_part_of_a_link() -> None:
    assert link_of("token=a&preset=rag&x=&x=2") == "preset=rag&x=&x=2"


def test_a_table_that_is_wrong_ends_the_server_with_one_line(tmp_path: Path) -> None:
    notebook = demo_notebook(
        tmp_path,
        "from llmplan.errors import InputError\nraise InputError('price', 'x', 'is no number', 'mend it')",
    )
    command = server_command(notebook, free_port())
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 2
    assert "price = 'x': is no number; mend it" in done.stderr and "Traceback" not in done.stderr
