"""Real requests from a file: token means and percentiles, arrivals minute by minute.

The columns are those of the Azure LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens, and
optionally `trace`, which names one of several traces in the file. A sample thins the arrivals and so
exaggerates their peaks; a file beside it named <stem>_per_minute.csv (columns trace, minute, requests)
gives the arrivals of the whole trace.
"""

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmplan.errors import InputError, LlmplanError, UnknownNameError
from llmplan.units import S_PER_DAY, S_PER_MINUTE

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
MAX_TOKENS = 100_000_000
SHOWN_PROBLEMS = 20
MAX_DAYS = 400
_COMPANION_COLUMNS = ("minute", "requests")
SHORT_TOKENS = 8_192
"""Below which no price list has a tier by context: such lengths are held as one."""
STEPS_PER_E = 20
"""Lengths within 5 % of each other are held as one."""
SHARE_DIGITS = 9


class TraceError(LlmplanError, ValueError):
    """A trace file cannot be used; `problems` holds the first twenty, `count` how many there are."""

    def __init__(self, path: str, problems: tuple[str, ...], count: int) -> None:
        self.path, self.problems, self.count = path, problems, count
        more = f"\n… and {count - len(problems)} more" if count > len(problems) else ""
        plural = "s" * (count != 1)
        super().__init__(f"{count} problem{plural} in {path}:\n" + "\n".join(problems) + more)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.path, self.problems, self.count)


