"""The one abstract learner: what a classifier and a regressor share, and all that other rooms know of them."""

from __future__ import annotations

import copy
import math
import threading
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from headwater.bound import face
from headwater.errors import DataError, RefusedRow, UnlikelyData
from headwater.types import Forecast, Record, ScoredRows, join

from .engine import Engine, Setup, describe
from .guards import REASONS, REFUSED, Block, as_answers, as_samples, check_block, check_pairs, check_rows, check_sample
from .limits import Growth, Limits, check_growth
from .notices.familiar import about_columns
from .notices.progress import parts_of, print_part
from .sampling.measure import rank, weight_size
from .sampling.sample import DiagnosisSample, SampledRow
from .settings import Settings, params_of, replaced, settings_of, shown

__all__ = ["Learner"]

REJECTED = "model.rejected counts such rows; this is said once"
PIECE = 8192
"""Rows of an array that are converted for the core at once."""


class _InSklearn:
    """A word of scikit-learn's: a learner has no such attribute, and says where it is.

    ``__getattr__`` would do the same, but with it Python looks up every attribute of a learner the slow way.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, learner: Learner | None, cls: type[Learner]) -> Any:
        estimator = "OnlineClassifier" if cls.task == "classify" else "OnlineRegressor"
        raise AttributeError(
            f"{cls.__name__} has no attribute {self._name!r}; headwater.sklearn.{estimator} has it. "
            "Here it is learn_many, predict_many or hw.evaluate"
        )


@dataclass(eq=False, repr=False)
class Learner(Settings, ABC):
    """A neural network that learns online: predict, see the answer, learn, one example at a time.

    Several threads may use one learner. A single call into the core needs no lock: the core lets one thread in at a time.
    What is made of several calls, such as a new class (an output in the core, a label beside it) or a file of both, holds
    ``lock``.

    Parameters
    ----------
    seed : int
        Of the initial weights and of dropout.
    dtype : str
        "float32" or "float64".
    """

    seed: int = field(default=0, kw_only=True)
    dtype: str = field(default="float32", kw_only=True)

    task: ClassVar[str]

    def __post_init__(self) -> None:
        self._span: tuple[float, float] | None = None  # the least and the largest answer that can be; None for classes
        self._index: dict[Any, int] = {}  # numbers of the classes known so far
        self._setup = self._made()
        self._engine: Engine | None = None
        self._checked: Engine | None = None  # the engine, once it was looked at the columns of a row that came alone
        self.refused: Counter[str] = Counter()
        """Rows that were refused before they reached the engine, by reason."""
        self._limits = Limits()
        self._sample: DiagnosisSample | None = None
        self._next_probe = math.inf  # rows learned by ``learn_one`` after which the sample takes the next one
        self.lock = threading.RLock()
        self.notes: dict[str, Any] = {}
        """How the command line read the rows; kept in the file."""
        self.answer_name = "y_pred"
        """What a column of predictions is called: as the answers that were learned last, if they had a name."""
        self._warned = False
        self._told: set[str] = set()  # what was warned of: columns, classes

    # ---- what a classifier and a regressor do in ways of their own ---------------------------------------------------

    @abstractmethod
    def _made(self) -> Setup:
        """Check the settings and turn them into a setup."""

    @abstractmethod
    def _learn_part(self, block: Block, part: slice) -> Forecast:
        """Predict and learn some rows of a block in turn."""

    @abstractmethod
    def _ask(self, X: Any) -> Forecast:
        """Predict rows whose answers will come; what the experts say of them is kept until then."""

    @abstractmethod
    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the answer of a sample."""

    @abstractmethod
    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0) -> None:
        """Learn one sample."""

    @abstractmethod
    def predict_many(self, X: Any) -> Any:
        """Predict the answer of each row, shape (n,); nothing is changed."""

    @abstractmethod
    def learn_many(self, X: Any, y: Any, w: Any = None, *, progress: bool = False) -> NDArray[Any]:
        """Learn rows strictly one by one, and return the prediction made before each was learned."""

    @abstractmethod
    def forecast(self, X: Any) -> Forecast:
        """Predict rows; nothing is changed."""

    @abstractmethod
    def losses_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return what each sampled row costs as the learner predicts it now: −ln p(y), or |y − y_pred|."""

    @abstractmethod
    def answers_now(self, rows: Sequence[SampledRow]) -> NDArray[np.float64]:
        """Return the answers of sampled rows as the core reads them: numbers of classes, or standardised numbers."""

    # ---- many samples -----------------------------------------------------------------------------------------------

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
            For each row what was predicted before anything later was learned.
        """
        with self.lock:
            block = check_block(X, y, w, ask, self._span, self.refused, self._index)
            n = len(block.y)
            if ask is not None or not n:
                return self._learn_part(block, slice(0, n)) if n else self._ask(block.X if ask is None else block.ask)
            if n > PIECE and isinstance(block.X, np.ndarray):
                return self._learn_pieces(block)
            return self._learn_block(block)

    def _learn_block(self, block: Block) -> Forecast:
        """Predict and learn the rows of a block in turn, and keep what a diagnosis needs of them."""
        n, sample = len(block.y), self._sampling()
        if sample is None:
            return self._learn_part(block, slice(0, n))
        if n > sample.due - sample.n:
            return self._learn_in_parts(block, sample)
        forecast = self._learn_part(block, slice(0, n))
        learned = 0 if self._engine is None else self._engine.core.learner.learned
        self._next_probe = sample.take(block.X, 0, block.y, block.good, forecast, learned=learned)
        if sample.n >= sample.due:
            self._measure(sample)
        return forecast

    def _learn_pieces(self, block: Block) -> Forecast:
        """Learn a large block of an array piece by piece, so that what is converted for the core at once stays small."""
        self._check_new_classes(block)
        parts = [slice(at, at + PIECE) for at in range(0, len(block.y), PIECE)]
        return _joined([self._learn_block(block.part(p)) for p in parts])

    def _learn_told(self, X: Any, y: Any, w: Any) -> Forecast:
        """Learn rows as ``step_many`` does, and print how far it is."""
        with self.lock:
            block = check_block(X, y, w, None, self._span, self.refused, self._index)
            self._check_new_classes(block)
            forecasts: list[Forecast] = []
            done = 0
            for part in parts_of(block):
                pieces = isinstance(part.X, np.ndarray)
                forecasts.append(self._learn_pieces(part) if pieces else self._learn_block(part))
                done += len(part.y)
                print_part(part, forecasts[-1].y_pred, done=done, total=len(block.y))
            return _joined(forecasts) if forecasts else self._learn_part(block, slice(0, 0))

    def _look(self, X: Any, *, learning: bool = False, depth: int = 3) -> None:
        """Warn, once in a learner's life, if it knows none of the columns of rows that a caller hands over.

        ``depth``: how many calls up the warning points.
        """
        engine = self._engine
        if engine is None or "columns" in self._told:
            return
        if said := about_columns(engine, X, learning=learning):
            self._told.add("columns")
            warnings.warn(said, UnlikelyData, stacklevel=depth)

    def _look_at_one(self, x: Mapping[Any, Any], *, learning: bool = False) -> Engine | None:
        """Return the engine. The first row that goes to it alone is looked at, and no more: see ``_checked``."""
        check_sample(x)
        self._look([x], learning=learning, depth=4)
        self._checked = self._engine
        return self._checked

    def _look_at_classes(self, before: int) -> str:
        """Return a sentence about the classes after the first ``before``, if they are unlikely; a regressor has none."""
        return ""

    def _learn_warned(self, X: Any, y: Any, w: Any, *, progress: bool = False) -> Forecast:
        """Learn rows that a caller hands over; what looks wrong with them is told in a warning, once in a learner's life."""
        name = getattr(y, "name", None)
        self.answer_name = name if isinstance(name, str) else self.answer_name
        X = as_samples(X)
        if not isinstance(X, list) or len(X) > 1:  # one row of new columns among others is no wonder
            self._look(X, learning=True, depth=4)
        before, classes = self._refused_rows(), len(self.known_classes)
        forecast = self._learn_told(X, y, w) if progress else self.step_many(X, y, w)
        if "classes" not in self._told and (said := self._look_at_classes(classes)):
            self._told.add("classes")
            warnings.warn(said, UnlikelyData, stacklevel=3)
        for reason, count in self._refused_rows().items():
            if count > before[reason] and not self._warned:
                self._warn(reason)
        return forecast

    def _warn(self, reason: str) -> None:
        """Say once that a row was not learned; the warning points at the line that gave it."""
        self._warned = True
        warnings.warn(f"a row was not learned: {REASONS[reason]}. {REJECTED}", RefusedRow, stacklevel=4)

    def _refused_rows(self) -> dict[str, int]:
        """Return how many rows were not learned so far, by reason."""
        return {reason: self.refused[reason] for reason in REFUSED}

    def _learn_in_parts(self, block: Block, sample: DiagnosisSample) -> Forecast:
        """Learn a block that is cut wherever the sample is due to be measured."""
        forecasts: list[Forecast] = []
        i, n = 0, len(block.y)
        while i < n:
            part = slice(i, min(n, i + sample.due - sample.n))
            forecasts.append(self._learn_part(block, part))
            sample.take(block.X, i, block.y[part], block.good[part], forecasts[-1], learned=self.n_learned)
            self._measure(sample)
            i = part.stop
        return _joined(forecasts)

    # ---- what is kept for a diagnosis --------------------------------------------------------------------------------

    def _sampling(self) -> DiagnosisSample | None:
        """Return the sample, beginning one if there is none yet; None where nothing is to be kept."""
        if not self.diagnosis:
            return None
        learned = 0 if self._engine is None else self._engine.core.learner.learned
        if self._sample is None:
            self._sample = DiagnosisSample(self.task)
            self._sample.learned = learned
        if self._sample.learned != learned:  # ``learn_one`` went its short way meanwhile
            self._sample.catch_up(learned)
        return self._sample

    def _measure(self, sample: DiagnosisSample) -> None:
        """Predict the sample's last rows again where it is due, now that they are learned."""
        while sample.n >= sample.due:
            after = self.losses_now(sample.fresh).tolist() if sample.fresh else []
            engine = self._engine if sample.wants_size else None
            sizes = None
            if engine is not None and sample.fresh:
                sizes = weight_size(engine.core), rank(engine, [kept.x for kept in sample.rows])
            sample.measured(after, sizes)
        self._next_probe = sample.next_learned

    @property
    def sample_due(self) -> int | None:
        """After how many scored rows ``take_scored`` wants to be shown what there is; None where nothing is kept."""
        sample = self._sampling()
        return None if sample is None else sample.due

    def take_scored(self, rows: ScoredRows) -> None:
        """Keep what a diagnosis needs of rows whose prediction was given out earlier: a session calls it for late answers."""
        sample = self._sample  # not one that caught up: these rows have been learned by now
        start = 0
        while sample is not None and start < len(rows):
            stop = min(len(rows), start + sample.due - sample.n)
            sample.take_scored(rows, start, stop, learned=self.n_learned)
            self._measure(sample)
            start = stop

    def keep_record(self, record: Record) -> None:
        """Keep how a session says that learning stands, for the diagnosis."""
        sample = self._sampling()
        if sample is not None:
            sample.keep_record(record)

    def kept_sample(self, *, help: str) -> DiagnosisSample:  # noqa: A002 - as in the errors
        """Return what was kept for a diagnosis; ``help``: what to do where nothing has been learned.

        Raises
        ------
        DataError
            When no rows were kept.
        """
        if not self.diagnosis:
            raise DataError(
                expected="a model that keeps some rows for this",
                got="diagnosis=False",
                at=type(self).__name__,
                help="Leave it out when the model is made: what was never kept can't be told later.",
            )
        if self._engine is None or self._sample is None or not self._sample.rows:
            raise DataError(
                expected="a model that has learned", got="one that kept no rows", at=type(self).__name__, help=help
            )
        return self._sample

    @property
    def sample(self) -> DiagnosisSample | None:
        """What is kept for a diagnosis; None before anything was learned, or with ``diagnosis=False``."""
        return self._sample

    # ---- limits -----------------------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """What a sample may ask for. It can be set at any time; it is not saved with the model."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        if self._engine is not None:
            self._engine.set_limits(limits)

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Refuse rows that ask for more than ``limits`` allow. Nothing is learned or changed.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples.
        y : sequence (n,), optional
            Their answers; without them new classes are not counted.

        Returns
        -------
        Growth
            What learning them would append.

        Raises
        ------
        LimitError
            With the limit's name.
        TargetError
            If a classifier's answers look like those of a regression.
        """
        labels: Sequence[Any] = []
        if y is None:
            check_rows(X)
        else:
            answers = as_answers(y)
            check_pairs(X, answers, None)
            labels = answers.tolist() if isinstance(answers, np.ndarray) else list(answers)
        new = self._new_classes(labels)
        growth = (self._engine or Engine(self._setup)).growth_of(X, len(new))
        check_growth(growth, len(self.known_classes), self._limits)
        return growth

    def _new_classes(self, labels: Sequence[Any]) -> list[Any]:
        """Return the classes among some labels that are not known yet, if there may be as many; a regressor has none."""
        return []

    def _check_new_classes(self, block: Block) -> None:
        """Refuse a block whose rows would bring too many classes, before any of it is learned."""
        if self._span is None and block.numbers is None:
            self._new_classes(list(compress(block.y, block.good.tolist())))

    # ---- settings ---------------------------------------------------------------------------------------------------

    if not TYPE_CHECKING:  # for mypy a learner has none of these
        fit = _InSklearn("fit")
        partial_fit = _InSklearn("partial_fit")
        predict = _InSklearn("predict")
        predict_proba = _InSklearn("predict_proba")
        decision_function = _InSklearn("decision_function")
        score = _InSklearn("score")

    def __repr__(self) -> str:
        return shown(self)

    def _repr_html_(self) -> str:
        return face().html(self)

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """Return a learner with the same settings, some of them replaced; with what was learned if that is asked for."""
        clone = type(self)(**copy.deepcopy(replaced(self, new_params or {})))
        if include_attributes:
            given = settings_of(self)
            vars(clone).update({name: value for name, value in vars(self._copied({})).items() if name not in given})
        return clone

    def _get_params(self) -> dict[str, Any]:
        return params_of(self)

    def _copied(self, memo: dict[int, Any]) -> Self:
        """Return a copy that shares nothing; no other thread adds a class meanwhile, to its labels but not yet to its core."""
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        with self.lock:
            own = {name: copy.deepcopy(value, memo) for name, value in vars(self).items() if name != "lock"}
        vars(copied).update(own, lock=threading.RLock())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._copied(memo)

    def __getstate__(self) -> dict[str, Any]:  # of pickle and copy.copy
        return {name: value for name, value in vars(self._copied({})).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, lock=threading.RLock(), _checked=None)

    def resume(
        self,
        *,
        engine: Engine | None,
        classes: Sequence[Any],
        refused: Counter[str],
        notes: dict[str, Any],
        sample: DiagnosisSample | None,
    ) -> None:
        """Go on from what was saved of a learner with the same settings."""
        self._engine, self.refused, self.notes = engine, refused, notes
        self._checked = None
        self.limits = self._limits
        self._resume_classes(classes)
        self._sample = sample
        if sample is not None:
            sample.catch_up(self.n_learned)
            self._next_probe = sample.next_learned

    def _resume_classes(self, classes: Sequence[Any]) -> None:
        """Take the classes that were saved; a regressor has none."""

    # ---- state ------------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine | None:
        """What holds the numbers; None before the first row was learned."""
        return self._engine

    @property
    def setup(self) -> Setup:
        """What the engine is made from."""
        return self._setup

    @property
    def learned_engine(self) -> Engine:
        """What holds the numbers of a learner that has learned something.

        Raises
        ------
        DataError
            When it has not.
        """
        if self._engine is None or not self._engine.learned:
            raise DataError(
                expected="a model that has learned",
                got="one that has seen no answer",
                at=type(self).__name__,
                help="Call learn_one or learn_many first.",
            )
        return self._engine

    @property
    def known_classes(self) -> list[Any]:
        """The classes known so far, in the order of the probabilities; none of a regressor."""
        return []

    @property
    def one_output(self) -> bool:
        """Whether the net has one output: of a regressor, and of a classifier that tells two classes with one number."""
        return True

    @property
    def n_learned(self) -> int:
        """How many rows were learned."""
        return 0 if self._engine is None else self._engine.learned

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps so far, by reason (``guards.REASONS``)."""
        counts = self.refused + Counter(self._engine.rejected if self._engine else {})
        return dict(sorted(counts.items()))

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """What each expert is and how it stands: weight in the mixture, fading loss, steps taken and undone, times reinitialised."""
        return [] if self._engine is None else self._engine.experts()

    def describe(self) -> dict[str, Any]:
        """Say what the model is: layers with shapes and parameter counts, optimizer, features, classes, rows learned.

        Returns
        -------
        dict
            JSON-able, but for class labels.
        """
        about = describe(self._setup, self._engine)
        return {"task": self.task, "classes": self.known_classes, **about, "rejected": self.rejected}

    # ---- what rooms above do (see `headwater.bound`) -----------------------------------------------------------------

    def importance(self, method: str = "ipfi") -> dict[Any, float]:
        """Say how much each feature matters now: ``headwater.explain.importance``."""
        return face().importance(self, method)

    def diagnose(self) -> Any:
        """Say what is wrong, with evidence and remedy: ``headwater.diagnose.diagnose``."""
        return face().diagnose(self)

    def plot(self) -> Any:
        """Draw how weights and activations of each layer are distributed: ``headwater.plot.layers``, a matplotlib figure."""
        return face().plot(self)

    def save(self, path: Any) -> None:
        """Write the model to a file: safetensors with a JSON header, all or nothing. ``headwater.load`` reads it.

        This is how to keep a model. ``pickle`` and ``joblib`` carry one to another process of the same version of headwater, to
        the bit; a pickle of another format is refused, and one of unknown origin can run any program.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        """
        face().save(self, path)

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
        face().export_onnx(self, path, opset=opset, array=array)


def _joined(forecasts: Sequence[Forecast]) -> Forecast:
    """Return one forecast for the rows of several, given one after the other."""
    if forecasts[0].proba is None:
        return Forecast(np.concatenate([np.asarray(forecast.y_pred) for forecast in forecasts]))
    return join(forecasts)
