"""Each app of a usage folder as a scenario, with its week and what it costs today. (12.7)"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import ApiPrice, Catalog
from llmplan.errors import InputError
from llmplan.options.token_rows import usd_per_query
from llmplan.portfolio.tasks import guessed_task
from llmplan.quality.variants import Lengths
from llmplan.scenario import Scenario
from llmplan.scenario.trace import length_shares
from llmplan.scenario.values import HOURS_OF_WEEK
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY, S_PER_HOUR
from llmplan.usage.models import known_api
from llmplan.usage.requests import app_named
from llmplan.usage.rows import BILL, OK
from llmplan.usage.summary import (
    UNNAMED,
    Usage,
    app_names,
    counted,
    covered,
    growth_per_month,
    of_app,
    quantiles,
    read_usage,
    share,
    total,
)

if TYPE_CHECKING:
    import pandas as pd

    from llmplan.wording import Currency

HOURS_PER_WEEK = HOURS_PER_DAY * DAYS_PER_WEEK
MONDAY = 72
"""Hours from the first Monday's beginning before 1970 to that of 1970, a Thursday."""
MOST_PEAK = 100.0
PROFILE_DIGITS = 3
WRITTEN_OF_READ = 0.02
"""Tokens written to a cache over those read from it, above which prefixes are each conversation's own: one that all
queries share is written once for many reads. (12.14)"""
TAKEN_FLOOR = 0.9
"""Least share of today's success unless another is asked for."""
TAKEN_INPUT_TOKENS = 1_000.0
"""Of a request, where a source does not count requests."""


@dataclass(frozen=True, eq=False)
class App:
    """An app as it runs today.

    Attributes
    ----------
    scenario: what it asks, its reference being today's model.
    week: queries an hour in the busiest week of each hour of the week, Monday 0:00 UTC first, (168,).
    today_usd: its bill of a month as the log has it, else at list prices; None where neither is known. [USD/month]
    list_usd: at the catalog's prices, for the part whose models it knows. [USD/month]
    paid_usd: as the log has it, scaled to a month. [USD/month]
    models: model as written -> USD/month, paid or at list.
    taken: what the log does not tell and was taken, in words.
    """

    scenario: Scenario
    week: Floats
    today_usd: float | None
    list_usd: float | None
    paid_usd: float | None
    models: dict[str, float | None]
    taken: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.scenario.name

    @property
    def paid_to_list(self) -> float | None:
        """What was paid over the catalog's price of the same tokens; None where one of them is not known."""
        return self.paid_usd / self.list_usd if self.paid_usd is not None and self.list_usd else None


def apps_of(usage: Usage, base: Scenario, catalog: Catalog, most: int) -> tuple[App, ...]:
    """Return the apps of most tokens as scenarios that differ from `base` in what the logs tell.

    Raises
    ------
    InputError: where no app has tokens: a bill alone, or conversations without counts.
    """
    return _apps(usage, base, catalog, app_names(_with_tokens(usage))[:most])


def app_of_folder(folder: Path, name: str | None, base: Scenario, catalog: Catalog) -> App:
    """Return one app of a usage folder as a scenario; None means the only one."""
    usage = read_usage(folder)
    (found,) = _apps(usage, base, catalog, [app_named(usage, name)])
    return found


def growth_of_app(folder: Path, name: str | None) -> float | None:
    """Return by which part an app's traffic grows a month; None where the log is too short to tell, or names none."""
    usage = read_usage(folder)
    return growth_per_month(of_app(counted(usage.cubes.hours), app_named(usage, name)))


@dataclass(frozen=True)
class Bills:
    """All apps of a usage folder three ways, each None where nothing is known of it. [USD/month]

    Attributes
    ----------
    billed: by the provider's bill, where one was imported beside the logs.
    paid: as the logs say, without the models that the catalog does not price, like `listed`.
    listed: at the catalog's prices.
    """

    billed: float | None
    paid: float | None
    listed: float | None

    def in_words(self, money: Currency) -> list[str]:
        """Say how the bill and the logs' costs agree with the catalog's prices, a sentence each."""
        named = (("bill", self.billed), ("logs", self.paid))
        return [
            f"All apps by the {name}: {money.short(usd)} a month, {usd / self.listed:.2f} of list prices."
            for name, usd in named
            if usd is not None and self.listed
        ]


