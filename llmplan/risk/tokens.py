"""How token ranges move prices and rates: prices exactly, rates between re-sized corners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.catalog.records import ReservedCapacity
from llmplan.cost.classes import Use, classes_of
from llmplan.cost.month import api_usd_per_query
from llmplan.options import Options, build_options
from llmplan.options.reserved import tokens_of_query
from llmplan.options.token_rows import priced
from llmplan.quality.variants import Lengths
from llmplan.replica import Configurations
from llmplan.replica.config import EngineSettings
from llmplan.risk.causes import to_range
from llmplan.scenario import Scenario

TOKEN_FIELDS = ("input_tokens", "output_tokens")
RATE_FIELDS = (*TOKEN_FIELDS, "cached_input_share")
"""Fields that the sizing model is run anew for."""


@dataclass(frozen=True, eq=False)
class TokenRates:
    """A replica's rate over its rate in the base case, on a grid of `RATE_FIELDS`.

    Attributes
    ----------
    axes: of each field, ascending; one value where no range is given.
    corners: (product of the axes, n); 0 where a replica cannot serve such queries.
    """

    axes: tuple[tuple[float, ...], ...]
    corners: Floats

    def take(self, places: npt.NDArray[np.int_]) -> TokenRates:
        return TokenRates(self.axes, self.corners[:, places])

    def at(self, fields: Mapping[str, Floats]) -> Floats:
        """Return the ratio (n, d), piecewise linear in logarithms; 0 beside a corner that cannot serve. (8.4)"""
        draws = len(fields[RATE_FIELDS[0]])
        weights = np.ones((1, draws))
        for name, axis in zip(RATE_FIELDS, self.axes, strict=True):
            weights = (weights[:, None] * _weights(axis, fields[name])).reshape(-1, draws)
        served = self.corners > 0
        logs = np.log(np.where(served, self.corners, 1.0))
        lost = np.einsum("cn,cd->nd", ~served * 1.0, (weights > 0) * 1.0) > 0
        return np.where(lost, 0.0, np.exp(np.einsum("cn,cd->nd", logs, weights)))


def _weights(axis: tuple[float, ...], values: Floats) -> Floats:
    """Return the weights (axis, d) of interpolation, linear in the logarithm of tokens and in a share."""
    if len(axis) == 1:
        return np.ones((1, len(values)))
    inside = np.clip(values, axis[0], axis[-1])
    logs, x = (np.asarray(axis), inside) if axis[-1] <= 1 else (np.log(axis), np.log(inside))
    unit = np.eye(len(axis))
    return np.array([np.interp(x, logs, unit[i]) for i in range(len(axis))])


def token_rates(options: Options, catalog: Catalog, given: Mapping[str, tuple[float, ...]]) -> TokenRates:
    """Return the rates at low, base and high of each token range: the sizing model is run at each corner."""
    scenario = options.scenario
    axes = {field: _axis(scenario, field, given) for field in RATE_FIELDS}
    rows = []
    for tokens in product(*axes.values()):
        changes = dict(zip(RATE_FIELDS, tokens, strict=True))
        if all(value == getattr(scenario, field) for field, value in changes.items()):
            rows.append(np.ones(len(options)))
        else:
            rows.append(_ratios(options, catalog, with_tokens(scenario, **changes)))
    return TokenRates(tuple(axes.values()), np.array(rows))


def _axis(scenario: Scenario, field: str, given: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
    point = float(getattr(scenario, field))
    spread = to_range(given.get(field), point)
    return tuple(sorted({spread.low, spread.mode, spread.high, point}))


def with_tokens(scenario: Scenario, **tokens: float) -> Scenario:
    """Return the scenario with other mean tokens; a 95th percentile moves in proportion."""
    changes: dict[str, float] = dict(tokens)
    for field, value in tokens.items():
        p95 = getattr(scenario, f"{field}_p95", None)
        if p95 is not None:
            changes[f"{field}_p95"] = p95 * value / getattr(scenario, field)
    return scenario.but(**changes)


def _ratios(options: Options, catalog: Catalog, scenario: Scenario) -> Floats:
    """Return each option's rate in another scenario over its rate here; 0 where it cannot serve there."""
    there = resized(options, catalog, scenario)
    rate = {}
    if there is not None:
        for place, item in enumerate(there.items):
            rate[item.option_id] = float(there.per_replica[1, place])
    found = np.ones(len(options))
    for place, item in enumerate(options.items):
        if item.has_fleet and options.per_replica[1, place] > 0:
            found[place] = rate.get(item.weak_id or item.option_id, 0.0) / options.per_replica[1, place]
        elif item.reserved is not None and item.lengths is not None:
            found[place] = _unit_ratio(item.reserved, item.lengths, options.scenario, scenario)
    return found


