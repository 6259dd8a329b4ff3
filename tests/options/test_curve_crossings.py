"""Which curve is the cheapest from where, against a walk over all volumes."""

import numpy as np

from llmplan.options import cost_curves, evaluate, volume_axis
from llmplan.options.maps import Curves, crossings_of, leaders_of
from llmplan.scenario import load_scenario

SCENARIO = load_scenario("article-as-computed")


def curves() -> Curves:
    found = evaluate(SCENARIO)
    places = [found.cheapest("self_hosted"), found.cheapest("api")]
    ids = [found.options.items[place].option_id for place in places if place is not None]
    return cost_curves(SCENARIO, ids, volume_axis(2_001), options=found.options)


def test_the_leaders_are_the_cheapest_at_every_volume() -> None:
    drawn = curves()
    leaders = leaders_of(drawn)
    starts = [volume for volume, _ in leaders]
    assert starts[0] == drawn.queries_per_day[0] and starts == sorted(starts)
    for volume, usd in zip(drawn.queries_per_day, drawn.monthly_usd[1].T, strict=True):
        lead = [item for start, item in leaders if start <= volume][-1]
        assert usd[drawn.options.index(lead.option_id)] == usd.min()


def test_the_lead_changes_where_the_curves_cross() -> None:
    drawn = curves()
    crossings = crossings_of(drawn, most_pairs=6)
    changes = [volume for volume, _ in leaders_of(drawn)][1:]
    assert changes
    ratio = drawn.queries_per_day[1] / drawn.queries_per_day[0]
    for change in changes:
        assert min(abs(np.log(change / x)) for x in crossings) <= np.log(ratio) * 1.001
    assert crossings_of(drawn, most_pairs=0) == ()


def test_no_curve_has_no_leader() -> None:
    assert leaders_of(cost_curves(SCENARIO, [], volume_axis(3))) == []
