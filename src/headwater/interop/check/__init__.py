"""The contract of an online learner, as a suite that anyone can run on any library's.

A learner here is what River calls one: ``learn_one(x, y)`` and ``predict_one(x)`` on dicts, ``predict_proba_one(x)``
if it classifies. Every check asserts values, not only that nothing was raised. This room needs nothing but Python, not
even the rest of headwater, so it runs in any library's own environment (tools/docs/check/run.py does that).
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
