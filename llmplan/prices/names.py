"""What a provider's name of a model says: which model, effort, storage format, kind of offer and place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from llmplan.catalog.records import ApiName
from llmplan.prices.listed import Listed

HOSTS: Final = frozenset(
    [
        "together",
        "fireworks",
        "groq",
        "cerebras",
        "sambanova",
        "novita",
        "nebius",
        "huggingface-nebius",
        "deepinfra",
    ]
)
"""Providers that serve other makers' open models."""
CLOUDS: Final = frozenset(("bedrock", "vertex-ai", "azure"))
_OWN_IDS: Final = frozenset(("openai", "anthropic", "google", "mistral"))
"""Makers whose models are known without their provider: gpt-4o, not openai/gpt-4o."""
_SMALL: Final = re.compile(
    r"\b(mini|nano|lite|flash|flashx|haiku|small|luna|micro|fast|air|airx|turbo|[1-9]b|1\db|ministral|r7b|tiny)\b"
)
_CLOSED: Final = re.compile(
    r"^(claude|gpt-(?!oss)|o[134]\b|gemini|grok|command|nova|titan|palmyra|qwen[\d.]*-(max|plus|turbo|flash|coder-plus|"
    r"coder-flash|vl-plus|omni)|mai|jamba|codex|computer|ember|ultramarine|text-)"
)
_AREA: Final = re.compile(r"^(us-gov|us|eu|apac|jp|au|in|global-standard|global|regional)[./]")
_MAKER: Final = re.compile(
    r"^(anthropic|amazon|meta|mistral|cohere|deepseek|openai|qwen|google|moonshotai|moonshot|minimax|nvidia|zai|writer|"
    r"ai21|xai)\."
)
_DATE: Final = re.compile(r"[-@](20\d{2}-?[01]\d-?[0-3]\d|\d{3}|default|latest)$")
_SERIAL: Final = re.compile(r"(?<=\d{8})-v\d:\d+$|(-v?[01])?:\d+$|-v[01](\.\d+)?$|(?<=b)-(4096|8192|32768)$")
_FORMAT: Final = re.compile(r"-(fp8|fp4|bf16|fp16|nvfp4|int4|awq)$")
_FORMATS: Final = {"fp4": "fp4", "nvfp4": "fp4", "fp8": "fp8", "bf16": "bf16", "fp16": "fp16"}
_OFFER: Final = re.compile(r"-(turbo|fast|highspeed|ultrafast|lightning|free|us|p|basic|maas|specdec|spot)$")
_EFFORT: Final = re.compile(r"-(non-reasoning|reasoning|thinking)(?=-\d{4}$|$)")
_FILLERS: Final = re.compile(r"-(instruct|it|chat|hf|preview|versatile|instant)(?=-|$)")
_SPELLINGS: Final = (
    (re.compile(r"(?<=\d)p(?=\d)"), "."),
    (re.compile(r"^meta-llama-"), "llama-"),
    (re.compile(r"^llama-?v?(\d)[-.](\d)-"), r"llama-\1.\2-"),
    (re.compile(r"^llama-?v?(\d)-"), r"llama-\1-"),
    (re.compile(r"^(zai|fw)-"), ""),
    (re.compile(r"^nvidia-"), ""),
    (re.compile(r"^gpt-35"), "gpt-3.5"),
    (re.compile(r"^claude-([4-9])[.-](\d)-(opus|sonnet|haiku)"), r"claude-\3-\1-\2"),
    (re.compile(r"^claude-4-(opus|sonnet)"), r"claude-\1-4-0"),
    (re.compile(r"^claude-(opus|sonnet)-4$"), r"claude-\1-4-0"),
    (re.compile(r"^(claude-[a-z]+-\d)\.(\d)"), r"\1-\2"),
    (re.compile(r"^gemma(\d)-"), r"gemma-\1-"),
    (re.compile(r"^qwen-(?=qwq)"), ""),
    (re.compile(r"^qwen-v?(?=\d)"), "qwen"),
    (re.compile(r"^glm-(\d)-(\d)(?=-|$)"), r"glm-\1.\2"),
    (re.compile(r"^cohere-"), ""),
    (re.compile(r"^deepseek-(v\d)-(\d)\b"), r"deepseek-\1.\2"),
    (re.compile(r"^(r1|v3\.?\d?)$"), r"deepseek-\1"),
)


