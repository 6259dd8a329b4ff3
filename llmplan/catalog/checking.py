"""Rules for rows and between tables: each broken rule is one Problem."""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

import llmplan.catalog.evidence as evi
import llmplan.catalog.records as rec
from llmplan.catalog.columns import Record
from llmplan.catalog.problems import Problem
from llmplan.catalog.reading import RawRow, RawTable
from llmplan.catalog.tables import Table
from llmplan.errors import limit_rule, near_names
from llmplan.units import HOURS_PER_DAY

Finding = tuple[str, str, str]
"""Column, rule, fix."""

SHARE_TOLERANCE = 1e-6
_NUMERIC_ERRORS = ("float", "int", "finite", "greater", "less")
_SEPARATED = re.compile(r"[+-]?\d{1,3}([ ,'\u00a0\u202f_.]\d{3})+([.,]\d+)?")
_FRACTION = re.compile(r"[+-]?\d*\.\d+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")

_SUM_TOLERANCE = 1e-6
"""How far a profile's shares may sum from 1: what the workload accepts."""


def row_problems(table: Table, rows: Sequence[RawRow], error: ValidationError) -> Iterator[Problem]:
    """Yield a Problem for each cell that pydantic refused in the rows of `table`."""
    for detail in error.errors(include_url=False, include_context=True):
        index, *place = detail["loc"]
        column = str(place[0]) if place else "row"
        row = rows[int(index)]
        value = row.cells.get(column, "")
        rule, fix = _explain(detail["type"], value, detail.get("ctx", {}), str(detail["msg"]))
        yield Problem(table.file, row.line, column, value, rule, fix)


def _explain(kind: str, value: str, context: Mapping[str, Any], message: str) -> tuple[str, str]:
    if kind == "missing":
        return "required cell is empty", "fill it in"
    if kind.startswith(_NUMERIC_ERRORS):
        return _explain_number(kind, value, context)
    if kind == "literal_error":
        return "is not one of the allowed words", f"use {context['expected']}"
    if kind.startswith("string_pattern"):
        return "is not an id", "use lower-case letters, digits and . _ : / + - only"
    if kind.startswith(("date", "datetime")):
        return "is not a date", "write YYYY-MM-DD"
    if kind.startswith("bool"):
        return "is not true or false", "write true or false"
    return message[:1].lower() + message[1:], "mend the cell"


def _explain_number(kind: str, value: str, context: Mapping[str, Any]) -> tuple[str, str]:
    if _is_not_finite(value):
        return "is not a finite number", "give a number, or leave the cell empty where it may be"
    if _DECIMAL_COMMA.fullmatch(value) and not _SEPARATED.fullmatch(value):
        return "has a decimal comma", f"write {value.replace(',', '.')}"
    if _SEPARATED.fullmatch(value) and not kind.startswith(("greater", "less")):
        return "has a thousands separator (or a decimal comma)", "write digits and one decimal point only"
    if kind.startswith(("greater", "less")):
        return limit_rule(context), "correct the number or its unit"
    if kind.startswith("int") and _FRACTION.fullmatch(value):
        return "must be a whole number", "write it without a fraction"
    return "is not a number", "write digits and one decimal point only, the unit is in the column's name"


def _is_not_finite(value: str) -> bool:
    """Say whether a text is NaN, an infinity, or a number too large to be held."""
    try:
        return not math.isfinite(float(value))
    except ValueError:
        return False


def duplicate_problems(table: Table, rows: Iterable[RawRow]) -> Iterator[Problem]:
    """Yield a Problem for each row whose key an earlier row already has."""
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row.cells.get(column, "") for column in table.key)
        first = seen.setdefault(key, row.line)
        if first != row.line and any(key):
            rule = f"duplicate of line {first} ({', '.join(table.key)})"
            yield Problem(table.file, row.line, table.key[0], key[0], rule, "delete one or change its key")


def reference_problems(
    table: Table, rows: Iterable[RawRow], known: Mapping[str, Mapping[str, object]]
) -> Iterator[Problem]:
    """Yield a Problem for each id that none of the tables it may name holds.

    A table that could not be read at all has its own problem; ids that point to it are not judged.
    """
    judged = {c: targets for c, targets in table.references.items() if all(known[t] for t in targets)}
    for row in rows:
        for column, targets in judged.items():
            value = row.cells.get(column)
            if value is None or any(value in known[target] for target in targets):
                continue
            names = [name for target in targets for name in known[target]]
            near = near_names(value, names)
            fix = f"did you mean {', '.join(near)}?" if near else f"add it to {' or '.join(targets)}"
            yield Problem(table.file, row.line, column, value, f"unknown {column}", fix)


def _ordered(prefix: str) -> Callable[[Any], Iterator[Finding]]:
    low, base, high = (f"{prefix}{name}" for name in ("low", "base", "high"))

    def findings(row: Any) -> Iterator[Finding]:
        if not getattr(row, low) <= getattr(row, base) <= getattr(row, high):
            rule = f"{low} <= {base} <= {high} does not hold"
            yield base, rule, "put the three in order"

    return findings


