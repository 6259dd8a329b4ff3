"""Which provider's instances a fleet is rented as: the cheapest, the middle and the dearest for this fleet."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog, GpuPrice
from llmplan.catalog.cache import kept
from llmplan.cost.billing import Billing, FleetHours, billed_rents
from llmplan.cost.inventory import (
    Owned,
    owned_replicas,
    power_usd_per_gpu_hour,
    standing_usd_per_gpu_month,
    with_owned,
)
from llmplan.cost.ownership import OF_SCENARIO, OwnershipTerms, ownership_cost, ownership_terms
from llmplan.cost.rent import MOST, Lot, Rents, priced_by_the_gpu, rents_of
from llmplan.errors import InputError
from llmplan.scenario import Scenario
from llmplan.units import HOURS_PER_DAY, S_PER_HOUR

OWN_PRICE = "own price"
OWN_SERVERS = "own servers"
OWN_GPUS = "own GPUs"
PAID_AS = {OWN_SERVERS: "bought", OWN_GPUS: "owned"}
"""How a fleet is paid for that no provider rents out."""


_NONE = Owned(0, 0, 0.0, 0.0)


class Hourly(NamedTuple):
    """Rents of hours that are rented one by one, and the seconds that a replica is paid before it answers."""

    rents: Rents
    start_s: float

    def mean_usd(self, side: int, rows: Places, paid: Floats) -> Floats:
        """Return USD an hour in the mean of a day's or week's replicas, (..., hours) -> (...). (4.8)"""
        part = min(self.start_s / S_PER_HOUR, 1.0)
        early = np.maximum(paid, np.roll(paid, -1, axis=-1))
        usd, sooner = (self.rents.usd(side, rows, replicas) for replicas in (paid, early))
        return np.asarray(((1 - part) * usd + part * sooner).mean(axis=-1))


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

    def lot(self, gpus_per_replica: int) -> Lot:
        usd = self.gpus_per_instance * self.usd_per_gpu_hour
        return Lot(self.replicas_per_instance(gpus_per_replica), usd, self.gpus_per_instance)


@dataclass(frozen=True, eq=False)
class Market:
    """Every pair of a GPU and a replica's size with its providers, each with the lots that hold a replica.

    sellers: by pair, then by provider: its offers, the one that is cheapest for a large fleet first; behind them the
        GPUs that are owned, if any. owned: those by pair. most_gpus: of a fleet. modes: the ways to pay hours for which
        the pairs stand one after another. behind: rows behind them: units of reserved capacity, which are no GPUs, and
        fleets whose hours are chosen. hourly: rents of hours one by one, where some are.
    """

    sellers: tuple[tuple[tuple[Offer, ...], ...], ...]
    rents: Rents
    owned: Mapping[int, Owned] = field(default_factory=dict)
    most_gpus: float = math.inf
    modes: tuple[Billing, ...] = (Billing.ALWAYS_ON,)
    behind: int = 0
    hourly: Hourly | None = None

    @property
    def pairs(self) -> int:
        """Pairs of a GPU and a replica's size."""
        return (len(self.sellers) - self.behind) // len(self.modes)

    def offers(self, row: int, replicas: int = MOST) -> tuple[Offer, Offer, Offer] | None:
        """Return low, base and high for a fleet of `replicas` replicas of a pair; None where nothing is offered."""
        if not self.sellers[row]:
            return None
        chosen = self.rents.provider[:, row, min(replicas, MOST)]
        low, base, high = (self.sellers[row][place][0] for place in chosen)
        return low, base, high

    def base_offers(self, rows: Places, replicas: Places) -> list[Offer | None]:
        """Return the base offer for fleets of so many replicas of some pairs; None where nothing is offered."""
        if not self.sellers:
            return [None] * len(rows)
        chosen = self.rents.provider[1, rows, np.minimum(replicas, MOST)].tolist()
        sellers = [self.sellers[row] for row in rows.tolist()]
        return [sold[place][0] if sold else None for sold, place in zip(sellers, chosen, strict=True)]

    def holds(self, replicas: int) -> Bools:
        """Return by pair whether that many replicas can be had, owned or rented, within the limit. (5b.11)"""
        rows = np.arange(len(self.sellers))
        stock = [self.owned.get(row, _NONE) for row in rows.tolist()]
        own = np.minimum([each.replicas for each in stock], replicas).astype(np.intp)
        gpus = self.rents.gpus[0][rows, replicas - own] + own * [each.gpus_per_replica for each in stock]
        return np.asarray(np.isfinite(gpus) & (gpus <= self.most_gpus))

    def billed(self, modes: Sequence[Billing], hours: FleetHours, start_s: float) -> Market:
        """Return the pairs once for every way to pay their hours, one way after another. (4.8), (5b.11)"""
        ways = [self._billed(mode, hours, start_s) for mode in modes]
        rents = ways[0] if len(ways) == 1 else ways[0].joined(*ways[1:])
        hourly = self._hourly(hours, start_s) if Billing.AUTOSCALED in modes else None
        return Market(self.sellers * len(ways), rents, modes=tuple(modes), hourly=hourly)

    def _hourly(self, hours: FleetHours, start_s: float) -> Hourly:
        """Return rents of hours one by one, none of pairs whose owned GPUs cost as much when they stand."""
        rents = self._billed(Billing.ALWAYS_ON, hours, start_s)
        standing = [row for row, stock in self.owned.items() if stock.standing_usd]
        rents.usd_per_hour[:, standing, 1:] = np.inf
        return Hourly(rents, start_s)

    def rent_profiles(self, rows: Places, factors: Floats) -> tuple[Floats, Places]:
        """Return rents times a factor, and GPUs, at every number of replicas as columns, (k, f), and the row of each."""
        pairs, which = np.unique(np.stack([rows, factors]), axis=1, return_inverse=True)
        found = self.rents.profiles(1)[pairs[0].astype(np.intp)]
        found[:, [*range(MOST + 1), 2 * MOST + 2]] *= pairs[1][:, None]
        return found, which.astype(np.intp)

    def with_units(self, sellers: Sequence[Offer], rents: Rents) -> Market:
        """Return the market with units of reserved capacity behind the pairs, one seller each."""
        return self._with_rows([((seller,),) for seller in sellers], rents)

    def with_hours_chosen(
        self, hours: FleetHours, rows: Places, over_peak: Sequence[float], thresholds: Sequence[float]
    ) -> tuple[Market, Places]:
        """Return the market with fleets of some pairs behind it whose hours are chosen, and their rows. (7.20)"""
        if self.hourly is None:
            raise ValueError("no hours are rented one by one here")
        chosen = zip(rows.tolist(), over_peak, thresholds, strict=True)
        found = [_rents_of_hours(self.hourly, hours, *each) for each in chosen]
        sellers = [self.sellers[row] for row in rows.tolist()]
        wider = self._with_rows(sellers, found[0].joined(*found[1:]))
        return wider, len(self.sellers) + np.arange(len(rows))

    def _with_rows(self, sellers: Sequence[tuple[tuple[Offer, ...], ...]], rents: Rents) -> Market:
        return replace(
            self,
            sellers=self.sellers + tuple(sellers),
            rents=self.rents.joined(rents),
            behind=self.behind + len(sellers),
        )

    def _billed(self, mode: Billing, hours: FleetHours, start_s: float) -> Rents:
        """Return the rents where hours are paid in one way; of what is bought all are. A replica that stands when idle
        and still costs its capital saves nothing by scaling to zero: it is left out there."""
        idle = mode is Billing.SCALE_TO_ZERO
        owned = {row: stock for row, stock in self.owned.items() if not (idle and stock.standing_usd)}

        def paid(rents: Rents) -> Rents:
            return billed_rents(rents, hours, mode, start_s)

        found = with_owned(self.rents, owned, self.most_gpus, paid, idle)
        if self.bought.any() and mode is not Billing.ALWAYS_ON:
            for name in ("usd_per_hour", "gpus"):
                getattr(found, name)[:, self.bought] = getattr(self.rents, name)[:, self.bought]
        return found

    @property
    def steady(self) -> Bools:
        """By pair and way to pay whether all hours are paid."""
        return self._paid(Billing.ALWAYS_ON) | self.bought

    @property
    def autoscaled(self) -> Bools:
        """By pair and way to pay whether the hours are paid that the load asks for."""
        return self._paid(Billing.AUTOSCALED) & ~self.bought

    def _paid(self, way: Billing) -> Bools:
        modes = np.repeat(np.array([mode is way for mode in self.modes], bool), self.pairs)
        return np.concatenate([modes, np.zeros(self.behind, bool)])

    @cached_property
    def bought(self) -> Bools:
        """By pair whether servers are bought, so that all of their hours are paid."""
        return np.array([bool(sold) and sold[0][0].provider == OWN_SERVERS for sold in self.sellers], bool)


