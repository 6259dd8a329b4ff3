"""The dashboard: one navigation bar, one control panel, one model; pages are made when first opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets as t
from IPython.display import clear_output, display
from markupsafe import Markup

from llmplan.app.fields import Field, Number
from llmplan.app.fields_of_own import own_values, owned_fields, price_fields, with_own
from llmplan.app.fields_of_scenario import (
    CUSTOM,
    HISTORY_BUTTONS,
    changes_of,
    scenario_fields,
    shown_units,
    values_of,
)
from llmplan.app.flips import Flips
from llmplan.app.model import AppModel
from llmplan.app.pages import PAGES
from llmplan.app.pages.page import Page
from llmplan.app.widgets.base import View, close_widgets
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import Widget, page, stack, toolbar
from llmplan.app.widgets.parts import Entry, File, HtmlView, Menu, NavBar, UrlState
from llmplan.errors import InputError, LlmplanError, UnknownNameError
from llmplan.export.files import FORMATS, MEDIA_TYPES, export_bytes, file_name
from llmplan.export.slides import SLIDES
from llmplan.options.frame import curves_frame, option_frame
from llmplan.recommend.ladder import floor_text, quality_ladder, whole_steps
from llmplan.scenario import Scenario, scenario_from_toml, scenario_to_toml
from llmplan.scenario.about import Group

if TYPE_CHECKING:
    import pandas as pd

WITHOUT_SCENARIO = frozenset(key for key, (_, page) in PAGES.items() if not page.beside_inputs)
"""Pages that do not depend on the scenario: its inputs are not shown beside them."""
COMPARES = "decision"
"""The page that shows two scenarios side by side."""
FILES = {"pptx": "Slides (PPTX)", "xlsx": "Workbook (XLSX)", "html": "Report (HTML)", "csv": "Table (CSV)"}
"""What the menu calls each format."""


class Dashboard:
    """All pages over one scenario; `root` is what a notebook shows."""

    def __init__(self, pages: Sequence[str] = (), model: AppModel | None = None) -> None:
        self.model = model or AppModel()
        self.names = tuple(pages) or tuple(PAGES)
        self.current = self.names[0]
        self._made: dict[str, Page] = {}
        self.nav = NavBar([(name, PAGES[name][0]) for name in self.names], self.current, self.go)
        self._owned, self._prices = owned_fields(self.model.catalog), list[Number]()
        self._described = self._describing
        self._dragging = self._owed = False
        """Whether a slider is moving, and whether parts of the page wait until it rests."""
        self.panel = ControlPanel(
            self._fields(),
            self._values(),
            self.on_change,
            on_rest=self.on_rest,
            on_ahead=self.on_ahead,
            label="Inputs",
            closed_groups=list(Group),
            more="More",
            folds=True,
            units=shown_units(self.model.scenario, self.model.catalog),
        )
        self.notice, self.url = HtmlView(live=True), UrlState(self.on_link, button=False)
        self.body = stack([])
        self.frame = stack([])
        self._beside = page(self.panel, [toolbar(self._tools()), self.body])
        self.root = stack([self.nav, self.notice, self.frame])
        self.model.observe(self._follow, names=["scenario"])
        self.model.observe(lambda _change: self._show_link(), names=["pinned"])
        self.go(self.current)

    def go(self, name: str) -> None:
        """Open a page; made the first time, refreshed each time, or opened where that takes it longer."""
        self.current = name
        if name not in self._made:
            self._made[name] = PAGES[name][1](self.model)
            for chart in charts_of(self._made[name]):
                chart.offer_slides(self.model.add_picture)
        alone = name in WITHOUT_SCENARIO
        self.body.children = [] if alone else [self._made[name].root]
        self.frame.children = [self._made[name].root if alone else self._beside]
        self._made[name].open()
        self._owed = False
        self._show_link()

    def on_change(self, changes: dict[str, Any]) -> None:
        """Apply what the reader changed: values or a preset, then a button that was pressed meanwhile."""
        buttons = {"undo": self.model.undo, "redo": self.model.redo, "reset": self.model.reset}
        pressed = [action for key, action in buttons.items() if changes.pop(key, None) is not None]
        preset = changes.pop("preset", None)
        if preset is not None and preset != CUSTOM:
            self.model.load_preset(preset)
        elif changes:
            changes = with_own(changes, self.model.scenario)
            self._dragging = self.panel.moving
            try:
                self.model.change(changes_of(changes), self.panel.drag)
            finally:
                self._dragging = False
        for action in pressed:
            action()

    def on_ahead(self, changes: dict[str, Any]) -> Mapping[View, dict[str, Any]]:
        """Return what the page would show after changes that the reader is likely to make next: a key, and it is there."""
        with suppress(InputError):
            report = self.model.report_after(changes_of(with_own(changes, self.model.scenario)))
            return self._made[self.current].prepared(report)
        return {}

    def on_rest(self) -> None:
        """Show what waited, mark the floors at which the cheapest option changes, offer the prices behind the options."""
        if self._owed:
            self._refresh()
        report = self.model.report
        steps = whole_steps(quality_ladder(report.comparison, report.catalog))
        self.panel.marks = {
            "quality_floor": [[step.quality, f"Cheapest {floor_text(step, report.money)}"] for step in steps]
        }
        if (prices := price_fields(report)) != self._prices:
            self._prices = prices
            self.panel.set_fields(self._fields())
            self.panel.show(self._values())

    def on_link(self, query: dict[str, str]) -> None:
        """Take the scenario and the page of a link, and say what was ignored."""
        wanted = query.pop("page", self.current)
        self.model.ignored = ()
        if query:
            self.model.open_query(query)
        self._say_ignored(wanted)
        if wanted in self.names and wanted != self.current:
            self.nav.current = wanted
            self.go(wanted)
        elif query or self.model.pinned is not None:
            self._made[self.current].open()

    def _say_ignored(self, wanted: str) -> None:
        twice = [f"{name[:40]!r} stands more than once, the last one counts" for name in self.url.repeated]
        page = [] if wanted in self.names else [f"there is no page {wanted[:40]!r}"]
        said = [*self.model.ignored, *twice, *page]
        items = Markup("").join(Markup("<li>{}</li>").format(text) for text in said)
        told = Markup(
            '<div class="lp-notice"><p>Ignored from the link; the rest is shown:</p><ul>{}</ul></div>'
        )
        self.notice.show(told.format(items) if said else "")

    def on_file(self, content: bytes) -> str:
        """Take an uploaded scenario file."""
        scenario = scenario_from_toml(content.decode("utf-8", errors="replace"))
        self.model.load(scenario.model_copy(update={"measured_csv": None}))
        left = (
            "; its measured_csv is left out: a server opens no file of a visitor's"
            if scenario.measured_csv
            else ""
        )
        return f"Loaded the scenario {scenario.name}{left}."

    def _fields(self) -> list[Field]:
        boxes = [*self._owned, *self._prices]
        return [*HISTORY_BUTTONS, *scenario_fields(self.model.catalog, self.model.scenario), *boxes]

    @property
    def _describing(self) -> tuple[object, ...]:
        """What inputs are described by: the profile, at whose peak a slider begins, what runs today, the volume's unit."""
        scenario = self.model.scenario
        return scenario.profile_id, scenario.week_profile, scenario.reference_api_id, scenario.volume_unit

    def _follow(self, _change: t.Bunch) -> None:
        if self._describing != self._described:
            self._described = self._describing
            self.panel.set_fields(self._fields())
        with self.panel.hold_sync():
            self.panel.units = shown_units(self.model.scenario, self.model.catalog)
            self.panel.show(self._values())
        self._refresh()
        self._show_link()

    def _refresh(self) -> None:
        page, self._owed = self._made[self.current], self._dragging
        (page.follow if self._dragging else page.refresh)()

    def _values(self) -> dict[str, Any]:
        history = {"undo": self.model.can_undo, "redo": self.model.can_redo}
        own = {box.key: None for box in (*self._owned, *self._prices)} | own_values(self.model.scenario)
        return values_of(self.model.scenario, self.model.preset, self.model.catalog) | own | history

    def _show_link(self) -> None:
        page_name = {} if self.current == self.names[0] else {"page": self.current}
        self.url.show({**self.model.query, **page_name})

    def _tools(self) -> list[View]:
        files = [Entry(name, FILES[name], self._export(name, "shown"), "file") for name in FORMATS]
        files.append(Entry("all", "All options (CSV)", self._export("csv", "options"), "file"))
        slides = Entry("slides", "Slides hold", type="checks", options=tuple(SLIDES.items()))
        compare = [Entry("compare", "Compare two", self.on_compare)] if COMPARES in self.names else []
        scenario = [
            Entry("link", "Copy link", type="link"),
            *compare,
            Entry("save", "Save scenario", self._scenario_file, "file", "A TOML file, to open again"),
            Entry("open", "Open scenario", self.on_file, "upload"),
        ]
        return [Menu("Export", [*files, slides]), Menu("Scenario", scenario), self.url]

    def on_compare(self) -> None:
        """Keep the present scenario as B and show it beside the present one, which then moves on alone."""
        self.model.pinned = self.model.scenario
        self.nav.current = COMPARES
        self.go(COMPARES)

    def _export(self, kind: str, table: str) -> Callable[[Sequence[str]], File]:
        def build(chosen: Sequence[str]) -> File:
            report, pictures = self.model.report, self.model.pictures
            content = export_bytes(report, kind, table=table, slides=chosen, pictures=pictures)
            return file_name(report, kind, table), MEDIA_TYPES[kind], content

        return build

    def _scenario_file(self, _chosen: Sequence[str]) -> File:
        text = scenario_to_toml(self.model.scenario)
        return "scenario.toml", "application/toml", text.encode()


