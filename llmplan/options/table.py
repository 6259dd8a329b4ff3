"""Every option of a scenario as columns: what does not depend on the volume, worked out once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Bools, Floats, Places, Texts
from llmplan.catalog import ApiPrice, Catalog, Model, OtherModel
from llmplan.catalog.cache import kept
from llmplan.cost.billing import Billing, FleetHours, billings, replica_start_s, usual_billing
from llmplan.cost.classes import Use, classes_of
from llmplan.cost.fleet import queries_per_day_of_one_replica, replicas_needed
from llmplan.cost.hidden import HiddenCosts, hidden_costs
from llmplan.cost.month import api_usd_per_query
from llmplan.cost.rent import MOST
from llmplan.kinds import TOKEN, Kind
from llmplan.measurements import MeasuredPoint
from llmplan.measurements.use import LENGTH_TOLERANCE
from llmplan.options.configurations import AtEfforts, sized_or_measured
from llmplan.options.constraints import (
    answer_reasons,
    api_reasons,
    context_of,
    context_reasons,
    model_reasons,
    quality_reasons,
    task_reasons,
)
from llmplan.options.offers import Market, market, why_no_offer
from llmplan.options.rows import Option, Rows, made_once, records_of
from llmplan.options.standing import (
    PricesAtEfforts,
    effort_label,
    lengths_of,
    needed_context_tokens,
    prices_at_efforts,
    standings_of,
    with_effort,
)
from llmplan.quality.ability import Band
from llmplan.quality.floor import assured_quality
from llmplan.quality.precision import precision_loss
from llmplan.quality.variants import Lengths, ModelAtEffort, Standing
from llmplan.replica import Capacity, Configurations
from llmplan.scenario import Affects, Scenario, check_ids, leaving_out
from llmplan.units import HOURS_PER_DAY

SIDES = ("low", "base", "high")


@dataclass(frozen=True, eq=False)
class Options:
    """The options of a scenario with the arrays that price them. First axis: options.

    Every option is priced alike: its tokens by the query, and a fleet for the load that it carries. APIs carry no
    fleet, self-hosting pays no tokens, a hybrid does both.

    Attributes
    ----------
    usd_per_query: (n,) what a query of the scenario's pays for tokens (and a router); 0 for self-hosting.
    fleet_load: (n,) queries that the fleet is sized for, for each query of the scenario's; 0 for APIs.
    per_replica: (3, n) daily queries of one replica at the ceiling, for cost low/base/high.
    market: offers and rents by pair of GPU and size, for each way to pay hours. rent_row: (n,) that of each option.
    start_s: (n,) of a replica that stops when idle; NaN where its hours do not depend on the queries in them.
    rent_factor: (n,) multiple of that rent that is paid; 1 but where a price is varied.
    """

    scenario: Scenario
    items: Rows
    hidden: HiddenCosts
    usd_per_query: Floats
    fleet_load: Floats
    per_replica: Floats
    market: Market
    rent_row: Places
    rent_factor: Floats
    start_s: Floats
    hours: FleetHours

    def __len__(self) -> int:
        return len(self.items)

    def index(self, option_id: str) -> int:
        """Return an option's place; KeyError when it is not there."""
        return self.items.places[option_id]

    def take(self, places: Sequence[int] | npt.NDArray[np.int_]) -> Options:
        """Return the options at `places`, in that order."""
        chosen = np.asarray(places, np.intp)
        return self._with(self.items.take(chosen), lambda name: getattr(self, name)[..., chosen])

    def joined(self, other: Options) -> Options:
        """Return these options and others behind them."""
        return self._with(
            self.items.joined(other.items),
            lambda name: np.concatenate([getattr(self, name), getattr(other, name)], axis=-1),
        )

    def at_floor(self, scenario: Scenario) -> Options:
        """Return these options under the overall quality floor of a scenario that differs in it alone."""
        if scenario.quality_floor == self.items.floor:
            return self
        found = replace(self, scenario=scenario, items=self.items.at_floor(scenario.quality_floor))
        vars(found)["_any_floor"] = self.any_floor
        return found

    @property
    def any_floor(self) -> Options:
        """The options that `at_floor` made these of, or themselves."""
        known: Options = vars(self).get("_any_floor", self)
        return known

    def _with(self, items: Rows, column: Callable[[str], Floats]) -> Options:
        columns: dict[str, Any] = {name: column(name) for name in COLUMNS}
        return replace(self, items=items, **columns)

    def monthly_usd(self, queries_per_day: npt.ArrayLike, sides: Sequence[int] = (0, 1, 2)) -> Floats:
        """Return USD a month, shape (len(sides), n, v) for `queries_per_day` of shape (v,). (5.1)-(5.5)"""
        volumes = np.atleast_1d(np.asarray(queries_per_day, float))
        queries = volumes * self.scenario.days_per_month
        own = np.flatnonzero(self.has_fleet)
        fleets = self if len(own) == len(self) else self.take(own)
        found = np.empty((len(sides), len(self), len(volumes)))
        for number, side in enumerate(sides):
            found[number] = (self.usd_per_query[:, None] + self.hidden_usd_per_query(side)) * queries
            if len(own):
                found[number, own] += fleets.fleet_usd(fleets.fleet_load[:, None] * volumes, side)
        return found

    def fleet_usd(self, queries_per_day: Floats, side: int) -> Floats:
        """Return USD a month of fleets alone for loads of shape (v,) or (n, v), shape (n, v). (5.1)-(5.3)"""
        spare = self.scenario.spare_replicas
        replicas = replicas_needed(queries_per_day, self.per_replica[side, :, None], spare)
        rent, gpus = self.rent_usd(replicas, side, queries_per_day), self.gpus_of(replicas, side)
        lines = self.hidden.fleet_usd(gpus, replicas, self.hours_per_month, side)
        return rent + (np.where(self.is_reserved[:, None], 0.0, lines) if self.market.behind else lines)

    def rent_usd(self, replicas: Floats, side: int, queries_per_day: Floats | None = None) -> Floats:
        """Return USD a month of `replicas` (n, v) replicas' instances, (n, v). (5.1), (4.8), (4.9)

        queries_per_day: on them, (v,) or (n, v); without it no replica stops when idle.
        """
        rent = self.market.rents.usd(side, self.rent_row[:, None], replicas)
        if queries_per_day is not None and self.stops_idle.any():
            mine = np.flatnonzero(self.stops_idle)
            loads = np.broadcast_to(queries_per_day, replicas.shape)[mine]
            idle = self.hours.idle_share(loads, replicas[mine], self.start_s[mine, None])
            rent[mine] -= idle * self.one_replica_usd_per_hour(side)[mine, None]
        return rent * (self.rent_factor[:, None] * self.hours_per_month)

    def one_replica_usd_per_hour(self, side: int) -> Floats:
        """Return (n,) what one working replica rents for; 0 where nothing is offered."""
        usd = self.market.rents.usd(side, self.rent_row, np.full(len(self), 1.0 + self.hours.spare))
        return np.where(np.isfinite(usd), usd, 0.0)

    @property
    def stops_idle(self) -> Bools:
        """(n,) True where a replica without queries is not paid for."""
        return np.isfinite(self.start_s)

    def gpus_of(self, replicas: Floats, side: int = 1) -> Floats:
        """Return the GPUs that `replicas` (n, v) replicas rent, (n, v). (4.5)"""
        return self.market.rents.gpus_of(side, self.rent_row[:, None], replicas)

    def own_gpus_of(self, place: int, replicas: int) -> int:
        """Return how many of an option's base GPUs are owned already. (5b.11)"""
        own, most = self.market.rents.own_gpus, min(replicas, MOST)
        return 0 if own is None or not self.has_fleet[place] else int(own[1, self.rent_row[place], most])

    def rent_profiles(self) -> tuple[Floats, Places]:
        """Return rents and GPUs at every number of replicas as columns, (k, f), and the row of each option."""
        return self.market.rent_profiles(self.rent_row, self.rent_factor)

    @property
    def merits(self) -> Floats:
        """(2, n) of what more is better at one rent: daily queries of a replica, and how soon one that stops is back."""
        return np.stack([self.per_replica[1], -np.nan_to_num(self.start_s, nan=NEVER_STOPS)])

    @property
    def hours_per_month(self) -> float:
        return self.scenario.days_per_month * HOURS_PER_DAY

    def hidden_usd_per_query(self, side: int) -> float:
        """Return what every query costs besides tokens, whoever serves it."""
        return self.hidden.usd_per_query(self.scenario.input_tokens, self.scenario.output_tokens, side)

    @cached_property
    def has_fleet(self) -> Bools:
        """(n,) True where GPUs are paid for."""
        return np.asarray(self.fleet_load > 0)

    @property
    def is_api(self) -> Bools:
        """(n,) True where tokens are all that is paid for."""
        return ~self.has_fleet

    @cached_property
    def is_reserved(self) -> Bools:
        """(n,) True where units of an API's capacity are paid for, which are nobody's servers to run."""
        if not self.market.behind:
            return np.zeros(len(self), bool)
        return self.has_fleet & np.isin(self.items.kind, TOKEN)

    @property
    def is_self_hosted(self) -> Bools:
        """(n,) True where a fleet serves every query."""
        return self.items.is_self_hosted

    @property
    def feasible(self) -> Bools:
        """(n,) True where no reason stands against the option."""
        return self.items.feasible

    @property
    def near_floor(self) -> Bools:
        """(n,) True where a known quality below the overall floor is all that stands against the option."""
        return self.items.only_floor & ~np.isnan(self.items.quality)

    @property
    def quality(self) -> Floats:
        """(n,) share of the reference's quality; NaN where it is not known."""
        return self.items.quality

    @property
    def preference(self) -> Places:
        """(n,) ranks that break ties of cost, see `tie_rank`."""
        return self.items.preference