def _unit_ratio(row: ReservedCapacity, lengths: Lengths, here: Scenario, there: Scenario) -> float:
    """Return how much more queries a unit of reserved capacity carries where they have other tokens. (7.19)"""
    other = lengths._replace(
        input=lengths.input * there.input_tokens / here.input_tokens,
        output=lengths.output * there.output_tokens / here.output_tokens,
    )
    now, then = (
        tokens_of_query(row, lengths, here.cached_input_share),
        tokens_of_query(row, other, there.cached_input_share),
    )
    return float(now / then)


def resized(options: Options, catalog: Catalog, scenario: Scenario) -> Options | None:
    """Return the configurations of `options` worked out anew for another scenario; None without any."""
    own = [item for item in options.items if item.engine_id is not None]
    if not own:
        return None
    configs = [item.replica_config(EngineSettings.of(scenario)) for item in own]
    return build_options(
        scenario, catalog, Configurations.from_configs(catalog, list(dict.fromkeys(configs)))
    )


def token_usd_per_query(
    options: Options, catalog: Catalog, fields: Mapping[str, Floats], spent: Sequence[Floats | float]
) -> Floats:
    """Return each option's token price of a query (n, d) at the drawn tokens and shares; 0 for self-hosting.

    spent: output tokens over those expected of the model that is paid for, by option.
    """
    scenario, draws = options.scenario, len(fields["input_tokens"])
    found = np.zeros((len(options), draws))
    names = (*TOKEN_FIELDS, "cached_input_share", "batch_share")
    now: dict[str, Any] = {name: float(getattr(scenario, name)) for name in names}
    fixed = all(np.ptp(fields[name]) == 0 and fields[name][0] == now[name] for name in names)
    paid = [(place, item) for place, item in enumerate(options.items) if item.api_id is not None]
    found[[place for place, _ in paid]] = options.usd_per_query[[place for place, _ in paid], None]
    drawn = [
        (place, item.api_id or "", item.lengths)
        for place, item in paid
        if item.lengths is not None and not (fixed and isinstance(spent[place], float))
    ]
    if not drawn:
        return found
    places, api_ids, lengths = (list(column) for column in zip(*drawn, strict=True))
    use = Use.of(scenario, catalog)
    price = classes_of([priced(catalog.api(api_id), scenario) for api_id in api_ids], use).as_columns
    more_in = np.array([[each.input] for each in lengths]) / now["input_tokens"]
    more_out = np.array([[each.output] for each in lengths]) / now["output_tokens"]
    factor = np.stack([np.broadcast_to(np.asarray(spent[place], float), (draws,)) for place in places])

    def usd_per_query(values: Mapping[str, Any], factor: Floats | float) -> Floats:
        tokens_in, tokens_out = more_in * values["input_tokens"], more_out * values["output_tokens"] * factor
        return api_usd_per_query(
            price, tokens_in, tokens_out, values["cached_input_share"], values["batch_share"], use
        )

    base = usd_per_query(now, 1.0)
    over = np.divide(found[places], base, out=np.zeros_like(found[places]), where=base > 0)
    found[places] = usd_per_query(fields, factor) * over
    return found
