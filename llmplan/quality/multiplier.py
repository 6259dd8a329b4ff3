"""What today's tokens become with another model at another effort: output by task, input by tokenizer. (11.7)"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.errors import UnknownNameError
from llmplan.quality.ability import Band
from llmplan.quality.names import Variant
from llmplan.quality.tables import names, rows
from llmplan.quality.tokens import Tokens, load_tokens

SHORT_ANSWER_TOKENS: Final = 30.0
"""Output tokens of a short answer where the scenario does not say."""
ENGLISH: Final = "en-prose"


class TaskTokens:
    """Tokens by variant and task from the fit: arrays once, looked up at every move of a slider.

    Attributes
    ----------
    log, sd : log tokens of a task and its standard deviation, shape (variants, tasks).
    short : tasks whose answers are a handful of tokens: there reasoning adds to them.
    """

    def __init__(self, tokens: Tokens, table: Iterable[Mapping[str, str]]) -> None:
        """Take the fit and the rows of data/task_workloads.csv."""
        self.tokens = tokens
        weights: dict[str, dict[str, float]] = {}
        self.short: set[str] = set()
        for row in table:
            weights.setdefault(row["task_id"], {})[row["workload_id"]] = float(row["weight"])
            if row["short_answers"] == "true":
                self.short.add(row["task_id"])
        self.tasks = tuple(weights)
        share = np.zeros((len(tokens.workloads), len(self.tasks)))
        for t, parts in enumerate(weights.values()):
            for workload, weight in parts.items():
                share[tokens.workload_place[workload], t] = weight
        self.share = share / share.sum(axis=0)
        scale, k = tokens.scale, len(tokens.scale.prior_sd)
        self.log = (
            tokens.coefficients[:, 0] + scale.ability @ tokens.coefficients[:, 1 : 1 + k].T
        ) @ self.share
        loading = self.share.T @ tokens.coefficients[:, 1 : 1 + k]
        self.sd = np.hypot(np.sqrt(scale.ability_sd**2 @ (loading**2).T), tokens.figure_sd)

    def multipliers(
        self, variants: Sequence[Variant], task: str, today: Variant, output_tokens: float | None = None
    ) -> Floats:
        """Return low, base, high and the reasoning part of output tokens over today's model's, (4, variants). (11.7)

        Where answers are short, tokens are today's plus the difference of reasoning: the tokens of a chat
        question above those of the same model with thinking off. Longer answers multiply, and hold at least
        that reasoning where output_tokens says how long today's are.
        """
        if task not in self.tasks:
            raise UnknownNameError("task", task, self.tasks)
        t, one, other = self.tasks.index(task), self.places(variants), self.places([today])[0]
        spread = np.hypot(self.sd[one, t], self.sd[other, t] * _own(self, other))
        factor = np.exp(self.tokens.width * spread)
        added = (self._simple_reasoning[one] - self._simple_reasoning[other]) / (
            output_tokens or SHORT_ANSWER_TOKENS
        )
        if task in self.short:
            base = np.maximum(1.0 + added, 1.0 / (1.0 + np.abs(added)))
            low = np.maximum(1.0 + added / factor, np.minimum(base, 1.0 / factor))
            visible = np.minimum(1.0, base)
            band = np.stack([low, base, np.maximum(base, 1.0) * factor, base - visible])
        else:
            base = np.exp(self.log[one, t] - self.log[other, t])
            visible = base * (1.0 - self._reasoning_share[one, t])
            if output_tokens is not None:
                base = np.maximum(base, visible + np.maximum(added, 0.0))
            band = np.stack([base / factor, base, base * factor, base - visible])
        same = np.array([1.0, 1.0, 1.0, self._reasoning_share[other, t]])[:, None]
        return np.asarray(np.where(one == other, same, band))

    def places(self, variants: Sequence[Variant]) -> Places:
        """Return the places of variants in the fit."""
        return np.array([self.tokens.scale.place[variant] for variant in variants], dtype=np.intp)

    @cached_property
    def _simple_reasoning(self) -> Floats:
        """(variants,) tokens of reasoning on a simple question: none with thinking off."""
        t = self.tasks.index(next(iter(sorted(self.short))))
        return np.asarray(np.exp(self.log[:, t]) * self._reasoning_share[:, t])

    @cached_property
    def _reasoning_share(self) -> Floats:
        """(variants, tasks) share of the tokens that is not the visible answer."""
        variants, place = self.tokens.scale.variants, self.tokens.scale.place
        plain = np.array([place.get(Variant(v.model, "none"), -1) for v in variants])
        visible = np.where(plain[:, None] < 0, VISIBLE_SHARE, np.exp(self.log[plain] - self.log))
        off = np.array([v.effort.startswith("none") for v in variants])
        return np.where(off[:, None], 0.0, np.clip(1.0 - visible, 0.0, REASONING_AT_MOST))


REASONING_AT_MOST: Final = 0.99
"""Share of an answer's tokens that is reasoning, at most: something is visible."""
VISIBLE_SHARE: Final = 0.3
"""Share of a reasoning model's tokens that are the visible answer, where it has no variant with thinking off."""