COLUMNS = (
    "usd_per_query",
    "fleet_load",
    "per_replica",
    "rent_row",
    "rent_factor",
    "start_s",
)
RECORDS_KEPT = 1024
NEVER_STOPS = 1e6
"""Seconds of a start that stand for a replica that is paid for without a query too."""


def build_options(
    scenario: Scenario,
    catalog: Catalog,
    configurations: Configurations | None = None,
) -> Options:
    """Work out every option of one kind of a scenario: APIs, hosted open models, self-hosted configurations.

    configurations: those to ask about; None: all that the scenario allows and hardware and engines support.
    Raises UnknownNameError for an id that the catalog does not hold.
    """
    check_ids(scenario, catalog)
    asked = scenario.model_copy(update={"quality_floor": 0.0})
    tokens = _token_rows(catalog, leaving_out(asked, Affects.GPU_PRICES, Affects.TOKEN_PRICES))
    fleets = _fleet_rows(catalog, leaving_out(asked, Affects.TOKEN_PRICES), configurations)
    return _joined(catalog, asked, tokens, fleets).at_floor(scenario)


@kept(2)
def _token_rows(catalog: Catalog, scenario: Scenario) -> _TokenRows:
    return _TokenRows(catalog, scenario, standings_of(scenario, catalog))


