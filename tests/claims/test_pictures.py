"""What the article check draws: its numbers are those of the claims and of a count by hand."""

import numpy as np
import pytest

from llmplan.catalog import load_catalog
from llmplan.charts.article import claimed_cost_figure, crossover_figure, request_rate_figure
from llmplan.claims import check_claims
from llmplan.claims.pictures import crossover_lines, first_crossing, hardware_costs, request_rates
from llmplan.wording import DOLLAR

CATALOG = load_catalog()


def test_the_first_crossing_of_a_staircase_by_hand() -> None:
    """Replicas carry 100 queries a day; the API takes 1 USD a month for one a day."""
    assert first_crossing(np.array([50.0, 90.0]), 100, 1) == 50  # within the first step
    assert first_crossing(np.array([150.0, 180.0]), 100, 1) == 180  # the first step is too dear
    assert first_crossing(np.array([150.0, 90.0]), 100, 1) == 101 - 1  # a saving step: from its edge on
    assert first_crossing(np.array([150.0, 250.0]), 100, 1) == float("inf")


def test_the_crossings_lie_on_the_lines() -> None:
    lines = crossover_lines(CATALOG)
    assert lines.usd_per_query == pytest.approx(0.0075)
    assert lines.flat_crossing == pytest.approx(9_100 / 0.225)  # 5,000 + 4,100 over 30 x 0.0075
    cheaper = lines.queries_per_day[lines.fleet_usd <= lines.api_usd]
    step = lines.queries_per_day[1] / lines.queries_per_day[0]
    assert lines.fleet_crossing <= cheaper[0] <= lines.fleet_crossing * step
    assert lines.fleet_crossing_usd == pytest.approx(lines.fleet_crossing * 30 * lines.usd_per_query)
    markers = crossover_figure(lines, DOLLAR)["data"][-1]
    assert markers["x"] == [lines.flat_crossing, lines.fleet_crossing]


def test_dear_gpus_have_no_crossing_to_mark() -> None:
    catalog = CATALOG
    for row in CATALOG.gpu_prices:
        if row.gpu_id == "a100-80gb-sxm":
            catalog = catalog.with_record(row.model_copy(update={"usd_per_gpu_hour": 30.0}))
    lines = crossover_lines(catalog)
    assert lines.fleet_crossing == float("inf")
    assert crossover_figure(lines, DOLLAR)["data"][-1]["x"] == [lines.flat_crossing]


def test_rates_are_those_of_the_claim() -> None:
    rates = request_rates(CATALOG)
    claim = next(item for item in check_claims() if item.claim.claim_id == "a100-70b-rpm")
    assert rates.stated_rate == pytest.approx(claim.finding.base, rel=0.02)
    assert rates.longest_prompt == pytest.approx(claim.finding.implied[0].high, rel=0.03)
    texts = [note["text"] for note in request_rate_figure(rates)["layout"]["annotations"]]
    assert texts == ["the article's prompt:<br>2,000 tokens", "claimed: 30 to 50"]


def test_hardware_rows_are_named_for_people() -> None:
    rows = hardware_costs(CATALOG)
    assert rows[0].name == "8B at 16 bit, 1 x A10G" and rows[3].name == "70B at 4 bit, 1 x A100-80GB SXM"
    assert claimed_cost_figure(rows, DOLLAR)["data"][0]["y"][0] == "8B at 16 bit<br>1 x A10G"
