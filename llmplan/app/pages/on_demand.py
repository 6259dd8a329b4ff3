"""Answers that take longer than a slider's move: worked out when asked for, kept, marked when they are old."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from markupsafe import Markup

from llmplan.app.widgets.parts import HtmlView

Found = TypeVar("Found")
KEPT = 8
STALE = Markup(
    '<p class="lp-card"><span class="lp-badge lp-badge-warn">Earlier scenario</span> What stands below was '
    'computed for an earlier scenario. <button type="button" class="lp-button" data-action="compute">'
    "Recompute</button></p>"
)


class Notice(HtmlView):
    """Nothing while a page shows the present scenario, else a line with a button that computes anew."""

    def __init__(self, compute: Callable[[], None]) -> None:
        super().__init__(live=True, on_action=lambda _name, _value: compute())

    def say(self, stale: bool) -> None:
        """Show or hide the line."""
        self.show(STALE if stale else Markup(""))


class OnDemand(Generic[Found]):
    """Keeps the answers of the last few questions.

    Attributes
    ----------
    shown: the answer on the page, None before the first; seconds: how long it took.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[Found, float]] = OrderedDict()
        self.shown: Found | None = None
        self.seconds = 0.0

    def find(self, key: Hashable) -> Found | None:
        """Return the kept answer to this question; None where it has to be worked out."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        self.shown, self.seconds = self._kept[key]
        return self.shown

    def answer(self, key: Hashable, work: Callable[[], Iterable[Found]]) -> Iterator[Found]:
        """Yield the answer to this question, ever more complete where it is worked out now; keep the last."""
        known = self.find(key)
        if known is not None:
            yield known
            return
        start = time.perf_counter()
        for found in work():
            self.shown, self.seconds = found, time.perf_counter() - start
            yield found
        if self.shown is not None:
            self._kept[key] = self.shown, self.seconds
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
