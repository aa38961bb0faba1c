"""A corrector of somebody else's forecasts: it starts with them and learns online what they miss."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError

__all__ = ["SeriesCorrector"]

_FADE = 0.9995
"""Share of what was summed that is kept for each value."""
_FIRST = 30
"""Compared forecasts from which on anything is corrected."""
_FORGET, _PRIOR = 0.9999, 50.0
"""Forgetting of least squares, and the ridge around zero that they start with."""
_BIAS, _PHASE = 0.01, 0.1
"""Rates of the mean error, and of that of a phase of the season."""
_FEATURES = 4


class _Share:
    """Share of a correction that has been worth something, by horizon: its mean gain less a standard error, from 0 to 1."""

    def __init__(self, horizon: int) -> None:
        self.gain, self.size, self.error, self.n = (np.zeros(horizon) for _ in range(4))

    def learn(self, at: slice, correction: NDArray[np.float64], error: NDArray[np.float64]) -> None:
        """Compare a correction of each horizon with the error that was left."""
        one = np.ones_like(error)
        more = (correction * error, correction * correction, error * error, one)
        for sums, new in zip((self.gain, self.size, self.error, self.n), more, strict=True):
            sums[at] = _FADE * sums[at] + new

    def now(self) -> NDArray[np.float64]:
        """Return the share of each horizon."""
        doubt = np.sqrt(self.size * self.error / np.maximum(self.n, 1))
        share = np.clip((self.gain - doubt) / np.maximum(self.size, 1e-300), 0, 1)
        return np.where((self.n >= _FIRST) & (self.size > 0), share, 0.0)


class SeriesCorrector:
    """Forecasts of a base, corrected online by a `Forecaster` that sees the same series. ``hw.Forecaster(base=…)`` makes one.

    With b the base's forecast of a horizon and f the forecaster's, m = b + α·(f − b), and the result is m + β·r. The residual r
    is the least-squares estimate of y − m from f − m, the mean error of m, that of the season's phase, and the base's error one
    step ahead. α and β are how much each has been worth, less a standard error and between 0 and 1, so that a base which knows
    all that can be known is left alone.

    Parameters
    ----------
    base : callable
        ``base(history, horizon)`` returns the forecasts of the next ``horizon`` values, given the last values, oldest first. It is
        asked once a value.
    forecaster : Forecaster
        What learns the series.
    window : int
        Number of last values that the base is given.

    Raises
    ------
    ConfigError
        If the base is not callable.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Forecaster(horizon=2, season=4, base=lambda history, horizon: [history[-1]] * horizon)
    >>> for i in range(600):
    ...     model.learn_one([3.0, 8.0, 5.0, 1.0][i % 4])
    >>> [round(y, 1) for y in model.forecast()]
    [3.0, 8.0]
    """

    def __init__(
        self, base: Callable[[Sequence[float], int], Sequence[float]], forecaster: Any, window: int = 1024
    ) -> None:
        if not callable(base):
            raise ConfigError(
                expected="a function of the last values and the horizon",
                got=type(base).__name__,
                at="base of Forecaster",
                help="Give e.g. base=lambda history, horizon: model.predict(history)[:horizon].",
            )
        self.base, self.forecaster, h = base, forecaster, forecaster.horizon
        self._history: deque[float] = deque(maxlen=window)
        self._issued: deque[tuple[NDArray[np.float64], ...]] = deque(
            maxlen=h
        )  # newest first: own − base, its share, features, r
        self._own, self._rest = _Share(h), _Share(h)
        self._weights, self._inverse = np.zeros((h, _FEATURES)), np.tile(np.eye(_FEATURES) / _PRIOR, (h, 1, 1))
        self._bias, self._phase, self._last, self._t = np.zeros(h), np.zeros((forecaster.season, h)), 0.0, 0
        self._next: tuple[NDArray[np.float64], ...] | None = None

    @property
    def share(self) -> list[float]:
        """How much the forecaster has to say at each horizon, from 0 (only the base) to 1."""
        found: list[float] = self._own.now().tolist()
        return found

    def forecast(self, horizon: int | None = None, xs: Iterable[Mapping[Any, Any]] | None = None) -> list[float]:
        """Forecast the next values, as `Forecaster.forecast` does.

        Raises
        ------
        DataError
            If there is no value yet, or the base gives no finite number for each time.
        """
        own = self.forecaster.forecast(horizon, xs)
        said = self._said(self.forecaster.forecast() if xs is None else None)
        base, mixed, features = said
        if xs is not None:  # columns that are known ahead: the forecaster's own words with them count
            mixed[: len(own)] = base[: len(own)] + self._own.now()[: len(own)] * (np.array(own) - base[: len(own)])
        out = mixed + self._rest.now() * (features * self._weights).sum(1)
        found: list[float] = out[: len(own)].tolist()
        return found

    def learn_one(self, y: float | None, x: Mapping[Any, Any] | None = None) -> None:
        """Learn the value of the next time step, and how much each correction would have gained on it."""
        if self._history:
            base, mixed, features = self._said(None)
            self._issued.appendleft((base, mixed, features, (features * self._weights).sum(1)))
        number = math.nan if y is None else float(y)
        if self._issued and math.isfinite(number):
            self._compare(number)
        self.forecaster.learn_one(y, x)
        self._t += 1
        if math.isfinite(number):
            self._history.append(number)

    def _compare(self, y: float) -> None:
        """Compare what was said of this value at each horizon, and learn from it."""
        n, hs = len(self._issued), np.arange(len(self._issued))
        base, mixed, rest = (np.array([one[part][h] for h, one in enumerate(self._issued)]) for part in (0, 1, 3))
        features = np.array([one[2][h] for h, one in enumerate(self._issued)])
        at, error, own = slice(0, n), y - mixed, features[:, 0] + mixed
        self._own.learn(at, own - base, y - base)
        self._rest.learn(at, rest, error)
        gain = np.einsum("hij,hj->hi", self._inverse[at], features)
        step = gain / (_FORGET + (gain * features).sum(1))[:, None]
        self._weights[at] += step * (error - (features * self._weights[at]).sum(1))[:, None]
        self._inverse[at] = (self._inverse[at] - step[:, :, None] * gain[:, None, :]) / _FORGET
        trace, most = np.einsum("hii->h", self._inverse), _FEATURES / _PRIOR
        self._inverse *= np.minimum(1, most / trace)[:, None, None]
        self._bias[at] += _BIAS * (error - self._bias[at])
        phase = self._phase[self._t % len(self._phase)]
        phase[hs] += _PHASE * (error - phase[hs])
        self._last = y - float(base[0])

    def _said(
        self, own: Sequence[float] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the base's forecasts, those mixed with the forecaster's, and what the rest is estimated from."""
        if not self._history:
            raise DataError(expected="a value before", got="none", at="forecast", help="Call learn_one first.")
        h = self.forecaster.horizon
        base = np.asarray(self.base(list(self._history), h), np.float64).reshape(-1)
        if len(base) < h or not np.isfinite(base[:h]).all():
            raise DataError(
                expected=f"{h} finite forecasts from the base",
                got=f"{len(base)}, {int(np.isfinite(base).sum())} of them finite",
                at="base of Forecaster",
                help="Return one for each of the next times.",
            )
        said, base = np.array(self.forecaster.forecast() if own is None else own), base[:h].copy()
        mixed = base + self._own.now() * (said - base)
        phase = self._phase[(self._t + np.arange(h)) % len(self._phase), np.arange(h)]
        return base, mixed, np.stack([said - mixed, self._bias, phase, np.full(h, self._last)], 1)

    def __repr__(self) -> str:
        return f"{self.forecaster!r:.{len(repr(self.forecaster)) - 1}}, base={self.base!r})"
