"""A figure's money in another currency: its axes, its points and its labels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from llmplan.charts.style import Figure, log_axis
from llmplan.wording import DOLLAR, Currency

AXIS = re.compile(r"[xy]axis\d*")
FORMATTED_BY_DOLLAR = re.compile(r"%\{(\w+):\$")


def in_currency(figure: Mapping[str, Any], currency: Currency) -> Mapping[str, Any]:
    """Return the figure with everything along its money axes in the currency.

    A money axis is one whose ticks carry a dollar sign. Texts that a figure holds already are left alone:
    they were written in the currency.
    """
    layout = figure.get("layout", {})
    money = [key for key in layout if AXIS.fullmatch(key) and _is_money(layout[key])]
    if currency == DOLLAR or not money:
        return figure
    changed: Figure = {key: _axis(layout[key], currency) for key in money}
    for part in ("shapes", "annotations"):
        if part in layout:
            changed[part] = [_placed(item, part, layout, money, currency) for item in layout[part]]
    data = [_trace(trace, money, currency) for trace in figure["data"]]
    return {**figure, "data": data, "layout": {**layout, **changed}}


def _is_money(axis: Mapping[str, Any]) -> bool:
    return axis.get("tickprefix") == "$" or any(text.startswith("$") for text in axis.get("ticktext", ()))


def _axis(axis: Figure, currency: Currency) -> Figure:
    title = str(axis.get("title", "")).replace("USD", currency.symbol)
    if "ticktext" in axis:
        low, high = (10**end * currency.per_usd for end in axis["range"])
        return {**axis, **log_axis(title, low, high, tickprefix=currency.symbol)}
    scaled = {"range": [end * currency.per_usd for end in axis["range"]]} if "range" in axis else {}
    return {**axis, "title": title, "tickprefix": currency.symbol, **scaled}


def _trace(trace: Figure, money: list[str], currency: Currency) -> Figure:
    changed: Figure = {}
    for letter in "xy":
        if trace.get(f"{letter}axis", letter).replace(letter, f"{letter}axis", 1) not in money:
            continue
        if letter in trace:
            changed[letter] = _scaled(trace[letter], currency)
        if "base" in trace and (trace.get("orientation") == "h") == (letter == "x"):
            changed["base"] = _scaled(trace["base"], currency)
        error = trace.get(f"error_{letter}")
        if error:
            sides = {
                side: _scaled(error[side], currency) for side in ("array", "arrayminus") if side in error
            }
            changed[f"error_{letter}"] = {**error, **sides}
    if changed and "hovertemplate" in trace:
        plain = FORMATTED_BY_DOLLAR.sub(r"$%{\1:", trace["hovertemplate"])
        changed["hovertemplate"] = plain.replace("$", currency.symbol)
    return {**trace, **changed}


def _scaled(values: Any, currency: Currency) -> Any:
    if isinstance(values, np.ndarray):
        return values * currency.per_usd
    if isinstance(values, (int, float)):
        return values * currency.per_usd
    return [None if value is None else value * currency.per_usd for value in values]


def _placed(
    item: Figure, part: str, layout: Mapping[str, Any], money: list[str], currency: Currency
) -> Figure:
    changed: Figure = {}
    for letter in "xy":
        key = str(item.get(f"{letter}ref", letter)).replace(letter, f"{letter}axis", 1)
        if key not in money:
            continue
        # Plotly takes an annotation's place on a logarithmic axis as its logarithm, a shape's as it is.
        as_log = part == "annotations" and layout[key].get("type") == "log"
        for end in (letter, f"{letter}0", f"{letter}1"):
            if isinstance(item.get(end), (int, float)):
                value = item[end]
                changed[end] = value + math.log10(currency.per_usd) if as_log else value * currency.per_usd
    return {**item, **changed}
