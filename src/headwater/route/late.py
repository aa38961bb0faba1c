"""Learn rows whose labels come late, for learners that keep nothing of a prediction."""

from __future__ import annotations

from typing import Any

from headwater.encode.rows import as_dicts
from headwater.learner.validation import as_answers, as_samples, check_pairs
from headwater.types import Predictions, join

__all__ = ["step_late"]


def step_late(learner: Any, X: Any, y: Any, w: Any, ask: Any) -> Predictions:
    """Predict row i of ``ask``, then learn row i of X, in turn, and return the predictions.

    Parameters
    ----------
    learner : Learner
        Any, locked by the caller.
    X, y, w
        Rows whose labels have arrived, their labels and weights.
    ask : list of dict, array (n, d) or data frame
        Rows to predict, as many as rows of X, or any number if X is empty.
    """
    X, ask, answers = as_samples(X), as_samples(ask), as_answers(y)
    n = check_pairs(X, answers, ask)
    if not n:
        predicted: Predictions = learner.predict_batch(ask)
        return predicted
    said = []
    for i, (x, asked) in enumerate(zip(as_dicts(X), as_dicts(ask), strict=True)):
        said.append(learner.predict_batch([asked]))
        learner.step_many([x], [answers[i]], None if w is None else [w[i]])
    return join(said)
