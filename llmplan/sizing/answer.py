"""One replica sized: does it fit, what binds, how fast is it, what would fit instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from llmplan.catalog import Catalog, Engine, Gpu, Model, Precision
from llmplan.errors import InputError
from llmplan.measurements import MeasuredPoint, apply_measured, resting_points
from llmplan.measurements.use import LENGTH_TOLERANCE
from llmplan.replica import Configurations, ReplicaConfig, capacity, predict
from llmplan.replica.memory import (
    GPU_COUNTS,
    MemoryPlan,
    kv_cache_bytes_per_token,
    memory_plan,
    memory_reserve,
    smallest_gpu_count,
    weights_gb,
)
from llmplan.sizing.alternatives import Alternative, would_fit
from llmplan.sizing.speed import Speed, measured_speed, speed_of
from llmplan.sizing.support import engine_for, precision_named, was_published, why_not

DEFAULT_TTFT_LIMIT_MS: Final = 2000.0
DEFAULT_TPOT_LIMIT_MS: Final = 100.0
"""Targets where the caller names no concurrency: an answer that starts within 2 s and reads fluently."""
MOST_CLIENTS: Final = 1e6


@dataclass(frozen=True)
class SizeRequest:
    """What is asked: a model in a format on a card. None: chosen (fewest GPUs that fit, a usual engine).

    concurrency: clients of a closed loop; None: as many as keep the latency targets. latency_percentile: share
    of randomly arriving requests that keep them, in percent; None: the mean request does.
    """

    model_id: str
    precision_id: str
    gpu_id: str
    input_tokens: float
    output_tokens: float
    n_gpus: int | None = None
    engine_id: str | None = None
    concurrency: float | None = None
    ttft_limit_ms: float = DEFAULT_TTFT_LIMIT_MS
    tpot_limit_ms: float = DEFAULT_TPOT_LIMIT_MS
    latency_percentile: float | None = None

    def __post_init__(self) -> None:
        for field in (
            "input_tokens",
            "output_tokens",
            "concurrency",
            "n_gpus",
            "ttft_limit_ms",
            "tpot_limit_ms",
        ):
            value = getattr(self, field)
            if value is not None and not 0 < value < float("inf"):
                raise InputError(field, value, "must be positive", "give a number above 0")
        if self.concurrency is not None and not self.concurrency <= MOST_CLIENTS:
            rule = f"must be at most {MOST_CLIENTS:,.0f}"
            raise InputError("concurrency", self.concurrency, rule, "spread the clients over replicas")
        for field in ("input_tokens", "output_tokens", "concurrency"):
            value = getattr(self, field)
            if value is not None and not value >= 1:
                raise InputError(field, value, "must be at least 1", "give whole tokens or clients")

    @property
    def context_tokens(self) -> float:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class SizeAnswer:
    """The answer. `fits` is about memory, hardware and engine; `reason` is a sentence.

    binding: memory, bandwidth, compute, latency target; where it does not fit also hardware, engine,
    parallelism or context.
    """

    fits: bool
    binding: str
    reason: str
    model_id: str
    precision_id: str
    gpu_id: str
    n_gpus: int
    engine_id: str | None
    weights_gb: float
    kv_cache_bytes_per_token: float
    max_concurrent_sequences: int
    speed: Speed
    would_fit: tuple[Alternative, ...]
    memory: MemoryPlan
    """What every GiB of a GPU is for."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of `llmplan size`."""
        nested = ("speed", "would_fit", "memory")
        own = {key: value for key, value in asdict(self).items() if key not in nested}
        memory = {key: value for key, value in asdict(self.memory).items() if key.endswith("_per_gpu")}
        return own | asdict(self.speed) | memory | {"would_fit": [asdict(o) for o in self.would_fit]}


@dataclass(frozen=True)
class _Parts:
    """The records behind a request."""

    model: Model
    precision: Precision
    gpu: Gpu
    engine: Engine | None

    def replica(self, n_gpus: int) -> ReplicaConfig:
        engine_id = self.engine.engine_id if self.engine else ""
        return ReplicaConfig(
            self.model.model_id, self.precision.precision_id, self.gpu.gpu_id, n_gpus, engine_id
        )


def size(catalog: Catalog, request: SizeRequest, measured: Sequence[MeasuredPoint] = ()) -> SizeAnswer:
    """Size one replica; unknown names raise UnknownNameError, "does not fit" is an answer.

    measured: points of the user's own; where one matches, its figures stand in place of the prediction. With a
    concurrency, only points of about as many clients match.
    """
    model, gpu = catalog.model(request.model_id), catalog.gpu(request.gpu_id)
    precision = precision_named(catalog, model, request.precision_id)
    named = catalog.engine(request.engine_id) if request.engine_id else None
    n_gpus = request.n_gpus or smallest_gpu_count(
        model, precision, gpu, request.context_tokens, memory_reserve(catalog)
    )
    engine = (
        named
        or engine_for(catalog, precision, gpu, n_gpus)
        or _published_engine(catalog, model, precision, gpu)
    )
    parts = _Parts(model, precision, gpu, engine)
    tried = n_gpus or 8
    plan = memory_plan(model, precision, gpu, tried, request.context_tokens, memory_reserve(catalog))
    one = Configurations.from_configs(catalog, [parts.replica(tried)])
    point = _measured_point(one, request, measured)
    refusal = _refusal(catalog, parts, request, tried, plan)
    if refusal is not None and point is None:  # what ran, runs
        return _no(catalog, parts, request, tried, plan, *refusal)
    if tried > 8 and point is None:
        note = f"{plan.reason}, in {tried // 8} nodes as pipeline stages, whose speed is not predicted"
        return _answer(parts, tried, plan, True, "memory", note, Speed(), (), request)
    speed, binding, reason = _speed(one, request, point)
    return _answer(parts, tried, plan, True, binding, reason or plan.reason, speed, (), request)


