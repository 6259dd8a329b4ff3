"""Numbers as people read them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.wording import (
    DOLLAR,
    TODAY,
    Currency,
    capital,
    counted,
    in_unit,
    joined,
    milliseconds,
    number,
    parameters,
    probability,
    share,
    short_volume,
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
        (9_999.6, "$10.0k"),
        (22_500, "$22.5k"),
        (31_499, "$31.5k"),
        (999_600, "$1.00M"),
        (1_350_000, "$1.35M"),
        (2.5e9, "$2.50B"),
        (-22_500, "-$22.5k"),
        (math.inf, "–"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_a_sum_is_short(value: float | None, text: str) -> None:
    assert DOLLAR.short(value) == text


@given(st.floats(min_value=1e-4, max_value=9e11))
@settings(max_examples=200)
def test_a_short_sum_says_the_value_within_its_figures(value: float) -> None:
    text = DOLLAR.short(value).removeprefix("$").replace(",", "")
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


EURO = Currency("€", 0.9)


def test_sums_are_converted_and_carry_their_symbol() -> None:
    assert [EURO.short(25_000), EURO.short(-1), EURO.short(None)] == ["€22.5k", "-€0.90", "–"]
    assert [EURO.full(25_000.4), EURO.full(0.0001), DOLLAR.full(1_234.5)] == [
        "€22,500.36",
        "€0.00009",
        "$1,234.50",
    ]
    assert [DOLLAR.whole(v) for v in (1234.5, 99.994, 0.5, None)] == ["$1,234", "$99.99", "$0.50", "–"]
    assert [DOLLAR.each(v) for v in (0.0000340, 0.00475, 1.5)] == ["$0.0000340", "$0.00475", "$1.50"]
    assert [EURO.change(1_000), EURO.change(-20_000), EURO.change(None)] == ["+€900", "−€18.0k", "–"]
    assert (EURO.amount(25_000), EURO.name, DOLLAR.name) == ("22,500", "€", "USD")


def test_a_range_without_width_is_a_list_price() -> None:
    assert DOLLAR.range(3_346, 17_900) == "$3,346 to $17.9k"
    assert DOLLAR.range(51, 51) == "list price"


def test_labels_of_one_axis_have_as_many_decimals() -> None:
    assert DOLLAR.ticks([0, 2_500, 5_000, 10_000]) == ["$0", "$2.5k", "$5.0k", "$10.0k"]
    assert EURO.ticks([-50, 0, 50]) == ["-€50", "€0", "€50"]


def test_spreadsheets_write_a_currency_as_a_literal() -> None:
    assert EURO.cents_format == '"€"#,##0.00'
    assert Currency("CHF ", 1).ticks_format(10).startswith('[>=1000000]"CHF "#')


@given(st.floats(min_value=1e-9, max_value=1e15), st.integers(1, 6))
@settings(max_examples=200)
def test_a_number_has_no_exponent_and_its_figures(value: float, figures: int) -> None:
    text = number(value, figures)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=10.0 ** (1 - figures), abs=1e-15)


def test_numbers_in_words() -> None:
    assert [number(2e6), number(12_345.0), number(0.00261, 2), number(5.0)] == [
        "2,000,000",
        "12,345",
        "0.0026",
        "5",
    ]
    assert [share(v) for v in (0.334, 0.0344, 0.05, 0, -0.0001)] == ["33%", "3.4%", "5%", "0%", "0%"]
    assert [probability(p) for p in (0, 0.001, 0.5, 0.999, 1)] == ["0%", "<1%", "50%", ">99%", ">99%"]
    assert [counted(1, "replica"), counted(2_000, "GPU")] == ["1 replica", "2,000 GPUs"]
    assert [joined(v) for v in (["a"], ["a", "b"], ["a", "b", "c"], [])] == [
        "a",
        "a and b",
        "a, b and c",
        "nothing",
    ]
    assert capital("own GPUs") == "Own GPUs"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1, TODAY, "today's"),
        (1.5, TODAY, "1.5 × today's"),
        (0.875, "share of reference", "87.5% of reference"),
        (2.5, "USD/GPU-hour", "€2.25/GPU-hour"),
        (2_000_000.0, "queries/day", "2,000,000 queries/day"),
        (3.25, "ratio", "3.25"),
    ],
)
def test_an_input_is_told_with_its_unit(value: float, unit: str, text: str) -> None:
    assert in_unit(value, unit, EURO) == text
