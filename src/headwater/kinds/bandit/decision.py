"""A bandit's label, made of the action, its reward and its probability."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from headwater.encode.values import FLOAT, as_float, kind_of
from headwater.errors import DataError, shown
from headwater.kinds.bandit.features import as_offer, check_offer
from headwater.learner.schema.answer import class_of
from headwater.learner.validation import can_be_class
from headwater.store.journal.events import OFFER, plain, plain_sample

__all__ = [
    "Decision",
    "Offer",
    "as_decision",
    "as_reward",
    "checked_decision",
    "drawn",
    "offered",
    "plain_actions",
    "with_reward",
]

Offer: TypeAlias = Sequence[Any] | Mapping[Any, Mapping[Any, Any]]
"""Actions to choose from, or the features of each by its name."""
_PLAIN = (str, int, float)
FARTHEST = 1e30
"""Largest valid magnitude of a reward."""


class Decision(NamedTuple):
    """An action taken and its outcome, the label of a bandit.

    Parameters
    ----------
    action : hashable
        The action taken.
    reward : float
        The reward. More is better.
    p : float
        The probability with which the action was taken.
    actions : tuple or dict, optional
        The actions offered, by default all known ones. A dict has the features of each.

    Examples
    --------
    >>> Decision("red", 1.0, 0.25).p
    0.25
    """

    action: Any
    reward: float
    p: float = 1.0
    actions: tuple[Any, ...] | dict[Any, dict[Any, Any]] | None = None


def as_decision(y: Any) -> Decision | None:
    """Convert a tuple or list of two to four items to a decision, or return None if it is invalid.

    Examples
    --------
    >>> as_decision(["red", 1])
    Decision(action='red', reward=1.0, p=1.0, actions=None)
    >>> as_decision(("red", 1.0, 0.0)) is None
    True
    """
    if not isinstance(y, tuple | list) or not 2 <= len(y) <= 4:
        return None
    action, reward, p = y[0], _number(y[1]), 1.0 if len(y) < 3 else _number(y[2])
    actions = y[3] if len(y) == 4 else None
    if not abs(reward) <= FARTHEST or not 0 < p <= 1 or not can_be_class(action):
        return None
    if actions is None:
        return Decision(action, reward, p)
    if isinstance(actions, Mapping):
        fits = action in actions and all(can_be_class(name) and isinstance(f, Mapping) for name, f in actions.items())
        return Decision(action, reward, p, {name: dict(f) for name, f in actions.items()}) if fits else None
    if not isinstance(actions, tuple | list) or not all(map(can_be_class, actions)):
        return None
    return Decision(action, reward, p, tuple(actions))


def in_places(decision: Decision | None) -> Decision | None:
    """Return a decision among actions with features by their places in the offer, since their names never come again."""
    if decision is None or not isinstance(decision.actions, dict):
        return decision
    names = list(decision.actions)
    return Decision(names.index(decision.action), decision.reward, decision.p, tuple(range(len(names))))


def offered(actions: Offer | None, known: Sequence[Any]) -> list[Any] | dict[Any, dict[Any, Any]]:
    """Return the distinct actions to choose from, by default the known ones, or the features of each.

    Raises
    ------
    DataError
        If there are no actions, or one is invalid.
    """
    if actions is None and known:
        return list(known)  # as they were learned, each once
    if isinstance(actions, Mapping):
        return as_offer(actions)
    if actions is not None and (isinstance(actions, str | bytes) or not isinstance(actions, Sequence)):
        raise DataError(expected="a list of actions", got=shown(actions), at="actions", help='Give e.g. ["a", "b"].')
    found = list(known if actions is None else actions)
    bad = [action for action in found if not can_be_class(action)]
    if bad or not found:
        raise DataError(
            expected="actions that are texts, numbers, booleans, bytes, or tuples of these",
            got=shown(bad[0]) if bad else "none",
            at="actions",
            help='Give e.g. actions=["a", "b"]. By default a bandit chooses among the learned ones.',
        )
    return list(dict.fromkeys(found))


def _number(value: Any) -> float:
    if type(value) is float:
        return value
    return as_float(value) if kind_of(value) == FLOAT else math.nan


def as_journaled(value: Any) -> Any:
    """Validate a decision and return it in the journal's form.

    Raises
    ------
    DataError
        If the decision is invalid, or its actions are not text or numbers.
    """
    if isinstance(value, Mapping):  # its parts by name
        parts = [value.get("action"), value.get("reward"), value.get("p", 1.0), value.get("actions")]
        value = parts if parts[3] is not None else parts[:3]
    decision = as_decision(value)
    if decision is None:
        raise DataError(
            expected="[action, reward, p], p above 0 and at most 1",
            got=repr(value)[:80],
            at="y",
            help="Give the probability with which the action was taken. Nothing was learned.",
        )
    plain_actions([decision.action])
    rest = [] if decision.actions is None else [_plain_offer(decision.actions)]
    return [decision.action, decision.reward, decision.p, *rest]


def checked_decision(value: Any, learner: Any = None) -> Any:
    """Validate a decision for journal and bandit, raising DataError if it is invalid."""
    decision = as_journaled(value)
    check_offer(decision[3] if len(decision) > 3 else None, learned_features(learner), at="y")
    for action in [decision[0], *(decision[3] if len(decision) > 3 else ())]:
        class_of(action, expected="an action")
    return decision


def as_reward(value: Any, learner: Any = None) -> float:
    """Validate a reward, alone or as ``{"reward": …}``.

    Raises
    ------
    DataError
        If the reward is not a finite number.
    """
    given = value.get("reward") if isinstance(value, Mapping) else value
    decision = as_decision(("", plain(given)))
    if decision is None:
        raise DataError(
            expected="a finite number", got=repr(value)[:80], at="reward", help="Send what came of the action."
        )
    return decision.reward


def with_reward(predicted: Mapping[str, Any] | None, label: Any) -> Any:
    """Return the decision to learn, joining a delayed reward with the stored action and probabilities."""
    if predicted is None:
        return label
    action, probabilities = next(iter(predicted.values()))
    p = probabilities or {}
    offer = predicted[OFFER][0] if OFFER in predicted else list(p)
    return [action, label, p.get(action, 1.0), offer]


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


def learned_features(learner: Any) -> bool | None:
    """Return whether the actions that a bandit learned had features, None before any was learned."""
    return None if learner is None or not learner.n_learned else learner.with_features


def _plain_offer(actions: Any) -> Any:
    """Return what was offered in the journal's form, with features if there are any."""
    names = plain_actions(list(actions))
    if not isinstance(actions, Mapping):
        return names
    return dict(zip(names, map(plain_sample, actions.values()), strict=True))


def plain_actions(actions: Any) -> Any:
    """Return actions in the journal's form, with their features if they have any.

    Raises
    ------
    DataError
        If one is neither a text nor a number.
    """
    if isinstance(actions, Mapping):
        return _plain_offer(as_offer(actions))
    found = list(map(plain, actions))
    for action in found:
        if not isinstance(action, _PLAIN):
            raise DataError(
                expected="actions that are text or numbers", got=repr(action)[:80], at="actions", help="Name them so."
            )
    return found


def actions_in(learner: Any, labels: Sequence[Any], known: Any) -> set[Any]:
    """Return the actions that were taken in decisions. Those with features have no names to learn."""
    return {label[0] for label in labels if len(label) < 4 or not isinstance(label[3], Mapping)}
