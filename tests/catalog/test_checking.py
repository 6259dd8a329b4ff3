"""Every kind of problem in a copy of the tables is found, with line, column, rule and fix, all at once."""

import csv
import datetime as dt
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmplan.catalog import (
    CatalogError,
    Problem,
    check_folder,
    data_dir,
    load_catalog,
    tables_from_shipped,
)
from llmplan.catalog.loading import FILES
from llmplan.catalog.tables import BY_NAME, TABLES

Edit = Callable[[list[list[str]]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "data"
    copy.mkdir()
    for table in (table for table in TABLES if not table.is_optional):
        shutil.copyfile(data_dir() / table.file, copy / table.file)
    return copy


def edit(folder: Path, file: str, change: Edit) -> None:
    """Apply `change` to the cells of a table, header included."""
    rows = list(csv.reader(io.StringIO((folder / file).read_text(encoding="utf-8"), newline="")))
    change(rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    (folder / file).write_text(text.getvalue(), encoding="utf-8")


def put(line: int, column: str, value: str) -> Edit:
    def change(rows: list[list[str]]) -> None:
        rows[line - 1][rows[0].index(column)] = value

    return change


def find(problems: tuple[Problem, ...], file: str, line: int, column: str) -> Problem:
    found = [p for p in problems if (p.file, p.line, p.column) == (file, line, column)]
    assert len(found) == 1, [str(problem) for problem in problems]
    return found[0]


CELLS = [
    ("api_prices.csv", "input_usd_per_mtok", "NaN", "finite"),
    ("api_prices.csv", "output_usd_per_mtok", "inf", "finite"),
    ("api_prices.csv", "input_usd_per_mtok", "-1", "at least 0"),
    ("api_prices.csv", "input_usd_per_mtok", "2,5", "decimal comma"),
    ("api_prices.csv", "output_usd_per_mtok", "1e400", "finite"),
    ("api_prices.csv", "output_usd_per_mtok", "1_000", "thousands separator"),
    ("api_prices.csv", "as_of", "86400", "not a date"),
    ("api_prices.csv", "as_of", "2026-11-23T00:00:00", "not a date"),
    ("api_prices.csv", "max_context_tokens", "128,000", "thousands separator"),
    ("api_prices.csv", "max_context_tokens", "128 000", "thousands separator"),
    ("api_prices.csv", "max_context_tokens", "1.5", "whole number"),
    ("api_prices.csv", "batch_discount", "50", "at most 1"),
    ("api_prices.csv", "batch_discount", "50 %", "not a number"),
    ("api_prices.csv", "kind", "big", "allowed words"),
    ("api_prices.csv", "as_of", "23/11/2026", "not a date"),
    ("api_prices.csv", "api_id", "GPT 4o", "not an id"),
    ("api_prices.csv", "source_id", "nowhere", "unknown source_id"),
    ("api_prices.csv", "provider_model", "", "required cell is empty"),
    ("assumptions.csv", "low", "nan", "finite"),
    ("assumptions.csv", "high", "-inf", "finite"),
    ("models.csv", "licence_id", "llama-3.1-comunity", "unknown licence_id"),
    ("models.csv", "native_precision_id", "bf17", "unknown native_precision_id"),
    ("models.csv", "tied_embeddings", "perhaps", "true or false"),
    ("models.csv", "kv_heads", "7", "does not divide"),
    ("models.csv", "kv_heads", "0", "above 0"),
    ("gpus.csv", "memory_gb", "0", "above 0"),
    ("gpus.csv", "memory_gib_usable", "40", "more than the card's"),
    ("gpu_prices.csv", "gpu_id", "a11", "unknown gpu_id"),
    ("engine_support.csv", "engine_id", "vlm", "unknown engine_id"),
    ("engine_support.csv", "architecture", "pascal", "allowed words"),
    ("quality.csv", "benchmark_id", "mmmlu", "unknown benchmark_id"),
    ("quality.csv", "model_id", "gpt-9000", "unknown model_id"),
    ("quality.csv", "score", "853", "outside the scale"),
    ("article_hardware.csv", "usd_per_month_low", "1e9", "above usd_per_month_high"),
    ("benchmarks.csv", "scale_low", "100", "below scale_high"),
]


@pytest.mark.parametrize(("file", "column", "value", "rule"), CELLS)
def test_a_bad_cell_is_found(folder: Path, file: str, column: str, value: str, rule: str) -> None:
    edit(folder, file, put(2, column, value))
    problem = find(check_folder(folder), file, 2, column)
    assert problem.severity == "error"
    assert problem.value == value
    assert rule in problem.rule
    assert problem.fix
    assert str(problem).startswith(f"{file}:2 {column} = {value!r}: ")
    assert "\n" not in str(problem)


LONG_CELLS = [
    ("measured_serving.csv", "tpot_ms", "nan", "finite"),
    ("measured_serving.csv", "gpu_id", "h1000", "unknown gpu_id"),
    ("measured_serving.csv", "arrival", "poisson", "allowed words"),
    ("measured_serving_datasets.csv", "output_tokens", "0", "above 0"),
    ("router_eval.csv", "weak_quality", "1.5", "at most 1"),
    ("router_eval.csv", "source_id", "nowhere", "unknown source_id"),
    ("checkpoints.csv", "model_id", "llama-3.1-7b", "unknown model_id"),
    ("calibration_constants.csv", "start", "-1", "above 0"),
    ("calibration_factors.csv", "constant", "luck", "unknown constant"),
]


@pytest.mark.parametrize(("file", "column", "value", "rule"), LONG_CELLS)
def test_evidence_is_checked_too(tmp_path: Path, file: str, column: str, value: str, rule: str) -> None:
    shutil.copyfile(data_dir() / file, tmp_path / file)
    edit(tmp_path, file, put(2, column, value))
    if file == "calibration_factors.csv":  # what its constants refer to
        shutil.copyfile(data_dir() / "calibration_constants.csv", tmp_path / "calibration_constants.csv")
    assert rule in find(check_folder(tmp_path), file, 2, column).rule
    with pytest.raises(CatalogError):
        load_catalog(tmp_path)


def test_every_shipped_table_is_checked() -> None:
    files = {file for file in FILES if file.endswith(".csv")} - {
        table.file for table in TABLES if table.is_optional
    }
    assert {path.name for path in data_dir().glob("*.csv")} == files


def test_rows_are_read_on_behind_a_bad_header(folder: Path) -> None:
    """An unknown column, other separators: the cells are still judged, so that one run shows everything."""
    edit(folder, "gpus.csv", lambda rows: [row.append("x") for row in rows] and None)
    edit(folder, "gpus.csv", put(2, "memory_gb", "NaN"))
    path = folder / "task_baskets.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",", ";").replace(";0.5;", ";0,5;", 1))
    found = [(p.file, p.line, p.column) for p in check_folder(folder)]
    assert found == [
        ("gpus.csv", 1, "x"),
        ("gpus.csv", 2, "memory_gb"),
        ("task_baskets.csv", 1, "header"),
        ("task_baskets.csv", 5, "weight"),
    ]


def test_a_missing_column_is_one_problem(folder: Path) -> None:
    edit(folder, "gpus.csv", lambda rows: [row.pop() for row in rows] and None)  # the note: it may be empty
    assert check_folder(folder) == ()
    edit(folder, "gpus.csv", lambda rows: [row.pop() for row in rows] and None)
    assert [(p.line, p.column) for p in check_folder(folder)] == [(1, "as_of")]


@pytest.mark.parametrize("above", ["\n", "sep=,\n", "GPUs of our cluster,,\n"])
def test_a_header_that_is_not_in_line_one(folder: Path, above: str) -> None:
    path = folder / "gpus.csv"
    path.write_text(above + path.read_text(encoding="utf-8"), encoding="utf-8")
    problems = check_folder(folder)
    assert [(p.file, p.line, p.column) for p in problems] == [("gpus.csv", 1, "header")]
    assert "line 1" in problems[0].fix


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (put(2, "share", "0.5"), "sum to 1.458333"),
        (lambda rows: rows.pop(2) and None, "has 23 hours"),
    ],
)
def test_a_daily_profile_shares_out_one_day(folder: Path, change: Edit, rule: str) -> None:
    edit(folder, "profiles.csv", change)
    problem = find(check_folder(folder), "profiles.csv", 2, "profile_id")
    assert rule in problem.rule and problem.value == "flat"


def test_a_folder_without_any_table_is_no_catalog(tmp_path: Path) -> None:
    """A path mistyped must not answer from the shipped prices."""
    with pytest.raises(CatalogError, match="holds none of the tables"):
        load_catalog(tmp_path)


def test_what_comes_from_the_shipped_data_is_named(tmp_path: Path) -> None:
    shutil.copyfile(data_dir() / "gpus.csv", tmp_path / "gpus.csv")
    lent = tables_from_shipped(tmp_path)
    assert "gpus.csv" not in lent and len(lent) == len(FILES) - 2  # it, and a table of one's own
    assert tables_from_shipped(data_dir()) == ()


def test_all_problems_of_all_files_at_once(folder: Path) -> None:
    edit(folder, "api_prices.csv", put(3, "input_usd_per_mtok", "NaN"))
    edit(folder, "api_prices.csv", put(5, "output_usd_per_mtok", "1,5"))
    edit(folder, "models.csv", put(4, "layers", "-1"))
    edit(folder, "gpus.csv", put(2, "vendor", "intel"))
    with pytest.raises(CatalogError) as caught:
        load_catalog(folder)
    places = [(p.file, p.line, p.column) for p in caught.value.problems]
    assert places == [
        ("models.csv", 4, "layers"),
        ("gpus.csv", 2, "vendor"),
        ("api_prices.csv", 3, "input_usd_per_mtok"),
        ("api_prices.csv", 5, "output_usd_per_mtok"),
    ]
    assert str(caught.value).count("\n") == 4


def test_a_bad_row_leaves_no_dangling_keys_behind(folder: Path) -> None:
    edit(folder, "gpus.csv", put(2, "memory_gb", "NaN"))
    assert len(check_folder(folder)) == 1


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"low": "9", "base": "2", "high": "3"}, "does not hold"),
        ({"low": "1", "base": "4", "high": "3"}, "does not hold"),
    ],
)
def test_ranges_out_of_order(folder: Path, values: dict[str, str], rule: str) -> None:
    for column, value in values.items():
        edit(folder, "assumptions.csv", put(2, column, value))
    assert rule in find(check_folder(folder), "assumptions.csv", 2, "base").rule


