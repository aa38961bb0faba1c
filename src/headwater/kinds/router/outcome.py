"""A router's label, made of the model, the quality of its answer and what it cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

from headwater.errors import DataError, did_you_mean, shown
from headwater.kinds.bandit.decision import as_decision, checked_decision
from headwater.store.journal.events import OFFER

__all__ = [
    "Outcome",
    "as_outcome",
    "check_told",
    "checked_outcome",
    "decision_of",
    "told_later",
    "unpriced",
    "with_choice",
]


class Outcome(NamedTuple):
    """A choice and what came of it.

    Parameters
    ----------
    model : hashable
        The model.
    quality : float, optional
        Quality of its answer.
    p : float
        The probability with which it was chosen.
    cost : float, optional
        What the answer cost.
    expected : float, optional
        What was expected to be paid, None for a decision of somebody else's log.
    listed : float
        What the price says of the prompt's tokens.
    """

    model: Any
    quality: float | None
    p: float = 1.0
    cost: float | None = None
    expected: float | None = None
    listed: float = 0.0


def as_outcome(y: Any, ends: tuple[float, float] = (-math.inf, math.inf)) -> Outcome | None:
    """Convert a label to an outcome, or return None if it is invalid or its quality lies outside of the ends.

    Examples
    --------
    >>> as_outcome(["small", 0.5, 0.25]).quality
    0.5
    >>> as_outcome({"model": "small", "quality": "good"}) is None, as_outcome(["small", 7], (0.0, 1.0)) is None
    (True, True)
    """
    if isinstance(y, Mapping):
        y = [y.get("model"), y.get("quality"), y.get("p", 1.0)]
    if not isinstance(y, list | tuple) or not 2 <= len(y) <= 6:
        return None
    found = Outcome(*y)
    decision = as_decision((found.model, 0.0 if found.quality is None else found.quality, found.p))
    inside = found.quality is None or _is_within(found.quality, *ends)
    return found if decision is not None and inside else None


def decision_of(y: Any, ends: tuple[float, float] = (-math.inf, math.inf)) -> tuple[Any, float, float] | None:
    """Return the decision that a label teaches the bandit, or None if it teaches none.

    Examples
    --------
    >>> decision_of(["small", 0.5, 0.25, 0.002, 0.001, 0.001]), decision_of(["small", None, 1.0, 0.002])
    (('small', 0.5, 0.25), None)
    """
    found = as_outcome(y, ends)
    return None if found is None or found.quality is None else (found.model, found.quality, found.p)


def checked_outcome(value: Any, learner: Any = None) -> Any:
    """Validate a logged choice for journal and router.

    Raises
    ------
    DataError
        If it is invalid.
    """
    given = value
    if isinstance(value, Mapping):
        given = [value.get("model"), value.get("quality"), value.get("p", 1.0)]
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= 3:
        raise DataError(
            expected="[model, quality, p]",
            got=repr(value)[:80],
            at="y",
            help="Give the model that answered, the quality, and the probability with which it was chosen. Nothing was learned.",
        )
    model, quality, p = checked_decision(list(given), None if learner is None else learner.bandit)
    check_told(quality, None, learner)
    if learner is not None and learner.models and model not in learner.models:
        what = "Give it one first, by POST /prices or in the router's models. Nothing was learned."
        raise unpriced(learner.models, [model], "y", what)
    return [model, quality, p]


def unpriced(models: Mapping[Any, Any], named: Iterable[Any], at: str, what: str) -> DataError:
    """Return the error for models of a log that have no price, with what to do."""
    names = list(named)
    close = did_you_mean(names[0], list(models)) if isinstance(names[0], str) else ""
    return DataError(
        expected=f"models with a price: {', '.join(map(str, models))}",
        got=", ".join(map(shown, names)),
        at=at,
        help=f"{close} {what}" if close.startswith("Did") else what,
    )


def told_later(value: Any, learner: Any = None) -> Any:
    """Validate what is told of an earlier choice, a quality alone or ``{"quality": …, "cost": …}``.

    Raises
    ------
    DataError
        If one of them can't be.
    """
    given = value if isinstance(value, Mapping) else {"quality": value}
    if more := sorted(map(str, given.keys() - {"quality", "cost"})):
        raise DataError(expected="quality and cost", got=more[0], at="y", help="Leave it out. Nothing was learned.")
    quality, cost = given.get("quality"), given.get("cost")
    check_told(quality, cost, learner)
    return [None if quality is None else float(quality), None if cost is None else float(cost)]


def check_told(quality: Any, cost: Any, learner: Any) -> None:
    """Raise DataError for a quality or a cost that can't be.

    Raises
    ------
    DataError
        If the quality is outside of the declared ends, or the cost is negative.
    """
    low, high = (0.0, 1.0) if learner is None else learner.bandit.rewards
    if quality is not None and not _is_within(quality, low, high):
        raise DataError(
            expected=f"a quality from {low:g} to {high:g}",
            got=shown(quality),
            at="quality",
            help="Leave it out if there is none.",
        )
    if cost is not None and not (_is_within(cost, 0.0, math.inf) and cost < math.inf):
        raise DataError(expected="a cost of at least 0", got=shown(cost), at="cost", help="Leave it out.")


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, Real) and low <= float(value) <= high


def with_choice(predicted: Mapping[str, Any] | None, label: Any) -> Any:
    """Return the outcome to learn, joining what was told later with the stored choice."""
    if predicted is None:
        return label
    model, shares = next(iter(predicted.values()))
    _, cost, listed, _ = predicted[OFFER][0]
    quality, paid = label
    return [model, quality, (shares or {}).get(model, 1.0), paid, cost, listed]
