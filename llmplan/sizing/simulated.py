"""A configuration simulated under a load, with the formula's answer to the same question beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.errors import InputError, UnknownNameError
from llmplan.queueing import closed_loop, open_loop, service_curve
from llmplan.queueing.simulation.calibrated import SimulatedReplica, simulated_replica
from llmplan.queueing.simulation.requests import Requests, poisson_requests, requests_of_trace, sample_lengths
from llmplan.queueing.simulation.runs import Router, SimulationResult, simulate_closed_loop, simulate_requests
from llmplan.queueing.waits import LARGEST_CV
from llmplan.replica import Configurations, predict
from llmplan.replica.reuse import Reuse, reuse_rule
from llmplan.scenario.trace import Trace
from llmplan.sizing.answer import SizeAnswer, SizeRequest, size
from llmplan.units import MS_PER_S

ROUTERS: tuple[Router, ...] = ("least_loaded", "round_robin", "random")
REQUESTS_AT_A_RATE = 5000
REQUESTS_PER_CLIENT = 20
MOST = {"requests_per_s": 1e6, "concurrency": 20_000, "speed": 1e6, "replicas": 1000, "requests": 1_000_000}
"""What a simulation takes in minutes at most; all must be above 0."""


@dataclass(frozen=True)
class Load:
    """What is sent: exactly one of a rate, a number of clients and a trace.

    requests_per_s: random arrivals of the whole fleet. concurrency: clients of a closed loop. trace: real
    requests, `speed` times as fast as recorded; its own lengths replace the means and spreads.
    input_cv, output_cv: standard deviation over mean of lengths. requests: how many; None: enough. load_test: clients
    start together, and with answers of one length stay in step, as in a load test; else they are out of step.
    """

    requests_per_s: float | None = None
    concurrency: int | None = None
    trace: Trace | None = None
    speed: float = 1.0
    replicas: int = 1
    router: str = "least_loaded"
    input_cv: float = 0.0
    output_cv: float = 0.0
    requests: int | None = None
    seed: int = 0
    load_test: bool = False

    def __post_init__(self) -> None:
        given = [
            name for name in ("requests_per_s", "concurrency", "trace") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise InputError("load", given, "exactly one is needed", "give a rate, a concurrency or a trace")
        router_named(self.router)
        for name, most in MOST.items():
            value = getattr(self, name)
            if value is not None and not 0 < value <= most:
                raise InputError(
                    name, value, f"must be above 0, at most {most:,.0f}", "simulate less at once"
                )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; a trace is named."""
        values = {key: value for key, value in vars(self).items() if key != "trace"}
        return values | {"trace": self.trace.name if self.trace else None}


