"""Hardware: does the model fit, how fast is it under load, how many replicas by hour, what is cheapest."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from llmplan.app.fields import Button, Select
from llmplan.app.model import AppModel
from llmplan.app.pages.hardware_shown import (
    METRICS,
    Shown,
    cheapest_rows,
    config_of,
    fleet_by_hour,
    shown_replica,
)
from llmplan.app.pages.page import card, cards, table
from llmplan.app.widgets.base import guarded
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.charts.hardware import METRIC_TITLES, fleet_figure, load_figure, memory_figure
from llmplan.replica import ReplicaConfig
from llmplan.replica.memory import GPU_COUNTS
from llmplan.sizing import SizeAnswer
from llmplan.wording import counted, milliseconds

CURVE_TITLES = {
    "ttft_ms": "First token",
    "tpot_ms": "Each further token",
    "output_tokens_per_s": "Throughput",
}


class HardwarePage:
    """One replica of a chosen configuration, its fleet, and the model's cheapest configurations."""

    def __init__(self, model: AppModel) -> None:
        self.model = model
        self._chosen: ReplicaConfig | None = None
        self.controls = ControlPanel(self._fields(), {}, self.change, label="Replica")
        self.answer, self.figures, self.table = HtmlView(live=True), HtmlView(), HtmlView()
        self.memory, self.fleet = ChartView(), ChartView()
        self.curves = {metric: ChartView() for metric in METRICS}
        self.root = stack(
            [
                box([self.controls], "lp-inline"),
                self.answer,
                self.figures,
                columns([self.memory, self.fleet]),
                box(list(self.curves.values()), "lp-columns", "lp-thirds"),
                self.table,
            ]
        )

    def _fields(self) -> list[Any]:
        catalog = self.model.catalog
        models = tuple((m.model_id, m.name) for m in catalog.models.values() if m.status != "measured only")
        formats = tuple((p.precision_id, p.name) for p in catalog.precisions.values() if p.status == "option")
        gpus = tuple((g.gpu_id, g.name) for g in catalog.gpus.values() if g.status == "option")
        engines = tuple((e.engine_id, e.name) for e in catalog.engines.values())
        return [
            Select("model_id", "Model", models),
            Select("precision_id", "Format", formats),
            Select("gpu_id", "GPU", gpus),
            Select("n_gpus", "GPUs a replica", tuple((str(n), str(n)) for n in GPU_COUNTS)),
            Select("engine_id", "Engine", engines),
            Button("cheapest", "Show the cheapest fleet"),
        ]

    def change(self, changes: dict[str, Any]) -> None:
        """Look at another configuration, or follow the scenario's cheapest again."""
        if "cheapest" in changes:
            self._chosen = None
        else:
            self._chosen = config_of(self.model, self._chosen, changes)
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen configuration under the present scenario."""
        shown = None
        views = (self.answer, self.figures, self.memory, self.fleet, self.table, *self.curves.values())
        with guarded(self.controls, *views):
            shown = shown_replica(self.model, self._chosen)
            self._show_controls(shown.config)
            self._show_answer(shown)
        if shown is None:
            return
        with guarded(self.memory):
            self._show_memory(shown)
        for metric, view in self.curves.items():
            with guarded(view):
                self._show_load(view, metric, shown)
        with guarded(self.fleet):
            self._show_fleet(shown)
        with guarded(self.table):
            self._show_cheapest(shown.config)

    def _show_controls(self, config: ReplicaConfig) -> None:
        values: dict[str, Any] = {
            field: getattr(config, field) for field in ("model_id", "precision_id", "gpu_id", "engine_id")
        }
        self.controls.show(values | {"n_gpus": str(config.n_gpus), "cheapest": self._chosen is not None})

    def _show_answer(self, shown: Shown) -> None:
        found, speed = shown.answer, shown.answer.speed
        rate = speed.requests_per_s
        kept = rate and speed.within_targets
        served = f"{rate:,.2f} requests/s within the targets" if kept else "serves nothing within the targets"
        verdict = f"fits: {served}" if found.fits else "cannot run"
        self.answer.show(
            Markup('<p class="lp-answer">{} {}.</p><p>{}.</p>').format(
                shown.label, verdict, found.reason.rstrip(".")
            )
            + _would_fit(found)
        )
        self.figures.show(
            cards(
                [
                    (
                        "Weights",
                        f"{found.weights_gb:,.0f} GB",
                        f"{found.kv_cache_bytes_per_token / 1024:,.0f} KiB of KV cache a token",
                    ),
                    (
                        "Sequences at once",
                        f"{found.max_concurrent_sequences:,}",
                        "as many as the memory holds",
                    ),
                    (
                        "Requests/s of one replica",
                        "–" if rate is None else f"{rate:,.2f}",
                        f"{_basis(found)}; limited by {found.binding}",
                    ),
                    (
                        "First token, then each",
                        f"{milliseconds(speed.ttft_ms)}, {milliseconds(speed.tpot_ms)}",
                        "on average, at that rate",
                    ),
                ]
            )
        )

    def _show_memory(self, shown: Shown) -> None:
        gpu = self.model.catalog.gpu(shown.config.gpu_id)
        missing = [row["gib"] for row in shown.memory if row["part"] == "missing"]
        weights = next(row for row in shown.memory if row["part"] == "weights")
        finding = (
            f"{missing[0]:,.1f} GiB too much for each {gpu.name}"
            if missing
            else f"Weights take {weights['share']:.0%} of each {gpu.name}"
        )
        self.memory.show(
            memory_figure(shown.memory, gpu.memory_gib_usable, gpu.name),
            title=finding,
            what="Memory of one GPU of the replica: what weights and engine take, what is left for requests.",
            alt="; ".join(f"{row['part']} {row['gib']:.1f} GiB" for row in shown.memory),
            table={
                "part": [row["part"] for row in shown.memory],
                "GiB": [round(row["gib"], 3) for row in shown.memory],
                "note": [row["note"] for row in shown.memory],
            },
            filename="gpu-memory",
            height=300,
        )

    def _show_load(self, view: ChartView, metric: str, shown: Shown) -> None:
        if shown.curve is None:
            view.show(
                {"data": [], "layout": {}},
                title=f"{CURVE_TITLES[metric]}: not predicted",
                alt="No curve: the configuration cannot run.",
                what=shown.answer.reason,
                height=120,
            )
            return
        scenario = self.model.scenario
        base, low, high = shown.curve.bands(metric)
        measured = shown.curve.measured(metric)
        limits = {"ttft_ms": scenario.ttft_limit_ms, "tpot_ms": scenario.tpot_limit_ms}
        clients = shown.curve.concurrency
        view.show(
            load_figure(
                clients, base, low, high, metric, measured, limits.get(metric), shown.answer.speed.concurrency
            ),
            title=_load_title(metric, clients, base),
            what=f"One replica at {scenario.input_tokens:,.0f} + {scenario.output_tokens:,.0f} tokens; band: 80 %. "
            + (
                f"{len(measured[0])} measured points."
                if len(measured[0])
                else "No measured point of this slice."
            ),
            alt=f"{METRIC_TITLES[metric]} from {base[0]:,.0f} at {clients[0]:.0f} request to {base[-1]:,.0f} at "
            f"{clients[-1]:.0f}.",
            table={"requests at once": clients, "p10": low, metric: base, "p90": high},
            filename=metric.replace("_", "-"),
            height=340,
        )

    def _show_fleet(self, shown: Shown) -> None:
        hours = fleet_by_hour(self.model, shown)
        if hours is None:
            self.fleet.show(
                {"data": [], "layout": {}},
                title="No fleet: this replica serves nothing within the targets",
                alt="No fleet.",
                what=shown.answer.reason,
                height=300,
            )
            return
        idle = 1 - float(hours.needed.sum()) / (hours.rented * len(hours.needed))
        self.fleet.show(
            fleet_figure(hours.needed, hours.queries, hours.rented),
            title=f"{counted(hours.rented, 'replica')} for the peak; "
            + (f"{idle:.0%} of the hours rented are not needed" if idle > 0 else "each hour needs them all"),
            what="Replicas by hour of the day, spares included. " + hours.note,
            alt=f"From {hours.needed.min():.0f} to {hours.needed.max():.0f} replicas an hour; {hours.rented:.0f} rented.",
            table={"hour": np.arange(24), "queries": hours.queries, "replicas": hours.needed},
            filename="fleet-by-hour",
            height=300,
        )

    def _show_cheapest(self, config: ReplicaConfig) -> None:
        name = self.model.catalog.model(config.model_id).name
        rows = cheapest_rows(self.model, config.model_id)
        heads = (
            "Configuration",
            "A month",
            "GPUs",
            "Requests/s",
            "First token",
            "Token every",
            "What binds",
        )
        body = (
            table(heads, rows, "The cheapest configurations", numbers=(1, 2, 3, 4, 5))
            if rows
            else Markup("<p>No configuration of this model serves the scenario; the reasons stand below.</p>")
        )
        self.table.show(card(f"The cheapest ways to run {name} for this scenario", body))


def _basis(found: SizeAnswer) -> str:
    if found.speed.measured_by:
        return f"your measurement ({found.speed.measured_by})"
    return found.speed.basis or "not predicted"


def _load_title(metric: str, clients: Any, base: Any) -> str:
    last = f"{clients[-1]:.0f} at once"
    if metric == "output_tokens_per_s":
        return f"Throughput: {base[0]:,.0f} tokens/s alone, {base[-1]:,.0f} with {last}"
    word = "First token" if metric == "ttft_ms" else "A token every"
    return f"{word}: {milliseconds(float(base[0]))} alone, {milliseconds(float(base[-1]))} with {last}"


def _would_fit(found: SizeAnswer) -> Markup:
    if not found.would_fit:
        return Markup("")
    rows = Markup("").join(Markup("<li>{}</li>").format(option.note) for option in found.would_fit[:6])
    return Markup("<p>What would fit:</p><ul>{}</ul>").format(rows)
