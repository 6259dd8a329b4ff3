"""A route as the shell prints it: tables of plain values."""

from __future__ import annotations

from typing import Any

from llmplan.cli.output import print_table


def print_route(result: dict[str, Any]) -> None:
    """Print a route between two models: costs, frontier, tasks, the cascade."""
    usd, fleet, parts = result["monthly_usd"], result["fleet"], result["breakdown"]
    rows = [
        ("Share to the weak model", f"{result['share_weak']:.1%}"),
        (
            "Cost a month, low - base - high",
            f"${usd['low']:,.0f} - ${usd['base']:,.0f} - ${usd['high']:,.0f}",
        ),
        ("Cost a query", f"${result['usd_per_query']:.5f}"),
        ("Quality (reference API = 1)", f"{result['quality']:.3f}"),
        ("All to the API", f"${result['all_strong_usd']:,.0f} a month"),
        ("Saving", "-" if result["saving_pct"] is None else f"{result['saving_pct']:.1f} %"),
        ("Misrouting", _misrouting_text(result["misrouting"])),
        ("Cheaper than the API alone", _worth_text(result["worth_from_queries_per_day"])),
        ("Fleet", _fleet_text(fleet)),
        *((f"  {name.removesuffix('_usd')}", f"${value:,.0f}") for name, value in parts.items() if value),
    ]
    print_table(f"{result['weak']} and {result['strong']}", ("", ""), rows)
    frontier = [
        (
            f"{row['share_weak']:.0%}",
            f"${row['monthly_usd']:,.0f}",
            f"{row['quality']:.3f}",
            row["option_id"] or "-",
        )
        for row in _every(result["frontier"], 8)
    ]
    print_table("Frontier", ("to weak", "USD a month", "quality", "fleet"), frontier)
    if result["tasks"] is not None:
        tasks = [
            (row["task"], f"{row['share']:.0%}", f"{row['weak_quality']:.2f}", f"{row['strong_quality']:.2f}",
             row["article"] or "-", row["goes_to"] or "-")
            for row in result["tasks"]["rows"]
        ]  # fmt: skip
        print_table("By task", ("task", "share", "weak", "strong", "article", "goes to"), tasks)
        if result["tasks"]["not_scored"]:
            print(f"- left out, not scored for both models: {', '.join(result['tasks']['not_scored'])}")
    cascade = result["cascade"]
    if cascade is not None:
        print(
            f"As a cascade: {cascade['escalated']:.0%} escalated, ${cascade['monthly_usd']['base']:,.0f} a month, "
            f"quality {cascade['quality']:.3f}"
        )
    for note in result["notes"]:
        print(f"- {note}")


def _misrouting_text(wrong: dict[str, Any]) -> str:
    return f"${wrong['strong_usd_for_easy']:,.0f} a month and {wrong['quality_lost']:.3f} of quality"


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
    return f"{fleet['label']}: {fleet['replicas']} replicas, {fleet['gpus_total']} GPUs"


def _every(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    step = max(1, -(-len(rows) // most))
    return rows[::step] + ([rows[-1]] if rows and (len(rows) - 1) % step else [])


def print_tiers(result: dict[str, Any]) -> None:
    """Print a route over several tiers."""
    rows = [
        (row["name"], f"{row['share']:.0%}", f"${row['monthly_usd']:,.0f}", row["option_id"] or "-")
        for row in result["tiers"]
    ]
    saving = "" if result["saving_pct"] is None else f", {result['saving_pct']:.1f} % less than the API alone"
    print_table("Tiers", ("tier", "share", "USD a month", "fleet"), rows)
    print(f"${result['monthly_usd']['base']:,.0f} a month{saving}, quality {result['quality']:.3f}")
    for note in result["notes"]:
        print(f"- {note}")