@kept(2)
def _fleet_rows(catalog: Catalog, scenario: Scenario, configurations: Configurations | None) -> _FleetRows:
    known = standings_of(scenario, catalog)
    return _FleetRows(catalog, scenario, known, *sized_or_measured(catalog, scenario, configurations))


def _joined(catalog: Catalog, scenario: Scenario, tokens: _TokenRows, fleets: _FleetRows) -> Options:
    """Put token prices and fleets into one table, without a floor."""
    modes, each = fleets.modes, len(fleets.grid)
    at, mode = np.tile(np.arange(each), len(modes)), np.repeat(np.arange(len(modes)), each)
    m, n = len(tokens.rows.price), len(at)
    usual = usual_billing(scenario.fleet_price_kind)
    ends = tuple("" if way is usual else f"@{way}" for way in modes)
    named = _names(catalog, tokens.rows, fleets.rows, ends)
    ids = named.words["option_id"]
    quality, sd, today_sd, assured = np.concatenate([tokens.quality, fleets.quality[:, at]], axis=1)
    stops_idle = (np.array(modes)[mode] == Billing.SCALE_TO_ZERO) & ~fleets.market.bought[fleets.pair[at]]
    usd_of_tokens = tokens.usd_per_query(scenario)

    def made(cells: Sequence[int], floor: float) -> list[Option]:
        sold, own = [cell for cell in cells if cell < m], [cell - m for cell in cells if cell >= m]
        named = ids[m:][own].tolist(), [modes[which] for which in mode[own].tolist()]
        some = iter(tokens.options(sold, floor, usd_of_tokens)), iter(fleets.options(at[own], *named, floor))
        return [next(some[cell >= m]) for cell in cells]

    rows = Rows(
        make=made_once(made, RECORDS_KEPT),
        numbered=m + n,
        floor=0.0,
        cells=np.arange(m + n).astype(object),
        **named.words,
        n_gpus=named.n_gpus,
        quality=quality,
        quality_sd=sd,
        today_sd=today_sd,
        assured=assured,
        feasible=np.concatenate([tokens.feasible, fleets.feasible[at]]),
        only_floor=np.zeros(m + n, bool),
        preference=_preference(named, quality.tobytes()),
    )
    vars(rows)["places"] = named.places
    return Options(
        scenario=scenario,
        items=rows.with_numbers(named.numbers),
        hidden=fleets.hidden,
        usd_per_query=np.concatenate([usd_of_tokens, np.zeros(n)]),
        fleet_load=np.concatenate([np.zeros(m), np.ones(n)]),
        per_replica=np.concatenate([np.zeros((3, m)), fleets.per_replica[:, at]], axis=1),
        market=fleets.billed,
        rent_row=np.concatenate([np.zeros(m, np.intp), fleets.pair[at] + mode * len(fleets.market.sellers)]),
        rent_factor=np.ones(m + n),
        start_s=np.concatenate([np.full(m, np.nan), np.where(stops_idle, fleets.start_s[at], np.nan)]),
        hours=fleets.hours,
    )


