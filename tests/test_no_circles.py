"""No file imports another that imports it in turn, however long the way round."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "llmplan"


def test_no_circle_of_files() -> None:
    files = {
        ".".join(("llmplan", *p.relative_to(PACKAGE).with_suffix("").parts)): p for p in PACKAGE.rglob("*.py")
    }
    edges: dict[str, set[str]] = {}
    for name, path in files.items():
        if path.name == "__init__.py":
            continue
        modules = (n.module for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom))
        edges[name] = {module for module in modules if module in files and module != name}
    assert len(edges) > 200
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as circle:
        pytest.fail(f"a circle of files: {' -> '.join(circle.args[1])}")
