"""Which formats run where, and under which engine: hardware and engine tables read as answers."""

from __future__ import annotations

from llmplan.catalog import Catalog, Engine, Gpu, Model, Precision
from llmplan.catalog.measurements import PRECISION_ALIASES
from llmplan.measurements.use import published_points
from llmplan.options.configurations import is_useful_format

"""Formats that a checkpoint comes in or that need the space of 8 bit without its speed: only on request."""


def precision_named(catalog: Catalog, model: Model, name: str) -> Precision:
    """Return the format that a name means for a model: usual spellings (int4, awq, w8a8) are understood.

    FP4 of a checkpoint that comes in MXFP4 is MXFP4.
    """
    known = PRECISION_ALIASES.get(name.lower(), name)
    if known == "fp4" and model.native_precision_id == "mxfp4":
        known = "mxfp4"
    return catalog.precision(known)


def was_published(
    catalog: Catalog, model: Model, precision: Precision, gpu: Gpu, engine: Engine | None
) -> bool:
    """Say whether a published run shows the model in that format on that card under that engine."""
    return any(
        point.model_id == model.model_id
        and point.precision_id == precision.precision_id
        and point.gpu_id == gpu.gpu_id
        and (engine is None or point.engine_id == engine.engine_id)
        for point in published_points(catalog)
    )


def hardware_runs(catalog: Catalog, precision: Precision, gpu: Gpu) -> bool:
    """Say whether the card's architecture supports the format."""
    return any(
        row.precision_id == precision.precision_id and row.architecture == gpu.architecture
        for row in catalog.precision_hardware
    )


def engine_runs(catalog: Catalog, engine: Engine, precision: Precision, gpu: Gpu) -> bool:
    """Say whether the engine serves the format on the card's architecture."""
    return any(
        row.engine_id == engine.engine_id
        and row.precision_id == precision.precision_id
        and row.architecture == gpu.architecture
        for row in catalog.engine_support
    )


def engine_for(catalog: Catalog, precision: Precision, gpu: Gpu, n_gpus: int | None) -> Engine | None:
    """Return the first engine in order of preference that serves the format there; None if none does."""
    for engine in map(catalog.engine, catalog.preferred_engines):
        if n_gpus is not None and n_gpus > 1 and not engine.multi_gpu:
            continue
        if engine_runs(catalog, engine, precision, gpu):
            return engine
    return None


def why_not(
    catalog: Catalog, engine: Engine | None, precision: Precision, gpu: Gpu
) -> tuple[str, str] | None:
    """Return what binds and a sentence where the format does not run there; None where it does."""
    if not hardware_runs(catalog, precision, gpu):
        formats = ", ".join(formats_on(catalog, gpu))
        sentence = f"{gpu.name} ({gpu.architecture}) has no hardware for {precision.name}; it runs {formats}"
        return "hardware", sentence
    if engine is None:
        return "engine", f"no engine in the catalog serves {precision.name} on {gpu.name}"
    if not engine_runs(catalog, engine, precision, gpu):
        others = [e.engine_id for e in catalog.engines.values() if engine_runs(catalog, e, precision, gpu)]
        use = f"use {', '.join(others)}" if others else "no other engine does either"
        return "engine", f"{engine.name} does not serve {precision.name} on {gpu.name}; {use}"
    return None


def formats_on(catalog: Catalog, gpu: Gpu) -> list[str]:
    """Return ids of the formats offered as options that the card runs."""
    return [
        p.precision_id
        for p in catalog.precisions.values()
        if p.status == "option" and hardware_runs(catalog, p, gpu)
    ]


def useful_formats(catalog: Catalog, model: Model, gpu: Gpu) -> list[str]:
    """Return the formats worth considering on a card, by the one rule that `compare` has too."""
    formats = (catalog.precision(precision_id) for precision_id in formats_on(catalog, gpu))
    return [p.precision_id for p in formats if is_useful_format(catalog, model, p, gpu)]
