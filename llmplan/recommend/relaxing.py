"""What would have to give where nothing is feasible: each limit of a scenario taken away alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llmplan.catalog import Catalog
from llmplan.options import evaluate
from llmplan.scenario import Scenario
from llmplan.wording import Currency

FREE: dict[str, dict[str, Any]] = {
    "the quality floor": {"quality_floor": 0.0, "task_quality_floors": {}},
    "the latency targets": {"ttft_limit_ms": None, "tpot_limit_ms": None, "answer_limit_ms": None},
    "the context that is asked for": {"min_context_tokens": 0},
    "keeping data in house": {"data_stays_in_house": False},
    "the regions": {"regions": ()},
    "the list of providers": {"api_providers": (), "gpu_providers": ()},
    "the choice of APIs and models": {"api_ids": (), "model_ids": ()},
    "the choice of hardware, formats and engines": {"gpu_ids": (), "precision_ids": (), "engine_ids": ()},
    "the limit on GPUs": {"max_gpus": None},
}
"""Limits by name, with the values at which they let everything in."""


@dataclass(frozen=True)
class Relaxed:
    """What would be cheapest without one of the limits, the others held; USD a month."""

    limit: str
    option_id: str
    label: str
    monthly_usd: float


def relaxed(scenario: Scenario, catalog: Catalog) -> tuple[Relaxed, ...]:
    """Return what each limit that is set keeps out, where it does so alone; the cheapest first."""
    rows = []
    for limit, values in FREE.items():
        free = scenario.but(**values)
        if free != scenario:
            found = evaluate(free, catalog)
            if (item := found.recommended) is not None:
                rows.append(Relaxed(limit, item.option_id, item.label, found.best_usd))
    return tuple(sorted(rows, key=lambda row: row.monthly_usd))


def relaxing_sentences(rows: Sequence[Relaxed], money: Currency) -> tuple[str, ...]:
    """Say what would do without each limit, at what cost."""
    if not rows:
        return ("No single limit that is taken away would let anything in.",)
    return tuple(f"Without {row.limit}: {row.label}, {money.whole(row.monthly_usd)} a month." for row in rows)
