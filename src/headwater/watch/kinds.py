"""Which scores a task has: one row a task, for a session and for a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from headwater.types import Forecast, Scores
from headwater.watch.anomaly import AnomalyWatch
from headwater.watch.classify import ClassifyWatch
from headwater.watch.control import ControlWatch
from headwater.watch.decisions import DecisionWatch
from headwater.watch.outputs import OutputsWatch
from headwater.watch.regress import RegressWatch

__all__ = ["SCORE_WATCHES", "ScoreWatch"]


class ScoreWatch(Protocol):
    """What scores the predictions of a task, next to simple baselines."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the scores, the most telling first."""

    needs_answers: bool
    """Whether a row without an answer is left out, since nothing can be learned or scored of it."""
    n: int
    """Rows scored so far."""
    unscored: int
    """Rows that were predicted before any class was known."""

    def __init__(self, *, window: int = 1000, delay: int = 0) -> None: ...

    @staticmethod
    def problem(answer: Any) -> str:
        """Return why an answer can't be scored, or the empty string."""

    def score(self, y: Sequence[Any], forecast: Forecast, X: Any = ()) -> list[float]:
        """Score rows X that were predicted just now; return the probability that was given to each answer, or NaN."""

    def update(self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float]) -> None:
        """Score some rows: their answers, what was predicted, and the probability that was given to each answer."""

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"`` and of each baseline, over all rows or over the window."""


SCORE_WATCHES: dict[str, type[ScoreWatch]] = {
    "classify": ClassifyWatch,
    "regress": RegressWatch,
    "anomaly": AnomalyWatch,
    "forecast": RegressWatch,
    "decide": DecisionWatch,
    "control": ControlWatch,
    "multioutput": OutputsWatch,
}
