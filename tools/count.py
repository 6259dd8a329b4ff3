"""Count what docs/architecture.md tells of the house: rooms, files, code lines, the longest chain of imports."""

from __future__ import annotations

import ast
import io
import tokenize
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).resolve().parent.parent / "llmplan"
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    """Return the lines that hold code: no blanks, comments or docstrings."""
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    strings = [
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and ast.get_docstring(node, clean=False) is not None
    ]
    told = {line for s in strings for line in range(s.lineno, (s.end_lineno or s.lineno) + 1)}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {
        line
        for token in tokens
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - told)


def function_lines(text: str) -> list[int]:
    """Return the length of every function."""
    found = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        n.end_lineno - n.lineno + 1
        for n in ast.walk(ast.parse(text))
        if isinstance(n, found) and n.end_lineno
    ]


def imports(files: dict[str, str]) -> dict[str, set[str]]:
    """Return which module imports which, among the package's own."""
    found: dict[str, set[str]] = {name: set() for name in files}
    for name, text in files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[name] |= {node.module} & files.keys() - {name}
    return found


def longest_chain(edges: dict[str, set[str]]) -> int:
    """Return the number of modules on the longest path of imports."""
    depth: dict[str, int] = {}
    for name in TopologicalSorter(edges).static_order():
        depth[name] = 1 + max((depth[other] for other in edges.get(name, ())), default=0)
    return max(depth.values())


def main() -> None:
    """Print the counts."""
    paths = sorted(PACKAGE.rglob("*.py"))
    names = {p: ".".join(("llmplan", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in paths}
    files = {names[p].removesuffix(".__init__"): p.read_text(encoding="utf-8") for p in paths}
    inner = {
        name: text
        for path, text in ((p, p.read_text(encoding="utf-8")) for p in paths)
        if path.name != "__init__.py"
        for name in [names[path]]
    }
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in paths} - {"__init__"}
    lengths = [length for text in files.values() for length in function_lines(text)]
    print(f"rooms {len(rooms)}, files {len(files)}, code lines {sum(map(code_lines, files.values())):,}")
    print(f"functions {len(lengths):,}, median {median(lengths):g} lines")
    print(f"longest chain of imports {longest_chain(imports(inner))}")


if __name__ == "__main__":
    main()
