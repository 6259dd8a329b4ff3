"""The apps of a log planned together as a workbook, a page, slides or a table."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmplan.charts.growth import DAYS
from llmplan.charts.palette import style_sheet
from llmplan.errors import UnknownNameError
from llmplan.portfolio.tables import Planned
from llmplan.units import HOURS_PER_DAY
from llmplan.wording import capital, number, share

if TYPE_CHECKING:
    import pandas as pd

APP_HEADS = ("App", "Queries/day", "Input", "Output", "Cached", "Paid/list")
MOVE_HEADS = ("App", "To", "Saves a month", "Costs once", "Months until paid")
APP_COLUMNS = (
    *(("App", None), ("Queries/day", "tenths"), ("Input tokens", "tenths"), ("Output tokens", "tenths")),
    *(("Cached share", "percent"), ("Reasoning share", "percent"), ("Peak/mean", "tenths")),
    *(("Growth a month", "percent"), ("Today, {} a month", "shown"), ("Paid", "shown")),
    *(("At list prices", "shown"), ("Paid/list", "percent"), ("Do", None), ("With", None)),
    *(("Then, {} a month", "shown"), ("Saving", "shown")),
)
"""Of the workbook's sheet of apps: each head, and how its figures look; None for words. As in `Planned.apps`."""
APP_WIDTHS = (28, *[13] * 11, 16, 50, 16, 14)
TODAY, THEN, SAVING = 8, 14, 15
UNKNOWN = "–"
SLIDE_ROWS = 8


def portfolio_bytes(plan: Planned, format: str, template: Path | str | None = None) -> bytes:
    """Return a portfolio in a format; UnknownNameError for another than pptx, xlsx, html or csv."""
    makers: dict[str, Callable[[], bytes]] = {
        "pptx": lambda: _pptx(plan, template),
        "xlsx": lambda: _xlsx(plan),
        "html": lambda: _html(plan),
        "csv": lambda: plan.apps().to_csv(index=False).encode(),
    }
    if format not in makers:
        raise UnknownNameError("format", format, makers)
    return makers[format]()


def app_rows(plan: Planned) -> tuple[list[str], list[list[str]]]:
    """Return the heads and, as text, a row an app."""

    def usd(amount: float | None) -> str:
        return UNKNOWN if amount is None or amount != amount else plan.money.short(amount)

    def part(value: float | None) -> str:
        return UNKNOWN if value is None or value != value else share(value)

    heads = [*APP_HEADS, "Today", "Do", "Then", "Saves"]
    rows = [
        [
            str(row["app"]),
            *(number(row[name], 3) for name in ("queries_per_day", "input_tokens", "output_tokens")),
            part(row["cached_share"]),
            part(row["paid_to_list"]),
            usd(row["today_usd"]),
            f"{capital(row['action'])}: {row['with']}",
            usd(row["after_usd"]),
            usd(row["saving_usd"]),
        ]
        for row in plan.apps().astype(object).to_dict("records")
    ]
    return heads, rows


def move_rows(plan: Planned) -> list[list[str]]:
    """Return, as text, what to move first."""
    money = plan.money
    return [
        [str(apps), str(to), money.short(saving), money.short(once), f"{months:.1f}"]
        for apps, to, saving, once, months in plan.moves().itertuples(index=False)
    ]


def _xlsx(plan: Planned) -> bytes:
    """Write tables whose sums and savings are live."""
    from llmplan.export.xlsx_parts import Book

    money = plan.money
    book = Book(money)
    _apps_sheet(book, plan)
    _sheet(book, "Moves", "What to move first", plan, MOVE_HEADS, plan.moves(), (30, 50, 16, 16, 16))
    bill = plan.bill()
    _sheet(
        *(book, "Bill", f"Today's bill by app and model, {money.name} a month", plan),
        *(("App", *bill.columns), bill.reset_index(), (28, *[18] * len(bill.columns))),
    )
    _week_sheet(book, plan)
    return book.bytes()


def _apps_sheet(book: Any, plan: Planned) -> None:
    """Write a row an app, and what all of them come to."""
    from llmplan.export.xlsx_parts import FIRST_ROW, cell

    money, frame = plan.money, plan.apps().drop(columns="option_id").astype(object)
    heads = [text.format(money.name) for text, _ in APP_COLUMNS]
    sheet = book.sheet("Apps", plan.headline, plan.stamp, heads, APP_WIDTHS)
    for row, line in enumerate(frame.to_dict("records"), start=FIRST_ROW):
        for column, ((_, look), value) in enumerate(zip(APP_COLUMNS, line.values(), strict=True)):
            if look is None:
                book.text(sheet, row, column, value)
            elif column < SAVING:
                book.number(sheet, row, column, _shown(plan, value, look), look)
            elif value is not None and value == value:
                book.live(sheet, row, column, f"={cell(row, TODAY)}-{cell(row, THEN)}", money.of(value), look)
    last = FIRST_ROW + len(frame)
    book.text(sheet, last, 0, "Together")
    for column in (TODAY, THEN, SAVING):
        known = sum(usd for usd in frame.iloc[:, column] if usd is not None and usd == usd)
        formula = f"=SUM({cell(FIRST_ROW, column)}:{cell(last - 1, column)})"
        book.live(sheet, last, column, formula, money.of(known), "shown")
    book.text(sheet, last + 2, 0, plan.fleet_line)
    book.text(sheet, last + 3, 0, plan.taken_line)


def _shown(plan: Planned, value: float | None, look: str) -> float | None:
    """Return a figure as it is shown; None where it is not known."""
    if value is None or value != value:
        return None
    return plan.money.of(value) if look == "shown" else value


