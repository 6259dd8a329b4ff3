"""Scenario in, every option compared, every break-even, what to do."""

from llmplan.decision.breakeven import BreakEven, break_even
from llmplan.decision.comparison import Comparison, evaluate, options_of
from llmplan.decision.maps import Curves, DecisionMap, cost_curves, decision_map, volume_axis
from llmplan.decision.options import Option, Options, build_options
from llmplan.decision.table import compare

__all__ = [
    "BreakEven",
    "Comparison",
    "Curves",
    "DecisionMap",
    "Option",
    "Options",
    "break_even",
    "build_options",
    "compare",
    "cost_curves",
    "decision_map",
    "evaluate",
    "options_of",
    "volume_axis",
]
