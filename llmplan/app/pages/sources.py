"""Data and sources: the figures of every table with where each comes from and how old it is."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from llmplan.app.fields import Check, Select, Text
from llmplan.app.model import AppModel
from llmplan.app.pages.page import card, cards
from llmplan.app.pages.source_rows import ABSENT, SourceRow, TableOfRows, source_tables
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, stack, toolbar
from llmplan.app.widgets.parts import DownloadButton, HtmlView

MOST_ROWS = 150
ALL = "all"
NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e[+-]?\d+)?")
RIGHT = Markup(' class="lp-num"')


class SourcesPage:
    """Prices, hardware, models, engines and assumptions, filterable, each table as CSV."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.wanted: dict[str, Any] = {"table": "apis", "kind": ALL, "words": "", "stale": False}
        self._tables: dict[str, TableOfRows] = {}
        self.lead, self.rows = HtmlView(), HtmlView(live=True)
        self.controls = ControlPanel([], {}, self.change, label="Filter")
        self.files = toolbar([])
        self.root = stack([self.lead, box([self.controls], "lp-inline"), self.rows, self.files])

    def change(self, changes: dict[str, Any]) -> None:
        """Show another table or fewer rows."""
        self.wanted |= changes
        with guarded(self.rows):
            self._show_rows()

    def refresh(self) -> None:
        """Read the tables the first time; the scenario does not change them."""
        if self._tables:
            return
        with guarded(self.lead, self.rows):
            self._tables = source_tables(self.model.catalog, dt.datetime.now(tz=dt.UTC).date())
            self._show_lead()
            self._show_rows()

    def _show_lead(self) -> None:
        catalog = self.model.catalog
        counts = [(found.label, f"{len(found.rows):,}", _dates(found)) for found in self._tables.values()]
        self.lead.show(Markup("<h2>What the answers rest on</h2>") + cards(counts))
        kinds = sorted({source.kind for source in catalog.sources.values()})
        self.controls.set_fields(
            [
                Select("table", "Table", tuple((key, found.label) for key, found in self._tables.items())),
                Select("kind", "Kind of source", ((ALL, "All"), *((kind, kind) for kind in kinds))),
                Text("words", "Words"),
                Check("stale", "Stale rows only"),
            ]
        )
        self.controls.show(self.wanted)
        buttons = [
            DownloadButton(f"{found.label} (CSV)", _csv_of(key, found)) for key, found in self._tables.items()
        ]
        self.files.children = buttons

    def _show_rows(self) -> None:
        found = self._tables[self.wanted["table"]]
        rows = [row for row in found.rows if self._passes(row)]
        heads = [*found.columns, "As of", "Source, its kind and licence"]
        numbers = _numeric(found)
        head = Markup("").join(
            Markup('<th scope="col"{}>{}</th>').format(RIGHT if i in numbers else "", text)
            for i, text in enumerate(heads)
        )
        body = Markup("").join(_html_row(row, numbers) for row in rows[:MOST_ROWS])
        more = (
            f", the first {MOST_ROWS} are shown: narrow the filter or take the CSV"
            if len(rows) > MOST_ROWS
            else ""
        )
        self.rows.show(
            card(
                found.label,
                Markup(
                    '<p class="lp-help">{:,} rows{}</p><div class="lp-scroll lp-tall" data-csv="no" tabindex="0" '
                    'role="region" aria-label="{}"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
                ).format(len(rows), more, found.label, head, body),
            )
        )

    def _passes(self, row: SourceRow) -> bool:
        text = f"{' '.join(row.cells)} {row.source.title} {row.source.source_id}".lower()
        return (
            self.wanted["kind"] in (ALL, row.source.kind)
            and (row.stale or not self.wanted["stale"])
            and all(word in text for word in str(self.wanted["words"]).lower().split())
        )


def _dates(found: TableOfRows) -> str:
    stale = sum(row.stale for row in found.rows)
    dates = [row.as_of for row in found.rows]
    first, last = (min(dates), max(dates)) if dates else (None, None)
    span = f"as of {last}" if first == last else f"as of {first} to {last}"
    return span + (f"; {stale} stale" if stale else "")


def _numeric(found: TableOfRows) -> frozenset[int]:
    """Return the columns that hold numbers only, and some."""
    columns = enumerate(zip(*(row.cells for row in found.rows), strict=True))
    texts = {i: {cell for cell in cells if cell != ABSENT} for i, cells in columns}
    return frozenset(i for i, cells in texts.items() if cells and all(NUMBER.fullmatch(c) for c in cells))


def _html_row(row: SourceRow, numbers: frozenset[int]) -> Markup:
    cells = Markup("").join(
        Markup("<td{}>{}</td>").format(RIGHT if i in numbers else "", cell)
        for i, cell in enumerate(row.cells)
    )
    badge = Markup(' <span class="lp-badge lp-badge-warn">stale</span>') if row.stale else Markup("")
    source = row.source
    title = (
        Markup('<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>').format(
            source.url, source.title
        )
        if source.url and source.url.startswith("https://")
        else Markup("{}").format(source.title)
    )
    kind = f"{source.kind}, {source.licence}" if source.licence else source.kind
    return Markup(
        '<tr>{}<td class="lp-date">{}{}</td><td>{}<br><span class="lp-help">{}</span></td></tr>'
    ).format(cells, row.as_of, badge, title, kind)


def _csv_of(key: str, found: TableOfRows) -> Callable[[], tuple[str, str, bytes]]:
    def build() -> tuple[str, str, bytes]:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*found.columns, "as_of", "source_id", "source", "url", "kind", "licence", "stale"])
        for row in found.rows:
            s = row.source
            tail = [s.source_id, s.title, s.url or "", s.kind, s.licence or "", "yes" if row.stale else "no"]
            writer.writerow([*(_harmless(cell) for cell in row.cells), row.as_of, *tail])
        return f"llmplan-{key.replace('_', '-')}.csv", "text/csv", out.getvalue().encode("utf-8")

    return build


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula."""
    return f"'{cell}" if cell[:1] in "=+@" else cell
