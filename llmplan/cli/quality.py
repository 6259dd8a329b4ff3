"""`llmplan models`, `accuracy-quality`, `accuracy-tokens` and `calibrate-quality`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from llmplan.catalog import data_dir, load_catalog
from llmplan.catalog.loading import QUALITY_FIT_FILE
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Data, Json

QualityFile = Annotated[Path, typer.Argument(help="CSV: release, model_as_published, subtask, score_0_100.")]
TokenFile = Annotated[
    Path, typer.Argument(help="CSV: model_as_published, subtask, output_tokens_per_question.")
]
Output = Annotated[Path | None, typer.Option(help="Where to write; the shipped fit when left out.")]
Evaluations = Annotated[
    list[Path] | None,
    typer.Option(
        "--evaluation", help="Your own results: CSV, lm-evaluation-harness, Inspect or promptfoo JSON."
    ),
]


def accuracy_quality(file: QualityFile, data: Data = None, as_json: Json = False) -> None:
    """Score the quality model against published scores: error in points, coverage of the 80 % band."""
    from llmplan.quality.accuracy import accuracy_quality as score

    _show(score(load_catalog(data), file), "Quality", as_json)


def accuracy_tokens(file: TokenFile, data: Data = None, as_json: Json = False) -> None:
    """Score the tokens model against published counts: factors, coverage of the 80 % band."""
    from llmplan.quality.accuracy import accuracy_tokens as score

    _show(score(load_catalog(data), file), "Output tokens", as_json)


def _show(result: dict[str, Any], title: str, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    figures = [(name.replace("_", " "), value) for name, value in result.items() if name != "unanswered"]
    print_table(title, ("figure", "value"), figures)
    for row in result["unanswered"]:
        print(f"line {row['line']}: {row['model']} on {row['item']}: {row['reason']}")


def models(data: Data = None, as_json: Json = False) -> None:
    """List every model at every effort: success on tasks with its band, output tokens against GPT-4o's."""
    from llmplan.quality.listing import model_rows

    rows = model_rows(load_catalog(data))
    if as_json:
        print_json(rows)
        return
    cells = [
        (
            row["model_id"],
            row["effort"],
            _band(row["quality"]["overall"]),
            _band(row["output_token_multiplier"]),
        )
        for row in rows
    ]
    print_table(
        "Models", ("model", "effort", "success on all tasks, %", "output tokens, times GPT-4o's"), cells
    )


def _band(band: dict[str, float]) -> str:
    return f"{band['base']:g} ({band['low']:g}-{band['high']:g})"


def calibrate_quality(output: Output = None, evaluation: Evaluations = None, data: Data = None) -> None:
    """Refit quality and tokens from the tables, with held-out errors, and write the data file."""
    from llmplan.quality.calibrate import calibrate_quality as fit
    from llmplan.quality.calibrate import write_fit
    from llmplan.quality.evaluations import read_evaluations

    figures, items = read_evaluations(evaluation or [])
    document = fit(load_catalog(data), figures, items)
    target = output or (data or data_dir()) / QUALITY_FIT_FILE
    write_fit(document, target)
    print(f"{target}: {document['scores']} scores")
    for name, errors in document["held_out"].items():
        print(f"{name}: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in errors.items()))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("accuracy-quality")(accuracy_quality)
    app.command("accuracy-tokens")(accuracy_tokens)
    app.command("models")(models)
    app.command("calibrate-quality")(calibrate_quality)