def bills_of(usage: Usage, base: Scenario, catalog: Catalog) -> Bills:
    """Return a bill to hold the logs and the list prices against, each a month of the days that it covers. (12.11)"""
    hours = usage.cubes.hours
    bills = hours[(hours["status"] == OK) & (hours["kind"] == BILL)]
    traffic = counted(hours)
    billed = total(bills, "cost_usd")
    cells = _with_tokens(usage)
    tokens = usage.cubes.tokens
    bins = dict(iter(tokens.groupby(tokens["app"].fillna(UNNAMED))))
    priced = [
        (listed, total(part, "cost_usd"))
        for app, of in cells.groupby(cells["app"].fillna(UNNAMED))
        for _, part in _by_model(of)
        if (listed := _listed(part, bins.get(app, tokens[:0]), base, catalog)) is not None
    ]
    per_month = base.days_per_month / covered(traffic)[1]
    paid = [usd for _, usd in priced if usd is not None]
    return Bills(
        None if billed is None else billed * base.days_per_month / covered(bills)[1],
        sum(paid) * per_month if paid else None,
        sum(listed for listed, _ in priced) * per_month if priced else None,
    )


def _with_tokens(usage: Usage) -> pd.DataFrame:
    hours = counted(usage.cubes.hours)
    return hours[hours["input_tokens"].notna() & hours["output_tokens"].notna()]


def _apps(usage: Usage, base: Scenario, catalog: Catalog, names: Sequence[str]) -> tuple[App, ...]:
    hours, cells = counted(usage.cubes.hours), _with_tokens(usage)
    if cells.empty or not names:
        rule, said = "tells no tokens of any app", ", ".join(sorted(set(hours["format"].dropna())))
        raise InputError("usage", said, rule, "import a log with tokens")
    _, days = covered(hours)
    return tuple(_app(usage, of_app(cells, name), name, days, base, catalog) for name in names)


def _app(usage: Usage, cells: pd.DataFrame, name: str, days: float, base: Scenario, catalog: Catalog) -> App:
    taken: list[str] = []
    requests, inputs, outputs = _counts(cells, taken)
    week = week_of(cells)
    changes: dict[str, object] = {
        "name": name[:80],
        "queries_per_day": requests / days,
        "input_tokens": max(inputs / requests, 1.0),
        "output_tokens": max(outputs / requests, 1.0),
        "peak_to_mean": min(max(float(week.max()) * HOURS_PER_DAY * days / requests, 1.0), MOST_PEAK),
        "profile_id": None,
        "week_profile": _profile(cells),
        "utc_offset_hours": 0.0,
    }
    changes |= _percentiles(usage, name, changes) | _shares(cells, requests, taken)
    guess = guessed_task(name, inputs / requests, outputs / requests, catalog)
    scenario = base.but(**changes, **_assumed(base, _todays_api(cells, catalog), guess, taken))
    per_month = scenario.days_per_month / days
    listed, paid, models = _costs(cells, of_app(usage.cubes.tokens, name), scenario, catalog, per_month)
    return App(scenario, week, listed if paid is None else paid, listed, paid, models, tuple(taken))


def _counts(cells: pd.DataFrame, taken: list[str]) -> tuple[float, float, float]:
    """Return requests, their input and their output tokens; requests that nobody counted follow from the input."""
    requests = total(cells, "requests")
    inputs, outputs = (float(total(cells, side) or 0) for side in ("input_tokens", "output_tokens"))
    if requests is None:
        requests = max(inputs / TAKEN_INPUT_TOKENS, 1.0)
        taken.append(f"requests, as of {TAKEN_INPUT_TOKENS:,.0f} input tokens each")
    return requests, inputs, outputs


def _assumed(
    base: Scenario, api: ApiPrice | None, guess: tuple[str, str] | None, taken: list[str]
) -> dict[str, object]:
    """Return today's model, the task and the floor, which a log tells in part or not at all."""
    found: dict[str, object] = {}
    if api is None:
        taken.append(f"today's model as {base.reference_api_id}: the catalog has no price of the log's")
    else:
        found["reference_api_id"] = api.api_id
    if guess is not None and not base.task_mix:
        found["task_mix"] = ((guess[0], 1.0),)
        taken.append(f"its task as {guess[0]}, by {guess[1]}")
    if "quality_floor" not in base.model_fields_set:
        found["quality_floor"] = TAKEN_FLOOR
    return found


