"""The cheapest option of each kind at every volume, against the whole table asked anew at some of them."""

import numpy as np
import pytest

from llmplan.catalog import Catalog
from llmplan.options import envelopes, evaluate
from llmplan.report import Report, make_report
from llmplan.scenario import load_scenario


@pytest.mark.parametrize("preset", ["support-chat", "chat-real"])
def test_envelope_is_what_the_table_says_at_that_volume(catalog: Catalog, preset: str) -> None:
    scenario = load_scenario(preset, catalog)
    found = envelopes(evaluate(scenario, catalog).alone, catalog)
    assert len(found) > 1
    for each in found:
        for at in (0, len(each.queries_per_day) // 2, -1):
            there = evaluate(scenario.but(queries_per_day=float(each.queries_per_day[at])), catalog)
            place = there.cheapest(each.kind)
            assert place is not None
            least, drawn = there.monthly_usd[1, place], each.monthly_usd[1, at]
            np.testing.assert_allclose(drawn, least, rtol=1e-9)
            as_cheap = [p for p in there.order if there.monthly_usd[1, p] <= least * (1 + 1e-9)]
            assert each.labels[at] in [there.options.items[p].label for p in as_cheap]


def test_volume_leaves_map_and_envelopes_as_they_are(report: Report) -> None:
    few, more = (
        make_report(report.scenario.but(queries_per_day=volume), made_on=report.made_on)
        for volume in (2e5, 1e6)
    )
    assert more.full_map is few.full_map
    first, second = (envelopes(each.comparison.alone, each.catalog) for each in (few, more))
    assert first is second


def test_crossings_are_those_of_the_envelopes(report: Report) -> None:
    dear = make_report(report.scenario.but(api_ids=("gpt-4o",)), made_on=report.made_on)
    assert dear.crossings
    token, own = (next(e for e in dear.envelopes if e.kind == kind) for kind in ("api", "self_hosted"))
    cheaper = np.interp(token.queries_per_day, own.queries_per_day, own.monthly_usd[1]) < token.monthly_usd[1]
    volumes = token.queries_per_day
    for change in np.flatnonzero(np.diff(cheaper)):
        near = [x for x in dear.crossings if volumes[change] <= x <= volumes[change + 1] + 1]
        assert near
