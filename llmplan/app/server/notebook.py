"""Runs a notebook once and keeps what it shows."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from llmplan.app.widgets.base import plain_message

WIDGET = "application/vnd.jupyter.widget-view+json"
Shown = dict[str, str]
"""What a cell shows: one of `model` (a widget's id), `html`, `text`, `error`."""


def run_notebook(path: Path) -> list[Shown]:
    """Run every cell in order, in this process; return what the page shows, down to the first failure."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    os.chdir(path.parent)
    sys.path.insert(0, str(path.parent))
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shown: list[Shown] = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            shown.append({"html": _markdown(source)})
        elif cell["cell_type"] == "code":
            found = _run_cell(shell, source)
            shown += found
            if any("error" in item for item in found):
                break
    return shown


def _run_cell(shell: InteractiveShell, source: str) -> list[Shown]:
    with capture_output() as captured:
        result = shell.run_cell(source, store_history=False)
    shown = [item for output in captured.outputs for item in _shown(output.data)]
    if result.result is not None and not source.rstrip().endswith(";"):
        shown += _shown(shell.display_formatter.format(result.result)[0])
    problem = result.error_before_exec or result.error_in_exec
    return [*shown, {"error": plain_message(problem)}] if isinstance(problem, Exception) else shown


def _shown(data: dict[str, Any]) -> list[Shown]:
    if WIDGET in data:
        return [{"model": data[WIDGET]["model_id"]}]
    kinds = {"text/html": "html", "text/plain": "text"}
    return next(([{name: data[kind]}] for kind, name in kinds.items() if kind in data), [])


def _markdown(source: str) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    return str(markdown2html_mistune(source))
