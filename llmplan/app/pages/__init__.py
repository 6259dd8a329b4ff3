"""The pages of the dashboard, each a module named by its key with a class named after it.

`cost_curves` is `CostCurvesPage` in `cost_curves.py`: what it shows, where, and its own inputs. The sentences,
tables and charts that it shows may stand beside it, in `cost_curves_parts.py`. A new page is such a file and a
line here.
"""

from importlib import import_module

from llmplan.app.pages.page import Page

TITLES = {
    "decision": "Decision",
    "cost_curves": "Cost curves",
    "hardware": "Hardware",
    "routing": "Routing",
    "risk": "Risk",
    "growth": "Growth",
    "traffic": "Your traffic",
    "article": "Article check",
    "sources": "Data and sources",
}
"""Pages in the order of the navigation bar: key and name."""


def page_class(key: str) -> type[Page]:
    """Return what makes the page of a key."""
    module = import_module(f"llmplan.app.pages.{key}")
    found: type[Page] = getattr(module, f"{key.title().replace('_', '')}Page")
    return found


PAGES = {key: (title, page_class(key)) for key, title in TITLES.items()}
"""Key of each page: its name, what makes it."""
