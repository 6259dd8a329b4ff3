"""Pieces of HTML that pages are made of: tables, cards, key figures. Text that is not `Markup` is escaped."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from markupsafe import Markup

from llmplan.app.widgets.glossary import explained
from llmplan.wording import Currency

Text = str | Markup
KeyFigure = tuple[Text, Text, Text]
"""What it is, the figure, a note."""
NUMBER = Markup(' class="lp-num"')
CHOSEN = Markup(' class="lp-chosen"')


def table(
    heads: Sequence[Text],
    rows: Iterable[Sequence[object]],
    label: str,
    numbers: Iterable[int] = (),
    *,
    chosen: int | None = None,
    style: str = "",
    tall: bool = False,
    csv: bool = True,
) -> Markup:
    """Return a table in a region that scrolls.

    Parameters
    ----------
    label: of the region, and of its CSV file. numbers: columns set to the right. chosen: the row to mark.
    style: a class of the style sheet. tall: scrolls within the screen's height. csv: whether it can be saved.
    """
    sides = [NUMBER if column in set(numbers) else "" for column in range(len(heads))]
    head = _joined('<th scope="col"{}>{}</th>', zip(sides, map(explained, heads), strict=True))
    body = _joined(
        "<tr{}>{}</tr>",
        (
            (CHOSEN if place == chosen else "", _joined("<td{}>{}</td>", zip(sides, row, strict=True)))
            for place, row in enumerate(rows)
        ),
    )
    return Markup(
        '<div class="lp-scroll{}"{} tabindex="0" role="region" aria-label="{}"><table class="{}">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(" lp-tall" if tall else "", "" if csv else Markup(' data-csv="no"'), label, style, head, body)


def card(title: Text, *body: Text) -> Markup:
    """Return a titled card."""
    return Markup('<section class="lp-card"><h2>{}</h2>{}</section>').format(
        explained(title), Markup("").join(body)
    )


def cards(entries: Iterable[KeyFigure]) -> Markup:
    """Return a row of key figures; no `<dl>`, whose parts JupyterLab's style sheet floats apart."""
    one = (
        '<div class="lp-kpi" role="listitem"><div class="lp-kpi-label">{}</div>'
        '<div class="lp-kpi-value">{}</div><div class="lp-kpi-note">{}</div></div>'
    )
    return Markup('<div class="lp-kpis" role="list">{}</div>').format(
        _joined(one, ((explained(head), figure, explained(note)) for head, figure, note in entries))
    )


def answer(text: Text) -> Markup:
    """Return a page's answer, a sentence without its stop."""
    return Markup('<p class="lp-answer">{}.</p>').format(text)


def facts(entries: Iterable[tuple[Text, Text]]) -> Markup:
    """Return a row of (what, in words) under a page's answer."""
    one = '<div role="listitem"><span class="lp-kpi-label">{}</span> {}</div>'
    return Markup('<div class="lp-facts" role="list">{}</div>').format(
        _joined(one, ((explained(what), words) for what, words in entries))
    )


def paragraph(text: Text) -> Markup:
    """Return a paragraph."""
    return Markup("<p>{}</p>").format(text)


def note(text: Text) -> Markup:
    """Return a paragraph in small print."""
    return Markup('<p class="lp-help">{}</p>').format(text)


def bullets(texts: Iterable[Text], style: str = "") -> Markup:
    """Return a list."""
    return Markup('<ul class="{}">{}</ul>').format(style, _joined("<li>{}</li>", ((text,) for text in texts)))


def folded(summary: Text, body: Text) -> Markup:
    """Return what opens at a click on its summary."""
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, body)


def button(action: str, text: Text) -> Markup:
    """Return a button that an `HtmlView` hears of as `action`."""
    return Markup('<button type="button" class="lp-button" data-action="{}">{}</button>').format(action, text)


def at_rest(action: str, milliseconds: int, of: Hashable, text: Text) -> Markup:
    """Return a line that has the browser ask for work once nothing changes; `of` another subject it starts anew."""
    line = Markup('<p class="lp-help" data-action="{}" data-rest="{}" data-of="{:x}">{}</p>')
    return line.format(action, milliseconds, hash(of) & 0xFFFFFFFF, text)


def badge(text: Text, style: str) -> Markup:
    """Return a short mark in the style's colours."""
    return Markup('<span class="lp-badge {}">{}</span>').format(style, text)


def full_value(money: Currency, usd: float, after: str = "") -> Markup:
    """Return a short sum with its full value on hover."""
    return Markup('<span title="{}">{}{}</span>').format(money.full(usd), money.short(usd), after)


def range_bar(parts: Sequence[float], words: str) -> Markup:
    """Return a bar from low to high with a mark at base, each a share of the bar's own line; `words` say it aloud."""
    low, base, high = (f"{100 * part:.2f}" for part in parts)
    return Markup(
        '<svg class="lp-range-bar" role="img" aria-label="{0}" width="100%" height="12"><title>{0}</title>'
        '<line x1="0%" x2="100%" y1="6" y2="6"/><line class="lp-span" x1="{1}%" x2="{3}%" y1="6" y2="6"/>'
        '<circle cx="{2}%" cy="6" r="4.5"/></svg>'
    ).format(words, low, base, high)


def _joined(one: str, entries: Iterable[Sequence[object]]) -> Markup:
    return Markup("").join(Markup(one).format(*entry) for entry in entries)
