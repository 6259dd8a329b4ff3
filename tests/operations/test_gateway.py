import pytest
import yaml
from plan_sample import SAMPLE

from llmplan.errors import InputError
from llmplan.operations import ApiTier, litellm_config
from llmplan.operations.writing import to_yaml

GPT = ApiTier("openai", "gpt-4o", 2.5, 10.0, 4_000.0)
KNOWN = {
    "litellm_params": "model api_base api_key rpm max_parallel_requests timeout stream_timeout "
    "input_cost_per_token output_cost_per_token max_budget budget_duration",
    "router_settings": "routing_strategy num_retries allowed_fails cooldown_time fallbacks "
    "context_window_fallbacks enable_pre_call_checks provider_budget_config",
    "litellm_settings": "request_timeout max_budget budget_duration",
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


def test_budgets_are_the_plan_s_with_headroom():
    document = config()
    assert document["litellm_settings"]["max_budget"] == 5_000
    assert document["router_settings"]["provider_budget_config"] == {
        "openai": {"budget_limit": 5_000.0, "time_period": "30d"}
    }
    assert config(days_per_month=31, budget_headroom=1)["litellm_settings"]["budget_duration"] == "31d"
    with pytest.raises(InputError, match="headroom"):
        litellm_config(SAMPLE, GPT, budget_headroom=0.5)


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
    assert ApiTier(provider, name, 1, 1, 1).litellm_model == expected


def test_no_secret_is_written():
    for provider in ("openai", "bedrock", "vertex-ai"):
        document = config(ApiTier(provider, "m", 1, 1, 1))
        keys = [d["litellm_params"].get("api_key", "os.environ/") for d in document["model_list"]]
        assert all(
            key.startswith("os.environ/") for key in [*keys, document["general_settings"]["master_key"]]
        )
    assert "api_key" not in config(ApiTier("bedrock", "m", 1, 1, 1))["model_list"][1]["litellm_params"]
