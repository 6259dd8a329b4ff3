"""llmplan: call LLM APIs, self-host open-weight models, or route between both.

The front door: what is named here is loaded when it is first used, so that `import llmplan` itself is quick::

    import llmplan

    scenario = llmplan.load_scenario("support-chat").but(queries_per_day=100_000)
    llmplan.compare(scenario)             # every option, as a DataFrame
    llmplan.recommend(scenario).headline  # what to do
    llmplan.show(scenario=scenario)       # the dashboard, in a notebook

Inside the package import from the rooms (`from llmplan.options import compare`), never from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmplan.app.dashboard import show
    from llmplan.catalog import load_catalog
    from llmplan.options import compare, cost_curves
    from llmplan.recommend import recommend
    from llmplan.routing import RouteRequest, route
    from llmplan.scenario import Scenario, load_scenario
    from llmplan.sizing import SizeRequest, size

__version__ = "0.1.0"
__all__ = [
    "RouteRequest",
    "Scenario",
    "SizeRequest",
    "__version__",
    "compare",
    "cost_curves",
    "load_catalog",
    "load_scenario",
    "recommend",
    "route",
    "show",
    "size",
]
_ROOMS = {
    "RouteRequest": "routing",
    "Scenario": "scenario",
    "SizeRequest": "sizing",
    "compare": "options",
    "cost_curves": "options",
    "load_catalog": "catalog",
    "load_scenario": "scenario",
    "recommend": "recommend",
    "route": "routing",
    "show": "app.dashboard",
    "size": "sizing",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = import_module(f"{__name__}.{_ROOMS[name]}")
    # `recommend` is a room, too: importing it has set it here already, and it can be called.
    return globals().setdefault(name, getattr(room, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
