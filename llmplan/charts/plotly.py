"""Plain figures to Plotly's own, for notebooks that work on with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from llmplan.charts.palette import light
from llmplan.charts.style import Figure

TOKEN = re.compile(r"^(@[a-z0-9]+)(?:/([\d.]+))?$")


def to_plotly(figure: Figure, title: str = "") -> Any:
    """Return a plain figure as a `plotly.graph_objects.Figure`, its colour tokens as light colours."""
    import plotly.graph_objects as go

    plain = _coloured(figure)
    made = go.Figure(data=plain["data"], layout=plain["layout"])
    return made.update_layout(title=title, template="plotly_white", legend={"orientation": "h", "y": -0.2})


def _coloured(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _coloured(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_coloured(item) for item in value]
    if isinstance(value, np.ndarray):
        return value
    found = TOKEN.match(value) if isinstance(value, str) else None
    return _rgba(found[1], found[2]) if found else value


def _rgba(token: str, opacity: str | None) -> str:
    colour = light(token)
    if opacity is None:
        return colour
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
