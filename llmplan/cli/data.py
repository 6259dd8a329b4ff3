"""`llmplan check-data`, `llmplan refresh-prices`, `llmplan prices`: the tables from the shell."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.catalog import Catalog, Problem, check_folder, data_dir, load_catalog, tables_from_shipped
from llmplan.catalog.loading import read_folder
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Data, Json
from llmplan.errors import InputError
from llmplan.scenario import check_ids, scenario_from_toml
from llmplan.wording import counted, share

if TYPE_CHECKING:
    from llmplan.prices.review import Review

Folder = Annotated[Path | None, typer.Argument(help="A folder of CSV tables; the shipped one when left out.")]
Write = Annotated[bool, typer.Option("--write", help="Write the differences into api_prices.csv.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="What --write takes over: new, changed, ended; all when left out."),
]
LiteLlm = Annotated[
    Path | None,
    typer.Option(help="LiteLLM's price table (JSON) or its wheel; the installed package when left out."),
]
Provider = Annotated[str | None, typer.Option(help="Prices of this provider alone.")]
Today = Annotated[str | None, typer.Option(help="Date to judge ages by, YYYY-MM-DD; today when left out.")]


def check_data(folder: Folder = None, today: Today = None, as_json: Json = False) -> None:
    """Check every table and scenario: all problems at once, each with file, line, column, value, rule, fix.

    Ends with code 1 when there is an error, 0 when there are warnings only.
    """
    from llmplan.catalog.life import life_of

    place = folder or data_dir()
    problems = check_folder(folder, _date(today))
    life = life_of(place, _date(today))
    problems += (*_scenario_problems(place, _date(today)), *(life.problems if life else ()))
    errors = [problem for problem in problems if problem.severity == "error"]
    warnings = [problem for problem in problems if problem.severity == "warning"]
    if as_json:
        print_json(_report(place, errors, warnings) | {"life": life.as_dict() if life else None})
    else:
        for problem in problems:
            print(problem)
        if place.is_dir() and (lent := tables_from_shipped(place)):
            print(f"not in the folder, so taken from the shipped data: {', '.join(lent)}")
        if life is not None:
            print(life.summary)
        print(f"{place}: {counted(len(errors), 'error')}, {counted(len(warnings), 'warning')}")
    if errors:
        raise typer.Exit(1)


def _scenario_problems(place: Path, today: dt.date | None) -> tuple[Problem, ...]:
    """Return what is wrong with the folder's scenarios/*.toml; ids are judged where the tables can be read."""

    files = sorted((place / "scenarios").glob("*.toml"))
    catalog = read_folder(place, today)[0] if files else None
    found = (_scenario_problem(path, catalog) for path in files)
    return tuple(problem for problem in found if problem is not None)


def _scenario_problem(path: Path, catalog: Catalog | None) -> Problem | None:

    file = f"scenarios/{path.name}"
    try:
        scenario = scenario_from_toml(path.read_text(encoding="utf-8"))
        if catalog is not None:
            check_ids(scenario, catalog)
    except InputError as error:
        return Problem(file, 0, error.field, str(error.value), error.rule, error.fix)
    except UnicodeDecodeError:
        return Problem(file, 0, "", "", "is not UTF-8 text", "save it as UTF-8")
    return None


def _report(place: Path, errors: list[Problem], warnings: list[Problem]) -> dict[str, Any]:
    return {
        "folder": str(place),
        "ok": not errors,
        "errors": [problem.as_dict() for problem in errors],
        "warnings": [problem.as_dict() for problem in warnings],
    }


def _date(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError("today", text, "is not a date", "write YYYY-MM-DD") from None


def refresh_prices(
    write: Write = False,
    only: Only = None,
    litellm: LiteLlm = None,
    data: Data = None,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Compare api_prices.csv with the lists of genai-prices and LiteLLM; --write takes over what differs.

    Works offline. Nothing is written without --write; own_api_prices.csv never is.
    """
    from llmplan.prices.review import KINDS, as_document, review_prices, write_prices

    kinds = only or list(KINDS)
    for kind in kinds:
        if kind not in KINDS:
            raise InputError("--only", kind, "is no kind of difference", f"use one of {', '.join(KINDS)}")
    review = review_prices(data, _date(today), litellm)
    if write:
        write_prices(review, data, kinds)
    written = write and review.differs
    if as_json:
        print_json(as_document(review, written=written))
    else:
        _print_review(review, written)


def _print_review(review: Review, written: bool) -> None:
    if review.changed:
        rows = [(i.api_id, i.column, i.ours or "none", i.theirs or "none", i.as_of) for i in review.changed]
        print_table("Changed", ("model", "field", "ours", "theirs", "our date"), rows)
    lines = {
        "new": review.new,
        "ended": review.ended,
        "renamed": [f"{api_id}: {old} is {new}" for api_id, old, new in review.renamed],
        "disagreeing": [f"{api_id}: {other}" for api_id, other in review.disagreeing],
        "unmapped": [f"{provider}: {name}: {reason}" for provider, name, reason in review.unmapped],
    }
    for kind, found in lines.items():
        for line in found:
            print(f"{kind}: {line}")
    shares = [
        (name, item.listed, item.listed - len(item.missing), share(item.share), ", ".join(item.missing[:5]))
        for name, item in review.coverage.items()
    ]
    print_table(
        "Text models that a list holds and none calls ended",
        ("provider", "listed", "offered", "share", "missing"),
        shares,
    )
    counts = [f"{len(found)} {kind}" for kind, found in lines.items()]
    names = " and ".join(source_id for source_id, _ in review.sources.values())
    print(
        f"{len(review.compared)} prices compared with {names} as of {review.today}: {len(review.changed)} changed, "
        f"{', '.join(counts)}; {'written' if written else 'nothing written'}"
    )
    if len(review.sources) < 2:
        print(
            "litellm is not installed: one list only; `pip download --no-deps litellm` and give --litellm the wheel"
        )


def prices(data: Data = None, provider: Provider = None, as_json: Json = False) -> None:
    """List every token price that is offered today, with all its classes."""

    catalog = load_catalog(data)
    rows = [
        api
        for api in catalog.apis.values()
        if api.is_offered(catalog.today) and (provider is None or api.provider == provider)
    ]
    if as_json:
        told = [
            api.model_dump(mode="json")
            | {"region": api.in_region_areas or "unknown", "source": catalog.source(api.source_id).title}
            for api in rows
        ]
        print_json(told, indented=False)
        return
    cells = [
        (
            a.api_id,
            a.model_id,
            a.input_usd_per_mtok,
            a.output_usd_per_mtok,
            a.in_region_areas or "unknown",
            a.ends_on or "",
            a.as_of,
        )
        for a in rows
    ]
    heads = ("price", "model", "input", "output", "held to", "ends on", "as of")
    print_table("Token prices, USD/Mtok", heads, cells)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("check-data")(check_data)
    app.command("prices")(prices)
    app.command("refresh-prices")(refresh_prices)
