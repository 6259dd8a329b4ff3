"""The article's claims: verdicts checked by hand, and that they follow the data."""

import pytest

from llmplan.catalog import Catalog, load_catalog
from llmplan.claims import VERDICTS, CheckedClaim, check_claim, check_claims
from llmplan.claims.context import Context, requests_per_minute
from llmplan.claims.document import MARKS, MEANINGS
from llmplan.claims.implied import (
    implied_fleet_usd,
    implied_gpus,
    implied_tokens,
    implied_volume,
    least_usd_per_query,
)
from llmplan.claims.verdicts import Finding, judge, number
from llmplan.cost.hidden import LowBaseHigh
from llmplan.errors import InputError, UnknownNameError


@pytest.fixture(scope="module")
def checked() -> dict[str, CheckedClaim]:
    return {item.claim.claim_id: item for item in check_claims()}


def checked_with(catalog: Catalog, *claim_ids: str) -> dict[str, CheckedClaim]:
    context = Context.of(catalog)
    return {claim_id: check_claim(context, catalog.claims[claim_id]) for claim_id in claim_ids}


BY_HAND = {
    "mixtral-8x22b-active": "does not hold",  # 39B, not 36B
    "deepseek-v3-active": "holds",
    "mistral-large-2-licence": "does not hold",  # research licence, not Apache 2.0
    "mixtral-8x22b-licence": "holds",
    "deepseek-v3-licence": "does not hold",  # the 2024 weights are under the model licence
    "llama-3.1-70b-licence": "holds within range",  # conditions above 700 million users
    "tgi-status": "does not hold",  # maintenance mode
    "405b-fp16-8x-a100-fits": "does not hold",  # 812 GB against 640 GB
    "405b-int4-2x-a100-fits": "does not hold",  # some 210 GB against 160 GB
    "70b-fp16-2x-a100-fits": "holds",
    "8b-int4-1x-t4-cost": "does not hold",  # on demand 367 to 379
    "8b-fp16-1x-a10g-cost": "does not hold",  # on demand from 724
    "api-gpt-4o-10000": "does not hold",  # 3,000 for the stated tokens
    "api-sonnet-100000": "does not hold",  # 40,500
    "hidden-total": "holds",  # 2,300 to 5,900
    "engineering-10k": "does not hold",  # below its own DevOps line
    "int4-memory": "does not hold",  # 141.2 / 39.8 = 3.5
    "hybrid-self-hosted-query": "does not hold",  # least 0.0016
    "hybrid-sonnet-query": "does not hold",  # 0.0135 or 0.0105
    "hybrid-saving": "does not hold",  # 65.3
    "hybrid-blend": "holds within range",  # 0.0052, as printed in thousandths
    "tokens-input": "does not hold",  # 1,000, not 2,000
    "tokens-output": "holds",  # 500
    "gpu-10000": "depends",  # 1,944 at the median, 814 to 3,650
    "405b-fp16-8x-a100-memory": "holds",  # 8 x 80 GB
    "api-cheaper-at-10000": "holds within range",  # the cheapest fleet, 3,209, is below Sonnet's 4,050
    "summarisation-match": "holds",  # success of the fit
    "vllm-feature": "holds",  # PagedAttention, continuous batching
    "ollama-utilisation": "cannot be checked",  # no measured rate in the data
    "vllm-setup": "cannot be checked",
    "tone-short": "cannot be checked",
}


@pytest.mark.parametrize(("claim_id", "verdict"), BY_HAND.items())
def test_by_hand(checked: dict[str, CheckedClaim], claim_id: str, verdict: str) -> None:
    assert checked[claim_id].verdict == verdict


def test_the_figures_behind_the_verdicts(checked: dict[str, CheckedClaim]) -> None:
    base = {claim_id: item.finding.base for claim_id, item in checked.items()}
    assert base["api-gpt-4o-10000"] == pytest.approx(3000)
    assert base["api-sonnet-10000"] == pytest.approx(4050)
    assert base["hybrid-blend"] == pytest.approx(0.0052)
    assert base["hybrid-saving"] == pytest.approx(65.33, abs=0.01)
    assert checked["hybrid-self-hosted-query"].finding.low == pytest.approx(7000 / 30 / 144_000)
    assert base["self-hosted-100000"] / base["api-gpt-4o-100000"] == pytest.approx(
        1 / base["self-hosting-3-4x"]
    )


