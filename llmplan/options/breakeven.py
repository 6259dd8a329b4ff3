"""Every crossing of a line and a staircase, exact on whole queries a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats
from llmplan.cost.hidden import PER_GPU_HOUR, PER_REPLICA, PER_STEP
from llmplan.cost.rent import MOST
from llmplan.errors import InputError
from llmplan.options.table import Options
from llmplan.wording import joined

Interval = tuple[int, int | None]
MAX_QUERIES_PER_DAY = 1_000_000_000
"""Where the search ends; an interval that reaches it is open only if the slopes prove it."""
CHUNK = 1 << 16


@dataclass(frozen=True)
class BreakEven:
    """Where self-hosting is cheaper than a token price.

    Attributes
    ----------
    crossings_queries_per_day: each volume (whole queries a day) at which the cheaper side changes: the first
        volume of the new side.
    self_hosted_cheaper: closed intervals [lo, hi]; hi None: open, it stays cheaper for ever.
    """

    crossings_queries_per_day: tuple[int, ...]
    self_hosted_cheaper: tuple[Interval, ...]

    @property
    def verdict(self) -> str:
        """Return never, always, or every interval to the query; `report.finding.where_cheaper` rounds for people."""
        if not self.self_hosted_cheaper:
            return "never"
        if self.self_hosted_cheaper == ((1, None),):
            return "always"
        parts = [
            f"from {low:,}" if high is None else f"from {low:,} to {high:,}"
            for low, high in self.self_hosted_cheaper
        ]
        return f"{joined(parts)} queries/day"


def break_even(options: Options, self_hosted: Iterable[int], api: int, side: int = 1) -> BreakEven:
    """Return where the cheapest of some options with a fleet is cheaper than an API, exactly. (6.6)

    A hybrid keeps its split: its tokens take from the API's slope, and a replica carries more of its queries.

    Parameters
    ----------
    options: the scenario's options.
    self_hosted: their places; the cheapest of them counts at each volume (the union of their intervals).
    api: the API's place.
    side: 0 low, 1 base, 2 high cost of self-hosting.

    Raises InputError when `api` has no token price.
    """
    if not options.is_api[api]:
        raise InputError("api", options.items[api].option_id, "has no token price", "name an API")
    places = np.fromiter(self_hosted, int)
    first = _least_volume(options, places, api, side)
    merged: tuple[Interval, ...] = ()
    for at in np.argsort(first, kind="stable"):
        settled = merged and merged[-1][1] is None and first[at] >= merged[-1][0]
        if settled or not np.isfinite(first[at]):
            break
        merged = merge([*merged, *cheaper_intervals(options, int(places[at]), api, side)])
    return BreakEven(_edges(merged), merged)


def _least_volume(options: Options, places: npt.NDArray[np.int64], api: int, side: int) -> Floats:
    """Return a volume below which each option cannot cost less than the API; infinite: at no volume.

    From below, a fleet costs what one replica does, and also flat lines + slope x (queries / rate + spares).
    """
    fleets, usd_per_volume = options.take(places), _rise(options, places, api)
    each = options.per_replica[side, places] / options.fleet_load[places]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = _replica_usd(options, places, side).least
        flat = _flat_usd(options, places, side) + slope * options.scenario.spare_replicas
        least = fleets.fleet_usd(np.ones(1), side)[:, 0] / usd_per_volume
        steep = flat / (usd_per_volume - slope / each)
    had = (each > 0) & np.isfinite(slope)
    able = had & (usd_per_volume * each > slope * (1 - 1e-9))
    found = np.where(able, np.maximum(least, steep), np.inf)
    idle = np.flatnonzero(fleets.stops_idle & had & (usd_per_volume > 0))
    if len(idle):
        few = each[idle], usd_per_volume[idle], slope[idle], flat[idle]
        found[idle] = _least_if_idle(fleets.take(idle), *few, side)
    # A hair lower: rounding must not keep out an option that wins at the very volume.
    return np.asarray(found * (1 - 1e-9))


def _least_if_idle(
    fleets: Options, each: Floats, usd_per_volume: Floats, slope: Floats, flat: Floats, side: int
) -> Floats:
    """Return `_least_volume` of fleets that stop when idle, whose first replica costs a concave function of the volume.

    What it costs more than the API is there no less than on the line between both ends. Beyond, where less of one
    replica's rent is saved than at that end, the fleet wins from the volume at which its least cost meets the API's if
    the API rises faster, and up to it if not.
    """
    first, last = np.ones(len(each)), np.maximum(_level_edges(np.full(len(each), 2.0), each) - 1, 1.0)
    loads = fleets.fleet_load * last
    usd = fleets.fleet_usd(np.stack([fleets.fleet_load, loads], axis=1), side)
    low, high = usd[:, 0] - usd_per_volume, usd[:, 1] - usd_per_volume * last
    idle = fleets.hours.idle_share(loads, np.full(len(each), 1.0 + fleets.hours.spare), fleets.start_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(low < 0, first, first + (last - first) * low / (low - high))
        meets = (flat - idle * _idle_usd(fleets, side)) / (usd_per_volume - slope / each)
    rises = usd_per_volume * each > slope * (1 - 1e-9)
    beyond = np.where(rises, np.maximum(last, meets), np.where(meets > last, last, np.inf))
    return np.asarray(np.where(np.minimum(low, high) < 0, inside, beyond))


def _flat_usd(options: Options, places: npt.NDArray[np.int64], side: int) -> Floats:
    """Return what a fleet of no size would pay a month: the flat lines, which reserved capacity knows nothing of."""
    return np.where(options.is_reserved[places], 0.0, float(options.hidden.usd(0, side)))


def _rise(options: Options, places: npt.NDArray[np.int64], api: int) -> Floats:
    """Return what an API costs more than each option's own tokens, USD a month for a query a day."""
    more = options.usd_per_query[api] - options.usd_per_query[places]
    return np.asarray(more * options.scenario.days_per_month)


