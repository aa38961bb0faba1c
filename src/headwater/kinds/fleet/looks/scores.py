"""The keys of a fleet with the worst and the best scores."""

from __future__ import annotations

from typing import Any

from headwater.kinds.fleet.base import AnyFleet

__all__ = ["key_scores"]

LEAST = 30
"""Minimum scored rows of a ranked key. All keys are ranked where none has so many."""
SHOWN = 5


def key_scores(fleet: AnyFleet) -> dict[str, Any]:
    """Return the number of keys, how many have enough rows to be ranked, and the worst and the best.

    Parameters
    ----------
    fleet : Fleet
        A fleet that has learned.

    Returns
    -------
    dict
        ``keys``, ``least`` (minimum rows), ``compared`` (keys with that many), and the lists ``worst`` and ``best`` of
        ``key``, ``rows`` and the score, worst or best first. No key is in both.
    """
    ranking, least = fleet.ranking(LEAST), LEAST
    if not ranking:
        ranking, least = fleet.ranking(), 1
    found = [{"key": key, **score} for key, score in ranking]
    worst = found[: min(SHOWN, (len(found) + 1) // 2)]
    best = found[: len(worst) - 1 if worst else None : -1][:SHOWN]
    return {"keys": len(fleet), "least": least, "compared": len(found), "worst": worst, "best": best}
