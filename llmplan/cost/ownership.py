"""Buying a server against renting it: the monthly cost of owning, and what a GPU-hour then costs.

Cost accounting, not cash: capital is spread over the life and charged with the cost of capital on the average
book value. `llmplan.growth` follows the cash instead and discounts it; never add the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from llmplan.arrays import Bools, Floats
from llmplan.errors import InputError
from llmplan.units import MONTHS_PER_YEAR, W_PER_KW

if TYPE_CHECKING:
    from llmplan.catalog import Catalog, Gpu, GpuPurchase
    from llmplan.scenario import Scenario

Case = Literal["low", "base", "high"]

TERM_IDS: Final = {
    "life_years": "life-years",
    "residual_share": "residual-share",
    "capital_share_per_year": "capital-cost-per-year",
    "maintenance_share_per_year": "maintenance-per-year",
    "usd_per_kwh": "electricity-usd-per-kwh",
    "pue": "pue",
    "server_overhead_w": "server-power-w",
    "colocation_usd_per_server_month": "server-hosting-usd-per-month",
}
"""Field of OwnershipTerms -> assumption_id in data/assumptions.csv."""
OF_SCENARIO: Final = ("usd_per_kwh", "pue", "server_overhead_w", "colocation_usd_per_server_month")
"""Fields of OwnershipTerms that are fields of a scenario too."""


@dataclass(frozen=True)
class OwnershipTerms:
    """What owning takes besides the price tag.

    Attributes
    ----------
    life_years: years in service. [year]
    residual_share: value left at the end, of the capital. [0..1]
    capital_share_per_year: cost of capital on the average book value. [1/year]
    maintenance_share_per_year: support contract, of the capital. [1/year]
    usd_per_kwh: electricity. [USD/kWh]
    pue: power usage effectiveness of the site. [-, at least 1]
    server_overhead_w: CPUs, memory, fans, network of one server. [W]
    colocation_usd_per_server_month: rack space. [USD/month]
    """

    life_years: float
    residual_share: float
    capital_share_per_year: float
    maintenance_share_per_year: float
    usd_per_kwh: float
    pue: float
    server_overhead_w: float
    colocation_usd_per_server_month: float

    def __post_init__(self) -> None:
        _require("life_years", self.life_years, 0 < self.life_years < np.inf, "must be finite, above 0")
        _require("residual_share", self.residual_share, 0 <= self.residual_share <= 1, "must be 0 to 1")
        _require("pue", self.pue, self.pue >= 1, "must be at least 1")
        for field in fields(self)[2:]:
            value = getattr(self, field.name)
            _require(field.name, value, 0 <= value < np.inf, "must be finite, not negative")


@dataclass(frozen=True)
class OwnershipCost:
    """One month of one owned server; arrays where the price was an array. [USD/month unless named otherwise]

    Attributes
    ----------
    capital_usd: server and installation. [USD]
    depreciation_usd, capital_charge_usd, maintenance_usd, power_usd, colocation_usd: the lines.
    usd_per_server_month: their sum.
    usd_per_gpu_hour: over every hour of the month, idle ones included. [USD/h]
    power_kw: drawn from the grid with the GPUs at their rated power. [kW]
    """

    capital_usd: Floats
    depreciation_usd: Floats
    capital_charge_usd: Floats
    maintenance_usd: Floats
    power_usd: Floats
    colocation_usd: Floats
    usd_per_server_month: Floats
    usd_per_gpu_hour: Floats
    power_kw: Floats


@dataclass(frozen=True)
class ServerChoice:
    """The cheapest way to own GPUs for a number of replicas: one kind of server, `servers` of them."""

    purchase: GpuPurchase
    servers: int
    replicas_per_server: int
    capital_usd: float
    usd_per_month: float
    usd_per_gpu_hour: float


def ownership_terms(
    catalog: Catalog, case: Case = "base", scenario: Scenario | None = None
) -> OwnershipTerms:
    """Return the terms that data/assumptions.csv states, at its low, base or high values, or a scenario's own.

    "low" is the low value of every row, not the cheapest owner: a low residual makes owning dearer.
    """
    stated = {field: float(getattr(catalog.assumption(key), case)) for field, key in TERM_IDS.items()}
    own = (
        {} if scenario is None else {field: getattr(scenario.under(catalog), field) for field in OF_SCENARIO}
    )
    return OwnershipTerms(**{**stated, **own})


def ownership_cost(
    server_usd: ArrayLike,
    installation_usd: ArrayLike,
    gpus_per_server: int,
    gpu_tdp_w: float,
    terms: OwnershipTerms,
    hours_per_month: float,
) -> OwnershipCost:
    """Return what one owned server costs a month, equations (5b.1) to (5b.6).

    Parameters
    ----------
    server_usd, installation_usd: price of the complete server and of putting it to work; broadcast. [USD]
    gpus_per_server: GPUs in it.
    gpu_tdp_w: rated power of one GPU. [W]
    terms: life, residual, capital, maintenance, power and space.
    hours_per_month: the calendar of the comparison, 24 x days_per_month. [h]

    Notes
    -----
    Straight-line depreciation; power at the rated maximum all month, an upper bound; taxes, staff
    and spare parts are left out. The method is the one of published buy-or-rent calculators.
    """
    _require("gpus_per_server", gpus_per_server, gpus_per_server > 0, "must be above 0")
    _require("gpu_tdp_w", gpu_tdp_w, 0 < gpu_tdp_w < np.inf, "must be finite, above 0")
    _require("hours_per_month", hours_per_month, 0 < hours_per_month <= 744, "must be above 0, at most 744")
    server, installation = np.asarray(server_usd, float), np.asarray(installation_usd, float)
    _require("server_usd", server_usd, _all(server > 0, server), "must be finite, above 0")
    _require(
        "installation_usd", installation_usd, _all(installation >= 0, installation), "must not be negative"
    )
    capital = server + installation
    power_kw = np.asarray(server_power_kw(gpus_per_server, gpu_tdp_w, terms))
    depreciation = capital * (1 - terms.residual_share) / (terms.life_years * MONTHS_PER_YEAR)
    average_book = capital * (1 + terms.residual_share) / 2
    charge = average_book * terms.capital_share_per_year / MONTHS_PER_YEAR
    maintenance = capital * terms.maintenance_share_per_year / MONTHS_PER_YEAR
    power = power_kw * hours_per_month * terms.usd_per_kwh
    space = np.asarray(terms.colocation_usd_per_server_month, float)
    month = depreciation + charge + maintenance + power + space
    hour = month / (gpus_per_server * hours_per_month)
    return OwnershipCost(capital, depreciation, charge, maintenance, power, space, month, hour, power_kw)


def server_power_kw(gpus_per_server: int, gpu_tdp_w: float, terms: OwnershipTerms) -> float:
    """Return what a server draws from the grid with every GPU at its rated power, equation (5b.4). [kW]"""
    return (gpus_per_server * gpu_tdp_w + terms.server_overhead_w) / W_PER_KW * terms.pue


def running_usd_per_server_month(
    capital_usd: float, power_kw: float, terms: OwnershipTerms, hours_per_month: float
) -> float:
    """Return the cash that an owned server takes each month: maintenance, power, space. [USD/month]"""
    maintenance = capital_usd * terms.maintenance_share_per_year / MONTHS_PER_YEAR
    power = power_kw * hours_per_month * terms.usd_per_kwh
    return maintenance + power + terms.colocation_usd_per_server_month


def cheapest_servers(
    purchases: Iterable[GpuPurchase],
    gpu: Gpu,
    n_gpus: int,
    replicas: int,
    terms: OwnershipTerms,
    hours_per_month: float,
) -> ServerChoice | None:
    """Return the cheapest servers of one kind that hold `replicas` replicas of `n_gpus` GPUs each.

    A replica stays inside one server (no tensor parallelism across servers). None where the table
    has no server of this GPU with `n_gpus` or more GPUs.
    """
    _require("n_gpus", n_gpus, n_gpus > 0, "must be above 0")
    _require("replicas", replicas, replicas > 0, "must be above 0")
    choices = [
        _server_choice(row, gpu, n_gpus, replicas, terms, hours_per_month)
        for row in purchases
        if row.gpu_id == gpu.gpu_id and row.gpus_per_server >= n_gpus
    ]
    return min(choices, key=lambda choice: (choice.usd_per_month, choice.servers), default=None)


def _server_choice(
    row: GpuPurchase, gpu: Gpu, n_gpus: int, replicas: int, terms: OwnershipTerms, hours_per_month: float
) -> ServerChoice:
    per_server = row.gpus_per_server // n_gpus
    servers = -(-replicas // per_server)
    cost = ownership_cost(
        row.server_usd, row.installation_usd, row.gpus_per_server, gpu.tdp_w, terms, hours_per_month
    )
    return ServerChoice(
        purchase=row,
        servers=servers,
        replicas_per_server=per_server,
        capital_usd=servers * float(cost.capital_usd),
        usd_per_month=servers * float(cost.usd_per_server_month),
        usd_per_gpu_hour=float(cost.usd_per_gpu_hour),
    )


def _all(holds: Bools, values: Floats) -> bool:
    return bool(np.all(holds & np.isfinite(values)))


def _require(field: str, value: object, holds: bool, rule: str) -> None:
    if not holds:
        raise InputError(field, value, rule, "give a value in that range")