@dataclass(frozen=True, eq=False)
class _Names:
    """What options are called and what tells them apart, which no tokens and no volume change.

    Attributes
    ----------
    words: their columns of words by name; numbers: those of them that are numbered already. n_gpus: of a replica.
    places: of each id.
    id_rank, engine_rank, resold: what breaks ties, see `tie_rank`; at one price the maker's own offer goes first.
    """

    words: dict[str, Texts]
    numbers: dict[str, Places]
    places: dict[str, int]
    n_gpus: Floats
    id_rank: Places
    engine_rank: Places
    resold: Bools


@kept(8)
def _names(catalog: Catalog, sold: PricesAtEfforts, rows: AtEfforts, modes: tuple[str, ...]) -> _Names:
    """Return the options' names; `modes`: what each way to pay hours puts behind the ids of fleets."""
    grid, m = rows.grid, len(sold.price)
    columns = (grid.model_id, grid.precision_id, grid.n_gpus.astype(int), grid.gpu_id, grid.engine_id)
    ends = [with_effort("", catalog, *model) for model in rows.models]
    own = [
        f"{m}@{p}@{n}x{g}@{e}{ends[model]}"
        for m, p, n, g, e, model in zip(*columns, rows.model.tolist(), strict=True)
    ]
    ids = np.array([*sold.option_ids, *(name + mode for mode in modes for name in own)], dtype=object)
    as_text = ids.astype(str)
    rank = np.empty(len(ids), np.intp)
    rank[np.argsort(as_text, kind="stable")] = np.arange(len(ids))
    ranks = {engine_id: _engine_rank(catalog, engine_id) for engine_id in set(grid.engine_id)}
    engines = np.array([ranks[e] for e in grid.engine_id], np.intp)

    def both(of_price: Texts, of_fleet: Any) -> Any:
        return np.concatenate([of_price, np.tile(of_fleet, len(modes))])

    nothing = np.full(m, None, dtype=object)
    words = {
        "option_id": ids,
        "kind": both(sold.column(kind_of), np.full(len(rows), Kind.SELF_HOSTED, dtype=object)),
        "model_id": both(sold.column(attrgetter("model_id")), grid.model_id),
        "effort": both(sold.effort, rows.effort),
        "precision_id": both(sold.column(attrgetter("precision_id")), grid.precision_id),
        "gpu_id": both(nothing, grid.gpu_id),
    }
    zeros = np.zeros(m)
    resold, places = np.char.find(as_text, "/") >= 0, {name: place for place, name in enumerate(ids)}
    return _Names(
        words, {}, places, both(zeros, grid.n_gpus), rank, both(zeros.astype(np.intp), engines), resold
    )


@kept(2)
def _preference(named: _Names, quality: bytes) -> Places:
    """Return the ranks that break ties of cost."""
    rank = np.empty(len(named.id_rank), np.intp)
    order = np.lexsort(
        (named.id_rank, named.resold, -np.nan_to_num(np.frombuffer(quality)), named.engine_rank)
    )
    rank[order] = np.arange(len(order))
    return rank


def _engine_rank(catalog: Catalog, engine_id: str) -> int:
    statuses = ("active", "maintenance", "development use")
    return 100 * statuses.index(catalog.engines[engine_id].status) + list(catalog.engines).index(engine_id)


