"""Growth: the comparison over months, when to switch, what waiting costs, the fleet through the week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from llmplan.app.fields import Field, Number, Select, Slider, Text
from llmplan.app.model import AppModel
from llmplan.app.pages import growth_parts as parts
from llmplan.app.pages.page import Page, StaleNotice, show_parts
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack, toolbar
from llmplan.app.widgets.parts import DownloadButton, HtmlView
from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.growth import compound_volumes, numbers, s_curve_volumes, series_volumes
from llmplan.growth.autoscaling.planned import cheapest_week
from llmplan.growth.options import price_paths
from llmplan.growth.planning import OWN, PLAN_MONTHS, GrowthPlan, plan_growth
from llmplan.operations import fleet_files, zipped
from llmplan.operations.choosing import api_tier, plan_of, self_hosted_place
from llmplan.options import evaluate
from llmplan.options.comparison import same_options
from llmplan.scenario import Scenario

FURTHER = "Further"
PAY = (
    ("all", "Rent, reserve or buy"),
    ("rented", "Rent only"),
    ("reserved", "Reserve only"),
    ("bought", "Buy only"),
)
SHAPES = (
    ("compound", "The same share each month"),
    ("s_curve", "S-curve to a ceiling"),
    ("series", "Given month by month"),
)
MOST_MONTHS = 60
SERIES_LENGTH = 720
"""Characters of a typed series: sixty volumes of up to eleven, and their commas."""


class GrowthPage(Page):
    """Cumulative cost with payback, the best month to switch, present costs, the fleet by hour, the operations plan."""

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self.wanted = first_values(model)
        self._computed: Scenario | None = None
        self._week_of: tuple[tuple[object, ...], parts.Week] | None = None
        self.controls = ControlPanel(
            growth_fields(), self.wanted, self.change, label="Plan", closed_groups=[FURTHER]
        )
        self.notice = StaleNotice(self.compute)
        self.answer, self.forced, self.figures = HtmlView(live=True), HtmlView(), HtmlView()
        self.cumulative, self.waiting, self.fleet = ChartView(), ChartView(), ChartView()
        self.leaders, self.costs, self.modes = HtmlView(), HtmlView(), HtmlView()
        self.files_lead = HtmlView()
        self.root = stack(
            [
                self.notice,
                self.answer,
                self.forced,
                self.figures,
                columns([self.cumulative, self.waiting]),
                box([self.controls], "lp-inline"),
                self.costs,
                self.leaders,
                self.fleet,
                self.modes,
                self.files_lead,
                toolbar([DownloadButton("Operations plan (ZIP)", self._operations)]),
            ]
        )

    def change(self, changes: dict[str, Any]) -> None:
        """Plan with other inputs."""
        self.wanted |= changes
        self.compute()

    def refresh(self) -> None:
        """Follow the scenario where that is quick: the options are known, or nothing is shown yet."""
        quick = self._computed is None or same_options(self.model.scenario, self._computed)
        self.notice.say(stale=not quick)
        if quick:
            self.compute()

    def open(self) -> None:
        """Plan the present scenario, since the reader has come to see it."""
        self.compute()

    def compute(self) -> None:
        """Plan the present scenario and show it."""
        self.notice.say(stale=False)
        self._computed = self.model.scenario
        show_parts(
            self._plan,
            {
                self.answer: parts.answer,
                self.forced: parts.forced_moves,
                self.figures: parts.figures,
                self.cumulative: parts.cumulative_chart,
                self.waiting: parts.waiting_chart,
                self.costs: parts.costs_card,
                self.leaders: parts.leaders_card,
            },
        )
        show_parts(
            self._week,
            {
                self.fleet: parts.fleet_chart,
                self.modes: parts.modes_card,
                self.files_lead: parts.operations_card,
            },
        )

    def _plan(self) -> parts.Planned:
        scenario = self.model.scenario
        plan = planned(scenario, self.model.catalog, self.wanted)
        return parts.Planned(plan, scenario.currency, self.model.report.stamp)

    def _week(self) -> parts.Week:
        """Return the fleet of the wanted month through the week, which prices over time do not change."""
        path, weekend = volumes(self.model.scenario, self.wanted), self.wanted["weekend"]
        month = min(int(self.wanted["fleet_month"]), len(path))
        scenario = self.model.scenario.but(queries_per_day=float(path[month - 1]))
        if self._week_of is None or self._week_of[0] != (scenario, month, weekend):
            found = cheapest_week(scenario, self.model.catalog, weekend)
            week = parts.Week(month, scenario, found, self.model.report.stamp)
            self._week_of = (scenario, month, weekend), week
        return self._week_of[1]

    def _operations(self) -> tuple[str, str, bytes]:
        """Return the operations plan of the cheapest fleet as `llmplan ops` writes it: name, media type, ZIP."""
        comparison, catalog = evaluate(self.model.scenario, self.model.catalog), self.model.catalog
        chosen = plan_of(comparison, self_hosted_place(comparison), catalog)
        today = dt.datetime.now(tz=dt.UTC).date()
        files = fleet_files(
            chosen, api_tier(comparison, catalog), catalog, today, comparison.scenario.currency
        )
        return "llmplan-operations.zip", "application/zip", zipped(files)


def first_values(model: AppModel) -> dict[str, Any]:
    """Return the page's inputs at the start: the catalog's base assumptions."""

    def base(name: str) -> float:
        return model.catalog.assumption(name).base

    return {
        "growth": base("volume-growth-per-month"),
        "api_decline": base("api-price-decline-per-year"),
        "gpu_decline": base("gpu-price-decline-per-year"),
        "discount": base("capital-cost-per-year"),
        "months": PLAN_MONTHS,
        "pay": "all",
        "shape": "compound",
        "series": f"{model.scenario.queries_per_day:.0f}",
        "ceiling": 1_000_000.0,
        "midpoint": 18,
        "migration_rented": base("one-off-rented-usd"),
        "migration_bought": base("one-off-owned-usd"),
        "migration_api": base("one-off-hosted-usd"),
        "updates": base("updates-per-year"),
        "fleet_month": 1,
        "weekend": model.scenario.weekend_factor,
    }


def growth_fields() -> list[Field]:
    """Return the page's inputs; what runs today is the scenario's."""
    return [
        Slider("growth", "Volume growth", -0.1, 0.5, "a month", percent=True, step=0.005),
        Slider("api_decline", "API price decline", -0.2, 0.8, "a year", percent=True, step=0.01),
        Slider("gpu_decline", "GPU price decline", -0.2, 0.8, "a year", percent=True, step=0.01),
        Slider("discount", "Discount rate", 0, 0.5, "a year", percent=True, step=0.005),
        Slider("months", "Months", 1, MOST_MONTHS, "", step=1),
        Select("pay", "Self-hosting", PAY),
        Slider("fleet_month", "Fleet of month", 1, MOST_MONTHS, "", step=1),
        Select("shape", "Growth", SHAPES, FURTHER),
        Text("series", "Queries a day of each month, commas between", SERIES_LENGTH, FURTHER),
        Number("ceiling", "Ceiling of the S-curve", 1, 1e9, "queries/day", FURTHER),
        Number("midpoint", "Half of it in month", 1, MOST_MONTHS, "", FURTHER, step=1),
        Number("migration_rented", "Moving to rented GPUs", 0, 1e8, "USD once", FURTHER),
        Number("migration_bought", "Moving to own GPUs", 0, 1e8, "USD once", FURTHER),
        Number("migration_api", "Moving to another API", 0, 1e8, "USD once", FURTHER),
        Number("updates", "Model updates", 0, 52, "a year", FURTHER),
        Slider("weekend", "Weekend's volume", 0, 2, "of a weekday's", FURTHER, percent=True, step=0.05),
    ]


def volumes(scenario: Scenario, values: Mapping[str, Any]) -> Floats:
    """Return the queries a day of each month."""
    months, start = int(values["months"]), scenario.queries_per_day
    if values["shape"] == "s_curve":
        return s_curve_volumes(start, values["ceiling"], values["midpoint"], months)
    if values["shape"] == "series":
        return series_volumes(numbers("volumes", values["series"]), months)
    return compound_volumes(start, values["growth"], months)


def planned(scenario: Scenario, catalog: Catalog, values: Mapping[str, Any]) -> GrowthPlan:
    """Plan a scenario under the page's inputs; raise InputError where one breaks a rule."""
    paths = price_paths(catalog, values["api_decline"], values["gpu_decline"], values["updates"])
    rented, bought, api = (float(values[f"migration_{way}"]) for way in ("rented", "bought", "api"))
    moving = {
        "rented": rented,
        "reserved": rented,
        "hybrid": rented,
        "bought": bought,
        "api": api,
        "hosted": api,
    }
    return plan_growth(
        scenario,
        catalog,
        volumes(scenario, values),
        paths,
        values["discount"],
        migration_usd=moving,
        ways_to_own=OWN if values["pay"] == "all" else (values["pay"],),
    )
