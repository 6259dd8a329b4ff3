"""Small made-up options for tests of risk and tipping points: token prices and fleets with ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from llmplan.cost.billing import FleetHours
from llmplan.options import Option, Options
from llmplan.options.rows import Rows
from llmplan.scenario import Scenario
from tests.hidden_costs import hidden
from tests.rents import market_of

BARE: dict[str, Any] = {"reasons": (), "licence_id": None, "source_ids": (), "prices_as_of": None}


@dataclass(frozen=True)
class Fleet:
    """A fleet: daily queries of a replica, rent of an instance, replicas and GPUs in it."""

    each: float
    rent: float
    per: int = 1
    gpus: int = 1
    band: tuple[float, float] = (1.0, 1.0)
    price: tuple[float, float] = (1.0, 1.0)
    engine: str = "vllm"
    basis: str = "calibrated"
    quality: float | None = 0.8


def options_of(
    usd_per_query: dict[str, float],
    fleets: list[Fleet],
    scenario: Scenario | None = None,
    flat: tuple[float, float, float] = (0, 0, 0),
    people: tuple[float, float, float] = (0, 0, 0),
    step: tuple[float, float, float] = (8, 8, 8),
    qualities: dict[str, float] | None = None,
) -> Options:
    """Return options: token prices by name (a slash makes one hosted), then fleets named own0, own1 ..."""
    known = qualities or {}
    items = [
        Option(
            name,
            "hosted" if "/" in name else "api",
            f"{name} API",
            name,
            known.get(name, 1.0),
            api_id=name,
            usd_per_query=usd,
            **BARE,
        )
        for name, usd in usd_per_query.items()
    ]
    items += [
        Option(
            f"own{i}",
            "self_hosted",
            f"own{i}",
            f"own{i}",
            fleet.quality,
            engine_id=fleet.engine,
            basis=fleet.basis,
            gpu_id="l4",
            n_gpus=1,
            precision_id="bf16",
            **BARE,
        )
        for i, fleet in enumerate(fleets)
    ]
    apis = len(usd_per_query)
    each = [(f.each * f.band[1], f.each, f.each * f.band[0]) for f in fleets]
    lots = [tuple((f.per, f.rent * price, f.gpus) for price in (f.price[0], 1.0, f.price[1])) for f in fleets]
    return Options(
        scenario=scenario or Scenario(spare_replicas=0, utilisation_ceiling=1, peak_to_mean=1),
        items=Rows.of(items),
        hidden=hidden(flat, people, step),
        fleet_load=np.array([*(0.0 for _ in usd_per_query), *(1.0 for _ in fleets)]),
        usd_per_query=np.array([*usd_per_query.values(), *(0.0 for _ in fleets)]),
        per_replica=_sides(each, apis),
        market=market_of([((1.0, 1.0, 1.0),) * 3] * apis + lots),  # type: ignore[arg-type]
        rent_row=np.arange(len(items)),
        rent_factor=np.ones(len(items)),
        start_s=np.full(len(items), np.nan),
        hours=FleetHours(np.full(24, 1 / 24), np.ones(24), scenario.spare_replicas if scenario else 0),
    )


def _sides(rows: list[tuple[float, ...]], apis: int) -> np.ndarray:
    return np.array([*[(1.0, 1.0, 1.0)] * apis, *rows], float).reshape(-1, 3).T
