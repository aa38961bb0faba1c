"""Scores that live as long as a service: small sums that are saved with each snapshot and go on after a restart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .anomalies import LiveAnomalies
from .answers import LiveAnswers
from .curve import WINDOW
from .decisions import LiveDecisions
from .forecasts import LiveForecasts
from .outputs import LiveOutputs
from .returns import LiveReturns

__all__ = ["WINDOW", "LiveScores", "live_scores"]


class LiveScores(Protocol):
    """What scores a learner in service, whatever its task."""

    task: str

    @property
    def n(self) -> int:
        """Rows scored so far."""

    def update(self, y: Sequence[Any], said: Sequence[Any], p_y: Sequence[float], p_said: Sequence[float]) -> None:
        """Score rows: answers, predictions, and the probabilities that were given to both, where the task has some."""

    def report(self) -> dict[str, Any]:
        """Return the scores as plain dicts: over all rows and (``window``) over the last."""

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's scores so far, and the rows at which drift was found."""

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""


_KINDS: dict[str, Callable[[str, bytes], LiveScores]] = {
    "classify": LiveAnswers,
    "regress": LiveAnswers,
    "anomaly": LiveAnomalies,
    "control": LiveReturns,
}


def live_scores(task: str, saved: bytes = b"", *, season: int = 1) -> LiveScores:
    """Return what scores a task; ``saved``: what ``to_bytes`` gave, to go on from; ``season``: of a series.

    Examples
    --------
    >>> live_scores("regress").report()["n"]
    0
    """
    if task == "forecast":
        return LiveForecasts(season, saved)
    if task == "multioutput":
        return LiveOutputs(saved)
    return LiveDecisions(saved) if task == "decide" else _KINDS[task](task, saved)