@dataclass(frozen=True)
class SimulatedAnswer:
    """What a simulation measured, under stable names with units.

    input_tokens: mean of whole prompts; cached_tokens: what prefix caches hold of each. formula: the closed form's
    answer; None for a trace and for spreads of lengths beyond its range.
    """

    size: SizeAnswer
    load: Load
    input_tokens: float
    cached_tokens: float
    output_tokens: float
    simulation: dict[str, float]
    formula: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of `llmplan simulate`."""
        names = ("model_id", "precision_id", "gpu_id", "n_gpus", "engine_id")
        lengths = {name: getattr(self, name) for name in ("input_tokens", "cached_tokens", "output_tokens")}
        return {name: asdict(self.size)[name] for name in names} | {
            "load": self.load.to_dict() | lengths,
            "simulation": self.simulation,
            "formula": self.formula,
            "basis": "simulation of the calibrated step model",
        }


def router_named(name: str) -> Router:
    """Return the router of that name; unknown names offer near ones."""
    for router in ROUTERS:
        if router == name:
            return router
    raise UnknownNameError("router", name, ROUTERS)


def simulate_load(catalog: Catalog, request: SizeRequest, load: Load) -> SimulatedAnswer:
    """Simulate the replica of `request` under `load`; raise InputError where it does not fit.

    The request's token counts are means; a trace brings its own. What prefix caches hold of the prompts is not
    prefilled, but read and attended to (3.20). A pipeline is simulated as its stages, each with
    the sequences that are under way in it.
    """
    answer = size(catalog, request)
    if not (answer.fits and answer.engine_id):
        raise InputError("model", request.model_id, f"does not fit: {answer.reason}", "see llmplan size")
    isl, osl = request.input_tokens, request.output_tokens
    if load.trace is not None:
        isl, osl = float(load.trace.input_tokens.mean()), float(load.trace.output_tokens.mean())
    stage = Configurations.from_configs(catalog, [answer.config]).stage
    run = replace(load, replicas=load.replicas * answer.config.pipeline_parallel)
    reuse = _reuse(catalog, request, stage, run, isl, osl)
    replica = simulated_replica(stage, isl, osl, reuse)
    fresh = isl * replica.fresh_share
    result = _run(replica, run, fresh, osl)
    stages = answer.config.pipeline_parallel
    simulation = _as_asked(result.summary(), replica.request_overhead_s, stages)
    wide = max(load.input_cv, load.output_cv) > LARGEST_CV
    formula = None if wide or load.trace is not None else _formula(replica, run, fresh, osl)
    formula = formula and _as_asked(formula, replica.request_overhead_s, stages)
    return SimulatedAnswer(answer, load, isl, isl - fresh, osl, simulation, formula)


def _reuse(
    catalog: Catalog, request: SizeRequest, stage: Configurations, load: Load, isl: float, osl: float
) -> Reuse | None:
    """Return what prefix caches hold of a prompt at the rate at which a replica serves the load; None: nothing."""
    rule = reuse_rule(catalog, request.cached)
    if rule is None:
        return None
    rate = load.requests_per_s or 0.0
    if load.trace is not None:
        rate = load.speed * len(load.trace.arrival_s) / max(float(np.ptp(load.trace.arrival_s)), 1.0)

    def served(held: Reuse) -> Floats:
        if load.concurrency is None:
            return np.array([rate / load.replicas])
        clients = max(1.0, load.concurrency / load.replicas)
        return predict(stage, isl, osl, clients, reuse=lambda *_: held).requests_per_s

    return rule(stage, np.array([isl]), served)


def _run(replica: SimulatedReplica, load: Load, isl: float, osl: float) -> SimulationResult:
    rng = np.random.default_rng(load.seed)
    if load.concurrency is not None:
        n = max(load.requests or REQUESTS_PER_CLIENT * load.concurrency, load.concurrency)
        prompts = sample_lengths(rng, n, isl, load.input_cv)
        answers = sample_lengths(rng, n, osl, load.output_cv)
        clients = load.concurrency, load.replicas
        return simulate_closed_loop(
            replica.steps, replica.limits, prompts, answers, *clients, out_of_step=not load.load_test
        )
    return simulate_requests(
        replica.steps,
        replica.limits,
        _arrivals(rng, load, isl, osl, replica.fresh_share),
        load.replicas,
        router_named(load.router),
        seed=load.seed,
    )


def _arrivals(rng: np.random.Generator, load: Load, isl: float, osl: float, fresh_share: float) -> Requests:
    if load.trace is not None:
        trace, few = load.trace, slice(load.requests)
        prompts = np.maximum(np.round(trace.input_tokens[few] * fresh_share), 1)
        answers = np.maximum(trace.output_tokens[few], 1)
        return requests_of_trace(trace.arrival_s[few], prompts, answers, load.speed)
    rate, n = load.requests_per_s or 0.0, load.requests or REQUESTS_AT_A_RATE
    return poisson_requests(rng, n, rate, isl, osl, load.input_cv, load.output_cv)


def _formula(replica: SimulatedReplica, load: Load, isl: float, osl: float) -> dict[str, Any]:
    """Return the closed-form answer to the same question, with whether it is in its range."""
    curve = service_curve(replica.steps, replica.limits, isl, osl, load.output_cv)
    if load.concurrency is not None:
        loop = closed_loop(curve, max(1.0, load.concurrency / load.replicas))
        found: dict[str, Any] = {
            "ttft_ms_mean": float(loop.ttft_ms[0]),
            "tpot_ms_mean": float(loop.tpot_ms[0]),
            "requests_per_s": float(loop.requests_per_s[0]) * load.replicas,
            "running_sequences": float(loop.running[0]),
            "valid": bool(loop.valid[0]) or not load.load_test,
        }
    else:
        wait = open_loop(
            curve, load.requests_per_s or 0.0, load.replicas, router_named(load.router), load.input_cv
        )
        levels = zip(wait.percentiles, wait.ttft_ms, strict=True)
        found = {f"ttft_ms_p{level:g}": float(row[0]) for level, row in levels}
        found |= {"ttft_ms_mean": float(wait.ttft_ms_mean[0]), "tpot_ms_mean": float(wait.tpot_ms[0])}
        found |= {"running_sequences": float(wait.running[0]), "utilisation": float(wait.utilisation[0])}
        found |= {"requests_per_s": load.requests_per_s, "valid": bool(wait.valid[0])}
    return found


def _as_asked(figures: dict[str, Any], overhead_s: float, stages: int) -> dict[str, Any]:
    """Add what a request costs outside the engine's steps, and count the sequences of all stages of a replica."""
    adds = {name: overhead_s * MS_PER_S for name in figures if name.startswith(("ttft_ms", "e2e_ms"))}
    times = dict.fromkeys(("running_sequences", "waiting_requests"), stages)
    return {name: value * times.get(name, 1) + adds.get(name, 0) for name, value in figures.items()}
