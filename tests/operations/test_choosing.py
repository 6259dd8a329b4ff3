import math

import pytest

from llmplan.catalog import load_catalog
from llmplan.errors import InputError
from llmplan.operations.choosing import api_tier, longest_sequence, plan_of, self_hosted_place
from llmplan.options import evaluate
from llmplan.replica.memory import weights_gb
from llmplan.scenario import Scenario
from tests.serving import serving_plan

CATALOG = load_catalog()
SCENARIO = Scenario(model_ids=("llama-3.1-8b",), engine_ids=("vllm",))


def test_the_cheapest_feasible_option_becomes_the_plan():
    plan, comparison = serving_plan(SCENARIO, CATALOG), evaluate(SCENARIO, CATALOG)
    item = comparison.options.items[comparison.cheapest("self_hosted")]
    assert plan.option_id == item.option_id and plan.engine_id == "vllm"
    assert plan.requests_per_s == item.requests_per_s[1]
    assert plan.weights_gb == pytest.approx(
        weights_gb(CATALOG.model("llama-3.1-8b"), CATALOG.precision(plan.precision_id))
    )
    assert plan.concurrency <= plan.max_concurrent_sequences
    start, load = CATALOG.assumption("replica-start-s").base, CATALOG.assumption("weights-load-gb-per-s").base
    assert plan.start_s == pytest.approx(start + plan.weights_gb / load)


def test_a_named_option():
    name = "llama-3.1-8b@bf16@1xa100-80gb-sxm@vllm"
    assert serving_plan(SCENARIO, CATALOG, name).gpu_id == "a100-80gb-sxm"
    comparison = evaluate(SCENARIO.but(ttft_limit_ms=1), CATALOG)
    with pytest.raises(InputError, match="option"):
        self_hosted_place(comparison, name)
    with pytest.raises(InputError, match="most often"):
        self_hosted_place(comparison)


def test_an_engine_without_a_launch_command_is_not_chosen():
    only = SCENARIO.but(engine_ids=("lmdeploy",))
    with pytest.raises(InputError, match=r"lmdeploy.*without a launch command"):
        serving_plan(only, CATALOG)
    place = evaluate(only, CATALOG).cheapest("self_hosted")
    name = evaluate(only, CATALOG).options.items[place].option_id
    with pytest.raises(InputError, match="runs in lmdeploy"):
        serving_plan(only, CATALOG, name)
    assert serving_plan(SCENARIO.but(engine_ids=("lmdeploy", "vllm")), CATALOG).engine_id == "vllm"


def test_every_feasible_option_makes_a_plan():
    comparison = evaluate(Scenario(engine_ids=("vllm", "sglang")), CATALOG)
    own = [i for i in comparison.order if comparison.options.items[i].kind == "self_hosted"]
    for place in own[::5]:
        plan = plan_of(comparison, place, CATALOG)
        model = CATALOG.model(plan.model_id)
        assert plan.input_tokens + plan.output_tokens <= plan.context_tokens <= model.max_context_tokens
        assert plan.replicas > SCENARIO.spare_replicas


def test_the_longest_sequence_by_hand():
    assert longest_sequence(1_300, False, 131_072, 100) == 6_144  # 4 x 1,300, up to a step of 1,024
    assert longest_sequence(1_300, False, 4_096, 100) == 4_096
    assert longest_sequence(1_300, False, 131_072, 1) == 2_048  # one such sequence must fit
    assert longest_sequence(3_900, True, 131_072, 100) == 8_192  # 2 x 3,900


def test_the_tier_behind_the_fleet():
    comparison = evaluate(SCENARIO, CATALOG)
    tier = api_tier(comparison, CATALOG)
    assert tier is not None and tier.litellm_model == "openai/gpt-4o"
    usd = comparison.options.items[comparison.options.index("gpt-4o")].usd_per_query
    assert tier.usd_per_month == pytest.approx(0.1 * 50_000 * 30 * usd)
    equal = SCENARIO.but(api_commitments=("hourly",), peak_to_mean=1, token_basis="equal")
    asked = evaluate(equal, CATALOG)
    reserved = api_tier(asked, CATALOG, "azure/gpt-4.1@ptu-hourly", 1e6)
    assert reserved is not None and reserved.usd_per_month == 0
    units = 5 * math.ceil(1_005_000 / 1_440 * (1_000 + 4 * 300) / 3_000 / 5)
    assert reserved.reserved == f"{units} PTU (hourly), {units * 720:,} USD a month"
    in_euros = evaluate(equal.but(currency_symbol="€", currency_per_usd=0.5), CATALOG)
    tier = api_tier(in_euros, CATALOG, "azure/gpt-4.1@ptu-hourly", 1e6)
    assert tier is not None and tier.reserved == f"{units} PTU (hourly), {units * 360:,} € a month"
    assert api_tier(evaluate(SCENARIO.but(data_stays_in_house=True), CATALOG), CATALOG) is None
