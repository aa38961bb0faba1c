"""Convert observations of an environment to rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from headwater.errors import DataError

__all__ = ["as_state", "checked_outcome", "checked_transition", "with_action"]


@lru_cache(maxsize=64)
def _names(n: int) -> tuple[str, ...]:
    return tuple(f"x{j}" for j in range(n))


MOST_IDS = 8
"""More whole numbers than that are amounts or pixels."""


def _id(number: Any) -> str:
    """Return the category of an id, which is no text that reads as a number."""
    return f"s{int(number)}"


def as_state(observation: Any, ids: bool = True) -> Mapping[Any, Any]:
    """Return an observation as a row.

    A mapping is used as it is, with numbers, categories, date-times and missing values by name. The numbers of an array are named x0,
    x1, and so on. A single integer, as from a Discrete space, is a category, and so is each of up to eight in a tuple or an array of
    signed integers, as from a MultiDiscrete space. Without ``ids`` integers are numbers, as in version 0.2.

    Raises
    ------
    DataError
        If the observation is none of these.

    Examples
    --------
    >>> as_state(np.array([0.5, -1.0])), as_state(3), as_state((3, 1))
    ({'x0': 0.5, 'x1': -1.0}, {'state': 's3'}, {'x0': 's3', 'x1': 's1'})
    """
    if type(observation) is dict:
        return observation
    if ids and _are_ids(observation):
        return dict(zip(_names(len(observation)), map(_id, observation), strict=True))
    if isinstance(observation, np.ndarray) and observation.ndim and observation.dtype.kind in "fiub":
        values = (observation if observation.ndim == 1 else observation.reshape(-1)).tolist()
        return dict(zip(_names(len(values)), values, strict=True))
    if isinstance(observation, Mapping):
        return observation
    if isinstance(observation, np.ndarray | np.generic) and not observation.ndim:
        observation = observation.item()
    if isinstance(observation, bool | int):
        return {"state": _id(observation) if ids else str(observation)}
    if isinstance(observation, float):
        return {"x0": observation}
    if isinstance(observation, list | tuple) and all(isinstance(x, int | float) for x in observation):
        return dict(zip(_names(len(observation)), observation, strict=True))
    raise DataError(
        expected="an observation, which is an array of numbers or values by name",
        got=type(observation).__name__,
        at="observation",
        help="Give what env.step returned, or a dict.",
    )


def _are_ids(observation: Any) -> bool:
    """Whether an observation is of a MultiDiscrete space, or a tuple of Discrete ones."""
    if isinstance(observation, np.ndarray):
        return observation.ndim == 1 and observation.dtype.kind == "i" and len(observation) <= MOST_IDS
    whole = isinstance(observation, tuple) and 0 < len(observation) <= MOST_IDS
    return whole and all(isinstance(x, int | np.integer) for x in observation)


def checked_transition(value: Any, learner: Any) -> Any:
    """Validate a transition for journal and agent, raising DataError if it can't be learned."""
    learner.check_transition(value)
    return value


def checked_outcome(value: Any, learner: Any) -> Any:
    """Validate what came of an action that was taken, raising DataError if it can't be learned.

    ``{"reward": 1.0, "next": {…}, "terminated": false, "truncated": false}``
    """
    if not isinstance(value, Mapping) or "action" in value:
        raise DataError(
            expected="the reward and the next state of the action that was taken",
            got=f"{value!r:.80}",
            at="y",
            help='Send {"reward": 0.5, "next": {…}, "terminated": false}. Nothing was learned.',
        )
    learner.check_transition({**value, "action": learner.act({}, explore=False)})  # any of its actions
    return dict(value)


def with_action(predicted: Mapping[str, Any] | None, label: Any) -> Any:
    """Return the transition to learn, joining an outcome that came later with the action that was taken."""
    if predicted is None:
        return label
    return {"action": next(iter(predicted.values()))[0], **label}
