"""The forecaster of a series."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater._core import APART_VERSION, LEAN_VERSION
from headwater.encode.rows import as_dicts
from headwater.encode.values import FLOAT, as_float, kind_of, missing
from headwater.errors import ConfigError, DataError, counted, shown
from headwater.kinds.forecaster.kind import KIND
from headwater.kinds.forecaster.order import check_order
from headwater.kinds.forecaster.state import are_whole, has_row_weights, speakers_of
from headwater.learner.base import Learner
from headwater.learner.engine import Engine, Setup, describe
from headwater.learner.kind import Kind
from headwater.learner.monitoring.coverage import check_coverage
from headwater.learner.settings.default_pool import KNOTS, with_heads
from headwater.learner.settings.river_words import in_river
from headwater.learner.validation import FARTHEST, as_answers, as_samples, check_rows, check_sample
from headwater.nn import Activation, AdaGrad, Dense, LayerNorm
from headwater.nn.expert import Expert
from headwater.nn.losses import as_loss
from headwater.streams import in_pieces
from headwater.streams.readers.frame_rows import is_frame
from headwater.types import Predictions

__all__ = ["Forecaster"]

LONGEST, LONGEST_SEASON, MOST_LAGS = 1024, 16384, 168
PLAIN_LAGS = 24
"""Last values read by least squares without season."""
VISITS, VISITS_WITHOUT_SEASON = 40, 100
"""Visits of a phase of the season whose errors say how wide intervals are there."""
PULL = 0.005
"""How strongly members' weights are drawn to those by their single errors."""
UNBOUNDED = 1e300
"""Declared in place of an infinite bound."""
EXPERTS = ("season", "least squares", "nets")
COUNT = 0
"""Column of the error counts in the core's table, followed by the squared errors of ``EXPERTS``."""


def _nets() -> tuple[Expert, ...]:
    """Return the nets shared by all horizons, with AdaGrad's decreasing steps because their target is stationary."""
    hidden = (Dense(32, initializer="lecun"), LayerNorm(affine=False), Activation("relu"))
    return (
        Expert(hidden, optimizer=AdaGrad(0.01)),
        Expert(hidden, optimizer=AdaGrad(0.03)),
        Expert(optimizer=AdaGrad(0.01)),
    )


