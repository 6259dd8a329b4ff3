"""Which self-hosted configurations are worth asking about, before any of them is sized."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np

from llmplan.arrays import Bools, Floats, Places, Texts
from llmplan.catalog import Catalog, Gpu, Model, Precision
from llmplan.catalog.cache import kept
from llmplan.measurements import (
    MeasuredPoint,
    apply_measured,
    learnt,
    read_points_of,
    resting_points,
    with_measured,
)
from llmplan.options.offers import sold_rows
from llmplan.options.standing import efforts_of, fleet_context_tokens, lengths_of, standings_of
from llmplan.quality.variants import Lengths, ModelAtEffort
from llmplan.replica import Capacity, Configurations, ReplicaConfig, capacity
from llmplan.replica.capacity import sequences_in_memory, thinks_too_long
from llmplan.replica.config import EngineSettings
from llmplan.replica.memory import weights_gb
from llmplan.replica.reuse import PromptCache, reuse_rule
from llmplan.scenario import Scenario
from llmplan.units import GB_PER_GIB

Names = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]

GPU_COUNTS = (1, 2, 4, 8)
PIECE, PIECE_AT_RANDOM = 8192, 1024
"""Configurations sized at once; for a percentile each at all of its loads."""
SHARE_FOR_WEIGHTS = 0.9
"""Share of a card up to which weights may fill it when formats are chosen."""
MOST_TIMES_SMALLEST = 4
"""Replicas of more GPUs than this times the fewest that fit are left out."""


@dataclass(frozen=True, eq=False)
class AtEfforts:
    """Configurations, each once for every effort of its model.

    Attributes
    ----------
    grid: configurations, each once or more. effort: (n,) at which the model is asked.
    models: the models at an effort among them. model: (n,) which of them each row is.
    """

    grid: Configurations
    effort: Texts
    models: tuple[ModelAtEffort, ...]
    model: Places

    def __len__(self) -> int:
        return len(self.grid)


def self_hosted_grid(catalog: Catalog, scenario: Scenario) -> Configurations:
    """Return the configurations worth sizing: supported, of a useful format, priced, of a useful size.

    A model, format and GPU that fit at no size keep one row, at the largest size, so that the table says so.
    """
    names, known = _ids(catalog, scenario), standings_of(scenario, catalog)
    least = tuple(
        min(
            fleet_context_tokens(scenario, known[model_id, effort])
            for effort in efforts_of(scenario, catalog, model_id)
        )
        for model_id in names[0]
    )
    return _useful(catalog, names, least, EngineSettings.of(scenario))


def sized(
    catalog: Catalog, scenario: Scenario, configurations: Configurations | None = None
) -> tuple[AtEfforts, Capacity]:
    """Return the configurations (the scenario's grid when none are given) and what one replica of each serves.

    Scenarios that ask for the same tokens, targets and hardware share one sizing. Where every query may wait,
    no latency target holds. (4.6)
    """
    rows = at_efforts(catalog, scenario, configurations)
    every = standings_of(scenario, catalog)
    known = [every[model] for model in rows.models]
    lengths = tuple(lengths_of(scenario, standing) for standing in known)
    contexts = tuple(fleet_context_tokens(scenario, standing) for standing in known)
    limits = (
        scenario.ttft_limit_ms,
        scenario.tpot_limit_ms,
        scenario.latency_percentile,
        scenario.answer_limit_ms,
    )
    asked = limits if scenario.batch_share < 1 else (None, None, None, None)
    if configurations is not None:
        return rows, _capacity(rows, lengths, contexts, *asked, PromptCache.of(scenario))
    if asked[0] is not None and asked[2] is None:
        rows = _part(rows, _kept_places(rows, _thinking_too_long(rows, lengths, asked[0])).tobytes())
    found = _capacity(rows, lengths, contexts, *asked, PromptCache.of(scenario))
    late = found.fits & ~(found.requests_per_s > 0) & found.thinks
    keep = _kept_places(rows, late)
    return _part(rows, keep.tobytes()), Capacity(
        **{f.name: getattr(found, f.name)[keep] for f in fields(Capacity)}
    )


def _kept_places(rows: AtEfforts, late: Bools) -> Places:
    """Return the places of replicas but for the late ones; of each model the first of these stays, to say so."""
    told = np.flatnonzero(late)[np.unique(rows.model[late], return_index=True)[1]]
    return np.sort(np.concatenate([np.flatnonzero(~late), told])).astype(np.intp)


@kept(4)
def _part(rows: AtEfforts, keep: bytes) -> AtEfforts:
    """Return the rows at some places: the same ones while a slider moves, with what was worked out from them."""
    places = np.frombuffer(keep, np.intp)
    if len(places) == len(rows):
        return rows
    return AtEfforts(rows.grid.take(places), rows.effort[places], rows.models, rows.model[places])


@kept(6)
def _thinking_too_long(rows: AtEfforts, lengths: tuple[Lengths, ...], ttft_limit_ms: float) -> Bools:
    """Say which replicas no load lets answer in time, since their model thinks for longer, in pieces as `_capacity`."""
    each = np.array(lengths, float).reshape(-1, 3)[rows.model]
    late = np.zeros(len(rows), bool)
    for piece, replicas in _pieces(rows, np.flatnonzero(each[:, 2] > 0).tobytes(), PIECE):
        tokens_in, tokens_out, reasoning = each[piece].T
        late[piece] = thinks_too_long(replicas, tokens_in, tokens_out, reasoning, ttft_limit_ms)
    return late


@kept(2)
def _pieces(rows: AtEfforts, places: bytes, size: int) -> Sequence[tuple[Places, Configurations]]:
    """Return the rows at some places in pieces that stay in the processor's cache, of one piece at least.

    While a slider moves they are the same ones, with the columns and constants that were looked up.
    """
    at = np.frombuffer(places, np.intp)
    pieces = [at[start : start + size] for start in range(0, max(len(at), 1), size)]
    return [(piece, rows.grid.take(piece)) for piece in pieces]


def at_efforts(
    catalog: Catalog, scenario: Scenario, configurations: Configurations | None = None
) -> AtEfforts:
    """Return configurations (the scenario's grid when none are given) at the efforts of their models."""
    grid = self_hosted_grid(catalog, scenario) if configurations is None else configurations
    model_ids = dict.fromkeys(grid.model_id)
    return _at_efforts(grid, tuple((m, efforts_of(scenario, catalog, m)) for m in model_ids))


@kept(2)
def _at_efforts(grid: Configurations, efforts: tuple[tuple[str, tuple[str, ...]], ...]) -> AtEfforts:
    models = tuple((model_id, effort) for model_id, some in efforts for effort in some)
    place = {model: i for i, model in enumerate(models)}
    by_model = {model_id: [place[model_id, effort] for effort in some] for model_id, some in efforts}
    rows = np.repeat(np.arange(len(grid)), [len(by_model[m]) for m in grid.model_id]).astype(np.intp)
    model = np.array([p for m in grid.model_id for p in by_model[m]], dtype=np.intp)
    effort = np.array([models[p][1] for p in model], dtype=object)
    return AtEfforts(grid if len(rows) == len(grid) else grid.take(rows), effort, models, model)


@kept(6)
def _capacity(
    rows: AtEfforts,
    lengths: tuple[Lengths, ...],
    contexts: tuple[float, ...],
    ttft_limit_ms: float | None,
    tpot_limit_ms: float | None,
    latency_percentile: float | None,
    answer_limit_ms: float | None,
    cached: PromptCache,
) -> Capacity:
    """Size the grid in pieces that stay in the processor's cache."""
    reuse = reuse_rule(rows.grid.catalog, cached)
    tokens_in, tokens_out, reasoning = np.array(lengths, float).reshape(-1, 3)[rows.model].T
    context = np.array(contexts, float)[rows.model]
    size = PIECE if latency_percentile is None else PIECE_AT_RANDOM
    pieces = [
        capacity(
            replicas,
            tokens_in[piece],
            tokens_out[piece],
            ttft_limit_ms,
            tpot_limit_ms,
            context[piece],
            latency_percentile=latency_percentile,
            reasoning_tokens=reasoning[piece],
            reuse=reuse,
            answer_limit_ms=answer_limit_ms,
        )
        for piece, replicas in _pieces(rows, np.arange(len(rows), dtype=np.intp).tobytes(), size)
    ]
    return Capacity(
        **{f.name: np.concatenate([getattr(p, f.name) for p in pieces]) for f in fields(Capacity)}
    )


def _ids(catalog: Catalog, scenario: Scenario) -> Names:
    offered = tuple(m.model_id for m in catalog.models.values() if m.status != "measured only")
    return (
        scenario.model_ids or offered,
        scenario.precision_ids,
        scenario.gpu_ids or _priced_gpus(catalog, scenario),
        scenario.engine_ids or catalog.preferred_engines,
    )


@kept(2)
def _useful(
    catalog: Catalog, names: Names, context_tokens: tuple[float, ...], settings: EngineSettings
) -> Configurations:
    """Return the grid's useful sizes; context_tokens: by model, in the order of the names."""
    grid = _supported(catalog, *names, settings)
    needed = dict(zip(names[0], context_tokens, strict=True))
    context = np.array([needed[model_id] for model_id in grid.model_id], float)
    return _taken(grid, _useful_sizes(grid, context).tobytes()) if len(grid) else grid


@kept(2)
def _taken(grid: Configurations, places: bytes) -> Configurations:
    """Return the grid's configurations at some places: the same ones while a slider moves."""
    return grid.take(np.frombuffer(places, np.intp))


@kept(32)
def _supported(
    catalog: Catalog,
    model_ids: tuple[str, ...],
    precision_ids: tuple[str, ...],
    gpu_ids: tuple[str, ...],
    engine_ids: tuple[str, ...],
    settings: EngineSettings,
) -> Configurations:
    formats = precision_ids or tuple(
        p.precision_id for p in catalog.precisions.values() if p.status == "option"
    )

    def keep(model_id: str, precision_id: str, gpu_id: str) -> bool:
        if precision_ids:
            return True
        return is_useful_format(
            catalog, catalog.model(model_id), catalog.precision(precision_id), catalog.gpu(gpu_id)
        )

    return Configurations.grid(catalog, model_ids, formats, gpu_ids, GPU_COUNTS, engine_ids, keep, settings)


def is_useful_format(catalog: Catalog, model: Model, precision: Precision, gpu: Gpu) -> bool:
    """Say whether a format makes sense for a checkpoint: its native one, or one that makes it smaller.

    FP16 stands in for BF16 on cards without it. Left to those who ask for them: formats that checkpoints come in
    only natively (MXFP4); weight-only 8 bit, which needs the space of INT8 without its speed; INT8 where a card
    multiplies FP8, which takes the same bytes and time and loses less; 3 bit where weights at 4 bit need no more GPUs.
    """
    native = catalog.precision(model.native_precision_id)
    if precision.precision_id == native.precision_id:
        return native.precision_id != "bf16" or gpu.bf16_tflops is not None
    if precision.precision_id == "fp16":
        return native.precision_id == "bf16" and gpu.bf16_tflops is None
    if precision.precision_id in ("mxfp4", "w8a16") or (precision.compute == "int8" and gpu.fp8_tflops):
        return False
    if precision.precision_id == "w3a16":
        in_4_bit = _gpus_for_weights(model, catalog.precision("w4a16"), gpu)
        if _gpus_for_weights(model, precision, gpu) >= min(in_4_bit, 2 * GPU_COUNTS[-1]):
            return False
    return precision.weight_bits < min(native.weight_bits, 16) and native.weight_bits > 5


def _gpus_for_weights(model: Model, precision: Precision, gpu: Gpu) -> int:
    """Power of two of GPUs whose memory holds the weights, beside room for the rest."""
    needed = weights_gb(model, precision) / GB_PER_GIB / (SHARE_FOR_WEIGHTS * gpu.memory_gib_usable)
    return 1 << max(0, math.ceil(math.log2(needed)))


def _priced_gpus(catalog: Catalog, scenario: Scenario) -> tuple[str, ...]:
    rows = {row.gpu_id for row in sold_rows(catalog, scenario)}
    rows |= {gpu_id for gpu_id, _ in (*scenario.gpu_usd_per_hour, *scenario.owned_gpus)}
    return tuple(g.gpu_id for g in catalog.gpus.values() if g.status == "option" and g.gpu_id in rows)


def _useful_sizes(grid: Configurations, context_tokens: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the places to keep: from the fewest GPUs that fit up to four times as many."""
    fits = sequences_in_memory(grid, context_tokens) >= 1
    pairing = _pairings(grid)
    smallest, largest = np.full(pairing.max() + 1, np.inf), np.zeros(pairing.max() + 1)
    np.minimum.at(smallest, pairing[fits], grid.n_gpus[fits])
    np.maximum.at(largest, pairing, grid.n_gpus)
    least = smallest[pairing]
    useful = (least <= grid.n_gpus) & (grid.n_gpus <= MOST_TIMES_SMALLEST * least)
    hopeless = np.flatnonzero(np.isinf(least) & (grid.n_gpus == largest[pairing]))
    first = hopeless[np.unique(pairing[hopeless], return_index=True)[1]]
    return np.sort(np.concatenate([np.flatnonzero(useful & np.isfinite(least)), first])).astype(np.intp)


@kept(1)
def _pairings(grid: Configurations) -> Places:
    """Return, for every row, the number of its model, format and GPU."""
    seen: dict[tuple[str, ...], int] = {}
    names = zip(grid.model_id, grid.precision_id, grid.gpu_id, strict=True)
    return np.array([seen.setdefault(row, len(seen)) for row in names], dtype=np.intp)


def sized_or_measured(
    catalog: Catalog,
    scenario: Scenario,
    configurations: Configurations | None = None,
) -> tuple[AtEfforts, Capacity, Sequence[MeasuredPoint | None]]:
    """Return the configurations, what one replica of each serves, and the measurement that it rests on, if any.

    configurations: those to ask about; None: the scenario's grid, and every measured replica that it allows.
    """
    if scenario.measured_csv is None:
        rows, found = sized(catalog, scenario, configurations)
        return rows, found, [None] * len(rows)
    points = read_points_of(catalog, scenario.measured_csv)
    if configurations is None:
        grid = self_hosted_grid(catalog, scenario)
        configurations = with_measured(catalog, grid, points, partial(_allows, scenario))
    configurations = learnt(configurations, points)
    rows, found = sized(catalog, scenario, configurations)
    known = standings_of(scenario, catalog)
    each = np.array([lengths_of(scenario, known[model]) for model in rows.models], float).reshape(-1, 3)
    tokens_in, tokens_out, _ = each[rows.model].T
    limits = (scenario.ttft_limit_ms, scenario.tpot_limit_ms, scenario.answer_limit_ms)
    asked = (tokens_in, tokens_out, *limits)
    return rows, apply_measured(found, rows.grid, points, *asked), resting_points(rows.grid, points, *asked)


def _allows(scenario: Scenario, config: ReplicaConfig) -> bool:
    """Say whether the scenario's model, formats, GPUs and engines leave a configuration in."""
    wished = (
        (config.model_id, scenario.model_ids),
        (config.precision_id, scenario.precision_ids),
        (config.gpu_id, scenario.gpu_ids),
        (config.engine_id, scenario.engine_ids),
    )
    return all(not names or name in names for name, names in wished)
