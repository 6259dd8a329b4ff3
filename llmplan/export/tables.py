"""The tables behind every export, and their CSV."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from llmplan.errors import UnknownNameError
from llmplan.options.frame import option_frame
from llmplan.report.assumptions import AssumptionRow, assumption_rows
from llmplan.report.report import Report

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("options", "shown", "curve", "map", "flips", "assumptions", "sources")
FLIP_HEADS = ("It flips when", "Today", "Then the answer is")
ASSUMPTION_HEADS = ("Assumption", "Value", "Source", "As of")
ASSUMPTIONS_TITLE, SOURCES_TITLE = "What the answer rests on", "Where the numbers come from"
FLIP_COLUMNS = ("below_flips_at", "below_option_id", "above_flips_at", "above_option_id")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Text that begins so is run as a formula by spreadsheets."""


def table(report: Report, name: str) -> pd.DataFrame:
    """Return one of the tables; UnknownNameError for another name."""
    makers = {
        "options": lambda: option_frame(report.comparison),
        "shown": lambda: shown_table(report),
        "curve": lambda: curve_table(report),
        "map": lambda: map_table(report),
        "flips": lambda: flip_table(report),
        "assumptions": lambda: assumption_table(report),
        "sources": lambda: source_table(report),
    }
    if name not in makers:
        raise UnknownNameError("table", name, makers)
    return makers[name]()


def shown_table(report: Report) -> pd.DataFrame:
    """Return the options that the Decision page lists, as of "options"."""
    ids = [report.option(place).option_id for place in report.shown_places]
    return option_frame(report.comparison).set_index("option_id", drop=False).loc[ids].reset_index(drop=True)


def curve_table(report: Report) -> pd.DataFrame:
    """Return monthly USD over volumes: queries_per_day, then low, base, high of each option drawn."""
    import pandas as pd

    columns = {"queries_per_day": report.curves.queries_per_day}
    for number, item in enumerate(report.curves.options.items):
        for side, values in zip(("low", "base", "high"), report.curves.monthly_usd[:, number], strict=True):
            columns[f"{item.option_id} monthly_usd_{side}"] = values
    return pd.DataFrame(columns)


def map_table(report: Report) -> pd.DataFrame:
    """Return the decision map, one row a model and volume: the cheapest option and its cost."""
    import pandas as pd

    shown = report.map
    rows = []
    for row, model_id in enumerate(shown.model_ids):
        for column, queries_per_day in enumerate(shown.queries_per_day):
            place = int(shown.option_place[row, column])
            item = shown.options.items[place] if place >= 0 else None
            rows.append(
                {
                    "model_id": model_id,
                    "total_params_b": float(shown.total_params_b[row]),
                    "queries_per_day": float(queries_per_day),
                    "cheapest_kind": item.kind if item else None,
                    "cheapest_option_id": item.option_id if item else None,
                    "monthly_usd": float(shown.monthly_usd[row, column]),
                }
            )
    return pd.DataFrame(rows)


def flip_table(report: Report) -> pd.DataFrame:
    """Return, for each input, where another kind of option becomes the answer, below and above its value."""
    import pandas as pd

    rows = []
    for row in report.tipping:
        values: dict[str, object] = {"input": row.label, "unit": row.unit, "value": row.base}
        for side, point in (("below", row.below), ("above", row.above)):
            values[f"{side}_flips_at"] = point.shown if point else None
            values[f"{side}_option_id"] = point.option_id if point else None
        rows.append(values | {"searched_from": row.low, "searched_to": row.high, "in_words": row.sentence})
    columns = ["input", "unit", "value", *FLIP_COLUMNS, "searched_from", "searched_to", "in_words"]
    return pd.DataFrame(rows, columns=columns)


def assumption_table(report: Report) -> pd.DataFrame:
    """Return what the answer rests on: name, value in words, source and date."""
    import pandas as pd

    return pd.DataFrame(assumption_rows(report), columns=list(AssumptionRow._fields))


def source_table(report: Report) -> pd.DataFrame:
    """Return the sources of the options shown and of the cost lines."""
    import pandas as pd

    rows = [source.model_dump() for source in report.sources]
    return pd.DataFrame(rows, columns=["source_id", "title", "url", "licence", "kind", "as_of", "note"])


def csv_text(report: Report, name: str) -> str:
    """Return a table as CSV (RFC 4180), safe to open in a spreadsheet; lists in a cell are joined by "; "."""
    frame = table(report, name).map(_cell)
    buffer = io.StringIO(newline="")
    frame.to_csv(buffer, index=False, lineterminator="\r\n")
    return buffer.getvalue()


def csv_bytes(report: Report, name: str) -> bytes:
    """Return a table as a CSV file in UTF-8."""
    return csv_text(report, name).encode()


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        value = "; ".join(str(item) for item in value)
    if isinstance(value, str):
        return safe_text(value)
    return "" if isinstance(value, float) and not math.isfinite(value) else value


def safe_text(value: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value
