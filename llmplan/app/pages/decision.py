"""Decision: what to do, in ten seconds."""

from __future__ import annotations

from markupsafe import Markup

from llmplan.app.base import guarded
from llmplan.app.chart_view import ChartView
from llmplan.app.layout import columns, stack
from llmplan.app.model import AppModel
from llmplan.app.pages.compare_two import CompareTwo
from llmplan.app.pages.page import card, cards, table
from llmplan.app.parts import HtmlView
from llmplan.charts import cost_curves_figure, decision_map_figure
from llmplan.charts.cost import per_unit
from llmplan.decision import DecisionMap, Option, decision_map, volume_axis
from llmplan.export import Report
from llmplan.export.headlines import curve_title, kpi_cards, map_title
from llmplan.recommend import Recommendation, recommend
from llmplan.scenario import Scenario
from llmplan.wording import milliseconds, parameters, share, usd

MAP_POINTS = 41
LONGEST_ROW = 22
NOTHING_FLIPS = "No single input changes the recommendation within the values tried."


class DecisionPage:
    """The answer, key figures, the cost curve, the decision map, the options, what would flip it."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self.answer, self.figures = HtmlView(live=True), HtmlView()
        self.compare = CompareTwo(model)
        self.curve, self.map = ChartView(), ChartView()
        self.flips, self.options, self.stamp = HtmlView(on_action=self.act), HtmlView(), HtmlView()
        self._flips: tuple[Scenario, tuple[str, ...]] | None = None
        self.root = stack(
            [
                self.answer,
                self.figures,
                self.compare.root,
                columns([self.curve, self.map]),
                self.flips,
                self.options,
                self.stamp,
            ]
        )

    def refresh(self) -> None:
        """Show the present scenario's answer."""
        report = None
        with guarded(self.answer, self.figures, self.curve, self.map, self.flips, self.options, self.stamp):
            report = self.model.report
            self.answer.show(Markup('<p class="lp-answer">{}.</p>').format(report.finding))
            self.figures.show(cards(kpi_cards(report)))
        if report is None:
            return
        with guarded(self.curve):
            show_cost_curve(self.curve, report)
        with guarded(self.map):
            self._show_map(report)
        with guarded(self.flips):
            self._show_flips(report)
        with guarded(self.options, self.stamp):
            self.options.show(card("The options", option_table(report)))
            self.stamp.show(Markup('<p class="lp-help">{}</p>').format(report.stamp))
        self.compare.refresh()

    def act(self, name: str, _value: str | None) -> None:
        """Work out every input's tipping point: about a second, so on request only."""
        if name != "flip":
            return
        with guarded(self.flips):
            scenario = self.model.scenario
            found = recommend(scenario, self.model.catalog)
            self._flips = (scenario, found.flips or (NOTHING_FLIPS,))
            self._show_flips(self.model.report)

    def _show_flips(self, report: Report) -> None:
        scenario = report.scenario
        found = recommend(scenario, report.catalog, tipping=False, options=report.comparison.options)
        known = self._flips[1] if self._flips and self._flips[0] == scenario else None
        self.flips.show(confidence_card(found, known) + flips(report))

    def _show_map(self, report: Report) -> None:
        found = decision_map(
            report.scenario, volume_axis(MAP_POINTS), report.catalog, report.comparison.options
        )
        names = row_names(report, found)
        self.map.show(
            decision_map_figure(found, report.scenario.queries_per_day, names),
            title=map_title(report),
            what="For each open model (row) and volume: the cheapest way to get at least its quality.",
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
    """Return the map's row labels: size and name, cut where they stay apart."""
    full = {
        model_id: f"{parameters(size)} {report.catalog.models[model_id].name.removesuffix('-Instruct')}"
        for model_id, size in zip(found.model_ids, found.total_params_b, strict=True)
    }
    short = {
        m: text if len(text) <= LONGEST_ROW else f"{text[: LONGEST_ROW - 1]}…" for m, text in full.items()
    }
    return short if len(set(short.values())) == len(short) else full


def _option_name(report: Report, place: int) -> str:
    return report.option(place).label if place >= 0 else "none feasible"


def crossings(report: Report) -> list[float]:
    """Return the volumes at which the cheapest self-hosted option crosses the cheapest token price."""
    if not report.rivals:
        return []
    _, rival = min(report.rivals, key=lambda pair: float(report.comparison.monthly_usd[1, pair[0]]))
    return [float(x) for x in rival.crossings_queries_per_day]


def show_cost_curve(view: ChartView, report: Report, unit: str = "month", logarithmic: bool = True) -> None:
    """Draw the report's cost curves."""
    scenario = report.scenario
    tokens = scenario.input_tokens + scenario.output_tokens
    cost = per_unit(report.curves, unit, scenario.days_per_month, tokens)
    crossed = crossings(report)
    figure = cost_curves_figure(
        report.curves, cost, scenario.queries_per_day, crossed, unit=unit, logarithmic=logarithmic
    )
    names = [item.label for item in report.curves.options.items]
    where = ", ".join(f"{x:,.0f}" for x in crossed[:4]) or "nowhere"
    view.show(
        figure,
        title=curve_title(report),
        what="Cost against volume: lines are base costs, bands low to high; steps are whole replicas.",
        alt=f"Cost over volume of {'; '.join(names)}. The cheaper side changes at {where} queries a day.",
        table={
            "queries a day": report.curves.queries_per_day,
            **{
                f"{name}, {side}": cost[i, place]
                for place, name in enumerate(names)
                for i, side in enumerate(("low", "base", "high"))
            },
        },
        filename="cost-curve",
        footnote=report.stamp,
        height=460,
    )


def confidence_card(found: Recommendation, known: tuple[str, ...] | None) -> Markup:
    """Say how sure the recommendation is, what weighs against it, and what would flip it where that is known."""
    if found.kind is None or found.p_right is None:
        return Markup("")
    sure = f"{found.confidence.capitalize()} ({found.p_right:.0%})"
    regret = found.expected_regret_usd
    wrong = f"If it is wrong, that costs {usd(regret)} a month on average." if regret else ""
    lead = Markup(
        "<p><strong>{}</strong>: this kind of option stays the cheapest over the ranges of the inputs. {}</p>"
    ).format(sure, wrong)
    caveats = _items(found.caveats)
    if known is None:
        more = Markup(
            '<p><button type="button" class="lp-button" data-action="flip">What would flip it</button></p>'
        )
    else:
        more = Markup("<h3>What would flip it</h3>") + _items(known)
    return card("How sure is that", lead + caveats + more)


def _items(texts: tuple[str, ...]) -> Markup:
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(t) for t in texts))


