from dataclasses import replace

import pytest
import yaml
from plan_sample import SAMPLE, sample

from llmplan.errors import InputError
from llmplan.operations import LAUNCHERS, ApiTier, litellm_config
from llmplan.operations.writing import to_yaml

GPT = ApiTier("openai", "gpt-4o", 2.5, 10.0, 4_000.0, 30)
KNOWN = {
    "litellm_params": "model api_base api_key rpm max_parallel_requests timeout stream_timeout "
    "input_cost_per_token output_cost_per_token max_budget budget_duration",
    "router_settings": "routing_strategy num_retries allowed_fails cooldown_time fallbacks "
    "context_window_fallbacks enable_pre_call_checks",
    "litellm_settings": "request_timeout",
    "general_settings": "master_key",
}
"""Keys of LiteLLM's config.yaml used here; docs/operations.md cites its pages."""


def config(api=GPT, **more):
    return yaml.safe_load(to_yaml(litellm_config(SAMPLE, api, **more)))


def test_only_known_keys():
    document = config()
    assert set(document) == {"model_list", "router_settings", "litellm_settings", "general_settings"}
    for section in ("router_settings", "litellm_settings", "general_settings"):
        assert set(document[section]) <= set(KNOWN[section].split())
    for deployment in document["model_list"]:
        assert set(deployment) == {"model_name", "litellm_params", "model_info"}
        assert set(deployment["litellm_params"]) <= set(KNOWN["litellm_params"].split())


def test_two_tiers_with_a_fallback_between_them():
    document = config()
    fleet, api = document["model_list"]
    assert document["router_settings"]["fallbacks"] == [{fleet["model_name"]: [api["model_name"]]}]
    assert fleet["litellm_params"]["api_base"] == "http://vllm-llama-3-1-70b:8000/v1"
    assert fleet["litellm_params"]["model"] == "openai/llama-3.1-70b"
    assert fleet["litellm_params"]["rpm"] == 672  # 11.2 requests/s
    assert fleet["litellm_params"]["max_parallel_requests"] == 256  # 64 x 4
    assert api["litellm_params"]["input_cost_per_token"] == pytest.approx(2.5e-6)


def test_reserved_units_are_asked_before_the_token_is_paid():
    document = config(replace(GPT, reserved="15 PTU (hourly), 10,800 USD a month"))
    assert [tier["model_name"] for tier in document["model_list"]] == [
        "self-hosted",
        "strong-api-reserved",
        "strong-api",
    ]
    assert document["router_settings"]["fallbacks"] == [
        {"self-hosted": ["strong-api-reserved", "strong-api"]},
        {"strong-api-reserved": ["strong-api"]},
    ]
    assert set(document["model_list"][1]["litellm_params"]) <= set(KNOWN["litellm_params"].split())


def test_the_api_s_budget_is_the_plan_s_with_headroom():
    api = config()["model_list"][1]["litellm_params"]
    assert (api["max_budget"], api["budget_duration"]) == (5_000, "30d")
    longer = config(replace(GPT, days_per_month=31), budget_headroom=1)["model_list"][1]["litellm_params"]
    assert (longer["max_budget"], longer["budget_duration"]) == (4_000, "31d")
    with pytest.raises(InputError, match="headroom"):
        litellm_config(SAMPLE, GPT, budget_headroom=0.5)


def test_a_spent_budget_shuts_out_the_api_alone():
    """The fleet is called by the provider name openai too: a provider's or the proxy's budget would stop it."""
    document = config()
    fleet = document["model_list"][0]["litellm_params"]
    assert fleet["model"].startswith("openai/") and "max_budget" not in fleet
    others = (document["router_settings"], document["litellm_settings"], document["general_settings"])
    assert not any("budget" in key for section in others for key in section)


def test_the_gateway_asks_for_the_model_by_the_name_that_the_engine_answers_to():
    names = {
        engine: litellm_config(sample(engine_id=engine), GPT)["model_list"][0]["litellm_params"]
        for engine in LAUNCHERS
    }
    assert names["vllm"]["model"] == "openai/llama-3.1-70b"
    assert names["tensorrt-llm"]["model"] == "openai/RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8"
    assert names["ollama"]["model"] == "openai/llama3.1:70b-instruct-q8_0"
    assert names["ollama"]["api_base"] == "http://localhost:11434/v1"  # there is no Deployment of it
    local = litellm_config(sample(engine_id="tensorrt-llm", precision_id="w3a16"), GPT)
    assert local["model_list"][0]["litellm_params"]["model"] == "openai/llama-3.1-70b-w3a16"


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        ("google", "gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("together", "together_ai/Qwen/Qwen2.5-72B", "together_ai/Qwen/Qwen2.5-72B"),
        ("deepinfra", "deepinfra/meta-llama/X", "deepinfra/meta-llama/X"),
        ("anthropic", "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
    ],
)
def test_providers_by_litellm_s_names(provider, name, expected):
    assert ApiTier(provider, name, 1, 1, 1, 30).litellm_model == expected


def test_no_secret_is_written():
    for provider in ("openai", "bedrock", "vertex-ai"):
        document = config(ApiTier(provider, "m", 1, 1, 1, 30))
        keys = [d["litellm_params"].get("api_key", "os.environ/") for d in document["model_list"]]
        assert all(
            key.startswith("os.environ/") for key in [*keys, document["general_settings"]["master_key"]]
        )
    assert "api_key" not in config(ApiTier("bedrock", "m", 1, 1, 1, 30))["model_list"][1]["litellm_params"]
