"""Evidence that a model is worse than a baseline, which no luck gathers often.

Of each row the margin m in [−1, 1] says by how much the model's loss is below the baseline's. As long as the model is no worse,
whatever came before, the expectation of m is 0 or more, and a bet of a share λ on the opposite grows on average by nothing::

    M_t(λ) = (M_{t−1}(λ) + 1) · (1 − λ m_t)        M_t = the mean over λ and over the baselines

So M_t − t is a supermartingale, and the first t with M_t ≥ c comes after c rows or more on average: an e-detector of the
Shiryaev–Roberts form. The bets need neither a distribution nor independent rows.

References
----------
J. Shin, A. Ramdas, A. Rinaldo (2024): E-detectors: a nonparametric framework for sequential change detection, The New England Journal
of Statistics in Data Science 2(2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["BETS", "Evidence"]

BETS = (0.02, 0.05, 0.1, 0.25, 0.5)
"""Shares that are bet. Small ones win slowly where the model is a little worse, large ones soon where it is much worse."""


class Evidence:
    """Gather evidence that a model is worse than one of some baselines.

    Parameters
    ----------
    rows : int
        Rows between two alarms, on average and at least, of a model that is no worse than any of them.

    Examples
    --------
    >>> import random
    >>> rng = random.Random(1)
    >>> evidence = Evidence(rows=10_000)
    >>> for _ in range(5):
    ...     evidence.update({"majority": [rng.choice((-1, 0, 0, 1)) for _ in range(1000)]})
    >>> evidence.alarmed
    False
    >>> evidence.update({"majority": [rng.choice((-1, -1, 0, 1)) for _ in range(1000)]})
    >>> evidence.alarmed, evidence.baseline
    (True, 'majority')
    """

    def __init__(self, rows: int = 100_000) -> None:
        self.rows = rows
        self.by_baseline: dict[str, float] = {}
        """Evidence against each baseline."""
        self._wealth: dict[str, list[float]] = {}

    def update(self, margins: Mapping[str, Sequence[float]]) -> None:
        """Take the margins of the next rows over each baseline, positive where the model was better.

        Once there is an alarm it stays.
        """
        for name, own in margins.items():
            wealth = self._wealth.setdefault(name, [0.0] * len(BETS))
            for i, share in enumerate(BETS):
                wealth[i] = _grown(wealth[i], own, share, self.rows * len(margins) * len(BETS))
            self.by_baseline[name] = sum(wealth) / len(BETS)

    @property
    def value(self) -> float:
        """The evidence against all baselines together, which reaches ``rows`` at an alarm."""
        return sum(self.by_baseline.values()) / len(self.by_baseline) if self.by_baseline else 0.0

    @property
    def alarmed(self) -> bool:
        """Whether there is enough evidence."""
        return self.value >= self.rows

    @property
    def baseline(self) -> str:
        """The baseline with the most evidence, or "" before the first row."""
        return max(self.by_baseline, key=self.by_baseline.__getitem__, default="")


def _grown(wealth: float, margins: Sequence[float], share: float, enough: float) -> float:
    """Return the wealth after bets of a share, or once it is enough for an alarm by itself."""
    for margin in margins:
        if wealth >= enough:
            return wealth
        wealth = (wealth + 1.0) * (1.0 - share * margin)
    return wealth
