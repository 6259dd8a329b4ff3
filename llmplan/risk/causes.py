"""What is uncertain in a scenario: one record a shared cause, from the catalog's ranges and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Assumption, Catalog
from llmplan.cost.hidden import PEOPLE_STEP, HiddenCosts
from llmplan.cost.hidden import hidden_costs as catalog_costs
from llmplan.errors import InputError, UnknownNameError
from llmplan.options import Option, Options
from llmplan.options.token_rows import kind_of
from llmplan.risk.distributions import Range
from llmplan.scenario import Scenario

FIELDS = {
    "queries_per_day": "queries/day",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "cached_input_share": "share",
    "batch_share": "share",
    "peak_to_mean": "ratio",
    "utilisation_ceiling": "share",
}
"""Scenario fields that may be given as a range, with their units."""
FACTORS = (
    "gpu_price_factor",
    "api_price_factor",
    "hosted_price_factor",
    "throughput_factor",
    "hidden_cost_factor",
)
GPU_PRICE = "gpu_usd_per_hour."
API_FACTOR = "api_price_factor."
THROUGHPUT = "throughput:"
MOST = 1e9
"""No factor, price or assumption above this is meant."""


@dataclass(frozen=True)
class RiskInput:
    """One uncertain cause. Options that share it move together.

    Attributes
    ----------
    input_id: gpu_price, api_price, hosted_price, hidden_costs, throughput:<engine>:<basis>, a scenario field
        or api_price_factor.<api id>.
    low, base, high: of the value or factor; for throughput the 10th and 90th percentile of the error.
    source: where the range comes from, in plain words.
    """

    input_id: str
    label: str
    unit: str
    low: float
    base: float
    high: float
    source: str


def given_ranges(scenario: Scenario, catalog: Catalog) -> dict[str, tuple[float, ...]]:
    """Return the scenario's ranges, names checked against fields, factors, prices and assumptions."""
    given = dict(scenario.ranges)
    for name, numbers in given.items():
        _check_name(name, catalog)
        zero = name in FIELDS or (name in catalog.assumptions and name != PEOPLE_STEP)
        _check_ends(scenario, name, numbers, may_be_zero=zero)
    return given


def _check_ends(scenario: Scenario, name: str, numbers: tuple[float, ...], may_be_zero: bool) -> None:
    """Raise InputError where an end breaks the rule of its field, or of a factor, a price or an assumption."""
    low, high = numbers[0], numbers[-1]
    for end in (low, high) if name in FIELDS else ():
        changes = {name: end} | ({f"{name}_p95": None} if name.endswith("_tokens") else {})
        try:
            scenario.but(**changes)
        except InputError as error:
            raise InputError(f"ranges.{name}", end, error.rule, "move the end inside") from None
    if not (low > 0 or may_be_zero):
        raise InputError(f"ranges.{name}", low, "must be above 0", "raise the low end")
    if not high <= MOST:
        raise InputError(f"ranges.{name}", high, f"must be at most {MOST:g}", "lower the high end")


def _check_name(name: str, catalog: Catalog) -> None:
    if name.startswith(GPU_PRICE):
        catalog.gpu(name.removeprefix(GPU_PRICE))
    elif name.startswith(API_FACTOR):
        catalog.api(name.removeprefix(API_FACTOR))
    elif name not in FIELDS and name not in FACTORS and name not in cost_assumptions(catalog):
        known = [*FIELDS, *FACTORS, *cost_assumptions(catalog), f"{GPU_PRICE}<gpu>", f"{API_FACTOR}<api>"]
        raise UnknownNameError("ranges", name, known)


def cost_assumptions(catalog: Catalog) -> list[str]:
    """Return the ids of the assumptions that a fleet's monthly cost rests on."""
    lines = [line.assumption_id for line in catalog_costs(catalog).lines if line.assumption_id]
    return [*lines, PEOPLE_STEP, "days-per-update", "updates-per-year", "day-rate-usd"]


def paid_kind(item: Option, catalog: Catalog) -> str | None:
    """Return the kind of token price that an option pays; None where it pays for none."""
    if item.kind == "hybrid":
        return str(kind_of(catalog.apis[item.api_id or ""]))
    return None if item.kind == "self_hosted" else item.kind


