"""`llmplan export` and `llmplan report` from a shell."""

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmplan.cli import app
from llmplan.errors import InputError

FEW = ("--set", "model_ids=llama-3.1-8b", "--set", "gpu_ids=l4", "--set", "engine_ids=vllm")


def call(*words: str) -> str:
    done = CliRunner().invoke(app, [*words, *FEW], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("kind", ["pptx", "xlsx", "html", "csv"])
def test_every_format_is_written(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"answer.{kind}"
    answer = json.loads(call("export", "--format", kind, "--out", str(path), "--json"))
    assert answer["file"] == str(path)
    assert answer["bytes"] == path.stat().st_size > 1_000
    assert answer["finding"]
    if kind in ("pptx", "xlsx"):
        assert zipfile.is_zipfile(path)


def test_report_is_the_page(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    assert "a month" in call("report", "--out", str(path))
    assert path.read_text().startswith("<!doctype html>")


def test_the_default_name_is_the_scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call("export", "--format", "csv", "--table", "sources", "--preset", "rag")
    assert [path.name for path in tmp_path.iterdir()] == ["llmplan-rag-sources.csv"]


def test_a_replaced_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "sources.csv"
    words = ("export", "--format", "csv", "--table", "sources", "--out", str(path))
    assert "(replaced)" not in call(*words)
    assert call(*words).startswith(f"{path} (replaced): ")
    assert json.loads(call(*words, "--json"))["replaced"] is True


def test_an_ending_of_another_format_is_refused(tmp_path: Path) -> None:
    words = ["export", "--format", "pptx", "--out", str(tmp_path / "deck.xlsx"), *FEW]
    with pytest.raises(InputError, match=r"write \.pptx, or --format xlsx"):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_flips")
def test_the_currency_is_set_like_any_field(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    euros = ("--set", "currency_symbol=€", "--set", "currency_per_usd=0.9")
    assert "€" in call("report", "--out", str(path), *euros)
    page = path.read_text()
    assert "€ at 0.9 per USD" in page
    with pytest.raises(InputError, match="currency"):
        call("report", "--out", str(path), "--set", "currency_symbol==1")
    with pytest.raises(InputError, match="currency_per_usd"):
        call("report", "--out", str(path), "--set", "currency_per_usd=0")


def test_flags_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    for words in (("--format", "xlsx", "--template", "a.pptx"), ("--format", "pptx", "--table", "curve")):
        with pytest.raises(InputError, match="means nothing"):
            CliRunner().invoke(app, ["export", *words, "--out", str(tmp_path / "x")], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
