"""The common base class of classifiers and regressors."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater._core import APART_VERSION
from headwater.errors import ConfigError, DataError, UnlikelyData
from headwater.learner.base import Learner
from headwater.learner.engine import AGGREGATES, Engine, Setup, describe
from headwater.learner.sampling.measure import size_and_rank
from headwater.learner.sampling.sample import DiagnosisSample, SampledRow
from headwater.learner.settings import Settings
from headwater.learner.validation import (
    Block,
    as_answers,
    as_samples,
    check_block,
    check_pairs,
    check_rows,
    check_sample,
    first_refused,
)
from headwater.streams.interrupt import FIRST_PIECE, in_pieces
from headwater.types import Lazy, Metrics, Predictions, ScoredRows, join

__all__ = ["SupervisedLearner", "joined"]

_GOOD = np.ones(1, bool)
_COVERAGE_OF = Lazy("headwater.learner.monitoring.coverage:coverage_of")
_UNIT_CHANGES = Lazy("headwater.learner.monitoring.unit_changes:unit_changes")
_SUCCESSIONS = Lazy("headwater.learner.monitoring.successions:successions")


@dataclass(eq=False, repr=False)
class SupervisedLearner(Learner, Settings):
    """A neural network that learns labeled examples online, predicting each before learning it.

    Parameters
    ----------
    privacy : Privacy, optional
        A promise of differential privacy. The learner is then a linear model of its own class, `PrivateClassifier` or
        `PrivateRegressor`, without the settings of nets.
    """

    privacy: InitVar[Any] = field(default=None, kw_only=True)

    instead: ClassVar[str] = "learn_many, predict_many or hw.evaluate"

    def __new__(cls, *given: Any, privacy: Any = None, **settings: Any) -> Any:
        """Create a learner, or with ``privacy`` a private one."""
        return object.__new__(cls) if privacy is None else _private(cls, privacy, given, settings)

    def __post_init__(self, privacy: Any) -> None:
        super().__post_init__()
        self._span: tuple[float, float] | None = None  # smallest and largest valid target, None for classes
        self._index: dict[Any, int] = {}  # indices of the known classes
        self._setup = self._made()
        self._rolling = None if self._setup.rolling is None else AGGREGATES(self._setup.rolling)
        self._engine: Engine | None = None
        self._checked: Engine | None = None  # the engine, once the columns of a single row were checked
        self._sample: DiagnosisSample | None = None
        self._next_probe = math.inf  # number of learned rows at which ``learn_one`` must feed the sample
        self.answer_name = "y_pred"
        """Name of a column of predictions, taken from the last learned label column if named."""

    def _get_params(self) -> dict[str, Any]:  # of River, which looks for each parameter of the class
        return {**super()._get_params(), "privacy": None}

    @property
    def unit_changes_(self) -> list[Any]:
        """Last change of unit of each column and of the label that was noticed and followed, sorted by row.

        Each has a ``name``, the ``row`` learned before it, and ``scale`` and ``shift``: before, a value was scale · value + shift.

        Examples
        --------
        >>> import headwater as hw
        >>> model = hw.Regressor(seed=1)
        >>> for i in range(1500):
        ...     model.learn_one({"hour": i % 24 * (60 if i >= 1000 else 1)}, float(i % 24 > 12))
        >>> [(change.name, change.scale) for change in model.unit_changes_]
        [('hour', 0.016666666666666666)]
        """
        changes: list[Any] = [] if self._engine is None else _UNIT_CHANGES(self._engine, self.answer_name)
        return changes

    @property
    def successions_(self) -> list[Any]:
        """Last sudden change after which a new learner took the place of the one before, empty before the first.

        It has the ``row`` learned before the change, the row at which the new learner was ``taken``, and their ``number`` so far.

        Examples
        --------
        >>> import headwater as hw
        >>> model = hw.Classifier(seed=1)
        >>> for i in range(3000):
        ...     a, b = i * 7 % 11, i * 5 % 13
        ...     model.learn_one({"a": a, "b": b}, (a > 5) != (b > 6) != (i >= 1000))
        >>> [change.row for change in model.successions_]
        [1000]
        """
        found: list[Any] = [] if self._engine is None else _SUCCESSIONS(self._engine)
        return found

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""
        rolling = self._rolling if state is None else None  # rows observed before the first label count too
        engine = Engine(self._setup, state, limits=self._limits, rolling=rolling)
        engine.core.learner.cover()
        return engine

    def follow_core(self, version: int) -> None:
        """Learn by the rules of an older core, which knew less of lean pools."""
        super().follow_core(version)
        if version < APART_VERSION:
            self._setup = self._setup.known_to(version)

    @property
    def has_memory(self) -> bool:
        """Whether the learner has a recurrent state (``memory``)."""
        return bool(self._setup.memory)

    @property
    def memory_states(self) -> int:
        """Number of keys (``by``) with a state."""
        engine = self._engine
        return int(engine.core.array("memory_numbers")[1]) if engine is not None and self.has_memory else 0

    # ---- overridden by classifiers and regressors --------------------------------------------------------------------

    @abstractmethod
    def _made(self) -> Setup:
        """Validate the settings and convert them to a setup."""

    @abstractmethod
    def _learn_part(self, block: Block, part: slice) -> Predictions:
        """Predict and learn some rows of a block in turn."""

    @abstractmethod
    def _ask(self, X: Any) -> Predictions:
        """Predict rows whose labels come later, storing the experts' predictions until then."""

    @abstractmethod
    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the label of a sample."""

    @abstractmethod
    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample."""

    @abstractmethod
    def predict_many(self, X: Any) -> Any:
        """Predict the label of each row, shape (n,), without changing the learner."""

    @abstractmethod
    def learn_many(self, X: Any, y: Any, w: Any = None, *, progress: bool = False) -> NDArray[Any]:
        """Learn rows one by one and return the prediction made before each was learned."""

    @abstractmethod
    def losses_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the current loss of each sampled row, −ln p(y) or |y − y_pred|."""

    @abstractmethod
    def answers_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the labels of sampled rows in the core's form (class indices or standardized numbers)."""

    # ---- many samples -----------------------------------------------------------------------------------------------

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X, in turn.

        Parameters
        ----------
        X, y, w
            As in ``learn_many``.
        ask : like X, optional
            Rows to predict in lockstep with learning, as delayed labels need it. As many as rows of X, or any number if X is
            empty. The experts' predictions are stored, and the mixture learns from them once the labels arrive.

        Returns
        -------
        Predictions
            Each row's prediction, made before any later row was learned.
        """
        with self.lock:
            if w is None and ask is None and type(X) is type(y) is list and len(X) == len(y) == 1:
                said = self._step_row(X, y)
                if said is not None:
                    return said
            block = check_block(X, y, w, ask, self._span, self._index)
            if not len(block.y):
                return self._ask(block.X if ask is None else block.ask)
            # One row is a single call of the core, so Ctrl-C comes before or after it.
            return self._learn_block(block) if len(block.y) == 1 else self._learn_pieces(block)

    def _step_row(self, X: list[Any], y: list[Any]) -> Predictions | None:
        """Predict, then learn, one row in one call of the core, or return None if it takes more: a new class, a measurement."""
        engine, x = self._engine, X[0]
        if engine is None or type(x) is not dict:
            return None
        core, sample = engine.core.learner, self._sample
        if self.diagnosis and (sample is None or sample.learned != core.learned):
            sample = self._sampling()
        if sample is not None and sample.n >= sample.due - 1:
            return None
        said = self._learn_row(engine, x, y[0])
        if said is None or sample is None:
            return said
        if sample.n + 1 < sample.next_probe:  # counted, and not looked at
            sample.n, sample.learned = sample.n + 1, core.learned
            self._next_probe = core.learned + sample.next_probe - sample.n
        else:
            rows = X if self._rolling is None else [core.rolled]
            self._next_probe = sample.take(rows, 0, y, _GOOD, said, learned=core.learned)
        return said

    def _learn_row(self, engine: Engine, x: dict[Any, Any], y: Any) -> Predictions | None:
        """Predict, then learn, one row, or return None if its label needs more than a call of the core."""
        return None

    def _learn_block(self, block: Block) -> Predictions:
        """Predict and learn the rows of a block in turn, and feed the diagnosis sample."""
        if block.refused:
            block.count(self.refused)
        n, sample = len(block.y), None if block.ask is not None else self._sampling()
        if sample is None:
            return self._learn_part(block, slice(0, n))
        if n > sample.due - sample.n:
            return self._learn_in_parts(block, sample)
        forecast = self._learn_part(block, slice(0, n))
        learned = 0 if self._engine is None else self._engine.core.learner.learned
        self._next_probe = sample.take(block.as_learned, 0, block.y, block.good, forecast, learned=learned)
        if sample.n >= sample.due:
            self._measure(sample)
        return forecast

    def _learn_pieces(self, block: Block) -> Predictions:
        """Learn a block in pieces, between which Ctrl-C takes effect."""
        if len(block.y) > FIRST_PIECE:
            self._check_new_classes(block)
        return joined(in_pieces(len(block.y), lambda rows: self._learn_block(block.part(rows))))

    def _learn_told(self, X: Any, y: Any, w: Any) -> Predictions:
        """Learn rows as ``step_many`` does, printing the progress."""
        from headwater.learner.monitoring.progress import parts_of, print_part

        with self.lock:
            block = check_block(X, y, w, None, self._span, self._index)
            self._check_new_classes(block)
            forecasts: list[Predictions] = []
            done = 0
            for part in parts_of(block):
                forecasts.append(self._learn_pieces(part))
                done += len(part.y)
                print_part(part, forecasts[-1].y_pred, done=done, total=len(block.y))
            return joined(forecasts) if forecasts else self._learn_part(block, slice(0, 0))

    def _look_at_one(self, x: Mapping[Any, Any], *, learning: bool = False) -> Engine | None:
        """Return the engine after checking the columns of the first single row. See ``_checked``."""
        check_sample(x)
        self._look([x], learning=learning, depth=4)
        self._checked = self._engine
        return self._checked

    def _look_at_classes(self, before: int) -> str:
        """Return a warning about unlikely new classes, "" if there is none or for regressors."""
        return ""

    def _learn_warned(self, X: Any, y: Any, w: Any, *, progress: bool = False) -> Predictions:
        """Learn a caller's rows, warning once per learner about suspicious ones."""
        name = getattr(y, "name", None)
        self.answer_name = name if isinstance(name, str) else self.answer_name
        X = as_samples(X)
        if isinstance(X, list):
            self.check_values(X)
        else:
            check_rows(X)
        if not isinstance(X, list) or len(X) > 1:  # a single row with new columns is not suspicious
            self._look(X, learning=True, depth=4)
        before, classes = self._refused_rows(), len(self.known_classes)
        forecast = self._learn_told(X, y, w) if progress else self.step_many(X, y, w)
        if "classes" not in self._told and (said := self._look_at_classes(classes)):
            self._told.add("classes")
            warnings.warn(said, UnlikelyData, stacklevel=3)
        self._warn_refused(before, got=lambda: first_refused(y, self._span))
        return forecast

    def _learn_in_parts(self, block: Block, sample: DiagnosisSample) -> Predictions:
        """Learn a block in parts that end where the sample is due for measurement."""
        forecasts: list[Predictions] = []
        i, n = 0, len(block.y)
        while i < n:
            part = slice(i, min(n, i + sample.due - sample.n))
            forecasts.append(self._learn_part(block, part))
            sample.take(block.as_learned, i, block.y[part], block.good[part], forecasts[-1], learned=self.n_learned)
            self._measure(sample)
            i = part.stop
        return joined(forecasts)

    # ---- the diagnosis sample ----------------------------------------------------------------------------------------

    def _sampling(self) -> DiagnosisSample | None:
        """Return the diagnosis sample, creating it if needed, or None if disabled."""
        if not self.diagnosis:
            return None
        learned = 0 if self._engine is None else self._engine.core.learner.learned
        if self._sample is None:
            self._sample = DiagnosisSample(self.task)
            self._sample.learned = learned
        if self._sample.learned != learned:  # ``learn_one`` took its fast path meanwhile
            self._sample.catch_up(learned)
        return self._sample

    def _measure(self, sample: DiagnosisSample) -> None:
        """Predict the sample's last rows again after learning them, whenever a measurement is due."""
        while sample.n >= sample.due:
            after = self.losses_now(sample.fresh).tolist() if sample.fresh else []
            engine = self._engine if sample.wants_size else None
            sizes = None
            if engine is not None and sample.fresh:
                sizes = size_and_rank(engine, [kept.x for kept in sample.rows])
            sample.measured(after, sizes)
        self._next_probe = sample.next_learned

    @property
    def sample_due(self) -> int | None:
        """Number of scored rows after which ``take_scored`` must be called, None if disabled."""
        sample = self._sampling()
        return None if sample is None else sample.due

    def take_scored(self, rows: ScoredRows) -> None:
        """Sample rows with delayed labels for the diagnosis. A session calls it."""
        sample = self._sample  # not via _sampling, which would catch up past these already learned rows
        start = 0
        while sample is not None and start < len(rows):
            stop = min(len(rows), start + sample.due - sample.n)
            sample.take_scored(rows, start, stop, learned=self.n_learned)
            self._measure(sample)
            start = stop

    def keep_record(self, record: Metrics) -> None:
        """Store the session's latest metrics for ``diagnose`` and notebooks."""
        super().keep_record(record)
        sample = self._sampling()
        if sample is not None:
            sample.keep_record(record)

    def kept_sample(self, *, help: str) -> DiagnosisSample:  # noqa: A002 - as in the errors
        """Return the diagnosis sample, or raise DataError with ``help`` if nothing has been learned.

        Raises
        ------
        DataError
            If no rows were sampled.
        """
        if not self.diagnosis:
            raise DataError(
                expected="a model that keeps some rows for this",
                got="diagnosis=False",
                at=type(self).__name__,
                help="Create the model without it, because rows that were not kept can't be recovered.",
            )
        if self._engine is None or self._sample is None or not self._sample.rows:
            raise DataError(
                expected="a model that has learned", got="one that kept no rows", at=type(self).__name__, help=help
            )
        return self._sample

    @property
    def unsampled(self) -> float:
        """Number of rows that may be learned before one is due for the diagnosis sample, without limit if disabled."""
        return self._next_probe - self.n_learned - 1

    @property
    def span(self) -> tuple[float, float]:
        """Smallest and largest number that can be learned."""
        return self._span or (-math.inf, math.inf)

    @property
    def sample(self) -> DiagnosisSample | None:
        """The sample for ``diagnose``, None before anything was learned or with ``diagnosis=False``."""
        return self._sample

    # ---- limits -----------------------------------------------------------------------------------------------------

    def _new_answers(self, X: Any, y: Any) -> int:
        """Validate rows and labels, and return how many classes they would add."""
        if y is None:
            return super()._new_answers(X, y)
        answers = as_answers(y)
        check_pairs(X, answers, None)
        return len(self._new_classes(answers.tolist() if isinstance(answers, np.ndarray) else list(answers)))

    def _new_classes(self, labels: Sequence[Any]) -> list[Any]:
        """Return the unknown classes among labels if the limits allow them. Regressors have none."""
        return []

    def _check_new_classes(self, block: Block) -> None:
        """Reject a block that would add too many classes, before any of it is learned."""
        if self._span is None and block.numbers is None:
            self._new_classes(list(compress(block.y, block.good.tolist())))

    # ---- state ------------------------------------------------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "_checked": None})

    def resume(
        self,
        *,
        engine: Any,
        refused: Counter[str],
        notes: dict[str, Any],
        classes: Sequence[Any] = (),
        sample: DiagnosisSample | None = None,
    ) -> None:
        """Restore the saved state of a learner with the same settings.

        Raises
        ------
        ValueError
            If classes are repeated, or don't match the learned outputs.
        """
        if len(set(classes)) < len(classes) or (classes and engine is None):
            raise ValueError("classes", "different ones, and what was learned of them", classes)
        outputs = 1 if self.one_output else len(classes)
        if engine is not None and engine.core.outputs != outputs:
            raise ValueError("classes", f"{engine.core.outputs} of them", len(classes))
        super().resume(engine=engine, refused=refused, notes=notes)
        self._checked = None
        self._resume_classes(classes)
        self._sample = None
        if sample is not None:
            self.resume_sample(sample)

    def resume_sample(self, sample: DiagnosisSample) -> None:
        """Restore a saved diagnosis sample."""
        self._sample = sample
        sample.catch_up(self.n_learned)
        self._next_probe = sample.next_learned

    def _resume_classes(self, classes: Sequence[Any]) -> None:
        """Restore the saved classes. Regressors have none."""

    @property
    def engine(self) -> Engine | None:
        """The engine that holds the parameters, None before the first row was learned."""
        return self._engine

    @property
    def coverage_(self) -> dict[float, dict[str, float]]:
        """Empirical coverage of issued sets, or intervals with a guarantee, by nominal coverage.

        For each of 0.5, 0.65, 0.8, 0.9, 0.95, 0.98 and 0.99 it has the compared ``rows``, the ``covered`` share and the mean ``size``
        (width, or number of classes), the latter two also over about the last 1,000 rows, and ``unseen``, the rows with a new
        class, which nothing can cover and which the others don't count.
        """
        covered: dict[float, dict[str, float]] = {} if self._engine is None else _COVERAGE_OF(self._engine.core)
        return covered

    @property
    def setup(self) -> Setup:
        """The declaration of the engine."""
        return self._setup

    @property
    def learned_engine(self) -> Engine:
        """The engine of a learner that has learned something.

        Raises
        ------
        DataError
            If nothing was learned.
        """
        if self._engine is None or not self._engine.learned:
            raise DataError(
                expected="a model that has learned",
                got="one that has seen no label",
                at=type(self).__name__,
                help="Call learn_one or learn_many first.",
            )
        return self._engine

    @property
    def one_output(self) -> bool:
        """Whether the net has one output, as regressors and some two-class classifiers have."""
        return True

    def _about(self) -> dict[str, Any]:
        about = describe(self._setup, self._engine)
        if self.has_memory:
            units = next(expert.recurrent.units for expert in self._setup.experts if expert.recurrent)
            about["memory"] = {"units": units, "by": self.by, "time": self.time}
            about["memory"] |= {"keys": self.memory_states, "most": self.memory_keys}
        return about


