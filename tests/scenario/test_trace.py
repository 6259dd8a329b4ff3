"""Traces: token means and percentiles, arrivals by minute, and every kind of bad file."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from llmplan.catalog import data_dir, load_catalog
from llmplan.cli.scenario_options import file_and_name
from llmplan.errors import UnknownNameError
from llmplan.scenario.trace import TraceError, read_trace
from llmplan.scenario.workload import Workload

AZURE = data_dir() / "traces" / "azure_llm_2023.csv"
HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def write(folder: Path, text: str, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "requests", "peak", "rate"),
    [("conversation", 6884, 1.51, 19366 / 3501.7), ("code", 3116, 3.80, 8819 / 3435.6)],
)
def test_azure_trace_by_service(name: str, requests: int, peak: float, rate: float) -> None:
    trace = read_trace(AZURE, name)
    assert (trace.name, trace.requests) == (name, requests)
    assert trace.peak_to_mean == pytest.approx(peak, abs=0.005)
    assert trace.requests_per_s == pytest.approx(rate, rel=1e-3)


def test_azure_sample_is_close_to_the_whole_trace() -> None:
    conversation, code = read_trace(AZURE, "conversation"), read_trace(AZURE, "code")
    assert conversation.mean_input_tokens == pytest.approx(1155, rel=0.03)
    assert conversation.mean_output_tokens == pytest.approx(211, rel=0.03)
    assert code.mean_input_tokens == pytest.approx(2048, rel=0.03)
    assert code.mean_output_tokens == pytest.approx(28, rel=0.03)


def test_azure_rows_taken_together() -> None:
    trace = read_trace(AZURE)
    assert trace.requests == 10_000
    assert trace.requests_per_minute.sum() == 28_185


def test_azure_trace_is_attributed() -> None:
    assert load_catalog().source("azure-llm-trace-2023").licence == "CC-BY-4.0"


def test_own_trace_worked_by_hand(tmp_path: Path) -> None:
    rows = ["2026-01-01 00:00:00,100,10", "2026-01-01 00:02:00,300,30", "2026-01-01 00:00:30,200,20"]
    trace = read_trace(write(tmp_path, HEADER + "\n".join(rows)))
    assert trace.name == "own"
    assert trace.arrival_s.tolist() == [0, 30, 120]
    assert trace.input_tokens.tolist() == [100, 200, 300]
    assert (trace.mean_input_tokens, trace.mean_output_tokens) == (200, 20)
    assert trace.input_tokens_percentile(50) == 200
    assert trace.output_tokens_percentile(100) == 30
    # Minute 0 has two requests, minute 1 none, minute 2 one: 2 against 1.5 a minute.
    assert trace.requests_per_minute.tolist() == [2, 0, 1]
    assert trace.duration_s == 120
    assert trace.peak_to_mean == pytest.approx(2 / 1.5)


def test_even_arrivals_have_no_peak(tmp_path: Path) -> None:
    rows = "\n".join(f"{second},10,10" for second in range(0, 3600, 2))
    assert read_trace(write(tmp_path, HEADER + rows)).peak_to_mean == pytest.approx(1, abs=0.001)


def test_a_trace_under_a_minute_has_peak_one(tmp_path: Path) -> None:
    assert read_trace(write(tmp_path, HEADER + "0,1,1\n9,1,1\n")).peak_to_mean == 1


def test_times_may_be_seconds_dates_or_have_zones(tmp_path: Path) -> None:
    rows = "2026-01-01T00:00:00+00:00,1,1\n2026-01-01 01:00:30.5+01:00,1,1\n"
    assert read_trace(write(tmp_path, HEADER + rows)).duration_s == 30.5
    assert read_trace(write(tmp_path, HEADER + "5.5,1,1\n7,1,1\n")).duration_s == 1.5


def test_extra_columns_blank_lines_and_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeffextra," + HEADER + "x,0,1,1\n\n,60,3,3\n"
    assert read_trace(write(tmp_path, text)).mean_input_tokens == 2


def test_companion_gives_the_arrivals_of_a_sample(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "0,1,1\n119,1,1\n")
    write(tmp_path, "minute,requests\n0,30\n60,10\n", "own_per_minute.csv")
    trace = read_trace(path)
    assert trace.requests == 2
    assert trace.requests_per_minute.tolist() == [30, 10]
    assert trace.requests_per_s == pytest.approx(40 / 119)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"own\.csv:1: lacks TIMESTAMP, ContextTokens, GeneratedTokens"),
        ("TIMESTAMP;ContextTokens;GeneratedTokens\n0;1;1\n", "commas between cells"),
        ("TIMESTAMP,ContextTokens\n0,1\n", "lacks GeneratedTokens"),
        (HEADER, "has no requests"),
        (HEADER + "0,1,1\n", "two requests at different times"),
        (HEADER + "0,1,1\n0,2,2\n", "two requests at different times"),
        (HEADER + "0,1,1\n99999999999,2,2\n", "spans"),
        (HEADER + "0,1,1\nsoon,2,2\n", r"own\.csv:3 TIMESTAMP = 'soon': is not a time"),
        (HEADER + "0,1,1\nnan,2,2\n", "is not a time"),
        (HEADER + "0,1,1\n1,two,2\n", r"own\.csv:3 ContextTokens = 'two'"),
        (HEADER + "0,1,1\n1,2,-2\n", "whole number from 0"),
        (HEADER + "0,1,1\n1,2.5,2\n", "whole number from 0"),
        (HEADER + "0,1,1\n1,inf,2\n", "whole number from 0"),
        (HEADER + "0,1,1\n1,nan,2\n", "whole number from 0"),
        (HEADER + "0,1,1\n1,2\n", "GeneratedTokens = ''"),
        (HEADER + '0,1,1\n"1,2,2\n', "is not valid CSV"),
    ],
)
def test_bad_files_name_line_and_rule(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read_trace(write(tmp_path, text))


def test_all_bad_rows_are_counted_and_the_first_twenty_shown(tmp_path: Path) -> None:
    with pytest.raises(TraceError) as caught:
        read_trace(write(tmp_path, HEADER + "x,1,1\n" * 50))
    assert (caught.value.count, len(caught.value.problems)) == (50, 20)
    assert "and 30 more" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\xe9,1,1\n")
    with pytest.raises(TraceError, match="not UTF-8"):
        read_trace(tmp_path / "latin.csv")


def test_unknown_trace_offers_near_names() -> None:
    with pytest.raises(UnknownNameError, match="code"):
        read_trace(AZURE, "coding")


def test_workload_from_trace() -> None:
    workload = Workload.from_trace(AZURE, "code")
    assert workload.input_tokens == pytest.approx(1995.4, abs=0.1)
    assert workload.peak_to_mean == pytest.approx(3.80, abs=0.005)
    assert workload.queries_per_day == pytest.approx(8819 / 3435.6 * 86_400, rel=1e-3)


def test_percentiles_are_numpy_s() -> None:
    trace = read_trace(AZURE, "code")
    assert trace.input_tokens_percentile(95) == np.percentile(trace.input_tokens, 95)


def test_a_trace_without_tokens_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zeros.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n0,10,0\n60,20,0\n")
    with pytest.raises(TraceError, match="GeneratedTokens is 0 in every row"):
        read_trace(path)


def test_a_colon_in_a_path_is_no_name(tmp_path: Path) -> None:
    path = tmp_path / "log 18:17.csv"
    path.touch()
    assert file_and_name(str(path)) == (str(path), None)
    assert file_and_name(f"{path}:code") == (str(path), "code")
    assert file_and_name("absent.csv:") == ("absent.csv", None)
