"""An app's single requests as they arrived, from the rows of a usage folder, for simulations."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from llmplan.errors import InputError, UnknownNameError
from llmplan.scenario.trace import Trace
from llmplan.units import S_PER_MINUTE
from llmplan.usage import engine
from llmplan.usage.canonical import canonical
from llmplan.usage.rows import CHAT, OK
from llmplan.usage.summary import UNNAMED, Usage, app_names, counted
from llmplan.usage.values import US_PER_S


def app_named(usage: Usage, name: str | None) -> str:
    """Return the app with tokens that is meant; None means the only one.

    Raises
    ------
    InputError: where there is not one app alone and none is named. UnknownNameError: for one that is not there.
    """
    hours = counted(usage.cubes.hours)
    names = app_names(hours[hours["input_tokens"].notna() & hours["output_tokens"].notna()])
    if name is None and len(names) == 1:
        return names[0]
    if name is None:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise InputError(
            "--app", "not given", f"is needed to choose of {len(names)} apps", f"name one: {shown}"
        )
    if name not in names:
        raise UnknownNameError("app", name, names)
    return name


def requests_of(folder: Path, app: str) -> Trace:
    """Return the requests of an app that count and tell time and tokens, in order of arrival.

    Raises
    ------
    InputError: where fewer than two are single requests at different times: buckets, or cubes alone.
    """
    found = {"arrival": np.empty(0), "input_tokens": np.empty(0), "output_tokens": np.empty(0)}
    if any((folder / "rows").glob("*.parquet")):
        rows = canonical(engine.duckdb().read_parquet(str(folder / "rows" / "*.parquet")))
        single = (rows.status == OK) & (rows.kind == CHAT) & (rows.bucket_s == 0) & (rows.n_requests == 1)
        told = rows.ts.notnull() & rows.input_tokens.notnull() & rows.output_tokens.notnull()
        rows = rows.filter(single & told & (rows.app.fill_null(UNNAMED) == app)).order_by("ts")
        table = rows.select("input_tokens", "output_tokens", arrival=rows.ts).to_pyarrow()
        found = {name: table[name].to_numpy() for name in table.column_names}
    when = found["arrival"].astype("datetime64[us]").astype(np.int64) / US_PER_S
    if when.size < 2 or when[0] == when[-1]:
        rule = "holds no two single requests at different times"
        raise InputError("--app", app, rule, "import a log of single requests, not buckets or cubes")
    minute = np.floor_divide(when, S_PER_MINUTE).astype(np.int64)
    inputs, outputs = (found[name].astype(float) for name in ("input_tokens", "output_tokens"))
    return Trace(app, when - when[0], inputs, outputs, np.bincount(minute - minute[0]).astype(float))
