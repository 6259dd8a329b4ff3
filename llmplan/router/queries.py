"""Per-query outcome files: what each model scored and cost on each query, and the routers' scores."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Bools, Floats, Places
from llmplan.errors import InputError, LlmplanError
from llmplan.units import TOKENS_PER_MTOK

SCORE_PREFIX = "score_"
PLAIN_SCORES = ("score", "complexity", "label")
MOST_NUMBER = 1e12
"""A number beyond this is a slip of the pen, and sums of its square would overflow."""
LABELS = {"easy": 0.0, "simple": 0.0, "false": 0.0, "hard": 1.0, "complex": 1.0, "true": 1.0}


class QueryFileError(LlmplanError, ValueError):
    """A file of queries breaks rules; `problems` lists each with its line, column, value and fix."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.path, self.problems = path, tuple(problems)
        shown = [f"  {problem}" for problem in self.problems[:20]]
        more = len(self.problems) - len(shown)
        tail = [f"  and {more} more"] if more else []
        super().__init__("\n".join([f"{path}: {len(self.problems)} problem(s)", *shown, *tail]))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.path, self.problems)


@dataclass(frozen=True)
class TokenPrices:
    """Prices [USD per million tokens] at which a file's token counts are (re-)priced."""

    weak_input: float
    weak_output: float
    strong_input: float
    strong_output: float


@dataclass(frozen=True)
class QueryOutcomes:
    """One data set: what the weak and the strong model do on each of n queries.

    Attributes
    ----------
    name: data set.
    scores: router -> score of each query, higher means send up, shape (n,).
    weak_quality, strong_quality: quality of each answer, shape (n,).
    weak_usd, strong_usd: cost of each answer [USD], shape (n,); NaN where the file has none.
    tasks: task of each query, shape (n,).
    """

    name: str
    scores: dict[str, Floats]
    weak_quality: Floats
    strong_quality: Floats
    weak_usd: Floats
    strong_usd: Floats
    tasks: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.weak_quality)

    @property
    def has_costs(self) -> bool:
        return bool(np.isfinite(self.weak_usd).all() and np.isfinite(self.strong_usd).all())

    @property
    def weak(self) -> Floats:
        """Quality and cost of the weak model, shape (n, 2)."""
        return np.column_stack([self.weak_quality, self.weak_usd])

    @property
    def strong(self) -> Floats:
        """Quality and cost of the strong model, shape (n, 2)."""
        return np.column_stack([self.strong_quality, self.strong_usd])

    @property
    def needed(self) -> Bools:
        """Whether the strong model is strictly better, shape (n,)."""
        return self.strong_quality > self.weak_quality


def read_queries(
    path: str | Path,
    prices: TokenPrices | None = None,
    weak_quality: float | None = None,
    strong_quality: float | None = None,
    prices_where_missing: TokenPrices | None = None,
) -> dict[str, QueryOutcomes]:
    """Read a CSV of queries, one row a query, and return its data sets by name.

    Columns: `score_<router>` (any number; also `score`, `complexity` or a `label` easy/hard), and either
    `weak_quality`, `strong_quality` or the two mean qualities given here, in which case a query's gain
    from the strong model is taken as proportional to its first score. Costs: `weak_cost`, `strong_cost`
    [USD], or `in_tok` with `weak_out_tok`, `strong_out_tok` (or `out_tok`) and `prices`, which win over
    the file's costs, while `prices_where_missing` do not. `dataset`, `task` and further columns are optional.
    A column of scores, costs or tokens that is blank throughout a data set counts as absent there.

    Raises
    ------
    QueryFileError: naming every cell that breaks a rule, with its line.
    """
    path = Path(path)
    header, rows = _read_rows(path)
    table = _Table(path, header, rows)
    names = table.text("dataset", path.stem)
    datasets = {}
    for name in dict.fromkeys(names):
        chosen = np.flatnonzero(np.array(names) == name)
        costs = table.costs(name, chosen, prices, prices_where_missing)
        datasets[name] = table.outcomes(name, chosen, costs, weak_quality, strong_quality)
    table.raise_problems()
    return datasets


def spread_gain(score: Floats, mean_gain: float, most: float) -> Floats:
    """Spread a mean gain over queries in proportion to their score, none gaining more than `most`.

    The assumption behind a file without outcomes: the score is right about where the strong model helps.
    """
    weight = score - min(0.0, float(score.min()))
    if not weight.any():
        weight = np.ones(len(score))
    if not mean_gain <= most * np.count_nonzero(weight) / len(weight):
        share = np.count_nonzero(weight) / len(weight)
        raise InputError(
            "strong_quality - weak_quality",
            mean_gain,
            f"is more than {share:.1%} of hard queries can account for",
            "label more queries hard or give closer qualities",
        )
    if mean_gain <= 0:
        return np.asarray(mean_gain * weight / weight.mean())
    low, high = 0.0, most / weight[weight > 0].min()
    for _ in range(100):
        scale = (low + high) / 2
        low, high = (scale, high) if np.minimum(scale * weight, most).mean() < mean_gain else (low, scale)
    return np.asarray(np.minimum(high * weight, most))