IMPLIED = {
    "api-gpt-4o-10000": [("input", 1000, 1000), ("output", 500, 500)],
    "api-sonnet-100000": [("input", 1000, 1000), ("output", 500, 500)],
    "hybrid-self-hosted-query": [("volume", 233_333.3, 233_333.3)],  # 7,000 / 30 / 0.001
    "hybrid-sonnet-query": [("input", 2500, 2500)],  # (0.015 - 500 x 15 / 1M) / (3 / 1M)
    "crossover-70b": [("fleet", 6750, 11_250), ("fleet size", 2.14, 3.58)],  # at 0.0075 USD a query
    "crossover-8b": [("fleet", 2250, 2250)],  # less than the hidden costs alone
    "self-hosting-3-4x": [("fleet", 7500, 10_000)],  # 30,000 / 4 to 30,000 / 3
    "t4-month": [("GPU price", 200 / 720, 200 / 720)],
    "405b-fp16-8x-a100-cost": [("GPU price", 16_000 / 5760, 24_000 / 5760)],
}


@pytest.mark.parametrize("claim_id", IMPLIED)
def test_the_assumptions_that_would_make_a_figure_true(
    checked: dict[str, CheckedClaim], claim_id: str
) -> None:
    found = [(item.what, item.low, item.high) for item in checked[claim_id].finding.implied]
    for (what, low, high), (named, least, most) in zip(found, IMPLIED[claim_id], strict=True):
        assert what == named
        assert (low, high) == pytest.approx((least, most), abs=0.05, rel=1e-4)
    assert "True with" in checked[claim_id].why


def test_the_implied_prompt_gives_the_claimed_rate(checked: dict[str, CheckedClaim]) -> None:
    (prompt,) = checked["a100-70b-rpm"].finding.implied
    context = Context.of(load_catalog())
    rates = [
        requests_per_minute(context.replica("llama-3.1-70b", "w4a16", "a100-80gb-sxm", 1, tokens)).base
        for tokens in (prompt.high, prompt.low)
    ]
    assert rates == pytest.approx([30, 50], rel=0.02)


def test_every_claim_answers_in_full(checked: dict[str, CheckedClaim]) -> None:
    sources = load_catalog().sources
    for item in checked.values():
        found = item.to_dict()
        assert set(found) == {
            *("id", "section", "claim", "claimed", "computed", "verdict", "why", "implied", "sources")
        }
        assert found["verdict"] in VERDICTS
        assert found["why"]
        assert all(source in sources for source in found["sources"])


def test_a_licence_changed_flips_its_verdict() -> None:
    catalog = load_catalog()
    free = catalog.model("mistral-large-2").model_copy(update={"licence_id": "apache-2.0"})
    found = checked_with(catalog.with_record(free), "mistral-large-2-licence")
    assert found["mistral-large-2-licence"].verdict == "holds"


def test_an_api_price_changed_flips_its_month() -> None:
    catalog = load_catalog()
    cheap = catalog.api("gpt-4o").model_copy(update={"input_usd_per_mtok": 1.25})
    found = checked_with(catalog.with_record(cheap), "api-gpt-4o-10000", "api-gpt-4o-100000")
    assert found["api-gpt-4o-10000"].verdict == "holds"  # 2,000 x 1.25 + 500 x 10 is 0.0075
    assert found["api-gpt-4o-100000"].verdict == "holds"


def test_a_gpu_price_changed_flips_the_hardware_row() -> None:
    catalog = load_catalog()
    for row in catalog.gpu_prices:
        if row.gpu_id == "t4":
            catalog = catalog.with_record(row.model_copy(update={"usd_per_gpu_hour": 0.35}))
    found = checked_with(catalog, "8b-int4-1x-t4-cost", "t4-month")
    assert found["8b-int4-1x-t4-cost"].verdict == "holds"  # 252 a month
    assert found["t4-month"].verdict == "does not hold"


def test_a_larger_card_flips_what_fits() -> None:
    catalog = load_catalog()
    card = catalog.gpu("a100-80gb-sxm")
    large = card.model_copy(update={"memory_gb": 160.0, "memory_gib_usable": 158.0})
    found = checked_with(catalog.with_record(large), "405b-fp16-8x-a100-fits", "405b-int4-2x-a100-fits")
    assert found["405b-fp16-8x-a100-fits"].verdict == "holds"
    assert found["405b-int4-2x-a100-fits"].verdict == "holds"


def test_an_engine_back_in_development_flips_its_status() -> None:
    catalog = load_catalog()
    engine = catalog.engine("tgi").model_copy(update={"status": "active"})
    assert checked_with(catalog.with_record(engine), "tgi-status")["tgi-status"].verdict == "holds"


