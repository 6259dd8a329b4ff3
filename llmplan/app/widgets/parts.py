"""The other parts of a page: HTML, navigation, downloads, menus and the scenario in the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import traitlets as t
from markupsafe import Markup, escape

from llmplan.app.widgets.base import Answer, View, guarded
from llmplan.errors import InputError

MAX_QUERY_CHARACTERS = 4096
MAX_QUERY_FIELDS = 100
MAX_UPLOAD_BYTES = 262_144


class HtmlView(View):
    """A piece of HTML made in Python; text that is not `Markup` is escaped.

    An element with `data-action="name"` (and perhaps `data-value="..."`) calls `on_action(name, value)`
    when it is clicked. `live=True` has screen readers announce changes.
    """

    kind = t.Unicode("html").tag(sync=True)
    repeatable = False
    html = t.Unicode("").tag(sync=True)
    live = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        html: str | Markup = "",
        *,
        on_action: Callable[[str, str | None], None] | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(**traits)
        self._on_action = on_action
        self.show(html)

    def show(self, html: str | Markup) -> None:
        """Show this; build it with `Markup("<b>{}</b>").format(text)`, which escapes the text."""
        self.html = self.state_of(html)["html"]

    def state_of(self, html: str | Markup) -> dict[str, str]:
        """Return the state in which it shows this."""
        return {"html": str(escape(html))}

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Hand a click on."""
        del buffers
        action, value = content.get("action"), content.get("value")
        if self._on_action and isinstance(action, str) and (value is None or isinstance(value, str)):
            self._on_action(action[:100], value[:1000] if value else value)
        return None


class NavBar(View):
    """The one navigation bar; `on_go(key)` is called with a known page's key only."""

    kind = t.Unicode("nav").tag(sync=True)
    brand = t.Unicode("llmplan").tag(sync=True)
    pages = t.List().tag(sync=True)
    current = t.Unicode("").tag(sync=True)

    def __init__(self, pages: Sequence[tuple[str, str]], current: str, on_go: Callable[[str], None]) -> None:
        super().__init__(pages=[list(page) for page in pages], current=current)
        self._keys = {key for key, _ in pages}
        self._on_go = on_go

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Go to a page."""
        del buffers
        key = content.get("go")
        if isinstance(key, str) and key in self._keys:
            self.current = key
            self._on_go(key)
        return None


class DownloadButton(View):
    """A button whose file is built in Python at the click; `build()` returns (filename, mime, bytes)."""

    kind = t.Unicode("download").tag(sync=True)
    label = t.Unicode("Download").tag(sync=True)
    help = t.Unicode("").tag(sync=True)

    def __init__(self, label: str, build: Callable[[], tuple[str, str, bytes]], *, help: str = "") -> None:
        super().__init__(label=label, help=help)
        self._build = build

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Build the file."""
        del buffers
        if content.get("build") is not True:
            return None
        filename, mime, data = self._build()
        return {"filename": filename, "mime": mime}, [data]


File = tuple[str, str, bytes]
"""A file's name, media type and content."""


@dataclass(frozen=True)
class Entry:
    """A line of a menu.

    Attributes
    ----------
    type: file (`act(chosen)` returns a `File`), action (`act()`), upload (`act(data)` returns what to tell the
        reader), link (copies the page's), or checks, whose `options` that are checked are the files' `chosen`.
    """

    key: str
    label: str
    act: Callable[..., Any] | None = None
    type: str = "action"
    help: str = ""
    options: tuple[tuple[str, str], ...] = ()
    accept: str = ".toml"

    @property
    def described(self) -> dict[str, Any]:
        """The line as the browser takes it."""
        names = ("key", "label", "type", "help", "options", "accept")
        return {name: getattr(self, name) for name in names} | {"max_bytes": MAX_UPLOAD_BYTES}


