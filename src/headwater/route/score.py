"""What scores the predictions of a kind: over a stream, and in service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from headwater.types import Predictions, Scores

__all__ = ["LiveScore", "Score"]


class Score(Protocol):
    """Scores of the predictions over a stream, next to simple baselines; a kind names its own (``Kind.score``)."""

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

    def score(self, y: Sequence[Any], forecast: Predictions, X: Any = ()) -> list[float]:
        """Score rows X that were predicted just now; return the probability that was given to each answer, or NaN."""

    def update(self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float]) -> None:
        """Score some rows: their answers, what was predicted, and the probability that was given to each answer."""

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"`` and of each baseline, over all rows or over the window."""


class LiveScore(Protocol):
    """Scores of a learner in service: small sums that are saved with each snapshot and go on after a restart (``Kind.live_score``)."""

    def __init__(self, saved: bytes = b"", learner: Any = None) -> None: ...

    @property
    def n(self) -> int:
        """Rows scored so far."""

    def score(self, y: Sequence[Any], forecast: Predictions) -> None:
        """Score rows that were predicted just now."""

    def update(self, y: Sequence[Any], said: Sequence[Any], p_y: Sequence[float], p_said: Sequence[float]) -> None:
        """Score rows: answers, predictions, and the probabilities that were given to both, where the task has some."""

    def report(self) -> dict[str, Any]:
        """Return the scores as plain dicts: over all rows and (``window``) over the last."""

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's scores so far, and the rows at which drift was found."""

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
