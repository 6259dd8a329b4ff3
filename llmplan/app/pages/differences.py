"""What causes the difference in cost of two scenarios: one differing field after another."""

from __future__ import annotations

from dataclasses import dataclass

from llmplan.app.model import AppModel
from llmplan.errors import LlmplanError
from llmplan.options import evaluate
from llmplan.scenario import Scenario
from llmplan.scenario.text import field_text

SUBJECTS = (
    ("best", "The cheapest option"),
    ("api", "The cheapest frontier API"),
    ("hosted", "The cheapest hosted open model"),
    ("self_hosted", "The cheapest self-hosted"),
)
WORDS = {
    "queries_per_day": "Volume",
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "input_tokens_p95": "Input, 95th percentile",
    "output_tokens_p95": "Output, 95th percentile",
    "cached_input_share": "Cached input",
    "batch_share": "Batch share",
    "profile_id": "Daily profile",
    "peak_to_mean": "Peak over mean",
    "quality_floor": "Quality floor",
    "ttft_limit_ms": "First-token target",
    "tpot_limit_ms": "Token target",
    "latency_percentile": "Targets kept by, % of requests",
    "gpu_price_kind": "GPU prices",
    "utilisation_ceiling": "Utilisation ceiling",
    "spare_replicas": "Spare replicas",
    "engineering_usd_per_month": "Engineering",
    "data_stays_in_house": "Data in house",
    "commercial_use": "Commercial use",
    "api_ids": "APIs",
    "model_ids": "Open models",
    "gpu_ids": "GPUs",
    "task_mix": "Task mix",
}
WITHOUT_COST = ("name", "ranges", "currency_symbol", "currency_per_usd")
LONGEST = 60


@dataclass(frozen=True)
class Step:
    """One differing field: its name, its values in words, and what it adds [USD/month].

    usd_added: None where no option was feasible at that step; the next step carries both.
    """

    words: str
    was: str
    now: str
    usd_added: float | None


@dataclass(frozen=True)
class Difference:
    """The cost of the first and the last scenario (None: nothing feasible) and the steps between."""

    start_usd: float | None
    end_usd: float | None
    steps: tuple[Step, ...]

    @property
    def charted(self) -> tuple[Step, ...]:
        """The steps that changed the cost."""
        return tuple(step for step in self.steps if step.usd_added)


def field_words(field: str) -> str:
    """Return a field's name as people say it."""
    return WORDS.get(field, field.replace("_", " ").capitalize())


def difference(model: AppModel, first: Scenario, last: Scenario, subject: str) -> Difference:
    """Change one differing field after another from `first` to `last` and price each step.

    subject: which option's cost: a kind, or "best" for the cheapest of all.
    """
    start = known = _cost(model, first, subject)
    steps: list[Step] = []
    now = first
    for field in Scenario.model_fields:
        old, new = getattr(first, field), getattr(last, field)
        if old == new or field in WITHOUT_COST:
            continue
        try:
            now = now.but(**{field: new})
            cost = _cost(model, now, subject)
        except LlmplanError:  # a value that only holds together with a later one: priced with that
            now, cost = now.model_copy(update={field: new}), None
        added = cost - known if cost is not None and known is not None else None
        known = cost if cost is not None else known
        steps.append(Step(field_words(field), _short(field, old), _short(field, new), added))
    return Difference(start, _cost(model, last, subject) if steps else start, tuple(steps))


def _cost(model: AppModel, scenario: Scenario, subject: str) -> float | None:
    """Return the monthly cost of the cheapest feasible option of the subject; None where there is none."""
    found = evaluate(scenario, model.catalog, model.options_for(scenario))
    kinds = ("api", "hosted", "self_hosted") if subject == "best" else (subject,)
    place = found.cheapest(*kinds)
    return None if place is None else float(found.monthly_usd[1, place])


def _short(field: str, value: object) -> str:
    text = f"{value:,.6g}" if isinstance(value, float) else field_text(field, value)
    text = text or "all"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
