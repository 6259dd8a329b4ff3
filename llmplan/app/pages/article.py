"""Article check: every claim with its verdict, and three charts of what lies behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from llmplan.app.fields import MultiSelect, Text
from llmplan.app.model import AppModel
from llmplan.app.pages.page import Page, show_parts
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import Chart, ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.html import answer, badge, cards, table
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.catalog import Catalog
from llmplan.charts.article import claimed_cost_figure, crossover_figure, request_rate_figure
from llmplan.claims import CheckedClaim, check_claims
from llmplan.claims.document import MARKS, MEANINGS, section_title
from llmplan.claims.pictures import RequestRates, crossover_lines, hardware_costs, request_rates
from llmplan.wording import DOLLAR, short_volume

VERDICT_CLASSES = {
    "does not hold": "lp-verdict-not",
    "depends": "lp-verdict-depends",
    "cannot be checked": "lp-verdict-unknown",
    "holds within range": "lp-verdict-within",
    "holds": "lp-verdict-holds",
}
"""How each verdict is marked, in the order in which they matter to a reader."""
SECTIONS = ("costs", "hidden costs", "hybrid", "minimum set-ups", "hardware")
"""Sections of the article whose claims move a decision most, in this order; the others come after them."""


class ArticlePage(Page):
    """The claims as a filterable table, and the three charts; none depends on the reader's scenario.

    Sums are in the article's own currency, US dollars.
    """

    beside_inputs = False

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self._checked: tuple[CheckedClaim, ...] | None = None
        self._wanted: dict[str, Any] = {"verdicts": [], "sections": [], "words": ""}
        self.lead, self.table = HtmlView(), HtmlView()
        self.costs, self.crossover, self.rates = ChartView(), ChartView(), ChartView()
        self.filters = ControlPanel([], {}, self.filter, label="Filter")
        self.root = stack(
            [
                self.lead,
                columns([self.costs, self.crossover]),
                self.rates,
                box([self.filters], "lp-inline"),
                self.table,
            ]
        )

    def refresh(self) -> None:
        """Check the claims the first time; the scenario does not change them."""
        if self._checked is not None:
            return
        with guarded(self.lead, self.table):
            self._checked = tuple(sorted(check_claims(self.model.catalog), key=_weight))
            self.lead.show(_verdicts(self._checked))
            self._show_filters(self._checked)
            self._show_table()
        charts = {self.costs: costs_chart, self.crossover: crossover_chart, self.rates: rates_chart}
        show_parts(lambda: self.model.catalog, charts)

    def filter(self, changes: dict[str, Any]) -> None:
        """Show the claims that the filter lets through."""
        self._wanted |= changes
        with guarded(self.table):
            self._show_table()

    def _show_filters(self, checked: Sequence[CheckedClaim]) -> None:
        sections = tuple(dict.fromkeys(item.claim.section for item in checked))
        self.filters.set_fields(
            [
                MultiSelect("verdicts", "Verdict", tuple((v, f"{MARKS[v]} {v}") for v in VERDICT_CLASSES)),
                MultiSelect("sections", "Section", tuple((s, section_title(s)) for s in sections)),
                Text("words", "Words"),
            ]
        )
        self.filters.show(self._wanted)

    def _show_table(self) -> None:
        self.table.show(_claims([item for item in self._checked or () if self._passes(item)]))

    def _passes(self, item: CheckedClaim) -> bool:
        verdicts, sections = self._wanted["verdicts"], self._wanted["sections"]
        words = str(self._wanted["words"]).lower().split()
        text = f"{item.claim.claim} {item.why} {item.computed}".lower()
        return (
            (not verdicts or item.verdict in verdicts)
            and (not sections or item.claim.section in sections)
            and all(word in text for word in words)
        )


def costs_chart(catalog: Catalog) -> Chart:
    """Draw the article's hardware rows against today's rents."""
    rows = hardware_costs(catalog)
    under = sum(row.computed.base > row.claimed_high for row in rows)
    return Chart(
        claimed_cost_figure(rows, DOLLAR),
        title=f"{under} of {len(rows)} hardware rows cost more on demand than the article says",
        what="Monthly rent of the article's hardware: its range against today's on-demand prices.",
        alt="; ".join(
            f"{row.name}: claimed {row.claimed_low:,.0f} to {row.claimed_high:,.0f}, computed "
            f"{row.computed.low:,.0f} to {row.computed.high:,.0f}"
            for row in rows
        ),
        table={
            "row": [row.name for row in rows],
            "claimed low": [row.claimed_low for row in rows],
            "claimed high": [row.claimed_high for row in rows],
            "cheapest": [row.computed.low for row in rows],
            "median": [row.computed.base for row in rows],
            "dearest": [row.computed.high for row in rows],
        },
        filename="article-hardware",
    )


def crossover_chart(catalog: Catalog) -> Chart:
    """Draw where GPT-4o crosses the article's fleet."""
    lines = crossover_lines(catalog)
    return Chart(
        crossover_figure(lines, DOLLAR),
        title=f"A fleet that never grows matches GPT-4o at {_volume(lines.flat_crossing)} queries a day, "
        f"one that carries the peak at {_volume(lines.fleet_crossing)}",
        what="Left of a crossing the API is cheaper. Flat: two A100 and hidden costs whatever the volume. "
        f"Steps: as many A100 as the peak needs. Claimed: {lines.claimed[0]:,.0f} to {lines.claimed[1]:,.0f}.",
        alt=f"GPT-4o crosses the article's flat fleet at {_volume(lines.flat_crossing)} queries a day and the "
        f"fleet for the peak first at {_volume(lines.fleet_crossing)}.",
        table={
            "queries a day": lines.queries_per_day,
            "GPT-4o": lines.api_usd,
            "two A100 + hidden costs": lines.flat_usd,
            "fleet for the peak": lines.fleet_usd,
        },
        filename="article-crossover",
    )