def priced(price: ApiPrice, scenario: Scenario) -> ApiPrice:
    """Return the price with the scenario's own figures in place of the catalog's."""
    changes: dict[str, float | None] = {}
    for field in ("input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok"):
        own = dict(getattr(scenario, f"api_{field}"))
        if price.api_id in own:
            changes[field] = own[price.api_id]
            # A price that was agreed holds for every tier of service, and for batch at the listed ratio.
            changes |= {f"{tier}_{field}": None for tier in ("priority", "flex")}
            listed, batch = price.cached_input_usd_per_mtok, price.batch_cached_input_usd_per_mtok
            if field.startswith("cached") and batch is not None:
                changes["batch_cached_input_usd_per_mtok"] = (
                    own[price.api_id] * batch / listed if listed else None
                )
    return price.model_copy(update=changes) if changes else price


class _TokenRows:
    """The APIs and hosted open models that the scenario lets in, at each effort, and why some are out."""

    def __init__(self, catalog: Catalog, scenario: Scenario, known: Mapping[ModelAtEffort, Standing]) -> None:
        self.rows = rows = prices_at_efforts(scenario, catalog)
        count = Counter((price.model_id, price.provider) for price in rows.prices)
        self._twice = {pair for pair, times in count.items() if times > 1}
        self._catalog, self._scenario = catalog, scenario
        shared = standings_of(scenario, catalog, at_shared=True) if scenario.own_weights else known
        self._standings = [(known if own else shared)[model, effort] for model, effort, own in rows.models]
        lengths = np.array([lengths_of(scenario, standing) for standing in self._standings], float)
        self._lengths = lengths.reshape(-1, 3)[rows.model]
        self._judge()

    def usd_per_query(self, scenario: Scenario) -> Floats:
        """Return (n,) what tokens cost at the own prices of a scenario that differs in these alone."""
        return usd_per_query(self.rows.prices, self._lengths, scenario, self._catalog, self.rows.price)

    def _judge(self) -> None:
        """Work out quality and reasons: by price, by model at an effort, by both."""
        catalog, scenario, rows = self._catalog, self._scenario, self.rows
        quality = _quality_columns(scenario, self._standings, [0.0] * len(rows.models))
        self.quality = quality[:, rows.model]
        self._assured = quality[-1].tolist()
        # Prices share a model at an effort, as thousands of configurations do one in a format.
        self._standing = cache(
            lambda at: _standing_of_option(scenario, self._standings[at], quality[:, at].tolist())
        )
        self._at_floor = lru_cache(RECORDS_KEPT)(self._under_floor)
        self._price_reasons = [api_reasons(catalog, scenario, price) for price in rows.prices]
        self._answer_reasons = [answer_reasons(catalog, scenario, standing) for standing in self._standings]
        self._context = [context_of(catalog, price) for price in rows.prices]
        limit = np.array([tokens for tokens, _ in self._context], float)
        needed = np.array([needed_context_tokens(scenario, standing) for standing in self._standings], float)
        out = limit[rows.price] < needed[rows.model]
        out |= np.array([bool(why) for why in self._price_reasons], bool)[rows.price]
        out |= np.array([bool(why) for why in self._answer_reasons], bool)[rows.model]
        self.feasible = ~out

    def _under_floor(self, at: int, floor: float) -> tuple[list[str], float | None]:
        return _under_floor(floor, self._scenario, self._standings[at], self._assured[at])

    def _reasons(self, price: int, model: int, of_floor: Sequence[str]) -> tuple[str, ...]:
        return (
            *self._price_reasons[price],
            *context_reasons(self._scenario, self._standings[model], *self._context[price]),
            *self._answer_reasons[model],
            *of_floor,
        )

    def _name(self, price: ApiPrice) -> str:
        """Return what a price is called: an open model by who hosts it, a maker's own by its API."""
        known: Model | OtherModel | None = self._catalog.models.get(price.model_id)
        if not known and kind_of(price) is Kind.HOSTED:
            known = self._catalog.other_models.get(price.model_id)
        if not known:
            host, _, name = price.api_id.rpartition("/")
            return f"{name} API at {self._catalog.provider_name(host)}" if host else f"{name} API"
        twice = (price.model_id, price.provider) in self._twice
        return f"{known.name} at {self._catalog.provider_name(price.provider)}" + (
            f" ({price.api_id.rpartition('/')[2]})" if twice else ""
        )

    def options(self, places: Sequence[int], floor: float, usd_per_query: Floats) -> list[Option]:
        """Return rows as records under a quality floor; usd_per_query: (n,) of all rows."""
        rows = zip(
            places,
            self.rows.price[places].tolist(),
            self.rows.model[places].tolist(),
            usd_per_query[places].tolist(),
            strict=True,
        )
        return [self._option(floor, *row) for row in rows]

    def _option(self, floor: float, place: int, price_at: int, model_at: int, usd_per_query: float) -> Option:
        price, of_floor, meets = self.rows.prices[price_at], *self._at_floor(model_at, floor)
        model, effort = self._catalog.models.get(price.model_id), self.rows.models[model_at][1]
        return Option(
            option_id=self.rows.option_ids[place],
            kind=kind_of(price),
            label=self._name(price) + effort_label(self._scenario, self._catalog, price.model_id, effort),
            model_id=price.model_id,
            reasons=self._reasons(price_at, model_at, of_floor),
            licence_id=model.licence_id if model else None,
            source_ids=(price.source_id,),
            prices_as_of=price.as_of,
            api_id=price.api_id,
            provider=price.provider,
            precision_id=price.precision_id,
            effort=effort,
            usd_per_query=usd_per_query,
            meets_floor=meets,
            **self._standing(model_at),
        )