def _own(known: TaskTokens, place: int) -> float:
    """Return the share of today's model's own uncertainty that counts: none of it where its tokens are known.

    The scenario states today's tokens; only how they carry over to the workloads of the table is uncertain.
    """
    return 0.0 if known.tokens.evidence[place] else 0.5


@kept(1)
def load_task_tokens(catalog: Catalog) -> TaskTokens:
    """Return tokens by variant and task from the catalog's fit."""
    return TaskTokens(load_tokens(catalog), rows(catalog, "task_workloads.csv"))


@kept(32)
def _including(catalog: Catalog, variants: tuple[Variant, ...]) -> TaskTokens:
    return TaskTokens(load_tokens(catalog).including(variants), rows(catalog, "task_workloads.csv"))


def tokens_of(catalog: Catalog, variants: Iterable[Variant]) -> TaskTokens:
    """Return the tokens by task of a fit that holds these variants."""
    unknown = tuple(sorted(set(variants) - load_tokens(catalog).scale.place.keys()))
    return _including(catalog, unknown) if unknown else load_task_tokens(catalog)


def counted_workloads(catalog: Catalog, model_id: str, effort: str | None) -> int:
    """Return on how many workloads somebody has published the tokens of a model at an effort; 0: relatives' stand in."""
    variant = names(catalog).variant(model_id, effort)
    tokens = tokens_of(catalog, (variant,)).tokens
    return int(tokens.evidence[tokens.scale.place[variant]])


def mixed_multipliers(
    known: TaskTokens,
    variants: Sequence[Variant],
    task_mix: Mapping[str, float],
    today: Variant,
    output_tokens: float | None = None,
) -> Floats:
    """Return what output tokens become on a mix of tasks: low, base, high, reasoning, shape (4, variants)."""
    total = sum(task_mix.values())
    parts = (
        share / total * known.multipliers(variants, task, today, output_tokens)
        for task, share in task_mix.items()
    )
    return np.asarray(sum(parts))


@kept(1)
def _ratios(catalog: Catalog) -> Mapping[str, Mapping[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows(catalog, "tokenizer_ratios.csv"):
        found.setdefault(row["tokenizer_id"], {})[row["text_kind"]] = float(row["tokens_per_o200k_token"])
    return found


@kept(1)
def _tokenizers(catalog: Catalog) -> Sequence[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(row["pattern"]), row["tokenizer_id"]) for row in rows(catalog, "tokenizer_models.csv")
    ]


@kept(512)
def tokenizer_of(catalog: Catalog, model_id: str) -> str | None:
    """Return the tokenizer that a model reads with; None where none was measured for it."""
    model = names(catalog).variant(model_id).model
    return next((tokenizer for pattern, tokenizer in _tokenizers(catalog) if pattern.search(model)), None)


@kept(1024)
def input_tokens_multiplier(catalog: Catalog, model_id: str, today: str, text_kind: str = ENGLISH) -> Band:
    """Return what a text's tokens become against today's model's tokenizer. (11.9)

    A tokenizer that was not measured takes the spread of those that were: 10th, 50th, 90th percentile.
    """
    kinds = sorted(next(iter(_ratios(catalog).values())))
    if text_kind not in kinds:
        raise UnknownNameError("text_kind", text_kind, kinds)
    one, other = tokenizer_of(catalog, model_id), tokenizer_of(catalog, today)
    if model_id == today or (one is not None and one == other):
        return Band(1.0, 1.0, 1.0)
    low, base, high = _ratio_band(catalog, one, text_kind) / _ratio_band(catalog, other, text_kind)[1]
    return Band(float(low), float(base), float(high))


@kept(256)
def _ratio_band(catalog: Catalog, tokenizer: str | None, kind: str) -> Floats:
    ratios = _ratios(catalog)
    if tokenizer is not None:
        return np.full(3, ratios[tokenizer][kind])
    return np.quantile([table[kind] for table in ratios.values()], [0.1, 0.5, 0.9])
