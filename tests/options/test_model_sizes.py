"""The cheapest way to run each open model, against a walk over all options."""

from collections import defaultdict

import numpy as np

from llmplan.catalog import load_catalog
from llmplan.kinds import Kind
from llmplan.options import evaluate
from llmplan.options.model_sizes import size_points, small_models, small_points
from llmplan.scenario import load_scenario

CATALOG = load_catalog()
SCENARIO = load_scenario("support-chat")


def test_each_model_has_its_cheapest_option_of_each_kind() -> None:
    found = evaluate(SCENARIO, CATALOG)
    cost = found.monthly_usd / 1_000
    points = size_points(found, CATALOG, cost)
    assert len(points) == len({(p.kind, p.model_name) for p in points}) > 10
    assert [p.total_params_b for p in points] == sorted(p.total_params_b for p in points)
    ways: dict[tuple[Kind, str], list[tuple[bool, float]]] = defaultdict(list)
    for place, item in enumerate(found.options.items):
        if item.model_id in CATALOG.models and np.isfinite(usd := found.monthly_usd[1, place]):
            ways[item.kind, CATALOG.models[item.model_id].name].append((not item.feasible, usd))
    for point in points:
        out, usd = min(ways[point.kind, point.model_name])
        assert (point.feasible, point.base) == (not out, usd / 1_000)
        assert point.low <= point.base <= point.high
        assert point.feasible or point.why_out


def test_models_too_small_to_be_options_are_shown_out() -> None:
    small = small_models(CATALOG)
    assert small and {CATALOG.models[model_id].status for model_id in small} == {"measured only"}
    found = evaluate(SCENARIO.but(model_ids=small), CATALOG)
    points = small_points(found, CATALOG, found.monthly_usd)
    assert {p.model_name for p in points} <= {CATALOG.models[model_id].name for model_id in small}
    assert points and not any(p.feasible for p in points)
    assert {p.kind for p in points} == {Kind.SELF_HOSTED}
    assert all(p.why_out for p in points)
