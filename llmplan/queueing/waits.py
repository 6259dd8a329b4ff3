"""Waiting in classical queues: Erlang C (3b.1)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.errors import InputError

LARGEST_CV: Final = 2.0
"""Distributions wider than this break two-moment corrections."""


def erlang_c(servers: npt.ArrayLike, offered_load: npt.ArrayLike) -> Floats:
    """Return the probability that an arrival waits in M/M/k; broadcasts. (3b.1)

    Parameters
    ----------
    servers: k, whole numbers of at least 1.
    offered_load: arrival rate times mean service time [erlang]; at or above k: 1.

    Notes
    -----
    Erlang (1917), by the stable recursion of Erlang's B.
    """
    count, load = np.broadcast_arrays(np.asarray(servers, float), np.asarray(offered_load, float))
    if not np.all(count >= 1):
        raise InputError("servers", float(np.min(count)), "must be at least 1", "give whole servers")
    if not np.all(load >= 0):
        raise InputError(
            "offered_load", "negative or NaN", "must be at least 0", "give rate times service time"
        )
    safe = np.minimum(load, count * (1 - 1e-12))
    blocked, result = np.ones(count.shape), np.ones(count.shape)
    for k in range(1, int(np.max(count, initial=0)) + 1):
        blocked = safe * blocked / (k + safe * blocked)
        result = np.where(count == k, blocked, result)
    utilisation = safe / count
    return np.where(load >= count, 1.0, result / (1 - utilisation + utilisation * result))
