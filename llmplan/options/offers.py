"""Which provider's instances a fleet is rented as: the cheapest, the middle and the dearest offer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from llmplan.catalog import Catalog, GpuPrice
from llmplan.scenario import Scenario

OWN_PRICE = "own price"


@dataclass(frozen=True)
class Offer:
    """One way to rent: an instance with whole replicas in it."""

    provider: str
    region: str
    gpus_per_instance: int
    usd_per_gpu_hour: float
    source_id: str
    as_of: dt.date | None

    def replicas_per_instance(self, gpus_per_replica: int) -> int:
        return self.gpus_per_instance // gpus_per_replica

    def usd_per_replica_hour(self, gpus_per_replica: int) -> float:
        """GPU-hours of an instance shared by the replicas in it: what a large fleet pays for each."""
        usd = self.gpus_per_instance * self.usd_per_gpu_hour
        return usd / self.replicas_per_instance(gpus_per_replica)


def offers_of(catalog: Catalog, scenario: Scenario, gpu_id: str, gpus_per_replica: int) -> list[Offer]:
    """Return the offers that can hold a replica, cheapest for each replica first, small lots before large."""
    own = dict(scenario.gpu_usd_per_hour).get(gpu_id)
    if own is not None:
        return [Offer(OWN_PRICE, "", gpus_per_replica, own, "scenario", None)]
    rows = [row for row in catalog.gpu_prices if row.gpu_id == gpu_id and _allowed(row, scenario)]
    found = [_offer(row, gpus_per_replica) for row in rows]
    fitting = [offer for offer in found if offer.gpus_per_instance >= gpus_per_replica]
    return sorted(
        fitting,
        key=lambda o: (o.usd_per_replica_hour(gpus_per_replica), o.gpus_per_instance, o.provider, o.region),
    )


def low_base_high(offers: list[Offer]) -> tuple[Offer, Offer, Offer]:
    """Return the cheapest, the (lower) median and the dearest of sorted offers."""
    return offers[0], offers[(len(offers) - 1) // 2], offers[-1]


def why_no_offer(catalog: Catalog, scenario: Scenario, gpu_id: str, gpus_per_replica: int) -> str:
    """Say in plain words why no offer holds a replica."""
    rows = [row for row in catalog.gpu_prices if row.gpu_id == gpu_id and _allowed(row, scenario)]
    if rows:
        largest = max(max(row.gpus_per_instance, row.max_gpus_together or 0) for row in rows)
        return f"no offer puts {gpus_per_replica} of these GPUs together (largest lot {largest})"
    where = ", ".join(scenario.gpu_providers) or "any provider"
    anywhere = [row for row in catalog.gpu_prices if row.gpu_id == gpu_id and _sold(row, scenario)]
    region = f" in region {', '.join(scenario.regions)}" if anywhere and scenario.regions else ""
    return f"no {scenario.gpu_price_kind.replace('_', ' ')} price for this GPU from {where}{region}"


def _allowed(row: GpuPrice, scenario: Scenario) -> bool:
    if not _sold(row, scenario):
        return False
    allowed = tuple(region.lower() for region in scenario.regions)
    return not allowed or row.region.lower().startswith(allowed) or (row.area or "").startswith(allowed)


def _sold(row: GpuPrice, scenario: Scenario) -> bool:
    """Say whether an offer counts wherever it is: active, of the kind and from a provider asked for."""
    return (
        row.status == "active"
        and row.price_kind == scenario.gpu_price_kind
        and (not scenario.gpu_providers or row.provider in scenario.gpu_providers)
    )


def _offer(row: GpuPrice, gpus_per_replica: int) -> Offer:
    lot = row.gpus_per_instance
    if lot < gpus_per_replica <= (row.max_gpus_together or lot):
        lot = gpus_per_replica
    return Offer(row.provider, row.region, lot, row.usd_per_gpu_hour, row.source_id, row.as_of)
