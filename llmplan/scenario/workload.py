"""What is asked of the system: volume, tokens, and how the day is spread."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from llmplan.arrays import Floats
from llmplan.catalog import shipped_assumption
from llmplan.errors import InputError
from llmplan.scenario.trace import read_trace
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY, S_PER_DAY, S_PER_MINUTE

WORKING_DAYS = 5
LEAST_REQUESTS = 20
"""Of a trace whose rate is carried over a day."""

Tokens = Annotated[float, Field(gt=0, le=10_000_000, allow_inf_nan=False)]


class Workload(BaseModel):
    """Queries, tokens and their spread over the day.

    Attributes
    ----------
    queries_per_day: mean over the days of a month.
    input_tokens, output_tokens: mean tokens of a query.
    cached_input_tokens: mean part of the input that is read from a prompt cache.
    input_tokens_p95, output_tokens_p95: 95th percentiles, which size the KV cache; None: the means do.
    hourly_profile: 24 shares of the day's queries, summing to 1; None: flat but for `peak_to_mean`.
    peak_to_mean: rate of the busiest time over the mean rate; at least the profile's own.
    batch_share: part of the queries that may wait: they fill the valleys of the others.
    week_profile: 168 shares of the week's queries by hour, Monday first, made to sum to 1; its mean day takes the place of
        `hourly_profile`, and it that of `weekend_factor`.
    weekend_factor: Saturday's and Sunday's volume over a weekday's.
    utc_offset_hours: how far the profile's clock is ahead of UTC.
    days_per_month: the one calendar convention; GPU-hours follow from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    queries_per_day: Annotated[float, Field(gt=0, le=1e10, allow_inf_nan=False)]
    input_tokens: Tokens
    output_tokens: Tokens
    cached_input_tokens: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    input_tokens_p95: Tokens | None = None
    output_tokens_p95: Tokens | None = None
    hourly_profile: tuple[float, ...] | None = None
    peak_to_mean: Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)] = 1.0
    batch_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    week_profile: tuple[float, ...] | None = None
    weekend_factor: Annotated[float, Field(ge=0, le=10)] = 1.0
    utc_offset_hours: Annotated[float, Field(ge=-12, le=14)] = 0.0
    days_per_month: Annotated[float, Field(ge=1, le=31, allow_inf_nan=False)] = Field(
        default_factory=lambda: shipped_assumption("days-per-month")
    )

    @model_validator(mode="before")
    @classmethod
    def _of_week(cls, values: Any) -> Any:
        week = values.get("week_profile") if isinstance(values, dict) else None
        if week is None:
            return values
        shares = np.asarray(week, float) / sum(week)
        if len(shares) != HOURS_PER_DAY * DAYS_PER_WEEK:
            raise InputError("week_profile", len(shares), "needs 168 values", "give one share for each hour")
        day = shares.reshape(DAYS_PER_WEEK, HOURS_PER_DAY).sum(axis=0)
        return {**values, "week_profile": tuple(shares.tolist()), "hourly_profile": tuple(day.tolist())}

    @model_validator(mode="after")
    def _check(self) -> Workload:
        if not self.cached_input_tokens <= self.input_tokens:
            raise ValueError("cached_input_tokens must not exceed input_tokens")
        if self.hourly_profile is not None:
            check_profile(self.hourly_profile)
        return self

    @classmethod
    def from_trace(cls, path: Path | str, name: str | None = None) -> Workload:
        """Build a workload from real requests (columns TIMESTAMP, ContextTokens, GeneratedTokens).

        The volume is the trace's own rate carried over a day; peak-to-mean comes from its arrivals by minute.
        """
        trace = read_trace(path, name)
        if trace.requests < LEAST_REQUESTS or trace.duration_s < S_PER_MINUTE:
            rule = f"holds {trace.requests} requests in {trace.duration_s:.0f} s: too few to carry over a day"
            raise InputError(
                "trace", Path(path).name, rule, f"give {LEAST_REQUESTS} or more over a minute or more"
            )
        return cls(
            queries_per_day=trace.requests_per_s * S_PER_DAY,
            input_tokens=trace.mean_input_tokens,
            output_tokens=trace.mean_output_tokens,
            input_tokens_p95=trace.input_tokens_percentile(95),
            output_tokens_p95=trace.output_tokens_percentile(95),
            peak_to_mean=trace.peak_to_mean,
        )

    @property
    def mean_requests_per_s(self) -> float:
        return self.queries_per_day / S_PER_DAY

    @property
    def effective_peak_to_mean(self) -> float:
        """The peak that a fleet is sized for: what may wait fills the valleys of what may not. (4.6)"""
        return float(fleet_peak(self.busiest_to_mean, self.batch_share))

    @property
    def busiest_to_mean(self) -> float:
        """The larger of the stated peak and the busiest hour of the profile on the busier days. (4.1)"""
        if self.week_profile is not None:
            return max(self.peak_to_mean, max(self.week_profile) * len(self.week_profile))
        if self.hourly_profile is None:
            return self.peak_to_mean
        return max(self.peak_to_mean, max(self.hourly_profile) * HOURS_PER_DAY * float(self._days.max()))

    @property
    def _days(self) -> Floats:
        """(7,) volume of each day over the mean day, Monday first."""
        days = np.where(np.arange(DAYS_PER_WEEK) < WORKING_DAYS, 1.0, self.weekend_factor)
        return np.asarray(days / days.mean())

    @property
    def week(self) -> tuple[float, ...] | None:
        """168 shares of a week's queries by hour of the profile's clock, Monday first; None where all are alike. (0.3)"""
        if self.week_profile is not None:
            return self.week_profile
        if self.hourly_profile is None and self.weekend_factor == 1:
            return None
        day = self.hourly_profile or (1 / HOURS_PER_DAY,) * HOURS_PER_DAY
        return tuple(np.outer(self._days / DAYS_PER_WEEK, day).ravel().tolist())

    @property
    def peak_requests_per_s(self) -> float:
        return self.mean_requests_per_s * self.effective_peak_to_mean

    @property
    def hours_per_month(self) -> float:
        return self.days_per_month * HOURS_PER_DAY

    @property
    def context_tokens(self) -> float:
        """Tokens that one sequence holds in the KV cache at its end, at the 95th percentile where known."""
        return (self.input_tokens_p95 or self.input_tokens) + (self.output_tokens_p95 or self.output_tokens)


