"""LightGBM and XGBoost with their defaults, trained anew on the last 10,000 rows: what practitioners compare an online learner with.

Trained after 100, 200 and 500 rows and then every 1,000. Between two trainings the model stands still, so the rows that come
until then are predicted at once, right after it was trained: the same predictions as one by one, and cheaper. Nothing of a row is
used but its inputs, and its answer only once it has come. The cost that is reported holds all trainings. Names are given as
categories and gaps as they are.
"""

from __future__ import annotations

import warnings
from typing import Any

import lightgbm
import numpy as np
import xgboost

from benchmarks.accuracy.streams import Stream

PACKAGES = ("lightgbm", "xgboost-cpu", "numpy")
EVERY, LAST = 1000, 10_000
FIRST = (100, 200, 500)  # a user would not wait for the first thousand


class Retrained:
    """Boosted trees over the rows of a stream."""

    def __init__(self, name: str, stream: Stream, seed: int) -> None:
        """Know nothing; the first model comes after 100 answers."""
        self._name, self._seed, self._stream = name, seed, stream
        self._classify = stream.task == "classify"
        self._learned: list[int] = []
        self._model: Any = None
        self._said: dict[int, Any] = {}

    def predict(self, i: int) -> Any:
        """Return probabilities or a number; None before the first model."""
        if self._model is None:
            return None
        if i not in self._said:
            ahead = np.arange(i, min(i + EVERY, len(self._stream.y)))
            self._said = dict(zip(ahead.tolist(), self._predictions(self._stream.X[ahead]), strict=True))
        return self._said[i]

    def learn(self, i: int) -> None:
        """Keep the row; train anew where it is time."""
        self._learned.append(i)
        count = len(self._learned)
        if count in FIRST or count % EVERY == 0:
            self._train(np.array(self._learned[-LAST:]))

    def step(self, i: int) -> Any:
        """Predict, then learn."""
        said = self.predict(i)
        self.learn(i)
        return said

    def _train(self, rows: Any) -> None:
        X, y = self._stream.X[rows], self._stream.y[rows]
        self._said = {}
        if not self._classify:
            self._model = self._fresh().fit(X, y, **self._names())
            return
        self._known, codes = np.unique(y, return_inverse=True)
        self._model = self._fresh().fit(X, codes, **self._names()) if len(self._known) > 1 else "one class"

    def _fresh(self) -> Any:
        """Return a model with the library's defaults, on one core."""
        if self._name == "lightgbm":
            kind: Any = lightgbm.LGBMClassifier if self._classify else lightgbm.LGBMRegressor
            return kind(n_jobs=1, random_state=self._seed, verbose=-1)
        kind = xgboost.XGBClassifier if self._classify else xgboost.XGBRegressor
        types = ["c" if j in self._stream.levels else "q" for j in range(self._stream.X.shape[1])]
        return kind(n_jobs=1, random_state=self._seed, enable_categorical=True, feature_types=types)

    def _names(self) -> dict[str, Any]:
        """Return how LightGBM is told which columns hold names."""
        return (
            {"categorical_feature": list(self._stream.levels)}
            if self._name == "lightgbm" and self._stream.levels
            else {}
        )

    def _predictions(self, X: Any) -> Any:
        if not self._classify:
            return self._model.predict(X)
        out = np.zeros((len(X), len(self._stream.classes)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # LightGBM asks for names of columns
            out[:, self._known] = 1.0 if self._model == "one class" else self._model.predict_proba(X)
        return out


def make(name: str, stream: Stream, seed: int) -> Retrained:
    """Return the learner."""
    return Retrained(name, stream, seed)
