"""The traps of each format: what is dropped and why, and what a count means there."""

import json
from typing import Any

import pytest

from llmplan.errors import InputError
from llmplan.usage.rows import Row, formats
from llmplan.usage.values import kind_of, moment

FORMATS = formats()
DAY = {"start_time": 1772409600, "end_time": 1772496000}


def rows(name: str, *records: dict[str, Any]) -> list[Row]:
    reader = FORMATS[name]()
    assert FORMATS[name].recognises(records[0])
    return [row for record in records for row in reader.rows(record)]


def counts(row: Row) -> tuple[int | None, ...]:
    """Return input, cached, written, output, reasoning."""
    return (
        row.input_tokens,
        row.cached_tokens,
        row.cache_write_tokens,
        row.output_tokens,
        row.reasoning_tokens,
    )


def litellm(**changes: Any) -> dict[str, Any]:
    call = {
        "request_id": "r1",
        "call_type": "acompletion",
        "spend": 0.1,
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "startTime": "2026-03-02T09:00:00",
        "model": "azure/my-deployment",
        "model_group": "gpt-4o",
        "custom_llm_provider": "openai",
        "metadata": {},
        "cache_hit": "False",
        "status": "success",
    }
    return call | changes


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "ok"),
        ({"status": "failure", "completion_tokens": 0}, "failed_attempt"),
        ({"cache_hit": "True"}, "gateway_cache_hit"),
        ({"cache_hit": "", "request_id": "r1_cache_hit1772442000.5"}, "gateway_cache_hit"),
        ({"prompt_tokens": 0, "completion_tokens": 0}, "no_usage"),
        ({"call_type": "aembedding", "completion_tokens": 0}, "embedding"),
        ({"call_type": "aocr", "prompt_tokens": 0, "completion_tokens": 0}, "non_generation"),
        ({"call_type": "aimage_generation"}, "image"),
        ({"status": None, "metadata": '{"status": "failure"}'}, "failed_attempt"),
    ],
)
def test_litellm_statuses(changes: dict[str, Any], status: str) -> None:
    (row,) = rows("litellm_spendlogs", litellm(**changes))
    assert row.status == status
    assert row.model == "gpt-4o"  # the deployment's alias says nothing


def test_litellm_tells_cached_tokens_in_its_metadata_alone() -> None:
    usage = {"cache_read_input_tokens": 80, "cache_creation_input_tokens": 5}
    told, silent = rows(
        "litellm_spendlogs", litellm(metadata=json.dumps({"usage_object": usage})), litellm(request_id="r2")
    )
    assert counts(told)[1:3] == (80, 5)
    assert counts(silent) == (100, None, None, 10, None)


def test_litellm_responses_logged_twice_count_once() -> None:
    once = litellm(call_type="aresponses")
    again = litellm(request_id="r2", startTime="2026-03-02T09:00:00.700")
    later = litellm(request_id="r3", startTime="2026-03-02T09:05:00")
    assert [row.status for row in rows("litellm_spendlogs", once, again, later)] == ["ok", "duplicate", "ok"]


def test_litellm_daily_table_is_bucketed() -> None:
    row, failed = rows(
        "litellm_daily",
        {
            "date": "2026-03-02",
            "spend": 2.5,
            "api_requests": 12,
            "successful_requests": 10,
            "failed_requests": 2,
            "prompt_tokens": 1000,
            "completion_tokens": 50,
            "cache_read_input_tokens": 0,
            "model_group": "gpt-4o",
        },
    )
    assert (row.n_requests, row.bucket_s, row.cost_usd) == (10, 86_400, 2.5)
    assert (failed.status, failed.n_requests) == ("failed_attempt", 2)


def test_openai_embeddings_and_empty_buckets() -> None:
    embedding = {"object": "organization.usage.embeddings.result", "input_tokens": 7, "num_model_requests": 2}
    page = {
        "object": "page",
        "data": [
            {"object": "bucket", **DAY, "results": []},
            {"object": "bucket", **DAY, "results": [embedding]},
        ],
    }
    (row,) = rows("openai_usage_api", page)
    assert (row.status, row.n_requests) == ("embedding", 2)
    reader = FORMATS["openai_usage_csv"]()
    assert list(reader.rows({**{k: str(v) for k, v in DAY.items()}, "num_model_requests": ""})) == []


