"""`llmplan export`, `llmplan report`: the answer as a deck, a workbook, a page or a table."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmplan.cli.output import print_json
from llmplan.cli.scenario_options import Json, with_scenario
from llmplan.errors import InputError
from llmplan.export.slides import SLIDES

if TYPE_CHECKING:
    from llmplan.catalog import Catalog
    from llmplan.report import Report
    from llmplan.scenario import Scenario


class Format(StrEnum):
    """What can be written."""

    pptx = "pptx"
    xlsx = "xlsx"
    html = "html"
    csv = "csv"


Out = Annotated[Path | None, typer.Option(help="File to write; default: llmplan-SCENARIO.FORMAT here.")]
Template = Annotated[Path | None, typer.Option(help="Your own .pptx or .potx, for --format pptx.")]
TableName = Annotated[
    str | None,
    typer.Option(help="For --format csv: options (default), curve, map, flips, assumptions, sources."),
]

SlideNames = Annotated[
    list[str] | None,
    typer.Option("--slide", help=f"For --format pptx, again for each: {', '.join(SLIDES)}; default: all."),
]


@with_scenario
def export(
    scenario: Scenario,
    catalog: Catalog,
    format: Annotated[
        Format, typer.Option(help="pptx: slides; xlsx: live formulas; html: a page; csv: a table.")
    ],
    out: Out = None,
    template: Template = None,
    table: TableName = None,
    slide: SlideNames = None,
    json: Json = False,
) -> None:
    """Write the scenario's answer to a file: slides, workbook, interactive page or CSV table."""
    from llmplan.report import make_report

    _check_flags(format, template, table, slide)
    _write(make_report(scenario, catalog), format, out, json, template, table or "options", slide or ())


@with_scenario
def report(
    scenario: Scenario,
    catalog: Catalog,
    out: Out = None,
    json: Json = False,
) -> None:
    """Write one interactive HTML file that opens anywhere, without a network."""
    from llmplan.report import make_report

    _write(make_report(scenario, catalog), Format.html, out, json)


def _check_flags(format: Format, template: Path | None, table: str | None, slide: list[str] | None) -> None:
    for flag, value in (("--template", template), ("--slide", slide)):
        if value is not None and format is not Format.pptx:
            raise InputError(flag, str(value), f"means nothing for {format.value}", "use --format pptx")
    if table is not None and format is not Format.csv:
        raise InputError("--table", table, f"means nothing for {format.value}", "use --format csv")


def _write(
    report: Report,
    format: Format,
    out: Path | None,
    json: bool,
    template: Path | None = None,
    table: str = "options",
    slides: Sequence[str] = (),
) -> None:
    """Write the file and say where it is, and whether it took the place of another."""
    from llmplan.export.files import export_target, write_export

    replaced = export_target(report, format.value, out, table).exists()
    path = write_export(report, format.value, out, template=template, table=table, slides=slides)
    if json:
        recommended = report.comparison.recommended
        print_json(
            {
                "file": str(path),
                "bytes": path.stat().st_size,
                "replaced": replaced,
                "finding": report.finding,
                "recommended": recommended.option_id if recommended else None,
                "scenario": report.scenario.to_dict(),
            }
        )
    else:
        typer.echo(f"{path}{' (replaced)' if replaced else ''}: {report.finding}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(export)
    app.command()(report)
