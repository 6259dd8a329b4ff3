"""The floors of the house: a module imports only from rooms above it, and the math stays light."""

import ast
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


@pytest.mark.parametrize("module", ["llmplan.options"])
def test_the_math_loads_no_widgets_and_no_pictures(module: str) -> None:
    heavy = ("plotly", "ipywidgets", "IPython", "scipy", "anywidget", "voila", "pptx", "xlsxwriter")
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
