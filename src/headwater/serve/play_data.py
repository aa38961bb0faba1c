"""What the playground's nets learn from: points of a plane, drawn for ever, whose concept may drift; or one's own CSV."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .play_csv import Table

__all__ = ["DATA", "DRIFTS", "Plane", "Stream"]

Array = NDArray[np.float64]
_CHUNK = 512  # points drawn at once: what comes does not depend on how many are asked for
_SWING = math.pi / 2  # how far a drift turns the plane
_PIVOT = np.array([0.6, 0.0])  # circles look the same when turned about their centre


@dataclass(frozen=True, slots=True)
class Plane:
    """A way to draw points of the plane with their answers.

    Parameters
    ----------
    classes
        The names of the classes; empty for regression.
    draw
        From a generator and a number n to points (n, 2) and answers (n,): class numbers, or values within ±1.
    """

    classes: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], tuple[Array, Array]]


def _moons(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    y = rng.integers(0, 2, n).astype(float)
    t = rng.uniform(0, math.pi, n)
    x = np.where(y == 0, np.cos(t), 1 - np.cos(t)), np.where(y == 0, np.sin(t), 0.5 - np.sin(t))
    return 1.6 * (np.stack(x, 1) - (0.5, 0.25)), y


def _circles(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    y = rng.integers(0, 2, n).astype(float)
    r = np.where(y == 1, 0.9 * np.sqrt(rng.uniform(0, 1, n)), rng.uniform(1.5, 2.1, n))
    t = rng.uniform(0, 2 * math.pi, n)
    return np.stack([r * np.cos(t), r * np.sin(t)], 1), y


def _xor(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    x = rng.uniform(-2.3, 2.3, (n, 2))
    x += 0.2 * np.sign(x)
    return x, (x[:, 0] * x[:, 1] > 0).astype(float)


def _spiral(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    y = rng.integers(0, 2, n).astype(float)
    t = rng.uniform(0.05, 1, n)
    a = 3.2 * math.pi * t + math.pi * y
    return np.stack([2.7 * t * np.sin(a), 2.7 * t * np.cos(a)], 1), y


def _gaussians(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    y = rng.integers(0, 3, n).astype(float)
    a = math.pi / 2 + y * 2 * math.pi / 3
    return np.stack([1.5 * np.cos(a), 1.5 * np.sin(a)], 1) + rng.normal(0, 0.4, (n, 2)), y


def _plane(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    x = rng.uniform(-2.8, 2.8, (n, 2))
    return x, (x[:, 0] + x[:, 1]) / 5.6


def _hills(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    x = rng.uniform(-2.8, 2.8, (n, 2))
    y = np.zeros(n)
    for i, (a, b) in enumerate([(-1.4, 1.4), (1.4, 1.4), (1.4, -1.4), (-1.4, -1.4)]):
        y += (-1) ** i * np.exp(-((x[:, 0] - a) ** 2 + (x[:, 1] - b) ** 2))
    return x, y


_TWO = ("A", "B")
DATA: dict[str, Plane] = {
    "moons": Plane(_TWO, _moons),
    "circles": Plane(_TWO, _circles),
    "xor": Plane(_TWO, _xor),
    "spiral": Plane(_TWO, _spiral),
    "gaussians": Plane(("A", "B", "C"), _gaussians),
    "plane": Plane((), _plane),
    "hills": Plane((), _hills),
}
"""What can be drawn, by name."""


def _none(t: Array, every: int) -> Array:
    return np.zeros(len(t))


def _abrupt(t: Array, every: int) -> Array:
    return _SWING * (t // every)


def _gradual(t: Array, every: int) -> Array:
    return _SWING * t / every


def _recurring(t: Array, every: int) -> Array:
    return _SWING * (t // every % 2)


DRIFTS: dict[str, Callable[[Array, int], Array]] = {
    "none": _none,
    "abrupt": _abrupt,
    "gradual": _gradual,
    "recurring": _recurring,
}
"""By what angle the plane is turned at row t, by name."""


class Stream:
    """Points that never end: drawn, or a table's over and over; jittered by noise, and turned as the drift says.

    Parameters
    ----------
    source : Plane or Table
        Where they come from.
    seed : int
        Of what is drawn.
    """

    def __init__(self, source: Plane | Table, seed: int) -> None:
        self.source = source
        self.t = 0
        self.drift, self.every, self._since = "none", 1, 0
        self._rng = np.random.default_rng([seed, 7])
        self._x, self._y, self._jitter = np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2))

    def turn(self, drift: str, every: int) -> None:
        """Let the concept drift so from here on.

        Parameters
        ----------
        drift : str
            A name in ``DRIFTS``.
        every : int
            In how many rows it turns by a right angle.
        """
        if (drift, every) != (self.drift, self.every):
            self.drift, self.every, self._since = drift, every, self.t

    def take(self, n: int, noise: float) -> tuple[Array, Array]:
        """Return the next n points (n, 2) and answers (n,).

        Parameters
        ----------
        n : int
            How many.
        noise : float
            Standard deviation of what is added to both inputs.
        """
        while len(self._x) < n:
            x, y = self._more()
            self._x, self._y = np.concatenate([self._x, x]), np.concatenate([self._y, y])
            self._jitter = np.concatenate([self._jitter, self._rng.normal(0, 1, x.shape)])
        x, y = self._x[:n] + noise * self._jitter[:n], self._y[:n]
        self._x, self._y, self._jitter = self._x[n:], self._y[n:], self._jitter[n:]
        angle = self.angles(n)
        self.t += n
        return _turned(x, angle, self._pivot()), y

    def angles(self, n: int) -> Array:
        """Return by what angles (n,) the plane is turned at the next n points."""
        t = np.arange(self.t, self.t + n, dtype=float) - self._since
        return DRIFTS[self.drift](t, self.every)

    def _more(self) -> tuple[Array, Array]:
        if isinstance(self.source, Table):
            return self.source.x, self.source.y
        return self.source.draw(self._rng, _CHUNK)

    def _pivot(self) -> Array:
        return _PIVOT if self.source is DATA["circles"] else np.zeros(2)


def _turned(x: Array, angle: Array, pivot: Array) -> Array:
    """Points x (n, 2), each turned about the pivot by its angle (n,)."""
    if not angle.any():
        return x
    c, s, d = np.cos(angle), np.sin(angle), x - pivot
    return np.stack([c * d[:, 0] - s * d[:, 1], s * d[:, 0] + c * d[:, 1]], 1) + pivot
