"""A bandit that loses nothing it was taught: actions that are given out, rewards that come later, and what is kept of them."""

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
    """Return an action, drawn by its probability. The draw is the operating system's, so nobody can guess it.

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
    return max(p, key=p.__getitem__)  # rounding has left something


def act_request(model: Model, x: dict[Any, Any], actions: Sequence[Any] | None) -> PendingRequest:
    """Return the request that keeps an action until its reward comes: the row, what was drawn, the probability of each.

    Raises
    ------
    DataError
        If there is nothing to choose from, or an action can't be journaled.
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
    """Return a decision as the journal takes it.

    Raises
    ------
    DataError
        If it is none, or its actions are not text or numbers.
    """
    decision = as_decision(value)
    if decision is None:
        raise DataError(
            expected="[action, reward, p], p above 0 and at most 1",
            got=repr(value)[:80],
            at="y",
            help="Give the probability with which the action was taken; nothing was learned.",
        )
    _plain_action(decision.action)
    rest = [] if decision.actions is None else [[_plain_action(action) for action in decision.actions]]
    return [decision.action, decision.reward, decision.p, *rest]


def checked_decision(value: Any, learner: Any = None) -> Any:
    """Return a decision as the journal and a bandit take it; DataError for what can't be one."""
    decision = as_journaled(value)
    for action in [decision[0], *(decision[3] if len(decision) > 3 else ())]:
        class_of(action, expected="an action")
    return decision


def as_reward(value: Any) -> float:
    """Return a reward as a float.

    Raises
    ------
    DataError
        If it is no finite number.
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
    """Return what came of an action, as a bandit learns it; of one given out earlier the reward joins what was kept of it."""
    if predicted is None:
        return label
    action, probabilities = next(iter(predicted.values()))
    p = probabilities or {}
    return [action, label, p.get(action, 1.0), list(p)]


class DurableBandit(DurableLearner):
    """A durable bandit, with the methods of one in memory; rewards may come later, by id."""

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Return the action of which the largest reward is expected; nothing is changed."""
        with self._model.lock:
            return self.learner.predict_one(x)

    def act(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> tuple[Any, float]:
        """Draw an action of a bandit for a row; nothing is changed. The draw is the operating system's: nobody can guess it.

        Returns
        -------
        action, p
            The action and its probability, to be given to ``learn`` with the reward; ``act_with_id`` keeps both.
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
        """Learn what came of an action, once it is on disk.

        Returns
        -------
        int
            Its number in the journal.
        """
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
        log = [(event.x, with_reward(event.predicted, event.y)) for event in self.service.events(self._model.name)]
        return self.learner.value(policy, log)
