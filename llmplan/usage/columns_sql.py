"""A `ColumnMap` as a query of DuckDB: canonical columns from cells of text, and which rows are read so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from llmplan.usage.column_map import ColumnMap
from llmplan.usage.mapping import BAD_FROM, GOOD
from llmplan.usage.rows import CHAT, MEASURES, OK, schema
from llmplan.usage.values import EMPTY, FIRST_US, KIND_WORDS, LAST_US, MOST_TOKENS, UNITS_PER_S, US_PER_S, YES

HINTS = ("_cache_hit", *(word for words in KIND_WORDS.values() for word in words))
"""Words of a row that is perhaps no text, or no model's."""
_SPACE = "E' \\t\\r\\n'"
_TIME = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?)?"


def base_names(where: ColumnMap) -> list[str]:
    """Return the names under which a record's own cells are looked for: paths, and what they begin with."""
    paths = {path for path in _paths(where) if not set(path) & set("\"'\\")}
    return sorted(paths | {path.split(".")[0] for path in paths})


def _paths(where: ColumnMap) -> Iterable[str]:
    for column in where.columns:
        yield from where.paths(column)
    yield from (*where.plain, *where.hints, *where.told)
    yield from where.group_paths


def query(where: ColumnMap, name: str, cells: Mapping[str, str], source: str = "block") -> str:
    """Return the query of a table `block` for a format's rows, `is_plain` and the `place` of each.

    cells: name -> expression, over `source`, of a cell of text that a record itself has.
    """
    paths = sorted(set(_paths(where)))
    numbered = {path: f"p{place}" for place, path in enumerate(paths)}
    tops = {top: f"b{place}" for place, top in enumerate(cells)}
    inners = {top: _Inner(top, label, paths) for top, label in tops.items()}
    inners = {top: inner for top, inner in inners.items() if inner.keys}
    base = ", ".join(
        [f"{cells[top]} AS {label}" for top, label in tops.items()] + ['"place of record" AS place']
    )
    within = ", ".join(["*", *(inner.read for inner in inners.values())])
    told = ", ".join(
        [f"{_told(path, tops, inners)} AS {label}" for path, label in numbered.items()] + ["place"]
    )
    broken = _any(odd for inner in inners.values() for odd in inner.odd)
    typed = _Typed(where, numbered)
    columns = typed.columns(name)
    shown = ", ".join(f"{columns[field]} AS {field}" for field in schema().names)
    return (
        f"WITH base AS MATERIALIZED (SELECT {base} FROM {source}), "
        f"within AS MATERIALIZED (SELECT {within} FROM base), "
        f"told AS MATERIALIZED (SELECT {told}, {broken} AS is_broken FROM within) "
        f"SELECT {shown}, place, NOT (is_broken OR {_any(typed.odd)}) AS is_plain FROM told"
    )


class _Inner:
    """What stands at paths within a record's own cell, all read at once: `read` as columns, each at its `keys`.

    `odd`: a cell that looks like an object and is no JSON, or an object that is written as text within one.
    """

    def __init__(self, top: str, label: str, paths: Iterable[str]) -> None:
        keys = [path.split(".")[1:] for path in paths if path.startswith(f"{top}.")]
        found = [json_path(each) for each in keys]
        parents = sorted({json_path(each[:depth]) for each in keys for depth in range(1, len(each))})
        self.keys = {path: f"i{label}[{place}]" for place, path in enumerate(found, start=1)}
        valid = f"CASE WHEN json_valid({label}) THEN {label} END"
        self.read = f"json_extract_string({valid}, [{', '.join(found)}]) AS i{label}"
        self.odd = [f"{label} LIKE '{{%' AND NOT json_valid({label})"]
        if parents:
            self.read += f", json_type({valid}, [{', '.join(parents)}]) AS t{label}"
            self.odd.append(f"list_contains(t{label}, 'VARCHAR')")


def json_path(keys: Iterable[str]) -> str:
    """Return a path of keys as DuckDB writes it."""
    return "'$" + "".join(f'."{key}"' for key in keys) + "'"


def _any(conditions: Iterable[str]) -> str:
    found = [f"coalesce({condition}, false)" for condition in conditions]
    return f"({' OR '.join(found)})" if found else "false"


def _told(path: str, tops: Mapping[str, str], inners: Mapping[str, _Inner]) -> str:
    """Return the text at a path, null where nothing is told: the record's own cell of that name, or one within others."""
    ways = [tops[path]] if path in tops else []
    first, *keys = path.split(".")
    if keys and first in inners:
        ways.append(inners[first].keys[json_path(keys)])
    if not ways:
        return "NULL::VARCHAR"
    text = f"trim(coalesce({', '.join(ways)}), {_SPACE})"
    # Compared one by one: DuckDB makes a join of a long list.
    return f"CASE WHEN NOT ({' OR '.join(f'{text} = {_list([word])}' for word in sorted(EMPTY))}) THEN {text} END"


def _list(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in sorted(words))


