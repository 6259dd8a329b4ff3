"""Run a notebook from top to bottom on this environment's own kernel: `python -m tools.run_notebook FILE`.

Nothing is stored. A kernel that a user has elsewhere is never taken: notebooks that run on another Python
prove nothing.
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


def run(path: Path) -> int:
    """Run a notebook in its own folder; return how many of its code cells ran."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        km=kernel_of_this_environment(),
        timeout=CELL_TIMEOUT_S,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise SystemExit(f"{path.name}: {error}") from None
    return sum(bool(cell.execution_count) for cell in notebook.cells if cell.cell_type == "code")


if __name__ == "__main__":
    print(run(Path(sys.argv[1])))
