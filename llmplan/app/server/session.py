"""A visitor's own process: it holds the page's widgets and answers the page over one pipe."""

from __future__ import annotations

import ctypes
import os
import re
import select
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Any
from urllib.parse import urlencode

import comm
import ipywidgets
from comm.base_comm import BaseComm
from ipywidgets.widgets.widget import _instances, _remove_buffers

from llmplan.app.aside import Aside
from llmplan.app.server.notebook import Shown
from llmplan.app.server.pipe import Pipe
from llmplan.app.server.wire import (
    RESTED,
    Asked,
    FrameError,
    Message,
    asked_of,
    decode,
    encode,
    working,
)
from llmplan.app.widgets.base import View
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.parts import HtmlView, NavBar, UrlState

STATE_OF_WIDGETS = frozenset({"_model_name", "_dom_classes"})
"""Of the widget library's own fields, those that a page needs."""
UNUSED = frozenset({"layout", "tooltip", "tabbable", "comm"})
AT_REST = re.compile(r'data-action="([^"]+)"[^>]*data-rest=')
"""In a view's HTML: work that the page asks for once the reader rests."""
REST_CPU_SECONDS, PATIENT = 45.0, 14
"""The most that a snapshot's work at rest may take, in the processor's own time (a busy machine loses nothing)."""


class PipeComm(BaseComm):
    """What a widget sends through: nowhere until this process has its page.

    Ids are counted, so that every process which did the same has widgets of the same names: what a page
    shows from a snapshot goes on in its session.
    """

    pipe: Pipe | None = None
    _numbers = count(1)

    def __init__(self, **named: Any) -> None:
        super().__init__(**{"comm_id": f"w{next(PipeComm._numbers)}", **named})

    def publish_msg(
        self,
        msg_type: str,
        data: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        buffers: list[bytes] | None = None,
        **keys: Any,
    ) -> None:
        """Send one message to the page."""
        del metadata
        if PipeComm.pipe is not None:
            content = {"comm_id": self.comm_id, "data": data or {}, "target_name": keys.get("target_name")}
            PipeComm.pipe.send(encode(Message(msg_type, content, tuple(bytes(b) for b in buffers or ()))))


def use_pipe_comms() -> None:
    """Have every widget that is made from now on send through `PipeComm`."""
    comm.create_comm = PipeComm


def widgets() -> dict[str, ipywidgets.DOMWidget]:
    """Return the widgets that are there, by id."""
    return {key: found for key, found in _instances.items() if isinstance(found, ipywidgets.DOMWidget)}


def shown_below(outputs: Iterable[Shown]) -> dict[str, ipywidgets.DOMWidget]:
    """Return the widgets that a page of these outputs shows now, by id, in the order in which they were made."""
    there = widgets()
    left, found = [each["model"] for each in outputs if "model" in each], set()
    while left:
        found.add(key := left.pop())
        left += [child.model_id for child in getattr(there[key], "children", ())]
    return {key: each for key, each in there.items() if key in found}


def views(kind: type[Any], among: dict[str, ipywidgets.DOMWidget] | None = None) -> list[Any]:
    """Return the parts of one kind that are there."""
    return [found for found in (among or widgets()).values() if isinstance(found, kind)]


