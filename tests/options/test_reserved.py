"""Reserved capacity of APIs: units for the peak, by hand; in comparison, bill, break-even, risk and recommendation."""

import math

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.options import break_even, evaluate
from llmplan.options.bill import bill_of
from llmplan.options.comparison import Comparison
from llmplan.options.comparison_rows import comparison_row
from llmplan.recommend import recommend
from llmplan.risk import assess
from llmplan.scenario import Scenario

CATALOG = load_catalog()
ASKED = Scenario(
    api_ids=("azure/gpt-4.1",),
    api_commitments=("hourly", "1_month", "1_year"),
    model_ids=("llama-3.1-8b",),
    gpu_ids=("l4",),
    engine_ids=("vllm",),
    precision_ids=("bf16",),
    token_basis="equal",
    queries_per_day=1_000_000,
    input_tokens=1_000,
    output_tokens=300,
    cached_input_share=0.8,
    peak_to_mean=1.2,
)
TOKENS = 1_000 * 0.2 + 300 * 4  # cached ones count nothing, an output token as four
HOUR = {"hourly": 1.0, "1_month": 260 / 720, "1_year": 2_652 / 12 / 720}


@pytest.fixture(name="found", scope="module")
def _found() -> Comparison:
    return evaluate(ASKED, CATALOG)


def units(kept: float, volume: float = ASKED.queries_per_day) -> int:
    """Whole steps of five, at least fifteen, of 3,000 tokens a minute each."""
    peak = volume * kept * 1.2 * TOKENS / 1_440
    return max(15, math.ceil(peak / 3_000 / 5 - 1e-9) * 5)


@pytest.mark.parametrize("commitment", HOUR)
def test_units_for_the_peak_by_hand(found: Comparison, commitment: str) -> None:
    place = found.options.index(f"azure/gpt-4.1@ptu-{commitment}")
    row = comparison_row(found, place)
    assert row["reserved_units"] == units(1)
    assert row["monthly_usd_base"] == pytest.approx(units(1) * HOUR[commitment] * 720)
    assert (row["price_kind"], row["gpus_total"], row["replicas"]) == (f"reserved, {commitment}", 0, 0)
    assert row["utilisation"] == pytest.approx(1e6 * TOKENS / 1_440 / 3_000 / units(1))


def test_what_units_cannot_take_is_paid_by_the_token(found: Comparison) -> None:
    place = found.options.index("azure/gpt-4.1@ptu-1_year-60%")
    over = float(found.options.hours.spilled(0.6))
    token = (200 * 2 + 800 * 0.5 + 300 * 8) / 1e6
    by_token = over * token * 3e7
    assert 0 < over < 0.4
    assert found.monthly_usd[1, place] == pytest.approx(units(0.6) * HOUR["1_year"] * 720 + by_token)
    parts = {part.name: part.usd for part in bill_of(found, place, CATALOG)}
    assert parts["Tokens beyond them"] == pytest.approx(by_token)
    assert sum(parts.values()) == pytest.approx(found.monthly_usd[1, place])


def test_more_ways_never_raise_the_minimum_and_none_are_asked_of_by_default(found: Comparison) -> None:
    plain = evaluate(ASKED.but(api_commitments=()), CATALOG)
    assert not plain.options.is_reserved.any() and not plain.options.market.behind
    assert found.monthly_usd[1, found.order[0]] <= plain.monthly_usd[1, plain.order[0]]
    for item, usd in zip(plain.options.items, plain.monthly_usd[1], strict=True):
        assert found.monthly_usd[1, found.options.index(item.option_id)] == usd
    spared = evaluate(ASKED.but(spare_replicas=3), CATALOG)
    for place in np.flatnonzero(found.options.is_reserved).tolist():
        there = spared.options.index(found.options.items[place].option_id)
        assert spared.monthly_usd[1, there] == pytest.approx(
            found.monthly_usd[1, place]
        )  # spares are a fleet's


def test_break_even_against_the_token_is_exact(found: Comparison) -> None:
    """Units' staircase against the token's line, both sides of every crossing."""
    options, api = found.options, found.options.index("azure/gpt-4.1")
    own = options.index("azure/gpt-4.1@ptu-1_year")
    crossings = break_even(options, [own], api).crossings_queries_per_day
    assert crossings
    usd = options.take([own, api]).monthly_usd(np.array([[c - 1, c] for c in crossings]).ravel(), sides=(1,))[
        0
    ]
    cheaper = (usd[0] < usd[1]).reshape(-1, 2)
    assert (cheaper[:, 0] != cheaper[:, 1]).all()


def test_risk_and_recommendation_know_it() -> None:
    asked = ASKED.but(quality_floor=0.9, floor_chance=0.5)  # the small model is out
    best = evaluate(asked, CATALOG).recommended
    assert best is not None and best.reserved is not None and best.reserved.commitment == "1_year"
    assert recommend(asked, CATALOG, tipping=False).option_id == best.option_id
    ranges = {"output_tokens": (200, 300, 500), "peak_to_mean": (1, 1.5, 2), "gpu_price_factor": (0.5, 2)}
    risk = assess(asked.but(ranges=ranges), CATALOG, draws=200, queries_per_day=[1e5, 1e6])
    row = risk.option(best.option_id)
    assert row is not None and row.p_cheapest > 0
    assert risk.by_volume is not None and (risk.by_volume.p_kind[:, 0] > 0.5).all()
    assert risk.by_volume.p_kind.sum(axis=1) == pytest.approx([1, 1])
