"""A learner in this process that loses nothing it has been taught, however the process ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError
from headwater.learner.kind import check_can, kind_of
from headwater.store.journal.events import (
    JournalEvent,
    PendingPrediction,
    pack_events,
    plain,
    plain_sample,
    unpack_events,
)
from headwater.store.journal.requests import Gap, LabelRequest, LearnRequest, PendingRequest, StepRequest
from headwater.streams import PIECE, as_blocks
from headwater.types import Predictions

from .model import Model
from .service import Request, Service

_NOT_GIVEN = object()
NAME = "default"
"""The model that ``hw.open`` gives; a server on the same file may hold more."""


class DurableLearner:
    """A learner whose examples are journaled before they are learned. ``hw.open`` makes one; use it in a ``with`` block.

    It may be used from several threads. Its methods are those of the learner inside, and for answers that
    come later ``predict_with_id`` and ``label``.

    Parameters
    ----------
    service : Service
        The open store.
    model : Model
        The model in it.
    """

    def __init__(self, service: Service, model: Model) -> None:
        self.service, self._model = service, model

    def __getattr__(self, name: str) -> Any:
        own = sorted(name for name in dir(type(self)) if not name.startswith("_"))
        raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(own)}")

    @property
    def task(self) -> str:
        """What the learner is for, in one word: ``"classify"`` and so on."""
        return self._model.task

    @property
    def seq(self) -> int:
        """The number of the last event that was learned."""
        return self._model.seq

    @property
    def learner(self) -> Any:
        """The learner inside; teach it nothing directly, or a restart will not know of it."""
        return self._model.champion.learner

    @property
    def classes(self) -> list[Any]:
        """The classes seen so far."""
        return list(self.learner.known_classes)

    @property
    def n_learned(self) -> int:
        """How many rows were learned."""
        return int(self.learner.n_learned)

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps so far, by reason."""
        return dict(self.learner.rejected)

    @property
    def scores(self) -> dict[str, Any]:
        """Prequential scores next to the baselines', over all rows and over the last thousand."""
        with self._model.lock:
            return self._model.champion.scores.report()

    def describe(self) -> dict[str, Any]:
        """Say what the model is."""
        with self._model.lock:
            about: dict[str, Any] = self.learner.describe()
        return about

    # ---- predict -----------------------------------------------------------------------------------------------------

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows; nothing is changed."""
        with self._model.lock:
            predicted: Predictions = self.learner.predict_batch(X)
        return predicted

    def explain_one(self, x: Mapping[Any, Any], **how: Any) -> Any:
        """Say how much each feature moved one prediction or score; ``how``: as in the learner's own ``explain_one``."""
        with self._model.lock:
            return self.learner.explain_one(x, **how)

    # ---- learn -------------------------------------------------------------------------------------------------------

    def learn_one(self, x: Mapping[Any, Any], y: Any = _NOT_GIVEN, w: float = 1.0, *, id: str | None = None) -> int:  # noqa: A002
        """Learn one sample, once it is on disk.

        Parameters
        ----------
        x, y, w
            The sample, its answer, its weight. A learner that needs no answers takes the sample alone; a label (0 or 1) that
            comes with it is for the scores, and the learner is never shown it.
        id : str, optional
            A name of the example; of those with the same name only the first is learned.

        Returns
        -------
        int
            Its number in the journal.
        """
        answers = self._commit([self._event(x, y, w, id)])
        return int(answers[0]["seq"])

    def learn_many(self, X: Any, y: Any = _NOT_GIVEN, w: Any = None) -> NDArray[Any]:
        """Learn rows strictly one by one, once they are on disk; return the prediction made before each was learned.

        More than 8,192 rows are committed in pieces of so many. Nothing is learned if one of them can't be; but where the disk gives
        up, or Ctrl-C is pressed, the pieces before are learned: ``seq`` says how far.
        """
        return self.teach(X, y, w)

    def teach(self, X: Any, y: Any = _NOT_GIVEN, w: Any = None) -> NDArray[Any]:
        """Learn rows of any kind as ``learn_many`` does, with the same arguments for every kind.

        Parameters
        ----------
        X, y, w
            Rows, what the kind learns beside each (``kind.answer``), and their weights.

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

    def predict_with_id(self, x: Mapping[Any, Any]) -> tuple[str, Any]:
        """Predict a sample whose answer will come later.

        Returns
        -------
        id : str
            What to call it in ``label``; it survives any end of the process.
        y_pred
            The prediction. The score is of this one, whenever the answer comes.
        """
        check_can(self.learner, "late", at="predict_with_id")
        clean = unpack_events(pack_events([JournalEvent(plain_sample(x), None)]))[0].x
        self._check_keys([clean], learning=False)
        rows, seq, _ = self._model.predict([clean], shadows=True)
        request = PendingRequest(self._model.id, [PendingPrediction(clean, rows[0], seq)])
        self._run(request)
        return request.answers[0]["id"], rows[0][self._model.champion.name][0]

    def label(self, id: str, y: Any, w: float | None = None) -> dict[str, Any]:  # noqa: A002 - as over HTTP
        """Learn the answer to an earlier prediction.

        Returns
        -------
        dict
            ``seq``, ``waited_s``; ``late`` or ``repeated`` where that is so.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If there is nothing to learn from it.
        """
        check_can(self.learner, "late", at="label")
        request = LabelRequest(self._model.id, id, self._answer(y), w)
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
        """Follow a broker and learn each row once, from where the store stands; see the how-to on brokers.

        How far was read is kept in the transaction that journals the rows, so an end of the process or of the broker at any
        moment loses nothing and learns nothing twice.

        Parameters
        ----------
        source : str
            ``kafka://``, ``nats://``, ``redis://``, ``postgresql://`` or ``mqtt://``, such as
            ``"kafka://host:9092/topic?answers=late&key=id&format=avro"``.
        target : str, optional
            The column of the answers; a detector needs none.
        predictions : str, optional
            The address of a topic or table that predictions go to, each made before its row was learned.
        dead_letters : str, optional
            The address of a topic or table that messages go to which can't be used, each with its reason.
        decode : callable, optional
            What makes a row of a message's bytes in place of ``format=``; None passes a message over.
        drop : collection of str
            Columns that are no features.
        accept_gap : bool
            Whether to go on where messages are gone before they were read. `gaps` then says how many.
        limit : int, optional
            Messages to read at most; without it, and without ``idle=`` in the address, it goes on for ever.
        ends : callable
            Asked between two reads whether to end.
        on_commit : callable, optional
            Called with the number of messages after each commit.

        Returns
        -------
        Followed
            How the source stands: what was read and learned, what waits, what was refused.

        Raises
        ------
        ConfigError
            If the address can't be.
        MissingExtra
            If the broker's client is not installed.
        SourceError
            If the source can't be read, or no longer has what comes behind the position that was learned; if it, or what is sent to,
            stays away for five minutes.
        """
        from headwater.store.sources.follower import Follower

        how: dict[str, Any] = {"target": target, "predictions": predictions, "decode": decode, "drop": drop}
        how["dead_letters"] = dead_letters
        follower = Follower(self.service, self._model, source, accept_gap=accept_gap, **how)
        return follower.run(limit=limit, ends=ends, on_commit=on_commit)

    def gaps(self, source: str) -> list[Gap]:
        """Return where learning went on without messages that were gone before they were read.

        Parameters
        ----------
        source : str
            The source's name in the store, such as ``"kafka:orders"``.
        """
        return self.service.sources.gaps(self._model.id, source)

    def rejects(self, source: str) -> list[tuple[str, str, str, bytes]]:
        """Return the last thousand messages of a followed source that could not be used, of each the first 4 kB.

        Parameters
        ----------
        source : str
            Its name in the store, such as ``"kafka:orders"``.

        Returns
        -------
        list of tuple
            Partition, position, reason, and the message as it came, as far as it is kept.
        """
        return self.service.sources.rejects(self._model.id, source)

    def set_step(self, factor: float) -> int:
        """Let the learner step ``factor`` times as far as it was declared to, from here on; 1 is as declared.

        The change is journaled, so that the learner which comes back is the same, to the bit.

        Returns
        -------
        int
            The change's number in the journal.
        """
        request = StepRequest(self._model.id, None, factor)
        self._run(request)
        return int(request.answers[0]["seq"])

    def save(self, path: Any) -> None:
        """Write the learner to a model file."""
        with self._model.lock:
            self.learner.save(path)

    def as_of(self, seq: int) -> Any:
        """Return the learner as it stood after event ``seq``."""
        return self.service.as_of(self._model.name, seq)

    def snapshot(self) -> int:
        """Write a snapshot now; return the sequence that it includes."""
        return self.service.snapshot()

    def backup(self, to: str | Path) -> int:
        """Write a whole copy of the store to a path where nothing is, verified, while learning goes on.

        Parameters
        ----------
        to : str or Path
            The copy. Nothing stands there until it is whole.

        Returns
        -------
        int
            Its size in bytes.

        Raises
        ------
        StoreError
            If it can't be written, or the copy is not sound.
        """
        return self.service.backup(to)

    def close(self) -> None:
        """Write a last snapshot and let the file go."""
        self.service.close()

    def __enter__(self) -> DurableLearner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _events(self, X: Any, y: Any, w: Any) -> list[JournalEvent]:
        n = len(X)
        y = [self._answer(_NOT_GIVEN)] * n if y is None or y is _NOT_GIVEN else y
        if len(y) != n:
            raise DataError(
                expected=f"{n} answers for {n} rows", got=str(len(y)), at="y", help="Give one answer a row."
            )
        weights = [None] * n if w is None else np.broadcast_to(np.asarray(w, np.float64), (n,)).tolist()
        rows = X if isinstance(X, Sequence) else [x for block in as_blocks((X, y)) for x in _dicts(block.X)]
        labels = y.tolist() if isinstance(y, np.ndarray) else list(y)
        return [self._event(*row, None) for row in zip(rows, labels, weights, strict=True)]

    def _event(self, x: Mapping[Any, Any], y: Any, w: float | None, name: str | None) -> JournalEvent:
        if w is not None and w != 1.0:
            check_can(self.learner, "weights", at="w")
        return JournalEvent(plain_sample(x), self._answer(y), None if w == 1.0 else w, name)

    def _answer(self, y: Any) -> Any:
        answer = self.learner.kind.answer
        if y is not _NOT_GIVEN:
            return answer.read(
                y if isinstance(y, dt.date) else plain(y), self.learner
            )  # a date is no label: it says so
        if answer.needed:
            raise DataError(
                expected="an answer", got="none", at="y", help="Only a learner that needs none takes samples alone."
            )
        return None

    def _commit(self, events: list[JournalEvent]) -> list[dict[str, Any]]:
        exact = unpack_events(pack_events(events))  # what is learned now is what a replay will learn
        self._check_keys([event.x for event in exact], learning=True)
        if len(exact) > PIECE:
            self.service.check(self._model, exact)
        answers: list[dict[str, Any]] = []
        for at in range(0, len(exact), PIECE):
            request = LearnRequest(self._model.id, exact[at : at + PIECE])
            self._run(request)
            answers += request.answers
        return answers

    def _check_keys(self, X: list[dict[Any, Any]], *, learning: bool) -> None:
        """Refuse rows for which a fleet has no member; other learners need no keys."""
        if "keys" in kind_of(self.learner).can:
            self.learner.check_keys(X, learning=learning)

    def _run(self, request: Request) -> None:
        if self._model.paused and isinstance(request, LearnRequest | LabelRequest):
            raise ConfigError(
                expected="a model that learns", got="a paused one", at=self._model.name, help="Resume it."
            )
        problem = self.service.commit([request])[0]
        if problem is not None:
            raise problem


def _dicts(X: Any) -> list[dict[str, Any]]:
    if isinstance(X, np.ndarray):
        names = [f"x{j}" for j in range(X.shape[1])]
        return [dict(zip(names, row, strict=True)) for row in X.tolist()]
    return list(X)


__all__ = ["NAME", "DurableLearner"]
