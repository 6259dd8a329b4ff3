"""Own prices of one side leave the other's options as they are: a walk ends where a catalog without memory begins."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from llmplan.catalog import load_catalog
from llmplan.options import evaluate
from llmplan.scenario import load_scenario

APIS, GPUS = ("gpt-4o", "deepinfra/qwen3-32b"), ("h100-sxm", "l4")
SCENARIO = load_scenario("support-chat").but(gpu_ids=GPUS, quality_floor=0.7)
usd = st.floats(0.01, 20.0)
moves = st.one_of(
    st.tuples(
        st.sampled_from(
            ["api_input_usd_per_mtok", "api_output_usd_per_mtok", "api_cached_input_usd_per_mtok"]
        ),
        st.dictionaries(st.sampled_from(APIS), usd, max_size=2),
    ),
    st.tuples(st.just("gpu_usd_per_hour"), st.dictionaries(st.sampled_from(GPUS), usd, max_size=2)),
    st.tuples(st.just("quality_floor"), st.sampled_from([0.0, 0.7, 0.9])),
)


@settings(max_examples=8, deadline=None)
@given(st.lists(moves, min_size=2, max_size=5))
def test_a_walk_over_prices_ends_where_a_new_catalog_begins(walk):
    catalog, scenario = load_catalog(), SCENARIO
    for field, value in walk:
        scenario = scenario.but(**{field: tuple(value.items()) if isinstance(value, dict) else value})
        found = evaluate(scenario, catalog)
    anew = evaluate(scenario, replace(catalog))
    assert found.options.items.option_id.tolist() == anew.options.items.option_id.tolist()
    assert np.array_equal(found.monthly_usd, anew.monthly_usd) and found.order == anew.order
    some = np.arange(0, len(anew.options), 41)
    for item, other in zip(found.options.items.records(some), anew.options.items.records(some), strict=True):
        assert str(item) == str(other)  # NaN where a fleet cannot serve
