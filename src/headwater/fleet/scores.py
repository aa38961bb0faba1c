"""Which keys of a fleet are predicted worst, and which best."""

from __future__ import annotations

from typing import Any

from .fleet import Fleet

__all__ = ["key_scores"]

LEAST = 30
"""Rows that a key must have been scored on to be among the worst and the best; all count where none has so many."""
SHOWN = 5


def key_scores(fleet: Fleet) -> dict[str, Any]:
    """Return how many keys there are, how many have rows enough for their score to tell something, and the worst and the best.

    Parameters
    ----------
    fleet : Fleet
        A fleet that has learned.

    Returns
    -------
    dict
        ``keys``, ``least`` (rows), ``compared`` (keys with that many), ``worst`` and ``best``: each a list of ``key``, ``rows``
        and the score, the worst and the best first. No key is in both.
    """
    ranking, least = fleet.ranking(LEAST), LEAST
    if not ranking:
        ranking, least = fleet.ranking(), 1
    found = [{"key": key, **score} for key, score in ranking]
    worst = found[: min(SHOWN, (len(found) + 1) // 2)]
    best = found[: len(worst) - 1 if worst else None : -1][:SHOWN]
    return {"keys": len(fleet), "least": least, "compared": len(found), "worst": worst, "best": best}
