"""data/api_prices.csv against the two price lists: what is new, changed, ended, renamed; on request taken over.

Nothing here runs by itself: an answer never changes because a package was upgraded. Rows of one's own live in
own_api_prices.csv, which nothing here touches.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from llmplan.catalog import Catalog, editing
from llmplan.catalog.folder import DataFolder, data_dir
from llmplan.catalog.loading import clear_cache, load_catalog
from llmplan.catalog.records import ApiName
from llmplan.catalog.tables import BY_NAME
from llmplan.errors import InputError
from llmplan.prices import genai, litellm
from llmplan.prices.coverage import Covered, coverage
from llmplan.prices.listed import Listed
from llmplan.prices.merging import Row, Source, offers_of, rows_of
from llmplan.prices.names import Names

KINDS: Final = ("new", "changed", "ended")
"""What can be taken over."""
_TABLE: Final = BY_NAME["apis"]
_LAST: Final = ("source_id", "as_of", "note")
_COLUMNS: Final = (*(c for c in _TABLE.columns if c not in _LAST), *_LAST)
_TOLD: Final = frozenset(
    ("api_id", "source_id", "as_of", "note", "aliases", "provider_model", "life_source_id")
)
"""Columns whose change is no change of the offer."""
_OURS: Final = ("note", "status", "aliases", "provider_model", "source_id", "as_of")
"""Columns that stay ours where only one of the lists is at hand."""
_PROJECTS: Final = {
    genai.PACKAGE: ("Pydantic", "https://github.com/pydantic/genai-prices", "packaged data"),
    litellm.PACKAGE: ("BerriAI", "https://github.com/BerriAI/litellm", Path(litellm.FILE).name),
}


@dataclass(frozen=True)
class Change:
    """A cell that the lists state otherwise, as text; "" is an empty cell."""

    api_id: str
    line: int
    column: str
    ours: str
    theirs: str
    as_of: str


@dataclass(frozen=True)
class Review:
    """What the comparison found.

    Attributes
    ----------
    sources: price list -> its source id and date, those that were read.
    rows: what the table would be, in its order, by id.
    new, ended: ids. renamed: (id, our name, theirs). disagreeing: (id, what the second list says).
    unmapped: (provider, name, reason) of entries that make no row. new_models: model id -> the row that needs it.
    coverage: provider -> how many of its current models the rows offer.
    """

    today: dt.date
    sources: dict[str, Source]
    rows: dict[str, Row]
    compared: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()
    ended: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str, str], ...] = ()
    disagreeing: tuple[tuple[str, str], ...] = ()
    unmapped: tuple[tuple[str, str, str], ...] = ()
    new_models: Mapping[str, Row] = field(default_factory=dict)
    coverage: Mapping[str, Covered] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        return bool(self.new or self.changed or self.ended or self.renamed)


def review_prices(
    folder: Path | str | None = None, today: dt.date | None = None, litellm_file: Path | None = None
) -> Review:
    """Compare api_prices.csv with the installed price lists, offline.

    Where LiteLLM's table is not at hand (not installed, no file) genai-prices alone is compared: cells that it does
    not state, and rows that it does not list, stay as they are.

    Parameters
    ----------
    folder : folder of tables; the shipped one when None.
    today : date as of which dated prices are read; the clock's when None.
    litellm_file : LiteLLM's table or a wheel that holds it; the installed package when None.
    """
    today = today or dt.date.today()
    catalog = load_catalog(folder)
    lists: dict[str, list[Listed]] = {genai.PACKAGE: list(genai.listed(today))}
    ids = {genai.PACKAGE: genai.source_id()}
    table = litellm.read_table(litellm_file)
    if table is not None:
        ids[litellm.PACKAGE], entries = table
        lists[litellm.PACKAGE] = list(litellm.listed(entries))
    sources = {name: (source_id, _as_of(catalog, source_id, today)) for name, source_id in ids.items()}
    names = Names(_name_rows(catalog.folder), catalog.models)
    offers, skipped = offers_of(lists, names)
    listed = rows_of(offers, sources, catalog.models, today, catalog.api_providers)
    theirs = {row["api_id"]: row for row in listed}
    rules = ((entry, names.read(entry.provider, entry.name).rule) for entry in skipped)
    unmapped = tuple((entry.provider, entry.name, (rule and rule.note) or "") for entry, rule in rules)
    found = _review(catalog, theirs, sources, unmapped, today)
    return replace(found, coverage=coverage(offers, found.rows.values(), today))


def _name_rows(folder: DataFolder) -> list[ApiName]:
    rows = folder.read(BY_NAME["api_names"]).rows
    return [ApiName(**{c: v for c, v in row.cells.items() if v}) for row in rows]


def _as_of(catalog: Catalog, source_id: str, today: dt.date) -> dt.date:
    known = catalog.sources.get(source_id)
    return known.as_of if known else today


def _review(
    catalog: Catalog,
    theirs: dict[str, Row],
    sources: dict[str, Source],
    unmapped: tuple[tuple[str, str, str], ...],
    today: dt.date,
) -> Review:
    ours = {row.cells["api_id"]: row for row in catalog.folder.read(_TABLE).rows}
    both, is_whole = [api_id for api_id in ours if api_id in theirs], len(sources) > 1
    old = {api_id: {c: row.cells.get(c) or "" for c in _COLUMNS} for api_id, row in ours.items()}
    new = {
        api_id: _stated(row, theirs[api_id], is_whole) if api_id in theirs else _unlisted(row, is_whole)
        for api_id, row in old.items()
    }
    fresh = tuple(api_id for api_id in theirs if api_id not in ours) if is_whole else ()
    rows = new | {api_id: {c: theirs[api_id].get(c, "") for c in _COLUMNS} for api_id in fresh}
    known = catalog.models.keys() | catalog.other_models.keys()
    names = ((api_id, old[api_id]["provider_model"], new[api_id]["provider_model"]) for api_id in both)
    return Review(
        today=today,
        sources=sources,
        rows=rows,
        compared=tuple(both),
        new=fresh,
        changed=tuple(
            change
            for api_id in both
            for change in _changes(api_id, ours[api_id].line, old[api_id], new[api_id])
        ),
        ended=tuple(i for i in ours if (old[i]["status"], new[i]["status"]) == ("active", "historical")),
        renamed=tuple((api_id, before, after) for api_id, before, after in names if before != after),
        disagreeing=tuple(
            (api_id, _others_prices(row)) for api_id, row in rows.items() if row["other_source_id"]
        ),
        unmapped=unmapped,
        new_models={row["model_id"]: row for row in rows.values() if row["model_id"] not in known},
    )


def _unlisted(old: Row, is_whole: bool) -> Row:
    """Return our row of an offer that no list has; it is over where a list that had it was looked through."""
    is_over = is_whole and old["status"] == "active" and old["source_id"].startswith(tuple(_PROJECTS))
    return old | ({"status": "historical"} if is_over else {})


def _stated(old: Row, stated: Row, is_whole: bool) -> Row:
    """Return a row as the lists state it; of a part of them what it does not state stays ours."""
    if is_whole:
        return {c: stated.get(c, "") for c in _COLUMNS}
    kept = {c: old[c] for c in _OURS if old[c]}
    return {c: stated.get(c, "") or old[c] for c in _COLUMNS} | kept


def _others_prices(row: Row) -> str:
    return f"{row['other_source_id']}: {row['other_input_usd_per_mtok']}/{row['other_output_usd_per_mtok']}"


def _changes(api_id: str, line: int, old: Row, new: Row) -> Iterator[Change]:
    for column in _COLUMNS:
        if column not in _TOLD and column != "status" and not _same(old[column], new[column]):
            yield Change(api_id, line, column, old[column], new[column], old["as_of"])


def _same(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def write_prices(review: Review, folder: Path | str | None = None, kinds: Collection[str] = KINDS) -> None:
    """Write what a review found into api_prices.csv, and the sources and models that its rows name.

    Each file is replaced whole and at once, api_prices.csv last, so that no row ever names what is not there.

    Parameters
    ----------
    kinds: what is taken over: rows that are new, cells that changed, offers that ended.

    Raises
    ------
    InputError
        when a file cannot be written.
    """
    target = data_dir() if folder is None else Path(folder)
    path = target / _TABLE.file
    if not path.exists():
        raise InputError("folder", str(target), f"has no {path.name}", "copy the shipped one there first")
    rows = list(_taken(review, DataFolder(target), kinds))
    _TABLE.adapter.validate_python([{c: v for c, v in row.items() if v} for row in rows])
    named = {row["source_id"] for row in rows} | {row["other_source_id"] for row in rows}
    try:
        for name, (source_id, as_of) in review.sources.items():
            if source_id in named:
                _append_missing(target, "sources", "source_id", [_source(name, source_id, as_of)])
        needed = {row["model_id"] for row in rows}
        models = [_model(m, row) for m, row in review.new_models.items() if m in needed]
        _append_missing(target, "other_models", "model_id", models)
        editing.write_atomically(path, _csv(rows))
    except OSError as error:
        fix = "give a folder of your own with --data"
        raise InputError("folder", str(target), f"cannot be written ({error.strerror})", fix) from None
    clear_cache()


def _taken(review: Review, folder: DataFolder, kinds: Collection[str]) -> Iterator[Row]:
    ours = {row.cells["api_id"]: row.cells for row in folder.read(_TABLE).rows}
    for api_id, row in review.rows.items():
        old = ours.get(api_id)
        if old is None:
            if "new" in kinds:
                yield row
        else:
            kept = {column: old.get(column) or "" for column in _COLUMNS}
            life = {c: row[c] for c in ("status", "ends_on", "life_source_id")}
            own_life = {c: kept[c] for c in life}
            taken = row if "changed" in kinds else kept
            yield taken | (life if "ended" in kinds else own_life)


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _append_missing(target: Path, table: str, key: str, rows: list[dict[str, str]]) -> None:
    file = BY_NAME[table].file
    data = DataFolder(target).find(file).read_bytes()
    known = {line.split(",")[0] for line in data.decode().splitlines()}
    missing = [row for row in rows if row[key] not in known]
    for row in missing:
        data = editing.append_row(data, row)
    if missing:
        editing.write_atomically(target / file, data)


def _source(package: str, source_id: str, as_of: dt.date) -> dict[str, str]:
    owner, url, what = _PROJECTS[package]
    return {
        "source_id": source_id,
        "title": f"{package} {source_id.removeprefix(package).lstrip('-')} ({owner}), {what}",
        "url": url,
        "licence": "MIT",
        "kind": "list price",
        "as_of": as_of.isoformat(),
    }


def _model(model_id: str, row: Row) -> dict[str, str]:
    head, _, tail = row["provider_model"].partition("/")
    owner = head.lower() if tail and head not in ("accounts", "global-standard") else row["provider"]
    return {
        "model_id": model_id,
        "name": model_id,
        "owner": owner,
        "source_id": row["source_id"],
        "as_of": row["as_of"],
    }


def as_document(review: Review, *, written: bool) -> dict[str, Any]:
    """Return the JSON document of `llmplan refresh-prices`."""
    return {
        "sources": {name: source_id for name, (source_id, _) in review.sources.items()},
        "as_of": review.today,
        "compared": list(review.compared),
        "new": list(review.new),
        "changed": [
            {
                "api_id": item.api_id,
                "line": item.line,
                "field": item.column,
                "ours": _value(item.ours),
                "theirs": _value(item.theirs),
                "ours_as_of": item.as_of,
            }
            for item in review.changed
        ],
        "ended": list(review.ended),
        "renamed": [{"api_id": a, "ours": old, "theirs": new} for a, old, new in review.renamed],
        "disagreeing": [{"api_id": a, "other": text} for a, text in review.disagreeing],
        "unmapped": [{"provider": p, "name": n, "reason": reason} for p, n, reason in review.unmapped],
        "coverage": {
            provider: {"listed": item.listed, "share": item.share, "missing": list(item.missing)}
            for provider, item in review.coverage.items()
        },
        "written": written,
    }


def _value(cell: str) -> float | str | None:
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell
