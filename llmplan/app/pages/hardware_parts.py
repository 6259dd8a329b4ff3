"""What each part of the Hardware page shows: one replica sized, its curves, its fleet by hour, its rivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.widgets import html
from llmplan.app.widgets.chart_view import Chart, no_chart
from llmplan.app.widgets.html import card, paragraph, table
from llmplan.charts.hardware import METRIC_TITLES, fleet_figure, load_figure, memory_figure
from llmplan.kinds import Kind
from llmplan.measurements import read_points_of
from llmplan.options import Option
from llmplan.replica import ReplicaConfig
from llmplan.replica.config import EngineSettings
from llmplan.report import Report
from llmplan.scenario import Scenario
from llmplan.sizing import (
    FleetDay,
    LatencyCurve,
    SizeAnswer,
    SizeRequest,
    fleet_day,
    latency_curve,
    memory_breakdown,
    size,
    what_binds,
)
from llmplan.units import GB_PER_GIB
from llmplan.wording import NOTHING, counted, milliseconds

METRICS = {"ttft_ms": "First token", "tpot_ms": "Each further token", "output_tokens_per_s": "Throughput"}
NO_LIMIT_MS = 1e12
CONCURRENCY = np.unique(np.round(np.geomspace(1, 256, 33)))
SHOWN_CONFIGURATIONS = 12
MOST_ALTERNATIVES = 6
HEIGHT, CURVE_HEIGHT = 300, 340


@dataclass(frozen=True, eq=False)
class Replica:
    """One replica: sized for a report's scenario, its memory by part, and its curves where it can run.

    lengths: input and output tokens of a query, as its model counts and spends them.
    """

    report: Report
    config: ReplicaConfig
    lengths: tuple[float, ...]
    answer: SizeAnswer
    memory: list[dict[str, Any]]
    curve: LatencyCurve | None

    @property
    def scenario(self) -> Scenario:
        """What it is sized for."""
        return self.report.scenario

    @property
    def label(self) -> str:
        """The configuration in words."""
        config, catalog = self.config, self.report.catalog
        precision, engine = catalog.precision(config.precision_id).name, catalog.engine(config.engine_id).name
        where = f"{config.n_gpus} x {catalog.gpu(config.gpu_id).name} with {engine}"
        return f"{catalog.model(config.model_id).name} in {precision} on {where}"

    @property
    def day(self) -> FleetDay | None:
        """Its fleet by hour; None where the replica serves nothing within the targets."""
        speed = self.answer.speed
        if not speed.requests_per_s or not speed.within_targets:
            return None
        return fleet_day(self.scenario, speed.requests_per_s, self.report.catalog)


def sized(report: Report, config: ReplicaConfig) -> Replica:
    """Size a configuration for a report's scenario."""
    scenario, catalog, item = report.scenario, report.catalog, _option_of(report, config)
    asked = (scenario.input_tokens, scenario.output_tokens)
    lengths = asked if item is None or item.lengths is None else item.lengths[:2]
    request = SizeRequest(
        config.model_id,
        config.precision_id,
        config.gpu_id,
        *lengths,
        config.n_gpus,
        config.engine_id,
        ttft_limit_ms=scenario.ttft_limit_ms or NO_LIMIT_MS,
        tpot_limit_ms=scenario.tpot_limit_ms or NO_LIMIT_MS,
        latency_percentile=scenario.latency_percentile,
    )
    points = read_points_of(catalog, scenario.measured_csv) if scenario.measured_csv else ()
    found = _as_listed(size(catalog, request, points), item)
    context = scenario.workload(catalog).context_tokens
    memory = memory_breakdown(catalog, config, context, found.speed.concurrency)
    runs = found.fits and found.speed.requests_per_s is not None
    curve = latency_curve(catalog, config, *lengths, CONCURRENCY, points) if runs else None
    return Replica(report, config, lengths, found, memory, curve)


