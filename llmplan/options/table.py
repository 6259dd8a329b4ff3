"""Every option of a scenario as arrays: what does not depend on the volume, worked out once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice, Catalog, Model
from llmplan.cost.fleet import queries_per_day_of_one_replica
from llmplan.cost.month import FixedCosts, api_usd_per_query, fixed_costs, self_hosted_usd_per_month
from llmplan.kinds import Kind
from llmplan.options.constraints import (
    api_reasons,
    model_reasons,
    overall,
    quality_reasons,
    task_reasons,
)
from llmplan.options.measured import sized_or_measured
from llmplan.options.offers import Offer, low_base_high, offers_of, why_no_offer
from llmplan.quality.relative import Quality, precision_loss, relative_qualities
from llmplan.replica import Capacity, Configurations, ReplicaConfig
from llmplan.scenario import Scenario, check_ids

SIDES = ("low", "base", "high")


@dataclass(frozen=True)
class Option:
    """One way to serve the scenario; what it costs depends on the volume and is asked of `Options`."""

    option_id: str
    kind: Kind
    label: str
    model_id: str
    quality: float | None
    reasons: tuple[str, ...]
    licence_id: str | None
    source_ids: tuple[str, ...]
    prices_as_of: dt.date | None
    api_id: str | None = None
    provider: str | None = None
    """Who sells the tokens; a fleet's provider is that of its offers."""
    precision_id: str | None = None
    gpu_id: str | None = None
    n_gpus: int | None = None
    engine_id: str | None = None
    engine_rank: int = 0
    """Maintained engines before those that are not, then the catalog's order."""
    offers: tuple[Offer, Offer, Offer] | None = None
    requests_per_s: tuple[float, float, float] | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    output_tokens_per_s: float | None = None
    concurrency: float | None = None
    max_concurrent_sequences: float | None = None
    weights_gb: float | None = None
    binding: str | None = None
    basis: str | None = None
    quality_stands_on: str | None = None
    """The earlier model, or the own evaluation, that `quality` stands on; None: its own benchmarks."""
    measured_by: str | None = None
    """The user's own measurement that the rate rests on; None where it is predicted."""
    usd_per_query: float | None = None
    """Token price of one query; None for self-hosting, whose unit price depends on the volume."""

    @property
    def feasible(self) -> bool:
        return not self.reasons


def tie_rank(option: Option) -> tuple[int, float, str]:
    """Return what breaks a tie of cost, best first: the engine's rank, then quality, then the id."""
    return option.engine_rank, -(option.quality or 0.0), option.option_id


@dataclass(frozen=True)
class Options:
    """The options of a scenario with the arrays that price them. First axis: options.

    Attributes
    ----------
    usd_per_query: (n,) token price; 0 for self-hosting.
    per_replica: (3, n) daily queries of one replica at the ceiling, for cost low/base/high.
    replicas_per_instance, usd_per_instance_month, gpus_per_instance: (3, n) of the three offers.
    """

    scenario: Scenario
    items: tuple[Option, ...]
    fixed: FixedCosts
    usd_per_query: Floats
    per_replica: Floats
    replicas_per_instance: Floats
    usd_per_instance_month: Floats
    gpus_per_instance: Floats

    def __len__(self) -> int:
        return len(self.items)

    def index(self, option_id: str) -> int:
        """Return an option's place; KeyError when it is not there."""
        for place, item in enumerate(self.items):
            if item.option_id == option_id:
                return place
        raise KeyError(option_id)

    def take(self, places: Sequence[int] | npt.NDArray[np.int_]) -> Options:
        """Return the options at `places`, in that order."""
        chosen = np.asarray(places, int)
        return Options(
            self.scenario,
            tuple(self.items[i] for i in chosen),
            self.fixed,
            self.usd_per_query[chosen],
            self.per_replica[:, chosen],
            self.replicas_per_instance[:, chosen],
            self.usd_per_instance_month[:, chosen],
            self.gpus_per_instance[:, chosen],
        )

    def monthly_usd(self, queries_per_day: npt.ArrayLike, sides: Sequence[int] = (0, 1, 2)) -> Floats:
        """Return USD a month, shape (len(sides), n, v) for `queries_per_day` of shape (v,). (5.1)-(5.3)"""
        volumes = np.atleast_1d(np.asarray(queries_per_day, float))
        api = self.usd_per_query[:, None] * volumes * self.scenario.days_per_month
        own = np.array([self._self_hosted(volumes, side) for side in sides])
        return np.where(self.is_api[:, None], api, own)

    def _self_hosted(self, volumes: Floats, side: int) -> Floats:
        return self_hosted_usd_per_month(
            volumes,
            self.per_replica[side][:, None],
            self.scenario.spare_replicas,
            self.replicas_per_instance[side][:, None],
            self.usd_per_instance_month[side][:, None],
            self.gpus_per_instance[side][:, None],
            self.fixed,
            side,
        )

    @cached_property
    def is_api(self) -> npt.NDArray[np.bool_]:
        """(n,) True where a token price is paid."""
        return np.array([item.api_id is not None for item in self.items], bool)

    @cached_property
    def feasible(self) -> npt.NDArray[np.bool_]:
        """(n,) True where no reason stands against the option."""
        return np.array([item.feasible for item in self.items], bool)

    @cached_property
    def quality(self) -> Floats:
        """(n,) share of the reference's quality; NaN where it is not known."""
        return np.array([np.nan if item.quality is None else item.quality for item in self.items], float)

    @cached_property
    def preference(self) -> npt.NDArray[np.int_]:
        """(n,) ranks that break ties of cost, see `tie_rank`."""
        return np.argsort(sorted(range(len(self)), key=lambda place: tie_rank(self.items[place])))