def flips(report: Report) -> Markup:
    """Say at which volumes the answer flips, against each kind of token price."""
    rows: list[tuple[object, ...]] = [
        (report.option(place).label, rival.verdict) for place, rival in report.rivals
    ]
    if not rows:
        return Markup("")
    heads = ("Against", "Self-hosting is cheaper")
    return card("Where the volume flips it", table(heads, rows, "Where the answer flips"))


def option_table(report: Report) -> Markup:
    """Return the top options, and the reason why the best of every other model is out."""
    rows: list[tuple[object, ...]] = []
    for place in report.shown_places:
        row = report.comparison.row(place)
        rows.append(
            (
                report.option(place).label,
                usd(float(report.comparison.monthly_usd[1, place])),
                f"{usd(float(report.comparison.monthly_usd[0, place]))} to "
                f"{usd(float(report.comparison.monthly_usd[2, place]))}",
                share(report.option(place).quality),
                milliseconds(report.option(place).ttft_ms),
                milliseconds(report.option(place).tpot_ms),
                row["gpus_total"] or "–",
                basis_shown(report.option(place)),
            )
        )
    heads = ("Option", "USD/month", "low to high", "Quality", "First token", "Token every", "GPUs", "Basis")
    shown = table(heads, rows, "The cheapest options", numbers=(1, 2, 3, 4, 5, 6))
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


def left_out(report: Report) -> list[Option]:
    """Return one option of each model and kind of which none is feasible."""
    items = report.comparison.options.items
    inside = {(item.kind, item.model_id) for item in items if item.feasible}
    found: dict[tuple[str, str], Option] = {}
    for item in items:
        if (item.kind, item.model_id) not in inside:
            found.setdefault((item.kind, item.model_id), item)
    return list(found.values())
