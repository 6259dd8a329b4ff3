"""The floors of the house: a module imports only from rooms above it, and the math stays light."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "llmplan"

FLOORS: tuple[frozenset[str], ...] = tuple(
    frozenset(rooms.split())
    for rooms in (
        "units errors foreign arrays wording kinds",
        "catalog",
        "scenario quality huggingface prices",
        "replica cost router",
        "measurements queueing calibration",
        "options sizing",
        "routing risk operations claims sweep",
        "growth recommend usage",
        "portfolio",
        "report charts",
        "export",
        "app",
        "cli",
        "__main__",
    )
)
LEVELS = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    """Return the room (first name under llmplan/) that a file belongs to; "" for the package root."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, room) for every import of llmplan in a file; room is "" for the package root."""
    here = ("llmplan", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from llmplan import catalog` counts as an import of the root on purpose.
            names = [module]
        for name in names:
            first, *rest = name.split(".")
            if first == "llmplan":
                yield node.lineno, rest[0] if rest else ""


def sources() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if room_of(path)]


def test_every_room_has_a_floor() -> None:
    assert sorted({room_of(path) for path in sources()} - LEVELS.keys()) == []


def test_no_import_climbs() -> None:
    climbs = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {room_of(path)} imports {room}"
        for path in sources()
        for line, room in imported_rooms(path)
        if room and room != room_of(path) and LEVELS.get(room, 99) > LEVELS.get(room_of(path), -1)
    ]
    assert climbs == []


def test_nothing_imports_from_the_package_root() -> None:
    # The root holds the version alone; the one exception says so where it is read.
    roots = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: imports from the package root"
        for path in sources()
        for line, room in imported_rooms(path)
        if not room and "from llmplan import __version__" not in path.read_text().splitlines()[line - 1]
    ]
    assert roots == []


def test_a_climbing_import_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk itself: an import inside a function and a relative one are both seen."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    (tmp_path / "memory").mkdir()
    file = tmp_path / "memory" / "plan.py"
    file.write_text(
        "def f():\n    from llmplan.charts import g\n    from ..app import h\nimport llmplan.cli\n"
    )
    assert sorted(imported_rooms(file)) == [(2, "charts"), (3, "app"), (4, "cli")]


HEAVY = frozenset(
    {
        "SALib",
        "duckdb",
        "genai_prices",
        "ibis",
        "jinja2",
        "markupsafe",
        "nbconvert",
        "pandas",
        "plotly",
        "pptx",
        "pyarrow",
        "pyspark",
        "scipy",
        "tomli_w",
        "tqdm",
    }
)
"""Packages that cost a start more than they give it: read where they are first needed."""
OF_SOME_SYSTEMS = frozenset({"resource"})
READ_LATE = {
    ("export/files.py", "llmplan.export.pptx_deck"): "python-pptx, of one format alone",
    ("export/files.py", "llmplan.export.xlsx_workbook"): "XlsxWriter, of one format alone",
    ("export/files.py", "llmplan.export.html_report"): "Jinja, of one format alone",
    ("export/files.py", "llmplan.export.tables"): "a table's writer, of one format alone",
    ("export/portfolio.py", "llmplan.export.pptx_charts"): "python-pptx, of one format alone",
    ("export/portfolio.py", "llmplan.export.pptx_parts"): "python-pptx, of one format alone",
    ("export/portfolio.py", "llmplan.export.xlsx_parts"): "XlsxWriter, of one format alone",
    (
        "usage/volume.py",
        "llmplan.options.token_rows",
    ): "the shell's start: a bill as the volume alone asks for it",
    ("usage/volume.py", "llmplan.quality.variants"): "the same",
}


def imports_inside(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import that stands inside a function."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(), str(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for node in (inner for function in functions for inner in ast.walk(function)):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def test_imports_inside_functions_are_of_heavy_packages_alone() -> None:
    late = {
        (str(path.relative_to(PACKAGE)), module): f"{path.relative_to(PACKAGE)}:{line}: {module}"
        for path in sources()
        if room_of(path) != "cli"  # a command reads what it alone needs
        for line, module in imports_inside(path)
        if module.split(".")[0] not in HEAVY | OF_SOME_SYSTEMS
    }
    assert [where for key, where in late.items() if key not in READ_LATE] == []
    assert sorted(READ_LATE.keys() - late.keys()) == [], "no longer read late"


def test_the_picture_of_the_rooms_is_the_list_of_floors() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = text.split("```")[1].strip().splitlines()
    drawn = [re.split(r" {3,}", line)[0].split() for line in picture]
    assert [frozenset(rooms) for rooms in drawn] == [floor for floor in FLOORS if floor != {"__main__"}]


@pytest.mark.parametrize("module", ["llmplan.options"])
def test_the_math_loads_no_widgets_and_no_pictures(module: str) -> None:
    heavy = ("plotly", "ipywidgets", "IPython", "scipy", "anywidget", "voila", "pptx", "xlsxwriter")
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
