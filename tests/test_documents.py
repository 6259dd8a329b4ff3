"""The pages that are made from the project are in step with it."""

import re
from pathlib import Path

import pytest

from tools.documents import DOCUMENTS, METHOD, ROOT, symbol_rows


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_made_pages_are_in_step(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path](), "run: make docs"


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


def equations(page: str) -> list[str]:
    """Return the numbers that a section defines, in order: at a line's start, or at the end of a formula."""
    section = re.compile(r"^\((\d+[a-z]?\.\d+)\)|^ {2,}.*\((7\.\d+)\)$|\((7\.12)\)$", re.MULTILINE)
    return [next(number for number in found.groups() if number) for found in section.finditer(page)]


@pytest.mark.parametrize("path", sorted(METHOD.glob("*.md")), ids=lambda path: path.name)
def test_equations_are_numbered_without_gaps_and_say_their_source_and_limits(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    numbers = equations(page)
    prefix = numbers[0].split(".")[0]
    assert numbers == [f"{prefix}.{place}" for place in range(1, len(numbers) + 1)]
    assert re.search(r"\blimits?\b", page, re.IGNORECASE)
    assert re.search(r"\b(sources?|references)\b", page, re.IGNORECASE)


def test_code_names_only_equations_that_exist() -> None:
    known = {n for path in METHOD.glob("*.md") for n in equations(path.read_text(encoding="utf-8"))}
    named = re.compile(
        r"(?<![a-z])\((?:equations? )?(\d[a-z]?\.\d+)\)(?: (?:to|and) \((\d[a-z]?\.\d+)\)|-\((\d[a-z]?\.\d+)\))?"
    )
    for path in sorted((ROOT / "llmplan").rglob("*.py")):
        for text in re.findall(r'"""(.*?)"""', path.read_text(encoding="utf-8"), flags=re.DOTALL):
            for found in named.finditer(text):
                unknown = {number for number in found.groups() if number} - known
                assert not unknown, f"{path.name}: {unknown}"
