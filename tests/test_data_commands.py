"""`llmplan check-data` and `llmplan refresh-prices` from the shell."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmplan.catalog import data_dir, newest_shipped_date
from llmplan.cli import app
from llmplan.errors import InputError

RUN = CliRunner()
TODAY = newest_shipped_date().isoformat()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copyfile(data_dir() / "api_prices.csv", tmp_path / "api_prices.csv")
    return tmp_path


def spoil(folder: Path, old: str, new: str) -> None:
    path = folder / "api_prices.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8", newline="")


def test_shipped_tables_pass() -> None:
    result = RUN.invoke(app, ["check-data"])
    assert result.exit_code == 0
    assert "0 errors" in result.stdout


def test_problems_are_printed_one_a_line_and_end_with_code_one(folder: Path) -> None:
    spoil(folder, "gpt-4o,,2.5,10,", "gpt-4o,,NaN,-10,")
    result = RUN.invoke(app, ["check-data", str(folder), "--today", TODAY])
    assert result.exit_code == 1
    first, second, _, summary = result.stdout.strip().splitlines()
    assert first.startswith("api_prices.csv:2 input_usd_per_mtok = 'NaN': is not a finite number; ")
    assert second.startswith("api_prices.csv:2 output_usd_per_mtok = '-10': must be at least 0; ")
    assert "2 errors, 0 warnings" in summary


def test_check_as_json(folder: Path) -> None:
    spoil(folder, "gpt-4o,,2.5,10,", "gpt-4o,,NaN,10,")
    result = RUN.invoke(app, ["check-data", str(folder), "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["ok"] is False
    assert report["errors"][0]["line"] == 2
    assert set(report["errors"][0]) == {"file", "line", "column", "value", "rule", "fix", "severity"}


def test_scenarios_of_the_folder_are_checked(folder: Path) -> None:
    (folder / "scenarios").mkdir()
    for name, text in (
        ("a", "queries_per_day = -1"),
        ("b", 'gpu_ids = ["a100"]'),
        ("c", "x ="),
        ("d", "volume = 1"),
        ("e", "queries_per_day = 7"),
    ):
        (folder / f"scenarios/{name}.toml").write_text(text)
    result = RUN.invoke(app, ["check-data", str(folder), "--json"])
    found = {item["file"]: (item["column"], item["rule"]) for item in json.loads(result.stdout)["errors"]}
    assert result.exit_code == 1
    assert found == {
        "scenarios/a.toml": ("queries_per_day", "must be above 0"),
        "scenarios/b.toml": ("gpu_ids", "is not a known gpu_ids"),
        "scenarios/c.toml": ("scenario", "is not valid TOML"),
        "scenarios/d.toml": ("scenario field", "is not a known scenario field"),
    }


def test_the_given_day_counts_for_scenarios_too(folder: Path) -> None:
    """A row of tomorrow is none of the problems when tomorrow is the day asked about."""
    spoil(folder, "genai-prices-0.2.3,2026-11-23", "genai-prices-0.2.3,2062-11-23")
    (folder / "scenarios").mkdir()
    (folder / "scenarios/own.toml").write_text('api_ids = ["gpt-4o"]')
    command = ["check-data", str(folder), "--json", "--today"]
    assert json.loads(RUN.invoke(app, [*command, "2062-11-24"]).stdout)["errors"] == []
    assert len(json.loads(RUN.invoke(app, [*command, "2062-11-22"]).stdout)["errors"]) == 1


def test_tables_taken_from_the_shipped_data_are_named(folder: Path) -> None:
    lines = RUN.invoke(app, ["check-data", str(folder), "--today", TODAY]).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("not in the folder")]
    assert line.startswith("not in the folder, so taken from the shipped data: sources.csv, ")
    assert "api_prices.csv" not in line


def test_stale_prices_warn_and_end_with_code_zero() -> None:
    result = RUN.invoke(app, ["check-data", "--today", "2028-01-01"])
    assert result.exit_code == 0
    assert "warning: is" in result.stdout


def test_a_bad_day_is_refused() -> None:
    assert isinstance(RUN.invoke(app, ["check-data", "--today", "tomorrow"]).exception, InputError)


def test_refresh_prints_and_writes_nothing_unasked(folder: Path) -> None:
    spoil(folder, "gpt-4o,,2.5,10,", "gpt-4o,,2.75,10,")
    before = (folder / "api_prices.csv").read_bytes()
    result = RUN.invoke(app, ["refresh-prices", "--data", str(folder), "--today", TODAY])
    assert result.exit_code == 0
    assert "2.75" in result.stdout
    assert "nothing written" in result.stdout
    assert (folder / "api_prices.csv").read_bytes() == before


def test_refresh_as_json_and_write(folder: Path) -> None:
    spoil(folder, "gpt-4o,,2.5,10,", "gpt-4o,,2.75,10,")
    command = ["refresh-prices", "--data", str(folder), "--today", TODAY, "--json"]
    report = json.loads(RUN.invoke(app, [*command, "--write"]).stdout)
    difference = next(item for item in report["changed"] if item["api_id"] == "gpt-4o")
    assert (difference["field"], difference["ours"], difference["theirs"]) == (
        "input_usd_per_mtok",
        2.75,
        2.5,
    )
    assert report["written"] is True
    assert not json.loads(RUN.invoke(app, command).stdout)["changed"]


def test_every_offer_is_listed_with_its_classes() -> None:
    rows = {row["api_id"]: row for row in json.loads(RUN.invoke(app, ["prices", "--json"]).stdout)}
    assert len(rows) > 1_000 and "gpt-4.1-nano" not in rows
    assert all(row["region"] and row["source"] for row in rows.values())
    assert (
        rows["together/glm-5.3"]["region"] == "ca us"
        and rows["deepinfra/gpt-oss-120b"]["region"] == "unknown"
    )
    assert rows["deepinfra/llama-3.3-70b-turbo"]["precision_id"] == "fp8"
    sol = rows["gpt-6.1-sol"]
    assert (sol["flex_input_usd_per_mtok"], sol["cache_write_usd_per_mtok"], sol["in_region_surcharge"]) == (
        1,
        2.5,
        0.1,
    )
    assert rows["claude-sonnet-4-5"]["ends_on"] == "2026-11-30"
    assert {"provider", "source_id", "as_of", "in_region_areas", "batch_discount"} <= sol.keys()
