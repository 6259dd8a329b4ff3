import re

import pytest
import yaml
from plan_sample import SAMPLE, sample

from llmplan.errors import UnknownNameError
from llmplan.operations import METRICS, alert_rules
from llmplan.operations.writing import to_yaml

EXPORTED = {
    "vllm": """
        vllm:time_to_first_token_seconds_bucket vllm:request_time_per_output_token_seconds_bucket
        vllm:num_requests_waiting vllm:num_requests_running vllm:generation_tokens_total
        vllm:request_success_total vllm:kv_cache_usage_perc""",
    "sglang": """
        sglang:time_to_first_token_seconds_bucket sglang:inter_token_latency_seconds_bucket
        sglang:num_queue_reqs sglang:num_running_reqs sglang:generation_tokens_total
        sglang:num_requests_total sglang:token_usage sglang:num_aborted_requests_total""",
    "tgi": """
        tgi_request_queue_duration_bucket tgi_request_mean_time_per_token_duration_bucket
        tgi_queue_size tgi_batch_current_size tgi_request_generated_tokens_sum tgi_request_count
        tgi_request_failure""",
}
"""Series as the engines' own pages list them; docs/operations.md cites each."""


@pytest.mark.parametrize("engine", METRICS)
def test_only_series_that_the_engine_exports(engine):
    text = " ".join(rule["expr"] for rule in alert_rules(SAMPLE, engine)["groups"][0]["rules"])
    used = set(re.findall(r"(?:vllm|sglang):\w+|tgi_\w+", text))
    assert used and used <= set(EXPORTED[engine].split())


@pytest.mark.parametrize("engine", METRICS)
def test_the_file_has_the_form_of_a_rule_file(engine):
    document = yaml.safe_load(to_yaml(alert_rules(SAMPLE, engine)))
    assert list(document) == ["groups"]
    (group,) = document["groups"]
    assert set(group) == {"name", "interval", "rules"}
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) >= 7
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", rule["alert"]) and re.fullmatch(r"\d+[smh]", rule["for"])
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["expr"].count("{") == rule["expr"].count("}")
        assert rule["labels"]["severity"] in ("warning", "critical")


def expression(engine, alert, **changes):
    rules = alert_rules(sample(**changes), engine)["groups"][0]["rules"]
    return next(rule["expr"] for rule in rules if rule["alert"] == alert)


def test_levels_are_the_plan_s():
    assert expression("vllm", "LlmTimeToFirstTokenHigh").endswith("> 2")
    assert expression("vllm", "LlmTimeToFirstTokenHigh", ttft_limit_ms=750).endswith("> 0.75")
    assert expression("tgi", "LlmTimeToFirstTokenHigh").endswith("> 1.5")  # only the queue is exported
    assert expression("sglang", "LlmQueueTooLong") == 'sglang:num_queue_reqs{model_name="llama-3.1-70b"} > 6'
    assert "< 420 and on (instance)" in expression("vllm", "LlmReplicaSlow")
    assert expression("vllm", "LlmRequestsFailing") == (
        'sum(rate(vllm:request_success_total{model_name="llama-3.1-70b",finished_reason=~"error|abort"}[5m])) '
        '/ sum(rate(vllm:request_success_total{model_name="llama-3.1-70b"}[5m])) > 0.01'
    )
    assert 'tgi_request_failure{job="llama-3.1-70b"}' in expression("tgi", "LlmRequestsFailing")
    assert expression("vllm", "LlmReplicasMissing").endswith(" or vector(0)) < 3")


def test_ollama_exports_nothing():
    with pytest.raises(UnknownNameError, match="ollama"):
        alert_rules(SAMPLE, "ollama")
