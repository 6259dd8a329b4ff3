"""Decision: what to do, in ten seconds."""

from __future__ import annotations

from markupsafe import Markup

from llmplan.app.model import AppModel
from llmplan.app.pages.compare_two import CompareTwo
from llmplan.app.pages.flips import Flips
from llmplan.app.pages.page import card, cards, full_value, table
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.layout import columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.charts import cost_chart, cost_curves_figure, decision_map_figure
from llmplan.kinds import PURE
from llmplan.options import DecisionMap, Option, decision_map, volume_axis
from llmplan.quality.relative import is_lower_bound
from llmplan.recommend import Recommendation, recommend
from llmplan.report import Report
from llmplan.report.headlines import curve_title, kpi_cards, map_title
from llmplan.wording import milliseconds, parameters, quality_shown

MAP_POINTS = 41
UNRIVALLED = " * No token price is known to reach this model's quality."
LONGEST_ROW = 22
REST_MS, BETWEEN_STEPS_MS = 1_500, 50
"""How long the inputs must have rested before the browser asks what would flip the answer, and then goes on."""
DOUBLE, MANY = 2, 10
OPTION_HEADS = (
    "Option",
    "A month",
    "Low to high",
    "Why not",
    "Quality",
    "First token",
    "Token every",
    "GPUs",
    "Speed is",
)
NOTHING_FLIPS = "No single input changes the recommendation within the values tried."


class DecisionPage:
    """The answer, key figures, the cost curve, the decision map, the options, what would flip it."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.answer, self.figures = HtmlView(live=True), HtmlView()
        self.compare = CompareTwo(model)
        self.curve, self.map = ChartView(), ChartView()
        self.sure, self.options, self.stamp = HtmlView(on_action=self.act), HtmlView(), HtmlView()
        self.flips = Flips(model)
        self.root = stack(
            [
                self.answer,
                self.figures,
                self.compare.root,
                columns([self.curve, self.map]),
                self.options,
                self.sure,
                self.stamp,
            ]
        )

    def refresh(self) -> None:
        """Show the present scenario's answer."""
        report = None
        with guarded(self.answer, self.figures, self.curve, self.map, self.sure, self.options, self.stamp):
            report = self.model.report
            self.answer.show(Markup('<p class="lp-answer">{}.</p>').format(report.finding))
            self.figures.show(figure_cards(report))
        if report is None:
            return
        with guarded(self.curve):
            show_cost_curve(self.curve, report)
        with guarded(self.map):
            self._show_map(report)
        with guarded(self.sure):
            self._show_sure(report)
        with guarded(self.options, self.stamp):
            self.options.show(card("The options", option_table(report)))
            self.stamp.show(Markup('<p class="lp-help">{}</p>').format(report.stamp))
        self.compare.refresh()

    def act(self, name: str, _value: str | None) -> None:
        """Do a bit of the work on what would flip it; the browser asks for it while the reader rests."""
        if name != "flip":
            return
        with guarded(self.sure):
            self.flips.step()
            self._show_sure(self.model.report)

    def _show_sure(self, report: Report) -> None:
        found = recommend(report.scenario, report.catalog, tipping=False, options=report.comparison.options)
        known = flips_of(self.flips)
        self.sure.show(
            Markup('<div class="lp-pair">{}{}</div>').format(
                sure_card(found), card("What would flip it", known + volumes(report))
            )
        )

    def _show_map(self, report: Report) -> None:
        found = decision_map(
            report.scenario, volume_axis(MAP_POINTS), report.catalog, report.comparison.options
        )
        names = row_names(report, found)
        self.map.show(
            decision_map_figure(found, report.scenario.queries_per_day, names),
            title=map_title(report),
            what="For each open model (row) and volume: the cheapest way to get at least its quality."
            + (UNRIVALLED if found.unrivalled.any() else ""),
            alt=f"A map of {len(names)} models by volume, coloured and lettered by the cheapest kind of option.",
            table={
                "queries a day": [f"{v:,.0f}" for v in found.queries_per_day],
                **{
                    names[m]: [_option_name(report, int(p)) for p in found.option_place[row]]
                    for row, m in enumerate(found.model_ids)
                },
            },
            filename="decision-map",
            footnote=report.stamp,
            height=460,
        )


def row_names(report: Report, found: DecisionMap) -> dict[str, str]:
    """Return the map's row labels: size and name, cut where they stay apart; starred where unrivalled."""
    names = [report.catalog.models[model_id].name.removesuffix("-Instruct") for model_id in found.model_ids]
    full = {
        model_id: f"{'* ' if alone else ''}{parameters(size)} {name}"
        for model_id, size, name, alone in zip(
            found.model_ids, found.total_params_b, names, found.unrivalled, strict=True
        )
    }
    short = {
        m: text if len(text) <= LONGEST_ROW else f"{text[: LONGEST_ROW - 1]}…" for m, text in full.items()
    }
    return short if len(set(short.values())) == len(short) else full


def _option_name(report: Report, place: int) -> str:
    return report.option(place).label if place >= 0 else "none feasible"


