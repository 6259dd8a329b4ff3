"""Files in, a usage folder out: copies, roll-ups, what input means, bad rows, broken-off runs."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplan.cli import app
from llmplan.errors import InputError
from llmplan.usage.columnar import columns_of
from llmplan.usage.importing import UsageError, import_usage
from llmplan.usage.reading import records
from llmplan.usage.summary import Usage, read_usage, summary

MAP = """
cost_per_usd = 100
input_holds_cached = false
[columns]
ts = "when"
app = "who"
input_tokens = "usage.in"
cached_tokens = "usage.read"
output_tokens = "usage.out"
cost_usd = "cents"
key = "id"
ok = "status"
[constants]
model = "gpt-4o"
"""


def record(number: int, **changes: Any) -> dict[str, Any]:
    usage = {"in": 100, "read": 20, "out": 10}
    base = {
        "when": "2026-03-02T09:00:00Z",
        "who": "a",
        "usage": usage,
        "cents": 5,
        "id": number,
        "status": 200,
    }
    return base | changes


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAP)
    return path


def test_mapped_files_copies_and_bad_rows(tmp_path: Path, mapping: Path) -> None:
    """A file packed with gzip, a copy in another file, a failure and two bad rows."""
    first = tmp_path / "first.jsonl.gz"
    lines = [json.dumps(record(1)), "{not json", json.dumps(record(2, status="failed"))]
    first.write_bytes(gzip.compress("\n".join(lines).encode()))
    second = write(tmp_path / "second.jsonl", record(1), record(3), record(4, usage={"in": -1}))
    out = tmp_path / "usage"
    parts = import_usage([first, second], out, mapping=mapping)
    found = summary(read_usage(out))
    assert (found["requests"], found["input_tokens"], found["output_tokens"]) == (2, 240, 20)
    assert found["cost_usd"] == pytest.approx(0.10)
    assert found["excluded"] == {"duplicate": 1, "failed_attempt": 1}
    problems = [problem for part in parts for problem in part.problems]
    assert [(p.file, p.line, p.column) for p in problems] == [
        ("first.jsonl.gz", 2, "record"),
        ("second.jsonl", 3, "usage.in"),
    ]
    assert "whole number" in problems[1].rule and problems[1].fix


def test_a_figure_beyond_all_counts_is_a_bad_row(tmp_path: Path, mapping: Path) -> None:
    huge = write(
        tmp_path / "log.jsonl",
        record(1, usage={"in": 10**400}),
        record(2, usage={"in": -(10**400)}),
        record(3),
    )
    (part,) = import_usage([huge], tmp_path / "usage", mapping=mapping)
    assert (part.rows, [problem.line for problem in part.problems]) == (1, [1, 2])


def test_strict_refuses_and_leaves_no_rows(tmp_path: Path, mapping: Path) -> None:
    bad = write(tmp_path / "bad.jsonl", record(1), record(2, when="yesterday"))
    with pytest.raises(UsageError, match=r"bad\.jsonl:2 when = 'yesterday'"):
        import_usage([bad], tmp_path / "usage", mapping=mapping, strict=True)
    assert list((tmp_path / "usage").rglob("*.parquet")) == []


def test_finished_files_are_not_read_again(
    tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path / "first.jsonl", record(1))
    out = tmp_path / "usage"
    import_usage([first], out, mapping=mapping)
    second = write(tmp_path / "second.jsonl", record(2))
    read: list[Path] = []

    def spied(path: Path, *rest: Any) -> Any:
        read.append(path)
        return columns_of(path, *rest)

    monkeypatch.setattr("llmplan.usage.parts.columns_of", spied)
    steps: list[tuple[str, int]] = []
    import_usage([first, second], out, mapping=mapping, progress=lambda *step: steps.append(step))
    assert read == [second] and steps == [("reading file 2 of 2", 1), ("adding up", 0)]
    assert summary(read_usage(out))["requests"] == 2
    write(first, record(1), record(5))
    import_usage([first], out, mapping=mapping)
    assert summary(read_usage(out))["requests"] == 3


def spans(*steps: tuple[str, str, str, int, int]) -> dict[str, Any]:
    """Return an OTLP batch of (id, parent, operation, input, output)."""

    def span(name: str, parent: str, operation: str, into: int, out: int) -> dict[str, Any]:
        said: dict[str, Any] = {"gen_ai.operation.name": operation} if operation else {"http.method": "POST"}
        said |= {"gen_ai.usage.input_tokens": into, "gen_ai.usage.output_tokens": out} if into else {}
        return {
            "spanId": name,
            "parentSpanId": parent,
            "startTimeUnixNano": "1772442000000000000",
            "attributes": [{"key": key, "value": {"stringValue": str(value)}} for key, value in said.items()],
        }

    return {"resourceSpans": [{"scopeSpans": [{"spans": [span(*step) for step in steps]}]}]}


def test_spans_above_others_do_not_count(tmp_path: Path) -> None:
    """Children end first: an SDK's span stands above a gateway's by way of HTTP, a chain above two chats."""
    lines = [
        spans(("gateway", "http", "chat", 100, 10)),
        spans(("http", "sdk", "", 0, 0), ("sdk", "", "chat", 100, 10)),
        spans(("one", "chain", "chat", 7, 1), ("two", "chain", "chat", 8, 1), ("chain", "", "chat", 15, 2)),
        spans(("inner", "outer", "chat", 5, 1), ("outer", "", "chat", 5, 1)),
    ]
    import_usage([write(tmp_path / "spans.jsonl", *lines)], tmp_path / "usage")
    found = summary(read_usage(tmp_path / "usage"))
    assert (found["requests"], found["input_tokens"]) == (4, 120)
    assert found["excluded"] == {"duplicate": 1, "parent_rollup": 2}


def helicone(number: int, prompt: int, read: int, written: int, provider: str) -> dict[str, Any]:
    return {
        "response_id": str(number),
        "request_id": str(number),
        "request_created_at": "2026-03-02T09:00:00Z",
        "provider": provider,
        "prompt_tokens": prompt,
        "prompt_cache_read_tokens": read,
        "prompt_cache_write_tokens": written,
        "completion_tokens": 1,
    }


def test_input_holds_the_cached_tokens_whatever_the_source(tmp_path: Path) -> None:
    """Row by row where a row tells; by the majority of its provider's rows where it does not."""
    rows = [
        helicone(1, 100, 80, 0, "OPENAI"),  # inside: 100
        helicone(2, 10, 90, 0, "ANTHROPIC"),  # beside: 100
        helicone(3, 5, 0, 95, "BEDROCK"),  # written beside: 100
        helicone(4, 10, 90, 0, "ANTHROPIC"),  # beside: 100
        helicone(5, 100, 60, 40, "ANTHROPIC"),  # fits both; the provider's others stand beside: 200
    ]
    out = tmp_path / "usage"
    import_usage([write(tmp_path / "log.jsonl", *rows)], out)
    assert summary(read_usage(out))["input_tokens"] == 600
    conventions = {row["input_group"]: row for row in read_usage(out).manifest["input_conventions"]}
    assert conventions["helicone ANTHROPIC"]["all_beside"] == 2
    assert conventions["helicone ANTHROPIC"]["inside"] == 1


