"""The tables of the risk page: saving and break-even, regret, tipping points, quality ladder, causes."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from llmplan.app.pages.page import table
from llmplan.app.pages.risk_shown import OPEN, RiskShown, break_even, rounded
from llmplan.kinds import Kind
from llmplan.recommend.ladder import QualityStep, floor_percent
from llmplan.recommend.tipping import Tipping, TippingPoint
from llmplan.recommend.tipping.sentences import scale_change, scale_words
from llmplan.risk import Risk
from llmplan.wording import TODAY, Currency, capital, in_unit, probability, share

MOST_OPTIONS = 12


def quantile_table(shown: RiskShown) -> Markup:
    """Return the quantiles of the saving and of the break-even volume."""
    risk, saving, money = shown.risk, shown.risk.saving, shown.money
    if saving is None:
        return Markup("<p>Only one of the two sides is feasible: there is no saving to speak of.</p>")
    labels = {row.option_id: row.label for row in risk.options}
    own, token = (
        labels.get(saving.self_hosted_id, saving.self_hosted_id),
        labels.get(saving.token_id, saving.token_id),
    )
    lead = Markup(
        '<p class="lp-help">{} against {}, each the best of its side in the base case. Self-hosting costs less '
        "in {} of the draws.</p>"
    ).format(own, token, probability(saving.p_cheaper))
    rows: list[tuple[object, ...]] = [
        (
            f"{share(level)} of draws are below",
            money.short(saving.quantiles_usd[i]),
            break_even(saving.break_even_queries_per_day[i]),
        )
        for i, level in enumerate(risk.levels)
    ]
    rows.append(("mean", money.short(saving.mean_usd), OPEN))
    heads = ("Quantile", "Saving a month", "Break-even, queries/day")
    return lead + table(heads, rows, "Quantiles of saving and break-even", numbers=(1, 2))


def regret_table(shown: RiskShown) -> Markup:
    """Return the options with probability, spread and regret."""
    risk, money = shown.risk, shown.money
    low, high = risk.levels.index(0.1), risk.levels.index(0.9)
    rows: list[tuple[object, ...]] = [
        (
            row.label + (" (recommended)" if row.option_id == risk.recommended_id else ""),
            probability(row.p_cheapest),
            money.short(row.base_usd),
            f"{money.short(row.quantiles_usd[low])} to {money.short(row.quantiles_usd[high])}",
            money.short(rounded(row.expected_regret_usd)),
            money.short(rounded(row.regret_p90_usd)),
        )
        for row in _worth_showing(shown)
    ]
    heads = ("Option", "P(cheapest)", "Base, a month", "80% between", "Expected regret", "Regret, 1 in 10")
    return table(heads, rows, "Regret of choosing each option now", numbers=(1, 2, 3, 4, 5))


def _worth_showing(shown: RiskShown) -> list[Any]:
    """Return the options of least expected cost, and the best of each kind."""
    rows = list(shown.risk.options)
    kinds: dict[str, Any] = {}
    for row in rows:
        kinds.setdefault(row.kind, row)
    first = rows[: MOST_OPTIONS - len(kinds)]
    return [row for row in rows if row in first or row in kinds.values()]


def tipping_table(tips: tuple[Tipping, ...], money: Currency) -> Markup:
    """Return the values that flip the recommendation, who takes over, and what range is expected."""
    rows: list[tuple[object, ...]] = [
        (
            f"{capital(tip.label)}: {_move(verb, tip, point, money)}",
            _winner(point, money),
            _expected(tip, point, money),
        )
        for tip in tips
        for verb, point in (("falls", tip.below), ("rises", tip.above))
        if point is not None
    ]
    calm = [(capital(tip.label), _span(tip, money)) for tip in tips if tip.nearest is None]
    heads = ("It flips when", "Then the choice is", "Expected range")
    body = (
        table(heads, rows, "Tipping points")
        if rows
        else Markup("<p>No single input, moved alone, changes the kind of option to choose.</p>")
    )
    if not calm:
        return body
    quiet = table(("Input", "Searched"), [*calm], "Inputs that flip nothing")
    return body + Markup("<details><summary>{} inputs that flip nothing alone</summary>{}</details>").format(
        len(calm), quiet
    )


def _move(verb: str, tip: Tipping, point: TippingPoint, money: Currency) -> str:
    if tip.unit == TODAY:
        return f"{verb} {scale_words(point.shown)}"
    return f"{verb} to {in_unit(point.shown, tip.unit, money)} (now {in_unit(tip.base, tip.unit, money)})"


def _winner(point: TippingPoint, money: Currency) -> str:
    if point.label is None or point.kind is None:
        return "nothing is feasible"
    kind = "" if point.kind == Kind.API else f" ({Kind(point.kind).label})"
    return f"{point.label}{kind}, {money.short(point.monthly_usd)} a month"


def _expected(tip: Tipping, point: TippingPoint, money: Currency) -> str:
    """Return the range that the input is expected to keep to, and whether the point lies in it."""
    if tip.expected_low is None or tip.expected_high is None:
        return OPEN
    ends = (tip.expected_low, tip.expected_high)
    low, high = (scale_change(end) if tip.unit == TODAY else in_unit(end, tip.unit, money) for end in ends)
    return f"{low} to {high}: {'inside' if point.within_expected else 'outside'}"


def ladder_table(steps: tuple[QualityStep, ...], money: Currency) -> Markup:
    """Return the cheapest option at every quality floor, the lowest first."""
    if not steps:
        return Markup("<p>No option with a known quality meets the other constraints.</p>")
    rows: list[tuple[object, ...]] = [
        (f"up to {floor_percent(step.quality)}", step.label, money.short(step.monthly_usd)) for step in steps
    ]
    return table(("Quality floor", "Cheapest option", "A month"), rows, "Quality ladder", numbers=(2,))


def _span(tip: Tipping, money: Currency) -> str:
    return f"{in_unit(tip.low, tip.unit, money)} to {in_unit(tip.high, tip.unit, money)}"


def inputs_table(risk: Risk, money: Currency) -> Markup:
    """Return what is uncertain, how far, and where the range comes from."""
    rows: list[tuple[object, ...]] = [
        (
            capital(row.label),
            *(in_unit(value, row.unit, money) for value in (row.low, row.base, row.high)),
            row.source,
        )
        for row in risk.inputs
    ]
    heads = ("Cause", "Low", "Base", "High", "Where the range comes from")
    return table(heads, rows, "What is uncertain", numbers=(1, 2, 3))
