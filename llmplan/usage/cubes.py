"""Three mergeable cubes of canonical rows of any size; all other figures follow from them.

The expressions keep to what every Ibis backend does alike: integer division of seconds in place of time
zones and calendars, a logarithm and its floor in place of quantiles, sums and counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from llmplan.errors import InputError
from llmplan.units import S_PER_HOUR, S_PER_MINUTE
from llmplan.usage.canonical import canonical
from llmplan.usage.rows import BILL, MEASURES, OK, STRUCTURE
from llmplan.usage.streamed import BINS_PER_E, EMPTY_BIN, NUMBERS, SIDES, WORDS, summed

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from ibis import BaseBackend

TOTALS = ("rows", "requests", "bucket_s", *MEASURES, "cached_of_input", "reasoning_of_output", "cost_usd")
DIMENSIONS = {
    "hours": (*WORDS, "batch", "hour"),
    "tokens": ("app", "side", "bin"),
    "minutes": ("app", "minute"),
}


@dataclass(frozen=True, eq=False)
class Cubes:
    """Sums by dimension; cubes of two sets of rows add up to the cube of both.

    Attributes
    ----------
    hours: format x app x provider x model x kind x status x batch x hour (whole hours since 1970), with
        `rows`, `requests`, the tokens, `cost_usd`, the longest `bucket_s`, and the input of the rows that tell
        what was cached (`cached_of_input`), the output of those that tell what was reasoning.
    tokens: app x side (input, output) x log-bin of that side's tokens, with `requests` and the tokens of both sides, so
        that prices that rise with length are known too; rows of one request each. Both sides' bins at once would be
        nearly as many cells as rows.
    minutes: app x minute since 1970, with `requests`; rows no longer than a minute.
    """

    hours: pd.DataFrame
    tokens: pd.DataFrame
    minutes: pd.DataFrame


def cubes_of_files(files: Sequence[Path], backend: BaseBackend) -> Cubes:
    """Return the cubes of stored rows, made canonical by DuckDB; what it has to join goes by way of the disk."""
    raw = backend.read_parquet([str(path) for path in files], filename=True)
    rows = canonical(raw)
    span = raw.aggregate(first=raw.ts.min(), last=raw.ts.max()).to_pyarrow().to_pylist()[0]
    with TemporaryDirectory() as folder:
        if rows is not raw:
            files = [Path(folder) / "canonical.parquet"]
            rows.select("ts", *WORDS, "batch", *NUMBERS).to_parquet(files[0])
        found = summed(files, span["first"], span["last"])
    if found is None:
        return build_cubes(rows)
    return Cubes(**{name: _typed(name, frame) for name, frame in found.items()})


def build_cubes(rows: ir.Table) -> Cubes:
    """Return the cubes of canonical rows, computed by the table's own engine."""
    # By way of Arrow: Ibis's own way to pandas warns under pandas 3.
    found = {name: cube.to_pyarrow().to_pandas() for name, cube in cube_expressions(rows).items()}
    return Cubes(**{name: _typed(name, frame) for name, frame in found.items()})


def cube_expressions(rows: ir.Table) -> dict[str, ir.Table]:
    """Return the three cubes as Ibis expressions, by name."""
    rows = rows.filter(rows.status != STRUCTURE)
    # Cut to whole minutes first: DuckDB rounds the seconds of a time, Spark cuts them.
    seconds = rows.ts.truncate("m").epoch_seconds().cast("int64")
    cells = rows.select(
        *WORDS, "batch", *NUMBERS, minute=_whole(seconds, S_PER_MINUTE), hour=_whole(seconds, S_PER_HOUR)
    )
    counted = cells.filter((cells.status == OK) & (cells.kind != BILL))
    single = counted.filter((counted.bucket_s == 0) & (counted.n_requests == 1))
    short = counted.filter(
        (counted.bucket_s <= S_PER_MINUTE) & counted.minute.notnull() & counted.n_requests.notnull()
    )
    sides = [_side(single, side) for side in SIDES]
    return {
        "hours": cells.group_by(list(DIMENSIONS["hours"])).agg(**_totals(cells)),
        "tokens": sides[0].union(sides[1]),
        "minutes": short.group_by(list(DIMENSIONS["minutes"])).agg(
            requests=short.n_requests.sum().cast("int64")
        ),
    }