def _read_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [cell.strip() for cell in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise QueryFileError(str(path), [f"cannot be read ({error.strerror}); check the path"]) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise QueryFileError(str(path), [f"is not a CSV in UTF-8 ({error}); save it as CSV UTF-8"]) from None
    problems = [
        f"line 1: column {name!r} stands twice; rename one" for name in set(header) if header.count(name) > 1
    ]
    if len(header) == 1 and ";" in header[0]:
        problems.append("line 1: cells are parted by semicolons; save it with commas and decimal points")
    problems += [
        f"line {line}: {len(row)} cells under {len(header)} headings; quote cells that hold commas"
        for line, row in rows
        if len(row) != len(header)
    ]
    if not rows:
        problems.append("holds no query; add one row for each query under the heading")
    if problems:
        raise QueryFileError(str(path), problems)
    return header, rows


class _Table:
    """The cells of a file, parsed column by column, with what is wrong collected on the way."""

    def __init__(self, path: Path, header: list[str], rows: list[tuple[int, list[str]]]) -> None:
        self.path, self.problems = path, list[str]()
        self.lines = [line for line, _ in rows]
        self.columns = {name: [row[i].strip() for _, row in rows] for i, name in enumerate(header)}
        self.routers = {
            name: name.removeprefix(SCORE_PREFIX) for name in header if name.startswith(SCORE_PREFIX)
        }
        self.routers |= {name: name for name in PLAIN_SCORES if name in header}
        if not self.routers:
            self.problems.append(
                "line 1: no score; add a column score_<router>, complexity or label (easy/hard)"
            )

    def raise_problems(self) -> None:
        if self.problems:
            raise QueryFileError(str(self.path), list(dict.fromkeys(self.problems)))

    def text(self, name: str, default: str) -> list[str]:
        cells = self.columns.get(name)
        return [cell or default for cell in cells] if cells else [default] * len(self.lines)

    def holds(self, name: str, chosen: Places) -> bool:
        """Return whether a column is there and not blank throughout the chosen rows."""
        cells = self.columns.get(name)
        return cells is not None and any(cells[i] for i in chosen)

    def numbers(self, name: str, chosen: Places, least: float = 0.0) -> Floats:
        cells = self.columns[name]
        return np.array([self._number(name, int(i), cells[i], least) for i in chosen])

    def _finite(self, name: str, chosen: Places) -> Floats:
        return self.numbers(name, chosen, -math.inf)

    def _number(self, name: str, row: int, cell: str, least: float) -> float:
        value = LABELS.get(cell.lower(), math.nan)
        if math.isnan(value):
            try:
                value = float(cell)
            except ValueError:
                value = math.nan
        if not max(least, -MOST_NUMBER) <= value <= MOST_NUMBER:
            rule = "is not a finite number" if least == -math.inf else f"is not a number from {least:g} up"
            if math.isfinite(value) and abs(value) > MOST_NUMBER:
                rule = f"is beyond {MOST_NUMBER:g}"
            self.problems.append(
                f"line {self.lines[row]}, column {name} = {cell!r}: {rule}; fill it or drop the row"
            )
        return value

    def outcomes(
        self,
        name: str,
        chosen: Places,
        costs: tuple[Floats, Floats],
        weak_quality: float | None,
        strong_quality: float | None,
    ) -> QueryOutcomes:
        scores = {
            router: self._finite(column, chosen)
            for column, router in self.routers.items()
            if self.holds(column, chosen)
        }
        if self.routers and not scores:
            self.problems.append(
                f"data set {name!r}: every score is blank; fill one router's or drop its rows"
            )
        qualities = self._qualities(chosen, scores, weak_quality, strong_quality)
        tasks = np.array(self.text("task", "all"))[chosen]
        return QueryOutcomes(name, scores, *qualities, *costs, tasks)

    def _qualities(
        self, chosen: Places, scores: dict[str, Floats], weak: float | None, strong: float | None
    ) -> tuple[Floats, Floats]:
        if "weak_quality" in self.columns and "strong_quality" in self.columns:
            # A reward model's scores may lie below zero; only differences and means are looked at.
            return self._finite("weak_quality", chosen), self._finite("strong_quality", chosen)
        if weak is None or strong is None:
            self.problems.append(
                "line 1: no outcomes; add weak_quality and strong_quality columns, or give both means "
                "(--weak-quality, --strong-quality)"
            )
            return np.zeros(len(chosen)), np.zeros(len(chosen))
        score = next(iter(scores.values()), np.ones(len(chosen)))
        try:
            return strong - spread_gain(score, strong - weak, strong), np.full(len(chosen), strong)
        except InputError as error:
            self.problems.append(str(error))
            return np.full(len(chosen), weak), np.full(len(chosen), strong)

    def costs(
        self,
        name: str,
        chosen: Places,
        prices: TokenPrices | None,
        prices_where_missing: TokenPrices | None,
    ) -> tuple[Floats, Floats]:
        """Return each query's cost at the weak and the strong model [USD]; NaN where nothing tells it."""
        if prices is None and self.holds("weak_cost", chosen) and self.holds("strong_cost", chosen):
            return self.numbers("weak_cost", chosen), self.numbers("strong_cost", chosen)
        weak_out = "weak_out_tok" if self.holds("weak_out_tok", chosen) else "out_tok"
        strong_out = "strong_out_tok" if self.holds("strong_out_tok", chosen) else "out_tok"
        needed = ("in_tok", weak_out, strong_out)
        missing = [column for column in dict.fromkeys(needed) if not self.holds(column, chosen)]
        if prices is not None and missing:
            where, what = f"data set {name!r}", ", ".join(missing)
            self.problems.append(f"{where}: no {what} to price; add token counts or drop the prices")
        used = prices or prices_where_missing
        if used is None or missing:
            return np.full(len(chosen), np.nan), np.full(len(chosen), np.nan)
        into, weak, strong = (self.numbers(column, chosen) for column in needed)
        return (
            (into * used.weak_input + weak * used.weak_output) / TOKENS_PER_MTOK,
            (into * used.strong_input + strong * used.strong_output) / TOKENS_PER_MTOK,
        )
