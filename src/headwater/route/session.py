"""The session, which defines the order of all steps for each row of a stream.

::

    predict → (label) → score → watch → adapt → learn → keep → report

A session passes blocks of rows to the learner, which predicts and then learns them one by one. A live event is a block of one
row. All intervals (delay, window, saving, records) count rows, so block sizes can't change a result.

With delayed labels (`delay`), predicting new rows alternates with learning the rows whose labels arrive. Each row is scored with
the prediction issued for it, never with a fresh one.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from operator import attrgetter, index
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.errors import ConfigError, DataError, HeadwaterError, shown
from headwater.learner.base import Learner as OwnLearner
from headwater.learner.kind import HasKind, check_can, check_stateless, kind_of, named_able
from headwater.learner.validation import FARTHEST, PLAIN, not_as_many
from headwater.route.curve import NOTE, POINTS, ScoreNote
from headwater.route.score import Score, score_of
from headwater.streams.block import Block
from headwater.streams.interrupt import CtrlC, Uninterrupted
from headwater.streams.readers.frame_rows import FRAME_BLOCK, FrameRows
from headwater.streams.readers.rows import as_blocks, opened
from headwater.streams.stream import Stream
from headwater.types import (
    NOTEBOOK,
    SCORED_FIGURE,
    SCORED_PICTURES,
    Event,
    Lazy,
    Learner,
    Metrics,
    Predictions,
    ScoredRows,
    join,
)

if TYPE_CHECKING:
    from headwater.route.policies import Adaptation, Policy
    from headwater.route.watcher import Watcher
    from headwater.streams.waiting import Waiting

__all__ = ["Session"]

_DUE = attrgetter("due")
_NOTHING = nullcontext()
_EARLIEST = 50
"""Rows between the first records, where they come early."""
_NOTE_EVERY = 10_000
"""Most rows between two points of the curve in the file that a session keeps."""
_WAITING = Lazy("headwater.streams.waiting:Waiting")
_AS_LEARNER = Lazy("headwater.interop.anybody:as_learner")


class Session:
    """Run rows through a learner and track its metrics.

    Parameters
    ----------
    learner
        A learner of any kind, a `Fleet`, a model or pipeline of River's, any object with ``learn_one`` and ``predict_one``,
        ``predict_proba_one`` or ``score_one``, or an estimator of `headwater.interop.sklearn` that was never fitted, of which a new
        learner with its settings is made: ``session.learner``.
    delay
        Number of rows by which a label arrives after its prediction.
    window
        Number of last scored rows in the windowed metrics.
    block
        Rows per call of the learner, which affects only speed.
    every
        Rows between two records. None makes only the last one.
    early
        Whether the first records come after 50 rows each, those from 1,000 rows on after 100, and so on up to ``every``, so that a
        curve shows how learning begins.
    on_record
        Callbacks for each record.
    keep
        File to save the learner to, at the end of the session and after each `keep_every` rows.
    keep_every
        Rows between two saves. None saves only at the end.
    watch
        Watchers that see each learned row, such as `watch.DriftWatch`. Their findings appear in the records' events.
    adapt
        Drift policies such as `adapt.StepUp`, `adapt.Replay` or `adapt.Reinitialise`. None by default.

    Raises
    ------
    ConfigError
        If a count is too small.

    Examples
    --------
    A session over any model; here one that always says "late":

    >>> class Always:
    ...     def learn_one(self, x, y): ...
    ...
    ...     def predict_proba_one(self, x):
    ...         return {"late": 1.0}
    >>> session = Session(Always())
    >>> _ = session.step([{"hour": 8}, {"hour": 9}], ["late", "on time"])
    >>> session.record().scores["accuracy"]
    0.5
    """

    _ahead = False
    """Whether the weights are ahead of the noted position, inside a block of a broker. They are not saved then."""

    def __init__(
        self,
        learner: Any,
        *,
        delay: int = 0,
        window: int = 1000,
        block: int = 1024,
        every: int | None = None,
        early: bool = False,
        on_record: Callable[[Metrics], object] | Sequence[Callable[[Metrics], object]] = (),
        keep: str | Path | None = None,
        keep_every: int | None = None,
        watch: Watcher | Sequence[Watcher] = (),
        adapt: Policy | Sequence[Policy] = (),
    ) -> None:
        counts = _counts(delay=delay, window=window, block=block, every=every, keep_every=keep_every)
        delay, window, block, every, keep_every = counts
        self.learner: Learner = (learner := learner if isinstance(learner, OwnLearner) else _AS_LEARNER(learner))
        self.rows, self.interrupted = 0, False  # rows predicted; whether Ctrl-C ended the last run
        self._score: Score = score_of(learner, window=window, delay=delay)
        self._answers = self._score.needs_labels  # else answers are labels, which are for the scores alone
        if delay:
            _check_delay(learner, self._answers, delay)
            self._waiting: Waiting = _WAITING()
        self._delay, self._window, self._block = delay, window, block
        self.keep, self._every, self._early, self._keep_every = keep, every, early, keep_every
        called = (on_record,) if callable(on_record) else tuple(on_record)
        self.on_record: tuple[Callable[[Metrics], object], ...] = called
        self._own = learner if isinstance(learner, OwnLearner) else None
        self._noting = learner if isinstance(learner, HasKind) else None  # stores a broker's position in its notes
        # A learner samples rows for its diagnosis while learning, unless the prediction was issued earlier.
        self._late = self._own if delay > 0 else None
        self._watchers: tuple[Watcher, ...] = tuple(watch) if isinstance(watch, Sequence) else (watch,)
        self._adaptation = _adaptation(adapt, learner) if adapt else None
        self._events, self._changes, self._curve = list[Event](), list[Any](), list[Metrics]()
        self._last_record = (-1, -1)
        self._scored, self._seconds = 0, 0.0  # rows whose label has arrived; the time that all took
        self._left_out, self._note = Counter[str](), ScoreNote() if keep is not None else None
        self._stream: Stream | None = None
        self._rejected_before = dict(learner.rejected)

    def step(self, X: Any, y: Any = None, w: Any = None) -> Predictions:
        """Predict, score and learn rows.

        Parameters
        ----------
        X
            A list of samples, an array of shape (n, features), or a data frame.
        y
            Their labels. A row with an unknown (None, NaN) or invalid label is skipped and counted. Unsupervised learners take
            rows alone. For them labels are optional and used only for metrics.
        w
            Their weights, by default 1 each.

        Returns
        -------
        Predictions
            The prediction of each labeled row, made before it was learned.

        Raises
        ------
        DataError
            If labels are missing, or their number differs from the rows.
        """
        started = time.perf_counter()
        if w is not None:
            check_can(self.learner, "weights", at="w of Session.step")
        y = self._without_answers(len(X)) if y is None else y
        X, y, w = self._answered(X, y.tolist() if isinstance(y, np.ndarray) else list(y), w)
        forecasts = []
        i = 0
        while i < len(y):
            j = min(len(y), i + self._next_size(X))
            # Never leave headwater's own learner halfway through a block. A foreign one may need Ctrl-C to stop at all. One row is
            # a single call of the core, which a signal can't interrupt.
            whole = self._noting is None or (j - i == 1 and not self._delay)
            with _NOTHING if whole else Uninterrupted():
                forecasts.append(self._route(X[i:j], y[i:j], None if w is None else w[i:j]))
                self.rows += j - i
            if self.keep is not None and self._keep_every and self.rows % self._keep_every == 0:
                self.learner.save(self.keep)
            self._seconds = self._seconds + time.perf_counter() - started if self.rows > 1 else 0.0
            started = time.perf_counter()
            if self._every and self.rows % self._record_every(self._every) == 0:
                self._call_on_record(self.record())
            if self._note is not None and self.rows % self._paced(_NOTE_EVERY) == 0:
                self._note.add(self._score.n, self._score.comparisons())
            i = j
        self._seconds += time.perf_counter() - started
        return forecasts[0] if len(forecasts) == 1 else join(forecasts)

    def run(self, stream: Any, target: str | None = None) -> Metrics:
        """Process a whole stream, then finish.

        Ctrl-C ends the run between two blocks, so that nothing learned is lost. A second Ctrl-C ends it at once without saving,
        because a foreign learner may be halfway through a row. An error of the stream or of a callback is raised after the session has
        finished with the rows so far. Inside a block of a broker the file keeps the last block's end, so no row is learned twice.

        Parameters
        ----------
        stream
            A `Stream`, an iterable of blocks or of pairs ``(x, y)``, or a tuple of arrays ``(X, y)``. With `target`, also a data
            frame or an argument of `headwater.read` (a path, a folder, a glob pattern, a list of these, ``"dataset:NAME"``).
            Unsupervised learners also take rows without labels, in any of these forms.
        target
            The label column of a data frame or a file. Unsupervised learners use labels only for metrics.

        Returns
        -------
        Metrics
            The final metrics.
        """
        source = stream if isinstance(stream, Stream) else self._opened(stream, target)
        self._stream = source if isinstance(source, Stream) else None
        ctrl_c = CtrlC()
        try:
            with ctrl_c, nullcontext() if source is stream else source:  # close only what was opened here
                for block in ctrl_c.between(self._timed(as_blocks(source, target=target, answers=self._answers))):
                    self._take(block)
        except KeyboardInterrupt:
            self.interrupted = True
            if ctrl_c.hurried:
                raise
        except BaseException as error:  # whatever a generator of rows or on_record raises, sys.exit too
            # A foreign learner that raised something of its own may be halfway through a row.
            if not self._ahead and (self._own is not None or isinstance(error, HeadwaterError | OSError)):
                self.finish()
            raise
        return self.finish()

    def _opened(self, stream: Any, target: str | None) -> Any:
        """Return a stream of the files or the broker's topic that a source names, and any other source as it is."""
        answer = kind_of(self.learner).answer
        if target is not None and answer.compound:
            parts = ", ".join(field.name for field in answer.fields)
            raise ConfigError(
                expected=f"rows with a label of several parts each: {parts}",
                got=f"one target, {shown(target)}",
                at="session",
                help="Give pairs (x, label), or name the columns: headwater learn FILE.",
            )
        positions = self._noting.notes.get("positions") if self._noting is not None else None
        return opened(stream, target=target, task=answer.reads or "auto", positions=positions)

    def _take(self, block: Block) -> None:
        """Process a block, storing a broker's position in the learner's notes, and so in the file with its weights."""
        if block.position is None:
            self.step(block.X, block.y)
            return
        if self._noting is None or self._delay:
            raise ConfigError(
                expected="one of headwater's own learners, and no delay, for a broker",
                got="a delay" if self._delay else type(self.learner).__name__,
                at="session",
                help="Read delayed labels from another topic with answers=TOPIC and a store.",
            )
        before, keep_every = self.rows, self._keep_every
        self._keep_every, self._ahead = None, True
        try:
            self.step(block.X, block.y)
            self._ahead = False
        finally:
            self._keep_every = keep_every
        name, at = block.position
        self._noting.notes["positions"] = self._noting.notes.get("positions", {}) | {name: at}
        if self.keep is not None and keep_every and before // keep_every < self.rows // keep_every:
            self.learner.save(self.keep)

    def finish(self) -> Metrics:
        """Learn the pending labels, then save the learner and return the final record."""
        if isinstance(self.learner, OwnLearner) and self._stream is not None:
            self.learner.note_reading(self._stream.reading())
        if self._delay and (n := len(self._waiting.y)):
            X = self._waiting.X
            self.learner.step_many(X, self._waiting.y, np.array(self._waiting.w), ask=X)
            self._score_late(X, *self._waiting.arrive(n))
        record = self.record()
        if self.keep is not None and self.rows:
            self._note_score(record)
            self.learner.save(self.keep)
        self._call_on_record(record)
        return record

    def _note_score(self, record: Metrics) -> None:
        """Note in the learner how it scored, unless its exact counts are a secret."""
        if self._note is not None and self._own is not None and not self._own.secret:
            self._note.add(record.scored, record.comparisons)
            self._own.notes[NOTE] = self._note.of(record, self._own.n_learned)

    def record(self) -> Metrics:
        """Return the current metrics."""
        score = self._score
        self._note_changes()
        scores, window_scores = score.scores(), score.scores(window=True)
        record = Metrics(
            rows=self.rows,
            scored=score.n,
            window=min(self._window, score.n),
            names=score.names,
            scores=scores.pop("model"),
            window_scores=window_scores.pop("model"),
            baselines=scores,
            window_baselines=window_scores,
            rows_per_s=(self.rows - 1) / self._seconds if self.rows and self._seconds else 0.0,
            rejected=self._rejected(),
            events=tuple(self._events),
            unscored=score.unscored,
            coverage={} if self._own is None else self._own.coverage_.get(0.9, {}),
            comparisons=score.comparisons(),
            **score.certainty(),
        )
        if self._own is not None:
            self._own.keep_record(record)
        return record

    @property
    def curve(self) -> list[Metrics]:
        """The records so far, at most 400 of them, evenly spread. The last one is current."""
        record = self.record()
        newest = self._curve[-1] if self._curve else None
        before = self._curve if newest is None or newest.rows != record.rows else self._curve[:-1]
        return [*before, record]

    def plot(self) -> Any:
        """Plot the scores along the stream and beside the baselines, and what the learner's kind declares, with matplotlib.

        The curve has a point for each record (``every``).

        Returns
        -------
        matplotlib.figure.Figure
        """
        return SCORED_FIGURE(self.learner, self._score, self.curve)

    def pictures(self) -> list[Any]:
        """Return what ``plot`` draws, as numbers (``learner.schema.pictures``)."""
        found: list[Any] = SCORED_PICTURES(self.learner, self._score, self.curve)
        return found

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    def _note_changes(self) -> None:
        """Turn changes of units and successions since the last record into events."""
        if self._own is None:
            return
        before = self.rows - self._own.n_learned  # below 0: a loaded learner had learned rows, and its changes are old
        found = [(c, "unit_change_detected", abs(math.log(c.scale))) for c in self._own.unit_changes_]
        found += [(c, "model_succeeded", 0.0) for c in self._own.successions_]
        for change, kind, size in found:
            row = before + change.row + 1
            if row >= 1 and change not in self._changes:
                self._changes.append(change)
                self._events.append(Event(row, kind, str(change), size))

    def _route(self, X: Any, y: list[Any], w: Any) -> Predictions:
        """Predict, take the labels that arrive, score and learn, in this order for each row of the block."""
        if not self._delay:
            shown = y if self._answers else None
            forecast = self.learner.step_many(X.frame if isinstance(X, FrameRows) else X, shown, w)
            self._scored += len(y)
            proba = self._score.score(y, forecast, X)
            if self._watchers or self._adaptation is not None:
                self._show(X, y, forecast.y_pred, proba, forecast)
            return forecast
        X = X if self._own is None else self._own.observed(X)
        w = [1.0] * len(y) if w is None else list(w)
        first = min(len(y), self._delay - len(self._waiting.y))  # rows before the first label arrives
        forecasts = []
        if first:
            forecasts.append(self.learner.predict_batch(X[:first]))
            self._wait(X[:first], y[:first], w[:first], forecasts[0])
        if n := len(y) - first:
            late = self._waiting.followed_by(X[first:], y[first:], w[first:], n)
            forecasts.append(self.learner.step_many(*late, ask=X[first:]))
            self._wait(X[first:], y[first:], w[first:], forecasts[-1])
            self._score_late(late[0], *self._waiting.arrive(n))
        return join(forecasts)

    def _wait(self, X: Any, y: list[Any], w: list[float], given: Predictions) -> None:
        self._waiting.put(X, y, w, y_pred=list(given.y_pred), proba=self._score.given(y, given))

    def _score_late(self, X: Any, y: list[Any], y_pred: list[Any], proba: list[float]) -> None:
        """Score rows with the predictions issued earlier."""
        self._scored += len(y)
        self._score.update(y, y_pred, proba)
        self._show(X, y, y_pred, proba)

    def _show(self, X: Any, y: list[Any], y_pred: Any, proba: list[float], forecast: Predictions | None = None) -> None:
        """Pass rows to the watchers, and their events to the policies."""
        said = y_pred.tolist() if isinstance(y_pred, np.ndarray) else y_pred
        rows = ScoredRows(self._scored - len(y) + 1, X, y, said, proba, self.learner.task, forecast)
        if self._late is not None:
            self._late.take_scored(rows)
        events = [event for watcher in self._watchers for event in watcher.see(rows, self.learner)]
        if self._adaptation is not None:
            events += self._adaptation.see(rows, events, self.learner)
        self._events += events

    def _record_every(self, most: int) -> int:
        """Return after how many rows the next record is due, which is fewer at first where records come early."""
        return self._paced(most) if self._early else most

    def _paced(self, most: int) -> int:
        """Return a number of rows that grows with those there were, up to ``most``."""
        return min(most, max(_EARLIEST, int(10 ** (len(str(self.rows)) - 2))))

    def _next_size(self, X: Any) -> int:
        """Return the number of rows to process next, at most a block and never past a row where something is due."""
        # The first row goes alone, because imports at first use would distort rows/s.
        size = max(self._block, FRAME_BLOCK) if isinstance(X, FrameRows) else self._block
        size = size if self.rows else 1
        noted = None if self._note is None else self._paced(_NOTE_EVERY)
        for n in (self._every and self._record_every(self._every), self._keep_every, noted):
            size = min(size, n - self.rows % n) if n else size
        dues = list(map(_DUE, self._watchers))
        dues += [] if self._adaptation is None else [self._adaptation.due]
        dues += [] if self._late is None else [self._late.sample_due]
        waiting = len(self._waiting.y) if self._delay else 0
        missing = self._delay - waiting - self._scored  # rows until the first labels have arrived
        for due in dues:
            size = min(size, due + missing) if due is not None and due + missing > 0 else size
        return size

    def _answered(self, X: Any, y: list[Any], w: Any) -> tuple[Any, list[Any], Any]:
        """Drop the rows whose label is unknown or can't be scored."""
        if len(y) != len(X):
            raise not_as_many(y, len(X))
        if not isinstance(X, (list, np.ndarray)):
            X = X if isinstance(X, FrameRows) else FrameRows(X)
            # Delayed labels span blocks whose columns may differ, and foreign learners take only rows.
            X = list(X) if self._delay or self._own is None else X
        kinds = set(map(type, y))
        classify = self._score.of_classes
        if self._answers and (kinds <= PLAIN if classify else kinds == {float} and sum(map(abs, y)) <= FARTHEST):
            return X, y, w  # NaN fails the comparison
        reasons = list(map(self._score.problem, y))
        if not any(reasons):
            return X, y, w
        self._left_out.update(filter(None, reasons))
        if not self._answers:  # the row is still learned
            return X, y, w
        kept = [i for i, reason in enumerate(reasons) if not reason]
        rows = [X[i] for i in kept] if isinstance(X, list) else X[kept]
        return rows, [y[i] for i in kept], None if w is None else [w[i] for i in kept]

    def _without_answers(self, n: int) -> list[Any]:
        """Return None labels for n rows, or raise DataError if labels are needed."""
        if self._answers:
            raise DataError(
                expected="an answer for each row",
                got="none",
                at="y",
                help="Only unsupervised learners take rows alone.",
            )
        return [None] * n

    def _rejected(self) -> dict[str, int]:
        counts = self._left_out + Counter(self._stream.rejects.counts if self._stream else {})
        for reason, count in self.learner.rejected.items():
            counts[reason] += count - self._rejected_before.get(reason, 0)
        return {reason: count for reason, count in counts.items() if count}

    def _call_on_record(self, record: Metrics) -> None:
        if (record.rows, record.scored) == self._last_record:
            return  # already reported, because the stream ended where a record was due
        self._last_record = (record.rows, record.scored)
        self._curve.append(record)
        if len(self._curve) > POINTS:  # every second one goes, and the newest stays
            self._curve = self._curve[1::2]
        self._events = []
        for call in self.on_record:
            call(record)

    def _timed(self, blocks: Iterator[Block]) -> Iterator[Block]:
        # Reading time counts, so that rows/s is end to end.
        while True:
            started = time.perf_counter()
            block = next(blocks, None)
            self._seconds += time.perf_counter() - started
            if block is None:
                return
            yield block


