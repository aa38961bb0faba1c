"""Answers as messages bring them: what each kind of learner can learn, and a sentence for what none can."""

from __future__ import annotations

import math
from typing import Any

from headwater.errors import DataError
from headwater.learner.guards import FARTHEST
from headwater.learner.kinds import kind_of
from headwater.learner.outputs.answers import as_outputs
from headwater.store.journal.events import plain
from headwater.store.service.decisions import as_journaled
from headwater.watch.anomaly import label_of

__all__ = ["answer_of"]

_LABEL_CHARACTERS = 1000
"""Characters of a class, or of the name of an action or an output: each prediction names all of them."""


def answer_of(value: Any, learner: Any) -> Any:
    """Return an answer that a learner can learn; None for one that is missing, but NaN in a series, whose time goes on.

    Parameters
    ----------
    value
        What the message has in the column of the answers: a class, a number, a label, ``[action, reward, p]`` of a bandit, an object
        of output → value, or an agent's transition ``{"action": …, "reward": …, "next": …, "terminated": …, "truncated": …}``.
    learner
        Who is to learn it.

    Raises
    ------
    DataError
        If it is of a kind that can't be.
    """
    can, value = kind_of(learner).can, plain(value)
    if value is None or value != value:
        return math.nan if "ahead" in can else None
    if "acts" in can:
        return _decision(value)
    if "outputs" in can:
        return _outputs(value)
    if "control" in can:
        learner.check_transition(value)
        return value
    if "scores" in can:
        return _label(value)
    return _class(value, "a class as answer") if "classes" in can else _number(value)


def _class(value: Any, expected: str) -> Any:
    if isinstance(value, list | dict):
        raise DataError(expected=expected, at="message", got=type(value).__name__)
    if isinstance(value, str | bytes) and len(value) > _LABEL_CHARACTERS:
        raise _too_long(value)
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or not abs(value) <= FARTHEST:
        raise DataError(expected="a number as answer", at="message", got=f"{value!r:.50}")
    return float(value)


def _label(value: Any) -> int:
    label = label_of(value)
    if label is None:
        raise DataError(expected="a label: 0, 1 or none", at="message", got=f"{value!r:.50}")
    return label


def _decision(value: Any) -> Any:
    decision = as_journaled(value)
    for action in [decision[0], *(decision[3] if len(decision) > 3 else ())]:
        _class(action, "an action")
    return decision


def _outputs(value: Any) -> Any:
    outputs = as_outputs(value)
    for name, own in outputs.items():
        _class(name, "the name of an output")
        if isinstance(own, float | int) and not abs(own) <= FARTHEST and own == own:
            raise DataError(expected="numbers as outputs", at="message", got=f"{own!r:.50}")
        _class(own, "a class or a number as output")
    return outputs


def _too_long(value: str | bytes) -> DataError:
    return DataError(
        expected=f"a class, an action or an output of at most {_LABEL_CHARACTERS:,} characters",
        at="message",
        got=f"{len(value):,}",
    )