def test_active_parameters_above_total(folder: Path) -> None:
    edit(folder, "models.csv", put(2, "active_params_b", "9"))
    problems = [p for p in check_folder(folder) if p.column == "active_params_b"]
    assert "above total_params_b" in problems[0].rule


def test_duplicate_rows(folder: Path) -> None:
    for file in ("api_prices.csv", "gpu_prices.csv"):
        edit(folder, file, lambda rows: rows.append(list(rows[1])))
    problems = check_folder(folder)
    assert [p.rule.split(" (")[0] for p in problems] == ["duplicate of line 2"] * 2


def test_half_a_tier(folder: Path) -> None:
    edit(folder, "api_prices.csv", put(2, "long_context_from_tokens", "200000"))
    assert "a tier needs" in find(check_folder(folder), "api_prices.csv", 2, "long_context_from_tokens").rule


def test_unknown_missing_and_double_columns(folder: Path) -> None:
    edit(folder, "gpus.csv", put(1, "bandwidth_gb_s", "bandwith_gb_s"))
    edit(folder, "licences.csv", lambda rows: [row.append(row[0]) for row in rows] and None)
    problems = check_folder(folder)
    unknown = next(p for p in problems if p.column == "bandwith_gb_s")
    assert (unknown.line, unknown.rule) == (1, "unknown column")
    assert "bandwidth_gb_s" in unknown.fix
    assert any(p.column == "bandwidth_gb_s" and "missing" in p.rule for p in problems)
    assert any(p.file == "licences.csv" and "twice" in p.rule for p in problems)


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators(folder: Path, mark: str, name: str) -> None:
    path = folder / "task_baskets.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",", mark), encoding="utf-8")
    problems = [p for p in check_folder(folder) if p.file == "task_baskets.csv"]
    assert len(problems) == 1
    assert name in problems[0].rule


