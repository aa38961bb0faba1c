"""The anomaly model, which scores how unusual a row is relative to earlier rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater._core import APART_VERSION
from headwater.encode.rows import as_dicts
from headwater.encode.vocabulary import LEAST_ROWS
from headwater.errors import ConfigError, DataError
from headwater.kinds.anomaly.kind import KIND
from headwater.learner.base import Learner
from headwater.learner.engine import AGGREGATES, Engine, Setup, describe
from headwater.learner.kind import Kind
from headwater.learner.schema.labels import beside
from headwater.learner.settings.river_words import in_river
from headwater.learner.settings.text import AUTO, check_embeddings, reading
from headwater.learner.validation import HEAVIEST, Block, as_samples, check_rows, check_sample, check_weights
from headwater.nn import Dense, Loss, Momentum
from headwater.nn.core import ANOMALY, ANOMALY_FADING
from headwater.nn.expert import Expert
from headwater.streams import in_pieces
from headwater.types import Predictions

if TYPE_CHECKING:
    from headwater.learner.settings.rolling import Rolling

SCORED = 2000
"""Number of last scores that are stored, for the diagnosis."""
DETECTORS = ("z-norm", "nearest", "autoencoder", "names")
"""The detectors of the pool, in the order of the core."""
NOTHING_KNOWN = 0.5
"""The score of a row before anything was learned."""
STEP = 0.003
"""The step size of the autoencoder."""


@in_river("river.base:AnomalyDetector")
@dataclass(eq=False, repr=False)
class Anomaly(Learner):
    """Unsupervised online anomaly detection, scoring each row before learning it.

    Four detectors score a row x. z_j is its number j in units of that column's running deviation, clipped to ±10. The running mean
    and deviation decay by 1/400 a row, and take a number as at most 2.5 deviations off, so heavy tails don't make them unsteady.

    - ``z-norm``: the mean of z_j² over its numbers.
    - ``nearest``: the mean distance from z to the 10 nearest of the last rows, where a different category counts 1.
    - ``autoencoder``: the mean of (ẑ_j − z_j)² for the reconstruction ẑ = Vh with h = tanh(b + Wx).
    - ``names``: Σ −ln(share of rows with this category), and ln 2n for each new name after n rows.

    The p-value of a detector is the share of its earlier scores that are larger, where one of 20,000 rows ago counts 1/e. Scores
    are compared by bins of a quarter of their logarithm (ties count half). The raw score of the pool is Σ weight·(−ln p) over the
    detectors with nonzero scores, with the weights 1.5, 1, 1, 1. The issued score is 1 − p of the raw score, so 0.99 means that
    one row in a hundred is as unusual. Beyond the largest fiftieth of raw scores, p falls exponentially by their mean excess.

    A row with p < 0.001 is scored but not learned, so that a burst of anomalies does not become normal at once. After 100 such rows
    in succession learning resumes, which accepts them as the new normal.

    Rows may contain numbers, categories, date-times and missing values, and names may appear at any time. A new category or column
    raises the score and is not an error. An infinite number counts as the largest distance, a missing one as nothing.

    Parameters
    ----------
    neighbours : int
        Number of last rows searched for nearest neighbors.
    hidden : int
        Units of the autoencoder's hidden layer.
    max_rows : int
        Maximum rows of the input table. Further names share rows, so memory stays bounded.
    text : str or dict, optional
        Columns of embeddings. "auto" reads a list of 64 to 4,096 numbers in the first row as one, None reads lists as numbered
        columns, and a dict declares a column "cosine" or "raw" (as in `Classifier`).
    rolling : Rolling, optional
        Counts, sums, means, distinct names and times since over the last hour or day, by key, as columns more (`Rolling`).
    seed : int
        Seed of the autoencoder's initial weights.
    dtype : str
        "float32" or "float64".

    Raises
    ------
    ConfigError
        If a setting is invalid.

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
    Vovk, Gammerman & Shafer 2005 (p-values from ranks); Fisher 1925 (Σ −ln p); Pickands 1975 (exponential tails); Bhatia et al.
    2022, MemStream (a memory and an autoencoder); Welford 1962; Huber 1964 (bounded influence).
    """

    neighbours: int = 256
    hidden: int = 8
    max_rows: int = 200_000
    rolling: Rolling | None = None
    text: str | Mapping[Any, str] | None = AUTO

    kind: ClassVar[Kind] = KIND
    estimator: ClassVar[str] = "OnlineOutlierDetector"
    instead: ClassVar[str] = "learn_many, score_many or hw.evaluate"
    later: ClassVar[Mapping[str, Any]] = {**Learner.later, "text": AUTO}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._setup = self._made()
        self._rolling = None if self.rolling is None else AGGREGATES(self.rolling)
        self._engine: Engine | None = None

    def _made(self) -> Setup:
        """Validate the settings and convert them to a setup."""
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
        ranks = ANOMALY_FADING if self.core_version >= APART_VERSION else ANOMALY
        setup = Setup((encoder,), self.seed, self.dtype, *sizes, intervals=ranks, rolling=self.rolling)
        return reading(setup, self.text, columns=check_embeddings(self))

    def follow_core(self, version: int) -> None:
        """Learn by the rules of an older core, which compared scores with the last 2,000 alone."""
        super().follow_core(version)
        self._setup = self._made()

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""
        if state is None:
            return self._begun({})
        return Engine(reading(self._setup, self.text, state=state), state, limits=self._limits)

    def _begun(self, x: Mapping[Any, Any]) -> Engine:
        """Return a new engine, which reads embeddings if the first row has one."""
        return Engine(reading(self._setup, self.text, x), limits=self._limits, rolling=self._rolling)

    # ---- one row ----------------------------------------------------------------------------------------------------

    def score_one(self, x: Mapping[Any, Any]) -> float:
        """Return the score 1 − p of a row, between 0 and 1, without changing anything.

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
        """Learn one row.

        Equivalent to ``learn_many`` with one row.

        Parameters
        ----------
        x : dict
            The row.
        w : float
            0 adds only its names, and any other weight counts as 1.
        """
        engine = self._engine
        if (
            engine is None
            or type(x) is not dict
            or (type(w) is not float and type(w) is not int)
            or not 0 < w <= HEAVIEST
        ):
            self.learn_many([x], [w])
        else:
            engine.learn_one(x, 0.0, w)

    def is_anomaly_one(self, x: Mapping[Any, Any], rate: float = 0.001) -> bool:
        """Return whether a row is among the most unusual ones, without changing anything.

        Parameters
        ----------
        x : dict
            The row.
        rate : float
            Accepted false alarm rate, at least 0.0005.

        Returns
        -------
        bool
            Whether p < rate. In the first 50 rows p is at least 1/(2n + 2) after n rows.

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
                help="Give e.g. 0.001.",
            )
        return self.score_one(x) > 1 - rate

    def explain_one(self, x: Mapping[Any, Any]) -> Any:
        """Attribute a row's raw score to its columns, as ``explain_anomaly`` in this folder."""
        return self.kind.explain(self, x)

    # ---- many rows --------------------------------------------------------------------------------------------------

    def score_many(self, X: Any) -> Any:
        """Return the score of each row, shape (n,), without changing anything.

        For a data frame the result is a column of the same library.
        """
        X = as_samples(X)
        return beside(X, np.asarray(self.predict_batch(X).y_pred), "score")

    def predict_batch(self, X: Any) -> Predictions:
        """Score rows without changing anything."""
        X = as_samples(X)
        n = check_rows(X)
        if self._engine is None or not n:
            return Predictions(np.full(n, NOTHING_KNOWN))
        return Predictions(self._engine.predict(X)[:, 0].astype(np.float64))

    def learn_many(self, X: Any, w: Any = None) -> NDArray[np.float64]:
        """Learn rows one by one and return the score each had before it was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows. The columns of an array are named x0, x1, and so on.
        w : sequence (n,), optional
            Weights. Rows of weight 0 are not learned.

        Returns
        -------
        ndarray (n,)
        """
        before, X = self._refused_rows(), as_samples(X)
        if isinstance(X, list):
            self.check_values(X)
        scores = np.asarray(self.step_many(X, None, w).y_pred)
        self._warn_refused(before, depth=3)
        return scores

    def step_many(self, X: Any, y: Any = None, w: Any = None, ask: Any = None) -> Predictions:
        """Score row i of ``ask`` (of X without it), then learn row i of X, in turn.

        Parameters
        ----------
        X, w
            As in ``learn_many``.
        y
            Ignored.
        ask : like X, optional
            Rows to score in lockstep, as many as rows of X, or any number if X is empty.

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
                self._engine = self._begun(next(iter(as_dicts(block.part(slice(0, 1)).X))))
            engine = self._engine
            if engine is None:
                return Predictions(np.zeros(0))
            out = in_pieces(n, lambda rows: self._learn_piece(engine, block.part(rows)))
            return Predictions(np.concatenate(out)[:, 0].astype(np.float64))

    def _learn_piece(self, engine: Engine, piece: Block) -> NDArray[Any]:
        piece.count(self.refused)
        return engine.learn(piece, slice(0, len(piece.y)), piece.y)

    # ---- state ------------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine | None:
        """The engine that holds the parameters, None before the first row was learned."""
        return self._engine

    def _about(self) -> dict[str, Any]:
        about = describe(self._setup, self._engine)
        return {name: value for name, value in about.items() if name not in ("optimizer", "loss")}  # the autoencoder's


def _block(X: Any, w: Any, ask: Any) -> Block:
    """Return validated rows and weights."""
    X = as_samples(X)
    ask = None if ask is None else as_samples(ask)
    n = check_rows(X)
    if ask is not None and check_rows(ask) != n and n:
        raise DataError(
            expected=f"as many rows to score as rows to learn ({n})",
            got=str(len(ask)),
            at="ask",
            help="Give one for each row, or no rows to learn.",
        )
    weights, good = check_weights(w, n)
    return Block(X, np.zeros(n), weights, good, ask, refused={"weight": ~good})
