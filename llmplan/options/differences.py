"""What causes the difference in cost of two scenarios: one differing field after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmplan.errors import LlmplanError
from llmplan.scenario import Affects, Scenario, fields_that

WITHOUT_COST = fields_that(Affects.SHOWN, Affects.RISK)
"""Fields that no cost depends on."""


@dataclass(frozen=True)
class Step:
    """One differing field, its two values, and what the second one adds. [USD/month]

    usd_added: None where no option was feasible at that step; the next step carries both.
    """

    field: str
    was: object
    now: object
    usd_added: float | None


@dataclass(frozen=True)
class Difference:
    """The cost of the first and the last scenario (None: nothing feasible) and the steps between."""

    start_usd: float | None
    end_usd: float | None
    steps: tuple[Step, ...]


def difference(
    first: Scenario, last: Scenario, monthly_usd: Callable[[Scenario], float | None]
) -> Difference:
    """Change one differing field after another from `first` to `last` and price each step.

    monthly_usd: the cost of a scenario, None where nothing is feasible. The steps add up to the difference.
    """
    start = known = monthly_usd(first)
    steps: list[Step] = []
    present = first
    for field in Scenario.model_fields:
        was, now = getattr(first, field), getattr(last, field)
        if was == now or field in WITHOUT_COST:
            continue
        try:
            present = present.but(**{field: now})
            cost = monthly_usd(present)
        except LlmplanError:  # a value that only holds together with a later one: priced with that
            present, cost = present.model_copy(update={field: now}), None
        added = cost - known if cost is not None and known is not None else None
        known = cost if cost is not None else known
        steps.append(Step(field, was, now, added))
    return Difference(start, monthly_usd(last) if steps else start, tuple(steps))
