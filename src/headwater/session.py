"""8 THE ROUTE: the only place that states what happens before what.

::

    predict → (label) → score → watch → adapt → learn → keep → tell

A session moves blocks of rows, and the learner predicts and then learns the rows of a block one by one, so a live
event is a block of one. Whatever is counted here (the delay, the window, when to keep, when to tell) is counted in
rows: how a stream is cut into blocks can't change a result.

Where labels come late (`delay`), the rows that arrive are predicted in lock-step with the learning of the rows whose
labels arrive; each row is scored with the prediction that was given out for it, never with a fresh one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.adapt import Adaptation, Policy
from headwater.classifier import Classifier
from headwater.errors import ConfigError, HeadwaterError
from headwater.regressor import Regressor
from headwater.streams import Block, CtrlC, FrameRows, Stream, Waiting, as_blocks, columns_of
from headwater.streams.columns import FRAME_BLOCK
from headwater.types import Event, Forecast, Learner, Record, join
from headwater.watch import ClassifyWatch, RegressWatch, proba_given
from headwater.watch.health import health_of
from headwater.watch.seen import Seen, Watcher

__all__ = ["Session"]


class Session:
    """Take rows through the route, and know how learning stands.

    Parameters
    ----------
    learner
        A `Classifier` or `Regressor`.
    delay
        How many rows later than its prediction the answer of a row arrives.
    window
        How many of the last scored rows the window scores are over.
    block
        Rows that are handed to the learner at once; only speed depends on it.
    every
        Tell a `Record` after each so many rows; None tells the last one only.
    tell
        What to call with each record.
    keep
        A file to save the learner to: when the session finishes, and after each `keep_every` rows.
    keep_every
        See `keep`; None saves at the end only.
    watch
        Who else is shown each row once it is learned: `watch.DriftWatch`, for one. What they find stands in the
        records' events.
    adapt
        What to do about it: `adapt.StepUp`, `adapt.Replay`, `adapt.Reinitialise`. Nothing unless asked.

    Raises
    ------
    ConfigError
        When a count is too small.

    Examples
    --------
    A session over any learner; here one that always says "late":

    >>> class Always:
    ...     task, rejected = "classify", {}
    ...
    ...     def step_many(self, X, y, w=None, ask=None):
    ...         return Forecast(["late"] * len(X), np.ones((len(X), 1)), ("late",))
    >>> session = Session(Always())
    >>> _ = session.step([{"hour": 8}, {"hour": 9}], ["late", "on time"])
    >>> session.record().scores["accuracy"]
    0.5
    """

    def __init__(
        self,
        learner: Learner,
        *,
        delay: int = 0,
        window: int = 1000,
        block: int = 1024,
        every: int | None = None,
        tell: Callable[[Record], object] | Sequence[Callable[[Record], object]] = (),
        keep: str | Path | None = None,
        keep_every: int | None = None,
        watch: Watcher | Sequence[Watcher] = (),
        adapt: Policy | Sequence[Policy] = (),
    ) -> None:
        _check({"delay": delay}, least=0)
        _check({"window": window, "block": block, "every": every, "keep_every": keep_every}, least=1)
        self.learner = learner
        self.rows = 0  # rows predicted
        self.interrupted = False  # whether Ctrl-C ended the last run
        watching = RegressWatch if learner.task == "regress" else ClassifyWatch
        self._watch: RegressWatch | ClassifyWatch = watching(window=window, delay=delay)
        self._delay, self._window, self._block = delay, window, block
        self.keep, self._every, self._keep_every = keep, every, keep_every
        self.tell: tuple[Callable[[Record], object], ...] = (tell,) if callable(tell) else tuple(tell)
        self._health = health_of(learner)
        watchers = tuple(watch) if isinstance(watch, Sequence) else (watch,)
        # What a learner keeps for its diagnosis it keeps itself, unless the prediction was given out earlier.
        late = self._health is not None and delay > 0
        self._watchers: tuple[Watcher, ...] = (self._health, *watchers) if late and self._health else watchers
        policies = tuple(adapt) if isinstance(adapt, Sequence) else (adapt,)
        self._adaptation = Adaptation(policies) if policies else None
        self._events: list[Event] = []
        self._told = (-1, -1)
        self._waiting = Waiting()
        self._seconds = 0.0
        self._left_out: Counter[str] = Counter()
        self._stream: Stream | None = None
        self._rejected_before = dict(learner.rejected)

    def step(self, X: Any, y: Any, w: Any = None) -> Forecast:
        """Take some rows through the route.

        Parameters
        ----------
        X
            A list of samples, an array of shape (n, features), or a data frame.
        y
            Their answers. A row whose answer is unknown (None, NaN) or can't be one is left out and counted.
        w
            Their weights; None weighs each row 1.

        Returns
        -------
        Forecast
            What was predicted for each row that has an answer, before it was learned.
        """
        started = time.perf_counter()
        X, y, w = self._answered(X, y.tolist() if isinstance(y, np.ndarray) else list(y), w)
        forecasts = []
        i = 0
        while i < len(y):
            due = [n - self.rows % n for n in (self._every, self._keep_every) if n] + self._dues()
            # The first row goes alone: it may have to wait for the compiler, which is no matter of rows/s.
            size = max(self._block, FRAME_BLOCK) if isinstance(X, FrameRows) else self._block
            j = min(len(y), i + min(size if self.rows else 1, *due, size))
            forecasts.append(self._route(X[i:j], y[i:j], None if w is None else w[i:j]))
            self.rows += j - i
            if self.keep is not None and self._keep_every and self.rows % self._keep_every == 0:
                self.learner.save(self.keep)
            self._seconds = self._seconds + time.perf_counter() - started if self.rows > 1 else 0.0
            started = time.perf_counter()
            if self._every and self.rows % self._every == 0:
                self._tell_all(self.record())
            i = j
        self._seconds += time.perf_counter() - started
        return join(forecasts)

    def run(self, stream: Any) -> Record:
        """Take a whole stream through the route, then finish.

        Ctrl-C ends the run between two blocks, so that nothing learned is lost; pressed again, it ends it at once and
        keeps nothing more, since a row may be half learned. An error of the stream is raised after the session has
        finished with what it has.

        Parameters
        ----------
        stream
            A `Stream`, an iterable of blocks or of pairs ``(x, y)``, or a tuple of arrays ``(X, y)``.

        Returns
        -------
        Record
            How learning stands at the end.
        """
        self._stream = stream if isinstance(stream, Stream) else None
        ctrl_c = CtrlC()
        try:
            with ctrl_c:
                for block in ctrl_c.between(self._timed(as_blocks(stream))):
                    self.step(block.X, block.y)
        except KeyboardInterrupt:
            self.interrupted = True
            if ctrl_c.hurried:
                raise
        except (HeadwaterError, OSError):
            self.finish()
            raise
        return self.finish()

    def finish(self) -> Record:
        """Let the answers arrive that are still on their way, then keep and tell."""
        if n := len(self._waiting.y):
            X = self._waiting.X
            self.learner.step_many(X, self._waiting.y, np.array(self._waiting.w), ask=X)
            self._score(X, *self._waiting.arrive(n))
        record = self.record()
        if self.keep is not None and self.rows:
            self.learner.save(self.keep)
        self._tell_all(record)
        return record

    def record(self) -> Record:
        """Return how learning stands."""
        watch = self._watch
        scores, window_scores = watch.scores(), watch.scores(window=True)
        record = Record(
            rows=self.rows,
            scored=watch.n,
            window=min(self._window, watch.n),
            names=watch.names,
            scores=scores.pop("model"),
            window_scores=window_scores.pop("model"),
            baselines=scores,
            window_baselines=window_scores,
            rows_per_s=(self.rows - 1) / self._seconds if self._seconds else 0.0,
            rejected=self._rejected(),
            events=tuple(self._events),
        )
        if self._health is not None:
            self._health.record, self._health.recorded = record, self._health.n
        return record

    def _route(self, X: Any, y: list[Any], w: Any) -> Forecast:
        """Predict, take the answers that arrive, score, learn: in this order for each row of the block."""
        if not self._delay:
            forecast = self.learner.step_many(columns_of(X), y, w)
            self._score(X, y, forecast.y_pred, proba_given(forecast, y), forecast)
            return forecast
        w = [1.0] * len(y) if w is None else list(w)
        first = min(len(y), self._delay - len(self._waiting.y))  # rows that come before any answer does
        forecasts = []
        if first:
            forecasts.append(self.learner.forecast(X[:first]))
            self._wait(X[:first], y[:first], w[:first], forecasts[0])
        if n := len(y) - first:
            late = self._waiting.followed_by(X[first:], y[first:], w[first:], n)
            forecasts.append(self.learner.step_many(*late, ask=X[first:]))
            self._wait(X[first:], y[first:], w[first:], forecasts[-1])
            self._score(late[0], *self._waiting.arrive(n))
        return join(forecasts)

    def _wait(self, X: Any, y: list[Any], w: list[float], given: Forecast) -> None:
        self._waiting.put(X, y, w, y_pred=list(given.y_pred), proba=proba_given(given, y))

    def _score(self, X: Any, y: list[Any], y_pred: Any, proba: list[float], forecast: Forecast | None = None) -> None:
        said = y_pred.tolist() if isinstance(y_pred, np.ndarray) else y_pred
        if isinstance(self._watch, RegressWatch):
            self._watch.update(y, said)
        else:
            self._watch.update(y, said, proba)
        seen = Seen(self._watch.n - len(y) + 1, X, y, said, proba, self.learner.task, forecast)
        events = [event for watcher in self._watchers for event in watcher.see(seen, self.learner)]
        if self._adaptation is not None:
            events += self._adaptation.see(seen, events, self.learner)
        self._events += events

    def _dues(self) -> list[int]:
        """After how many more rows each watcher wants to be shown what there is; blocks are cut there."""
        dues = [watcher.due for watcher in self._watchers]
        if self._adaptation is not None:
            dues.append(self._adaptation.due)
        missing = self._delay - len(self._waiting.y) - self._watch.n  # the first answers are still on their way
        return [due + missing for due in dues if due is not None and due + missing > 0]

    def _answered(self, X: Any, y: list[Any], w: Any) -> tuple[Any, list[Any], Any]:
        """Leave out the rows whose answer is unknown, or nothing that can be scored."""
        if not isinstance(X, (list, np.ndarray)):
            X = X if isinstance(X, FrameRows) else FrameRows(X)
            # Late answers are chained across blocks, whose columns may differ; and of other learners only rows are known.
            X = list(X) if self._delay or not isinstance(self.learner, Classifier | Regressor) else X
        reasons = list(map(self._watch.problem, y))
        if not any(reasons):
            return X, y, w
        self._left_out.update(filter(None, reasons))
        kept = [i for i, reason in enumerate(reasons) if not reason]
        rows = [X[i] for i in kept] if isinstance(X, list) else X[kept]
        return rows, [y[i] for i in kept], None if w is None else [w[i] for i in kept]

    def _rejected(self) -> dict[str, int]:
        counts = self._left_out + Counter(self._stream.rejects.counts if self._stream else {})
        for reason, count in self.learner.rejected.items():
            counts[reason] += count - self._rejected_before.get(reason, 0)
        return {reason: count for reason, count in counts.items() if count}

    def _tell_all(self, record: Record) -> None:
        if (record.rows, record.scored) == self._told:
            return  # the stream ended where a record was due
        self._told = (record.rows, record.scored)
        self._events = []
        for tell in self.tell:
            tell(record)

    def _timed(self, blocks: Iterator[Block]) -> Iterator[Block]:
        # Reading counts: rows/s is what a user of the whole route gets.
        while True:
            started = time.perf_counter()
            block = next(blocks, None)
            self._seconds += time.perf_counter() - started
            if block is None:
                return
            yield block


def _check(counts: dict[str, int | None], *, least: int) -> None:
    for name, count in counts.items():
        if count is not None and count < least:
            raise ConfigError(
                expected=f"{name} of at least {least}", got=str(count), at=name, help="Give a larger number of rows."
            )
