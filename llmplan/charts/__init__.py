"""Tables in, figures out: plain Plotly dictionaries for the page, `to_plotly` for analysts.

Colours are tokens (`@1` to `@8`, `@ink`, `@muted`, `@grid`) that the page turns into its light or dark theme.
"""

from llmplan.charts.cost import (
    CostChart,
    CostLine,
    cost_chart,
    cost_curves_figure,
    envelope_chart,
)
from llmplan.charts.decision_map import decision_map_figure
from llmplan.charts.plotly import to_plotly

__all__ = [
    "CostChart",
    "CostLine",
    "cost_chart",
    "cost_curves_figure",
    "decision_map_figure",
    "envelope_chart",
    "to_plotly",
]
