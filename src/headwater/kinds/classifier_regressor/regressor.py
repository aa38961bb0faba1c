"""The regressor: a net behind River's words, whose answers are numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.kinds.classifier_regressor.kind import REGRESSOR
from headwater.kinds.forecaster.intervals import check_coverage, interval_ends
from headwater.learner.coverage import check_guarantee
from headwater.learner.engine import Engine, Setup
from headwater.learner.kind import Kind
from headwater.learner.labels import beside
from headwater.learner.sampling.measure import as_rows
from headwater.learner.sampling.sample import SampledRow
from headwater.learner.settings import documented
from headwater.learner.settings.river_words import in_river
from headwater.learner.settings.setup import make_setup
from headwater.learner.supervised import SupervisedLearner
from headwater.learner.validation import FARTHEST, HEAVIEST, Block, as_samples, check_rows, check_sample
from headwater.nn import Loss
from headwater.nn.core import PEARSON, WINDOW
from headwater.nn.core import SCALED as LEARNED
from headwater.nn.inspect import answer_history
from headwater.types import Predictions, as_mapping

SCALED = ("mse", "mae", "huber", "quantile")
"""Losses for answers of any size: these are standardised as they stream."""


@documented
@in_river("river.base:Regressor")
@dataclass(eq=False, repr=False)
class Regressor(SupervisedLearner):
    """Neural networks that learn numbers online: predict, see the answer, learn, one example at a time.

    Inputs are as in ``Classifier``. Answers are standardised as they stream, ŷ = mean + deviation·net(x), and an answer that
    lies absurdly far off counts as ten deviations.

    Parameters
    ----------
    loss : str or Loss
        "huber" (quadratic within one deviation, then linear), "mse", "mae", "quantile", or "poisson" for counts (its answers
        are not standardised, and the net gives their logarithm).
    SETTINGS

    Raises
    ------
    ConfigError
        For settings that can't be.

    Notes
    -----
    With ``label_history=True`` the columns "last answer", "answer 2 before", "answer 3 before" and "mean answer" stand beside
    a sample's own (a sample that names one of them says all of them itself), and experts learn y − base, where
    base = mean + ρ·(last answer − mean) and ρ is how strongly one answer follows another (``plain/answers.py``). Where
    answers come late, only those count that were known when a row was predicted.

    Examples
    --------
    >>> model = Regressor(seed=1)
    >>> for i in range(500):
    ...     model.learn_one({"x": i % 10}, 100.0 + 5 * (i % 10))
    >>> 120 < model.predict_one({"x": 5}) < 130
    True

    References
    ----------
    Huber 1964 for the default loss.
    """

    kind: ClassVar[Kind] = REGRESSOR
    estimator: ClassVar[str] = "OnlineRegressor"

    loss: str | Loss = "huber"

    def _made(self) -> Setup:
        name = self.loss.name if isinstance(self.loss, Loss) else self.loss
        # an answer of Poisson's is a count up to what its link can say, e³⁰, and its net at rest says e⁰
        counts = name == "poisson"
        self._least, self._most, self._cold = (0.0, math.exp(30), 1.0) if counts else (-FARTHEST, FARTHEST, 0.0)
        self._span = self._least, self._most
        intervals = LEARNED if name in SCALED else PEARSON
        return make_setup(self, (*SCALED, "poisson"), targets=name in SCALED, intervals=intervals)

    # ---- one sample -------------------------------------------------------------------------------------------------

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Predict the answer of a sample; before the first was learned 0, or 1 with "poisson".

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
        """Predict an interval that holds the answer of a sample in that share of cases; nothing is changed.

        [ŷ + s(x)·q₋, ŷ + s(x)·q₊]: s(x) is the size of error expected here (the pool has an expert that learns it; a single
        net has the answer's running deviation, "poisson" √ŷ), and q₋, q₊ are quantiles of (y − ŷ)/s over the last 1,000
        rows learned, so the interval need not lie evenly around ŷ.

        Parameters
        ----------
        x : dict
            The sample.
        coverage : float
            Between 0 and 1; an equal share of the rest lies below and above.
        guarantee : str, optional
            "long-run": the share of answers outside tends to 1 − coverage whatever the stream does, also where answers come late.
            Then ln(−q₋) and ln q₊ move after each row by 0.08·(miss − α/2), where miss says whether the answer lay beyond that end
            of the interval that was given out, and α = 1 − coverage; where answers come late, by 1 + (rows on their way)/32 less.

        Returns
        -------
        tuple of float
            Lower and upper end; without a guarantee infinite while too few rows were learned to tell (19 for 0.9).

        Raises
        ------
        ConfigError
            If coverage is not between 0 and 1, or there is no such guarantee.

        Notes
        -----
        It holds on the average of rows, one after the other, where each is predicted before it is learned and the answer
        comes before the next; where answers come late, errors at prediction are larger than those that were scored: ask for a
        guarantee there. It is that of 0.5, 0.65, 0.8, 0.9, 0.95, 0.98 and 0.99; other shares lie on a line between the two next to
        them. ``coverage_`` says how often answers lay inside so far.

        Examples
        --------
        >>> model = Regressor(seed=1)
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
        """Predict the interval of each row, shape (n, 2): lower and upper end; as ``predict_interval_one``."""
        X = as_samples(X)
        self._look(X)
        return self._intervals(X, coverage, guarantee)

    def _intervals(self, X: Any, coverage: float, guarantee: str | None) -> NDArray[np.float64]:
        check_guarantee(guarantee)
        forecast = self.predict_batch(X, coverage=coverage, guarantee=guarantee)
        return np.stack([np.asarray(forecast.lower), np.asarray(forecast.upper)], axis=1)

    def learn_one(self, x: Mapping[Any, Any], y: float, w: float = 1.0) -> None:
        """Learn one sample; it is ``learn_many`` of one row.

        Parameters
        ----------
        x : dict
            The sample.
        y : float
            Its answer.
        w : float
            Its weight: its gradient is multiplied by it; 0 adds its names and teaches nothing.
        """
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x, learning=True)
        plain = (type(y) is float or type(y) is int) and (type(w) is float or type(w) is int)
        sound = plain and self._least <= y <= self._most and 0 < w <= HEAVIEST
        if engine is None or not sound or type(x) is not dict:
            self._learn_warned([x], [y], [w])
        elif engine.learn_one(x, y, w) >= self._next_probe:
            self._sample_learned(x, y)

    def _sample_learned(self, x: Mapping[Any, Any], y: float) -> None:
        """Keep what a diagnosis needs of the row that ``learn_one`` has just learned."""
        with self.lock:
            sample, engine = self._sample, self._engine
            if sample is None or engine is None:
                return
            y_pred = min(max(engine.last_prediction()[0], -FARTHEST), FARTHEST)
            sample.take_one(x, y, y_pred, math.nan, math.nan, learned=engine.learned)
            self._measure(sample)

    # ---- many samples -----------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None, *, progress: bool = False) -> NDArray[np.float64]:
        """Learn rows strictly one by one, and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples; the columns of an array are named x0, x1, …
        y : sequence (n,)
            Answers.
        w : sequence (n,), optional
            Weights.
        progress : bool
            Print a line with rows and the last ones' score after each twentieth of the rows, on standard error.

        Returns
        -------
        ndarray (n,)
        """
        return np.asarray(self._learn_warned(X, y, w, progress=progress).y_pred, np.float64)

    def predict_many(self, X: Any) -> Any:
        """Predict the answer of each row, shape (n,); nothing is changed.

        Of a data frame it is a column of the same library, with the frame's index, as River's mini-batch models give it.
        """
        X = as_samples(X)
        self._look(X)
        return beside(X, np.asarray(self.predict_batch(X).y_pred, np.float64), self.answer_name)

    def predict_batch(self, X: Any, *, coverage: float | None = None, guarantee: str | None = None) -> Predictions:
        """Predict rows; nothing is changed.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples.
        coverage : float, optional
            With it, intervals too: ``predict_interval_one``.
        guarantee : str, optional
            Which, as there.

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
        """Return |y − y_pred| of each sampled row as the learner predicts it now."""
        if all(isinstance(kept.x, np.ndarray) for kept in rows):
            y_pred: Any = self.predict_many(as_rows([kept.x for kept in rows]))
        else:
            y_pred = [self.predict_one(as_mapping(kept.x)) for kept in rows]
        return np.asarray(np.abs(np.array([kept.y for kept in rows]) - y_pred))

    def answers_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the answers of sampled rows in the deviations that the core has counted, where it standardises them."""
        y = np.array([kept.y for kept in rows], np.float64)
        core = self.learned_engine.core
        if core.about["targets"]:
            history = answer_history(core)
            mean, variance, _ = core.answers[0] if history is None else (history.mean, history.spread, 0)
            y = (y - mean) / math.sqrt(max(float(variance), 1e-300))
        return y

    def explain_one(self, x: Mapping[Any, Any], *, method: str = "integrated_gradients") -> Any:
        """Say how much each feature, by name, moved one prediction: ``headwater.explain.explain_one``."""
        return self.kind.explain(self, x, method=method)


def _quantiles(engine: Engine | None, coverage: float, guarantee: str | None) -> tuple[float, float]:
    """Return the scores between which that share of the next ones lies, ±∞ while there are too few to tell."""
    check_coverage(coverage)
    if guarantee is not None and engine is not None:
        below, above = engine.core.learner.ends(coverage)
        return -below, above
    scores = np.zeros(1) if engine is None else engine.core.array("scores")
    return interval_ends(scores[1 : min(int(scores[0]), WINDOW) + 1], coverage)


def _possible(out: NDArray[Any]) -> NDArray[np.float64]:
    """Return predictions (n, 1) as (n,), none beyond what an answer may be: a net out of hand says nothing infinite."""
    return np.clip(out[:, 0].astype(np.float64), -FARTHEST, FARTHEST)
