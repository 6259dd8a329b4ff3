"""Scenario in, every option compared, every break-even, what to do."""

from llmplan.options.breakeven import BreakEven, break_even
from llmplan.options.build import build_options
from llmplan.options.comparison import Comparison, evaluate, options_of
from llmplan.options.frame import compare
from llmplan.options.maps import (
    CURVE_POINTS,
    Curves,
    DecisionMap,
    Envelope,
    cost_curves,
    decision_map,
    envelopes,
    map_of,
    volume_axis,
)
from llmplan.options.rows import Option
from llmplan.options.table import Options

__all__ = [
    "CURVE_POINTS",
    "BreakEven",
    "Comparison",
    "Curves",
    "DecisionMap",
    "Envelope",
    "Option",
    "Options",
    "break_even",
    "build_options",
    "compare",
    "cost_curves",
    "decision_map",
    "envelopes",
    "evaluate",
    "map_of",
    "options_of",
    "volume_axis",
]