def test_openai_costs_are_text_at_times_and_first_buckets_empty() -> None:
    result = {"amount": {"value": "0.0340", "currency": "usd"}, "line_item": "gpt-4o, input"}
    page = {
        "object": "page",
        "data": [
            {"object": "bucket", **DAY, "results": []},
            {"object": "bucket", **DAY, "results": [result]},
        ],
    }
    (row,) = rows("openai_costs", page)
    assert (row.cost_usd, row.kind, row.n_requests) == (0.034, "bill", None)
    assert not FORMATS["openai_usage_api"].recognises(page)
    result["amount"]["currency"] = "eur"  # type: ignore[index]
    with pytest.raises(InputError, match="US dollars"):
        rows("openai_costs", page)


def langfuse(**changes: Any) -> dict[str, Any]:
    observation = {
        "id": "o1",
        "type": "GENERATION",
        "start_time": "2026-03-02 09:00:00.000",
        "usage_details": {"input": 100, "output": 10},
    }
    return observation | changes


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # disjoint, by contract and by the total
        ({"input": 100, "input_cached_tokens": 80, "output": 10, "total": 190}, (180, 80, 0, 10, 0)),
        ({"input": 100, "cache_read_input_tokens": 80, "output": 10}, (180, 80, 0, 10, 0)),
        # an SDK that leaves the cached tokens inside the input
        ({"input": 100, "input_cached_tokens": 80, "output": 10, "total": 110}, (100, 80, 0, 10, 0)),
        ({"input": 9, "output": 10, "output_reasoning_tokens": 30}, (9, 0, 0, 40, 30)),
        ({"input": 9, "output": 40, "output_reasoning_tokens": 30, "total": 49}, (9, 0, 0, 40, 30)),
        ({"input": 9, "input_audio_tokens": 5, "input_cache_creation": 6, "output": 1}, (20, 0, 6, 1, 0)),
    ],
)
def test_langfuse_buckets(usage: dict[str, int], expected: tuple[int, ...]) -> None:
    (row,) = rows("langfuse_observations", langfuse(usage_details=usage))
    assert counts(row) == expected


def test_langfuse_interface_export_and_agents() -> None:
    camel = {"type": "GENERATION", "startTime": "2026-03-02T09:00:00Z", "inputUsage": 50, "outputUsage": 5}
    (row,) = rows("langfuse_observations", camel)
    assert counts(row) == (50, None, None, 5, None)
    statuses = [langfuse(type=kind) for kind in ("AGENT", "EMBEDDING")] + [
        langfuse(type="SPAN", usage_details={})
    ]
    found = [row.status for row in rows("langfuse_observations", *statuses)]
    assert found == ["parent_rollup", "embedding", "non_generation"]


def test_helicone_unknown_counts_and_failures() -> None:
    call = {
        "response_id": "a",
        "request_id": "q",
        "request_created_at": "2026-03-02T09:00:00.000Z",
        "prompt_tokens": -1,
        "completion_tokens": -1,
        "response_status": 200,
    }
    failed = call | {"response_status": -3, "prompt_tokens": 5}
    csv = call | {"prompt_tokens": "12", "completion_tokens": "3", "cost": "", "latency": ""}
    found = rows("helicone", call, failed, csv)
    assert [row.status for row in found] == ["no_usage", "failed_attempt", "ok"]
    assert counts(found[2]) == (12, None, None, 3, None)


def test_openrouter_own_keys_are_paid_elsewhere() -> None:
    generation = {
        "generation_id": "g",
        "created_at": "2026-03-02 09:00:00.040",
        "cost_total": "0",
        "byok_usage_inference": "0.25",
        "tokens_prompt": "10",
        "tokens_completion": "0",
        "cancelled": "true",
    }
    stopped, kept = rows("openrouter_activity_csv", generation, generation | {"tokens_completion": "4"})
    assert (stopped.status, kept.status, kept.cost_usd) == ("aborted", "ok", 0.25)


