"""Where waiting starts to grow: the load at which the tail of TTFT doubles."""

from __future__ import annotations

import numpy as np

from llmplan.claims.context import Context
from llmplan.queueing import ServiceCurve, open_loop, service_curve
from llmplan.queueing.simulation.calibrated import simulated_replica
from llmplan.replica import Configurations, ReplicaConfig

FLEETS = (1, 4)


def knee_utilisation(
    context: Context, model_id: str, precision_id: str, gpu_id: str, n_gpus: int
) -> tuple[float, ...]:
    """Return, for fleets of one and four replicas, the utilisation at which TTFT's 95th percentile doubles.

    Doubles over its value at a tenth of saturation; queries of the article's 2,000 + 500 tokens; the highest
    utilisation of the formula's range where it never does.
    """
    config = ReplicaConfig(model_id, precision_id, gpu_id, n_gpus, "vllm")
    replica = simulated_replica(Configurations.from_configs(context.catalog, [config]), 2000, 500)
    curve = service_curve(replica.steps, replica.limits, 2000, 500)
    return tuple(_knee(curve, fleet) for fleet in FLEETS)


def _knee(curve: ServiceCurve, replicas: int) -> float:
    shares = np.linspace(0.1, 0.8, 29)
    found = open_loop(curve, shares * curve.saturation_requests_per_s * replicas, replicas, percentiles=(95,))
    tail = found.ttft_ms[0]
    over = np.flatnonzero(tail >= 2 * tail[0])
    return float(shares[over[0]]) if over.size else float(shares[-1])
