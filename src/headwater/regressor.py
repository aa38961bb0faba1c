"""The regressor: a net behind River's words, whose answers are numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from river import base

from .engine import Engine, describe, merged, rows_of
from .errors import ConfigError
from .guards import FARTHEST, HEAVIEST, as_answers, check_numbers, check_pairs, check_rows, check_weights
from .kernels import spread
from .nn import Loss, Optimizer
from .nn.layers import Layer
from .nn.lower import Expert
from .setup import cloned, make_setup, params_of, shown
from .types import Forecast

SCALED = ("mse", "mae", "huber", "quantile")
"""Losses for answers of any size: these are standardised as they stream."""


class Regressor(base.Regressor):
    """Neural networks that learn numbers online: predict, see the answer, learn, one example at a time.

    Inputs are as in ``Classifier``. Answers are standardised as they stream, ŷ = mean + deviation·net(x), and an answer that
    lies absurdly far off counts as ten deviations.

    Parameters
    ----------
    hidden, activation, optimizer, l1, l2, dropout, norm, clip_norm, clip_value, scale, max_rows, layers, experts, effort,
    diagnosis, seed, dtype
        As in ``Classifier``.
    label_history : bool
        Whether the last answer takes part in the mixture, as a forecast of its own; as in ``Classifier``.
    loss : str or Loss
        "huber" (quadratic within one deviation, then linear), "mse", "mae", "quantile", or "poisson" for counts (its answers
        are not standardised, and the net gives their logarithm).

    Raises
    ------
    ConfigError
        For settings that can't be.

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

    task = "regress"

    def __init__(
        self,
        hidden: Sequence[int] | None = None,
        *,
        activation: str = "relu",
        optimizer: str | Optimizer | None = None,
        loss: str | Loss = "huber",
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        norm: str | None = None,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        scale: bool = True,
        max_rows: int = 200_000,
        layers: Sequence[Layer] | None = None,
        experts: Sequence[Expert] | None = None,
        effort: str = "default",
        label_history: bool = False,
        diagnosis: bool = True,
        seed: int = 0,
        dtype: str = "float32",
    ) -> None:
        self.hidden, self.activation, self.optimizer, self.loss = hidden, activation, optimizer, loss
        self.l1, self.l2, self.dropout, self.norm = l1, l2, dropout, norm
        self.clip_norm, self.clip_value, self.scale, self.max_rows = clip_norm, clip_value, scale, max_rows
        self.layers, self.seed, self.dtype = layers, seed, dtype
        self.experts, self.effort, self.label_history, self.diagnosis = experts, effort, label_history, diagnosis
        name = loss.name if isinstance(loss, Loss) else loss
        spreads = spread.SCALED if name in SCALED else spread.PEARSON
        self._setup = make_setup(self, (*SCALED, "poisson"), targets=name in SCALED, spreads=spreads)
        # an answer of Poisson's is a count up to what its link can say, e³⁰, and its net at rest says e⁰
        counts = name == "poisson"
        self._least, self._most, self._cold = (0.0, math.exp(30), 1.0) if counts else (-FARTHEST, FARTHEST, 0.0)
        self._engine: Engine | None = None
        self._refused: Counter[str] = Counter()
        self._notes: dict[str, Any] = {}  # of the command line: how it read the rows; kept in the file
        self._health: Any = None  # what is kept for `diagnose`,
        self._look = math.inf  # and the row after which it is to be shown the next one

    def _ready_engine(self) -> Engine:
        if self._engine is None:
            self._engine = Engine(self._setup, 1)
        return self._engine

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
        engine = self._engine
        if engine is None:
            return self._cold
        p = engine.predict_event(x)
        if p is None:
            check_rows([x])
            return float(_possible(engine.predict([x]))[0])
        return min(max(p[0], -FARTHEST), FARTHEST)

    def predict_interval_one(self, x: Mapping[Any, Any], coverage: float = 0.9) -> tuple[float, float]:
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

        Returns
        -------
        tuple of float
            Lower and upper end; infinite while too few rows were learned to tell (19 for 0.9).

        Raises
        ------
        ConfigError
            If coverage is not between 0 and 1.

        Notes
        -----
        It holds on the average of rows, one after the other, where each is predicted before it is learned and the answer
        comes before the next; where answers come late, errors at prediction are larger than those that were scored.

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
        Vovk, Gammerman & Shafer 2005 (conformal prediction); Xu & Xie 2021 (a moving window of residuals).
        """
        low, high = self.predict_interval_many([x], coverage)[0].tolist()
        return low, high

    def predict_interval_many(self, X: Any, coverage: float = 0.9) -> NDArray[np.float64]:
        """Predict the interval of each row, shape (n, 2): lower and upper end; as ``predict_interval_one``."""
        forecast = self.forecast(X, coverage=coverage)
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
        engine = self._engine
        plain = (type(y) is float or type(y) is int) and (type(w) is float or type(w) is int)
        sound = plain and self._least <= y <= self._most and 0 < w <= HEAVIEST
        if engine is None or not sound or not engine.learn_event(x, y, w):
            self.step_many([x], [y], [w])
        elif engine.learned >= self._look:
            said = min(max(float(engine.program.event_out[0]), -FARTHEST), FARTHEST)
            self._health.look(self, x, y, said, math.nan, math.nan)

    # ---- many samples -----------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None) -> NDArray[np.float64]:
        """Learn rows strictly one by one, and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples; the columns of an array are named x0, x1, …
        y : sequence (n,)
            Answers.
        w : sequence (n,), optional
            Weights.

        Returns
        -------
        ndarray (n,)
        """
        return np.asarray(self.step_many(X, y, w).y_pred, np.float64)

    def predict_many(self, X: Any) -> NDArray[np.float64]:
        """Predict the answer of each row, shape (n,); nothing is changed."""
        return np.asarray(self.forecast(X).y_pred, np.float64)

    def forecast(self, X: Any, *, coverage: float | None = None) -> Forecast:
        """Predict rows; nothing is changed.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples.
        coverage : float, optional
            With it, intervals too: ``predict_interval_one``.

        Returns
        -------
        Forecast
        """
        n = check_rows(X)
        q = None if coverage is None else _quantiles(self._engine, coverage)
        if self._engine is None:
            y_pred, widths = np.full(n, self._cold), np.ones(n)
        else:
            y_pred = _possible(self._engine.predict(X))
            widths = self._engine.program.widths.astype(np.float64)
        if q is None:
            return Forecast(y_pred)
        least = -math.inf if self._least < 0 else 0.0
        lower, upper = (y_pred + (widths * end if math.isfinite(end) else end) for end in q)
        return Forecast(y_pred, lower=np.maximum(lower, least), upper=upper)

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Forecast:
        """Predict and learn rows in turn: predict row i of ``ask`` (of X without it), then learn row i of X.

        Parameters
        ----------
        X, y, w
            As in ``learn_many``.
        ask : like X, optional
            As many rows (any number, if none are learned), to be predicted in lock-step: how late answers are learned. What
            the experts say of them is kept, and the mixture learns from that once their answers come.

        Returns
        -------
        Forecast
        """
        y = as_answers(y)
        n = check_pairs(X, y, ask)
        weights, weighed = check_weights(w, n, self._refused)
        values, good = check_numbers(y, self._least, self._most, self._refused)
        if n == 0:
            asked = [] if ask is None else ask
            return Forecast(_possible(self._engine.ask(asked))) if len(asked) and self._engine else self.forecast(asked)

        def learn(part: slice) -> Forecast:
            question = None if ask is None else rows_of(ask, part)
            ready = (values[part, None].copy(), weights[part], good[part])  # the kernel overwrites answers
            return Forecast(_possible(self._ready_engine().learn(rows_of(X, part), *ready, question)))

        good &= weighed
        if ask is not None:
            return learn(slice(0, n))
        from .watch.health import watched

        return watched(self, X, values, good, learn)

    # ---- settings ---------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return shown(self)

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        return cloned(self, new_params, include_attributes)

    def _get_params(self) -> dict[str, Any]:
        return params_of(self)

    # ---- state ------------------------------------------------------------------------------------------------------

    @property
    def n_learned(self) -> int:
        """How many rows were learned."""
        return 0 if self._engine is None else self._engine.learned

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps so far, by reason (``guards.REASONS``)."""
        return merged(self._refused, self._engine)

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """What each expert is and how it stands: weight in the mixture, fading loss, steps taken and undone, times renewed."""
        return [] if self._engine is None else self._engine.experts()

    def describe(self) -> dict[str, Any]:
        """Say what the model is: layers with shapes and parameter counts, optimizer, features, rows learned.

        Returns
        -------
        dict
            JSON-able.
        """
        return {"task": self.task, "classes": [], **describe(self._setup, self._engine), "rejected": self.rejected}

    def explain_one(self, x: Mapping[Any, Any], *, method: str = "integrated_gradients") -> Any:
        """Say how much each feature, by name, moved one prediction: ``headwater.explain.explain_one``."""
        from .explain import explain_one

        return explain_one(self, x, method=method)

    def importance(self, method: str = "ipfi") -> dict[Any, float]:
        """Say how much each feature matters now: ``headwater.explain.importance``."""
        from .explain import importance

        return importance(self, method)

    def diagnose(self) -> Any:
        """Say what is wrong, with evidence and remedy: ``headwater.diagnose.diagnose``."""
        from .diagnose import diagnose

        return diagnose(self)

    def save(self, path: Any) -> None:
        """Write the model to a file: safetensors with a JSON header, all or nothing.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        """
        from .store.format import save

        save(self, path)

    def export_onnx(self, path: Any, *, opset: int = 17, array: bool = False) -> None:
        """Write the model as it predicts now to an ONNX file, preprocessing included; see ``store.export_onnx``.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        opset : int
            Version of ONNX's operators.
        array : bool
            For a learner that was taught arrays: one input X (N, d) in place of one a column.
        """
        from .store.export_onnx import export_onnx

        export_onnx(self, path, opset=opset, array=array)


def _quantiles(engine: Engine | None, coverage: float) -> tuple[float, float]:
    """Return the scores between which that share of the next ones lies, ±∞ while there are too few to tell."""
    if not 0 < coverage < 1:
        raise ConfigError(expected="a share between 0 and 1", got=repr(coverage), at="coverage", help="Give e.g. 0.9.")
    scores = np.zeros(1) if engine is None else engine.program.scores
    n = min(int(scores[0]), spread.WINDOW)
    # rank ⌈(n + 1)·(1 − α/2)⌉ of n scores; the rounding keeps (19 + 1)·0.05 at 1
    rank = math.floor(round((n + 1) * (1 - coverage) / 2, 9))
    if rank < 1:
        return -math.inf, math.inf
    kept = np.partition(scores[1 : n + 1], (rank - 1, n - rank))
    return float(kept[rank - 1]), float(kept[n - rank])


def _possible(out: NDArray[Any]) -> NDArray[np.float64]:
    """Return predictions (n, 1) as (n,), none beyond what an answer may be: a net out of hand says nothing infinite."""
    return np.clip(out[:, 0].astype(np.float64), -FARTHEST, FARTHEST)
