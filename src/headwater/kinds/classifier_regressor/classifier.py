"""The classifier, with River's interface and classes that appear during the stream."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.kinds.classifier_regressor.kind import CLASSIFIER
from headwater.learner.engine import Engine, Setup
from headwater.learner.kind import Kind
from headwater.learner.monitoring.schema_warning import about_classes
from headwater.learner.sampling.measure import as_rows, cost
from headwater.learner.sampling.sample import SampledRow
from headwater.learner.schema.labels import (
    RARE,
    as_labels,
    beside,
    join_stretches,
    stretches,
    table_beside,
    third_class,
)
from headwater.learner.settings import documented
from headwater.learner.settings.limits import check_classes
from headwater.learner.settings.river_words import in_river
from headwater.learner.settings.setup import make_setup
from headwater.learner.supervised import SupervisedLearner
from headwater.learner.validation import HEAVIEST, KNOWABLE, Block, as_samples, check_labels, check_rows, known_numbers
from headwater.nn.losses import Loss
from headwater.types import Lazy, Predictions, as_mapping

_CHECK_COVERAGE = Lazy("headwater.learner.monitoring.coverage:check_coverage")
_CHEAPEST = Lazy("headwater.learner.schema.expected_cost:cheapest_of")


@documented
@in_river("river.base:Classifier")
@dataclass(eq=False, repr=False)
class Classifier(SupervisedLearner):
    """Neural networks that learn classes online, predicting each example before learning it.

    Inputs are dicts of numbers, texts, booleans, date-times, lists, or None for missing values. Features, categories and classes may
    appear at any time. Numbers are standardized online. p = softmax(net(x)) is learned by cross-entropy. The default is a pool of
    small nets with different step sizes, p = softmax(Σ wₑ·netₑ(x)), whose weights are learned too, so nothing needs tuning. Any of
    hidden, activation, layers, optimizer, lr, norm or dropout selects a single net instead. The cost is proportional to the entries
    of a sample, whatever the number of names ever seen.

    Parameters
    ----------
    loss : str or Loss
        "cross_entropy", "binary_cross_entropy" (one output, at most two classes) or "hinge" (returns scores as probabilities).
    SETTINGS

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Examples
    --------
    >>> model = Classifier(seed=1)
    >>> for i in range(200):
    ...     x = {"colour": "red" if i % 2 else "blue", "size": i % 7}
    ...     _ = model.predict_one(x)
    ...     model.learn_one(x, "stop" if i % 2 else "go")
    >>> model.predict_one({"colour": "red", "size": 3})
    'stop'

    References
    ----------
    Rumelhart, Hinton & Williams 1986. Gama, Sebastião & Rodrigues 2013 for the interleaved test-then-train protocol.
    """

    kind: ClassVar[Kind] = CLASSIFIER
    estimator: ClassVar[str] = "OnlineClassifier"

    loss: str | Loss = "cross_entropy"

    def __post_init__(self, privacy: Any) -> None:
        super().__post_init__(privacy)
        name = self._setup.experts[0].loss.name
        self._binary = name == "binary_cross_entropy"
        self._sums = name != "hinge"
        self._shares = self._sums and not self._binary
        self.classes: list[Any] = []

    def _made(self) -> Setup:
        return make_setup(self, ("cross_entropy", "binary_cross_entropy", "hinge"))

    def _resume_classes(self, classes: Sequence[Any]) -> None:
        self.classes = list(classes)
        self._index = dict(zip(self.classes, range(len(classes)), strict=True))

    @property
    def known_classes(self) -> list[Any]:
        """Classes seen so far, in the order of the probabilities."""
        return list(self.classes)

    @property
    def one_output(self) -> bool:
        """Whether a single output distinguishes two classes."""
        return self._binary

    @property
    def _multiclass(self) -> bool:
        return not self._binary

    # ---- one sample -------------------------------------------------------------------------------------------------

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class seen so far, {} before the first.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        dict
            Probability by class, summing to 1.
        """
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x)
            if engine is None:
                return {}
        if type(x) is not dict:
            check_rows([x])
        if not self._shares:
            return self._single_output_proba(engine, x)
        predict = engine.predict_proba_one  # CPython 3.11 is slow at an instance's attribute that is called at once
        proba: dict[Any, float] = predict(x, self.classes)  # computed in float64, to sum to 1 exactly
        return proba

    def _single_output_proba(self, engine: Engine, x: Mapping[Any, Any]) -> dict[Any, float]:
        p = self._whole(np.array([engine.predict_one(x)]))[0].tolist()
        whole = sum(p) if self._sums else 1.0
        return dict(zip(self.classes[: len(p)], [share / whole for share in p], strict=True))

    def predict_one(self, x: Mapping[Any, Any], costs: Mapping[Any, Any] | None = None) -> Any:
        """Predict the class of a sample, or None before the first class is known.

        Parameters
        ----------
        x : dict
            The sample.
        costs : mapping, optional
            What mistakes cost, by true class: a number for predicting any other, or a mapping of predicted class to number. Mistakes
            that are not named cost 1.

        Returns
        -------
        hashable or None
            The most probable class, or with ``costs`` the one whose expected cost Σₖ p(k)·cost(k, ·) is least. Ties go to the class
            seen first.

        Raises
        ------
        DataError
            If a cost is not a finite number of at least 0, or none of the classes in ``costs`` is known.

        Examples
        --------
        >>> model = Classifier(seed=1)
        >>> for i in range(3_000):
        ...     model.learn_one({"foreign": i % 3 == 0}, "fraud" if i % 30 == 0 else "ok")
        >>> model.predict_one({"foreign": True}), model.predict_one({"foreign": True}, costs={"fraud": 500, "ok": 5})
        ('ok', 'fraud')
        """
        if costs is not None:
            return self._cheapest([x], costs)[0]
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x)
        if self._binary or engine is None:
            p = self.predict_proba_one(x)
            return max(p, key=p.__getitem__) if p else None
        if type(x) is not dict:
            check_rows([x])
        predict = engine.predict_label_one
        return predict(x, self.classes)

    def predict_set_one(self, x: Mapping[Any, Any], coverage: float = 0.9) -> set[Any]:
        """Predict a set of classes that contains the true one with the given long-run coverage.

        The set is {c : p(c) ≥ τ}. After each learned row the log odds of τ move by −0.6·(miss − α), with α = 1 − coverage and miss = 1
        if the issued set lacked the row's class. So the share of misses tends to α for any stream, even if the probabilities are
        wrong. With delayed labels the steps are divided by 1 + (pending rows)/32.

        Parameters
        ----------
        x : dict
            The sample.
        coverage : float
            Between 0 and 1.

        Returns
        -------
        set
            The set, which may be empty. A model more accurate than the coverage needs has some empty sets.

        Raises
        ------
        ConfigError
            If coverage is not between 0 and 1.

        Notes
        -----
        The guarantee holds for 0.5, 0.65, 0.8, 0.9, 0.95, 0.98 and 0.99. Other coverages are interpolated. A new class can't be
        covered, and ``coverage_`` counts such rows separately.

        Examples
        --------
        >>> model = Classifier(seed=1)
        >>> for i in range(1_000):
        ...     model.learn_one({"x": i % 2}, ("a" if i % 3 else "b") if i % 2 else "c")
        >>> (
        ...     sorted(model.predict_set_one({"x": 1}, coverage=0.99)),
        ...     sorted(model.predict_set_one({"x": 0}, coverage=0.99)),
        ... )
        (['a', 'b'], ['c'])

        References
        ----------
        Sadinle, Lei & Wasserman 2019 (least ambiguous sets); Angelopoulos, Candès & Tibshirani 2023 (quantile tracking).
        """
        if self._checked is None:
            self._look_at_one(x)
        return self._sets([x], coverage)[0]

    def predict_set_many(self, X: Any, coverage: float = 0.9) -> list[set[Any]]:
        """Predict the set of classes of each row, as ``predict_set_one`` does."""
        X = as_samples(X)
        self._look(X)
        return self._sets(X, coverage)

    def _sets(self, X: Any, coverage: float) -> list[set[Any]]:
        _CHECK_COVERAGE(coverage)
        with self.lock:
            p, engine, classes = self._proba(X), self._engine, self.classes
            least = 0.0 if engine is None else engine.core.learner.ends(coverage)[0]
            return [set(compress(classes, row)) for row in (p >= least).tolist()]

    def learn_one(self, x: Mapping[Any, Any], y: Hashable, w: float = 1.0) -> None:
        """Learn one sample.

        Equivalent to ``learn_many`` with one row.

        Parameters
        ----------
        x : dict
            The sample.
        y : hashable
            Its class.
        w : float
            Its weight, which multiplies the gradient. 0 only adds its names.
        """
        index = self._index.get(y) if type(y) in KNOWABLE and (type(w) is float or type(w) is int) else None
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x, learning=True)
        if index is None or engine is None or not 0.0 < w <= HEAVIEST or type(x) is not dict:
            self._learn_warned([x], [y], [w])
            return
        learn = engine.learn_one  # CPython 3.11 is slow at an instance's attribute that is called at once
        if learn(x, index, w) >= self._next_probe:
            self._sample_learned(x, self.classes[index])

    def _sample_learned(self, x: Mapping[Any, Any], y: Hashable) -> None:
        """Feed the diagnosis sample with the row that ``learn_one`` just learned."""
        with self.lock:
            sample, engine = self._sample, self._engine
            if sample is None or engine is None:
                return
            p = self._whole(np.array([engine.last_prediction()]))[0].tolist()[: len(self.classes)]
            top = max(p)
            x = engine.core.learner.rolled or x
            sample.take_one(x, y, self.classes[p.index(top)], p[self._index[y]], top, learned=engine.learned)
            self._measure(sample)

    # ---- many samples -----------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None, *, progress: bool = False) -> NDArray[Any]:
        """Learn rows one by one and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples. The columns of an array are named x0, x1, and so on.
        y : sequence (n,)
            Classes.
        w : sequence (n,), optional
            Weights.
        progress : bool
            Print rows and recent accuracy to standard error after each twentieth of the rows.

        Returns
        -------
        ndarray (n,)
            Classes, None before any was known.
        """
        return as_labels(list(self._learn_warned(X, y, w, progress=progress).y_pred))

    def predict_many(self, X: Any, costs: Mapping[Any, Any] | None = None) -> Any:
        """Predict the class of each row, shape (n,), with ``costs`` as in ``predict_one``, without changing anything.

        For a data frame the result is a column of the same library with the frame's index, as in River's mini-batch models.
        """
        X = as_samples(X)
        self._look(X)
        if costs is not None:
            return beside(X, as_labels(self._cheapest(X, costs)), self.answer_name)
        return beside(X, as_labels(list(self.predict_batch(X).y_pred)), self.answer_name)

    def predict_proba_many(self, X: Any) -> Any:
        """Predict probabilities, shape (n, k), one column per class in the order of ``classes``.

        For a data frame the result is a frame of the same library.
        """
        X = as_samples(X)
        self._look(X)
        p = self._proba(X)
        return table_beside(X, p, self.classes[: p.shape[1]])

    def predict_batch(self, X: Any) -> Predictions:
        """Predict labels and probabilities of rows, given as in ``learn_many``."""
        return self._forecast_of(self._proba(X))

    def _learn_row(self, engine: Engine, x: dict[Any, Any], y: Any) -> Predictions | None:
        index = self._index.get(y) if type(y) in KNOWABLE else None
        if index is None:
            return None
        out: NDArray[Any] = np.empty((1, 1 if self._binary else len(self.classes)), self.dtype)
        engine.learn_row(x, index, out)
        if self._binary:
            out = self._whole(out)
        p = out[0].tolist()
        return Predictions([self.classes[p.index(max(p))]], out, tuple(self.classes))

    def _learn_part(self, block: Block, part: slice) -> Predictions:
        numbers = None if block.numbers is None else block.numbers[part]
        if numbers is None and self._index:  # in a later part of a block, new classes of an earlier part are known
            numbers = known_numbers(block.y[part], self._index)
        if self._engine is not None and numbers is not None:
            out = self._engine.learn(block, part, numbers)
            learned = [self._whole(out) if self._binary else out]
        else:
            learned = self._learn_stretches(block, part)
        return join_stretches(self.classes, self.dtype, learned)

    def _learn_stretches(self, block: Block, part: slice) -> list[NDArray[Any]]:
        """Learn rows split at each new class, whose first row is predicted without it, and return probabilities."""
        done: list[NDArray[Any]] = []
        usable = compress(block.y, block.good.tolist())
        check_classes(self._index, usable, self._limits)  # check all rows first, so that nothing is half learned
        for stretch, new in stretches(block.y, block.good, self._index, part):
            if new:
                here, source = self._engine, block.X if block.ask is None else block.ask
                done.append(np.empty((1, 0)) if here is None else self._whole(here.predict(source, stretch)))
                self._add_class(block.y[stretch.start])
            out = self._learn_stretch(block, stretch, alone=new and block.ask is not None)
            done += [] if new else [out]
        return done

    def _learn_stretch(self, block: Block, part: slice, *, alone: bool) -> NDArray[Any]:
        """Learn a stretch of rows without a new class and return probabilities."""
        if self._engine is None:  # no class is known yet
            return np.empty((part.stop - part.start, 0))
        pairs = zip(block.y[part], block.good[part].tolist(), strict=True)
        answers = [self._index[label] if good else 0 for label, good in pairs]
        return self._whole(self._engine.learn(block, part, np.array(answers, np.float64), alone=alone))

    def _new_classes(self, labels: Sequence[Any]) -> list[Any]:
        usable = check_labels(list(labels))
        return check_classes(self._index, compress(labels, usable.tolist()), self._limits)

    def _look_at_classes(self, before: int) -> str:
        return about_classes(self.classes, before, self._limits.fractions) if len(self.classes) > before else ""

    def _add_class(self, label: Any) -> None:
        """Append a class, whose output starts at zero with the bias of a rare class. A scalar of NumPy is Python's, as in a list."""
        if isinstance(label, np.bool_ | np.number | np.str_):
            label = label.item()
        k = len(self.classes) + 1
        if self._binary and k > 2:
            raise third_class(self.classes, label)
        self.classes.append(label)  # before the output, so that a concurrent prediction finds a label for every output
        try:
            if self._engine is None:
                self._engine = self.new_engine()
            elif not self._binary:
                self._engine.core.learner.add_outputs(k, max(-_core.logarithm(self._engine.learned + k), RARE))
        except BaseException:
            self.classes.pop()
            raise
        self._index[label] = k - 1  # last, so that an indexed class always has its output

    def _cheapest(self, X: Any, costs: Mapping[Any, Any]) -> list[Any]:
        """Return the class of the least expected cost for each row."""
        p = self._proba(X)
        chosen: list[Any] = _CHEAPEST(self, p, self.classes[: p.shape[1]], costs)
        return chosen

    def _ask(self, X: Any) -> Predictions:
        return self._forecast_of(self._proba(X, kept=True))

    def _proba(self, X: Any, *, kept: bool = False) -> NDArray[Any]:
        """Return probabilities (n, known classes), storing them with ``kept`` for rows with delayed labels."""
        X = as_samples(X)
        n = check_rows(X)
        if self._engine is None:
            return np.empty((n, 0))
        return self._whole(self._engine.predict(X, waiting=kept))

    def _forecast_of(self, p: NDArray[Any]) -> Predictions:
        """Return predictions from probabilities, which may lack a class just added by another thread."""
        return join_stretches(self.classes[: p.shape[1]], self.dtype, [p])

    def _whole(self, p: NDArray[Any]) -> NDArray[Any]:
        """Return the probabilities of all classes, expanding the single output of a binary net."""
        if not self._binary:
            return p
        return np.hstack([1 - p, p]) if len(self.classes) > 1 else np.ones_like(p)

    # ---- understanding ----------------------------------------------------------------------------------------------

    def losses_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the current −ln p(y) of each sampled row, with p at least 10⁻⁶."""
        if all(isinstance(kept.x, np.ndarray) for kept in rows):
            p = self._proba(as_rows([kept.x for kept in rows])).tolist()
            own = [one[self._index[kept.y]] for one, kept in zip(p, rows, strict=True)]
        else:  # one by one, which is faster here than as a block
            own = [self.predict_proba_one(as_mapping(kept.x))[kept.y] for kept in rows]
        return np.array(list(map(cost, own)))

    def answers_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the class indices of sampled rows."""
        return np.array([self._index.get(kept.y, 0) for kept in rows], np.float64)

    def explain_one(
        self, x: Mapping[Any, Any], *, target: Any = None, method: str = "integrated_gradients", of: str = "proba"
    ) -> Any:
        """Attribute one prediction to the features, as ``headwater.explain.explain_one``."""
        return self.kind.explain(self, x, target=target, method=method, of=of)
