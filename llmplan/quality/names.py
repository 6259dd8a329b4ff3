"""Published names of models, read by rules: which model, at which effort, of which line and version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_SPLIT = re.compile(r"[^a-z0-9]+")
_FULL_DATE = re.compile(r"-20\d{2}-?[01]\d-?[0-3]\d(?=-|$)")
_BUDGET = re.compile(r"(?:(?:thinking|think)-\d+k|(high|low|medium)-\d{2}k)(?=-|$)")
_NOISE = frozenset(
    re.split(" ", "it instruct hf api auto effort preview exp experimental latest free beta basic harness")
) | {"bf16", "fp8", "fp16", "nvfp4", "v1", "17b"}
"""Words that name a format, a stage or an access path, not another model."""
_OFF = r"no-thinking|nothinking|non-thinking|no-think|non-reasoning|instant|without-thinking"
_ON = r"highthinking|thinking|think|reasoning|reasoner"
_LEVEL = "minimal|low|medium|high|xhigh|max|none|default"
_NOT_AN_EFFORT = re.compile(
    r"(codex|qwen[\d-]*|mistral|magistral|devstral|phi-\d+|ernie)-(max|medium)(?=-|$)"
)
"""Names of models that end in a word of the effort scale."""


@dataclass(frozen=True, order=True)
class Variant:
    """A model at an effort, both in the spelling of the fit: small letters, words parted by hyphens."""

    model: str
    effort: str

    def __str__(self) -> str:
        return f"{self.model}@{self.effort}"


def key(name: str) -> str:
    """Return a published name in one spelling: no owner, small letters, hyphens."""
    text = name.lower().removesuffix("</a>").rsplit("/", 1)[-1].removeprefix("amazon.").split(":0")[0]
    return "-".join(part for part in _SPLIT.split(text) if part)


def split_effort(name: str) -> tuple[str, str]:
    """Return (stem, effort) of a published name; effort "" where the name says nothing.

    An effort without thinking (`opus-4-5 low` where the same table lists `thinking low`) is told apart by
    `Names`, which knows the models whose effort works with thinking off.
    """
    text = _FULL_DATE.sub("", key(name))
    text = _BUDGET.sub(lambda found: "thinking-" + (found.group(1) or ""), text).replace("--", "-").strip("-")
    kept = _NOT_AN_EFFORT.search(text)
    if kept:
        text = text.replace(
            kept.group(0), kept.group(0).replace("-max", "-MAX").replace("-medium", "-MEDIUM"), 1
        )
    off = re.search(rf"-({_OFF})(?=-|$)", text)
    text = re.sub(rf"-({_OFF})(?=-|$)", "", text)
    on = re.search(rf"-({_ON})(?=-|$)", text)
    text = re.sub(rf"-({_ON})(?=-|$)", "", text)
    level = re.search(rf"-({_LEVEL})(?=-effort|-auto|-preview|-\d{{8}}|$)", text)
    if level:
        text = text[: level.start()] + text[level.end() :]
    stem = "-".join(word for word in text.lower().split("-") if word not in _NOISE)
    return stem, _effort(off, on, level)


def _effort(off: re.Match[str] | None, on: re.Match[str] | None, level: re.Match[str] | None) -> str:
    if off:
        return "none"
    if on and on.group(1) == "highthinking":
        return "high"
    if level and level.group(1) != "default":
        return ("thinking " if on else "") + level.group(1)
    return "thinking" if on else ""


@dataclass(frozen=True)
class EffortsOfModels:
    """A row of data/unmarked_efforts.csv.

    Attributes
    ----------
    pattern: regular expression that a model's name matches.
    effort: what an unmarked name means.
    apart: whether a level without the word thinking is one with thinking off.
    offered: efforts that the model can be asked for.
    """

    pattern: str
    effort: str
    apart: bool
    offered: tuple[str, ...]


PLAIN = EffortsOfModels("", "none", False, ("none",))


class Names:
    """The rules with their tables: what other spellings stand for, and what an unmarked name means."""

    def __init__(self, aliases: Mapping[str, str], models: Iterable[EffortsOfModels]) -> None:
        """Take alias stem -> model, and what models mean and offer, the first pattern that fits ruling."""
        self._aliases = dict(aliases)
        self._models = [(re.compile(row.pattern), row) for row in models]
        self._known: dict[tuple[str, str | None], Variant] = {}
        self._efforts: dict[str, tuple[str, ...]] = {}

    def variant(self, name: str, effort: str | None = None) -> Variant:
        """Return the variant that a published name stands for; `effort` overrules what the name says."""
        if (name, effort) not in self._known:
            self._known[name, effort] = self._read(name, effort)
        return self._known[name, effort]

    def _read(self, name: str, effort: str | None) -> Variant:
        whole = self._aliases.get(key(name))
        stem, said = split_effort(whole or name)
        model = key(self._aliases.get(stem, stem))
        said = (effort or "") if effort is not None else said
        row = self._row(model)
        if not said:
            return Variant(model, row.effort)
        thinking, level = said.startswith("thinking"), said.removeprefix("thinking").strip()
        if effort is None and row.apart and level and not thinking and level != "none":
            return Variant(model, "none" if level == "high" else f"none {level}")
        return Variant(model, level or "thinking")

    def efforts_of(self, name: str) -> tuple[str, ...]:
        """Return the efforts that a model offers, its default first."""
        if name not in self._efforts:
            default = self.variant(name)
            self._efforts[name] = tuple(dict.fromkeys((default.effort, *self._row(default.model).offered)))
        return self._efforts[name]

    def _row(self, model: str) -> EffortsOfModels:
        return next((row for pattern, row in self._models if pattern.search(model)), PLAIN)


@lru_cache(maxsize=8192)
def line_and_version(model: str) -> tuple[str, tuple[int, int, int]]:
    """Return a model's line (its name without numbers) and its version (major, minor, snapshot).

    gpt-5-4-mini is of the line gpt-mini, version (5, 4, 0); a number of three digits or with a leading zero is
    a snapshot: deepseek-v3-0324 is (3, 0, 324).
    """
    words: list[str] = []
    numbers: list[int] = []
    snapshot = 0
    for word in model.split("-"):
        lettered = re.fullmatch(r"([a-z]+)(\d{1,2})", word)
        if word.isdigit() and (len(word) > 2 or (word[0] == "0" and len(word) > 1)):
            snapshot = snapshot or int(word)
        elif word.isdigit():
            numbers.append(int(word))
        elif lettered:
            words.append(lettered.group(1))
            numbers.append(int(lettered.group(2)))
        else:
            words.append(word)
    major, minor = (*numbers, 0, 0)[:2]
    return "-".join(words), (major, minor, snapshot)
