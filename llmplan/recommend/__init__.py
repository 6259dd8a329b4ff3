"""What to do, in plain words made of the numbers."""

from llmplan.recommend.advice import recommend
from llmplan.recommend.records import Recommendation, RunnerUp

__all__ = ["Recommendation", "RunnerUp", "recommend"]
