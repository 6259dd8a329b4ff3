"""What each part of Your traffic shows: sentences, charts and tables of a usage and its portfolio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from llmplan.app.widgets import html
from llmplan.app.widgets.chart_view import Chart, no_chart
from llmplan.app.widgets.html import card, note, paragraph, table
from llmplan.arrays import Floats
from llmplan.catalog import Catalog
from llmplan.charts.growth import DAYS
from llmplan.charts.traffic import bill_figure, lengths_figure, week_figure
from llmplan.portfolio.apps import Bills, apps_of, bills_of
from llmplan.portfolio.plan import plan_portfolio
from llmplan.portfolio.tables import Planned
from llmplan.scenario import Scenario
from llmplan.units import HOURS_PER_DAY
from llmplan.usage.rows import formats
from llmplan.usage.summary import Usage, bin_value, summary
from llmplan.usage.uploads import usage_of_file
from llmplan.wording import Currency, capital, counted, joined, number

if TYPE_CHECKING:
    import pandas as pd

CHART_HEIGHT = 320
UNKNOWN = "–"
SAMPLE = "traces/azure_llm_2023.csv"


@dataclass(frozen=True, eq=False)
class Read(Planned):
    """A portfolio with the usage that it was planned from, and its bills three ways."""

    usage: Usage
    bills: Bills


def planned(usage: Usage, scenario: Scenario, catalog: Catalog, most: int, stamp: str) -> Read:
    """Plan the apps of a usage."""
    found = plan_portfolio(apps_of(usage, scenario, catalog, most), catalog)
    bills = bills_of(usage, scenario, catalog)
    return Read(summary(usage), found, scenario.currency, stamp, usage, bills)


def lead(asks: bool) -> Markup:
    """Say what may be brought; asks: under the question that it answers, which the finding takes the place of."""
    titles = sorted(kind.title for kind in formats().values())
    asked = "What does your traffic cost today, and what should move first? Open a log, an export or a bill"
    sample = html.button("sample", "Try it on a sample")
    return (html.answer(asked) if asks else Markup("")) + card(
        "Start from what you run today",
        paragraph(
            "What each app asks and costs is read from it, and the apps are planned together over the inputs beside "
            "this page. The file is read in your own session and is gone with it; "
            "prompts and answers are not read."
        ),
        Markup("<p>{}</p>").format(sample),
        html.folded("Formats", note("; ".join(titles) + "; gzip or ZIP of them.")),
        note(
            "For logs of any size: llmplan usage import FILES --out USAGE on your machine, then llmplan usage cubes USAGE "
            "--out CUBES.zip, and open that."
        ),
    )


def sample(model: str, catalog: Catalog) -> Usage:
    """Return a public trace of two services, which tells no model, as if all of it were asked of one."""
    found = usage_of_file((catalog.folder.path / SAMPLE).read_bytes())
    hours = found.cubes.hours.assign(model=model)
    return replace(found, cubes=replace(found.cubes, hours=hours))


def sample_note(usage: Usage, model: str) -> Markup:
    """Say what the sample is."""
    return note(
        f"A sample: {read_in_words(usage)} It is an hour of Azure's public trace of 2023, taken as a day's traffic "
        f"and as if all of it were asked of {model}, since it tells no model."
    )


def read_in_words(usage: Usage) -> str:
    """Say what was read."""
    found = summary(usage)
    asked = "" if found["requests"] is None else f", {counted(found['requests'], 'request')}"
    return f"Read {joined(found['formats'])}{asked}, {counted(len(found['apps']), 'app')}."


def answer(plan: Planned) -> Markup:
    """Say what all cost today and after."""
    return html.answer(plan.headline)


def moves_card(plan: Planned) -> Markup:
    """Return what to move first."""
    money = plan.money
    rows = [
        (
            place,
            joined(list(move.apps)),
            move.label,
            money.short(move.saving_usd),
            money.short(move.one_off_usd),
            move.paid_back_in,
        )
        for place, move in enumerate(plan.found.first_moves, start=1)
    ]
    if not rows:
        return card("What to move first", paragraph("Nothing: no move saves."))
    heads = ("", "App", "To", "Saves a month", "Costs once", "Paid back in")
    return card(
        "What to move first", table(heads, rows, "What to move first", (0, 3, 4, 5)), note(plan.fleet_line)
    )


def bill_chart(plan: Planned) -> Chart:
    """Draw today's bill by app and model."""
    apps, money = plan.found.apps, plan.money
    models = {str(name): usd.to_numpy() for name, usd in plan.bill().items()}
    if not models:
        return no_chart("No bill", "Neither the file nor the catalog has a price.")
    dearest = max(apps, key=lambda app: app.today_usd or 0)
    return Chart(
        bill_figure(models, [app.name for app in apps], money),
        title=f"{dearest.name} costs most: {money.short(dearest.today_usd)} a month",
        what="The bill of a month by app and model: as the file has it, else at list prices.",
        alt=" ".join(f"{app.name}: {_usd(app.today_usd, money)}." for app in apps),
        table={"app": [app.name for app in apps], **{f"{n}, USD": np.round(u, 2) for n, u in models.items()}},
        filename="bill-by-app-and-model",
        footnote=plan.stamp,
        height=CHART_HEIGHT,
    )


