"""One door to all formats: bytes for a download button, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from llmplan.errors import InputError, UnknownNameError
from llmplan.export.slides import Picture
from llmplan.report.report import Report

NEW_FILE_MODE = 0o666
FORMATS = ("pptx", "xlsx", "html", "csv")
MEDIA_TYPES = {
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "csv": "text/csv",
}


def export_bytes(
    report: Report,
    format: str,
    template: Path | str | None = None,
    table: str = "options",
    slides: Sequence[str] = (),
    pictures: Sequence[Picture] = (),
) -> bytes:
    """Return the report in a format: pptx (on a template, chosen slides), xlsx, html, or one table as csv.

    Files are in the scenario's currency; CSV stays in US dollars, as its column names say.

    Raises UnknownNameError for another format, slide or table, InputError for a template that cannot be read.
    """
    if format == "pptx":
        from llmplan.export.pptx_deck import pptx_bytes

        return pptx_bytes(report, template, slides, pictures)
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
    slides: Sequence[str] = (),
) -> Path:
    """Write the report to a file and return its path; an existing file is replaced only by a whole one.

    `out` may name a folder; without it the file is written here, named after the scenario.
    """
    target = export_target(report, format, out, table)
    return write_whole(target, export_bytes(report, format, template, table, slides))


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


def write_whole(path: Path | str, content: bytes) -> Path:
    """Write a file beside its place and move it there: an existing file is replaced only by a whole new one.

    A device or a pipe (/dev/stdout) is written to. Raises InputError where the folder is missing or may not be
    written.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError("--out", str(path), "is a folder", "name a file in it")
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return target
    if not target.parent.is_dir():
        raise InputError("--out", str(path), "its folder does not exist", f"create {target.parent} first")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InputError(
            "--out", str(path), f"cannot be written ({error.strerror})", "name another place"
        ) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _give_usual_mode(Path(name), target)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def _give_usual_mode(written: Path, target: Path) -> None:
    """A temporary file is readable by its owner alone; a report is meant to be passed on."""
    if target.exists():
        written.chmod(target.stat().st_mode & 0o777)
        return
    mask = os.umask(0)
    os.umask(mask)
    written.chmod(NEW_FILE_MODE & ~mask)
