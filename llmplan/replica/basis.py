"""What a prediction rests on: a measured row, a calibrated engine and GPU, or neither."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmplan.arrays import Bools, Floats
from llmplan.catalog import Catalog
from llmplan.catalog.cache import kept
from llmplan.catalog.measurements import PRECISION_ALIASES
from llmplan.replica.configurations import Configurations
from llmplan.replica.constants import level_values

NEAR: Final = 0.3
"""A row is near when input, output and clients each differ by less than a factor exp(0.3) = 1.35."""
COUNTED: Final = "engine:architecture:compute"
"""The kind of replica that is calibrated or not."""
LOADS: Final = {"closed_loop": "concurrency", "open_loop": "offered_rps"}
"""Column that says how hard a kind of arrival presses; an endless queue has none."""
Key = tuple[str, str, str, int, str, str]


@kept(1)
def measured_points(catalog: Catalog) -> dict[Key, Floats]:
    """Log input, output and load of the published rows (data/measured_serving.csv), by replica and arrival.

    The load is the clients of a closed loop, the rate of an open loop, and nothing for the other arrivals.
    """
    points: dict[Key, list[list[float]]] = {}
    for row in catalog.measured_points:
        cell = row.cells
        loads = [_log(cell.get(name, "")) for name in ("isl_tokens", "osl_tokens")]
        loads.append(_log(cell.get(LOADS[cell["arrival"]], "")) if cell["arrival"] in LOADS else 0.0)
        place = cell["gpu_id"], int(cell["n_gpus"]), cell["engine_id"], cell["arrival"]
        for precision in _spellings(cell["precision"]):
            points.setdefault((cell["model_id"], precision, *place), []).append(loads)
    return {key: np.array(value) for key, value in points.items()}


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
    alike: dict[Key, list[int]] = {}
    for i in np.flatnonzero(_has_points(c, points)):
        names = c.model_id[i], c.precision_id[i], c.gpu_id[i], int(c.n_gpus[i]), c.engine_id[i]
        alike.setdefault((*names, str(arrivals[i])), []).append(int(i))
    for key in alike.keys() & points.keys():
        places = np.array(alike[key])
        near = np.abs(points[key][None] - asked[places][:, None]) < NEAR
        basis[places[near.all(axis=2).any(axis=1)]] = "measured"
    return np.where(c.is_unmeasured, "extrapolated", basis)


def _has_points(c: Configurations, points: Mapping[Key, Floats]) -> Bools:
    """Say which configurations have a model that was measured in their format on their GPU."""
    known = {key[:3] for key in points}
    names = zip(c.model_id, c.precision_id, c.gpu_id, strict=True)
    return np.array([name in known for name in names], dtype=bool)
