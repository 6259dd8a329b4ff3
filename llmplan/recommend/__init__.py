"""What to do, in plain words made of the numbers."""

import sys
from types import ModuleType

from llmplan.recommend.advice import nearest_flips, recommend
from llmplan.recommend.records import Recommendation, RunnerUp

__all__ = ["Recommendation", "RunnerUp", "nearest_flips", "recommend"]


__wrapped__ = recommend
"""Whose signature and help the called room shows."""


class _CalledRoom(ModuleType):
    """The front door names a function as this room is named: `llmplan.recommend` is both, whoever came first."""

    __call__ = staticmethod(recommend)


sys.modules[__name__].__class__ = _CalledRoom
