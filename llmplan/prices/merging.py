"""Two price lists to the rows of data/api_prices.csv: the same offer once, with what the second list says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from llmplan.catalog.records import ApiProvider
from llmplan.prices.listed import CACHED, INPUT, OUTPUT, Listed
from llmplan.prices.names import Names, Reading, api_id_of, is_dated, kind_of

TOLERANCE: Final = 0.01
"""Prices that differ by less agree."""
Row = dict[str, str]
Source = tuple[str, dt.date]
"""Source id and date of a price list."""
_WORLDWIDE: Final = ("", "global", "global-standard")
_NOT_NAMED: Final = ("regional", "us-gov")


@dataclass
class Offer:
    """The entries of one offer. by_source: the entry that states the price, of each list that has one."""

    reading: Reading
    by_source: dict[str, Listed] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    in_areas: dict[str, Listed] = field(default_factory=dict)

    @property
    def main(self) -> Listed:
        return next(iter(self.by_source.values()))


def offers_of(lists: Mapping[str, Iterable[Listed]], names: Names) -> tuple[list[Offer], list[Listed]]:
    """Return the offers of some price lists (the first one leads), and the entries that the table skips."""
    groups: dict[tuple[str, ...], list[Offer]] = {}
    skipped: list[Listed] = []
    for source, entries in lists.items():
        for entry in sorted(entries, key=lambda e: (is_dated(e.name), len(e.name), e.name)):
            reading = names.read(entry.provider, entry.name)
            if reading.is_skipped:
                skipped.append(entry)
                continue
            pinned = (reading.rule.api_id or "") if reading.rule else ""
            key = (entry.provider, reading.model_id, reading.effort, reading.offer)
            group = groups.setdefault(key, [])
            if reading.area not in _WORLDWIDE:
                offer = group[0] if group else Offer(reading)
                if not group:
                    group.append(offer)
                offer.in_areas.setdefault(reading.area, entry)
                offer.names.setdefault(entry.name)
                continue
            home = _home(group, source, entry, pinned)
            offer = home or Offer(reading)
            if home is None:
                group.append(offer)
            if not offer.by_source or (reading.rule and reading.rule.api_id):
                offer.reading = reading
            offer.by_source.setdefault(source, entry)
            offer.names.setdefault(entry.name)
            offer.names.update(dict.fromkeys(a for a in entry.aliases if a != entry.name))
    return [_placed(offer) for group in groups.values() for offer in group], skipped


def _placed(offer: Offer) -> Offer:
    """Let an offer that is listed by area alone be that of its cheapest area."""
    if not offer.by_source:
        area = min(offer.in_areas, key=lambda a: offer.in_areas[a].prices[INPUT])
        offer.by_source["litellm" if area not in _NOT_NAMED else "genai-prices"] = offer.in_areas[area]
    return offer


def _home(group: list[Offer], source: str, entry: Listed, pinned: str) -> Offer | None:
    """Return the offer of a group that an entry belongs to: by name, by price, or the one this list lacks."""
    own = [offer for offer in group if not pinned or pinned == _pinned(offer)]
    for offer in own:
        if any(_plain(entry.name) == _plain(name) for name in offer.names):
            return offer
    for offer in own:
        if offer.by_source and agree(entry, offer.main):
            return offer
    return next((offer for offer in own if source not in offer.by_source), None)


def _pinned(offer: Offer) -> str:
    return (offer.reading.rule.api_id or "") if offer.reading.rule else ""


def _plain(name: str) -> str:
    return name.lower().rsplit("/", 1)[-1]


def agree(one: Listed, other: Listed) -> bool:
    """Say whether two entries state the same prices of input and output."""
    return all(abs(one.prices[c] - other.prices[c]) <= TOLERANCE * one.prices[c] for c in (INPUT, OUTPUT))


def rows_of(
    offers: Iterable[Offer],
    sources: Mapping[str, Source],
    models: Mapping[str, object],
    today: dt.date,
    providers: Iterable[ApiProvider] = (),
) -> Iterator[Row]:
    """Yield the rows of offers that last, and of those that the table pins.

    sources: price list -> its source id and date. models: open models by id. providers: where they process.
    """
    taken: set[str] = set()
    offers = sorted(offers, key=_first_named)
    for offer in offers:
        ends_on, life_source = _end(offer, sources)
        over = (ends_on is not None and ends_on <= today) or not all(
            e.is_current for e in offer.by_source.values()
        )
        if over and not _pinned(offer):
            continue
        api_id = _pinned(offer) or api_id_of(offer.main, offer.reading)
        if api_id in taken:
            api_id = api_id_of(offer.main, offer.reading, full=True)
        if api_id in taken:
            continue
        taken.add(api_id)
        historical = over or bool(offer.reading.rule and offer.reading.rule.status == "historical")
        yield {
            "api_id": api_id,
            "kind": kind_of(offer.main.provider, offer.reading, models),
            "provider": offer.main.provider,
            "provider_model": offer.main.name,
            "model_id": offer.reading.model_id,
            "effort": offer.reading.effort,
            **_prices(offer),
            **(_places(offer) or _provider_places(offer, providers)),
            "precision_id": offer.reading.precision_id,
            "status": "historical" if historical else "active",
            "released_on": _released(offer),
            "ends_on": ends_on.isoformat() if ends_on else "",
            "life_source_id": life_source if ends_on else "",
            **_sources(offer, sources),
            "aliases": " ".join(name for name in offer.names if name != offer.main.name),
        }


def _first_named(offer: Offer) -> tuple[bool, str, bool, bool, str]:
    """Rank offers for the short id: pinned ones first, then those that bear the model's own name, dated names last."""
    name = offer.main.name
    other_name = _plain(name) != offer.reading.model_id
    return not _pinned(offer), offer.main.provider, is_dated(name), other_name, name