def _side(single: ir.Table, side: str) -> ir.Table:
    """Return requests and tokens by app and log-bin of one side's tokens, of the rows that tell these."""
    import ibis

    told = single.filter(single[f"{side}_tokens"].notnull())
    told = told.mutate(bin=log_bin(told[f"{side}_tokens"]), side=ibis.literal(side))
    sums = {f"{name}_tokens": told[f"{name}_tokens"].sum().fill_null(0).cast("int64") for name in SIDES}
    return told.group_by(list(DIMENSIONS["tokens"])).agg(requests=told.count().cast("int64"), **sums)


def _whole(amount: ir.NumericValue, length: float) -> ir.IntegerValue:
    return (amount / float(length)).floor().cast("int64")


def _totals(rows: ir.Table) -> dict[str, ir.Scalar]:
    sums = {name: rows[name].sum().cast("int64") for name in MEASURES}
    return {
        "rows": rows.count().cast("int64"),
        "requests": rows.n_requests.sum().cast("int64"),
        "bucket_s": rows.bucket_s.max().cast("int64"),
        **sums,
        "cached_of_input": rows.input_tokens.sum(where=rows.cached_tokens.notnull()).cast("int64"),
        "reasoning_of_output": rows.output_tokens.sum(where=rows.reasoning_tokens.notnull()).cast("int64"),
        "cost_usd": rows.cost_usd.sum(),
    }


def log_bin(tokens: ir.IntegerColumn) -> ir.IntegerColumn:
    """Return floor(143 ln tokens), -1 for 0 tokens, null for unknown."""
    import ibis

    positive = (tokens > 0).ifelse(tokens, 1).cast("float64")
    return (tokens == 0).ifelse(
        ibis.literal(EMPTY_BIN, "int64"), (positive.ln() * BINS_PER_E).floor().cast("int64")
    )


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a cube with whole numbers that may be null, whatever engine it comes from; rows in any order."""
    dimensions = list(DIMENSIONS[name])
    totals = [total for total in TOTALS if total in frame.columns]
    whole = [column for column in (*dimensions, *totals) if column not in _NOT_WHOLE]
    kinds = dict.fromkeys(whole, "Int64") | {"batch": "boolean", "cost_usd": "Float64"}
    kinds |= dict.fromkeys((*WORDS, "side"), "str")
    return frame[[*dimensions, *totals]].astype({k: v for k, v in kinds.items() if k in frame.columns})


_NOT_WHOLE = frozenset({*WORDS, "side", "batch", "cost_usd"})


def merge(parts: Sequence[Cubes]) -> Cubes:
    """Return the cubes of all parts' rows together."""
    return Cubes(
        *(_merged(field.name, [getattr(part, field.name) for part in parts]) for field in fields(Cubes))
    )


def _merged(name: str, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    kept = [frame for frame in frames if len(frame)] or list(frames[:1])
    together = pd.concat(kept, ignore_index=True)
    grouped = together.groupby(list(DIMENSIONS[name]), dropna=False, sort=False)
    totals = [total for total in TOTALS if total in together.columns]
    # A sum of nothing known stays unknown.
    sums = grouped[[total for total in totals if total != "bucket_s"]].sum(min_count=1)
    if "bucket_s" in totals:
        sums["bucket_s"] = grouped["bucket_s"].max()
    return _typed(name, sums.reset_index())


def save(cubes: Cubes, folder: Path, suffix: str = ".parquet") -> None:
    """Write each cube to a file of its own in a folder, as Parquet or (".csv") as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(Cubes):
        frame: pd.DataFrame = getattr(cubes, field.name)
        path = folder / f"{field.name}{suffix}"
        if suffix == ".csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path, index=False)


def load(folder: Path) -> Cubes:
    """Read cubes that `save` wrote."""
    import pandas as pd

    frames = []
    for field in fields(Cubes):
        parquet, text = folder / f"{field.name}.parquet", folder / f"{field.name}.csv"
        if not (parquet.is_file() or text.is_file()):
            fix = "give a folder that llmplan usage import wrote"
            raise InputError("usage", str(folder), f"holds no cube of {field.name}", fix)
        try:
            frame = pd.read_parquet(parquet) if parquet.is_file() else pd.read_csv(text)
            frames.append(_typed(field.name, frame))
        except (ValueError, KeyError, OSError) as error:
            rule = f"cannot be read ({str(error)[:60]})"
            raise InputError(field.name, str(folder), rule, "import the logs again") from None
    return Cubes(*frames)
