"""The answer as a sentence, and the titles of charts."""

import datetime as dt
from dataclasses import replace

from llmplan.decision import BreakEven
from llmplan.export import Report
from llmplan.export.finding import finding
from llmplan.export.headlines import curve_title, kpi_cards
from llmplan.wording import usd


def test_finding_names_the_cheapest_and_its_cost(report: Report) -> None:
    best = report.comparison.order[0]
    assert report.option(best).label in report.finding
    assert usd(float(report.comparison.monthly_usd[1, best])) in report.finding


def test_finding_says_where_it_flips(report: Report) -> None:
    best = report.comparison.order[0]
    assert report.option(best).kind != "self_hosted"
    later = BreakEven((400_000,), ((400_000, None),))
    assert "becomes cheaper from 400,000 queries/day" in finding(report.comparison, {best: later})
    assert "never becomes cheaper" in finding(report.comparison, {best: BreakEven((), ())})


def test_finding_when_nothing_is_feasible(report: Report) -> None:
    empty = replace(report.comparison, order=())
    assert "No option meets" in finding(empty, {})


def test_finding_is_the_hybrid_where_it_costs_least(report: Report) -> None:
    cost = float(report.comparison.monthly_usd[1, report.comparison.order[0]]) / 2
    hybrid = {"label": "60% own, 40% API", "monthly_usd_base": cost}
    sentence = finding(report.comparison, {}, hybrid)
    assert sentence.startswith(f"Route 60% own, 40% API: {usd(cost)} a month; ")
    assert sentence.endswith("alone costs 2.0 times as much")
    assert "Route" not in finding(report.comparison, {}, hybrid | {"monthly_usd_base": cost * 3})


def test_titles(report: Report) -> None:
    assert curve_title(report).startswith("Self-hosting ")
    assert len(kpi_cards(report)) == 4


def test_stamp_flags_stale_prices(report: Report) -> None:
    assert "days old" not in report.stamp
    assert "some over 365 days old" in replace(report, made_on=dt.date(2028, 1, 1)).stamp
