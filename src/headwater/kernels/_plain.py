"""The twins of ``_compiled``, ``_strip`` and ``_vector`` for a plain run: no compiler, nothing borrowed, the same numbers.

The context is then a list of the arrays themselves, and a strip is a one-dimensional NumPy array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ._cache import ROUTINES

F = TypeVar("F", bound=Callable[..., Any])


def exact(function: F) -> F:
    """Leave the function as it is."""
    return function


fast = order = entry = event = exact


def routine(place: int, spec: str) -> Callable[[F], F]:
    """Leave the function as it is; ``call`` finds it at that place of the context."""

    def wrap(function: F) -> F:
        ROUTINES[place] = (function, spec)
        return function

    return wrap


def addresses(dtype: np.dtype[Any]) -> dict[int, Any]:
    """Return the routines themselves: a plain run needs no addresses."""
    return {place: function for place, (function, _) in ROUTINES.items()}


def call(c: Any, place: int, p: Any, args: tuple[Any, ...]) -> Any:
    """Call the routine at that place of the context."""
    return c[place](*args)


def flush_tiny() -> int:
    """Leave NumPy's rounding as it is."""
    return 0


def restore(mode: int) -> None:
    """Nothing was changed."""


def ints(c: Any, k: int) -> Any:
    """Return the int64 array that stands at place k of the context."""
    return c[k]


reals = ints


def nums(c: Any, k: int, p: Any) -> Any:
    """Return the array of p's number type that stands at place k of the context."""
    return c[k]


def strip(array: Any) -> Any:
    """Borrow a whole one-dimensional NumPy array, or a context."""
    return array


context_at = strip


def number(p: Any, value: Any) -> Any:
    """Return value as a number of p's type."""
    return p.dtype.type(value)


def view(array: Any, start: int, length: int) -> Any:
    """Borrow ``array[start:start + length]``."""
    return array[start : start + length]


def gather(p: Any, base: int, stride: int, rows: Any, v: Any, n: int, z: Any) -> None:
    """Set z (m,) to Σ v[i]·W[rows[i]], each column in the order of the rows; rows, v (n,)."""
    z[:] = 0
    for i in range(n):
        z += v[i] * p[base + rows[i] * stride :][: len(z)]


def rank_one(p: Any, base: int, stride: int, rows: Any, v: Any, n: int, d: Any, lr: Any) -> None:
    """Take lr·v[i]·d from row rows[i], for the n rows; rows, v (n,), d (m,)."""
    for i in range(n):
        p[base + rows[i] * stride :][: len(d)] -= lr * v[i] * d


def rectify(x: Any, y: Any) -> None:
    """Set y to max(x, 0); x, y (m,)."""
    y[:] = np.maximum(x, 0)


def mask(x: Any, dy: Any, dx: Any) -> None:
    """Set dx to dy where x is above 0, else to 0; x, dy, dx (m,)."""
    dx[:] = np.where(x > 0, dy, 0)


def turn(w: Any, x: Any, q: Any, lr: Any, dx: Any) -> None:
    """Set dx to q·w, then take lr·q·x from w: the delta of one column's inputs, and its step; w, x, dx (n,)."""
    n = len(dx)
    dx[:] = q * w[:n]
    w[:n] -= lr * q * x[:n]


def dot(a: Any, b: Any) -> Any:
    """Return Σ a·b; a, b (n,)."""
    return (a * b[: len(a)]).sum(dtype=np.float64)


def pairs(slots: Any, x: Any, most: float, rows: Any, v: Any) -> bool:
    """Set rows to −slots − 1 and v to x; returns whether no |x| is above ``most`` or no number; slots, x, rows, v (n,)."""
    n = len(slots)
    rows[:n] = -slots - 1
    v[:n] = x[:n]
    return bool((abs(x[:n]) <= most).all())
