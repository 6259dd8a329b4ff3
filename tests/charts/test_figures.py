"""Figures as plain values: the numbers they draw, and that Plotly takes them."""

import itertools
import math
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from llmplan.charts import decision_map_figure, to_plotly
from llmplan.charts.cost import LABEL_ROOM, _apart
from llmplan.charts.frontier import frontier_figure as quality_figure
from llmplan.charts.frontier import named_points
from llmplan.charts.hardware import fleet_figure, load_figure, memory_figure, waiting_figure
from llmplan.charts.routing import RoutePoint, flow_figure, frontier_figure
from llmplan.charts.sizes import model_size_figure
from llmplan.charts.style import log_axis, tick_text, vertical_line
from llmplan.charts.waterfall import waterfall_figure
from llmplan.kinds import Kind
from llmplan.options import DecisionMap, volume_axis
from llmplan.options.model_sizes import SizePoint
from llmplan.quality.ability import Band
from llmplan.report.frontier import FrontierPoint
from llmplan.wording import DOLLAR, short_volume


def test_ticks_read_as_people_write_them() -> None:
    assert [tick_text(v) for v in (0.001, 0.1, 1, 50, 2_000, 1e6, 2.5e9)] == [
        "0.001",
        "0.1",
        "1",
        "50",
        "2k",
        "1M",
        "2.5B",
    ]
    wide = log_axis("x", 0.1, 1e4, tickprefix="$")
    assert wide["ticktext"] == ["$0.1", "$1", "$10", "$100", "$1k", "$10k"]
    narrow = log_axis("x", 15, 150)
    assert narrow["tickvals"] == [20, 50, 100]
    assert narrow["range"] == pytest.approx([np.log10(15), np.log10(150)])


def test_a_waterfall_ends_where_its_steps_lead() -> None:
    figure = waterfall_figure([("Volume", 400.0), ("Tokens", -150.0)], ("B", 100.0), "A", DOLLAR)
    bars = {trace["name"]: trace for trace in figure["data"]}
    assert bars["total"]["x"] == ["B", "A"] and bars["total"]["y"].tolist() == [100, 350]
    assert (bars["dearer"]["base"][0], bars["dearer"]["y"][0]) == (100, 400)
    # A bar of a saving hangs from where the cost was to where it is.
    assert (bars["cheaper"]["base"][0], bars["cheaper"]["y"][0]) == (350, 150)
    assert bars["cheaper"]["text"] == ["−$150"]


def test_a_waterfall_without_steps_has_two_equal_ends() -> None:
    bars = waterfall_figure([], ("B", 80.0), "A", DOLLAR)["data"]
    assert [bar["y"].tolist() for bar in bars] == [[80, 80]]


def test_memory_adds_up_to_the_card() -> None:
    rows = [
        {"part": "weights", "gib": 50.0, "note": "a"},
        {"part": "KV cache in use", "gib": 20.0, "note": "b"},
        {"part": "kept back", "gib": 10.0, "note": "c"},
    ]
    figure = memory_figure(rows, 80.0, "card")
    assert sum(trace["x"][0] for trace in figure["data"]) == 80.0
    assert figure["layout"]["shapes"][0]["x0"] == 80.0


def test_too_large_a_model_runs_past_the_edge_of_the_card() -> None:
    rows = [{"part": "weights", "gib": 100.0, "note": ""}, {"part": "missing", "gib": 20.0, "note": ""}]
    figure = memory_figure(rows, 80.0, "card")
    assert [trace["name"] for trace in figure["data"]] == ["weights"]
    assert figure["layout"]["xaxis"]["range"][1] > 100


def test_the_load_axis_holds_band_points_and_target() -> None:
    x = np.array([1.0, 10.0, 100.0])
    measured = (np.array([5.0]), np.array([900.0]), ["a source"])
    figure = load_figure(x, x * 2, x, x * 3, "ttft_ms", measured, limit=2_000.0, present=10.0)
    low, high = figure["layout"]["yaxis"]["range"]
    assert 10**low < 1 and 10**high > 2_000
    assert [trace.get("name") for trace in figure["data"][2:]] == [
        "predicted, band p10 to p90",
        "measured",
        "target: 2,000 ms",
    ]


def test_the_fleet_is_a_bar_an_hour_under_what_is_rented() -> None:
    figure = fleet_figure(np.full(24, 3.0), np.full(24, 100.0), 5.0)
    assert figure["data"][0]["y"].shape == (24,)
    assert figure["data"][1]["y"].tolist() == [5, 5]


def test_waiting_is_dotted_beyond_the_formulas_range_and_gone_at_saturation() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    ttft = np.array([[1.0, 2.0, 4.0, np.inf], [2.0, 4.0, 8.0, np.inf]])
    figure = waiting_figure(x, (50, 95), ttft, np.array([True, True, False, False]), limit=10.0, present=2.0)
    inside, outside, late, _, target = figure["data"]
    assert (inside["name"], late["name"]) == ("50 % start within", "95 % start within")
    assert inside["y"].tolist() == [1, 2]
    assert outside["y"].tolist() == [2, 4]
    assert outside["line"]["dash"] == "dot"
    assert target["y"].tolist() == [10, 10]
    assert figure["layout"]["shapes"][0]["x0"] == 2


