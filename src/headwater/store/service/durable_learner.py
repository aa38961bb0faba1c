"""A learner in this process that loses no acknowledged example, however the process ends."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError, StoreError
from headwater.learner.kind import check_can, kind_of
from headwater.learner.schema import Response
from headwater.learner.validation import as_samples, check_rows, not_as_many
from headwater.route.verdict.cells import cell_of
from headwater.store.forget.expiry import Age
from headwater.store.forget.ledger import Export
from headwater.store.forget.record import Forgetting, Forgotten
from headwater.store.forget.selection import Selection
from headwater.store.journal.events import (
    JournalEvent,
    pack,
    plain,
    plain_sample,
    unpack_events,
)
from headwater.store.journal.requests import Gap, LabelRequest, LearnRequest, PendingRequest, StepRequest
from headwater.streams import PIECE, Uninterrupted, as_blocks
from headwater.types import NOTEBOOK, SCORED_FIGURE, SCORED_PICTURES, Comparison, Predictions

from .challengers import challengers_of
from .model import Model, labels_of
from .service import Request, Service

_NOT_GIVEN = object()
NAME = "default"
"""Name of the model that ``hw.open`` uses. A server on the same file may have more."""


class DurableLearner:
    """A learner whose examples are journaled before they are learned.

    ``hw.open`` creates one, for use in a ``with`` block. It is thread-safe. It has the methods of the learner inside, and
    ``predict_with_id`` and ``label`` for delayed labels.

    Parameters
    ----------
    service : Service
        The open store.
    model : Model
        The model in the store.
    """

    def __init__(self, service: Service, model: Model) -> None:
        self.service, self._model = service, model

    def __getattr__(self, name: str) -> Any:
        own = sorted(name for name in dir(type(self)) if not name.startswith("_"))
        raise AttributeError(f"{type(self).__name__} has no {name!r}. It has {', '.join(own)}")

    def __reduce__(self) -> Any:
        raise StoreError(
            expected="a learner that can be copied",
            got="one whose store only this process writes",
            at=str(self.service.path),
            help="Copy the learner, without its journal: headwater.load of the path of the store.",
        )

    @property
    def task(self) -> str:
        """Task of the learner in one word, such as ``"classify"``."""
        return self._model.task

    @property
    def seq(self) -> int:
        """Number of the last learned event."""
        return self._model.at

    @property
    def learner(self) -> Any:
        """The learner that answers. Never train it directly, because a restart would lose that."""
        return self._model.champion.learner

    @property
    def classes(self) -> list[Any]:
        """The classes seen so far."""
        return list(self.learner.known_classes)

    @property
    def n_learned(self) -> int:
        """Number of rows learned."""
        return int(self.learner.n_learned)

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of rejected rows, dropped values and undone steps so far, by reason."""
        return dict(self.learner.rejected)

    @property
    def scores(self) -> dict[str, Any]:
        """Prequential metrics of the model and the baselines, over all rows and over the last thousand.

        Where the primary metric is an estimate, ``interval`` is its 95 % interval.
        """
        with self._model.lock:
            looked = self._model.champion.scores.looked()
        return looked.scores()

    @property
    def challengers(self) -> dict[str, dict[str, Any]]:
        """Rows learned, metrics and lead over the champion of each challenger, by its name.

        The ``lead`` is known of kinds whose choices others learn from, such as bandits: by "recent" and "overall" its ``state``
        ("better", "worse", "open" or "unexplored"), ``value`` and 95 % ``interval``. ``said`` has sentences by language.
        """
        found = challengers_of(self._model)
        return {one["name"]: {name: value for name, value in one.items() if name != "name"} for one in found}

    def describe(self) -> dict[str, Any]:
        """Return a description of the model."""
        with self._model.lock:
            about: dict[str, Any] = self.learner.describe()
        if self.service.expiry.retention is not None:
            about["max_age"], about["oldest_row"] = str(self.service.expiry.retention), asdict(self.oldest)
        return about

    @property
    def oldest(self) -> Age:
        """How old the oldest row within the learner can be (time in ms since 1970, events since)."""
        with self.service.reading_lock():
            return self.service.expiry.age(self._model.champion)

    # ---- predict -----------------------------------------------------------------------------------------------------

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the learner."""
        with self._model.lock:
            predicted: Predictions = self.learner.predict_batch(X)
        return predicted

    def ask(self, X: Any = None, **question: Any) -> Response:
        """Answer the kind's question as the learner's ``ask`` does."""
        with self._model.lock:
            return kind_of(self.learner).ask(self.learner, X, **question)

    def importance(self, method: str | None = None) -> dict[Any, float]:
        """Return the current importance of each feature, as the learner's ``importance`` does."""
        with self._model.lock:
            found: dict[Any, float] = self.learner.importance(method)
        return found

    def diagnose(self) -> Any:
        """Return problems with evidence and remedy, as the learner's ``diagnose`` does."""
        with self._model.lock:
            return self.learner.diagnose()

    def explain_one(self, x: Mapping[Any, Any], **how: Any) -> Any:
        """Attribute one prediction or score to the features, with ``how`` as in the learner's own ``explain_one``."""
        with self._model.lock:
            return self.learner.explain_one(x, **how)

    def plot(self) -> Any:
        """Plot the scores in service and what the learner's kind declares, with matplotlib.

        The curve is that of the last thousand rows beside simple baselines, as on the live page.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return SCORED_FIGURE(self.learner, self._model.champion.scores, lock=self._model.lock)

    def pictures(self) -> list[Any]:
        """Return what ``plot`` draws, as numbers (``learner.schema.pictures``)."""
        with self._model.lock:
            found: list[Any] = SCORED_PICTURES(self.learner, self._model.champion.scores)
        return found

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """What the verdict compares, the main metric of the model beside its baselines, once for each output."""
        with self._model.lock:
            return self._model.champion.scores.comparisons()

    def latest(self, rows: int = 5) -> list[dict[str, Any]]:
        """Return the latest rows in the columns that the learner's kind declares, newest first.

        Parameters
        ----------
        rows : int
            The most to return.

        Returns
        -------
        list of dict
            ``row``, its number in the journal, then a value by column: numbers, texts, or None where it is missing.
        """
        with self._model.lock:
            recent = list(self._model.recent)[::-1][:rows]
            labels = labels_of(self.learner, [event for _, event, _ in recent])
            columns = kind_of(self.learner).views.latest
        return [
            {"row": seq, **{column.name: cell_of(column, said, label) for column in columns}}
            for (seq, _, said), label in zip(recent, labels, strict=True)
        ]

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    # ---- learn -------------------------------------------------------------------------------------------------------

    def learn_one(self, x: Mapping[Any, Any], y: Any = _NOT_GIVEN, w: float = 1.0, *, id: str | None = None) -> int:  # noqa: A002
        """Write one sample to disk, then learn it.

        Parameters
        ----------
        x, y, w
            The sample, its label, its weight. An unsupervised learner takes the sample alone. It uses an optional label (0 or 1)
            only for metrics, never for learning.
        id : str, optional
            Id of the example. Only the first example with the same id is learned.

        Returns
        -------
        int
            Number of the event in the journal.
        """
        answers = self._commit([self._event(x, y, w, id)])
        return int(answers[0]["seq"])

    def learn_many(self, X: Any, y: Any = _NOT_GIVEN, w: Any = None) -> NDArray[Any]:
        """Write rows to disk, then learn them one by one, returning the prediction made before each was learned.

        More than 8,192 rows are committed in pieces of that size. If any row is invalid, nothing is learned. After a disk failure or
        Ctrl-C the pieces before are learned, up to ``seq``.
        """
        return self.teach(X, y, w)

    def teach(self, X: Any, y: Any = _NOT_GIVEN, w: Any = None) -> NDArray[Any]:
        """Learn rows as ``learn_many`` does, with the same arguments for every kind of learner.

        Parameters
        ----------
        X, y, w
            Rows, their labels or what else the kind learns from (``kind.answer``), and their weights.

        Returns
        -------
        ndarray (n,)
            The prediction made before each row was learned.
        """
        predictions = [answer["y_pred"] for answer in self._commit(self._events(X, y, w))]
        if all(isinstance(value, float) for value in predictions):
            return np.asarray(predictions, np.float64)
        out = np.empty(len(predictions), object)
        out[:] = predictions
        return out

    def step(self, X: Any, y: Any = _NOT_GIVEN, w: Any = None) -> Response:
        """Learn rows as ``teach`` does and return each row's prediction from before."""
        return Response({kind_of(self.learner).response[0].name: self.teach(X, y, w)})

    def predict_with_id(self, x: Mapping[Any, Any]) -> tuple[str, Any]:
        """Predict a sample whose label will arrive later. A kind that makes choices makes one here.

        Returns
        -------
        id : str
            Id to pass to ``label``. It survives any end of the process.
        y_pred
            The prediction. Metrics use it, whenever the label arrives.
        """
        name, (said, _) = self._keep(x)
        return name, said

    def _keep(self, x: Mapping[Any, Any], **question: Any) -> tuple[str, tuple[Any, Any]]:
        """Store what is said of a sample, and return its id with it (and the probabilities)."""
        check_can(self.learner, "late", at="predict_with_id")
        issued = self._model.issue([self._exact(x)], question)
        request = PendingRequest(self._model.id, issued, question=question)
        self._run(request)
        return request.answers[0]["id"], request.predictions[0].predicted[self._model.champion.name]

    def _exact(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return a sample as the store gives it back."""
        exact = unpack_events(pack([JournalEvent(plain_sample(x), None)]))
        self._check_keys(exact, learning=False)
        return exact[0].x

    def label(self, id: str, y: Any, w: float | None = None) -> dict[str, Any]:  # noqa: A002 - as over HTTP
        """Learn the label of an earlier prediction.

        Returns
        -------
        dict
            ``seq``, ``waited_s``, and ``late`` or ``repeated`` if true. Where answers are learned in order, one that comes before an
            earlier one has no ``seq`` yet, but ``held`` and how many it ``waits_for``; one after which others could be learned says
            how many were ``released``.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If the label can't be learned.
        """
        check_can(self.learner, "late", at="label")
        request = LabelRequest(self._model.id, id, self.learner.kind.answer.read_late(plain(y), self.learner), w)
        self._run(request)
        return request.answers[0]

    def learn_from(
        self,
        source: str,
        target: str | None = None,
        *,
        predictions: str | None = None,
        dead_letters: str | None = None,
        decode: Callable[[bytes], Mapping[str, Any] | None] | None = None,
        drop: Collection[str] = (),
        accept_gap: bool = False,
        limit: int | None = None,
        ends: Callable[[], bool] = lambda: False,
        on_commit: Callable[[int], object] | None = None,
    ) -> Any:
        """Follow a broker and learn each row exactly once, continuing at the store's position.

        The read position is committed in the transaction that journals the rows. So if the process or the broker ends at any moment,
        nothing is lost and nothing is learned twice. See the how-to on brokers.

        Parameters
        ----------
        source : str
            ``kafka://``, ``nats://``, ``redis://``, ``postgresql://`` or ``mqtt://``, such as
            ``"kafka://host:9092/topic?answers=late&key=id&format=avro"``.
        target : str, optional
            The label column. Anomaly models need none.
        predictions : str, optional
            Address of a topic or table for predictions, each made before its row was learned.
        dead_letters : str, optional
            Address of a topic or table for rejected messages, each with its reason.
        decode : callable, optional
            Decodes a message's bytes to a row, instead of ``format=``. Returns None to skip a message.
        drop : collection of str
            Columns that are not features.
        accept_gap : bool
            Whether to continue when messages were deleted before they were read. `gaps` then lists them.
        limit : int, optional
            Maximum number of messages to read. Without it, and without ``idle=`` in the address, this runs forever.
        ends : callable
            Called between reads, returns true to end.
        on_commit : callable, optional
            Called with the number of messages after each commit.

        Returns
        -------
        Followed
            Counters of the source (messages read, rows learned, waiting and rejected ones).

        Raises
        ------
        ConfigError
            If the address is invalid.
        MissingExtra
            If the broker's client is not installed.
        SourceError
            If the source can't be read, no longer has the messages after the learned position, or it or a sink is unavailable for
            five minutes.
        """
        from headwater.store.sources.follower import Follower

        how: dict[str, Any] = {"target": target, "predictions": predictions, "decode": decode, "drop": drop}
        how["dead_letters"] = dead_letters
        follower = Follower(self.service, self._model, source, accept_gap=accept_gap, **how)
        return follower.run(limit=limit, ends=ends, on_commit=on_commit)

    def gaps(self, source: str) -> list[Gap]:
        """Return the gaps where messages were deleted before they were read and learning continued.

        Parameters
        ----------
        source : str
            Name of the source in the store, such as ``"kafka:orders"``.
        """
        return self.service.sources.gaps(self._model.id, source)

    def rejects(self, source: str) -> list[tuple[str, str, str, bytes]]:
        """Return the last thousand rejected messages of a followed source, cut to 4 kB each.

        Parameters
        ----------
        source : str
            Name of the source in the store, such as ``"kafka:orders"``.

        Returns
        -------
        list of tuple
            Partition, position, reason and message.
        """
        return self.service.sources.rejects(self._model.id, source)

    # ---- challengers -------------------------------------------------------------------------------------------------

    def challenge(self, name: str, learner: Any) -> None:
        """Add a challenger, which learns every row from here on and is scored beside the champion.

        Parameters
        ----------
        name
            Its name in the store.
        learner : Learner
            A learner of the same kind.

        Raises
        ------
        ConfigError
            If the name is taken or invalid, or the learner is of another kind.
        """
        self.service.change(self.service.models.add, self._model, name, learner)

    def promote(self, name: str) -> None:
        """Make a challenger the champion. The champion goes on as a challenger.

        Raises
        ------
        UnknownModel
            If there is no such challenger.
        """
        self.service.change(self.service.models.promote, self._model, name)

    def drop(self, name: str) -> None:
        """Remove a challenger with what it has learned.

        Raises
        ------
        UnknownModel
            If there is no such challenger.
        ConfigError
            If it is the champion.
        """
        self.service.change(self.service.models.remove, self._model, name)

    # ---- forget ------------------------------------------------------------------------------------------------------

    def forget(
        self,
        *,
        rows: Collection[int] | None = None,
        ids: Collection[str] | None = None,
        where: Mapping[Any, Any] | None = None,
        reason: str = "",
        dry_run: bool = False,
    ) -> Forgetting:
        """Forget rows exactly, so that the learner has the same bits as one that never saw them.

        Their place in the journal is kept by tombstones without content. Past states, waiting predictions, rejected and outgoing
        messages are rid of them too, and the file is rebuilt. The forget list beside the store keeps hashes of what was forgotten, so
        that a restored backup and a broker that is read again forget it as well. Predicting goes on meanwhile, learning waits only for
        the last part.

        Parameters
        ----------
        rows : collection of int, optional
            Numbers of events, as ``learn_one`` returns them.
        ids : collection of str, optional
            Ids that were given with examples, or ids of predictions.
        where : dict, optional
            Values by column. A row that has all of them is forgotten. Values are compared as texts.
        reason : str
            The reason, which the store keeps. Write no name into it.
        dry_run : bool
            Whether to say only what would be done.

        Returns
        -------
        Forgetting
            Rows found, events to learn again and the time it takes, what else is removed, copies to recall, and what can't be
            forgotten.

        Raises
        ------
        ConfigError
            If nothing is selected, or a row can't be forgotten exactly. Nothing is changed then.
        """
        return self.service.forget([self._model.name], Selection.of(rows, ids, where), reason, dry_run=dry_run)

    def forgotten(self) -> list[Forgotten]:
        """Return what was forgotten, oldest first, without any content."""
        return self.service.forgettings()

    def exports(self) -> list[Export]:
        """Return where copies of the state went that were made through this object or its server, oldest first."""
        return self.service.exports()

    def set_step(self, factor: float) -> int:
        """Multiply the learner's declared step size by ``factor`` from here on.

        The change is journaled, so that a restart restores the same learner bit for bit. A factor of 1 restores the declared size.

        Returns
        -------
        int
            Number of the change in the journal.
        """
        request = StepRequest(self._model.id, None, factor)
        self._run(request)
        return int(request.answers[0]["seq"])

    def save(self, path: Any) -> None:
        """Write the learner to a model file."""
        with self._model.lock:
            self.learner.save(path)
            seq = self._model.seq
        sha = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        self.service.note_export(self._model.name, seq, "model file", str(Path(path).resolve()), sha)

    def as_of(self, seq: int) -> Any:
        """Return the learner as it was after event ``seq``."""
        return self.service.as_of(self._model.name, seq)

    def snapshot(self) -> int:
        """Write a snapshot now and return the sequence that it includes."""
        return self.service.snapshot()

    def backup(self, to: str | Path) -> int:
        """Write a verified copy of the store to a new path while learning continues.

        Parameters
        ----------
        to : str or Path
            Path of the copy, which appears only once it is complete.

        Returns
        -------
        int
            Size of the copy in bytes.

        Raises
        ------
        StoreError
            If the copy can't be written, or is damaged.
        """
        return self.service.backup(to)

    def close(self) -> None:
        """Write a last snapshot and close the file."""
        self.service.close()

    def __enter__(self) -> DurableLearner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _events(self, X: Any, y: Any, w: Any) -> list[JournalEvent]:
        X = as_samples(X)
        n = check_rows(X)
        y = [self._answer(_NOT_GIVEN, self.learner)] * n if y is None or y is _NOT_GIVEN else y
        if len(y) != n:
            raise not_as_many(y, n)
        weights = [None] * n if w is None else np.broadcast_to(np.asarray(w, np.float64), (n,)).tolist()
        rows = X if isinstance(X, Sequence) else [x for block in as_blocks((X, y)) for x in _dicts(block.X)]
        labels = y.tolist() if isinstance(y, np.ndarray) else list(y)
        return [self._event(*row, None) for row in zip(rows, labels, weights, strict=True)]

    def _event(self, x: Mapping[Any, Any], y: Any, w: float | None, name: str | None) -> JournalEvent:
        learner = self._model.live[0].learner
        if w is not None and w != 1.0:
            check_can(learner, "weights", at="w")
        return JournalEvent(plain_sample(x), self._answer(y, learner), None if w == 1.0 else w, name)

    def _answer(self, y: Any, learner: Any) -> Any:
        answer = learner.kind.answer
        if y is not _NOT_GIVEN:  # a date is no label: it says so
            return answer.read(y if type(y) is str or isinstance(y, dt.date) else plain(y), learner)
        if answer.needed:
            raise DataError(
                expected="an answer", got="none", at="y", help="Only unsupervised learners take samples alone."
            )
        return None

    def _commit(self, events: list[JournalEvent]) -> list[dict[str, Any]]:
        model, body = self._model, pack(events)
        exact = unpack_events(body)  # round trip, so that a replay learns exactly the same
        if "keys" in model.champion.learner.kind.can:
            self._check_keys(exact, learning=True)
        if len(exact) <= PIECE:
            request = LearnRequest(model.id, exact, body)
            self._run(request)
            return request.answers
        self.service.check(model, exact)
        answers: list[dict[str, Any]] = []
        for at in range(0, len(exact), PIECE):
            request = LearnRequest(model.id, exact[at : at + PIECE])
            self._run(request)
            answers += request.answers
        return answers

    def _check_keys(self, events: list[JournalEvent], *, learning: bool) -> None:
        """Raise DataError for rows for which a fleet has no member. Other learners need no keys."""
        learner = self._model.live[0].learner
        if "keys" in learner.kind.can:
            learner.check_keys([event.x for event in events], learning=learning)

    def _run(self, request: Request) -> None:
        if self._model.paused and isinstance(request, LearnRequest | LabelRequest):
            raise ConfigError(
                expected="a model that learns", got="a paused one", at=self._model.name, help="Resume it."
            )
        with Uninterrupted():
            problem = self.service.commit([request])[0]
        if problem is not None:
            raise problem


class DurablePredictor(DurableLearner):
    """A durable learner of a kind that predicts rows, and has no more methods than that."""

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the answer for a sample."""
        with self._model.lock:
            return self.learner.predict_one(x)

    def predict_many(self, X: Any) -> Any:
        """Predict the answer for each row, without changing the learner."""
        with self._model.lock:
            return self.learner.predict_many(X)


def _dicts(X: Any) -> list[dict[str, Any]]:
    if isinstance(X, np.ndarray):
        names = [f"x{j}" for j in range(X.shape[1])]
        return [dict(zip(names, row, strict=True)) for row in X.tolist()]
    return list(X)


__all__ = ["NAME", "DurableLearner", "DurablePredictor"]
