"""What to do, in plain words made of the numbers."""

from llmplan.recommend.advice import nearest_flips, recommend
from llmplan.recommend.records import Recommendation, RunnerUp

__all__ = ["Recommendation", "RunnerUp", "nearest_flips", "recommend"]
