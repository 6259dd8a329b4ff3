"""Boxes that place widgets on the page; the style sheet decides how they flow at each width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import ipywidgets

from llmplan.app.widgets.base import View, shared_layout

Widget: TypeAlias = View | ipywidgets.Box


def box(children: Sequence[Widget], *classes: str) -> ipywidgets.Box:
    """Return the children in a box with these style classes."""
    made = ipywidgets.Box(children=list(children), layout=shared_layout())
    for name in classes:
        made.add_class(name)
    return made


def page(controls: Widget, content: Sequence[Widget]) -> ipywidgets.Box:
    """Return controls beside content; below 900 px of width the controls stand on top."""
    return box([controls, stack(content)], "lp-layout")


def stack(children: Sequence[Widget]) -> ipywidgets.Box:
    """Return the children one under the other."""
    return box(children, "lp-content")


def columns(children: Sequence[Widget]) -> ipywidgets.Box:
    """Return the children side by side, as many as the width takes (460 px each at least)."""
    return box(children, "lp-columns")


def toolbar(children: Sequence[Widget]) -> ipywidgets.Box:
    """Return small parts such as buttons in a row that wraps."""
    return box(children, "lp-toolbar")
