"""The control panel: one widget for all inputs of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import traitlets as t
from ipywidgets.widgets.widget import _remove_buffers

from llmplan.app.fields import Button, Field, describe
from llmplan.app.widgets.base import Answer, View
from llmplan.errors import InputError

PREFIXES = count(1)
Changes = dict[str, Any]


class ControlPanel(View):
    """Native, labelled inputs built from `fields`; `on_change(changes)` gets cleaned values only.

    The browser sends what the reader changed, merged, one message at a time; every value is cleaned by
    its field (clamped, or refused with a plain message), whoever sent it.
    """

    kind = t.Unicode("controls").tag(sync=True)
    repeatable = False
    spec = t.List().tag(sync=True)
    values = t.Dict().tag(sync=True)
    label = t.Unicode("Inputs").tag(sync=True)
    prefix = t.Unicode().tag(sync=True)
    closed_groups = t.List(t.Unicode()).tag(sync=True)
    folds = t.Bool(False).tag(sync=True)
    """Whether the whole panel stands behind its label on a narrow screen, so that the answer comes first."""
    more = t.Unicode("").tag(sync=True)
    """What all named groups stand behind, closed; empty: nothing."""
    units = t.Dict().tag(sync=True)
    """By what a number is multiplied where it is shown and its unit, where its field says otherwise, by key."""
    marks = t.Dict().tag(sync=True)
    """Of sliders: marks at values, each with its text, in their order, by key."""
    rests = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        fields: Sequence[Field],
        values: Mapping[str, Any],
        on_change: Callable[[Changes], None],
        *,
        on_rest: Callable[[], None] | None = None,
        on_ahead: Callable[[Changes], Mapping[View, Changes]] | None = None,
        **traits: Any,
    ) -> None:
        """`on_rest` is called once inputs have come to rest: for what no slider waits for.

        `on_ahead(changes)` is called with changes that the reader is likely to make next, and returns the states in
        which parts of the page would then be.
        """
        self._fields: dict[str, Field] = {}
        self._clean: Changes = {}
        self._on_change, self._on_rest, self._on_ahead = on_change, on_rest, on_ahead
        self.drag: int | None = None
        """The number of the drag that the last change belongs to, None for a change of its own."""
        self.moving = False
        """Whether the slider moves on: what can wait for its rest does."""
        super().__init__(prefix=f"c{next(PREFIXES)}", rests=on_rest is not None, **traits)
        self.set_fields(fields)
        self.show(values)

    def set_fields(self, fields: Sequence[Field]) -> None:
        """Show these inputs in place of the present ones."""
        self._fields = {field.key: field for field in fields}
        self.spec = [describe(field) for field in fields]

    def rest(self) -> None:
        """Do what no slider waits for."""
        if self._on_rest:
            self._on_rest()

    def show(self, values: Mapping[str, Any]) -> None:
        """Show these values; keys without an input are ignored, `on_change` is not called."""
        kept = {key: value for key, value in values.items() if key in self._fields}
        self.values = {**self.values, **kept}

    @t.validate("values")
    def _clean_values(self, proposal: dict[str, Any]) -> Changes:
        """Keep only known keys; a value that its field refuses falls back to the present one."""
        # Not self.values: inside a message from the browser that may already be what is being judged.
        present = self._clean
        kept: Changes = {}
        for key, value in proposal["value"].items():
            field = self._fields.get(key)
            if field is None:
                continue
            try:
                kept[key] = value if isinstance(field, Button) else field.clean(value)
            except InputError:
                if key in present:
                    kept[key] = present[key]
        self._clean = kept
        return kept

    def _cleaned(self, asked: Mapping[str, Any]) -> Changes:
        return {key: self._fields[key].clean(value) for key, value in asked.items() if key in self._fields}

    def _after(self, changes: Changes, shown: bool) -> Answer | None:
        found = self._on_ahead(changes) if self._on_ahead else {}
        if not shown:
            return None
        states, paths, arrays = _remove_buffers({view.model_id: state for view, state in found.items()})
        return {"parts": states, "buffer_paths": paths}, arrays

    def answer(self, content: dict[str, Any], buffers: list[Any]) -> Answer | None:
        """Clean what the reader changed, show it and hand it on."""
        del buffers
        asked, drag, ahead = content.get("set"), content.get("drag"), content.get("ahead")
        if isinstance(ahead, dict):
            return self._after(self._cleaned(ahead), shown=content.get("show") is True)
        if content.get("rest") is True:
            self.rest()
        if not isinstance(asked, dict):
            return None
        changes = self._cleaned(asked)
        shown = {k: v for k, v in changes.items() if not isinstance(self._fields[k], Button)}
        if shown:
            self.values = {**self.values, **shown}
        if changes:
            self.drag = drag if isinstance(drag, int) else None
            self.moving = self.drag is not None and content.get("moving", True) is True
            self._on_change(changes)
        return None
