"""Figures in another currency: every point moves with its axis, and nothing else does."""

import math

import numpy as np
import pytest

from llmplan.charts.currency import in_currency
from llmplan.charts.style import log_axis, vertical_line
from llmplan.wording import DOLLAR, Currency

EURO = Currency("€", 0.5)


def test_dollars_are_left_as_they_are() -> None:
    figure = {"data": [], "layout": {"yaxis": {"tickprefix": "$"}}}
    assert in_currency(figure, DOLLAR) is figure


def test_a_logarithmic_money_axis_gets_round_ticks_of_its_own() -> None:
    shape, label = vertical_line(50_000, "now")
    level = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 40.0, "y1": 40.0}
    at = {"x": 3.0, "y": math.log10(40), "text": "here"}
    figure = {
        "data": [{"x": np.array([100.0]), "y": np.array([20.0]), "hovertemplate": "%{x:,.0f}: $%{y:,.4~g}"}],
        "layout": {
            "xaxis": log_axis("Queries a day", 100, 1e7),
            "yaxis": log_axis("USD a month", 10, 1e4, tickprefix="$"),
            "shapes": [shape, level],
            "annotations": [label, at],
        },
    }
    shown = in_currency(figure, EURO)
    axis = shown["layout"]["yaxis"]
    assert axis["title"] == "€ a month" and axis["range"] == pytest.approx([math.log10(5), math.log10(5_000)])
    assert axis["ticktext"] == ["€10", "€100", "€1k"] and axis["tickvals"] == [10, 100, 1_000]
    assert shown["layout"]["xaxis"] == figure["layout"]["xaxis"]
    trace = shown["data"][0]
    assert trace["y"] == pytest.approx([10.0]) and trace["x"] == pytest.approx([100.0])
    assert trace["hovertemplate"] == "%{x:,.0f}: €%{y:,.4~g}"
    assert shown["layout"]["shapes"][0] == shape
    assert shown["layout"]["shapes"][1]["y0"] == 20.0 and shown["layout"]["shapes"][1]["x1"] == 1
    assert shown["layout"]["annotations"][0] == label
    assert shown["layout"]["annotations"][1] == {"x": 3.0, "y": pytest.approx(math.log10(20)), "text": "here"}
    assert figure["data"][0]["y"][0] == 20.0, "the figure given is not edited"


def test_bars_whiskers_and_a_second_axis_move_along() -> None:
    figure = {
        "data": [
            {"type": "bar", "orientation": "h", "x": [4.0], "base": [2.0], "y": ["a"]},
            {
                "x": [1.0],
                "y": [8.0],
                "yaxis": "y2",
                "error_x": {"array": [1.0], "arrayminus": np.array([0.5])},
            },
            {"x": [6.0, None], "y": [1.0, 2.0], "hovertemplate": "from %{base:$,.0f}"},
        ],
        "layout": {"xaxis": {"tickprefix": "$", "range": [0, 10]}, "yaxis": {}, "yaxis2": {"title": "n"}},
    }
    bar, whisker, dots = in_currency(figure, EURO)["data"]
    assert (bar["x"], bar["base"], bar["y"]) == ([2.0], [1.0], ["a"])
    assert whisker["y"] == [8.0] and whisker["error_x"]["array"] == [0.5]
    assert whisker["error_x"]["arrayminus"] == pytest.approx([0.25])
    assert dots["x"] == [3.0, None] and dots["hovertemplate"] == "from €%{base:,.0f}"
    assert in_currency(figure, EURO)["layout"]["xaxis"]["range"] == [0, 5]
