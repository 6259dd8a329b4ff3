"""Tables and their CSV: they equal the comparison, and no cell runs as a formula."""

import csv
import io
import math

import pytest

from llmplan.errors import UnknownNameError
from llmplan.export.tables import TABLES, csv_text, safe_text, table
from llmplan.report import Report
from llmplan.report.assumptions import MODEL_SOURCE, QUALITY_SOURCE, assumption_rows


def rows(report: Report, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(report, name))))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_rows_and_plain_cells(report: Report, name: str) -> None:
    found = rows(report, name)
    assert found
    for row in found:
        for text in row.values():
            assert text.lower() not in ("nan", "inf", "-inf")
            assert not text.startswith(("=", "+", "@"))


def test_options_equal_the_comparison(report: Report) -> None:
    found = {row["option_id"]: row for row in rows(report, "options")}
    for place in report.comparison.order:
        row = found[report.option(place).option_id]
        assert float(row["monthly_usd_base"]) == pytest.approx(float(report.comparison.monthly_usd[1, place]))
        assert row["feasible"] == "True"
    assert len(found) == len(report.comparison.options)


def test_options_left_out_say_why(report: Report) -> None:
    out = [row for row in rows(report, "options") if row["feasible"] == "False"]
    assert out
    assert all(row["reasons"] for row in out)


def test_map_names_the_cheapest(report: Report) -> None:
    assert len(rows(report, "map")) == report.map.kind.size


def test_assumptions_have_source_and_date_or_come_from_the_scenario(report: Report) -> None:
    for row in assumption_rows(report):
        assert row.source
        assert row.as_of or row.source in ("this scenario", MODEL_SOURCE, QUALITY_SOURCE)


def test_own_prices_are_named_as_the_scenarios(report: Report) -> None:
    from llmplan.report import make_report

    api_id = next(report.option(p).api_id for p in report.curve_places if report.option(p).kind == "api")
    made = make_report(report.scenario.but(api_ids=(api_id,), api_input_usd_per_mtok={api_id: 7.77}))
    row = next(row for row in assumption_rows(made) if "7.77" in row.value)
    assert row.source == "this scenario"


@pytest.mark.parametrize("name", TABLES)
def test_csv_keeps_to_rfc_4180_and_comes_back(report: Report, name: str) -> None:
    """Lines end in CR LF, every row has the head's columns, and numbers come back as they were."""
    text = csv_text(report, name)
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    frame = table(report, name)
    assert read[0] == list(frame.columns)
    assert {len(row) for row in read} == {len(frame.columns)}
    assert len(read) == len(frame) + 1
    for column, head in enumerate(frame.columns):
        for row, value in zip(read[1:], frame[head], strict=True):
            if isinstance(value, float) and math.isfinite(value):
                assert float(row[column]) == value


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_looks_like_a_formula_is_quoted(text: str) -> None:
    assert safe_text(text) == f"'{text}"
    assert safe_text("llama-3.1-8b") == "llama-3.1-8b"


def test_unknown_table_offers_the_known(report: Report) -> None:
    with pytest.raises(UnknownNameError, match="curve"):
        table(report, "curves")
