"""The decision under uncertainty: how sure, at what regret, and what more knowledge would be worth."""

from llmplan.risk.answers import Information, OptionRisk, Risk, Saving, assess
from llmplan.risk.causes import RiskInput
from llmplan.risk.draws import LEVELS, VolumeCurve, sample, volume_curve
from llmplan.risk.problem import Problem, make_problem

__all__ = [
    "LEVELS",
    "Information",
    "OptionRisk",
    "Problem",
    "Risk",
    "RiskInput",
    "Saving",
    "VolumeCurve",
    "assess",
    "make_problem",
    "sample",
    "volume_curve",
]
