"""Queue of rows whose delayed labels have not arrived, with their predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Waiting"]


class Waiting:
    """Rows predicted and waiting for their labels, the oldest first.

    Examples
    --------
    >>> waiting = Waiting()
    >>> waiting.put([{"a": 1}, {"a": 2}], ["no", "yes"], [1.0, 1.0], y_pred=["no", "no"], proba=[0.9, 0.2])
    >>> waiting.arrive(1), waiting.y
    ((['no'], ['no'], [0.9]), ['yes'])
    """

    def __init__(self) -> None:
        self.X: Any = []
        self.y: list[Any] = []
        self.w: list[float] = []
        self._y_pred: list[Any] = []
        self._proba: list[float] = []

    def put(self, X: Any, y: list[Any], w: list[float], *, y_pred: list[Any], proba: list[float]) -> None:
        """Add rows with their predictions and the predicted probability of their label."""
        self.X, self.y, self.w = _chain(self.X, X), self.y + y, self.w + w
        self._y_pred, self._proba = self._y_pred + y_pred, self._proba + proba

    def followed_by(self, X: Any, y: list[Any], w: list[float], n: int) -> tuple[Any, list[Any], Any]:
        """Return the first `n` rows of the queue followed by these, to learn while these are predicted."""
        return _chain(self.X, X)[:n], (self.y + y)[:n], np.array((self.w + w)[:n])

    def arrive(self, n: int) -> tuple[list[Any], list[Any], list[float]]:
        """Remove the first `n` rows, and return their labels and predictions."""
        arrived = self.y[:n], self._y_pred[:n], self._proba[:n]
        self.X, self.y, self.w = self.X[n:], self.y[n:], self.w[n:]
        self._y_pred, self._proba = self._y_pred[n:], self._proba[n:]
        return arrived


def _chain(a: Any, b: Any) -> Any:
    if not len(a):
        return b
    return np.concatenate([a, b]) if isinstance(a, np.ndarray) else a + b
