"""The flags that say what an option must meet: data, licence, context, quality, latency, providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from llmplan.errors import InputError

FLAGS: dict[str, Any] = {
    "data_stays_in_house": Annotated[
        bool | None,
        typer.Option(
            "--data-stays-in-house/--data-may-leave", help="No query may leave for an API or a provider."
        ),
    ],
    "commercial_use": Annotated[
        bool | None,
        typer.Option("--commercial/--research", help="Whether licences must allow commercial use."),
    ],
    "monthly_active_users": Annotated[
        int | None, typer.Option(help="Users a month, for licences that set a limit (100M, 700M).")
    ],
    "min_context_tokens": Annotated[int | None, typer.Option(help="Least context window, tokens.")],
    "task_quality_floors": Annotated[
        list[str] | None,
        typer.Option("--task-quality-floor", help="Least quality of a task, as code=0.9; may be repeated."),
    ],
    "ttft_limit_ms": Annotated[
        str | None, typer.Option(help="Target for the time to the first token, ms; none: no target.")
    ],
    "tpot_limit_ms": Annotated[
        str | None, typer.Option(help="Target for the time per output token, ms; none: no target.")
    ],
    "api_providers": Annotated[
        str | None, typer.Option(help="Providers of APIs and hosted models allowed, with commas.")
    ],
    "gpu_providers": Annotated[str | None, typer.Option(help="GPU providers allowed, with commas.")],
    "regions": Annotated[str | None, typer.Option(help="GPU regions allowed, by how they begin, as us,eu.")],
}
"""By scenario field."""
PLAIN = ("data_stays_in_house", "commercial_use", "monthly_active_users", "min_context_tokens")


def constraint_fields(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario fields that the flags in `asked` set; those not given (None) set nothing."""
    from llmplan.scenario.text import field_value

    given = {field: value for field, value in asked.items() if value is not None}
    floors = given.pop("task_quality_floors", None)
    found = {field: value if field in PLAIN else field_value(field, value) for field, value in given.items()}
    return found | ({"task_quality_floors": dict(_floor(text) for text in floors)} if floors else {})


def _floor(text: str) -> tuple[str, float]:
    task, _, number = text.partition("=")
    try:
        return task.strip(), float(number)
    except ValueError:
        fix = "write for example --task-quality-floor code=0.9"
        raise InputError("--task-quality-floor", text, "is not TASK=NUMBER", fix) from None
