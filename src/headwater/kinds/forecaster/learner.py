"""The forecaster: what the next answers of a series will be, behind River's words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.encode.rows import as_dicts
from headwater.encode.values import FLOAT, as_float, kind_of, missing
from headwater.errors import ConfigError, DataError
from headwater.kinds.forecaster.intervals import check_coverage
from headwater.kinds.forecaster.kind import KIND
from headwater.learner.base import Learner
from headwater.learner.default_pool import KNOTS, with_heads
from headwater.learner.engine import Engine, Setup, describe
from headwater.learner.kind import Kind
from headwater.learner.settings.river_words import in_river
from headwater.learner.validation import FARTHEST, as_answers, as_samples, check_rows, check_sample
from headwater.nn import Activation, AdaGrad, Dense, LayerNorm
from headwater.nn.expert import Expert
from headwater.nn.losses import as_loss
from headwater.streams import in_pieces
from headwater.types import Predictions

__all__ = ["Forecaster"]

LONGEST, LONGEST_SEASON, MOST_LAGS = 1024, 16384, 168
EXPERTS = ("season", "least squares", "nets")
COUNT = 0
"""Where the core counts the errors of a horizon; behind it stand the squared errors of ``EXPERTS``."""


def _nets() -> tuple[Expert, ...]:
    """Return the nets of a forecaster, which all horizons share: AdaGrad's ever smaller steps, since what they learn is steady."""
    hidden = (Dense(32, initializer="lecun"), LayerNorm(affine=False), Activation("relu"))
    return (
        Expert(hidden, optimizer=AdaGrad(0.01)),
        Expert(hidden, optimizer=AdaGrad(0.03)),
        Expert(optimizer=AdaGrad(0.01)),
    )


