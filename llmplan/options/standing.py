"""What each model at an effort is to a scenario: its quality against today's, and the tokens of a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from llmplan.arrays import Places, Texts
from llmplan.catalog import ApiPrice, Catalog
from llmplan.catalog.cache import kept
from llmplan.errors import UnknownNameError
from llmplan.quality.tables import names
from llmplan.quality.variants import (
    Lengths,
    ModelAtEffort,
    Standing,
    Today,
    default_effort,
    scored_models,
    standings,
)
from llmplan.scenario import Scenario


def effort_today(scenario: Scenario) -> str | None:
    """Return the effort of today's model as the fit calls it; None: its vendor's default."""
    return "none" if scenario.reference_effort == "off" else scenario.reference_effort


def today_id(scenario: Scenario, catalog: Catalog) -> str:
    """Return the id of the option that runs today."""
    api = catalog.api(scenario.reference_api_id)
    effort = effort_today(scenario) or default_effort(catalog, api.model_id)
    return with_effort(api.api_id, catalog, api.model_id, effort)


def today_of(scenario: Scenario, catalog: Catalog, at_shared: bool = False) -> Today:
    """Return what the scenario compares with: the model and effort that run today, on its tasks.

    at_shared: for endpoints that serve a model as its maker made it: what is said of a fine-tune says nothing there.
    """
    own = scenario.model_quality
    if at_shared:
        own = tuple((model_id, share) for model_id, share in own if model_id not in scenario.own_weights)
    equal = scenario.token_basis == "equal"
    return Today(
        catalog.api(scenario.reference_api_id).model_id,
        effort_today(scenario),
        scenario.task_mix,
        own,
        equal,
        None if equal else scenario.output_tokens,
        scenario.text_kind,
    )


def efforts_of(
    scenario: Scenario, catalog: Catalog, model_id: str, bound_to: str | None = None
) -> tuple[str, ...]:
    """Return the efforts at which a model is an option, its vendor's default first; where all spend alike, that alone.

    bound_to: the effort of a price that is sold at one alone.
    """
    return _efforts(catalog, _asked(scenario, catalog), model_id, bound_to)


class _Asked(NamedTuple):
    """What a scenario says of the prices and efforts that it compares."""

    api_ids: tuple[str, ...]
    model_ids: tuple[str, ...]
    given: frozenset[str]
    own_weights: tuple[str, ...]
    equal_tokens: bool
    today: tuple[str, str | None]


def _asked(scenario: Scenario, catalog: Catalog) -> _Asked:
    today = catalog.api(scenario.reference_api_id).model_id
    given = frozenset({*dict(scenario.model_quality), today})
    equal = scenario.token_basis == "equal"
    named = (scenario.api_ids, scenario.model_ids, given, scenario.own_weights)
    return _Asked(*named, equal, (today, effort_today(scenario)))


def _efforts(catalog: Catalog, asked: _Asked, model_id: str, bound_to: str | None = None) -> tuple[str, ...]:
    if bound_to:
        return (bound_to,)
    efforts = names(catalog).efforts_of(model_id)
    if asked.equal_tokens:
        efforts = efforts[:1]
    of, today = asked.today
    return efforts if today is None or of != model_id else tuple(dict.fromkeys((*efforts, today)))


def compared_prices(scenario: Scenario, catalog: Catalog) -> tuple[ApiPrice, ...]:
    """Return the token prices that are options: all that the scenario names, or where it names none all of a known quality.

    Where the scenario names models, only those open ones are hosted.
    A model of which nobody has published a score, and that is no model of data/models.csv, is compared where the
    scenario names its price, gives its quality or runs it today, or where its price is the user's own. Prices of
    fine-tunes are compared where it has such weights.
    """
    return _compared_prices(catalog, _asked(scenario, catalog))


@kept(8)
def _compared_prices(catalog: Catalog, asked: _Asked) -> tuple[ApiPrice, ...]:
    if asked.api_ids:
        return tuple(price for price in catalog.apis.values() if price.api_id in asked.api_ids)
    let_in = (
        price
        for price in catalog.apis.values()
        if (not asked.model_ids or price.kind != "hosted_open" or price.model_id in asked.model_ids)
        and (price.api_id not in catalog.fine_tune_apis or price.model_id in asked.own_weights)
    )
    return tuple(
        price
        for price in let_in
        if price.model_id in asked.given
        or price.api_id in catalog.own_apis
        or is_known(catalog, price.model_id)
    )


@dataclass(frozen=True, eq=False)
class PricesAtEfforts:
    """Token prices, each once for every effort of its model.

    Attributes
    ----------
    prices: those that are compared. price: (n,) which of them each row is.
    models: the models at an effort among them, and whether the price is for a fine-tune.
    model: (n,) which of those each row is.
    option_ids: of the rows.
    """

    prices: tuple[ApiPrice, ...]
    price: Places
    models: tuple[tuple[str, str, bool], ...]
    model: Places
    option_ids: tuple[str, ...]

    def column(self, of_price: Callable[[ApiPrice], Any]) -> Texts:
        """Return what each row's price says."""
        return np.array([of_price(price) for price in self.prices], dtype=object)[self.price]

    @property
    def effort(self) -> Texts:
        """(n,) at which each row is asked."""
        return np.array([effort for _, effort, _ in self.models], dtype=object)[self.model]


def prices_at_efforts(scenario: Scenario, catalog: Catalog) -> PricesAtEfforts:
    """Return the token prices that are options, at each effort of their models."""
    return _prices_at_efforts(catalog, _asked(scenario, catalog))


