"""The pages that are made from the project are in step with it."""

import re
from pathlib import Path

import pytest

from tools.documents import METHOD, ROOT, documents, symbol_rows


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_made_pages_are_in_step(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == documents()[path], "run: make docs"


def test_symbol_tables_are_read() -> None:
    page = "| symbol | name in code | unit | meaning |\n|---|---|---|---|\n| a | `b` | s | time |\n"
    page += "\n| x | y |\n|-|-|\n| 1 | 2 |\n"
    assert list(symbol_rows(page)) == [("a", "`b`", "s", "time")]
    assert list(symbol_rows("| name | unit | meaning |\n|---|---|---|\n| Q | 1/day | load |\n")) == [
        ("Q", "", "1/day", "load")
    ]


def test_every_section_is_in_the_index_and_ends_with_its_symbols() -> None:
    index = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    for path in METHOD.glob("*.md"):
        assert f"method/{path.name}" in index
        assert list(symbol_rows(path.read_text(encoding="utf-8"))), path.name


def test_links_between_the_pages_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"
