"""Predicted values of measured rows."""

import numpy as np
from numpy.typing import NDArray

from llmplan.throughput.adjustments import TYPICAL, log_adjustment
from llmplan.throughput.configurations import Floats
from llmplan.throughput.constants import Calibration
from llmplan.throughput.observations import QUANTITIES, Observations


def predicted(obs: Observations, calibration: Calibration) -> tuple[Floats, NDArray[np.intp]]:
    """Predicted log TPOT, TTFT and output tokens/s of each row, shape (3, rows), and its chosen candidate."""
    outputs = obs.outputs(calibration.values(obs.configurations))
    chosen = obs.best(outputs)
    c = obs.configurations.take(chosen)
    clients = np.where(obs.kind[chosen] == "closed_loop", obs.clients[chosen], TYPICAL["clients"])
    load = obs.input_tokens[chosen], obs.output_tokens[chosen], clients
    moved = np.array([log_adjustment(calibration, quantity, c, *load) for quantity in QUANTITIES])
    looped = obs.kind[chosen] == "closed_loop"
    moved[2] = np.where(looped, -moved[0], moved[2])
    return outputs[:, chosen] + moved, chosen
