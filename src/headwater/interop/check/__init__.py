"""Test suite for the contract of online learners, for learners of any library.

A learner follows River's interface, with ``learn_one(x, y)`` and ``predict_one(x)`` or ``predict_proba_one(x)`` on dicts, or as an
anomaly model with ``learn_one(x)`` and ``score_one(x)``. Every check asserts values, not only that nothing was raised. This package
imports only the standard library, not even the rest of headwater, so it runs in any library's own environment (as
tools/docs/check/run.py does).
"""

from .contract import CHECKS, Check
from .report import FAILED, NOT_OFFERED, PASSED, Broken, Report, Result
from .suite import check_online_learner

__all__ = [
    "Broken",
    "CHECKS",
    "Check",
    "FAILED",
    "NOT_OFFERED",
    "PASSED",
    "Report",
    "Result",
    "check_online_learner",
]
