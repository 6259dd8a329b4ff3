"""Numbers as people read them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.wording import (
    Currency,
    milliseconds,
    money_in,
    parameters,
    share,
    short_volume,
    usd,
    usd_in_full,
    usd_range,
    volume,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0"),
        (0.000032, "$0.000032"),
        (0.0026, "$0.0026"),
        (0.6, "$0.60"),
        (3.2, "$3.20"),
        (950, "$950"),
        (2_250, "$2,250"),
        (9_999.4, "$9,999"),
        (9_999.6, "$10k"),
        (22_500, "$22.5k"),
        (31_499, "$31.5k"),
        (999_600, "$1M"),
        (1_350_000, "$1.35M"),
        (2.5e9, "$2.5B"),
        (-22_500, "-$22.5k"),
        (math.inf, "–"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_usd(value: float | None, text: str) -> None:
    assert usd(value) == text


@given(st.floats(min_value=1e-4, max_value=9e11))
@settings(max_examples=200)
def test_usd_says_the_value_within_its_figures(value: float) -> None:
    text = usd(value).removeprefix("$").replace(",", "")
    scale = {"k": 1e3, "M": 1e6, "B": 1e9}.get(text[-1], 1.0)
    assert float(text.rstrip("kMB")) * scale == pytest.approx(value, rel=0.06)


def test_other_words() -> None:
    assert [volume(31_000), volume(12.5), short_volume(2_500_000), short_volume(100)] == [
        "31,000",
        "12.5",
        "2.5M",
        "100",
    ]
    assert [parameters(8.03), parameters(70.6), parameters(1_030)] == ["8.03B", "70.6B", "1,030B"]
    assert [share(0.954), share(None), milliseconds(85), milliseconds(1_234), milliseconds(None)] == [
        "95%",
        "–",
        "85 ms",
        "1.2 s",
        "–",
    ]


def test_money_is_shown_in_the_currency_set_for_a_while() -> None:
    with money_in(Currency("€", 0.9)):
        assert usd(25_000) == "€22.5k" and usd(-1) == "-€0.90" and usd(None) == "–"
        assert usd_in_full(25_000.4) == "€22,500.36" and usd_in_full(0.0001) == "€9e-05"
    assert usd(25_000) == "$25k" and usd_in_full(1_234.5) == "$1,234.50"


def test_a_range_without_width_is_a_list_price() -> None:
    assert usd_range(3_346, 17_900) == "$3,346 to $17.9k"
    assert usd_range(51, 51) == "list price"
