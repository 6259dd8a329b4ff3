"""Apps planned together: each stays, moves, or shares a fleet with others whose peaks do not coincide. (12.8)-(12.10)"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmplan.arrays import Bools, Floats, Places, finite
from llmplan.catalog import Catalog
from llmplan.options import evaluate
from llmplan.options.comparison import Comparison
from llmplan.options.table import Options
from llmplan.portfolio.apps import App, payback_months
from llmplan.units import DAYS_PER_WEEK, HOURS_PER_DAY, MONTHS_PER_YEAR

BASE = 1
SHORTLIST = 40
"""Fleets for which the best set of apps is looked for, those that cost least with every app on them."""
MOST_IN_SETS = 8
"""Apps of which every set is tried: 255 sets."""
STAY, MOVE, SHARE = "stay", "move", "share a fleet"
MOST_TOLD_MONTHS = 120
"""Of a payback that is told in months."""
ONE_OFF = {"api": "one-off-hosted-usd", "hosted": "one-off-hosted-usd"}
RENTED = "one-off-rented-usd"
Progress = Callable[[Sequence[App]], Iterable[App]]


@dataclass(frozen=True)
class Alone:
    """The cheapest way to serve an app by itself: an option, or None to stay."""

    option_id: str | None
    label: str
    kind: str
    monthly_usd: float


@dataclass(frozen=True, eq=False)
class SharedFleet:
    """One fleet for several apps.

    Attributes
    ----------
    apps: places of the apps on it.
    needed_by_hour: replicas' worth of load of each hour of the week at the ceiling, what may wait in the valleys.
    replicas, gpus: rented, spares among them. monthly_usd: with people and hidden costs, once.
    apart_replicas: what the apps would need on fleets of their own, spares of each among them.
    unbatched_replicas: what the fleet would need if nothing waited for a valley.
    shares: part of the bill of each app, by its work.
    """

    option_id: str
    label: str
    model_id: str
    apps: tuple[int, ...]
    needed_by_hour: Floats
    replicas: int
    gpus: int
    monthly_usd: float
    apart_replicas: int
    unbatched_replicas: int
    shares: Floats

    @property
    def replicas_by_hour(self) -> Floats:
        """Whole replicas that serve in each hour of the week, without spares, (168,)."""
        return np.maximum(np.ceil(self.needed_by_hour * (1 - 1e-12)), 1.0)


@dataclass(frozen=True)
class Verdict:
    """What to do with an app: the action, the option it goes to (None: today's), its bill then. [USD/month]"""

    action: str
    option_id: str | None
    label: str
    after_usd: float | None
    alone: Alone


@dataclass(frozen=True)
class FirstMove:
    """A step and what it is worth: apps, what they go to, saving a month, once-off cost, months until it is paid."""

    apps: tuple[str, ...]
    label: str
    saving_usd: float
    one_off_usd: float

    @property
    def payback_months(self) -> float:
        return payback_months(self.one_off_usd, self.saving_usd)

    @property
    def paid_back_in(self) -> str:
        """The same in words."""
        longest = f"more than {MOST_TOLD_MONTHS // MONTHS_PER_YEAR} years"
        return f"{self.payback_months:.1f} months" if self.payback_months <= MOST_TOLD_MONTHS else longest


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Every app's verdict, the fleet that some share (None: none pays), and what to move first."""

    apps: tuple[App, ...]
    verdicts: tuple[Verdict, ...]
    fleet: SharedFleet | None
    first_moves: tuple[FirstMove, ...]

    @property
    def today_usd(self) -> float:
        """Bill of the apps whose bill is known. [USD/month]"""
        return sum(app.today_usd for app in self.apps if app.today_usd is not None)

    @property
    def after_usd(self) -> float:
        """The same apps' bill after all moves. [USD/month]"""
        pairs = zip(self.apps, self.verdicts, strict=True)
        return sum(v.after_usd or 0.0 for app, v in pairs if app.today_usd is not None)


def plan_portfolio(
    apps: Sequence[App],
    catalog: Catalog,
    may_wait: frozenset[str] = frozenset(),
    progress: Progress = lambda apps: apps,
) -> Portfolio:
    """Plan apps together at base prices.

    Parameters
    ----------
    may_wait: names of apps all of whose queries may wait, for a valley of a fleet or an API's batch price, besides those
        that the log shows in batches.
    """
    apps = [_all_waiting(app) if app.name in may_wait else app for app in apps]
    compared = [evaluate(app.scenario, catalog) for app in progress(apps)]
    alone = [_alone(app, found) for app, found in zip(apps, compared, strict=True)]
    waiting = np.array([app.scenario.batch_share for app in apps])
    fleet = best_fleet(apps, compared, np.array([each.monthly_usd for each in alone]), waiting)
    verdicts = tuple(_verdict(place, alone[place], fleet) for place in range(len(apps)))
    return Portfolio(tuple(apps), verdicts, fleet, _first_moves(apps, verdicts, fleet, catalog))


def _all_waiting(app: App) -> App:
    return replace(app, scenario=app.scenario.but(batch_share=1.0))


def _alone(app: App, found: Comparison) -> Alone:
    """Return the cheapest of staying and of every option that is feasible; an unknown bill stays where none is."""
    today = np.inf if app.today_usd is None else app.today_usd
    stay = Alone(None, "as today", "", today)
    if (item := found.recommended) is None:
        return stay
    usd = found.best_usd
    return Alone(item.option_id, item.label, str(item.kind), usd) if usd < today else stay


def best_fleet(
    apps: Sequence[App], compared: Sequence[Comparison], alone_usd: Floats, waiting: Floats
) -> SharedFleet | None:
    """Return the fleet and the set of two or more apps on it that lower the bill of all most; None where none does.

    Of the fleets that save most with every app they can serve, each with the set of apps that it is best for.
    """
    tables = _Tables(apps, compared, waiting)
    best: tuple[float, int, Bools] | None = None
    for row in tables.shortlist(alone_usd):
        on, saving = tables.best_set(row, alone_usd)
        if on.sum() > 1 and saving > 0 and (best is None or saving > best[0]):
            best = saving, row, on
    return None if best is None else tables.fleet(best[1], best[2])


class _Tables:
    """The self-hosted options that two or more apps can share, and each app's load on them.

    `load[r, a]`: replicas' worth of one query an hour of app a on option r, at the ceiling; `can[r, a]`: feasible.
    """

    def __init__(self, apps: Sequence[App], compared: Sequence[Comparison], waiting: Floats) -> None:
        self.tables = [found.alone for found in compared]
        self.waiting, self.week = waiting, np.array([app.week for app in apps])
        self.spare = max(app.scenario.spare_replicas for app in apps)
        self.by_query_usd = np.array(
            [_by_query_usd(table, app) for table, app in zip(self.tables, apps, strict=True)]
        )
        usable = [_usable(table) for table in self.tables]
        ids = sorted({key for table in usable for key in table})
        places = np.array([[table.get(key, -1) for table in usable] for key in ids], np.intp)
        places = places.reshape(len(ids), len(apps))
        self.places = places[(places >= 0).sum(axis=1) > 1]
        self.can = self.places >= 0
        rates = [table.per_replica[BASE][self.places[:, a]] for a, table in enumerate(self.tables)]
        peaks = np.array([app.scenario.workload().effective_peak_to_mean for app in apps])
        with np.errstate(divide="ignore"):
            self.load = np.where(self.can, HOURS_PER_DAY / (np.column_stack(rates) * peaks), 0.0)

    def needed(self, rows: Places, on: Bools) -> tuple[Floats, Floats]:
        """Return the urgent load by hour of the week (m, 168), and the replicas that hold all of it (m,). (12.8), (12.9)

        rows: (m,) options; on: (m, n) the apps on each.
        """
        load = np.where(on, self.load[rows], 0.0)
        urgent = (load * (1 - self.waiting)) @ self.week
        daily = (load @ self.week).reshape(-1, DAYS_PER_WEEK, HOURS_PER_DAY).mean(axis=2)
        return urgent, np.maximum(urgent.max(axis=1), daily.max(axis=1))

    def bills(self, rows: Places, on: Bools) -> tuple[Floats, Floats, Floats]:
        """Return the bill of a month, replicas and GPUs of fleets of some apps, at least one each, (m,). (12.10)"""
        replicas = np.maximum(1.0, np.ceil(self.needed(rows, on)[1] * (1 - 1e-12))) + self.spare
        usd, gpus, first = on @ self.by_query_usd, np.empty(len(rows)), on.argmax(axis=1)
        for app in np.unique(first):
            mine = np.flatnonzero(first == app)
            table = self.tables[app].take(self.places[rows[mine], app])
            each = replicas[mine, None]
            rented = table.gpus_of(each, BASE)
            hidden = table.hidden.fleet_usd(rented, each, table.hours_per_month, BASE)
            usd[mine] += (table.rent_usd(each, BASE) + hidden)[:, 0]
            gpus[mine] = rented[:, 0]
        return usd, replicas, gpus

    def savings(self, rows: Places, on: Bools, alone_usd: Floats) -> Floats:
        """Return by how much fleets undercut each app going its own way, (m,)."""
        return np.asarray(np.where(on, alone_usd, 0.0).sum(axis=1) - self.bills(rows, on)[0])

    def shortlist(self, alone_usd: Floats) -> list[int]:
        """Return the options that save most with every app that they can serve."""
        rows = np.arange(len(self.can))
        order = np.argsort(-self.savings(rows, self.can, alone_usd), kind="stable")
        return [int(row) for row in order[:SHORTLIST]]

    def best_set(self, row: int, alone_usd: Floats) -> tuple[Bools, float]:
        """Return the apps that a fleet of an option is best for, and what it saves then.

        Every set of few apps is tried; of many, apps are taken off one by one while that helps.
        """
        able = np.flatnonzero(self.can[row])
        if len(able) <= MOST_IN_SETS:
            bits = np.arange(1, 2 ** len(able))[:, None] >> np.arange(len(able)) & 1
            sets = np.zeros((len(bits), len(self.can[row])), bool)
            sets[:, able] = bits
            return self._best_of(row, sets, alone_usd)
        on, saving = self._best_of(row, self.can[row][None], alone_usd)
        while on.sum() > 1:
            fewer = np.array([on & (np.arange(len(on)) != app) for app in np.flatnonzero(on)])
            next_on, next_saving = self._best_of(row, fewer, alone_usd)
            if next_saving <= saving:
                break
            on, saving = next_on, next_saving
        return on, saving

    def _best_of(self, row: int, sets: Bools, alone_usd: Floats) -> tuple[Bools, float]:
        found = self.savings(np.full(len(sets), row), sets, alone_usd)
        best = int(np.argmax(found))
        return sets[best], float(found[best])

    def fleet(self, row: int, on: Bools) -> SharedFleet:
        """Return a fleet's record."""
        apps, rows = np.flatnonzero(on), np.array([row])
        item = self.tables[apps[0]].items[int(self.places[row, apps[0]])]
        usd, replicas, gpus = self.bills(rows, on[None])
        apart = self.bills(np.full(len(apps), row), np.eye(len(on), dtype=bool)[apps])[1]
        work = self.load[row, apps] * self.week[apps].sum(axis=1)
        return SharedFleet(
            item.option_id,
            item.label,
            item.model_id,
            tuple(apps.tolist()),
            self.needed(rows, on[None])[0][0],
            int(replicas[0]),
            int(gpus[0]),
            float(usd[0]),
            int(apart.sum()),
            max(1, math.ceil(float((self.load[row] * on @ self.week).max()) * (1 - 1e-12))) + self.spare,
            work / work.sum(),
        )


def _by_query_usd(table: Options, app: App) -> float:
    """Return what an app's queries cost besides tokens and GPUs, whoever serves them. [USD/month]"""
    scenario = app.scenario
    return table.hidden_usd_per_query(BASE) * scenario.queries_per_day * scenario.days_per_month


def _usable(table: Options) -> dict[str, int]:
    """Return the places of the self-hosted options that are feasible, by id."""
    served = table.feasible & table.is_self_hosted & (table.per_replica[BASE] > 0)
    return {table.items.option_id[place]: int(place) for place in np.flatnonzero(served)}


def _verdict(place: int, alone: Alone, fleet: SharedFleet | None) -> Verdict:
    if fleet is not None and place in fleet.apps:
        usd = fleet.monthly_usd * float(fleet.shares[fleet.apps.index(place)])
        return Verdict(SHARE, fleet.option_id, fleet.label, usd, alone)
    kind = STAY if alone.option_id is None else MOVE
    return Verdict(kind, alone.option_id, alone.label, finite(alone.monthly_usd), alone)


def _first_moves(
    apps: Sequence[App], verdicts: Sequence[Verdict], fleet: SharedFleet | None, catalog: Catalog
) -> tuple[FirstMove, ...]:
    """Return the moves that save, those of the largest saving for their once-off cost first."""
    moves = [
        FirstMove((app.name,), v.label, app.today_usd - v.after_usd, _one_off(v.alone.kind, catalog))
        for app, v in zip(apps, verdicts, strict=True)
        if v.action == MOVE and app.today_usd is not None and v.after_usd is not None
    ]
    if fleet is not None:
        today = sum(apps[place].today_usd or 0.0 for place in fleet.apps)
        names = tuple(apps[place].name for place in fleet.apps)
        moves.append(
            FirstMove(names, fleet.label, today - fleet.monthly_usd, _one_off("self_hosted", catalog))
        )
    return tuple(sorted((m for m in moves if m.saving_usd > 0), key=lambda move: move.payback_months))


def _one_off(kind: str, catalog: Catalog) -> float:
    return catalog.assumption(ONE_OFF.get(kind, RENTED)).base
