"""Every feasible format, card, count and engine for a model and a workload, cheapest per request first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llmplan.catalog import Catalog, Gpu, GpuPrice, Model
from llmplan.errors import InputError
from llmplan.measurements import MeasuredPoint, apply_measured, learnt, resting_points, with_measured
from llmplan.replica import Capacity, Configurations, ReplicaConfig, capacity
from llmplan.replica.config import DEFAULTS, EngineSettings
from llmplan.replica.memory import GPU_COUNTS
from llmplan.replica.reuse import NOTHING_CACHED, PromptCache, reuse_rule
from llmplan.sizing.answer import DEFAULT_TPOT_LIMIT_MS, DEFAULT_TTFT_LIMIT_MS, SizeRequest, size
from llmplan.sizing.support import useful_formats
from llmplan.units import S_PER_DAY, S_PER_HOUR

BINDS = {
    "memory": "memory: the KV cache is full at {n:,.0f} sequences, more clients would wait",
    "batch limit": "batch limit: the engine runs no more than {n:,.0f} sequences at once, more clients would wait",
    "bandwidth": "memory bandwidth: a step reads weights and cache as fast as the card can",
    "compute": "compute: prompts and batch keep the arithmetic units busy",
    "latency target": "latency target: a larger batch would miss TTFT or TPOT",
}


@dataclass(frozen=True)
class SearchRow:
    """One replica that was considered.

    usd_per_request: at full use of the cheapest offer; None without a price or where it is out.
    usd_per_hour: what the replica costs. binds: what keeps it from serving more, in plain words.
    engine_status: active, maintenance or development use. reason: why it is out; "" where it is in.
    measured_by: the user's own measurement that the rate rests on; None where it is predicted.
    """

    model_id: str
    precision_id: str
    gpu_id: str
    n_gpus: int
    engine_id: str
    engine_status: str
    feasible: bool
    reason: str
    usd_per_request: float | None
    usd_per_mtok_output: float | None
    usd_per_hour: float | None
    provider: str | None
    price_as_of: dt.date | None
    source_id: str | None
    requests_per_s: float
    requests_per_s_p10: float
    requests_per_s_p90: float
    output_tokens_per_s: float
    concurrency: float
    ttft_ms: float
    tpot_ms: float
    max_concurrent_sequences: int
    weights_gb: float
    binding: str
    binds: str
    basis: str
    measured_by: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON wants them."""
        return asdict(self)


@dataclass(frozen=True)
class _Price:
    usd_per_hour: float
    row: GpuPrice


def search(
    catalog: Catalog,
    model_id: str,
    input_tokens: float,
    output_tokens: float,
    ttft_limit_ms: float | None = DEFAULT_TTFT_LIMIT_MS,
    tpot_limit_ms: float | None = DEFAULT_TPOT_LIMIT_MS,
    precision_ids: Sequence[str] = (),
    gpu_ids: Sequence[str] = (),
    engine_ids: Sequence[str] = (),
    n_gpus: Sequence[int] = GPU_COUNTS,
    price_kind: str = "on_demand",
    measured: Sequence[MeasuredPoint] = (),
    latency_percentile: float | None = None,
    settings: EngineSettings = DEFAULTS,
    cached: PromptCache = NOTHING_CACHED,
) -> list[SearchRow]:
    """Return every considered replica: feasible ones cheapest per request first, then the others.

    Parameters
    ----------
    precision_ids, gpu_ids, engine_ids: empty: every useful format, card offered and engine.
    measured: points of the user's own that replace predictions where they match.
    latency_percentile: share of requests that keep the targets, in percent; None: the mean request does.
    settings: how every engine is started.
    cached: what of the prompts prefix caches may hold.

    Notes
    -----
    USD per request = price of the replica an hour / (requests/s x 3,600), at full use: a fleet sized for its
    peak pays more, see `llmplan compare`. Among equal costs maintained engines stand first.
    """
    if not all(n >= 1 for n in n_gpus):
        raise InputError("n_gpus", tuple(n_gpus), "must be at least 1", "give 1, 2, 4 or 8")
    cards = [catalog.gpu(g) for g in gpu_ids] or [g for g in catalog.gpus.values() if g.status == "option"]
    engines = [catalog.engine(e).engine_id for e in engine_ids]
    formats = [catalog.precision(p).precision_id for p in precision_ids]
    grid = _grid(catalog, catalog.model(model_id), formats, cards, n_gpus, engines, settings)

    def asked_for(config: ReplicaConfig) -> bool:
        wished = ((config.precision_id, formats), (config.gpu_id, gpu_ids), (config.engine_id, engines))
        fits = config.model_id == model_id and config.n_gpus in n_gpus
        return fits and all(not names or name in names for name, names in wished)

    grid = learnt(with_measured(catalog, grid, measured, asked_for), measured)
    if not len(grid):
        return []
    asked = (input_tokens, output_tokens, ttft_limit_ms, tpot_limit_ms)
    reuse = reuse_rule(catalog, cached)
    predicted = capacity(
        grid, *asked, settings.max_model_len, latency_percentile=latency_percentile, reuse=reuse
    )
    found = apply_measured(predicted, grid, measured, *asked)
    used = resting_points(grid, measured, *asked)
    return sorted((_row(catalog, grid, found, i, price_kind, p) for i, p in enumerate(used)), key=_order)


