"""What a page is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from markupsafe import Markup, escape

from llmplan.app.widgets.layout import Widget
from llmplan.wording import Currency


class Page(Protocol):
    """A page of the dashboard: a root widget, and a refresh that reads the model anew."""

    root: Widget

    def refresh(self) -> None:
        """Show the model's present scenario; each part guards itself."""
        ...


CHOSEN = ' class="lp-chosen"'


def table(
    heads: tuple[str, ...],
    rows: list[tuple[object, ...]],
    label: str,
    numbers: tuple[int, ...] = (),
    chosen: int | None = None,
) -> Markup:
    """Return an escaped HTML table in a region that scrolls sideways.

    numbers: columns set to the right; chosen: the row to mark.
    """
    head = "".join(f'<th scope="col"{_side(i, numbers)}>{escape(text)}</th>' for i, text in enumerate(heads))
    body = "".join(
        f"<tr{CHOSEN if place == chosen else ''}>{_cells(row, numbers)}</tr>"
        for place, row in enumerate(rows)
    )
    return Markup(
        f'<div class="lp-scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(row: tuple[object, ...], numbers: tuple[int, ...]) -> str:
    return "".join(f"<td{_side(i, numbers)}>{escape(cell)}</td>" for i, cell in enumerate(row))


def _side(column: int, numbers: tuple[int, ...]) -> str:
    return ' class="lp-num"' if column in numbers else ""


def card(title: str, body: Markup) -> Markup:
    """Return a titled card."""
    return Markup('<section class="lp-card"><h2>{}</h2>{}</section>').format(title, body)


def full_value(money: Currency, usd: float, after: str = "") -> Markup:
    """Return a short sum with its full value on hover."""
    return Markup('<span title="{}">{}{}</span>').format(money.full(usd), money.short(usd), after)


def cards(entries: Sequence[tuple[str | Markup, str | Markup, str]]) -> Markup:
    """Return a row of key figures: (what, figure, note)."""
    return Markup('<dl class="lp-kpis">{}</dl>').format(
        Markup("").join(
            Markup(
                '<div class="lp-kpi"><dt>{}</dt><dd class="lp-kpi-value">{}</dd><dd class="lp-kpi-note">{}</dd></div>'
            ).format(*entry)
            for entry in entries
        )
    )
