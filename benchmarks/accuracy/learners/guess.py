"""What guessing gets: the last answer, the most frequent class, the running mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.accuracy.streams import Stream

PACKAGES = ("numpy",)


class LastAnswer:
    """Say the latest answer again."""

    def __init__(self, stream: Stream) -> None:
        """Know no answer yet."""
        self._y = stream.y.tolist()
        self._said: Any = None
        self._sure = np.eye(len(stream.classes)) if stream.task == "classify" else None

    def predict(self, i: int) -> Any:
        """Return the latest answer, as certain."""
        return self._said

    def learn(self, i: int) -> None:
        """Keep the answer."""
        self._said = self._y[i] if self._sure is None else self._sure[self._y[i]]

    def step(self, i: int) -> Any:
        """Predict, then learn."""
        said = self.predict(i)
        self.learn(i)
        return said


class Average:
    """Say how frequent each class was so far, or the mean so far."""

    def __init__(self, stream: Stream) -> None:
        """Know no answer yet."""
        self._y = stream.y.tolist()
        self._sums = np.zeros(max(len(stream.classes), 1))
        self._n = 0
        self._classify = stream.task == "classify"

    def predict(self, i: int) -> Any:
        """Return frequencies (k,), or the mean."""
        if not self._n:
            return None
        return self._sums / self._n if self._classify else self._sums[0] / self._n

    def learn(self, i: int) -> None:
        """Count the answer."""
        self._n += 1
        if self._classify:
            self._sums[self._y[i]] += 1.0
        else:
            self._sums[0] += self._y[i]

    def step(self, i: int) -> Any:
        """Predict, then learn."""
        said = self.predict(i)
        self.learn(i)
        return said


def make(name: str, stream: Stream, seed: int) -> Any:
    """Return the guess of that name."""
    return {"no-change": LastAnswer, "average": Average}[name](stream)