@in_river("river.time_series.base:Forecaster")
@dataclass(eq=False, repr=False)
class Forecaster(Learner):
    """Forecasts a series, many steps ahead: it sees an answer, learns, and says what the next ones will be.

    For each horizon h three experts say what y_{t+h} will be: the answer a whole number of seasons before (*season*); a linear
    function of the last answers, learned by recursive least squares (*least squares*); and what *nets* add to it, which read
    the columns known for that time besides. The forecast is season + a·(least squares − season) + b²·nets, with the shares a and b,
    from 0 to 1, that would have fitted past errors of that horizon best.

    Parameters
    ----------
    horizon : int
        How many answers ahead it can forecast, at most 1024.
    season : int
        After how many answers the series more or less repeats itself: 24 for hours of a day. 1 for none.
    lags : int, optional
        How many of the last answers least squares read; four seasons without it, at least 24 and at most 168.
    forgetting : float
        What least squares keep of their past at each step: 1 for all, 0.999 for about the last thousand answers.
    max_rows : int
        As in ``Regressor``.
    seed, dtype
        As in ``Regressor``; least squares are float64 in either.

    Raises
    ------
    ConfigError
        For settings that can't be.

    Notes
    -----
    A horizon is learned from only after it has passed: y_t teaches horizon h what was known at time t − h, and nothing later.
    An answer that is missing (None, NaN) lets time go on and teaches nothing. An answer that is infinite or beyond 1e30 is
    refused and counted, and then it is missing. One more than ten deviations off the mean counts as if it lay there.

    Examples
    --------
    >>> model = Forecaster(horizon=3, season=7)
    >>> for day in range(400):
    ...     model.learn_one([5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][day % 7])
    >>> [round(y, 1) for y in model.forecast()]
    [3.0, 3.0, 4.0]

    References
    ----------
    Plackett 1950 for recursive least squares; Marcellino, Stock & Watson 2006 for direct forecasts of each horizon.
    """

    kind: ClassVar[Kind] = KIND

    horizon: int = 24
    season: int = 24
    _: KW_ONLY
    lags: int | None = None
    forgetting: float = 1.0
    max_rows: int = 200_000

    def __post_init__(self) -> None:
        super().__post_init__()
        self._setup = self._made()
        self._engine: Engine | None = None

    def _made(self) -> Setup:
        """Check the settings and turn them into a setup."""
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
        experts = with_heads(_nets(), {"loss": as_loss("huber")})
        declared = (float(self.horizon), float(self.season), float(lags), float(forgetting))
        return Setup(experts, self.seed, self.dtype, self.max_rows, True, True, KNOTS, forecast=declared)

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Make the engine from the settings; ``state``: arrays of a saved learner to go on from."""
        return Engine(self._setup, state, limits=self._limits)

    # ---- one answer -------------------------------------------------------------------------------------------------

    def learn_one(self, y: float | None, x: Mapping[Any, Any] | None = None) -> None:
        """Learn the answer of the next time.

        Parameters
        ----------
        y : float or None
            The answer; None or NaN where it is missing.
        x : dict, optional
            What is known of that time besides, such as its date, its weather.
        """
        before = self._refused_rows()
        self._learn(y, x)
        self._warn_refused(before)

    def _learn(self, y: Any, x: Mapping[Any, Any] | None) -> None:
        x = {} if x is None else x
        check_sample(x)
        answer = y if type(y) is float else self._number(y)
        if not abs(answer) <= FARTHEST and answer == answer:
            self.refused["target"] += 1
            answer = math.nan
        with self.lock:
            if self._engine is None:
                self._engine = self.new_engine()
            self._engine.core.learner.learn_next(x, answer)

    def _number(self, y: Any) -> float:
        """Return an answer as a float; NaN where it is missing, or refused."""
        if missing(y):
            return math.nan
        value = as_float(y) if kind_of(y) == FLOAT else math.nan
        self.refused["target"] += value != value
        return value

    def forecast(self, horizon: int | None = None, xs: Iterable[Mapping[Any, Any]] | None = None) -> list[float]:
        """Say what the next answers will be; nothing is changed.

        Parameters
        ----------
        horizon : int, optional
            How many; all that it can without it.
        xs : sequence of dict, optional
            What is known of each of these times, as many as there are.

        Returns
        -------
        list of float
            The forecast of each of the next times; zeros before the first answer.

        Raises
        ------
        ConfigError
            If the horizon is larger than the forecaster's own.
        DataError
            If there are not as many xs.
        """
        n, rows = self._times(horizon, xs)
        if self._engine is None:
            return [0.0] * n
        said: list[float] = self._engine.core.learner.forecast(rows, n)
        return said

    def predict_batch(self, X: Any) -> Predictions:
        """Forecast the next answer for each of some rows, as if its time came next; nothing is changed."""
        return Predictions(np.array([self.forecast(1, [x])[0] for x in _rows(X)]))

    def forecast_interval(
        self, horizon: int | None = None, xs: Iterable[Mapping[Any, Any]] | None = None, coverage: float = 0.9
    ) -> list[tuple[float, float]]:
        """Say between which ends each of the next answers will lie in that share of cases; nothing is changed.

        [ŷ + q₋, ŷ + q₊]: q₋ and q₊ are quantiles of the last 500 errors y − ŷ that were made at that horizon. Their levels follow
        how often the intervals that were given out held their answers, once these have come, so that over time as many do as
        was asked (``plain/series/ends.py`` has the formulas).

        Parameters
        ----------
        horizon, xs
            As in ``forecast``.
        coverage : float
            Between 0 and 1; an equal share of the rest lies below and above.

        Returns
        -------
        list of (float, float)
            Lower and upper end for each of the next times; infinite while too few errors were made to tell (19 for 0.9).

        Raises
        ------
        ConfigError
            If coverage is not between 0 and 1; else as in ``forecast``.

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
        said = self.forecast(horizon, xs)
        if self._engine is None:
            return [(-math.inf, math.inf)] * len(said)
        ends = self._engine.core.learner.forecast_ends(len(said), coverage)
        return [(y + low, y + high) for y, (low, high) in zip(said, ends, strict=True)]

    def _times(self, horizon: Any, xs: Any) -> tuple[int, list[Mapping[Any, Any]]]:
        """Return how many times to forecast, and the columns of each."""
        n = self.horizon if horizon is None else horizon
        if not isinstance(n, int | np.integer) or not 0 <= n <= self.horizon:
            raise ConfigError(
                expected=f"a horizon of at most {self.horizon}",
                got=repr(n),
                at="horizon",
                help="Make the forecaster with a larger one.",
            )
        rows: list[Mapping[Any, Any]] = [{}] * int(n) if xs is None else list(xs)
        check_rows(rows)
        if len(rows) != n:
            raise DataError(
                expected=f"the columns of {n} times", got=str(len(rows)), at="xs", help="Give a dict for each of them."
            )
        return int(n), rows

    # ---- many answers -----------------------------------------------------------------------------------------------

    def learn_many(self, y: Any, X: Any = None) -> NDArray[np.float64]:
        """Learn answers strictly one by one, and return what was forecast of each right before it came.

        Parameters
        ----------
        y : sequence (n,)
            The answers of the next times.
        X : list of dict, array (n, d) or data frame, optional
            What is known of each time besides.

        Returns
        -------
        ndarray (n,)
        """
        before = self._refused_rows()
        answers = as_answers(y)
        rows: Sequence[Any] = [{}] * len(answers) if X is None else _rows(X)
        if len(rows) != len(answers):
            raise DataError(
                expected=f"{len(answers)} rows for as many answers", got=str(len(rows)), at="X", help="Give one a time."
            )
        out = self._step(answers, rows)
        self._warn_refused(before)
        return out

    def _step(self, answers: Sequence[Any] | NDArray[Any], rows: Sequence[Mapping[Any, Any]]) -> NDArray[np.float64]:
        out = np.zeros(len(answers))

        def learn(part: slice) -> None:
            for i, answer, x in zip(range(part.start, part.stop), answers[part], rows[part], strict=True):
                out[i] = self.forecast(1, [x])[0]
                self._learn(answer, x)

        with self.lock:
            in_pieces(len(out), learn)
        return out

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Forecast each answer right before it comes, then learn it. There are no weights, and no answers that come late.

        Raises
        ------
        ConfigError
            If there are rows to ask.
        """
        if ask is not None:
            raise ConfigError(
                expected="answers in the order of time",
                got="rows whose answers come late",
                at="Forecaster",
                help="Use no delay: what is ahead is forecast(horizon).",
            )
        return Predictions(self._step(as_answers(y), _rows(X)))

    # ---- understanding ----------------------------------------------------------------------------------------------

    def explain_one(self, x: Mapping[Any, Any] | None = None, horizon: int = 1) -> Any:
        """Say how much each answer of the past moves a forecast: ``explain_forecast`` in this folder.

        Parameters
        ----------
        x : dict, optional
            What is known of the time ahead.
        horizon : int
            Which: 1 for the next answer.
        """
        return self.kind.explain(self, x, horizon)

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """The fading mean squared error of each expert by horizon, that of the nets where they are added to least squares."""
        if self._engine is None:
            return []
        errors = self._engine.core.array("forecast_errors")
        return [
            {"expert": name, "squared_error": errors[:, COUNT + 1 + i].tolist(), "errors": errors[:, COUNT].tolist()}
            for i, name in enumerate(EXPERTS)
        ]

    def _about(self) -> dict[str, Any]:
        return describe(self._setup, self._engine)


def _rows(X: Any) -> list[Mapping[Any, Any]]:
    """Return rows as dicts, checked."""
    X = as_samples(X)
    check_rows(X)
    return as_dicts(X)
