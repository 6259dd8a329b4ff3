"""What we run today, from the cubes: totals, and each app's rate, tokens, peaks, growth and models."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from llmplan.catalog import shipped_assumption
from llmplan.errors import InputError
from llmplan.units import HOURS_PER_DAY, S_PER_HOUR, S_PER_MINUTE
from llmplan.usage import cubes as cubing
from llmplan.usage.cubes import Cubes
from llmplan.usage.rows import BILL, MEASURES, OK, formats
from llmplan.usage.streamed import BINS_PER_E, EMPTY_BIN

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
UNNAMED = "unknown"
"""App of rows that tell none."""
LEAST_DAYS_FOR_GROWTH = 28
DAYS_PER_WEEK = 7


@dataclass(frozen=True, eq=False)
class Usage:
    """An imported usage folder: its cubes, and what was read of which file."""

    cubes: Cubes
    manifest: dict[str, Any]


def read_usage(folder: Path) -> Usage:
    """Read a folder that `llmplan usage import` wrote, or one that holds its three cubes as CSV."""
    manifest = folder / "usage.json"
    if not folder.is_dir():
        raise InputError(
            "usage", str(folder), "is not a folder", "give what llmplan usage import --out wrote"
        )
    cubes = cubing.load(folder)
    held = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    return Usage(cubes, held)


def counted(hours: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of the traffic that counts: generated text that worked."""
    return hours[(hours["status"] == OK) & (hours["kind"] != BILL)]


def summary(usage: Usage) -> dict[str, Any]:
    """Return what `llmplan usage show --json` prints; a total is None where no source tells it."""
    hours = usage.cubes.hours
    traffic, bills = counted(hours), hours[(hours["status"] == OK) & (hours["kind"] == BILL)]
    cost = total(traffic, "cost_usd")
    begin, days = covered(hours[hours["status"] == OK])
    return {
        "formats": sorted(hours["format"].dropna().unique()),
        "requests": total(traffic, "requests"),
        **{name: total(traffic, name) for name in MEASURES},
        "cost_usd": total(bills, "cost_usd") if cost is None else cost,
        "span": None if begin is None else _span(hours[hours["status"] == OK], days),
        "excluded": excluded(hours),
        "apps": [_app(usage.cubes, str(app), days) for app in app_names(traffic)],
    }


def total(cells: pd.DataFrame, column: str) -> float | int | None:
    """Return a column's sum; None where nothing is known of it."""
    known = cells[column].dropna()
    if known.empty:
        return None
    figure = float(known.sum())
    return figure if column == "cost_usd" else round(figure)


def excluded(hours: pd.DataFrame) -> dict[str, int]:
    """Return how many requests (or rows, where a row does not tell) were left out, by reason."""
    out = hours[hours["status"] != OK]
    counts = out["requests"].fillna(out["rows"]).groupby(out["status"]).sum()
    return {str(reason): int(count) for reason, count in counts.items() if count}


def covered(cells: pd.DataFrame) -> tuple[int | None, float]:
    """Return the first hour and how many days the rows cover, at least one; a bucket counts to its end."""
    timed = cells[cells["hour"].notna()]
    if timed.empty:
        return None, 1.0
    first = int(timed["hour"].min())
    # The last row's hour, or the end of its bucket.
    ends = timed["hour"].astype("int64") + np.maximum(
        timed["bucket_s"].fillna(0).astype("int64") / S_PER_HOUR, 1
    )
    return first, max(1.0, (float(ends.max()) - first) / HOURS_PER_DAY)


def _span(cells: pd.DataFrame, days: float) -> dict[str, Any]:
    import pandas as pd

    first, _ = covered(cells)
    assert first is not None
    relative = {name for name, kind in formats().items() if kind.relative_time}
    start = pd.Timestamp(first * S_PER_HOUR, unit="s", tz="UTC")
    if set(cells["format"].dropna()) <= relative:
        return {"from": None, "to": None, "days": days}
    last = int(cells["hour"].max())
    ends = pd.Timestamp((last + 1) * S_PER_HOUR, unit="s", tz="UTC")
    ends = max(ends, start + pd.Timedelta(days=days) if days > 1 else ends)
    return {"from": start.isoformat(), "to": ends.isoformat(), "days": days}


def app_names(traffic: pd.DataFrame) -> list[str]:
    """Return the apps, those of most tokens first."""
    size = traffic["input_tokens"].fillna(0) + traffic["output_tokens"].fillna(0)
    names = traffic["app"].fillna(UNNAMED)
    by_app = size.groupby(names).sum().reset_index()
    by_app.columns = ["app", "size"]
    return list(by_app.sort_values(["size", "app"], ascending=[False, True])["app"])


def of_app(frame: pd.DataFrame, app: str) -> pd.DataFrame:
    """Return an app's cells of a cube."""
    return frame[frame["app"].fillna(UNNAMED) == app]


