"""What one replica serves: step model, closed queue, calibrated constants, prediction and capacity."""

from llmplan.throughput.capacity import Capacity, capacity
from llmplan.throughput.configurations import Configurations, ReplicaConfig
from llmplan.throughput.constants import Calibration, load_calibration
from llmplan.throughput.predict import Prediction, predict

__all__ = [
    "Calibration",
    "Capacity",
    "Configurations",
    "Prediction",
    "ReplicaConfig",
    "capacity",
    "load_calibration",
    "predict",
]