def length_shares(tokens: NDArray[np.float64], requests: NDArray[np.float64]) -> dict[str, float]:
    """Return the share of requests of each length, for `Scenario.input_lengths`: a length stands for those near it.

    tokens, requests: (n,) lengths and how many requests have them; none give {}.
    """
    if not tokens.sum() > 0:
        return {}
    step = np.floor(np.log(np.maximum(tokens, SHORT_TOKENS)) * STEPS_PER_E).astype(int)
    step -= step.min()
    n, sums = np.bincount(step, requests), np.bincount(step, requests * tokens)
    held = np.flatnonzero(n)
    lengths, shares = np.maximum(np.round(sums[held] / n[held]), 1), n[held] / n.sum()
    return {
        f"{length:.0f}": round(share, SHARE_DIGITS)
        for length, share in zip(lengths, shares.tolist(), strict=True)
    }


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests in order of arrival.

    Attributes
    ----------
    name : the trace's name in its file, or the file's stem.
    arrival_s : (n,) seconds since the first request. [s]
    input_tokens, output_tokens : (n,) tokens of each request. [tokens]
    requests_per_minute : (m,) arrivals in each minute from the first to the last, empty minutes included;
        of the whole trace where the file is a sample with a per-minute table beside it. [1/minute]
    """

    name: str
    arrival_s: NDArray[np.float64]
    input_tokens: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    requests_per_minute: NDArray[np.float64]

    @property
    def requests(self) -> int:
        """Requests in the file."""
        return self.arrival_s.size

    @property
    def duration_s(self) -> float:
        """Time from the first to the last request. [s]"""
        return float(self.arrival_s[-1])

    @property
    def requests_per_s(self) -> float:
        """Mean rate of the whole trace. [1/s]"""
        return float(self.requests_per_minute.sum()) / self.duration_s

    @cached_property
    def peak_to_mean(self) -> float:
        """Busiest minute over the mean minute, at least 1."""
        mean = self.requests_per_s * min(S_PER_MINUTE, self.duration_s)
        return max(1.0, float(self.requests_per_minute.max()) / mean)

    @property
    def mean_input_tokens(self) -> float:
        """Mean input of a request. [tokens]"""
        return float(self.input_tokens.mean())

    @property
    def mean_output_tokens(self) -> float:
        """Mean output of a request. [tokens]"""
        return float(self.output_tokens.mean())

    def input_tokens_percentile(self, percent: float) -> float:
        """Return that percentile of the input, interpolated linearly. [tokens]"""
        return float(np.percentile(self.input_tokens, percent))

    def output_tokens_percentile(self, percent: float) -> float:
        """Return that percentile of the output, interpolated linearly. [tokens]"""
        return float(np.percentile(self.output_tokens, percent))


def read_trace(path: Path | str, name: str | None = None) -> Trace:
    """Read a trace from a CSV file.

    Parameters
    ----------
    path : file with the columns TIMESTAMP (ISO date and time, or seconds), ContextTokens, GeneratedTokens.
    name : which trace of a file whose column `trace` names several; None takes all rows together.

    Raises
    ------
    TraceError
        with line numbers as a spreadsheet shows them (the header is line 1).
    UnknownNameError
        when no row has that name.
    """
    path = Path(path)
    rows = list(_checked_rows(path, COLUMNS, _request))
    chosen = _choose(name, rows)
    _check_rows(path, chosen)
    times, inputs, outputs = (np.array(column, dtype=float) for column in list(zip(*chosen, strict=True))[1:])
    return Trace(
        name=chosen[0][0] if name else path.stem,
        arrival_s=times - times[0],
        input_tokens=inputs,
        output_tokens=outputs,
        requests_per_minute=_per_minute(path, name, times),
    )


Row = tuple[str, float, float, float]
Parser = Callable[[dict[str, str]], Row]


def _choose(name: str | None, rows: list[Row]) -> list[Row]:
    if name is not None:
        names = {row[0] for row in rows}
        if name not in names:
            raise UnknownNameError("trace", name, names - {""})
        rows = [row for row in rows if row[0] == name]
    return sorted(rows, key=lambda row: row[1])


def _check_rows(path: Path, rows: list[Row]) -> None:
    days = (rows[-1][1] - rows[0][1]) / S_PER_DAY
    if not days > 0:
        raise _failed(path, 0, "needs two requests at different times", "give a longer trace")
    if days > MAX_DAYS:
        rule = f"spans {days:,.0f} days, more than {MAX_DAYS}"
        raise _failed(path, 0, rule, "correct the times (ISO dates, or seconds)")
    for column, place in zip(COLUMNS[1:], (2, 3), strict=True):
        if not any(row[place] for row in rows):
            raise _failed(path, 0, f"{column} is 0 in every row", "give the tokens of each request")


def _per_minute(path: Path, name: str | None, times: NDArray[np.float64]) -> NDArray[np.float64]:
    companion = path.with_name(f"{path.stem}_per_minute{path.suffix}")
    if not companion.is_file():
        return _counts(times, np.ones_like(times))
    rows = [row for row in _checked_rows(companion, _COMPANION_COLUMNS, _minute) if name in (None, row[0])]
    if not rows:
        raise UnknownNameError("trace", str(name), {companion.name})
    return _counts(np.array([row[1] for row in rows]), np.array([row[2] for row in rows]))


def _counts(times_s: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    minutes = np.floor_divide(times_s, S_PER_MINUTE).astype(np.int64)
    return np.bincount(minutes - minutes.min(), weights).astype(float)


def _request(cells: dict[str, str]) -> Row:
    inputs, outputs = (_whole(cells, column) for column in COLUMNS[1:])
    return cells.get("trace", ""), _seconds(cells, "TIMESTAMP"), inputs, outputs


def _minute(cells: dict[str, str]) -> Row:
    return cells.get("trace", ""), _seconds(cells, "minute"), _whole(cells, "requests"), 0.0


def _seconds(cells: dict[str, str], column: str) -> float:
    text = cells[column]
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            fix = "write 2023-11-16 18:17:03.979960, or seconds"
            raise InputError(column, text, "is not a time", fix) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(seconds):
        raise InputError(column, text, "is not a time", "give seconds or an ISO date and time")
    return seconds


def _whole(cells: dict[str, str], column: str) -> float:
    text = cells[column]
    try:
        value = float(text)
    except ValueError:
        raise InputError(column, text, "is not a number of tokens", "write a whole number") from None
    if not (0 <= value <= MAX_TOKENS and value.is_integer()):
        rule = f"must be a whole number from 0 to {MAX_TOKENS:,}"
        raise InputError(column, text, rule, "correct it or delete the row")
    return value


def _failed(path: Path, line: int, rule: str, fix: str) -> TraceError:
    place = f"{path.name}:{line}" if line else path.name
    return TraceError(str(path), (f"{place}: {rule}; {fix}",), 1)


def _checked_rows(path: Path, columns: tuple[str, ...], parse: Parser) -> list[Row]:
    problems: list[str] = []
    rows: list[Row] = []
    for line, cells in _cells(path, columns):
        try:
            rows.append(parse(cells))
        except InputError as error:
            problems.append(f"{path.name}:{line} {error}")
    if problems:
        raise TraceError(str(path), tuple(problems[:SHOWN_PROBLEMS]), len(problems))
    if not rows:
        raise _failed(path, 0, "has no requests", "give a header and rows")
    return rows


def _cells(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _failed(path, 0, f"cannot be read ({reason})", "give the path of a CSV file") from None
    except UnicodeDecodeError:
        raise _failed(path, 0, "is not UTF-8 text", "save it as CSV UTF-8") from None
    reader = csv.reader(text.splitlines(), strict=True)
    line = 1
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(path, header, columns)
        for line, record in enumerate(reader, start=2):
            if any(cell.strip() for cell in record):
                # A short row leaves cells empty, which the parser then refuses by name.
                padded = record + [""] * (len(header) - len(record))
                yield line, {name: cell.strip() for name, cell in zip(header, padded, strict=False)}
    except csv.Error as error:
        raise _failed(path, line + 1, f"is not valid CSV ({error})", "close every quote") from None


def _check_header(path: Path, header: list[str], columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in header]
    if not missing:
        return
    separated = ";" in "".join(header)
    fix = "save it with commas between cells" if separated else f"the columns are {', '.join(columns)}"
    raise _failed(path, 1, f"lacks {', '.join(missing)}", fix)