def fleet_peak(peak_to_mean: npt.ArrayLike, batch_share: npt.ArrayLike) -> Floats:
    """Return the peak over the mean of all queries where a share may wait for the valleys, at least 1. (4.6)"""
    urgent = np.asarray(peak_to_mean, float) * (1 - np.asarray(batch_share, float))
    return np.asarray(np.maximum(urgent, 1.0))


def filled_day(urgent: Floats) -> Floats:
    """Return the hours' shares of a day after queries that may wait have filled the valleys, summing to 1. (4.6)"""
    waiting = 1 - float(urgent.sum())
    if waiting < 1e-12:
        return urgent
    ranked = np.sort(urgent)
    levels = (waiting + np.cumsum(ranked)) / np.arange(1, len(ranked) + 1)
    return np.asarray(np.maximum(urgent, levels[np.flatnonzero(levels >= ranked)[-1]]))


def check_profile(profile: tuple[float, ...]) -> None:
    """Raise InputError unless the profile has 24 non-negative shares that sum to 1."""
    if len(profile) != HOURS_PER_DAY:
        raise InputError("hourly_profile", len(profile), "needs 24 values", "give one share for each hour")
    shares = np.asarray(profile)
    if not (np.all(shares >= 0) and abs(float(shares.sum()) - 1) < 1e-6):
        rule = "shares must be at least 0 and sum to 1"
        raise InputError("hourly_profile", float(shares.sum()), rule, "divide each by their sum")