@pytest.mark.parametrize(("cost", "usd"), [(0.027, 0.00027), (0.00027, 0.00027)])
def test_portkey_costs_in_cents_or_dollars(cost: float, usd: float) -> None:
    """1,000 and 200 tokens of gpt-4o-mini are $0.00027 at $0.15 and $0.60 a million."""
    call = {
        "id": "p",
        "created_at": "2026-03-02T09:00:00Z",
        "ai_model": "gpt-4o-mini",
        "req_units": 1000,
        "res_units": 200,
        "cost": cost,
        "cost_currency": "USD",
    }
    (row,) = rows("portkey_logs", call)
    assert row.cost_usd == pytest.approx(usd)


def test_kong_before_3_8_and_its_cache() -> None:
    old = {
        "started_at": 1772442000123,
        "response": {"status": 200},
        "ai": {"ai-proxy": {"usage": {"prompt_token": 7, "completion_token": 2}}},
    }
    hit = {
        "started_at": 1772442000123,
        "response": {"status": 200},
        "ai": {"proxy": {"usage": {"prompt_tokens": 7}, "cache": {"cache_status": "Hit"}}},
    }
    first, second = rows("kong_ai_log", old, hit)
    assert counts(first) == (7, None, None, 2, None)
    assert second.status == "gateway_cache_hit"


def test_cloudflare_fallbacks_and_cache() -> None:
    step = {"created_at": "2026-03-02 09:00:00", "tokens_in": 5, "tokens_out": 1, "success": True}
    tries = [step | {"success": False, "id": "a"}, step | {"step": 1, "id": "b"}, step | {"cached": True}]
    found = rows("cloudflare_ai_gateway", {"result": tries})
    assert [row.status for row in found] == ["failed_attempt", "ok", "gateway_cache_hit"]


def span(name: str = "chat", **attributes: Any) -> dict[str, Any]:
    said = {"gen_ai.operation.name": name, **attributes}
    values = [
        {"key": key, "value": {"intValue" if isinstance(value, int) else "stringValue": str(value)}}
        for key, value in said.items()
    ]
    return {"spanId": "s", "startTimeUnixNano": "1772442000000000000", "attributes": values}


def test_spans_of_old_conventions_errors_and_agents() -> None:
    old = span(
        **{
            "gen_ai.usage.prompt_tokens": 50,
            "gen_ai.usage.completion_tokens": 5,
            "gen_ai.usage.cache_read_input_tokens": 20,
        }
    )
    failed = span(**{"gen_ai.usage.input_tokens": 5}) | {"status": {"code": 2}}
    agent = span("invoke_agent", **{"gen_ai.usage.input_tokens": 55, "gen_ai.usage.output_tokens": 5})
    tool, http = span("execute_tool"), {"spanId": "h", "startTimeUnixNano": "1772442000000000000"}
    batch = {"resourceSpans": [{"scopeSpans": [{"spans": [old, failed, agent, tool, http]}]}]}
    found = rows("otlp_genai", batch)
    assert counts(found[0]) == (50, 20, None, 5, None)
    expected = ["ok", "failed_attempt", "parent_rollup", "non_generation", "structure"]
    assert [row.status for row in found] == expected
    inference = span(**{"llm.request.type": "embedding", "llm.token_count.prompt": 9})
    inference["attributes"] = inference["attributes"][1:]
    (row,) = rows("otlp_genai", {"resourceSpans": [{"scopeSpans": [{"spans": [inference]}]}]})
    assert (row.status, row.input_tokens) == ("embedding", 9)


