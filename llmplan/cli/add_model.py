"""`llmplan add-model`: a model's row of models.csv from its config.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from llmplan.catalog import Catalog, Model
from llmplan.catalog.tables import BY_NAME
from llmplan.cli.output import print_json, print_table
from llmplan.cli.scenario_options import Data, Json, catalog_from

ConfigFile = Annotated[
    Path, typer.Argument(help="A config.json as published on Hugging Face.", metavar="CONFIG")
]


def add_model(
    config: ConfigFile,
    name: Annotated[str | None, typer.Option(help="Its name; default: from where the file lies.")] = None,
    params_b: Annotated[float | None, typer.Option(help="All parameters [1e9]; default: counted.")] = None,
    active_params_b: Annotated[
        float | None, typer.Option(help="Parameters that a token visits [1e9]; default: counted.")
    ] = None,
    context: Annotated[
        int | None, typer.Option(help="Longest context [tokens]; default: its positions.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence id of licences.csv; default: not-stated.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Describe a model from its config.json; with --data, add its row to the models.csv of that folder.

    Shapes are counted: embeddings, attention, experts, linear attention and Mamba, the vision tower. Prediction heads
    for later tokens are left out. What cannot be sized is refused with the reason.
    """
    from llmplan.catalog.editing import add_row
    from llmplan.huggingface.config import read_config
    from llmplan.huggingface.row import model_from_config, name_of

    catalog = catalog_from(data if data is None or any(data.glob("*.csv")) or not data.is_dir() else None)
    if licence is not None:
        catalog.licence(licence)
    model = model_from_config(
        read_config(config),
        name or name_of(config),
        params_b=params_b,
        active_params_b=active_params_b,
        context_tokens=context,
        licence_id=licence,
    )
    row = {key: _cell(value) for key, value in model.model_dump().items()}
    written = add_row(data, BY_NAME["models"], row) if data is not None else None
    shown = _shown(catalog, model)
    if json:
        print_json(shown | {"written_to": None if written is None else str(written)})
        return
    print_table(
        name or model.name,
        ("figure", "value"),
        [(key, _cell(value)) for key, value in shown.items() if value is not None],
    )
    print(
        f"Its row is in {written}."
        if written
        else "Nothing written: --data FOLDER adds the row to its models.csv."
    )


def _shown(catalog: Catalog, model: Model) -> dict[str, Any]:
    """Return what a row says, with what follows from it at 16 bit a cached element and in its native format."""
    from llmplan.replica.memory import kv_cache_bytes_per_token, weights_gb

    row = model.model_dump()
    first = ("model_id", "name", "total_params_b", "active_params_b")
    derived = {
        "kv_cache_bytes_per_token": round(kv_cache_bytes_per_token(model, kv_bytes=2.0), 3),
        "state_bytes_per_sequence": model.state_bytes_per_sequence,
        "context_tokens": model.max_context_tokens,
        "attention": model.attention,
        "weights_gb": weights_gb(model, catalog.precision(model.native_precision_id)),
    }
    return {key: row[key] for key in first} | derived | {k: v for k, v in row.items() if k not in derived}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("add-model")(add_model)