def _quality_columns(scenario: Scenario, standings: Sequence[Standing], losses: Sequence[float]) -> Floats:
    """Return quality after a format's loss, its deviation, today's, and the highest floor that it reaches, (4, n)."""
    rows = [known.moments(lost) for known, lost in zip(standings, losses, strict=True)]
    columns = np.array(rows, float).reshape(-1, 3).T
    return np.concatenate([columns, assured_quality(scenario.floor_chance, *columns)[None]])


def _standing_of_option(
    scenario: Scenario, standing: Standing, known: Sequence[float], loss: float = 0.0
) -> dict[str, Any]:
    """Return the fields of an option that its model at its effort gives, after a format's loss of quality.

    known: its column of `_quality_columns`.
    """
    spent = vars(standing.output_factor).values()
    low, base, high = (value * scenario.output_tokens for value in spent)
    quality, sd, today_sd, assured = known
    lengths = lengths_of(scenario, standing)
    return {
        "quality": quality,
        "quality_sd": sd,
        "today_sd": today_sd,
        "assured_quality": assured,
        "quality_stands_on": standing.stands_on,
        "success": Band(*(value * (1 - loss) for value in vars(standing.success).values())),
        "lengths": lengths,
        "tokens": lengths.input + lengths.output,
        "output_tokens": Band(low, base, high),
    }


def _under_floor(
    floor: float, scenario: Scenario, standing: Standing, assured: float, loss: float = 0.0
) -> tuple[list[str], float | None]:
    """Return why a model at an effort misses the overall floor, and the probability that it reaches it, if one is set."""
    meets = standing.meets(floor, loss) if floor > 0 else None
    return quality_reasons(floor, scenario, standing, loss, assured), meets


def kind_of(price: ApiPrice) -> Kind:
    """Return the kind of option that a token price makes."""
    return Kind.HOSTED if price.kind == "hosted_open" else Kind.API


def usd_per_query(
    prices: Sequence[ApiPrice],
    lengths: Sequence[Lengths] | Floats,
    scenario: Scenario,
    catalog: Catalog,
    price: Places | slice = slice(None),
) -> Floats:
    """Return what the tokens of mean queries cost, the scenario's own figures counted, (n,).

    lengths: of each query, as its model counts and spends them; they spread as the scenario's p95 says.
    price: which of the prices each query pays.
    """
    tokens_in, tokens_out, _ = np.array(lengths, float).reshape(-1, 3).T
    asked = (tokens_in, tokens_out, scenario.cached_input_share, scenario.batch_share)
    use = Use.of(scenario, catalog)
    return api_usd_per_query(classes_of([priced(p, scenario) for p in prices], use).at(price), *asked, use)


