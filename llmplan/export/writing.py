"""One door to all formats: bytes for a download button, or a whole file."""

from __future__ import annotations

import re
from pathlib import Path

from llmplan.errors import UnknownNameError
from llmplan.export.files import write_whole
from llmplan.export.report import Report
from llmplan.wording import USD, money_in

FORMATS = ("pptx", "xlsx", "html", "csv")
MEDIA_TYPES = {
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "csv": "text/csv",
}


def export_bytes(
    report: Report, format: str, template: Path | str | None = None, table: str = "options"
) -> bytes:
    """Return the report in a format: pptx (on a template), xlsx, html, or one table as csv.

    Files are in US dollars, as the prices they rest on, whatever currency the pages show.

    Raises UnknownNameError for another format or table, InputError for a template that cannot be read.
    """
    with money_in(USD):
        return _bytes(report, format, template, table)


def _bytes(report: Report, format: str, template: Path | str | None, table: str) -> bytes:
    if format == "pptx":
        from llmplan.export.pptx_deck import pptx_bytes

        return pptx_bytes(report, template)
    if format == "xlsx":
        from llmplan.export.xlsx_workbook import xlsx_bytes

        return xlsx_bytes(report)
    if format == "html":
        from llmplan.export.html_report import html_bytes

        return html_bytes(report)
    if format == "csv":
        from llmplan.export.tables import csv_bytes

        return csv_bytes(report, table)
    raise UnknownNameError("format", format, FORMATS)


def file_name(report: Report, format: str, table: str = "options") -> str:
    """Return a file name from the scenario's name: llmplan-support-chat.pptx."""
    words = re.sub(r"[^a-z0-9]+", "-", report.scenario.name.lower()).strip("-") or "scenario"
    return f"llmplan-{words}{f'-{table}' if format == 'csv' else ''}.{format}"


def write_export(
    report: Report,
    format: str,
    out: Path | str | None = None,
    template: Path | str | None = None,
    table: str = "options",
) -> Path:
    """Write the report to a file and return its path; an existing file is replaced only by a whole one.

    `out` may name a folder; without it the file is written here, named after the scenario.
    """
    content = export_bytes(report, format, template, table)
    target = Path(out) if out is not None else Path()
    return write_whole(target / file_name(report, format, table) if target.is_dir() else target, content)
