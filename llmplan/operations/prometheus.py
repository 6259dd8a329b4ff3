"""Prometheus alert rules on the metrics that vLLM, SGLang and TGI export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from llmplan.errors import UnknownNameError
from llmplan.operations.monitoring import thresholds
from llmplan.operations.plan import ServingPlan

RATE_WINDOW: Final = "5m"


@dataclass(frozen=True)
class Metrics:
    """Names under which an engine exports what the alarms need; docs/operations.md cites each page.

    `failed_total` counts what went wrong, narrowed by `failed_label`. `selector` picks the plan's model; TGI labels
    nothing with a model, so its scrape job names it.
    """

    ttft_histogram: str | None
    queue_time_histogram: str | None
    tpot_histogram: str
    waiting: str
    running: str
    output_tokens_total: str
    requests_total: str
    kv_cache_share: str | None
    failed_total: str
    failed_label: str
    selector: str


METRICS: Final[dict[str, Metrics]] = {
    "vllm": Metrics(
        ttft_histogram="vllm:time_to_first_token_seconds",
        queue_time_histogram="vllm:request_queue_time_seconds",
        tpot_histogram="vllm:request_time_per_output_token_seconds",
        waiting="vllm:num_requests_waiting",
        running="vllm:num_requests_running",
        output_tokens_total="vllm:generation_tokens_total",
        requests_total="vllm:request_success_total",
        kv_cache_share="vllm:kv_cache_usage_perc",
        failed_total="vllm:request_success_total",
        failed_label=',finished_reason=~"error|abort"',
        selector='{{model_name="{model}"}}',
    ),
    "sglang": Metrics(
        ttft_histogram="sglang:time_to_first_token_seconds",
        queue_time_histogram=None,
        tpot_histogram="sglang:inter_token_latency_seconds",
        waiting="sglang:num_queue_reqs",
        running="sglang:num_running_reqs",
        output_tokens_total="sglang:generation_tokens_total",
        requests_total="sglang:num_requests_total",
        kv_cache_share="sglang:token_usage",
        failed_total="sglang:num_aborted_requests_total",
        failed_label="",
        selector='{{model_name="{model}"}}',
    ),
    "tgi": Metrics(
        ttft_histogram=None,
        queue_time_histogram="tgi_request_queue_duration",
        tpot_histogram="tgi_request_mean_time_per_token_duration",
        waiting="tgi_queue_size",
        running="tgi_batch_current_size",
        output_tokens_total="tgi_request_generated_tokens_sum",
        requests_total="tgi_request_count",
        kv_cache_share=None,
        failed_total="tgi_request_failure",
        failed_label="",
        selector='{{job="{model}"}}',
    ),
}


def metrics_of(engine_id: str) -> Metrics:
    """Return an engine's metric names; UnknownNameError where it exports none that are used here."""
    if engine_id not in METRICS:
        raise UnknownNameError("engine with Prometheus metrics", engine_id, METRICS)
    return METRICS[engine_id]


def selector(plan: ServingPlan, engine_id: str) -> str:
    """Return the label selector of the plan's model in an engine's metrics."""
    return metrics_of(engine_id).selector.format(model=plan.model_id)


