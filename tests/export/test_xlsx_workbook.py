"""The workbook's formulas, calculated by LibreOffice, say what llmplan says: before and after a change."""

import datetime as dt
import io
import math
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from xlsxwriter.worksheet import Worksheet

from llmplan.cost.fleet import replicas_needed
from llmplan.cost.hidden import PER_MONTH
from llmplan.cost.month import api_usd_per_query
from llmplan.export.xlsx_hybrids_sheet import hybrid_pair, split_loads
from llmplan.export.xlsx_parts import FIRST_ROW, HEAD_ROW, Book
from llmplan.export.xlsx_workbook import workbook_places, xlsx_bytes
from llmplan.options.comparison_rows import comparison_row
from llmplan.report import Report, make_report
from llmplan.scenario import Scenario

CENT = 0.005
Office = Callable[..., list[Path]]
Cells = dict[tuple[str, str], float]
"""{(sheet, address): the number that finance writes there}."""
PRICE_HEAD = "price over the offers', base"
SHEETS = [
    "Answer",
    "Inputs",
    "Options",
    "API costs",
    "Rents",
    "Self-hosted costs",
    "Routed",
    "Curve",
    "Flips",
    "Left out",
    "Assumptions",
    "Sources",
]


@pytest.fixture(scope="module")
def written(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.xlsx"
    path.write_bytes(xlsx_bytes(report))
    return path


@pytest.fixture(scope="module")
def calculated(
    written: Path, report: Report, office: Office, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return the workbook as written, and as finance changes it in each way of `CHANGES`, calculated."""
    folder = tmp_path_factory.mktemp("changed")
    changed = [
        change(written, cells(written, report), folder / f"{name}.xlsx") for name, cells in CHANGES.items()
    ]
    return dict(zip(["as written", *CHANGES], office("xlsx", written, *changed), strict=True))


@cache
def read(path: Path) -> Any:
    """Return the values of a workbook that nobody writes to again."""
    return openpyxl.load_workbook(path, data_only=True)


@cache
def formulas(path: Path) -> Any:
    """Return the formulas of one."""
    return openpyxl.load_workbook(path)


@cache
def rows_of(path: Path, sheet: str) -> list[tuple[Any, ...]]:
    """Return the values below a sheet's heads, of a workbook that nobody writes to again."""
    book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    rows = list(book[sheet].iter_rows(min_row=FIRST_ROW + 1, values_only=True))
    book.close()
    return rows


def costs(path: Path) -> dict[str, tuple[float, float, float]]:
    """Return {option id: (low, base, high)} as the Options sheet shows them."""
    return {row[0]: row[3:6] for row in rows_of(path, "Options") if row[0]}


def expected(report: Report) -> dict[str, tuple[float, ...]]:
    found = report.comparison
    return {
        item.option_id: tuple(float(usd) for usd in found.monthly_usd[:, place])
        for place, item in enumerate(found.options.items)
    }


def assert_to_the_cent(shown: dict[str, tuple[float, float, float]], report: Report) -> None:
    wanted = expected(report)
    # The splits of hybrids are as of the export; their money is tested on their own sheet.
    alone = {option_id: row for option_id, row in shown.items() if not option_id.startswith("hybrid:")}
    assert alone
    for option_id, row in alone.items():
        assert row == pytest.approx(wanted[option_id], abs=CENT), option_id


def test_sheets(written: Path) -> None:
    assert read(written).sheetnames == SHEETS


def heads_of(sheet: Any) -> dict[Any, float]:
    """Return {head cell: its column's width}; LibreOffice and Excel group columns that are alike."""
    widths = {
        column: each.width
        for each in sheet.column_dimensions.values()
        for column in range(each.min, each.max + 1)
    }
    cells = (cell for row in sheet.iter_rows() for cell in row)
    return {
        cell: widths.get(cell.column, 8.43)
        for cell in cells
        if cell.value and cell.fill.fgColor.rgb == "FFE3EDF5"
    }


def test_no_head_is_cut_in_print(written: Path) -> None:
    """A row keeps the height that the file says, however many lines a head wraps into."""
    for sheet in read(written):
        heads = heads_of(sheet)
        assert bool(heads), sheet.title
        for cell, width in heads.items():
            lines = len(textwrap.wrap(cell.value, int(width)))
            assert (sheet.row_dimensions[cell.row].height or 15) >= 15 * lines, (sheet.title, cell.coordinate)


def test_sums_of_nothing_and_counts_are_shown_as_such(written: Path) -> None:
    book = read(written)
    label = next(cell for cell in book["Inputs"]["A"] if cell.value == "For each GPU-hour rented, USD")
    rented = book["Inputs"].cell(label.row, 2)
    assert rented.value == 0 and rented.number_format.endswith(';"$"0')
    counts = [cell for cell in heads_of(book["Rents"]) if cell.value.endswith("GPUs")]
    assert counts
    assert all("$" not in book["Rents"].cell(cell.row + 2, cell.column).number_format for cell in counts)


def test_values_stored_with_the_formulas_are_right(written: Path, report: Report) -> None:
    """Readers that do not calculate (mail previews, pandas) see the same figures."""
    assert_to_the_cent(costs(written), report)


def test_every_cost_is_a_formula(written: Path, report: Report) -> None:
    sheet = formulas(written)["Options"]
    cells = [cell for row in sheet.iter_rows(min_row=FIRST_ROW + 1, min_col=4, max_col=8) for cell in row]
    assert len(cells) == 5 * len(workbook_places(report))
    assert all(str(cell.value).startswith("=") for cell in cells)


def test_libreoffice_calculates_every_cell_to_the_same_value(
    written: Path, report: Report, calculated: dict[str, Path]
) -> None:
    stored, again = read(written), read(calculated["as written"])
    assert_to_the_cent(costs(calculated["as written"]), report)
    for name in SHEETS:
        for row in stored[name].iter_rows():
            for cell in row:
                found = again[name][cell.coordinate].value
                if isinstance(cell.value, int | float):
                    assert found == pytest.approx(cell.value, rel=1e-9, abs=1e-9), (name, cell.coordinate)
                else:
                    assert found == cell.value, (name, cell.coordinate)


def change(path: Path, cells: Cells, target: Path) -> Path:
    """Write numbers into a workbook as finance would, and save it elsewhere (openpyxl drops all values)."""
    book = formulas(path)
    before = {(sheet, address): book[sheet][address].value for sheet, address in cells}
    assert not any(str(value).startswith("=") for value in before.values()), before
    fill(book, cells)
    book.save(target)
    fill(book, before)
    return target


def fill(book: Any, cells: dict[tuple[str, str], Any]) -> None:
    for (sheet, address), value in cells.items():
        book[sheet][address].value = value


def input_cell(path: Path, name: str) -> tuple[str, str]:
    """Return (sheet, address) of a named cell."""
    sheet, address = formulas(path).defined_names[name].attr_text.split("!")
    return sheet, address.replace("$", "")


def row_of(path: Path, sheet: str, option_id: str) -> int:
    column = formulas(path)[sheet].iter_rows(min_row=FIRST_ROW + 1, max_col=1, values_only=True)
    return FIRST_ROW + 1 + [row[0] for row in column].index(option_id)


def column_of(path: Path, sheet: str, head: str) -> str:
    cells = formulas(path)[sheet][HEAD_ROW + 1]
    return next(cell.column_letter for cell in cells if cell.value == head)


def dearer(report: Report) -> Scenario:
    """Return the scenario of which finance doubles token prices and sets volume and rules."""
    return report.scenario.but(
        queries_per_day=750_000,
        batch_share=0.5,
        utilisation_ceiling=0.6,
        spare_replicas=2,
        api_input_usd_per_mtok={"gpt-4o": 5.0},
        api_output_usd_per_mtok={"gpt-4o": 21.0},
        api_cached_input_usd_per_mtok={"gpt-4o": 1.0},
    )


def dearer_cells(path: Path, report: Report) -> Cells:
    names = ("queries_per_day", "batch_share", "utilisation_ceiling", "spare_replicas")
    cells = {input_cell(path, name): float(getattr(dearer(report), name)) for name in names}
    line = row_of(path, "API costs", "gpt-4o")
    for head, usd in (("Input, USD/Mtok", 5.0), ("Output, USD/Mtok", 21.0), ("Cached input, USD/Mtok", 1.0)):
        cells["API costs", f"{column_of(path, 'API costs', head)}{line}"] = usd
    return cells


def test_a_changed_price_and_volume_move_the_totals(
    written: Path, report: Report, calculated: dict[str, Path]
) -> None:
    """llmplan asked the same says the same."""
    found = costs(calculated["dearer"])
    assert_to_the_cent(found, make_report(dearer(report)))
    assert found["gpt-4o"] != pytest.approx(costs(written)["gpt-4o"])


def rows_on_a100(path: Path) -> list[tuple[Any, ...]]:
    rows = formulas(path)["Self-hosted costs"].iter_rows(min_row=FIRST_ROW + 1)
    return [row for row in rows if "a100-80gb-sxm" in str(row[0].value)]


def half_price_cells(path: Path, _report: Report) -> Cells:
    heads = formulas(path)["Self-hosted costs"][HEAD_ROW + 1]
    cells = (cell for row in rows_on_a100(path) for cell in row)
    return {
        ("Self-hosted costs", cell.coordinate): 0.5
        for cell in cells
        if str(heads[cell.column - 1].value).startswith("price over")
    }


def test_a_changed_gpu_price_moves_every_option_on_it(
    written: Path, report: Report, calculated: dict[str, Path]
) -> None:
    """Half the offers' price halves the rent, and nothing else."""
    found, rows = costs(calculated["half price"]), rows_on_a100(written)
    options, asked = report.comparison.options, report.scenario
    assert rows
    for row in rows:
        place = options.index(row[0].value)
        part = options.take([place])
        part = replace(part, rent_factor=part.rent_factor * 0.5)
        wanted = part.monthly_usd([asked.queries_per_day])[:, 0, 0]
        assert found[row[0].value] == pytest.approx(sorted(wanted), abs=CENT)


def test_curve_equals_llmplan(written: Path, report: Report) -> None:
    sheet = read(written)["Curve"]
    rows = list(sheet.iter_rows(min_row=FIRST_ROW + 1, values_only=True))
    volumes = [row[0] for row in rows if row[0]]
    assert (volumes[0], volumes[-1]) == (100, 10_000_000)
    column = 1
    for place in report.curve_places:
        months = report.comparison.options.take([place]).monthly_usd(volumes)[:, 0]
        wanted = (
            [months[1]] if not report.option(place).has_fleet else [months.min(0), months[1], months.max(0)]
        )
        for series in wanted:
            assert [row[column] for row in rows[: len(volumes)]] == pytest.approx(list(series), abs=CENT)
            column += 1


def hybrid_costs(path: Path) -> dict[str, tuple[float, float, float]]:
    return {row[0]: row[1:4] for row in rows_of(path, "Routed") if row[0]}


def test_hybrids_are_live_and_equal_llmplan(written: Path, report: Report) -> None:
    found = hybrid_costs(written)
    hybrids = [comparison_row(report.comparison, place) for place in report.hybrid_places]
    assert hybrids and len(found) == len(hybrids)
    for row in hybrids:
        wanted = [row[f"monthly_usd_{side}"] for side in ("low", "base", "high")]
        assert found[row["label"]] == pytest.approx(wanted, abs=CENT)
    sheet = formulas(written)["Routed"]
    for cells in sheet.iter_rows(min_row=FIRST_ROW + 1, max_row=FIRST_ROW + len(found), min_col=2, max_col=4):
        assert all(str(cell.value).startswith("=") for cell in cells)


PEOPLE_USD, MORE_USD, OUTPUT_USD, GPU_PRICE = 9_999.0, 1_000.0, 33.0, 1.5


def people_cells(path: Path, report: Report) -> Cells:
    """People, the first hidden line, and the prices of the first hybrid's ends."""
    options = report.comparison.options
    weak, strong = hybrid_pair(report, report.hybrid_places[0])
    line = row_of(path, "API costs", options.items[strong].option_id)
    own_line = row_of(path, "Self-hosted costs", options.items[weak].option_id)
    first = options.hidden.of_unit(PER_MONTH)[0]
    label = next(cell for cell in formulas(path)["Inputs"]["A"] if cell.value == first.name)
    return {
        input_cell(path, "people_usd_base"): PEOPLE_USD,
        ("Inputs", f"C{label.row}"): first.usd.base + MORE_USD,
        ("API costs", f"{column_of(path, 'API costs', 'Output, USD/Mtok')}{line}"): OUTPUT_USD,
        ("Self-hosted costs", f"{column_of(path, 'Self-hosted costs', PRICE_HEAD)}{own_line}"): GPU_PRICE,
    }


def test_people_hidden_lines_and_prices_move_hybrids(report: Report, calculated: dict[str, Path]) -> None:
    """What finance changes, worked out by hand from llmplan's own loads: fleet + API + router."""
    place = report.hybrid_places[0]
    row = comparison_row(report.comparison, place)
    options = report.comparison.options
    weak, strong = hybrid_pair(report, place)
    loads = split_loads(report, row)
    hidden = options.hidden
    found = hybrid_costs(calculated["people"])
    asked = report.scenario
    api_id = str(row["api_id"])
    lengths = options.items[strong].lengths
    assert lengths is not None
    each = float(
        api_usd_per_query(
            report.catalog.api(api_id).model_copy(update={"output_usd_per_mtok": OUTPUT_USD}),
            lengths.input,
            lengths.output,
            asked.cached_input_share,
            asked.batch_share,
        )
    )
    month = asked.queries_per_day * asked.days_per_month
    replicas = replicas_needed(
        asked.queries_per_day * loads.fleet, options.per_replica[1, weak], asked.spare_replicas
    )
    fleet_of, count = options.take([weak]), np.array([[float(replicas)]])
    gpus = float(fleet_of.gpus_of(count)[0, 0])
    flat = hidden.total(PER_MONTH, 1) + MORE_USD
    steps = math.ceil(gpus / hidden.gpus_per_people_step.base)
    fleet = GPU_PRICE * float(fleet_of.rent_usd(count, 1)[0, 0]) + flat + steps * PEOPLE_USD
    router = month * loads.router_usd_per_million / 1e6
    assert strong == options.index(api_id)
    assert found[row["label"]][1] == pytest.approx(fleet + month * loads.api * each + router, abs=CENT)


def test_formulas_are_those_that_would_have_been_searched_for_newer_functions(
    report: Report, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmplan.export.xlsx_parts.PlainFormulas", Worksheet)
    slow, quick = zipfile.ZipFile(io.BytesIO(xlsx_bytes(report))), zipfile.ZipFile(written)
    sheets = [name for name in quick.namelist() if name.startswith("xl/worksheets/sheet")]
    assert sum(quick.read(name).count(b"<f>") for name in sheets) > 1_000
    assert all(slow.read(name) == quick.read(name) for name in sheets)


@pytest.mark.usefixtures("no_flips")
def test_reserved_units_and_fleets_by_hour_follow_the_inputs(office: Office, tmp_path: Path) -> None:
    """More queries, whole steps of units, more replicas in every hour; the curve too. One request of 1,000 is a million
    tokens, dearer at GPT-5.4."""
    asked = Scenario(
        api_ids=("azure/gpt-4.1", "gpt-5.4"),
        input_lengths={"200": 0.999, "1000000": 0.001},
        api_commitments=("hourly", "1_month", "1_year"),
        model_ids=("llama-3.1-8b",),
        gpu_ids=("l4",),
        engine_ids=("vllm",),
        queries_per_day=1e6,
        cached_input_share=0.8,
        peak_to_mean=1.2,
        billing_modes=("autoscaled",),
    )
    made = make_report(asked)
    path = tmp_path / "units.xlsx"
    path.write_bytes(xlsx_bytes(made))
    reserved = [i for i in costs(path) if "@ptu" in i]
    assert len(reserved) == 15
    more = change(path, {input_cell(path, "queries_per_day"): 2e6}, tmp_path / "more.xlsx")
    same, after = office("xlsx", path, more)
    assert_to_the_cent(costs(same), made)
    wanted = expected(make_report(asked.but(queries_per_day=2e6)))
    for option_id in reserved:
        assert costs(after)[option_id] == pytest.approx(wanted[option_id], abs=CENT)
    options = made.comparison.options
    by_hour = [place for place in made.hybrid_places if made.option(place).split_by == "load"]
    assert by_hour
    for place in by_hour:
        wanted = sorted(options.take([place]).monthly_usd([2e6])[:, 0, 0])
        assert hybrid_costs(after)[made.option(place).label] == pytest.approx(wanted, abs=CENT)
    drawn = [place for place in made.curve_places if made.option(place).reserved]
    assert drawn
    heads = [cell.value for cell in formulas(path)["Curve"][HEAD_ROW + 1]]
    rows = [row for row in rows_of(after, "Curve") if row[0]]
    volumes = [row[0] for row in rows]
    for place in drawn:
        shown = [row[heads.index(made.option(place).label)] for row in rows]
        assert shown == pytest.approx(options.take([place]).monthly_usd(volumes)[1, 0], abs=CENT)


@pytest.mark.usefixtures("no_flips")
def test_another_currency_multiplies_what_is_shown(report: Report, office: Office, tmp_path: Path) -> None:
    """Prices stay in USD; the sums that people read are in the currency, at a rate that may be changed."""
    made = make_report(
        report.scenario.but(currency_symbol="CHF", currency_per_usd=0.8), made_on=report.made_on
    )
    path = tmp_path / "francs.xlsx"
    path.write_bytes(xlsx_bytes(made))
    shown = costs(path)
    for option_id, wanted in expected(report).items():
        if option_id in shown:
            assert shown[option_id] == pytest.approx([usd * 0.8 for usd in wanted], abs=CENT)
    heads = [cell.value for cell in formulas(path)["Options"][HEAD_ROW + 1]]
    assert "CHF a month, base" in heads
    changed = change(path, {input_cell(path, "currency_per_usd"): 0.5}, tmp_path / "again.xlsx")
    again = costs(*office("xlsx", changed))
    assert again["gpt-4o"] == pytest.approx([usd * 0.5 for usd in expected(report)["gpt-4o"]], abs=CENT)


def fewer_cells(path: Path, _report: Report) -> Cells:
    return {input_cell(path, "queries_per_day"): 200.0, input_cell(path, "input_tokens"): 4000.0}


CHANGES: dict[str, Callable[[Path, Report], Cells]] = {
    "dearer": dearer_cells,
    "half price": half_price_cells,
    "people": people_cells,
    "fewer": fewer_cells,
}


def test_title_follows_the_inputs_and_what_does_not_follow_is_said(
    report: Report, calculated: dict[str, Path]
) -> None:
    before = read(calculated["as written"])["Answer"]
    best = report.comparison.recommended
    assert best is not None
    assert before["A1"].value.startswith(f"Cheapest: {best.label}, ") and "CAUTION" not in before["A3"].value
    after = read(calculated["fewer"])
    rows = [row[:5] for row in after["Answer"].iter_rows(min_row=FIRST_ROW + 1, values_only=True) if row[2]]
    least = min(row[2] for row in rows)
    label = next(row[4] for row in rows if row[2] == least)
    assert after["Answer"]["A1"].value == f"Cheapest: {label}, {least:,.0f} USD a month"
    assert all(after[name]["A3"].value.startswith("CAUTION") for name in ("Answer", "Inputs"))


def test_text_is_never_a_formula() -> None:
    """A label that looks like a formula stays text."""
    book = Book()
    sheet = book.sheet("S", '=HYPERLINK("x")', "+1", ("@SUM(1)",))
    book.text(sheet, 5, 0, "=1+1")
    book.text(sheet, 6, 0, "-2")
    cells = openpyxl.load_workbook(io.BytesIO(book.bytes()))["S"]
    assert [cells["A1"].data_type, cells["A2"].data_type, cells["A4"].data_type] == ["s", "s", "s"]
    assert [cells["A6"].data_type, cells["A7"].data_type] == ["s", "s"]


def test_stamped(written: Path, report: Report) -> None:
    properties = formulas(written).properties
    assert report.stamp == properties.subject
    assert properties.created.date() == dt.date(2026, 11, 24)
    assert report.stamp[:60] in zipfile.ZipFile(written).read("xl/worksheets/sheet3.xml").decode()


def test_sources_name_what_the_options_rest_on(written: Path, report: Report) -> None:
    ids = {row[0] for row in read(written)["Sources"].iter_rows(min_row=FIRST_ROW + 1, values_only=True)}
    used = {name for place in workbook_places(report) for name in report.option(place).source_ids}
    assert used & set(report.catalog.sources) <= ids


@pytest.mark.usefixtures("no_flips")
def test_a_fleet_that_stops_when_idle_follows_its_volume(office: Office, tmp_path: Path) -> None:
    """(4.9) in formulas: the hours, the wait for a query and the start are cells; another volume costs what it does."""
    asked = Scenario(
        gpu_price_kind="serverless",
        gpu_ids=("l4", "a100-80gb-sxm", "h100-sxm"),
        model_ids=("llama-3.1-8b",),
        api_ids=("gpt-4o", "gpt-4o-mini"),
        engine_ids=("vllm",),
        precision_ids=("bf16",),
        queries_per_day=400,
        spare_replicas=0,
    )
    path, other = tmp_path / "idle.xlsx", make_report(asked.but(queries_per_day=900))
    made = make_report(asked)
    path.write_bytes(xlsx_bytes(made))
    changed = change(path, {input_cell(path, "queries_per_day"): 900}, tmp_path / "changed.xlsx")
    for calculated, asked_for in zip(office("xlsx", path, changed), (made, other), strict=True):
        assert_to_the_cent(costs(calculated), asked_for)
