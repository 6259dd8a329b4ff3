"""Data and sources: the figures of every table with where each comes from and how old it is."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from llmplan.app.fields import Check, Select, Text
from llmplan.app.model import AppModel
from llmplan.app.pages import sources_parts as parts
from llmplan.app.pages.page import Page
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, stack, toolbar
from llmplan.app.widgets.parts import DownloadButton, HtmlView

ALL = "all"


class SourcesPage(Page):
    """Prices, hardware, models, engines and assumptions, filterable, each table as CSV."""

    beside_inputs = False

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self.wanted: dict[str, Any] = {"table": "apis", "kind": ALL, "words": "", "stale": False}
        self._tables: dict[str, parts.SourceTable] = {}
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
            self._tables = parts.source_tables(self.model.catalog, dt.datetime.now(tz=dt.UTC).date())
            self.lead.show(parts.lead(self._tables))
            self._show_controls()
            self._show_rows()

    def _show_controls(self) -> None:
        tables = self._tables.items()
        kinds = sorted({source.kind for source in self.model.catalog.sources.values()})
        self.controls.set_fields(
            [
                Select("table", "Table", tuple((key, found.label) for key, found in tables)),
                Select("kind", "Kind of source", ((ALL, "All"), *((kind, kind) for kind in kinds))),
                Text("words", "Words"),
                Check("stale", "Stale rows only"),
            ]
        )
        self.controls.show(self.wanted)
        self.files.children = [
            DownloadButton(f"{found.label} (CSV)", partial(parts.csv_file, key, found))
            for key, found in tables
        ]

    def _show_rows(self) -> None:
        found = self._tables[self.wanted["table"]]
        self.rows.show(parts.rows_card(found, [row for row in found.rows if self._passes(row)]))

    def _passes(self, row: parts.SourceRow) -> bool:
        text = f"{' '.join(row.cells)} {row.source.title} {row.source.source_id}".lower()
        return (
            self.wanted["kind"] in (ALL, row.source.kind)
            and (row.stale or not self.wanted["stale"])
            and all(word in text for word in str(self.wanted["words"]).lower().split())
        )
