"""One door to all formats: bytes for a download button, or a whole file."""

from __future__ import annotations

import re
from pathlib import Path

from llmplan.errors import InputError, UnknownNameError
from llmplan.export.files import write_whole
from llmplan.report.report import Report
from llmplan.wording import money_in

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

    Files are in the scenario's currency; CSV stays in US dollars, as its column names say.

    Raises UnknownNameError for another format or table, InputError for a template that cannot be read.
    """
    with money_in(report.money):
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
    target = export_target(report, format, out, table)
    return write_whole(target, export_bytes(report, format, template, table))


def export_target(report: Report, format: str, out: Path | str | None = None, table: str = "options") -> Path:
    """Return the file that an export goes to; InputError for a name that ends as another format's does."""
    target = Path(out) if out is not None else Path()
    if target.is_dir():
        return target / file_name(report, format, table)
    ending = target.suffix.lower().removeprefix(".")
    if ending in FORMATS and ending != format:
        raise InputError(
            "--out", str(out), f"ends as a .{ending} file", f"write .{format}, or --format {ending}"
        )
    return target