def _costs(
    cells: pd.DataFrame, bins: pd.DataFrame, scenario: Scenario, catalog: Catalog, per_month: float
) -> tuple[float | None, float | None, dict[str, float | None]]:
    """Return a month at the catalog's prices, as the log says, and of each model by the log, else by the catalog."""

    def month(usd: float | None) -> float | None:
        return None if usd is None else usd * per_month

    listed = {model: _listed(part, bins, scenario, catalog) for model, part in _by_model(cells)}
    known = [usd for usd in listed.values() if usd is not None]
    costs = {model: total(part, "cost_usd") for model, part in _by_model(cells)}
    models = {model: month(listed[model] if usd is None else usd) for model, usd in costs.items()}
    return month(sum(known) if known else None), month(total(cells, "cost_usd")), models


def _profile(cells: pd.DataFrame) -> dict[str, float]:
    """Return the hours of the mean week over their mean; {} where the log does not tell them."""
    week = mean_week_of(cells)
    if week is None or not week.any():
        return {}
    factors = np.round(week / week.mean(), PROFILE_DIGITS).tolist()
    return {hour: factor for hour, factor in zip(HOURS_OF_WEEK, factors, strict=True) if factor}


def _percentiles(usage: Usage, name: str, means: dict[str, object]) -> dict[str, object]:
    """Return percentiles and lengths where single requests are known; a tail beyond a percentile leaves it out."""
    bins = of_app(usage.cubes.tokens, name)
    found: dict[str, object] = {}
    for side in ("input_tokens", "output_tokens"):
        p95 = quantiles(bins[bins["side"] == side.removesuffix("_tokens")])["p95"]
        mean = float(str(means[side]))
        found[f"{side}_p95"] = p95 if p95 is not None and p95 >= max(1.0, mean / 2) else None
    inputs = bins[bins["side"] == "input"]
    requests, tokens = (inputs[name].to_numpy(dtype=float) for name in ("requests", "input_tokens"))
    return found | {"input_lengths": length_shares(tokens / requests, requests)}


def _shares(cells: pd.DataFrame, requests: float, taken: list[str]) -> dict[str, object]:
    cached = share(cells, "cached_tokens", "cached_of_input")
    if cached is None:
        taken.append("no cached input")
    read = min(cached or 0.0, 1.0)
    written = share(cells, "cache_write_tokens", "cached_of_input")
    waiting = total(cells[cells["batch"].fillna(False).astype(bool)], "requests") or 0.0
    found: dict[str, object] = {}
    if written is not None and written > WRITTEN_OF_READ * read:
        found["cached_prefix"] = "own"
    return found | {
        "cached_input_share": read,
        "cache_write_share": None if written is None else min(written, 1.0 - read),
        "batch_share": min(waiting / requests, 1.0),
    }


