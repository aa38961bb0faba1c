"""Parse numbers in formats such as ``1,234.56``, ``1.234,56 €``, ``$9.50``, ``5 %``, ``(12)``, ``１２３`` and ``1 234``.

A single cell is ambiguous: ``1,234`` is 1234 in one country and 1.234 in another. So the format is inferred from the whole
column and then applied to each cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = ["PLAIN", "NumberFormat", "infer_numbers", "normalised"]

_MONEY = (
    "US$ A$ C$ R$ NT$ HK$ S$ kr Kr Kr. kr. Fr Fr. CHF Rs Rs. Rp RM zł Kč Ft lei USD EUR GBP JPY CNY RMB INR KRW BRL "
    "AUD CAD SEK NOK DKK PLN CZK HUF MXN ZAR TWD HKD SGD 元 円 원 圆"
)
_MEASURES = (
    "% ‰ ° °C °F K k M B bn mn m km cm mm µm mi ft in yd kg g mg µg t lb lbs oz s sec ms µs min h hr hrs d l L ml mL "
    "kW kWh W V mV A mA Hz kHz MHz GHz KB MB GB TB kB px pt km/h mph m/s m² km² m³ ha Pa hPa bar ppm dB "
    "万 亿 萬 億 万元 亿元"
)
# Normalized like cells: "m²" as "m2", the micro sign as the Greek letter.
_CURRENCIES, _UNITS = _MONEY.split(), unicodedata.normalize("NFKC", _MEASURES).split()
_FACTORS = {
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "mn": 1e6,
    "B": 1e9,
    "bn": 1e9,
    "万": 1e4,
    "萬": 1e4,
    "万元": 1e4,
    "亿": 1e8,
    "億": 1e8,
    "亿元": 1e8,
}
_SYMBOL = "[%‰°$¢£¥€₹₽₩₪₫₴₺₿฿]"
_BEFORE = "|".join([*map(re.escape, sorted(_CURRENCIES, key=len, reverse=True)), _SYMBOL])
_AFTER = "|".join([*map(re.escape, sorted([*_CURRENCIES, *_UNITS], key=len, reverse=True)), _SYMBOL])
_DIGITS = r"\d[\d.,' ]*\d|\d[.,]?|[.,]\d+"
_CELL = re.compile(
    rf"(?P<sign>[+-])?\s*(?P<before>{_BEFORE})?\s*(?P<sign2>[+-])?\s*"
    rf"(?P<digits>{_DIGITS})(?P<exponent>[eE][+-]?\d+)?"
    rf"\s*(?P<after>{_AFTER}|(?<=\s)[^\W\d_]{{1,6}})?(?P<trailing>-)?"
)
_MARKS = str.maketrans({"−": "-", "–": "-", "’": "'", "‘": "'", "ʼ": "'"})
_WORDS = frozenset(("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"))
_NAMES = {",": "comma", ".": "point", " ": "space", "'": "apostrophe"}
_DOUBTFUL = 0.999  # weight of a doubtful cell, to decide between equally good formats
_SINGLE = 0.95  # minimum share of cells with the same unit

# Decimal and thousands sign. The earlier style wins where cells fit both.
_STYLES = ((".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))


@dataclass(frozen=True)
class NumberFormat:
    """Format of the numbers in one column.

    Parameters
    ----------
    decimal
        Sign before the fraction.
    thousands
        Sign between groups of three digits; empty for none.
    unit
        Currency or unit before or after a number, which is ignored since it is constant.
    factors
        Whether ``k``, ``M``, ``B``, ``万`` and ``亿`` after a number multiply it.

    Examples
    --------
    >>> german = NumberFormat(",", ".", "€")
    >>> german.read("1.234,56 €"), german.read("(12)"), german.read("1.5")
    (1234.56, -12.0, None)
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    factors: bool = False

    def read(self, cell: str) -> float | None:
        """Parse a cell in this format, or return None."""
        parts = _parts(normalised(cell))
        if parts is None:
            return float(cell) if cell.strip().lower() in _WORDS else None
        digits, sign, exponent, unit = parts
        if unit and unit != self.unit and not (self.factors and unit in _FACTORS):
            return None
        if not self._pattern.fullmatch(digits):
            return None
        plain = digits.replace(self.thousands, "") if self.thousands else digits
        value = float(plain.replace(self.decimal, ".") + exponent)
        if self.factors:
            value *= _FACTORS.get(unit, 1.0)
        return sign * value

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _pattern(self.decimal, self.thousands)

    @cached_property
    def plain(self) -> bool:
        """Whether Python's ``float`` parses this format."""
        return self.decimal == "." and not self.thousands and not self.unit and not self.factors

    def __str__(self) -> str:
        parts = [f"decimal {_NAMES[self.decimal]}"] if self.decimal != "." or self.thousands else []
        if self.thousands:
            parts.append(f"thousands {_NAMES[self.thousands]}")
        if self.unit:
            parts.append(f"without the unit {self.unit}")
        if self.factors:
            parts.append("k, M and B multiply, as do 万 and 亿")
        return ", ".join(parts)


PLAIN = NumberFormat()