def week_chart(plan: Planned) -> Chart:
    """Draw the week of all apps."""
    week = plan.week
    busiest = int(np.argmax(week))
    day, hour = divmod(busiest, HOURS_PER_DAY)
    if not week.any():
        return no_chart("No week", "The file tells no times.")
    return Chart(
        week_figure(week),
        title=f"Busiest: {DAYS[day]} {hour:02d}:00 UTC, {number(float(week[busiest]), 3)} queries an hour",
        what="Queries of each hour of the week, all apps shown, the busiest week of each hour.",
        alt=f"From {week.min():,.0f} to {week.max():,.0f} queries an hour.",
        table={
            "hour": [f"{DAYS[i // HOURS_PER_DAY]} {i % HOURS_PER_DAY:02d}:00" for i in range(len(week))],
            "queries": np.round(week, 2),
        },
        filename="traffic-by-hour-of-week",
        footnote=plan.stamp,
        height=CHART_HEIGHT,
    )


def lengths_chart(plan: Read) -> Chart:
    """Draw how long requests are."""
    lengths = {side: _lengths(plan.usage.cubes.tokens, side) for side in ("input", "output")}
    lengths = {side: found for side, found in lengths.items() if found[0].size}
    if not lengths:
        return no_chart("No lengths", "The file holds sums, not single requests.")
    halves = {side: tokens[np.searchsorted(reached, 0.5)] for side, (tokens, reached) in lengths.items()}
    return Chart(
        lengths_figure(lengths),
        title=capital(joined([f"half have at most {t:,.0f} tokens of {side}" for side, t in halves.items()])),
        what="Share of requests of at most so many tokens, all apps.",
        alt=joined([f"the median {side} is {tokens:,.0f} tokens" for side, tokens in halves.items()]) + ".",
        filename="tokens-of-a-request",
        footnote=plan.stamp,
        height=CHART_HEIGHT,
    )


def _lengths(bins: pd.DataFrame, side: str) -> tuple[Floats, Floats]:
    """Return the tokens of a side that occur, rising, and the share of requests up to each."""
    sums = bins[bins["side"] == side].groupby("bin")["requests"].sum().sort_index()
    requests = np.cumsum(sums.to_numpy(dtype=float))
    tokens = np.array([bin_value(int(place)) for place in sums.index], float)
    return tokens, requests / requests[-1] if requests.size else requests


def apps_card(plan: Read) -> Markup:
    """Return the apps with their figures and verdicts."""
    money = plan.money
    rows = [
        (
            row["app"],
            number(row["queries_per_day"], 3),
            number(row["input_tokens"], 3),
            number(row["output_tokens"], 3),
            _share(row["cached_share"]),
            _share(row["reasoning_share"]),
            _usd(row["paid_usd"], money),
            _usd(row["list_usd"], money),
            _share(row["paid_to_list"]),
            f"{capital(row['action'])}: {row['with']}",
            _usd(row["after_usd"], money),
        )
        for row in plan.apps().astype(object).to_dict("records")
    ]
    heads = (
        "App",
        "Queries/day",
        "Input",
        "Output",
        "Cached",
        "Reasoning",
        "Paid",
        "At list",
        "Paid/list",
        "Do",
        "Then",
    )
    said = note(plan.taken_line) if plan.taken_line else Markup("")
    what = note(
        "Sums a month. Paid/list: what was paid over the catalog's price of the same tokens, which shows discounts, or a "
        "gateway's stale prices."
    )
    bills = Markup("").join(paragraph(line) for line in plan.bills.in_words(money))
    return card("The apps", bills, what, table(heads, rows, "The apps", (*range(1, 9), 10)), said)


def _usd(usd: float | None, money: Currency) -> str:
    return UNKNOWN if usd is None or usd != usd else money.short(usd)


def _share(value: float | None) -> str:
    return UNKNOWN if value is None or value != value else f"{value:.0%}"
