"""The durable bandit, which issues actions and learns their delayed rewards."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from headwater.errors import DataError
from headwater.kinds.bandit.decision import as_decision
from headwater.learner.answer import class_of
from headwater.store.journal.events import (
    JournalEvent,
    PendingPrediction,
    pack_events,
    plain,
    plain_sample,
    unpack_events,
)
from headwater.store.journal.requests import LabelRequest, PendingRequest
from headwater.store.service.durable_learner import DurableLearner
from headwater.store.service.model import Model

__all__ = [
    "DurableBandit",
    "act_request",
    "as_journaled",
    "as_reward",
    "checked_decision",
    "chosen_in",
    "drawn",
    "with_reward",
]

_PLAIN = (str, int, float)


def drawn(p: Mapping[Any, float]) -> Any:
    """Draw an action by its probability, using the operating system's unpredictable random numbers.

    Examples
    --------
    >>> drawn({"a": 0.0, "b": 1.0})
    'b'
    """
    u = secrets.randbits(53) / (1 << 53)
    for action, share in p.items():
        u -= share
        if u < 0:
            return action
    return max(p, key=p.__getitem__)  # reached only by rounding


def act_request(model: Model, x: dict[Any, Any], actions: Sequence[Any] | None) -> PendingRequest:
    """Draw an action and return the request that stores it, with row and probabilities, until its reward arrives.

    Raises
    ------
    DataError
        If there are no actions, or one can't be journaled.
    """
    found = None if actions is None else [_plain_action(action) for action in actions]
    with model.lock:
        p = model.champion.learner.probabilities(x, found)
        seq, name = model.seq, model.champion.name
    return PendingRequest(model.id, [PendingPrediction(x, {name: (drawn(p), p)}, seq)])


def chosen_in(request: PendingRequest) -> tuple[Any, float]:
    """Return the action of such a request, and its probability."""
    action, p = next(iter(request.predictions[0].predicted.values()))
    return action, (p or {}).get(action, 1.0)


def as_journaled(value: Any) -> Any:
    """Validate a decision and return it in the journal's form.

    Raises
    ------
    DataError
        If the decision is invalid, or its actions are not text or numbers.
    """
    decision = as_decision(value)
    if decision is None:
        raise DataError(
            expected="[action, reward, p], p above 0 and at most 1",
            got=repr(value)[:80],
            at="y",
            help="Give the probability with which the action was taken. Nothing was learned.",
        )
    _plain_action(decision.action)
    rest = [] if decision.actions is None else [[_plain_action(action) for action in decision.actions]]
    return [decision.action, decision.reward, decision.p, *rest]


def checked_decision(value: Any, learner: Any = None) -> Any:
    """Validate a decision for journal and bandit, raising DataError if it is invalid."""
    decision = as_journaled(value)
    for action in [decision[0], *(decision[3] if len(decision) > 3 else ())]:
        class_of(action, expected="an action")
    return decision


def as_reward(value: Any) -> float:
    """Validate a reward.

    Raises
    ------
    DataError
        If the reward is not a finite number.
    """
    decision = as_decision(("", value))
    if decision is None:
        raise DataError(
            expected="a finite number", got=repr(value)[:80], at="reward", help="Send what came of the action."
        )
    return decision.reward


def _plain_action(action: Any) -> Any:
    value = plain(action)
    if not isinstance(value, _PLAIN):
        raise DataError(
            expected="actions that are text or numbers", got=repr(action)[:80], at="actions", help="Name them so."
        )
    return value


def with_reward(predicted: Mapping[str, Any] | None, label: Any) -> Any:
    """Return the decision to learn, joining a delayed reward with the stored action and probabilities."""
    if predicted is None:
        return label
    action, probabilities = next(iter(predicted.values()))
    p = probabilities or {}
    return [action, label, p.get(action, 1.0), list(p)]


class DurableBandit(DurableLearner):
    """A durable bandit, with the methods of `Bandit`. Rewards may arrive later, by id."""

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Return the action with the largest expected reward, without changing anything."""
        with self._model.lock:
            return self.learner.predict_one(x)

    def act(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> tuple[Any, float]:
        """Draw an action for a row, using the operating system's unpredictable random numbers.

        Returns
        -------
        action, p
            The action and its probability. Pass both to ``learn`` with the reward, or use ``act_with_id``, which stores them.
        """
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
        """Write an action's reward to disk, then learn it.

        Returns
        -------
        int
            Number of the event in the journal.
        """
        given = [action, reward, p] if actions is None else [action, reward, p, list(actions)]
        answers = self._commit([self._event(x, given, None, id)])
        return int(answers[0]["seq"])

    def act_with_id(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> tuple[str, Any, float]:
        """Draw an action whose reward will arrive later.

        Returns
        -------
        id : str
            Id to pass to ``reward``. Row, action and probability are stored under it, and survive any end of the process.
        action, p
            The action and its probability.
        """
        request = act_request(
            self._model, unpack_events(pack_events([JournalEvent(plain_sample(x), None)]))[0].x, actions
        )
        self._run(request)
        action, p = chosen_in(request)
        return str(request.answers[0]["id"]), action, p

    def reward(self, id: str, reward: float) -> dict[str, Any]:  # noqa: A002 - as over HTTP
        """Learn the reward of an earlier action.

        Returns
        -------
        dict
            ``seq``, ``waited_s``, and ``late`` or ``repeated`` if true.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If the reward can't be learned.
        DataError
            If the reward is not a finite number.
        """
        request = LabelRequest(self._model.id, id, as_reward(plain(reward)))
        self._run(request)
        return request.answers[0]

    def value(self, policy: Any) -> Any:
        """Estimate a policy's mean reward from the rows still in the journal, as ``Bandit.value`` does.

        Parameters
        ----------
        policy : Bandit or callable
            As in ``Bandit.value``.

        Returns
        -------
        PolicyValue
        """
        log = [(event.x, with_reward(event.predicted, event.y)) for event in self.service.events(self._model.name)]
        return self.learner.value(policy, log)
