"""The cubes of Parquet files of canonical rows, summed in NumPy over dense tables of hours, minutes and bins.

The same sums as `cubes.cube_expressions`, which the tests hold it against: DuckDB's own hash tables take several times
as long over millions of groups, and words are read as the codes that the files hold in their place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from llmplan.units import S_PER_HOUR, S_PER_MINUTE
from llmplan.usage.rows import BILL, MEASURES, OK, STRUCTURE
from llmplan.usage.values import MOST_TOKENS, US_PER_S

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa

BATCH = 1 << 19
SHORT = 1 << 18
"""Tokens below which bins are looked up."""
HELD = 1 << 24
"""Keys that wait in memory and minutes of all apps, 128 MiB."""
DENSE = 1 << 21
"""Cells of a table that is held some twenty times: of groups by hours, or of apps by bins."""
BINS_PER_E = 143
"""Bins of the tokens' natural logarithm: a bin is 0.70 % wide, its middle within 0.35 % of what it holds.

No whole number but 1, whose logarithm is exactly 0 everywhere, has its logarithm on the border of a bin, so
that engines whose logarithms differ in the last digit agree."""
EMPTY_BIN = -1
"""Bin of 0 tokens."""
SIDES = ("input", "output")
WORDS = ("format", "app", "provider", "model", "kind", "status")
NUMBERS = ("n_requests", "bucket_s", *MEASURES, "cost_usd")
N_BINS = int(BINS_PER_E * math.log(MOST_TOKENS)) + 1 - EMPTY_BIN
US_PER_MINUTE, MINUTES_PER_HOUR = round(S_PER_MINUTE * US_PER_S), round(S_PER_HOUR / S_PER_MINUTE)
Whole = NDArray[np.int64]
Numbers = NDArray[Any]
EPOCH = datetime(1970, 1, 1)


def repeated(table: ir.Table, name: str) -> Whole:
    """Return the whole numbers that stand in a column more than once; no more than some `HELD` rows are held."""
    parts = int(table.count().to_pyarrow().as_py()) // HELD + 1
    found = []
    for part in range(parts):
        mine = table.filter(table[name] % parts == part) if parts > 1 else table
        held = np.sort(mine.select(name).to_pyarrow()[name].to_numpy())
        found.append(np.unique(held[1:][held[1:] == held[:-1]]))
    return np.concatenate(found)


def summed(files: Sequence[Path], first: datetime | None, last: datetime | None) -> dict[str, Any] | None:
    """Return the cubes of files by name; None where their times are too far apart, or their apps too many.

    first, last: times of the first and the last row.
    """
    start, end = (
        0 if when is None else (when - EPOCH).total_seconds() // S_PER_HOUR for when in (first, last)
    )
    sums = _Sums(int(start), int(end - start) + 1)
    for table in _tables(files):
        if not sums.add(table):
            return None
    return {"hours": sums.hours(), "tokens": sums.tokens(), "minutes": sums.minutes()}


def _tables(files: Sequence[Path]) -> Iterator[pa.Table]:
    """Yield all files' rows in pieces; the next one is read while one is summed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ["ts", *WORDS, "batch", *NUMBERS]

    def pieces() -> Iterator[pa.Table]:
        held: list[pa.RecordBatch] = []
        for path in files:
            with pq.ParquetFile(path, read_dictionary=list(WORDS)) as file:
                for batch in file.iter_batches(BATCH, columns=columns):
                    held.append(batch)
                    if sum(each.num_rows for each in held) >= BATCH:
                        yield pa.Table.from_batches(held)
                        held = []
        if held:
            yield pa.Table.from_batches(held)

    found = pieces()
    with ThreadPoolExecutor(1) as reader:
        piece = next(found, None)
        while piece is not None:
            coming = reader.submit(next, found, None)
            yield piece.unify_dictionaries().combine_chunks()
            piece = coming.result()


