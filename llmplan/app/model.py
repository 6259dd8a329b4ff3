"""The headless model behind every page: one scenario, its history, and what was computed for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from math import log
from typing import Any
from urllib.parse import parse_qsl, urlencode

import traitlets as t

from llmplan.catalog import Catalog, load_catalog
from llmplan.options import Options, build_options
from llmplan.options.comparison import aside
from llmplan.options.shortlist import shortlist
from llmplan.replica import Configurations
from llmplan.report import Report, make_report
from llmplan.report.rivals import Rivals
from llmplan.scenario import Scenario, check_ids, load_scenario, scenario_names
from llmplan.scenario.text import scenario_from_query, scenario_to_query

DEFAULT_PRESET = "support-chat"
HISTORY = 100
COMPARED = "compare"
"""Field of a link that holds the scenario compared with."""
MOST_FIELDS = 100
KEPT_OPTIONS = 24
KEPT_SHORTLISTS = 24
TOKENS = ("input_tokens", "output_tokens")
TOKEN_STEP = 4
"""Tokens within this factor share a shortlist."""
QUICK_FIELDS = frozenset(
    {
        "name",
        "input_tokens",
        "output_tokens",
        "input_tokens_p95",
        "output_tokens_p95",
        "cached_input_share",
        "batch_share",
        "profile_id",
        "peak_to_mean",
        "quality_floor",
        "ttft_limit_ms",
        "tpot_limit_ms",
        "latency_percentile",
        "utilisation_ceiling",
        "spare_replicas",
        "queries_per_day",
        "engineering_usd_per_month",
        "days_per_month",
        "currency_symbol",
        "currency_per_usd",
    }
)
"""A change of these alone keeps the shortlist, tokens within limits; any other asks the whole catalog."""


_shortlists: dict[tuple[int, Scenario], tuple[Catalog, Configurations]] = {}


class AppModel(t.HasTraits):
    """Holds the scenario; views observe `scenario` and read `report`.

    Attributes
    ----------
    scenario: the present one; assign through `change`, `load`, `undo` and `redo`.
    preset: the preset that the scenario started from, None for the plain default.
    ignored: what of a link could not be used, in words.
    pinned: the scenario that the present one is compared with, None for none.
    """

    scenario = t.Instance(Scenario)
    preset = t.Unicode(DEFAULT_PRESET, allow_none=True)
    ignored = t.Tuple()
    pinned = t.Instance(Scenario, allow_none=True)

    def __init__(self, scenario: Scenario | None = None, catalog: Catalog | None = None) -> None:
        self.catalog = catalog or load_catalog()
        self._past: list[tuple[Scenario, str | None]] = []
        self._future: list[tuple[Scenario, str | None]] = []
        self._report: tuple[Scenario, Report] | None = None
        self._options: OrderedDict[Scenario, Options] = OrderedDict()
        self._rivals: dict[Scenario, Rivals] = {}
        start = scenario or load_scenario(DEFAULT_PRESET, self.catalog)
        super().__init__(scenario=start.under(self.catalog), preset=None if scenario else DEFAULT_PRESET)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change some fields; raise InputError, and change nothing, when a value breaks a rule."""
        changed = self.scenario.but(**changes)
        check_ids(changed, self.catalog)
        self._go(changed, self.preset)

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

    def _go(self, scenario: Scenario, preset: str | None) -> None:
        scenario = scenario.under(self.catalog)
        if scenario == self.scenario and preset == self.preset:
            return
        self._past = [*self._past, (self.scenario, self.preset)][-HISTORY:]
        self._future = []
        self._set(scenario, preset)

    def _set(self, scenario: Scenario, preset: str | None) -> None:
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
            self._future.append((self.scenario, self.preset))
            self._set(*self._past.pop())

    def redo(self) -> None:
        """Go forward again one change; nothing happens at the end."""
        if self._future:
            self._past.append((self.scenario, self.preset))
            self._set(*self._future.pop())

    @property
    def report(self) -> Report:
        """What the pages show of the present scenario, from the shortlisted options: fast enough to drag."""
        if self._report is None or self._report[0] != self.scenario:
            self._report = (self.scenario, self.report_for(self.scenario))
        return self._report[1]

    @property
    def options(self) -> Options:
        """The shortlisted options of the present scenario."""
        return self.options_for(self.scenario)

    def options_for(self, scenario: Scenario) -> Options:
        """Return the shortlisted options of any scenario; those that differ in name or volume share them."""
        key = aside(scenario)
        if key not in self._options:
            self._options[key] = build_options(key, self.catalog, self._shortlist(key))
        self._options.move_to_end(key)
        while len(self._options) > KEPT_OPTIONS:
            self._options.popitem(last=False)
        return self._options[key]

    def report_for(self, scenario: Scenario) -> Report:
        """Return what pages show of any scenario."""
        options, key = self.options_for(scenario), aside(scenario)
        report = make_report(scenario, self.catalog, options=options, rivals=self._rivals.get(key))
        self._rivals[key] = report.rivals
        self._rivals = {kept: self._rivals[kept] for kept in self._options if kept in self._rivals}
        return report

    def _shortlist(self, scenario: Scenario) -> Configurations:
        """Return the shortlist made for a scenario's constraints and about its tokens.

        The whole catalog is asked the first time, and again where the tokens have moved by a factor of four.
        """
        own = {field: Scenario.model_fields[field].get_default() for field in QUICK_FIELDS}
        about = {name: TOKEN_STEP ** round(log(getattr(scenario, name), TOKEN_STEP)) for name in TOKENS}
        key = (id(self.catalog), scenario.model_copy(update=own | about))
        if key not in _shortlists:
            if len(_shortlists) > KEPT_SHORTLISTS:
                _shortlists.clear()
            # Not options_of, which would keep all the thousands of options in memory.
            whole = build_options(scenario, self.catalog)
            _shortlists[key] = (self.catalog, shortlist(whole, self.catalog))
        return _shortlists[key][1]

    def whole_report(self) -> Report:
        """Return the report over the whole catalog: what exports hold."""
        return make_report(self.scenario, self.catalog)
