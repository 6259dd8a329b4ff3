"""LiteLLM's bundled price table as entries: read from the installed package, its wheel or a copy of the file."""

from __future__ import annotations

import datetime as dt
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from llmplan.errors import InputError
from llmplan.prices.listed import CACHED, INPUT, OUTPUT, Listed, Prices, discounted, tiered
from llmplan.units import TOKENS_PER_MTOK

PACKAGE: Final = "litellm"
FILE: Final = "litellm/model_prices_and_context_window_backup.json"
PROVIDERS: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "xai": "x-ai",
    "mistral": "mistral",
    "codestral": "mistral",
    "deepseek": "deepseek",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "amazon_nova": "amazon",
    "moonshot": "moonshotai",
    "minimax": "minimax",
    "zai": "zai",
    "dashscope": "alibaba",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "azure": "azure",
    "azure_ai": "azure",
    **{name: name for name in ["groq", "cerebras", "sambanova", "novita", "nebius", "deepinfra"]},
}
"""Their provider -> ours; every `vertex_ai-...` is vertex-ai."""
_PREFIX: Final = re.compile(
    r"^(gemini|xai|mistral|deepseek|cohere|amazon-nova|moonshot|minimax|zai|dashscope|together_ai|fireworks_ai|groq|"
    r"cerebras|sambanova|novita|nebius|deepinfra|vertex_ai|azure|azure_ai|bedrock|codestral)/"
)
_PLACE_OR_TERM: Final = re.compile(r"^(bedrock/)?[a-z]{2}(-gov)?-[a-z]+-\d/|commitment/")
"""Names that repeat a price for one data centre, or price a commitment by the hour."""
_COLUMNS: Final = {
    INPUT: "input_cost_per_token",
    OUTPUT: "output_cost_per_token",
    CACHED: "cache_read_input_token_cost",
}
_IMAGE: Final = "input_cost_per_image_token"
_TIER: Final = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")


def read_table(path: Path | None) -> tuple[str, Mapping[str, Mapping[str, Any]]] | None:
    """Return (source id, the table); None where no path is given and the package is not installed.

    path: the table as JSON, or a wheel of the package that holds it (`pip download --no-deps litellm`).

    Raises
    ------
    InputError
        when the file is neither.
    """
    try:
        if path is None:
            package = distribution(PACKAGE)
            text = Path(str(package.locate_file(FILE))).read_text(encoding="utf-8")
            return f"{PACKAGE}-{package.version}", json.loads(text)
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                return f"{PACKAGE}-{path.name.split('-')[1]}", json.loads(wheel.read(FILE))
        return PACKAGE, json.loads(path.read_text(encoding="utf-8"))
    except PackageNotFoundError:
        return None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        fix = "give model_prices_and_context_window_backup.json, or a wheel of litellm"
        raise InputError("litellm", str(path or FILE), f"cannot be read ({error})", fix) from None


def listed(table: Mapping[str, Mapping[str, Any]]) -> Iterator[Listed]:
    """Yield the text models of the providers that are covered."""
    for name, row in table.items():
        provider = _provider(str(row.get("litellm_provider", "")))
        if (
            provider
            and row.get("mode") in ("chat", "completion", "responses")
            and not _PLACE_OR_TERM.search(name)
        ):
            entry = _entry(provider, name, row)
            if entry is not None:
                yield entry


def _provider(theirs: str) -> str | None:
    return "vertex-ai" if theirs.startswith("vertex_ai") else PROVIDERS.get(theirs)


def _entry(provider: str, name: str, row: Mapping[str, Any]) -> Listed | None:
    prices = _prices(row, "")
    ranges = row.get("tiered_pricing") or []
    if ranges:
        prices = _prices(ranges[0], "")
    if not prices.get(INPUT) or not prices.get(OUTPUT):
        return None
    tiers = {float(part["range"][0]): _prices(part, "") for part in ranges[1:]}
    for found in filter(None, map(_TIER.fullmatch, row)):
        tiers[float(found[1]) * 1000] = prices | _prices(row, f"_above_{found[1]}k_tokens")
    prices |= tiered(tiers) | discounted(prices, _prices(row, "_batches"))
    for tier in ("priority", "flex"):
        prices |= {f"{tier}_{column}": price for column, price in _prices(row, f"_{tier}").items()}
    prices |= _writes(row)
    if row.get(_IMAGE):
        prices["image_input_usd_per_mtok"] = _per_mtok(float(row[_IMAGE]))
    return Listed(
        provider=provider,
        name=_PREFIX.sub("", name),
        prices=prices,
        ends_on=_date(row.get("deprecation_date")),
        context_tokens=row.get("max_input_tokens") or row.get("max_tokens"),
        surcharges=dict(_surcharges(row)),
        takes_images=bool(row.get("supports_vision")),
    )


def _per_mtok(value: float) -> float:
    return float(f"{value * TOKENS_PER_MTOK:.10g}")


def _prices(row: Mapping[str, Any], ending: str) -> Prices:
    found = ((column, row.get(theirs + ending)) for column, theirs in _COLUMNS.items())
    return {column: _per_mtok(float(value)) for column, value in found if value is not None}


def _writes(row: Mapping[str, Any]) -> Prices:
    short = row.get("cache_creation_input_token_cost")
    long = row.get("cache_creation_input_token_cost_above_1hr") or row.get(
        "cache_creation_input_token_cost_above_12hr"
    )
    pairs = (("cache_write_usd_per_mtok", short), ("cache_write_long_usd_per_mtok", long))
    return {column: _per_mtok(float(value)) for column, value in pairs if value}


def _surcharges(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for area in ("eu", "us"):
        factor = row.get(f"regional_processing_uplift_multiplier_{area}")
        if factor:
            yield area, round(float(factor) - 1, 4)


def _date(text: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text))
    except ValueError:
        return None