@dataclass(frozen=True)
class NumberVerdict:
    """Formats that fit the most cells of a column, their number, and the units if there are several."""

    formats: tuple[NumberFormat, ...]
    cells: int
    units: tuple[str, ...] = ()
    bare: int = 0  # cells without the unit of the others


def normalised(cell: str) -> str:
    r"""Normalize a cell to narrow characters with plain spaces, minus signs and apostrophes.

    A raised or circled digit beside a number is an exponent or a footnote, so such a cell stays as it is.

    Examples
    --------
    >>> normalised("１２３"), normalised("−5\u00a0％"), normalised("5 m²"), normalised("12²")
    ('123', '-5 %', '5 m2', '12²')
    """
    cell = cell.strip()
    if cell.isascii() or any(map(_is_mark, " " + cell, cell)):
        return cell
    return unicodedata.normalize("NFKC", cell).translate(_MARKS).strip()


def _is_mark(before: str, character: str) -> bool:
    """Return whether a character is a raised, lowered or circled digit that belongs to no unit such as m²."""
    return unicodedata.category(character) == "No" and not before.isalpha()


def infer_numbers(
    counts: Mapping[str, int], *, decimal: str = "", thousands: str | None = None
) -> NumberVerdict | None:
    """Return the formats that fit the most cells of a column, or None if half of the cells or more are no numbers.

    Parameters
    ----------
    counts
        Number of occurrences of each text, without missing ones.
    decimal, thousands
        Known signs; "" and None if unknown.

    Examples
    --------
    >>> infer_numbers({"1.234,56": 3, "12": 1}).formats
    (NumberFormat(decimal=',', thousands='.', unit='', factors=False),)
    >>> [style.decimal for style in infer_numbers({"1,234": 1, "2,345": 1}).formats]
    [',', '.']
    """
    found = [(parts, n) for cell, n in counts.items() if (parts := _parts(normalised(cell))) is not None]
    total = sum(counts.values())
    if 2 * sum(n for _, n in found) <= total:
        return None
    units: dict[str, int] = {}
    for (_, _, _, unit), n in found:
        units[unit] = units.get(unit, 0) + n
    named = {unit: n for unit, n in units.items() if unit}
    factors = bool(named) and named.keys() <= _FACTORS.keys() and (len(named) > 1 or "" in units)
    if not factors and len(named) > 1 and max(named.values()) < _SINGLE * sum(named.values()):
        return NumberVerdict((), 0, tuple(sorted(named, key=lambda unit: -named[unit])))
    unit = "" if factors or not named else max(named, key=lambda unit: named[unit])
    fits: dict[tuple[str, str], float] = {}
    signs = {sign for parts, _ in found for sign in ",.' " if sign in parts[0]}
    for style in _styles(decimal, thousands):
        grouped = style[1] in signs
        if not decimal and not thousands and not _shown(style, signs):
            continue
        whole = _pattern(*style)
        fits[style] = sum(n * _weight(parts[0], style, grouped) for parts, n in found if whole.fullmatch(parts[0]))
    best = max(fits.values(), default=0)
    if 2 * best <= total:
        return None
    formats = tuple(NumberFormat(*style, unit, factors) for style, fit in fits.items() if fit == best)
    return NumberVerdict(formats, round(best), bare=units.get("", 0) if unit else 0)


def _shown(style: tuple[str, str], signs: set[str]) -> bool:
    """Return whether the cells contain a style's thousands sign, or else its decimal sign."""
    decimal, thousands = style
    return thousands in signs if thousands else decimal in signs | {"."}


def _weight(digits: str, style: tuple[str, str], grouped: bool) -> float:
    """Return 1, or less for a long number without the thousands signs of its column."""
    whole = digits.partition(style[0])[0]
    return _DOUBTFUL if grouped and len(whole) > 3 and style[1] not in whole else 1.0


def _styles(decimal: str, thousands: str | None) -> list[tuple[str, str]]:
    styles = [style for style in _STYLES if decimal in ("", style[0]) and thousands in (None, style[1])]
    if thousands and (decimal or ".") != thousands and not styles:
        styles = [(decimal or ".", thousands)]
    return styles or list(_STYLES)


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    d, t = re.escape(decimal), re.escape(thousands)
    fraction = rf"(?:{d}\d*)?"
    grouped = rf"|[1-9]\d{{0,2}}(?:{t}\d{{2,3}})*{t}\d{{3}}{fraction}" if thousands else ""
    return re.compile(rf"\d+{fraction}|{d}\d+{grouped}")


def _parts(cell: str) -> tuple[str, float, str, str] | None:
    """Return a number's digits with inner signs, its sign, exponent and unit, or None if it is no number."""
    sign = 1.0
    if cell[-1:] == ")" and "(" in cell[:5]:  # accounting notation for negative numbers
        cell, sign = cell.replace("(", "", 1)[:-1].strip(), -1.0
    match = _CELL.fullmatch(cell)
    if match is None or (match["sign"] and match["sign2"]) or (match["before"] and match["after"]):
        return None
    if "-" in (match["sign"], match["sign2"], match["trailing"]):
        sign = -sign
    return match["digits"], sign, match["exponent"] or "", match["before"] or match["after"] or ""