def test_json_of_any_shape_is_read(tmp_path: Path) -> None:
    """An array with a comma too many, objects over several lines, and an array in one line."""
    path = tmp_path / "x.json"
    for text, lines in (
        ('[\n{"a": 1},\n{"a": 2},\n]', [2, 3]),
        ('{\n"a": 1\n}\n{\n"a": 2\n}', [1, 4]),
        ('[{"a": 1},{"a": 2}]', [1, 1]),
        ('{"a": 1}\n\n{"a": 2}\n', [1, 3]),
    ):
        path.write_text(text)
        found = list(records(path))
        assert [dict(record) for _, record in found if not isinstance(record, InputError)] == [
            {"a": 1},
            {"a": 2},
        ]
        assert [line for line, _ in found] == lines
    path.write_text('[{"a": 1}, {"a": ')
    (_, first), (line, broken) = records(path)
    assert first == {"a": 1} and isinstance(broken, InputError) and line == 1


def test_long_json_array_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmplan.usage.reading.CHUNK", 7)
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"n": n, "text": "x" * n} for n in range(30)], indent=1))
    assert [record["n"] for _, record in records(path) if isinstance(record, dict)] == list(range(30))


def test_what_is_no_log_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match="no known format; name it with --format"):
        import_usage([tmp_path / "a.csv"], tmp_path / "usage")
    with pytest.raises(InputError, match="is not there"):
        import_usage([tmp_path / "b.csv"], tmp_path / "usage")
    assert not (tmp_path / "usage").exists()
    with pytest.raises(InputError, match="holds other files"):
        import_usage([tmp_path / "a.csv"], tmp_path)