def test_bedrock_input_stands_beside_its_cache() -> None:
    call = {
        "timestamp": "2026-03-02T09:00:17Z",
        "operation": "Converse",
        "modelId": "us.anthropic.claude-sonnet-4-20250514-v1:0",
        "input": {"inputTokenCount": 10, "cacheReadInputTokenCount": 90, "cacheWriteInputTokenCount": 4},
        "output": {"outputTokenCount": 3},
    }
    embedding = call | {"modelId": "amazon.titan-embed-text-v2:0"}
    found = rows("bedrock_invocation", call, call | {"errorCode": "ThrottlingException"}, embedding)
    assert counts(found[0]) == (104, 90, 4, 3, None)
    assert [row.status for row in found] == ["ok", "failed_attempt", "embedding"]


def test_azure_portal_headings_and_message_rows() -> None:
    token = {
        "TimeGenerated [UTC]": "3/2/2026, 9:00:00.123 AM",
        "CorrelationId": "c",
        "PromptTokens": "10",
        "CompletionTokens": "2",
        "SequenceNumber": "0",
        "ModelName": "gpt-4o",
    }
    message = token | {"SequenceNumber": "1", "PromptTokens": "", "CompletionTokens": ""}
    # A message's row may begin its own numbers.
    headless = message | {"SequenceNumber": "0", "ModelName": ""}
    first, second, third = rows("azure_apim_llm", token, message, headless)
    assert [row.status for row in (first, second, third)] == ["ok", "message_part", "message_part"]
    assert first.ts_us == 1772442000123000


def test_vertex_thoughts_tools_and_claude() -> None:
    call = {"logging_time": "2026-03-02 09:00:00 UTC", "request_id": "1", "model": "x/gemini-2.5-flash"}
    usage = {"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "thoughtsTokenCount": 7}
    claude = {"input_tokens": 3, "cache_read_input_tokens": 90, "output_tokens": 2}
    found = rows(
        "vertex_gemini",
        call | {"full_response": json.dumps({"usageMetadata": usage})},
        call | {"full_response": {"usage": claude}},
        call | {"full_response": {"error": {"code": 429}}},
        call | {"full_response": [{"usageMetadata": {"promptTokenCount": 1}}, {"usageMetadata": usage}]},
        call | {"full_response": {"usage": {"prompt_tokens": 8, "completion_tokens": 2}}},
    )
    assert counts(found[4])[::3] == (8, 2)
    assert counts(found[0]) == counts(found[3]) == (15, 0, None, 7, 7)
    assert counts(found[1]) == (93, 90, 0, 2, None)
    assert found[2].status == "failed_attempt"


def scrape(at_s: int, *samples: tuple[str, dict[str, str], float]) -> dict[str, Any]:
    return {"ts_us": at_s * 1_000_000, "metrics": list(samples)}


def test_engine_counters_start_anew_and_duplicates_are_passed_over() -> None:
    labels = {"model_name": "m", "engine": "0"}

    def at(second: int, prompt: float, hits: float, stopped: float) -> dict[str, Any]:
        return scrape(
            second,
            ("vllm:prompt_tokens_total", labels, prompt),
            ("vllm:prompt_tokens_created", labels, 1.7e9),
            ("vllm:prefix_cache_hits_total", labels, hits),
            ("vllm:gpu_prefix_cache_hits_total", labels, hits),
            ("vllm:request_success_total", labels | {"finished_reason": "stop"}, stopped),
        )

    found = rows("vllm_metrics", at(0, 100, 10, 5), at(60, 160, 30, 8), at(120, 40, 4, 2))
    assert [counts(row)[:2] for row in found] == [(60, 20), (40, 4)]
    assert [(row.n_requests, row.bucket_s) for row in found] == [(3, 60), (2, 60)]


def test_an_engine_started_anew_counts_all_from_zero() -> None:
    """Its prompts fell, so its answers, though more than before, are all since; its neighbour went on."""

    def at(second: int, prompt: float, made: float) -> dict[str, Any]:
        samples = [
            (f"vllm:{name}_total", {"model_name": "m", "engine": engine}, value)
            for engine in "01"
            for name, value in (("prompt_tokens", prompt), ("generation_tokens", made))
        ]
        samples[2:] = [(name, labels, 1000 + second) for name, labels, _ in samples[2:]]
        # A gauge that falls says nothing.
        return scrape(second, *samples, ("vllm:num_requests_running", {"model_name": "m"}, 9 - second / 60))

    (row,) = rows("vllm_metrics", at(0, 100, 5), at(60, 40, 8))
    assert counts(row)[0] == 40 + 60
    assert counts(row)[3] == 8 + 60


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("@cf/baai/bge-reranker-base", "rerank"),
        ("@cf/baai/bge-m3", "embedding"),
        ("bge-large-en-v1.5", "embedding"),
        ("voyage-3-large", "embedding"),
        ("gpt-4o-mini-tts", "audio"),
        ("gpt-4o-audio-preview", None),
        ("gpt-4o-mini", None),
    ],
)
def test_kinds_of_models(model: str, kind: str | None) -> None:
    assert kind_of(model) == kind


