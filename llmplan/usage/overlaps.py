"""The same traffic in two files: exports whose times overlap, copies of a file, and buckets grouped several ways."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmplan.usage.rows import OK
from llmplan.usage.values import KEYED_APP

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from ibis import BaseBackend

SHARED = 0.9
"""Least share of the fewer rows of two files in the time of both that are alike where one repeats the other."""
DUPLICATE = "duplicate"


def mark_overlaps(new: Path, held: Sequence[Path], backend: BaseBackend) -> Path | None:
    """Mark the rows of a part that other parts of its format hold, and return the first of those.

    Only rows that count and have no key of their own; the n-th of equal rows of one file is the n-th of the other's.
    """
    original = None
    for path in held:
        mine, theirs = (_numbered(backend.read_parquet(str(each))) for each in (new, path))
        both = _shared(mine, theirs)
        if both is None:
            continue
        rows = mine.left_join(both.mutate(is_shared=True), ["content", "nth"])
        copied = rows.is_shared.fill_null(False) & rows.key.isnull() & (rows.status == OK)
        rows = rows.mutate(status=copied.ifelse(DUPLICATE, rows.status))
        marked = new.with_suffix(".marked")
        rows.select(*(name for name in mine.columns if name not in ("content", "nth"))).to_parquet(marked)
        marked.replace(new)
        original = original or path
    return original


def _numbered(rows: ir.Table) -> ir.Table:
    """Return the rows with a hash of what they hold, and which of those of the same they are."""
    import ibis

    rows = rows.mutate(content=ibis.struct({name: rows[name] for name in rows.columns}).hash())
    return rows.mutate(nth=ibis.row_number().over(group_by=rows.content))


def _shared(mine: ir.Table, theirs: ir.Table) -> ir.Table | None:
    """Return (content, nth) of the rows in both; None where what they share is by chance.

    Rows without a time are alike by chance too easily: all of them must be.
    """
    mine, theirs = (rows.filter(rows.key.isnull() & (rows.status == OK)) for rows in (mine, theirs))
    spans = [
        rows.aggregate(first=rows.ts.min(), last=rows.ts.max()).to_pyarrow().to_pylist()[0]
        for rows in (mine, theirs)
    ]
    is_timed = all(span["first"] is not None for span in spans)
    if is_timed:
        first, last = max(span["first"] for span in spans), min(span["last"] for span in spans)
        if first > last:
            return None
        mine, theirs = (rows.filter(rows.ts.between(first, last)) for rows in (mine, theirs))
    both = mine.select("content", "nth").semi_join(theirs, ["content", "nth"])
    n_mine, n_theirs, n_both = (int(table.count().to_pyarrow().as_py()) for table in (mine, theirs, both))
    enough = n_both >= SHARED * min(n_mine, n_theirs) if is_timed else n_mine == n_theirs == n_both
    return both if n_both and enough else None


FILE = "filename"
"""Column that says which stored file a row is of, where rows are read from files."""
SUMS = ("n_requests", "input_tokens", "output_tokens", "cost_usd")
USD_DIGITS = 6
LEAST_FIGURES = 2
"""Figures of one file that must be the same twice for them to be the same traffic: two bills may be, by chance."""
GROUPED_BY = ("tells_model", "tells_app", "tells_key", "tells_batch")
WITHIN = (("bucket_s",), ("bucket_s", "tells_model"), ("bucket_s", *GROUPED_BY))
"""What parts one file's rows into groupings, the coarsest first: a workspace without a name is one of its grouping."""


def without_regroupings(rows: ir.Table) -> ir.Table:
    """Mark the buckets of a day that are told twice, grouped by something else or into shorter ones.

    Buckets whose sums of a day are the same are the same traffic: within a file where those of all days are, between files
    of one format day by day. Those that tell models count, of these those of most rows.
    """
    import ibis

    if FILE not in rows.columns:
        return rows
    rows_by = rows.mutate(
        day=rows.ts.truncate("D"),
        tells_model=rows.model.notnull(),
        tells_app=rows.app.notnull(),
        tells_key=rows.app.startswith(KEYED_APP).fill_null(False),
        tells_batch=rows.batch.notnull(),
    )
    told = rows_by.filter((rows.bucket_s > 0) & (rows.status == OK) & rows.ts.notnull())
    own = [FILE, "format", "kind", "day", "status", "bucket_s", *GROUPED_BY]
    sums = {name: told[name].sum() for name in SUMS}
    again = _regrouped(told.group_by(own).agg(n=told.count(), **sums).to_pyarrow().to_pandas())
    if again.empty:
        return rows
    import pyarrow as pa

    marked = ibis.memtable(pa.Table.from_pandas(again[own].assign(is_again=True), preserve_index=False))
    joined = rows_by.left_join(marked, own)
    is_again = joined.is_again.fill_null(False)
    return joined.mutate(status=is_again.ifelse(DUPLICATE, joined.status)).select(rows.columns)


def _regrouped(found: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of `found` (n rows and their sums, by file, day and grouping) that others of it repeat."""
    traffic, left = ["format", "kind"], found
    for way in WITHIN:
        if left.duplicated([FILE, *traffic, "day"]).any():
            left = _first_told(left, [FILE, *traffic], list(way), whole=True)
    left = _first_told(left, traffic, [FILE], whole=False)
    return found.drop(left.index)


def _first_told(cells: pd.DataFrame, traffic: list[str], way: list[str], whole: bool) -> pd.DataFrame:
    """Return the cells without those of the parts of a traffic that repeat another part's day.

    way: what tells the parts apart. whole: a part repeats others on each of its days that others have too, or on none.
    """
    part, sums = [*traffic, *way], list(SUMS)
    by_day = cells.groupby([*part, "day"])
    days = by_day[["n", *sums]].sum(min_count=1).round({"cost_usd": USD_DIGITS})
    days = days.assign(models=by_day["tells_model"].max()).reset_index()
    order = {name: days.groupby(part)[name].transform("mean") for name in ("models", "n")}
    ranked = days.assign(**order).sort_values(
        ["models", "n", *way], ascending=[False, False, *(True for _ in way)], kind="stable"
    )
    again = ranked.duplicated([*traffic, "day", *sums]) & (ranked[sums[1:]].sum(axis=1) > 0)
    if whole:
        agrees = ranked.duplicated([*traffic, "day", *sums], keep=False)
        alone = ~ranked.duplicated([*traffic, "day"], keep=False)
        by_part = [ranked[name] for name in part]
        figures = (ranked[sums].notna().sum(axis=1) * agrees).groupby(by_part).transform("sum")
        again &= (agrees | alone).groupby(by_part).transform("all") & (figures >= LEAST_FIGURES)
    keys = [*part, "day"]
    repeated = ranked[again].set_index(keys).index
    return cells[~cells.set_index(keys).index.isin(repeated)]
