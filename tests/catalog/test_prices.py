"""refresh-prices: differences found, dated and tiered prices read as of a day, only changed cells written."""

import csv
import datetime as dt
import io
import shutil
from pathlib import Path

import pytest
from genai_prices.types import ConditionalPrice, ModelPrice, StartDateConstraint, Tier, TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import ApiPrice, check_folder, data_dir, load_catalog
from llmplan.catalog import prices as price_module
from llmplan.catalog.editing import append_row, replace_cells, write_atomically
from llmplan.catalog.prices import Review, review_prices, write_prices
from llmplan.errors import InputError

TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one doctored table: the price of gpt-4o's input and of a tier are wrong."""
    text = (data_dir() / "api_prices.csv").read_text(encoding="utf-8")
    text = text.replace("gpt-4o,2.5,10,", "gpt-4o,2.75,10,", 1).replace(
        ",272000,5,22.5,", ",272000,6,22.5,", 1
    )
    (tmp_path / "api_prices.csv").write_text(text, encoding="utf-8", newline="")
    return tmp_path


def line_of(folder: Path, api_id: str) -> int:
    lines = (folder / "api_prices.csv").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(f"{api_id},"))


def test_shipped_prices_agree_with_the_package_on_the_day_they_were_taken() -> None:
    review = review_prices(today=TODAY)
    if review.package != "genai-prices-0.2.3":
        assert review.compared
        return
    assert review.differences == ()
    assert len(review.compared) > 50


def test_differences_name_line_field_and_both_prices(folder: Path) -> None:
    found = {(d.api_id, d.column): d for d in review_prices(folder, TODAY).differences}
    difference = found["gpt-4o", "input_usd_per_mtok"]
    assert (difference.line, difference.ours, difference.theirs) == (line_of(folder, "gpt-4o"), 2.75, 2.5)
    assert found["gpt-5.4", "long_context_input_usd_per_mtok"].theirs == 5


def test_what_cannot_be_compared_is_said() -> None:
    reasons = dict(review_prices(today=TODAY).not_compared)
    assert "has no model" in reasons["deepinfra/llama-3.3-70b-turbo"]


def test_writing_changes_those_cells_only(folder: Path) -> None:
    path = folder / "api_prices.csv"
    before = path.read_bytes().split(b"\n")
    review = review_prices(folder, TODAY)
    write_prices(review, folder)
    after = path.read_bytes().split(b"\n")
    changed = {number for number, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]}
    assert changed == {d.line for d in review.differences}
    api = load_catalog(folder).api("gpt-4o")
    assert (api.input_usd_per_mtok, api.as_of, api.source_id) == (2.5, TODAY, review.package)
    assert review_prices(folder, TODAY).differences == ()


def test_a_new_release_of_the_package_becomes_a_source(folder: Path) -> None:
    review = review_prices(folder, TODAY)
    later = Review("genai-prices-9.9", TODAY, review.compared, review.differences, review.not_compared)
    write_prices(later, folder)
    assert load_catalog(folder).api("gpt-4o").source_id == "genai-prices-9.9"
    assert load_catalog(folder).source("genai-prices-9.9").kind == "list price"
    assert check_folder(folder) == ()


def test_nothing_is_written_without_a_difference(tmp_path: Path) -> None:
    shutil.copyfile(data_dir() / "api_prices.csv", tmp_path / "api_prices.csv")
    write_prices(Review("genai-prices-9.9", TODAY, (), (), ()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["api_prices.csv"]


def test_a_folder_without_the_table_is_refused(tmp_path: Path, folder: Path) -> None:
    review = review_prices(folder, TODAY)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copyfile(data_dir() / "gpus.csv", other / "gpus.csv")
    with pytest.raises(InputError, match=r"has no api_prices\.csv"):
        write_prices(review, other)


def api(**values: object) -> ApiPrice:
    return load_catalog().api("gpt-4o").model_copy(update=values)


def plain(cost: float) -> ModelPrice:
    return ModelPrice(input_mtok=cost, output_mtok=2 * cost)


def test_dated_prices_are_those_of_the_day() -> None:
    start = StartDateConstraint(start_date=dt.date(2027, 1, 1))
    prices = [ConditionalPrice(None, prices=plain(1)), ConditionalPrice(start, prices=plain(3))]
    before, _ = price_module._standing_price(prices, dt.date(2026, 12, 31))
    after, _ = price_module._standing_price(prices, dt.date(2027, 1, 1))
    assert (before.input_mtok, after.input_mtok) == (1, 3)


def test_more_than_one_tier_is_left_to_people() -> None:
    tiers = TieredPrices(base=1, tiers=[Tier(start=100, price=2), Tier(start=200, price=3)])
    prices, gaps = price_module._tier_prices(ModelPrice(input_mtok=tiers, output_mtok=1), {})
    assert prices == {}
    assert "by hand" in gaps[0]


def test_peak_hours_are_read_from_the_clock_constraints() -> None:
    name = "deepseek/deepseek-v4-flash"
    review = review_prices(today=TODAY)
    assert name in review.compared
    assert not [d for d in review.differences if d.api_id == name and d.column.startswith("peak")]


def test_a_model_without_its_provider_is_not_compared() -> None:
    prices, gaps = price_module._their_prices(api(provider="nobody"), TODAY)
    assert prices == {}
    assert "has no model" in gaps[0]


TABLE = b'\xef\xbb\xbfa,b,c\r\n1,"x, ""y""\r\nz",3\r\n\r\n4,,6'


def test_cells_are_replaced_and_every_other_byte_stays() -> None:
    assert replace_cells(TABLE, {}) == TABLE
    assert replace_cells(TABLE, {(2, "c"): "9"}) == TABLE.replace(b",3\r", b",9\r")
    assert replace_cells(TABLE, {(4, "b"): "p,q", (4, "a"): "0"}) == TABLE.replace(b"4,,6", b'0,"p,q",6')
    assert replace_cells(TABLE, {(2, "b"): "w"}) == TABLE.replace(b'"x, ""y""\r\nz"', b"w")


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="add d to its header"):
        replace_cells(TABLE, {(2, "d"): "1"})


def test_a_row_is_appended_in_the_file_s_own_line_ends() -> None:
    assert append_row(TABLE, {"a": "7", "c": "8"}) == TABLE + b"\r\n7,,8\r\n"
    assert append_row(b"a,b\n", {"b": "1"}) == b"a,b\n,1\n"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, f"no space for {target.name} beside {self.name}")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="no space"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["table.csv"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=3, max_size=3), max_size=6
    ),
    new=st.text(st.characters(exclude_categories=["Cs"])),
    pick=st.integers(0, 17),
)
def test_replacing_a_cell_of_any_table_changes_that_cell_only(
    rows: list[list[str]], new: str, pick: int
) -> None:
    table = [["a", "b", "c"], *rows, ["1", "2", "3"]]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(table)
    line, column = 2 + pick // 3 % (len(table) - 1), pick % 3
    after = replace_cells(text.getvalue().encode(), {(line, "abc"[column]): new})
    expected = [list(row) for row in table]
    expected[line - 1][column] = new
    assert list(csv.reader(io.StringIO(after.decode(), newline=""))) == expected
