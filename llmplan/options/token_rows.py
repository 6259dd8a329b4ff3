"""Token prices as rows of the table of options: what queries cost there, and why some are out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import ApiPrice, Catalog, Model, OtherModel
from llmplan.cost.classes import Use, classes_of
from llmplan.cost.month import api_usd_per_query
from llmplan.kinds import Kind
from llmplan.options.constraints import (
    answer_reasons,
    api_reasons,
    context_of,
    context_reasons,
)
from llmplan.options.rows import RECORDS_KEPT, Option
from llmplan.options.standing import (
    effort_label,
    lengths_of,
    needed_context_tokens,
    prices_at_efforts,
    standings_of,
)
from llmplan.options.standing_columns import quality_columns, standing_of_option, under_floor
from llmplan.quality.variants import Lengths, ModelAtEffort, Standing
from llmplan.scenario import Scenario


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


class TokenRows:
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
        quality = quality_columns(scenario, self._standings, [0.0] * len(rows.models))
        self.quality = quality[:, rows.model]
        self._assured = quality[-1].tolist()
        # Prices share a model at an effort, as thousands of configurations do one in a format.
        self._standing = cache(
            lambda at: standing_of_option(scenario, self._standings[at], quality[:, at].tolist())
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
        return under_floor(floor, self._scenario, self._standings[at], self._assured[at])

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
