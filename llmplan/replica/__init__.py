"""What one replica serves: step model, closed queue, calibrated constants, prediction and capacity."""

from llmplan.replica.capacity import Capacity, capacity
from llmplan.replica.configurations import Configurations, ReplicaConfig
from llmplan.replica.constants import Calibration, fitted
from llmplan.replica.predict import Prediction, predict

__all__ = [
    "Calibration",
    "Capacity",
    "Configurations",
    "Prediction",
    "ReplicaConfig",
    "capacity",
    "fitted",
    "predict",
]
