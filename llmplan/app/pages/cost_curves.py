"""Cost curves: across volumes, and across model sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.fields import Check, MultiSelect, Select
from llmplan.app.model import AppModel
from llmplan.app.pages.costs_shown import (
    UNITS,
    ShownCosts,
    choices,
    default_choices,
    places_of,
    shown_costs,
    size_points,
    size_title,
    small_models,
    small_points,
)
from llmplan.app.pages.page import card, table
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.charts import cost_chart, cost_curves_figure
from llmplan.charts.cost import per_unit
from llmplan.charts.sizes import model_size_figure
from llmplan.report import Report
from llmplan.report.headlines import curve_title
from llmplan.wording import parameters

OPTIONS_GROUP = "Options to draw"
SCALES = (("log", "Logarithmic"), ("linear", "Linear"))


class CostCurvesPage:
    """Cost over volume of any options, cost over model size, in any of three units."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.wanted: dict[str, Any] = {"unit": "month", "scale": "log", "bands": True, "options": []}
        self._choices: tuple[tuple[str, str], ...] = ()
        self.controls = ControlPanel([], {}, self.change, label="What to draw", closed_groups=[OPTIONS_GROUP])
        self.curve, self.sizes, self.table = ChartView(), ChartView(), HtmlView()
        self.root = stack([box([self.controls], "lp-inline"), columns([self.curve, self.sizes]), self.table])

    def change(self, changes: dict[str, Any]) -> None:
        """Draw something else, or in another unit."""
        self.wanted |= changes
        self.refresh()

    def refresh(self) -> None:
        """Draw the present scenario."""
        report = None
        with guarded(self.controls, self.curve, self.sizes, self.table):
            report = self.model.report
            self._show_controls(report)
        if report is None:
            return
        with guarded(self.curve, self.table):
            self._show_curve(report)
        with guarded(self.sizes):
            self._show_sizes(report)

    def _show_controls(self, report: Report) -> None:
        found = choices(report)
        if found == self._choices:
            return
        self._choices = found
        known = {key for key, _ in found}
        kept = [key for key in self.wanted["options"] if key in known]
        self.wanted["options"] = kept or default_choices(report)
        self.controls.set_fields(
            [
                Select("unit", "Cost", UNITS),
                Select("scale", "Scale", SCALES),
                Check("bands", "Bands, low to high"),
                MultiSelect("options", "Lines", found, OPTIONS_GROUP),
            ]
        )
        self.controls.show(self.wanted)

    def _show_curve(self, report: Report) -> None:
        places = places_of(report, self.wanted["options"] or default_choices(report))
        shown = shown_costs(report, places)
        chart = cost_chart(
            shown.curves, report.scenario, shown.crossings, self.wanted["unit"], every_band=True
        )
        figure = cost_curves_figure(
            chart, logarithmic=self.wanted["scale"] == "log", bands=self.wanted["bands"]
        )
        names = "; ".join(line.name for line in chart.lines)
        self.curve.show(
            figure,
            title=curve_title(report),
            what="Cost against volume. Lines are base costs, bands low to high, steps whole replicas; dashed "
            "uprights: where a fleet crosses a token price.",
            alt=f"Cost over 100 to 10 million queries a day of {names}. {shown.cheapest_in_words}",
            table=chart.table(),
            filename="cost-curves",
            footnote=report.stamp,
            height=480,
        )
        self.table.show(card("At the present volume", _present_table(report, shown)))

    def _show_sizes(self, report: Report) -> None:
        points, flat = size_points(report, self.wanted["unit"])
        offered = points
        small = small_models(report.catalog)
        if small and not report.scenario.model_ids:
            alone = report.scenario.but(model_ids=small, api_ids=(report.scenario.reference_api_id,))
            points = [*small_points(self.model.report_for(alone), self.wanted["unit"]), *points]
        figure = model_size_figure(
            points,
            flat,
            self.wanted["unit"],
            money=report.money,
            logarithmic=self.wanted["scale"] == "log",
        )
        self.sizes.show(
            figure,
            title=size_title(offered),
            what=f"Each open model at {report.scenario.queries_per_day:,.0f} queries a day: its cheapest fleet and "
            "its cheapest token price. Open markers are out for another reason than cost.",
            alt="Cost over model size: "
            + "; ".join(
                f"{p.model_name} {parameters(p.total_params_b)} {p.kind} {report.money.short(p.base)}"
                for p in points[:12]
            ),
            table={
                "model": [p.model_name for p in points],
                "billions of parameters": [p.total_params_b for p in points],
                "option": [p.label for p in points],
                "low": [report.money.of(p.low) for p in points],
                "base": [report.money.of(p.base) for p in points],
                "high": [report.money.of(p.high) for p in points],
                "why out": [p.why_out for p in points],
            },
            filename="cost-by-model-size",
            footnote=report.stamp,
            height=480,
        )


def _present_table(report: Report, shown: ShownCosts) -> Markup:
    items, now = shown.curves.options.items, shown.present
    units = [per_unit(shown.curves, unit, report.scenario)[1][:, now] for unit, _ in UNITS]
    order = np.argsort(units[0], kind="stable")
    rows: list[tuple[object, ...]] = [
        (
            items[i].label,
            *(report.money.short(float(cost[i])) for cost in units),
            report.money.range(*(float(shown.curves.monthly_usd[side, i, now]) for side in (0, 2))),
        )
        for i in order
    ]
    heads = ("Option", "A month", "Per 1,000 queries", "Per million tokens", "A month, low to high")
    return table(heads, rows, "Costs at the present volume", numbers=(1, 2, 3, 4))