class Menu(View):
    """Things to save, open and do, under one name."""

    kind = t.Unicode("menu").tag(sync=True)
    repeatable = False
    label = t.Unicode("").tag(sync=True)
    entries = t.List().tag(sync=True)

    def __init__(self, label: str, entries: Sequence[Entry]) -> None:
        super().__init__(label=label, entries=[entry.described for entry in entries])
        self._entries = {entry.key: entry for entry in entries}

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Do what a known line says."""
        entry = self._entries.get(str(content.get("choose")))
        if entry is None or entry.act is None:
            return None
        if entry.type == "upload":
            return {"message": entry.act(_within_limit(buffers))}, []
        if entry.type == "file":
            filename, mime, data = entry.act(self._chosen(content.get("chosen")))
            return {"filename": filename, "mime": mime}, [data]
        entry.act()
        return {}, []

    def _chosen(self, asked: Any) -> tuple[str, ...]:
        known = [key for entry in self._entries.values() for key, _ in entry.options]
        return tuple(key for key in known if isinstance(asked, list) and key in asked)


class UploadButton(View):
    """A file chooser; `on_file(data)` gets the bytes and returns what to tell the reader."""

    kind = t.Unicode("upload").tag(sync=True)
    repeatable = False
    label = t.Unicode("Upload").tag(sync=True)
    accept = t.Unicode(".toml").tag(sync=True)
    max_bytes = t.Int(MAX_UPLOAD_BYTES).tag(sync=True)

    def __init__(
        self,
        label: str,
        on_file: Callable[[bytes], str],
        *,
        accept: str = ".toml",
        max_bytes: int = MAX_UPLOAD_BYTES,
    ) -> None:
        super().__init__(label=label, accept=accept, max_bytes=max_bytes)
        self._on_file = on_file

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Take the file."""
        if "upload" not in content or len(buffers) != 1:
            return None
        return {"message": self._on_file(_within_limit(buffers, self.max_bytes))}, []


def _within_limit(buffers: list[Any], max_bytes: int = MAX_UPLOAD_BYTES) -> bytes:
    data = bytes(buffers[0]) if len(buffers) == 1 else b""
    if len(data) > max_bytes:
        limit = f"must be at most {max_bytes // 1024} kB"
        raise InputError("file", f"{len(data)} bytes", limit, "upload a smaller file")
    return data


class UrlState(View):
    """The scenario in the page's address, with a "Copy link" button where no menu has one.

    `on_query(fields)` is called once, before the page is shown, if the address has a query string; of a field
    that stands twice the last counts, and `repeated` names it. `show(fields)` writes the present scenario into
    the address. In JupyterLab, whose address is its own,
    neither happens and the link starts with "?".
    """

    kind = t.Unicode("url").tag(sync=True)
    query = t.Unicode("").tag(sync=True)
    button = t.Bool(True).tag(sync=True)

    def __init__(self, on_query: Callable[[dict[str, str]], None], *, button: bool = True) -> None:
        super().__init__(button=button)
        self._on_query = on_query
        self.repeated: tuple[str, ...] = ()

    def show(self, fields: Mapping[str, str]) -> None:
        """Write these fields into the address."""
        self.error, self.query = "", urlencode(dict(fields))

    def open_link(self, search: str) -> None:
        """Show what a link's query string asks for; where it cannot be read, say why."""
        with guarded(self):
            self._read(search)

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Read the query string the page was opened with."""
        del buffers
        search = content.get("search")
        if isinstance(search, str):
            self._read(search)
        return None

    def _read(self, search: str) -> None:
        pairs = read_query(search)
        counts = Counter(name for name, _ in pairs)
        self.repeated = tuple(name for name, count in counts.items() if count > 1)
        self._on_query(dict(pairs))


def read_query(search: str) -> list[tuple[str, str]]:
    """Return a query string's fields in their order, within limits on length and number.

    Too long or too many is an `InputError`, so that a page can say why it opened with defaults.
    """
    text = search.removeprefix("?")
    if len(text) > MAX_QUERY_CHARACTERS:
        rule = f"is longer than {MAX_QUERY_CHARACTERS} characters"
        raise InputError("link", f"{len(text)} characters", rule, "copy the link again")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise InputError("link", text[:80], "has too many fields", "copy the link again") from None
