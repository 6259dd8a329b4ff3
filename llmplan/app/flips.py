"""What would flip the recommendation: worked out bit by bit while the reader rests, so that no slider waits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from llmplan.app.model import AppModel
from llmplan.recommend import nearest_flips
from llmplan.recommend.tipping import Tipping, by_nearness, inputs_of
from llmplan.recommend.tipping.points import tip
from llmplan.scenario import Scenario

KEPT = 24

_kept: OrderedDict[Scenario, tuple[str, ...]] = OrderedDict()


class Flips:
    """The nearest flips of the model's present scenario."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self._scenario: Scenario | None = None
        self._steps: Iterator[None] = iter(())
        self._done = 0

    @property
    def steps_done(self) -> int:
        """Steps done for the present scenario."""
        return self._done if self._scenario == self.model.scenario else 0

    @property
    def sentences(self) -> tuple[str, ...] | None:
        """The nearest flips in words; None until they are worked out."""
        return _kept.get(self.model.scenario)

    def step(self) -> None:
        """Do the next bit of the work for the present scenario; nothing once it is done."""
        if self._scenario != self.model.scenario:
            self._scenario, self._steps = self.model.scenario, self._work(self.model.scenario)
            self._done = 0
        next(self._steps, None)
        self._done += 1

    def finish(self) -> None:
        """Do all of the work."""
        while self.sentences is None:
            self.step()

    def _work(self, scenario: Scenario) -> Iterator[None]:
        found: list[Tipping] = []
        if self.model.report.comparison.order:
            options = replace(self.model.report.comparison.alone, scenario=scenario)
            for row in inputs_of(options, self.model.catalog):
                yield  # a slider that moves meanwhile waits for one input, not for all
                found.append(tip(row))
        _kept[scenario] = nearest_flips(by_nearness(found))
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
