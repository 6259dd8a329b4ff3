"""`llmplan usage import`, `show` and `cubes`: what we run today, from any log."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Json

if TYPE_CHECKING:
    from tqdm import tqdm

    from llmplan.usage.parts import Part

Folder = Annotated[Path, typer.Argument(metavar="USAGE", help="A folder that llmplan usage import wrote.")]
Files = Annotated[
    list[Path], typer.Argument(metavar="FILES...", help="Logs, exports, scrapes, or folders of them.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder to write; an earlier import's is added to.")]
FormatName = Annotated[
    str, typer.Option("--format", help="A format's name; auto: each file's first record tells.")
]
Map = Annotated[Path | None, typer.Option("--map", help="TOML that maps a file's own columns.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse files with bad rows; default: import the rest.")
]
Memory = Annotated[str, typer.Option("--memory", help="Memory limit of the engine, as 800MB or 4GB.")]
Temp = Annotated[Path | None, typer.Option("--temp", help="Folder for what does not fit in memory.")]


def import_files(
    files: Files,
    out: Out,
    format_name: FormatName = "auto",
    mapping: Map = None,
    strict: Strict = False,
    memory: Memory = "1GB",
    temp: Temp = None,
    json: Json = False,
) -> None:
    """Import logs and exports of any of the known formats; prompts are not kept, ids are hashed."""
    from tqdm import tqdm

    from llmplan.usage.importing import import_usage
    from llmplan.usage.report import import_report

    with tqdm(unit=" rows", unit_scale=True, delay=1, disable=None, leave=False) as bar:
        step = partial(_show_step, bar)
        parts = import_usage(files, out, format_name, mapping, strict, memory, temp, step)
    report = import_report(out, parts)
    if json:
        print_json(report)
    else:
        _print_report(report, parts)


def _show_step(bar: tqdm[Any], doing: str, rows: int) -> None:
    is_shown = not bar.disable and bar.last_print_n > 0
    bar.set_description_str(doing, refresh=is_shown)
    bar.update(rows)


def _print_report(report: dict[str, Any], parts: Sequence[Part]) -> None:
    rows = [(part.file, part.format, f"{part.rows:,}", f"{part.problem_count:,}") for part in parts]
    print_table("Imported", ("file", "format", "rows", "refused"), rows)
    if report["excluded"]:
        left_out = [(why, f"{item['count']:,}", item["meaning"]) for why, item in report["excluded"].items()]
        print_table("Left out of the totals", ("reason", "requests", "meaning"), left_out)
    for note in report["notes"]:
        typer.echo(note)
    for part in parts:
        for problem in part.problems:
            typer.echo(str(problem))


def show(usage: Folder, json: Json = False) -> None:
    """Show requests, tokens, costs, peaks and growth, in all and by app."""
    from llmplan.usage.summary import read_usage, summary

    found = summary(read_usage(usage))
    if json:
        print_json(found)
        return
    totals = [(name.replace("_", " "), _figure(value)) for name, value in found.items() if _is_total(value)]
    print_table(f"{', '.join(found['formats'])}", ("total", "value"), totals)
    columns = ("app", "requests/day", "input", "output", "cached", "peak/mean", "growth/month", "USD")
    print_table("By app", columns, [_app_cells(app) for app in found["apps"]])
    for reason, count in found["excluded"].items():
        typer.echo(f"Left out: {count:,} {reason.replace('_', ' ')}.")


def _is_total(value: object) -> bool:
    return value is None or isinstance(value, int | float)


def _figure(value: float | None, digits: int = 2) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _app_cells(app: dict[str, Any]) -> tuple[str, ...]:
    return (
        app["app"],
        _figure(app["requests_per_day"], 0),
        _figure(app["input_tokens"]["mean"], 0),
        _figure(app["output_tokens"]["mean"], 0),
        _share(app["cached_share"]),
        _figure(app["peak_to_mean"], 1),
        _share(app["growth_per_month"]),
        _figure(app["cost_usd"]),
    )


def cubes(usage: Folder, out: Annotated[Path, typer.Option("--out", help="ZIP to write.")]) -> None:
    """Pack the three cubes as CSV, to open on the page Your traffic in place of the logs."""
    from llmplan.export.files import write_whole
    from llmplan.usage.summary import read_usage
    from llmplan.usage.uploads import zip_of_cubes

    typer.echo(f"Wrote {write_whole(out, zip_of_cubes(read_usage(usage)))}", err=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the shell."""
    group = typer.Typer(help="What we run today: import logs, show traffic and cost.", no_args_is_help=True)
    group.command("import")(import_files)
    group.command("show")(show)
    group.command("cubes")(cubes)
    app.add_typer(group, name="usage")
