"""The few self-hosted configurations that can win: for sliders, which cannot wait for the whole catalog."""

from __future__ import annotations

import numpy as np

from llmplan.catalog import Catalog
from llmplan.options.table import Options
from llmplan.replica import Configurations, ReplicaConfig

VOLUMES = np.geomspace(1e2, 1e7, 41)
"""Volumes [queries/day] at which each model and format's cheapest configuration is kept."""


def shortlist(options: Options, catalog: Catalog) -> Configurations:
    """Return, of each model and format, the configurations that are the cheapest at some volume.

    At these tokens and targets nothing else can win, but for volumes between two of `VOLUMES`; changed tokens
    or targets can bring in others, so ask all again when there is time.
    """
    own = np.array([i for i, item in enumerate(options.items) if item.kind == "self_hosted"], int)
    usd = options.take(own).monthly_usd(VOLUMES, sides=(1,))[0]
    usd = np.where(np.isfinite(usd), usd, np.inf)
    groups: dict[tuple[str, str | None], list[int]] = {}
    for place, index in enumerate(own):
        key = (options.items[index].model_id, options.items[index].precision_id)
        groups.setdefault(key, []).append(place)
    # Ties go to the preferred engine, as in the comparison.
    order = {
        name: sorted(rows, key=lambda i: int(options.preference[own[i]])) for name, rows in groups.items()
    }
    kept = {rows[at] for rows in order.values() for at in np.argmin(usd[rows], axis=0).tolist()}
    return Configurations.from_configs(catalog, [_config(options, int(own[place])) for place in sorted(kept)])


def _config(options: Options, place: int) -> ReplicaConfig:
    item = options.items[place]
    return ReplicaConfig(
        item.model_id, item.precision_id or "", item.gpu_id or "", item.n_gpus or 1, item.engine_id or ""
    )
