"""Create and train the learners of an estimator, one per output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from headwater.errors import ConfigError
from headwater.interop.sklearn.order import steps_of
from headwater.interop.sklearn.tables import ARRAY, SPARSE, take
from headwater.learner.supervised import SupervisedLearner

STRIP = 1 << 16
"""Rows per call of a learner, which bounds the memory of a copied block."""
Learner = TypeVar("Learner", bound=SupervisedLearner)
Learn: TypeAlias = Callable[[Any, NDArray[Any], NDArray[np.float64] | None], None]


def new_learners(kind: type[Learner], estimator: Any, outputs: int) -> list[Learner]:
    """Return new learners with the settings of the estimator."""
    names = [field.name for field in fields(kind) if field.name != "seed"]
    settings = {name: getattr(estimator, name) for name in names}
    settings["scale"] = estimator.scale and getattr(estimator, "fitted_on_", ARRAY) != SPARSE
    return [kind(**settings, seed=seed_of(estimator)) for _ in range(outputs)]


def unfitted_learner(kind: type[Learner], estimator: Any) -> Learner:
    """Return a new learner with the settings of an unfitted estimator.

    Raises
    ------
    ConfigError
        If the estimator was fitted, or has class weights, which a learner doesn't support.
    """
    name = type(estimator).__name__
    if "models_" in vars(estimator):
        raise ConfigError(
            expected=f"an {name} that was never fitted",
            got="a fitted one",
            at="learner",
            help="Pass its models_[0] to continue learning, or sklearn.base.clone of it to start anew.",
        )
    if getattr(estimator, "class_weight", None) is not None:
        raise ConfigError(
            expected=f"an {name} without class_weight",
            got=repr(estimator.class_weight),
            at="learner",
            help="Leave it out, or pass a weight per row to Session.step.",
        )
    return new_learners(kind, estimator, 1)[0]


def seed_of(estimator: Any) -> int:
    """Return the integer seed of ``random_state``."""
    state = estimator.random_state
    if isinstance(state, int | np.integer) and not isinstance(state, bool):
        return int(state)
    return int(check_random_state(state).randint(2**31 - 1))


def weights_of(given: Any, y: NDArray[Any], class_weight: Any = None) -> NDArray[np.float64] | None:
    """Return the row weights (n,), or None if all are 1."""
    weights = None
    if given is not None:
        rows = np.empty((len(y), 0))  # only their number is read
        weights = _check_sample_weight(given, rows, dtype=np.float64, ensure_non_negative=True)
    if class_weight is not None:
        own = compute_sample_weight(class_weight, y)
        weights = own if weights is None else weights * own
    return weights


def learn_epochs(
    learn: Learn, X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None, epochs: Any, seed: int
) -> None:
    """Call ``learn`` with rows and labels (n, outputs) for several epochs, each in an order drawn from their contents."""
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 1:
        raise ConfigError(expected="epochs of 1 or more", got=repr(epochs), at="epochs", help="Give e.g. epochs=10.")
    steps = steps_of(X, y, weights)
    for epoch in range(epochs):
        order = steps.order(epoch, seed)
        for first in range(0, len(order), STRIP):
            strip = order[first : first + STRIP]
            rows, w = steps.rows[strip], steps.weights[strip]
            learn(take(X, rows), y[rows], w)


def learn_rows(learners: list[Learner], X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> None:
    """Learn rows once, in the given order."""
    for learner, answers in zip(learners, y.T, strict=True):
        learner.step_many(X, answers, weights)
