"""Measured rows as loads on replicas: names resolved, splits into replicas spread out, all rows at once."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Bools, Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.evidence import Fit, MeasuredSettings
from llmplan.catalog.measurements import PRECISION_ALIASES, Measurement
from llmplan.catalog.publishers import published_settings
from llmplan.errors import near_names
from llmplan.replica.config import DEFAULTS, EngineSettings
from llmplan.replica.configurations import LATEST, Configurations, ReplicaConfig
from llmplan.replica.constants import Calibration, Constant, constants
from llmplan.replica.memory import GPU_COUNTS
from llmplan.replica.queue import Service, all_at_once, closed_loop, max_rate, open_loop, within_latency
from llmplan.replica.step import Constants
from llmplan.units import BYTES_PER_GIB

QUANTITIES: Final = ("tpot", "ttft", "throughput")
ARRIVAL_KINDS: Final = ("closed_loop", "steady", "all_at_once", "offline", "server", "open_loop")
"""steady: a closed loop without the opening burst of a load test."""
DEFAULT_CLIENTS: Final = 32.0
"""Clients assumed where a closed loop does not state its concurrency."""
DEFAULT_LIMITS_S: Final = (2.0, 0.2)
"""TTFT and TPOT limits assumed for a latency-bound row that states none."""

STEADY: Final = "steady state"
"""Words of a source that measured after its opening burst."""
RAN_WITH_BYTES: Final = 4.0 * BYTES_PER_GIB
"""KV room at least on each GPU of a measured run whose weights fit: its operators set the share to what it needs."""


@dataclass(frozen=True)
class Unanswered:
    """A row that cannot be answered and why."""

    line: int
    model_id: str
    gpu_id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Observations:
    """Rows and their candidate replicas.

    measured (3, rows): log of TPOT [ms], TTFT [ms] and output tokens/s; NaN where blank. row (n,): row of
    each candidate configuration; replicas (n,): how many of it run side by side. The other arrays (n,)
    repeat the row's load for each candidate, clients and rate for one replica.
    """

    rows: tuple[Measurement, ...]
    configurations: Configurations
    row: Places
    replicas: Floats
    input_tokens: Floats
    output_tokens: Floats
    clients: Floats
    offered_rps: Floats
    ttft_limit_s: Floats
    tpot_limit_s: Floats
    kind: NDArray[np.str_]
    measured: Floats

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The constants of the catalog that the configurations come from."""
        return constants(self.configurations.catalog)

    def under(self, fit: Fit | None) -> Self:
        """Return the observations with another fit in the catalog's place."""
        if fit is None:
            return self
        c = self.configurations
        return replace(self, configurations=replace(c, catalog=replace(c.catalog, calibration=fit)))

    def outputs(self, values: Constants) -> Floats:
        """Predicted log of TPOT [ms], TTFT [ms] and output tokens/s of each candidate, shape (3, n)."""
        result = np.full((3, len(self.configurations)), np.nan)
        for kind, (index, part) in self.by_kind.items():
            k = {name: value[index] for name, value in values.items()}
            service = self._serve(kind, index, part, k)
            rate = service.requests_per_s * self.output_tokens[index] * self.replicas[index]
            result[:, index] = np.log([service.tpot_s * 1e3, service.ttft_s * 1e3, rate])
        return result

    @cached_property
    def by_kind(self) -> dict[str, tuple[Places, Configurations]]:
        """Candidates of each kind of arrival that occurs: their indices and configurations."""
        places = {kind: np.flatnonzero(self.kind == kind) for kind in ARRIVAL_KINDS}
        return {kind: (at, self.configurations.take(at)) for kind, at in places.items() if len(at)}

    def _serve(self, kind: str, index: Places, c: Configurations, k: Constants) -> Service:
        isl, osl = self.input_tokens[index], self.output_tokens[index]
        serve: dict[str, Callable[[], Service]] = {
            "closed_loop": lambda: closed_loop(c, k, isl, osl, self.clients[index], load_test=True),
            "steady": lambda: closed_loop(c, k, isl, osl, self.clients[index]),
            "all_at_once": lambda: all_at_once(c, k, isl, osl, self.clients[index]),
            "offline": lambda: max_rate(c, k, isl, osl),
            "server": lambda: within_latency(
                c, k, isl, osl, self.ttft_limit_s[index], self.tpot_limit_s[index]
            ),
            "open_loop": lambda: open_loop(c, k, isl, osl, self.offered_rps[index]),
        }
        return serve[kind]()

    def at(self, candidates: Places) -> Self:
        """Return the observations of one candidate a row: those at `candidates`, in the order of their rows."""
        rows = self.row[candidates]
        loads = ("replicas", "input_tokens", "output_tokens", "clients", "offered_rps")
        arrays = {
            name: getattr(self, name)[candidates] for name in (*loads, "ttft_limit_s", "tpot_limit_s", "kind")
        }
        return replace(
            self,
            rows=tuple(self.rows[i] for i in rows),
            configurations=self.configurations.take(candidates),
            row=np.arange(len(rows)),
            measured=self.measured[:, rows],
            **arrays,
        )

    def of_rows(self, keep: Bools) -> Self:
        """Return the rows to keep with all their candidates."""
        number = np.cumsum(keep) - 1
        candidates = np.flatnonzero(keep[self.row])
        part = self.at(candidates)
        rows = tuple(m for m, kept in zip(self.rows, keep, strict=True) if kept)
        return replace(part, rows=rows, row=number[self.row[candidates]], measured=self.measured[:, keep])

    def best(self, outputs: Floats) -> Places:
        """Candidate of each row with the highest rate: the split is part of the prediction."""
        order = np.lexsort((outputs[2], self.row))
        last = np.flatnonzero(np.r_[self.row[order][1:] != self.row[order][:-1], True])
        chosen = np.zeros(len(self.rows), dtype=np.intp)
        chosen[self.row[order[last]]] = order[last]
        return chosen


