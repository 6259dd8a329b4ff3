"""Stored rows to rows that count: what input means, copies of a request, parents that repeat their children.

All of it is Ibis over a table of any size; nothing is read into this process but counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmplan.usage.overlaps import without_regroupings
from llmplan.usage.rows import OK
from llmplan.usage.streamed import repeated

if TYPE_CHECKING:
    import ibis.expr.types as ir

DEEPEST = 8
"""Steps between a request's span and the span above it that repeats its tokens."""


def canonical(raw: ir.Table) -> ir.Table:
    """Return stored rows with one meaning of input, and with every copy and roll-up marked in `status`."""
    return without_regroupings(_without_copies(_without_parents(_with_whole_input(raw))))


def input_conventions(raw: ir.Table) -> ir.Table:
    """Return how many rows of each `input_group` hold cached tokens inside, written beside, or all beside.

    A row's input p, read r and written w: p < r shows that all stands beside, p < r + w that the written does;
    p >= r + w fits both, and is taken at its word unless most of its group contradicts it.
    """
    import ibis

    read, written = raw.cached_tokens.fill_null(0), raw.cache_write_tokens.fill_null(0)
    told = raw.filter(raw.input_group.notnull() & (read + written > 0) & (raw.status == OK))
    read, written = told.cached_tokens.fill_null(0), told.cache_write_tokens.fill_null(0)
    beside, over = told.input_tokens < read, told.input_tokens < read + written
    one, none = ibis.literal(1, "int64"), ibis.literal(0, "int64")
    return told.group_by("input_group").agg(
        all_beside=beside.ifelse(one, none).sum(),
        written_beside=(over & ~beside).ifelse(one, none).sum(),
        inside=over.ifelse(none, one).sum(),
    )


def _with_whole_input(raw: ir.Table) -> ir.Table:
    import ibis

    groups = input_conventions(raw)
    if not _counted(groups):
        return raw
    groups = groups.mutate(
        beside_group=groups.all_beside > groups.written_beside + groups.inside,
        written_group=groups.written_beside > groups.inside,
    ).select("input_group", "beside_group", "written_group")
    rows = raw.left_join(groups, "input_group").drop("input_group_right")
    prompt = rows.input_tokens
    read, written = rows.cached_tokens.fill_null(0), rows.cache_write_tokens.fill_null(0)
    whole = ibis.cases(
        (rows.input_group.isnull() | (read + written == 0), prompt),
        (rows.beside_group.fill_null(False) | (prompt < read), prompt + read + written),
        (rows.written_group.fill_null(False) | (prompt < read + written), prompt + written),
        else_=prompt,
    )
    return rows.mutate(input_tokens=whole).drop("beside_group", "written_group")


def _counted(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _without_parents(rows: ir.Table) -> ir.Table:
    """Mark rows that stand above others with tokens: copies of one child, or sums of several."""
    import ibis

    steps = rows.filter(rows.span.notnull()).select(
        "span", "parent", "status", "input_tokens", "output_tokens"
    )
    children = steps.filter((steps.status == OK) & steps.parent.notnull())
    if not _counted(children):
        return rows
    above = children.select(span="parent")
    frontier = above
    for _ in range(DEEPEST):
        up = steps.filter(steps.parent.notnull() & (steps.status != OK))
        frontier = up.semi_join(frontier, "span").select(span="parent")
        if not _counted(frontier):
            break
        above = above.union(frontier)
    above = above.distinct().mutate(is_above=True)
    copies = (
        children.select(span="parent", child_input="input_tokens", child_output="output_tokens")
        .distinct()
        .mutate(is_copied=True)
    )
    joined = rows.left_join(above, "span").drop("span_right")
    joined = joined.left_join(
        copies,
        [
            joined.span == copies.span,
            joined.input_tokens == copies.child_input,
            joined.output_tokens == copies.child_output,
        ],
    ).drop("span_right", "child_input", "child_output")
    status = ibis.cases(
        ((joined.status == OK) & joined.is_copied.fill_null(False), "duplicate"),
        ((joined.status == OK) & joined.is_above.fill_null(False), "parent_rollup"),
        else_=joined.status,
    )
    return joined.mutate(status=status).drop("is_above", "is_copied")


def _without_copies(rows: ir.Table) -> ir.Table:
    """Mark all but the fullest of the rows that count and share a key."""
    import ibis

    copied = _copied_keys(rows.filter((rows.status == OK) & rows.key.notnull()))
    copied = copied.select(status=ibis.literal(OK), key="key", is_copied=ibis.literal(True))
    if not _counted(copied):
        return rows
    joined = rows.left_join(copied, ["key", "status"])
    joined = joined.drop(*[name for name in joined.columns if name.endswith("_right")])
    single = joined.filter(joined.is_copied.isnull())
    several = joined.filter(joined.is_copied.notnull())
    place = ibis.row_number().over(
        group_by=several.key,
        order_by=[
            several.output_tokens.fill_null(-1).desc(),
            several.input_tokens.fill_null(-1).desc(),
            several.cost_usd.fill_null(-1).desc(),
            several.ts,
        ],
    )
    several = several.mutate(place=place)
    several = several.mutate(status=(several.place == 0).ifelse(OK, "duplicate")).drop("place")
    return single.union(several).drop("is_copied")


def _copied_keys(counting: ir.Table) -> ir.Table:
    import ibis
    import pyarrow as pa

    if counting.get_backend().name == "duckdb":
        return ibis.memtable(pa.table({"key": repeated(counting, "key")}))
    copied = counting.group_by("key").agg(copies=counting.count())
    return copied.filter(copied.copies > 1)
