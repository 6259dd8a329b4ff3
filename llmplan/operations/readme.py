"""The first page of the operations plan, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmplan.operations.launch import launch_command
from llmplan.operations.monitoring import monitoring_list
from llmplan.operations.plan import ServingPlan
from llmplan.operations.prometheus import METRICS
from llmplan.wording import DOLLAR, Currency

if TYPE_CHECKING:
    from llmplan.operations.gateway import ApiTier
    from llmplan.operations.updates import StorageItem, UpdateWindow


def readme(
    plan: ServingPlan,
    api: ApiTier | None,
    updates: Sequence[UpdateWindow],
    storage: Sequence[StorageItem],
    currency: Currency = DOLLAR,
) -> str:
    """Return README.md: the fleet, what to watch, updates, storage, and what each file is."""
    parts = [_head(plan), _watch(plan), _updates(updates, currency), _storage(storage), _files(plan, api)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(plan: ServingPlan) -> str:
    return f"""# Operations plan: {plan.model_id} {plan.precision_id} in {plan.engine_id}

{plan.replicas} replicas of {plan.n_gpus} x {plan.gpu_id} ({plan.gpus_total} GPUs; {plan.spare_replicas} of
the replicas spare) for {plan.queries_per_day:,.0f} queries a day of
{plan.input_tokens:,.0f} + {plan.output_tokens:,.0f} tokens, peak
{plan.peak_requests_per_s:.3g} requests/s. One replica sustains {plan.requests_per_s:.3g} requests/s
({plan.output_tokens_per_s:,.0f} output tokens/s) with {plan.concurrency} sequences at once, first token after
{plan.ttft_ms:,.0f} ms, then {plan.tpot_ms:.1f} ms a token. These are predictions: measure one replica
before relying on them, then plan again with the measured rate.

Start one replica:

```bash
{launch_command(plan).script()}```"""


def _watch(plan: ServingPlan) -> str:
    rows = [
        f"| {i.signal} | {i.expected:.3g} | {i.alarm:.3g} | {i.unit} | {i.meaning} | {i.action} |"
        for i in monitoring_list(plan)
    ]
    head = [
        "## What to watch",
        "",
        "| signal | expected | alarm | unit | it means | do |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _updates(updates: Sequence[UpdateWindow], currency: Currency) -> str:
    if not updates:
        return ""
    days = sum(window.working_days for window in updates)
    usd = sum(window.usd for window in updates)
    rows = [
        f"| {w.number} | {w.due.isoformat()} | {w.working_days:g} | {currency.amount(w.usd)} | {w.rollout_hours:.1f} |"
        for w in updates
    ]
    head = [
        "## Updates",
        "",
        f"{len(updates)} a year, {days:g} working days, {currency.amount(usd)} {currency.name}. Each: "
        + "; ".join(updates[0].steps)
        + ".",
        "",
        f"| update | due | working days | {currency.name} | rollout, h |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _storage(storage: Sequence[StorageItem]) -> str:
    rows = [f"| {s.place} | {s.copies} | {s.gb_each:.1f} | {s.gb_total:,.0f} | {s.note} |" for s in storage]
    head = ["## Storage for weights", "", "| place | copies | GB each | GB | why |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _files(plan: ServingPlan, api: ApiTier | None) -> str:
    lines = [
        "## Files",
        "",
        "- `launch/`: one script an engine; flags follow from the plan",
        f"- `prometheus/`: alert rules on the metrics of {', '.join(METRICS)} (`rule_files` of Prometheus)",
        "- `kubernetes/`: Deployment and Service; KEDA ScaledObject on queue depth and running sequences",
        "- `plan.json`, `monitoring.csv`, `updates.csv`, `storage.csv`: the same numbers as tables",
    ]
    if plan.engine_id not in METRICS:
        lines.append(
            f"- no alert rules or ScaledObject for {plan.engine_id}: its release exports no count of waiting and "
            "running requests; watch the gateway, or take one of the engines above"
        )
    if api is not None:
        units = f", then {api.reserved} of its reserved capacity," if api.reserved else ""
        lines.append(
            f"- `litellm/config.yaml`: gateway with the fleet first{units} and the API behind it, with a budget"
        )
    return "\n".join(lines)
