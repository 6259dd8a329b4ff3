"""Hardware: does the model fit, how fast is it under load, how many replicas by hour, what is cheapest."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np

from llmplan.app.fields import Button, Field, Select
from llmplan.app.model import AppModel
from llmplan.app.pages import hardware_parts as parts
from llmplan.app.pages.page import Page, show_parts
from llmplan.app.widgets.chart_view import ChartView
from llmplan.app.widgets.controls import ControlPanel
from llmplan.app.widgets.layout import box, columns, stack
from llmplan.app.widgets.parts import HtmlView
from llmplan.catalog import Catalog
from llmplan.errors import InputError
from llmplan.replica.config import EngineSettings, ReplicaConfig
from llmplan.replica.memory import GPU_COUNTS


class HardwarePage(Page):
    """One replica of a chosen configuration, its fleet, and the model's cheapest configurations."""

    def __init__(self, model: AppModel) -> None:
        super().__init__(model)
        self._chosen: ReplicaConfig | None = None
        self.controls = ControlPanel(hardware_fields(model.catalog), {}, self.change, label="Replica")
        self.answer, self.figures, self.table = HtmlView(live=True), HtmlView(), HtmlView()
        self.memory, self.fleet = ChartView(), ChartView()
        self.curves = {metric: ChartView() for metric in parts.METRICS}
        self.root = stack(
            [
                self.answer,
                self.figures,
                columns([self.memory, self.fleet]),
                box([self.controls], "lp-inline"),
                box(list(self.curves.values()), "lp-columns", "lp-thirds"),
                self.table,
            ]
        )

    def change(self, changes: dict[str, Any]) -> None:
        """Look at another configuration, or follow the scenario's cheapest again."""
        if "cheapest" in changes:
            self._chosen = None
        else:
            counts = {"n_gpus": int(changes["n_gpus"])} if "n_gpus" in changes else {}
            self._chosen = replace(self._chosen or cheapest_config(self.model), **changes | counts)
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen configuration under the present scenario."""
        show_parts(
            self._replica,
            {
                self.answer: parts.answer,
                self.figures: parts.figures,
                self.memory: parts.memory_chart,
                **{view: partial(parts.load_chart, metric) for metric, view in self.curves.items()},
                self.fleet: parts.fleet_chart,
                self.table: parts.cheapest_card,
            },
        )

    def _replica(self) -> parts.Replica:
        config = self._chosen or cheapest_config(self.model)
        values = asdict(config) | {"n_gpus": str(config.n_gpus), "cheapest": self._chosen is not None}
        self.controls.show(values)
        return parts.sized(self.model.report, config)


def hardware_fields(catalog: Catalog) -> list[Field]:
    """Return the page's inputs."""
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


def cheapest_config(model: AppModel) -> ReplicaConfig:
    """Return the configuration of the scenario's cheapest fleet, feasible or not."""
    found = model.report.comparison
    items, usd = found.options.items, found.base_usd
    own = np.flatnonzero(items.kind == "self_hosted")
    place = found.cheapest("self_hosted")
    if place is None and len(own):
        place = int(own[np.argmin(usd[own])])
    if place is None:
        rule = "no model can be self-hosted under it"
        raise InputError("scenario", model.scenario.name, rule, "allow other models or GPUs")
    return items[place].replica_config(EngineSettings.of(model.scenario))