@in_river("river.time_series.base:Forecaster")
@dataclass(eq=False, repr=False)
class Forecaster(Learner):
    """Forecast a series many steps ahead, learning each value as it arrives.

    A pool in two levels forecasts y_{t+h} at each horizon h. *Smoothing* is a bank of 69 states of exponential smoothing, Theta and
    damped trends, without season, with one that is added and one that is multiplied, and four simple forecasts. *Least squares and
    nets* is a linear function of the last values, fitted by recursive least squares, beside the value a season before, and a
    correction from the columns known for that time. *Least squares without season* reads the last values alone. *Season* repeats
    the value a whole number of seasons before. Members weigh 1/R¹², where R is the mean absolute error at that horizon relative to
    the median member's, the bank's among themselves and then the bank among the four. From there, weights of the four go to
    (P + diag(c/2s))⁻¹·1, normalised, with s these weights, P the mean products of members' errors and c = 0.005·(1 + 8000/n) after n
    of them.

    Parameters
    ----------
    horizon : int
        Maximum number of steps ahead, at most 1024.
    season : int
        Period of the series in values, such as 24 for hourly values with a daily pattern. 1 for none.
    lags : int, optional
        Number of last values read by least squares, by default four seasons, at least 24 and at most 168.
    forgetting : float
        Forgetting factor of least squares, 1 for none, 0.999 for a memory of about a thousand values.
    low, high : float, optional
        Bounds of what can be, such as 0 for counts. Forecasts and intervals are clipped to them.
    max_rows : int
        As in ``Regressor``.
    base : callable, optional
        ``base(history, horizon)``, the forecasts of a model that is there already. They are corrected online then, by an object with
        ``forecast``, ``learn_one`` and ``share`` that is no learner and has no file.
    key : str, optional
        Column of the key of related series, such as the shop. Returns a `Fleet` of one forecaster a series, in which a new series
        begins with a past that the others suggest. Rows of one time follow each other.
    seed, dtype
        As in ``Regressor``. Least squares always use float64.

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Notes
    -----
    Each horizon is trained only with what was known then, so y_t trains horizon h on the state at time t − h. A missing value (None,
    NaN) advances time without learning. An infinite value, or one beyond 1e30, is rejected, counted and treated as missing. Values
    are clipped to ten deviations from the mean.

    Examples
    --------
    >>> model = Forecaster(horizon=3, season=7)
    >>> for day in range(400):
    ...     model.learn_one([5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][day % 7])
    >>> [round(y, 1) for y in model.forecast()]
    [3.0, 3.0, 4.0]

    References
    ----------
    Gardner & McKenzie 1985, for damped trends; Assimakopoulos & Nikolopoulos 2000, for Theta; Plackett 1950, for recursive least
    squares; Marcellino, Stock & Watson 2006, for direct forecasts of each horizon; Bates & Granger 1969, for weights by products
    of errors.
    """

    kind: ClassVar[Kind] = KIND
    instead: ClassVar[str] = "learn_one and forecast, or hw.evaluate"

    horizon: int = 24
    season: int = 24
    _: KW_ONLY
    lags: int | None = None
    forgetting: float = 1.0
    max_rows: int = 200_000
    low: float | None = None
    high: float | None = None
    base: InitVar[Any] = None
    key: InitVar[str | None] = None

    def __new__(cls, *given: Any, base: Any = None, key: Any = None, **settings: Any) -> Any:
        """Create a forecaster, with ``base`` a corrector of its forecasts, with ``key`` a fleet of related series."""
        if base is not None and key is not None:
            raise ConfigError(
                expected="a base or a key",
                got="both",
                at="base and key of Forecaster",
                help="Make one Forecaster(base=...) a series, in a dict by key.",
            )
        if base is not None:
            return cls.kind.adapters["base"](base, cls(*given, **settings))
        return object.__new__(cls) if key is None else cls.kind.adapters["key"](cls(*given, **settings), key)

    def __post_init__(self, base: Any, key: Any) -> None:
        super().__post_init__()
        self._setup = self._made()
        self._ends = _bounds(self.low, self.high)
        self._engine: Engine | None = None

    def _get_params(self) -> dict[str, Any]:  # of River, which looks for each parameter of the class
        return {**super()._get_params(), "base": None, "key": None}

    def _made(self) -> Setup:
        """Validate the settings and convert them to a setup."""
        bounds: tuple[tuple[str, Any, int, int], ...] = (
            ("horizon", self.horizon, 1, LONGEST),
            ("season", self.season, 1, LONGEST_SEASON),
            ("lags", 24 if self.lags is None else self.lags, 2, 1024),
        )
        for name, value, least, most in bounds:
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise ConfigError(
                    expected=f"a whole number from {least} to {most}",
                    got=repr(value),
                    at=f"{name} of Forecaster",
                    help="Give e.g. 24.",
                )
        forgetting: Any = self.forgetting
        if not isinstance(forgetting, int | float) or not 0.9 < forgetting <= 1:
            raise ConfigError(
                expected="a number above 0.9, at most 1",
                got=repr(forgetting),
                at="forgetting of Forecaster",
                help="Give 1 to forget nothing, or e.g. 0.999.",
            )
        lags = min(max(4 * self.season, 24), MOST_LAGS) if self.lags is None else self.lags
        experts = with_heads(_nets(), as_loss("huber"))
        declared: tuple[float, ...] = (float(self.horizon), float(self.season), float(lags), float(forgetting))
        if self.core_version >= LEAN_VERSION:
            low, high = _bounds(self.low, self.high)
            plain = float(min(PLAIN_LAGS, lags)) if self.season > 1 else 0.0
            visits = float(VISITS if self.season > 1 else VISITS_WITHOUT_SEASON)
            declared += (plain, max(low, -UNBOUNDED), min(high, UNBOUNDED), visits)
        if self.core_version >= APART_VERSION:
            declared += (PULL,)
        return Setup(experts, self.seed, self.dtype, self.max_rows, True, True, KNOTS, forecast=declared)

    def follow_core(self, version: int) -> None:
        """Learn by the rules of an older core, whose forecasters had no pool, or a pool that weighed members by single errors."""
        super().follow_core(version)
        self._setup = self._made()

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""
        return Engine(self._setup, state, limits=self._limits)

    # ---- one answer -------------------------------------------------------------------------------------------------

    def learn_one(self, y: float | None, x: Mapping[Any, Any] | None = None, w: float = 1.0) -> None:
        """Learn the value of the next time step.

        Parameters
        ----------
        y : float or None
            The value, None or NaN if missing.
        x : dict, optional
            Features of that time step, such as its date or the weather.
        w : float
            Weight of the value, which multiplies its squared error. With 0 time moves on and the value is known as the past of later
            ones, but nothing is learned from it.

        Raises
        ------
        DataError
            If the features come first.
        """
        before = self._refused_rows()
        self._learn(y, x, w if type(w) is float and w == 1 else self._weights([w], 1)[0])
        self._warn_refused(before, got=lambda: f", got {shown(y)}")

    def _learn(self, y: Any, x: Mapping[Any, Any] | None, w: float) -> None:
        check_order(y)
        x = {} if x is None else x
        check_sample(x)
        answer = y if type(y) is float else self._number(y)
        if not abs(answer) <= FARTHEST and answer == answer:
            self.refused["target"] += 1
            answer = math.nan
        with self.lock:
            if self._engine is None:
                self._engine = self.new_engine()
            self._engine.core.learner.learn_next(x, answer, w)

    def _number(self, y: Any) -> float:
        """Return a value as a float, NaN if it is missing or rejected."""
        if missing(y):
            return math.nan
        value = as_float(y) if kind_of(y) == FLOAT else math.nan
        self.refused["target"] += value != value
        return value

    def forecast(self, horizon: int | None = None, xs: Iterable[Mapping[Any, Any]] | None = None) -> list[float]:
        """Forecast the next values without changing anything.

        Parameters
        ----------
        horizon : int, optional
            Number of values, by default the forecaster's horizon.
        xs : sequence of dict, optional
            Features of each of these time steps.

        Returns
        -------
        list of float
            Forecasts of the next time steps, zeros before the first value.

        Raises
        ------
        ConfigError
            If the horizon is larger than the forecaster's own.
        DataError
            If the number of ``xs`` differs.
        """
        n, rows = self._times(horizon, xs)
        if self._engine is None:
            return [self._bounded(0.0)] * n
        return [self._bounded(y) for y in self._engine.core.learner.forecast(rows, n)]

    def _bounded(self, y: float) -> float:
        return min(max(y, self._ends[0]), self._ends[1])

    def predict_batch(self, X: Any) -> Predictions:
        """Forecast the next value for each row, as if its time step came next."""
        return Predictions(np.array([self.forecast(1, [x])[0] for x in _rows(X)]))

    def forecast_interval(
        self, horizon: int | None = None, xs: Iterable[Mapping[Any, Any]] | None = None, coverage: float = 0.9
    ) -> list[tuple[float, float]]:
        """Return an interval for each of the next values with the given coverage.

        The interval is [ŷ + q₋, ŷ + q₊]. Errors of each phase of the season have quantiles of their own, in units of the mean error of
        the horizon, so intervals are narrow by night where errors are small. Their levels adapt to the empirical coverage of issued
        intervals, so that the long-run coverage is as requested (``plain/outputs/widths.py`` and ``plain/outputs/ends.py`` have the
        formulas). Where all values were whole numbers, the bounds are whole numbers too. A bound beyond the forecast is the forecast,
        so every forecast lies within its interval.

        Parameters
        ----------
        horizon, xs
            As in ``forecast``.
        coverage : float
            Between 0 and 1, with the misses split evenly below and above.

        Returns
        -------
        list of (float, float)
            Lower and upper bound for each of the next time steps. While errors are few they are widened as Student's t, a horizon
            without any takes those of the nearest that has some, and they are infinite before the first two.

        Raises
        ------
        ConfigError
            If coverage is not between 0 and 1, or as in ``forecast``.

        Examples
        --------
        >>> noise = np.random.default_rng(1).uniform(0, 5, 2_000)
        >>> model = Forecaster(horizon=2, season=4)
        >>> for i in range(2_000):
        ...     model.learn_one(10.0 * (i % 4) + noise[i])
        >>> low, high = model.forecast_interval(coverage=0.8)[0]
        >>> -1 < low < 1 and 4 < high < 6
        True

        References
        ----------
        Gibbs & Candès 2021, *Adaptive conformal inference under distribution shift*.
        """
        check_coverage(coverage)
        n, rows = self._times(horizon, xs)
        if self._engine is None:
            return [self._ends] * n
        ends = self._engine.core.learner.forecast_ends(n, coverage)
        said = self._engine.core.learner.forecast(rows, n)
        whole = are_whole(self)
        return [self._around(y, low, high, whole=whole) for y, (low, high) in zip(said, ends, strict=True)]

    def _around(self, y: float, low: float, high: float, *, whole: bool) -> tuple[float, float]:
        """Return the interval of a forecast y, which lies within it, from the quantiles of its errors."""
        y, low, high = self._bounded(y), self._bounded(y + low), self._bounded(y + high)
        low, high = _whole(low, high) if whole else (low, high)
        return min(low, y), max(high, y)

    def _times(self, horizon: Any, xs: Any) -> tuple[int, list[Mapping[Any, Any]]]:
        """Return the number of time steps to forecast, and the columns of each."""
        n = self.horizon if horizon is None else horizon
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ConfigError(
                expected=f"a whole number from 1 to {self.horizon}",
                got=repr(n),
                at="horizon",
                help="Leave it out for all.",
            )
        if n > self.horizon:
            raise ConfigError(
                expected=f"a horizon of at most {self.horizon}",
                got=repr(n),
                at="horizon",
                help="Make the forecaster with a larger one.",
            )
        rows: list[Mapping[Any, Any]] = [{}] * int(n) if xs is None else _times_in(xs)
        if len(rows) != n:
            times = f"{n} time{'s' * (n != 1)}"
            raise DataError(
                expected=f"the columns of {times}", got=str(len(rows)), at="xs", help="Give a dict for each of them."
            )
        return int(n), rows

    # ---- many answers -----------------------------------------------------------------------------------------------

    def learn_many(self, y: Any, X: Any = None, w: Any = None) -> NDArray[np.float64]:
        """Learn values one by one and return the forecast made right before each.

        Parameters
        ----------
        y : sequence (n,)
            Values of the next time steps.
        X : list of dict, array (n, d) or data frame, optional
            Features of each time step.
        w : sequence (n,), optional
            Weights, as in ``learn_one``.

        Returns
        -------
        ndarray (n,)
        """
        before = self._refused_rows()
        answers = as_answers(y)
        rows: Sequence[Any] = [{}] * len(answers) if X is None else _rows(X)
        out = self._step(answers, rows, w)
        self._warn_refused(before, got=lambda: _first_refused(answers))
        return out

    def _step(
        self, answers: Sequence[Any] | NDArray[Any], rows: Sequence[Mapping[Any, Any]], w: Any
    ) -> NDArray[np.float64]:
        if len(rows) != len(answers):
            raise DataError(
                expected=f"{counted(len(answers), 'row')} for as many answers",
                got=str(len(rows)),
                at="X",
                help="Give one a time.",
            )
        out = np.zeros(len(answers))

        def learn(part: slice) -> None:
            for i, answer, x in zip(range(part.start, part.stop), answers[part], rows[part], strict=True):
                out[i] = self.forecast(1, [x])[0]
                self._learn(answer, x, weights[i])

        with self.lock:
            weights = self._weights(w, len(out))
            in_pieces(len(out), learn)
        return out

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Forecast each value right before it arrives, then learn it with its weight.

        Delayed labels are not supported.

        Raises
        ------
        ConfigError
            If ``ask`` is given.
        """
        if ask is not None:
            raise ConfigError(
                expected="answers in order of time",
                got="rows with delayed labels",
                at="Forecaster",
                help="Use no delay, and forecast(horizon) to look ahead.",
            )
        return Predictions(self._step(as_answers(y), _rows(X), w))

    # ---- understanding ----------------------------------------------------------------------------------------------

    def explain_one(self, x: Mapping[Any, Any] | None = None, horizon: int = 1) -> Any:
        """Attribute a forecast to past values and columns, as ``explain_forecast`` in this folder.

        Parameters
        ----------
        x : dict, optional
            Features of the time ahead.
        horizon : int
            The horizon, 1 for the next value.
        """
        return self.kind.explain(self, x, horizon)

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """Exponential mean squared error of each expert by horizon, with the nets' for their sum with least squares."""
        if self._engine is None:
            return []
        errors = self._engine.core.array("forecast_errors")
        return [
            {"expert": name, "squared_error": errors[:, COUNT + 1 + i].tolist(), "errors": errors[:, COUNT].tolist()}
            for i, name in enumerate(EXPERTS)
        ]

    @property
    def speakers_(self) -> list[dict[str, float]]:
        """Share of each member of the pool in the next forecast, a dict for each horizon. Empty without a pool, and before a value.

        Examples
        --------
        >>> model = Forecaster(horizon=1, season=7)
        >>> for day in range(400):
        ...     model.learn_one([5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][day % 7] + day % 3)
        >>> shares = model.speakers_[0]
        >>> round(sum(shares.values()), 6), max(shares, key=shares.get)
        (1.0, 'least squares and nets')
        """
        if self._engine is None:
            return []
        found = [speakers_of(self, h) for h in range(1, self.horizon + 1)]
        return [one.shares for one in found if one is not None]

    def lacks(self, ability: str) -> tuple[str, str] | None:
        """Return why it can't do what its kind can, and what to do instead. A page keeps no weights of values."""
        if ability != "web" or self._engine is None or not has_row_weights(self):
            return None
        return "one with values of weights other than 1", "Serve it, or teach it with weight 1 for seven seasons first."

    def _about(self) -> dict[str, Any]:
        return describe(self._setup, self._engine)