class _FleetRows:
    """The self-hosted configurations: rate, lots, quality, and why some are out."""

    def __init__(
        self,
        catalog: Catalog,
        scenario: Scenario,
        known: Mapping[ModelAtEffort, Standing],
        rows: AtEfforts,
        found: Capacity,
        used: Sequence[MeasuredPoint | None],
    ) -> None:
        self._catalog, self._scenario, self._known = catalog, scenario, known
        self.rows, self.grid, self._found, self._used = rows, rows.grid, found, used
        self._formats, self._format = _formats(rows)
        self._pairs, self.pair = _pairs(self.grid)
        self.market = market(catalog, scenario, self._pairs)
        # Thousands of configurations share a model in a format at an effort, or some GPUs.
        self._of_format, self._of_pair = cache(self._named), cache(self._sold)
        self._why_not_sold, self._usual = cache(self._not_sold), usual_billing(scenario.fleet_price_kind)
        self.hidden = hidden_costs(catalog, scenario.engineering_usd_per_month, owned=scenario.buys_gpus)
        self._judge()
        workload = scenario.workload(catalog)
        self.hours = FleetHours.of(workload, scenario.spare_replicas)
        self.modes = billings(scenario.fleet_price_kind, scenario.billing_modes)
        self.billed = self.market.billed(self.modes, self.hours, float(replica_start_s(catalog, 0.0)))
        self.start_s = replica_start_s(catalog, found.weights_gb)
        rates = np.stack([found.requests_per_s_p90, found.requests_per_s, found.requests_per_s_p10])
        peak, ceiling = workload.effective_peak_to_mean, scenario.utilisation_ceiling
        self.per_replica = queries_per_day_of_one_replica(rates, peak, ceiling)

    def _judge(self) -> None:
        """Work out quality and reasons: by model and format, by GPUs, by configuration."""
        catalog, scenario = self._catalog, self._scenario
        barred: list[list[str]] = []
        losses: list[float] = []
        for model_id, precision_id, effort in self._formats:
            model, standing = catalog.models[model_id], self._known[model_id, effort]
            loss = precision_loss(catalog, model, precision_id)[1]
            losses.append(loss)
            barred.append(
                [
                    *model_reasons(catalog, scenario, model, standing),
                    *task_reasons(scenario, standing, loss),
                ]
            )
        standings = [self._known[model_id, effort] for model_id, _, effort in self._formats]
        quality = _quality_columns(scenario, standings, losses)
        self._quality, self._losses = quality, losses
        self._barred, self._at_floor = barred, lru_cache(RECORDS_KEPT)(self._under_floor)
        self.quality = quality[:, self._format]
        unpriced = np.array([not sold for sold in self.market.sellers], bool)[self.pair]
        self._short = ~self.market.holds(1 + scenario.spare_replicas)
        unpriced |= self._short[self.pair]
        unable = ~(self._found.requests_per_s > 0)
        self.feasible = ~(np.array([bool(why) for why in barred], bool)[self._format] | unpriced | unable)

    def options(
        self, places: Places, option_ids: Sequence[str], modes: Sequence[Billing], floor: float
    ) -> list[Option]:
        """Return configurations as records under a quality floor, each under its id and with a way to pay its hours."""
        if not len(places):
            return []
        found, at, pair = self._found, self._format[places].tolist(), self.pair[places].tolist()
        rates = (found.requests_per_s_p90, found.requests_per_s, found.requests_per_s_p10)
        named, sold = [self._of_format(each) for each in at], [self._of_pair(each) for each in pair]
        judged, engine_ids = (
            [self._at_floor(each, floor) for each in at],
            self.grid.engine_id[places].tolist(),
        )
        ranks = {each: _engine_rank(self._catalog, each) for each in set(engine_ids)}
        return records_of(
            option_id=option_ids,
            kind=repeat(Kind.SELF_HOSTED),
            label=self._labels(named, sold, engine_ids, modes),
            reasons=self._reasons(places, [out for out, _ in judged], pair),
            source_ids=[
                tuple(dict.fromkeys((source, *sources)))
                for (_, source, _), (_, _, sources, _) in zip(named, sold, strict=True)
            ],
            engine_id=engine_ids,
            engine_rank=[ranks[each] for each in engine_ids],
            requests_per_s=zip(*(rate[places].tolist() for rate in rates), strict=True),
            billing_mode=modes,
            start_s=self.start_s[places].tolist(),
            measured_by=[point and point.source for point in (self._used[place] for place in places)],
            meets_floor=[meets for _, meets in judged],
            **_by_name([of_format for *_, of_format in named]),
            **_by_name([of_pair for *_, of_pair in sold]),
            **{name: getattr(found, name)[places].tolist() for name in OF_CAPACITY},
        )

    def _labels(
        self, named: Sequence[Any], sold: Sequence[Any], engine_ids: Sequence[str], modes: Sequence[Billing]
    ) -> list[str]:
        engines = {each: self._catalog.engines[each].name for each in set(engine_ids)}
        way = {mode: "" if mode is self._usual else f", {mode.label}" for mode in set(modes)}
        return [
            f"{name} on {gpus}, {engines[engine]}{paid or way[mode]}"
            for (name, *_), (gpus, paid, *_), engine, mode in zip(named, sold, engine_ids, modes, strict=True)
        ]

    def _reasons(
        self, places: Places, of_model: Sequence[tuple[str, ...]], pair: Sequence[int]
    ) -> list[tuple[str, ...]]:
        """Return what stands against configurations: against their model, their GPUs and what they serve."""
        able, unsold = (self._found.requests_per_s[places] > 0).tolist(), self._why_not_sold
        slow = [
            () if ok else (why,) for ok, why in zip(able, self._found.reason[places].tolist(), strict=True)
        ]
        return [out + unsold(at) + why for out, at, why in zip(of_model, pair, slow, strict=True)]

    def _under_floor(self, at: int, floor: float) -> tuple[tuple[str, ...], float | None]:
        model_id, _, effort = self._formats[at]
        standing, assured = self._known[model_id, effort], float(self._quality[-1, at])
        below, meets = _under_floor(floor, self._scenario, standing, assured, self._losses[at])
        return (*self._barred[at], *below), meets

    def _named(self, at: int) -> tuple[str, str, dict[str, Any]]:
        """Return what a model in a format at an effort is called, its source, and what all of its options have."""
        model_id, precision_id, effort = self._formats[at]
        model = self._catalog.models[model_id]
        at_effort = effort_label(self._scenario, self._catalog, model_id, effort)
        called = f"{model.name}{at_effort}, {self._catalog.precisions[precision_id].short_name}"
        return (
            called,
            model.source_id,
            {
                "model_id": model_id,
                "licence_id": model.licence_id,
                "precision_id": precision_id,
                "effort": effort,
                **_standing_of_option(
                    self._scenario,
                    self._known[model_id, effort],
                    self._quality[:, at].tolist(),
                    self._losses[at],
                ),
            },
        )

    def _sold(self, pair: int) -> tuple[str, str, tuple[str, ...], dict[str, Any]]:
        """Return what some GPUs are called, how they are paid but for hours, their sources, and what all options have."""
        gpu_id, n_gpus = self._pairs[pair]
        gpu, offers = self._catalog.gpus[gpu_id], self.market.offers(pair)
        bought = self.market.bought[pair] and not self._scenario.buys_gpus
        sources = (gpu.source_id, *(offer.source_id for offer in offers or ()))
        of_pair = {
            "gpu_id": gpu_id,
            "n_gpus": n_gpus,
            "offers": offers,
            "prices_as_of": offers[1].as_of if offers else None,
        }
        return f"{n_gpus}x {gpu.name}", ", bought" if bought else "", sources, of_pair

    def _not_sold(self, pair: int) -> tuple[str, ...]:
        if not self.market.sellers[pair]:
            return (why_no_offer(self._catalog, self._scenario, *self._pairs[pair]),)
        return ("a replica and its spares are more than the GPUs allowed or owned",) * int(self._short[pair])


