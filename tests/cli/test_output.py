"""Tables for people: nothing is lost on a narrow terminal."""

import pytest

from llmplan.cli import output
from llmplan.cli.output import print_table

COLUMNS = ("configuration", "USD a month", "low to high", "GPUs", "what binds it")
ROWS = [
    ("llama-3.1-70b@w4a16@1xa100-80gb-sxm@vllm", "12,345", "1,000 to 20,000", "8", "memory bandwidth"),
    ("gpt-4o", "2,250", "", "", "–"),
]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_every_character_is_there_and_no_line_is_too_long(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "WIDTH_WITHOUT_TERMINAL", width)
    print_table("a title", COLUMNS, ROWS)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= width
    assert sorted("".join(said.split()).replace("─", "")) == sorted(
        "".join(("a title", *COLUMNS, *(cell for row in ROWS for cell in row))).replace(" ", "")
    )
    for figure in ("12,345", "1,000 to 20,000", "2,250"):
        assert figure in said


def test_figures_end_in_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("a title", COLUMNS, ROWS)
    lines = capsys.readouterr().out.splitlines()
    long, short = next(x for x in lines if "12,345" in x), next(x for x in lines if "2,250" in x)
    assert long.index("12,345") + len("12,345") == short.index("2,250") + len("2,250")


def test_a_table_without_rows_has_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("a title", COLUMNS, [])
    assert "USD a month" in capsys.readouterr().out
