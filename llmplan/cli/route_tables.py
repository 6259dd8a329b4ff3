"""A route as the shell prints it: tables of plain values."""

from __future__ import annotations

from typing import Any

from llmplan.cli.output import print_table
from llmplan.wording import Currency, counted, share


def print_route(result: dict[str, Any], money: Currency) -> None:
    """Print a route between two models: costs, frontier, tasks, the cascade."""
    print_table(f"{result['weak']} and {result['strong']}", ("", ""), _costs(result, money))
    frontier = [
        (
            share(row["share_weak"]),
            money.amount(row["monthly_usd"]),
            f"{row['quality']:.3f}",
            row["option_id"] or "-",
        )
        for row in _every(result["frontier"], 8)
    ]
    print_table("Frontier", ("to weak", f"{money.name} a month", "quality", "fleet"), frontier)
    if result["tasks"] is not None:
        _print_tasks(result["tasks"])
    cascade = result["cascade"]
    if cascade is not None:
        usd = money.whole(cascade["monthly_usd"]["base"])
        escalated = f"As a cascade: {share(cascade['escalated'])} escalated"
        print(f"{escalated}, {usd} a month, quality {cascade['quality']:.3f}")
    for note in result["notes"]:
        print(f"- {note}")


def _costs(result: dict[str, Any], money: Currency) -> list[tuple[str, str]]:
    usd, parts, saved = result["monthly_usd"], result["breakdown"], result["saving_pct"]
    sides = " - ".join(money.whole(usd[side]) for side in ("low", "base", "high"))
    return [
        ("Share to the weak model", f"{result['share_weak']:.1%}"),
        ("Cost a month, low - base - high", sides),
        ("Cost a query", money.each(result["usd_per_query"])),
        ("Quality (reference API = 1)", f"{result['quality']:.3f}"),
        ("All to the API", f"{money.whole(result['all_strong_usd'])} a month"),
        ("Saving", "-" if saved is None else share(saved / 100)),
        ("Misrouting", _misrouting_text(result["misrouting"], money)),
        ("Cheaper than the API alone", _worth_text(result["worth_from_queries_per_day"])),
        ("Fleet", _fleet_text(result["fleet"])),
        *((f"  {name.removesuffix('_usd')}", money.whole(value)) for name, value in parts.items() if value),
    ]


def _print_tasks(found: dict[str, Any]) -> None:
    rows = [
        (
            row["task"],
            share(row["share"]),
            f"{row['weak_quality']:.2f}",
            f"{row['strong_quality']:.2f}",
            row["article"] or "-",
            row["goes_to"] or "-",
        )
        for row in found["rows"]
    ]
    print_table("By task", ("task", "share", "weak", "strong", "article", "goes to"), rows)
    if found["not_scored"]:
        print(f"- left out, not scored for both models: {', '.join(found['not_scored'])}")


def _misrouting_text(wrong: dict[str, Any], money: Currency) -> str:
    return f"{money.whole(wrong['strong_usd_for_easy'])} a month and {wrong['quality_lost']:.3f} of quality"


def _worth_text(worth: dict[str, Any] | None) -> str:
    if worth is None:
        return "no fleet to fill"
    if worth["first"] is None:
        return f"never up to {worth['searched_to']:,.0f} queries/day"
    return f"from {worth['first']:,} queries/day"


def _fleet_text(fleet: dict[str, Any]) -> str:
    if fleet["option_id"] is None:
        return "at a unit price"
    if not fleet["replicas"]:
        return "none"
    return f"{fleet['label']}: {counted(fleet['replicas'], 'replica')}, {counted(fleet['gpus_total'], 'GPU')}"


def _every(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    step = max(1, -(-len(rows) // most))
    return rows[::step] + ([rows[-1]] if rows and (len(rows) - 1) % step else [])


def print_tiers(result: dict[str, Any], money: Currency) -> None:
    """Print a route over several tiers."""
    rows = [
        (row["name"], share(row["share"]), money.amount(row["monthly_usd"]), row["option_id"] or "-")
        for row in result["tiers"]
    ]
    saving = (
        ""
        if result["saving_pct"] is None
        else f", {share(result['saving_pct'] / 100)} less than the API alone"
    )
    print_table("Tiers", ("tier", "share", f"{money.name} a month", "fleet"), rows)
    print(f"{money.whole(result['monthly_usd']['base'])} a month{saving}, quality {result['quality']:.3f}")
    for note in result["notes"]:
        print(f"- {note}")