def build_options(
    scenario: Scenario, catalog: Catalog, configurations: Configurations | None = None
) -> Options:
    """Work out every option of a scenario: APIs, hosted open models, self-hosted configurations.

    configurations: those to ask about; None: all that the scenario allows and hardware and engines support.
    Raises UnknownNameError for an id that the catalog does not hold.
    """
    check_ids(scenario, catalog)
    model_ids = {a.model_id for a in catalog.apis.values()} | set(catalog.models)
    reference = catalog.api(scenario.reference_api_id).model_id
    own_quality = dict(scenario.model_quality)
    qualities = relative_qualities(catalog, model_ids, reference, dict(scenario.task_mix), own_quality)
    apis = [
        _api_option(catalog, scenario, price, qualities[price.model_id])
        for price in catalog.apis.values()
        if not scenario.api_ids or price.api_id in scenario.api_ids
    ]
    self_hosted = _self_hosted_options(catalog, scenario, qualities, configurations)
    return _with_arrays(scenario, catalog, [*apis, *self_hosted])


def priced(price: ApiPrice, scenario: Scenario) -> ApiPrice:
    """Return the price with the scenario's own figures in place of the catalog's."""
    changes = {}
    for field in ("input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"):
        own = dict(getattr(scenario, f"api_{field}"))
        if price.api_id in own:
            changes[field] = own[price.api_id]
    return price.model_copy(update=changes) if changes else price


def _api_option(catalog: Catalog, scenario: Scenario, price: ApiPrice, quality: Quality) -> Option:
    usd = api_usd_per_query(
        priced(price, scenario),
        scenario.input_tokens,
        scenario.output_tokens,
        scenario.cached_input_share,
        scenario.batch_share,
    )
    model = catalog.models.get(price.model_id)
    return Option(
        option_id=price.api_id,
        kind=Kind.HOSTED if price.kind == "hosted_open" else Kind.API,
        label=f"{model.name} at {price.provider}" if model else f"{price.api_id} API",
        model_id=price.model_id,
        quality=overall(quality),
        reasons=tuple(api_reasons(catalog, scenario, price, quality)),
        licence_id=model.licence_id if model else None,
        source_ids=(price.source_id,),
        prices_as_of=price.as_of,
        api_id=price.api_id,
        provider=price.provider,
        precision_id=price.precision_id,
        quality_stands_on=quality.stands_on,
        usd_per_query=float(usd),
    )


