"""``open``: a learner in this process that loses nothing it has been taught, however the process ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.classifier import Classifier
from headwater.errors import ConfigError, DataError
from headwater.streams import as_blocks
from headwater.types import Forecast

from .event import Asked, Event, pack_events, plain, plain_sample, unpack_events
from .member import Model
from .requests import Keep, Label, Learn, SetStep
from .service import Rules, Service

NAME = "default"
"""The model that ``open`` gives; a server on the same file may hold more."""


def open(path: str | Path, learner: Any = None, *, rules: Rules | None = None) -> DurableLearner:  # noqa: A001 - as gzip.open
    """Open a durable learner: what it was taught is on disk before a call returns, and comes back to the bit.

    Parameters
    ----------
    path : str or Path
        The store, one SQLite file; made if it is missing.
    learner : Classifier or Regressor, optional
        What a new store begins with (a Classifier without it); ignored when the store has a learner already.
    rules : Rules, optional
        How much is kept.

    Returns
    -------
    DurableLearner

    Raises
    ------
    StoreError
        If the file is in use by another process, damaged before its tail, or no store.

    Examples
    --------
    >>> import headwater as hw, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "orders.db")
    >>> with hw.open(path, hw.Regressor()) as model:
    ...     _ = model.learn_one({"x": 1.0}, 2.0)
    >>> with hw.open(path) as model:
    ...     model.n_learned, model.seq
    (1, 1)
    """
    service = Service(path, rules)
    if NAME not in service.models.by_name:
        service.change(service.models.create, NAME, learner if learner is not None else Classifier())
    return DurableLearner(service, service.models.named(NAME))


class DurableLearner:
    """A learner whose examples are journaled before they are learned. ``open`` makes one; use it in a ``with`` block.

    It may be used from several threads. Its methods are those of the learner inside, and in addition ``ask`` and ``label``, for
    answers that come later.

    Parameters
    ----------
    service : Service
        The open store.
    model : Model
        The model in it.
    """

    def __init__(self, service: Service, model: Model) -> None:
        self.service, self._model = service, model

    @property
    def task(self) -> str:
        """``"classify"`` or ``"regress"``."""
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
        return list(self.learner.classes) if self.task == "classify" else []

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
        with self._model.turns.turn():
            return self._model.champion.scores.report()

    def describe(self) -> dict[str, Any]:
        """Say what the model is."""
        with self._model.turns.turn():
            about: dict[str, Any] = self.learner.describe()
        return about

    # ---- predict -----------------------------------------------------------------------------------------------------

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the answer of a sample."""
        with self._model.turns.turn():
            return self.learner.predict_one(x)

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class seen so far."""
        with self._model.turns.turn():
            p: dict[Any, float] = self.learner.predict_proba_one(x)
        return p

    def forecast(self, X: Any) -> Forecast:
        """Predict rows."""
        with self._model.turns.turn():
            forecast: Forecast = self.learner.forecast(X)
        return forecast

    # ---- learn -------------------------------------------------------------------------------------------------------

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0, *, id: str | None = None) -> int:  # noqa: A002
        """Learn one sample, once it is on disk.

        Parameters
        ----------
        x, y, w
            The sample, its answer, its weight.
        id : str, optional
            A name of the example; of those with the same name only the first is learned.

        Returns
        -------
        int
            Its number in the journal.
        """
        answers = self._commit([self._event(x, y, w, id)])
        return int(answers[0]["seq"])

    def learn_many(self, X: Any, y: Any, w: Any = None) -> NDArray[Any]:
        """Learn rows strictly one by one, once all are on disk; return the prediction made before each was learned."""
        said = [answer["y_pred"] for answer in self._commit(self._events(X, y, w))]
        if self.task == "regress":
            return np.asarray(said, np.float64)
        out = np.empty(len(said), object)
        out[:] = said
        return out

    def ask(self, x: Mapping[Any, Any]) -> tuple[str, Any]:
        """Predict a sample whose answer will come later.

        Returns
        -------
        id : str
            What to call it in ``label``; it survives any end of the process.
        y_pred
            The prediction. The score is of this one, whenever the answer comes.
        """
        clean = unpack_events(pack_events([Event(plain_sample(x), None)]))[0].x
        rows, seq = self._model.predict([clean], shadows=True)
        request = Keep(self._model.id, [Asked(clean, rows[0], seq)])
        self._run(request)
        return request.answers[0]["id"], rows[0][self._model.champion.name][0]

    def label(self, id: str, y: Any, w: float | None = None) -> dict[str, Any]:  # noqa: A002 - as over HTTP
        """Learn the answer to what was asked earlier.

        Returns
        -------
        dict
            ``seq``, ``waited_s``; ``late`` or ``repeated`` where that is so.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If there is nothing to learn from it.
        """
        request = Label(self._model.id, id, self._answer(y), w)
        self._run(request)
        return request.answers[0]

    def set_step(self, factor: float) -> int:
        """Let the learner step ``factor`` times as far as it was declared to, from here on; 1 is as declared.

        The change is journaled, so that the learner which comes back is the same, to the bit.

        Returns
        -------
        int
            The change's number in the journal.
        """
        request = SetStep(self._model.id, None, factor)
        self._run(request)
        return int(request.answers[0]["seq"])

    def save(self, path: Any) -> None:
        """Write the learner to a model file."""
        with self._model.turns.turn():
            self.learner.save(path)

    def as_of(self, seq: int) -> Any:
        """Return the learner as it stood after event ``seq``."""
        return self.service.as_of(self._model.name, seq)

    def snapshot(self) -> int:
        """Write a snapshot now; return the sequence that it includes."""
        return self.service.snapshot()

    def close(self) -> None:
        """Write a last snapshot and let the file go."""
        self.service.close()

    def __enter__(self) -> DurableLearner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _events(self, X: Any, y: Any, w: Any) -> list[Event]:
        n = len(X)
        if len(y) != n:
            raise DataError(
                expected=f"{n} answers for {n} rows", got=str(len(y)), at="y", help="Give one answer a row."
            )
        weights = [None] * n if w is None else np.broadcast_to(np.asarray(w, np.float64), (n,)).tolist()
        rows = X if isinstance(X, Sequence) else [x for block in as_blocks((X, y)) for x in _dicts(block.X)]
        labels = y.tolist() if isinstance(y, np.ndarray) else list(y)
        return [self._event(*row, None) for row in zip(rows, labels, weights, strict=True)]

    def _event(self, x: Mapping[Any, Any], y: Any, w: float | None, name: str | None) -> Event:
        return Event(plain_sample(x), self._answer(y), None if w == 1.0 else w, name)

    def _answer(self, y: Any) -> Any:
        value = plain(y)
        if self.task == "regress":
            return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else float("nan")
        if isinstance(value, list | dict):
            raise DataError(expected="a class", got=repr(y), at="y", help="Classes are text, numbers or booleans.")
        return value

    def _commit(self, events: list[Event]) -> list[dict[str, Any]]:
        try:
            exact = unpack_events(pack_events(events))  # what is learned now is what a replay will learn
        except OverflowError as error:
            raise DataError(
                expected="whole numbers of up to 64 bits", got=str(error), at="a sample", help="Make them floats."
            ) from error
        request = Learn(self._model.id, exact)
        if exact:
            self._run(request)
        return request.answers

    def _run(self, request: Learn | Keep | Label | SetStep) -> None:
        if self._model.paused and isinstance(request, Learn | Label):
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


__all__ = ["NAME", "DurableLearner", "open"]
