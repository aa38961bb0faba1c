"""Format numbers for readers, without the ``e`` of programs.

All pages use this format. ``store/web/shared/verdict.mjs`` has the same functions for browsers, and a test compares their results.
Halves are rounded away from zero, as in JavaScript.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = ["figure", "figure_cell", "share", "tell_apart"]

LARGEST, SMALLEST = 1e15, 1e-6
"""Numbers beyond are written with a power of ten."""
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure(value: float, digits: int = 4) -> str:
    """Format a number with a few significant digits and with commas between thousands.

    Examples
    --------
    >>> figure(31_030.4), figure(2.5), figure(0.00012345), figure(1e-9), figure(float("nan"))
    ('31,030', '2.5', '0.0001234', '1 × 10⁻⁹', '–')
    """
    if not math.isfinite(value):
        return "–"
    number = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(Decimal(value))
    if number and not SMALLEST <= abs(number) < LARGEST:
        power = number.adjusted()
        return f"{_plain(number.scaleb(-power))} × 10{str(power).translate(_POWERS)}"
    return _plain(number)


def share(value: float, decimals: int = 1) -> str:
    """Format a share in percent, without the sign.

    Examples
    --------
    >>> share(0.667), share(0.125, 0), share(1.0)
    ('66.7', '13', '100.0')
    """
    return f"{_fixed(100 * value, decimals)}"


def tell_apart(a: float, b: float, *, percent: bool) -> tuple[str, str]:
    """Format two numbers with as many digits as it takes to tell them apart, within reason.

    Examples
    --------
    >>> (
    ...     tell_apart(0.72, 0.59, percent=True),
    ...     tell_apart(0.701, 0.698, percent=True),
    ...     tell_apart(12, 20.5, percent=False),
    ... )
    (('72', '59'), ('70.1', '69.8'), ('12', '20.5'))
    >>> tell_apart(0.001, 0.001, percent=True)
    ('0.1', '0.1')
    """
    form, digits = (share, (0, 1, 2, 3)) if percent else (figure, (3, 4, 5, 6))
    pairs = [(form(a, d), form(b, d)) for d in digits]
    if a == b:
        shown = (pair for pair in pairs if not percent or not a or float(pair[0]))  # a small share isn't shown as 0
        return next(shown, pairs[-1])
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])


def figure_cell(value: float) -> str:
    """Format a number for a column of a table, with four decimals below 100.

    Examples
    --------
    >>> figure_cell(31_030.4), figure_cell(2.5), figure_cell(-1e-9), figure_cell(float("nan"))
    ('31,030', '2.5000', '0.0000', '–')
    """
    if value != value:
        return "–"
    return figure(value) if abs(value) >= 100 else f"{round(value, 4) + 0.0:.4f}"  # + 0.0: no minus before 0


def _fixed(value: float, decimals: int) -> str:
    return str(Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) + 0)


def _plain(number: Decimal) -> str:
    text = f"{number + 0:,f}"  # + 0: no minus before 0
    return text.rstrip("0").rstrip(".") if "." in text else text