def show_cost_curve(view: ChartView, report: Report) -> None:
    """Draw the report's cost curves."""
    chart = cost_chart(report.curves, report.scenario, report.crossings)
    names = "; ".join(line.name for line in chart.lines)
    where = ", ".join(f"{x:,.0f}" for x in report.crossings[:4]) or "nowhere"
    view.show(
        cost_curves_figure(chart),
        title=curve_title(report),
        what="Cost against volume: lines are base costs, bands low to high; steps are whole replicas.",
        alt=f"Cost over volume of {names}. The cheaper side changes at {where} queries a day.",
        table=chart.table(),
        filename="cost-curve",
        footnote=report.stamp,
        height=460,
    )


def figure_cards(report: Report) -> Markup:
    """Return the key figures with their full values on hover; the recommended kind is marked."""
    found = report.comparison
    chosen = report.option(found.order[0]).kind if found.order else None
    entries: list[tuple[str | Markup, str | Markup, str]] = []
    for (head, figure, note), kind in zip(kpi_cards(report), (*PURE, None), strict=True):
        place = found.cheapest(kind) if kind else None
        full = (
            figure
            if place is None
            else full_value(report.money, float(found.monthly_usd[1, place]), "/month")
        )
        marked = Markup('{} <span class="lp-badge lp-badge-chosen">the answer</span>').format(head)
        entries.append((marked if kind and kind == chosen else head, full, note))
    return cards(entries)


def sure_card(found: Recommendation) -> Markup:
    """Say how sure the recommendation is, and what weighs against it."""
    if found.kind is None or found.p_right is None:
        return card("How sure is that", Markup("<p>{}</p>").format(found.reason))
    sure = f"{found.confidence.capitalize()} ({found.p_right:.0%})"
    regret = found.expected_regret_usd
    wrong = (
        f"If it is wrong, that costs {found.scenario.currency.short(regret)} a month on average."
        if regret
        else ""
    )
    lead = Markup(
        "<p><strong>{}</strong>: this kind of option stays the cheapest over the ranges of the inputs. {}</p>"
    ).format(sure, wrong)
    return card("How sure is that", lead + _items(found.caveats))


def _items(texts: tuple[str, ...]) -> Markup:
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(t) for t in texts))


def flips_of(flips: Flips) -> Markup:
    """Return the nearest flips, or the line that has the browser ask for the next bit of the work."""
    known = flips.sentences
    if known is not None:
        return _items(known or (NOTHING_FLIPS,))
    pause = BETWEEN_STEPS_MS if flips.steps_done else REST_MS
    dots = "." * (1 + flips.steps_done)
    # Named after its scenario, so that each change of an input starts the rest anew.
    return Markup(
        '<p class="lp-help" data-action="flip" data-rest="{}" data-of="{:x}">Trying the other inputs{}</p>'
    ).format(pause, hash(flips.model.scenario) & 0xFFFFFFFF, dots)


def volumes(report: Report) -> Markup:
    """Say from which volumes self-hosting is cheaper, against each kind of token price."""
    rows = [(report.option(place).label, rival.verdict) for place, rival in report.rivals]
    lines = Markup("").join(
        Markup("<li>Self-hosting is cheaper than {}: <strong>{}</strong>.</li>").format(*row) for row in rows
    )
    return Markup("<h3>By volume</h3><ul>{}</ul>").format(lines) if rows else Markup("")


def option_table(report: Report) -> Markup:
    """Return the top options, and the reason why the best of every other model is out."""
    monthly, places = report.comparison.monthly_usd, report.shown_places
    least = min((float(monthly[1, place]) for place in places), default=0.0)
    rows: list[tuple[object, ...]] = []
    for place in places:
        item, row = report.option(place), report.comparison.row(place)
        low, base, high = (float(value) for value in monthly[:, place])
        rows.append(
            (
                item.label,
                full_value(report.money, base),
                report.money.range(low, high),
                why_not(base, least),
                quality_shown(item.quality, is_lower_bound(item.quality_stands_on)),
                milliseconds(item.ttft_ms),
                milliseconds(item.tpot_ms),
                row["gpus_total"] or "–",
                basis_shown(item),
            )
        )
    shown = table(OPTION_HEADS, rows, "The cheapest options", numbers=(1, 2, 3, 4, 5, 6, 7), chosen=0)
    out = [(item.label, "; ".join(item.reasons)) for item in left_out(report)]
    if not out:
        return shown
    more = table(("Option", "Why it is out"), [*out], "Options that are out")
    return shown + Markup("<details><summary>{} models that are out, and why</summary>{}</details>").format(
        len(out), more
    )


def basis_shown(item: Option) -> str:
    """Return what an option's figures rest on: a list price, a prediction's label, the reader's measurement."""
    return "your measurement" if item.measured_by else item.basis or "list price"


def why_not(base: float, least: float) -> str:
    """Say why an option that would do is not the answer: how much more it costs than the cheapest."""
    if base <= least:
        return "the answer"
    times = base / least if least > 0 else float("inf")
    if times < DOUBLE:
        return f"{times - 1:.0%} more"
    return f"{times:,.0f} x the cost" if times >= MANY else f"{times:,.1f} x the cost"


def left_out(report: Report) -> list[Option]:
    """Return one option of each model and kind of which none is feasible."""
    items = report.comparison.options.items
    inside = {(item.kind, item.model_id) for item in items if item.feasible}
    found: dict[tuple[str, str], Option] = {}
    for item in items:
        if (item.kind, item.model_id) not in inside:
            found.setdefault((item.kind, item.model_id), item)
    return list(found.values())
