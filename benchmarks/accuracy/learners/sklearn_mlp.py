"""scikit-learn: ``MLPClassifier`` or ``MLPRegressor`` with their defaults, ``partial_fit`` row by row, over standardised rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.accuracy.learners.dense import Dense, Target
from benchmarks.accuracy.streams import Stream

PACKAGES = ("scikit-learn", "numpy")


class Mlp:
    """The network over the rows of a stream."""

    def __init__(self, stream: Stream, seed: int) -> None:
        """Make the network; a mini-batch is one row."""
        self._row, self._target = Dense(stream), Target()
        self._y = stream.y.tolist()
        self._classify = stream.task == "classify"
        self._classes = np.arange(len(stream.classes))
        kind: Any = MLPClassifier if self._classify else MLPRegressor
        self._net = kind(batch_size=1, random_state=seed)
        self._fresh = True

    def predict(self, i: int) -> Any:
        """Return probabilities or a number; None before the first row."""
        if self._fresh:
            return None
        x = self._row(i)[None]
        if self._classify:
            return self._net.predict_proba(x)[0]
        return self._target.back(float(self._net.predict(x)[0]))

    def learn(self, i: int) -> None:
        """Take one step."""
        self._row.see(i)
        x, y = self._row(i)[None], self._y[i]
        if self._classify:
            self._net.partial_fit(x, [y], classes=self._classes)
        else:
            self._net.partial_fit(x, [self._target.see(y)])
        self._fresh = False

    def step(self, i: int) -> Any:
        """Predict, then learn."""
        said = self.predict(i)
        self.learn(i)
        return said


def make(name: str, stream: Stream, seed: int) -> Mlp:
    """Return the network."""
    return Mlp(stream, seed)
