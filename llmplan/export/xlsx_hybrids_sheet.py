"""The sheet of routed options: a fleet for its share and an API for the rest, in live formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from llmplan.cost.fleet import replicas_needed
from llmplan.export.xlsx_costs import (
    API_QUERY,
    API_SHEET,
    CARRIES,
    OWN_SHEET,
    PRICE,
    START,
    Addresses,
    replicas_formula,
    rest_formula,
    side_column,
)
from llmplan.export.xlsx_parts import FIRST_ROW, SIDES, Book, cell
from llmplan.export.xlsx_rents import RentCells, Rented, paid_usd_formula
from llmplan.kinds import Kind
from llmplan.options.comparison_rows import comparison_row
from llmplan.options.fleet_api_pairs import assumed_split
from llmplan.report.report import Report
from llmplan.units import TOKENS_PER_MTOK

SHEET = Kind.HYBRID.short
HEADS = (
    "Share answered by the fleet",
    "The fleet's load over all work",
    "The API's load over all work",
    "Router, USD per million queries",
    "USD a month, API",
    "USD a month, router",
)
SIDE_HEADS = ("replicas", "GPUs", "USD a month, fleet")
SHARE, FLEET_LOAD, API_LOAD, ROUTER, API_USD, ROUTER_USD = range(5, 5 + len(HEADS))
FIRST_SIDE = 5 + len(HEADS)


class Loads(NamedTuple):
    """What a split puts on either side, in the share of all mean queries, and the router's price."""

    fleet: float
    api: float
    router_usd_per_million: float


class HybridCells(NamedTuple):
    """Where a hybrid's figures stand: its costs, its fleet's row and load, what each query pays besides."""

    costs: Addresses
    own_row: int
    load: str
    usd_per_query: str


def hybrid_pair(report: Report, place: int) -> tuple[int, int]:
    """Return the places of a hybrid's fleet and its API."""
    item, options = report.option(place), report.comparison.options
    return options.index(str(item.weak_id)), options.index(str(item.strong_id))


def write_hybrids(
    book: Book, report: Report, api_rows: dict[int, int], own_rows: dict[int, int], rented: Rented
) -> dict[int, HybridCells]:
    """Write hybrids, their totals live over the cost sheets; the splits are as of the export. By place.

    Parameters
    ----------
    api_rows, own_rows: by place: the option's row on its cost sheet.
    """
    note = (
        "Live for the splits shown; which pair and split are best is as of the export. "
        "Loads are shares of all mean queries: hard queries are longer, so the API's is above its share. (7.2)"
    )
    totals = tuple(f"{report.money.name} a month, {side}" for side in SIDES)
    sides = tuple(f"{head}, {side}" for side in SIDES for head in SIDE_HEADS)
    heads = ("Routed option", *totals, "Quality against the reference", *HEADS, *sides)
    sheet = book.sheet(
        SHEET, "A fleet and an API that share the traffic", note, heads, (60, *[15] * (len(heads) - 1))
    )
    found = {}
    for line, place in enumerate(report.hybrid_places, start=FIRST_ROW):
        weak, strong = hybrid_pair(report, place)
        rows = (own_rows[weak], api_rows[strong])
        found[place] = _hybrid(
            book, sheet, line, report, place, *rows, [rented[place, side] for side in range(3)]
        )
    return found


