"""The workbook's inputs: every cell that may be changed, named."""

from __future__ import annotations

from typing import Any

from llmplan.cost.classes import Use
from llmplan.cost.hidden import PER_GPU_HOUR, PER_MONTH, PER_REPLICA, PER_STEP
from llmplan.export.xlsx_parts import FIRST_ROW, SHOWN_RATE, SIDES, Book
from llmplan.report.report import Report
from llmplan.units import HOURS_PER_DAY

SHEET = "Inputs"
TOTALS = ("fixed_usd", "people_usd", "gpus_per_people_step", "gpu_hour_usd", "replica_usd")
VALUE_COLUMN = 1


def write_inputs(book: Book, report: Report) -> None:
    """Write workload, fleet rules and cost lines; name the cells that formulas use."""
    sheet = book.sheet(
        SHEET,
        "Inputs",
        "Change the yellow cells: costs follow, but for what line 3 says. Prices, in USD, are on the two cost sheets.",
        ("Input", "Value", "Unit"),
        (66, 16, 16, 16, 60),
    )
    write_tokens_note(book, sheet, report)
    row = _workload(book, sheet, report)
    _cost_lines(book, sheet, report, row + 1)


def write_tokens_note(book: Book, sheet: Any, report: Report) -> None:
    """Write in the third line what does not follow the inputs; it warns once the tokens are others."""
    asked = report.scenario
    tokens = f"{asked.input_tokens:,.0f} + {asked.output_tokens:,.0f} tokens"
    same = f"A replica carries what it does at {tokens}; which options are listed is as of the export."
    changed = f"CAUTION: GPU fleets are still those of {tokens}, so their costs are wrong; ask llmplan again."
    test = f"AND(input_tokens={asked.input_tokens!r},output_tokens={asked.output_tokens!r})"
    sheet.write_formula(2, 0, f'=IF({test},"{same}","{changed}")', book.formats["note"], same)


def _workload(book: Book, sheet: Any, report: Report) -> int:
    """Write what may be changed and what follows from it alone; return the next row."""
    rows = _changed(report)
    for row, (label, name, value, unit, looks) in enumerate(rows, start=FIRST_ROW):
        book.text(sheet, row, 0, label)
        book.number(sheet, row, VALUE_COLUMN, value, looks, is_input=True)
        book.text(sheet, row, 2, unit)
        sheet.data_validation(row, VALUE_COLUMN, row, VALUE_COLUMN, _rule(unit))
        _name(book, name, row)
    derived = _derived(report)
    for row, (label, name, formula, unit, value) in enumerate(derived, start=FIRST_ROW + len(rows)):
        book.text(sheet, row, 0, label)
        book.live(sheet, row, VALUE_COLUMN, formula, value, "number")
        book.text(sheet, row, 2, unit)
        _name(book, name, row)
    return FIRST_ROW + len(rows) + len(derived)


def _changed(report: Report) -> list[tuple[str, str, float, str, str]]:
    """Return the inputs: label, cell's name, value, unit, looks."""
    asked = report.scenario
    workload, use = asked.workload(report.catalog), Use.of(asked, report.catalog)
    return [
        ("Queries a day", "queries_per_day", asked.queries_per_day, "queries/day", "number"),
        ("Input tokens of a query", "input_tokens", asked.input_tokens, "tokens", "number"),
        (
            "Spread of the input's logarithm, from its 95th percentile",
            "input_sigma",
            use.input_sigma,
            "ratio",
            "number",
        ),
        ("Output tokens of a query", "output_tokens", asked.output_tokens, "tokens", "number"),
        (
            "Share of input read from a cache (replicas' rates: as of the export)",
            "cached_input_share",
            asked.cached_input_share,
            "share",
            "percent",
        ),
        (
            "Share of input written to a cache, at most what is not read",
            "cache_write_share",
            use.cache_write_share,
            "share",
            "percent",
        ),
        ("Share of queries sent as batch", "batch_share", asked.batch_share, "share", "percent"),
        ("Days a month", "days_per_month", asked.days_per_month, "days", "number"),
        ("Busiest hour over the mean", "busiest_to_mean", workload.busiest_to_mean, "ratio", "number"),
        ("Highest load of a replica", "utilisation_ceiling", asked.utilisation_ceiling, "share", "percent"),
        ("Spare replicas", "spare_replicas", asked.spare_replicas, "replicas", "integer"),
        ("What a US dollar buys", SHOWN_RATE, asked.currency_per_usd, asked.currency_symbol, "number"),
    ]