def _rents_of_hours(hourly: Hourly, hours: FleetHours, row: int, over_peak: float, threshold: float) -> Rents:
    """Return one pair's rents where each hour's replicas are chosen; those of N are of the load that N fill so. (7.20)"""
    rents, fleets = hourly.rents, np.arange(MOST + 1)
    working = np.maximum(fleets - hours.spare, 0)
    chosen, _ = hours.chosen_by_hour(working / over_peak, threshold)
    paid = hours.paid_share(hours.with_spare(np.minimum(chosen, working[:, None])), hourly.start_s)
    usd = rents.usd_per_hour[:, [row]]
    known = np.isfinite(usd)
    billed = np.where(known, np.where(known, usd, 0.0) @ paid.T, np.inf)
    period = np.asarray(MOST // 2 // rents.period[[row]] * rents.period[[row]], np.intp)
    own = None if rents.own_gpus is None else rents.own_gpus[:, [row]]
    return Rents(billed, rents.gpus[:, [row]], rents.provider[:, [row]], period, own)


def market(catalog: Catalog, scenario: Scenario, pairs: Sequence[tuple[str, int]]) -> Market:
    """Return what the pairs of GPU and GPUs of a replica rent for, the scenario's own prices counted."""
    own = dict(scenario.gpu_usd_per_hour)
    asked = (
        "gpu_price_kind",
        "gpu_providers",
        "regions",
        "data_stays_in_house",
        "in_house",
        "days_per_month",
        "max_gpus",
        *OF_SCENARIO,
    )
    terms = Scenario(**{name: getattr(scenario, name) for name in asked})
    found = _market(catalog, terms, tuple(pairs), tuple(sorted(own)))
    usd = np.array([own.get(gpu_id, np.nan) for gpu_id, _ in pairs], float)
    sellers, rents = found.sellers, found.rents
    if np.isfinite(usd).any():
        rents = priced_by_the_gpu(rents, usd)
        sellers = tuple(
            tuple(_repriced(offers, own[gpu_id]) for offers in sold) if gpu_id in own else sold
            for sold, (gpu_id, _) in zip(sellers, pairs, strict=True)
        )
    return _with_own_gpus(
        catalog, scenario, pairs, Market(sellers, rents, most_gpus=scenario.max_gpus or math.inf)
    )


def _with_own_gpus(
    catalog: Catalog, scenario: Scenario, pairs: Sequence[tuple[str, int]], rented: Market
) -> Market:
    """Return the market with the scenario's own GPUs as one more seller, of as many replicas as they hold. (5b.8)-(5b.10)"""
    stock = {gpu_id: int(count) for gpu_id, count in scenario.owned_gpus if count}
    if not stock:
        return rented
    terms, hours = ownership_terms(catalog, scenario=scenario), scenario.days_per_month * HOURS_PER_DAY
    usd = {
        gpu_id: _own_gpu_usd(catalog, scenario, gpu_id, count, terms, hours)
        for gpu_id, count in stock.items()
    }
    sellers, owned = list(rented.sellers), {}
    for row, (gpu_id, n) in enumerate(pairs):
        count = owned_replicas(stock.get(gpu_id, 0), scenario.owned_gpus_per_server, n)
        if count:
            running, standing = usd[gpu_id]
            owned[row] = Owned(count, n, n * running, n * standing)
            sellers[row] += ((Offer(OWN_GPUS, "", n, running + standing, "scenario", None),),)
    return replace(rented, sellers=tuple(sellers), owned=owned)


def _own_gpu_usd(
    catalog: Catalog,
    scenario: Scenario,
    gpu_id: str,
    count: int,
    terms: OwnershipTerms,
    hours_per_month: float,
) -> tuple[float, float]:
    """Return what an owned GPU costs an hour that it runs, and in every hour besides."""
    together = min(count, scenario.owned_gpus_per_server)
    running = power_usd_per_gpu_hour(together, catalog.gpu(gpu_id).tdp_w, terms)
    if scenario.owned_cost == "power":
        return running, 0.0
    rows = [row for row in catalog.gpu_purchases if row.gpu_id == gpu_id]
    row = min(rows, key=lambda row: abs(row.gpus_per_server - together), default=None)
    new = None if row is None else (row.server_usd + row.installation_usd) / row.gpus_per_server
    book, age = dict(scenario.owned_book_usd).get(gpu_id), dict(scenario.owned_age_years).get(gpu_id, 0.0)
    capital = standing_usd_per_gpu_month(new, book, age, terms)
    if capital is None:
        fix = f"give its book value, --owned-book-usd {gpu_id}:USD, or count its power only"
        raise InputError("owned_cost", "full", f"needs a price of {gpu_id}: no row of gpu_purchase.csv", fix)
    return running, (capital + terms.colocation_usd_per_server_month / together) / hours_per_month


def _repriced(offers: tuple[Offer, ...], usd_per_gpu_hour: float) -> tuple[Offer, ...]:
    return tuple(
        replace(
            offer, provider=OWN_PRICE, usd_per_gpu_hour=usd_per_gpu_hour, source_id="scenario", as_of=None
        )
        for offer in offers
    )


@kept(8)
def _market(
    catalog: Catalog, asked: Scenario, pairs: tuple[tuple[str, int], ...], own: tuple[str, ...]
) -> Market:
    sellers = []
    for gpu_id, n_gpus in pairs:
        by_provider: dict[str, list[Offer]] = {}
        for offer in offers_of(catalog, asked, gpu_id, n_gpus):
            by_provider.setdefault(offer.provider, []).append(offer)
        if not by_provider and gpu_id in own:
            by_provider[OWN_PRICE] = [Offer(OWN_PRICE, "", n_gpus, 1.0, "scenario", None)]
        sellers.append(tuple(tuple(offers) for offers in by_provider.values()))
    lots = [
        [[o.lot(n) for o in offers] for offers in sold] for sold, (_, n) in zip(sellers, pairs, strict=True)
    ]
    return Market(tuple(sellers), rents_of(lots, asked.max_gpus or math.inf))


def offers_of(catalog: Catalog, scenario: Scenario, gpu_id: str, gpus_per_replica: int) -> list[Offer]:
    """Return the offers that can hold a replica, cheapest for each replica first, small lots before large."""
    rows = [row for row in sold_rows(catalog, scenario) if row.gpu_id == gpu_id and _allowed(row, scenario)]
    found = [_offer(row, gpus_per_replica) for row in rows]
    fitting = [offer for offer in found if offer.gpus_per_instance >= gpus_per_replica]
    return sorted(
        fitting,
        key=lambda o: (o.usd_per_replica_hour(gpus_per_replica), o.gpus_per_instance, o.provider, o.region),
    )


def why_no_offer(catalog: Catalog, scenario: Scenario, gpu_id: str, gpus_per_replica: int) -> str:
    """Say in plain words why no offer holds a replica."""
    anywhere = [row for row in sold_rows(catalog, scenario) if row.gpu_id == gpu_id]
    rows = [row for row in anywhere if _allowed(row, scenario)]
    if rows:
        largest = max(max(row.gpus_per_instance, row.max_gpus_together or 0) for row in rows)
        return f"no offer puts {gpus_per_replica} of these GPUs together (largest lot {largest})"
    if scenario.buys_gpus:
        return "no price of a server with this GPU"
    where = ", ".join(scenario.gpu_providers) or "any provider"
    region = f" in region {', '.join(scenario.regions)}" if anywhere and scenario.regions else ""
    return f"no {scenario.gpu_price_kind.replace('_', ' ')} price for this GPU from {where}{region}"


def sold_rows(catalog: Catalog, scenario: Scenario) -> Sequence[GpuPrice]:
    """Return what there is to rent wherever it is: active, of the kind asked for; servers, where GPUs are bought, and of
    GPUs that nobody rents out."""
    terms = ownership_terms(catalog, scenario=scenario)
    bought = _bought_rows(catalog, scenario.days_per_month * HOURS_PER_DAY, terms)
    if scenario.buys_gpus:
        return bought
    active, kind = [row for row in catalog.gpu_prices if row.status == "active"], scenario.gpu_price_kind
    rented = {row.gpu_id for row in active}
    return [
        *(row for row in active if row.price_kind == kind),
        *(row for row in bought if row.gpu_id not in rented),
    ]


@kept(2)
def _bought_rows(catalog: Catalog, hours_per_month: float, terms: OwnershipTerms) -> Sequence[GpuPrice]:
    """Return servers as offers: what owning one costs an hour, over its GPUs. (5b.6)"""
    return [
        GpuPrice.model_construct(
            provider=OWN_SERVERS,
            gpu_id=row.gpu_id,
            instance_type=f"{row.gpus_per_server} GPUs",
            gpus_per_instance=row.gpus_per_server,
            price_kind="on_demand",
            status="active",
            usd_per_gpu_hour=float(
                ownership_cost(
                    row.server_usd,
                    row.installation_usd,
                    row.gpus_per_server,
                    catalog.gpu(row.gpu_id).tdp_w,
                    terms,
                    hours_per_month,
                ).usd_per_gpu_hour
            ),
            region="",
            source_id=row.source_id,
            as_of=row.as_of,
        )
        for row in catalog.gpu_purchases
    ]


def _allowed(row: GpuPrice, scenario: Scenario) -> bool:
    """Say whether a scenario's providers and regions let an offer in; one's own building is wherever it is."""
    if row.provider == OWN_SERVERS:
        return True
    if scenario.gpu_providers and row.provider not in scenario.gpu_providers:
        return False
    allowed = tuple(region.lower() for region in scenario.regions)
    return not allowed or row.region.lower().startswith(allowed) or (row.area or "").startswith(allowed)


def _offer(row: GpuPrice, gpus_per_replica: int) -> Offer:
    lot = row.gpus_per_instance
    if lot < gpus_per_replica <= (row.max_gpus_together or lot):
        lot = gpus_per_replica
    return Offer(row.provider, row.region, lot, row.usd_per_gpu_hour, row.source_id, row.as_of)
