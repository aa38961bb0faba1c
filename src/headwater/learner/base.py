"""The one abstract learner: what learners of every kind share, and all that other rooms know of them."""

from __future__ import annotations

import copy
import threading
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeVar

from numpy.typing import NDArray

from headwater.errors import RefusedRow, UnlikelyData
from headwater.learner.schema_warning import SETTLED, about_columns, about_values
from headwater.learner.validation import REASONS, REFUSED, check_rows
from headwater.types import EXPORT_ONNX, NOTEBOOK, SAVE, Lazy, Predictions, Record, ScoredRows

from .engine import BaseEngine, Setup
from .kind import Kind
from .limits import Growth, Limits, check_growth
from .sampling.sample import DiagnosisSample
from .settings import params_of, replaced, settings_of, shown

__all__ = ["Learner", "at_one_moment"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_IMPORTANCE = Lazy("headwater.explain.stream:importance")
_DIAGNOSE = Lazy("headwater.diagnose.diagnosis:diagnose")
_PLOT = Lazy("headwater.plot.inside:layers")
REJECTED = "model.rejected counts such rows; this is said once"


class _InSklearn:
    """A word of scikit-learn's: a learner has no such attribute, and says where it is.

    ``__getattr__`` would do the same, but with it Python looks up every attribute of a learner the slow way.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, learner: Learner | None, cls: type[Learner]) -> Any:
        has = f"; headwater.interop.sklearn.{cls.estimator} has it" if cls.estimator else ""
        raise AttributeError(f"{cls.__name__} has no attribute {self._name!r}{has}. Here it is {cls.instead}")


@dataclass(eq=False, repr=False)
class Learner(ABC):
    """A learner of any kind: it is shown rows one by one, says something of each, and then learns it.

    Several threads may use one learner. A single call into the core needs no lock: the core lets one thread in at a time.
    What changes a learner in several calls, such as a new class (an output in the core, a label beside it), holds ``lock``.
    What reads it in several calls, such as a file or an explanation, is between ``held``, which keeps single calls out too.

    A kind adds its settings, as fields, and says how rows are predicted and learned. ``kind`` declares it.

    Parameters
    ----------
    seed : int
        Of the initial weights and of dropout.
    dtype : str
        "float32" or "float64".
    """

    seed: int = field(default=0, kw_only=True)
    dtype: str = field(default="float32", kw_only=True)

    kind: ClassVar[Kind]
    """What it is: declared in the kind's folder."""
    task: ClassVar[str]
    """What it is for, in one word: its kind's task."""
    estimator: ClassVar[str] = ""
    """What ``headwater.interop.sklearn`` calls it, if it is there."""
    instead: ClassVar[str] = "learn_many"
    """What stands here for scikit-learn's methods."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in vars(cls):
            cls.task = cls.kind.task

    def __post_init__(self) -> None:
        self._engine: BaseEngine | None = None
        self.refused: Counter[str] = Counter()
        """Rows that were refused before they reached the engine, by reason."""
        self._limits = Limits()
        self.lock = threading.RLock()
        self.notes: dict[str, Any] = {}
        """How the command line read the rows; kept in the file."""
        self._warned = False
        self._told: set[str] = set()  # what was warned of: columns, classes

    # ---- what each kind does in a way of its own ---------------------------------------------------------------------

    @abstractmethod
    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> BaseEngine:
        """Make what holds the numbers, from the settings; ``state``: arrays of a saved learner to go on from."""

    @abstractmethod
    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict and learn rows in turn: predict row i of ``ask`` (of X without it), then learn row i of X."""

    @abstractmethod
    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows; nothing is changed."""

    @abstractmethod
    def _about(self) -> dict[str, Any]:
        """Return what ``describe`` says of the settings and the engine."""

    # ---- what a caller is told of its rows ---------------------------------------------------------------------------

    def _look(self, X: Any, *, learning: bool = False, depth: int = 3) -> None:
        """Warn, once in a learner's life, if it knows none of the columns of rows that a caller hands over.

        ``depth``: how many calls up the warning points.
        """
        engine = self._engine
        if learning and "values" not in self._told and (engine is None or engine.learned < SETTLED):
            self._look_at_values(X, depth + 1)
        if engine is None or "columns" in self._told:
            return
        if said := about_columns(engine, X, learning=learning):
            self._told.add("columns")
            warnings.warn(said, UnlikelyData, stacklevel=depth)

    def _look_at_values(self, X: Any, depth: int) -> None:
        """Warn, once in a learner's life, if its first rows hold values that it can't read, or numbers as texts."""
        if said := about_values(X):
            self._told.add("values")
            warnings.warn(said, UnlikelyData, stacklevel=depth)

    def _warn_refused(self, before: Mapping[str, int], *, depth: int = 4, got: Callable[[], str] = str) -> None:
        """Warn once if rows were refused since ``before``; the warning points ``depth`` calls up and says ``got()``."""
        for reason, count in self._refused_rows().items():
            if count > before[reason] and not self._warned:
                self._warned = True
                answer = got() if reason == "target" else ""
                said = f"a row was not learned: {REASONS[reason]}{answer}. {REJECTED}"
                warnings.warn(said, RefusedRow, stacklevel=depth)

    def _refused_rows(self) -> dict[str, int]:
        """Return how many rows were not learned so far, by reason."""
        return {reason: self.refused[reason] for reason in REFUSED}

    # ---- what is kept for a diagnosis: nothing, but of a kind that says so -------------------------------------------

    @property
    def sample(self) -> DiagnosisSample | None:
        """What is kept for a diagnosis; None before anything was learned, or where nothing is kept."""
        return None

    @property
    def sample_due(self) -> int | None:
        """After how many scored rows ``take_scored`` wants to be shown what there is; None where nothing is kept."""
        return None

    def take_scored(self, rows: ScoredRows) -> None:  # noqa: B027 - most kinds keep nothing
        """Keep what a diagnosis needs of rows whose prediction was given out earlier: a session calls it for late answers."""

    def resume_sample(self, sample: DiagnosisSample) -> None:  # noqa: B027 - most kinds keep nothing
        """Go on from what was saved of what is kept for a diagnosis."""

    def keep_record(self, record: Record) -> None:  # noqa: B027 - most kinds keep nothing
        """Keep how a session says that learning stands, for the diagnosis."""

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
        new = self._new_answers(X, y)
        growth = self._growth_of(X, new)
        check_growth(growth, len(self.known_classes), self._limits)
        return growth

    def _growth_of(self, X: Any, new_classes: int) -> Growth:
        if self._engine is None and self.setup is not None:  # its layers need not be made to know what rows add
            return self.setup.growth_of(X, new_classes, self._limits)
        return (self._engine or self.new_engine()).growth_of(X, new_classes)

    def _new_answers(self, X: Any, y: Any) -> int:
        """Check that rows are rows, and return how many classes their answers would add."""
        check_rows(X)
        return 0

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
        shown: str = NOTEBOOK(self)
        return shown

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
        """Return a copy that shares nothing; no other thread changes the learner meanwhile."""
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        with self.held():
            own = {name: copy.deepcopy(value, memo) for name, value in vars(self).items() if name != "lock"}
        vars(copied).update(own, lock=threading.RLock())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._copied(memo)

    def __getstate__(self) -> dict[str, Any]:  # of pickle and copy.copy
        return {name: value for name, value in vars(self._copied({})).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, lock=threading.RLock())

    def resume(
        self,
        *,
        engine: Any,
        refused: Counter[str],
        notes: dict[str, Any],
        classes: Sequence[Any] = (),
        sample: DiagnosisSample | None = None,
    ) -> None:
        """Go on from what was saved of a learner with the same settings.

        Raises
        ------
        ValueError
            If there is something that this kind of learner does not have.
        """
        for name, given in (("classes", classes), ("sample", sample)):
            if given:
                raise ValueError(name, f"none of them in a {type(self).__name__}", given)
        self._engine, self.refused, self.notes = engine, refused, notes
        self.limits = self._limits

    # ---- state ------------------------------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other threads from changing the learner until the block ends, so that all that is read is of one moment."""
        with self.lock:
            engine = self._engine
            if engine is None:
                yield
                return
            with engine.held():
                yield

    @property
    def engine(self) -> BaseEngine | None:
        """What holds the numbers; None before the first row was learned."""
        return self._engine

    @property
    def known_classes(self) -> list[Any]:
        """The classes known so far, in the order of the probabilities; none but of a classifier."""
        return []

    @property
    def members(self) -> Mapping[Any, Learner]:
        """The learners that it consists of, by output; none but of one with several answers a row."""
        return {}

    @property
    def setup(self) -> Setup | None:
        """What its engine is made from; None of a kind that makes it from something else."""
        return vars(self).get("_setup")

    @property
    def coverage_(self) -> dict[float, dict[str, float]]:
        """How often answers lay inside what was given out, by the coverage that was wanted; none of a kind that gives none."""
        return {}

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
        with self.held():
            return {"task": self.task, "classes": self.known_classes, **self._about(), "rejected": self.rejected}

    # ---- what rooms above do, or refuse for some kinds (see `headwater.types.Lazy`) ---------------------------------------

    def importance(self, method: str = "ipfi") -> dict[Any, float]:
        """Say how much each feature matters now: ``headwater.explain.importance``."""
        importance: dict[Any, float] = _IMPORTANCE(self, method)
        return importance

    def diagnose(self) -> Any:
        """Say what is wrong, with evidence and remedy: ``headwater.diagnose.diagnose``."""
        return _DIAGNOSE(self)

    def plot(self) -> Any:
        """Draw how weights and activations of each layer are distributed: ``headwater.plot.layers``, a matplotlib figure."""
        return _PLOT(self)

    def save(self, path: Any) -> None:
        """Write the model to a file: safetensors with a JSON header, all or nothing. ``headwater.load`` reads it.

        This is how to keep a model. ``pickle`` and ``joblib`` carry one to another process of the same version of headwater, to
        the bit; a pickle of another format is refused, and one of unknown origin can run any program.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        """
        SAVE(self, path)

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
        EXPORT_ONNX(self, path, opset=opset, array=array)


def at_one_moment(read: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function that reads several arrays of a learner, its first argument, see one moment of it.

    Other threads that predict or learn wait meanwhile. What is no learner is left to the function to refuse.

    Examples
    --------
    >>> from headwater import Classifier
    >>> @at_one_moment
    ... def sizes(model):
    ...     return len(model.classes), model.n_learned
    >>> sizes(Classifier())
    (0, 0)
    """
    name = next(iter(signature(read).parameters))

    @wraps(read)
    def held(*args: _P.args, **settings: _P.kwargs) -> _R:
        learner = args[0] if args else settings.get(name)
        with learner.held() if isinstance(learner, Learner) else nullcontext():
            return read(*args, **settings)

    return held
