"""The cubes of rows that DuckDB streams, summed in NumPy over dense tables of hours and minutes.

The same sums as `cubes.cube_expressions`, which the tests hold it against: DuckDB's own hash tables take about
twice as long over millions of groups.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Places
from llmplan.units import S_PER_HOUR, S_PER_MINUTE
from llmplan.usage.rows import BILL, MEASURES, OK

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

BATCH = 1 << 20
HELD = 1 << 24
"""Keys or codes of bins that wait in memory, 128 MiB; and cells of a dense table."""
BIN_BITS = 14
NULL = -2
"""Stands for an unknown bin."""
MINUTES_PER_HOUR = round(S_PER_HOUR / S_PER_MINUTE)
Whole = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]


def is_streamed(table: ir.Table) -> bool:
    """Say whether the engine of a table is DuckDB."""
    return bool(table.get_backend().name == "duckdb")


def repeated(table: ir.Table, name: str) -> Whole:
    """Return the whole numbers that stand in a column more than once; no more than some `HELD` rows are held."""
    parts = int(table.count().to_pyarrow().as_py()) // HELD + 1
    found = []
    for part in range(parts):
        mine = table.filter(table[name] % parts == part) if parts > 1 else table
        held = np.concatenate([np.empty(0, np.int64), *(each[name] for each in _batches(mine.select(name)))])
        held.sort()
        found.append(np.unique(held[1:][held[1:] == held[:-1]]))
    return np.concatenate(found)


def summed(cells: ir.Table, words: Sequence[str]) -> dict[str, pd.DataFrame] | None:
    """Return the cubes of cells by name; None where their times are too far apart for dense tables.

    words: the dimensions of the hours but the hour.
    """
    import pandas as pd

    groups, cells = _grouped(cells, words)
    span = cells.aggregate(first=cells.minute.min(), last=cells.minute.max()).to_pyarrow().to_pylist()[0]
    start = (span["first"] or 0) // MINUTES_PER_HOUR
    n_hours = (span["last"] or 0) // MINUTES_PER_HOUR - start + 1
    app_ids, told = groups["app"].factorize()
    apps = pd.Index(told)
    if n_hours * max(len(groups), (len(apps) + 1) * MINUTES_PER_HOUR) > HELD:
        return None
    sums = _Sums(groups, app_ids, len(apps) + 1, start, n_hours)
    for columns in _batches(cells.drop(*words)):
        sums.add(columns)
    return {
        "hours": sums.hours(groups),
        **{name: frame.assign(app=_names(frame["app"], apps)) for name, frame in sums.by_app().items()},
    }


def _batches(table: ir.Table) -> Iterator[Columns]:
    """Yield a table's columns piece by piece; whole numbers with unknowns are floats with NaN."""
    found = iter(table.to_pyarrow_batches(chunk_size=BATCH))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ibis asks DuckDB by an older name
        batch = next(found, None)
    with ThreadPoolExecutor(1) as engine:  # works on the next piece while this one is summed
        while batch is not None:
            coming = engine.submit(next, found, None)
            columns = zip(batch.schema.names, batch.columns, strict=True)
            yield {name: column.to_numpy(zero_copy_only=False) for name, column in columns}
            batch = coming.result()


def _grouped(cells: ir.Table, words: Sequence[str]) -> tuple[pd.DataFrame, ir.Table]:
    """Return what the words are together in the rows, and the cells, both with `group`: a hash of those that vary."""
    import ibis

    held = cells.select(*words).distinct().to_pyarrow()
    varying = [name for name in words if len(held[name].unique()) > 1] or words[:1]

    def with_group(table: ir.Table) -> ir.Table:
        return table.mutate(group=ibis.struct({name: table[name] for name in varying}).hash())

    # Words and group from one answer: the engine keeps no order.
    return cells.get_backend().to_pyarrow(with_group(ibis.memtable(held))).to_pandas(), with_group(cells)


def _names(ids: pd.Series[int], apps: pd.Index[str]) -> pd.Series[Any]:
    return apps.to_series().reset_index(drop=True).reindex(ids).reset_index(drop=True)