def _derived(report: Report) -> list[tuple[str, str, str, str, float]]:
    """Return what follows from the inputs: label, cell's name, formula, unit, value."""
    asked, days = report.scenario, report.scenario.days_per_month
    fleet_peak = asked.workload(report.catalog).effective_peak_to_mean
    peak = "=MAX(1,busiest_to_mean*(1-batch_share))"
    month = "=queries_per_day*days_per_month"
    return [
        ("Queries a month", "queries_per_month", month, "queries", asked.queries_per_day * days),
        (
            "Hours a month",
            "hours_per_month",
            f"=days_per_month*{HOURS_PER_DAY}",
            "hours",
            days * HOURS_PER_DAY,
        ),
        ("Peak of the fleet: batch fills valleys", "peak_to_mean", peak, "ratio", fleet_peak),
    ]


def _rule(unit: str) -> dict[str, Any]:
    """Return what Excel lets people type: shares from 0 to 1, other figures from 0."""
    if unit == "share":
        return {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": 1}
    return {"validate": "decimal", "criteria": ">=", "value": 0}


def _name(book: Book, name: str, row: int, column: int = VALUE_COLUMN) -> None:
    book.file.define_name(name, f"={SHEET}!${chr(ord('A') + column)}${row + 1}")


def _cost_lines(book: Book, sheet: Any, report: Report, row: int) -> None:
    """Write the cost lines of a fleet besides its GPUs, and name their totals by side."""
    hidden = report.comparison.options.hidden
    months, steps = hidden.of_unit(PER_MONTH), hidden.of_unit(PER_STEP)
    heads = ("Besides GPUs, USD a month", *SIDES)
    for column, head in enumerate(heads):
        book.head(sheet, row, column, head)
    first = row + 1
    for offset, line in enumerate(months):
        book.text(sheet, first + offset, 0, line.name)
        for side, usd in enumerate(line.usd):
            book.number(sheet, first + offset, 1 + side, usd, "usd", is_input=True)
    last = first + len(months) - 1
    book.text(sheet, last + 1, 0, "Sum of these lines")
    book.text(sheet, last + 2, 0, ", ".join(line.name for line in steps) + ", for each begun step of GPUs")
    book.text(sheet, last + 3, 0, "GPUs of a step")
    book.text(sheet, last + 4, 0, "For each GPU-hour rented, USD")
    book.text(sheet, last + 5, 0, "For each replica")
    for side, name in enumerate(SIDES):
        letter = chr(ord("A") + 1 + side)
        total = hidden.total(PER_MONTH, side)
        book.live(sheet, last + 1, 1 + side, f"=SUM({letter}{first + 1}:{letter}{last + 1})", total)
        book.number(sheet, last + 2, 1 + side, hidden.total(PER_STEP, side), "usd", is_input=True)
        # More GPUs to a step is the cheaper side.
        book.number(sheet, last + 3, 1 + side, hidden.gpus_per_people_step[2 - side], "number", is_input=True)
        book.number(sheet, last + 4, 1 + side, hidden.total(PER_GPU_HOUR, side), "price", is_input=True)
        book.number(sheet, last + 5, 1 + side, hidden.total(PER_REPLICA, side), "usd", is_input=True)
        for offset, cell_name in enumerate(TOTALS, start=1):
            _name(book, f"{cell_name}_{name}", last + offset, 1 + side)
