"""Each model at an effort against what runs today: how often it succeeds, and the tokens that it spends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from llmplan.arrays import Bools, Floats
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
    quality: success over today's (1 = equal).
    on_task: the same on each task, with the standard deviations of both successes over today's.
    quality_sd, today_sd: those of all tasks together.
    input_factor, output_factor: tokens over today's. reasoning_factor: tokens decoded before the visible answer,
        over today's output tokens.
    stands_on: OWN, RELATIVES, or None where figures of its own carry it.
    """

    success: Band
    quality: float
    on_task: Mapping[str, tuple[float, float, float]]
    quality_sd: float
    today_sd: float
    input_factor: Band
    output_factor: Band
    reasoning_factor: float
    stands_on: str | None = None

    def meets(self, floor: float, loss: float = 0.0) -> float:
        """Return the probability that quality, after a format's loss, reaches a share of today's. (11.10)"""
        return float(chance_to_meet(floor, *self.moments(loss)))

    def moments(self, loss: float = 0.0, task: str | None = None) -> tuple[float, float, float]:
        """Return quality after a format's loss, its standard deviation and that of today's success, on one task or all."""
        quality, sd, today_sd = (
            (self.quality, self.quality_sd, self.today_sd) if task is None else self.on_task[task]
        )
        return quality * (1 - loss), sd * (1 - loss), today_sd

    @property
    def by_task(self) -> dict[str, float]:
        """Quality on each task."""
        return {task: moments[0] for task, moments in self.on_task.items()}

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
    succeeded = _successes(
        catalog, models, replace(today, equal_tokens=False, output_tokens=None, text_kind="")
    )
    now, variants = names.variant(today.model_id, today.effort), [names.variant(*model) for model in models]
    spent = _spent(catalog, models, variants, now, dict(today.task_mix) or dict.fromkeys(kinds, 1.0), today)
    return {
        model: Standing(*moments, *tokens, stands_on=stands_on)
        for model, (moments, stands_on), tokens in zip(models, succeeded, spent, strict=True)
    }


Moments = tuple[Band, float, Mapping[str, tuple[float, float, float]], float, float]
"""Success, quality, the same on each task, and the standard deviations of both successes over today's."""


@kept(4)
def _successes(
    catalog: Catalog, models: tuple[ModelAtEffort, ...], today: Today
) -> Sequence[tuple[Moments, str | None]]:
    """Return what of `Standing` no number of tokens changes, and what it stands on; today: without its tokens."""
    names, kinds = tables.names(catalog), tables.task_ids(catalog)
    offered = names.efforts_of(today.model_id)
    if today.effort is not None and today.effort not in offered:
        raise UnknownNameError("reference_effort", today.effort, offered)
    now = names.variant(today.model_id, today.effort)
    variants = [names.variant(*model) for model in models]
    mix = dict(today.task_mix) or dict.fromkeys(kinds, 1.0)
    success = success_of(catalog, [*variants, now])
    places = np.array([success.ability.scale.place[variant] for variant in (*variants, now)], np.intp)
    own = dict(today.own)
    given = np.array([own.get(model_id, np.nan) for model_id, _ in models], float)
    certain = ~np.isnan(given) | (places[:-1] == places[-1])
    base, sd = success.moments([*variants, now], mix)
    share, error, error_now = over_today(base[:, None], sd[:, None], given, certain)[..., 0]
    half = NORMAL_80 * np.where(np.isnan(given), sd[:-1], sd[-1] * share)
    middle = share * base[-1]
    bands = np.stack(
        [np.maximum(middle - half, 0.0), np.minimum(middle, 1.0), np.minimum(middle + half, 1.0)]
    )
    on_task = over_today(success.success[places], success.sd[places], given, certain).transpose(1, 2, 0)
    seen = (success.ability.evidence[places[:-1]] > 0).tolist()
    stands_on = [
        OWN if m in own else None if known else RELATIVES for (m, _), known in zip(models, seen, strict=True)
    ]
    columns = bands.T.tolist(), share.tolist(), on_task.tolist(), error.tolist(), error_now.tolist()
    return [
        ((Band(*band), quality, dict(zip(success.tasks, tasks, strict=True)), own_sd, today_sd), why)
        for why, band, quality, tasks, own_sd, today_sd in zip(stands_on, *columns, strict=True)
    ]


def over_today(success: Floats, sd: Floats, given: Floats, certain: Bools) -> Floats:
    """Return quality, its deviation and today's over today's success, shape (3, n, tasks). (11.10)

    success, sd: shape (n + 1, tasks), what runs today last. given: (n,) quality from an evaluation of one's own, or
    NaN. certain: (n,) where nothing is uncertain about the ratio.
    """
    today = success[-1]
    quality = np.where(np.isnan(given)[:, None], success[:-1] / today, given[:, None])
    spread = np.stack([sd[:-1], np.broadcast_to(sd[-1], sd[:-1].shape)]) / today
    return np.concatenate([quality[None], np.where(certain[:, None], 0.0, spread)])


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
            Band(low, base, high),
            reasoning,
        )
        for (model_id, _), (low, base, high, reasoning) in zip(models, bands.T.tolist(), strict=True)
    ]