_NOT_PRIVATE = {
    "hidden": "a hidden layer gains nothing under the noise of one pass",
    "experts": "each expert would read each row, and be paid for in noise",
    "effort": "each expert would read each row, and be paid for in noise",
    "label_history": "it shows the last labels",
    "memory": "its state is made of the last rows",
    "text": "a vocabulary shows which words there were; texts are hashed",
    "diagnosis": "it keeps rows",
}


def _private(cls: Any, privacy: Any, given: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """Create the private learner that a kind has beside it."""
    settings = {name: value for name, value in settings.items() if (name, value) != ("diagnosis", False)}
    other = "hidden" if given else next((name for name in settings if name not in ("seed", "dtype")), None)
    if other is not None:
        why = _NOT_PRIVATE.get(other, "the private model is linear and has no such setting")
        raise ConfigError(
            expected="privacy without settings of nets", got=f"{other}=", at=cls.__name__, help=f"Leave it out: {why}."
        )
    return cls.kind.adapters["private"](privacy, **settings)


def joined(forecasts: Sequence[Predictions]) -> Predictions:
    """Concatenate predictions of consecutive rows."""
    if forecasts[0].proba is None:
        return Predictions(np.concatenate([np.asarray(forecast.y_pred) for forecast in forecasts]))
    return join(forecasts)
