"""Notebooks are doors: few lines, no logic, no stored output, and they run."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MAX_LINES = 12


def names(path: Path) -> str:
    return path.stem


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def test_the_doors_are_there() -> None:
    stems = {path.stem for path in NOTEBOOKS}
    assert {"dashboard", "01_cost_curves", "02_hardware_sizing"} <= stems


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_no_output_is_stored(path: Path) -> None:
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "widgets" not in json.loads(path.read_text())["metadata"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_cells_are_short_and_hold_no_logic(path: Path) -> None:
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= MAX_LINES, cell.source
        # Line magics are no Python; nothing else may hide behind them.
        lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found = [node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, kinds)]
        assert found == [], cell.source


def run(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run notebooks on this environment's kernel; in a process of its own, since Jupyter brings a loop."""
    command = [sys.executable, "-m", "tools.run_notebook", *map(str, paths)]
    return subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, timeout=600)


def test_every_cell_of_every_notebook_runs() -> None:
    done = run(*NOTEBOOKS)
    assert done.returncode == 0, done.stderr
    written = [sum(bool(cell.source) for cell in code_cells(path)) for path in NOTEBOOKS]
    assert [int(count) for count in done.stdout.split()] == written


def test_a_notebook_that_fails_is_named_and_none_has_the_names_of_another(tmp_path: Path) -> None:
    paths = [tmp_path / "first.ipynb", tmp_path / "second.ipynb"]
    for path, code in zip(paths, ("one = 1", "one + 1"), strict=True):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), path)
    done = run(*paths)
    assert done.returncode != 0 and "second.ipynb" in done.stderr and "NameError" in done.stderr
