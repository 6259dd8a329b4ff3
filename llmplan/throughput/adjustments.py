"""What the step model leaves unexplained of replicas seen in the data, shrunk towards nothing (3.17).

A log deviation for a replica (engine, model, GPU, format), one for its number of GPUs and ranks, and its
drift with clients, prompt and answer length: a few numbers a replica, whatever the number of its rows.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from llmplan.throughput.configurations import Configurations, Floats
from llmplan.throughput.constants import Calibration, level_values
from llmplan.throughput.queue import Service

TYPICAL: Final = {"clients": 24.0, "input": 1500.0, "output": 800.0}
"""Load at which a drift is zero."""
REACH: Final = 1.6
"""Drifts end at a factor exp(1.6) = 5 from the typical load."""
TERMS: Final = {
    "tpot": (
        ("replica", "", 6.0),
        ("replica:tensor_parallel", "", 8.0),
        ("replica:release", "", 8.0),
        ("replica", "clients", 10.0),
        ("replica", "input", 10.0),
        ("replica", "output", 12.0),
    ),
    "ttft": (
        ("replica", "", 3.0),
        ("replica:tensor_parallel", "", 4.0),
        ("replica:release", "", 4.0),
        ("replica", "clients", 5.0),
        ("replica", "input", 5.0),
        ("replica", "output", 6.0),
    ),
    "throughput": (
        ("replica", "", 6.0),
        ("replica:tensor_parallel", "", 8.0),
        ("replica", "input", 10.0),
        ("replica", "output", 10.0),
    ),
}
"""Factor, drift ("" for none) and weight of shrinkage, by quantity."""


def drifts(input_tokens: Floats, output_tokens: Floats, clients: Floats) -> dict[str, Floats]:
    """Log distance of a load from the typical one, by name; "" is the constant 1."""
    load = {"clients": clients, "input": input_tokens, "output": output_tokens}
    result = {name: np.clip(np.log(value / TYPICAL[name]), -REACH, REACH) for name, value in load.items()}
    return result | {"": np.ones_like(input_tokens)}


def log_adjustment(
    calibration: Calibration,
    quantity: str,
    c: Configurations,
    input_tokens: Floats,
    output_tokens: Floats,
    clients: Floats,
) -> Floats:
    """Log factor on a quantity for each configuration, shape (n,); 0 for replicas not in the data."""
    terms = calibration.adjustments.get(quantity)
    total = np.zeros(len(c))
    if terms:
        drift = drifts(input_tokens, output_tokens, clients)
        for key, levels in terms.items():
            factor, _, name = key.partition("|")
            total += level_values(c, factor, levels) * drift[name]
    return total


def adjusted(
    service: Service,
    calibration: Calibration,
    c: Configurations,
    input_tokens: Floats,
    output_tokens: Floats,
    clients: Floats | None,
) -> Service:
    """Service with the adjustments of its replica; a closed loop's rate follows from Little's law."""
    at = np.full(len(c), TYPICAL["clients"]) if clients is None else clients
    tpot, ttft, rate = (
        np.exp(log_adjustment(calibration, q, c, input_tokens, output_tokens, at)) for q in TERMS
    )
    first, pace = service.ttft_s * ttft, service.tpot_s * tpot
    if clients is None:
        return replace(service, ttft_s=first, tpot_s=pace, requests_per_s=service.requests_per_s * rate)
    steps = np.maximum(output_tokens - 1.0, 1.0)
    # Little's law for those in the batch: who waits for a place takes no part in the rate
    inside = service.ttft_s - service.queued_s
    before = inside + steps * service.tpot_s
    little = service.requests_per_s * before / (inside * ttft + steps * pace)
    return replace(service, ttft_s=first, tpot_s=pace, requests_per_s=little)
