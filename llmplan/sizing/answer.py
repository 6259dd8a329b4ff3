"""One replica sized: does it fit, what binds, how fast is it, what would fit instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from llmplan.catalog import Catalog, Engine, Gpu, Model, Precision
from llmplan.errors import InputError
from llmplan.measurements import MeasuredPoint, apply_measured, learnt, resting_points
from llmplan.measurements.use import LENGTH_TOLERANCE
from llmplan.replica import Configurations, ReplicaConfig, capacity, predict
from llmplan.replica.capacity import sequences_in_memory
from llmplan.replica.config import DEFAULTS, LATEST, SPLITTING, EngineSettings
from llmplan.replica.memory import (
    USUAL_ENGINE,
    MemoryPlan,
    kv_cache_bytes_per_token,
    memory_plan,
    smallest_gpu_count,
)
from llmplan.replica.reuse import NOTHING_CACHED, PromptCache, reuse_rule
from llmplan.sizing.alternatives import GPUS_PER_NODE, Alternative, is_rented, would_fit
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
    of randomly arriving requests that keep them, in percent; None: the mean request does. settings: how the engine
    is started; its longest sequence is input plus output where it names none, its degrees multiply to n_gpus.
    cached: what of the prompts a prefix cache may hold.
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
    settings: EngineSettings = DEFAULTS
    engine_version: str = LATEST
    cached: PromptCache = NOTHING_CACHED

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

        tensor, groups = self.settings.tensor_parallel, self.settings.groups
        if tensor is not None and self.n_gpus is None:
            object.__setattr__(self, "n_gpus", tensor * groups)
        if self.n_gpus is not None and not self.settings.allows(int(self.n_gpus)):
            rule = f"is not {'a multiple' if tensor is None else 'the product'} of the parallel degrees, "
            raise InputError("n_gpus", self.n_gpus, f"{rule}{(tensor or 1) * groups}", "leave it out")
        longest = self.settings.max_model_len
        if longest is not None and not longest >= self.input_tokens + self.output_tokens:
            rule = "must hold input and output"
            raise InputError("max_model_len", longest, rule, "raise it, or leave it out")

    @property
    def context_tokens(self) -> float:
        """Tokens of the longest sequence."""
        return self.settings.max_model_len or self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class SizeAnswer:
    """The answer. `fits` is about memory, hardware and engine; `reason` is a sentence.

    max_concurrent_sequences: complete requests at once, however long a sequence the engine must take.
    binding: memory, batch limit, bandwidth, compute, latency target; where it does not fit also hardware, engine,
    parallelism or context. gpu_memory_share: what the engine is started with, in its own terms. kv_cache_tokens:
    of the whole replica; kv_cache_gib: of one GPU, as engines log both. starts: whether the engine comes up with
    one sequence of the longest context, on what starts_reason says.
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
    gpu_memory_share: float
    kv_cache_tokens: int
    kv_cache_gib: float
    starts: bool
    starts_reason: str
    speed: Speed
    would_fit: tuple[Alternative, ...]
    memory: MemoryPlan
    """What every GiB of a GPU is for."""
    config: ReplicaConfig

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of `llmplan size`."""
        nested = ("speed", "would_fit", "memory", "config")
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
    config: ReplicaConfig


def size(catalog: Catalog, request: SizeRequest, measured: Sequence[MeasuredPoint] = ()) -> SizeAnswer:
    """Size one replica; unknown names raise UnknownNameError, "does not fit" is an answer.

    measured: points of the user's own; where one matches, its figures stand in place of the prediction. With a
    concurrency, only points of about as many clients match. Other loads of a measured replica are shifted.
    """
    parts = _parts(catalog, request)
    config = parts.config
    plan = memory_plan(catalog, config, request.context_tokens)
    one = learnt(Configurations.from_configs(catalog, [config]), measured)
    point = _measured_point(one, request, measured)
    refusal = _refusal(catalog, parts, request, plan)
    if refusal is not None and point is None:  # what ran, runs
        return _no(catalog, parts, request, plan, *refusal)
    speed, binding, reason = _speed(one, request, point)
    held = _sequences(one, request, speed.requests_per_s or 1.0)
    return _answer(parts, plan, True, binding, reason or plan.reason, speed, max_concurrent_sequences=held)


def _sequences(one: Configurations, request: SizeRequest, requests_per_s: float) -> int:
    """Complete requests that the replica holds at once; what caches share of them lies there once."""
    isl, whole = np.array([request.input_tokens]), np.array([request.input_tokens + request.output_tokens])
    rule = reuse_rule(one.catalog, request.cached)
    rate = np.array([requests_per_s]) / one.pipeline_parallel
    return int(sequences_in_memory(one, whole, rule and rule(one.stage, isl, lambda _: rate))[0])


def _parts(catalog: Catalog, request: SizeRequest) -> _Parts:
    """Look the names up; choose the engine and the fewest GPUs where the request leaves them open."""
    model, gpu = catalog.model(request.model_id), catalog.gpu(request.gpu_id)
    precision = precision_named(catalog, model, request.precision_id)
    named = catalog.engine(request.engine_id) if request.engine_id else None
    settings, n_gpus, context = request.settings, request.n_gpus, request.context_tokens
    groups = settings.groups
    if n_gpus is not None and n_gpus > GPUS_PER_NODE and groups == 1 and n_gpus % GPUS_PER_NODE == 0:
        # tensor parallel in a node, pipeline over nodes
        settings = replace(settings, tensor_parallel=None, pipeline_parallel=n_gpus // GPUS_PER_NODE)

    def config(engine: Engine | None, n: int) -> ReplicaConfig:
        engine_id = engine.engine_id if engine else USUAL_ENGINE
        names = (model.model_id, precision.precision_id, gpu.gpu_id, n, engine_id)
        return ReplicaConfig.started(*names, settings, request.engine_version)

    guess = named or engine_for(catalog, precision, gpu, n_gpus)
    if n_gpus is None:
        n_gpus = smallest_gpu_count(catalog, config(guess, groups), context)
    engine = named or engine_for(catalog, precision, gpu, n_gpus)
    engine = engine or _published_engine(catalog, model, precision, gpu)
    return _Parts(model, precision, gpu, engine, config(engine, n_gpus or 8 * groups))


def _published_engine(catalog: Catalog, model: Model, precision: Precision, gpu: Gpu) -> Engine | None:
    """Return an engine that a published run shows to serve this, where the support table names none."""
    engines = map(catalog.engine, catalog.preferred_engines)
    return next((e for e in engines if was_published(catalog, model, precision, gpu, e)), None)


def _refusal(
    catalog: Catalog, parts: _Parts, request: SizeRequest, plan: MemoryPlan
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
    n_gpus = parts.config.n_gpus
    if n_gpus < GPUS_PER_NODE and not is_rented(n_gpus):
        return "parallelism", f"instances have 1, 2, 4 or 8 GPUs, not {n_gpus}"
    if not plan.fits:
        return "parallelism" if plan.binding == "parallelism" else "memory", plan.reason
    if not is_rented(n_gpus):
        return "parallelism", f"{n_gpus} GPUs are not whole nodes of {GPUS_PER_NODE}"
    if engine is not None and n_gpus > 1 and not engine.multi_gpu:
        return "engine", f"{engine.name} does not split a model over GPUs"
    if engine is not None and not parts.config.settings.runs_on(engine.engine_id):
        return "engine", f"{engine.name} has tensor parallelism only; {', '.join(SPLITTING)} have the others"
    return None


def _no(
    catalog: Catalog, parts: _Parts, request: SizeRequest, plan: MemoryPlan, binding: str, why: str
) -> SizeAnswer:
    asked = replace(parts.config, settings=request.settings)
    options = would_fit(catalog, asked, request.n_gpus is not None, request.context_tokens)
    if request.n_gpus is None and binding == "memory":
        why = f"not even on {parts.config.n_gpus} GPUs: {why}"
    return _answer(parts, plan, False, binding, why, Speed(), options)


def _speed(one: Configurations, request: SizeRequest, point: MeasuredPoint | None) -> tuple[Speed, str, str]:
    """Predict at the given concurrency or at the largest within the targets, or take what was measured."""
    lengths = (request.input_tokens, request.output_tokens)
    limits = (request.ttft_limit_ms, request.tpot_limit_ms)
    reuse = reuse_rule(one.catalog, request.cached)
    if request.concurrency is not None:
        found = predict(one, *lengths, request.concurrency, reuse=reuse)
        speed = measured_speed(point) if point else speed_of(found, None, request.concurrency)
        return speed, str(found.binding[0]), ""
    best = capacity(one, *lengths, *limits, latency_percentile=request.latency_percentile, reuse=reuse)
    best = apply_measured(best, one, [point] if point else [], *lengths, *limits)
    clients = float(best.concurrency[0]) if best.requests_per_s[0] > 0 else 0.0
    found = predict(one, *lengths, clients or 1.0, reuse=reuse)
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
    plan: MemoryPlan,
    fits: bool,
    binding: str,
    reason: str,
    speed: Speed,
    options: tuple[Alternative, ...] = (),
    max_concurrent_sequences: int = 0,
) -> SizeAnswer:
    config = parts.config
    return SizeAnswer(
        fits=fits,
        binding=binding,
        reason=reason,
        model_id=config.model_id,
        precision_id=config.precision_id,
        gpu_id=config.gpu_id,
        n_gpus=config.n_gpus,
        engine_id=parts.engine.engine_id if parts.engine else None,
        weights_gb=plan.weights_gb,
        kv_cache_bytes_per_token=kv_cache_bytes_per_token(parts.model, plan.kv_bytes),
        max_concurrent_sequences=max_concurrent_sequences,
        gpu_memory_share=plan.gpu_memory_share,
        kv_cache_tokens=plan.kv_cache_tokens,
        kv_cache_gib=plan.kv_gib_per_gpu,
        starts=fits,
        starts_reason=plan.reason if fits else reason,
        speed=speed,
        would_fit=options,
        memory=plan,
        config=config,
    )
