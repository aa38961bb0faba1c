"""Finite differences, which every derivative of ``headwater.plain`` is held against.

(f(x + h) − f(x − h)) / 2h differs from f'(x) by h²/6 times the third derivative and by rounding/h. With h = 1e-5 in float64
both are near 1e-11 where numbers are near 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headwater import nn

H, TOLERANCE = 1e-5, 1e-8


def slope_of(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """Slope at each number of x of a function that works number by number."""
    return (f(x + H) - f(x - H)) / (2 * H)


def gradient_of(f: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """Gradient of a number by an array that it depends on, which is moved number by number and put back."""
    gradient = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + H
        above = f()
        array[place] = kept - H
        below = f()
        array[place] = kept
        gradient[place] = (above - below) / (2 * H)
    return gradient


def check(got: object, wanted: object, tolerance: float = TOLERANCE, what: str = "") -> None:
    """Compare two arrays, measured by the largest number of the second or 1."""
    a, b = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    assert a.shape == b.shape, f"{what}: {a.shape} and {b.shape}"
    error = np.abs(a - b).max(initial=0.0) / max(1.0, np.abs(b).max(initial=0.0))
    assert error <= tolerance, f"{what}: relative error {error:.1e}, at most {tolerance:.0e}"


def assert_is_slope(net: nn.Network, f: Callable[[], float], g: np.ndarray, rng: np.random.Generator) -> None:
    """g·v equals the central difference of f along the direction v in the net's parameters."""
    p, here = net.parameters, net.parameters.copy()
    direction = rng.normal(size=len(p))
    direction /= np.linalg.norm(direction)
    p[:] = here + H * direction
    above = f()
    p[:] = here - H * direction
    below = f()
    p[:] = here
    slope, said = (above - below) / (2 * H), float(g @ direction)
    assert abs(slope - said) <= TOLERANCE * max(1.0, abs(slope)), f"measured {slope}, computed {said}"
    assert abs(said) > 1e-12