def to_range(numbers: tuple[float, ...] | None, point: float) -> Range:
    """Return a distribution: low and high with the mode at the point (held inside), or low, mode, high."""
    if numbers is None:
        return Range(point, point, point, point)
    low, high = numbers[0], numbers[-1]
    mode = numbers[1] if len(numbers) == 3 else min(max(point, low), high)
    return Range(low, mode, high, point)


def field_ranges(scenario: Scenario, given: Mapping[str, tuple[float, ...]]) -> dict[str, Range]:
    """Return a distribution for each scenario field that may be uncertain; fixed where no range is given."""
    return {field: to_range(given.get(field), float(getattr(scenario, field))) for field in FIELDS}


def token_price_ranges(catalog: Catalog, given: Mapping[str, tuple[float, ...]]) -> dict[str, Range]:
    """Return the price factor of APIs and of hosted open models: the user's range or the catalog's."""
    found = {}
    for kind, name, row_id in (
        ("api", "api_price_factor", "api-price-factor"),
        ("hosted", "hosted_price_factor", "hosted-price-factor"),
    ):
        row = catalog.assumptions.get(row_id)
        known = (row.low, row.base, row.high) if row else None
        found[kind] = to_range(given.get(name, known), 1.0)
    return found


def hidden_costs(options: Options, catalog: Catalog, given: Mapping[str, tuple[float, ...]]) -> HiddenCosts:
    """Return the options' hidden cost lines, with the user's ranges of assumptions where there are any."""
    changed: dict[str, Assumption] = {}
    for name, numbers in given.items():
        row = catalog.assumptions.get(name)
        if row is not None:
            found = to_range(numbers, row.base)
            changed[name] = row.model_copy(update={"low": found.low, "base": found.mode, "high": found.high})
    if not changed:
        return options.hidden
    catalog = replace(catalog, assumptions={**catalog.assumptions, **changed})
    return catalog_costs(catalog, options.scenario.engineering_usd_per_month)


def throughput_cause(item: Option, given: Mapping[str, tuple[float, ...]]) -> str:
    """Return the name of the cause that a configuration's throughput error shares with others."""
    if "throughput_factor" in given and item.reserved is None:
        return "throughput"
    return f"{THROUGHPUT}{item.engine_id or 'any'}:{item.basis or 'any'}"


