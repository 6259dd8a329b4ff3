"""Cost: a month of an API and of one's own fleet, by hand."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from llmplan.catalog import ApiPrice, load_catalog
from llmplan.cost.classes import Use, lognormal_sigma, peak_share, surcharge
from llmplan.cost.hidden import PER_STEP, hidden_costs
from llmplan.cost.month import api_usd_per_query
from llmplan.scenario import Scenario

GPT_4O = ApiPrice(
    api_id="gpt-4o",
    kind="frontier",
    provider="openai",
    provider_model="gpt-4o",
    model_id="gpt-4o",
    input_usd_per_mtok=2.5,
    output_usd_per_mtok=10,
    cached_input_usd_per_mtok=1.25,
    batch_discount=0.5,
    status="active",
    source_id="test",
    as_of=dt.date(2026, 11, 23),
)

TIERED = GPT_4O.model_copy(
    update={
        "input_usd_per_mtok": 3.0,
        "output_usd_per_mtok": 15.0,
        "cached_input_usd_per_mtok": None,
        "batch_discount": None,
        "long_context_from_tokens": 200_000,
        "long_context_input_usd_per_mtok": 6.0,
        "long_context_output_usd_per_mtok": 22.5,
    }
)


LONGER = {
    "longer_context_from_tokens": 500_000,
    "longer_context_input_usd_per_mtok": 9.0,
    "longer_context_output_usd_per_mtok": 30.0,
}
CLASSED = GPT_4O.model_copy(
    update={
        "cache_write_usd_per_mtok": 3.125,
        "cache_write_long_usd_per_mtok": 5.0,
        "batch_cached_input_usd_per_mtok": 0.5,
        "priority_input_usd_per_mtok": 4.25,
        "priority_output_usd_per_mtok": 17.0,
        "flex_input_usd_per_mtok": 1.25,
        "flex_output_usd_per_mtok": 5.0,
        "flex_cached_input_usd_per_mtok": 0.5,
        "in_region_areas": "eu us",
        "in_region_surcharge": 0.1,
    }
)


def mean_usd(use: Use, cached: float = 0.5, batch: float = 0.0) -> float:
    """USD a million queries of 1,000 + 100 tokens."""
    return float(api_usd_per_query(CLASSED, 1000, 100, cached, batch, use)) * 1e6


def test_cache_writes_pay_for_their_share_and_lifetime() -> None:
    # 500 read at 1.25, 200 written, 300 plain at 2.5, 100 out at 10
    assert mean_usd(Use(cache_write_share=0.2)) == pytest.approx(625 + 625 + 750 + 1000)
    assert mean_usd(Use(cache_write_share=0.2, keeps_an_hour=True)) == pytest.approx(625 + 1000 + 750 + 1000)
    assert mean_usd(Use(cache_write_share=1.0)) == mean_usd(Use(cache_write_share=0.5))


def test_batch_has_a_cached_price_of_its_own() -> None:
    assert mean_usd(Use(), batch=1.0) == pytest.approx(500 * 0.5 + 500 * 1.25 + 100 * 5)


def test_a_service_tier_prices_what_does_not_wait() -> None:
    assert mean_usd(Use(service_tier="priority")) == pytest.approx(500 * 1.25 * 1.7 + 500 * 4.25 + 1700)
    assert mean_usd(Use(service_tier="flex")) == pytest.approx(500 * 0.5 + 500 * 1.25 + 500)
    assert mean_usd(Use(service_tier="flex"), batch=1.0) == mean_usd(Use(), batch=1.0)
    for tier in ("priority", "flex"):
        assert float(api_usd_per_query(GPT_4O, 1000, 500, use=Use(service_tier=tier))) == pytest.approx(
            0.0075
        )


def test_what_waits_is_not_sent_at_priority() -> None:
    price = CLASSED.model_copy(update={"batch_discount": None})
    now, later = (
        api_usd_per_query(price, 1000, 100, 0, share, Use(service_tier="priority")) for share in (0, 1)
    )
    assert float(now) == pytest.approx(0.00595) and float(later) == pytest.approx(0.0035)


def test_a_region_adds_its_surcharge_or_is_not_to_be_had() -> None:
    assert mean_usd(Use(regions=("eu",))) == pytest.approx(1.1 * mean_usd(Use()))
    assert surcharge(CLASSED, ("apac",)) is None and surcharge(GPT_4O, ("eu",)) is None
    assert surcharge(GPT_4O, ()) == 0


def test_the_third_tier_prices_requests_above_its_start() -> None:
    price = TIERED.model_copy(update=LONGER)
    each = api_usd_per_query(price, np.array([100_000, 300_000, 600_000]), 1000)
    assert each.tolist() == pytest.approx([0.3 + 0.015, 1.8 + 0.0225, 5.4 + 0.03])


def test_dearer_hours_weigh_the_queries_within_them() -> None:
    """Office hours of Berlin meet none of the dear hours 1-4 and half of 6-10 UTC."""
    windows = ((1.0, 4.0), (6.0, 10.0))
    assert peak_share(windows, 5, None) == pytest.approx(35 / 168)
    office = (0.0,) * 9 + (1 / 8,) * 8 + (0.0,) * 7
    scenario = Scenario(utc_offset_hours=1, weekend_factor=0.0)
    week = scenario.workload().model_copy(update={"hourly_profile": office}).week
    assert peak_share(windows, 5, week, 1.0) == pytest.approx(2 / 8)
    price = GPT_4O.model_copy(
        update={"peak_hours_utc": "1-4 6-10", "peak_days_per_week": 5, "peak_price_factor": 2}
    )
    now, later = (
        float(api_usd_per_query(price, 1000, 500, 0, b, Use(week=week, utc_offset_hours=1.0))) for b in (0, 1)
    )
    assert now == pytest.approx(0.0075 * 1.25) and later == pytest.approx(0.0075 * 0.5)


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from(["standard", "priority", "flex"]))
def test_a_cheaper_class_never_raises_the_bill(
    cached: float, written: float, batch: float, tier: str
) -> None:
    use = Use(cache_write_share=written, service_tier=tier)
    usd = mean_usd(use, cached, batch)
    assert mean_usd(use, cached, min(1.0, batch + 0.1)) <= usd * (1 + 1e-12)
    assert mean_usd(use, min(1.0, cached + 0.1), batch) <= usd * (1 + 1e-12)
    assert mean_usd(Use(cache_write_share=written, service_tier="flex"), cached, batch) <= usd * (1 + 1e-12)
    assert mean_usd(Use(cache_write_share=written, service_tier="priority"), cached, batch) >= usd * (
        1 - 1e-12
    )
    assert mean_usd(Use(cache_write_share=written * 0.5, service_tier=tier), cached, batch) <= usd * (
        1 + 1e-12
    )


@pytest.mark.parametrize(
    ("price", "tokens_in", "usd_month"),
    [(GPT_4O, 1000, 2250), (GPT_4O, 2000, 3000), (TIERED, 1000, 3150), (TIERED, 2000, 4050)],
)
def test_the_articles_months_at_10_000_queries_a_day(
    price: ApiPrice, tokens_in: int, usd_month: float
) -> None:
    assert float(api_usd_per_query(price, tokens_in, 500)) * 10_000 * 30 == pytest.approx(usd_month)


def test_cached_tokens_stand_inside_the_input() -> None:
    # 500 at 2.5 + 500 at 1.25 + 500 at 10 per million
    assert float(api_usd_per_query(GPT_4O, 1000, 500, cached_input_share=0.5)) == pytest.approx(0.006875)


def test_batch_halves_its_share() -> None:
    assert float(api_usd_per_query(GPT_4O, 1000, 500, batch_share=0.4)) == pytest.approx(0.0075 * 0.8)
    assert float(api_usd_per_query(TIERED, 1000, 500, batch_share=1)) == pytest.approx(0.0105)


def test_the_long_tier_prices_the_request_not_the_month() -> None:
    short, long = api_usd_per_query(TIERED, np.array([200_000, 200_001]), 500)
    assert short == pytest.approx(0.6 + 0.0075)
    assert long == pytest.approx(1.200006 + 0.01125)


def test_a_cached_price_unknown_in_the_long_tier_scales_with_the_input() -> None:
    price = TIERED.model_copy(update={"cached_input_usd_per_mtok": 0.3})
    usd = float(api_usd_per_query(price, 300_000, 1, cached_input_share=1))
    assert usd == pytest.approx((300_000 * 0.6 + 22.5) / 1e6)


def test_dearer_hours_raise_the_mean_of_a_flat_day() -> None:
    price = GPT_4O.model_copy(update={"peak_hours_utc": "3-9", "peak_price_factor": 2})
    assert float(api_usd_per_query(price, 1000, 500)) == pytest.approx(0.0075 * 1.25)


def test_hidden_lines_come_from_the_catalog() -> None:
    catalog = load_catalog()
    lines = {line.name: line for line in hidden_costs(catalog).lines}
    assert lines["DevOps time"].unit == PER_STEP and lines["DevOps time"].usd == (2000, 3500, 5000)
    updates = lines.pop("model updates")
    assert sum(line.usd.low for line in lines.values()) == 2300
    assert sum(line.usd.high for line in lines.values()) == 5900
    assert updates.usd.base == pytest.approx(1.5 * 12 * 857.14 / 12)


def test_one_figure_of_ones_own_replaces_the_lines() -> None:
    assert float(hidden_costs(load_catalog(), 1000).usd(32, 1)) == 1000


def test_a_tier_is_priced_over_the_lengths_of_requests() -> None:
    """Haiku 5.5, 60,000 + 500 tokens, 1,000 queries a day: 187.5 at the mean, about 571 with a p95 of 200,000."""
    haiku = load_catalog().api("claude-haiku-5-5")
    sigma = lognormal_sigma(60_000, 200_000)
    assert float(api_usd_per_query(haiku, 60_000, 500)) * 30_000 == pytest.approx(187.5)
    assert float(api_usd_per_query(haiku, 60_000, 500, 0, 0, Use(sigma))) * 30_000 == pytest.approx(
        571, rel=0.015
    )


def test_image_tokens_are_priced_apart_by_hand() -> None:
    # OpenAI's gpt-realtime shape: text 4, images 5, cached 0.4: 600 of text and 400 of images, half of it cached
    price = load_catalog().api("gpt-4o")
    price = price.model_copy(
        update={"input_usd_per_mtok": 4.0, "cached_input_usd_per_mtok": 0.4, "image_input_usd_per_mtok": 5.0}
    )
    by_hand = (0.5 * (600 * 4 + 400 * 5) + 0.5 * (600 * 0.4 + 400 * 0.5) + 10 * 10) / 1e6
    assert float(api_usd_per_query(price, 1000, 10, 0.5, 0, Use(image_tokens=400))) == pytest.approx(by_hand)
    plain = price.model_copy(update={"image_input_usd_per_mtok": None})
    assert api_usd_per_query(plain, 1000, 10, 0.5, 0, Use(image_tokens=400)) == api_usd_per_query(
        plain, 1000, 10, 0.5
    )


@settings(deadline=None, max_examples=20)
@given(st.floats(1_000, 400_000), st.floats(1.05, 3.8), st.floats(0, 1))
def test_a_spread_of_lengths_agrees_with_pricing_requests_one_by_one(
    mean: float, p95_over_mean: float, cached: float
) -> None:
    price = TIERED.model_copy(update=LONGER)
    sigma = lognormal_sigma(mean, mean * p95_over_mean)
    ranks = (np.arange(20_000) + 0.5) / 20_000
    lengths = mean * np.exp(sigma * ndtri(ranks) - sigma**2 / 2)
    each = api_usd_per_query(price, lengths, 500, cached)
    assert float(api_usd_per_query(price, mean, 500, cached, 0, Use(sigma))) == pytest.approx(
        each.mean(), rel=5e-3
    )
    assert np.quantile(lengths, 0.95) == pytest.approx(mean * p95_over_mean, rel=1e-3)


def test_no_spread_without_a_percentile_above_the_mean() -> None:
    assert lognormal_sigma(1000, None) == lognormal_sigma(1000, 900) == 0
    assert lognormal_sigma(1000, 100_000) == pytest.approx(1.645, abs=1e-3)  # as wide as a lognormal gets


def test_known_lengths_are_priced_request_by_request() -> None:
    """Nine short requests and one in the tier, at their own mean and at twice that, where none else crosses it."""
    catalog = load_catalog()
    price = next(
        a for a in catalog.apis.values() if a.long_context_from_tokens and a.is_offered(catalog.today)
    )
    limit = float(price.long_context_from_tokens or 0)
    inputs, shares = np.array([1_000.0, 2 * limit]), np.array([0.9, 0.1])
    scenario = Scenario(
        input_tokens=float(inputs @ shares),
        input_tokens_p95=float(inputs @ shares) * 3,
        input_lengths={f"{tokens:.0f}": share for tokens, share in zip(inputs, shares, strict=True)},
    )
    use = Use.of(scenario, catalog)
    for times in (1.0, 2.0, 0.4):  # at 0.4 the long one is below the tier too
        one_by_one = api_usd_per_query(price, inputs * times, 500.0)
        found = api_usd_per_query(price, scenario.input_tokens * times, 500.0, use=use)
        assert float(found) == pytest.approx(float(one_by_one @ shares))