def _option_of(report: Report, config: ReplicaConfig) -> Option | None:
    """Return the cheapest of the scenario's options that is run as `config` says; None where there is none."""
    items, monthly = report.comparison.options.items, report.comparison.base_usd
    own = (
        (items.kind == Kind.SELF_HOSTED)
        & (items.model_id == config.model_id)
        & (items.gpu_id == config.gpu_id)
    )
    settings = EngineSettings.of(report.scenario)
    for place in sorted(np.flatnonzero(own).tolist(), key=monthly.__getitem__):
        if items[place].replica_config(settings) == config:
            return items[place]
    return None


def _as_listed(found: SizeAnswer, item: Option | None) -> SizeAnswer:
    """Return what the scenario's option can do, whose prompts come in part from a cache: one number on every page."""
    if item is None or not item.requests_per_s or not found.speed.within_targets:
        return found
    names = ("ttft_ms", "tpot_ms", "concurrency")
    listed = {"requests_per_s": item.requests_per_s[1]} | {name: getattr(item, name) for name in names}
    return replace(found, speed=replace(found.speed, **listed))


def answer(shown: Replica) -> Markup:
    """Say whether it fits, what it serves, and what would fit where it does not."""
    found, rate = shown.answer, shown.answer.speed.requests_per_s
    kept = rate and found.speed.within_targets
    served = f"{rate:,.2f} requests/s within the targets" if kept else "serves nothing within the targets"
    verdict = f"fits: {served}" if found.fits else "cannot run"
    said = html.answer(f"{shown.label} {verdict}") + paragraph(f"{found.reason.rstrip('.')}.")
    if not found.would_fit:
        return said
    others = (option.note for option in found.would_fit[:MOST_ALTERNATIVES])
    return said + paragraph("What would fit:") + html.bullets(others)


def figures(shown: Replica) -> Markup:
    """Return the key figures of the replica: memory, sequences, rate, latency."""
    found, speed = shown.answer, shown.answer.speed
    rests_on = (
        f"your measurement ({speed.measured_by})" if speed.measured_by else speed.basis or "not predicted"
    )
    rate = NOTHING if speed.requests_per_s is None else f"{speed.requests_per_s:,.2f}"
    latency = f"{milliseconds(speed.ttft_ms)}, {milliseconds(speed.tpot_ms)}"
    cache = f"{found.kv_cache_bytes_per_token / 1024:,.0f} KiB of KV cache a token"
    return html.cards(
        [
            ("Weights", f"{found.weights_gb / GB_PER_GIB:,.1f} GiB", cache),
            ("Sequences at once", *_sequences(shown)),
            ("Requests/s of one replica", rate, f"{rests_on}; limited by {found.binding}"),
            ("First token, then each", latency, "on average, at that rate"),
        ]
    )


def _sequences(shown: Replica) -> tuple[str, str]:
    """Return how many requests run at once, and how many the memory holds at their full length."""
    whole, running = f"{shown.answer.max_concurrent_sequences:,}", shown.answer.speed.concurrency
    return (whole, "at their full length") if not running else (f"{running:,.0f}", f"{whole} at full length")


def memory_chart(shown: Replica) -> Chart:
    """Draw what weights, engine and cache take of one GPU."""
    gpu, rows = shown.report.catalog.gpu(shown.config.gpu_id), shown.memory
    missing = next((row["gib"] for row in rows if row["part"] == "missing"), None)
    weights = next(row for row in rows if row["part"] == "weights")
    return Chart(
        memory_figure(rows, gpu.memory_gib_usable, gpu.name),
        title=f"Weights take {weights['share']:.0%} of each {gpu.name}"
        if missing is None
        else f"{missing:,.1f} GiB too much for each {gpu.name}",
        what="Memory of one GPU of the replica: what weights and engine take, what is left for requests.",
        alt="; ".join(f"{row['part']} {row['gib']:.1f} GiB" for row in rows),
        table={
            "part": [row["part"] for row in rows],
            "GiB": [round(row["gib"], 3) for row in rows],
            "note": [row["note"] for row in rows],
        },
        filename="gpu-memory",
        height=HEIGHT,
    )


