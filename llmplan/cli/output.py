"""What commands print: one JSON document, or a table for people."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

WIDTH_WITHOUT_TERMINAL = 160
GAP = 3
"""Blanks between the columns of a table."""
_NUMBER = r"[<>]?-?\$?\d[\d,.]*(e-?\d+)?[%kMB]?"
_FIGURE = re.compile(rf"([–-]?|{_NUMBER}( to {_NUMBER})?)")
"""A cell that holds a figure, a range of figures, a dash or nothing."""


def to_json(value: Any, indented: bool = True) -> str:
    """Return `value` as JSON; NaN and infinities become null, dates ISO text, numpy scalars numbers."""
    how = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indented else 0)
    return orjson.dumps(value, default=_plain, option=how).decode()


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.tolist() if hasattr(value, "tolist") else list(value)


def print_json(value: Any, indented: bool = True) -> None:
    """Print exactly one JSON document on standard output; not indented: in one line, for long ones."""
    print(to_json(value, indented))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table for people; numbers are expected to be formatted already.

    Figures stand to the right and are never cut; where the terminal is narrow, words go on in the next line.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False)
    table.pad_edge = False
    cells = [[str(cell) for cell in row] for row in rows]
    shown = [[row[place] for row in cells] for place in range(len(columns))]
    figures = [all(_FIGURE.fullmatch(cell) for cell in column) for column in shown]
    widths = [_width(*parts) for parts in zip(columns, shown, figures, strict=True)]
    roomy = sum(widths) + GAP * len(columns) <= console.width
    for name, width, is_figure in zip(columns, widths, figures, strict=True):
        if is_figure:
            head = name if roomy else name.replace(" ", "\n")
            table.add_column(head, justify="right", no_wrap=True)
        else:
            table.add_column(name, min_width=width if roomy else None, overflow="fold")
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _width(name: str, column: Sequence[str], is_figure: bool) -> int:
    """Return the width below which a figure, or a word of a column or its head, would be broken."""
    cells = column if is_figure else [word for cell in column for word in cell.split()]
    return max((len(part) for part in (*cells, *name.split())), default=0)
