"""Scenario in, every option compared, every break-even, what to do."""

from llmplan.options.breakeven import BreakEven, break_even
from llmplan.options.comparison import Comparison, evaluate, options_of
from llmplan.options.frame import compare
from llmplan.options.maps import Curves, DecisionMap, cost_curves, decision_map, volume_axis
from llmplan.options.rows import Option
from llmplan.options.table import Options, build_options

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
