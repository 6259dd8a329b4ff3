"""Where the browser's files are, and what version of them this is."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from llmplan.catalog import data_dir, tables_digest

APP_DIR = Path(__file__).resolve().parent.parent
TEMPLATE_NAME = "llmplan"
STATIC_DIR = APP_DIR / "voila" / "templates" / TEMPLATE_NAME / "static"
RUNTIME_SCRIPTS = ("runtime.js", "controls.js", "quick.js", "figure.js", "chart.js")


def edition() -> str:
    """Return what a page depends on besides its link: this package's version and its tables."""
    return f"{version('llmplan')} {tables_digest(data_dir())}"


@lru_cache(maxsize=1)
def loader_source() -> str:
    """Return the module that every widget carries (a few hundred bytes once comments are gone)."""
    lines = (STATIC_DIR / "loader.js").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("//"))


def runtime_files() -> dict[str, bytes]:
    """Return what JupyterLab gets once: the style sheet, the chart library and the widgets' code."""
    scripts = b"\n".join((STATIC_DIR / name).read_bytes() for name in RUNTIME_SCRIPTS)
    return {
        "css": (STATIC_DIR / "style.css").read_bytes(),
        "plotly": (STATIC_DIR / "plotly.min.js").read_bytes(),
        "runtime": scripts,
    }


def content_hash(path: Path) -> str:
    """Return the hash that Voila's `static_url` puts into a file's address, so that it never goes stale."""
    return hashlib.sha512(path.read_bytes()).hexdigest()
