"""Predicted values of measured rows."""

from llmplan.arrays import Floats, Places
from llmplan.calibration.observations import Observations
from llmplan.replica.constants import Calibration


def predicted(obs: Observations, calibration: Calibration) -> tuple[Floats, Places]:
    """Predicted log TPOT, TTFT and output tokens/s of each row, shape (3, rows), and its chosen candidate."""
    outputs = obs.outputs(calibration.values(obs.configurations))
    chosen = obs.best(outputs)
    return outputs[:, chosen], chosen