def asked_kind(obs: Observations, chosen: Places) -> NDArray[Any]:
    """Kind of arrival of each row as a prediction names it."""
    kind = obs.kind[chosen]
    return np.where(kind == "steady", "closed_loop", kind)


def observe(
    catalog: Catalog, measurements: Sequence[Measurement]
) -> tuple[Observations, tuple[Unanswered, ...]]:
    """Turn measurements into observations; rows that name unknown things come back with the reason."""
    rows: list[Measurement] = []
    configs: list[ReplicaConfig] = []
    row: list[int] = []
    replicas: list[float] = []
    unanswered = []
    for m in measurements:
        problem = _problem(catalog, m)
        if problem:
            unanswered.append(Unanswered(m.line, m.model_id, m.gpu_id, problem))
            continue
        for config, count in _candidates(catalog, m):
            configs.append(config)
            row.append(len(rows))
            replicas.append(count)
        rows.append(m)
    c = Configurations.from_configs(catalog, configs)
    return _observations(tuple(rows), c, np.array(row, dtype=np.intp), np.array(replicas)), tuple(unanswered)


def _observations(
    rows: tuple[Measurement, ...], c: Configurations, row: Places, replicas: Floats
) -> Observations:
    keep = _fitting(c, row)
    c, row, replicas = c.take(keep), row[keep], replicas[keep]
    tight = (c.kv_room_bytes > 0) & (c.kv_room_bytes < RAN_WITH_BYTES)
    c = replace(c, kv_room_bytes=np.where(tight, RAN_WITH_BYTES, c.kv_room_bytes))

    def column(name: str, default: float = np.nan) -> Floats:
        values = np.array([getattr(m, name) for m in rows], dtype=float)
        return np.where(np.isfinite(values) & (values > 0), values, default)

    measured = np.log([column(name) for name in ("tpot_ms", "ttft_ms", "output_tokens_per_s")])
    ttft, tpot = DEFAULT_LIMITS_S
    return Observations(
        rows=rows,
        configurations=c,
        row=row,
        replicas=replicas,
        input_tokens=column("input_tokens", 512.0)[row],
        output_tokens=column("output_tokens", 512.0)[row],
        clients=np.maximum(column("concurrency", DEFAULT_CLIENTS)[row] / replicas, 1.0),
        offered_rps=column("offered_rps", 1.0)[row] / replicas,
        ttft_limit_s=column("ttft_limit_ms", ttft * 1e3)[row] / 1e3,
        tpot_limit_s=column("tpot_limit_ms", tpot * 1e3)[row] / 1e3,
        kind=np.array([_kind(m) for m in rows])[row],
        measured=measured,
    )


def _fitting(c: Configurations, row: Places) -> Places:
    """Candidates that fit their GPUs, and all of a row none of which does (a measured row did run)."""
    fits = c.kv_room_bytes > 0
    any_fits = np.zeros(row.max(initial=-1) + 1, dtype=bool)
    np.logical_or.at(any_fits, row, fits)
    return np.flatnonzero(fits | ~any_fits[row])


