"""headwater with no arguments, in blocks as its session moves them; the blocks change nothing but the speed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.accuracy.streams import Stream
from benchmarks.accuracy.walk import Clock, Walk, arrivals, blank

PACKAGES = ("headwater", "numpy")
BLOCK = 1024
WARM = 200  # rows that a throw-away learner sees first, so that imports aren't timed
SETTINGS: dict[str, dict[str, Any]] = {
    "headwater": {},
    "headwater-fast": {"effort": "fast"},
    "headwater-accurate": {"effort": "accurate"},
    "headwater-labels": {"label_history": True},
}

Job = tuple[list[int], list[int]]
"""Rows to learn, and rows to predict in lock-step with them; one of the two may be empty."""


def jobs(due: Any) -> Iterator[Job]:
    """Cut a pass into calls: each row is predicted, then the answers that come after it are learned.

    One answer after each row is a lock-step, whichever row it belongs to; rows after which none or several answers come
    make calls of their own.
    """
    order, when = arrivals(due)
    ends = np.searchsorted(when, np.arange(len(due)), side="right").tolist()
    learned: list[int] = []
    asked: list[int] = []
    done = 0
    for i, end in enumerate(ends):
        come = order[done:end].tolist()
        done = end
        both = bool(come)
        if asked and (both != bool(learned) or len(asked) >= BLOCK):
            yield learned, asked
            learned, asked = [], []
        asked.append(i)
        learned += come[:1]
        if len(come) > 1:
            yield learned, asked
            yield come[1:], []
            learned, asked = [], []
    if asked:
        yield learned, asked


class Ours:
    """A Classifier or Regressor over the rows of a stream."""

    def __init__(self, settings: dict[str, Any], stream: Stream, seed: int) -> None:
        """Make a fresh learner; names need dicts, numbers alone are an array."""
        self._kind = hw.Classifier if stream.task == "classify" else hw.Regressor
        self._settings = settings | {"seed": seed}
        self._rows: Any = stream.dicts() if stream.levels else stream.X
        self._stream = stream

    def _some(self, rows: list[int]) -> Any:
        if self._stream.levels:
            return [self._rows[i] for i in rows]
        return self._rows[rows]

    def _call(self, model: Any, learned: list[int], asked: list[int]) -> Any:
        """Run one job; returns a forecast for the rows asked, or None."""
        if not learned:
            return model.step_many([], [], ask=self._some(asked))
        X, y = self._some(learned), self._stream.y[learned].tolist()
        if not asked:
            model.step_many(X, y)
            return None
        return model.step_many(X, y, ask=None if learned == asked else self._some(asked))

    def walk(self, cap_s: float) -> Walk:
        """Walk over the whole stream, or as far as the cap lets it."""
        plan = list(jobs(self._stream.due))
        warm = self._kind(**self._settings)
        warm.step_many(self._some(list(range(WARM))[: len(self._stream.y)]), self._stream.y[:WARM].tolist())
        warm.predict_batch(self._some([0]))
        model = self._kind(**self._settings)
        said: list[tuple[list[int], Any]] = []
        clock = Clock(cap_s)
        for learned, asked in plan:
            forecast = self._call(model, learned, asked)
            if asked:
                said.append((asked, forecast))
            if clock.over():
                break
        return self._gathered(said, *clock.spent())

    def _gathered(self, said: list[tuple[list[int], Any]], seconds: float, cpu_s: float) -> Walk:
        """Put the forecasts into arrays by row and class."""
        out = blank(self._stream)
        ends = np.full((2, len(out)), np.nan)
        for asked, forecast in said:
            if self._stream.task == "regress":
                out[asked] = forecast.y_pred
                if forecast.lower is not None:
                    ends[:, asked] = forecast.lower, forecast.upper
            elif forecast.proba is not None and forecast.proba.shape[1]:
                known = forecast.proba.sum(axis=1) > 0
                rows = np.asarray(asked)[known]
                out[rows] = 0.0
                out[rows[:, None], list(forecast.classes)] = forecast.proba[known]
        given = bool(np.isfinite(ends).any())
        rows_done = sum(len(asked) for asked, _ in said)
        return Walk(out, rows_done, seconds, cpu_s, ends[0] if given else None, ends[1] if given else None)


def make(name: str, stream: Stream, seed: int) -> Ours:
    """Return headwater with the settings of that name."""
    return Ours(SETTINGS[name], stream, seed)
