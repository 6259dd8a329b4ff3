"""What would flip the recommendation: worked out bit by bit while the reader rests, so that no slider waits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from markupsafe import Markup

from llmplan.app.model import AppModel
from llmplan.app.widgets.html import at_rest
from llmplan.recommend import nearest_flips
from llmplan.recommend.tipping import Tipping, by_nearness, inputs_of
from llmplan.recommend.tipping.points import tip
from llmplan.scenario import Scenario

KEPT = 24
REST_MS, BETWEEN_STEPS_MS = 1_500, 50
"""How long the inputs must have rested before the browser asks what would flip the answer, and then goes on."""

_kept: OrderedDict[tuple[Scenario, bool], tuple[Tipping, ...]] = OrderedDict()


class Flips:
    """What flips the recommendation of the model's present scenario, an input a step; verify as in `tipping_points`."""

    def __init__(self, model: AppModel, verify: bool = False) -> None:
        self.model, self._verify = model, verify
        self._scenario: Scenario | None = None
        self._steps: Iterator[None] = iter(())
        self._done = 0

    @property
    def steps_done(self) -> int:
        """Steps done for the present scenario."""
        return self._done if self._scenario == self.model.scenario else 0

    @property
    def points(self) -> tuple[Tipping, ...] | None:
        """The tipping points of every input, nearest first; None until they are worked out."""
        return _kept.get((self.model.scenario, self._verify))

    @property
    def sentences(self) -> tuple[str, ...] | None:
        """The nearest flips in words; None until they are worked out."""
        return None if self.points is None else nearest_flips(self.points)

    def asking(self) -> Markup:
        """Return the line that has the browser ask for the next step."""
        pause = BETWEEN_STEPS_MS if self.steps_done else REST_MS
        return at_rest(
            "flip", pause, self.model.scenario, f"Trying the other inputs… {self.steps_done or ''}"
        )

    def step(self) -> None:
        """Do the next bit of the work for the present scenario; nothing once it is done."""
        if self._scenario != self.model.scenario:
            self._scenario, self._steps = self.model.scenario, self._work(self.model.scenario)
            self._done = 0
        next(self._steps, None)
        self._done += 1

    def finish(self) -> None:
        """Do all of the work."""
        while self.points is None:
            self.step()

    def _work(self, scenario: Scenario) -> Iterator[None]:
        found: list[Tipping] = []
        if self.model.report.comparison.order:
            options = replace(self.model.report.comparison.alone, scenario=scenario)
            for row in inputs_of(options, self.model.catalog):
                yield  # a slider that moves meanwhile waits for one input, not for all
                found.append(tip(row, verify=self._verify))
        _kept[scenario, self._verify] = by_nearness(found)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