def _whole(low: float, high: float) -> tuple[float, float]:
    """Return the whole numbers within an interval, or the one nearest to its middle."""
    if not math.isfinite(high - low):
        return low, high
    first, last = float(math.ceil(low)), float(math.floor(high))
    nearest = float(round((low + high) / 2))
    return (first, last) if first <= last else (nearest, nearest)


def _bounds(low: Any, high: Any) -> tuple[float, float]:
    """Return the bounds of forecasts, infinite where there are none."""
    ends = tuple(out if end is None else end for end, out in ((low, -math.inf), (high, math.inf)))
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends) or not ends[0] < ends[1]:
        raise ConfigError(
            expected="low below high, each a number or None",
            got=f"{low!r} and {high!r}",
            at="low and high of Forecaster",
            help="Give low=0 for what is never negative.",
        )
    return float(ends[0]), float(ends[1])


def _times_in(xs: Any) -> list[Mapping[Any, Any]]:
    """Return the columns of the times ahead as dicts."""
    if isinstance(xs, Mapping) or not isinstance(xs, Iterable):
        got = "a dict" if isinstance(xs, Mapping) else repr(xs)
        raise DataError(expected="a list with a dict for each time", got=got, at="xs", help="Give xs=[{...}, {...}].")
    return _rows(xs if isinstance(xs, np.ndarray) or is_frame(xs) else list(xs))


def _rows(X: Any) -> list[Mapping[Any, Any]]:
    """Return validated rows as dicts."""
    X = as_samples(X)
    check_rows(X)
    return as_dicts(X)


def _first_refused(answers: Sequence[Any] | NDArray[Any]) -> str:
    """Return the end of a message about refused values, with the first one."""
    bad = (y for y in answers if not missing(y) and (kind_of(y) != FLOAT or not abs(as_float(y)) <= FARTHEST))
    return f", got {shown(next(bad, None))}"
