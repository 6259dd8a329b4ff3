"""A scenario that rests on the user's own measurements: where they count, and where none does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmplan.catalog import Catalog
from llmplan.measurements import (
    MeasuredPoint,
    apply_measured,
    read_points_of,
    resting_points,
    with_measured,
)
from llmplan.measurements.use import LENGTH_TOLERANCE
from llmplan.options.configurations import self_hosted_grid, sized
from llmplan.replica import Capacity, Configurations, ReplicaConfig
from llmplan.scenario import Scenario

if TYPE_CHECKING:
    from llmplan.options.table import Options


def sized_or_measured(
    catalog: Catalog, scenario: Scenario, configurations: Configurations | None = None
) -> tuple[Configurations, Capacity, Sequence[MeasuredPoint | None]]:
    """Return the configurations, what one replica of each serves, and the measurement that it rests on, if any.

    configurations: those to ask about; None: the scenario's grid, and every measured replica that it allows.
    """
    if scenario.measured_csv is None:
        grid, found = sized(catalog, scenario, configurations)
        return grid, found, [None] * len(grid)
    points = read_points_of(catalog, scenario.measured_csv)
    if configurations is None:
        grid = self_hosted_grid(catalog, scenario)
        configurations = with_measured(catalog, grid, points, partial(_allows, scenario))
    grid, found = sized(catalog, scenario, configurations)
    asked = (scenario.input_tokens, scenario.output_tokens, scenario.ttft_limit_ms, scenario.tpot_limit_ms)
    return grid, apply_measured(found, grid, points, *asked), resting_points(grid, points, *asked)


def _allows(scenario: Scenario, config: ReplicaConfig) -> bool:
    """Say whether the scenario's model, formats, GPUs and engines leave a configuration in."""
    wished = (
        (config.model_id, scenario.model_ids),
        (config.precision_id, scenario.precision_ids),
        (config.gpu_id, scenario.gpu_ids),
        (config.engine_id, scenario.engine_ids),
    )
    return all(not names or name in names for name, names in wished)


def measurements_used(options: Options) -> str:
    """Return, as a sentence, how many options rest on the scenario's measurements, and why if none does."""
    asked = options.scenario
    file, used = Path(asked.measured_csv or "").name, sum(1 for item in options.items if item.measured_by)
    if used:
        return f"{used} option{'s' if used > 1 else ''} of {len(options)} rest on {file}, the others on predictions"
    return (
        f"no option rests on {file}: lengths must lie within {LENGTH_TOLERANCE:.0%} of "
        f"{asked.input_tokens:,.0f} + {asked.output_tokens:,.0f} tokens, on a replica that the scenario allows"
    )
