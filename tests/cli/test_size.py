"""`llmplan size`, `search`, `simulate`, `import-benchmark`: keys, exit codes, what people read."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmplan.catalog import data_dir
from llmplan.cli import app, main

DATA = Path(__file__).resolve().parents[1] / "data" / "measured_results"
KEYS = {
    "fits",
    "binding",
    "weights_gb",
    "kv_cache_bytes_per_token",
    "max_concurrent_sequences",
    "n_gpus",
    "ttft_ms",
    "tpot_ms",
    "output_tokens_per_s",
    "requests_per_s",
    "basis",
}


def run(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["llmplan", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_size_has_the_agreed_keys() -> None:
    words = "size llama-3.1-70b --gpu h100-sxm --precision fp8 --input-tokens 2000 --output-tokens 500"
    answer = run(*words.split())
    assert answer.keys() >= KEYS
    assert answer["fits"] is True
    assert answer["basis"] in ("measured", "calibrated", "extrapolated")
    assert all(answer[key] > 0 for key in KEYS - {"fits", "binding", "basis"})


def test_does_not_fit_is_an_answer_with_exit_code_0() -> None:
    answer = run(
        *["size", "llama-3.1-405b", "--gpu", "a100-80gb-sxm", "--precision", "bf16", "--n-gpus", "8"]
    )
    assert answer.keys() >= KEYS
    assert answer["fits"] is False
    assert answer["weights_gb"] == pytest.approx(812, rel=0.005)
    assert answer["would_fit"]
    assert answer["reason"]


def test_it_is_readable_without_json() -> None:
    words = ["size", "llama-3.1-405b", "--gpu", "a100-80gb-sxm", "--precision", "bf16", "--n-gpus", "8"]
    shown = CliRunner().invoke(app, words).stdout
    assert "does not fit" in shown
    assert "would fit (more nodes): 16 GPUs" in shown
    fits = (
        CliRunner().invoke(app, ["size", "llama-3.1-8b", "--gpu", "h100-sxm", "--precision", "bf16"]).stdout
    )
    assert "80 % band" in fits


def test_unknown_names_end_with_near_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = fails(monkeypatch, capsys, *["size", "llama-3.1-80b", "--gpu", "h100-sxm", "--precision", "fp8"])
    assert "did you mean llama-3.1-8b" in error


def test_search_lists_configurations() -> None:
    words = "search llama-3.1-8b --gpu h100-sxm --gpu l4 --engine vllm --input-tokens 500 --output-tokens 100"
    document = run(*words.split())
    rows = document["configurations"]
    assert document["model_id"] == "llama-3.1-8b"
    assert {row["gpu_id"] for row in rows} == {"h100-sxm", "l4"}
    assert {row["engine_id"] for row in rows} == {"vllm"}
    assert rows[0]["feasible"]
    pairings = {row["row_id"]: row for row in document["article_pairings"]}
    assert {row["model_id"] for row in pairings.values()} == {"llama-3.1-8b"}
    assert pairings["8b-fp16-1x-a10g"]["queries_per_day"] > 0
    shown = CliRunner().invoke(app, words.split()).stdout
    assert "USD/1,000" in shown
    assert "The article's 1 x a10g in fp16" in shown


def test_simulate_at_a_rate_and_at_a_concurrency() -> None:
    base = [
        "simulate",
        "llama-3.1-8b",
        "--gpu",
        "h100-sxm",
        "--precision",
        "bf16",
        "--n-gpus",
        "1",
        "--engine",
        "vllm",
    ]
    one = run(*base, "--rps", "4", "--output-cv", "0.5", "--requests", "800", "--seed", "3")
    two = run(*base, "--rps", "4", "--output-cv", "0.5", "--requests", "800", "--seed", "3")
    other = run(*base, "--rps", "4", "--output-cv", "0.5", "--requests", "800", "--seed", "4")
    assert one == two != other
    simulated, formula = one["simulation"], one["formula"]
    assert formula["valid"]
    assert formula["ttft_ms_mean"] == pytest.approx(simulated["ttft_ms_mean"], rel=0.25)
    closed = run(*base, "--concurrency", "8")
    assert closed["simulation"]["running_sequences"] == pytest.approx(8, rel=0.01)
    assert "formula" in CliRunner().invoke(app, [*base, "--concurrency", "4"]).stdout


def test_simulate_replays_a_trace() -> None:
    trace = f"{data_dir() / 'traces' / 'azure_llm_2023.csv'}:conversation"
    words = ["simulate", "llama-3.1-8b", "--gpu", "h100-sxm", "--precision", "fp8", "--requests", "400"]
    slow = run(*words, "--trace", trace)
    fast = run(*words, "--trace", trace, "--speed", "50")
    assert slow["formula"] is None
    assert slow["load"]["trace"] == "conversation"
    assert fast["simulation"]["ttft_ms_p99"] > slow["simulation"]["ttft_ms_p99"]
    assert fast["simulation"]["running_sequences"] > slow["simulation"]["running_sequences"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("simulate llama-3.1-8b --gpu h100-sxm --precision bf16", "exactly one is needed"),
        ("simulate llama-3.1-8b --gpu h100-sxm --precision bf16 --rps 1 --router best", "least_loaded"),
        ("simulate llama-3.1-405b --gpu t4 --precision fp16 --rps 1", "does not fit"),
        ("simulate llama-3.1-8b --gpu h100-sxm --precision bf16 --rps -3", "requests_per_s"),
        ("search llama-3.1-8b --engine vlm", "did you mean vllm"),
        (
            "import-benchmark nowhere.json --model llama-3.1-8b --gpu h100-sxm --precision fp8",
            "does not exist",
        ),
    ],
)
def test_errors_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    assert message in fails(monkeypatch, capsys, *words.split())


def test_import_benchmark_writes_points_that_search_rests_on(tmp_path: Path) -> None:
    out = tmp_path / "mine.csv"
    words = ["--model", "llama-3.1-8b", "--gpu", "h100-sxm", "--precision", "fp8", "--out", str(out)]
    document = run("import-benchmark", str(DATA / "vllm_concurrency_32.json"), *words)
    assert document["points"][0]["output_tokens"] == 256
    shown = (
        CliRunner().invoke(app, ["import-benchmark", str(DATA / "guidellm_benchmarks.json"), *words]).stdout
    )
    assert "guidellm: 4 runs" in shown
    assert "2 requests failed" in shown
    assert len(out.read_text().splitlines()) == 6
    search = "search llama-3.1-8b --gpu h100-sxm --precision fp8 --input-tokens 1024 --output-tokens 256"
    rows = run(*search.split(), "--measured-csv", str(out))["configurations"]
    (mine,) = [row for row in rows if row["engine_id"] == "vllm" and row["n_gpus"] == 1]
    assert mine["basis"] == "measured"


MEMORY = ("weights_gib_per_gpu", "overhead_gib_per_gpu", "kv_gib_per_gpu")


@pytest.mark.parametrize("n_gpus", ["4", "8"])
def test_every_gib_of_a_gpu_is_told(n_gpus: str) -> None:
    """405B at 4 bit on four and eight A100: 217.1 GB of weights; 0.92 of the card less weights and overhead."""
    words = ("size", "llama-3.1-405b", "--gpu", "a100-80gb-sxm", "--precision", "w4a16", "--n-gpus", n_gpus)
    answer = run(*words)
    weights, overhead, cache = (answer[key] for key in MEMORY)
    assert weights == pytest.approx(217.0997 / 1.073741824 / int(n_gpus), rel=1e-5)
    assert cache == pytest.approx(0.92 * 79.15 - weights - overhead) == answer["kv_cache_gib"]
    assert answer["usable_gib_per_gpu"] == 79.15
    assert answer["gpu_memory_share"] == 0.92 and answer["starts"]
    held = int(cache / answer["kv_gib_per_sequence_per_gpu"])
    assert answer["max_concurrent_sequences"] == min(held, 256)  # the engine's default batch on an A100
    assert answer["kv_cache_tokens"] == int(cache / answer["kv_gib_per_sequence_per_gpu"] * 1500)
    said = CliRunner().invoke(app, list(words)).stdout
    for gib in (weights, overhead, cache, 79.15 - weights - overhead - cache):
        assert f"{gib:,.1f} GiB" in said


def test_settings_of_the_engine_are_options() -> None:
    words = ("size", "qwen3-32b", "--gpu", "h100-sxm", "--precision", "bf16", "--engine", "vllm")
    words = (*words, "--n-gpus", "1", "--input-tokens", "15000", "--output-tokens", "1000")
    old, new = run(*words, "--engine-version", "0.11"), run(*words)
    assert (
        old["kv_cache_gib"] == pytest.approx(4.45, rel=0.15) and new["kv_cache_gib"] > 2 * old["kv_cache_gib"]
    )
    half = run(*words, "--kv-cache-dtype", "fp8")
    assert half["kv_cache_tokens"] == pytest.approx(2 * new["kv_cache_tokens"], rel=1e-3)
    tight = run(*words, "--gpu-memory-utilisation", "0.8")
    assert not tight["starts"] and tight["gpu_memory_share"] == 0.8
    assert tight["would_fit"][0]["change"] == "other share"
    long = run(*words, "--max-model-len", "40000", "--engine-version", "0.11")
    assert not long["starts"] and "40,000 tokens" in long["starts_reason"]
    few = run(*words, "--max-sequences", "1")
    assert few["max_concurrent_sequences"] == 1
    staged = run(*words[:-6], "--tensor-parallel", "2", "--pipeline-parallel", "2")
    assert (
        staged["n_gpus"] == 4
        and 0 < staged["requests_per_s"] < run(*words[:-6], "--n-gpus", "4")["requests_per_s"] * 2
    )


def test_size_rests_on_a_measurement_and_on_a_percentile(tmp_path: Path) -> None:
    out = tmp_path / "mine.csv"
    words = ["--model", "llama-3.1-8b", "--gpu", "h100-sxm", "--precision", "fp8", "--out", str(out)]
    run("import-benchmark", str(DATA / "vllm_concurrency_32.json"), *words)
    size = (
        "size llama-3.1-8b --gpu h100-sxm --precision fp8 --n-gpus 1 --input-tokens 1024 --output-tokens 256"
    )
    mine = run(*size.split(), "--measured-csv", str(out))
    assert (mine["basis"], mine["ttft_ms"], mine["within_targets"]) == ("measured", 142.31, True)
    assert "vllm bench serve" in mine["measured_by"]
    shown = CliRunner().invoke(app, [*size.split(), "--measured-csv", str(out)]).stdout
    assert "your measurement" in shown
    mean, most = run(*size.split()), run(*size.split(), "--latency-percentile", "99")
    assert mean["measured_by"] is None
    assert most["requests_per_s"] < mean["requests_per_s"]
    assert most["latency_percentile"] == 99


def test_a_csv_export_takes_the_load_that_it_lacks() -> None:
    words = ["--model", "llama-3.1-8b", "--gpu", "h100-sxm", "--precision", "fp8", "--concurrency", "4"]
    (point,) = run("import-benchmark", str(DATA / "profile_export_aiperf.csv"), *words)["points"]
    assert (point["arrival"], point["concurrency"]) == ("closed_loop", 4)