def _model(row: rec.Model) -> Iterator[Finding]:
    if row.active_params_b > row.total_params_b:
        yield "active_params_b", f"is above total_params_b {row.total_params_b:g}", "swap or correct them"
    elif not row.is_moe and row.active_params_b < row.total_params_b:
        yield "active_params_b", "a dense model activates all its parameters", "set it to total_params_b"
    if row.heads % row.kv_heads:
        yield "kv_heads", f"does not divide heads {row.heads}", "take both from the model's configuration"
    if row.experts_per_token > row.experts:
        yield "experts_per_token", f"is above experts {row.experts}", "correct the expert counts"
    if row.is_moe and not (row.experts_per_token and row.moe_intermediate_size):
        yield (
            "experts",
            "a mixture of experts needs experts_per_token and moe_intermediate_size",
            "fill them in",
        )
    if (row.attention == "mla") != (row.kv_lora_rank > 0):
        yield "kv_lora_rank", "goes with attention mla and only with it", "correct attention or the rank"
    cached = row.layers if row.kv_layers is None else row.kv_layers
    if row.sliding_window_layers > cached:
        yield (
            "sliding_window_layers",
            f"is above the {cached} layers with a cache",
            "correct the layer counts",
        )
    if bool(row.sliding_window_layers) != bool(row.sliding_window_tokens):
        yield (
            "sliding_window_tokens",
            "sliding window needs both layers and tokens",
            "fill in both or neither",
        )


def _gpu(row: rec.Gpu) -> Iterator[Finding]:
    if row.memory_gib_usable * 2**30 > row.memory_gb * 1e9 * 1.08:
        yield "memory_gib_usable", f"is more than the card's {row.memory_gb:g} GB", "give GiB a program sees"


def _purchase(row: rec.ArticleCost) -> Iterator[Finding]:
    if row.usd_per_month_low > row.usd_per_month_high:
        yield "usd_per_month_low", "is above usd_per_month_high", "swap them"


def _benchmark(row: evi.Benchmark) -> Iterator[Finding]:
    if not row.scale_low < row.scale_high:
        yield "scale_low", "must be below scale_high", "swap them"


def _api(row: rec.ApiPrice) -> Iterator[Finding]:
    starts = [0]
    for name in ("long_context", "longer_context"):
        start = getattr(row, f"{name}_from_tokens")
        tier = [getattr(row, f"{name}_{side}_usd_per_mtok") for side in ("input", "output")]
        if any((start is None) != (price is None) for price in tier):
            yield (
                f"{name}_from_tokens",
                "a tier needs its start, input and output price",
                "fill in all or none",
            )
        starts.append(start)
    if starts[2] is not None and not (starts[1] is not None and starts[1] < starts[2]):
        yield (
            "longer_context_from_tokens",
            "is not above the start of the tier before",
            "put the shorter tier first",
        )
    if (row.peak_hours_per_day is None) != (row.peak_price_factor is None):
        yield "peak_hours_utc", "goes with peak_price_factor", "fill in both or neither"
    cached = row.cached_input_usd_per_mtok
    if cached is not None and cached > row.input_usd_per_mtok:
        yield "cached_input_usd_per_mtok", "is above the price of input", "swap or correct them"


def _assumption(row: rec.Assumption) -> Iterator[Finding]:
    yield from _ordered("")(row)
    if row.group == "hidden cost" and row.unit not in rec.HIDDEN_COST_UNITS:
        units = ", ".join(rec.HIDDEN_COST_UNITS)
        yield "unit", "is not one that hidden costs are counted in", f"use one of {units}"
    least, most = _LIMITS.get(row.unit, (-math.inf, math.inf))
    for column in ("low", "base", "high"):
        if not least <= getattr(row, column) <= most:
            yield column, f"must lie in {least:g} to {most:g} {row.unit}", "correct the number or its unit"


_LIMITS = {"share": (0.0, 1.0), "days": (1.0, 31.0), "ratio": (0.0, math.inf), "GiB/GPU": (0.0, math.inf)}
"""Least and most of an assumption by its unit."""

_ROW_RULES: dict[type[Record], Callable[[Any], Iterator[Finding]]] = {
    rec.Model: _model,
    rec.Gpu: _gpu,
    rec.ArticleCost: _purchase,
    evi.Benchmark: _benchmark,
    rec.ApiPrice: _api,
    rec.Assumption: _assumption,
    rec.RouterAssumption: _ordered(""),
    rec.PrecisionLoss: _ordered("loss_pct_"),
}


def rule_problems(table: Table, rows: Sequence[RawRow], records: Iterable[Any]) -> Iterator[Problem]:
    """Yield a Problem for each rule between the cells of one row that does not hold."""
    rules = _ROW_RULES.get(table.record)
    if rules is None:
        return
    for row, record in zip(rows, records, strict=True):
        for column, rule, fix in rules(record):
            yield Problem(table.file, row.line, column, row.cells.get(column, ""), rule, fix)


