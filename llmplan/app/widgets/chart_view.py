"""One Plotly chart in the browser, fed with float32 arrays; no plotly in the kernel."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import traitlets as t

from llmplan.app.widgets.base import Answer, View
from llmplan.charts.style import NOTHING_HEIGHT, nothing_figure
from llmplan.export.slides import Picture

Table = Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]
INT32 = np.iinfo(np.int32)
MANY_TEXTS = 64


def plain_cell(value: Any) -> Any:
    """Return a table's cell as JSON can hold it: not a number becomes null."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def encode_array(values: np.ndarray[Any, Any]) -> dict[str, Any] | list[Any]:
    """Return an array as the browser takes it: numbers as raw little-endian bytes, anything else as a list.

    Floats travel as float32 (7 significant digits: more than a screen shows), integers exactly.
    """
    if values.dtype.kind == "f":
        kind = "f4"
    elif values.dtype.kind in "iu" and (
        values.size == 0 or (INT32.min <= values.min() and values.max() <= INT32.max)
    ):
        kind = "i4"
    elif values.dtype.kind in "iu":
        kind = "f8"
    else:
        return encode_list(values.tolist())
    raw = np.ascontiguousarray(values, dtype=f"<{kind}")
    return {"dtype": kind, "shape": list(values.shape), "data": memoryview(raw.tobytes())}


def encode_list(values: Sequence[Any]) -> dict[str, Any] | list[Any]:
    """Return a list as the browser takes it: texts that come again and again once each, and which stands where."""
    if len(values) >= MANY_TEXTS and all(type(item) is str for item in values):
        places = {text: place for place, text in enumerate(dict.fromkeys(values))}
        if len(places) <= len(values) / 2:
            return {"texts": list(places), "at": encode_array(np.array([places[text] for text in values]))}
    return [encode(item) for item in values]


def encode(value: Any) -> Any:
    """Return a figure, or a part of one, as JSON-able values with arrays as buffers; NaN becomes null."""
    if type(value) in (str, int, bool) or value is None:  # most of a figure: no further questions
        return value
    if isinstance(value, np.ndarray):
        return encode_array(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        if "bdata" in value and "dtype" in value:
            return encode_array(decode_base64(value))
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, memoryview)):
        return encode_list(value)
    return value


def decode_base64(value: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return the array that a Plotly `Figure` holds in its base64 form."""
    flat = np.frombuffer(base64.b64decode(value["bdata"]), dtype=f"<{value['dtype']}")
    shape = value.get("shape")
    return flat.reshape([int(n) for n in str(shape).split(",")]) if shape else flat


def plotly_json(figure: Any) -> Mapping[str, Any]:
    """Return a figure as a mapping: Plotly's own `Figure` and a plain `{"data", "layout"}` both do."""
    if hasattr(figure, "to_plotly_json"):
        plain: Mapping[str, Any] = figure.to_plotly_json()
        return plain
    if not isinstance(figure, Mapping):
        raise TypeError(f"a figure is a mapping with data and layout, not {type(figure).__name__}")
    return figure


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure with the words and the data that belong to it.

    Attributes
    ----------
    figure: `{"data": [traces], "layout": {...}}` as in Plotly, arrays as numpy, or a Plotly `Figure`.
    title: the finding, as a heading.
    alt: what a reader who cannot see the chart should be told, in a sentence or two.
    what: the "what am I looking at" line.
    table: the data behind the chart, column by column, or a function that returns it when a reader asks for
        it; without it the traces' x and y are listed.
    filename, footnote: of the saved PNG, SVG and CSV; the footnote stands under the saved picture.
    height: of the plot. [px]
    """

    figure: Any
    title: str
    alt: str
    what: str = ""
    table: Table | Callable[[], Table] | None = None
    filename: str = "chart"
    footnote: str = ""
    height: int = 420

    @property
    def words(self) -> dict[str, Any]:
        """Everything beside the figure that the browser is sent."""
        names = ("title", "alt", "what", "filename", "footnote", "height")
        return {name: getattr(self, name) for name in names} | {"has_table": self.table is not None}

    @cached_property
    def encoded(self) -> dict[str, Any]:
        """Everything that the browser is sent."""
        plain = plotly_json(self.figure)
        found = encode({"data": plain["data"], "layout": plain.get("layout", {}), "meta": self.words})
        return dict(found)


def no_chart(title: str, what: str = "", alt: str = "") -> Chart:
    """Return a chart for a part that has nothing to draw: its title says why."""
    return Chart(nothing_figure(), title, alt or f"{title}.", what, height=NOTHING_HEIGHT)


class ChartView(View):
    """A chart with its title, what it shows, its text alternative, its data table and its save buttons.

    Colours may be theme tokens: `@ink`, `@muted`, `@grid`, `@accent`, `@good`, `@bad` and `@1` to `@8`
    (colour-blind-safe series), each with an opacity such as `@1/0.2`; they follow light and dark.
    """

    kind = t.Unicode("chart").tag(sync=True)
    figure = t.Dict().tag(sync=True)
    slides = t.Bool(False).tag(sync=True)
    """Whether the reader may add it to the slides."""
    _table: Table | Callable[[], Table] | None = None
    _on_slide: Callable[[Picture], str] | None = None

    def offer_slides(self, on_slide: Callable[[Picture], str]) -> None:
        """Let the reader add the chart to the slides; `on_slide(picture)` returns what to say."""
        self._on_slide, self.slides = on_slide, True

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Send the data behind the chart, or take its picture for the slides."""
        if content.get("slide") is True and self._on_slide is not None:
            meta = self.figure.get("meta", {})
            data = bytes(buffers[0]) if len(buffers) == 1 else b""
            picture = Picture(meta.get("title", ""), meta.get("alt", ""), meta.get("footnote", ""), data)
            return {"message": self._on_slide(picture)}, []
        if content.get("table") is not True or self._table is None:
            return None
        table = self._table() if callable(self._table) else self._table
        lists = [[plain_cell(item) for item in column] for column in table.values()]
        return {"columns": [str(name) for name in table], "lists": lists}, []

    def show(self, figure: Any, **words: Any) -> None:
        """Draw a `Chart`, or a figure and its words, in place of the last one; nothing is sent that has not changed."""
        chart = figure if isinstance(figure, Chart) else Chart(figure, **words)
        self._table = chart.table
        if chart.encoded != self.figure:
            self.figure = chart.encoded

    def state_of(self, chart: Chart) -> dict[str, Any]:
        """Return the state in which it shows this."""
        return {"figure": chart.encoded}