def _grid(
    catalog: Catalog,
    model: Model,
    formats: Sequence[str],
    cards: Sequence[Gpu],
    n_gpus: Sequence[int],
    engines: Sequence[str],
    settings: EngineSettings,
) -> Configurations:
    """Return what the engines support: every useful format and usual engine where none is named."""
    useful = {card.gpu_id: formats or useful_formats(catalog, model, card) for card in cards}
    every = list(dict.fromkeys(name for names in useful.values() for name in names))
    return Configurations.grid(
        catalog,
        [model.model_id],
        every,
        useful,
        n_gpus,
        engines or catalog.preferred_engines,
        lambda _, precision_id, gpu_id: precision_id in useful[gpu_id],
        settings,
    )


def _order(row: SearchRow) -> tuple[bool, float, int, str, int]:
    cost = float("inf") if row.usd_per_request is None else row.usd_per_request
    unkept = row.engine_status != "active"
    return (not row.feasible, cost, int(unkept), row.gpu_id, row.n_gpus)


def _row(
    catalog: Catalog,
    grid: Configurations,
    found: Capacity,
    i: int,
    price_kind: str,
    point: MeasuredPoint | None,
) -> SearchRow:
    config = grid.configs[i]
    rate = float(found.requests_per_s[i])
    price = cheapest_price(catalog, config.gpu_id, config.n_gpus, price_kind)
    per_request = price.usd_per_hour / (rate * S_PER_HOUR) if price and rate > 0 else None
    tokens = float(found.output_tokens_per_s[i])
    return SearchRow(
        model_id=config.model_id,
        precision_id=config.precision_id,
        gpu_id=config.gpu_id,
        n_gpus=config.n_gpus,
        engine_id=config.engine_id,
        engine_status=catalog.engine(config.engine_id).status,
        feasible=rate > 0,
        reason=str(found.reason[i]),
        usd_per_request=per_request,
        usd_per_mtok_output=per_request * rate / tokens * 1e6 if per_request and tokens else None,
        usd_per_hour=price.usd_per_hour if price else None,
        provider=price.row.provider if price else None,
        price_as_of=price.row.as_of if price else None,
        source_id=price.row.source_id if price else None,
        requests_per_s=rate,
        requests_per_s_p10=float(found.requests_per_s_p10[i]),
        requests_per_s_p90=float(found.requests_per_s_p90[i]),
        output_tokens_per_s=tokens,
        concurrency=float(found.concurrency[i]),
        ttft_ms=float(found.ttft_ms[i]),
        tpot_ms=float(found.tpot_ms[i]),
        max_concurrent_sequences=int(found.max_concurrent_sequences[i]),
        weights_gb=float(found.weights_gb[i]),
        binding=str(found.binding[i]),
        binds=what_binds(str(found.binding[i]), float(found.concurrency[i])),
        basis=str(found.basis[i]),
        measured_by=point.source if point else None,
    )


def what_binds(binding: str, sequences: float) -> str:
    """Return what limits a replica as a sentence; unknown words come back as they are."""
    return BINDS.get(binding, binding).format(n=sequences)


def cheapest_price(
    catalog: Catalog, gpu_id: str, n_gpus: int, price_kind: str = "on_demand"
) -> _Price | None:
    """Return the cheapest active offer that holds a replica, whole replicas sharing its lot; None without."""
    best: _Price | None = None
    for row in catalog.gpu_prices:
        if row.gpu_id != gpu_id or row.status != "active" or row.price_kind != price_kind:
            continue
        lot = row.gpus_per_instance
        if lot < n_gpus <= (row.max_gpus_together or 0):
            lot = n_gpus
        if lot < n_gpus:
            continue
        usd = lot * row.usd_per_gpu_hour / (lot // n_gpus)
        if best is None or usd < best.usd_per_hour:
            best = _Price(usd, row)
    return best


def article_pairings(
    catalog: Catalog,
    input_tokens: float,
    output_tokens: float,
    ttft_limit_ms: float | None = DEFAULT_TTFT_LIMIT_MS,
    tpot_limit_ms: float | None = DEFAULT_TPOT_LIMIT_MS,
) -> list[dict[str, Any]]:
    """Return what each hardware row of the article would really serve: one dictionary a row.

    Keys: row_id, claim (USD a month), fits, reason, binds, requests_per_s, queries_per_day, basis, ...
    """
    rows = []
    for claim in catalog.article_hardware.values():
        request = SizeRequest(
            claim.model_id,
            claim.precision_id,
            claim.gpu_id,
            input_tokens,
            output_tokens,
            claim.n_gpus,
            ttft_limit_ms=ttft_limit_ms or float("1e12"),
            tpot_limit_ms=tpot_limit_ms or float("1e12"),
        )
        answer = size(catalog, request)
        rate = answer.speed.requests_per_s if answer.speed.within_targets else 0.0
        row = {"row_id": claim.row_id, "claimed_usd_per_month_low": claim.usd_per_month_low}
        row |= {"claimed_usd_per_month_high": claim.usd_per_month_high, "source_id": claim.source_id}
        row |= answer.to_dict() | {"queries_per_day": (rate or 0.0) * S_PER_DAY}
        words = what_binds(answer.binding, answer.speed.concurrency or 0)
        rows.append(row | {"binds": words if answer.fits else answer.reason})
    return rows
