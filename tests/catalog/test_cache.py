"""What is worked out from a record is kept with it, within bounds, and ends with it."""

import copy
import gc
import pickle
import weakref
from dataclasses import dataclass, replace

import pytest

from llmplan.catalog import load_catalog
from llmplan.catalog.cache import kept

calls: list[tuple[object, ...]] = []


@dataclass(frozen=True, eq=False)
class Facts:
    number: int


@kept(2)
def plus(facts: Facts, more: int, *, less: int = 0) -> tuple[Facts, int]:
    """Return the owner too: a result that refers to its owner must not keep it."""
    calls.append((facts.number, more, less))
    return facts, facts.number + more - less


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


def test_one_owner_and_key_is_worked_out_once() -> None:
    facts = Facts(1)
    assert plus(facts, 2)[1] == 3
    assert plus(facts, 2) is plus(facts, 2)
    assert plus(facts, 2, less=1)[1] == 2
    assert calls == [(1, 2, 0), (1, 2, 1)]


def test_owners_share_nothing_however_alike() -> None:
    assert plus(Facts(1), 2)[1] == plus(Facts(1), 2)[1]
    assert len(calls) == 2
    first = Facts(1)
    plus(first, 2)
    assert plus(replace(first, number=5), 2)[1] == 7


def test_the_least_recently_used_is_dropped() -> None:
    facts = Facts(1)
    for more in (1, 2, 1, 3, 1, 2):
        plus(facts, more)
    assert [more for _, more, _ in calls] == [1, 2, 3, 2]


def test_an_owner_ends_with_its_last_reader() -> None:
    facts = Facts(1)
    plus(facts, 2)
    seen = weakref.ref(facts)
    del facts
    gc.collect()
    assert seen() is None


def test_a_copy_and_a_pickle_carry_no_results() -> None:
    facts = Facts(1)
    plus(facts, 2)
    for twin in (pickle.loads(pickle.dumps(facts)), copy.deepcopy(facts)):
        assert plus(twin, 2)[0] is twin


def test_a_failure_is_not_kept() -> None:
    @kept(4)
    def inverse(facts: Facts, by: int) -> float:
        calls.append((by,))
        return facts.number / by

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            inverse(Facts(1), 0)
    assert calls == [(0,), (0,)]


def test_a_catalog_is_an_owner() -> None:
    @kept(1)
    def count(_: object) -> int:
        calls.append(())
        return 1

    catalog = load_catalog()
    changed = catalog.with_record(next(iter(catalog.assumptions.values())))
    assert count(catalog) + count(catalog) + count(changed) == 3
    assert len(calls) == 2