OF_CAPACITY = (
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "concurrency",
    "max_concurrent_sequences",
    "weights_gb",
    "binding",
    "basis",
)
"""What a record takes as it is from what a replica serves."""


def _by_name(rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Any]]:
    """Return rows of the same names as columns."""
    return dict(zip(rows[0], zip(*(row.values() for row in rows), strict=True), strict=True))


@kept(1)
def _formats(rows: AtEfforts) -> tuple[list[Any], Places]:
    """Return the distinct models in a format at an effort, and which of them each configuration is."""
    return _numbered(rows.grid.model_id, rows.grid.precision_id, rows.effort)


@kept(1)
def _pairs(grid: Configurations) -> tuple[list[Any], Places]:
    """Return the distinct GPUs and their number, and which of them each configuration has."""
    return _numbered(grid.gpu_id, grid.n_gpus.astype(int))


def _numbered(*columns: npt.NDArray[Any]) -> tuple[list[Any], Places]:
    """Return the distinct rows of some columns, and which of them each row is."""
    seen: dict[Any, int] = {}
    rows = zip(*(column.tolist() for column in columns), strict=True)
    place = np.array([seen.setdefault(row, len(seen)) for row in rows], dtype=np.intp)
    return list(seen), place


def measurements_used(options: Options) -> str:
    """Return, as a sentence, how many options rest on the scenario's measurements, and why if none does."""
    asked = options.scenario
    file, used = Path(asked.measured_csv or "").name, sum(1 for item in options.items if item.measured_by)
    if used:
        return f"{used} option{'s' if used > 1 else ''} of {len(options)} rest on {file}, the others on predictions"
    return (
        f"no option rests on {file}: lengths must lie within {LENGTH_TOLERANCE:.0%} of "
        f"{asked.input_tokens:,.0f} + {asked.output_tokens:,.0f} tokens, on a replica that the scenario allows"
    )
