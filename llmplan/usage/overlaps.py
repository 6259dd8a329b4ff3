"""The same traffic in two files: exports whose times overlap, copies of a file, and buckets grouped several ways."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmplan.usage.rows import OK

if TYPE_CHECKING:
    import ibis.expr.types as ir
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


def without_regroupings(rows: ir.Table) -> ir.Table:
    """Mark the buckets of a day that another file holds too, grouped by something else or into shorter ones.

    Files of one format whose sums of a day are the same tell the same traffic; that of most rows counts.
    """
    import ibis

    if FILE not in rows.columns:
        return rows
    told = rows.filter((rows.bucket_s > 0) & (rows.status == OK) & rows.ts.notnull())
    told, own = told.mutate(day=told.ts.truncate("D")), [FILE, "format", "kind", "day"]
    sums = {name: told[name].sum() for name in SUMS}
    found = told.group_by(own).agg(n=told.count(), **sums).to_pyarrow().to_pandas()
    found = found.sort_values(["n", FILE], ascending=[False, True]).round({"cost_usd": USD_DIGITS})
    again = found[found.duplicated([*own[1:], *SUMS]) & (found[list(SUMS[1:])].sum(axis=1) > 0)]
    if again.empty:
        return rows
    import pyarrow as pa

    marked = ibis.memtable(pa.Table.from_pandas(again[own].assign(is_again=True), preserve_index=False))
    joined = rows.mutate(day=rows.ts.truncate("D")).left_join(marked, own)
    is_again = joined.is_again.fill_null(False) & (joined.bucket_s > 0) & (joined.status == OK)
    return joined.mutate(status=is_again.ifelse(DUPLICATE, joined.status)).select(rows.columns)