def _hybrid(
    book: Book,
    sheet: Any,
    line: int,
    report: Report,
    place: int,
    own_row: int,
    api_row: int,
    rents: list[RentCells],
) -> HybridCells:
    row: Mapping[str, Any] = comparison_row(report.comparison, place)
    _, strong = hybrid_pair(report, place)
    loads = split_loads(report, row)
    book.text(sheet, line, 0, row["label"])
    book.number(sheet, line, 4, row["quality"], "percent")
    book.number(sheet, line, SHARE, row["share_weak"], "percent")
    fleet = book.number(sheet, line, FLEET_LOAD, loads.fleet, "number", is_input=True)
    api = book.number(sheet, line, API_LOAD, loads.api, "number", is_input=True)
    router = book.number(sheet, line, ROUTER, loads.router_usd_per_million, "usd", is_input=True)
    month = report.comparison.queries_per_month
    api_usd = month * loads.api * float(report.comparison.options.usd_per_query[strong])
    each = cell(api_row, API_QUERY, API_SHEET)
    paid = book.live(sheet, line, API_USD, f"=queries_per_month*{api}*{each}", api_usd)
    router_usd = month * loads.router_usd_per_million / TOKENS_PER_MTOK
    formula = f"=queries_per_month*{router}/{TOKENS_PER_MTOK:.0f}"
    routed = book.live(sheet, line, ROUTER_USD, formula, router_usd)
    low, base, high = (
        _fleet(book, sheet, line, report, row, own_row, fleet, side, rents[side]) for side in range(3)
    )
    ends = f"{low},{base},{high}"
    for column, (which, side) in enumerate(
        zip((f"MIN({ends})", base, f"MAX({ends})"), SIDES, strict=True), 1
    ):
        book.shown(sheet, line, column, f"{which}+{paid}+{routed}", row[f"monthly_usd_{side}"])
    tokens = f"{cell(line, API_USD, SHEET)}+{cell(line, ROUTER_USD, SHEET)}"
    last = [FIRST_SIDE + side * len(SIDE_HEADS) + len(SIDE_HEADS) - 1 for side in range(3)]
    costs = Addresses(*(f"{cell(line, column, SHEET)}+{tokens}" for column in last))
    api, router = cell(line, API_LOAD, SHEET), cell(line, ROUTER, SHEET)
    per_query = f"{api}*{each}+{router}/{TOKENS_PER_MTOK:.0f}"
    return HybridCells(costs, own_row, cell(line, FLEET_LOAD, SHEET), per_query)


def split_loads(report: Report, row: Mapping[str, Any]) -> Loads:
    """Return the loads of a hybrid's split under the base assumptions of data/router_assumptions.csv."""
    if row["split_by"] == "load":
        load = float(report.comparison.options.fleet_load[report.comparison.options.index(row["option_id"])])
        return Loads(load, 1 - row["share_weak"], 0.0)
    plan = assumed_split(report.catalog)
    split = int(np.argmin(np.abs(plan.share_weak - row["share_weak"])))
    fleet, api = plan.fleet_queries_per_day[split], plan.api_queries_per_day[split]
    return Loads(float(fleet), float(api), float(plan.router_usd[split]) * TOKENS_PER_MTOK)


def _fleet(
    book: Book,
    sheet: Any,
    line: int,
    report: Report,
    row: Mapping[str, Any],
    own_row: int,
    load: str,
    side: int,
    rent: RentCells,
) -> str:
    """Write one side's fleet for its load; return where its cost stands."""
    name = SIDES[side]
    options = report.comparison.options.take([report.comparison.options.index(str(row["option_id"]))])
    carries, price = (cell(own_row, side_column(side, which), OWN_SHEET) for which in (CARRIES, PRICE))
    needed = report.scenario.queries_per_day * split_loads(report, row).fleet
    replicas = replicas_needed(needed, options.per_replica[side], report.scenario.spare_replicas)[:, None]
    gpus = options.gpus_of(replicas, side)
    usd = options.rent_usd(replicas, side, np.array([needed]))
    usd = usd + options.hidden.fleet_usd(gpus, replicas, options.hours_per_month, side)
    first = FIRST_SIDE + side * len(SIDE_HEADS)
    formula = f"={replicas_formula(f'queries_per_day*{load}', carries)}"
    count = book.live(sheet, line, first, formula, float(replicas[0, 0]), "integer")
    at = book.live(sheet, line, first + 1, f"={rent.gpus_formula(count)}", float(gpus[0, 0]), "integer")
    start = cell(own_row, START, OWN_SHEET)
    paid = paid_usd_formula(options, rent, count, f"(queries_per_day*{load})", start)
    formula = f"={paid}*{price}*hours_per_month+{rest_formula(at, count, name)}"
    return book.live(sheet, line, first + 2, formula, float(usd[0, 0]))
