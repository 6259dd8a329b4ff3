"""Queueing: waits by formula, checked against the simulation."""

from llmplan.queueing.closed_loop import ClosedLoop, closed_loop
from llmplan.queueing.curve import ServiceCurve, service_curve
from llmplan.queueing.open_loop import OpenLoop, highest_rate, open_loop
from llmplan.queueing.waits import erlang_c

__all__ = [
    "ClosedLoop",
    "OpenLoop",
    "ServiceCurve",
    "closed_loop",
    "erlang_c",
    "highest_rate",
    "open_loop",
    "service_curve",
]