@dataclass(frozen=True)
class Reading:
    """What a name says. offer: turbo, fast and the like, "" where nothing; area: eu, us, "" where not said."""

    model_id: str
    effort: str
    offer: str
    precision_id: str
    area: str
    rule: ApiName | None = None

    @property
    def is_skipped(self) -> bool:
        return self.rule is not None and self.rule.status == "skip"


class Names:
    """The mapping table, the ids of models that it names or that can be self-hosted, and the rules for the rest."""

    def __init__(self, rows: Iterable[ApiName], model_ids: Iterable[str]) -> None:
        rows = list(rows)
        self._rows = [(row.provider, re.compile(row.pattern, re.IGNORECASE), row) for row in rows]
        known = [*(row.model_id for row in rows if row.model_id), *model_ids]
        self._known = {_key(model_id): model_id for model_id in known}

    def read(self, provider: str, name: str) -> Reading:
        """Return what a name says; the first row of the table that fits overrules the rules."""
        rule = next(
            (r for p, pattern, r in self._rows if p in (provider, "*") and pattern.fullmatch(name)), None
        )
        found = self._by_rules(name)
        if rule is None:
            return found
        return Reading(
            rule.model_id or found.model_id,
            rule.effort or found.effort,
            found.offer,
            rule.precision_id or found.precision_id,
            found.area,
            rule,
        )

    def _by_rules(self, name: str) -> Reading:
        text = name.lower().replace("_", "-").replace("@", "-")
        area = _AREA.match(text)
        text = _MAKER.sub("", _AREA.sub("", text).rsplit("/", 1)[-1])
        offer, precision, effort = "", "", ""
        while True:
            shorter = _SERIAL.sub("", _DATE.sub("", text))
            if found := _FORMAT.search(shorter):
                precision, shorter = _FORMATS.get(found[1], ""), shorter[: found.start()]
            elif (found := _OFFER.search(shorter)) and _key(shorter) not in self._known:
                offer, shorter = f"{found[1]} {offer}".strip(), shorter[: found.start()]
            if shorter == text:
                break
            text = shorter
        for pattern, spelling in _SPELLINGS:
            text = pattern.sub(spelling, text)
        if _key(text) not in self._known:
            if found := _EFFORT.search(text):
                effort = {"non-reasoning": "none"}.get(found[1], "thinking")
                text = text[: found.start()] + text[found.end() :]
            text = _FILLERS.sub("", text)
        known = self._known.get(_key(text))
        return Reading(
            known or text, effort, offer.replace("maas", "").strip(), precision, area[1] if area else ""
        )


def _key(name: str) -> str:
    return "-".join(part for part in re.split(r"[^a-z0-9]+", name.lower()) if part)


def kind_of(provider: str, reading: Reading, models: Mapping[str, object]) -> str:
    """Return frontier, small or hosted_open: open models at hosts, in clouds, and at their makers where self-hostable."""
    if reading.rule is not None and reading.rule.kind:
        return reading.rule.kind
    is_closed = bool(_CLOSED.search(reading.model_id))
    if not is_closed and (provider in HOSTS or provider in CLOUDS or reading.model_id in models):
        return "hosted_open"
    return "small" if _SMALL.search(reading.model_id) else "frontier"


def api_id_of(entry: Listed, reading: Reading, *, full: bool = False) -> str:
    """Return an offer's id; `full`: from the whole name, where the short one is taken."""
    if full:
        text = re.sub(r"[^a-z0-9.:-]+", "-", entry.name.lower().rsplit("/", 1)[-1])
    else:
        parts = (reading.model_id, reading.offer.replace(" ", "-"), reading.effort)
        text = "-".join(part for part in parts if part)
    return text if entry.provider in _OWN_IDS else f"{entry.provider}/{text}"


def is_dated(name: str) -> bool:
    """Say whether a name ends in a date or in `latest`."""
    return bool(_DATE.search(name.lower()))