class _ReplicaUsd(NamedTuple):
    """USD a month of N replicas, spares among them, besides flat lines: from slope x N - under to slope x N + over.

    At least it is `least` x N, which knows of no idle time.
    """

    least: Floats
    slope: Floats
    under: Floats
    over: Floats


def _replica_usd(options: Options, places: npt.NDArray[np.int64], side: int) -> _ReplicaUsd:
    """Return the bounds of fleets' costs over every number of replicas, each of shape of `places`. (6.6)"""
    rents = options.market.rents
    people, step = _people(options, side)
    each_gpu = people / step + options.hidden.total(PER_GPU_HOUR, side) * options.hours_per_month
    # Thousands of fleets rent in some hundred ways.
    ways = options.rent_row[places] + 1j * options.rent_factor[places]
    ways, which = np.unique(ways, return_inverse=True)
    rows, factor = ways.real.astype(np.intp), ways.imag * options.hours_per_month
    # Larger fleets repeat those from half of the table on.
    counts = np.arange(min(1 + options.scenario.spare_replicas, MOST // 2), MOST + 1)
    slope = rents.slope[side][rows] * factor + rents.gpu_slope[side][rows] * each_gpu
    usd, gpus = (table[side][rows[:, None], counts] for table in (rents.usd_per_hour, rents.gpus))
    table = usd * factor[:, None] + gpus * each_gpu
    more, each = table - slope[:, None] * counts, options.hidden.total(PER_REPLICA, side)
    least = (table / counts).min(axis=1, initial=np.inf)
    bounds = np.maximum(-more.min(axis=1, initial=0.0), 0.0), more.max(axis=1, initial=0.0) + people
    known = np.where(np.isfinite(least), np.minimum(least, slope), np.inf)
    bound = _ReplicaUsd(*(row[which] for row in (known + each, slope + each, *bounds)))
    return bound._replace(under=bound.under + _idle_usd(options.take(places), side))


def _idle_usd(fleets: Options, side: int) -> Floats:
    """Return one replica's rent of fleets that stop when idle, which they save at most, USD a month; 0 of others. (4.9)"""
    if not fleets.stops_idle.any():
        return np.zeros(len(fleets))
    one = fleets.one_replica_usd_per_hour(side) * fleets.rent_factor * fleets.hours_per_month
    return np.where(fleets.stops_idle, one, 0.0)


def _people(options: Options, side: int) -> tuple[float, float]:
    """Return what a begun step of GPUs costs in people a month, and how many GPUs it covers."""
    return options.hidden.total(PER_STEP, side), options.hidden.gpus_per_people_step[2 - side]


def cheaper_intervals(options: Options, own: int, api: int, side: int = 1) -> list[Interval]:
    """Return the closed intervals of whole volumes at which option `own` costs less than option `api`.

    Between two steps the staircase is flat and the API rises, so each level of whole replicas holds at most
    one crossing: level by level, in chunks, until the slopes prove what follows. A fleet that stops when idle
    costs a concave function of the volume there: two crossings at most.
    """
    each = float(options.per_replica[side, own] / options.fleet_load[own])
    usd_per_volume = float(_rise(options, np.array([own]), api)[0])
    if not (each > 0 and options.market.sellers[options.rent_row[own]] and usd_per_volume > 0):
        return []
    pair = options.take([own, api])

    def is_cheaper(volumes: Floats) -> Bools:
        cost = pair.monthly_usd(volumes, sides=(side,))[0]
        return np.asarray(cost[0] < cost[1])

    last_level, open_end = _horizon(options, own, usd_per_volume, side)
    found: list[Interval] = []
    for start in range(1, last_level + 1, CHUNK):
        levels = np.arange(start, min(start + CHUNK, last_level + 1), dtype=float)
        found += _on_levels(levels, each, usd_per_volume, pair, side, is_cheaper)
    merged = list(merge(found))
    if merged and open_end:
        merged[-1] = (merged[-1][0], None)
    return merged


def _on_levels(
    levels: Floats,
    each: float,
    usd_per_volume: float,
    pair: Options,
    side: int,
    is_cheaper: Callable[[Floats], Bools],
) -> list[Interval]:
    """Return, for levels of 1, 2, 3 ... working replicas, the part of each level that is cheaper."""
    low, high = _level_edges(levels, each), _level_edges(levels + 1, each) - 1
    high = np.minimum(high, MAX_QUERIES_PER_DAY)
    if pair.stops_idle[0]:
        return _around_top(low[low <= high], high[low <= high], pair, side, is_cheaper)
    usd = pair.take([0]).fleet_usd(high * pair.fleet_load[0], side)[0]
    first = np.maximum(low, np.floor(usd / usd_per_volume) + 1)
    for _ in range(3):  # rounding of the division may be off by one: the cost functions themselves decide
        before = first
        first = np.where((first > low) & is_cheaper(np.maximum(first - 1, 1)), first - 1, first)
        first = np.where((first <= high) & ~is_cheaper(first), first + 1, first)
        if np.array_equal(first, before):
            break
    keep = (first <= high) & (high >= low)
    return [(int(a), int(b)) for a, b in zip(first[keep], high[keep], strict=True)]


def _around_top(
    low: Floats, high: Floats, pair: Options, side: int, is_cheaper: Callable[[Floats], Bools]
) -> list[Interval]:
    """Return the parts of levels at which a fleet costs less, on both sides of where it is dearer by most."""

    def rises(volumes: Floats) -> Bools:
        cost = pair.monthly_usd(np.concatenate([volumes, volumes + 1]), sides=(side,))[0]
        now, then = np.split(cost[0] - cost[1], 2)
        return np.asarray(then > now)

    top = _first(low, high, lambda at: ~rises(at))
    dear = _first(low, top, lambda at: ~is_cheaper(at))
    cheap = _first(top, high, is_cheaper)
    before = [(int(a), int(b) - 1) for a, b in zip(low, dear, strict=True) if b > a]
    after = [(int(a), int(b)) for a, b, ok in zip(cheap, high, is_cheaper(cheap), strict=True) if ok]
    return [*before, *after]


def _first(low: Floats, high: Floats, holds: Callable[[Floats], Bools]) -> Floats:
    """Return the first whole volume of low..high from which something holds; high where it does nowhere before."""
    low, high = low.copy(), high.copy()
    while (low < high).any():
        middle = np.floor((low + high) / 2)
        yes = holds(middle)
        low, high = np.where(yes | (low >= high), low, middle + 1), np.where(yes & (low < high), middle, high)
    return low


def _level_edges(level: Floats, each: Floats | float) -> Floats:
    """Return the first whole volume that needs `level` replicas, as fleet.replicas_needed rounds."""
    edge = np.floor((level - 1) * each) + 1
    for step in (-1.0, 1.0):
        moved = edge + step
        needs = np.maximum(1.0, np.ceil(moved / each * (1 - 1e-12)))
        now = np.maximum(1.0, np.ceil(edge / each * (1 - 1e-12)))
        edge = np.where((needs >= level) & (moved < edge) | (now < level) & (moved > edge), moved, edge)
    return np.asarray(np.maximum(1.0, edge))


def _horizon(options: Options, own: int, usd_per_volume: float, side: int) -> tuple[int, bool]:
    """Return the last level worth looking at and whether self-hosting is cheaper for ever after.

    A fleet of N replicas costs between slope x N - under and slope x N + rest; the API at the start of level N
    costs usd_per_volume x each x (N - 1), at its end usd_per_volume x each x N.
    """
    _, slope, under, over = (float(value[0]) for value in _replica_usd(options, np.array([own]), side))
    flat = float(_flat_usd(options, np.array([own]), side)[0])
    spare = options.scenario.spare_replicas
    rest = flat + slope * spare + over
    each = float(options.per_replica[side, own] / options.fleet_load[own])
    api_slope = usd_per_volume * each
    limit = int(MAX_QUERIES_PER_DAY / each) + 1
    had = np.isfinite(options.market.rents.usd_per_hour[side, options.rent_row[own]])
    if not had[-1]:  # more replicas cannot be had
        return min(int(np.flatnonzero(had)[-1]) - spare, limit), False
    if api_slope > slope * (1 + 1e-9):
        level = int((rest + api_slope) / (api_slope - slope)) + 2
        return (level, True) if level <= limit else (limit, False)
    if slope > api_slope * (1 + 1e-9):
        level = int(max(0.0, under - flat - slope * spare) / (slope - api_slope)) + 2
        return min(level, limit), False
    return limit, False


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the union of closed intervals of whole numbers, sorted; neighbours join."""
    merged: list[Interval] = []
    for low, high in sorted(intervals, key=lambda pair: pair[0]):
        if merged and (merged[-1][1] is None or low <= merged[-1][1] + 1):
            last = merged[-1]
            ends = None if high is None or last[1] is None else max(last[1], high)
            merged[-1] = (last[0], ends)
        else:
            merged.append((low, high))
    return tuple(merged)


def _edges(intervals: tuple[Interval, ...]) -> tuple[int, ...]:
    starts = [low for low, _ in intervals if low > 1]
    ends = [high + 1 for _, high in intervals if high is not None and high < MAX_QUERIES_PER_DAY]
    return tuple(sorted(starts + ends))