def test_flows_carry_their_queries() -> None:
    flows = [
        {"source": "queries", "target": "router", "queries_per_day": 100.0, "monthly_usd": 1.0},
        {"source": "router", "target": "w", "queries_per_day": 70.0, "monthly_usd": 20.0},
        {"source": "router", "target": "s", "queries_per_day": 30.0, "monthly_usd": 50.0},
    ]
    trace = flow_figure(flows, "w", "s", DOLLAR)["data"][0]
    assert trace["link"]["value"] == [100, 70, 30]
    assert trace["node"]["label"] == ["queries", "router", "w<br>70%<br>$20/month", "s<br>30%<br>$50/month"]


def test_the_frontier_names_its_points_and_draws_the_floor() -> None:
    point = RoutePoint("now", 20.0, 0.9, "star", "@5")
    frontier = [{"monthly_usd": 10.0, "quality": 0.8, "share_weak": 1.0}]
    figure = frontier_figure(np.array([10.0, 30.0]), np.array([0.8, 1.0]), frontier, [point], 0.95, DOLLAR)
    assert figure["data"][-1]["name"] == "now"
    assert figure["layout"]["shapes"][0]["y0"] == 0.95


def test_sizes_out_for_another_reason_are_open() -> None:
    points = [
        SizePoint("self_hosted", "a", "a on x", 8.0, 1.0, 2.0, 3.0, True, ""),
        SizePoint("self_hosted", "b", "b on x", 70.0, 2.0, 4.0, 6.0, False, "too weak"),
    ]
    figure = model_size_figure(points, [("api", 1.5)], "month", money=DOLLAR)
    symbols = [trace["marker"]["symbol"] for trace in figure["data"] if trace["mode"] == "markers"]
    assert symbols == ["circle", "circle-open"]
    assert "too weak" in figure["data"][1]["text"][0]


def test_plotly_takes_a_figure_and_its_colours() -> None:
    figure = to_plotly(waterfall_figure([("x", 5.0)], ("B", 1.0), "A", DOLLAR), "Why")
    assert figure.layout.title.text == "Why"
    assert figure.data[0].marker.color == "rgba(22,32,44,0.75)"


def test_a_picture_without_its_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plotly.io._kaleido.kaleido_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"pip install.*kaleido"):
        to_plotly(waterfall_figure([("x", 5.0)], None, "A", DOLLAR)).to_image()


def test_the_parts_of_a_bill_need_no_legend() -> None:
    figure = waterfall_figure([("x", 5.0), ("y", 1.0)], None, "A month", DOLLAR)
    assert [trace["name"] for trace in figure["data"]] == ["total", "part"]
    assert figure["layout"]["showlegend"] is False


@pytest.mark.parametrize("now", [100.0, 3e3, 2e4, 5e4, 1e5, 8e6])
def test_the_present_volume_crosses_no_cost_of_the_map(now: float) -> None:
    """A cost is some 0.3 decades wide on either side of its middle on a tablet; the line's name stands on its right."""
    volumes = volume_axis(41)
    kind, usd = np.zeros((1, 41), int), np.full((1, 41), 1234.0)
    shown = SimpleNamespace(queries_per_day=volumes, model_ids=("m",), kind=kind, monthly_usd=usd)
    found = cast("DecisionMap", shown)
    texts = decision_map_figure(found, now, {"m": "M"}, DOLLAR)["data"][0]["text"][0]
    away = np.log10(volumes[[bool(text) for text in texts]] / now)
    assert len(away) >= 4 and np.diff(away) == pytest.approx(1)
    assert not ((away > -0.3) & (away < 0.55)).any()


def test_a_label_near_the_end_of_the_axis_stands_before_its_line() -> None:
    anchors = [vertical_line(x, "now", end=1e7)[1]["xanchor"] for x in (1e4, 1e6, 5e6, 1e7)]
    assert anchors == ["left", "left", "right", "right"]


def test_labels_of_crossings_stand_clear_of_one_another_and_none_stands_twice() -> None:
    volumes = (42e3, 45e3, 1.2e6, 3.1e6, 3.26e6, 3.34e6)
    labels = _apart([{"x": math.log10(x), "text": short_volume(float(f"{x:.2g}"))} for x in volumes])
    assert [label["text"] for label in labels] == ["42k", "45k", "1.2M", "3.1M", "3.3M"]
    for one, other in itertools.combinations(labels, 2):
        assert one["yshift"] != other["yshift"] or abs(one["x"] - other["x"]) > LABEL_ROOM


def test_names_of_the_frontier_have_room_and_stand_once() -> None:
    def point(label: str, usd: float, success: float) -> FrontierPoint:
        band = Band(success - 0.1, success, success + 0.1)
        found = {
            "monthly_usd": usd,
            "success": band,
            "meets_floor": None,
            "on_frontier": True,
            "runs_today": False,
        }
        return FrontierPoint(option_id=label, label=label, kind=Kind.API, **found)

    cheap, low, mid = point("cheap", 20, 0.3), point("a, low effort", 300, 0.5), point("b", 2_000, 0.6)
    beside, best = point("c-that-is-long", 3_000, 0.62), point("a, high effort", 50_000, 0.7)
    points = [cheap, low, mid, beside, best]
    assert named_points(points) == [4, 3], (
        "best first; b would lie in c's name, low is a's second, cheap has no room"
    )
    assert named_points(points, 20, right=0.5) == [4, 3, 0], (
        "centred: b's is hidden by c, and the cheap one has room"
    )
    texts = [name["text"] for name in quality_figure(points, 0.4, DOLLAR)["layout"]["annotations"]]
    assert texts == ["a", "c-that-is-long"]
