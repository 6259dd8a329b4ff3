"""Costs over volumes: curves of chosen options, and the map of volume and model size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.options.comparison import options_of
from llmplan.options.table import Options
from llmplan.scenario import Scenario, under_catalog

VOLUME_LOW, VOLUME_HIGH = 100.0, 10_000_000.0


def volume_axis(points: int = 200) -> Floats:
    """Return volumes in queries/day, 100 to 10 million, evenly spaced in the logarithm."""
    return np.geomspace(VOLUME_LOW, VOLUME_HIGH, points)


@dataclass(frozen=True)
class Curves:
    """Monthly cost of options over volumes: monthly_usd is (3, n, v), low/base/high, low <= base <= high."""

    queries_per_day: Floats
    options: Options
    monthly_usd: Floats


def cost_curves(
    scenario: Scenario,
    option_ids: Sequence[str],
    queries_per_day: Floats,
    catalog: Catalog | None = None,
    options: Options | None = None,
) -> Curves:
    """Return the cost curves of some options; KeyError for an unknown option id."""
    options = options or options_of(scenario, catalog)
    chosen = options.take([options.index(option_id) for option_id in option_ids])
    usd = chosen.monthly_usd(queries_per_day)
    return Curves(queries_per_day, chosen, np.stack([usd.min(axis=0), usd[1], usd.max(axis=0)]))


@dataclass(frozen=True)
class DecisionMap:
    """For each open model (row) and volume (column): the cheapest way to get at least its quality.

    Attributes
    ----------
    model_ids: rows, by total parameters; total_params_b beside them.
    queries_per_day: columns (v,).
    kind: (rows, v) 0 API, 1 hosted open model, 2 self-hosted, -1 nothing feasible.
    option_place: (rows, v) the cheapest option's place, -1 for none.
    monthly_usd: (rows, v) its base cost.
    saving: (rows, v) 1 - cheapest self-hosted / cheapest token price; negative: self-hosting is dearer.
    unrivalled: (rows,) True where no token price is known to reach the model's quality: self-hosting it is
        then the only way, not the cheaper one.
    """

    model_ids: tuple[str, ...]
    total_params_b: Floats
    queries_per_day: Floats
    options: Options
    kind: npt.NDArray[np.int_]
    option_place: npt.NDArray[np.int_]
    monthly_usd: Floats
    saving: Floats
    unrivalled: npt.NDArray[np.bool_]


def decision_map(
    scenario: Scenario,
    queries_per_day: Floats,
    catalog: Catalog | None = None,
    options: Options | None = None,
) -> DecisionMap:
    """Return the cheapest option by model size and volume at equal quality.

    A row's candidates: self-hosting that model, the same model hosted, and every feasible API whose known
    quality is at least the model's (any feasible API where the model's own is not known).
    """
    scenario, catalog = under_catalog(scenario, catalog)
    options = options or options_of(scenario, catalog)
    feasible = np.flatnonzero(options.feasible)
    usd = options.monthly_usd(queries_per_day, sides=(1,))[0]
    items = options.items
    at_home = _places_by_model(options, feasible, "self_hosted")
    hosted = _places_by_model(options, feasible, "hosted")
    apis = [i for i in feasible if items[i].kind == "api"]
    models = sorted(at_home, key=lambda m: (catalog.models[m].total_params_b, m))
    shape = (len(models), len(queries_per_day))
    kind, place = np.full(shape, -1), np.full(shape, -1)
    best, saving = np.full(shape, np.inf), np.full(shape, np.nan)
    unrivalled = np.zeros(shape[0], bool)
    for row, model_id in enumerate(models):
        own = at_home[model_id]
        quality = max((items[i].quality or 0.0) for i in own)
        as_good = [i for i in apis if quality <= 0 or (items[i].quality or 0.0) >= quality]
        token = [*hosted.get(model_id, []), *as_good]
        every = np.array([*token, *own])
        every = every[np.argsort(options.preference[every])]
        unrivalled[row] = not token
        at = np.argmin(usd[every], axis=0)
        place[row] = every[at]
        best[row] = usd[every][at, np.arange(shape[1])]
        kind[row] = [items[i].kind.order for i in place[row]]
        if token:
            saving[row] = 1 - usd[own].min(axis=0) / usd[token].min(axis=0)
    sizes = np.array([catalog.models[m].total_params_b for m in models])
    return DecisionMap(tuple(models), sizes, queries_per_day, options, kind, place, best, saving, unrivalled)


def _places_by_model(options: Options, places: npt.NDArray[np.int_], kind: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place in places:
        if options.items[place].kind == kind:
            found.setdefault(options.items[place].model_id, []).append(int(place))
    return found
