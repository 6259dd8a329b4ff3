"""Reading by columns gives what reading record by record gives, whatever the cells hold."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from llmplan.errors import InputError
from llmplan.usage import columnar, engine
from llmplan.usage.column_map import ColumnMap
from llmplan.usage.mapping import mapped
from llmplan.usage.parts import Unit, _rows, _table
from llmplan.usage.reading import records
from llmplan.usage.rows import Format, Row, formats

WHERE = ColumnMap(
    {
        "ts": "when",
        "app": ("who.name", "who.team"),
        "model": "model",
        "ok": "status",
        "batch": "batch",
        "input_tokens": "usage.in",
        "cached_tokens": "usage.read",
        "output_tokens": "out",
        "cost_usd": "cents",
        "key": "id",
    },
    constants={"provider": "it's mine"},
    input_holds_cached=False,
    cost_per_usd=100,
)
TIMES = (
    *("2026-03-02T09:00:00Z", "2026-03-02 09:00:00.1234567", "2026-03-02T10:00:00+01:00", "2026-03-02"),
    *("1772442000", 1772442000.25, 1772442000123, "3/2/2026, 9:00:00 AM", "yesterday", None, "1999-01-01"),
)
NUMBERS = (0, 7, "12", "12.0", 3.5, -1, "", None, "1,234", "nan", True, 10**16, "x", "1e3", " 8 ")
WORDS = ("a", " b ", "", None, "null", 'say "hi"', "x,y", "line\nbreak", 5, True, "é")
cells = st.fixed_dictionaries(
    {
        "when": st.sampled_from(TIMES),
        "who": st.one_of(
            st.sampled_from(WORDS),
            st.fixed_dictionaries({}, optional={"name": st.sampled_from(WORDS), "team": st.just("t")}),
            st.just('{"name": "as text"}'),
            st.just("{'name': 'of Python'}"),
        ),
        "model": st.sampled_from(WORDS),
        "status": st.sampled_from(("success", 200, "404", "True", None, "failed", 1)),
        "batch": st.sampled_from((True, "FALSE", "yes", None, 0)),
        "usage": st.one_of(
            st.none(),
            st.fixed_dictionaries({"in": st.sampled_from(NUMBERS), "read": st.sampled_from(NUMBERS)}),
        ),
        "out": st.sampled_from(NUMBERS),
        "cents": st.sampled_from((*NUMBERS, "0.125", "$3", "inf")),
        "id": st.sampled_from(("q-1", "q-2", None, 17)),
    }
)
CONNECTION: Any = engine.duckdb()


def read(path: Path, kind: type[Format]) -> tuple[Counter[Row], list[tuple[int, str]], int]:
    """Return the rows as stored, (line, field) of each problem, and how many rows were read by columns."""
    rows: Counter[Row] = Counter()
    problems, by_columns = [], 0
    for found in _rows(Unit(kind, (path,)), CONNECTION):
        if isinstance(found, Row):
            rows.update(tuples(_table([found], kind.name)))
        elif isinstance(found, pa.Table):
            by_columns += found.num_rows
            rows.update(tuples(found))
        else:
            problems.append((found.line, found.column))
    return rows, sorted(problems), by_columns


def tuples(table: pa.Table) -> list[Any]:
    return [tuple(row.values()) for row in table.to_pylist()]


def assert_same(path: Path, kind: type[Format]) -> int:
    """Return how many rows were read by columns; all must be those that are read record by record."""
    fast = read(path, kind)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("llmplan.usage.parts.columns_of", lambda path, *_: records(path))
        slow = read(path, kind)
    assert fast[:2] == slow[:2]
    return fast[2]


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(cells, min_size=6, max_size=30))
def test_any_cells_as_json_csv_and_parquet(tmp_path: Path, held: list[dict[str, Any]]) -> None:
    kind = mapped(WHERE)
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(record) for record in held))
    assert_same(tmp_path / "a.jsonl", kind)
    flat = [{name: _text(value) for name, value in record.items()} for record in held]
    quoted = (",".join('"' + value.replace('"', '""') + '"' for value in row.values()) for row in flat)
    (tmp_path / "a.csv").write_text("\n".join([",".join(held[0]), *quoted]), newline="")
    assert_same(tmp_path / "a.csv", kind)
    pq.write_table(pa.Table.from_pylist(flat), tmp_path / "a.parquet")
    assert_same(tmp_path / "a.parquet", kind)


def _text(value: object) -> str:
    return "" if value is None else json.dumps(value) if isinstance(value, dict) else str(value)


LOGS = Path(__file__).parent.parent / "data" / "usage_logs"
ODD = {
    "status": "failure",
    "cache_hit": "True",
    "call_type": "aembedding",
    "request_id": "q_cache_hit1",
    "prompt_tokens": -1,
    "completion_tokens": None,
    "response_status": 500,
    "cost": "x",
    "spend": "1e-3",
    "metadata": "{}",
    "costUSD": 1.5,
    "request_properties": '{"app": "as text"}',
    "cancelled": "true",
    "byok_usage_inference": "0.5",
    "tokens_completion": "0",
    "finish_reason_normalized": "error",
    "model": "text-embedding-3-small",
}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("litellm_spendlogs", "spend_logs.json"),
        ("helicone", "output.jsonl"),
        ("openrouter_activity_csv", "openrouter_activity_2026-03-02.csv"),
        ("azure_llm_trace", "trace.csv"),
    ],
)
def test_formats_are_their_maps(tmp_path: Path, name: str, file: str) -> None:
    """The samples' own records are read by columns; each with one odd cell as the format reads it."""
    plain = [dict(record) for _, record in records(LOGS / name / file) if not isinstance(record, InputError)]
    if "call_type" in plain[0]:
        plain = [record | {"call_type": "acompletion"} for record in plain]
    odd = [record | {key: value} for record in plain for key, value in ODD.items()]
    path = tmp_path / "log.jsonl"
    for held, least in ((plain, len(plain)), (plain * 20 + odd, 1)):
        path.write_text("\n".join(json.dumps(record) for record in held))
        assert assert_same(path, formats()[name]) >= least


