"""`import llmplan`: quick, and everything that a first session needs stands in it."""

import inspect
import subprocess
import sys

import pytest

import llmplan
from llmplan.routing import RouteRequest, plan_route

NAMES = [
    "load_scenario",
    "Scenario",
    "compare",
    "recommend",
    "size",
    "route",
    "cost_curves",
    "show",
    "load_catalog",
]


def fresh(code: str) -> list[str]:
    """Run code in a fresh interpreter; return the words that it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_import_loads_nothing_else() -> None:
    """Not even a room of its own: what is heavy comes with the first name used."""
    assert fresh("import sys, llmplan; print(*[m for m in sys.modules if m.startswith('llmplan.')])") == []


def test_every_name_is_seen_and_found() -> None:
    assert {*NAMES, "__version__"} <= set(dir(llmplan)) & set(llmplan.__all__)
    for name in NAMES:
        assert callable(getattr(llmplan, name)), name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = llmplan.no_such_name


def test_each_name_is_the_rooms_own() -> None:
    from llmplan import options, scenario, sizing
    from llmplan.app.dashboard import show

    assert llmplan.compare is options.compare
    assert llmplan.Scenario is scenario.Scenario
    assert llmplan.size is sizing.size
    assert llmplan.show is show


@pytest.mark.parametrize(
    "first",
    [
        "import llmplan",
        "import llmplan, llmplan.recommend.tipping",
        "import llmplan; llmplan.recommend; from llmplan.recommend import nearest_flips",
    ],
)
def test_recommend_can_be_called_whatever_was_imported_before(first: str) -> None:
    """A room has the function's name: the attribute must be both, in any order of imports."""
    code = "from llmplan.recommend.advice import recommend as own; print(llmplan.recommend.__call__ is own)"
    assert fresh(f"{first}; {code}") == ["True"]


def test_recommend_shows_the_functions_signature() -> None:
    from llmplan.recommend.advice import recommend

    assert inspect.signature(llmplan.recommend) == inspect.signature(recommend)


def test_route_plans_the_request_it_is_given() -> None:
    scenario = llmplan.load_scenario("support-chat").but(queries_per_day=500_000)
    found = llmplan.route(scenario, "llama-3.1-70b", "gpt-4o", share_weak=0.7, accuracy=0.9)
    request = RouteRequest(scenario, "llama-3.1-70b", "gpt-4o", share_weak=0.7, accuracy=0.9)
    assert found.request == request
    assert found.monthly_usd == plan_route(request).monthly_usd
