"""What would change the recommendation: the nearest value of each input at which it flips."""

from llmplan.tipping.points import Tipping, TippingPoint, inputs_of, tipping_points

__all__ = ["Tipping", "TippingPoint", "inputs_of", "tipping_points"]
