"""Rows held as columns: what is taken from what was taken."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llmplan.arrays import Columns, Floats, Texts


@dataclass(frozen=True, eq=False)
class Fleet(Columns):
    """Two columns, and a field that is none."""

    shared = ("site",)

    site: str
    name: Texts
    gpus: Floats


NAMES = ("a", "b", "c", "a", "d")
places = st.lists(st.integers(0, len(NAMES) - 1), min_size=1).map(lambda p: np.array(p, np.intp))


def fleet() -> Fleet:
    return Fleet("here", np.array(NAMES, object), np.arange(5.0))


@given(places, st.data())
def test_rows_taken_twice_are_those_of_both_and_the_first_holds_no_columns(first, data) -> None:
    second = np.array(data.draw(st.lists(st.integers(0, len(first) - 1))), np.intp)
    rows, middle = fleet(), fleet().take(first)
    taken = middle.take(second)
    assert taken.site == "here"
    assert taken.name.tolist() == rows.name[first][second].tolist()
    assert (taken.gpus == rows.gpus[first][second]).all()
    assert "gpus" not in vars(middle), "each table between would hold a copy of every column"
    assert (middle.take(second).numbers("name") == taken.numbers("name")).all()


@given(places, places)
def test_joined_rows_can_be_taken(first, second) -> None:
    rows = fleet()
    joined = rows.take(first).joined_with(rows.take(second))
    expected = np.concatenate([rows.gpus[first], rows.gpus[second]])
    assert (joined.take(np.arange(len(expected))[::-1]).gpus == expected[::-1]).all()
