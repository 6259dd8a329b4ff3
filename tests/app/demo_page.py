"""A small page with every kind of part, for the platform's own tests."""

import time

import numpy as np
from markupsafe import Markup

from llmplan.app.fields import Button, Check, MultiSelect, Number, Select, Slider, Text
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import columns, page, stack, toolbar
from llmplan.app.widgets.parts import DownloadButton, Entry, HtmlView, Menu, NavBar, UrlState

QUERIES_PER_DAY = np.logspace(2, 7, 120)
DEFAULTS = {"queries_per_day": 50_000, "price": 2.5, "share": 0.25, "preset": "chat", "models": ["a"]}
FIELDS = (
    Slider("queries_per_day", "Queries a day", 100, 1e7, "/day", log=True, step=1, group="Workload"),
    Slider("share", "Cached share", 0, 1, step=0.01, percent=True, group="Workload"),
    Number("price", "Price", 0, 100, "USD", group="Workload"),
    Select("preset", "Preset", (("chat", "Support chat"), ("rag", "RAG"))),
    MultiSelect("models", "Models", (("a", "Model A"), ("b", "Model B"))),
    Check("spare", "Spare replica"),
    Text("title", "Title", 40),
    Button("break_chart", "Break the chart"),
    Button("be_slow", "Be slow"),
)


class DemoPage:
    """Controls on the left; an answer, a chart and a map on the right."""

    def __init__(self) -> None:
        self.values = {**DEFAULTS, "spare": True, "title": ""}
        self.broken = False
        self.controls = ControlPanel(FIELDS, self.values, self.change)
        self.answer, self.curve, self.map = HtmlView(live=True), ChartView(), ChartView()
        self.url = UrlState(self.open_link)
        self.nav = NavBar([("one", "One"), ("two", "Two")], "one", self.go)
        save = DownloadButton("Save CSV", lambda: ("demo.csv", "text/csv", b"a,b\n1,2\n"))
        load = Menu("File", [Entry("load", "Load", lambda data: f"{len(data)} bytes read", "upload")])
        self.refresh()
        parts = [self.answer, toolbar([save, load, self.url]), columns([self.curve, self.map])]
        self.root = stack([self.nav, page(self.controls, parts)])

    def go(self, key: str) -> None:
        self.values["title"] = key
        self.refresh()

    def open_link(self, fields: dict[str, str]) -> None:
        known = {field.key: field for field in FIELDS}
        for key, text in fields.items():
            if key == "queries_per_day":
                self.values[key] = known[key].clean(float(text))
            if key == "page":
                self.nav.current = text
        self.controls.show(self.values)
        self.refresh()

    def change(self, changes: dict[str, object]) -> None:
        if "be_slow" in changes:
            time.sleep(1.2)
        self.broken = self.broken or "break_chart" in changes
        self.values |= {key: value for key, value in changes.items() if key in self.values}
        self.refresh()

    def refresh(self) -> None:
        volume = self.values["queries_per_day"]
        with guarded(self.answer):
            text = Markup('<p class="lp-answer">{:,.0f} a day, {}</p>')
            self.answer.show(text.format(volume, self.values["title"] or "no title"))
        with guarded(self.curve):
            self.curve.show(self.figure(), title="The API is cheaper", alt="Two lines", what="Cost by volume")
        with guarded(self.map):
            cheapest = np.add.outer(np.arange(8), np.arange(10)) % 3
            figure = {"data": [{"type": "heatmap", "z": cheapest, "showscale": False}], "layout": {}}
            table = {"size": [1, 2], "cheapest": ["API", "=own"]}
            self.map.show(figure, title="Map", alt="A map", table=lambda: table)
        self.url.show({"queries_per_day": f"{volume:g}"})

    def figure(self) -> dict[str, object]:
        if self.broken:
            raise ValueError("/secret/place is missing")
        cost = QUERIES_PER_DAY * (1 + self.values["share"]) * float(self.values["price"]) / 100
        stairs = np.ceil(QUERIES_PER_DAY / 1e5) * 2_000 * (1 + self.values["share"])
        edge = {"line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
        traces = [
            {"y": cost * 0.8, **edge},
            {"y": cost * 1.2, **edge, "fill": "tonexty", "fillcolor": "@1/0.2"},
            {"y": cost, "name": "API"},
            {"y": stairs, "name": "Own", "line": {"shape": "hv", "dash": "dash"}},
        ]
        here = self.values["queries_per_day"]
        mark = {"type": "line", "x0": here, "x1": here, "y0": 0, "y1": 1, "yref": "paper"}
        layout = {
            "xaxis": {"type": "log", "title": "Queries a day", "range": [2, 7]},
            "yaxis": {"type": "log", "title": "USD a month", "range": [0, 6]},
            "shapes": [mark],
        }
        lines = [{"type": "scatter", "mode": "lines", "x": QUERIES_PER_DAY, **trace} for trace in traces]
        points = {
            "mode": "markers",
            "x": np.array([1e3, 1e4, 1e5]) * (1 + self.values["share"]),
            "y": [10, 100, 1000],
            "marker": {"size": [6, 9, 6]},
            "error_y": {"array": [5, 20, 0], "width": 0},
        }
        return {"data": [*lines, {"type": "scatter", **points}], "layout": layout}