def _sheet(
    book: Any,
    name: str,
    title: str,
    plan: Planned,
    heads: Sequence[str],
    frame: pd.DataFrame,
    widths: Sequence[int],
) -> None:
    from llmplan.export.xlsx_parts import FIRST_ROW

    sheet = book.sheet(name, title, plan.stamp, heads, widths)
    for row, line in enumerate(frame.itertuples(index=False), start=FIRST_ROW):
        for column, (head, value) in enumerate(zip(heads, line, strict=True)):
            if isinstance(value, str):
                book.text(sheet, row, column, value)
            else:
                look = "tenths" if head == MOVE_HEADS[-1] else "shown"
                book.number(sheet, row, column, _shown(plan, value, look), look)


def _week_sheet(book: Any, plan: Planned) -> None:
    from llmplan.export.xlsx_parts import FIRST_ROW

    title = "Queries of each hour of the week, UTC, all apps, the busiest week of each"
    hours = [f"{hour:02d}:00" for hour in range(HOURS_PER_DAY)]
    sheet = book.sheet("Week", title, plan.stamp, ("Day", *hours), (8, *[9] * HOURS_PER_DAY))
    for row, (day, line) in enumerate(
        zip(DAYS, plan.week.reshape(len(DAYS), -1), strict=True), start=FIRST_ROW
    ):
        book.text(sheet, row, 0, day)
        for column, queries in enumerate(line, start=1):
            book.number(sheet, row, column, float(queries), "tenths")
    area = (FIRST_ROW, 1, FIRST_ROW + len(DAYS) - 1, HOURS_PER_DAY)
    sheet.conditional_format(*area, {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#5B8DB8"})


def _html(plan: Planned) -> bytes:
    """Write one page without scripts."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    assets = Path(__file__).parent / "assets"
    heads, rows = app_rows(plan)
    bill = plan.bill()
    most = float(plan.week.max(initial=0.0)) or 1.0
    source = (assets / "portfolio.html").read_text(encoding="utf-8")
    style = style_sheet() + (assets / "report.css").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    return page.render(
        plan=plan,
        style=Markup(style),
        moves=(MOVE_HEADS, move_rows(plan)),
        apps=(heads, rows),
        bill=(
            ("App", *bill.columns),
            [
                [app, *(plan.money.short(usd) for usd in line)]
                for app, line in zip(bill.index, bill.to_numpy(), strict=True)
            ],
        ),
        hours=range(HOURS_PER_DAY),
        week=[
            (day, [(queries, round(float(queries) / most, 2)) for queries in line])
            for day, line in zip(DAYS, plan.week.reshape(len(DAYS), -1), strict=True)
        ],
    ).encode()


def _pptx(plan: Planned, template: Path | str | None) -> bytes:
    """Write slides: what to move first, the bill by app and model, the apps."""
    from llmplan.export.pptx_parts import BODY_PT, add_slide, add_table, add_text, describe, open_deck

    deck = open_deck(template)
    size = deck.pt(BODY_PT)
    slide, free = add_slide(deck, plan.headline, plan.stamp, plan.fleet_line)
    moves = move_rows(plan)[:SLIDE_ROWS]
    if moves:
        frame = add_table(
            slide, free, [list(MOVE_HEADS), *moves], [3, 5, 1.6, 1.6, 1.6], name="Moves", size=size
        )
        describe(frame, f"What to move first. {plan.headline}")
    else:
        add_text(slide, free, f"No move saves. {plan.fleet_line}", size, name="Moves")
    bill = plan.bill()
    if len(bill.columns):
        dearest = max(plan.found.apps, key=lambda app: app.today_usd or 0)
        title = f"{dearest.name} costs most: {plan.money.short(dearest.today_usd or 0)} a month"
        slide, free = add_slide(deck, title, plan.stamp)
        _add_bill(slide, free, plan, bill, size)
    heads, rows = app_rows(plan)
    slide, free = add_slide(
        deck, "What each app costs today, and what to do with it", plan.stamp, plan.taken_line
    )
    widths = [2.4, *[1.1] * (len(heads) - 4), 4, 1.2, 1.2]
    frame = add_table(slide, free, [heads, *rows[:SLIDE_ROWS]], widths, name="Apps", size=deck.pt(BODY_PT))
    describe(frame, "The apps, what each costs and what to do with it.")
    deck.file.core_properties.title, deck.file.core_properties.subject = plan.headline, plan.stamp
    held = io.BytesIO()
    deck.file.save(held)
    return held.getvalue()


def _add_bill(slide: Any, box: Any, plan: Planned, bill: pd.DataFrame, size: int) -> None:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Pt

    from llmplan.export.pptx_charts import add_chart, legend_below
    from llmplan.export.pptx_parts import describe

    data = CategoryChartData(number_format="#,##0")
    data.categories = list(bill.index)
    for model in bill.columns:
        data.add_series(str(model), [plan.money.of(float(usd)) for usd in bill[model]])
    frame = add_chart(slide, box, XL_CHART_TYPE.BAR_STACKED, data)
    chart = frame.chart
    chart.plots[0].gap_width, chart.plots[0].overlap = 40, 100
    chart.category_axis.reverse_order = True
    chart.category_axis.tick_labels.font.size = chart.value_axis.tick_labels.font.size = Pt(size)
    legend_below(chart, size)
    sums = ", ".join(f"{app} {plan.money.short(float(usd))}" for app, usd in bill.sum(axis=1).items())
    describe(frame, f"Today's bill by app and model, {plan.money.name} a month: {sums}.")