def states(among: dict[str, ipywidgets.DOMWidget] | None = None) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Return what every widget shows, as the page takes it, and the arrays in it."""
    full = {key: {"state": _state(found)} for key, found in (among or widgets()).items()}
    plain, paths, buffers = _remove_buffers(full)
    return {"states": plain, "buffer_paths": paths}, tuple(bytes(buffer) for buffer in buffers)


def _state(found: ipywidgets.DOMWidget) -> dict[str, Any]:
    return {
        key: value
        for key, value in found.get_state().items()
        if key in STATE_OF_WIDGETS or not (key.startswith("_") or key in UNUSED)
    }


def open_link(query: str) -> None:
    """Show what a link asks for: scenario and page."""
    for view in views(UrlState)[:1]:
        if query:
            view.open_link(query)


def serve(pipe: Pipe, query: str) -> None:
    """Answer a page until it is left; what it asks for at rest is done in a process beside this one."""
    open_link(query)
    PipeComm.pipe = pipe
    Aside.forks = sys.platform == "linux"
    owes, told = False, None
    while True:
        if (works := Aside.running) is not None and works is not told:
            pipe.send(working(works.pid))
        told = works
        sources: list[Any] = [*filter(None, [Aside.running]), pipe]
        for source in select.select(sources, [], [])[0]:
            if source is not pipe:
                with pipe.together():
                    Aside.take_next()
            elif (frame := pipe.receive()) is None:
                return
            else:
                owes |= _answer(pipe, frame) is Asked.AT_REST
        give_memory_back()
        if owes and Aside.running is None:
            pipe.send(RESTED)
            owes = False


def _answer(pipe: Pipe, frame: bytes) -> Asked:
    """Answer one frame of a page; return what it was."""
    try:
        message = decode(frame)
    except FrameError:
        return Asked.NOTHING
    comm_id, data = message.content["comm_id"], message.content["data"]
    if data["method"] == "request_states":
        pipe.bundles = data.get("bundles") is True
        plain, buffers = states()
        content = {"comm_id": comm_id, "data": {"method": "update_states", **plain}}
        pipe.send(encode(Message("comm_msg", content, buffers)))
    elif comm_id in widgets():
        asked = {"content": {"data": data}, "buffers": list(message.buffers)}
        with pipe.together():
            comm.get_comm_manager().comms[comm_id].handle_msg(asked)
    return asked_of(message)


def give_memory_back() -> None:
    """Return what a calculation has freed to the system, 2 ms: with 40 readers it would be a gigabyte."""
    with suppress(AttributeError, OSError, TypeError):  # another C library, or none by that name
        ctypes.CDLL(None).malloc_trim(0)


def take_snapshot(pipe: Pipe, query: str, shown: Iterable[Shown], whole: bool) -> None:
    """Send what a page shows that nobody has touched, and the tables behind its charts.

    Where the page would go on working while its reader rests, it is sent as it stands; whole: after that work.
    """
    open_link(query)
    outputs = list(shown)
    if any(AT_REST.search(view.html) for view in views(HtmlView, shown_below(outputs))):
        if not whole:
            _send_page(pipe, outputs, partial=True)
            return
        if hasattr(os, "nice"):
            os.nice(PATIENT)
        finish_work(views(HtmlView, shown_below(outputs)))
    for panel in views(ControlPanel, shown_below(outputs)):
        panel.rest()
    _send_page(pipe, outputs, partial=False)
    charts = views(ChartView, shown_below(outputs))
    tables = {view.model_id: answer[0] for view in charts if (answer := view.answer({"table": True}, []))}
    pipe.send(encode(Message("tables", tables)))


def _send_page(pipe: Pipe, outputs: list[Shown], partial: bool) -> None:
    plain, buffers = states(shown_below(outputs))
    content = {**plain, "outputs": outputs, "partial": partial, "near": near_links()}
    pipe.send(encode(Message("partial" if partial else "snapshot", content, buffers)))


def near_links() -> list[str]:
    """Return the links of what is one choice away: the other pages and the presets."""
    pages = [urlencode({"page": key}) for nav in views(NavBar) for key, _ in nav.pages[1:]]
    choices = [field for panel in views(ControlPanel) for field in panel.spec if field["key"] == "preset"]
    presets = [urlencode({"preset": value}) for field in choices for value, _ in field["options"]]
    return [*presets, *pages]


def finish_work(parts: Iterable[HtmlView]) -> None:
    """Do what the page would ask for while its reader rests, for as long as that may take."""
    limit = time.process_time() + REST_CPU_SECONDS
    for view in parts:
        while (found := AT_REST.search(view.html)) and time.process_time() < limit:
            before = view.html
            View._receive(view, view, {"action": found[1], "value": None}, [])
            if view.html == before:
                break
