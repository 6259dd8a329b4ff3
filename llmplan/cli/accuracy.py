"""`llmplan calibrate` and `llmplan accuracy FILE.csv`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from llmplan.catalog import Catalog, load_catalog
from llmplan.catalog.loading import FIT_FILE, read_fit
from llmplan.cli.output import print_json, print_table
from llmplan.errors import InputError

MEASURED = "measured_serving.csv"


def accuracy(
    file: Annotated[Path, typer.Argument(help="CSV with the columns of data/measured_serving.csv")],
    json: Annotated[bool, typer.Option("--json", help="print one JSON document")] = False,
    cross_validated: Annotated[
        bool, typer.Option("--cross-validated", help="refit without the rows that are scored, fold by fold")
    ] = False,
    by: Annotated[str, typer.Option(help="folds: points, groups, models or sources")] = "points",
) -> None:
    """Score predictions of TPOT, TTFT and throughput against measured rows, slice by slice."""
    from llmplan.calibration.accuracy import report, score
    from llmplan.catalog.measurements import read_measurements

    catalog = load_catalog()
    measurements = read_measurements(file, catalog)
    if cross_validated:
        scored, note = _held_out(catalog, measurements, by)
    else:
        scored = score(catalog, measurements)
        note = _note(file, catalog)
    result = report(scored, note)
    if json:
        print_json(result)
    else:
        _print_report(result)


def _held_out(catalog: Catalog, measurements: Any, by: str) -> tuple[Any, str]:
    """Score with folds refitted: each row by constants that never saw it (or its group)."""
    from llmplan.calibration.accuracy import scored_from
    from llmplan.calibration.calibrate import distance_of
    from llmplan.calibration.observations import observe, predicted
    from llmplan.calibration.validation import PROTOCOLS, cross_validate, folds_of
    from llmplan.replica.constants import fitted

    if by not in PROTOCOLS:
        raise InputError("by", by, "is no kind of fold", f"use one of {', '.join(PROTOCOLS)}")
    obs, unanswered = observe(catalog, measurements)
    _, chosen = predicted(obs, fitted(catalog))
    logs = cross_validate(obs, folds_of(obs, by)) + obs.measured
    tier = distance_of(obs, chosen, by)
    return scored_from(obs, logs, chosen, unanswered, tier), f"held out by {by}: no row was in its own fit"


def _note(file: Path, catalog: Catalog) -> str:
    """Say so when the rows scored are those of the fit."""
    if catalog.folder.find(MEASURED).read_bytes() == file.read_bytes():
        return "these rows were in the fit: use --cross-validated for held-out errors"
    return ""


def _print_report(result: dict[str, Any]) -> None:
    from llmplan.calibration.accuracy import shown
    from llmplan.calibration.observations import QUANTITIES

    columns = ("slice", "n", "mean |error| %", "median %", "p90 %", "bias %", "in 80 % band, %")
    for quantity in QUANTITIES:
        rows = [("all", result[quantity])]
        rows += [(f"{s['by']}: {s['name']}", s[quantity]) for s in result["slices"] if s[quantity]["n"]]
        cells = [(name, f["n"], *(shown(f[key]) for key in list(f)[1:])) for name, f in rows]
        print_table(quantity, columns, cells)
    for row in result["unanswered"]:
        print(f"line {row['line']}: {row['model_id']} on {row['gpu_id']}: {row['reason']}")
    if result.get("note"):
        print(result["note"])


def calibrate(
    file: Annotated[
        Path | None, typer.Argument(help="measured rows; default: data/measured_serving.csv")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="where to write; default: data/calibration.json")
    ] = None,
    docs: Annotated[Path | None, typer.Option(help="folder for accuracy.md and accuracy.svg")] = None,
    date: Annotated[str, typer.Option(help="date of the fit; default: the newest row's")] = "",
) -> None:
    """Refit the constants of the sizing model, cross-validate, and write the data file."""
    from llmplan.calibration.accuracy_report import write_report
    from llmplan.calibration.calibrate import calibrate as fit_all
    from llmplan.calibration.calibrate import write_document
    from llmplan.calibration.observations import observe
    from llmplan.catalog.measurements import read_measurements

    catalog = load_catalog()
    measurements = read_measurements(file or catalog.folder.find(MEASURED), catalog)
    obs, unanswered = observe(catalog, measurements)
    newest = max((f"{m.published}-01-01"[:10] for m in measurements if m.published), default="")
    document, held = fit_all(obs, date or newest)
    target = output or catalog.folder.find(FIT_FILE)
    write_document(document, target)
    print(f"{target}: {document['rows']} rows, {len(unanswered)} left out")
    for protocol, figures in document["errors"].items():
        for quantity, parts in figures.items():
            f = parts["all"]
            print(
                f"{protocol}: {quantity} mean {f['mean_abs_pct']} %, median {f['median_abs_pct']} % of {f['n']}"
            )
    if docs is not None:
        write_report(obs.under(read_fit(target)[0]), held, document, docs)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(accuracy)
    app.command()(calibrate)
