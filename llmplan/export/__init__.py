"""Figures and tables out: PPTX, XLSX, HTML and CSV."""

from llmplan.export.files import (
    FORMATS,
    MEDIA_TYPES,
    export_bytes,
    export_target,
    file_name,
    write_export,
)
from llmplan.export.slides import SLIDES
from llmplan.report.report import Report, make_report

__all__ = [
    "FORMATS",
    "MEDIA_TYPES",
    "SLIDES",
    "Report",
    "export_bytes",
    "export_target",
    "file_name",
    "make_report",
    "write_export",
]