def test_shell_imports_and_shows(tmp_path: Path, mapping: Path) -> None:
    log, out = write(tmp_path / "log.jsonl", record(1), record(2, who="b"), {}), str(tmp_path / "usage")
    command = ["usage", "import", str(log), "--map", str(mapping), "--out", out, "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["refused"], report["problems"][0]["line"]) == (1, 3)
    shown = json.loads(CliRunner().invoke(app, ["usage", "show", out, "--json"]).stdout)
    assert [item["app"] for item in shown["apps"]] == ["a", "b"]
    assert shown["apps"][0]["input_tokens"] == {"mean": 120, "p50": 120, "p95": 120, "p99": 120}
    table = CliRunner().invoke(app, ["usage", "show", out]).stdout
    assert "By app" in table and "requests/day" in table


def test_nothing_of_prompts_and_ids_is_kept(tmp_path: Path) -> None:
    secret = "sk-secret-0123456789"
    call = {
        "request_id": "my-request-id",
        "spend": 1.0,
        "startTime": "2026-03-02T09:00:00Z",
        "api_key": secret,
        "end_user": "ann@example.org",
        "prompt_tokens": 5,
        "completion_tokens": 1,
        "messages": [{"content": "my private words"}],
    }
    import_usage([write(tmp_path / "log.jsonl", call)], tmp_path / "usage")
    held = b"".join(path.read_bytes() for path in (tmp_path / "usage").rglob("*") if path.is_file())
    assert not any(word in held for word in (b"secret", b"my-request-id", b"ann@", b"private"))


def test_a_folder_may_hold_more_than_logs_and_pages_may_be_wrapped(tmp_path: Path) -> None:
    """Notes are reported; a page, an envelope of a log collector and a copy in another folder change no total."""
    logs = Path(__file__).parent.parent / "data" / "usage_logs"
    lines = [
        json.loads(line)
        for line in (logs / "bedrock_invocation" / "20260302T0900.jsonl").read_text().splitlines()
    ]
    cost = logs / "anthropic_cost_api" / "cost_report.json"
    for place in ("one", "two"):
        (tmp_path / "logs" / place).mkdir(parents=True)
        (tmp_path / "logs" / place / "cost.json").write_bytes(cost.read_bytes())
    write(tmp_path / "logs" / "page.json", {"data": lines[:1], "meta": {"page": 1}})
    write(tmp_path / "logs" / "events.jsonl", *({"message": json.dumps(line)} for line in lines[1:]))
    (tmp_path / "logs" / "README.md").write_text("# what this is")
    parts = import_usage([tmp_path / "logs"], tmp_path / "usage")
    assert [part.problems[0].file for part in parts if part.problem_count] == ["README.md"]
    found = summary(read_usage(tmp_path / "usage"))
    assert (found["requests"], found["input_tokens"], found["excluded"]) == (2, 1235, {"duplicate": 1})
    bill = summary(_of(tmp_path, [tmp_path / "logs" / place / "cost.json" for place in ("one", "two")]))
    assert bill["cost_usd"] == pytest.approx(1.2345)


def _of(tmp_path: Path, files: list[Path]) -> Usage:
    import_usage(files, tmp_path / "alone")
    return read_usage(tmp_path / "alone")


def test_csv_of_spreadsheets(tmp_path: Path) -> None:
    """Repeated headings, a delimiter too many, grouped thousands, dollar signs and pandas' word for nothing."""
    head = "usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,usage_output_tokens"
    row = '2026-03-02,claude-haiku-4-5,key,,standard,"12,345",nan,'
    (tmp_path / "a.csv").write_text("\n".join([head, row, head]))
    found = summary(_of(tmp_path, [tmp_path / "a.csv"]))
    assert (found["input_tokens"], found["output_tokens"], found["excluded"]) == (12_345, None, {})


def test_a_file_without_request_ids_counts_once_under_two_names(tmp_path: Path) -> None:
    """Packed or not, now or in a later import; of the same file with a row more that row is new."""
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,100,10\n2023-11-16 18:17:04,50,5\n"
    first, packed, longer = (tmp_path / name for name in ("a.csv", "b.csv.gz", "c.csv"))
    first.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    longer.write_text(f"{text}2023-11-16 18:17:05,1,1\n")
    out = tmp_path / "usage"
    import_usage([first], out)
    parts = import_usage([packed, first], out)
    assert [part.copy_of for part in parts] == [str(first), ""]
    found = summary(read_usage(out))
    assert (found["requests"], found["input_tokens"], found["excluded"]) == (2, 150, {"duplicate": 2})
    import_usage([longer], out)
    assert summary(read_usage(out))["requests"] == 3


def trace(path: Path, *calls: tuple[int, int]) -> Path:
    """Write requests of (second, input tokens)."""
    lines = [f"2023-11-16 18:00:{second:02d},{tokens},1" for second, tokens in calls]
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]))
    return path


