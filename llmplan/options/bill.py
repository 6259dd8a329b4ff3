"""What a month of one option is made of: named parts that add up to what the option costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmplan.catalog import Catalog
from llmplan.cost.hidden import PER_GPU_HOUR, PER_MONTH, PER_MTOK, PER_QUERY, PER_REPLICA, PER_STEP
from llmplan.options.comparison import Comparison
from llmplan.options.token_rows import usd_per_query
from llmplan.units import TOKENS_PER_MTOK


@dataclass(frozen=True)
class Part:
    """One line of a bill, USD a month at base; cost lines of the catalog keep their name and source."""

    name: str
    usd: float
    source_id: str = ""


def bill_of(found: Comparison, place: int, catalog: Catalog) -> tuple[Part, ...]:
    """Return the parts of an option's base month; they add up to `found.base_usd[place]`. (5.5)

    Lines that cost nothing are left out. An option that cannot serve has no bill.
    """
    if not np.isfinite(found.base_usd[place]):
        return ()
    parts = [*_tokens(found, place, catalog), *_fleet(found, place), *_by_query(found)]
    return tuple(part for part in parts if part.usd)


def _tokens(found: Comparison, place: int, catalog: Catalog) -> list[Part]:
    """Return what a provider bills: input and output apart where all goes to one price."""
    usd = float(found.options.usd_per_query[place])
    item, queries = found.options.items[place], found.queries_per_month
    if item.reserved is not None:
        return [
            Part("Reserved units", float(found.rent_usd[place])),
            Part("Tokens beyond them", usd * queries),
        ]
    if item.lengths is None or item.api_id is None or item.has_fleet:
        return [Part("Tokens and router", usd * queries)]
    price = catalog.api(item.api_id)
    read = float(usd_per_query([price], [item.lengths._replace(output=0.0)], found.scenario, catalog)[0])
    return [Part("Input tokens", read * queries), Part("Output tokens", (usd - read) * queries)]


def _fleet(found: Comparison, place: int) -> list[Part]:
    options, gpus = found.options, float(found.gpus_total[place])
    if not gpus:
        return []
    hidden = options.hidden
    replicas = float(found.replicas[place])
    rent = float(found.rent_usd[place])
    steps = np.ceil(gpus / hidden.gpus_per_people_step[1])
    hours = gpus * options.hours_per_month
    many = {PER_GPU_HOUR: hours, PER_MONTH: 1.0, PER_STEP: float(steps), PER_REPLICA: replicas}
    lines = [
        Part(line.name, line.usd[1] * count, line.source_id)
        for unit, count in many.items()
        for line in hidden.of_unit(unit)
    ]
    return [Part("GPUs", rent), *lines]


def _by_query(found: Comparison) -> list[Part]:
    scenario, queries = found.scenario, found.queries_per_month
    tokens = (scenario.input_tokens + scenario.output_tokens) / TOKENS_PER_MTOK
    many = {PER_QUERY: queries, PER_MTOK: tokens * queries}
    return [
        Part(line.name, line.usd[1] * count, line.source_id)
        for unit, count in many.items()
        for line in found.options.hidden.of_unit(unit)
    ]
