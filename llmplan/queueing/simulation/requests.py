"""Requests for the simulation: when they arrive and how long they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.errors import InputError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Requests:
    """Requests in order of arrival. All arrays have shape (n,).

    arrival_s: seconds since the start. input_tokens, output_tokens: whole tokens, at least 1.
    """

    arrival_s: Floats
    input_tokens: Ints
    output_tokens: Ints

    def __post_init__(self) -> None:
        if not (self.arrival_s.shape == self.input_tokens.shape == self.output_tokens.shape):
            raise InputError(
                "requests", self.arrival_s.shape, "arrays differ in length", "give equal lengths"
            )
        if not (self.arrival_s.size and np.all(np.diff(self.arrival_s) >= 0) and self.arrival_s[0] >= 0):
            raise InputError("arrival_s", "unsorted or empty", "must rise from 0 on", "sort by arrival")
        if not (np.all(self.input_tokens >= 1) and np.all(self.output_tokens >= 1)):
            raise InputError(
                "tokens", "below 1", "every request needs a token each way", "drop empty requests"
            )

    def __len__(self) -> int:
        return int(self.arrival_s.size)


def sample_lengths(rng: np.random.Generator, n: int, mean_tokens: float, cv: float = 0.0) -> Ints:
    """Return `n` whole token counts: constant for cv 0, else lognormal with that coefficient of variation."""
    if not mean_tokens >= 1:
        raise InputError("mean_tokens", mean_tokens, "must be at least 1", "give mean tokens of a request")
    if not 0 <= cv <= 5:
        raise InputError("cv", cv, "must lie in 0 to 5", "give standard deviation over mean")
    if cv == 0:
        return np.full(n, round(mean_tokens), dtype=np.int64)
    sigma = np.sqrt(np.log1p(cv**2))
    draws = rng.lognormal(np.log(mean_tokens) - sigma**2 / 2, sigma, n)
    return np.maximum(1, np.rint(draws)).astype(np.int64)


def poisson_requests(
    rng: np.random.Generator,
    n: int,
    requests_per_s: float,
    input_tokens: float,
    output_tokens: float,
    input_cv: float = 0.0,
    output_cv: float = 0.0,
) -> Requests:
    """Return `n` requests that arrive as a Poisson process of that rate [requests/s]."""
    if not requests_per_s > 0:
        raise InputError("requests_per_s", requests_per_s, "must be positive", "give an arrival rate > 0")
    arrivals = np.cumsum(rng.exponential(1 / requests_per_s, _count(n)))
    return Requests(
        arrivals,
        sample_lengths(rng, n, input_tokens, input_cv),
        sample_lengths(rng, n, output_tokens, output_cv),
    )


def all_at_once(
    rng: np.random.Generator,
    n: int,
    input_tokens: float,
    output_tokens: float,
    input_cv: float = 0.0,
    output_cv: float = 0.0,
) -> Requests:
    """Return `n` requests that all arrive at time 0, as offline benchmarks send them."""
    return Requests(
        np.zeros(_count(n)),
        sample_lengths(rng, n, input_tokens, input_cv),
        sample_lengths(rng, n, output_tokens, output_cv),
    )


def requests_of_trace(
    arrival_s: npt.ArrayLike, input_tokens: npt.ArrayLike, output_tokens: npt.ArrayLike, speed: float = 1.0
) -> Requests:
    """Return a trace's requests from time 0 on, `speed` times as fast as recorded."""
    if not speed > 0:
        raise InputError("speed", speed, "must be positive", "1 replays the trace as recorded")
    times = np.asarray(arrival_s, dtype=float)
    if not (times.size and np.all(np.isfinite(times))):
        raise InputError("arrival_s", "empty or not finite", "a trace needs arrival times", "give seconds")
    order = np.argsort(times, kind="stable")
    return Requests(
        (times[order] - times[order[0]]) / speed,
        np.asarray(input_tokens, dtype=np.int64)[order],
        np.asarray(output_tokens, dtype=np.int64)[order],
    )


def _count(n: int) -> int:
    if not n >= 1:
        raise InputError("n", n, "must be at least 1", "give a number of requests")
    return n
