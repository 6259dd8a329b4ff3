"""What a page is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from markupsafe import Markup

from llmplan.app.layout import Widget
from llmplan.wording import usd_in_full


class Page(Protocol):
    """A page of the dashboard: a root widget, and a refresh that reads the model anew."""

    root: Widget

    def refresh(self) -> None:
        """Show the model's present scenario; each part guards itself."""
        ...


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
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_side(i, numbers), text) for i, text in enumerate(heads)
    )
    body = Markup("").join(
        Markup("<tr{}>{}</tr>").format(
            Markup(' class="lp-chosen"') if place == chosen else Markup(""),
            Markup("").join(
                Markup("<td{}>{}</td>").format(_side(i, numbers), cell) for i, cell in enumerate(row)
            ),
        )
        for place, row in enumerate(rows)
    )
    return Markup(
        '<div class="lp-scroll" tabindex="0" role="region" aria-label="{}"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(label, head, body)


def _side(column: int, numbers: tuple[int, ...]) -> Markup:
    return Markup(' class="lp-num"') if column in numbers else Markup("")


def card(title: str, body: Markup) -> Markup:
    """Return a titled card."""
    return Markup('<section class="lp-card"><h2>{}</h2>{}</section>').format(title, body)


def full_value(shown: str, usd: float) -> Markup:
    """Return a short figure with its full value on hover."""
    return Markup('<span title="{}">{}</span>').format(usd_in_full(usd), shown)


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
