"""Latency at a concurrency and of a burst: where the cliff at a full cache comes from (3b.3, 3b.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats
from llmplan.errors import InputError
from llmplan.queueing.curve import ServiceCurve
from llmplan.units import MS_PER_S

LEAST_OUTPUT_CV: Final = 0.3
"""Answers that vary less end together: their clients' prompts meet in one step again and again."""
CLEARLY_FULL: Final = 1.25
"""From this many times the places on the wait for one is nearly all of TTFT, whoever ends together."""


@dataclass(frozen=True, eq=False)
class ClosedLoop:
    """A replica whose clients each send the next request when the last is answered; arrays by concurrency.

    ttft_ms holds the wait for a place. running, waiting: requests in the batch and before it.
    valid: inside the stated range of ttft_ms: one client, answers whose lengths vary, or a queue for places.
    """

    concurrency: Floats
    ttft_ms: Floats
    tpot_ms: Floats
    requests_per_s: Floats
    output_tokens_per_s: Floats
    running: Floats
    waiting: Floats
    valid: Bools


def closed_loop(curve: ServiceCurve, concurrency: npt.ArrayLike) -> ClosedLoop:
    """Return mean latency and throughput at each concurrency, any number of them. (3b.11)

    Up to B places the batch grows with the clients. Beyond, throughput is flat at the curve's end and every
    further client adds 1 / rate to everybody's wait (Little's law): TTFT jumps though nothing got slower.
    Where `valid`, TTFT lies within 10 % of the simulation (20 % for prompts of a whole token budget), rate and
    TPOT within 10 % everywhere. Answers of one length keep their clients in step: simulate their TTFT.
    """
    clients = np.atleast_1d(np.asarray(concurrency, dtype=float))
    if not np.all(clients >= 1):
        raise InputError("concurrency", concurrency, "must be at least 1", "give numbers of clients")
    n = np.arange(1, curve.places + 1, dtype=float)
    inside = np.minimum(clients, curve.places)
    rate, pace, first = (
        np.interp(inside, n, row) for row in (curve.requests_per_s, curve.pace_s, curve.first_s)
    )
    waiting = clients - inside
    return ClosedLoop(
        concurrency=clients,
        ttft_ms=(first + waiting / rate) * MS_PER_S,
        tpot_ms=pace * MS_PER_S,
        requests_per_s=rate,
        output_tokens_per_s=rate * curve.output_tokens,
        running=inside,
        waiting=waiting,
        valid=(curve.output_cv >= LEAST_OUTPUT_CV)
        | (clients <= 1)
        | (clients >= CLEARLY_FULL * curve.places),
    )
