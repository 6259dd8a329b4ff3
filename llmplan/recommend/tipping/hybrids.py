"""Inputs whose tipping points are sought where a hybrid is the cheapest: its split is chosen anew at every value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from llmplan.catalog import Catalog
from llmplan.kinds import Kind
from llmplan.options import Option, Options
from llmplan.options.hybrid import Hybrid, find_hybrids, hybrid_row
from llmplan.recommend.tipping.expected import expected_ranges
from llmplan.recommend.tipping.inputs import Best, Input, cheapest
from llmplan.recommend.tipping.load import load_inputs, plain_floor, plain_volume
from llmplan.recommend.tipping.prices import price_inputs
from llmplan.risk.hybrid import BestHybrid
from llmplan.risk.pruning import can_win, features_of

VALUES = 49
"""Values tried over an input's range."""
CLOSE = 1e-5
"""Both sides of a tipping point are told apart to this share of it."""


def hybrid_inputs(best: BestHybrid, catalog: Catalog) -> list[Input]:
    """Return volume, prices, load, fleet rules, hidden costs and the quality floor; tokens are not sought.

    Parameters
    ----------
    best: the hybrid that is the cheapest in the base case, among the options that it was found in.
    """
    options = best.options
    few = _contenders(options)
    scales = [row for row in price_inputs(few, catalog) if not row.input_id.startswith("price_scale:")]
    rows = [plain_volume(few), *scales, *load_inputs(few, catalog), plain_floor(few)]
    own_and_apis = [*np.flatnonzero(options.is_api), best.hybrid.weak]
    expected = expected_ranges(options.take(own_and_apis), catalog)
    return [
        replace(
            row,
            choose=cheapest_of_all,
            grid=_grid(row),
            exact=False,
            tolerance=CLOSE,
            expected=expected.get(row.input_id),
        )
        for row in rows
    ]


def cheapest_of_all(options: Options) -> Best:
    """Return the cheapest option that meets the scenario's quality floor, hybrids among them, and its cost.

    options: all that nothing but the quality floor keeps out.
    """
    scenario = options.scenario
    item, usd = cheapest(options.take(np.flatnonzero(options.quality >= scenario.quality_floor)))
    hybrids = find_hybrids(options, scenario.queries_per_day, scenario.quality_floor)
    if not hybrids or not hybrids[0].found.monthly_usd_base < usd:
        return item, usd
    return _as_option(options, hybrids[0]), hybrids[0].found.monthly_usd_base


def _as_option(options: Options, hybrid: Hybrid) -> Option:
    row = hybrid_row(options, hybrid)
    names = ("option_id", "label", "model_id", "quality", "reasons")
    return Option(
        **{name: row[name] for name in (*names, "licence_id", "source_ids", "prices_as_of")},
        kind=Kind.HYBRID,
        basis=row["basis"],
    )


def _contenders(options: Options) -> Options:
    """Return every API, and of each model and format the fleets that none other of it is always cheaper than."""
    own = np.flatnonzero(~options.is_api & (options.per_replica[1] > 0))
    part = options.take(own)
    rents = np.tile(part.usd_per_instance_month[1], (4, 1))
    features = features_of(
        part.per_replica[1:2], rents, part.replicas_per_instance[1], part.gpus_per_instance[1]
    )
    keep = can_win(features, [f"{item.model_id}@{item.precision_id}" for item in part.items])
    return options.take([*np.flatnonzero(options.is_api), *own[keep]])


def _grid(row: Input) -> tuple[float, ...]:
    """Return the values to try, ascending: spaced in the logarithm where the range allows it."""
    spaced = np.geomspace if row.low > 0 else np.linspace
    values = np.unique([*spaced(row.low, row.high, VALUES), row.low, row.high])
    return tuple(np.unique(np.round(values)) if row.whole else values)
