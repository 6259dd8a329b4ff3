"""What commands print: one JSON document, or a table for people."""

import json
import math
from collections.abc import Sequence
from typing import Any

WIDTH_WITHOUT_TERMINAL = 160


def to_json(value: Any, indent: int | None = 2) -> str:
    """Return `value` as JSON; NaN and infinities become null, dates ISO text, numpy scalars numbers."""
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print exactly one JSON document on standard output; indent None: in one line, for long ones."""
    print(to_json(value, indent))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table for people; numbers are expected to be formatted already."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
