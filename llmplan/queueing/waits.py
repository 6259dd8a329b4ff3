"""Waiting in classical queues: Erlang C and its correction for general service times (3b.1, 3b.2)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.errors import InputError

LARGEST_CV: Final = 2.0
"""Distributions wider than this break two-moment corrections."""


def erlang_c(servers: int, offered_load: npt.ArrayLike) -> Floats:
    """Return the probability that an arrival waits in M/M/k, shape of `offered_load`. (3b.1)

    Parameters
    ----------
    servers: k, at least 1. offered_load: arrival rate times mean service time [erlang]; at or above k: 1.

    Notes
    -----
    Erlang (1917), by the stable recursion of the inverse of Erlang's B.
    """
    if not servers >= 1:
        raise InputError("servers", servers, "must be at least 1", "give whole servers")
    load = np.asarray(offered_load, dtype=float)
    if not np.all(load >= 0):
        raise InputError(
            "offered_load", "negative or NaN", "must be at least 0", "give rate times service time"
        )
    safe = np.clip(load, 1e-12, servers * (1 - 1e-12))
    inverse_b = np.ones_like(safe)
    for k in range(1, servers + 1):
        inverse_b = 1 + inverse_b * (k / safe)
        inverse_b = np.minimum(inverse_b, 1e300)
    utilisation = safe / servers
    wait = 1 / (inverse_b * (1 - utilisation) + utilisation)
    return np.where(load >= servers, 1.0, np.where(load <= 0, 0.0, wait))


def mean_wait_mgk_s(
    rate: npt.ArrayLike, service_s: float, servers: int, service_cv: float = 1.0, arrival_cv: float = 1.0
) -> Floats:
    """Return the mean wait in G/G/k [s], infinity at saturation. (3b.2)

    Notes
    -----
    Allen and Cunneen's correction of M/M/k by (ca^2 + cs^2) / 2 (Allen, Probability, Statistics and Queueing
    Theory, 1990); exact for M/M/k and M/G/1, within some 10 % for M/G/k with cs up to 2.
    """
    if not (service_s > 0 and 0 <= service_cv <= LARGEST_CV):
        rule = f"service time must be positive, its cv 0 to {LARGEST_CV:g}"
        raise InputError("service", (service_s, service_cv), rule, "simulate wider distributions")
    lam = np.asarray(rate, dtype=float)
    load = lam * service_s
    waits = erlang_c(servers, load)
    with np.errstate(divide="ignore"):
        mean = waits * service_s / np.where(load < servers, servers - load, 0.0)
    return mean * (arrival_cv**2 + service_cv**2) / 2
