"""A learner in this process that loses nothing it has been taught, however the process ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError
from headwater.learner.control.states import as_state
from headwater.learner.kinds import check_can, kind_of
from headwater.learner.outputs.answers import as_outputs
from headwater.store.journal.events import (
    JournalEvent,
    PendingPrediction,
    pack_events,
    plain,
    plain_sample,
    unpack_events,
)
from headwater.store.journal.requests import LabelRequest, LearnRequest, PendingRequest, StepRequest
from headwater.streams import as_blocks
from headwater.watch.anomaly import label_of

from .decisions import act_request, as_journaled, as_reward, chosen_in, drawn
from .learner_state import decision_of
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

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the answer of a sample."""
        check_can(self.learner, "answers", at="predict_one")
        with self._model.lock:
            return self.learner.predict_one(x)

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Predict the probability of each class seen so far; of several answers a row, by output."""
        if "outputs" not in kind_of(self.learner).can:
            check_can(self.learner, "classes", at="predict_proba_one")
        with self._model.lock:
            p: dict[Any, Any] = self.learner.predict_proba_one(x)
        return p

    def predict_set_one(self, x: Mapping[Any, Any], coverage: float = 0.9) -> set[Any]:
        """Predict a set of classes that holds that of a sample in that share of cases."""
        check_can(self.learner, "classes", at="predict_set_one")
        with self._model.lock:
            inside: set[Any] = self.learner.predict_set_one(x, coverage)
        return inside

    def predict_interval_one(
        self, x: Mapping[Any, Any], coverage: float = 0.9, *, guarantee: str | None = None
    ) -> tuple[float, float]:
        """Predict an interval that holds the answer of a sample in that share of cases."""
        check_can(self.learner, "coverage", at="predict_interval_one")
        with self._model.lock:
            ends: tuple[float, float] = self.learner.predict_interval_one(x, coverage, guarantee=guarantee)
        return ends

    def forecast(self, X: Any = None, xs: Any = None) -> Any:
        """Predict rows; of a forecaster instead, as its own ``forecast(horizon, xs)``: the next answers."""
        if X is None or xs is not None:
            check_can(self.learner, "ahead", at="forecast")
        with self._model.lock:
            return self.learner.forecast(X) if xs is None else self.learner.forecast(X, xs)

    def forecast_interval(
        self, horizon: int | None = None, xs: Any = None, coverage: float = 0.9
    ) -> list[tuple[float, float]]:
        """Say between which ends each of the next answers will lie, as ``Forecaster.forecast_interval`` does."""
        check_can(self.learner, "ahead", at="forecast_interval")
        with self._model.lock:
            ends: list[tuple[float, float]] = self.learner.forecast_interval(horizon, xs, coverage)
        return ends

    def act_in_state(self, observation: Any, explore: bool = True) -> Any:
        """Return the action that an agent takes, as ``Agent.act`` does; nothing is changed."""
        check_can(self.learner, "control", at="act_in_state")
        with self._model.lock:
            return self.learner.act(observation, explore)

    def learn_transition(
        self,
        observation: Any,
        action: Any,
        reward: float,
        next_observation: Any,
        terminated: bool = False,
        truncated: bool = False,
    ) -> int:
        """Learn what an agent's action led to, once it is on disk; as ``Agent.learn``.

        Returns
        -------
        int
            The transition's number in the journal.
        """
        check_can(self.learner, "control", at="learn_transition")
        following = None if next_observation is None else as_state(next_observation)
        transition = {"action": action, "reward": reward, "next": following, "terminated": bool(terminated)}
        return self.learn_one(as_state(observation), transition | {"truncated": bool(truncated)})

    def score_one(self, x: Mapping[Any, Any]) -> float:
        """Say how anomalous a sample is, from 0 to 1."""
        check_can(self.learner, "scores", at="score_one")
        with self._model.lock:
            return float(self.learner.score_one(x))

    def score_many(self, X: Any) -> NDArray[np.float64]:
        """Say how anomalous each row is, shape (n,)."""
        check_can(self.learner, "scores", at="score_many")
        with self._model.lock:
            return np.asarray(self.learner.score_many(X), np.float64)

    def is_anomaly_one(self, x: Mapping[Any, Any], rate: float = 0.001) -> bool:
        """Say whether a sample is an anomaly, where so large a share of rows like those before may be called one."""
        check_can(self.learner, "scores", at="is_anomaly_one")
        with self._model.lock:
            return bool(self.learner.is_anomaly_one(x, rate))

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
        """Learn rows strictly one by one, once all are on disk; return the prediction made before each was learned."""
        predictions = [answer["y_pred"] for answer in self._commit(self._events(X, y, w))]
        if not kind_of(self.learner).can & {"classes", "acts", "outputs"}:
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
        follower = Follower(self.service, self._model, source, **how)
        return follower.run(limit=limit, ends=ends, on_commit=on_commit)

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

    # ---- decide ------------------------------------------------------------------------------------------------------

    def act(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> tuple[Any, float]:
        """Draw an action of a bandit for a row; nothing is changed. The draw is the operating system's: nobody can guess it.

        Returns
        -------
        action, p
            The action and its probability, to be given to ``learn`` with the reward; ``act_with_id`` keeps both.
        """
        check_can(self.learner, "acts", at="act")
        with self._model.lock:
            p: dict[Any, float] = self.learner.probabilities(x, actions)
        action = drawn(p)
        return action, p[action]

    def learn(
        self,
        x: Mapping[Any, Any],
        action: Any,
        reward: float,
        p: float = 1.0,
        actions: Sequence[Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002 - as over HTTP
    ) -> int:
        """Learn what came of an action, once it is on disk.

        Returns
        -------
        int
            Its number in the journal.
        """
        check_can(self.learner, "acts", at="learn")
        given = [action, reward, p] if actions is None else [action, reward, p, list(actions)]
        answers = self._commit([self._event(x, given, None, id)])
        return int(answers[0]["seq"])

    def act_with_id(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> tuple[str, Any, float]:
        """Draw an action whose reward will come later.

        Returns
        -------
        id : str
            What to call it in ``reward``; with it row, action and probability are kept, and survive any end of the process.
        action, p
            The action and its probability.
        """
        check_can(self.learner, "acts", at="act_with_id")
        request = act_request(
            self._model, unpack_events(pack_events([JournalEvent(plain_sample(x), None)]))[0].x, actions
        )
        self._run(request)
        action, p = chosen_in(request)
        return str(request.answers[0]["id"]), action, p

    def reward(self, id: str, reward: float) -> dict[str, Any]:  # noqa: A002 - as over HTTP
        """Learn the reward of an action that was given out earlier.

        Returns
        -------
        dict
            ``seq``, ``waited_s``; ``late`` or ``repeated`` where that is so.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If there is nothing to learn from it.
        DataError
            If the reward is no finite number.
        """
        check_can(self.learner, "acts", at="reward")
        request = LabelRequest(self._model.id, id, as_reward(plain(reward)))
        self._run(request)
        return request.answers[0]

    def value(self, policy: Any) -> Any:
        """Estimate what a policy would have earned on the rows that the journal still has, as ``Bandit.value`` does.

        Parameters
        ----------
        policy : Bandit or callable
            As in ``Bandit.value``.

        Returns
        -------
        PolicyValue
        """
        check_can(self.learner, "acts", at="value")
        log = [(event.x, decision_of(event)) for event in self.service.events(self._model.name)]
        return self.learner.value(policy, log)

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
        if "answers" not in kind_of(self.learner).can:
            return None if y is _NOT_GIVEN else label_of(y)
        if y is _NOT_GIVEN:
            raise DataError(
                expected="an answer", got="none", at="y", help="Only a learner that needs none takes samples alone."
            )
        value = plain(y)
        if "outputs" in kind_of(self.learner).can:
            return as_outputs(value)
        if "acts" in kind_of(self.learner).can:
            return as_journaled(value)
        if "control" in kind_of(self.learner).can:
            return value
        if "classes" not in kind_of(self.learner).can:
            return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else float("nan")
        if isinstance(value, list | dict):
            raise DataError(expected="a class", got=repr(y), at="y", help="Classes are text, numbers or booleans.")
        return value

    def _commit(self, events: list[JournalEvent]) -> list[dict[str, Any]]:
        exact = unpack_events(pack_events(events))  # what is learned now is what a replay will learn
        self._check_keys([event.x for event in exact], learning=True)
        request = LearnRequest(self._model.id, exact)
        if exact:
            self._run(request)
        return request.answers

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
