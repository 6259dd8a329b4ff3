"""Which options can be cheapest at all: the others are dropped before any draw is priced.

Option j may be dropped for option i when, whatever the shared causes turn out to be and whatever the volume,
i costs no more. Within one throughput cause (an engine, a basis) that follows from three orders that do not
depend on a draw, because every cause acts on both options through functions that keep the order:

1. daily queries of a replica: i's at least j's at the cause's deviate -3, 0 and 3 and at every corner of the
   token ranges (between them both are interpolated piecewise linearly in the logarithm, with the same
   weights);
2. the rent of N replicas: i's at most j's for every N of the table of rents and for what a further one adds
   beyond, at low, mode, high and point (the triangular quantile rises with each of its parameters, so the order
   holds at every draw);
3. the GPUs that N replicas rent, likewise (people are paid by begun steps of GPUs).

(1) gives i no more replicas than j at any volume and draw; (2) and (3) price those no higher. The orders are
transitive, so dropping in turn is safe and the lower envelope is never touched. Where both cost exactly the
same in a draw (two small models on one GPU each), the one that is kept is credited: it is never the dearer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places

PIECE = 64
"""Rows compared with one another at once."""


def can_win(features: Floats, causes: Sequence[str]) -> Bools:
    """Return which rows of `features` (n, f) no other row of the same cause equals or beats in all columns.

    Smaller features are better; of equal rows the first stays.
    """
    keep = np.zeros(len(features), bool)
    names, group = np.unique(np.asarray(causes, dtype=str), return_inverse=True)
    for number in range(len(names)):
        places = np.flatnonzero(group == number)
        keep[places[_front(features[places])]] = True
    return keep


def _front(rows: Floats) -> npt.NDArray[np.int_]:
    """Return the places of the Pareto front: rows that none equals or beats in all columns; of equals the first.

    A row's sum is never above that of a row it beats: sums sort, and each piece meets the front before it and itself.
    """
    order = np.argsort(rows.sum(axis=1), kind="stable")
    kept = order[:0]
    for start in range(0, len(order), PIECE):
        piece = order[start : start + PIECE]
        beaten = (rows[kept, None] <= rows[piece]).all(axis=2).any(axis=0)
        piece = piece[~beaten]
        better = (rows[piece, None] <= rows[piece]).all(axis=2)
        later = np.tri(len(piece), k=-1, dtype=bool).T
        kept = np.concatenate([kept, piece[~(better & later).any(axis=0)]])
    return np.sort(kept)


def features_of(rates: Floats, profiles: Floats, which: Places) -> Floats:
    """Return the orders (1)-(3) as columns to be small, shape (n, f).

    Parameters
    ----------
    rates: (r, n) daily queries of a replica at every deviate and corner.
    profiles: (k, f) rent and GPUs at every number of replicas, `Rents.profiles`, of which few differ.
    which: (n,) the profile of each option.

    A partial order of k profiles is told by k columns: is the option's nowhere above profile j.
    """
    needed, which = np.unique(which, return_inverse=True)
    few = np.nan_to_num(profiles[needed], nan=np.inf, posinf=np.inf)
    above = np.array([~(few <= other).all(axis=1) for other in few], float).reshape(len(few), len(few)).T
    return np.concatenate([np.nan_to_num(-rates, nan=np.inf).T, above[which]], axis=1)