def test_unquoted_decimal_comma_moves_the_cells(folder: Path) -> None:
    path = folder / "task_baskets.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",0.5,", ",0,5,", 1), encoding="utf-8")
    problem = next(p for p in check_folder(folder) if p.file == "task_baskets.csv")
    assert problem.column == "row"
    assert "1.5, not 1,5" in problem.fix


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"source_id,title\n\xe9t\xe9,x\n", "not UTF-8"),
        ("source_id,title\n".encode("utf-16"), "not UTF-8"),
        (b'source_id,title,kind,as_of\n"open,x,datasheet,2026-01-01\n', "not valid CSV"),
        (b"source_id,title,kind,as_of\n", "no rows"),
    ],
)
def test_unreadable_files(folder: Path, data: bytes, rule: str) -> None:
    (folder / "sources.csv").write_bytes(data)
    problem = next(p for p in check_folder(folder) if p.file == "sources.csv")
    assert rule in problem.rule


def test_wrong_encoding_names_the_line(folder: Path) -> None:
    path = folder / "licences.csv"
    path.write_bytes(path.read_bytes().replace(b"Apache License 2.0", b"Apache Licen\xe7e 2.0"))
    problem = next(p for p in check_folder(folder) if p.file == "licences.csv")
    assert problem.line > 1
    assert "0xe7" in problem.rule


