"""A learner in memory that has seen nothing older than a number of rows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from headwater.errors import ConfigError
from headwater.types import Predictions

from .kind import Kind, kind_of
from .supervised import joined

__all__ = ["Expiring"]

LEAST_ROWS = 200
_TEACHING = ("learn", "learn_one")
_WHOLE = ("save", "resume", "merge")
"""Methods that would make a learner of it that never expires."""


def check_turns(learner: Any) -> None:
    """Raise ConfigError for a private learner, whose promise doesn't hold if two learn the same rows.

    Raises
    ------
    ConfigError
        If it has secrets.
    """
    if getattr(learner, "secret", ()):
        raise ConfigError(
            expected="a learner without privacy",
            got=kind_of(learner).one,
            at="learners that take turns",
            help="Two learners of the same rows promise less than one. Begin a new store when its rows are too old.",
            code="kind",
        )


class Expiring:
    """Let two learners take turns, so that what predicts has seen the last ``max_age`` rows at most.

    Both learn each row. The older one predicts and answers every other question, and is dropped when it has seen ``max_age`` rows.
    So no weight, name, statistic, knot or kept row is older. It takes twice the time and memory.

    Parameters
    ----------
    learner : learner of any kind
        A new learner, from copies of which the two are made.
    max_age : int
        Rows that a learner may see before it is dropped, at least 200. A store counts time too (``hw.Retention``).

    Raises
    ------
    ConfigError
        If the learner has learned already, or ``max_age`` is too small.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Expiring(hw.Classifier(hidden=(4,), seed=1), max_age=400)
    >>> for i in range(1_000):
    ...     model.learn_one({"name": f"n{i // 100}", "a": i % 7}, i % 7 > 3)
    >>> model.predict_one({"a": 6}), model.oldest_row
    (True, 400)
    """

    def __init__(self, learner: Any, max_age: int) -> None:
        if type(max_age) is not int or max_age < LEAST_ROWS:
            raise ConfigError(
                expected=f"a number of rows, {LEAST_ROWS} or more",
                got=repr(max_age),
                at="max_age",
                help="Let it live longer.",
            )
        if learner.n_learned:
            raise ConfigError(
                expected="a learner that has learned nothing",
                got=f"one of {learner.n_learned:,} rows, of which nobody knows how old they are",
                at="learner",
                help="Give a new one.",
            )
        check_turns(learner)
        self.max_age = max_age
        self._template = copy.deepcopy(learner)
        self._learners, self._ages = [copy.deepcopy(learner)], [0]

    def __repr__(self) -> str:
        return f"Expiring({self._template!r}, max_age={self.max_age})"

    @property
    def kind(self) -> Kind:
        """The kind of the learners."""
        return kind_of(self._template)

    @property
    def learner(self) -> Any:
        """The learner that predicts. Never train it directly, because the other would miss that."""
        return self._learners[0]

    @property
    def oldest_row(self) -> int:
        """How many rows ago the oldest row was learned that is within the learner that predicts."""
        return self._ages[0]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_learners", "_ages"):
            raise AttributeError(name)
        if name in _WHOLE:
            raise ConfigError(
                expected="a learner whose copies expire too",
                got=name,
                at="Expiring",
                help="Keep it in a store that expires: hw.open(path, learner, retention=hw.Retention(max_age)).",
            )
        return self._teaching(name) if name in _TEACHING else getattr(self.learner, name)

    def _teaching(self, name: str) -> Callable[..., Any]:
        """Return a method that lets all learners learn one row."""

        def learn(*arguments: Any, **named: Any) -> Any:
            self._take_turns()
            said = [getattr(one, name)(*arguments, **named) for one in self._learners]
            self._ages = [age + 1 for age in self._ages]
            return said[0]

        return learn

    def learn_many(self, X: Any, y: Any = None, w: Any = None) -> None:
        """Learn rows one by one, of a kind that looks ahead values and their features."""
        if self.kind.question.ahead:
            X, y = ([{}] * len(X) if y is None else y), X
        self.step_many(X, y, w)

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X, in turn."""
        if ask is not None:  # as many rows or any number, so that only whole calls can be cut
            self._take_turns(len(X))
            said: list[Predictions] = [one.step_many(X, y, w, ask=ask) for one in self._learners]
            self._ages = [age + len(X) for age in self._ages]
            return said[0]
        return joined(list(self._steps(X, y, w)))

    def _steps(self, X: Any, y: Any, w: Any) -> Iterator[Predictions]:
        begin, n = 0, len(X)
        while begin < n or not n:
            room = self._take_turns()
            part = slice(begin, min(n, begin + room))
            rows, labels = X[part], None if y is None else y[part]
            said = [one.step_many(rows, labels, None if w is None else w[part]) for one in self._learners]
            self._ages = [age + len(rows) for age in self._ages]
            begin += room
            yield said[0]
            if not n:
                return

    def _take_turns(self, rows: int = 1) -> int:
        """Drop the older learner if it is too old for some more rows, let the next begin, and return the rows until then."""
        if self._ages[0] + rows > self.max_age and self._ages[0]:
            del self._learners[0], self._ages[0]
        half = self.max_age // 2
        if not self._ages or self._ages[-1] >= half:
            self._learners.append(copy.deepcopy(self._template))
            self._ages.append(0)
        return min(self.max_age - self._ages[0], half - self._ages[-1])
