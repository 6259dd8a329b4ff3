"""The table of a scenario's options: token prices and fleets put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from llmplan.arrays import Bools, Floats, Places, Texts
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.cost.billing import Billing, usual_billing
from llmplan.kinds import Kind
from llmplan.options.configurations import AtEfforts, sized_or_measured
from llmplan.options.fleet_rows import FleetRows, engine_rank_of
from llmplan.options.rows import RECORDS_KEPT, Option, Rows, made_once
from llmplan.options.standing import (
    PricesAtEfforts,
    standings_of,
    with_effort,
)
from llmplan.options.table import Options
from llmplan.options.token_rows import TokenRows, kind_of
from llmplan.replica import Configurations
from llmplan.scenario import Affects, Scenario, check_ids, leaving_out


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
def _token_rows(catalog: Catalog, scenario: Scenario) -> TokenRows:
    return TokenRows(catalog, scenario, standings_of(scenario, catalog))


@kept(2)
def _fleet_rows(catalog: Catalog, scenario: Scenario, configurations: Configurations | None) -> FleetRows:
    known = standings_of(scenario, catalog)
    return FleetRows(catalog, scenario, known, *sized_or_measured(catalog, scenario, configurations))


def _joined(catalog: Catalog, scenario: Scenario, tokens: TokenRows, fleets: FleetRows) -> Options:
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
    ranks = {engine_id: engine_rank_of(catalog, engine_id) for engine_id in set(grid.engine_id)}
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