def rates_chart(catalog: Catalog) -> Chart:
    """Draw the requests a minute that an A100 takes."""
    rates = request_rates(catalog)
    return Chart(
        request_rate_figure(rates),
        title=_rate_title(rates),
        what="Requests a minute of one A100 80GB with the 70B at 4 bit, flat out, 500 output tokens; band: 80 %.",
        alt=f"{_rate_title(rates)}.",
        table={
            "input tokens": rates.input_tokens,
            "requests a minute": rates.base,
            "low": rates.low,
            "high": rates.high,
        },
        filename="article-request-rate",
    )


def _weight(item: CheckedClaim) -> tuple[int, int]:
    """Return a claim's place: what does not hold matters most, what holds least, and first what is about money."""
    section = item.claim.section
    place = SECTIONS.index(section) if section in SECTIONS else len(SECTIONS)
    return list(VERDICT_CLASSES).index(item.verdict), place


def _verdicts(checked: Sequence[CheckedClaim]) -> Markup:
    counts = Counter[str](item.verdict for item in checked)
    entries = [(f"{MARKS[v]} {v}", f"{counts[v]} of {len(checked)}", MEANINGS[v]) for v in VERDICT_CLASSES]
    off, held = counts["does not hold"], counts["holds"] + counts["holds within range"]
    said = f"{off} of the article's {len(checked)} claims do not hold, {held} do, as stated or within range"
    return answer(said) + cards(entries)


def _claims(shown: Sequence[CheckedClaim]) -> Markup:
    rows = [
        (
            badge(f"{MARKS[item.verdict]} {item.verdict}", VERDICT_CLASSES[item.verdict]),
            item.claim.claim,
            item.claimed,
            item.computed,
            item.why,
        )
        for item in shown
    ]
    count = Markup('<p class="lp-help" aria-live="polite">{} claims</p>').format(len(shown))
    heads = ("Verdict", "Claim", "Claimed", "Computed", "Why")
    return count + table(heads, rows, "The article's claims", style="lp-claims", tall=True)


def _volume(queries_per_day: float) -> str:
    return "no volume" if queries_per_day == float("inf") else short_volume(queries_per_day)


def _rate_title(rates: RequestRates) -> str:
    """Say which prompts the lowest claimed rate takes, and the rate at the article's prompt."""
    least, longest = rates.claimed[0], rates.longest_prompt
    at = f"{rates.stated_rate:.0f} at the article's {rates.stated_tokens:,.0f}"
    if longest == 0:
        return f"No prompt is short enough for {least:g} requests a minute: {at}"
    if longest == float("inf"):
        return f"Every prompt allows {least:g} requests a minute: {at}"
    return f"{least:g} requests a minute take prompts of at most {longest:,.0f} tokens; it is {at}"
