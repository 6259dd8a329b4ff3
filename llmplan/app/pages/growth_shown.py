"""What the growth page shows: the plan over months, the switches, the week of the fleet, the operations plan."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from llmplan.app.fields import Field, Number, Select, Slider, Text
from llmplan.app.model import AppModel
from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.scenario import Scenario
from llmplan.wording import Currency

if TYPE_CHECKING:
    from llmplan.growth import PlanOption, SwitchPlan, TimePlan
    from llmplan.growth.autoscaling.planned import PlannedWeek
    from llmplan.operations import ServingPlan

FURTHER = "Further"
LATE_MONTHS = 12
OWN = ("rented", "reserved", "bought")
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


@dataclass(frozen=True, eq=False)
class GrowthShown:
    """The plan over months of one scenario.

    Attributes
    ----------
    families: option id -> incumbent, api, hosted, rented, reserved, bought or hybrid.
    drawn: the incumbent and the best of each family, option id -> family, in the order of the families.
    switches: leaving the incumbent for each other option.
    """

    plan: TimePlan
    options: dict[str, PlanOption]
    families: dict[str, str]
    drawn: dict[str, str]
    switches: dict[str, SwitchPlan]
    money: Currency

    @property
    def incumbent_id(self) -> str:
        return self.plan.options[0].option_id

    @property
    def best_own_id(self) -> str | None:
        """The self-hosted option of least net present cost; None where none is feasible."""
        own = [row for row in self.plan.options if self.families[row.option_id] in OWN]
        return min(own, key=lambda row: row.npv_usd).option_id if own else None

    def leaders(self) -> list[tuple[int, int, str]]:
        """Return (first month, last month, option id) of the least cumulative cost, months from 1."""
        runs, month = [], 1
        for option_id, group in groupby(self.plan.leader_by_month):
            count = len(list(group))
            runs.append((month, month + count - 1, option_id))
            month += count
        return runs


@dataclass(frozen=True, eq=False)
class FleetShown:
    """A fleet through the week in one month of the plan."""

    month: int
    queries_per_day: float
    serving: ServingPlan
    label: str
    week: PlannedWeek
    money: Currency


def first_values(model: AppModel) -> dict[str, Any]:
    """Return the page's inputs at the start: the catalog's base assumptions."""

    def base(name: str) -> float:
        return model.catalog.assumption(name).base

    return {
        "growth": base("volume-growth-per-month"),
        "api_decline": base("api-price-decline-per-year"),
        "gpu_decline": base("gpu-price-decline-per-year"),
        "discount": base("capital-cost-per-year"),
        "months": 36,
        "pay": "all",
        "incumbent": model.scenario.reference_api_id,
        "shape": "compound",
        "series": f"{model.scenario.queries_per_day:g}",
        "ceiling": 1_000_000.0,
        "midpoint": 18,
        "migration_rented": base("one-off-rented-usd"),
        "migration_bought": base("one-off-owned-usd"),
        "migration_api": base("one-off-hosted-usd"),
        "updates": base("updates-per-year"),
        "fleet_month": 1,
        "weekend": 1.0,
    }


def growth_fields(model: AppModel) -> list[Field]:
    """Return the page's inputs."""
    apis = tuple((a.api_id, a.api_id) for a in model.catalog.apis.values() if a.status == "active")
    return [
        Slider("growth", "Volume growth", -0.1, 0.5, "a month", percent=True, step=0.005),
        Slider("api_decline", "API price decline", -0.2, 0.8, "a year", percent=True, step=0.01),
        Slider("gpu_decline", "GPU price decline", -0.2, 0.8, "a year", percent=True, step=0.01),
        Slider("discount", "Discount rate", 0, 0.5, "a year", percent=True, step=0.005),
        Slider("months", "Months", 1, MOST_MONTHS, "", step=1),
        Select("pay", "Self-hosting", PAY),
        Select("incumbent", "Runs today", apis),
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


def volumes(scenario: Scenario, values: dict[str, Any]) -> Floats:
    """Return the queries a day of each month."""
    from llmplan.growth import compound_volumes, numbers, s_curve_volumes, series_volumes

    months, start = int(values["months"]), scenario.queries_per_day
    if values["shape"] == "s_curve":
        return s_curve_volumes(start, values["ceiling"], values["midpoint"], months)
    if values["shape"] == "series":
        return series_volumes(numbers("volumes", values["series"]), months)
    return compound_volumes(start, values["growth"], months)


def work_out(model: AppModel, values: dict[str, Any]) -> GrowthShown:
    """Plan the present scenario over the months; raise InputError where an input breaks a rule."""
    from llmplan.growth import switch_plan, time_plan
    from llmplan.growth.candidates import candidate_options
    from llmplan.growth.options import incumbent_option, price_paths

    scenario, catalog = model.scenario, model.catalog
    paths = price_paths(catalog, values["api_decline"], values["gpu_decline"], values["updates"])
    path, rate = volumes(scenario, values), values["discount"]
    first = incumbent_option(scenario, catalog, paths, values["incumbent"])
    families = {first.option_id: "incumbent"}
    others = []
    for option in candidate_options(scenario, catalog, paths, path):
        family = family_of(option.option_id, catalog)
        unwanted = family in OWN and values["pay"] not in ("all", family)
        if option.option_id not in families and not unwanted:
            families[option.option_id] = family
            others.append(replace(option, migration_usd=_migration(family, values)))
    plan = time_plan([first, *others], path, rate)
    switches = {option.option_id: switch_plan(first, option, path, rate) for option in others}
    options = {option.option_id: option for option in (first, *others)}
    return GrowthShown(plan, options, families, _best_of_each(plan, families), switches, scenario.currency)


def family_of(option_id: str, catalog: Catalog) -> str:
    """Return how an option is paid for."""
    if option_id.startswith("hybrid:"):
        return "hybrid"
    api = catalog.apis.get(option_id)
    if api is not None:
        return "hosted" if api.kind == "hosted_open" else "api"
    return option_id.rpartition("#")[2]


def _migration(family: str, values: dict[str, Any]) -> float:
    names = {"bought": "migration_bought", "api": "migration_api", "hosted": "migration_api"}
    return float(values[names.get(family, "migration_rented")])


def _best_of_each(plan: TimePlan, families: dict[str, str]) -> dict[str, str]:
    from llmplan.charts.growth import FAMILY_NAMES

    best: dict[str, Any] = {}
    for row in sorted(plan.options, key=lambda option: option.npv_usd):
        best.setdefault(families[row.option_id], row)
    return {best[family].option_id: family for family in FAMILY_NAMES if family in best}


def fleet_shown(
    model: AppModel, month: int, queries_per_day: float, weekend_factor: float
) -> FleetShown | None:
    """Return the cheapest fleet of a month through the week; None where self-hosting is not feasible."""
    from llmplan.growth.autoscaling.planned import planned_week
    from llmplan.operations.choosing import plan_of
    from llmplan.options import evaluate

    scenario = model.scenario.but(queries_per_day=queries_per_day)
    comparison = evaluate(scenario, model.catalog)
    place = comparison.cheapest("self_hosted")
    if place is None:
        return None
    item, serving = comparison.options.items[place], plan_of(comparison, place, model.catalog)
    api = comparison.cheapest("api", "hosted")
    fallback = None if api is None else comparison.options.items[api].usd_per_query
    rent = item.offers[1].usd_per_gpu_hour if item.offers else 0.0
    week = planned_week(serving, scenario, model.catalog, rent, weekend_factor, fallback)
    return FleetShown(month, scenario.queries_per_day, serving, item.label, week, scenario.currency)


def operations_zip(scenario: Scenario, catalog: Catalog, start: dt.date) -> tuple[str, str, bytes]:
    """Return the operations plan of the cheapest feasible fleet as a ZIP: (file name, media type, bytes).

    The same files as `llmplan ops` writes; InputError where nothing self-hosted is feasible.
    """
    from llmplan.operations import operations_files, storage_list, update_calendar
    from llmplan.operations.choosing import api_tier, plan_of, self_hosted_place
    from llmplan.options import evaluate

    def base(name: str) -> float:
        return catalog.assumption(name).base

    comparison = evaluate(scenario, catalog)
    chosen = plan_of(comparison, self_hosted_place(comparison), catalog)
    updates = update_calendar(
        chosen, start, base("updates-per-year"), base("days-per-update"), base("day-rate-usd")
    )
    storage = storage_list(chosen, round(base("weight-versions-kept")))
    versions = {engine.engine_id: engine.version for engine in catalog.engines.values()}
    files = operations_files(chosen, api_tier(comparison, catalog), updates, storage, versions)
    return "llmplan-operations.zip", "application/zip", zipped(files)


def zipped(files: dict[str, str], folder: str = "operations") -> bytes:
    """Return texts as a ZIP archive under one folder; scripts can be run."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            archive.writestr(entry, files[name])
    return out.getvalue()