@kept(8)
def _prices_at_efforts(catalog: Catalog, asked: _Asked) -> PricesAtEfforts:
    prices = _compared_prices(catalog, asked)
    rows = [
        (place, (price.model_id, effort, price.api_id in catalog.fine_tune_apis))
        for place, price in enumerate(prices)
        for effort in _efforts(catalog, asked, price.model_id, price.effort)
    ]
    number = {model: i for i, model in enumerate(dict.fromkeys(model for _, model in rows))}
    return PricesAtEfforts(
        prices,
        np.array([place for place, _ in rows], np.intp),
        tuple(number),
        np.array([number[model] for _, model in rows], np.intp),
        tuple(with_effort(prices[place].api_id, catalog, *model[:2]) for place, model in rows),
    )


@kept(2048)
def is_known(catalog: Catalog, model_id: str) -> bool:
    """Say whether a model's quality rests on more than its name: it is described in models.csv, or was scored."""
    return model_id in catalog.models or names(catalog).variant(model_id).model in scored_models(catalog)


def standings_of(
    scenario: Scenario, catalog: Catalog, at_shared: bool = False
) -> Mapping[ModelAtEffort, Standing]:
    """Return every model that is compared at each of its efforts against what runs today; at_shared as in `today_of`."""
    models = _models(catalog, _asked(scenario, catalog))
    return standings(catalog, models, today_of(scenario, catalog, at_shared))


@kept(8)
def _models(catalog: Catalog, asked: _Asked) -> tuple[ModelAtEffort, ...]:
    """Return every model that is compared at each of its efforts, and at those that prices are sold at."""
    prices = _compared_prices(catalog, asked)
    model_ids = sorted({*(price.model_id for price in prices), *catalog.models})
    found = [(m, effort) for m in model_ids for effort in _efforts(catalog, asked, m)]
    sold = ((price.model_id, price.effort) for price in prices if price.effort)
    return tuple(dict.fromkeys((*found, *sold)))


def standing_of(scenario: Scenario, catalog: Catalog, model_id: str, effort: str | None = None) -> Standing:
    """Return one model at an effort (None: its vendor's default) against what runs today, on GPUs of one's own."""
    asked = (model_id, effort or default_effort(catalog, model_id))
    return standings(catalog, (asked,), today_of(scenario, catalog))[asked]


def standing_at(scenario: Scenario, catalog: Catalog, price: ApiPrice, effort: str | None = None) -> Standing:
    """Return what answers at a token price, at an effort (None: its vendor's default), against what runs today."""
    asked = (price.model_id, effort or default_effort(catalog, price.model_id))
    at_shared = price.api_id not in catalog.fine_tune_apis
    return standings(catalog, (asked,), today_of(scenario, catalog, at_shared))[asked]


def lengths_of(scenario: Scenario, standing: Standing) -> Lengths:
    """Return the tokens of a mean query, its images among the input."""
    lengths = standing.lengths(scenario.input_tokens, scenario.output_tokens)
    return lengths._replace(input=lengths.input + scenario.image_tokens)


def needed_context_tokens(scenario: Scenario, standing: Standing | None = None) -> float:
    """Return the context that one query needs: its tokens at the 95th percentile, or the stated minimum.

    standing: of the model that reads and writes them; None: today's.
    """
    tokens_in = scenario.input_tokens_p95 or scenario.input_tokens
    tokens_out = scenario.output_tokens_p95 or scenario.output_tokens
    if standing is not None:
        tokens_in, tokens_out, _ = standing.lengths(tokens_in, tokens_out)
    return max(float(scenario.min_context_tokens), tokens_in + scenario.image_tokens + tokens_out)


def fleet_context_tokens(scenario: Scenario, standing: Standing) -> float:
    """Return the longest sequence that an engine must take: what a query needs, or what it is started with."""
    return max(needed_context_tokens(scenario, standing), float(scenario.max_model_len or 0))


def effort_label(scenario: Scenario, catalog: Catalog, model_id: str, effort: str) -> str:
    """Return what stands behind a model's name: its effort, where it has several or is sold at another; else nothing."""
    if names(catalog).efforts_of(model_id) == (effort,) or scenario.token_basis == "equal":
        return ""
    return f", {effort_name(effort)}"


def effort_name(effort: str) -> str:
    """Return an effort in words."""
    return {"none": "thinking off", "thinking": "thinking"}.get(effort, f"{effort} effort")


def with_effort(option_id: str, catalog: Catalog, model_id: str, effort: str) -> str:
    """Return an option's id: at another effort than the vendor's default it says so behind an @."""
    return option_id if effort == default_effort(catalog, model_id) else f"{option_id}@{effort}"


def price_at_effort(scenario: Scenario, catalog: Catalog, option_id: str) -> tuple[ApiPrice, str]:
    """Return the token price of an option's id and the effort at which it is asked.

    Without an effort behind the id it is today's where the price is what runs today, else the one that the price is
    sold at, else its vendor's default.

    Raises UnknownNameError for an unknown price, and for an effort that is no option there.
    """
    api_id, _, asked = option_id.partition("@")
    price = catalog.api(api_id)
    offered = efforts_of(scenario, catalog, price.model_id, price.effort)
    if asked and asked not in offered:
        raise UnknownNameError("effort", asked, offered)
    today = effort_today(scenario) if api_id == scenario.reference_api_id else None
    return price, asked or today or offered[0]
