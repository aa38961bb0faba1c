"""A corrector, which starts with a base model's answers and learns what they miss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.learner.kind import kind_of
from headwater.learner.supervised import SupervisedLearner

__all__ = ["Correct"]

BASE = "base"
"""Name of the column with the base's answer, and beginning of those with its probabilities."""
# Chosen on the development streams of benchmarks/correct.py (benchmarks/NOTES.md).
_FADE = 0.9995
"""Share of the sums that is left after each row."""
_CAUTION = 1.0
"""Standard errors by which a correction must be worth something before it is applied."""
_FIRST = 30
"""Rows before which no correction is applied."""
_SHARE = 0.01
"""Share that the learner has at first beside the probabilities of the base."""
_SWITCH = 1e-5
"""Share of the weight that changes sides with each row, so that either may take over again."""
_FLOOR = 1e-4
"""Least probability that an answer is scored with."""


class Correct:
    """Correct a model that is already there, online, and never be much worse than it.

    The base's answer b(x) stands at the start, and is a column of each row that the learner reads. A regressor learns the error
    y − b, and ŷ = b + α·r with the correction r. α is its least-squares weight over past rows, lowered by a standard error and kept
    within [0, 1], so a correction that is worth nothing is not applied. A classifier learns the classes, and p = w·p_base +
    (1 − w)·p_learner by Bayes' rule with w = 0.99 at first, so the log loss exceeds that of the base by at most 0.01 in all and
    0.00001 a row.

    Parameters
    ----------
    base : callable or str
        A function of a row that returns a number, or the probability of each class. A text names a column of the row that has it.
    learner : Regressor or Classifier
        What learns. Its kind decides what is corrected.

    Raises
    ------
    ConfigError
        If the base is neither, or the learner is of another kind.

    Examples
    --------
    >>> import headwater as hw
    >>> model = Correct(lambda x: 2 * x["a"], hw.Regressor(seed=1))
    >>> for i in range(600):
    ...     x = {"a": i % 10, "b": i % 3}
    ...     _ = model.predict_one(x)
    ...     model.learn_one(x, 2 * x["a"] + 5 * x["b"])
    >>> abs(model.predict_one({"a": 4, "b": 2}) - 18) < 1, model.share > 0.9
    (True, True)

    References
    ----------
    Herbster & Warmuth 1998 (weights of two experts, of which either may take over).
    """

    def __init__(self, base: Callable[[Mapping[Any, Any]], Any] | str, learner: Any) -> None:
        if not callable(base) and not isinstance(base, str):
            raise ConfigError(
                expected="a function of a row, or the name of a column",
                got=type(base).__name__,
                at="base",
                help="Give e.g. lambda x: model.predict([[x['a']]])[0].",
            )
        if not isinstance(learner, SupervisedLearner):
            raise ConfigError(
                expected="a Regressor or a Classifier",
                got=type(learner).__name__,
                at="learner",
                help="Give e.g. headwater.Regressor().",
            )
        self._base = base
        self.learner: Any = learner
        """What learns."""
        self._classes = "classes" in kind_of(learner).can
        self.task: str = learner.task
        """The task in one word, that of the learner."""
        self._gain = self._size = self._error = self._n = 0.0  # Σ r(y − b), Σ r², Σ (y − b)², and their rows
        self._weight = 1 - _SHARE

    @property
    def share(self) -> float:
        """How much the learner has to say, α of a regressor and 1 − w of a classifier."""
        if self._classes:
            return 1 - self._weight
        if self._n < _FIRST or not self._size:
            return 0.0
        error = _CAUTION * math.sqrt(self._size * self._error / self._n)
        return min(1.0, max(0.0, (self._gain - error) / self._size))

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Return the corrected number, or the most probable class."""
        if self._classes:
            p = self.predict_proba_one(x)
            return max(p, key=p.__getitem__) if p else None
        said = self._said(x)
        return said + self.share * self.learner.predict_one({**x, BASE: said})

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Return the corrected probability of each class.

        Raises
        ------
        ConfigError
            If the learner is no classifier.
        """
        if not self._classes:
            raise ConfigError(
                expected="a corrector with a Classifier",
                got=type(self.learner).__name__,
                at="predict_proba_one",
                help="Ask predict_one for the number.",
            )
        said = self._shares(x)
        own = self.learner.predict_proba_one(_beside(x, said))
        return self._mixed(said, own)

    def _mixed(self, said: Mapping[Any, float], own: Mapping[Any, float]) -> dict[Any, float]:
        w = self._weight if own else 1.0
        return {one: w * said.get(one, 0.0) + (1 - w) * own.get(one, 0.0) for one in {**said, **own}}

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learn the label of a row, and how much the learner would have gained on it."""
        if self._classes:
            said = self._shares(x)
            row = _beside(x, said)
            own = self.learner.predict_proba_one(row)
            learned = self.learner.n_learned
            self.learner.learn_one(row, y)
            if self.learner.n_learned == learned:  # it was refused, and counted
                return
            base, other = (max(one.get(y, 0.0), _FLOOR) for one in (said, own))
            w = self._weight * base / (self._weight * base + (1 - self._weight) * other)
            self._weight = (1 - 2 * _SWITCH) * w + _SWITCH
            return
        number = self._said(x)
        row = {**x, BASE: number}
        if not isinstance(y, Real) or not math.isfinite(y):
            self.learner.learn_one(row, y)  # which refuses it, or counts it among the rows that weren't learned
            return
        error, r = float(y) - number, self.learner.predict_one(row)
        self._gain = _FADE * self._gain + r * error
        self._size = _FADE * self._size + r * r
        self._error, self._n = _FADE * self._error + error * error, _FADE * self._n + 1
        self.learner.learn_one(row, error)

    def _said(self, x: Mapping[Any, Any]) -> float:
        """Return the base's number.

        Raises
        ------
        DataError
            If it is none.
        """
        said = x.get(self._base) if isinstance(self._base, str) else self._base(x)
        try:
            found = float(said)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            found = math.nan
        if not math.isfinite(found):
            raise DataError(expected="a number from the base", got=repr(said)[:80], at="base", help="Look at the row.")
        return found

    def _shares(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Return the base's probabilities.

        Raises
        ------
        DataError
            If they are none.
        """
        said = x.get(self._base) if isinstance(self._base, str) else self._base(x)
        if not isinstance(said, Mapping) or any(not 0 <= p <= 1 for p in said.values()):
            raise DataError(
                expected="the probability of each class from the base, by class",
                got=repr(said)[:80],
                at="base",
                help="Give e.g. {'spam': 0.8, 'ham': 0.2}.",
            )
        return dict(said)

    def __repr__(self) -> str:
        return f"Correct({self._base!r}, {self.learner!r})"


def _beside(x: Mapping[Any, Any], shares: Mapping[Any, float]) -> dict[Any, Any]:
    """Return a row with the base's probabilities as columns."""
    return {**x, **{f"{BASE} {one}": p for one, p in shares.items()}}
