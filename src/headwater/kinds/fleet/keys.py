"""Reject reasons of keys, and how errors show a key."""

from __future__ import annotations

from typing import Any

from headwater.errors import ConfigError, DataError, counted, shown

__all__ = ["KEY_REASONS", "NO_KEY", "TOO_MANY", "check_key", "no_key", "shown", "too_many_keys", "unknown_key"]

KEY_REASONS = {
    "key": "the key is missing, None or NaN, or has an unsupported type (keys are texts, numbers, booleans, bytes, or tuples "
    "of these; str(key) makes one)",
    "keys": "max_keys is reached, and this key is new",
}
"""Meaning of the reasons that only a fleet has. ``learner.validation.REASONS`` has the others."""
NO_KEY, TOO_MANY = -2, -3
"""Codes of the core for a row without a member."""


def check_key(key: Any) -> None:
    """Raise ConfigError unless a fleet's key is the name of a column.

    Raises
    ------
    ConfigError
        Saying what to give.
    """
    if not isinstance(key, str) or not key:
        raise ConfigError(
            expected="the name of a column", got=repr(key), at="key of Fleet", help="Give e.g. key='machine_id'."
        )


def unknown_key(name: str, key: Any) -> DataError:
    """Return the error for a key without a member."""
    return DataError(
        expected="a key that the fleet knows",
        got=shown(key),
        at=name,
        help="Learn a row with this key first.",
        code="unknown_key",
    )


def no_key(name: str, key: Any, row: int) -> DataError:
    """Return the error for a row without a usable key."""
    return DataError(
        expected=f"a text, a number or a boolean in {name}, the fleet's key",
        got=shown(key),
        at=f"row {row + 1}",
        help="Send such a key with each row, for other types str(key). Nothing was learned.",
        code="no_key",
    )


def too_many_keys(name: str, most: int) -> DataError:
    """Return the error for more keys than a fleet may have."""
    return DataError(
        expected=f"at most {counted(most, 'key')}",
        got="one more",
        at=name,
        help="Create the fleet with a larger max_keys. Nothing was learned.",
        code="too_many_keys",
    )
