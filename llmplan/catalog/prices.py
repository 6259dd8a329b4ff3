"""Our API prices against the installed genai-prices data: what differs, and on request taken over.

Nothing here runs by itself: an answer never changes because a package was upgraded.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from llmplan.catalog import editing
from llmplan.catalog.folder import DataFolder, data_dir
from llmplan.catalog.loading import clear_cache, load_catalog
from llmplan.catalog.records import ApiPrice
from llmplan.catalog.tables import BY_NAME
from llmplan.errors import InputError
from llmplan.units import HOURS_PER_DAY, S_PER_HOUR, S_PER_MINUTE

PACKAGE = "genai-prices"
PROVIDERS = {"huggingface-nebius": "huggingface_nebius", "bedrock": "aws", "vertex-ai": "google"}
"""Our provider id -> theirs, where the two differ."""
_FIELDS = {"input": "input_mtok", "output": "output_mtok", "cached_input": "cache_read_mtok"}
_TIER_START = "long_context_from_tokens"

Prices = dict[str, float | None]


@dataclass(frozen=True)
class Difference:
    """A price that the package states otherwise. Prices in USD per million tokens; None: no such price."""

    api_id: str
    line: int
    column: str
    ours: float | None
    theirs: float | None
    as_of: dt.date


@dataclass(frozen=True)
class Review:
    """What the comparison found, and what it could not compare and why."""

    package: str
    today: dt.date
    compared: tuple[str, ...]
    differences: tuple[Difference, ...]
    not_compared: tuple[tuple[str, str], ...]


def review_prices(folder: Path | str | None = None, today: dt.date | None = None) -> Review:
    """Compare the active rows of api_prices.csv with the installed genai-prices data, offline.

    Parameters
    ----------
    folder : folder of tables; the shipped one when None.
    today : date as of which dated prices are read; the clock's when None.
    """
    today = today or dt.date.today()
    catalog = load_catalog(folder)
    lines = {row.cells["api_id"]: row.line for row in catalog.folder.read(BY_NAME["apis"]).rows}
    compared: list[str] = []
    differences: list[Difference] = []
    not_compared: list[tuple[str, str]] = []
    for api in (api for api in catalog.apis.values() if api.status == "active"):
        theirs, gaps = _their_prices(api, today)
        not_compared += [(api.api_id, gap) for gap in gaps]
        if theirs:
            compared.append(api.api_id)
            differences += _differences(api, theirs, lines.get(api.api_id, 0))
    package = f"{PACKAGE}-{version(PACKAGE)}"
    return Review(package, today, tuple(compared), tuple(differences), tuple(not_compared))


def write_prices(review: Review, folder: Path | str | None = None) -> None:
    """Write the differences of `review` into api_prices.csv: those cells, their as_of and source_id only.

    Each file is replaced whole and at once; every other byte stays. The package is added to sources.csv.

    Raises
    ------
    InputError
        when a file cannot be written.
    """
    if not review.differences:
        return
    target, catalog = _folder(folder), load_catalog(folder)
    changes: dict[tuple[int, str], str] = {}
    for difference in review.differences:
        changes[difference.line, difference.column] = _text(difference.theirs)
        changes[difference.line, "as_of"] = review.today.isoformat()
        changes[difference.line, "source_id"] = review.package
    path = target / BY_NAME["apis"].file
    if not path.exists():
        raise InputError("folder", str(target), f"has no {path.name}", "copy the shipped one there first")
    prices = editing.replace_cells(path.read_bytes(), changes)
    try:
        if review.package not in catalog.sources:
            _add_source(review, target)
        editing.write_atomically(path, prices)
    except OSError as error:
        fix = "give a folder of your own with --data"
        raise InputError("folder", str(target), f"cannot be written ({error.strerror})", fix) from None
    clear_cache()


def _folder(folder: Path | str | None) -> Path:
    return data_dir() if folder is None else Path(folder)


def _add_source(review: Review, target: Path) -> None:
    file = BY_NAME["sources"].file
    own = target / file
    data = DataFolder(target).find(file).read_bytes()
    release = review.package.removeprefix(f"{PACKAGE}-")
    row = {
        "source_id": review.package,
        "title": f"{PACKAGE} {release} (Pydantic), packaged data",
        "url": "https://github.com/pydantic/genai-prices",
        "licence": "MIT",
        "kind": "list price",
        "as_of": review.today.isoformat(),
    }
    editing.write_atomically(own, editing.append_row(data, row))


def _text(price: float | None) -> str:
    return "" if price is None else format(Decimal(str(price)).normalize(), "f")


def _differences(api: ApiPrice, theirs: Prices, line: int) -> Iterator[Difference]:
    for column, price in theirs.items():
        ours = getattr(api, column)
        if ours != price:
            yield Difference(api.api_id, line, column, ours, price, api.as_of)


def _their_prices(api: ApiPrice, today: dt.date) -> tuple[Prices, list[str]]:
    model = _find_model(api)
    if model is None:
        return {}, [f"{PACKAGE} has no model {api.provider_model} of {api.provider}"]
    standard, peaks = _standing_price(model.prices, today)
    prices, gaps = _plain_prices(standard, api)
    if "input_usd_per_mtok" not in prices or "output_usd_per_mtok" not in prices:
        return {}, [f"{PACKAGE} gives no price per token"]
    more_prices, more_gaps = _tier_prices(standard, prices)
    peak_prices, peak_gaps = _peak_prices(standard, peaks)
    return prices | more_prices | peak_prices, gaps + more_gaps + peak_gaps


def _find_model(api: ApiPrice) -> Any | None:
    from genai_prices.data import providers

    wanted = PROVIDERS.get(api.provider, api.provider)
    provider = next((item for item in providers if item.id == wanted), None)
    if provider is None:
        return None
    exact = next((model for model in provider.models if model.id == api.provider_model), None)
    return exact or provider.find_model(api.provider_model)


def _standing_price(prices: Any, today: dt.date) -> tuple[Any, list[Any]]:
    """Return the price outside special hours as of `today`, and the prices of special hours."""
    if not isinstance(prices, list):
        return prices, []
    standard, peaks = prices[0].prices, []
    for item in prices:
        limit = item.constraint
        if hasattr(limit, "start_time"):
            peaks.append(item)
        elif limit is None or limit.start_date <= today:
            standard, peaks = item.prices, []
    return standard, peaks


def _base(price: Any) -> float | None:
    return None if price is None else float(getattr(price, "base", price))


def _plain_prices(standard: Any, api: ApiPrice) -> tuple[Prices, list[str]]:
    prices: Prices = {}
    gaps = []
    for ours, theirs in _FIELDS.items():
        price = _base(getattr(standard, theirs))
        if price is not None:
            prices[f"{ours}_usd_per_mtok"] = price
        elif getattr(api, f"{ours}_usd_per_mtok") is not None:
            gaps.append(f"{PACKAGE} gives no price of {ours.replace('_', ' ')}")
    return prices, gaps


def _tier_prices(standard: Any, plain: Prices) -> tuple[Prices, list[str]]:
    tiers = {ours: getattr(getattr(standard, theirs), "tiers", []) for ours, theirs in _FIELDS.items()}
    if any(len(items) > 1 for items in tiers.values()):
        return {}, ["more than one long-context tier: compare by hand"]
    starts = {items[0].start for items in tiers.values() if items}
    if len(starts) > 1:
        return {}, ["long-context tiers start at different lengths: compare by hand"]
    prices: Prices = {_TIER_START: float(min(starts)) if starts else None}
    for ours, items in tiers.items():
        untiered = plain.get(f"{ours}_usd_per_mtok") if starts else None
        prices[f"long_context_{ours}_usd_per_mtok"] = float(items[0].price) if items else untiered
    return prices, []


def _peak_prices(standard: Any, peaks: list[Any]) -> tuple[Prices, list[str]]:
    if not peaks:
        return {"peak_hours_per_day": None, "peak_price_factor": None}, []
    factors = {round(factor, 6) for item in peaks for factor in _factors(standard, item.prices)}
    if len(factors) != 1:
        return {}, ["prices by hour differ by more than one factor: compare by hand"]
    hours = sum(_hours(item.constraint) for item in peaks)
    return {"peak_hours_per_day": hours, "peak_price_factor": factors.pop()}, []


def _factors(standard: Any, peak: Any) -> Iterator[float]:
    for name in _FIELDS.values():
        usual, special = _base(getattr(standard, name)), _base(getattr(peak, name))
        if usual and special:
            yield special / usual


def _hours(window: Any) -> float:
    minutes = S_PER_MINUTE / S_PER_HOUR
    start, end = (time.hour + time.minute * minutes for time in (window.start_time, window.end_time))
    return float((end - start) % HOURS_PER_DAY)
