"""What a model at an effort gives to all of its options: quality, tokens, and why a floor keeps it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llmplan.arrays import Floats
from llmplan.options.constraints import (
    quality_reasons,
)
from llmplan.options.standing import (
    lengths_of,
)
from llmplan.quality.ability import Band
from llmplan.quality.floor import assured_quality
from llmplan.quality.variants import Standing
from llmplan.scenario import Scenario


def quality_columns(scenario: Scenario, standings: Sequence[Standing], losses: Sequence[float]) -> Floats:
    """Return quality after a format's loss, its deviation, today's, and the highest floor that it reaches, (4, n)."""
    rows = [known.moments(lost) for known, lost in zip(standings, losses, strict=True)]
    columns = np.array(rows, float).reshape(-1, 3).T
    return np.concatenate([columns, assured_quality(scenario.floor_chance, *columns)[None]])


def standing_of_option(
    scenario: Scenario, standing: Standing, known: Sequence[float], loss: float = 0.0
) -> dict[str, Any]:
    """Return the fields of an option that its model at its effort gives, after a format's loss of quality.

    known: its column of `quality_columns`.
    """
    spent = vars(standing.output_factor).values()
    low, base, high = (value * scenario.output_tokens for value in spent)
    quality, sd, today_sd, assured = known
    lengths = lengths_of(scenario, standing)
    return {
        "quality": quality,
        "quality_sd": sd,
        "today_sd": today_sd,
        "assured_quality": assured,
        "quality_stands_on": standing.stands_on,
        "success": Band(*(value * (1 - loss) for value in vars(standing.success).values())),
        "lengths": lengths,
        "tokens": lengths.input + lengths.output,
        "output_tokens": Band(low, base, high),
    }


def under_floor(
    floor: float, scenario: Scenario, standing: Standing, assured: float, loss: float = 0.0
) -> tuple[list[str], float | None]:
    """Return why a model at an effort misses the overall floor, and the probability that it reaches it, if one is set."""
    meets = standing.meets(floor, loss) if floor > 0 else None
    return quality_reasons(floor, scenario, standing, loss, assured), meets
