"""What a prediction rests on: a measured row, a calibrated engine and GPU, or neither."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Floats, Places
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.catalog.evidence import MeasuredSettings
from llmplan.catalog.measurements import PRECISION_ALIASES
from llmplan.catalog.publishers import published_settings
from llmplan.replica.config import engine_generation
from llmplan.replica.configurations import LATEST, Configurations
from llmplan.replica.constants import level_values

NEAR: Final = 0.3
"""A row is near when input, output and clients each differ by less than a factor exp(0.3) = 1.35."""
COUNTED: Final = "engine:architecture:compute"
"""The kind of replica that is calibrated or not."""
EIGHT_BIT: Final = "fp8"
"""Type of an 8-bit KV cache."""
LOADS: Final = {"closed_loop": "concurrency", "open_loop": "offered_rps"}
"""Column that says how hard a kind of arrival presses; an endless queue has none."""
Key = tuple[str, str, str, int, str, str, bool, str]
"""Model, format, GPU, GPUs, engine, its generation, whether its KV cache has 8 bits, and kind of arrival."""


@kept(1)
def measured_points(catalog: Catalog) -> dict[Key, Floats]:
    """Log input, output and load of the published rows (data/measured_serving.csv), and how GPUs are cut, by replica.

    The load is the clients of a closed loop, the rate of an open loop, and nothing for the other arrivals. Then the
    tensor- and data-parallel degrees; NaN: not stated.
    """
    points: dict[Key, list[list[float]]] = {}
    for row in catalog.measured_points:
        cell = row.cells
        numbers = [_log(cell.get(name, "")) for name in ("isl_tokens", "osl_tokens")]
        numbers.append(_log(cell.get(LOADS[cell["arrival"]], "")) if cell["arrival"] in LOADS else 0.0)
        title, published = cell.get("source_title", ""), cell.get("published", "")
        told = published_settings(catalog, title, cell["engine_id"], published, cell)
        ran = _generation_and_cache(cell, told)
        place = cell["gpu_id"], int(cell["n_gpus"]), cell["engine_id"], *ran, cell["arrival"]
        numbers += _degrees(cell, told)
        for precision in _spellings(cell["precision"]):
            points.setdefault((cell["model_id"], precision, *place), []).append(numbers)
    return {key: np.array(value) for key, value in points.items()}


def _generation_and_cache(cell: Mapping[str, str], told: MeasuredSettings | None) -> tuple[str, bool]:
    """Generation of a row's engine, the latest where nobody says, and whether its KV cache has 8 bits."""
    version = cell.get("engine_version") or (told and told.engine_version) or LATEST
    return engine_generation(cell["engine_id"], version), bool(told and told.kv_cache_dtype == EIGHT_BIT)


def _degrees(cell: Mapping[str, str], told: MeasuredSettings | None) -> tuple[float, float]:
    """Tensor- and data-parallel degree of a row; NaN: not stated. Its publisher's scripts know better."""
    if not cell.get("tensor_parallel"):
        return math.nan, math.nan
    tensor, data = float(cell["tensor_parallel"]), float(cell.get("data_parallel") or 1)
    copies = float((told and told.data_parallel) or data)
    return tensor * data / copies, copies


def _spellings(precision: str) -> tuple[str, ...]:
    """Catalog ids that a published precision may mean; FP4 of a model stored in MXFP4 is that."""
    name = PRECISION_ALIASES.get(precision, precision)
    return (name, "mxfp4") if name == "fp4" else (name,)


def _log(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return math.log(value) if value > 0 else math.nan


def basis_of(
    c: Configurations, isl: Floats, osl: Floats, load: Floats | None, arrival: str | NDArray[Any]
) -> NDArray[Any]:
    """Return "measured", "calibrated" or "extrapolated" for each configuration.

    load: clients of a closed loop, requests/s of an open loop; None where there is neither.
    """
    earned = dict.fromkeys(c.catalog.calibration.calibrated, 1.0)
    basis = np.where(level_values(c, COUNTED, earned) > 0, "calibrated", "extrapolated").astype(object)
    points = measured_points(c.catalog)
    arrivals = np.broadcast_to(np.asarray(arrival, dtype=object), (len(c),))
    pressed = (
        np.ones(len(c))
        if load is None
        else np.where((arrivals == "closed_loop") | (arrivals == "open_loop"), load, 1.0)
    )
    asked = np.log([isl, osl, np.maximum(pressed, 1e-12)]).T
    cut = np.array([c.tensor_parallel, c.data_parallel]).T
    for key, ran in _measured_kinds(c):
        places, rows = ran[arrivals[ran] == key[-1]], points[key]
        near = (np.abs(rows[None, :, :3] - asked[places][:, None]) < NEAR).all(axis=2)
        as_cut = (np.isnan(rows[:, 3:]) | (rows[None, :, 3:] == cut[places][:, None])).all(axis=2)
        basis[places[(near & as_cut).any(axis=1)]] = "measured"
    return np.where(c.is_unmeasured, "extrapolated", basis)


@kept(1)
def _measured_kinds(c: Configurations) -> list[tuple[Key, Places]]:
    """Return each key of measured points with the configurations that it is of, whatever the arrivals."""
    points, generation = measured_points(c.catalog), c.levels("generation")
    known, alike = {key[:3] for key in points}, defaultdict[tuple[Any, ...], list[int]](list)
    for i, name in enumerate(zip(c.model_id, c.precision_id, c.gpu_id, strict=True)):
        if name in known:
            ran = str(generation[i]), c.settings[i].kv_cache_dtype == EIGHT_BIT
            alike[*name, int(c.n_gpus[i]), c.engine_id[i], *ran].append(i)
    return [(key, np.array(alike[key[:-1]], np.intp)) for key in points if key[:-1] in alike]