def _end(offer: Offer, sources: Mapping[str, Source]) -> tuple[dt.date | None, str]:
    """Return the end of an offer and its source: the table's, else the list's."""
    rule = offer.reading.rule
    if rule is not None and rule.ends_on is not None:
        return rule.ends_on, rule.source_id or ""
    stated = ((e.ends_on, sources[source][0]) for source, e in offer.by_source.items())
    return next(((end, source) for end, source in stated if end), (None, ""))


def _released(offer: Offer) -> str:
    """Return the earliest date among an offer's names; "" where none has one."""
    dates = []
    for name in (*offer.names, offer.main.name):
        digits = "".join(c for c in name[-10:] if c.isdigit())
        if is_dated(name) and len(digits) == 8:
            try:
                dates.append(dt.datetime.strptime(digits, "%Y%m%d").date())
            except ValueError:
                continue
    return min(dates).isoformat() if dates else ""


def _prices(offer: Offer) -> Row:
    """Return the price columns: the leading list's, and what only the others state."""
    found: dict[str, float] = {}
    main = offer.main
    for entry in reversed(list(offer.by_source.values())):
        if entry is main or agree(entry, main):
            tier = "longer_context_from_tokens" if "longer_context_from_tokens" in entry.prices else ""
            found = {c: p for c, p in found.items() if not (tier and c.startswith("longer"))} | entry.prices
    if found.get(CACHED, 0) > found[INPUT]:
        del found[CACHED]
    contexts = [entry.context_tokens for entry in offer.by_source.values() if entry.context_tokens]
    days = offer.reading.rule.peak_days_per_week if offer.reading.rule else None
    return {column: number(price) for column, price in found.items()} | {
        "peak_hours_utc": main.peak_hours_utc,
        "peak_days_per_week": number(days) if days and main.peak_hours_utc else "",
        "max_context_tokens": number(contexts[0]) if contexts else "",
        "takes_images": "true" if any(entry.takes_images for entry in offer.by_source.values()) else "",
    }


def _places(offer: Offer) -> Row:
    """Return where processing can be held to, and what that adds."""
    shares = {a: s for entry in offer.by_source.values() for a, s in entry.surcharges.items()}
    base = offer.main.prices[INPUT]
    for area, entry in offer.in_areas.items():
        shares.setdefault(area, max(0.0, round(entry.prices[INPUT] / base - 1, 4)))
    named = sorted(area for area in shares if area not in _NOT_NAMED)
    if not named:
        return {}
    return {
        "in_region_areas": " ".join(named),
        "in_region_surcharge": number(max(shares[area] for area in named)),
    }


def _provider_places(offer: Offer, providers: Iterable[ApiProvider]) -> Row:
    """Return the same as the provider's own pages say it, where the price lists do not."""
    main = offer.main
    for row in providers:
        if row.in_region_areas and row.provider == main.provider and re.fullmatch(row.models, main.name):
            added = row.in_region_surcharge or 0.0
            return {"in_region_areas": row.in_region_areas, "in_region_surcharge": number(added)}
    return {}


def _sources(offer: Offer, sources: Mapping[str, Source]) -> Row:
    """Return source and date, the second list's figures where it differs, and a note."""
    (first, main), *others = offer.by_source.items()
    rule = offer.reading.rule
    notes = [*((rule.note,) if rule and rule.note else ()), *main.notes]
    row = {"source_id": sources[first][0], "as_of": sources[first][1].isoformat()}
    for source, entry in others:
        if agree(main, entry):
            notes.insert(0, f"{source} agrees")
        else:
            row |= {f"other_{column}": number(entry.prices[column]) for column in (INPUT, OUTPUT)}
            row["other_source_id"] = sources[source][0]
            notes.insert(0, f"{source} says {entry.prices[INPUT]:g}/{entry.prices[OUTPUT]:g}")
    return row | {"note": "; ".join(notes)}


def number(value: float) -> str:
    """Return a number without an exponent or idle zeros."""
    return format(Decimal(f"{value:.10g}").normalize(), "f")