def _app(cubes: Cubes, app: str, days: float) -> dict[str, Any]:
    cells = of_app(counted(cubes.hours), app)
    requests = total(cells, "requests")
    bins = of_app(cubes.tokens, app)
    return {
        "app": app,
        "requests_per_day": None if requests is None else requests / days,
        **{f"{side}_tokens": _tokens(cells, bins, side, requests) for side in ("input", "output")},
        "cached_share": share(cells, "cached_tokens", "cached_of_input"),
        "reasoning_share": share(cells, "reasoning_tokens", "reasoning_of_output"),
        "peak_to_mean": peak_to_mean(cells, of_app(cubes.minutes, app)),
        "growth_per_month": growth_per_month(cells),
        "models": {str(model): _model(part) for model, part in cells.groupby(cells["model"].fillna(UNNAMED))},
        "cost_usd": total(cells, "cost_usd"),
    }


def _model(cells: pd.DataFrame) -> dict[str, Any]:
    return {name: total(cells, name) for name in ("requests", "input_tokens", "output_tokens", "cost_usd")}


def share(cells: pd.DataFrame, part: str, whole: str) -> float | None:
    """Return a share among the rows that tell it."""
    top, bottom = total(cells, part), total(cells, whole)
    return None if top is None or not bottom else top / bottom


def _tokens(
    cells: pd.DataFrame, bins: pd.DataFrame, side: str, requests: float | int | None
) -> dict[str, Any]:
    amount = total(cells, f"{side}_tokens")
    mean = None if amount is None or not requests else amount / requests
    bins = bins[bins["side"] == side]
    found = quantiles(bins)
    # Percentiles of a part of the rows would pass for those of all.
    whole = requests is not None and bins["requests"].sum() == requests
    return {"mean": mean, **(found if whole else dict.fromkeys(QUANTILES))}


def quantiles(bins: pd.DataFrame) -> dict[str, float | None]:
    """Return the percentiles of `bin`s of `requests`: the smallest value that at least the share does not exceed.

    Within 0.35 %, and exact for counts below 144, whose bins hold one whole number each.
    """
    places = bins["bin"].to_numpy(dtype=np.int64)
    if not places.size:
        return dict.fromkeys(QUANTILES)
    order = np.argsort(places)
    reached = np.cumsum(bins["requests"].to_numpy(dtype=float)[order])
    cut = np.searchsorted(reached, np.array(list(QUANTILES.values())) * reached[-1] - 1e-9)
    return {name: bin_value(int(places[order][i])) for name, i in zip(QUANTILES, cut, strict=True)}


def bin_value(place: int) -> float:
    """Return what a log-bin stands for: its only whole number, or its geometric middle."""
    if place == EMPTY_BIN:
        return 0.0
    low, high = math.exp(place / BINS_PER_E), math.exp((place + 1) / BINS_PER_E)
    first = math.ceil(low - 1e-9)
    return float(first) if first < high <= first + 1 else math.sqrt(low * high)


def peak_to_mean(cells: pd.DataFrame, minutes: pd.DataFrame) -> float | None:
    """Return the busiest minute over the mean of all minutes, quiet ones too, from the first to the last.

    Rows longer than a minute know the peak at their own width only: then the busiest bucket's rate over the
    mean's, and None where there is but one.
    """
    if len(minutes):
        # Cubes that are brought hold each hour's busiest minute alone: the hours tell all requests.
        short = cells[cells["hour"].notna() & (cells["bucket_s"] <= S_PER_MINUTE)]
        requests = max(float(short["requests"].sum()), float(minutes["requests"].sum()))
        length = int(minutes["minute"].max() - minutes["minute"].min()) + 1
        return float(minutes["requests"].max()) / (requests / length)
    buckets = cells[cells["hour"].notna()]
    amount = "requests" if buckets["requests"].notna().any() else "output_tokens"
    rates = buckets.groupby("hour").agg(amount=(amount, "sum"), bucket_s=("bucket_s", "max"))
    if len(rates) < 2 or not rates["amount"].sum() > 0:
        return None
    lengths = np.maximum(rates["bucket_s"].to_numpy(dtype=float), S_PER_MINUTE)
    hours, amounts = rates.index.to_numpy(dtype=float), rates["amount"].to_numpy(dtype=float)
    length_s = (hours.max() - hours.min()) * S_PER_HOUR + lengths[-1]
    return float((amounts / lengths).max() / (amounts.sum() / length_s))


def growth_per_month(cells: pd.DataFrame) -> float | None:
    """Return the growth of a month (0.1: a tenth more), from a line through the logarithm of whole weeks.

    Weeks, since days differ; None below four whole weeks, or where a week is without traffic.
    """
    timed = cells[cells["hour"].notna()]
    if timed.empty:
        return None
    amount = "requests" if timed["requests"].notna().any() else "output_tokens"
    days = (timed["hour"].astype("int64") // HOURS_PER_DAY).to_numpy()
    first, n_days = days.min(), days.max() - days.min() + 1
    weeks = n_days // DAYS_PER_WEEK
    if n_days < LEAST_DAYS_FOR_GROWTH:
        return None
    # The last days that fill no week are left out.
    week = (days - first) // DAYS_PER_WEEK
    sums = np.bincount(week, timed[amount].fillna(0).to_numpy(dtype=float), minlength=weeks)[:weeks]
    if not (sums > 0).all():
        return None
    slope = np.polyfit(np.arange(weeks), np.log(sums), 1)[0]
    return float(math.expm1(slope / DAYS_PER_WEEK * shipped_assumption("days-per-month")))