def _adaptation(adapt: Policy | Sequence[Policy], learner: Any) -> Adaptation:
    """Return an `Adaptation` for the policies."""
    from headwater.route.policies import Adaptation, Replay  # most sessions have none

    if not isinstance(learner, OwnLearner):
        raise ConfigError(
            expected=f"{named_able('step')} to adapt",
            got=type(learner).__name__,
            at="adapt of Session",
            help="Leave adapt out.",
        )
    check_can(learner, "step", at="adapt of Session")
    policies = tuple(adapt) if isinstance(adapt, Sequence) else (adapt,)
    if any(isinstance(policy, Replay) for policy in policies):
        check_stateless(learner, "a learner that can learn old rows again", at="Replay in adapt of Session")
    return Adaptation(policies)


def _check_delay(learner: Any, answers: bool, delay: int) -> None:
    """Refuse a delay where no answers are waited for."""
    if not answers:
        raise ConfigError(
            expected="no delay for an unsupervised learner",
            got=str(delay),
            at="delay",
            help="Leave delay out.",
        )
    check_can(learner, "delay", at="delay of Session")


def _counts(**given: Any) -> list[Any]:
    """Return numbers of rows as Python's int, NumPy's too; None stays where it means never."""
    counts: list[Any] = []
    for name, value in given.items():
        least = 0 if name == "delay" else 1
        try:
            counts.append(None if value is None and "every" in name else index(value))
        except TypeError:
            counts.append(-1)
        if counts[-1] is not None and counts[-1] < least:
            raise ConfigError(
                expected=f"{name} of at least {least}", got=shown(value), at=name, help="Give a larger number of rows."
            )
    return counts
