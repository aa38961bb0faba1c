"""The order of a forecaster's arguments, which is not that of other kinds."""

from __future__ import annotations

from typing import Any

from headwater.errors import DataError

__all__ = ["check_order"]


def check_order(y: Any) -> None:
    """Raise DataError if a dict, which holds features, is given in the place of a value."""
    if type(y) is dict:
        raise DataError(expected="a value, then its features", got="a dict", at="y", help="Call learn_one(y, x).")