def _kind(m: Measurement) -> str:
    """Kind of arrival; a static batch is served like a closed loop of as many clients."""
    if m.arrival == "open_loop" and not np.isfinite(m.offered_rps):
        return "offline"
    if m.arrival == "all_at_once" and not np.isfinite(m.concurrency):
        return "offline"
    if m.arrival == "closed_loop" and STEADY in m.source_title:
        return "steady"
    return m.arrival if m.arrival in ARRIVAL_KINDS else "closed_loop"


def settings_of(catalog: Catalog, m: Measurement) -> MeasuredSettings | None:
    """How a row's engine was started, as far as its publisher's scripts say."""
    told = {"model_id": m.model_id, "precision": m.precision, "gpu_id": m.gpu_id}
    return published_settings(catalog, m.source_title, m.engine_id, m.published, told)


def _started(told: MeasuredSettings, m: Measurement) -> EngineSettings:
    clients = m.concurrency if np.isfinite(m.concurrency) else None
    most = clients if told.max_sequences == "clients" else told.max_sequences
    return EngineSettings(told.gpu_memory_utilisation, told.kv_cache_dtype or "auto", max_sequences=most)


def resolve(name: str, known: Collection[str]) -> str | None:
    """Catalog id that `name` means: itself, or the longest id that it begins with ("-instruct", "-fp8")."""
    if name in known:
        return name
    starts = [key for key in known if name.startswith(key)]
    return max(starts, key=len) if starts else None


def resolve_precision(catalog: Catalog, m: Measurement, model_id: str, gpu_id: str) -> str:
    """Catalog precision of a row; unstated or unknown ones become the likeliest format of the GPU."""
    gpu = catalog.gpus[gpu_id]
    name = PRECISION_ALIASES.get(m.precision, m.precision)
    if name == "fp4" and catalog.models[model_id].native_precision_id == "mxfp4":
        return "mxfp4"
    if name in catalog.precisions:
        return "fp16" if name == "bf16" and gpu.bf16_tflops is None else name
    if gpu.fp8_tflops is not None:
        return "fp8"
    return "bf16" if gpu.bf16_tflops is not None else "fp16"


def _problem(catalog: Catalog, m: Measurement) -> str:
    """Why a row cannot be answered; empty when it can."""
    for field, name, known in (
        ("model", m.model_id, list(catalog.models)),
        ("gpu", m.gpu_id, list(catalog.gpus)),
    ):
        if resolve(name, known) is None:
            near = near_names(name, sorted(known))
            hint = f"; near names: {', '.join(near)}" if near else ""
            return f"unknown {field} {name!r}{hint}"
    return ""


def _candidates(catalog: Catalog, m: Measurement) -> list[tuple[ReplicaConfig, float]]:
    """Replicas that a row may have run on and how many of each; blank parallelism means every split."""
    model_id = resolve(m.model_id, catalog.models) or m.model_id
    gpu_id = resolve(m.gpu_id, catalog.gpus) or m.gpu_id
    precision = resolve_precision(catalog, m, model_id, gpu_id)
    told = settings_of(catalog, m)
    version = m.engine_version or (told and told.engine_version) or LATEST
    settings = DEFAULTS if told is None else _started(told, m)

    def config(n: int, data: int = 1, experts: int = 1) -> ReplicaConfig:
        return ReplicaConfig(
            model_id, precision, gpu_id, n, m.engine_id, data, experts, version, settings=settings
        )

    if np.isfinite(m.tensor_parallel):
        size = max(1, int(m.tensor_parallel)) * m.data_parallel
        size = size if m.n_gpus % size == 0 else m.n_gpus
        copies = m.data_parallel if told is None or told.data_parallel is None else told.data_parallel
        data = copies if size % copies == 0 else 1
        return [(config(size, data, m.expert_parallel), m.n_gpus / size)]
    heads = catalog.models[model_id].heads
    splits = [n for n in GPU_COUNTS if m.n_gpus % n == 0 and heads % n == 0]
    return [(config(n), m.n_gpus / n) for n in splits] or [(config(m.n_gpus), 1.0)]


def predicted(obs: Observations, calibration: Calibration) -> tuple[Floats, Places]:
    """Return the predicted log TPOT, TTFT and output tokens/s of each row, shape (3, rows), and its chosen candidate."""
    outputs = obs.outputs(calibration.values(obs.configurations))
    chosen = obs.best(outputs)
    return outputs[:, chosen], chosen
