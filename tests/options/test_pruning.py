"""Dominance: an option that is dropped is never the cheapest; of equal ones one stays."""

from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.options import pruning
from llmplan.options.pruning import can_win, features_of
from tests.rents import market_of

number = st.integers(0, 3).map(float)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(number, number, number, st.sampled_from("ab")), min_size=1, max_size=12),
    st.sampled_from([2, 64]),
    st.sampled_from([4, 1 << 16]),
)
def test_the_front_is_what_nothing_else_beats(
    rows: list[tuple[float, float, float, str]], piece: int, pairs: int
) -> None:
    features = np.array([row[:3] for row in rows])
    causes = [row[3] for row in rows]
    with patch.object(pruning, "PIECE", piece), patch.object(pruning, "PAIRS", pairs):
        keep = can_win(features, causes)
    for i, row in enumerate(features):
        others = [
            j for j in range(len(rows)) if j != i and causes[j] == causes[i] and np.all(features[j] <= row)
        ]
        strictly = any(np.any(features[j] < row) for j in others)
        equal_kept = [j for j in others if np.all(features[j] == row) and keep[j]]
        assert keep[i] == (not strictly and not equal_kept)


def test_features_cover_every_number_of_replicas() -> None:
    rates, which = np.array([[10.0, 10.0]]), np.array([0, 1])
    # one replica an instance at 100 against two at 190: cheaper for one, dearer for two
    rents = market_of([((1, 100, 1),) * 3, ((2, 190, 2),) * 3]).rents
    assert can_win(features_of(rates, rents.profiles(1), which), ["", ""]).tolist() == [True, True]
    # at 200 the pair is never cheaper: 200 against 100, 200 against 200
    rents = market_of([((1, 100, 1),) * 3, ((2, 200, 2),) * 3]).rents
    assert can_win(features_of(rates, rents.profiles(1), which), ["", ""]).tolist() == [True, False]
