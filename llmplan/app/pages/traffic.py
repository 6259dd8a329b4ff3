"""Your traffic: a log or bill brought along, what it costs today, and what to do with each app."""

from __future__ import annotations

from functools import partial

from llmplan.app.model import AppModel
from llmplan.app.pages import traffic_parts as parts
from llmplan.app.pages.page import Page, StaleNotice, show_parts
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.layout import columns, stack, toolbar
from llmplan.app.widgets.parts import DownloadButton, File, HtmlView, UploadButton
from llmplan.errors import InputError
from llmplan.export.files import MEDIA_TYPES
from llmplan.export.portfolio import portfolio_bytes
from llmplan.scenario import Scenario
from llmplan.usage.summary import Usage
from llmplan.usage.uploads import usage_of_file

MAX_BYTES = 900_000
"""Of an uploaded file: within the largest message that the server takes."""
MOST_APPS = 6
FILES = {"xlsx": "Workbook", "html": "Page", "pptx": "Slides", "csv": "Apps (CSV)"}


class TrafficPage(Page):
    """The bill by app and model, the week, lengths, list prices against what was paid, and what to move first."""

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self.usage: Usage | None = None
        self._planned: parts.Read | None = None
        self._computed: Scenario | None = None
        accept = ".csv,.json,.jsonl,.txt,.gz,.zip,.parquet"
        upload = UploadButton("Open a log or bill", self.on_file, accept=accept, max_bytes=MAX_BYTES)
        self.notice, self.lead = (
            StaleNotice(self.compute),
            HtmlView(parts.lead(asks=True), on_action=self._sample),
        )
        self.answer, self.apps, self.moves = HtmlView(live=True), HtmlView(), HtmlView()
        self.told = HtmlView()
        self.bill, self.week, self.lengths = ChartView(), ChartView(), ChartView()
        self.shown = stack([])
        self.upload = toolbar([upload])
        self.root = stack([self.lead, self.upload, self.notice, self.shown])

    def on_file(self, data: bytes) -> str:
        """Take a log or cubes, and plan what they hold."""
        self.usage = usage_of_file(data)
        self.told.show("")
        self.compute()
        return parts.read_in_words(self.usage)

    def _sample(self, _name: str, _value: str | None) -> None:
        """Plan a sample, for who has no log at hand."""
        model = self.model.scenario.reference_api_id
        self.usage = parts.sample(model, self.model.catalog)
        self.told.show(parts.sample_note(self.usage, model))
        self.compute()

    def refresh(self) -> None:
        """Say that what is shown is of an earlier scenario."""
        self.notice.say(stale=self._computed is not None and self.model.scenario != self._computed)

    def compute(self) -> None:
        """Plan the apps over the present scenario."""
        self._computed = self.model.scenario
        self.notice.say(stale=False)
        if not self.shown.children:
            downloads = [
                DownloadButton(label, partial(self._file, format)) for format, label in FILES.items()
            ]
            self.lead.show(parts.lead(asks=False))
            self.root.children = [self.upload, self.notice, self.shown, self.lead]
            charts = [self.bill, columns([self.week, self.lengths])]
            self.shown.children = [self.answer, self.told, self.moves, *charts, self.apps, toolbar(downloads)]
        show_parts(
            self._plan,
            {
                self.answer: parts.answer,
                self.moves: parts.moves_card,
                self.bill: parts.bill_chart,
                self.week: parts.week_chart,
                self.lengths: parts.lengths_chart,
                self.apps: parts.apps_card,
            },
        )

    def _plan(self) -> parts.Read:
        if self.usage is None:
            raise InputError("file", "", "is not there yet", "open a log or a bill")
        scenario, catalog = self.model.scenario, self.model.catalog
        self._planned = parts.planned(self.usage, scenario, catalog, MOST_APPS, self.model.report.stamp)
        return self._planned

    def _file(self, format: str) -> File:
        """Return what each app costs today and what to do with it, in a format."""
        if self._planned is None:
            raise InputError("file", "", "is not there yet", "open a log or a bill")
        return f"llmplan-apps.{format}", MEDIA_TYPES[format], portfolio_bytes(self._planned, format)
