"""Sizing as answers: one replica, every replica, what the article's pairings would serve."""

from llmplan.sizing.alternatives import Alternative, would_fit
from llmplan.sizing.answer import SizeAnswer, SizeRequest, size
from llmplan.sizing.fleet_day import FleetDay, fleet_day
from llmplan.sizing.search import SearchRow, article_pairings, cheapest_price, search, what_binds
from llmplan.sizing.simulated import Load, SimulatedAnswer, simulate_load
from llmplan.sizing.speed import Speed
from llmplan.sizing.tables import LatencyCurve, WaitingCurve, latency_curve, memory_breakdown, waiting_curve

__all__ = [
    "Alternative",
    "FleetDay",
    "LatencyCurve",
    "Load",
    "SearchRow",
    "SimulatedAnswer",
    "SizeAnswer",
    "SizeRequest",
    "Speed",
    "WaitingCurve",
    "article_pairings",
    "cheapest_price",
    "fleet_day",
    "latency_curve",
    "memory_breakdown",
    "search",
    "simulate_load",
    "size",
    "waiting_curve",
    "what_binds",
    "would_fit",
]
