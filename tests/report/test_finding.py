"""The answer as a sentence, and the titles of charts."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from llmplan.kinds import Kind
from llmplan.options import BreakEven
from llmplan.report import Report, make_report
from llmplan.report.finding import finding, where_cheaper
from llmplan.report.headlines import curve_title, flip_rows, flip_title, kpi_cards, map_title
from llmplan.scenario import load_scenario
from llmplan.wording import DOLLAR, without_hardware


@pytest.fixture(scope="module")
def dear(report: Report) -> Report:
    """Return a report whose only token price is a dear one, at a volume too small for a fleet."""
    return make_report(
        report.scenario.but(api_ids=("gpt-4o",), queries_per_day=5_000), made_on=report.made_on
    )


def test_finding_names_the_cheapest_and_its_cost(report: Report) -> None:
    best = report.comparison.order[0]
    assert without_hardware(report.option(best).label) in report.finding
    assert DOLLAR.short(float(report.comparison.monthly_usd[1, best])) in report.finding


def test_names_are_words_and_a_headline_leaves_the_hardware_out(report: Report) -> None:
    catalog, efforts = report.catalog, 0
    for item in map(report.option, range(len(report.comparison.options))):
        brief = without_hardware(item.label)
        if item.engine_id is None:
            assert brief == item.label
            continue
        engine, precision = catalog.engines[item.engine_id].name, catalog.precision(str(item.precision_id))
        assert f", {precision.short_name} on {item.n_gpus}x " in item.label
        assert f", {engine}" in item.label and " on " not in brief and engine not in brief
        assert catalog.models[item.model_id].name in brief
        efforts += "thinking" in brief
        assert item.strong_label is None or brief.endswith(item.strong_label)
    assert efforts, "an effort is part of a name"
    offered = [each.short_name for each in catalog.precisions.values() if each.status == "option"]
    assert len({*offered}) == len(offered), "two formats would have one name"


def test_finding_says_where_it_flips(report: Report) -> None:
    best = report.comparison.order[0]
    assert report.option(best).kind != "self_hosted"

    def said(*intervals: tuple[int, int | None]) -> str:
        return finding(report.comparison, {best: BreakEven((), intervals)})

    assert said((400_000, None)).endswith("and pays from 400k queries/day")
    assert said((300_000, 310_000), (400_000, None)).endswith(
        "and pays from 300k to 310k and from 400k queries/day"
    )
    assert said((300_000, 310_000)).endswith("and pays from 300k to 310k queries/day")
    assert said((1_000, 2_000)).endswith("and pays at no higher volume")
    assert said().endswith("and never pays")


def test_where_cheaper_covers_every_shape() -> None:
    assert where_cheaper(()) == "never"
    assert where_cheaper(((1, None),)) == "at any volume"
    assert where_cheaper(((93_057, None),)) == "from 93,000 queries/day"
    both = where_cheaper(((93_057, 99_217), (246_853, None)))
    assert both == "from 93,000 to 99,000 and from 250k queries/day"
    close = where_cheaper(((1_603_382, 1_617_190), (1_713_698, None)))
    assert close == "at about 1.6M and from 1.7M queries/day"
    joined = where_cheaper(((1_601_000, 1_660_000), (1_690_000, 2_400_000)))
    assert joined == "from 1.6M to 2.4M queries/day"
    assert where_cheaper(((12_000_000, None),)) == "not below 10 million queries/day"
    assert where_cheaper(((10_000, 20_000), (12_000_000, None))) == (
        "from 10,000 to 20,000 and again above 10M queries/day"
    )
    assert where_cheaper(((9_000_000, 11_000_000),)) == "from 9M queries/day"


def test_the_exact_verdict_names_every_interval() -> None:
    found = BreakEven((), ((1_603_382, 1_617_190), (1_713_698, None)))
    assert found.verdict == "from 1,603,382 to 1,617,190 and from 1,713,698 queries/day"


@pytest.mark.parametrize("name", ["report", "dear"])
def test_where_self_hosting_pays_counts_every_configuration(
    name: str, request: pytest.FixtureRequest
) -> None:
    """An option that loses today may win at a larger volume: all feasible ones are asked."""
    asked: Report = request.getfixturevalue(name)
    found = asked.comparison
    own = [place for place in found.order if asked.option(place).kind == "self_hosted"]
    assert asked.rivals
    for place, rival in asked.rivals:
        for volume in (2e5, 1e6, 3e6, 1e7, 1e8):
            cost = found.options.take([*own, place]).monthly_usd(volume, sides=(1,))[0, :, 0]
            inside = any(low <= volume <= (high or np.inf) for low, high in rival.self_hosted_cheaper)
            assert inside == (cost[:-1].min() < cost[-1])


def test_the_option_that_pays_first_is_drawn(dear: Report) -> None:
    found = dear.comparison
    assert dear.nearest_rival is not None
    place, rival = dear.nearest_rival
    ahead = [low for low, _ in rival.self_hosted_cheaper if low > dear.scenario.queries_per_day]
    assert ahead
    drawn = found.options.take(dear.curve_places).monthly_usd(ahead[0], sides=(1,))[0, :, 0]
    own = [n for n, p in enumerate(dear.curve_places) if dear.option(p).kind == "self_hosted"]
    assert drawn[own].min() < drawn[dear.curve_places.index(place)]
    assert set(dear.best_places) <= set(dear.curve_places)


def test_finding_when_nothing_is_feasible(report: Report) -> None:
    empty = make_report(report.scenario.but(quality_floor=1.5), made_on=report.made_on)
    out = sum(
        all(reason.startswith("quality") for reason in item.reasons)
        for item in empty.comparison.options.items
    )
    every = len(empty.comparison.options)
    assert (
        empty.finding
        == f"No option meets this scenario: the quality floor alone rules out {out:,} of {every:,}"
    )


def test_finding_in_another_currency(report: Report) -> None:
    euros = make_report(
        report.scenario.but(currency_symbol="€", currency_per_usd=0.5), made_on=report.made_on
    )
    best = report.comparison.order[0]
    half = DOLLAR.short(float(report.comparison.monthly_usd[1, best]) / 2).replace("$", "€")
    assert f": {half} a month" in euros.finding
    assert "$" not in euros.finding + euros.stamp
    assert "€ at 0.5 per USD" in euros.stamp


def test_finding_is_the_hybrid_where_it_costs_least(report: Report) -> None:
    options = report.comparison.options
    best = report.comparison.cheapest("hybrid")
    assert best is not None
    cost, found = report.comparison.base_usd.copy(), replace(report.comparison)
    cost[best] = report.comparison.best_usd / 2
    vars(found)["base_usd"] = cost
    sentence = finding(found, {})
    verb = "Self-host" if options.items[best].split_by == "load" else "Route"
    assert sentence.startswith(
        f"{verb} {without_hardware(options.items[best].label)}: {DOLLAR.short(float(cost[best]))} a month; "
    )
    assert sentence.endswith("alone costs 2.0 times as much")
    assert "Route" not in report.finding


def test_titles(report: Report) -> None:
    assert curve_title(report).startswith("Self-hosting ")
    assert [head for head, _, _ in kpi_cards(report)] == [*(kind.short for kind in Kind), "Self-hosting pays"]


def test_map_title_counts_what_the_map_shows(dear: Report) -> None:
    shown = dear.full_map
    won = (shown.kind[~shown.unrivalled] == Kind.SELF_HOSTED.order).sum(axis=0)
    now = int(np.argmin(np.abs(np.log(shown.queries_per_day / dear.scenario.queries_per_day))))
    title = map_title(dear)
    assert f"wins for {won[now] or 'none'} of {(~shown.unrivalled).sum()} models" in title
    assert title.endswith(f"for {won[-1]} at 10M queries/day")
    np.testing.assert_allclose(dear.map.queries_per_day, [10**power for power in range(2, 8)])


def test_map_title_says_no_more_of_tokens_than_the_map_shows(report: Report) -> None:
    """Where routes win, own GPUs may still be cheaper than tokens: the cost chart beside the map says from where."""
    asked = load_scenario("chat-real").but(quality_floor=1.05, queries_per_day=3e6)
    routed = make_report(asked, report.catalog)
    kinds = routed.full_map.kind[~routed.full_map.unrivalled]
    assert (kinds == Kind.HYBRID.order).any() and not (kinds == Kind.SELF_HOSTED.order).any()
    assert routed.full_map.saving.max() > 0 and curve_title(routed).startswith("Self-hosting beats")
    words = "tokens or routing are cheaper than own GPUs alone for every model and volume"
    assert map_title(routed) == f"At equal quality, {words}"


def test_map_title_without_a_token_price_or_a_fleet(report: Report) -> None:
    house = make_report(report.scenario.but(data_stays_in_house=True), report.catalog)
    assert house.full_map.model_ids and "cheaper" not in map_title(house)
    assert "No token price meets these limits" in map_title(house)
    assert "No open model" in map_title(make_report(report.scenario.but(quality_floor=1.5), report.catalog))


def test_flip_title_is_the_nearest_flip(report: Report) -> None:
    title = flip_title(report)
    assert title.startswith("The answer holds unless ")
    condition = title.removeprefix("The answer holds unless ").replace("%", " %")
    nearest = next(row for row in report.tipping if row.nearest is not None)
    assert condition.replace("  %", " %").split()[:3] == nearest.sentence.split(" if ")[1].split()[:3]
    assert nearest.label.lower() in flip_rows(report)[0][0].lower()


def test_stamp_flags_stale_prices(report: Report) -> None:
    assert "days old" not in report.stamp
    assert "some over 365 days old" in replace(report, made_on=dt.date(2028, 1, 1)).stamp
