"""How a model and the baselines did on rows whose predecessor is known: the scores of a learner without a session."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from headwater.types import Record, Scores

__all__ = ["Tally"]

_WINDOW = 256  # rows that the fading means are over, about


@dataclass(slots=True)
class Tally:
    """Sums over rows for the model, the last answer, and the majority or mean; to be fed by `Health`.

    Parameters
    ----------
    n
        Rows.
    first, faded
        Share of right ones (classes) or mean error² (numbers) of the three: over all, and fading over some 256.
    second
        Mean |error| of the three.
    right, rows
        By class: rows, and those predicted right.
    majority
        The class seen most often.
    mean, answers
        The mean of the answers, and how many.

    Examples
    --------
    >>> tally = Tally()
    >>> for y, said, last in [("a", "a", "b"), ("a", "a", "a")]:
    ...     tally.add("classify", y, said, last)
    >>> tally.record(2).baselines["no-change"]["accuracy"]
    0.5
    """

    n: int = 0
    first: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    faded: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    second: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    right: dict[Any, int] = field(default_factory=dict)
    rows: dict[Any, int] = field(default_factory=dict)
    majority: Any = None
    mean: float = 0.0
    answers: int = 0

    def add(self, task: str, y: Any, said: Any, last: Any) -> None:
        """Score one row: its answer, the prediction, and the answer before it."""
        self.n += 1
        slow, fast = 1 / self.n, max(1 / self.n, 1 / _WINDOW)
        if task == "classify":
            scored = (float(y == said), float(y == last), float(y == self.majority))
            self.rows[y] = self.rows.get(y, 0) + 1
            self.right[y] = self.right.get(y, 0) + int(y == said)
        else:
            errors = [abs(y - said), abs(y - last), abs(y - self.mean)]
            scored = (errors[0] ** 2, errors[1] ** 2, errors[2] ** 2)
            self.second = [old + (new - old) * slow for old, new in zip(self.second, errors, strict=True)]
        first, faded = self.first, self.faded
        for i in (0, 1, 2):
            first[i] += (scored[i] - first[i]) * slow
            faded[i] += (scored[i] - faded[i]) * fast

    def learn(self, task: str, y: Any, labels: Counter[Any]) -> None:
        """Let the baselines learn one answer; ``labels``: the counts so far, with it."""
        if task != "classify":
            self.answers += 1
            self.mean += (y - self.mean) / self.answers
        elif labels[y] > labels[self.majority]:
            self.majority = y

    def record(self, rows: int) -> Record | None:
        """Return the scores as a session would tell them; None before there are any."""
        if not self.n:
            return None
        classes = bool(self.rows)
        other = "majority" if classes else "mean"
        whole = [self._scores(self.first, i) for i in range(3)]
        window = [self._scores(self.faded, i) for i in range(3)]
        return Record(
            rows=rows,
            scored=rows,
            window=min(self.n, _WINDOW),
            names=("accuracy", "kappa_temporal", "balanced_accuracy") if classes else ("mae", "rmse"),
            scores=whole[0],
            window_scores=window[0],
            baselines={"no-change": whole[1], other: whole[2]},
            window_baselines={"no-change": window[1], other: window[2]},
        )

    def _scores(self, means: list[float], i: int) -> Scores:
        if not self.rows:
            return {"mae": self.second[i], "rmse": math.sqrt(means[i])}
        last = means[1]
        temporal = (means[i] - last) / (1 - last) if last < 1 else math.nan
        balanced = sum(self.right[y] / n for y, n in self.rows.items()) / len(self.rows)
        return {
            "accuracy": means[i],
            "kappa_temporal": temporal,
            "balanced_accuracy": balanced if i == 0 else math.nan,
        }
