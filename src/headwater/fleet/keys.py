"""Reject reasons of keys, and how errors show a key."""

from __future__ import annotations

from typing import Any

from headwater.errors import DataError, shown

__all__ = ["KEY_REASONS", "NO_KEY", "TOO_MANY", "shown", "unknown_key"]

KEY_REASONS = {
    "key": "the key is missing, None or NaN, or has an unsupported type (keys are texts, numbers, booleans, bytes, or tuples "
    "of these; str(key) makes one)",
    "keys": "max_keys is reached, and this key is new",
}
"""Meaning of the reasons that only a fleet has. ``learner.validation.REASONS`` has the others."""
NO_KEY, TOO_MANY = -2, -3
"""Codes of the core for a row without a member."""


def unknown_key(name: str, key: Any) -> DataError:
    """Return the error for a key without a member."""
    return DataError(
        expected="a key that the fleet knows",
        got=shown(key),
        at=name,
        help="Learn a row with this key first.",
        code="unknown_key",
    )
