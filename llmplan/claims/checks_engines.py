"""Checks of what the article says about serving engines."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np

from llmplan.catalog import Catalog, Claim
from llmplan.claims.context import Context, check
from llmplan.claims.verdicts import Finding, Verdict
from llmplan.replica import Configurations, ReplicaConfig, predict

SAME_SETTING = (
    "model_id",
    "precision",
    "gpu_id",
    "n_gpus",
    "isl_tokens",
    "osl_tokens",
    "arrival",
    "concurrency",
    "offered_rps",
)
RACE_MODELS, RACE_FORMATS = ("llama-3.1-8b", "llama-3.1-70b"), ("fp8", "bf16")
RACE_GPUS = ("h100-sxm", "a100-80gb-sxm")
RACE_TOKENS, RACE_CLIENTS = (1000, 300), 64
"""What engines are raced on: the models, formats and cards that most measurements have."""


@check("engine_status")
def engine_status(context: Context, claim: Claim) -> Finding:
    """Compare what an engine is recommended for with its status today."""
    engine_id, role = context.parts(claim)
    engine = context.catalog.engine(engine_id)
    fits = {"production": engine.status == "active", "development": engine.status != "maintenance"}[role]
    verdict: Verdict = "holds" if fits else "does not hold"
    why = f"{engine.status_note}; version {engine.version}"
    return Finding(why, text=engine.status, verdict=verdict, sources=(engine.source_id,))


@check("engine_features")
def engine_features(context: Context, claim: Claim) -> Finding:
    """See whether an engine's own documents name the features."""
    engine_id, *wanted = context.parts(claim)
    engine = context.catalog.engine(engine_id)
    have = engine.key_features.lower()
    found = [feature for feature in wanted if feature.lower() in have]
    verdict: Verdict = "holds" if len(found) == len(wanted) else "depends" if found else "does not hold"
    why = f"its documents list: {engine.key_features}"
    return Finding(why, text=", ".join(found) or "not listed", verdict=verdict, sources=(engine.source_id,))


@check("engine_utilisation")
def engine_utilisation(context: Context, claim: Claim) -> Finding:
    """Compare an engine's predicted rate with the fastest engine's: what it makes of the same card."""
    engine_id = claim.subject or ""
    shares = [rates[engine_id] / max(rates.values()) for rates in _races(context.catalog, engine_id)]
    if not shares:
        return Finding("no published measurement of its rate in the data", verdict="cannot be checked")
    why = f"predicted output tokens/s over those of the fastest engine, {_setting(len(shares))}"
    return Finding(why, min(shares), float(np.median(shares)), max(shares))


@check("engine_fastest")
def engine_fastest(context: Context, claim: Claim) -> Finding:
    """Compare an engine's predicted rate with the best of the others, over models, formats and GPUs."""
    engine_id = claim.subject or ""
    ratios = [rates.pop(engine_id) / max(rates.values()) for rates in _races(context.catalog, engine_id)]
    if not ratios:
        return Finding("no pair of engines runs the same configuration", verdict="cannot be checked")
    why = f"predicted output tokens/s over those of the next fastest engine, {_setting(len(ratios))}"
    return Finding(why, min(ratios), float(np.median(ratios)), max(ratios))


def _setting(count: int) -> str:
    return f"{count} pairs of model, format and GPU with {RACE_CLIENTS} clients"


def _races(catalog: Catalog, engine_id: str) -> list[dict[str, float]]:
    """Return each race that the engine runs against another: predicted output tokens/s by engine."""
    measured = _rows_by_engine(catalog)
    runners = [
        e.engine_id for e in catalog.engines.values() if e.status == "active" and measured[e.engine_id]
    ]
    supported = {(row.engine_id, row.precision_id, row.architecture) for row in catalog.engine_support}
    races = []
    for model, precision, gpu in product(RACE_MODELS, RACE_FORMATS, RACE_GPUS):
        architecture = catalog.gpu(gpu).architecture
        engines = [engine for engine in runners if (engine, precision, architecture) in supported]
        if engine_id in engines and len(engines) > 1:
            races.append(_race(catalog, model, precision, gpu, engines))
    return races


def _race(catalog: Catalog, model: str, precision: str, gpu: str, engines: list[str]) -> dict[str, float]:
    count = 4 if catalog.model(model).total_params_b > 30 else 1
    configs = [ReplicaConfig(model, precision, gpu, count, engine) for engine in engines]
    found = predict(Configurations.from_configs(catalog, configs), *RACE_TOKENS, RACE_CLIENTS)
    return dict(zip(engines, map(float, found.output_tokens_per_s), strict=True))


def _measured_rows(catalog: Catalog) -> list[dict[str, str]]:
    return [row.cells for row in catalog.measured_points if "output_tokens_per_s" in row.cells]


def _rows_by_engine(catalog: Catalog) -> Counter[str]:
    return Counter(row["engine_id"] for row in _measured_rows(catalog))


@check("engine_ratio")
def engine_ratio(context: Context, claim: Claim) -> Finding:
    """Compare two engines on the published measurements that differ in nothing else."""
    one, other = context.parts(claim)
    rates: dict[str, dict[tuple[str, ...], float]] = {one: {}, other: {}}
    for row in _measured_rows(context.catalog):
        if row["engine_id"] in rates:
            key = tuple(row.get(column, "") for column in SAME_SETTING)
            rates[row["engine_id"]][key] = float(row["output_tokens_per_s"])
    ratios = [rates[one][key] / rates[other][key] for key in rates[one].keys() & rates[other].keys()]
    if not ratios:
        counts = ", ".join(f"{name} {len(found)}" for name, found in rates.items())
        why = f"no published pair of measurements in the data (points with a throughput: {counts})"
        return Finding(why, verdict="cannot be checked")
    why = f"{len(ratios)} published pairs that differ in nothing but the engine"
    return Finding(why, min(ratios), float(np.median(ratios)), max(ratios))