def test_burstgpt_failures_and_mooncake_blocks() -> None:
    failed = {"Timestamp": "5", "Model": "GPT-4", "Request tokens": "10", "Response tokens": "0"}
    assert rows("burstgpt", failed)[0].status == "failed_attempt"
    request = {"timestamp": 0, "input_length": 600, "output_length": 1, "hash_ids": [7, 8]}
    first, second = rows("mooncake", request, request)
    # The second block is not full: it cannot be served from a cache of whole blocks.
    assert (first.cached_tokens, second.cached_tokens) == (0, 512)


def test_span_ids_are_one_within_a_trace_alone() -> None:
    usage = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 1}
    spans = [span(**usage) | {"traceId": trace} for trace in ("one", "two", "one")]
    first, second, again = rows("otlp_genai", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    assert first.key == again.key and first.span == again.span
    assert first.key != second.key and first.span != second.span


def test_streams_tell_their_input_at_the_start_and_their_output_at_the_end() -> None:
    parts = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 3, "cache_read_input_tokens": 90}}},
        {"type": "message_delta", "usage": {"output_tokens": 7}},
    ]
    bedrock = {
        "timestamp": "2026-03-02T09:00:17Z",
        "operation": "InvokeModelWithResponseStream",
        "modelId": "anthropic.claude-haiku-4-5-20251001-v1:0",
        "input": {},
        "output": {"outputBodyJson": parts},
    }
    vertex = {"logging_time": "2026-03-02 09:00:00 UTC", "request_id": "1", "response_payload": parts}
    for name, call in (("bedrock_invocation", bedrock), ("vertex_gemini", vertex)):
        assert counts(rows(name, call)[0])[:4] == (93, 90, 0, 7)


def test_stores_and_sessions_are_no_requests() -> None:
    result = {"object": "organization.usage.vector_stores.result", "usage_bytes": 9}
    (row,) = rows("openai_usage_api", {"object": "bucket", **DAY, "results": [result]})
    assert row.status == "non_generation"


def test_engines_scraped_side_by_side_have_counters_of_their_own() -> None:
    """Two engines with the same labels, scraped at the same times into files named after them."""

    def at(second: int, source: str, prompt: float) -> dict[str, Any]:
        return scrape(second, ("vllm:prompt_tokens_total", {"model_name": "m"}, prompt)) | {"source": source}

    found = rows("vllm_metrics", at(0, "a", 100), at(0, "b", 900), at(60, "a", 160), at(60, "b", 905))
    assert [(row.input_tokens, row.bucket_s) for row in found] == [(60, 60), (5, 60)]


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02T09:00:00",
        "2026-03-02 10:00:00.000 +0100",
        "2026-03-02T09:00:00.000000000Z",
        "2026-03-02 09:00:00+00",
        "2026/03/02 09:00:00",
        "3/2/2026, 9:00:00 AM",
        "Mon, 02 Mar 2026 09:00:00 GMT",
        "Mon Mar 02 2026 09:00:00 GMT+0000 (Coordinated Universal Time)",
        "02/Mar/2026:09:00:00 +0000",
        1_772_442_000,
        "1772442000000",
        1_772_442_000_000_000,
        "1772442000000000000",
    ],
)
def test_times_as_tools_write_them(written: object) -> None:
    assert moment({"at": written}, "at") == 1_772_442_000_000_000
