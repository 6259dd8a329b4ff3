"""What would change the recommendation: the nearest value of each input at which it flips."""

from llmplan.recommend.tipping.points import by_nearness, inputs_of, tipping_points
from llmplan.recommend.tipping.records import Tipping, TippingPoint

__all__ = ["Tipping", "TippingPoint", "by_nearness", "inputs_of", "tipping_points"]
