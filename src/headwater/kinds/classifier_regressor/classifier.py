"""The classifier: a net behind River's words, whose classes appear as the stream shows them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.kinds.classifier_regressor.kind import CLASSIFIER
from headwater.kinds.forecaster.intervals import check_coverage
from headwater.learner.engine import Setup
from headwater.learner.kind import Kind
from headwater.learner.labels import as_labels, beside, join_stretches, stretches, table_beside, third_class
from headwater.learner.limits import check_classes
from headwater.learner.sampling.measure import as_rows, cost
from headwater.learner.sampling.sample import SampledRow
from headwater.learner.schema_warning import about_classes
from headwater.learner.settings import documented
from headwater.learner.settings.river_words import in_river
from headwater.learner.settings.setup import make_setup
from headwater.learner.supervised import SupervisedLearner
from headwater.learner.validation import HEAVIEST, PLAIN, Block, as_samples, check_labels, check_rows, known_numbers
from headwater.nn import Loss
from headwater.types import Predictions, as_mapping

RARE = -6.0  # the bias of a class that appears later is ln(1/(t + k)), but not below this: e⁻⁶ is 1 in 400


@documented
@in_river("river.base:Classifier")
@dataclass(eq=False, repr=False)
class Classifier(SupervisedLearner):
    """Neural networks that learn classes online: predict, see the answer, learn, one example at a time.

    Inputs are dicts of numbers, texts, booleans, date-times, lists, or None for what is missing; features, categories and
    classes may appear at any time. Numbers are standardised as they stream. p = softmax(net(x)), learned by cross-entropy.
    Without settings it is a pool of small nets with different step sizes, p = softmax(Σ wₑ·netₑ(x)) with weights that are
    learned too: nothing needs tuning. Any of hidden, activation, layers, optimizer, lr, norm or dropout makes it a single net instead.
    Cost: proportional to the entries of a sample, whatever the number of names ever seen.

    Parameters
    ----------
    loss : str or Loss
        "cross_entropy", "binary_cross_entropy" (one output, two classes at most) or "hinge" (its probabilities are scores).
    SETTINGS

    Raises
    ------
    ConfigError
        For settings that can't be.

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
    Rumelhart, Hinton & Williams 1986; the interleaved test-then-train protocol: Gama, Sebastião & Rodrigues 2013.
    """

    kind: ClassVar[Kind] = CLASSIFIER
    estimator: ClassVar[str] = "OnlineClassifier"

    loss: str | Loss = "cross_entropy"

    def __post_init__(self) -> None:
        super().__post_init__()
        name = self._setup.experts[0].loss.name
        self._binary = name == "binary_cross_entropy"
        self._sums = name != "hinge"
        self._shares = self._sums and not self._binary
        self.classes: list[Any] = []

    def _made(self) -> Setup:
        return make_setup(self, ("cross_entropy", "binary_cross_entropy", "hinge"))

    def _resume_classes(self, classes: Sequence[Any]) -> None:
        self.classes = list(classes)
        self._index = {label: i for i, label in enumerate(self.classes)}

    @property
    def known_classes(self) -> list[Any]:
        """The classes known so far, in the order of the probabilities."""
        return list(self.classes)

    @property
    def one_output(self) -> bool:
        """Whether two classes are told by one number."""
        return self._binary

    @property
    def _multiclass(self) -> bool:
        return not self._binary

    # ---- one sample -------------------------------------------------------------------------------------------------

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class seen so far; {} before the first.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        dict
            Probability by class; they sum to 1.
        """
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x)
            if engine is None:
                return {}
        if type(x) is not dict:
            check_rows([x])
        if self._shares:  # that sum to 1, and not only as far as float32 goes
            proba: dict[Any, float] = engine.predict_proba_one(x, self.classes)
            return proba
        p = self._whole(np.array([engine.predict_one(x)]))[0].tolist()
        whole = sum(p) if self._sums else 1.0
        return dict(zip(self.classes[: len(p)], [share / whole for share in p], strict=True))

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the class of a sample; None before the first class is known.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        hashable or None
            The most probable class, of equal ones the first seen.
        """
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x)
        if self._binary or engine is None:
            p = self.predict_proba_one(x)
            return max(p, key=p.__getitem__) if p else None
        if type(x) is not dict:
            check_rows([x])
        return engine.predict_label_one(x, self.classes)

    def predict_set_one(self, x: Mapping[Any, Any], coverage: float = 0.9) -> set[Any]:
        """Predict a set of classes that holds that of a sample in that share of cases, in the long run; nothing is changed.

        {c : p(c) ≥ τ}: after each row learned, the log odds of τ move by −0.6·(miss − α), α = 1 − coverage, where miss says whether
        the set that was given out for the row lacked its class. So the share of misses tends to α, whatever the stream does, and
        whether or not probabilities are right. Where answers come late, steps are smaller: by 1 + (rows on their way)/32.

        Parameters
        ----------
        x : dict
            The sample.
        coverage : float
            Between 0 and 1.

        Returns
        -------
        set
            Empty where no class is probable enough: of a model that is right more often than was asked for, some sets are.

        Raises
        ------
        ConfigError
            If coverage is not between 0 and 1.

        Notes
        -----
        The guarantee is that of 0.5, 0.65, 0.8, 0.9, 0.95, 0.98 and 0.99; other shares lie on a line between the two next to them.
        A class that was never seen can't be covered: ``coverage_`` counts such rows apart.

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
        """Predict the set of classes of each row; as ``predict_set_one``."""
        X = as_samples(X)
        self._look(X)
        return self._sets(X, coverage)

    def _sets(self, X: Any, coverage: float) -> list[set[Any]]:
        check_coverage(coverage)
        with self.lock:
            p, engine, classes = self._proba(X), self._engine, self.classes
            least = 0.0 if engine is None else engine.core.learner.ends(coverage)[0]
            return [set(compress(classes, row)) for row in (p >= least).tolist()]

    def learn_one(self, x: Mapping[Any, Any], y: Hashable, w: float = 1.0) -> None:
        """Learn one sample; it is ``learn_many`` of one row.

        Parameters
        ----------
        x : dict
            The sample.
        y : hashable
            Its class.
        w : float
            Its weight: its gradient is multiplied by it; 0 adds its names and teaches nothing.
        """
        index = self._index.get(y) if type(y) in PLAIN and (type(w) is float or type(w) is int) else None
        engine = self._checked
        if engine is None:
            engine = self._look_at_one(x, learning=True)
        if index is None or engine is None or not 0 < w <= HEAVIEST or type(x) is not dict:
            self._learn_warned([x], [y], [w])
        elif engine.learn_one(x, index, w) >= self._next_probe:
            self._sample_learned(x, y)

    def _sample_learned(self, x: Mapping[Any, Any], y: Hashable) -> None:
        """Keep what a diagnosis needs of the row that ``learn_one`` has just learned."""
        with self.lock:
            sample, engine = self._sample, self._engine
            if sample is None or engine is None:
                return
            p = self._whole(np.array([engine.last_prediction()]))[0].tolist()[: len(self.classes)]
            top = max(p)
            sample.take_one(x, y, self.classes[p.index(top)], p[self._index[y]], top, learned=engine.learned)
            self._measure(sample)

    # ---- many samples -----------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None, *, progress: bool = False) -> NDArray[Any]:
        """Learn rows strictly one by one, and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples; the columns of an array are named x0, x1, …
        y : sequence (n,)
            Classes.
        w : sequence (n,), optional
            Weights.
        progress : bool
            Print a line with rows and the last ones' score after each twentieth of the rows, on standard error.

        Returns
        -------
        ndarray (n,)
            Classes; None where none was known yet.
        """
        return as_labels(list(self._learn_warned(X, y, w, progress=progress).y_pred))

    def predict_many(self, X: Any) -> Any:
        """Predict the class of each row, shape (n,); nothing is changed.

        Of a data frame it is a column of the same library, with the frame's index, as River's mini-batch models give it.
        """
        X = as_samples(X)
        self._look(X)
        return beside(X, as_labels(list(self.predict_batch(X).y_pred)), self.answer_name)

    def predict_proba_many(self, X: Any) -> Any:
        """Predict probabilities, shape (n, k), one column a class in the order of ``classes``; nothing is changed.

        Of a data frame it is a frame of the same library.
        """
        X = as_samples(X)
        self._look(X)
        p = self._proba(X)
        return table_beside(X, p, self.classes[: p.shape[1]])

    def predict_batch(self, X: Any) -> Predictions:
        """Predict labels and probabilities of rows, given as in ``learn_many``; nothing is changed."""
        return self._forecast_of(self._proba(X))

    def _learn_part(self, block: Block, part: slice) -> Predictions:
        numbers = None if block.numbers is None else block.numbers[part]
        if numbers is None and self._index:  # a part of a block behind the one that brought new classes
            numbers = known_numbers(block.y[part], self._index)
        if self._engine is not None and numbers is not None:
            learned = [self._whole(self._engine.learn(block, part, numbers))]
        else:
            learned = self._learn_stretches(block, part)
        return join_stretches(self.classes, self.dtype, learned)

    def _learn_stretches(self, block: Block, part: slice) -> list[NDArray[Any]]:
        """Learn rows, cut at each new class, whose first row is predicted without it; returns probabilities."""
        done: list[NDArray[Any]] = []
        usable = compress(block.y, block.good.tolist())
        check_classes(self._index, usable, self._limits)  # of all: nothing is half learned
        for stretch, new in stretches(block.y, block.good, self._index, part):
            if new:
                here, source = self._engine, block.X if block.ask is None else block.ask
                done.append(np.empty((1, 0)) if here is None else self._whole(here.predict(source, stretch)))
                self._add_class(block.y[stretch.start])
            out = self._learn_stretch(block, stretch, alone=new and block.ask is not None)
            done += [] if new else [out]
        return done

    def _learn_stretch(self, block: Block, part: slice, *, alone: bool) -> NDArray[Any]:
        """Learn a stretch of rows without a new class; returns probabilities."""
        if self._engine is None:  # no class yet: nothing to predict, nothing to learn
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
        """Append a class; its output starts at zero with the bias of a rare class."""
        k = len(self.classes) + 1
        if self._binary and k > 2:
            raise third_class(self.classes, label)
        self.classes.append(label)  # first: a thread that predicts meanwhile finds a label for every output
        try:
            if self._engine is None:
                self._engine = self.new_engine()
            elif not self._binary:
                self._engine.core.learner.add_outputs(k, max(-_core.logarithm(self._engine.learned + k), RARE))
        except BaseException:
            self.classes.pop()
            raise
        self._index[label] = k - 1  # last: who finds it here finds its output in the core

    def _ask(self, X: Any) -> Predictions:
        return self._forecast_of(self._proba(X, kept=True))

    def _proba(self, X: Any, *, kept: bool = False) -> NDArray[Any]:
        """Probabilities (n, classes so far) of rows; of rows whose answers will come, what is said is kept."""
        X = as_samples(X)
        n = check_rows(X)
        if self._engine is None:
            return np.empty((n, 0))
        return self._whole(self._engine.predict(X, waiting=kept))

    def _forecast_of(self, p: NDArray[Any]) -> Predictions:
        """Return the forecast of probabilities; another thread may have added a class that they don't know."""
        return join_stretches(self.classes[: p.shape[1]], self.dtype, [p])

    def _whole(self, p: NDArray[Any]) -> NDArray[Any]:
        """Return the probabilities of all classes; of a net with one output, which gives that of the second, of both."""
        if not self._binary:
            return p
        return np.hstack([1 - p, p]) if len(self.classes) > 1 else np.ones_like(p)

    # ---- understanding ----------------------------------------------------------------------------------------------

    def losses_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return −ln p(y) of each sampled row as the learner predicts it now, p at least 10⁻⁶."""
        if all(isinstance(kept.x, np.ndarray) for kept in rows):
            p = self._proba(as_rows([kept.x for kept in rows])).tolist()
            own = [one[self._index[kept.y]] for one, kept in zip(p, rows, strict=True)]
        else:  # one by one, which is less work than a block where all that comes between is one by one
            own = [self.predict_proba_one(as_mapping(kept.x))[kept.y] for kept in rows]
        return np.array(list(map(cost, own)))

    def answers_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the numbers of the classes of sampled rows."""
        return np.array([self._index.get(kept.y, 0) for kept in rows], np.float64)

    def explain_one(
        self, x: Mapping[Any, Any], *, target: Any = None, method: str = "integrated_gradients", of: str = "proba"
    ) -> Any:
        """Say how much each feature, by name, moved one prediction: ``headwater.explain.explain_one``."""
        return self.kind.explain(self, x, target=target, method=method, of=of)
