"""What requests wait for missing capacity: a fluid."""

from __future__ import annotations

import numpy as np

from llmplan.arrays import Floats
from llmplan.cost.week import STEP_S


def fluid_backlog(offered: Floats, capacity: Floats) -> tuple[Floats, Floats]:
    """Return requests waiting and what an arrival waits, by step of a repeating week, (4b.4) and (4b.5).

    Parameters
    ----------
    offered, capacity: requests/s in each step. (n,)

    Returns
    -------
    backlog [requests] and wait [s], both (n,), at the middles of the steps. Infinite wait: not served
    within the following week.

    Notes
    -----
    A reflected sum (Lindley's recursion) run three times round, so that the week begins as it ends. First
    come, first served: the wait is the distance between the curves of arrivals and departures. A week that
    offers more than it can serve has no steady state; what is shown is then its second week.
    """
    n = len(offered)
    arrived = np.concatenate([[0.0], np.cumsum(np.tile(offered * STEP_S, 3))])
    net = np.concatenate([[0.0], np.cumsum(np.tile((offered - capacity) * STEP_S, 3))])
    waiting = net - np.minimum.accumulate(net)
    departed = np.maximum.accumulate(arrived - waiting)
    clock = np.arange(len(arrived)) * float(STEP_S)
    served_at = np.interp(arrived, departed, clock, right=np.inf)
    wait = np.where(waiting > 0, np.maximum(served_at - clock, 0.0), 0.0)
    second = slice(n, 2 * n + 1)
    return _middles(waiting[second]), _middles(wait[second])


def _middles(edges: Floats) -> Floats:
    return np.asarray((edges[:-1] + edges[1:]) / 2)