class _Typed:
    """Canonical columns from the text at each path; `odd`: what makes a row be read by its format."""

    def __init__(self, where: ColumnMap, numbered: Mapping[str, str]) -> None:
        self.where, self.numbered, self.odd = where, numbered, list[str]()

    def columns(self, name: str) -> dict[str, str]:
        """Return the expression of each stored column."""
        where = self.where
        counts = {measure: self._count(measure) for measure in MEASURES}
        self._usage(counts)
        cost = self._number("cost_usd", "isfinite({0})")
        bucket_s = self._count("bucket_s") if "bucket_s" in where.columns else str(where.bucket_s)
        n_requests = "NULL" if where.is_bucketed else "1"
        if "n_requests" in where.columns:
            n_requests = self._count("n_requests")
        key = self._word("key")
        if where.hints:
            said = f"lower(concat_ws(' ', {', '.join(self.numbered[path] for path in where.hints)}))"
            self.odd.append(f"regexp_matches({said}, '{'|'.join(map(re.escape, HINTS))}')")
        for path, words in where.plain.items():
            self.odd.append(f"coalesce(lower({self.numbered[path]}), '') NOT IN ({_list(words)})")
        self.odd += [f"coalesce({', '.join(self._texts(column))}) IS NULL" for column in where.required]
        for path in where.paths("kind"):
            self.odd.append(f"{self.numbered[path]} IS NOT NULL")
        return {
            "ts": self._time(),
            **{column: self._word(column) for column in ("app", "provider", "model")},
            "kind": f"'{CHAT}'",
            "status": self._status(),
            "n_requests": n_requests,
            "bucket_s": f"coalesce({bucket_s}, 0)",
            "batch": self._batch(),
            **counts,
            "cost_usd": f"{cost} / {where.cost_per_usd}",
            "key": f"(md5_number_lower({key}) >> 1)::BIGINT",
            "span": "NULL",
            "parent": "NULL",
            "input_group": self._group(),
            "format": f"'{name}'",
        }

    def _texts(self, column: str) -> list[str]:
        return [self.numbered[path] for path in self.where.paths(column)]

    def _word(self, column: str) -> str:
        ways = self._texts(column)
        if column in self.where.constants:
            ways.append(f"'{self.where.constants[column].replace(chr(39), 2 * chr(39))}'")
        return f"coalesce({', '.join(ways)})" if ways else "NULL::VARCHAR"

    def _number(self, column: str, rule: str) -> str:
        """Return a number as a double; a cell that is none, or breaks the rule, is odd, as are ways that disagree."""
        ways = self._texts(column)
        if not ways:
            return "NULL::DOUBLE"
        numbers = [f"TRY_CAST({way} AS DOUBLE)" for way in ways]
        for way, number in zip(ways, numbers, strict=True):
            self.odd.append(f"{way} IS NOT NULL AND NOT coalesce({rule.format(number)}, false)")
            self.odd.append(f"{number} <> {numbers[0]}")
        return f"coalesce({', '.join(numbers)})"

    def _count(self, column: str) -> str:
        number = self._number(column, f"{{0}} >= 0 AND {{0}} <= {MOST_TOKENS} AND {{0}} = floor({{0}})")
        count = f"{number}::BIGINT"
        if self.where.told and column in MEASURES and column not in ("input_tokens", "output_tokens"):
            told = _any(f"{self.numbered[path]} <> '{{}}'" for path in self.where.told)
            count = f"coalesce({count}, CASE WHEN {told} THEN 0 END)"
        return count

    def _usage(self, counts: dict[str, str]) -> None:
        """Put cached and written tokens into the input and reasoning into the output, where they stand beside."""
        where = self.where
        if where.needs_usage:
            empty = (f"coalesce({counts[side]}, 0) = 0" for side in ("input_tokens", "output_tokens"))
            self.odd.append(" AND ".join(empty))
        if not where.input_holds_cached:
            counts["input_tokens"] = _added(*(counts[m] for m in MEASURES[:3]))
        if not where.output_holds_reasoning:
            counts["output_tokens"] = _added(*(counts[m] for m in MEASURES[3:]))

    def _time(self) -> str:
        if "ts" not in self.where.columns:
            return "NULL::TIMESTAMP"
        way = f"coalesce({', '.join(self._texts('ts'))})"
        number = f"TRY_CAST({way} AS DOUBLE)"
        scale = " ".join(
            f"WHEN {number} < {bound if bound < 1e30 else 1e19!r} THEN {units}"
            for bound, units in UNITS_PER_S
        )
        written = (
            f"CASE WHEN regexp_full_match({way}, '{_TIME}') THEN epoch_us(TRY_CAST({way} AS TIMESTAMPTZ)) END"
        )
        counted = f"round_even({number} / CASE {scale} END * {US_PER_S}, 0)::BIGINT"
        moment = (
            f"CASE WHEN {number} IS NULL THEN {written} WHEN {number} BETWEEN 0 AND 9e18 THEN {counted} END"
        )
        self.odd.append(f"NOT coalesce({moment} >= {FIRST_US} AND {moment} < {LAST_US}, false)")
        return f"make_timestamp({moment})"

    def _status(self) -> str:
        if "ok" not in self.where.columns:
            return f"'{OK}'"
        said = f"lower(coalesce({', '.join(self._texts('ok'))}))"
        code = f"TRY_CAST(CASE WHEN regexp_full_match({said}, '[0-9]+') THEN {said} END AS BIGINT)"
        good = f"({said} IN ({_list(GOOD)}) OR ({code} >= 2 AND {code} < {BAD_FROM}))"
        return f"CASE WHEN coalesce({good}, false) THEN '{OK}' ELSE 'failed_attempt' END"

    def _batch(self) -> str:
        ways = self._texts("batch")
        return f"coalesce(lower({ways[0]}) IN ({_list(YES)}), false)" if ways else "NULL::BOOLEAN"

    def _group(self) -> str:
        if not self.where.group:
            return "NULL::VARCHAR"
        cells = [f"coalesce({self.numbered[path]}, 'None')" for path in self.where.group_paths]
        return f"format('{self.where.group_form}', {', '.join(cells)})"


def _added(*counts: str) -> str:
    known = " AND ".join(f"({count}) IS NULL" for count in counts)
    return f"CASE WHEN NOT ({known}) THEN {' + '.join(f'coalesce({count}, 0)' for count in counts)} END"
