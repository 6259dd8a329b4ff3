"""A LiteLLM proxy configuration for the hybrid: the fleet first, then reserved units, an API with a budget behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from llmplan.errors import InputError
from llmplan.operations.deployment import IMAGES
from llmplan.operations.launch import launch_command
from llmplan.operations.monitoring import Thresholds, thresholds
from llmplan.operations.plan import ServingPlan
from llmplan.operations.scaling import deployment_name
from llmplan.units import MS_PER_S, S_PER_MINUTE, TOKENS_PER_MTOK

FLEET_TIER: Final = "self-hosted"
API_TIER: Final = "strong-api"
RESERVED_TIER: Final = "strong-api-reserved"
PREFIXES: Final = {
    "google": "gemini",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "huggingface-nebius": "huggingface",
    "vertex-ai": "vertex_ai",
}
"""Our provider ids -> LiteLLM's where they differ."""
CLOUD_LOGINS: Final = ("bedrock", "vertex_ai")
"""Providers that LiteLLM reaches with the cloud's own credentials, not with a key in the file."""

PAID_OTHERWISE: Final = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
"""What LiteLLM books for a tier that is paid by the hour."""


@dataclass(frozen=True)
class ApiTier:
    """The API of the hybrid.

    Attributes
    ----------
    provider, provider_model: as in data/api_prices.csv.
    input_usd_per_mtok, output_usd_per_mtok: what LiteLLM books. [USD/Mtok]
    usd_per_month: what the plan expects to spend on it; the budget is this with its headroom. [USD/month]
    reserved: units of its capacity that are asked before it, in words; "": none.
    """

    provider: str
    provider_model: str
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    usd_per_month: float
    days_per_month: float
    reserved: str = ""

    @property
    def litellm_provider(self) -> str:
        return PREFIXES.get(self.provider, self.provider)

    @property
    def litellm_model(self) -> str:
        """Provider prefix and model, the prefix once."""
        prefix = f"{self.litellm_provider}/"
        return self.provider_model if self.provider_model.startswith(prefix) else prefix + self.provider_model

    @property
    def key_variable(self) -> str:
        return self.litellm_provider.upper().replace("-", "_") + "_API_KEY"


def litellm_config(plan: ServingPlan, api: ApiTier, budget_headroom: float = 1.25) -> dict[str, Any]:
    """Return config.yaml of the LiteLLM proxy.

    Two tiers by name, three where units are reserved, which are paid whatever they answer. The fleet's requests a
    minute are capped at what it sustains at the ceiling; whatever fails or does not fit falls back to the tier behind
    it, last to the API, whose budget is the plan's with `budget_headroom`. The budget is the API deployment's own: one
    of the provider or of the whole proxy would shut the fleet out with the API.
    """
    if not budget_headroom >= 1:
        raise InputError("budget_headroom", budget_headroom, "must be at least 1", "give 1.25")
    at = thresholds(plan)
    seconds = 4 * (at.ttft_s + at.tpot_s * plan.output_tokens)
    tiers = {FLEET_TIER: _fleet(plan, at, seconds)}
    tiers |= {RESERVED_TIER: _reserved(api)} if api.reserved else {}
    tiers[API_TIER] = _api(api, round(max(1.0, api.usd_per_month * budget_headroom), 2))
    names = list(tiers)
    return {
        "model_list": [
            {"model_name": name, "litellm_params": params, "model_info": {"mode": "chat"}}
            for name, params in tiers.items()
        ],
        "router_settings": {
            "routing_strategy": "simple-shuffle",
            "num_retries": 1,
            "allowed_fails": 3,
            "cooldown_time": 30,
            "fallbacks": [{name: names[at:]} for at, name in enumerate(names[:-1], start=1)],
            "context_window_fallbacks": [{FLEET_TIER: names[1:]}],
            "enable_pre_call_checks": True,
        },
        "litellm_settings": {"request_timeout": round(max(seconds, plan.ttft_ms / MS_PER_S), 1)},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }


def _fleet(plan: ServingPlan, at: Thresholds, seconds: float) -> dict[str, Any]:
    command = launch_command(plan)
    host = deployment_name(plan) if plan.engine_id in IMAGES else "localhost"
    return {
        "model": f"openai/{command.served_name}",
        "api_base": f"http://{host}:{command.port}/v1",
        "api_key": "os.environ/SELF_HOSTED_API_KEY",
        "rpm": max(1, int(at.fleet_requests_per_s * S_PER_MINUTE)),
        "max_parallel_requests": plan.concurrency * plan.working_replicas,
        "timeout": round(seconds, 1),
        "stream_timeout": round(2 * at.ttft_s, 2),
        **PAID_OTHERWISE,
    }


def _reserved(api: ApiTier) -> dict[str, Any]:
    return {
        "model": api.litellm_model,
        "api_base": "os.environ/RESERVED_API_BASE",
        "api_key": "os.environ/RESERVED_API_KEY",
        **PAID_OTHERWISE,
    }


def _api(api: ApiTier, budget_usd: float) -> dict[str, Any]:
    return {
        "model": api.litellm_model,
        **({} if api.litellm_provider in CLOUD_LOGINS else {"api_key": f"os.environ/{api.key_variable}"}),
        "input_cost_per_token": _per_token(api.input_usd_per_mtok),
        "output_cost_per_token": _per_token(api.output_usd_per_mtok),
        "max_budget": budget_usd,
        "budget_duration": f"{round(api.days_per_month)}d",
    }


def _per_token(usd_per_mtok: float) -> float:
    """USD a token without the last bits of a division."""
    return float(f"{usd_per_mtok / TOKENS_PER_MTOK:.12g}")
