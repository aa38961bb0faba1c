"""A row that was seen, as the notes in a model's file hold it for pages that are made of the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["SEEN", "as_note"]

SEEN = "seen"
"""The entry of a learner's notes with a row that it has seen, on which a page of its file opens."""
MOST = 1_000
"""Names of a noted row at most."""


def as_note(row: Mapping[Any, Any]) -> dict[str, Any] | None:
    """Return a row as JSON can hold it, without what is missing; None if it has other names or values, or too many.

    >>> as_note({"room": "2", "x": np.float32(0.5), "open": True, "gap": None})
    {'room': '2', 'x': 0.5, 'open': 1}
    """
    noted: dict[str, Any] = {}
    for name, given in row.items():
        value = given.item() if isinstance(given, np.generic) else given
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            continue
        if not (isinstance(name, str) and isinstance(value, str | int | float)):
            return None
        noted[name] = int(value) if isinstance(value, bool) else value
    return noted if noted and len(noted) <= MOST else None
