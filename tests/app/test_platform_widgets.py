"""The widgets without a browser: what is sent, what is refused, what a failure shows."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from llmplan.app.fields import Button, Check, MultiSelect, Number, Select, Slider, Text, describe
from llmplan.app.widgets.base import PLAIN_FAILURE, View, call_guarded, guarded
from llmplan.app.widgets.chart_view import ChartView, encode
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.parts import DownloadButton, Entry, HtmlView, Menu, NavBar, UrlState, read_query
from llmplan.errors import InputError

VOLUME = Slider("volume", "Volume", 100, 1e7, log=True, step=1)
FIELDS = (VOLUME, Select("preset", "Preset", (("a", "A"), ("b", "B"))), Button("reset", "Reset"))


class Sent(list[tuple[dict[str, Any], list[Any]]]):
    """Catches what a view sends to the browser."""

    def __init__(self, view: View, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        monkeypatch.setattr(view, "send", lambda content, buffers=None: self.append((content, buffers or [])))


def test_numbers_are_clamped_and_stepped() -> None:
    assert VOLUME.clean(5) == 100
    assert VOLUME.clean(1e12) == 10_000_000
    assert VOLUME.clean(1234.4) == 1234
    assert isinstance(VOLUME.clean(1234.4), int)
    assert Number("share", "Share", 0, 1, step=0.25).clean(0.6) == 0.5
    assert Number("price", "Price", 0, 9).clean(1.2345) == 1.2345


@pytest.mark.parametrize("value", [math.nan, math.inf, "5", None, True, [1], {}])
def test_a_number_field_refuses_what_is_no_number(value: object) -> None:
    with pytest.raises(InputError):
        VOLUME.clean(value)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.floats(), st.integers(), st.text(), st.booleans(), st.none(), st.lists(st.text())))
def test_no_value_whatever_leaves_the_limits(value: object) -> None:
    for field in (
        VOLUME,
        *FIELDS[1:2],
        Check("c", "C"),
        MultiSelect("m", "M", (("a", "A"),)),
        Text("t", "T", 5),
    ):
        try:
            kept = field.clean(value)
        except InputError:
            continue
        if field is VOLUME:
            assert 100 <= kept <= 1e7
        elif isinstance(field, MultiSelect):
            assert set(kept) <= {"a"}
        elif isinstance(field, Text):
            assert len(kept) <= 5


def test_other_fields_keep_to_their_choices() -> None:
    assert MultiSelect("m", "M", (("a", "A"), ("b", "B"))).clean(["b", "x", "a"]) == ["a", "b"]
    assert Text("t", "T", 3).clean("a\x00bcd") == "ab"
    with pytest.raises(InputError, match="choices"):
        FIELDS[1].clean("z")
    with pytest.raises(InputError):
        Check("c", "C").clean(1)
    assert describe(VOLUME)["type"] == "slider"


def test_a_panel_hands_on_cleaned_changes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    panel = ControlPanel(FIELDS, {"volume": 500, "preset": "a", "other": 1}, seen.append)
    sent = Sent(panel, monkeypatch)
    panel._receive(panel, {"set": {"volume": 1e99, "nothing": 1}, "seq": 7}, [])
    assert seen == [{"volume": 10_000_000}]
    assert panel.values == {"volume": 10_000_000, "preset": "a"}
    assert sent[-1][0] == {"kind": "ack", "seq": 7}
    panel._receive(panel, {"set": {"reset": True}, "seq": 8}, [])
    assert seen[-1] == {"reset": True}


def test_a_panel_survives_hostile_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = ControlPanel(FIELDS, {"volume": 500, "preset": "a"}, lambda _: None)
    sent = Sent(panel, monkeypatch)
    for content in (
        None,
        5,
        [],
        {},
        {"set": 5},
        {"set": {"volume": "x"}, "seq": 1},
        {"seq": "a"},
        {"set": {"preset": {}}},
    ):
        panel._receive(panel, content, [])
    assert panel.values == {"volume": 500, "preset": "a"}
    assert "must be a number" in sent[0][0]["error"]
    panel.set_state({"values": {"volume": -1, "preset": "zzz", "more": 1}})
    assert panel.values == {"volume": 100, "preset": "a"}


def test_a_failing_part_says_so_and_leaves_the_rest_alive() -> None:
    bad, good = HtmlView(), HtmlView()
    with guarded(bad):
        raise ValueError("/home/someone/secret.py")
    assert bad.error == PLAIN_FAILURE
    assert good.error == ""
    with guarded(bad):
        raise InputError("volume", 0, "must be above 0", "give 1 or more")
    assert "give 1 or more" in bad.error
    assert call_guarded(bad, lambda: bad.show("back"))
    assert bad.error == ""


def test_a_failing_answer_reaches_the_browser_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def build() -> tuple[str, str, bytes]:
        raise OSError("/var/lib/secret")

    button = DownloadButton("Save", build)
    sent = Sent(button, monkeypatch)
    button._receive(button, {"build": True, "seq": 3}, [])
    assert sent == [({"kind": "ack", "seq": 3, "error": PLAIN_FAILURE}, [])]


def test_html_escapes_plain_text() -> None:
    view = HtmlView("<script>alert(1)</script>")
    assert view.html == "&lt;script&gt;alert(1)&lt;/script&gt;"
    view.show(Markup("<b>{}</b>").format("<i>"))
    assert view.html == "<b>&lt;i&gt;</b>"


def test_html_actions_and_navigation_take_known_values_only() -> None:
    clicks: list[tuple[str, str | None]] = []
    view = HtmlView(on_action=lambda name, value: clicks.append((name, value)))
    view.answer({"action": "sort", "value": "cost"}, [])
    view.answer({"action": 5}, [])
    assert clicks == [("sort", "cost")]
    gone: list[str] = []
    bar = NavBar([("a", "A"), ("b", "B")], "a", gone.append)
    bar.answer({"go": "b"}, [])
    bar.answer({"go": "../etc"}, [])
    assert gone == ["b"] and bar.current == "b"


def test_a_menu_does_what_its_lines_say_within_limits() -> None:
    done: list[str] = []
    menu = Menu(
        "Export",
        [
            Entry("load", "Load", lambda data: f"{len(data)} read", "upload"),
            Entry("csv", "CSV", lambda chosen: ("a.csv", "text/csv", ",".join(chosen).encode()), "file"),
            Entry("parts", "Parts", type="checks", options=(("a", "A"), ("b", "B"))),
            Entry("go", "Go", lambda: done.append("gone")),
        ],
    )
    assert menu.answer({"choose": "load"}, [b"abc"]) == ({"message": "3 read"}, [])
    with pytest.raises(InputError, match="256 kB"):
        menu.answer({"choose": "load"}, [bytes(300_000)])
    answer = menu.answer({"choose": "csv", "chosen": ["b", "../etc", 7]}, [])
    assert answer == ({"filename": "a.csv", "mime": "text/csv"}, [b"b"])
    assert menu.answer({"choose": "go"}, []) == ({}, []) and done == ["gone"]
    for other in ("no such line", "parts", 5):
        assert menu.answer({"choose": other}, []) is None


def test_links_are_read_within_limits() -> None:
    assert read_query("?a=1&b=&a=2") == [("a", "1"), ("b", ""), ("a", "2")]
    assert read_query("a=%3Cscript%3E&=x") == [("a", "<script>"), ("", "x")]
    with pytest.raises(InputError, match="longer"):
        read_query("x" * 5000)
    with pytest.raises(InputError, match="too many"):
        read_query("&".join(f"a{i}=1" for i in range(200)))
    seen: list[dict[str, str]] = []
    state = UrlState(seen.append)
    state.answer({"search": "queries_per_day=5"}, [])
    state.show({"queries_per_day": "5", "name": "a b"})
    assert seen == [{"queries_per_day": "5"}] and state.query == "queries_per_day=5&name=a+b"


def test_arrays_travel_as_small_buffers() -> None:
    coded = encode(
        {"x": np.array([1.5, np.nan]), "n": np.array([1, 2]), "big": np.array([2**40]), "f": math.inf}
    )
    assert coded["x"]["dtype"] == "f4" and coded["x"]["data"].nbytes == 8
    assert coded["n"]["dtype"] == "i4" and coded["big"]["dtype"] == "f8"
    assert coded["f"] is None
    assert encode(np.array(["a", "b"])) == ["a", "b"]
    assert encode(np.zeros((2, 3)))["shape"] == [2, 3]
    labels = ["a"] * 60 + ["b"] * 60
    often = encode({"customdata": labels})["customdata"]
    places = np.frombuffer(often["at"]["data"], f"<{often['at']['dtype']}")
    assert len(often["texts"]) == 2 and [often["texts"][place] for place in places] == labels
    assert encode([*map(str, range(120))]) == [*map(str, range(120))], "each stands once: nothing to save"
    np.testing.assert_allclose(np.frombuffer(coded["x"]["data"], "<f4")[0], 1.5)


def test_a_chart_is_sent_only_when_it_differs() -> None:
    chart, changes = ChartView(), []
    chart.observe(lambda change: changes.append(change), "figure")

    def show(top: float) -> None:
        figure = {"data": [{"type": "scatter", "y": np.array([0.0, top])}], "layout": {}}
        chart.show(figure, title="Rises", alt="A line")

    show(1.0)
    show(1.0)
    show(2.0)
    assert len(changes) == 2


def test_a_chart_s_own_table_is_sent_when_asked_for() -> None:
    chart = ChartView()
    asked: list[int] = []

    def table() -> dict[str, np.ndarray]:
        asked.append(1)
        return {"volume": np.array([1, 2]), "cost": np.array([1.5, np.nan])}

    assert chart.answer({"table": True}, []) is None
    chart.show({"data": []}, title="t", alt="a", table=table)
    assert asked == [] and chart.figure["meta"]["has_table"] is True
    answer = ({"columns": ["volume", "cost"], "lists": [[1, 2], [1.5, None]]}, [])
    assert chart.answer({"table": True}, []) == answer


def test_a_plotly_figure_is_taken_as_it_is() -> None:
    from plotly.graph_objects import Figure, Scatter

    chart = ChartView()
    chart.show(Figure(Scatter(y=np.array([1.0, 2.0]), name="a")), title="t", alt="a")
    assert chart.figure["data"][0]["name"] == "a"
    assert chart.figure["data"][0]["y"]["dtype"] == "f4"


def test_the_kernel_does_not_load_what_the_page_does_not_need() -> None:
    import subprocess
    import sys

    parts = ("controls", "parts", "layout", "chart_view")
    code = f"import sys, {', '.join(f'llmplan.app.widgets.{part}' for part in parts)};"
    code += "print([m for m in ('plotly', 'pandas', 'nbformat', 'jsonschema', 'scipy') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_message_that_comes_again_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed: list[str] = []
    part = HtmlView("x", on_action=lambda name, _: pressed.append(name))
    sent = Sent(part, monkeypatch)
    for seq in (5, 5, 6):
        part._receive(part, {"action": "undo", "value": None, "seq": seq}, [])
    assert pressed == ["undo", "undo"]
    assert [content["seq"] for content, _ in sent] == [5, 5, 6]


def test_a_file_is_sent_again_when_its_answer_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    button = DownloadButton("CSV", lambda: ("a.csv", "text/csv", b"a"))
    sent = Sent(button, monkeypatch)
    for _ in range(2):
        button._receive(button, {"build": True, "seq": 5}, [])
    assert [buffers for _, buffers in sent] == [[b"a"], [b"a"]]
