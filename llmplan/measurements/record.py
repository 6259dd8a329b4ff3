"""One measured serving run, whichever tool measured it, and reading numbers out of tools' files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from llmplan.errors import InputError

Arrival = Literal["closed_loop", "open_loop", "offline"]


@dataclass(frozen=True)
class MeasuredRun:
    """A load test of one deployment.

    Attributes
    ----------
    tool, tool_version: what measured; model_name: as the tool calls the model.
    arrival: closed_loop at `concurrency` clients, open_loop at `offered_rps` [requests/s], or offline: all
        requests queued at once.
    input_tokens, output_tokens: means of one request [tokens].
    requests_per_s, output_tokens_per_s: of the whole deployment.
    ttft_ms, tpot_ms: TPOT without the first token; None where the tool did not measure it.
    statistic: mean or p50, of the two latencies.
    where: file and place in it, for messages and as the source.
    """

    tool: str
    tool_version: str | None
    model_name: str | None
    arrival: Arrival
    concurrency: float | None
    offered_rps: float | None
    input_tokens: float
    output_tokens: float
    requests_per_s: float
    output_tokens_per_s: float
    ttft_ms: float | None
    tpot_ms: float | None
    statistic: Literal["mean", "p50"]
    n_requests: int | None
    n_failed: int
    measured_on: str | None
    where: str


class Fields:
    """Positive numbers out of a nested mapping; every problem names file, field, value and fix."""

    def __init__(self, data: Mapping[str, Any], where: str, fix: str) -> None:
        self.data, self.where, self.fix = data, where, fix

    def get(self, path: str) -> Any:
        """Return the value at a dotted path, or None where a part of it is missing."""
        value: Any = self.data
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def number(self, *paths: str) -> float | None:
        """Return the first of `paths` that is there, as a positive finite number; None if none is."""
        for path in paths:
            value = self.get(path)
            if value is not None:
                return self._positive(path, value)
        return None

    def needed(self, *paths: str) -> float:
        """Return the first of `paths` that is there; raise InputError when none is."""
        value = self.number(*paths)
        if value is None:
            raise InputError(f"{self.where}: {paths[0]}", None, "is missing", self.fix)
        return value

    def _positive(self, path: str, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not (number > 0 and math.isfinite(number)):
            raise InputError(f"{self.where}: {path}", value, "must be a positive number", self.fix)
        return number


def load_of(
    concurrency: float | None, offered_rps: float | None, n_requests: int | None
) -> tuple[Arrival, float | None, float | None]:
    """Return arrival, concurrency and rate from what a tool says: a cap on clients, a rate, or neither.

    A rate below what the clients allow makes an open loop; without either all requests were queued at once.
    """
    if offered_rps is not None:
        return "open_loop", None, offered_rps
    if concurrency is not None and (n_requests is None or concurrency < n_requests):
        return "closed_loop", concurrency, None
    return "offline", None, None


def with_load(
    run: MeasuredRun, concurrency: float | None = None, offered_rps: float | None = None
) -> MeasuredRun:
    """Return a run with the load that its file does not name; raise InputError where it names one.

    Parameters
    ----------
    concurrency: clients of a closed loop. offered_rps: arrival rate of an open loop [requests/s].
    """
    if concurrency is None and offered_rps is None:
        return run
    if concurrency is not None and offered_rps is not None:
        raise InputError("load", (concurrency, offered_rps), "is one of both", "give a concurrency or a rate")
    if run.arrival != "offline":
        rule = f"the file says {run.arrival}"
        raise InputError(f"{run.where}: load", concurrency or offered_rps, rule, "leave the option out")
    value = concurrency if offered_rps is None else offered_rps
    if value is None or not 0 < value < math.inf:
        raise InputError("load", value, "must be positive", "give clients or requests/s above 0")
    arrival: Arrival = "closed_loop" if offered_rps is None else "open_loop"
    return replace(run, arrival=arrival, concurrency=concurrency, offered_rps=offered_rps)


def text_or_none(value: Any) -> str | None:
    """Return a non-empty text, or None."""
    return str(value) if value not in (None, "") else None
