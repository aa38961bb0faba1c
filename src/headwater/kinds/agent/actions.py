"""Action spaces, from Gymnasium or given directly, and their encoding for the core."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError

__all__ = ["Actions", "as_actions", "as_setting"]

Setting = int | tuple[Any, ...]
"""Number of actions, their names, or the range of each number of an action."""
MOST = 1 << 12
_LABELS = (str, int, bool)


@dataclass(frozen=True, slots=True)
class Actions:
    """A discrete (``labels``) or continuous (``low`` and ``high``) action space.

    Examples
    --------
    >>> actions = as_actions(("left", "right"))
    >>> actions.number("right"), actions.named(0)
    (1, 'left')
    >>> box = as_actions(((-2.0, 2.0),))
    >>> box.number([1.0]), box.named([0.5])
    ([0.5], array([1.], dtype=float32))
    """

    labels: tuple[Any, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @property
    def outputs(self) -> int:
        """Outputs of a net over the actions, two per number (mean and deviation) if continuous."""
        return len(self.labels) or 2 * len(self.low)

    @property
    def bounded(self) -> bool:
        """Whether all numbers of an action are bounded, which the core then scales to −1 … 1."""
        return all(math.isfinite(high - low) for low, high in zip(self.low, self.high, strict=True))

    def number(self, action: Any) -> int | list[float] | None:
        """Return an action in the core's form, or None if it is invalid."""
        if self.labels:
            return self._place(action)
        try:
            values = np.asarray(action, np.float64).reshape(-1)
        except (TypeError, ValueError):
            return None
        if len(values) != len(self.low) or not np.isfinite(values).all():
            return None
        return [(x - middle) / half for x, (middle, half) in zip(values.tolist(), self._units(), strict=True)]

    def named(self, number: Any) -> Any:
        """Convert the core's action to the caller's form, clipping numbers to their bounds."""
        if self.labels:
            return self.labels[number]
        values = [middle + half * x for x, (middle, half) in zip(number, self._units(), strict=True)]
        return np.clip(np.array(values), self.low, self.high).astype(np.float32)

    def spread(self, means: Sequence[float], deviations: Sequence[float]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return means and deviations in the caller's units."""
        units = self._units()
        return (
            np.array([middle + half * x for x, (middle, half) in zip(means, units, strict=True)]),
            np.array([half * x for x, (_, half) in zip(deviations, units, strict=True)]),
        )

    def _place(self, action: Any) -> int | None:
        if type(action) not in _LABELS and isinstance(action, np.generic | np.ndarray):
            action = action.item() if action.size == 1 else None
        try:
            return self.labels.index(action)
        except ValueError:
            return None

    def _units(self) -> list[tuple[float, float]]:
        """Return center and half width of each number's range, 0 and 1 if unbounded."""
        return [
            ((low + high) / 2, (high - low) / 2) if math.isfinite(high - low) else (0.0, 1.0)
            for low, high in zip(self.low, self.high, strict=True)
        ]


def as_setting(given: Any) -> Setting:
    """Convert actions or a Gymnasium space to a setting that prints and can be saved.

    Raises
    ------
    ConfigError
        If they are neither.
    """
    spaces = sys.modules.get("gymnasium.spaces")  # imported already if the caller has a space
    if spaces is not None and isinstance(given, spaces.Discrete):
        n, first = int(given.n), int(given.start)
        return n if first == 0 else tuple(range(first, first + n))
    if spaces is not None and isinstance(given, spaces.Box):
        low, high = given.low.reshape(-1).tolist(), given.high.reshape(-1).tolist()
        return tuple(zip(map(float, low), map(float, high), strict=True))
    if isinstance(given, np.integer):
        return int(given)
    if isinstance(given, list | tuple):
        return tuple(tuple(item) if isinstance(item, list) else item for item in given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    raise _refused(given)


def as_actions(setting: Any) -> Actions:
    """Return the action space of a setting.

    Raises
    ------
    ConfigError
        If there are no actions or too many, one is repeated, or a range is invalid.
    """
    if isinstance(setting, int) and 1 <= setting <= MOST:
        return Actions(tuple(range(setting)))
    if isinstance(setting, tuple) and 1 <= len(setting) <= MOST:
        if all(isinstance(item, tuple) for item in setting) and all(map(_is_range, setting)):
            return Actions((), tuple(float(low) for low, _ in setting), tuple(float(high) for _, high in setting))
        if all(isinstance(item, _LABELS) for item in setting) and len(set(setting)) == len(setting):
            return Actions(setting)
    raise _refused(setting)


def _is_range(ends: tuple[Any, ...]) -> bool:
    return len(ends) == 2 and all(isinstance(end, int | float) for end in ends) and ends[0] < ends[1]


def _refused(given: Any) -> ConfigError:
    return ConfigError(
        expected=f"actions: a number of them from 1 to {MOST:,}, their names, ranges of numbers, or a Discrete or Box of Gymnasium",
        got=repr(given),
        at="actions of Agent",
        help="Give env.action_space, 4, ('left', 'right') or ((-1.0, 1.0),).",
    )
