"""What pages and exports show of a scenario, worked out once."""

from llmplan.report.report import Report, make_report

__all__ = ["Report", "make_report"]
