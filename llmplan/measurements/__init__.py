"""Bring your own measurement: results of load-testing tools as points that a scenario can rest on."""

from llmplan.measurements.neighbours import learnt
from llmplan.measurements.points import (
    MeasuredPoint,
    points_of_runs,
    read_points,
    read_points_of,
    write_points,
)
from llmplan.measurements.reading import read_results
from llmplan.measurements.record import MeasuredRun, with_load
from llmplan.measurements.use import apply_measured, points_of_slice, resting_points, with_measured

__all__ = [
    "MeasuredPoint",
    "MeasuredRun",
    "apply_measured",
    "learnt",
    "points_of_runs",
    "points_of_slice",
    "read_points",
    "read_points_of",
    "read_results",
    "resting_points",
    "with_load",
    "with_measured",
    "write_points",
]
