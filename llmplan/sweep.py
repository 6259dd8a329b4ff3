"""Many scenarios on any executor, kept in Parquet as they finish, resumable.

Each finished scenario is a small Parquet file beside the target, written whole or not at all; at the end
they are joined into the target. A run that was broken off, by a killed worker or by hand, goes on where it
stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmplan.catalog import data_dir, tables_digest
from llmplan.errors import InputError, LlmplanError
from llmplan.options import compare
from llmplan.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Evaluate = Callable[[Scenario], "pd.DataFrame"]
KEY: Final = "scenario_key"
IN_FLIGHT_PER_CALL: Final = 1_000


class SweepError(LlmplanError):
    """Some scenarios failed; the finished ones are kept and a second run does the rest.

    `failures`: scenario name and what went wrong, by key.
    """

    def __init__(self, failures: dict[str, tuple[str, str]], kept: int) -> None:
        self.failures, self.kept = failures, kept
        name, reason = next(iter(failures.values()))
        super().__init__(
            f"{len(failures)} scenarios failed, first {name!r}: {reason}; {kept} are kept, run again to go on"
        )

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.failures, self.kept)


def compare_scenario(scenario: Scenario) -> pd.DataFrame:
    """Return the comparison of one scenario with the shipped catalog; what a worker runs."""
    return compare(scenario)


def scenario_key(scenario: Scenario, evaluate: Evaluate = compare_scenario) -> str:
    """Return a name for a scenario's values under one function and one catalog, the same on every machine.

    A changed table or another function gives other names, so that rows of before are not taken for new ones.
    """
    values = [scenario.model_dump(mode="json"), _name(evaluate), tables_digest(data_dir())]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:24]


def _name(evaluate: Evaluate) -> str:
    if isinstance(evaluate, partial):
        return f"{_name(evaluate.func)} {evaluate.args!r} {sorted(evaluate.keywords.items())!r}"
    return (
        f"{getattr(evaluate, '__module__', '')}.{getattr(evaluate, '__qualname__', type(evaluate).__name__)}"
    )


def sweep(
    scenarios: Iterable[Scenario],
    out: Path | str,
    executor: Executor | None = None,
    evaluate: Evaluate = compare_scenario,
    progress: bool = True,
) -> pd.DataFrame:
    """Evaluate every scenario once and return all rows, also in the Parquet file `out`.

    Parameters
    ----------
    scenarios: equal ones are evaluated once. Order does not matter: rows are sorted by key.
    out: Parquet file. Scenarios in it, or in the folder `out` + ".parts" of a run that broke off, are not
        evaluated again; rows of scenarios that are not asked for now stay in the file but are not returned.
    executor: any `concurrent.futures.Executor`: a process pool, or Dask's `client.get_executor()` (extra
        `llmplan[cluster]`); None: in this process, one after another.
    evaluate: scenario -> DataFrame, importable by the workers; the scenario's key and name are added as
        columns. Rows of another function, or of tables that have changed since, stay in the file and are not
        taken for this one's.
    progress: a bar on standard error.

    Raises
    ------
    SweepError: some evaluations failed, or workers died for good. What has finished is kept.
    """
    path = Path(out)
    if path.is_dir() or not path.suffix:
        raise InputError("out", str(out), "must be a file", "give a path such as sweep.parquet")
    wanted = {scenario_key(scenario, evaluate): scenario for scenario in scenarios}
    if not wanted:
        raise InputError("scenarios", 0, "needs at least one scenario", "give one or more")
    parts = path.with_name(path.name + ".parts")
    parts.mkdir(parents=True, exist_ok=True)
    for left in parts.glob(".*"):  # half-written by a run that was broken off
        left.unlink()
    done = _keys_in(path) | {part.stem for part in parts.glob("*.parquet")}
    todo = {key: scenario for key, scenario in wanted.items() if key not in done}
    failures = _run(todo, parts, executor, evaluate, progress, len(wanted))
    if failures:
        raise SweepError(failures, len(wanted) - len(failures))
    rows = _join(path, parts)
    return rows[rows[KEY].isin(list(wanted))].reset_index(drop=True)


def _run(
    todo: dict[str, Scenario],
    parts: Path,
    executor: Executor | None,
    evaluate: Evaluate,
    progress: bool,
    total: int,
) -> dict[str, tuple[str, str]]:
    """Evaluate what is to do; write each result as it comes; return what failed."""
    from tqdm import tqdm

    failures: dict[str, tuple[str, str]] = {}
    keys = list(todo)
    with tqdm(total=total, initial=total - len(todo), disable=not progress, unit="scenario") as bar:
        for first in range(0, len(keys), IN_FLIGHT_PER_CALL):
            for future, key in _finished(keys[first : first + IN_FLIGHT_PER_CALL], todo, executor, evaluate):
                try:
                    _write_part(parts, key, todo[key].name, future())
                except Exception as error:  # one bad scenario, or a dead worker, must not lose the others
                    failures[key] = (todo[key].name, f"{type(error).__name__}: {error}")
                bar.update()
    return failures


def _finished(
    keys: Sequence[str], todo: dict[str, Scenario], executor: Executor | None, evaluate: Evaluate
) -> Iterable[tuple[Callable[[], pd.DataFrame], str]]:
    """Yield (how to get the result, key) as results come in."""
    if executor is None:
        for key in keys:
            yield partial(evaluate, todo[key]), key
        return
    running: dict[Future[pd.DataFrame], str] = {}
    for key in keys:
        try:
            running[executor.submit(evaluate, todo[key])] = key
        except RuntimeError as error:  # a pool whose worker died takes no more work
            yield partial(_raise, error), key
    for future in as_completed(running):
        yield future.result, running[future]


def _raise(error: Exception) -> pd.DataFrame:
    raise error


def _write_part(parts: Path, key: str, name: str, rows: pd.DataFrame) -> None:
    _write_whole(_plain(rows.assign(**{KEY: key, "scenario_name": name})), parts / f"{key}.parquet")


def _write_whole(rows: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file whole or not at all."""
    stage = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        rows.to_parquet(stage, index=False)
        stage.replace(path)
    finally:
        stage.unlink(missing_ok=True)


def _read(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read one of our Parquet files; InputError names one that is broken."""
    import pandas as pd

    try:
        return pd.read_parquet(path, columns=columns)
    except (OSError, ValueError, KeyError) as error:
        rule = f"is no Parquet file of a sweep ({str(error)[:80]})"
        raise InputError(
            "file", str(path), rule, "remove it, and run again to compute what it held"
        ) from None


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Tuples become lists: Parquet has no tuples."""
    plain = rows.copy()
    for column in rows.columns:
        if any(isinstance(value, tuple) for value in rows[column]):
            plain[column] = rows[column].map(lambda value: list(value) if isinstance(value, tuple) else value)
    return plain


def _keys_in(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    return set(_read(path, [KEY])[KEY])


def _join(path: Path, parts: Path) -> pd.DataFrame:
    """Join the file of earlier runs and the parts into the file, then remove the parts."""
    import pandas as pd

    files = sorted(parts.glob("*.parquet"))
    tables = [_read(path)] if path.is_file() else []
    have = set(tables[0][KEY]) if tables else set()
    tables += [_read(file) for file in files if file.stem not in have]
    rows = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    rows = rows.sort_values(KEY, kind="stable", ignore_index=True)
    _write_whole(rows, path)
    for file in parts.iterdir():
        file.unlink()
    parts.rmdir()
    return rows
