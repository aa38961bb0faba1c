"""Keys of members: why a row gets none, and how errors name one."""

from __future__ import annotations

from typing import Any

from headwater.errors import DataError

__all__ = ["KEY_REASONS", "NO_KEY", "TOO_MANY", "shown", "unknown_key"]

KEY_REASONS = {
    "key": "the key is missing, None or NaN, or of a kind that can't be kept (keys are texts, numbers, booleans, bytes, or tuples "
    "of these; str(key) makes one)",
    "keys": "there are as many keys as max_keys allows, and this is a new one",
}
"""What the reasons mean that only a fleet has; the others stand in ``learner.guards.REASONS``."""
NO_KEY, TOO_MANY = -2, -3
"""What the core says in place of a member's number."""
_SHOWN = 60
"""Characters of a key in a sentence."""


def shown(key: Any) -> str:
    """Return a key as a sentence names it, whatever it is.

    Examples
    --------
    >>> shown("a"), shown(10**5000)
    ("'a'", 'an int that has no text')
    """
    try:
        return repr(key)[:_SHOWN]
    except Exception:  # noqa: BLE001 - a number of thousands of digits, or what a class of the caller's raises
        return f"an {type(key).__name__} that has no text"


def unknown_key(name: str, key: Any) -> DataError:
    """Return the error of a key that has no member."""
    return DataError(
        expected="a key that the fleet knows",
        got=shown(key),
        at=name,
        help="A row with it has to be learned first.",
        code="unknown_key",
    )
