"""Fleets of classifiers and of regressors with River's interface."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.kinds.fleet.fleet import Fleet
from headwater.learner.schema.labels import as_labels, third_class
from headwater.learner.settings.limits import check_classes
from headwater.learner.settings.river_words import in_river
from headwater.learner.validation import FARTHEST, KNOWABLE, OF_NUMPY, Block
from headwater.types import Predictions

__all__ = ["ClassifierFleet", "RegressorFleet"]


@in_river("river.base:Classifier")
class ClassifierFleet(Fleet):
    """A fleet of classifiers, created by ``hw.Fleet`` when its members are classifiers."""

    task: ClassVar[str] = "classify"
    _span = None

    @property
    def _multiclass(self) -> bool:
        return not self.first.one_output

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class that the key's member has seen, {} before the first.

        Parameters
        ----------
        x : dict
            The sample with its key.

        Returns
        -------
        dict
            Probability by class, summing to 1.
        """
        labels, p = self._said(x)
        if self.loss == "hinge" or not labels:
            return dict(zip(labels, p, strict=True))
        whole = 0.0
        for share in p:  # added one by one, as in the core, for equal bits (sum() may compensate)
            whole += share
        return dict(zip(labels, [share / whole for share in p], strict=True))

    def _said(self, x: Mapping[Any, Any]) -> tuple[list[Any], list[float]]:
        """Return the classes that a row's member has seen, and their scores."""
        member, p = self._outputs(x)
        labels = [self.classes[i] for i in self._core.labels(max(member, -1))]
        if self.loss == "binary_cross_entropy":
            p = [1 - p[0], p[0]] if len(labels) > 1 else [1.0]
        return labels, p[: len(labels)]

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the class of a sample, or None before the key's member has seen one.

        Parameters
        ----------
        x : dict
            The sample with its key.

        Returns
        -------
        hashable or None
            The most probable class. Ties go to the class seen first.
        """
        labels, p = self._said(x)
        return labels[p.index(max(p))] if labels else None

    def predict_proba_many(self, X: Any) -> NDArray[Any]:
        """Predict probabilities, shape (n, k), one column per class in the order of ``classes``.

        Classes that a member hasn't seen have probability 0.
        """
        proba: NDArray[Any] | None = self.predict_batch(X).proba
        return np.zeros((0, 0)) if proba is None else proba

    def _plain_answer(self, y: Any) -> float | None:
        return self._index.get(y) if type(y) in KNOWABLE else None

    def _answers(self, block: Block) -> NDArray[np.float64]:
        if block.numbers is not None:
            return block.numbers
        self.numbers_of(check_classes(self._index, compress(block.y, block.good.tolist()), self._limits))
        pairs = zip(block.y, block.good.tolist(), strict=True)
        return np.array([self._index[label] if good else 0 for label, good in pairs], np.float64)

    def _check_new(self, block: Block) -> None:
        if block.numbers is None:
            check_classes(self._index, compress(block.y, block.good.tolist()), self._limits)

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn, as in `Fleet.step_many`."""
        try:
            return super().step_many(X, y, w, ask)
        except LookupError as error:
            if isinstance(error, KeyError | IndexError):
                raise
            first, second, third = (self.classes[int(i)] for i in str(error).split(","))
            raise third_class([first, second], third) from error

    def _given(self, out: NDArray[Any], said: NDArray[np.int32]) -> Predictions:
        labels = [*self.classes, None]  # index -1, for rows predicted before any class was seen
        return Predictions([labels[i] for i in said.tolist()], out, tuple(self.classes))

    def _array(self, forecast: Predictions) -> NDArray[Any]:
        return as_labels(list(forecast.y_pred))

    def _score_name(self) -> str:
        return "accuracy"


@in_river("river.base:Regressor")
class RegressorFleet(Fleet):
    """A fleet of regressors, created by ``hw.Fleet`` when its members are regressors."""

    task: ClassVar[str] = "regress"

    def __init__(self, make: Any, key: str, **settings: Any) -> None:
        super().__init__(make, key, **settings)
        counts = self.loss == "poisson"
        self._least, self._most = (0.0, math.exp(30)) if counts else (-FARTHEST, FARTHEST)
        self._span = self._least, self._most

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Predict the target of a sample.

        Parameters
        ----------
        x : dict
            The sample with its key.

        Returns
        -------
        float
        """
        return min(max(self._outputs(x)[1][0], -FARTHEST), FARTHEST)

    def _plain_answer(self, y: Any) -> float | None:
        y = float(y) if type(y) in OF_NUMPY else y
        return float(y) if (type(y) is float or type(y) is int) and self._least <= y <= self._most else None

    def _answers(self, block: Block) -> NDArray[np.float64]:
        answers: NDArray[np.float64] = block.y
        return answers

    def _given(self, out: NDArray[Any], said: NDArray[np.int32]) -> Predictions:
        return Predictions(np.clip(out[:, 0].astype(np.float64), -FARTHEST, FARTHEST))

    def _array(self, forecast: Predictions) -> NDArray[Any]:
        return np.asarray(forecast.y_pred, np.float64)

    def _score_name(self) -> str:
        return "mae"
