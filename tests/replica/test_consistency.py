"""Sequences in the batch, what binds, TTFT and capacity of one replica never contradict each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.replica import Configurations, capacity, predict
from llmplan.replica.capacity import sequences_in_memory
from llmplan.replica.constants import fitted
from llmplan.replica.queue import kv_limited_sequences
from llmplan.replica.step import cached_bytes

CATALOG = load_catalog()
MODELS = ("llama-3.1-8b", "llama-3.3-70b", "qwen3-32b", "gpt-oss-120b", "deepseek-v3", "gemma-2-27b")
CARDS = ("h100-sxm", "h200-sxm", "a100-80gb-sxm", "l40s", "l4", "mi300x", "rtx-4090", "b200-sxm")
GRID = Configurations.grid(
    CATALOG, MODELS, list(CATALOG.precisions), CARDS, (1, 2, 4, 8), CATALOG.preferred_engines
)
TTFT = 2_000.0
lengths = st.tuples(st.integers(16, 20_000), st.integers(2, 4_000))


def starting(isl: float, osl: float) -> Configurations:
    """Replicas that hold one such request; at least one of each model does."""
    return GRID.take(np.flatnonzero(sequences_in_memory(GRID, np.full(len(GRID), isl + osl)) >= 1))


def places(c: Configurations, isl: float, osl: float) -> tuple[np.ndarray, np.ndarray]:
    """Sequences that cache and engine hold at once while their answers grow, and the engine's own limit."""
    lengths = (np.full(len(c), float(isl)), np.full(len(c), float(osl)))
    return kv_limited_sequences(c, fitted(CATALOG).values(c), *lengths), c.batch_limit * c.data_parallel


@settings(max_examples=25, deadline=None)
@given(lengths, st.integers(1, 4_096))
def test_at_any_load(tokens: tuple[int, int], clients: int) -> None:
    c = starting(*tokens)
    found, (room, most) = predict(c, *tokens, clients), places(c, *tokens)
    room = np.maximum(room, 1.0)
    assert (found.running_sequences <= np.minimum(np.minimum(room, most), clients) * (1 + 1e-9)).all()
    assert (found.ttft_burst_ms >= found.ttft_ms).all()
    for word, limit in (("memory", room), ("batch limit", most)):
        bound = found.binding == word
        # whoever waits for a place finds none
        assert (sequences_in_memory(c, np.full(len(c), float(sum(tokens))))[bound] < clients).all()
        assert word == "memory" or (clients > limit[bound]).all()
    free = ~np.isin(found.binding, ("memory", "batch limit"))
    assert (clients <= np.minimum(room, most)[free]).all()


@settings(max_examples=25, deadline=None)
@given(lengths, st.integers(1, 1_024))
def test_more_clients_never_wait_less(tokens: tuple[int, int], clients: int) -> None:
    c = starting(*tokens)
    few, many = predict(c, *tokens, clients), predict(c, *tokens, 2 * clients)
    assert (many.ttft_ms >= 0.9999 * few.ttft_ms).all()
    assert (many.tpot_ms >= 0.999 * few.tpot_ms).all()
    held = np.isin(few.binding, ("memory", "batch limit"))
    assert (many.binding[held] == few.binding[held]).all()
    assert (many.ttft_ms[held] > 1.2 * few.ttft_ms[held]).all()


@settings(max_examples=25, deadline=None)
@given(lengths, st.integers(1, 4_096))
def test_every_client_waits_or_is_served(tokens: tuple[int, int], clients: int) -> None:
    """Little's law: a client's turn takes the wait for its first token and its decoding."""
    found = predict(starting(*tokens), *tokens, clients)
    turn_s = (found.ttft_ms + (tokens[1] - 1) * found.tpot_ms) / 1e3
    assert found.requests_per_s * turn_s == pytest.approx(clients, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(lengths, st.integers(1, 8_192))
def test_a_running_batch_holds_no_more_than_the_cache(tokens: tuple[int, int], clients: int) -> None:
    """Its answers are half written in the mean; a lone sequence may fill what there is."""
    c = starting(*tokens)
    running = np.maximum(predict(c, *tokens, clients).running_sequences - 1e-6, 0.0)
    held = np.full(len(c), tokens[0] + tokens[1] / 2.0)
    taken = running * cached_bytes(c, held, c.window_held_tokens) / c.data_parallel
    assert ((taken <= c.kv_room_bytes) | (running <= c.data_parallel)).all()


@settings(max_examples=15, deadline=None)
@given(lengths)
def test_capacity_is_a_load_that_the_replica_has_places_for(tokens: tuple[int, int]) -> None:
    c = starting(*tokens)
    best, (room, most) = capacity(c, *tokens, TTFT, 100), places(c, *tokens)
    works = best.requests_per_s > 0
    limit = np.floor(np.minimum(np.maximum(room, 1.0), most))
    assert (best.concurrency <= limit * (1 + 1e-9)).all()
    full = works & np.isin(best.binding, ("memory", "batch limit"))
    assert (
        best.concurrency[full] + 1 > sequences_in_memory(c, np.full(len(c), float(sum(tokens))))[full]
    ).all()
    c, asked = c.take(np.flatnonzero(works)), best.concurrency[works]
    found = predict(c, *tokens, asked)
    assert found.requests_per_s == pytest.approx(best.requests_per_s[works], rel=1e-6)
    assert (found.ttft_ms <= TTFT * (1 + 1e-9)).all() and (found.tpot_ms <= 100 * (1 + 1e-9)).all()
