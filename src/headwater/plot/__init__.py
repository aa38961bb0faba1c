"""Draw matplotlib figures (extra ``plot``) and write a one-page report."""

from headwater.plot.curves import importance, learning_curve, partial_dependence, shape
from headwater.plot.inside import layers
from headwater.plot.outcome import Outcomes, answers, calibration, confusion, explanation
from headwater.plot.report import Report

__all__ = [
    "Outcomes",
    "Report",
    "answers",
    "calibration",
    "confusion",
    "explanation",
    "importance",
    "layers",
    "learning_curve",
    "partial_dependence",
    "shape",
]