def test_a_csv_of_many_blocks_keeps_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of several lines, blank lines, headings again, and a bad row in the last block."""
    monkeypatch.setattr(columnar, "BLOCK", 3)
    lines = [f"2026-03-02T09:00:{second:02d}Z,{second},1,plain" for second in range(20)]
    lines[4:4] = [
        '2026-03-02T09:00:00Z,5,1,"two',
        'lines"',
        "",
        "TIMESTAMP,ContextTokens,GeneratedTokens,note",
    ]
    lines.append("2026-03-02T09:01:00Z,many,1,bad")
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["", "TIMESTAMP,ContextTokens,GeneratedTokens,note", *lines]))
    rows, problems, by_columns = read(path, formats()["azure_llm_trace"])
    assert (sum(rows.values()), by_columns, problems) == (21, 20, [(27, "ContextTokens")])
    assert_same(path, formats()["azure_llm_trace"])


def test_parquet_of_types_and_a_cut_off_file(tmp_path: Path) -> None:
    when = datetime(2026, 3, 2, 9, tzinfo=UTC)
    row = {"when": when, "who": {"name": "a"}, "usage": {"in": 5, "read": 2}, "out": 3.0, "status": True}
    bad = row | {"out": 2.5}
    pq.write_table(pa.Table.from_pylist([row, row, bad]), tmp_path / "a.parquet")
    rows, problems, by_columns = read(tmp_path / "a.parquet", mapped(WHERE))
    assert (sum(rows.values()), by_columns, problems) == (2, 2, [(4, "out")])
    assert_same(tmp_path / "a.parquet", mapped(WHERE))
    packed = gzip.compress("\n".join([json.dumps(row | {"when": "2026-03-02"})] * 9).encode())
    (tmp_path / "b.jsonl.gz").write_bytes(packed[:-9])
    assert read(tmp_path / "b.jsonl.gz", mapped(WHERE))[1] == [(0, "file")]
