"""Learners of classes and numbers that keep a promise of differential privacy."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, fields, replace
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater import _core
from headwater.encode.rows import as_dicts
from headwater.errors import ConfigError, TargetError, UnlikelyData
from headwater.learner.base import Learner
from headwater.learner.kind import Kind
from headwater.learner.sampling.sample import DiagnosisSample
from headwater.learner.schema.expected_cost import cheapest_of
from headwater.learner.schema.labels import as_labels, beside, join_stretches, table_beside
from headwater.learner.settings.limits import check_classes
from headwater.learner.validation import FARTHEST, HEAVIEST, PLAIN, Block, as_samples, check_block, check_rows
from headwater.privacy.promise import Promise
from headwater.privacy.settings import Privacy
from headwater.types import Predictions

from .engine import SECRET, PrivateEngine
from .entries import Rows
from .kind import PRIVATE_CLASSIFIER, PRIVATE_REGRESSOR

__all__ = ["PrivateClassifier", "PrivateRegressor"]

_LEAST_LOG = -6.0
"""Lowest constant of a class that appears in the stream, the logarithm of a share of rows."""
Entry = list[tuple[int, float]]


@dataclass(eq=False, repr=False)
class PrivateLearner(Learner):
    """Base class of private learners.

    Parameters
    ----------
    privacy : Privacy
        The promise and its settings.
    seed, dtype
        As in all learners. The noise is drawn from the operating system's randomness, whatever the seed, and computed in float64.
    epsilon, delta : float, optional
        Those of ``privacy``, for the command line.
    bounds, within : str, optional
        Bounds of columns and of answers, for the command line: "age=0:100,pay=1:1e6:log" and "0:1000". Bounds may be a mapping too.
    """

    privacy: Privacy = field(default_factory=Privacy)
    epsilon: InitVar[float | None] = field(default=None, kw_only=True)
    delta: InitVar[float | None] = field(default=None, kw_only=True)
    bounds: InitVar[str | Mapping[str, tuple[Any, ...]] | None] = field(default=None, kw_only=True)
    within: InitVar[str | None] = field(default=None, kw_only=True)

    secret: ClassVar[tuple[str, ...]] = SECRET
    single: ClassVar[str] = (
        "Two learners of the same rows promise less than one. Begin a new store when its rows are too old."
    )
    instead: ClassVar[str] = "learn_many, predict_many or hw.evaluate"

    def __post_init__(
        self,
        epsilon: float | None,
        delta: float | None,
        bounds: str | Mapping[str, tuple[Any, ...]] | None,
        within: str | None,
    ) -> None:
        super().__post_init__()
        if isinstance(self.privacy, Mapping) and self.privacy.keys() <= {one.name for one in fields(Privacy)}:
            self.privacy = Privacy(**self.privacy)
        if not isinstance(self.privacy, Privacy):
            raise ConfigError(
                expected="a headwater.Privacy",
                got=repr(self.privacy),
                at=f"privacy of {type(self).__name__}",
                help="Give Privacy(epsilon=3, bounds={...}).",
            )
        ends = {} if within is None else {"target": _ends_in(within, "within")}
        given: dict[str, Any] = {"epsilon": epsilon, "delta": delta, **ends}
        given |= {} if bounds is None else {"bounds": bounds if isinstance(bounds, Mapping) else _bounds_in(bounds)}
        self.privacy = replace(self.privacy, **{name: value for name, value in given.items() if value is not None})
        if self.dtype not in ("float32", "float64"):
            raise ConfigError(expected="'float32' or 'float64'", got=repr(self.dtype), at="dtype", help="Leave it out.")
        self._begin()

    def _begin(self) -> None:
        # At once, so that a store keeps the key before a row is learned.
        self._engine: PrivateEngine = self.new_engine()

    @abstractmethod
    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> PrivateEngine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""

    @property
    def privacy_(self) -> Promise:
        """What is promised, in numbers and in words."""
        return Promise.of(self._engine)

    @property
    def engine(self) -> PrivateEngine:
        """The engine that holds weights and secrets."""
        return self._engine

    # ---- rows -------------------------------------------------------------------------------------------------------

    @abstractmethod
    def _check(self, X: Any, y: Any, w: Any, ask: Any) -> Block:
        """Validate rows and labels."""

    @abstractmethod
    def _number(self, label: Any) -> float:
        """Return the number that a label is learned as."""

    @abstractmethod
    def _said(self, parts: list[NDArray[np.float64]]) -> Predictions:
        """Return what the engine says of consecutive rows as predictions."""

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample, once. A row that is learned twice is promised half as much.

        Parameters
        ----------
        x : dict
            The sample.
        y : hashable or float
            Its label.
        w : float
            Its weight, which multiplies the gradient before it is clipped. 0 teaches nothing.
        """
        if type(x) is dict and type(w) is float and 0 <= w <= HEAVIEST and self._is_plain(y):
            with self.lock:
                self._take(self._engine.entries.of(x), y, w, x)
        else:
            self.learn_many([x], [y], [w])

    @abstractmethod
    def _is_plain(self, label: Any) -> bool:
        """Return whether a label needs no validation."""

    def learn_many(self, X: Any, y: Any, w: Any = None) -> Any:
        """Learn rows one by one and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows.
        y : sequence (n,)
            Labels.
        w : sequence (n,), optional
            Weights.

        Returns
        -------
        ndarray (n,)
        """
        before = self._refused_rows()
        said = self.step_many(X, y, w)
        self._warn_refused(before, depth=3)
        return self._plain(said)

    def predict_many(self, X: Any) -> Any:
        """Predict the label of each row, shape (n,), without changing anything."""
        X = as_samples(X)
        return beside(X, self._plain(self.predict_batch(X)), "y_pred")

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing anything."""
        X = as_samples(X)
        check_rows(X)
        with self.lock:
            return self._said([self._predict(self._engine.entries.rows(as_dicts(X)))])

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X, in turn.

        Parameters
        ----------
        X, y, w
            As in ``learn_many``.
        ask : like X, optional
            Rows to predict in lockstep, as many as rows of X, or any number if X is empty.

        Returns
        -------
        Predictions
            Each row's prediction, made before any later row was learned.
        """
        with self.lock:
            block = self._check(X, y, w, ask)
            if not len(block.y) and block.ask is not None:
                return self.predict_batch(block.ask)
            self._check_new(block)
            block.count(self.refused)
            rows = as_dicts(block.X)
            entries = [self._engine.entries.of(x) for x in rows]
            asked = entries if block.ask is None else [self._engine.entries.of(x) for x in as_dicts(block.ask)]
            return self._said(self._learn(block, rows, entries, asked))

    def _check_new(self, block: Block) -> None:
        """Raise for labels that can't be learned, before any row is."""

    def _learn(
        self, block: Block, rows: Sequence[Mapping[Any, Any]], entries: list[Entry], asked: list[Entry]
    ) -> list[NDArray[np.float64]]:
        """Predict and learn rows in turn: until a step is full the weights, and so the predictions of rows, stay."""
        out, start, n = [], 0, len(rows)
        while start < n:
            stop = self._until(block, start, min(n, start + self._engine.room))
            out.append(self._predict(Rows.of(asked[start:stop])))
            for i in range(start, stop):
                if block.good[i]:
                    self._take(entries[i], block.y[i], float(block.w[i]), rows[i])
            start = stop
        return out or [self._predict(Rows.of([]))]

    def _predict(self, rows: Rows) -> NDArray[np.float64]:
        return self._engine.predict(rows)

    def _until(self, block: Block, start: int, stop: int) -> int:
        """Return where the rows end that are predicted together."""
        return stop

    def _take(self, entries: Entry, label: Any, w: float, x: Mapping[Any, Any]) -> None:
        self._engine.take(entries, self._number(label), w, x.get(self.privacy.user))

    def _plain(self, said: Predictions) -> NDArray[Any]:
        return np.asarray(said.y_pred)

    # ---- understanding and state ------------------------------------------------------------------------------------

    def explain_one(self, x: Mapping[Any, Any], *, target: Any = None) -> Any:
        """Say what each column adds to a prediction, exactly."""
        return self.kind.explain(self, x, target=target)

    def _about(self) -> dict[str, Any]:
        return {
            "layers": [],
            "parameters": int(self._engine.weights.size),
            "features": [],  # which names there were is not kept
            "n_learned": self.n_learned,
            "privacy": str(self.privacy_),
        }

    def resume_sample(self, sample: DiagnosisSample) -> None:
        """Refuse a sample of rows, which a private learner doesn't keep."""
        raise ValueError("sample", "none of a private learner", "one")