class _Sums:
    """Totals by group and hour and requests by app and minute, as dense tables; by app and bins, as codes."""

    def __init__(self, groups: pd.DataFrame, app_ids: Places, n_apps: int, start: int, n_hours: int) -> None:
        import pandas as pd

        self.index = pd.Index(groups.pop("group").to_numpy())
        self.counts = ((groups["status"] == OK) & (groups["kind"] != BILL)).to_numpy(dtype=bool)
        self.app_ids, self.n_apps, self.start, self.n_hours = app_ids, n_apps, start, n_hours
        self.totals: dict[str, NDArray[np.float64]] = {}
        self.known: dict[str, NDArray[np.float64]] = {}
        self.longest = np.zeros(len(groups) * (n_hours + 1))
        self.minutes = np.zeros(n_apps * n_hours * MINUTES_PER_HOUR)
        self.codes: list[Whole] = []
        self.counted: tuple[Whole, Whole] = np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, columns: Columns) -> None:
        """Add a batch of cells."""
        group = self.index.get_indexer(columns.pop("group"))
        minute, requests, bucket_s = (columns[name] for name in ("minute", "n_requests", "bucket_s"))
        timed = ~np.isnan(minute)
        since = np.where(timed, minute, 0).astype(np.int64) - self.start * MINUTES_PER_HOUR
        hour = np.where(timed, since // MINUTES_PER_HOUR, self.n_hours)
        self._add_hours(group * (self.n_hours + 1) + hour, columns)
        app, counted = self.app_ids[group], self.counts[group]
        short = counted & (bucket_s <= S_PER_MINUTE) & timed & ~np.isnan(requests)
        place = (app[short] % self.n_apps) * (self.n_hours * MINUTES_PER_HOUR) + since[short]
        self.minutes += np.bincount(place, requests[short], len(self.minutes))
        single = counted & (bucket_s == 0) & (requests == 1)
        code = app[single].astype(np.int64)
        for name in ("input_bin", "output_bin"):
            code = (code << BIN_BITS) | (
                np.nan_to_num(columns[name][single], nan=NULL).astype(np.int64) - NULL
            )
        self.codes.append(code)
        if sum(map(len, self.codes)) > HELD:
            self._count()

    def _add_hours(self, place: Whole, columns: Columns) -> None:
        inputs, outputs, n = columns["input_tokens"], columns["output_tokens"], len(self.longest)
        rows = np.bincount(place, minlength=n).astype(float)
        measured = {
            "rows": np.ones(len(place)),
            "requests": columns["n_requests"],
            **{name: columns[name] for name in (*MEASURES, "cost_usd")},
            "cached_of_input": np.where(np.isnan(columns["cached_tokens"]), np.nan, inputs),
            "reasoning_of_output": np.where(np.isnan(columns["reasoning_tokens"]), np.nan, outputs),
        }
        for name, values in measured.items():
            told = ~np.isnan(values)
            if told.all():
                known, sums = rows, rows if (values == 1).all() else np.bincount(place, values, n)
            elif told.any():
                known = np.bincount(place[told], minlength=n).astype(float)
                sums = np.bincount(place[told], values[told], n)
            else:
                known, sums = np.zeros(n), np.zeros(n)
            self.totals[name] = self.totals.get(name, np.zeros(n)) + sums
            self.known[name] = self.known.get(name, np.zeros(n)) + known
        long = columns["bucket_s"] > 0
        np.maximum.at(self.longest, place[long], columns["bucket_s"][long])

    def _count(self) -> None:
        """Count the codes that are held."""
        codes, n = np.unique(np.concatenate([np.empty(0, np.int64), *self.codes]), return_counts=True)
        every = np.concatenate([self.counted[0], codes])
        if len(self.counted[0]):
            codes, place = np.unique(every, return_inverse=True)
            n = np.bincount(place, np.concatenate([self.counted[1], n])).astype(np.int64)
        self.codes, self.counted = [], (codes, n)

    def hours(self, groups: pd.DataFrame) -> pd.DataFrame:
        """Return the cube of hours."""
        cells = np.flatnonzero(self.known["rows"]) if self.known else np.empty(0, np.intp)
        hour = (cells % (self.n_hours + 1)).astype(float)
        found = groups.iloc[cells // (self.n_hours + 1)].reset_index(drop=True)
        found = found.assign(hour=np.where(hour == self.n_hours, np.nan, hour + self.start))
        for name, sums in self.totals.items():
            # A sum of nothing known stays unknown.
            found[name] = np.where(self.known[name][cells] > 0, sums[cells], np.nan)
        return found.assign(bucket_s=self.longest[cells])

    def by_app(self) -> dict[str, pd.DataFrame]:
        """Return the cubes of tokens and of minutes, apps by their ids."""
        import pandas as pd

        self._count()
        codes, n = self.counted
        mask = (1 << BIN_BITS) - 1
        bins = {"input_bin": (codes >> BIN_BITS) & mask, "output_bin": codes & mask}
        known = {name: np.where(place == 0, np.nan, place + NULL) for name, place in bins.items()}
        cells = np.flatnonzero(self.minutes)
        app, minute = np.divmod(cells, self.n_hours * MINUTES_PER_HOUR)
        minute += self.start * MINUTES_PER_HOUR
        app = np.where(app == self.n_apps - 1, -1, app)
        return {
            "tokens": pd.DataFrame({"app": codes >> (2 * BIN_BITS), **known, "requests": n}),
            "minutes": pd.DataFrame({"app": app, "minute": minute, "requests": self.minutes[cells]}),
        }
