"""Vowpal Wabbit with its defaults, and with ``--nn 10``; a row becomes a line of VW's text, as its user has to write it."""

from __future__ import annotations

from typing import Any

import numpy as np
import vowpalwabbit

from benchmarks.accuracy.streams import Stream

PACKAGES = ("vowpalwabbit", "numpy")


class Vw:
    """A workspace over the rows of a stream."""

    def __init__(self, name: str, stream: Stream, seed: int) -> None:
        """Start it: logistic loss (one against all for more than two classes), squared loss for regression."""
        self._k = len(stream.classes)
        self._X, self._y = stream.X.tolist(), stream.y.tolist()
        self._names = set(stream.levels)
        task = {0: "", 2: "--loss_function logistic --link logistic"}.get(
            self._k, f"--oaa {self._k} --probabilities --loss_function logistic"
        )
        net = "--nn 10" if name == "vw-nn" else ""
        self._vw = vowpalwabbit.Workspace(f"{task} {net} --quiet --random_seed {seed}")

    def _text(self, i: int) -> str:
        pairs = [
            f"f{j}={int(value)}" if j in self._names else f"f{j}:{value!r}"
            for j, value in enumerate(self._X[i])
            if value == value  # NaN: a gap
        ]
        return f"| {' '.join(pairs)}"

    def _answer(self, i: int) -> str:
        y = self._y[i]
        if self._k == 0:
            return repr(y)
        return str(y + 1) if self._k > 2 else str(2 * y - 1)

    def _said(self, example: Any) -> Any:
        said = example.get_prediction()
        if self._k == 0:
            return said
        return np.array([1.0 - said, said]) if self._k == 2 else np.asarray(said)

    def predict(self, i: int) -> Any:
        """Return probabilities or a number."""
        example = self._vw.parse(self._text(i))
        self._vw.predict(example)
        said = self._said(example)
        self._vw.finish_example(example)
        return said

    def learn(self, i: int) -> None:
        """Learn the row."""
        self._vw.learn(f"{self._answer(i)} {self._text(i)}")

    def step(self, i: int) -> Any:
        """Learn the row; the example keeps the prediction that was made before the update."""
        example = self._vw.parse(f"{self._answer(i)} {self._text(i)}")
        self._vw.learn(example)
        said = self._said(example)
        self._vw.finish_example(example)
        return said


def make(name: str, stream: Stream, seed: int) -> Vw:
    """Return the workspace of that name."""
    return Vw(name, stream, seed)