class _Sums:
    """Totals by group and hour, requests by app and minute, and tokens by app, side and bin, all as dense tables.

    A group is what the words of a row and its `batch` are together; tables grow at their ends as groups and apps come.
    """

    def __init__(self, start: int, n_hours: int) -> None:
        self.start, self.n_hours = start, n_hours
        self.groups: dict[tuple[Any, ...], int] = {}
        self.apps: dict[str | None, int] = {}
        self.app_of, self.counts = np.empty(0, np.int64), np.empty(0, bool)
        self.held: dict[str, Numbers] = {}

    def add(self, table: pa.Table) -> bool:
        """Add rows; False where the tables would grow too large."""
        group = self._groups_of(table)
        if group is None:
            return False
        places, minutes = len(self.groups) * (self.n_hours + 1), self.n_hours * MINUTES_PER_HOUR
        n_bins = len(self.apps) * len(SIDES) * N_BINS
        if max(places, n_bins) > DENSE or len(self.apps) * minutes > HELD:
            return False
        minute, timed = _told(table["ts"].cast("int64"))
        minute = minute // US_PER_MINUTE - self.start * MINUTES_PER_HOUR
        hour = minute // MINUTES_PER_HOUR
        if timed is not None:
            hour = np.where(timed, hour, self.n_hours)
        numbers = {name: _told(table[name]) for name in NUMBERS if table[name].null_count < len(table)}
        self._add_hours(group * (self.n_hours + 1) + hour, places, numbers)
        counted, app = self.counts[group], self.app_of[group]
        requests, told = numbers.get("n_requests", (np.zeros(len(group), np.int64), None))
        bucket_s = numbers["bucket_s"][0]
        short = _all(counted, bucket_s <= S_PER_MINUTE, timed, told)
        self._sum("minutes", (app * minutes + minute)[short], requests[short], len(self.apps) * minutes)
        single = _all(counted, bucket_s == 0, requests == 1)
        for side, name in enumerate(SIDES):
            self._add_bins(name, app * len(SIDES) + side, single, n_bins, numbers)
        return True

    def _groups_of(self, table: pa.Table) -> Whole | None:
        """Return the group of each row; None where there may be too many."""
        code, held = np.zeros(len(table), np.int64), []
        for name in (*WORDS, "batch"):
            column = table[name].combine_chunks()
            column = column if name in WORDS else column.dictionary_encode()
            words = [*column.dictionary.to_pylist(), None]
            if len(words) == 2 and not column.null_count:
                words = words[:1]
            else:
                code = code * len(words) + column.indices.fill_null(len(words) - 1).to_numpy()
            held.append(words)
        shape = [len(words) for words in held]
        if math.prod(shape) > DENSE:
            return None
        group_of = np.bincount(code, minlength=math.prod(shape))
        for own in np.flatnonzero(group_of):
            places = np.unravel_index(own, shape)
            group_of[own] = self._group(tuple(words[i] for words, i in zip(held, places, strict=True)))
        return group_of[code]

    def _group(self, words: tuple[Any, ...]) -> int:
        if words not in self.groups:
            said = dict(zip((*WORDS, "batch"), words, strict=True))
            app = self.apps.setdefault(said["app"], len(self.apps))
            self.app_of = np.append(self.app_of, app)
            self.counts = np.append(self.counts, said["status"] == OK and said["kind"] != BILL)
        return self.groups.setdefault(words, len(self.groups))

    def _sum(self, name: str, place: Whole, weights: Numbers | None, n: int) -> None:
        """Add the rows of each place to a table of n."""
        self._plus(name, np.bincount(place, weights, n))

    def _plus(self, name: str, sums: Numbers) -> None:
        self.held[name] = table = self._table(name, len(sums))
        table += sums

    def _table(self, name: str, n: int) -> Numbers:
        """Return a table that has grown to n."""
        held = self.held.get(name, np.empty(0))
        return held if len(held) == n else np.append(held, np.zeros(n - len(held)))

    def _add_hours(self, place: Whole, n: int, numbers: dict[str, tuple[Numbers, Numbers | None]]) -> None:
        rows = np.bincount(place, minlength=n)
        self._plus("rows", rows)
        inputs, outputs = numbers.get("input_tokens"), numbers.get("output_tokens")
        known = {
            "cached_of_input": ("cached_tokens", inputs),
            "reasoning_of_output": ("reasoning_tokens", outputs),
        }
        told_of = {name: pair for name, pair in numbers.items() if name != "bucket_s"}
        for name, (part, whole) in known.items():
            if part in numbers and whole is not None:
                told_of[name] = whole[0], _both(whole[1], numbers[part][1])
        whole_sums: dict[int, Numbers] = {}
        for name, (values, told) in told_of.items():
            if told is not None:
                self._sum(f"{name} known", place[told], None, n)
                self._sum(name, place[told], values[told], n)
                continue
            # A column that every row tells is summed once, whatever it is asked for.
            if id(values) not in whole_sums:
                is_one = name == "n_requests" and bool((values == 1).all())
                whole_sums[id(values)] = rows if is_one else np.bincount(place, values, n)
            self._plus(f"{name} known", rows)
            self._plus(name, whole_sums[id(values)])
        bucket_s = numbers["bucket_s"][0]
        self.held["bucket_s"] = longest = self._table("bucket_s", n)
        long = bucket_s > 0
        np.maximum.at(longest, place[long], bucket_s[long])

    def _add_bins(
        self, side: str, own: Whole, single: Any, n: int, numbers: dict[str, tuple[Numbers, Numbers | None]]
    ) -> None:
        if f"{side}_tokens" not in numbers:
            return
        tokens, told = numbers[f"{side}_tokens"]
        rows = _all(single, told)
        place = own[rows] * N_BINS + _bins(tokens[rows])
        self._sum("bins", place, None, n)
        for name in SIDES:
            if f"{name}_tokens" in numbers:
                self._sum(f"bins {name}_tokens", place, numbers[f"{name}_tokens"][0][rows], n)

    def hours(self) -> pd.DataFrame:
        """Return the cube of hours."""
        import pandas as pd

        groups = pd.DataFrame(list(self.groups), columns=[*WORDS, "batch"])
        shown = np.repeat((groups["status"] != STRUCTURE).to_numpy(dtype=bool), self.n_hours + 1)
        cells = np.flatnonzero((self.held.get("rows", np.empty(0)) > 0) & shown)
        hour = (cells % (self.n_hours + 1)).astype(float)
        found = groups.iloc[cells // (self.n_hours + 1)].reset_index(drop=True)
        found = found.assign(hour=np.where(hour == self.n_hours, np.nan, hour + self.start))
        for name in ("n_requests", *MEASURES, "cached_of_input", "reasoning_of_output", "cost_usd"):
            # A sum of nothing known stays unknown.
            known = self._table(f"{name} known", len(shown))[cells] > 0
            found[name] = np.where(known, self._table(name, len(shown))[cells], np.nan)
        found = found.rename(columns={"n_requests": "requests"})
        return found.assign(**{name: self._table(name, len(shown))[cells] for name in ("rows", "bucket_s")})

    def tokens(self) -> pd.DataFrame:
        """Return the cube of tokens."""
        import pandas as pd

        requests = self.held.get("bins", np.empty(0))
        cells = np.flatnonzero(requests)
        own, place = np.divmod(cells, N_BINS)
        side, sums = np.array(SIDES)[own % len(SIDES)], [f"{name}_tokens" for name in SIDES]
        columns = {"side": side, "bin": place + EMPTY_BIN, "requests": requests[cells]}
        columns |= {name: self._table(f"bins {name}", len(requests))[cells] for name in sums}
        return pd.DataFrame({"app": self._named(own // len(SIDES)), **columns})

    def minutes(self) -> pd.DataFrame:
        """Return the cube of minutes."""
        import pandas as pd

        requests = self.held.get("minutes", np.empty(0))
        cells = np.flatnonzero(requests)
        app, minute = np.divmod(cells, self.n_hours * MINUTES_PER_HOUR)
        minute += self.start * MINUTES_PER_HOUR
        return pd.DataFrame({"app": self._named(app), "minute": minute, "requests": requests[cells]})

    def _named(self, app: Whole) -> pd.Series[Any]:
        import pyarrow as pa

        names: pd.Series[Any] = pa.array(list(self.apps), pa.string()).take(pa.array(app)).to_pandas()
        return names


def _told(column: pa.ChunkedArray) -> tuple[Numbers, Numbers | None]:
    """Return a column's numbers, 0 for what is not told, and which are told; None: all."""
    if not column.null_count:
        return column.to_numpy(), None
    return column.fill_null(0).to_numpy(), column.is_valid().to_numpy()


def _both(one: Numbers | None, other: Numbers | None) -> Numbers | None:
    return other if one is None else one if other is None else one & other


def _all(*conditions: Numbers | slice | None) -> Any:
    """Return which rows keep all conditions, as a slice where every one does: slices copy nothing."""
    held = [each for each in conditions if isinstance(each, np.ndarray) and not each.all()]
    return np.logical_and.reduce(held) if held else slice(None)


def _bins(tokens: Numbers) -> Whole:
    """Return the places of tokens among the bins, `log_bin` less `EMPTY_BIN`."""
    return _bins_of_short()[tokens] if tokens.max(initial=0) < SHORT else _computed_bins(tokens)


@cache
def _bins_of_short() -> Whole:
    return _computed_bins(np.arange(SHORT))


def _computed_bins(tokens: Numbers) -> Whole:
    logs = np.log(np.maximum(tokens, 1)) * BINS_PER_E
    return np.where(tokens == 0, 0, np.floor(logs).astype(np.int64) - EMPTY_BIN)
