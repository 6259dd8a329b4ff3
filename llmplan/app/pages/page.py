"""What a page is: a root widget, and a refresh that reads the model anew."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, TypeVar

from markupsafe import Markup

from llmplan.app.model import AppModel
from llmplan.app.widgets.base import View, guarded
from llmplan.app.widgets.html import badge, button
from llmplan.app.widgets.layout import Widget
from llmplan.app.widgets.parts import HtmlView
from llmplan.report import Report

Found = TypeVar("Found")


class Page(ABC):
    """A page of the dashboard over its model.

    Attributes
    ----------
    root: what is shown.
    beside_inputs: whether it depends on the scenario, whose inputs then stand beside it.
    """

    beside_inputs: ClassVar[bool] = True
    root: Widget

    def __init__(self, model: AppModel) -> None:
        self.model = model

    @abstractmethod
    def refresh(self) -> None:
        """Show the model's present scenario; each part guards itself."""

    def follow(self) -> None:
        """Show what is looked at while a slider is dragged; `refresh` follows once it rests."""
        self.refresh()

    def open(self) -> None:
        """Show the present scenario to a reader who has come to see it, even where that takes a while."""
        self.refresh()

    def prepared(self, report: Report) -> dict[View, dict[str, Any]]:
        """Return the states in which parts would show a report that the reader is likely to ask for next."""
        del report
        return {}


def once(make: Callable[[Report], Found]) -> Callable[[Report], Found]:
    """Have a part of a page that nothing but its report decides made once for each report; it ends with the report."""

    @wraps(make)
    def made(report: Report) -> Found:
        parts: dict[Any, Found] = vars(report).setdefault("_parts", {})
        if made not in parts:
            parts[made] = make(report)
        return parts[made]

    return made


def show_parts(work: Callable[[], Found], parts: Mapping[Any, Callable[[Found], Any]]) -> None:
    """Work out what a page shows, then have each part show what its function makes of it.

    A part that fails says so in its place and the others live on; where the work fails, all of them say why.
    """
    found = []
    with guarded(*parts):
        found.append(work())
    for shown in found:
        for view, make in parts.items():
            with guarded(view):
                view.show(make(shown))


class StaleNotice(HtmlView):
    """Nothing while a page shows the present scenario, else a line with a button that computes anew."""

    def __init__(self, compute: Callable[[], None]) -> None:
        super().__init__(live=True, on_action=lambda _name, _value: compute())

    def say(self, stale: bool) -> None:
        """Show or hide the line."""
        line = Markup('<p class="lp-card">{} What stands below was computed for an earlier scenario. {}</p>')
        mark = badge("Earlier scenario", "lp-badge-warn")
        self.show(line.format(mark, button("compute", "Recompute")) if stale else "")
