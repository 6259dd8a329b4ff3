"""The headless model behind every page: one scenario, its history, and what was computed for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import traitlets as t

from llmplan.app.aside import Aside
from llmplan.catalog import Catalog, load_catalog
from llmplan.export.slides import Picture, added
from llmplan.options.table import SIDES
from llmplan.report import Report, make_report
from llmplan.scenario import Scenario, check_ids, load_scenario, scenario_names
from llmplan.scenario.text import scenario_from_query, scenario_to_query
from llmplan.wording import counted

DEFAULT_PRESET = "support-chat"
HISTORY = 100
COMPARED = "compare"
"""Field of a link that holds the scenario compared with."""
MOST_FIELDS = 100
KEPT_REPORTS = 4


class AppModel(t.HasTraits):
    """Holds the scenario; views observe `scenario` and read `report`.

    Attributes
    ----------
    scenario: the present one; assign through `change`, `load`, `undo` and `redo`.
    preset: the preset that the scenario started from, None for the plain default.
    ignored: what of a link could not be used, in words.
    pinned: the scenario that the present one is compared with, None for none.
    pictures: charts that the reader has added to the slides. aside: what is worked out while the reader rests.
    """

    scenario = t.Instance(Scenario)
    preset = t.Unicode(DEFAULT_PRESET, allow_none=True)
    ignored = t.Tuple()
    pinned = t.Instance(Scenario, allow_none=True)

    def __init__(self, scenario: Scenario | None = None, catalog: Catalog | None = None) -> None:
        self.catalog = catalog or load_catalog()
        self._past: list[tuple[Scenario, str | None]] = []
        self._future: list[tuple[Scenario, str | None]] = []
        self._drag: int | None = None
        self._reports: OrderedDict[Scenario, Report] = OrderedDict()
        self.pictures: tuple[Picture, ...] = ()
        self.aside = Aside()
        start = scenario or load_scenario(DEFAULT_PRESET, self.catalog)
        super().__init__(scenario=start.under(self.catalog), preset=None if scenario else DEFAULT_PRESET)

    def change(self, changes: Mapping[str, Any], drag: int | None = None) -> None:
        """Change some fields; raise InputError, and change nothing, when a value breaks a rule.

        Changes that follow one another with the same number of a `drag` are one step back.
        """
        changed = self.scenario.but(**changes)
        check_ids(changed, self.catalog)
        goes_on = drag is not None and drag == self._drag
        if goes_on:
            self._reports.clear()  # some MB each, in as many processes as readers drag
        self._go(changed, self.preset, is_new=not goes_on)
        self._drag = drag

    def load(self, scenario: Scenario, preset: str | None = None) -> None:
        """Take another scenario in place of the present one."""
        check_ids(scenario, self.catalog)
        self._go(scenario, preset)

    def load_preset(self, name: str) -> None:
        """Take a shipped preset; UnknownNameError for one that is not there."""
        self.load(load_scenario(name, self.catalog), name)

    def reset(self) -> None:
        """Go back to the preset's own values."""
        self.load_preset(self.preset or DEFAULT_PRESET)

    def open_query(self, query: Mapping[str, str]) -> None:
        """Take the scenario of a link; what cannot be used is listed in `ignored`, the rest counts.

        A link that names no preset starts from the default one.
        """
        own = {field: text for field, text in query.items() if field != COMPARED}
        scenario, preset, ignored = self._read(own)
        if COMPARED in query:
            ignored = (*ignored, *self._open_compared(query[COMPARED]))
        self.ignored = ignored
        self._go(scenario, preset)

    def _read(self, query: Mapping[str, str]) -> tuple[Scenario, str, tuple[str, ...]]:
        named = query.get("preset", DEFAULT_PRESET)
        known = {"preset": named if named in scenario_names(self.catalog) else DEFAULT_PRESET}
        scenario, preset, ignored = scenario_from_query(
            {**query, **known}, lambda found: check_ids(found, self.catalog), self.catalog
        )
        unknown = () if named in known.values() else (f"preset {named[:40]!r} is not known",)
        return scenario, preset or DEFAULT_PRESET, (*unknown, *ignored)

    def _open_compared(self, text: str) -> tuple[str, ...]:
        """Pin the scenario that a link compares with; return what was ignored."""
        try:
            fields = dict(parse_qsl(text, max_num_fields=MOST_FIELDS))
        except ValueError:
            return (f"{COMPARED!r} has too many fields",)
        self.pinned, _, ignored = self._read(fields)
        return ignored

    @property
    def query(self) -> dict[str, str]:
        """The link's fields: what differs from the preset, and the scenario that it is compared with."""
        query = self._written(self.scenario)
        if self.pinned is not None:
            query[COMPARED] = urlencode(self._written(self.pinned))
        return query

    def _written(self, scenario: Scenario) -> dict[str, str]:
        query = scenario_to_query(scenario, self.preset or DEFAULT_PRESET, self.catalog)
        return {name: text for name, text in query.items() if (name, text) != ("preset", DEFAULT_PRESET)}

    def _go(self, scenario: Scenario, preset: str | None, *, is_new: bool = True) -> None:
        """Show another scenario; a new step of the history, or the same one going on."""
        scenario = scenario.under(self.catalog)
        if scenario == self.scenario and preset == self.preset:
            return
        if is_new:
            self._past = [*self._past, (self.scenario, self.preset)][-HISTORY:]
        self._drag = None
        self._future = []
        self._set(scenario, preset)

    def _set(self, scenario: Scenario, preset: str | None) -> None:
        self.aside.stop()
        with self.hold_trait_notifications():
            self.preset = preset
            self.scenario = scenario

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def undo(self) -> None:
        """Go back one change; nothing happens at the beginning."""
        if self._past:
            self._drag = None
            self._future.append((self.scenario, self.preset))
            self._set(*self._past.pop())

    def redo(self) -> None:
        """Go forward again one change; nothing happens at the end."""
        if self._future:
            self._drag = None
            self._past.append((self.scenario, self.preset))
            self._set(*self._future.pop())

    @property
    def report(self) -> Report:
        """What the pages show of the present scenario."""
        return self.report_for(self.scenario)

    @property
    def answer(self) -> dict[str, Any]:
        """What to do in the present scenario, as `recommend` has it: option_id, kind, monthly_usd, quality."""
        found = self.report.comparison
        item, place = found.recommended, found.best
        if item is None or place is None:
            return {"option_id": None, "kind": None, "monthly_usd": None, "quality": None}
        monthly_usd = dict(zip(SIDES, found.monthly_of([place])[:, 0].tolist(), strict=True))
        return {
            "option_id": item.option_id,
            "kind": item.kind,
            "monthly_usd": monthly_usd,
            "quality": item.quality,
        }

    def add_picture(self, picture: Picture) -> str:
        """Keep a chart for the slides; return what to say."""
        self.pictures = added(self.pictures, picture)
        return f"{counted(len(self.pictures), 'chart')} added to the slides"

    def report_for(self, scenario: Scenario) -> Report:
        """Return what pages and files show of any scenario; the last few are kept."""
        if scenario not in self._reports:
            self._reports[scenario] = make_report(scenario, self.catalog)
            while len(self._reports) > KEPT_REPORTS:
                self._reports.popitem(last=False)
        self._reports.move_to_end(scenario)
        return self._reports[scenario]

    def report_after(self, changes: Mapping[str, Any]) -> Report:
        """Return the report that some changes would show; raise InputError when a value breaks a rule."""
        changed = self.scenario.but(**changes)
        check_ids(changed, self.catalog)
        return self.report_for(changed.under(self.catalog))
