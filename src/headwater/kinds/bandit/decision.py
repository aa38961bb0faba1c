"""A bandit's label, made of the action, its reward and its probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.encode.values import FLOAT, as_float, kind_of
from headwater.errors import DataError, shown
from headwater.learner.validation import can_be_class

__all__ = ["Decision", "as_decision", "offered"]

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
    actions : tuple, optional
        The actions offered, by default all known ones.

    Examples
    --------
    >>> Decision("red", 1.0, 0.25).p
    0.25
    """

    action: Any
    reward: float
    p: float = 1.0
    actions: tuple[Any, ...] | None = None


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
    if not isinstance(actions, tuple | list) or not all(map(can_be_class, actions)):
        return None
    return Decision(action, reward, p, tuple(actions))


def offered(actions: Sequence[Any] | None, known: Sequence[Any]) -> list[Any]:
    """Return the distinct actions to choose from, by default the known ones.

    Raises
    ------
    DataError
        If there are no actions, or one is invalid.
    """
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
    return as_float(value) if kind_of(value) == FLOAT else math.nan
