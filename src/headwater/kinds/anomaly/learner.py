"""The anomaly detector: how unusual a row is, against those that came before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.encode.vocabulary import LEAST_ROWS
from headwater.errors import ConfigError, DataError
from headwater.kinds.anomaly.kind import KIND
from headwater.learner.base import Learner
from headwater.learner.engine import Engine, Setup, describe
from headwater.learner.kind import Kind
from headwater.learner.labels import beside
from headwater.learner.settings.river_words import in_river
from headwater.learner.validation import HEAVIEST, Block, as_samples, check_rows, check_sample, check_weights
from headwater.nn import Dense, Loss, Momentum
from headwater.nn.core import ANOMALY
from headwater.nn.expert import Expert
from headwater.streams import in_pieces
from headwater.types import Predictions

SCORED = 2000
"""How many scores are kept: a p-value is a share of them."""
DETECTORS = ("z-norm", "nearest", "autoencoder", "names")
"""The detectors of the pool, in the order of the core."""
NOTHING_KNOWN = 0.5
"""The score of a row before anything was learned."""
STEP = 0.003
"""The step size of the autoencoder."""


@in_river("river.base:AnomalyDetector")
@dataclass(eq=False, repr=False)
class Anomaly(Learner):
    """Anomaly detection online: score a row, then learn it. There are no answers.

    Four detectors look at a row x. z_j is its number j in units of that column's running deviation, within ±10.

    - ``z-norm``: the mean of z_j² over its numbers.
    - ``nearest``: the mean distance from z to the 10 nearest of the last rows; a category that differs counts 1.
    - ``autoencoder``: the mean of (ẑ_j − z_j)², where ẑ is what a net with a narrow middle makes of x:
      h = tanh(b + Wx), ẑ = Vh.
    - ``names``: Σ −ln(share of rows that had this category), and ln 2n for each name that is new, after n rows.

    The p-value of a detector is the share of the last 2,000 scores that are larger (equal ones count half). The raw score of the
    pool is Σ weight·(−ln p) over the detectors that find anything at all, with the weights 1.5, 1, 1, 1. The score that is given
    out is 1 − p of that: 0.99 says that one row in a hundred is as unusual.

    A row with p < 0.001 is scored but not learned, so that a burst of anomalies does not become normal at once. At most 100 in
    succession are left out: then things are taken to be so from now on.

    Rows hold numbers, categories, date-times and gaps, and names appear at any time: a new category or column is a surprise and no
    error. An infinite number counts as the farthest there is; a missing one as nothing.

    Parameters
    ----------
    neighbours : int
        How many of the last rows distances are measured to.
    hidden : int
        Units in the middle of the autoencoder.
    max_rows : int
        Rows the input table may have; beyond it new names share rows, so memory stays bounded.
    seed : int
        Of the autoencoder's first weights.
    dtype : str
        "float32" or "float64".

    Raises
    ------
    ConfigError
        For settings that can't be.

    Examples
    --------
    >>> model = Anomaly(seed=1)
    >>> for i in range(2_000):
    ...     model.learn_one({"load": float(i % 50), "state": "on" if i % 3 else "off"})
    >>> model.score_one({"load": 20.0, "state": "on"}) < 0.9
    True
    >>> model.score_one({"load": 500.0, "state": "on"}) > 0.999
    True

    References
    ----------
    Vovk, Gammerman & Shafer 2005 (p-values from ranks); Fisher 1925 (Σ −ln p); Bhatia et al. 2022, MemStream (a memory and an
    autoencoder); Welford 1962.
    """

    neighbours: int = 256
    hidden: int = 8
    max_rows: int = 200_000

    kind: ClassVar[Kind] = KIND
    instead: ClassVar[str] = "learn_many, score_many or hw.evaluate"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._setup = self._made()
        self._engine: Engine | None = None

    def _made(self) -> Setup:
        """Check the settings and turn them into a setup."""
        ranges = {
            "neighbours": (1, 1 << 14),
            "hidden": (1, 1 << 12),
            "max_rows": (LEAST_ROWS, 1 << 30),
            "seed": (0, 1 << 64),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ConfigError(
                    expected=f"a whole number from {least:,} to {most:,}",
                    got=repr(value),
                    at=f"{name} of Anomaly",
                    help="Leave it out for the default.",
                )
        if self.dtype not in ("float32", "float64"):
            raise ConfigError(
                expected="'float32' or 'float64'",
                got=repr(self.dtype),
                at="dtype of Anomaly",
                help="Choose one of the two.",
            )
        encoder = Expert((Dense(self.hidden, "tanh"), Dense(1)), Loss("mse"), Momentum(STEP))
        sizes = (self.max_rows, True, False, 0, self.neighbours)
        return Setup((encoder,), self.seed, self.dtype, *sizes, intervals=ANOMALY)

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Make what holds the numbers, from the settings; ``state``: arrays of a saved learner to go on from."""
        return Engine(self._setup, state, limits=self._limits)

    # ---- one row ----------------------------------------------------------------------------------------------------

    def score_one(self, x: Mapping[Any, Any]) -> float:
        """Say how unusual a row is: 1 − p, between 0 and 1; nothing is changed.

        Parameters
        ----------
        x : dict
            The row.

        Returns
        -------
        float
            0.5 before anything was learned.
        """
        check_sample(x)
        return NOTHING_KNOWN if self._engine is None else self._engine.predict_value_one(x)

    def learn_one(self, x: Mapping[Any, Any], w: float = 1.0) -> None:
        """Learn one row; it is ``learn_many`` of one row.

        Parameters
        ----------
        x : dict
            The row.
        w : float
            0 adds its names and teaches nothing; any other weight counts as 1.
        """
        engine = self._engine
        if engine is None or type(x) is not dict or not 0 < w <= HEAVIEST:
            self.learn_many([x], [w])
        else:
            engine.learn_one(x, 0.0, w)

    def is_anomaly_one(self, x: Mapping[Any, Any], rate: float = 0.001) -> bool:
        """Say whether a row is among the most unusual ones; nothing is changed.

        Parameters
        ----------
        x : dict
            The row.
        rate : float
            The share of ordinary rows that may be called anomalous. 2,000 scores can't tell less than 0.0005.

        Returns
        -------
        bool
            Whether p < rate: False for every row as long as fewer than 1/(2·rate) rows have been learned.

        Raises
        ------
        ConfigError
            If the rate is not between 0.0005 and 1.

        Examples
        --------
        >>> model = Anomaly(seed=1)
        >>> for i in range(1_000):
        ...     model.learn_one({"x": float(i % 7)})
        >>> model.is_anomaly_one({"x": 3.0}), model.is_anomaly_one({"x": 99.0})
        (False, True)
        """
        if not 1 / SCORED <= rate < 1:
            raise ConfigError(
                expected=f"a share from {1 / SCORED} to 1",
                got=repr(rate),
                at="rate",
                help=f"A p-value is a share of the last {SCORED:,} scores.",
            )
        return self.score_one(x) > 1 - rate

    def explain_one(self, x: Mapping[Any, Any]) -> Any:
        """Say how much each column contributes to a row's raw score: ``explain_anomaly`` in this folder."""
        return self.kind.explain(self, x)

    # ---- many rows --------------------------------------------------------------------------------------------------

    def score_many(self, X: Any) -> Any:
        """Say how unusual each row is, shape (n,); nothing is changed. Of a data frame it is a column of the same library."""
        X = as_samples(X)
        return beside(X, np.asarray(self.predict_batch(X).y_pred), "score")

    def predict_batch(self, X: Any) -> Predictions:
        """Score rows; nothing is changed."""
        X = as_samples(X)
        n = check_rows(X)
        if self._engine is None or not n:
            return Predictions(np.full(n, NOTHING_KNOWN))
        return Predictions(self._engine.predict(X)[:, 0].astype(np.float64))

    def learn_many(self, X: Any, w: Any = None) -> NDArray[np.float64]:
        """Learn rows strictly one by one, and return the score that each was given before it was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows; the columns of an array are named x0, x1, …
        w : sequence (n,), optional
            Weights: 0 teaches nothing.

        Returns
        -------
        ndarray (n,)
        """
        before = self._refused_rows()
        scores = np.asarray(self.step_many(X, None, w).y_pred)
        self._warn_refused(before, depth=3)
        return scores

    def step_many(self, X: Any, y: Any = None, w: Any = None, ask: Any = None) -> Predictions:
        """Score and learn rows in turn: score row i of ``ask`` (of X without it), then learn row i of X.

        Parameters
        ----------
        X, w
            As in ``learn_many``.
        y
            Never looked at.
        ask : like X, optional
            Rows to score in lock-step; as many as are learned, or any number if none are.

        Returns
        -------
        Predictions
            The score of each row before it was learned.
        """
        with self.lock:
            block = _block(X, w, ask)
            n = len(block.y)
            if ask is not None and not n:
                return self.predict_batch(block.ask)
            if n and self._engine is None:
                self._engine = self.new_engine()
            engine = self._engine
            if engine is None:
                return Predictions(np.zeros(0))
            out = in_pieces(n, lambda rows: self._learn_piece(engine, block.part(rows)))
            return Predictions(np.concatenate(out)[:, 0].astype(np.float64))

    def _learn_piece(self, engine: Engine, piece: Block) -> NDArray[Any]:
        piece.count(self.refused)
        return engine.learn(piece, slice(0, len(piece.y)), piece.y)

    # ---- what it is -------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine | None:
        """What holds the numbers; None before the first row was learned."""
        return self._engine

    def _about(self) -> dict[str, Any]:
        about = describe(self._setup, self._engine)
        return {name: value for name, value in about.items() if name not in ("optimizer", "loss")}  # the autoencoder's


def _block(X: Any, w: Any, ask: Any) -> Block:
    """Return rows and weights, checked."""
    X = as_samples(X)
    ask = None if ask is None else as_samples(ask)
    n = check_rows(X)
    if ask is not None and check_rows(ask) != n and n:
        raise DataError(
            expected=f"{n} rows to score for {n} rows",
            got=str(len(ask)),
            at="ask",
            help="Give one for each, or none to learn.",
        )
    weights, good = check_weights(w, n)
    return Block(X, np.zeros(n), weights, good, ask, refused={"weight": ~good})
