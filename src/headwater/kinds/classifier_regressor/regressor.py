"""The regressor, with River's interface."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.kinds.classifier_regressor.kind import REGRESSOR
from headwater.learner.engine import Engine, Setup
from headwater.learner.kind import Kind
from headwater.learner.monitoring.coverage import check_coverage, check_guarantee, interval_ends
from headwater.learner.sampling.measure import as_rows
from headwater.learner.sampling.sample import SampledRow
from headwater.learner.schema.labels import beside
from headwater.learner.settings import documented
from headwater.learner.settings.river_words import in_river
from headwater.learner.settings.setup import make_setup
from headwater.learner.supervised import SupervisedLearner
from headwater.learner.validation import FARTHEST, HEAVIEST, OF_NUMPY, Block, as_samples, check_rows, check_sample
from headwater.nn.core import PEARSON, WINDOW
from headwater.nn.core import SCALED as LEARNED
from headwater.nn.inspect import answer_history
from headwater.nn.losses import Loss
from headwater.types import Predictions, as_mapping

SCALED = ("mse", "mae", "huber", "quantile")
"""Losses for targets of any size, which are standardized online."""


@documented
@in_river("river.base:Regressor")
@dataclass(eq=False, repr=False)
class Regressor(SupervisedLearner):
    """Neural networks that learn numbers online, predicting each example before learning it.

    Inputs are as in ``Classifier``. Targets are standardized online, ŷ = mean + deviation·net(x), and outliers are clipped to ten
    deviations.

    Parameters
    ----------
    loss : str or Loss
        "huber" (quadratic within one deviation, then linear), "mse", "mae", "quantile", or "poisson" for counts (not standardized,
        the net predicts their logarithm).
    SETTINGS

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Notes
    -----
    With ``label_history=True`` the lag features "last answer", "answer 2 before", "answer 3 before" and "mean answer" are added to a
    sample (unless it contains one of them itself), and experts learn y − base, where base = mean + ρ·(last answer − mean) and ρ is
    the autocorrelation of the targets (``plain/inputs/answers.py``). With delayed labels only those known at prediction count.

    Examples
    --------
    >>> model = Regressor(seed=1)
    >>> for i in range(500):
    ...     model.learn_one({"x": i % 10}, 100.0 + 5 * (i % 10))
    >>> 120 < model.predict_one({"x": 5}) < 130
    True

    References
    ----------
    Huber 1964, for the default loss.
    """

    kind: ClassVar[Kind] = REGRESSOR
    estimator: ClassVar[str] = "OnlineRegressor"

    loss: str | Loss = "huber"

    def _made(self) -> Setup:
        name = self.loss.name if isinstance(self.loss, Loss) else self.loss
        # a Poisson target is a count up to e³⁰, the bound of its link, and an untrained net predicts e⁰
        counts = name == "poisson"
        self._least, self._most, self._cold = (0.0, math.exp(30), 1.0) if counts else (-FARTHEST, FARTHEST, 0.0)
        self._span = self._least, self._most
        intervals = LEARNED if name in SCALED else PEARSON
        return make_setup(self, (*SCALED, "poisson"), targets=name in SCALED, intervals=intervals)

    # ---- one sample -------------------------------------------------------------------------------------------------

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Predict the target of a sample, 0 (or 1 with "poisson") before anything was learned.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        float
        """
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x)
            if engine is None:
                return self._cold
        check_sample(x)
        return min(max(engine.predict_value_one(x), -FARTHEST), FARTHEST)

    def predict_interval_one(
        self, x: Mapping[Any, Any], coverage: float = 0.9, *, guarantee: str | None = None
    ) -> tuple[float, float]:
        """Predict an interval that contains the target with the given coverage, without changing anything.

        The interval is [ŷ + s(x)·q₋, ŷ + s(x)·q₊]. s(x) is the expected size of the error (learned by an expert of the pool, the
        running deviation of the targets for a single net, √ŷ for "poisson"), and q₋, q₊ are quantiles of (y − ŷ)/s over the last
        1,000 learned rows, so the interval may be asymmetric.

        Parameters
        ----------
        x : dict
            The sample.
        coverage : float
            Between 0 and 1, with the misses split evenly below and above.
        guarantee : str, optional
            With "long-run" the share of targets outside tends to 1 − coverage for any stream, even with delayed labels. After each
            row ln(−q₋) and ln q₊ move by 0.08·(miss − α/2), with α = 1 − coverage and miss = 1 if the target was beyond that bound
            of the issued interval. With delayed labels the steps are divided by 1 + (pending rows)/32.

        Returns
        -------
        tuple of float
            Lower and upper bound. Without a guarantee they are infinite until enough rows were learned (19 for 0.9).

        Raises
        ------
        ConfigError
            If coverage is not between 0 and 1, or the guarantee is unknown.

        Notes
        -----
        Without a guarantee the coverage holds on average over consecutive rows if each label arrives before the next prediction. With
        delayed labels errors at prediction are larger than scored ones, so use the guarantee. It holds for 0.5, 0.65, 0.8, 0.9, 0.95,
        0.98 and 0.99. Other coverages are interpolated. ``coverage_`` has the empirical coverage so far.

        Examples
        --------
        >>> model = Regressor(seed=0)
        >>> for i in range(2_000):
        ...     model.learn_one({"x": i % 10}, 5.0 * (i % 10) + (i * 7919) % 13)
        >>> low, high = model.predict_interval_one({"x": 5}, coverage=0.9)
        >>> 24 < low < 27 and 35 < high < 39
        True

        References
        ----------
        Vovk, Gammerman & Shafer 2005 (conformal prediction); Xu & Xie 2021 (a moving window of residuals); Angelopoulos, Candès &
        Tibshirani 2023 (quantile tracking).
        """
        if self._checked is None:
            self._look_at_one(x)
        low, high = self._intervals([x], coverage, guarantee)[0].tolist()
        return low, high

    def predict_interval_many(
        self, X: Any, coverage: float = 0.9, *, guarantee: str | None = None
    ) -> NDArray[np.float64]:
        """Predict the interval of each row, shape (n, 2), as ``predict_interval_one`` does."""
        X = as_samples(X)
        self._look(X)
        return self._intervals(X, coverage, guarantee)

    def _intervals(self, X: Any, coverage: float, guarantee: str | None) -> NDArray[np.float64]:
        check_guarantee(guarantee)
        forecast = self.predict_batch(X, coverage=coverage, guarantee=guarantee)
        return np.stack([np.asarray(forecast.lower), np.asarray(forecast.upper)], axis=1)

    def learn_one(self, x: Mapping[Any, Any], y: float, w: float = 1.0) -> None:
        """Learn one sample.

        Equivalent to ``learn_many`` with one row.

        Parameters
        ----------
        x : dict
            The sample.
        y : float
            Its target.
        w : float
            Its weight, which multiplies the gradient. 0 only adds its names.
        """
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x, learning=True)
        number = float(y) if type(y) in OF_NUMPY else y
        plain = (type(number) is float or type(number) is int) and (type(w) is float or type(w) is int)
        sound = plain and self._least <= number <= self._most and 0.0 < w <= HEAVIEST
        if engine is None or not sound or type(x) is not dict:
            self._learn_warned([x], [y], [w])
            return
        learn = engine.learn_one  # CPython 3.11 is slow at an instance's attribute that is called at once
        if learn(x, number, w) >= self._next_probe:
            self._sample_learned(x, number)

    def _sample_learned(self, x: Mapping[Any, Any], y: float) -> None:
        """Feed the diagnosis sample with the row that ``learn_one`` just learned."""
        with self.lock:
            sample, engine = self._sample, self._engine
            if sample is None or engine is None:
                return
            y_pred = min(max(engine.last_prediction()[0], -FARTHEST), FARTHEST)
            x = engine.core.learner.rolled or x
            sample.take_one(x, y, y_pred, math.nan, math.nan, learned=engine.learned)
            self._measure(sample)

    # ---- many samples -----------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None, *, progress: bool = False) -> NDArray[np.float64]:
        """Learn rows one by one and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples. The columns of an array are named x0, x1, and so on.
        y : sequence (n,)
            Targets.
        w : sequence (n,), optional
            Weights.
        progress : bool
            Print rows and recent error to standard error after each twentieth of the rows.

        Returns
        -------
        ndarray (n,)
        """
        return np.asarray(self._learn_warned(X, y, w, progress=progress).y_pred, np.float64)

    def predict_many(self, X: Any) -> Any:
        """Predict the target of each row, shape (n,), without changing anything.

        For a data frame the result is a column of the same library with the frame's index, as in River's mini-batch models.
        """
        X = as_samples(X)
        self._look(X)
        return beside(X, np.asarray(self.predict_batch(X).y_pred, np.float64), self.answer_name)

    def predict_batch(self, X: Any, *, coverage: float | None = None, guarantee: str | None = None) -> Predictions:
        """Predict rows without changing anything.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples.
        coverage : float, optional
            Also predict intervals, as in ``predict_interval_one``.
        guarantee : str, optional
            As in ``predict_interval_one``.

        Returns
        -------
        Predictions
        """
        X = as_samples(X)
        n = check_rows(X)
        q = None if coverage is None else _quantiles(self._engine, coverage, guarantee)
        if self._engine is None:
            y_pred, widths = np.full(n, self._cold), np.ones(n)
        else:
            widths = np.ones(n)
            y_pred = _possible(self._engine.predict(X, widths=widths))
        if q is None:
            return Predictions(y_pred)
        least = -math.inf if self._least < 0 else 0.0
        lower, upper = (y_pred + (widths * end if math.isfinite(end) else end) for end in q)
        return Predictions(y_pred, lower=np.maximum(lower, least), upper=upper)

    def _learn_row(self, engine: Engine, x: dict[Any, Any], y: Any) -> Predictions | None:
        y = float(y) if type(y) in OF_NUMPY else y
        if (type(y) is not float and type(y) is not int) or not self._least <= y <= self._most:
            return None
        out = np.empty((1, 1), self.dtype)
        engine.learn_row(x, y, out)
        return Predictions(np.array([min(max(float(out[0, 0]), -FARTHEST), FARTHEST)]))

    def _learn_part(self, block: Block, part: slice) -> Predictions:
        if self._engine is None:
            self._engine = self.new_engine()
        return Predictions(_possible(self._engine.learn(block, part, block.y[part])))

    def _ask(self, X: Any) -> Predictions:
        if not len(X) or self._engine is None:
            return self.predict_batch(X)
        return Predictions(_possible(self._engine.predict(as_samples(X), waiting=True)))

    # ---- understanding ----------------------------------------------------------------------------------------------

    def losses_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the current |y − y_pred| of each sampled row."""
        if all(isinstance(kept.x, np.ndarray) for kept in rows):
            y_pred: Any = self.predict_many(as_rows([kept.x for kept in rows]))
        else:
            y_pred = [self.predict_one(as_mapping(kept.x)) for kept in rows]
        return np.asarray(np.abs(np.array([kept.y for kept in rows]) - y_pred))

    def answers_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the targets of sampled rows, in the core's standardized units if it standardizes them."""
        y = np.array([kept.y for kept in rows], np.float64)
        core = self.learned_engine.core
        if core.about["targets"]:
            history = answer_history(core)
            mean, variance, _ = core.answers[0] if history is None else (history.mean, history.spread, 0)
            y = (y - mean) / math.sqrt(max(float(variance), 1e-300))
        return y

    def explain_one(self, x: Mapping[Any, Any], *, method: str = "integrated_gradients") -> Any:
        """Attribute one prediction to the features, as ``headwater.explain.explain_one``."""
        return self.kind.explain(self, x, method=method)


def _quantiles(engine: Engine | None, coverage: float, guarantee: str | None) -> tuple[float, float]:
    """Return the scaled residual quantiles of a coverage, ±∞ for too few rows."""
    check_coverage(coverage)
    if guarantee is not None and engine is not None:
        below, above = engine.core.learner.ends(coverage)
        return -below, above
    scores = np.zeros(1) if engine is None else engine.core.array("scores")
    return interval_ends(scores[1 : min(int(scores[0]), WINDOW) + 1], coverage)


def _possible(out: NDArray[Any]) -> NDArray[np.float64]:
    """Return predictions (n, 1) as (n,), clipped to the valid range in case a net diverges."""
    y_pred: NDArray[np.float64] = out[:, 0].astype(np.float64)
    return np.minimum(
        np.maximum(y_pred, -FARTHEST, out=y_pred), FARTHEST, out=y_pred
    )  # np.clip takes five times as long
