"""Select the largest drifts to show, and count the smaller ones near them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headwater.types import Event

__all__ = ["SHOWN", "Episode", "largest"]

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Episode:
    """A drift and the number of smaller ones near it.

    Parameters
    ----------
    event
        The largest drift.
    near
        Number of smaller drifts of its kind near it.
    """

    event: Event
    near: int = 0


def largest(events: Sequence[Event], rows: int, most: int = SHOWN) -> list[Episode]:
    """Return the largest drifts in row order. Smaller drifts near a larger one are counted with it.

    Parameters
    ----------
    events
        Events of any kind. Only drifts are used.
    rows
        Length of the stream. Drifts within a fortieth of it are near.
    most
        Maximum number to return.

    Examples
    --------
    >>> kind = "drift_detected"
    >>> events = [Event(100, kind, "a", 0.2), Event(110, kind, "b", 0.3), Event(900, kind, "c", 0.1)]
    >>> [(episode.event.text, episode.near) for episode in largest(events, 1000)]
    [('b', 1), ('c', 0)]
    """
    drifts = sorted((event for event in events if event.kind.endswith("drift_detected")), key=lambda e: -e.size)
    near = max(rows // 40, 1)
    found: dict[Event, int] = {}
    for event in drifts:
        close = [other for other in found if other.kind == event.kind and abs(other.row - event.row) <= near]
        if close:
            found[close[0]] += 1
        elif len(found) < most:
            found[event] = 0
    return [Episode(event, count) for event, count in sorted(found.items(), key=lambda one: one[0].row)]