def test_lines_count_as_a_spreadsheet_does(folder: Path) -> None:
    edit(folder, "licences.csv", put(2, "terms", "two\nlines"))
    edit(folder, "licences.csv", put(4, "commercial_use", "maybe"))
    assert find(check_folder(folder), "licences.csv", 4, "commercial_use").value == "maybe"


def test_byte_order_mark_blank_lines_and_spaces_are_no_problem(folder: Path) -> None:
    path = folder / "benchmarks.csv"
    text = path.read_text(encoding="utf-8").replace("\nmmlu-5-shot,", "\n  mmlu-5-shot ,", 1)
    path.write_text("\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n", encoding="utf-8", newline="")
    assert check_folder(folder) == ()
    assert load_catalog(folder).benchmarks == load_catalog().benchmarks


def test_stale_prices_are_warnings(folder: Path) -> None:
    edit(folder, "api_prices.csv", put(2, "as_of", "2024-01-01"))
    problem = find(check_folder(folder), "api_prices.csv", 2, "as_of")
    assert problem.severity == "warning"
    assert "days old" in problem.rule
    assert load_catalog(folder).warnings == (problem,)


def test_age_is_judged_on_a_given_day() -> None:
    late = dt.date(2028, 1, 1)
    problems = check_folder(today=late)
    assert {p.severity for p in problems} == {"warning"}
    assert {p.file for p in problems} == {f"{name}_prices.csv" for name in ("api", "fine_tune", "gpu")} | {
        "reserved_capacity.csv"
    }


def test_dates_in_the_future(folder: Path) -> None:
    edit(folder, "gpus.csv", put(2, "as_of", "2062-11-23"))
    assert "in the future" in find(check_folder(folder), "gpus.csv", 2, "as_of").rule


def test_a_table_that_the_folder_lacks_comes_from_the_shipped_ones(folder: Path) -> None:
    (folder / "gpus.csv").unlink()
    assert load_catalog(folder).gpus == load_catalog().gpus


def test_a_folder_may_hold_one_edited_table(tmp_path: Path) -> None:
    shutil.copyfile(data_dir() / "api_prices.csv", tmp_path / "api_prices.csv")
    edit(tmp_path, "api_prices.csv", put(2, "input_usd_per_mtok", "1.25"))
    assert load_catalog(tmp_path).api("gpt-4o").input_usd_per_mtok == 1.25


def test_a_misnamed_table_is_a_warning(folder: Path) -> None:
    shutil.copyfile(folder / "gpus.csv", folder / "gpu.csv")
    problem = next(p for p in check_folder(folder) if p.file == "gpu.csv")
    assert problem.severity == "warning"
    assert "gpus.csv" in problem.fix


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is not a folder"):
        load_catalog(tmp_path / "none")


def test_an_unreadable_table_is_one_problem_not_a_thousand(folder: Path) -> None:
    (folder / "sources.csv").write_bytes(b"")
    assert [str(p) for p in check_folder(folder)] == ["sources.csv: is empty; give it a header and rows"]


def test_a_row_of_the_wrong_width_leaves_no_dangling_keys_behind(folder: Path) -> None:
    edit(folder, "gpus.csv", lambda rows: rows[1].append("one too many"))
    assert [(p.file, p.line, p.column) for p in check_folder(folder)] == [("gpus.csv", 2, "row")]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=12), max_size=5))
def test_no_text_breaks_the_check(tmp_path: Path, cells: list[list[str]]) -> None:
    header = list(BY_NAME["task_baskets"].columns)
    text = "\n".join([",".join(header), *(",".join(row) for row in cells)])
    (tmp_path / "task_baskets.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    for problem in check_folder(tmp_path):
        assert problem.rule
        assert problem.fix


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_no_bytes_break_the_check(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "task_baskets.csv").write_bytes(data)
    assert any(problem.file == "task_baskets.csv" for problem in check_folder(tmp_path))


def test_a_routers_mix_and_its_assumptions_are_checked(folder: Path) -> None:
    file = "router_task_mixes.csv"
    edit(folder, file, put(2, "task_id", "clasification"))
    edit(folder, file, put(3, "share", "0.9"))
    edit(folder, file, put(4, "article_verdict", "maybe"))
    edit(folder, "router_assumptions.csv", put(2, "base", "0.9"))
    problems = check_folder(folder)
    assert "did you mean classification" in find(problems, file, 2, "task_id").fix
    assert "allowed words" in find(problems, file, 4, "article_verdict").rule
    # The refused row is not counted: .2 + .9 + .2 + .2.
    assert "sum to 1.5" in find(problems, file, 6, "share").rule
    assert "does not hold" in find(problems, "router_assumptions.csv", 2, "base").rule