def price_ratios(options: Options, given: Mapping[str, tuple[float, ...]]) -> Floats:
    """Return low, mode, high and point of each option's GPU price over its base offer's, shape (4, n).

    The catalog's range is what the cheapest and the dearest provider ask for a further replica of a large fleet; the
    user's range of one GPU or of all replaces it. Options without a fleet get ones.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        each = options.market.rents.slope[:, options.rent_row]
        ratio = each / each[1]
    ratio = np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0)
    found = np.stack([np.minimum(ratio[0], 1), ratio[1], np.maximum(ratio[2], 1), np.ones(len(options))])
    if "gpu_price_factor" in given:
        spread = to_range(given["gpu_price_factor"], 1.0)
        found[:3] = np.array([[spread.low], [spread.mode], [spread.high]])
    for name, numbers in given.items():
        if name.startswith(GPU_PRICE):
            _own_gpu_price(found, options, name.removeprefix(GPU_PRICE), numbers)
    found[:, options.is_reserved] = 1.0
    return found


def _own_gpu_price(found: Floats, options: Options, gpu_id: str, numbers: tuple[float, ...]) -> None:
    for place, item in enumerate(options.items):
        if item.gpu_id == gpu_id and item.offers:
            base = item.offers[1].usd_per_gpu_hour
            spread = to_range(numbers, base)
            found[:3, place] = spread.low / base, spread.mode / base, spread.high / base


def risk_inputs(
    scenario: Scenario,
    catalog: Catalog,
    options: Options,
    fixed: HiddenCosts,
    given: Mapping[str, tuple[float, ...]],
) -> tuple[RiskInput, ...]:
    """Return every cause that moves the cost of some of `options` off the base case, in a fixed order.

    A range without width that is not the base case holds the cause at its one value in every draw.

    Parameters
    ----------
    options: those that can win, the one to describe shared GPU prices by first.
    fixed: the hidden lines with the user's ranges.
    """
    own = np.flatnonzero(options.has_fleet)
    found = [*_gpu_price(options, own, given), *_token_prices(options, catalog, given)]
    if len(own):
        found += [_hidden_costs(fixed, given), *_throughput(options, own, given, catalog)]
    for field, spread in field_ranges(scenario, given).items():
        label = field.replace("_", " ")
        found.append(
            RiskInput(field, label, FIELDS[field], spread.low, spread.point, spread.high, "scenario")
        )
    return tuple(row for row in found if not row.low == row.base == row.high)


def _gpu_price(options: Options, own: Places, given: Mapping[str, tuple[float, ...]]) -> list[RiskInput]:
    ratios = price_ratios(options, given)[:, own]
    moves = (ratios[0] < ratios[2]) | (ratios[0] != 1)
    if not np.any(moves):
        return []
    widest = int(np.argmax(moves))
    mine = any(name == "gpu_price_factor" or name.startswith(GPU_PRICE) for name in given)
    source = "scenario" if mine else "cheapest to dearest offer in the catalog"
    low, high = float(ratios[0, widest]), float(ratios[2, widest])
    return [RiskInput("gpu_price", "GPU market price", "ratio to base", low, 1.0, high, source)]


def _token_prices(
    options: Options, catalog: Catalog, given: Mapping[str, tuple[float, ...]]
) -> list[RiskInput]:
    found = []
    ranges = token_price_ranges(catalog, given)
    for kind, label in (("api", "API prices"), ("hosted", "prices of hosted open models")):
        if any(paid_kind(item, catalog) == kind for item in options.items):
            spread = ranges[kind]
            source = "scenario" if f"{kind}_price_factor" in given else "catalog's estimate for a year"
            row = RiskInput(f"{kind}_price", label, "ratio to today", spread.low, 1.0, spread.high, source)
            found.append(row)
    for name, numbers in given.items():
        if name.startswith(API_FACTOR):
            label = f"price of {name.removeprefix(API_FACTOR)}"
            found.append(RiskInput(name, label, "ratio to today", numbers[0], 1.0, numbers[-1], "scenario"))
    return found


def _hidden_costs(fixed: HiddenCosts, given: Mapping[str, tuple[float, ...]]) -> RiskInput:
    label, unit = "people and hidden costs", "USD/month"
    low, base, high = (float(fixed.usd(1, side)) for side in range(3))
    if "hidden_cost_factor" in given:
        spread = to_range(given["hidden_cost_factor"], 1.0)
        low, high = base * spread.low, base * spread.high
    return RiskInput("hidden_costs", label, unit, low, base, high, "catalog's ranges of each line")


def _throughput(
    options: Options, own: Places, given: Mapping[str, tuple[float, ...]], catalog: Catalog
) -> list[RiskInput]:
    if "throughput_factor" in given:
        low, high = given["throughput_factor"][0], given["throughput_factor"][-1]
        return [RiskInput("throughput", "throughput", "ratio to prediction", low, 1.0, high, "scenario")]
    bands: dict[str, tuple[float, float]] = {}
    for place in own:
        if options.per_replica[1, place] > 0:
            low, high = options.per_replica[(2, 0), place] / options.per_replica[1, place]
            cause = throughput_cause(options.items[place], given)
            old = bands.get(cause, (1.0, 1.0))
            bands[cause] = (min(old[0], float(low)), max(old[1], float(high)))
    source = "p10-p90 of held-out errors of the sizing model"
    return [
        RiskInput(cause, _words(cause, catalog), "ratio to prediction", low, 1.0, high, source)
        for cause, (low, high) in sorted(bands.items())
    ]


def _words(cause: str, catalog: Catalog) -> str:
    engine, basis = cause.removeprefix(THROUGHPUT).split(":")
    return f"throughput of {catalog.engine(engine).name if engine in catalog.engines else engine}, {basis}"