def test_prices_that_fit_a_query_flip_it_and_its_reason() -> None:
    catalog = load_catalog()
    dearer = catalog.api("claude-sonnet-4-5").model_copy(update={"output_usd_per_mtok": 18.0})
    flipped = ("hybrid-sonnet-query", "tokens-input", "tokens-output")
    found = checked_with(catalog.with_record(dearer), *flipped)  # 2,000 x 3 + 500 x 18 is 0.015
    assert found["hybrid-sonnet-query"].verdict == "holds within range"
    assert [item.low for item in found["hybrid-sonnet-query"].finding.implied] == pytest.approx([2000])
    assert found["tokens-input"].verdict == "holds"  # solved anew: 2,000 + 250 give both months
    assert found["tokens-output"].verdict == "does not hold"
    assert found["tokens-output"].finding.base == pytest.approx(250)


def test_cheap_apis_or_dear_gpus_flip_who_is_cheaper() -> None:
    catalog = load_catalog()
    for row in catalog.gpu_prices:
        if row.gpu_id == "a100-80gb-sxm":
            catalog = catalog.with_record(row.model_copy(update={"usd_per_gpu_hour": 9.0}))
    flipped = ("api-cheaper-at-10000", "self-hosting-3-4x", "70b-int4-1x-a100-cost", "crossover-70b")
    found = checked_with(catalog, *flipped)
    assert found["api-cheaper-at-10000"].verdict == "holds"
    assert found["self-hosting-3-4x"].verdict == "does not hold"
    assert found["70b-int4-1x-a100-cost"].verdict == "does not hold"  # 6,480 a month
    assert found["crossover-70b"].verdict == "does not hold"


def test_an_engine_that_drops_a_feature_flips_it() -> None:
    catalog = load_catalog()
    engine = catalog.engine("vllm").model_copy(update={"key_features": "continuous batching"})
    assert checked_with(catalog.with_record(engine), "vllm-feature")["vllm-feature"].verdict == "depends"


def test_a_subject_that_its_check_cannot_read_is_an_error() -> None:
    catalog = load_catalog()
    claim = catalog.claims["hybrid-blend"].model_copy(update={"subject": "0.7|cheap"})
    with pytest.raises(InputError, match="hybrid-blend"):
        check_claims(catalog.with_record(claim))


def test_a_claim_that_names_no_check_is_an_error() -> None:
    catalog = load_catalog()
    claim = catalog.claims["hidden-total"].model_copy(update={"check": "hiden_total"})
    with pytest.raises(UnknownNameError, match="hidden_total"):
        check_claims(catalog.with_record(claim))


def test_implied_assumptions_by_hand() -> None:
    catalog = load_catalog()
    prices = (catalog.api("gpt-4o"), catalog.api("claude-sonnet-4-5"))
    tokens = implied_tokens(prices, (2250, 3150), 10_000, 30)
    assert tokens is not None
    assert tokens.input_tokens == pytest.approx(1000)
    assert tokens.output_tokens == pytest.approx(500)
    assert implied_tokens((prices[0], prices[0]), (2250, 2250), 10_000, 30) is None
    assert implied_volume(0.001, 7000, 30) == pytest.approx(233_333.3, abs=0.1)
    assert implied_fleet_usd(30_000, 0.0075, 30) == pytest.approx(6750)
    assert implied_fleet_usd(50_000, 0.0075, 30) == pytest.approx(11_250)
    fewest, most = implied_gpus(11_250, 2500, LowBaseHigh(2300, 4100, 5900))
    assert (fewest, most) == pytest.approx((2.14, 3.58))
    assert least_usd_per_query(7000, 100, 30) == pytest.approx(0.00162, abs=1e-5)


def test_verdicts_of_ranges() -> None:
    claim = load_catalog().claims["crossover-70b"]  # 30,000 to 50,000
    cases = {
        (35_000, 40_000, 45_000): "holds",
        (20_000, 40_000, 90_000): "holds within range",
        (45_000, 70_000, 90_000): "depends",
        (60_000, 70_000, 90_000): "does not hold",
    }
    for (low, base, high), verdict in cases.items():
        assert judge(claim, Finding("", low, base, high)) == verdict
    assert judge(claim, Finding("")) == "cannot be checked"
    threshold = load_catalog().claims["summarisation-match"]  # at least 0.95
    for value, verdict in ((0.96, "holds"), (0.93, "holds within range"), (0.9, "does not hold")):
        assert judge(threshold, Finding("", value, value, value)) == verdict


def test_numbers_read_well() -> None:
    assert [number(x) for x in (0.00162, 0.0052, 65.333, 233_333.3, 0, 39.8)] == [
        "0.00162",
        "0.0052",
        "65.3",
        "233,333",
        "0",
        "39.8",
    ]


def test_no_verdict_is_told_by_colour_alone() -> None:
    assert set(MARKS) == set(MEANINGS) == set(VERDICTS)
    assert len(set(MARKS.values())) == len(MARKS)
