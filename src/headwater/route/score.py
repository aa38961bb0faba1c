"""Prequential scores: how good the predictions were that were given out, next to simple baselines.

Every row is scored with the prediction that was given out for it, before it was learned (A. P. Dawid 1984, Present position and
potential developments: some personal views: statistical theory: the prequential approach). A kind has one score, for a session, a
store, a cluster and a page alike: over all rows, and over a window of the last ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec

from headwater.learner.labels import probabilities_of, values_of
from headwater.types import Predictions, Scores

from .curve import History

__all__ = ["Score"]


class Score(ABC):
    """Score predictions row by row; the size of the blocks can't change a result.

    A kind says how a row is taken in (``update``), what its sums are over all rows and over the window (``scores``), and what of
    them is saved.

    Parameters
    ----------
    window : int
        How many of the last rows the window's scores are over.
    delay : int
        How many rows later than its prediction a label arrives.
    learner : Learner, optional
        Whose predictions are scored, for a baseline that depends on its settings.
    saved : bytes, optional
        What ``to_bytes`` gave, to go on from.
    history : bool
        Keep the curve of the window's scores and the rows at which predictions became dearer: for a learner in service.
    """

    needs_labels: ClassVar[bool] = True
    """Whether a row without a label is left out, since nothing can be learned or scored of it."""

    def __init__(
        self, *, window: int = 1000, delay: int = 0, learner: Any = None, saved: bytes = b"", history: bool = False
    ) -> None:
        self.n = 0
        """Rows scored so far."""
        self.unscored = 0
        """Rows that were predicted before anything was known: scored neither for the model nor for the baselines."""
        self._window: deque[Any] = deque(maxlen=window)
        self._history = History() if history or saved else None
        self._begin(delay, learner)
        if saved:
            self._resume(msgspec.msgpack.decode(saved))

    # ---- what each kind does in a way of its own -----------------------------------------------------------------------

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the scores, the most telling first."""

    @abstractmethod
    def _begin(self, delay: int, learner: Any) -> None:
        """Make the sums and what the baselines remember."""

    @staticmethod
    @abstractmethod
    def problem(label: Any) -> str:
        """Return why a label can't be scored, or the empty string."""

    @abstractmethod
    def update(
        self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float] = (), p_pred: Iterable[float] = ()
    ) -> None:
        """Score rows.

        Parameters
        ----------
        y, y_pred
            Labels, and what was predicted.
        proba, p_pred
            The probabilities that were given to the label and to the prediction, where the kind has some.
        """

    @abstractmethod
    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"`` and of each baseline, over all rows or over the window."""

    @abstractmethod
    def _point(self) -> list[float]:
        """Return the next point of the curve: n, then the window's score of the model and of each baseline."""

    @abstractmethod
    def _sums(self) -> dict[str, Any]:
        """Return what is saved besides n, the window and the history."""

    @abstractmethod
    def _go_on(self, sums: dict[str, Any]) -> None:
        """Go on from what ``_sums`` gave."""

    @abstractmethod
    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        """Go on from what version 0.2 saved: its sums; its window, which knew no labels, begins anew."""

    # ---- what all share ------------------------------------------------------------------------------------------------

    def score(self, y: Sequence[Any], predictions: Predictions, X: Any = ()) -> list[float]:
        """Score rows that were predicted just now; return the probability that was given to each label, NaN where there is none."""
        self.update(y, values_of(predictions))
        return [math.nan] * len(y)

    def report(self) -> dict[str, Any]:
        """Return the scores as JSON shows them: over all rows, and in ``window`` over the last; None for what is not defined."""
        whole, window = (
            {name: _known(own) for name, own in self.scores(window=last).items()} for last in (False, True)
        )
        return {
            "n": self.n,
            "unscored": self.unscored,
            **self._extra(),
            **whole,
            "window": {"n": len(self._window), **window},
        }

    def _extra(self) -> dict[str, Any]:
        """Return what a report of this kind has besides."""
        return {}

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's scores so far, and the rows at which drift was found."""
        return {} if self._history is None else self._history.as_dict()

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
        state = {"format": 1, "n": self.n, "unscored": self.unscored, "window": list(self._window), **self._sums()}
        return msgspec.msgpack.encode(state | self.history())

    def _resume(self, saved: dict[str, Any]) -> None:
        if self._history is not None:
            self._history.go_on(saved)
        if "format" not in saved:
            self._go_on_from_02(saved)
            return
        self.n, self.unscored = saved["n"], saved["unscored"]
        self._window.extend(map(self._row_of, saved["window"]))
        self._go_on(saved)

    def _row_of(self, saved: Any) -> Any:
        """Return a row of the window from what MessagePack gave back."""
        return tuple(saved)

    def _follow(self, cost: float) -> None:
        """Show the history what the last prediction cost, between 0 and 1; it takes a point when one is due."""
        if self._history is not None:
            self._history.see(cost, self.n)
            if self._history.due(self.n):
                self._history.add(self._point())


def with_probabilities(score: Score, y: Sequence[Any], predictions: Predictions) -> list[float]:
    """Score rows with the probabilities that were given to the labels and to the predictions."""
    given = predictions.proba_of(y)
    score.update(y, predictions.y_pred, given, probabilities_of(predictions, y)[1])
    return given


def _known(scores: Scores) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}
