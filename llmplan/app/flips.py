"""What would flip the recommendation: worked out bit by bit while the reader rests, so that no slider waits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace

from markupsafe import Markup

from llmplan.app.model import AppModel
from llmplan.app.widgets.html import at_rest, note
from llmplan.recommend import nearest_flips
from llmplan.recommend.tipping import Tipping, by_nearness, inputs_of
from llmplan.recommend.tipping.points import tip
from llmplan.scenario import Scenario

KEPT = 24
REST_MS, BETWEEN_STEPS_MS = 1_500, 50
"""How long the inputs must have rested before the browser asks what would flip the answer, and then goes on."""

_kept: OrderedDict[Scenario, tuple[Tipping, ...]] = OrderedDict()


class Flips:
    """What flips the recommendation of the model's present scenario, an input a step, as `tipping_points` finds it."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self._scenario: Scenario | None = None
        self._done = 0

    @property
    def _subject(self) -> Hashable:
        return "flip", self.model.scenario

    @property
    def steps_done(self) -> int:
        """Steps done for the present scenario."""
        return self._done if self._scenario == self.model.scenario else 0

    @property
    def points(self) -> tuple[Tipping, ...] | None:
        """The tipping points of every input, nearest first; None until they are worked out."""
        return _kept.get(self.model.scenario)

    @property
    def sentences(self) -> tuple[str, ...] | None:
        """The nearest flips in words; None until they are worked out."""
        return None if self.points is None else nearest_flips(self.points)

    def asking(self) -> Markup:
        """Return the line that has the browser ask for the next step, or says that it is worked at."""
        text = f"Trying the other inputs… {self.steps_done or ''}"
        if self.model.aside.does(self._subject):
            return note(text)
        pause = BETWEEN_STEPS_MS if self.steps_done else REST_MS
        return at_rest("flip", pause, self.model.scenario, text)

    def step(self, show: Callable[[Callable[[], None]], None] = lambda take: take()) -> None:
        """Go on with the work for the present scenario; nothing once it is done.

        show: called whenever there is news, with what takes the news in, or raises what went wrong.
        """
        scenario = self.model.scenario
        if self._scenario != scenario:
            self._scenario, self._done = scenario, 0
        if self.points is None:
            work, aside = lambda: self._work(scenario), self.model.aside
            aside.ask(self._subject, work, lambda found: show(lambda: self._take(scenario, found())))

    def _take(self, scenario: Scenario, found: tuple[Tipping, ...] | None) -> None:
        self._done += 1
        if found is not None:
            _kept[scenario] = found
            while len(_kept) > KEPT:
                _kept.popitem(last=False)

    def finish(self) -> None:
        """Do all of the work."""
        while self.points is None:
            self.step()

    def _work(self, scenario: Scenario) -> Iterator[tuple[Tipping, ...] | None]:
        """Yield None for each input that is done, so that a slider waits for one, and at last all of them."""
        found: list[Tipping] = []
        if self.model.report.comparison.best is not None:
            options = replace(self.model.report.comparison.alone, scenario=scenario)
            for row in inputs_of(options, self.model.catalog):
                yield None
                found.append(tip(row))
        yield by_nearness(found)
