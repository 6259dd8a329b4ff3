"""The base of every llmplan widget: messages from the browser in, one answer out, no traceback ever."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import anywidget
import ipywidgets
import traitlets as t

from llmplan.app.server.assets import loader_source, runtime_files
from llmplan.errors import LlmplanError

LOG = logging.getLogger("llmplan.app")
PLAIN_FAILURE = "This part could not be computed with these inputs. The rest of the page is not affected."
LONGEST_MESSAGE = 600
REMEMBERED = 64
"""Numbers of a part's last messages, kept to know one that comes again."""
Answer = tuple[dict[str, Any], list[bytes]]


def plain_message(problem: Exception) -> str:
    """Return what a reader may be told about a failure.

    llmplan's own errors are written for readers. Any other exception could name paths or code, so it is
    logged and replaced.
    """
    if isinstance(problem, LlmplanError):
        return str(problem)[:LONGEST_MESSAGE]
    LOG.error("a part of the dashboard failed", exc_info=problem)
    return PLAIN_FAILURE


@lru_cache(maxsize=1)
def shared_layout() -> ipywidgets.Layout:
    """Return the one layout model of all parts: the style sheet places them, so none needs its own."""
    return ipywidgets.Layout()


def close_widgets() -> None:
    """Close every widget of this process, so that no browser is sent them."""
    ipywidgets.Widget.close_all()
    shared_layout.cache_clear()


class View(anywidget.AnyWidget):
    """One part of a page.

    Subclasses set `kind` (the name of its code in the browser) and may implement `answer`. A message that
    comes again, after a dropped connection, is answered again where `repeatable`, else only acknowledged.
    """

    _esm = t.Unicode(loader_source()).tag(sync=True)
    kind = t.Unicode("").tag(sync=True)
    error = t.Unicode("").tag(sync=True)
    repeatable = True

    def __init__(self, **traits: Any) -> None:
        self._acted: deque[int] = deque(maxlen=REMEMBERED)
        classes = traits.pop("classes", ())
        traits.setdefault("layout", shared_layout())
        super().__init__(**traits)
        for name in classes:
            self.add_class(name)
        self.on_msg(self._receive)

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Do what a message asks; return what the browser should get back, or None."""
        del content, buffers
        return None

    def _receive(self, _widget: Any, content: Any, buffers: list[Any]) -> None:
        """Answer one message from the browser; whatever it holds, the kernel survives it."""
        if not isinstance(content, dict):
            return
        if content.get("kind") == "need-runtime":
            files = runtime_files()
            self.send({"kind": "runtime", "names": list(files)}, buffers=list(files.values()))
            return
        reply: dict[str, Any] = {}
        payload: list[bytes] = []
        seq = content.get("seq")
        try:
            if self.repeatable or seq not in self._acted:
                reply, payload = self.answer(content, buffers) or ({}, [])
        except Exception as problem:
            reply = {"error": plain_message(problem)}
        if isinstance(seq, int):
            self._acted.append(seq)
            self.send({"kind": "ack", "seq": seq, **reply}, buffers=payload or None)


@contextmanager
def guarded(*views: View) -> Iterator[None]:
    """Run a block that updates these views; if it fails they say so in place and nothing else is touched.

    Use one guard for each part that can fail on its own. A block that succeeds clears the message.
    """
    try:
        yield
    except Exception as problem:
        message = plain_message(problem)
        for view in views:
            view.error = message
    else:
        for view in views:
            view.error = ""


def call_guarded(view: View, update: Callable[[], None]) -> bool:
    """Call `update` under a guard for `view`; return whether it succeeded."""
    with guarded(view):
        update()
    return not view.error