def _by_model(cells: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield from ((str(model), part) for model, part in cells.groupby(cells["model"].fillna(UNNAMED)))


def _todays_api(cells: pd.DataFrame, catalog: Catalog) -> ApiPrice | None:
    """Return the API that most of the tokens go to, of those with a price."""
    sizes = {
        model: float(part["input_tokens"].sum() + part["output_tokens"].sum())
        for model, part in _by_model(cells)
    }
    ranked = (known_api(model, catalog) for model in sorted(sizes, key=lambda m: (-sizes[m], m)))
    return next((api for api in ranked if api is not None), None)


def _listed(cells: pd.DataFrame, bins: pd.DataFrame, scenario: Scenario, catalog: Catalog) -> float | None:
    """Return what a model's traffic costs at the catalog's price; None where there is none. [USD] (12.13)

    bins: the lengths of the app's requests, by which prices of long requests are asked; the model's own mean.
    """
    (model,) = set(cells["model"].fillna(UNNAMED))
    api = known_api(str(model), catalog)
    if api is None:
        return None
    inputs, outputs = float(cells["input_tokens"].sum()), float(cells["output_tokens"].sum())
    requests = total(cells, "requests") or max(inputs / TAKEN_INPUT_TOKENS, 1.0)
    asked = scenario.model_copy(update=_shares(cells, requests, []))
    mean, weights = Lengths(inputs / requests, outputs / requests), np.ones(1)
    lengths = [mean]
    if api.long_context_from_tokens is not None and not bins.empty:
        # The bins are the spread.
        asked = asked.model_copy(update={"input_tokens_p95": None, "input_lengths": ()})
        weights, lengths = _lengths(bins, mean)
    usd = usd_per_query([api] * len(lengths), lengths, asked, catalog)
    return float(usd @ weights) * requests


def _lengths(bins: pd.DataFrame, mean: Lengths) -> tuple[Floats, list[Lengths]]:
    """Return each bin's share of the requests and its lengths, in proportion to what they are the mean of."""
    by_input = bins[bins["side"] == "input"]
    weights = by_input["requests"].to_numpy(dtype=float)
    sides = []
    for name, own in (("input_tokens", mean.input), ("output_tokens", mean.output)):
        tokens = by_input[name].to_numpy(dtype=float)
        sides.append(tokens / weights * (own * weights.sum() / tokens.sum() if tokens.sum() else 1.0))
    return weights / weights.sum(), [Lengths(*pair) for pair in zip(*sides, strict=True)]


def week_of(cells: pd.DataFrame) -> Floats:
    """Return the most queries (tokens where they are not counted) of each hour of the week, (168,). (12.7)

    A bucket longer than an hour is spread over its hours. An hour of the week outside the span takes the most of
    its hour of the day.
    """
    first, series = _by_hour(cells)
    week = np.full(HOURS_PER_WEEK, np.nan)
    np.fmax.at(week, _of_week(first, len(series)), series)
    days = week.reshape(DAYS_PER_WEEK, HOURS_PER_DAY)
    seen = np.where(np.isnan(days).all(axis=0), 0.0, np.fmax.reduce(days, axis=0))
    return np.where(np.isnan(days), seen, days).ravel()


def mean_week_of(cells: pd.DataFrame) -> Floats | None:
    """Return the mean queries of each hour of the week, (168,); None for less than a day, or without times.

    A day of the week that the log does not reach takes the mean of those that it does.
    """
    first, series = _by_hour(cells)
    if len(series) < HOURS_PER_DAY or cells["hour"].isna().all():
        return None
    of_week = _of_week(first, len(series))
    n = np.bincount(of_week, minlength=HOURS_PER_WEEK).reshape(DAYS_PER_WEEK, HOURS_PER_DAY)
    sums = np.bincount(of_week, series, HOURS_PER_WEEK).reshape(DAYS_PER_WEEK, HOURS_PER_DAY)
    by_hour = sums.sum(axis=0) / n.sum(axis=0)
    return np.where(n > 0, sums / np.maximum(n, 1), by_hour).ravel()


def _of_week(first: int, hours: int) -> npt.NDArray[np.int64]:
    return (first + MONDAY + np.arange(hours, dtype=np.int64)) % HOURS_PER_WEEK


def _by_hour(cells: pd.DataFrame) -> tuple[int, Floats]:
    """Return the first hour, and the queries of each from it on; alike where no time is told."""
    timed = cells[cells["hour"].notna()]
    amount = "requests" if timed["requests"].notna().any() else "input_tokens"
    scale = 1.0 if amount == "requests" else TAKEN_INPUT_TOKENS
    if timed.empty:
        mean = float(total(cells, amount) or 0) / scale / HOURS_PER_DAY
        return 0, np.full(HOURS_PER_WEEK, mean)
    starts = timed["hour"].to_numpy(dtype=np.int64)
    lengths = np.maximum(np.ceil(timed["bucket_s"].fillna(0).to_numpy(dtype=float) / S_PER_HOUR), 1).astype(
        int
    )
    each = timed[amount].fillna(0).to_numpy(dtype=float) / scale / lengths
    first = int(starts.min())
    places = np.repeat(starts - first, lengths) + _counting(lengths)
    return first, np.bincount(places, np.repeat(each, lengths)).astype(float)


def _counting(
    lengths: npt.NDArray[np.int_],
) -> npt.NDArray[np.int_]:
    """Return 0..n-1 for each n of `lengths`, one after another."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)


def payback_months(one_off_usd: float, saving_usd: float) -> float:
    """Return after how many months a move has paid for itself; infinity where it saves nothing."""
    return one_off_usd / saving_usd if saving_usd > 0 else math.inf
