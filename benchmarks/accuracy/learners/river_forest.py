"""River: its adaptive random forest, the best of its own benchmarks, with its defaults (10 trees); dicts.

The leaves of the regression's trees are linear models, which take numbers only, so names become one-hot there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from river import compose, forest, preprocessing

from benchmarks.accuracy.streams import Stream

PACKAGES = ("river", "numpy")


class River:
    """The forest over the rows of a stream."""

    def __init__(self, stream: Stream, seed: int) -> None:
        """Make the forest."""
        self._rows, self._y = stream.dicts(), stream.y.tolist()
        self._classify = stream.task == "classify"
        self._k = len(stream.classes)
        self._model: Any = forest.ARFClassifier(seed=seed)
        if not self._classify:
            names = compose.SelectType(str) | preprocessing.OneHotEncoder()
            self._model = (compose.SelectType(float) + names) | forest.ARFRegressor(seed=seed)

    def predict(self, i: int) -> Any:
        """Return probabilities or a number; None while it has none."""
        if not self._classify:
            return self._model.predict_one(self._rows[i])
        proba = self._model.predict_proba_one(self._rows[i])
        if not proba:
            return None
        said = np.zeros(self._k)
        for label, p in proba.items():
            said[label] = p
        return said

    def learn(self, i: int) -> None:
        """Learn the row."""
        self._model.learn_one(self._rows[i], self._y[i])

    def step(self, i: int) -> Any:
        """Predict, then learn."""
        said = self.predict(i)
        self.learn(i)
        return said


def make(name: str, stream: Stream, seed: int) -> River:
    """Return the forest."""
    return River(stream, seed)
