"""Self-hosted configurations as rows of the table of options: rates, prices of GPUs, and why some are out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.cost.billing import Billing, FleetHours, billings, replica_start_s, usual_billing
from llmplan.cost.fleet import queries_per_day_of_one_replica
from llmplan.cost.hidden import hidden_costs
from llmplan.kinds import Kind
from llmplan.measurements import MeasuredPoint
from llmplan.options.configurations import AtEfforts
from llmplan.options.constraints import (
    model_reasons,
    task_reasons,
)
from llmplan.options.offers import market, why_no_offer
from llmplan.options.rows import RECORDS_KEPT, Option, records_of
from llmplan.options.standing import (
    effort_label,
)
from llmplan.options.standing_columns import quality_columns, standing_of_option, under_floor
from llmplan.quality.precision import precision_loss
from llmplan.quality.variants import ModelAtEffort, Standing
from llmplan.replica import Capacity, Configurations
from llmplan.scenario import Scenario


class FleetRows:
    """The self-hosted configurations: rate, lots, quality, and why some are out."""

    def __init__(
        self,
        catalog: Catalog,
        scenario: Scenario,
        known: Mapping[ModelAtEffort, Standing],
        rows: AtEfforts,
        found: Capacity,
        used: Sequence[MeasuredPoint | None],
    ) -> None:
        self._catalog, self._scenario, self._known = catalog, scenario, known
        self.rows, self.grid, self._found, self._used = rows, rows.grid, found, used
        self._formats, self._format = _formats(rows)
        self._pairs, self.pair = _pairs(self.grid)
        self.market = market(catalog, scenario, self._pairs)
        # Thousands of configurations share a model in a format at an effort, or some GPUs.
        self._of_format, self._of_pair = cache(self._named), cache(self._sold)
        self._why_not_sold, self._usual = cache(self._not_sold), usual_billing(scenario.fleet_price_kind)
        self.hidden = hidden_costs(catalog, scenario.engineering_usd_per_month, owned=scenario.buys_gpus)
        self._judge()
        workload = scenario.workload(catalog)
        self.hours = FleetHours.of(workload, scenario.spare_replicas)
        self.modes = billings(scenario.fleet_price_kind, scenario.billing_modes)
        self.billed = self.market.billed(self.modes, self.hours, float(replica_start_s(catalog, 0.0)))
        self.start_s = replica_start_s(catalog, found.weights_gb)
        rates = np.stack([found.requests_per_s_p90, found.requests_per_s, found.requests_per_s_p10])
        peak, ceiling = workload.effective_peak_to_mean, scenario.utilisation_ceiling
        self.per_replica = queries_per_day_of_one_replica(rates, peak, ceiling)

    def _judge(self) -> None:
        """Work out quality and reasons: by model and format, by GPUs, by configuration."""
        catalog, scenario = self._catalog, self._scenario
        barred: list[list[str]] = []
        losses: list[float] = []
        for model_id, precision_id, effort in self._formats:
            model, standing = catalog.models[model_id], self._known[model_id, effort]
            loss = precision_loss(catalog, model, precision_id)[1]
            losses.append(loss)
            barred.append(
                [
                    *model_reasons(catalog, scenario, model, standing),
                    *task_reasons(scenario, standing, loss),
                ]
            )
        standings = [self._known[model_id, effort] for model_id, _, effort in self._formats]
        quality = quality_columns(scenario, standings, losses)
        self._quality, self._losses = quality, losses
        self._barred, self._at_floor = barred, lru_cache(RECORDS_KEPT)(self._under_floor)
        self.quality = quality[:, self._format]
        unpriced = np.array([not sold for sold in self.market.sellers], bool)[self.pair]
        self._short = ~self.market.holds(1 + scenario.spare_replicas)
        unpriced |= self._short[self.pair]
        unable = ~(self._found.requests_per_s > 0)
        self.feasible = ~(np.array([bool(why) for why in barred], bool)[self._format] | unpriced | unable)

    def options(
        self, places: Places, option_ids: Sequence[str], modes: Sequence[Billing], floor: float
    ) -> list[Option]:
        """Return configurations as records under a quality floor, each under its id and with a way to pay its hours."""
        if not len(places):
            return []
        found, at, pair = self._found, self._format[places].tolist(), self.pair[places].tolist()
        rates = (found.requests_per_s_p90, found.requests_per_s, found.requests_per_s_p10)
        named, sold = [self._of_format(each) for each in at], [self._of_pair(each) for each in pair]
        judged, engine_ids = (
            [self._at_floor(each, floor) for each in at],
            self.grid.engine_id[places].tolist(),
        )
        ranks = {each: engine_rank_of(self._catalog, each) for each in set(engine_ids)}
        return records_of(
            option_id=option_ids,
            kind=repeat(Kind.SELF_HOSTED),
            label=self._labels(named, sold, engine_ids, modes),
            reasons=self._reasons(places, [out for out, _ in judged], pair),
            source_ids=[
                tuple(dict.fromkeys((source, *sources)))
                for (_, source, _), (_, _, sources, _) in zip(named, sold, strict=True)
            ],
            engine_id=engine_ids,
            engine_rank=[ranks[each] for each in engine_ids],
            requests_per_s=zip(*(rate[places].tolist() for rate in rates), strict=True),
            billing_mode=modes,
            start_s=self.start_s[places].tolist(),
            measured_by=[point and point.source for point in (self._used[place] for place in places)],
            meets_floor=[meets for _, meets in judged],
            **_by_name([of_format for *_, of_format in named]),
            **_by_name([of_pair for *_, of_pair in sold]),
            **{name: getattr(found, name)[places].tolist() for name in OF_CAPACITY},
        )

    def _labels(
        self, named: Sequence[Any], sold: Sequence[Any], engine_ids: Sequence[str], modes: Sequence[Billing]
    ) -> list[str]:
        engines = {each: self._catalog.engines[each].name for each in set(engine_ids)}
        way = {mode: "" if mode is self._usual else f", {mode.label}" for mode in set(modes)}
        return [
            f"{name} on {gpus}, {engines[engine]}{paid or way[mode]}"
            for (name, *_), (gpus, paid, *_), engine, mode in zip(named, sold, engine_ids, modes, strict=True)
        ]

    def _reasons(
        self, places: Places, of_model: Sequence[tuple[str, ...]], pair: Sequence[int]
    ) -> list[tuple[str, ...]]:
        """Return what stands against configurations: against their model, their GPUs and what they serve."""
        able, unsold = (self._found.requests_per_s[places] > 0).tolist(), self._why_not_sold
        slow = [
            () if ok else (why,) for ok, why in zip(able, self._found.reason[places].tolist(), strict=True)
        ]
        return [out + unsold(at) + why for out, at, why in zip(of_model, pair, slow, strict=True)]

    def _under_floor(self, at: int, floor: float) -> tuple[tuple[str, ...], float | None]:
        model_id, _, effort = self._formats[at]
        standing, assured = self._known[model_id, effort], float(self._quality[-1, at])
        below, meets = under_floor(floor, self._scenario, standing, assured, self._losses[at])
        return (*self._barred[at], *below), meets

    def _named(self, at: int) -> tuple[str, str, dict[str, Any]]:
        """Return what a model in a format at an effort is called, its source, and what all of its options have."""
        model_id, precision_id, effort = self._formats[at]
        model = self._catalog.models[model_id]
        at_effort = effort_label(self._scenario, self._catalog, model_id, effort)
        called = f"{model.name}{at_effort}, {self._catalog.precisions[precision_id].short_name}"
        return (
            called,
            model.source_id,
            {
                "model_id": model_id,
                "licence_id": model.licence_id,
                "precision_id": precision_id,
                "effort": effort,
                **standing_of_option(
                    self._scenario,
                    self._known[model_id, effort],
                    self._quality[:, at].tolist(),
                    self._losses[at],
                ),
            },
        )

    def _sold(self, pair: int) -> tuple[str, str, tuple[str, ...], dict[str, Any]]:
        """Return what some GPUs are called, how they are paid but for hours, their sources, and what all options have."""
        gpu_id, n_gpus = self._pairs[pair]
        gpu, offers = self._catalog.gpus[gpu_id], self.market.offers(pair)
        bought = self.market.bought[pair] and not self._scenario.buys_gpus
        sources = (gpu.source_id, *(offer.source_id for offer in offers or ()))
        of_pair = {
            "gpu_id": gpu_id,
            "n_gpus": n_gpus,
            "offers": offers,
            "prices_as_of": offers[1].as_of if offers else None,
        }
        return f"{n_gpus}x {gpu.name}", ", bought" if bought else "", sources, of_pair

    def _not_sold(self, pair: int) -> tuple[str, ...]:
        if not self.market.sellers[pair]:
            return (why_no_offer(self._catalog, self._scenario, *self._pairs[pair]),)
        return ("a replica and its spares are more than the GPUs allowed or owned",) * int(self._short[pair])


OF_CAPACITY = (
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "concurrency",
    "max_concurrent_sequences",
    "weights_gb",
    "binding",
    "basis",
)
"""What a record takes as it is from what a replica serves."""


def _by_name(rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Any]]:
    """Return rows of the same names as columns."""
    return dict(zip(rows[0], zip(*(row.values() for row in rows), strict=True), strict=True))


@kept(1)
def _formats(rows: AtEfforts) -> tuple[list[Any], Places]:
    """Return the distinct models in a format at an effort, and which of them each configuration is."""
    return _numbered(rows.grid.model_id, rows.grid.precision_id, rows.effort)


@kept(1)
def _pairs(grid: Configurations) -> tuple[list[Any], Places]:
    """Return the distinct GPUs and their number, and which of them each configuration has."""
    return _numbered(grid.gpu_id, grid.n_gpus.astype(int))


def _numbered(*columns: npt.NDArray[Any]) -> tuple[list[Any], Places]:
    """Return the distinct rows of some columns, and which of them each row is."""
    seen: dict[Any, int] = {}
    rows = zip(*(column.tolist() for column in columns), strict=True)
    place = np.array([seen.setdefault(row, len(seen)) for row in rows], dtype=np.intp)
    return list(seen), place


def engine_rank_of(catalog: Catalog, engine_id: str) -> int:
    statuses = ("active", "maintenance", "development use")
    return 100 * statuses.index(catalog.engines[engine_id].status) + list(catalog.engines).index(engine_id)
