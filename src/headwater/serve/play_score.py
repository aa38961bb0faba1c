"""How a playground's net does against what hardly learns, on each row before it is learned."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from numpy.typing import NDArray

__all__ = ["Scores"]

_FADE = 0.99  # about the last hundred rows
_WINDOW = 200
_EVERY = 5  # rows between two points of the curve
_LEAST = 1e-7  # a probability of 0 would cost infinitely much
_MOST = 1e6


class Scores:
    """Losses and hits of the net and of two baselines: the frequencies (or the mean) so far, and the last answer again.

    The second knows how often the answer has stayed the same, a; it gives the last class the probability a, and the
    others the rest. So its log loss is finite, as the net's is.

    Parameters
    ----------
    classes : int
        How many classes; 0 for regression.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.curve: list[list[float]] = []
        self._n = 0
        self._loss = [0.0, 0.0, 0.0]
        self._mass = 0.0
        self._counts = [1] * classes
        self._mean = 0.0
        self._last: float | None = None
        self._stayed, self._changed = 1.0, 1.0
        self._hits: deque[tuple[bool, bool, bool]] = deque(maxlen=_WINDOW)

    def take(self, said: NDArray[Any], y: NDArray[Any]) -> None:
        """Score predictions (n, outputs), made before each row was learned, against the answers (n,)."""
        for p, answer in zip(said.tolist(), y.tolist(), strict=True):
            losses, hits = self._classify(p, int(answer)) if self.classes else self._regress(p[0], answer)
            self._loss = [_FADE * old + min(new, _MOST) for old, new in zip(self._loss, losses, strict=True)]
            self._mass = _FADE * self._mass + 1
            self._hits.append(hits)
            self._n += 1
            if self._n % _EVERY == 0:
                self.curve.append([self._n, *(float(f"{v / self._mass:.4g}") for v in self._loss)])

    def now(self) -> dict[str, Any]:
        """Return loss, and for classes accuracy, over the last rows: of the net, of the frequencies, of the last answer."""
        mass, hits = self._mass or 1.0, list(self._hits)
        loss = [float(f"{v / mass:.4g}") for v in self._loss] if self._n else None
        rates = [sum(column) / len(hits) for column in zip(*hits, strict=True)] if hits and self.classes else None
        return {"loss": loss, "accuracy": rates}

    def _classify(self, p: list[float], y: int) -> tuple[list[float], tuple[bool, bool, bool]]:
        proba = [1 - p[0], p[0]] if len(p) == 1 else p
        stay = self._stayed / (self._stayed + self._changed)
        same = self._last == y
        again = 1 / self.classes if self._last is None else stay if same else (1 - stay) / (self.classes - 1)
        losses = [-math.log(_within(value)) for value in (proba[y], self._counts[y] / sum(self._counts), again)]
        hits = (proba.index(max(proba)) == y, self._counts.index(max(self._counts)) == y, same)
        if self._last is not None:
            self._stayed, self._changed = self._stayed + same, self._changed + (not same)
        self._counts[y] += 1
        self._last = y
        return losses, hits

    def _regress(self, p: float, y: float) -> tuple[list[float], tuple[bool, bool, bool]]:
        last = 0.0 if self._last is None else self._last
        guesses = (p if math.isfinite(p) else _MOST, self._mean, last)
        self._mean += (y - self._mean) / (self._n + 1)
        self._last = y
        return [(guess - y) ** 2 for guess in guesses], (False, False, False)


def _within(p: float) -> float:
    return min(max(p, _LEAST), 1.0) if math.isfinite(p) else _LEAST
