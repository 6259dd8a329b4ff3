"""Result files of load-testing tools, in those tools' own formats."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmplan.errors import InputError
from llmplan.measurements import read_results, with_load

DATA = Path(__file__).resolve().parents[1] / "data" / "measured_results"


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / name).read_text())
    return document


def test_vllm_closed_loop() -> None:
    (run,) = read_results(DATA / "vllm_concurrency_32.json")
    assert (run.tool, run.arrival, run.concurrency, run.offered_rps) == (
        "vllm bench serve",
        "closed_loop",
        32,
        None,
    )
    assert (run.input_tokens, run.output_tokens) == (1024, 256)
    assert (run.ttft_ms, run.tpot_ms, run.statistic) == (142.31, 12.81, "mean")
    assert run.output_tokens_per_s == pytest.approx(2400.586)
    assert run.requests_per_s * run.output_tokens == pytest.approx(run.output_tokens_per_s, rel=1e-4)
    assert (run.n_requests, run.n_failed, run.measured_on) == (320, 0, "2026-09-14")
    assert run.model_name == "meta-llama/Llama-3.1-8B-Instruct"


def test_vllm_appended_runs_one_a_line() -> None:
    rate, burst = read_results(DATA / "vllm_appended.jsonl")
    assert (rate.arrival, rate.offered_rps, rate.concurrency, rate.n_failed) == ("open_loop", 4.0, None, 2)
    assert (rate.input_tokens, rate.where) == (1024, "vllm_appended.jsonl line 1")
    assert (burst.arrival, burst.offered_rps, burst.concurrency) == ("offline", None, None)


def test_aiperf_json() -> None:
    (run,) = read_results(DATA / "profile_export_aiperf.json")
    assert (run.tool, run.tool_version) == ("aiperf", "0.8.0")
    assert (run.arrival, run.concurrency) == ("closed_loop", 16)
    assert (run.ttft_ms, run.tpot_ms) == (96.4, 9.803)
    assert (run.requests_per_s, run.output_tokens_per_s) == (6.121, 1566.98)
    assert (run.input_tokens, run.output_tokens, run.n_requests, run.n_failed) == (1024, 256, 160, 3)
    assert (run.measured_on, run.model_name) == ("2026-09-20", "meta-llama/Llama-3.1-8B-Instruct")


def test_aiperf_with_phases_takes_the_last_one(tmp_path: Path) -> None:
    document = load("profile_export_aiperf.json")
    del document["input_config"]["loadgen"]
    document["input_config"]["phases"] = {"warmup": {"concurrency": 2}, "profiling": {"concurrency": 64}}
    file = tmp_path / "new.json"
    file.write_text(json.dumps(document))
    assert read_results(file)[0].concurrency == 64


def test_genai_perf_json() -> None:
    (run,) = read_results(DATA / "profile_export_genai_perf.json")
    assert (run.tool, run.arrival, run.concurrency) == ("genai-perf", "closed_loop", 8)
    assert run.model_name == "meta-llama/Llama-3.1-8B-Instruct"


def test_aiperf_csv() -> None:
    (run,) = read_results(DATA / "profile_export_aiperf.csv")
    assert (run.output_tokens_per_s, run.requests_per_s) == (598.78, 1.20)
    assert (run.ttft_ms, run.tpot_ms, run.input_tokens, run.output_tokens) == (49.87, 2.81, 300, 498.06)
    assert (run.arrival, run.n_requests) == ("offline", 50)


def test_guidellm_report_of_four_loads() -> None:
    runs = read_results(DATA / "guidellm_benchmarks.json")
    loads = [(run.arrival, run.concurrency, run.offered_rps) for run in runs]
    assert loads == [
        ("closed_loop", 1, None),
        ("closed_loop", 8, None),
        ("open_loop", None, 4.5),
        ("closed_loop", 512, None),  # throughput, capped at 512 in progress
    ]
    # its own time_per_output_token counts the first token in: (58 + 127 x 8.6) / 128 = 8.99
    assert [run.tpot_ms for run in runs] == [7.7, 8.6, 8.2, 28.4]
    assert {run.tool_version for run in runs} == {"0.5.3"}
    assert (runs[1].n_requests, runs[1].n_failed) == (400, 2)
    assert runs[0].where.endswith("benchmark 1")


def written(tmp_path: Path, document: dict[str, Any]) -> Path:
    file = tmp_path / "made.json"
    file.write_text(json.dumps(document))
    return file


WARMUP = {
    "name": "warmup",
    "type": "concurrency",
    "exclude_from_results": True,
    "requests": 16,
    "concurrency": 4,
}


@pytest.mark.parametrize(
    ("phase", "load"),
    [
        ({"type": "concurrency", "concurrency": 16}, ("closed_loop", 16, None)),
        ({"type": "poisson", "rate": 1.5}, ("open_loop", None, 1.5)),
        ({"type": "constant", "rate": 2.0, "concurrency": 64}, ("open_loop", None, 2.0)),
    ],
)
def test_aiperf_since_0_10_lists_its_phases(
    tmp_path: Path, phase: dict[str, Any], load: tuple[str, float | None, float | None]
) -> None:
    """As aiperf 0.10 to 0.13 write them (config/phases.py): the rate is `rate`, warm-ups stand beside."""
    document = load_with_phases([WARMUP, {"name": "profiling", "requests": 160, **phase}])
    (run,) = read_results(written(tmp_path, document))
    assert (run.arrival, run.concurrency, run.offered_rps) == load


def load_with_phases(phases: list[dict[str, Any]]) -> dict[str, Any]:
    document = load("profile_export_aiperf.json")
    del document["input_config"]["loadgen"]
    document["input_config"]["phases"] = phases
    return document


@pytest.mark.parametrize(
    "phase", [{"type": "fixed_schedule"}, {"type": "poisson", "rate_series": {"points": []}}]
)
def test_a_replayed_schedule_has_no_load(tmp_path: Path, phase: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="has no steady rate"):
        read_results(written(tmp_path, load_with_phases([WARMUP, {"name": "profiling", **phase}])))


def test_a_guidellm_load_at_which_all_failed_is_left_out(tmp_path: Path) -> None:
    document = load("guidellm_benchmarks.json")
    for benchmark in document["benchmarks"][2:]:
        benchmark["metrics"]["request_totals"]["successful"] = 0
    runs = read_results(written(tmp_path, document))
    assert [run.where for run in runs] == ["made.json benchmark 1", "made.json benchmark 2"]
    for benchmark in document["benchmarks"]:
        benchmark["metrics"]["request_totals"]["successful"] = 0
    with pytest.raises(InputError, match="no successful request"):
        read_results(written(tmp_path, document))


def test_the_first_guidellm_is_named(tmp_path: Path) -> None:
    document = {"benchmarks": [{"mode": "synchronous", "rate": None, "results": [], "errors": []}]}
    with pytest.raises(InputError, match=r"GuideLLM 0\.1"):
        read_results(written(tmp_path, document))


def test_a_load_that_the_file_does_not_name_can_be_given() -> None:
    (run,) = read_results(DATA / "profile_export_aiperf.csv")
    assert (with_load(run, 4).arrival, with_load(run, 4).concurrency) == ("closed_loop", 4)
    assert (with_load(run, None, 2.5).arrival, with_load(run, None, 2.5).offered_rps) == ("open_loop", 2.5)
    assert with_load(run) is run
    for wrong in ((4, 2.5), (0, None), (None, float("nan")), (float("inf"), None)):
        with pytest.raises(InputError, match="load"):
            with_load(run, *wrong)
    (named,) = read_results(DATA / "vllm_concurrency_32.json")
    with pytest.raises(InputError, match="the file says closed_loop"):
        with_load(named, 16)


@pytest.mark.parametrize("path", ["scheduler", "args"])
def test_older_guidellm_reports_keep_the_strategy_elsewhere(tmp_path: Path, path: str) -> None:
    document = load("guidellm_benchmarks.json")
    benchmark = document["benchmarks"][1]
    benchmark[path] = {"strategy": benchmark["config"].pop("strategy")}
    file = tmp_path / "old.json"
    file.write_text(json.dumps(document | {"benchmarks": [benchmark]}))
    assert read_results(file)[0].concurrency == 8


def broken(tmp_path: Path, name: str, **changes: Any) -> Path:
    file = tmp_path / name
    document = {k: v for k, v in (load(name) | changes).items() if v != "gone"}
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output_throughput": "gone"}, r"vllm_concurrency_32.json: output_throughput = None: is missing"),
        ({"mean_ttft_ms": float("nan")}, r"mean_ttft_ms = nan: must be a positive number"),
        ({"total_output_tokens": -5}, r"total_output_tokens = -5: must be a positive number"),
        ({"request_rate": "fast"}, r"request_rate = 'fast'"),
        ({"completed": 0}, r"completed = 0"),
    ],
)
def test_broken_vllm_results_name_file_field_and_fix(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_results(broken(tmp_path, "vllm_concurrency_32.json", **changes))
    assert "vllm bench serve --save-result" in str(caught.value)


def test_an_unknown_strategy_of_guidellm_is_an_error(tmp_path: Path) -> None:
    document = load("guidellm_benchmarks.json")
    document["benchmarks"][2]["config"]["strategy"] = {"type_": "replay"}
    file = tmp_path / "odd.json"
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"odd\.json benchmark 3: strategy = 'replay'"):
        read_results(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("hello", "is not JSON"),
        ('{"a": 1}\n{"b"', "line 2"),
        ('{"benchmarks": []}', "is not a result of"),
        ("[1, 2]", "is not a result of"),
        ("3", "is not a result of"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_results(file)


def test_a_missing_file_and_a_binary_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_results(tmp_path / "none.json")
    (tmp_path / "x.bin").write_bytes(b"\xff\xfe\x00\x01\x80")
    with pytest.raises(InputError, match="is not text"):
        read_results(tmp_path / "x.bin")