def test_what_two_exports_share_counts_once(tmp_path: Path) -> None:
    """The second begins before the first ends; equal requests of one second are as many as each file has."""
    early = trace(tmp_path / "a.csv", (1, 5), (2, 6), (2, 6), (3, 7))
    late = trace(tmp_path / "b.csv", (2, 6), (2, 6), (3, 7), (4, 8))
    first, second = import_usage([early, late], tmp_path / "usage")
    assert (first.copy_of, second.copy_of) == ("", str(early))
    found = summary(read_usage(tmp_path / "usage"))
    assert (found["requests"], found["input_tokens"], found["excluded"]) == (5, 32, {"duplicate": 3})


def test_requests_alike_by_chance_count_each(tmp_path: Path) -> None:
    """Two servers' files of the same minute, one request of ten alike."""
    one = trace(tmp_path / "a.csv", *((second, second + 1) for second in range(10)))
    other = trace(tmp_path / "b.csv", (0, 1), *((second, second + 50) for second in range(1, 10)))
    import_usage([one, other], tmp_path / "usage")
    assert summary(read_usage(tmp_path / "usage"))["requests"] == 20


def test_a_bucket_exported_twice_counts_as_it_was_last(tmp_path: Path) -> None:
    """A day that was not over when it was first exported; rows that a hidden column told apart stay apart."""
    head = "usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,usage_output_tokens"
    day = "2026-03-0{},claude-haiku-4-5,key,,standard,{},{}"
    texts = (
        [day.format(1, 10, 1), day.format(1, 30, 3), day.format(2, 5, 2)],
        [day.format(1, 10, 1), day.format(1, 30, 3), day.format(2, 50, 20), day.format(3, 7, 1)],
    )
    for name, lines in zip(("a.csv", "b.csv"), texts, strict=True):
        (tmp_path / name).write_text("\n".join([head, *lines]))
    found = summary(_of(tmp_path, [tmp_path / "a.csv", tmp_path / "b.csv"]))
    assert (found["input_tokens"], found["output_tokens"]) == (97, 25)
    assert found["excluded"] == {"duplicate": 3}


def test_a_zip_of_logs_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several formats and a note in it; nothing unpacked stays, and a second import reads it not again."""
    logs = Path(__file__).parent.parent / "data" / "usage_logs"
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as packed:
        for name in ("kong_ai_log", "openai_usage_csv"):
            (file,) = (logs / name).iterdir()
            packed.write(file, f"{name}/{file.name}")
        packed.writestr("__MACOSX/._x.csv", b"\0")
    out = tmp_path / "usage"
    import_usage([tmp_path / "logs.zip"], out)
    found = summary(read_usage(out))
    assert (found["formats"], found["requests"]) == (["kong_ai_log", "openai_usage_csv"], 33)
    assert not (out / "rows" / "unpacked").exists()
    monkeypatch.setattr("llmplan.usage.importing.import_unit", None)
    import_usage([tmp_path], out)
    assert summary(read_usage(out)) == found


@pytest.mark.parametrize(
    "name", ["openai_usage_api", "openai_costs", "anthropic_usage_api", "anthropic_cost_api"]
)
def test_a_page_within_a_page_reads_as_the_page(tmp_path: Path, name: str) -> None:
    logs = Path(__file__).parent.parent / "data" / "usage_logs" / name
    (file,) = (path for path in logs.iterdir() if path.suffix == ".json")
    page = json.loads(file.read_text())
    import_usage([file], tmp_path / "plain")
    wanted = summary(read_usage(tmp_path / "plain"))
    for place, wrapped in enumerate(({"data": page}, {"data": [page], "has_more": False})):
        import_usage([write(tmp_path / "page.json", wrapped)], tmp_path / f"wrapped-{place}")
        assert summary(read_usage(tmp_path / f"wrapped-{place}")) == wanted
