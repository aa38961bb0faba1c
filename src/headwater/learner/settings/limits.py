"""Limits of the growth that one sample or request may cause, checked before anything changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import filterfalse
from typing import Any

from headwater.errors import ConfigError, LimitError, TargetError


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of samples.

    Parameters
    ----------
    entries : int
        Numbers and categories in one sample, including those in lists and mappings. A date-time counts as seven.
    names : int
        New columns and categories in one sample.
    classes : int
        Total classes of a classifier.
    fractions : int
        Classes that are numbers with a fraction. More of them look like the targets of a regression.
    bytes : int
        Estimated growth of the learner by one sample.

    Raises
    ------
    ConfigError
        If one is not a whole number above 0.

    Examples
    --------
    >>> Limits(classes=50).classes
    50
    """

    entries: int = 100_000
    names: int = 100_000
    classes: int = 10_000
    fractions: int = 100
    bytes: int = 1 << 30

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise ConfigError(
                    expected="a whole number above 0",
                    got=repr(value),
                    at=f"{field.name} of Limits",
                    help="Leave it out.",
                )


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Growth:
    """What learning samples would add to a learner.

    Parameters
    ----------
    entries : int
        Entries of the largest sample.
    names, classes : int
        Distinct new columns and categories, and distinct new classes.
    rows : int
        New rows of the input table.
    bytes : int
        Estimated memory.
    """

    entries: int
    names: int
    classes: int
    rows: int
    bytes: int


def check_growth(growth: Growth, classes: int, limits: Limits) -> None:
    """Raise LimitError for growth beyond a limit, given the current number of classes.

    Raises
    ------
    LimitError
        Names the limit.
    """
    found = asdict(growth) | {"classes": classes + growth.classes}
    for name in ("entries", "names", "classes", "bytes"):
        if found[name] > getattr(limits, name):
            raise LimitError(limit=name, most=getattr(limits, name), got=found[name])


def check_classes(known: Mapping[Any, int], labels: Iterable[Any], limits: Limits) -> list[Any]:
    """Return the distinct new labels if the limits allow that many classes.

    Raises
    ------
    LimitError
        If there would be more than ``limits.classes``.
    TargetError
        If more than ``limits.fractions`` classes are numbers with a fraction, which suggests a regression.
    """
    new = list(filterfalse(known.__contains__, dict.fromkeys(labels)))
    if len(known) + len(new) > limits.classes:
        raise LimitError(limit="classes", most=limits.classes, got=len(known) + len(new))
    if any(map(_is_fraction, new)):
        fractions = [label for label in (*known, *new) if _is_fraction(label)]
        if len(fractions) > limits.fractions:
            raise TargetError(
                expected=f"classes of which at most {limits.fractions:,} are numbers with a fraction",
                got=f"{len(fractions):,}: {_some(fractions)}",
                at="y",
                help="This looks like a regression: use hw.Regressor, or raise limits.fractions.",
                code="limit_fractions",
            )
    return new


def _is_fraction(label: Any) -> bool:
    return isinstance(label, float) and not label.is_integer()


def _some(labels: Sequence[Any]) -> str:
    return ", ".join(f"{label:g}" for label in labels[:3]) + (" …" if len(labels) > 3 else "")
