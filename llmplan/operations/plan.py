"""The chosen self-hosted option as the numbers that operating it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from llmplan.errors import InputError
from llmplan.operations.checkpoints import Repositories
from llmplan.replica.config import DEFAULTS, EngineSettings
from llmplan.units import S_PER_DAY


@dataclass(frozen=True)
class ServingPlan:
    """One model on a fleet of equal replicas.

    Attributes
    ----------
    option_id: of the comparison that it comes from.
    model_id, precision_id, gpu_id, engine_id: ids of the catalog.
    n_gpus: GPUs of one replica.
    replicas: of the fleet at the peak, spares included; `spare_replicas` of them are spares.
    input_tokens, output_tokens: means of a query.
    context_tokens: longest sequence that the engine accepts.
    max_concurrent_sequences: what the KV cache holds at the planned context.
    concurrency: sequences that a replica runs at once within the latency targets.
    ttft_ms, tpot_ms: expected at that concurrency. [ms]
    output_tokens_per_s, requests_per_s: of one replica at that concurrency.
    queries_per_day, peak_to_mean: load of the fleet.
    utilisation_ceiling: planned load over what the replicas sustain. [0..1]
    ttft_limit_ms, tpot_limit_ms: latency targets; None: none.
    weights_gb: on disk, decimal. [GB]
    weights_gib_per_gpu, kv_gib_per_gpu, overhead_gib_per_gpu, usable_gib_per_gpu: memory of one GPU. [GiB]
    memory_shares: the memory share that each engine is started with, in its own terms. [0..1]
    kv_bytes: bytes of a KV cache element.
    settings: how the scenario wants engines started.
    start_s: from wish to first answer of a new replica. [s]
    gpu_vendor: "nvidia" or "amd".
    repositories: where the model's weights are published.
    draft_repository: the small model that drafts tokens; "": a layer of the model's own kind, or nothing.
    """

    option_id: str
    model_id: str
    precision_id: str
    gpu_id: str
    engine_id: str
    n_gpus: int
    replicas: int
    spare_replicas: int
    input_tokens: float
    output_tokens: float
    context_tokens: int
    max_concurrent_sequences: int
    concurrency: int
    ttft_ms: float
    tpot_ms: float
    output_tokens_per_s: float
    requests_per_s: float
    queries_per_day: float
    peak_to_mean: float
    utilisation_ceiling: float
    ttft_limit_ms: float | None
    tpot_limit_ms: float | None
    weights_gb: float
    weights_gib_per_gpu: float
    kv_gib_per_gpu: float
    overhead_gib_per_gpu: float
    usable_gib_per_gpu: float
    memory_shares: Mapping[str, float]
    kv_bytes: float
    start_s: float
    settings: EngineSettings = DEFAULTS
    gpu_vendor: str = "nvidia"
    repositories: Repositories = ()
    draft_repository: str = ""

    def __post_init__(self) -> None:
        may_be_zero = {"spare_replicas", "overhead_gib_per_gpu"}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or not isinstance(value, (int, float)):
                continue
            if not (0 <= value < math.inf and (value > 0 or field.name in may_be_zero)):
                raise InputError(field.name, value, "must be a positive number", "plan a feasible option")
        if not self.utilisation_ceiling <= 1:
            raise InputError("utilisation_ceiling", self.utilisation_ceiling, "must be at most 1", "give 0.7")

    @property
    def tensor_parallel(self) -> int:
        """GPUs that cut each layer."""
        return self.n_gpus // self.settings.groups

    @property
    def mean_requests_per_s(self) -> float:
        return self.queries_per_day / S_PER_DAY

    @property
    def peak_requests_per_s(self) -> float:
        return self.mean_requests_per_s * self.peak_to_mean

    @property
    def working_replicas(self) -> int:
        """Replicas that carry the load; the rest are spares."""
        return max(1, self.replicas - self.spare_replicas)

    @property
    def min_replicas(self) -> int:
        """Replicas for the mean load at the ceiling, at least one, never more than the fleet."""
        needed = math.ceil(self.mean_requests_per_s / (self.requests_per_s * self.utilisation_ceiling) - 1e-9)
        return min(self.replicas, max(1, needed))

    @property
    def gpus_total(self) -> int:
        return self.replicas * self.n_gpus

    @property
    def memory_in_use_share(self) -> float:
        """Share of a card that weights, overhead and KV cache take."""
        used = self.weights_gib_per_gpu + self.overhead_gib_per_gpu + self.kv_gib_per_gpu
        return min(1.0, used / self.usable_gib_per_gpu)

    @property
    def kv_room_tokens(self) -> int:
        """Tokens that the KV cache of a replica holds at the planned sequence length."""
        planned = self.input_tokens + self.output_tokens
        return int(self.max_concurrent_sequences * max(1.0, planned))
