"""Cost curves: across volumes, and across model sizes."""

from __future__ import annotations

from typing import Any

from llmplan.app.fields import Check, MultiSelect, Select
from llmplan.app.model import AppModel
from llmplan.app.pages import cost_curves_parts as parts
from llmplan.app.pages.page import Page, show_parts
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.options.model_sizes import small_models
from llmplan.report import Report

OPTIONS_GROUP = "Options to draw"
SCALES = (("log", "Logarithmic"), ("linear", "Linear"))


class CostCurvesPage(Page):
    """Cost over volume of any options, cost over model size, in any of three units."""

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self.wanted: dict[str, Any] = {"unit": "month", "scale": "log", "bands": True, "options": []}
        self._choices: tuple[tuple[str, str], ...] = ()
        self.controls = ControlPanel([], {}, self.change, label="What to draw", closed_groups=[OPTIONS_GROUP])
        self.answer, self.figures = HtmlView(live=True), HtmlView()
        self.curve, self.sizes, self.table = ChartView(), ChartView(), HtmlView()
        charts, inputs = columns([self.curve, self.sizes]), box([self.controls], "lp-inline")
        self.root = stack([self.answer, self.figures, charts, inputs, self.table])

    def change(self, changes: dict[str, Any]) -> None:
        """Draw something else, or in another unit."""
        self.wanted |= changes
        self.refresh()

    def refresh(self) -> None:
        """Draw the present scenario."""
        self.follow()
        show_parts(self._sizes, {self.sizes: parts.sizes_chart})

    def follow(self) -> None:
        """Draw all but the costs by size, which take a report of their own."""
        with guarded(self.controls):
            self._show_controls(self.model.report)
        show_parts(lambda: self.model.report, {self.answer: parts.answer, self.figures: parts.figures})
        show_parts(self._volumes, {self.curve: parts.curve_chart, self.table: parts.present_card})

    def _volumes(self) -> parts.CostsByVolume:
        report = self.model.report
        places = parts.places_of(report, self.wanted["options"] or parts.default_choices(report))
        unit, log, bands = self.wanted["unit"], self.wanted["scale"] == "log", self.wanted["bands"]
        return parts.CostsByVolume(report, places, unit, log, bands)

    def _sizes(self) -> parts.CostsBySize:
        report, small = self.model.report, small_models(self.model.catalog)
        below = None
        if small and not report.scenario.model_ids:
            apis = (report.scenario.reference_api_id,)
            below = self.model.report_for(report.scenario.but(model_ids=small, api_ids=apis))
        return parts.CostsBySize(report, below, self.wanted["unit"], self.wanted["scale"] == "log")

    def _show_controls(self, report: Report) -> None:
        found = parts.choices(report)
        if found == self._choices:
            return
        self._choices = found
        known = {key for key, _ in found}
        kept = [key for key in self.wanted["options"] if key in known]
        self.wanted["options"] = kept or parts.default_choices(report)
        self.controls.set_fields(
            [
                Select("unit", "Cost", parts.UNITS),
                Select("scale", "Scale", SCALES),
                Check("bands", "Bands, low to high"),
                MultiSelect("options", "Lines", found, OPTIONS_GROUP),
            ]
        )
        self.controls.show(self.wanted)
