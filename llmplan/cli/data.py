"""`llmplan check-data`, `llmplan refresh-prices`: the tables from the shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Data, Json

if TYPE_CHECKING:
    import datetime as dt

    from llmplan.catalog import Catalog, Problem
    from llmplan.catalog.prices import Difference, Review

Folder = Annotated[Path | None, typer.Argument(help="A folder of CSV tables; the shipped one when left out.")]
Write = Annotated[bool, typer.Option("--write", help="Write the differences into api_prices.csv.")]
Today = Annotated[str | None, typer.Option(help="Date to judge ages by, YYYY-MM-DD; today when left out.")]


def check_data(folder: Folder = None, today: Today = None, as_json: Json = False) -> None:
    """Check every table and scenario: all problems at once, each with file, line, column, value, rule, fix.

    Ends with code 1 when there is an error, 0 when there are warnings only.
    """
    from llmplan.catalog import check_folder, data_dir, tables_from_shipped

    place = folder or data_dir()
    problems = check_folder(folder, _date(today))
    problems += _scenario_problems(place, _date(today))
    errors = [problem for problem in problems if problem.severity == "error"]
    warnings = [problem for problem in problems if problem.severity == "warning"]
    if as_json:
        print_json(_report(place, errors, warnings))
    else:
        for problem in problems:
            print(problem)
        if place.is_dir() and (lent := tables_from_shipped(place)):
            print(f"not in the folder, so taken from the shipped data: {', '.join(lent)}")
        print(f"{place}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    if errors:
        raise typer.Exit(1)


def _scenario_problems(place: Path, today: dt.date | None) -> tuple[Problem, ...]:
    """Return what is wrong with the folder's scenarios/*.toml; ids are judged where the tables can be read."""
    from llmplan.catalog.loading import read_folder

    files = sorted((place / "scenarios").glob("*.toml"))
    catalog = read_folder(place, today)[0] if files else None
    found = (_scenario_problem(path, catalog) for path in files)
    return tuple(problem for problem in found if problem is not None)


def _scenario_problem(path: Path, catalog: Catalog | None) -> Problem | None:
    from llmplan.catalog import Problem
    from llmplan.errors import InputError
    from llmplan.scenario import check_ids, scenario_from_toml

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


def _count(items: list[Problem], name: str) -> str:
    return f"{len(items)} {name}{'s' * (len(items) != 1)}"


def _date(text: str | None) -> Any:
    import datetime as dt

    from llmplan.errors import InputError

    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError("today", text, "is not a date", "write YYYY-MM-DD") from None


def refresh_prices(
    write: Write = False, data: Data = None, today: Today = None, as_json: Json = False
) -> None:
    """Compare api_prices.csv with the installed genai-prices data; --write takes its prices over.

    Works offline. Nothing is written without --write.
    """
    from llmplan.catalog.prices import review_prices, write_prices

    review = review_prices(data, _date(today))
    if write:
        write_prices(review, data)
    written = write and bool(review.differences)
    if as_json:
        print_json(_review(review, written))
    else:
        _print_review(review, written)


def _review(review: Review, written: bool) -> dict[str, Any]:
    return {
        "package": review.package,
        "as_of": review.today,
        "compared": list(review.compared),
        "differences": [_difference(difference) for difference in review.differences],
        "not_compared": [{"api_id": api_id, "reason": reason} for api_id, reason in review.not_compared],
        "written": written,
    }


def _difference(item: Difference) -> dict[str, Any]:
    return {
        "api_id": item.api_id,
        "line": item.line,
        "field": item.column,
        "ours": item.ours,
        "theirs": item.theirs,
        "ours_as_of": item.as_of,
    }


def _print_review(review: Review, written: bool) -> None:
    rows = [
        (item.api_id, item.column, _price(item.ours), _price(item.theirs), item.as_of)
        for item in review.differences
    ]
    if rows:
        print_table(
            f"Differences from {review.package}", ("model", "field", "ours", "theirs", "our date"), rows
        )
    for api_id, reason in review.not_compared:
        print(f"not compared: {api_id}: {reason}")
    done = "written" if written else "nothing written"
    print(f"{len(review.compared)} prices compared as of {review.today}, {len(rows)} differences; {done}")


def _price(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("check-data")(check_data)
    app.command("refresh-prices")(refresh_prices)
