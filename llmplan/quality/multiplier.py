"""What today's tokens become with another model at another effort: output by task, input by tokenizer. (11.7)"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from llmplan.arrays import Floats
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

    def multiplier(
        self, variant: Variant, task: str, today: Variant, output_tokens: float | None = None
    ) -> Band:
        """Return low, base and high of output tokens over those of today's model on a task.

        Where answers are short, tokens are today's plus the difference of reasoning: the tokens of a chat
        question above those of the same model with thinking off.
        """
        if task not in self.tasks:
            raise UnknownNameError("task", task, self.tasks)
        if variant == today:
            return Band(1.0, 1.0, 1.0)
        t, place = self.tasks.index(task), self.tokens.scale.place
        one, other = place[variant], place[today]
        factor = float(
            np.exp(self.tokens.width * np.hypot(self.sd[one, t], self.sd[other, t] * _own(self, other)))
        )
        if task not in self.short:
            ratio = float(np.exp(self.log[one, t] - self.log[other, t]))
            return Band(ratio / factor, ratio, ratio * factor)
        answer = output_tokens or SHORT_ANSWER_TOKENS
        added = self._reasoning(variant, t) - self._reasoning(today, t)
        base = max(1.0 + added / answer, 1.0 / (1.0 + abs(added) / answer))
        return Band(
            max(1.0 + added / factor / answer, min(base, 1.0 / factor)), base, max(base, 1.0) * factor
        )

    def _reasoning(self, variant: Variant, t: int) -> float:
        """Return tokens of reasoning on a simple question: none with thinking off."""
        if variant.effort.startswith("none"):
            return 0.0
        spent = float(np.exp(self.log[self.tokens.scale.place[variant], t]))
        plain = Variant(variant.model, "none")
        off = self.tokens.scale.place.get(plain)
        visible = float(np.exp(self.log[off, t])) if off is not None else VISIBLE_SHARE * spent
        return max(spent - visible, 0.0)


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


def output_tokens_multiplier(
    catalog: Catalog,
    model_id: str,
    effort: str | None,
    task_mix: Mapping[str, float],
    today: tuple[str, str | None],
    output_tokens: float | None = None,
) -> Band:
    """Return what output tokens become against today's model (id, effort) on a mix of tasks: low, base, high.

    output_tokens: today's of a query; short answers need it, long ones do not.
    """
    variant, now = names(catalog).variant(model_id, effort), names(catalog).variant(*today)
    known = load_task_tokens(catalog)
    if not {variant, now} <= known.tokens.scale.place.keys():
        known = _including(catalog, (variant, now))
    total = sum(task_mix.values())
    bands = [(w / total, known.multiplier(variant, t, now, output_tokens)) for t, w in task_mix.items()]
    low, base, high = (sum(w * getattr(band, part) for w, band in bands) for part in ("low", "base", "high"))
    return Band(low, base, high)


@kept(1)
def _ratios(catalog: Catalog) -> Mapping[str, Mapping[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows(catalog, "tokenizer_ratios.csv"):
        found.setdefault(row["tokenizer_id"], {})[row["text_kind"]] = float(row["tokens_per_o200k_token"])
    return found


@kept(512)
def tokenizer_of(catalog: Catalog, model_id: str) -> str | None:
    """Return the tokenizer that a model reads with; None where none was measured for it."""
    model = names(catalog).variant(model_id).model
    table = rows(catalog, "tokenizer_models.csv")
    return next((row["tokenizer_id"] for row in table if re.search(row["pattern"], model)), None)


def input_tokens_multiplier(catalog: Catalog, model_id: str, today: str, text_kind: str = ENGLISH) -> Band:
    """Return what a text's tokens become against today's model's tokenizer. (11.9)

    A tokenizer that was not measured takes the spread of those that were: 10th, 50th, 90th percentile.
    """
    ratios = _ratios(catalog)
    kinds = sorted(next(iter(ratios.values())))
    if text_kind not in kinds:
        raise UnknownNameError("text_kind", text_kind, kinds)
    one, other = tokenizer_of(catalog, model_id), tokenizer_of(catalog, today)
    if model_id == today or (one is not None and one == other):
        return Band(1.0, 1.0, 1.0)
    low, base, high = _ratio_band(one, text_kind, ratios) / _ratio_band(other, text_kind, ratios)[1]
    return Band(float(low), float(base), float(high))


def _ratio_band(tokenizer: str | None, kind: str, ratios: Mapping[str, Mapping[str, float]]) -> Floats:
    if tokenizer is not None:
        return np.full(3, ratios[tokenizer][kind])
    return np.quantile([table[kind] for table in ratios.values()], [0.1, 0.5, 0.9])