def _published_engine(catalog: Catalog, model: Model, precision: Precision, gpu: Gpu) -> Engine | None:
    """Return an engine that a published run shows to serve this, where the support table names none."""
    engines = map(catalog.engine, catalog.preferred_engines)
    return next((e for e in engines if was_published(catalog, model, precision, gpu, e)), None)


def _refusal(
    catalog: Catalog, parts: _Parts, request: SizeRequest, n_gpus: int, plan: MemoryPlan
) -> tuple[str, str] | None:
    """Return what binds and why where the replica cannot run at all; None where it can."""
    unsupported = why_not(catalog, parts.engine, parts.precision, parts.gpu)
    # a support table may lag behind what was published; missing arithmetic units are a fact
    if unsupported is not None and (
        unsupported[0] == "hardware"
        or not was_published(catalog, parts.model, parts.precision, parts.gpu, parts.engine)
    ):
        return unsupported
    model, engine = parts.model, parts.engine
    if not request.context_tokens <= model.max_context_tokens:
        sentence = (
            f"{request.context_tokens:,.0f} tokens exceed the model's context of {model.max_context_tokens:,}"
        )
        return "context", sentence
    if n_gpus < 8 and n_gpus not in GPU_COUNTS:
        return "parallelism", f"instances have 1, 2, 4 or 8 GPUs, not {n_gpus}"
    if not plan.fits:
        return "parallelism" if plan.binding == "parallelism" else "memory", plan.reason
    if n_gpus > 8 and n_gpus % 8:
        return "parallelism", f"{n_gpus} GPUs are not whole nodes of 8"
    if engine is not None and n_gpus > 1 and not engine.multi_gpu:
        return "engine", f"{engine.name} does not split a model over GPUs"
    return None


def _no(
    catalog: Catalog,
    parts: _Parts,
    request: SizeRequest,
    n_gpus: int,
    plan: MemoryPlan,
    binding: str,
    why: str,
) -> SizeAnswer:
    model = parts.model
    context = min(request.context_tokens, model.max_context_tokens)
    options = would_fit(catalog, model, parts.precision, parts.gpu, request.n_gpus, context)
    if request.n_gpus is None and binding == "memory":
        why = f"not even on {n_gpus} GPUs: {why}"
    return _answer(parts, n_gpus, plan, False, binding, why, Speed(), options, request)


def _speed(one: Configurations, request: SizeRequest, point: MeasuredPoint | None) -> tuple[Speed, str, str]:
    """Predict at the given concurrency or at the largest within the targets, or take what was measured."""
    lengths = (request.input_tokens, request.output_tokens)
    limits = (request.ttft_limit_ms, request.tpot_limit_ms)
    best = capacity(one, *lengths, *limits, latency_percentile=request.latency_percentile)
    if request.concurrency is not None:
        found = predict(one, *lengths, request.concurrency)
        speed = measured_speed(point) if point else speed_of(found, None, request.concurrency)
        return speed, str(found.binding[0]), ""
    best = apply_measured(best, one, [point] if point else [], *lengths, *limits)
    clients = float(best.concurrency[0]) if best.requests_per_s[0] > 0 else 0.0
    found = predict(one, *lengths, clients or 1.0)
    speed = measured_speed(point) if point else speed_of(found, best if clients else None, clients or 1.0)
    keeps = bool(best.requests_per_s[0] > 0)
    return replace(speed, within_targets=keeps), str(best.binding[0]), str(best.reason[0])


def _measured_point(
    one: Configurations, request: SizeRequest, measured: Sequence[MeasuredPoint]
) -> MeasuredPoint | None:
    """Return the measurement that answers the request, None where none does."""
    lengths = (request.input_tokens, request.output_tokens)
    if request.concurrency is None:
        return resting_points(one, measured, *lengths, request.ttft_limit_ms, request.tpot_limit_ms)[0]
    wanted = request.concurrency
    alike = [p for p in measured if abs((p.concurrency or np.inf) - wanted) <= LENGTH_TOLERANCE * wanted]
    return resting_points(one, alike, *lengths)[0]


def _answer(
    parts: _Parts,
    n_gpus: int,
    plan: MemoryPlan,
    fits: bool,
    binding: str,
    reason: str,
    speed: Speed,
    options: tuple[Alternative, ...],
    request: SizeRequest,
) -> SizeAnswer:
    return SizeAnswer(
        fits=fits,
        binding=binding,
        reason=reason,
        model_id=request.model_id,
        precision_id=parts.precision.precision_id,
        gpu_id=request.gpu_id,
        n_gpus=n_gpus,
        engine_id=parts.engine.engine_id if parts.engine else None,
        weights_gb=weights_gb(parts.model, parts.precision),
        kv_cache_bytes_per_token=kv_cache_bytes_per_token(parts.model, parts.precision.kv_bytes),
        max_concurrent_sequences=plan.max_concurrent_sequences if fits else 0,
        speed=speed,
        would_fit=options,
        memory=plan,
    )
