"""The abstract base class of all learners, and all that other packages need to know of them."""

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
from inspect import getattr_static, signature
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, ParamSpec, Self, TypeVar

from numpy.typing import NDArray

from headwater._core import VERSION
from headwater.encode.rows import as_dicts
from headwater.encode.vocabulary import NUMBER, TIME
from headwater.errors import ConfigError, RefusedRow, UnlikelyData
from headwater.learner.settings.limits import USUAL, Growth, Limits, check_growth
from headwater.learner.validation import REFUSED, check_rows, check_sample, check_weights
from headwater.nn.core.declaration import LEAN_NUMBERS
from headwater.types import (
    EXPORT_ONNX,
    NOTEBOOK,
    SAVE,
    Lazy,
    Metrics,
    Predictions,
    ScoredRows,
    public_names,
    with_own_numbers,
)

from .engine import AGGREGATES, BaseEngine, Engine, Setup
from .kind import Kind, carry, check_can
from .sampling.sample import DiagnosisSample
from .settings import params_of, replaced, settings_of, shown

if TYPE_CHECKING:
    from headwater.encode.seen import Column
    from headwater.learner.monitoring.label_budget import LabelBudget
    from headwater.learner.settings.rolling import Aggregates

    from .schema import Response

__all__ = ["Elsewhere", "Learner", "at_one_moment"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_ABOUT_COLUMNS = Lazy("headwater.learner.monitoring.schema_warning:about_columns")
_ABOUT_VALUES = Lazy("headwater.learner.monitoring.schema_warning:about_values")
_IMPORTANCE = Lazy("headwater.explain.stream:importance")
_DIAGNOSE = Lazy("headwater.diagnose.diagnosis:diagnose")
_PLOT = Lazy("headwater.plot.overview:learner_figure")
_SEAMS = frozenset([
    "aggregates_in", "answer_name", "answers_now", "as_observed", "as_read", "check_limits", "check_transition", "check_values",
    "decision_function", "engine", "estimator", "fit", "follow_core", "has_memory", "has_rolling", "held", "instead", "keep_record",
    "kept_record", "kept_sample", "lacks", "later", "learned_engine", "lock", "losses_now", "mutate", "note_reading", "new_engine",
    "observed", "observed_state", "one_output", "partial_fit", "predict", "predict_proba", "refused", "resume", "resume_observed",
    "resume_sample", "sample", "sample_due", "score", "setup", "take_scored", "written_notes",
])  # fmt: skip
"""Members for other rooms, and those of scikit-learn that only name an estimator.

Completion and the list of public names leave them out.
"""
SETTLED = 30
"""Minimum learned rows before columns are looked at, because at a stream's beginning all are new."""
REJECTED = "model.rejected counts all such rows. Warned once"


class Elsewhere(NamedTuple):
    """Attribute that raises AttributeError naming the methods to use instead of another kind's or scikit-learn's.

    ``__getattr__`` would do the same, but it slows down every attribute lookup of a learner.
    """

    name: str
    sklearn: bool = True
    """Whether the kind's scikit-learn estimator has it."""

    def __get__(self, learner: Any, cls: Any) -> Any:
        has = f", but headwater.interop.sklearn.{cls.estimator} does" if self.sklearn and cls.estimator else ""
        raise AttributeError(f"{cls.__name__} has no attribute {self.name!r}{has}. Use {cls.instead}")


@dataclass(eq=False, repr=False)
class Learner(ABC):
    """Base class of all learners, which predict and then learn one row at a time.

    Learners are thread-safe. The core admits one thread at a time, so a single call needs no lock. A change in several calls,
    such as adding a class (an output in the core, a label here), holds ``lock``. Reading in several calls, such as saving or
    explaining, runs inside ``held``, which excludes single calls too.

    A subclass adds its settings as fields and implements prediction and learning. ``kind`` declares its abilities.

    Parameters
    ----------
    seed : int
        Seed of the initial weights and of dropout.
    dtype : str
        "float32" or "float64".
    """

    seed: int = field(default=0, kw_only=True)
    dtype: str = field(default="float32", kw_only=True)

    kind: ClassVar[Kind]
    """The kind, declared in the kind's folder."""
    task: ClassVar[str]
    """The kind's task in one word."""
    secret: ClassVar[tuple[str, ...]] = ()
    """Arrays of the state that a store keeps and a model file does not."""
    single: ClassVar[str] = ""
    """Why there can't be two of it, which learn the same rows and take turns, and what to do instead."""
    estimator: ClassVar[str] = ""
    """Name of the estimator in ``headwater.interop.sklearn``, if any. Two names are joined by "or"."""
    instead: ClassVar[str] = "learn_many"
    """Methods to use instead of scikit-learn's."""
    later: ClassVar[Mapping[str, Any]] = {"rolling": None}
    """Settings that a file has only where they differ from these, so that versions which don't know them read all other files."""
    _seams: ClassVar[frozenset[str]] = _SEAMS

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in vars(cls):
            cls.task = cls.kind.task
            carry(cls.kind)

    def __post_init__(self) -> None:
        with_own_numbers(self)
        self._engine: BaseEngine | None = None
        self.refused: Counter[str] = Counter()
        """Counts of rows rejected before they reached the engine, by reason."""
        self._limits = USUAL
        self._rolling: Aggregates | None = None
        self.lock = threading.RLock()
        self.notes: dict[str, Any] = {}
        """Input options of the command line, saved in the file."""
        self.core_version = VERSION
        """Version of the core whose rules the learner follows, the one that it began with."""
        self._record: Metrics | None = None
        self._warned = False
        self._told: set[str] = set()  # topics already warned about (columns, classes)

    # ---- overridden by each kind -------------------------------------------------------------------------------------

    @abstractmethod
    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> BaseEngine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""

    @abstractmethod
    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X, in turn."""

    @abstractmethod
    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the learner."""

    @abstractmethod
    def _about(self) -> dict[str, Any]:
        """Return the settings and engine part of ``describe``."""

    def follow_core(self, version: int) -> None:
        """Learn by the rules of an older core, with which a saved learner began.

        Raises
        ------
        ValueError
            If there is no such version.
        """
        if version not in LEAN_NUMBERS:
            raise ValueError("core", f"{min(LEAN_NUMBERS)} to {max(LEAN_NUMBERS)}", version)
        self.core_version = version

    # ---- warnings about rows -----------------------------------------------------------------------------------------

    def _look(self, X: Any, *, learning: bool = False, depth: int = 3) -> None:
        """Warn once per learner if it knows none of the columns of a caller's rows.

        ``depth`` is the stack level of the warning.
        """
        engine = self._engine
        if learning and "values" not in self._told and (engine is None or engine.learned < SETTLED):
            self._look_at_values(X, depth + 1)
        if engine is None or engine.learned < SETTLED or "columns" in self._told:
            return
        if said := _ABOUT_COLUMNS(engine, X, learning=learning):
            self._told.add("columns")
            warnings.warn(said, UnlikelyData, stacklevel=depth)

    def _look_at_values(self, X: Any, depth: int) -> None:
        """Warn, once in a learner's life, if its first rows hold values that it can't read, or numbers as texts."""
        if said := _ABOUT_VALUES(X):
            self._told.add("values")
            warnings.warn(said, UnlikelyData, stacklevel=depth)

    def _warn_refused(self, before: Mapping[str, int], *, depth: int = 4, got: Callable[[], str] = str) -> None:
        """Warn once if rows were rejected since ``before``, with stack level ``depth`` and the text of ``got()``."""
        now = self._refused_rows()
        if now == before:
            return
        for reason, count in now.items():
            if count > before[reason] and not self._warned:
                self._warned = True
                meaning = self.kind.refusal(reason) + (got() if reason == "target" else "")
                said = f"a row was not learned: {meaning}. {REJECTED}"
                warnings.warn(said, RefusedRow, stacklevel=depth)

    def _refused_rows(self) -> dict[str, int]:
        """Return counts of rows not learned, by reason."""
        return dict(zip(REFUSED, map(self.refused.get, REFUSED, repeat(0)), strict=True))

    def _weights(self, w: Any, n: int) -> list[float]:
        """Return the weights of n rows, 0 for invalid ones, which count as rejected."""
        weights, good = check_weights(w, n)
        if not good.all():
            self.refused["weight"] += int((~good).sum())
        return list(map(float, weights))

    # ---- the diagnosis sample, disabled unless a subclass opts in ----------------------------------------------------

    @property
    def sample(self) -> DiagnosisSample | None:
        """The sample for ``diagnose``, None before anything was learned or if disabled."""
        return None

    @property
    def sample_due(self) -> int | None:
        """Number of scored rows after which ``take_scored`` must be called, None if disabled."""
        return None

    def take_scored(self, rows: ScoredRows) -> None:  # noqa: B027 - most kinds keep nothing
        """Sample rows with delayed labels for the diagnosis. A session calls it."""

    def resume_sample(self, sample: DiagnosisSample) -> None:  # noqa: B027 - most kinds keep nothing
        """Restore a saved diagnosis sample."""

    @property
    def kept_record(self) -> Metrics | None:
        """The latest metrics of a session that the learner was in, in this process, None without any."""
        return vars(self).get("_record")

    def keep_record(self, record: Metrics) -> None:
        """Store the session's latest metrics for notebooks, unless its exact counts are a secret."""
        self._record = None if self.secret else record

    # ---- limits -----------------------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """Limits of a sample's size. They can be set at any time and are not saved with the model."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        if self._engine is not None:
            self._engine.set_limits(limits)

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Raise LimitError for rows that exceed the ``limits``, without learning anything.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples.
        y : sequence (n,), optional
            Their labels. Without them new classes are not counted.

        Returns
        -------
        Growth
            What learning them would add.

        Raises
        ------
        LimitError
            Names the limit.
        TargetError
            If a classifier's labels look like the targets of a regression.
        """
        new = self._new_answers(X, y)
        growth = self._growth_of(X, new)
        check_growth(growth, len(self.known_classes), self._limits)
        return growth

    def check_values(self, X: list[Any]) -> None:
        """Raise DataError for the first row with what is no embedding of its column. Without this check it is read as missing."""
        engine = self._engine
        if isinstance(engine, Engine):
            engine.core.learner.check_embeddings(X)

    def _growth_of(self, X: Any, new_classes: int) -> Growth:
        if self._engine is None and self.setup is not None:  # its layers need not be made to know what rows add
            return self.setup.growth_of(X, new_classes, self._limits)
        return (self._engine or self.new_engine()).growth_of(X, new_classes)

    def _new_answers(self, X: Any, y: Any) -> int:
        """Validate rows and return how many classes their labels would add."""
        check_rows(X)
        return 0

    # ---- aggregates of earlier rows -----------------------------------------------------------------------------------

    @property
    def has_rolling(self) -> bool:
        """Whether rows get aggregates of earlier rows (``rolling``)."""
        return self._rolling is not None

    @property
    def rolling_counts_(self) -> dict[str, int]:
        """Keys, rows (``events``) and bytes that ``rolling`` holds, and what it dropped, could not place or not read.

        ``keys_dropped`` and ``events_dropped`` went because of ``max_bytes`` and ``max_events``. ``late`` rows came more than the
        longest window after a later row of their key, so their own aggregates may lack rows. ``unread`` rows had no time or no key.
        Empty for a learner without ``rolling``.

        Examples
        --------
        >>> import headwater as hw
        >>> model = hw.Regressor(seed=1, rolling=hw.Rolling(key="card", time="at"))
        >>> model.learn_one({"card": "a", "at": 0.0}, 1.0)
        >>> model.rolling_counts_["keys"], model.rolling_counts_["events"]
        (1, 1)
        """
        with self.held():
            return {} if self._rolling is None else self._rolling.counts()

    def aggregates(self, x: Mapping[Any, Any]) -> dict[str, float | None]:
        """Return what ``rolling`` adds to a row, by column, without changing anything.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        dict
            Numbers, None where there is none, and {} for a row without a key or a time.

        Raises
        ------
        ConfigError
            If the learner has no ``rolling``.

        Examples
        --------
        >>> import headwater as hw
        >>> model = hw.Regressor(seed=1, rolling=hw.Rolling(key="card", time="at", over="1h"))
        >>> model.learn_one({"card": "a", "at": 0.0}, 1.0)
        >>> model.aggregates({"card": "a", "at": 60.0})
        {'card count 1h': 2.0, 'card since': 60.0}
        """
        check_sample(x)
        with self.held():
            aggregates = self._aggregating("aggregates")
            row = aggregates.look(x)
        return {name: row[name] for name in aggregates.columns if name in row}

    def observe(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Let a row whose label comes late count among the earlier rows at once, and return it with its aggregates.

        Predict and, when the label comes, learn the row that is returned. It keeps its aggregates and does not count twice.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        dict
            The sample with its aggregates.

        Raises
        ------
        ConfigError
            If the learner has no ``rolling``.

        Examples
        --------
        >>> import headwater as hw
        >>> model = hw.Regressor(seed=1, rolling=hw.Rolling(key="card", time="at", over="1h", rows="count"))
        >>> rows = [model.observe({"card": "a", "at": 60 * minute}) for minute in range(3)]
        >>> for row in rows:
        ...     model.learn_one(row, 1.0)
        >>> rows[-1], model.rolling_counts_["events"]
        ({'card': 'a', 'at': 120, 'card count 1h': 3.0}, 3)
        """
        check_sample(x)
        with self.held():
            return self._aggregating("observe").enter(x)

    def _aggregating(self, at: str) -> Aggregates:
        if self._rolling is None:
            raise ConfigError(
                expected="a learner with rolling",
                got=f"{type(self).__name__} without it",
                at=at,
                help="Make it with e.g. rolling=headwater.Rolling(key='card', time='at', over=('1h', '24h')).",
            )
        return self._rolling

    def as_read(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return a row with all columns that it is read with."""
        if self._rolling is None:
            return dict(x)
        with self.held():
            return self._rolling.look(x)

    def as_observed(self, X: Sequence[Mapping[Any, Any]]) -> list[dict[Any, Any]]:
        """Return rows with all columns that each is read with once those before it were observed. Nothing changes."""
        if self._rolling is None:
            return [dict(x) for x in X]
        with self.held():
            return self._rolling.ahead(X)

    def aggregates_in(self, x: Mapping[Any, Any], read: Mapping[Any, Any]) -> dict[str, float | None]:
        """Return the aggregates that a row was read with."""
        return {} if self._rolling is None else self._rolling.split(x, read)

    def observed_state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of rows that were observed before any was learned, {} if there are none."""
        if self._engine is not None or self._rolling is None or not self._rolling.has_any:
            return {}
        return self._rolling.state()

    def resume_observed(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Restore what ``observed_state`` returned."""
        if self._rolling is not None:
            self._rolling = AGGREGATES(self._rolling.rolling, state)

    def observed(self, X: Any) -> Any:
        """Return rows to predict now and to learn later, each observed."""
        return X if self._rolling is None else [self.observe(x) for x in as_dicts(X)]

    # ---- settings ---------------------------------------------------------------------------------------------------

    if not TYPE_CHECKING:  # hidden from mypy, so that using one is a type error
        fit = Elsewhere("fit")
        partial_fit = Elsewhere("partial_fit")
        predict = Elsewhere("predict")
        predict_proba = Elsewhere("predict_proba")
        decision_function = Elsewhere("decision_function")
        score = Elsewhere("score")
        learn_one = Elsewhere("learn_one", sklearn=False)
        predict_one = Elsewhere("predict_one", sklearn=False)
        predict_proba_one = Elsewhere("predict_proba_one", sklearn=False)
        score_one = Elsewhere("score_one", sklearn=False)
        learn = Elsewhere("learn", sklearn=False)
        act = Elsewhere("act", sklearn=False)

    def __dir__(self) -> list[str]:
        names, cls = public_names(super().__dir__(), self._seams), type(self)
        return [name for name in names if not isinstance(getattr_static(cls, name, None), Elsewhere)]

    def __repr__(self) -> str:
        return shown(self)

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """Return a learner with the same settings, some replaced, and on request with its learned state."""
        clone = type(self)(**copy.deepcopy(replaced(self, new_params or {})))
        if include_attributes:
            given = settings_of(self)
            vars(clone).update({name: value for name, value in vars(self._copied({})).items() if name not in given})
        return clone

    def _get_params(self) -> dict[str, Any]:
        return params_of(self)

    def _copied(self, memo: dict[int, Any]) -> Self:
        """Return a deep copy, made while other threads are locked out."""
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        with self.held():
            own = {name: copy.deepcopy(value, memo) for name, value in vars(self).items() if name != "lock"}
        vars(copied).update(own, lock=threading.RLock())
        copied._read_as_noted()
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._copied(memo)

    def __getstate__(self) -> dict[str, Any]:  # for pickle and copy.copy
        return {name: value for name, value in vars(self._copied({})).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, lock=threading.RLock())
        self._read_as_noted()

    def note_reading(self, columns: Mapping[str, Any]) -> None:
        """Remember how the columns of a file were read, so that single rows and further files are read alike."""
        if columns:
            self.notes = {**self.notes, "columns": {**self.notes.get("columns", {}), **columns}}
            self._read_as_noted()

    def _read_as_noted(self) -> None:
        """Read texts of single rows in the formats of the file that was learned."""
        if self.notes.get("columns") and isinstance(self._engine, Engine):
            self._engine.read_as(self.notes)

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
            If the state contains something that this kind of learner doesn't have.
        """
        for name, given in (("classes", classes), ("sample", sample)):
            if given:
                raise ValueError(name, f"none of them in a {type(self).__name__}", given)
        self._engine, self.refused, self.notes = engine, refused, notes
        if isinstance(engine, Engine) and engine.rolling is not None:
            self._rolling = engine.rolling
        self._read_as_noted()
        if not (isinstance(engine, Engine) and engine.limits is self._limits):  # which it was made with
            self.limits = self._limits

    # ---- state ------------------------------------------------------------------------------------------------------

    @property
    def written_notes(self) -> dict[str, Any]:
        """The notes for a file."""
        return self.notes

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the learner against other threads, so that everything read is consistent."""
        with self.lock:
            engine = self._engine
            if engine is None:
                yield
                return
            with engine.held():
                yield

    @property
    def engine(self) -> BaseEngine | None:
        """The engine that holds the parameters, None before the first row was learned."""
        return self._engine

    @property
    def known_classes(self) -> list[Any]:
        """Classes seen so far in the order of the probabilities, empty for all but classifiers."""
        return []

    @property
    def members(self) -> Mapping[Any, Learner]:
        """The learner's members by output, empty for all but multi-output learners."""
        return {}

    @property
    def setup(self) -> Setup | None:
        """The declaration of the engine, None for kinds that build their engine differently."""
        return vars(self).get("_setup")

    @property
    def coverage_(self) -> dict[float, dict[str, float]]:
        """Empirical coverage of issued sets or intervals by nominal coverage, empty for kinds without them."""
        return {}

    @property
    def unit_changes_(self) -> list[Any]:
        """Changes of units that were noticed and followed, empty for kinds that don't follow them."""
        return []

    @property
    def successions_(self) -> list[Any]:
        """Last sudden change after which a new learner took over, empty for kinds that have no successors."""
        return []

    @property
    def n_learned(self) -> int:
        """Number of rows learned."""
        return 0 if self._engine is None else self._engine.learned

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of rejected rows, dropped values and undone steps, by reason (``validation.REASONS``)."""
        counts = self.refused + Counter(self._engine.rejected if self._engine else {})
        own = self.kind.own_inputs
        if counts["far"] and own and self._engine and not _has_numbers(self._engine.columns, own):
            del counts["far"]  # of inputs that the learner makes itself
        return dict(sorted(counts.items()))

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """State of each expert (mixture weight, fading loss, steps taken and undone, times reinitialized)."""
        return [] if self._engine is None else self._engine.experts()

    def describe(self) -> dict[str, Any]:
        """Describe the model (layers with shapes and parameter counts, optimizer, features, classes, rows learned).

        Returns
        -------
        dict
            JSON values, except for class labels.
        """
        with self.held():
            return {"task": self.task, "classes": self.known_classes, **self._about(), "rejected": self.rejected}

    # ---- one question and one step for every kind ------------------------------------------------------------------------

    def ask(self, X: Any = None, **question: Any) -> Response:
        """Answer the kind's question for each row or time ahead, without changing the learner.

        ``predict_many``, ``score_many``, ``forecast`` and ``act`` are other spellings of it. ``kind.question`` names the
        settings, ``kind.response`` the columns.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame, optional
            Rows; a forecaster needs none.
        **question
            Settings of the question.

        Returns
        -------
        Response
            Named columns.

        Raises
        ------
        ConfigError, DataError
            If the kind has no such setting, or a value can't be.
        """
        return self.kind.ask(self, X, **question)

    def step(self, X: Any, y: Any = None, w: Any = None) -> Response:
        """Predict each row right before it is learned, and return the predictions.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows.
        y : sequence (n,), optional
            What the kind learns beside each: ``kind.answer``.
        w : sequence (n,), optional
            Weights.

        Returns
        -------
        Response
        """
        return self.kind.told(self.step_many(X, y, w))

    # ---- labels within a budget, for kinds that predict classes ----------------------------------------------------------

    def should_label(self, x: Mapping[Any, Any], budget: float = 0.05) -> bool:
        """Decide by uncertainty and chance whether a row is worth a label, within a budget.

        Ask before the row is learned, for each row of the stream. ``label_budget`` has the probability with which it was asked.

        Parameters
        ----------
        x : dict
            The sample.
        budget : float
            Share of rows whose labels can be paid for.

        Returns
        -------
        bool

        Raises
        ------
        ConfigError
            If the kind predicts no classes, or the budget is not above 0 and at most 1.

        Examples
        --------
        >>> import headwater as hw
        >>> model = hw.Classifier(seed=1)
        >>> for i in range(1_000):
        ...     x, y = {"a": i % 10}, "low" if i % 10 < 5 else "high"
        ...     right = model.predict_one(x) == y
        ...     if model.should_label(x, budget=0.05):
        ...         model.label_budget.score(right)
        ...         model.learn_one(x, y)
        >>> model.label_budget.asked == model.n_learned, 30 < model.n_learned < 80
        (True, True)
        """
        from headwater.learner.monitoring.label_budget import uncertainty

        check_can(self, "labels", at="should_label")
        with self.lock:
            shares = self.kind.predicted(self, [x])[0][1] if self.kind.predicted else None
            return self.label_budget.ask(uncertainty((shares or {}).values()), budget)

    @property
    def label_budget(self) -> LabelBudget:
        """How many labels were asked for, and scores of the labeled rows that stand for all rows. Saved with the model."""
        from headwater.learner.monitoring.label_budget import LabelBudget

        return LabelBudget(self.notes.setdefault("label_budget", {}), self.seed)

    # ---- what rooms above do, or refuse for some kinds (see `headwater.types.Lazy`) ---------------------------------------

    def importance(self, method: str | None = None) -> dict[Any, float]:
        """Return the current importance of each feature, as ``headwater.explain.importance``."""
        importance: dict[Any, float] = _IMPORTANCE(self, method)
        return importance

    def diagnose(self) -> Any:
        """Return problems with evidence and remedy, as ``headwater.diagnose.diagnose``."""
        return _DIAGNOSE(self)

    def plot(self, x: Any = None) -> Any:
        """Plot what the learner knows with matplotlib, as its kind declares.

        Of a learner with layers these are the weights and activations of each layer, as ``headwater.plot.layers`` draws them. Scores
        are drawn by what has them: ``hw.evaluate``, a session or a store.

        Parameters
        ----------
        x : dict, optional
            A row to ask about. Of a learner with layers, rows to compute activations for.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return _PLOT(self, x)

    def save(self, path: Any) -> None:
        """Write the model to a file atomically. ``headwater.load`` reads it.

        The format is safetensors with a JSON header. Use it for storage. ``pickle`` and ``joblib`` move a model bit for bit to
        another process of the same headwater version only, and a pickle of unknown origin can run any program.

        Parameters
        ----------
        path : str or Path
            The file. Its contents are replaced.
        """
        SAVE(self, path)

    def export_onnx(self, path: Any, *, opset: int = 17, array: bool = False) -> None:
        """Write the model in its current state to an ONNX file with preprocessing, as ``store.export_onnx``.

        Parameters
        ----------
        path : str or Path
            The file. Its contents are replaced.
        opset : int
            Version of the ONNX operator set.
        array : bool
            Use one input X (N, d) instead of one per column, for a learner trained on arrays.
        """
        EXPORT_ONNX(self, path, opset=opset, array=array)


def at_one_moment(read: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate a function that reads several arrays of its first argument, a learner, to see a consistent state.

    Other threads that predict or learn wait meanwhile. An argument that is not a learner is passed through.

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


def _has_numbers(columns: Mapping[Any, Column], own: str) -> bool:
    """Return whether rows had numbers or dates, beside the inputs that a learner adds by itself, whose names begin with ``own``."""
    return any(one.kind in (NUMBER, TIME) and not str(name).startswith(own) for name, one in columns.items())