def alert_rules(plan: ServingPlan, engine_id: str | None = None) -> dict[str, Any]:
    """Return a Prometheus rule file: one group of alerts with the plan's thresholds."""
    engine = plan.engine_id if engine_id is None else engine_id
    names, at, pick = metrics_of(engine), thresholds(plan), selector(plan, engine)
    rules = [
        *_latency(names, pick, at.ttft_s, at.queue_wait_s, at.tpot_s),
        _rule(
            "LlmQueueTooLong",
            f"{names.waiting}{pick} > {at.queue_requests:.4g}",
            "2m",
            "warning",
            f"More than {at.queue_requests:.4g} requests wait at a replica",
            f"The queue alone uses up the {at.queue_wait_s:.2f} s left in the time to first token.",
        ),
        _rule(
            "LlmReplicaBusy",
            f"avg({names.running}{pick}) > {at.busy_sequences:.4g}",
            "10m",
            "warning",
            f"Replicas run more than {at.busy_sequences:.4g} sequences",
            f"Load is above {plan.utilisation_ceiling:.0%} of what they sustain; scale out.",
        ),
        _rule(
            "LlmReplicaSlow",
            f"rate({names.output_tokens_total}{pick}[{RATE_WINDOW}]) < {at.sick_output_tokens_per_s:.4g} "
            f"and on (instance) {names.waiting}{pick} > 0",
            "10m",
            "critical",
            "A replica is slow although requests wait",
            f"It should make about {at.expected_output_tokens_per_s:.4g} output tokens/s under load.",
        ),
        _rule(
            "LlmFleetAtPlannedPeak",
            f"sum(rate({names.requests_total}{pick}[{RATE_WINDOW}])) > {at.fleet_requests_per_s:.4g}",
            "15m",
            "warning",
            "The fleet carries the peak that it was sized for",
            f"{plan.working_replicas} replicas were planned for {at.fleet_requests_per_s:.4g} requests/s.",
        ),
        _rule(
            "LlmRequestsFailing",
            f"sum(rate({names.failed_total}{pick[:-1]}{names.failed_label}}}[{RATE_WINDOW}])) "
            f"/ sum(rate({names.requests_total}{pick}[{RATE_WINDOW}])) > {at.failed_share:.4g}",
            "5m",
            "critical",
            f"More than {at.failed_share:.0%} of requests fail",
            "Errors, running out of memory, timeouts, or clients that gave up: read the engine's log.",
        ),
        _rule(
            "LlmReplicasMissing",
            f"(count({names.running}{pick}) or vector(0)) < {plan.min_replicas}",
            "5m",
            "critical",
            f"Fewer than {plan.min_replicas} replicas report",
            "Even the mean load is no longer held at the planned utilisation.",
        ),
    ]
    if names.kv_cache_share is not None:
        rules.append(
            _rule(
                "LlmKvCacheFull",
                f"{names.kv_cache_share}{pick} > {at.kv_cache_share:.4g}",
                "10m",
                "warning",
                "The KV cache is fuller than planned",
                f"{plan.concurrency} planned sequences take {at.kv_cache_share:.0%}; contexts have grown.",
            )
        )
    return {"groups": [{"name": f"llm-serving-{plan.model_id}-{engine}", "interval": "30s", "rules": rules}]}


def _latency(
    names: Metrics, pick: str, ttft_s: float, queue_wait_s: float, tpot_s: float
) -> list[dict[str, Any]]:
    rules = []
    if names.ttft_histogram is not None:
        rules.append(
            _rule(
                "LlmTimeToFirstTokenHigh",
                f"{_p95(names.ttft_histogram, pick)} > {ttft_s:.4g}",
                "5m",
                "critical",
                f"95 % of requests should see a first token within {ttft_s:.4g} s",
                "More than 5 % do not.",
            )
        )
    elif names.queue_time_histogram is not None:
        rules.append(
            _rule(
                "LlmTimeToFirstTokenHigh",
                f"{_p95(names.queue_time_histogram, pick)} > {queue_wait_s:.4g}",
                "5m",
                "critical",
                f"95 % of requests should wait at most {queue_wait_s:.4g} s in the queue",
                "What is left of the time to first token after the expected prefill is used up.",
            )
        )
    rules.append(
        _rule(
            "LlmTimePerOutputTokenHigh",
            f"{_p95(names.tpot_histogram, pick)} > {tpot_s:.4g}",
            "5m",
            "critical",
            f"95 % of answers should flow at {tpot_s:.4g} s a token or faster",
            "More than 5 % are slower.",
        )
    )
    return rules


def _p95(histogram: str, pick: str) -> str:
    return f"histogram_quantile(0.95, sum by (le) (rate({histogram}_bucket{pick}[{RATE_WINDOW}])))"


def _rule(name: str, expression: str, wait: str, severity: str, summary: str, text: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "description": text},
    }
