import json

import pytest
import yaml
from typer.testing import CliRunner

from llmplan.cli import app
from llmplan.errors import InputError, UnknownNameError

FLAGS = ["--preset", "rag", "--set", "model_ids=llama-3.1-8b", "--set", "engine_ids=vllm"]
FLAGS += ["--model-quality", "llama-3.1-8b=0.9"]


def run(*words):
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_ops_writes_the_folder(tmp_path):
    out = tmp_path / "ops"
    document = json.loads(run("ops", "--out", str(out), *FLAGS, "--start", "2026-12-01", "--json"))
    assert document["plan"]["model_id"] == "llama-3.1-8b"
    assert document["plan"]["weights_gb"] > 5
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == set(document["files"])
    config = yaml.safe_load((out / "litellm/config.yaml").read_text())
    assert config["model_list"][1]["litellm_params"]["model"] == "openai/gpt-4o"
    assert "2026-12" in (out / "updates.csv").read_text()
    assert "README.md" in run("ops", "--out", str(out), *FLAGS)


def test_ops_takes_a_named_option_and_api(tmp_path):
    option = "llama-3.1-8b@bf16@1xa100-80gb-sxm@vllm"
    words = [
        "ops",
        "--out",
        str(tmp_path / "o"),
        *FLAGS,
        "--option",
        option,
        "--api",
        "claude-sonnet-4-5",
        "--json",
    ]
    document = json.loads(run(*words))
    assert document["plan"]["gpu_id"] == "a100-80gb-sxm"
    assert "anthropic/claude-sonnet-4-5" in (tmp_path / "o/litellm/config.yaml").read_text()


def test_a_hybrid_sizes_the_fleet_for_its_share(tmp_path):
    def parts(share):
        words = ["ops", "--out", str(tmp_path / share), *FLAGS, "--strong-share", share, "--json"]
        document = json.loads(run(*words))
        config = yaml.safe_load((tmp_path / share / "litellm/config.yaml").read_text())
        return document["plan"]["queries_per_day"], config["model_list"][1]["litellm_params"]["max_budget"]

    (whole, spill), (rest, budget) = parts("0"), parts("0.4")
    assert rest == pytest.approx(0.6 * whole)
    assert budget == pytest.approx(spill * (0.4 + 0.06) / 0.1, rel=1e-3)
    with pytest.raises(InputError, match="strong-share"):
        run("ops", "--out", str(tmp_path / "x"), *FLAGS, "--strong-share", "1")


def test_ops_of_the_cheapest_hybrid(tmp_path):
    flags = [*FLAGS, "--quality-floor", "0.97", "--set", "queries_per_day=500000"]
    rows = json.loads(run("compare", *flags, "--json"))
    document = json.loads(run("ops", "--out", str(tmp_path / "h"), *flags, "--hybrid", "--json"))
    config = yaml.safe_load((tmp_path / "h/litellm/config.yaml").read_text())
    assert document["plan"]["queries_per_day"] < 500_000 and rows
    assert config["model_list"][1]["litellm_params"]["max_budget"] > 100
    with pytest.raises(UnknownNameError, match="routed option"):
        run("ops", "--out", str(tmp_path / "x"), *flags, "--option", "hybrid:a+b")


def test_ops_says_why_not(tmp_path):
    out = ["ops", "--out", str(tmp_path / "o"), *FLAGS]
    with pytest.raises(InputError, match="no self-hosted option is feasible"):
        run(*out, "--set", "ttft_limit_ms=1")
    with pytest.raises(UnknownNameError, match="self-hosted option"):
        run(*out, "--option", "nothing")
    with pytest.raises(UnknownNameError, match="API"):
        run(*out, "--api", "gpt-99")
    with pytest.raises(InputError, match="--start"):
        run(*out, "--start", "tomorrow")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--start", "9999-12-31"], "2000 to 2100"),
        (["--start", "2026-13-01"], "not a date"),
        (["--strong-share", "nan"], "strong_share"),
        (["--hybrid", "--strong-share", "0.3"], "settled by the hybrid"),
        (["--hybrid", "--api", "gpt-4o"], r"--api.*settled by the hybrid"),
    ],
)
def test_ops_refuses_odd_flags(tmp_path, words, message):
    with pytest.raises(InputError, match=message):
        run("ops", "--out", str(tmp_path / "x"), *FLAGS, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        run("ops", "--out", str(tmp_path / "file" / "below"), *FLAGS)