def load_chart(metric: str, shown: Replica) -> Chart:
    """Draw a metric of the replica against the requests that it serves at once."""
    curve, scenario = shown.curve, shown.scenario
    if curve is None:
        title, alt = f"{METRICS[metric]}: not predicted", "No curve: the configuration cannot run."
        return no_chart(title, shown.answer.reason, alt)
    base, low, high = curve.bands(metric)
    measured, clients = curve.measured(metric), curve.concurrency
    limit = {"ttft_ms": scenario.ttft_limit_ms, "tpot_ms": scenario.tpot_limit_ms}.get(metric)
    points = f"{len(measured[0])} measured points" if len(measured[0]) else "No measured point of this slice"
    return Chart(
        load_figure(clients, base, low, high, metric, measured, limit, shown.answer.speed.concurrency),
        title=_load_title(metric, float(base[0]), float(base[-1]), f"{clients[-1]:.0f} at once"),
        what="One replica at {:,.0f} + {:,.0f} tokens".format(*shown.lengths)
        + (", no prompt cached" if scenario.cached_input_share else "")
        + f"; band: 80%. {points}.",
        alt=f"{METRIC_TITLES[metric]} from {base[0]:,.0f} at {clients[0]:.0f} request to {base[-1]:,.0f} at "
        f"{clients[-1]:.0f}.",
        table={"requests at once": clients, "p10": low, metric: base, "p90": high},
        filename=metric.replace("_", "-"),
        height=CURVE_HEIGHT,
    )


def _load_title(metric: str, alone: float, loaded: float, load: str) -> str:
    if metric == "output_tokens_per_s":
        return f"Throughput: {alone:,.0f} tokens/s alone, {loaded:,.0f} with {load}"
    word = "First token" if metric == "ttft_ms" else "A token every"
    return f"{word}: {milliseconds(alone)} alone, {milliseconds(loaded)} with {load}"


def fleet_chart(shown: Replica) -> Chart:
    """Draw the replicas that each hour of the day needs, and those rented."""
    day, scenario = shown.day, shown.scenario
    if day is None:
        title = "No fleet: this replica serves nothing within the targets"
        return no_chart(title, shown.answer.reason, "No fleet.")
    idle, peak = day.idle_share, f"{day.peak_to_mean:.3g} x the mean"
    note = (
        f"Profile {scenario.profile_id}; sized for a peak of {peak}."
        if scenario.profile_id
        else f"The scenario has no daily profile, so the hours are alike; the peak within them is {peak}."
    )
    return Chart(
        fleet_figure(day.needed, day.queries, day.rented),
        title=f"{counted(day.rented, 'replica')} for the peak; "
        + (f"{idle:.0%} of the hours rented are not needed" if idle > 0 else "each hour needs them all"),
        what=f"Replicas by hour of the day, spares included. {note}",
        alt=f"From {day.needed.min():.0f} to {day.needed.max():.0f} replicas an hour; {day.rented:.0f} rented.",
        table={"hour": np.arange(len(day.needed)), "queries": day.queries, "replicas": day.needed},
        filename="fleet-by-hour",
        height=HEIGHT,
    )


def cheapest_card(shown: Replica) -> Markup:
    """Return the model's cheapest configurations."""
    report, model_id = shown.report, shown.config.model_id
    found = report.comparison
    items = found.options.items
    own = [p for p in found.order if items.kind[p] == "self_hosted" and items.model_id[p] == model_id]
    rows = [
        (
            item.label,
            report.money.short(float(found.base_usd[place])),
            int(found.gpus_total[place]),
            f"{item.requests_per_s[1]:,.2f}" if item.requests_per_s else NOTHING,
            milliseconds(item.ttft_ms),
            milliseconds(item.tpot_ms),
            what_binds(item.binding or "", item.concurrency or 0),
        )
        for place in own[:SHOWN_CONFIGURATIONS]
        for item in [report.option(place)]
    ]
    heads = ("Configuration", "A month", "GPUs", "Requests/s", "First token", "Token every", "What binds")
    none = paragraph("No configuration of this model serves the scenario; the reasons stand below.")
    listed = table(heads, rows, "The cheapest configurations", range(1, 6)) if rows else none
    name = report.catalog.model(model_id).name
    return card(f"The cheapest ways to run {name} for this scenario", listed)
