"""Result of an explanation, and its printed form."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from headwater.route.verdict.numbers import figure
from headwater.streams.files.terminal import printable
from headwater.types import NOTEBOOK

__all__ = ["METHODS", "Explanation"]

METHODS = ("integrated_gradients", "gradient_x_input")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Contribution of each feature to the difference between one prediction and the baseline.

    Parameters
    ----------
    prediction, baseline
        F of the sample and of the baseline: a probability of `target`, or a regressor's prediction.
    contributions
        By feature name, the largest first. A missing or unknown feature has 0.
    values
        The sample's values, by feature name.
    target
        The class explained; a bandit's action; None for a regressor.
    method
        ``"integrated_gradients"`` or ``"gradient_x_input"``; ``"pool"`` for an anomaly model, ``"least_squares"`` for a
        forecaster, ``"one_column"`` for a bandit.
    of
        ``"proba"`` or ``"log_odds"`` for a classifier, ``"score"`` for an anomaly model, ``"answer"`` for a forecaster,
        ``"reward"`` for a bandit.

    Examples
    --------
    >>> why = Explanation(0.9, 0.5, {"age": 0.5, "job": -0.1}, {"age": 61, "job": "cook"}, True)
    >>> why.rest, why.top(1)
    (0.0, [('age = 61', 0.5)])
    """

    prediction: float
    baseline: float
    contributions: dict[Hashable, float]
    values: dict[Hashable, Any]
    target: Any = None
    method: str = METHODS[0]
    of: str = "proba"

    @property
    def what(self) -> str:
        """What is explained, such as ``p(late)``."""
        if self.target is not None:
            return f"{ {'proba': 'p', 'reward': 'reward'}.get(self.of, 'log-odds') }({self.target})"
        return "raw score" if self.of == "score" else "prediction"

    @property
    def rest(self) -> float:
        """The unexplained part F − F(baseline) − Σ contributions, about 0 for integrated gradients."""
        return self.prediction - self.baseline - sum(self.contributions.values())

    def top(self, n: int = 10) -> list[tuple[str, float]]:
        """Return the n largest contributions as pairs of ``name = value`` and number."""
        named = [(f"{name} = {_shown(self.values.get(name))}", part) for name, part in self.contributions.items()]
        return named[:n]

    def __str__(self) -> str:
        lines = [f"{self.what} = {figure(self.prediction)}, baseline {figure(self.baseline)}"]
        width = max((len(name) for name, _ in self.top()), default=0)
        largest = max((abs(part) for _, part in self.top() if math.isfinite(part)), default=0.0) or 1.0
        for name, part in self.top():
            bar = "█" * round(12 * (abs(part) / largest)) if math.isfinite(part) else ""
            lines.append(f"{name:<{width}}  {part:+10.4g}  {'−' if part < 0 else '+'}{bar}")
        hidden = len(self.contributions) - 10
        return printable("\n".join(lines + ([f"… and {hidden} more"] if hidden > 0 else [])))

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        parts = [
            {"name": str(name), "value": _shown(self.values.get(name)), "contribution": part}
            for name, part in self.contributions.items()
        ]
        return {
            "target": self.target,
            "prediction": self.prediction,
            "baseline": self.baseline,
            "method": self.method,
            "contributions": parts,
        }


def _shown(value: Any) -> str:
    return figure(value) if isinstance(value, float) else str(value)
