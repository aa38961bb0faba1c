"""What a private learner promises, in numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .accountant import HORIZON, noise_multiplier, sensitivity

__all__ = ["Promise"]

_PUBLIC = (
    "the number of rows and their order in time",
    "the settings, with bounds, knots, buckets and the range of answers",
    "the predictions and explanations of any row",
)
_OUTSIDE = (
    "the store with its journal, which holds the rows and the secret noise",
    "scores, logs, metrics and pages of a run, which are exact functions of labels",
    "the prediction that is given to whom a row belongs, before it is learned",
)


@dataclass(frozen=True, slots=True)
class Promise:
    """The promise of a private learner, as an engineer and a reviewer read it.

    Parameters
    ----------
    epsilon, delta, unit, adjacency
        As in `Privacy`.
    sigma : float
        Standard deviation of the noise in units of the sensitivity.
    mechanism : str
        How the noise is made.
    steps : int
        Noisy steps so far.
    public, outside : tuple of str
        What the promise takes for public, and what it doesn't cover.

    Examples
    --------
    >>> from headwater import Classifier, Privacy
    >>> promise = Classifier(privacy=Privacy(epsilon=3)).privacy_
    >>> promise.epsilon, round(promise.sigma, 3), promise.unit
    (3, 1.544, 'row')
    """

    epsilon: float
    delta: float
    unit: str
    adjacency: str
    sigma: float
    mechanism: str
    steps: int
    public: tuple[str, ...]
    outside: tuple[str, ...]

    @classmethod
    def of(cls, engine: Any) -> Promise:
        """Return the promise of an engine's settings."""
        privacy = engine.privacy
        classes = (
            ()
            if not engine.of_classes
            else (
                ("which classes there are",)
                if privacy.classes
                else ("which classes there are, and when each came first",)
            )
        )
        return cls(
            privacy.epsilon,
            privacy.delta,
            privacy.unit,
            privacy.adjacency,
            noise_multiplier(privacy.epsilon, privacy.delta),
            f"one Gaussian mechanism over all running sums of clipped gradients (norm {engine.norm:g}), its noise correlated by a "
            f"buffered Toeplitz matrix of sensitivity {sensitivity():.3f} over {HORIZON:,} steps of {engine.rows_a_step} rows",
            int(engine.numbers[1]),
            (*_PUBLIC, *classes),
            _OUTSIDE,
        )

    def __str__(self) -> str:
        times = math.exp(self.epsilon)
        who = "a row" if self.unit == "row" else "a user"
        instead = "teaches nothing" if self.adjacency == "zero_out" else "is any other one"
        many = f"{times:,.1f}" if times < 1e4 else f"{times:.2g}"
        return (
            f"Whatever anyone sees of this model is at most e^{self.epsilon:g} = {many} times as likely with {who} as "
            f"without it (a row that {instead}), but for a probability of {self.delta:g}."
        )