def fixed_row_problems(table: Table, own: RawTable, shipped: RawTable) -> Iterator[Problem]:
    """Yield a Problem for each row that code reads and the table lacks, or has in another unit, and for each
    that no code reads."""
    key = table.key[0]
    known = {row.cells[key]: row.cells.get("unit", "") for row in shipped.rows}
    for missing in sorted(known.keys() - own.names(key).keys()):
        yield Problem(table.file, 0, key, missing, "row is missing", "copy it from the shipped table")
    for row in own.rows:
        name, unit = row.cells.get(key, ""), row.cells.get("unit", "")
        if name in known and unit != known[name]:
            fix = f"give it in {known[name]}"
            yield Problem(table.file, row.line, "unit", unit, f"is not the unit of {name}", fix)
        if name and name not in known and row.cells.get("group") != "hidden cost":
            near = near_names(name, list(known), 1)
            fix = f"rename it to {near[0]}" if near else "delete it"
            yield Problem(table.file, row.line, key, name, "is read by no answer", fix)


def unoffered_problems(
    table: Table, rows: Sequence[RawRow], prices: Sequence[rec.GpuPrice], gpus: Mapping[str, rec.Gpu]
) -> Iterator[Problem]:
    """Yield a warning for each active price of a GPU that is not offered as an option."""
    for row, price in zip(rows, prices, strict=True):
        gpu = gpus.get(price.gpu_id)
        if price.status == "active" and gpu and gpu.status != "option":
            rule, fix = (
                f"is {gpu.status} in gpus.csv: the price is not used",
                "set its status there to option",
            )
            yield Problem(table.file, row.line, "gpu_id", price.gpu_id, rule, fix, "warning")


def score_problems(
    table: Table, rows: Sequence[RawRow], scores: Sequence[evi.Score], benchmarks: Mapping[str, evi.Benchmark]
) -> Iterator[Problem]:
    """Yield a Problem for each score outside its benchmark's scale."""
    for row, score in zip(rows, scores, strict=True):
        scale = benchmarks.get(score.benchmark_id)
        if scale and not scale.scale_low <= score.score <= scale.scale_high:
            rule = f"is outside the scale {scale.scale_low:g} to {scale.scale_high:g} of {score.benchmark_id}"
            yield Problem(table.file, row.line, "score", row.cells["score"], rule, "correct score or scale")


def profile_problems(
    table: Table, rows: Sequence[RawRow], hours: Sequence[rec.ProfileHour]
) -> Iterator[Problem]:
    """Yield a Problem for each daily profile that does not share out one day over 24 hours."""
    places: dict[str, list[int]] = {}
    for place, hour in enumerate(hours):
        places.setdefault(hour.profile_id, []).append(place)
    for profile_id, own in places.items():
        line, shares = rows[own[0]].line, [hours[place].share for place in own]
        if len(own) != HOURS_PER_DAY:
            rule, fix = (
                f"profile has {len(own)} hours, not {HOURS_PER_DAY}",
                "give each hour from 0 to 23 once",
            )
            yield Problem(table.file, line, "profile_id", profile_id, rule, fix)
        elif not abs(sum(shares) - 1) < _SUM_TOLERANCE:
            rule = f"shares of the profile sum to {sum(shares):.6f}, not to 1"
            yield Problem(table.file, line, "profile_id", profile_id, rule, "divide each by their sum")


def mix_problems(
    table: Table, rows: Sequence[RawRow], parts: Sequence[rec.RouterTaskMix]
) -> Iterator[Problem]:
    """Yield a Problem for each mix whose shares do not sum to 1, at its last row."""
    last = {part.mix_id: row for row, part in zip(rows, parts, strict=True)}
    for mix_id, row in last.items():
        whole = math.fsum(part.share for part in parts if part.mix_id == mix_id)
        if abs(whole - 1) > SHARE_TOLERANCE:
            rule = f"the shares of {mix_id} sum to {whole:.4g}, not 1"
            yield Problem(table.file, row.line, "share", row.cells["share"], rule, "correct the shares")


def date_problems(
    table: Table, rows: Sequence[RawRow], records: Iterable[Any], today: dt.date
) -> Iterator[Problem]:
    """Yield an error for each date after `today` and a warning for each active row that is stale."""
    limit = math.inf if table.stale_days is None else table.stale_days
    for row, record in zip(rows, records, strict=True):
        if not hasattr(record, "as_of"):  # a row whose date is that of the row it refers to
            continue
        age = (today - record.as_of).days
        value = row.cells["as_of"]
        if age < 0:
            yield Problem(
                table.file, row.line, "as_of", value, "is in the future", "give the date of the fact"
            )
        elif age > limit and getattr(record, "status", "active") == "active":
            rule, fix = f"is {age} days old (limit {limit})", "check the price, or mark it historical"
            yield Problem(table.file, row.line, "as_of", value, rule, fix, "warning")