def charts_of(page: Page) -> set[ChartView]:
    """Return the charts of a page, also those that it shows later only."""

    def below(widget: Widget) -> Iterator[Widget]:
        yield widget
        for child in getattr(widget, "children", ()):
            yield from below(child)

    return {each for each in (*below(page.root), *vars(page).values()) if isinstance(each, ChartView)}


def warm_up() -> None:
    """Work out the default scenario once, so that kernels forked from this process need not."""
    Flips(Dashboard().model).finish()
    close_widgets()  # a kernel makes a page of its own: without this, its visitor would get both


class Board:
    """What `show` returns: pages that a notebook displays, and the values behind them, which follow the inputs.

    Attributes
    ----------
    model: holds the scenario; `board.model.change({"queries_per_day": 1e6})` moves it as a slider does.
    root: the widget that is displayed.
    """

    def __init__(self, pages: Sequence[str] = (), scenario: Scenario | None = None) -> None:
        self.model = AppModel(scenario)
        self.root = Dashboard(pages, self.model).root

    @property
    def scenario(self) -> Scenario:
        """The scenario as the inputs stand now."""
        present: Scenario = self.model.scenario
        return present

    def table(self) -> pd.DataFrame:
        """Return the options that the pages compare, feasible and cheapest first; columns as of `compare`."""
        return option_frame(self.model.report.comparison)

    def curves(self) -> pd.DataFrame:
        """Return the cost curves that the pages draw: a row for each option and volume, USD a month."""
        return curves_frame(self.model.report.curves)

    def on_change(self, call: Callable[[Board], object]) -> Callable[[], None]:
        """Call `call(board)` whenever the scenario has changed; return what stops it."""

        def follow(_change: t.Bunch) -> None:
            call(self)

        self.model.observe(follow, names=["scenario"])
        return lambda: self.model.unobserve(follow, names=["scenario"])

    def live(self, make: Callable[[Board], object]) -> ipywidgets.Output:
        """Return a widget that displays `make(board)`, a table for instance, anew whenever the scenario changes."""
        shown = ipywidgets.Output()

        def render(board: Board) -> None:
            with shown:
                clear_output(wait=True)
                try:
                    display(make(board))
                except LlmplanError as problem:
                    print(problem)

        render(self)
        self.on_change(render)
        return shown

    def _repr_mimebundle_(self, **how: Any) -> Any:
        return self.root._repr_mimebundle_(**how)


def show(*pages: str, scenario: Scenario | None = None) -> Board:
    """Return pages of the dashboard for a notebook, over a scenario that their inputs change.

    Parameters
    ----------
    pages: keys of PAGES; none: all. scenario: one of your own, which may rest on your measurements.

    Raises
    ------
    UnknownNameError: for a page that is not there.
    """
    for name in pages:
        if name not in PAGES:
            raise UnknownNameError("page", name, PAGES)
    return Board(pages, scenario)
