"""refresh-prices: what is new, changed, ended, renamed, disagreeing and unmapped; what is written."""

import datetime as dt
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from llmplan.catalog import data_dir, load_catalog
from llmplan.errors import InputError
from llmplan.prices import genai
from llmplan.prices.review import review_prices, write_prices

TODAY = dt.date(2026, 11, 27)
PER_TOKEN = {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 1000}


def price(usd_in: float, usd_out: float, **more: Any) -> dict[str, Any]:
    return {**PER_TOKEN, "input_cost_per_token": usd_in / 1e6, "output_cost_per_token": usd_out / 1e6, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two rows of the table: a wrong price of gpt-4o, and a model that no list holds."""
    text = (data_dir() / "api_prices.csv").read_text(encoding="utf-8").splitlines()
    head = text[0].split(",")
    gpt = next(line for line in text if line.startswith("gpt-4o,")).replace(",2.5,10,", ",2.75,10,", 1)
    cells = dict.fromkeys(head, "") | {
        "api_id": "old/one",
        "kind": "small",
        "provider": "openai",
        "provider_model": "old-one",
        "model_id": "gpt-4o",
        "input_usd_per_mtok": "1",
        "output_usd_per_mtok": "2",
        "status": "active",
        "source_id": genai.source_id(),
        "as_of": "2026-11-23",
    }
    rows = [text[0], gpt, ",".join(cells[name] for name in head)]
    (tmp_path / "api_prices.csv").write_text("\n".join(rows) + "\n", encoding="utf-8", newline="")
    return tmp_path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    entries = {
        "gpt-4o": price(2.5, 10, deprecation_date="2027-01-14"),
        "gpt-4o-2024-08-06": price(2.5, 10),
        "gpt-9-nova": price(3, 6, cache_creation_input_token_cost=3.75e-6),
        "gpt-9-gone": price(3, 6, deprecation_date="2026-11-26"),
        "gpt-4o-audio": price(3, 6),
    }
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(entries))
    return path


def test_the_shipped_table_is_what_the_command_writes() -> None:
    """By genai-prices alone where litellm is not installed: no cell that it states differs."""
    if version("genai-prices") == "0.2.3":
        review = review_prices(today=TODAY)
        assert [change for change in review.changed if change.column != "in_region_surcharge"] == []
        assert len(review.compared) > 450


def test_every_kind_of_difference_is_told(folder: Path, table: Path) -> None:
    review = review_prices(folder, TODAY, table)
    changed = {(c.api_id, c.column): (c.ours, c.theirs) for c in review.changed}
    assert changed["gpt-4o", "input_usd_per_mtok"] == ("2.75", "2.5")
    assert "gpt-9-nova" in review.new and "gpt-9-gone" not in review.new
    assert review.ended == ("old/one",)
    assert ("openai", "gpt-4o-audio", "no text model") in review.unmapped


def test_coverage_counts_what_no_list_calls_ended(folder: Path, table: Path) -> None:
    """gpt-9-nova is in no row yet, gpt-9-gone is over, gpt-4o and its snapshot are one row's."""
    openai = review_prices(folder, TODAY, table).coverage["openai"]
    assert "gpt-9-nova" not in openai.missing and "gpt-9-gone" not in openai.missing
    shipped = review_prices(None, TODAY, table).coverage["all"]
    assert "openai/gpt-9-gone" not in shipped.missing
    assert shipped.share > 0.95


def test_one_list_alone_ends_nothing(folder: Path) -> None:
    review = review_prices(folder, TODAY)
    assert review.new == review.ended == ()
    assert review.changed[0].theirs == "2.5"


def test_writing_takes_over_what_was_asked(folder: Path, table: Path) -> None:
    write_prices(review_prices(folder, TODAY, table), folder, ["changed"])
    catalog = load_catalog(folder)
    assert set(catalog.apis) - set(catalog.fine_tune_apis) == {"gpt-4o", "old/one"}
    assert catalog.api("gpt-4o").input_usd_per_mtok == 2.5
    assert catalog.api("old/one").status == "active"
    write_prices(review_prices(folder, TODAY, table), folder)
    catalog = load_catalog(folder)
    assert catalog.api("gpt-4o").ends_on == dt.date(2027, 1, 14)
    assert catalog.api("old/one").status == "historical"
    assert catalog.api("gpt-9-nova").cache_write_usd_per_mtok == 3.75
    assert "gpt-9-nova" in catalog.other_models
    assert not review_prices(folder, TODAY, table).differs


def test_two_lists_that_differ_are_both_told(folder: Path, table: Path) -> None:
    entries = json.loads(table.read_text())
    entries["gpt-4o"] = price(2.6, 10)
    table.write_text(json.dumps(entries))
    review = review_prices(folder, TODAY, table)
    assert dict(review.disagreeing)["gpt-4o"].endswith("2.6/10")
    entries["gpt-4o"] = price(2.52, 10)
    table.write_text(json.dumps(entries))
    assert "gpt-4o" not in dict(review_prices(folder, TODAY, table).disagreeing)


def test_a_cloud_that_sells_a_model_twice_keeps_both_and_the_plain_id_is_its_own(
    folder: Path, tmp_path: Path
) -> None:
    azure = {"litellm_provider": "azure_ai"}
    entries = {
        "azure_ai/FW-Kimi-K2.5": price(0.66, 3.3, **azure),
        "azure_ai/kimi-k2.5": price(0.6, 3, **azure),
        "gpt-4o": price(2.5, 10),
    }
    path = tmp_path / "twice.json"
    path.write_text(json.dumps(entries))
    write_prices(review_prices(folder, TODAY, path), folder)
    found = load_catalog(folder).apis
    assert {key: found[key].input_usd_per_mtok for key in ("azure/kimi-k2.5", "azure/fw-kimi-k2.5")} == {
        "azure/kimi-k2.5": 0.6,
        "azure/fw-kimi-k2.5": 0.66,
    }


def test_own_rows_are_in_the_catalog_and_never_touched(folder: Path, table: Path) -> None:
    lines = (folder / "api_prices.csv").read_text(encoding="utf-8").splitlines()
    own = "\n".join([lines[0], lines[1].replace(",2.75,10,", ",2.1,8,")]) + "\n"
    (folder / "own_api_prices.csv").write_text(own, encoding="utf-8", newline="")
    assert load_catalog(folder).api("gpt-4o").input_usd_per_mtok == 2.1
    write_prices(review_prices(folder, TODAY, table), folder)
    assert (folder / "own_api_prices.csv").read_text(encoding="utf-8") == own
    assert load_catalog(folder).api("gpt-4o").input_usd_per_mtok == 2.1


def test_a_folder_without_the_table_is_refused(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copyfile(data_dir() / "gpus.csv", other / "gpus.csv")
    with pytest.raises(InputError, match=r"has no api_prices\.csv"):
        write_prices(review_prices(folder, TODAY), other)


def test_a_file_that_is_no_price_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        review_prices(None, TODAY, tmp_path / "x.json")
