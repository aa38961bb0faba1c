"""Actions that are given out, and the rewards that come later: what is kept of them, and what can be journaled."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from headwater.errors import DataError
from headwater.learner.decisions.decision import as_decision
from headwater.store.journal.events import PendingPrediction, plain
from headwater.store.journal.requests import PendingRequest

from .model import Model

__all__ = ["act_request", "as_journaled", "as_reward", "chosen_in", "drawn"]

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
