"""What a private learner promises, and the settings that the promise is kept with."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from headwater.errors import ConfigError

__all__ = ["Privacy"]

_UNITS = ("row", "user")
_ADJACENT = ("zero_out", "replace")
_STRICT_EPSILON = 5.0
"""Below it steps are of more rows, which the noise of one step then hides (see ``benchmarks/NOTES.md``)."""
MOST_ROWS_A_USER = 255


@dataclass(frozen=True, slots=True)
class Privacy:
    """Promise of (ε, δ)-differential privacy for every row, or every user, that a learner learns.

    Whatever anyone sees of the learner, P[seen with the row] ≤ e^ε · P[seen without it] + δ. Without the row means that it is
    replaced by a row that teaches nothing (``adjacency="zero_out"``) or by any other row (``"replace"``, which doubles the noise).

    Parameters
    ----------
    epsilon : float
        ε, how much may be seen of one row. 1 is strict, 3 common, 8 weak.
    delta : float
        δ, the probability that ε does not hold. Less than one in the number of rows.
    bounds : mapping
        For columns of numbers (lowest, highest), or (lowest, highest, "log") for a logarithmic scale. They are public, so take them
        from what the column means and not from the data. A column without bounds is read on a universal scale, which costs accuracy.
    unit : str
        Whom the promise is made to: "row", or "user" for all rows of one user together.
    user : hashable, optional
        Column that names the user, for ``unit="user"``. It is no feature.
    rows_per_user : int
        Rows that are learned of one user. Later ones are dropped.
    adjacency : str
        "zero_out" or "replace".
    classes : sequence, optional
        The classes. Without them each class is public from the first row that has it.
    target : (float, float), optional
        Lowest and highest answer of a regressor. They are public.
    knots : int
        Points of the curve of a column with bounds.
    buckets : int
        Rows of the table that names and numbers without bounds are hashed into.
    rows_per_step : int, optional
        Rows of one noisy step, 64 for ε below 5 and 16 above it by default.
    clip : float, optional
        Greatest norm of what one row may add to a step.
    step : float, optional
        Step size.
    intercept : bool
        Whether all rows share a constant feature.

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Examples
    --------
    >>> Privacy(epsilon=3, bounds={"age": (0, 100)}).sizes(classes=True)
    (64, 0.3, 0.3)

    References
    ----------
    Dwork, McSherry, Nissim & Smith 2006; Kairouz et al. 2021 (DP-FTRL, zero-out adjacency).
    """

    epsilon: float = 3.0
    delta: float = 1e-6
    bounds: Mapping[Any, Sequence[Any]] = field(default_factory=dict)
    unit: str = "row"
    user: Hashable = None
    rows_per_user: int = 1
    adjacency: str = "zero_out"
    classes: Sequence[Any] | None = None
    target: Sequence[float] | None = None
    knots: int = 12
    buckets: int = 1024
    rows_per_step: int | None = None
    clip: float | None = None
    step: float | None = None
    intercept: bool = True

    def __post_init__(self) -> None:
        _number("epsilon", self.epsilon, 1e-3, 100.0)
        _number("delta", self.delta, 1e-15, 0.1)
        _whole("knots", self.knots, 2, 1024)
        _whole("buckets", self.buckets, 1, 1 << 20)
        _whole("rows_per_user", self.rows_per_user, 1, MOST_ROWS_A_USER)
        if self.rows_per_step is not None:
            _whole("rows_per_step", self.rows_per_step, 1, 1 << 16)
        for name in ("clip", "step"):
            if getattr(self, name) is not None:
                _number(name, getattr(self, name), 1e-9, 1e9)
        _one_of("unit", self.unit, _UNITS)
        _one_of("adjacency", self.adjacency, _ADJACENT)
        if (self.unit == "user") != (self.user is not None):
            raise _refused(
                "user", "a column with unit='user', and none with unit='row'", self.user, "Name the column of users."
            )
        for name, given in self.bounds.items():
            _check_bounds(f"bounds[{name!r}]", given)
        if self.target is not None:
            _check_bounds("target", self.target, log=False)
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            raise _refused("classes", "different classes", self.classes, "Name each class once.")

    def sizes(self, *, classes: bool) -> tuple[int, float, float]:
        """Return the rows of a noisy step, the greatest norm of what a row adds to it, and the step size."""
        strict = self.epsilon < _STRICT_EPSILON or not classes
        rows = self.rows_per_step or (64 if strict else 16)
        usual = (0.3 if strict else 0.1) if classes else 1.5 / rows
        return rows, self.clip or (0.3 if strict else 1.0), self.step or usual

    @property
    def participations(self) -> int:
        """Rows that the promise covers together."""
        return self.rows_per_user if self.unit == "user" else 1

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest answer of a regressor, 0 and 1 where none are given."""
        low, high = self.target or (0.0, 1.0)
        return float(low), float(high)

    def __repr__(self) -> str:
        usual = {one.name: one.default for one in fields(self)} | {"bounds": {}}
        given = {name: getattr(self, name) for name, default in usual.items() if getattr(self, name) != default}
        return f"Privacy({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _refused(name: str, expected: str, got: Any, help: str) -> ConfigError:  # noqa: A002 - as in the errors
    return ConfigError(expected=expected, got=repr(got), at=f"{name} of Privacy", help=help)


def _number(name: str, value: Any, least: float, most: float) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    if not good:
        raise _refused(name, f"a number from {least:g} to {most:g}", value, "Leave it out for the default.")


def _whole(name: str, value: Any, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise _refused(name, f"a whole number from {least:,} to {most:,}", value, "Leave it out for the default.")


def _one_of(name: str, value: Any, words: Sequence[str]) -> None:
    if value not in words:
        raise _refused(name, " or ".join(map(repr, words)), value, "Choose one of them.")


def _check_bounds(name: str, given: Any, *, log: bool = True) -> None:
    pair = list(given)[:2] if isinstance(given, Sequence) and not isinstance(given, str) else []
    scale = list(given)[2:] if pair else []
    finite = len(pair) == 2 and all(
        isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end) for end in pair
    )
    if not finite or not pair[0] < pair[1] or scale not in ([[], ["log"]] if log else [[]]):
        also = ', and perhaps "log"' if log else ""
        raise _refused(name, f"(lowest, highest){also}", given, "Give the ends that such a number can have.")
