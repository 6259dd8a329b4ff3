"""Each model at an effort against what runs today: how often it succeeds, and the tokens that it spends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.errors import UnknownNameError
from llmplan.quality import tables
from llmplan.quality.ability import Band, load_ability
from llmplan.quality.floor import chance_to_meet
from llmplan.quality.multiplier import ENGLISH, input_tokens_multiplier, mixed_multipliers, tokens_of
from llmplan.quality.names import Variant
from llmplan.quality.tasks import NORMAL_80, success_of

OWN: Final = "own evaluation"
"""What a quality stands on that the scenario gives."""
RELATIVES: Final = "relatives"
"""What the quality of a model without figures of its own stands on: its line, date, size and effort."""
Pairs = tuple[tuple[str, float], ...]
ModelAtEffort = tuple[str, str]
"""A model's id and an effort."""


class Lengths(NamedTuple):
    """Tokens of a query: input, output, and the part of the output that is decoded before the visible answer."""

    input: float
    output: float
    reasoning: float = 0.0


@dataclass(frozen=True)
class Today:
    """What a model at an effort is compared with, and on what.

    Attributes
    ----------
    model_id, effort: what runs today; None: at its vendor's default.
    task_mix: task -> share; empty: all tasks alike.
    own: quality from evaluations of the user's own, by model.
    equal_tokens: whether every model is taken to spend what today's does.
    output_tokens: today's of a query; text_kind: of the input.
    """

    model_id: str
    effort: str | None = None
    task_mix: Pairs = ()
    own: Pairs = ()
    equal_tokens: bool = False
    output_tokens: float | None = None
    text_kind: str = ENGLISH


@dataclass(frozen=True)
class Standing:
    """A model at an effort against what runs today.

    Attributes
    ----------
    success: share of the scenario's tasks on which it succeeds, an 80 % band.
    quality: success over today's (1 = equal). by_task: the same on each task.
    quality_sd, today_sd: standard deviations of both successes over today's success.
    input_factor, output_factor: tokens over today's. reasoning_factor: tokens decoded before the visible answer,
        over today's output tokens.
    stands_on: OWN, RELATIVES, or None where figures of its own carry it.
    """

    success: Band
    quality: float
    by_task: Mapping[str, float]
    quality_sd: float
    today_sd: float
    input_factor: Band
    output_factor: Band
    reasoning_factor: float
    stands_on: str | None = None

    def meets(self, floor: float, loss: float = 0.0) -> float:
        """Return the probability that quality, after a format's loss, reaches a share of today's. (11.10)"""
        return float(chance_to_meet(floor, *self.moments(loss)))

    def moments(self, loss: float = 0.0) -> tuple[float, float, float]:
        """Return quality after a format's loss, its standard deviation and that of today's success."""
        return self.quality * (1 - loss), self.quality_sd * (1 - loss), self.today_sd

    def lengths(self, input_tokens: float, output_tokens: float) -> Lengths:
        """Return the tokens of a query of which today's model counts these."""
        return Lengths(
            self.input_factor.base * input_tokens,
            self.output_factor.base * output_tokens,
            self.reasoning_factor * output_tokens,
        )


@kept(1)
def scored_models(catalog: Catalog) -> frozenset[str]:
    """Return the models, in the fit's spelling, that have a published figure at some effort."""
    ability = load_ability(catalog)
    return frozenset(v.model for v, n in zip(ability.scale.variants, ability.evidence, strict=True) if n)


@kept(512)
def efforts_weighed(catalog: Catalog, model_id: str) -> tuple[str, ...]:
    """Return the efforts at which a model is an option: its vendor's default, and the least that it offers."""
    scale = tables.efforts(catalog)
    offered = tables.names(catalog).efforts_of(model_id)
    least = min(offered, key=lambda effort: scale.get(effort, math.inf))
    return tuple(dict.fromkeys((offered[0], least)))


@kept(512)
def default_effort(catalog: Catalog, model_id: str) -> str:
    """Return the effort at which a model answers when nothing is said."""
    return tables.names(catalog).efforts_of(model_id)[0]


@kept(16)
def standings(
    catalog: Catalog, models: tuple[ModelAtEffort, ...], today: Today
) -> Mapping[ModelAtEffort, Standing]:
    """Return each model at its effort against today's. (11.5)-(11.10)

    Raises UnknownNameError where today's model offers no such effort.
    """
    names, kinds = tables.names(catalog), tables.task_ids(catalog)
    offered = names.efforts_of(today.model_id)
    if today.effort is not None and today.effort not in offered:
        raise UnknownNameError("reference_effort", today.effort, offered)
    now = names.variant(today.model_id, today.effort)
    variants = [names.variant(*model) for model in models]
    mix = dict(today.task_mix) or dict.fromkeys(kinds, 1.0)
    success = success_of(catalog, [*variants, now])
    base, sd = success.moments([*variants, now], mix)
    places = [success.ability.scale.place[variant] for variant in (*variants, now)]
    ratios = success.success[places] / success.success[places[-1]]
    spent = _spent(catalog, models, variants, now, mix, today)
    own, evidence = dict(today.own), success.ability.evidence
    found: dict[ModelAtEffort, Standing] = {}
    for i, (model, variant) in enumerate(zip(models, variants, strict=True)):
        share, error, error_now = base[i] / base[-1], sd[i] / base[-1], sd[-1] / base[-1]
        by_task = dict(zip(success.tasks, ratios[i].tolist(), strict=True))
        stands_on = None if evidence[places[i]] else RELATIVES
        if variant == now:
            error = error_now = 0.0
        if model[0] in own:
            share, error, error_now, stands_on = own[model[0]], 0.0, 0.0, OWN
            by_task = dict.fromkeys(kinds, share)
        half = NORMAL_80 * (sd[i] if stands_on != OWN else sd[-1] * share)
        middle = share * base[-1]
        band = Band(float(max(middle - half, 0.0)), float(min(middle, 1.0)), float(min(middle + half, 1.0)))
        found[model] = Standing(
            band, float(share), by_task, float(error), float(error_now), *spent[i], stands_on=stands_on
        )
    return found


EQUAL: Final = Band(1.0, 1.0, 1.0)


Spent = tuple[Band, Band, float]
"""Factors on the input and on the output, and reasoning over today's output."""


def _spent(
    catalog: Catalog,
    models: Sequence[ModelAtEffort],
    variants: Sequence[Variant],
    now: Variant,
    mix: Mapping[str, float],
    today: Today,
) -> list[Spent]:
    if today.equal_tokens:
        return [(EQUAL, EQUAL, 0.0)] * len(models)
    known, answer = tokens_of(catalog, [*variants, now]), today.output_tokens
    bands = mixed_multipliers(known, variants, mix, now, answer)
    return [
        (
            input_tokens_multiplier(catalog, model_id, today.model_id, today.text_kind),
            Band(*bands[:3, i].tolist()),
            float(bands[3, i]),
        )
        for i, (model_id, _) in enumerate(models)
    ]
