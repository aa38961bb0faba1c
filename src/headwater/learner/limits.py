"""Limits: what one sample, or one request of several, may make a learner grow by. Checked before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from headwater.errors import ConfigError, LimitError, TargetError


@dataclass(frozen=True, slots=True)
class Limits:
    """What samples may ask for.

    Parameters
    ----------
    entries : int
        Numbers and categories in one sample, those inside lists and mappings among them; a date-time counts as seven.
    names : int
        New columns and categories that a sample may bring.
    classes : int
        Classes that a classifier may have in all.
    fractions : int
        Of these, numbers with a fraction: more of them look like the answers of a regression.
    bytes : int
        By how much a sample may make the learner grow, as far as that can be estimated beforehand.

    Raises
    ------
    ConfigError
        If one is no whole number above 0.

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


@dataclass(frozen=True, slots=True)
class Growth:
    """What learning some samples would append to a learner.

    Parameters
    ----------
    entries : int
        Entries of the largest sample.
    names, classes : int
        New columns and categories, new classes; one that several samples have counts once.
    rows : int
        New rows of the input table.
    bytes : int
        An estimate of the memory.
    """

    entries: int
    names: int
    classes: int
    rows: int
    bytes: int


def check_growth(growth: Growth, classes: int, limits: Limits) -> None:
    """Refuse growth beyond a limit; ``classes``: how many there are now.

    Raises
    ------
    LimitError
        With the limit's name.
    """
    found = asdict(growth) | {"classes": classes + growth.classes}
    for name in ("entries", "names", "classes", "bytes"):
        if found[name] > getattr(limits, name):
            raise LimitError(limit=name, most=getattr(limits, name), got=found[name])


def check_classes(known: Mapping[Any, int], labels: Iterable[Any], limits: Limits) -> list[Any]:
    """Return the labels that are new, each once, if there may be as many classes.

    Raises
    ------
    LimitError
        Beyond ``limits.classes``.
    TargetError
        If so many classes are numbers with a fraction that they look like the answers of a regression.
    """
    new = [label for label in dict.fromkeys(labels) if label not in known]
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