def _self_hosted_options(
    catalog: Catalog,
    scenario: Scenario,
    qualities: dict[str, Quality],
    configurations: Configurations | None,
) -> list[Option]:
    grid, found, used = sized_or_measured(catalog, scenario, configurations)
    if not len(grid):
        return []
    by_model = {
        m: model_reasons(catalog, scenario, catalog.models[m]) for m in {c.model_id for c in grid.configs}
    }
    offers: dict[tuple[str, int], list[Offer]] = {}
    for config in grid.configs:
        key = (config.gpu_id, config.n_gpus)
        if key not in offers:
            offers[key] = offers_of(catalog, scenario, *key)
    lost = {
        (c.model_id, c.precision_id): precision_loss(catalog, catalog.models[c.model_id], c.precision_id)[1]
        for c in grid.configs
    }
    options = []
    for place, config in enumerate(grid.configs):
        loss = lost[config.model_id, config.precision_id]
        quality = overall(qualities[config.model_id], loss)
        reasons = [*by_model[config.model_id], *quality_reasons(scenario, quality)]
        reasons += task_reasons(scenario, qualities[config.model_id], loss)
        rented = offers[config.gpu_id, config.n_gpus]
        if not rented:
            reasons.append(why_no_offer(catalog, scenario, config.gpu_id, config.n_gpus))
        option = _self_hosted_option(catalog, config, place, found, rented, quality, reasons)
        point, stands_on = used[place], qualities[config.model_id].stands_on
        if point or stands_on:
            by = point.source if point else None
            option = replace(option, quality_stands_on=stands_on, measured_by=by)
        options.append(option)
    return options


def _self_hosted_option(
    catalog: Catalog,
    config: ReplicaConfig,
    place: int,
    found: Capacity,
    rented: list[Offer],
    quality: float | None,
    reasons: list[str],
) -> Option:
    model: Model = catalog.models[config.model_id]
    rates = (found.requests_per_s_p90[place], found.requests_per_s[place], found.requests_per_s_p10[place])
    if not found.requests_per_s[place] > 0:
        reasons.append(str(found.reason[place]))
    offers = low_base_high(rented) if rented else None
    gpu = catalog.gpus[config.gpu_id]
    return Option(
        option_id=f"{config.model_id}@{config.precision_id}@{config.n_gpus}x{config.gpu_id}@{config.engine_id}",
        kind=Kind.SELF_HOSTED,
        label=f"{model.name} {config.precision_id} on {config.n_gpus}x {gpu.name}, {config.engine_id}",
        model_id=config.model_id,
        quality=quality,
        reasons=tuple(reasons),
        licence_id=model.licence_id,
        source_ids=tuple(
            dict.fromkeys([model.source_id, gpu.source_id, *(o.source_id for o in offers or ())])
        ),
        prices_as_of=offers[1].as_of if offers else None,
        precision_id=config.precision_id,
        gpu_id=config.gpu_id,
        n_gpus=config.n_gpus,
        engine_id=config.engine_id,
        engine_rank=catalog.engine_rank(config.engine_id),
        offers=offers,
        requests_per_s=(float(rates[0]), float(rates[1]), float(rates[2])),
        ttft_ms=float(found.ttft_ms[place]),
        tpot_ms=float(found.tpot_ms[place]),
        output_tokens_per_s=float(found.output_tokens_per_s[place]),
        concurrency=float(found.concurrency[place]),
        max_concurrent_sequences=float(found.max_concurrent_sequences[place]),
        weights_gb=float(found.weights_gb[place]),
        binding=str(found.binding[place]),
        basis=str(found.basis[place]),
    )


def _with_arrays(scenario: Scenario, catalog: Catalog, items: list[Option]) -> Options:
    rates = np.array([o.requests_per_s or (0.0, 0.0, 0.0) for o in items], float).reshape(-1, 3).T
    peak = scenario.workload(catalog).effective_peak_to_mean
    hours = scenario.workload(catalog).hours_per_month
    rented = [
        [
            (
                offer.replicas_per_instance(item.n_gpus or 1),
                offer.gpus_per_instance * offer.usd_per_gpu_hour * hours,
                offer.gpus_per_instance,
            )
            for offer in item.offers
        ]
        if item.offers
        else [(0, 0.0, 1)] * 3
        for item in items
    ]
    lots = np.array(rented, float).reshape(-1, 3, 3).transpose(2, 1, 0)
    return Options(
        scenario=scenario,
        items=tuple(items),
        fixed=fixed_costs(catalog, scenario.engineering_usd_per_month),
        usd_per_query=np.array([item.usd_per_query or 0.0 for item in items], float),
        per_replica=queries_per_day_of_one_replica(rates, peak, scenario.utilisation_ceiling),
        replicas_per_instance=lots[0],
        usd_per_instance_month=lots[1],
        gpus_per_instance=lots[2],
    )
