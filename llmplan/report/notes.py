"""What a speaker can say to each slide: how to read it, and what it does not say."""

from __future__ import annotations

from llmplan.options.constraints import floor_asked
from llmplan.report.headlines import curve_note
from llmplan.report.report import Report


def answer_notes(report: Report) -> str:
    """Say what the bars are and how many options stood behind the answer."""
    asked, found = report.scenario, report.comparison
    lines = [
        f"{report.finding}.",
        f"{found.n_feasible:,} of {len(found.options):,} options meet the scenario: volume, "
        f"{_floor(report)}, latency, licence and where data may go.",
        "Bars: the cheapest option of each kind; low and high are the ends of the ranges of prices, speed and "
        "cost lines. A token price has no range.",
        f"A self-hosted month holds {asked.days_per_month:g} days of GPU-hours, people, updates and the lines "
        "around them, at the peak and with spares; idle hours are paid.",
    ]
    return "\n".join(lines)


def curve_notes(report: Report) -> str:
    """Say how to read the curve."""
    lines = [
        "Both axes are logarithmic: each gridline is ten times the one before.",
        "A line is the cheapest option of its kind at each volume, at base; the band around it runs from its low to "
        "its high cost; the dotted line is today's answer. "
        "A token price rises with volume; a fleet costs the same until it needs another machine.",
        curve_note(report),
        "Where self-hosting pays is worked out over every feasible configuration, on whole queries a day.",
    ]
    return "\n".join(f"{line.rstrip('.')}." for line in lines if line)


def bill_notes(report: Report) -> str:
    """Say what the columns are and where each comes from."""
    parts = (f"{part.name} ({part.source_id or 'prices'})" for part in report.bill)
    return f"The answer's month at base figures, part by part: {', '.join(parts)}."


def map_notes(report: Report) -> str:
    """Say how to read the map."""
    return (
        "Rows are open models by size, columns are volumes. A cell names the cheapest way to get at least "
        "that model's quality, and its base cost a month: an API, the model hosted by a provider, or own GPUs. "
        f"Latency, licence and data limits are the scenario's; {report.scenario.name}."
    )


def option_notes(report: Report) -> str:
    """Say what the columns are."""
    return (
        "The cheapest option of each kind and model, by base cost; the workbook holds all of them, with the "
        "reason for each one that is out. Quality is the mean over the tasks, as a share of "
        f"{report.scenario.reference_api_id}'s on the same public benchmarks: measure on your own queries."
    )


def flip_notes(report: Report) -> str:
    """Say how flips were searched."""
    held = ", ".join(row.label for row in report.tipping if row.nearest is None)
    head = "One input moves at a time, the others stay as they are; the nearest change is on top."
    rest = f"\nWithin the ranges searched no value of these changes the answer: {held}." if held else ""
    return head + rest


def _floor(report: Report) -> str:
    asked = report.scenario
    if not asked.quality_floor:
        return "no quality floor"
    return "at least " + floor_asked(asked, f"{asked.reference_api_id}'s quality")


def frontier_notes(report: Report) -> str:
    """Say how to read quality against cost."""
    return (
        "A point is a model at an effort, the cheapest way to run it at this volume, whatever the quality floor; it "
        "stands at the share of the scenario's tasks on which it succeeds. On the line nothing that costs no more "
        f"succeeds more often. The star runs today: {report.scenario.reference_api_id}."
    )


def growth_notes(report: Report) -> str:
    """Say what the plan over months assumes."""
    plan = report.growth
    if plan is None:
        return ""
    first, last = plan.time.queries_per_day[[0, -1]]
    return (
        f"Payments added up over {len(plan.time.queries_per_day)} months, from {first:,.0f} to {last:,.0f} queries a "
        "day, the move and servers bought included; growth, prices' decline and the discount rate are the catalog's "
        "base assumptions. The Growth page plans with others."
    )


def hardware_notes(report: Report) -> str:
    """Say what stands behind the fleet."""
    return (
        "The cheapest fleet that keeps the scenario's latency targets at its peak. `llmplan ops` and the Growth page "
        f"write its launch commands, alerts and manifests; {report.scenario.name}."
    )
