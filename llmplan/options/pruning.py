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
from typing import NamedTuple

import numpy as np

from llmplan.arrays import Bools, Floats, Places

PIECE = 64
"""Rows of a group compared with one another at once."""
PAIRS = 1 << 16
"""Pairs of rows, of as many small groups, compared at once."""


class Features(NamedTuple):
    """What options are compared by, where less is better.

    Attributes
    ----------
    columns: (n, f) numbers. which: (n,) the profile of each option.
    no_higher: (k, k) whether profile i is nowhere above profile j.
    """

    columns: Floats
    which: Places
    no_higher: Bools

    def at(self, places: Places) -> Features:
        """Return the features of some options."""
        return self._replace(columns=self.columns[places], which=self.which[places])

    def no_worse(self, one: Places, other: Places) -> Bools:
        """Return where one of a pair of options equals or beats the other in all that counts, (pairs,)."""
        within = np.array(self.no_higher[self.which[one], self.which[other]])
        left = np.flatnonzero(within)
        within[left] = (self.columns[one[left]] <= self.columns[other[left]]).all(axis=1)
        return within

    def no_worse_than(self, other: Features) -> Bools:
        """Return which of these options equal or beat which others in all that counts, (n, m)."""
        within = (self.columns[:, None] <= other.columns).all(axis=2)
        return np.asarray(within & self.no_higher[self.which[:, None], other.which])

    @property
    def best_first(self) -> Places:
        """Places in an order in which none comes before one that it is beaten by."""
        above = np.count_nonzero(~self.no_higher, axis=1)[self.which]
        return np.lexsort((above, self.columns.sum(axis=1)))


def can_win(features: Features | Floats, causes: Sequence[str] | Places) -> Bools:
    """Return which options no other of the same cause equals or beats in all of their features; of equals the first.

    features: as of `features_of`, or columns alone (n, f).
    """
    if not isinstance(features, Features):
        alike = np.zeros(len(features), np.intp)
        features = Features(features, alike, np.ones((1, 1), bool))
    keep = np.zeros(len(features.which), bool)
    group = np.unique(np.asarray(causes), return_inverse=True)[1]
    order, sizes = np.argsort(group, kind="stable"), np.bincount(group)
    few = sizes <= PIECE
    batch = np.where(few, np.cumsum(np.where(few, sizes**2, 0)) // PAIRS, -1)
    of_row = np.repeat(batch, sizes)
    for number in range(batch.max(initial=-1) + 1):
        places = order[of_row == number]
        keep[places] = ~_beaten(features.at(places), sizes[batch == number])
    for large in np.flatnonzero(~few):
        places = np.flatnonzero(group == large)
        keep[places[_front(features.at(places))]] = True
    return keep


def _front(rows: Features) -> Places:
    """Return the places of the Pareto front: rows that none equals or beats; of equals the first."""
    order = rows.best_first
    kept = order[:0]
    for start in range(0, len(order), PIECE):
        piece = order[start : start + PIECE]
        piece = piece[~rows.at(kept).no_worse_than(rows.at(piece)).any(axis=0)]
        kept = np.concatenate([kept, piece[~_beaten(rows.at(piece), np.array([len(piece)]))]])
    return np.sort(kept)


def _beaten(rows: Features, sizes: Places) -> Bools:
    """Return which rows another one of their group equals or beats; of equals all but the first.

    sizes: of the groups, which stand one after another.
    """
    peers = np.repeat(sizes, sizes)
    group, row = (np.repeat(np.cumsum(each) - each, each) for each in (sizes, peers))
    one = np.repeat(np.arange(len(peers)), peers)
    other = np.arange(len(row)) - row + np.repeat(group, peers)
    beats = np.flatnonzero((one != other) & rows.no_worse(one, other))
    one, other = one[beats], other[beats]
    later = np.flatnonzero(one > other)
    equal = later[rows.no_worse(other[later], one[later])]
    found = np.zeros(len(peers), bool)
    found[np.delete(other, equal)] = True
    return found


def features_of(rates: Floats, profiles: Floats, which: Places) -> Features:
    """Return the orders (1)-(3).

    Parameters
    ----------
    rates: (r, n) daily queries of a replica at every deviate and corner, and what else more is better of.
    profiles: (k, f) rent and GPUs at every number of replicas, `Rents.profiles`, of which few differ.
    which: (n,) the profile of each option.
    """
    needed, which = np.unique(which, return_inverse=True)
    few = np.nan_to_num(profiles[needed], nan=np.inf, posinf=np.inf)
    no_higher = np.array([(profile <= few).all(axis=1) for profile in few], bool).reshape(len(few), len(few))
    return Features(np.nan_to_num(-rates, nan=np.inf).T, which.astype(np.intp), no_higher)
