"""A learner in Python, of which a kind writes only how a row is predicted and how one is learned."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headwater.encode.rows import as_dicts
from headwater.errors import DataError, TargetError
from headwater.learner.base import Learner
from headwater.learner.kind import check_can
from headwater.learner.settings.limits import Growth, Limits
from headwater.learner.validation import as_answers, as_samples, check_pairs, check_rows, check_sample, is_weighted
from headwater.types import Lazy, Predictions

__all__ = ["RowEngine", "RowLearner"]

_STEP_LATE = Lazy("headwater.route.late:step_late")
_VALUE_BYTES = 64
"""Memory that a value of a row takes at most, as dicts of Python hold it."""


class RowEngine:
    """Everything that a learner in Python has learned, as texts, numbers, lists and dicts.

    Parameters
    ----------
    state : object
        What ``RowLearner`` passes to ``_predict`` and ``_learn``. It is saved as MessagePack, so numbers return to the bit.

    Examples
    --------
    >>> engine = RowEngine({"seen": 0.1})
    >>> RowEngine.of(engine.state()).own
    {'seen': 0.1}
    """

    def __init__(self, state: Any) -> None:
        self.own = state
        self.learned = 0

    @classmethod
    def of(cls, state: Mapping[str, NDArray[Any]]) -> RowEngine:
        """Return the engine whose arrays these are.

        Raises
        ------
        ValueError
            If they are not those of such an engine.
        """
        try:
            return cls(msgspec.msgpack.decode(np.asarray(state["own"], np.uint8).tobytes()))
        except (KeyError, msgspec.DecodeError) as error:
            raise ValueError("own", "the state of a learner in Python", "other bytes") from error

    @property
    def columns(self) -> dict[Any, Any]:
        """Nothing, since which columns count is for the kind to say."""
        return {}

    @property
    def rejected(self) -> dict[str, int]:
        """Nothing, since the learner counts the rows that it rejects."""
        return {}

    def knows(self, name: Any) -> bool:
        """Return whether there may be a column with this name."""
        return True

    def set_limits(self, limits: Limits) -> None:
        """Leave the limits to ``growth_of``."""

    def growth_of(self, X: Any, new_classes: int = 0) -> Growth:
        """Return what learning rows X would add at most."""
        sizes = [len(x) for x in as_dicts(as_samples(X))]
        return Growth(max(sizes, default=0), 0, new_classes, 0, _VALUE_BYTES * sum(sizes))

    def experts(self) -> list[dict[str, Any]]:
        """Nothing, since it is a single model."""
        return []

    @contextmanager
    def held(self) -> Iterator[None]:
        """Exclude nobody besides the learner's own lock."""
        yield

    def state(self, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
        """Return the learned state as one array of bytes."""
        return {"own": np.frombuffer(msgspec.msgpack.encode(self.own), np.uint8).copy()}

    def counts(self) -> dict[str, int]:
        """Return counters kept outside the state, for a file's header."""
        return {"rows": self.learned}

    def resume_counts(self, counts: Mapping[str, int]) -> None:
        """Restore counters from ``counts``."""
        self.learned = counts["rows"]

    def begin_copy(self) -> None:
        """Copy everything at once, since it is small."""


@dataclass(eq=False, repr=False)
class RowLearner(Learner):
    """Base class of learners written in Python, row by row.

    A kind writes ``_predict`` and ``_learn``, and ``_first_state`` where its state does not begin as an empty dict. All that was
    learned is in that state, which consists of texts, numbers, lists and dicts. Files, stores, threads and copies follow.

    CONTRIBUTING.md has a whole kind made of it.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._engine: RowEngine | None = None

    # ---- written by each kind ----------------------------------------------------------------------------------------

    def _first_state(self) -> Any:
        """Return the state before any row."""
        return {}

    @abstractmethod
    def _predict(self, state: Any, x: Mapping[Any, Any]) -> Any:
        """Return the prediction for a row without changing the state."""

    @abstractmethod
    def _learn(self, state: Any, x: Mapping[Any, Any], y: Any) -> None:
        """Change the state by a row and its label, as ``kind.answer`` returns it."""

    # ---- rows --------------------------------------------------------------------------------------------------------

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> RowEngine:
        """Create the first state, or that of a saved learner."""
        return RowEngine.of(state) if state else RowEngine(self._first_state())

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the answer for a sample.

        Parameters
        ----------
        x : dict
            The sample.
        """
        check_sample(x)
        with self.lock:
            return self._predict(self._state(), x)

    def predict_many(self, X: Any) -> Any:
        """Predict the answer for each row, without changing the learner."""
        return self.predict_batch(X).y_pred

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the learner."""
        X = as_samples(X)
        check_rows(X)
        with self.lock:
            state = self._state()
            return _predictions([self._predict(state, x) for x in as_dicts(X)])

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learn one sample.

        Parameters
        ----------
        x : dict
            The sample.
        y : object
            Its answer, as ``kind.answer`` declares it. A row whose answer is another is not learned but counted in ``rejected``.
        """
        check_sample(x)
        before = self._refused_rows()
        self.step_many([x], [y])
        self._warn_refused(before, depth=3)

    def learn_many(self, X: Any, y: Any) -> Any:
        """Learn rows one by one and return the prediction made before each was learned."""
        before = self._refused_rows()
        predicted = self.step_many(X, y).y_pred
        self._warn_refused(before, depth=3)
        return predicted

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X, in turn.

        Raises
        ------
        ConfigError
            If weights are given.
        """
        if is_weighted(w):
            check_can(self, "weights", at=f"w of {type(self).__name__}")
        with self.lock:
            if ask is not None:
                late: Predictions = _STEP_LATE(self, X, y, w, ask)
                return late
            X, labels = as_samples(X), as_answers(y)
            check_pairs(X, labels, None)
            return _predictions([self._step(x, label) for x, label in zip(as_dicts(X), labels, strict=True)])

    def _step(self, x: Mapping[Any, Any], given: Any) -> Any:
        """Predict and learn one row, or count it as rejected."""
        predicted = self._predict(self._state(), x)
        try:
            label = self.kind.answer.read(given, self)
        except (TargetError, DataError):
            label = None
        if label is None or label != label:
            self.refused["target"] += 1
            return predicted
        if self._engine is None:
            self._engine = self.new_engine()
        self._learn(self._engine.own, x, label)
        self._engine.learned += 1
        return predicted

    def _state(self) -> Any:
        return self._first_state() if self._engine is None else self._engine.own

    # ---- what every learner has --------------------------------------------------------------------------------------

    def explain_one(self, x: Mapping[Any, Any], **how: Any) -> Any:
        """Attribute the prediction for a sample to its columns.

        Parameters
        ----------
        x : dict
            The sample.
        **how
            What the kind declares in ``kind.explained``.
        """
        check_sample(x)
        return self.kind.explain(self, x, **how)

    def _about(self) -> dict[str, Any]:
        return {"layers": [], "parameters": 0, "features": [], "n_learned": self.n_learned}


def _predictions(values: list[Any]) -> Predictions:
    """Return numbers as an array, anything else as a list."""
    return Predictions(np.array(values, np.float64) if {*map(type, values)} <= {float} else values)