def _bounds_in(text: Any) -> dict[str, tuple[Any, ...]]:
    """Parse bounds of columns."""
    if not isinstance(text, str):
        raise ConfigError(
            expected="bounds such as {'age': (0, 100)}", got=repr(text), at="bounds", help="Or write 'age=0:100'."
        )
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return {name.strip(): _ends_in(ends, "bounds") for name, _, ends in (part.rpartition("=") for part in parts)}


def _ends_in(text: Any, at: str) -> tuple[Any, ...]:
    """Parse lowest:highest, or lowest:highest:log."""
    try:
        low, high, *scale = [*text.split(":"), "", ""][: max(2, text.count(":") + 1)]
        return (float(low), float(high), *scale)
    except (ValueError, AttributeError):
        raise ConfigError(
            expected="lowest:highest", got=repr(text), at=at, help="Write e.g. --bounds age=0:100, or --within 0:1000."
        ) from None


@dataclass(eq=False, repr=False)
class PrivateClassifier(PrivateLearner):
    """Classifier whose every released state is (ε, δ)-differentially private. ``Classifier(privacy=...)`` makes one.

    A linear model of curves of bounded numbers and hashed names, p = softmax(0, φ·W) with ‖φ‖ = 1. Each step adds the clipped
    gradients of some rows, and noise that is correlated over time so that running sums of all steps carry little of it::

        W ← W − step · (Σ clip(gᵢ) + C⁻¹z)

    Parameters
    ----------
    privacy : Privacy
        The promise and its settings.
    seed, dtype
        As in all learners. The noise is secret and doesn't depend on the seed.

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Examples
    --------
    >>> from headwater import Privacy
    >>> model = PrivateClassifier(Privacy(epsilon=3, bounds={"age": (0, 100)}, classes=["no", "yes"]))
    >>> for i in range(6_400):
    ...     model.learn_one({"age": i % 100}, "yes" if i % 100 > 40 else "no")
    >>> model.predict_one({"age": 90}), model.predict_one({"age": 5})
    ('yes', 'no')

    References
    ----------
    Kairouz et al. 2021 (DP-FTRL); Fichtenberger, Henzinger & Upadhyay 2022; Dvijotham et al. 2024 (buffered linear Toeplitz).
    """

    kind: ClassVar[Kind] = PRIVATE_CLASSIFIER

    def _begin(self) -> None:
        self.classes: list[Any] = list(self.privacy.classes or ())
        self._index = {label: i for i, label in enumerate(self.classes)}
        super()._begin()
        self._resume_classes(self.classes)

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> PrivateEngine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""
        return PrivateEngine(self.privacy, classes=True, state=state)

    def _resume_classes(self, classes: Sequence[Any]) -> None:
        self.classes = list(classes)
        self._index = {label: i for i, label in enumerate(self.classes)}
        while self._engine.outputs < len(self.classes) - 1:
            self._engine.add_output(0.0)

    def resume(self, *, engine: Any, classes: Sequence[Any] = (), sample: Any = None, **saved: Any) -> None:
        """Restore the saved state of a learner with the same settings."""
        if len(set(classes)) < len(classes) or max(len(classes) - 1, 0) != engine.outputs:
            raise ValueError("classes", f"{engine.outputs + 1} different ones", classes)
        super().resume(engine=engine, sample=sample, **saved)
        self._resume_classes(classes)

    @property
    def known_classes(self) -> list[Any]:
        """Classes in the order of the probabilities."""
        return list(self.classes)

    def _check(self, X: Any, y: Any, w: Any, ask: Any) -> Block:
        return check_block(X, y, w, ask, None, self._index)

    def _check_new(self, block: Block) -> None:
        new = check_classes(self._index, compress(block.y, block.good.tolist()), self._limits)
        if new and self.privacy.classes is not None:
            raise TargetError(
                expected=f"one of the declared classes {self.classes!r:.80}",
                got=repr(new[0]),
                at="y",
                help="Name all classes in Privacy(classes=).",
            )

    def _until(self, block: Block, start: int, stop: int) -> int:
        """Return where the rows end that are predicted with the same classes."""
        for i in range(start, stop):
            if block.good[i] and block.y[i] not in self._index:
                return i + 1
        return stop

    def _take(self, entries: Entry, label: Any, w: float, x: Mapping[Any, Any]) -> None:
        if label not in self._index:
            if self.classes:
                self._engine.add_output(max(-_core.logarithm(self.n_learned + 1.0), _LEAST_LOG))
            self.classes.append(label)
            self._index[label] = len(self.classes) - 1
        super()._take(entries, label, w, x)

    def _is_plain(self, label: Any) -> bool:
        return type(label) in PLAIN and label in self._index

    def _number(self, label: Any) -> float:
        return float(self._index[label])

    def _predict(self, rows: Rows) -> NDArray[np.float64]:
        return self._engine.predict(rows)[:, : len(self.classes)]  # none before the first class is known

    def _said(self, parts: list[NDArray[np.float64]]) -> Predictions:
        return join_stretches(self.classes, "float64", parts)

    def _plain(self, said: Predictions) -> NDArray[Any]:
        return as_labels(list(said.y_pred))

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class, {} before the first is known."""
        said = self.predict_batch([x])
        return dict(zip(said.classes, [] if said.proba is None else said.proba[0].tolist(), strict=True))

    def predict_one(self, x: Mapping[Any, Any], costs: Mapping[Any, Any] | None = None) -> Hashable | None:
        """Predict the class of a sample, or None before the first class is known. ``costs`` are as in `Classifier.predict_one`."""
        label: Hashable | None = self._classes_of([x], costs)[0]
        return label

    def predict_many(self, X: Any, costs: Mapping[Any, Any] | None = None) -> Any:
        """Predict the class of each row, shape (n,), with ``costs`` as in ``predict_one``, without changing anything."""
        X = as_samples(X)
        return beside(X, as_labels(self._classes_of(X, costs)), "y_pred")

    def _classes_of(self, X: Any, costs: Mapping[Any, Any] | None) -> list[Any]:
        """Return the most probable class of each row, or the one of the least expected cost."""
        said = self.predict_batch(X)
        if costs is None:
            return list(said.y_pred)
        return cheapest_of(self, said.proba, said.classes, costs)

    def predict_proba_many(self, X: Any) -> Any:
        """Predict probabilities, shape (n, k), one column per class in the order of ``classes``."""
        X = as_samples(X)
        said = self.predict_batch(X)
        return table_beside(X, np.asarray(said.proba), list(said.classes))


@dataclass(eq=False, repr=False)
class PrivateRegressor(PrivateLearner):
    """Regressor whose every released state is (ε, δ)-differentially private. ``Regressor(privacy=...)`` makes one.

    As `PrivateClassifier`, with the squared error of answers scaled to [−1, 1] by ``Privacy(target=(lowest, highest))``.

    Parameters
    ----------
    privacy : Privacy
        The promise and its settings, with ``target``. Without it answers are taken to lie between 0 and 1.
    seed, dtype
        As in all learners. The noise is secret and doesn't depend on the seed.

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Examples
    --------
    >>> from headwater import Privacy
    >>> model = PrivateRegressor(Privacy(epsilon=3, bounds={"hour": (0, 24)}, target=(0, 1_000)))
    >>> for i in range(12_800):
    ...     model.learn_one({"hour": i % 24}, 800.0 if 8 <= i % 24 < 18 else 200.0)
    >>> model.predict_one({"hour": 12}) > 600 > 400 > model.predict_one({"hour": 2})
    True
    """

    kind: ClassVar[Kind] = PRIVATE_REGRESSOR

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> PrivateEngine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""
        return PrivateEngine(self.privacy, classes=False, state=state)

    def resume(self, *, engine: Any, **saved: Any) -> None:
        """Restore the saved state of a learner with the same settings."""
        if engine.outputs != 1:
            raise ValueError("weights", "one column", engine.outputs)
        super().resume(engine=engine, **saved)

    def _check(self, X: Any, y: Any, w: Any, ask: Any) -> Block:
        return check_block(X, y, w, ask, (-FARTHEST, FARTHEST))

    def _check_new(self, block: Block) -> None:
        """Warn once of answers beyond a range that nobody gave."""
        low, high = self.privacy.ends
        answers = np.asarray(block.y)[block.good]
        if self.privacy.target is None and "range" not in self._told and ((answers < low) | (answers > high)).any():
            self._told.add("range")
            said = "answers lie outside of 0 to 1, and are learned as the nearer end. Give Privacy(target=(lowest, highest))"
            warnings.warn(said, UnlikelyData, stacklevel=4)

    def _is_plain(self, label: Any) -> bool:
        return type(label) is float and self.privacy.ends[0] <= label <= self.privacy.ends[1]

    def _number(self, label: Any) -> float:
        low, high = self.privacy.ends
        return min(max((float(label) - low) / (high - low), 0.0), 1.0) * 2.0 - 1.0

    def _said(self, parts: list[NDArray[np.float64]]) -> Predictions:
        low, high = self.privacy.ends
        scaled = np.concatenate([part[:, 0] for part in parts])
        return Predictions(low + (np.clip(scaled, -1.0, 1.0) + 1.0) * (0.5 * (high - low)))

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Predict the number of a sample."""
        return float(self.predict_batch([x]).y_pred[0])
