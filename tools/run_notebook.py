"""Run notebooks of a folder, each from top to bottom, on this environment's own kernel.

`python -m tools.run_notebook FILE...` prints how many code cells ran of each. The kernel, whose start takes longer than
most of them, is one; every notebook starts without names. Nothing is stored. A kernel that a user has elsewhere is never
taken: notebooks that run on another Python prove nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_TIMEOUT_S = 180


def kernel_of_this_environment() -> AsyncKernelManager:
    """Return a manager of this environment's kernel; SystemExit where it has none."""
    specs = KernelSpecManager(kernel_dirs=[str(Path(sys.prefix) / "share/jupyter/kernels")])
    specs.ensure_native_kernel = False
    if "python3" not in specs.find_kernel_specs():
        raise SystemExit(f"no Jupyter kernel in {sys.prefix}")
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)


def run(*paths: Path) -> list[int]:
    """Run notebooks in the folder of the first; return how many code cells of each ran."""
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    forget = nbformat.v4.new_code_cell("%reset -f")
    client = NotebookClient(
        nbformat.v4.new_notebook(
            cells=[cell for notebook in notebooks for cell in (*notebook.cells, forget)]
        ),
        km=kernel_of_this_environment(),
        timeout=CELL_TIMEOUT_S,
        resources={"metadata": {"path": str(paths[0].parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        failed = next(path.name for path, notebook in zip(paths, notebooks, strict=True) if _failed(notebook))
        raise SystemExit(f"{failed}: {error}") from None
    return [sum(bool(cell.execution_count) for cell in _code(notebook)) for notebook in notebooks]


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _failed(notebook: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for cell in _code(notebook) for output in cell.outputs)


if __name__ == "__main__":
    print(*run(*map(Path, sys.argv[1:])))
