"""Types that all rooms share, and the letters used everywhere.

Glossary of letters
-------------------
::

    x, X        one sample (a mapping of names to values), many samples
    y, y_pred   the answer, the prediction of it
    w           the weight of a sample (1.0 unless given); W: the weights of a layer; b: its bias
    P, G, S, A, D   the flat arrays: parameters, gradients, optimizer state S[k], activations, deltas (dLoss/dz)
    z, h        a layer before and after its activation: z = W·x + b, h = f(z)
    n, m, k     number of inputs, outputs, classes; n also counts rows where no layer is meant
    t           the step, counted from 1
    lr          the learning rate: the step size
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from importlib import import_module
from itertools import chain, count
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Bools",
    "Comparison",
    "Event",
    "Float32s",
    "Float64s",
    "Floats",
    "Predictions",
    "Int32s",
    "Int64s",
    "Label",
    "Lazy",
    "Learner",
    "Prediction",
    "Metrics",
    "Sample",
    "ScoredRows",
    "Scores",
    "Span",
    "as_mapping",
    "finite_or_none",
    "join",
    "lazily",
    "own_numbers",
    "public_names",
    "with_own_numbers",
]

# A sample maps names to numbers, strings, booleans, None/NaN (missing), date-times, lists or arrays. The key is Any
# and not Hashable since Mapping is invariant in its key: a dict[str, float] would not be a Mapping[Hashable, Any].
Sample: TypeAlias = Mapping[Any, Any]
Label: TypeAlias = Hashable  # a class: text, number, boolean, bytes, tuple of these; for a regressor: a float
Prediction: TypeAlias = Any  # a Label for a classifier (None before the first class is known), a float for a regressor

Floats: TypeAlias = NDArray[np.floating[Any]]  # float32 by default, float64 on request
Float32s: TypeAlias = NDArray[np.float32]
Float64s: TypeAlias = NDArray[np.float64]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

Scores: TypeAlias = dict[str, float]  # name of the score → its value; NaN where it is not defined yet


@dataclass(frozen=True)  # without slots, so that what was imported is kept beside its path
class Lazy:
    """A function or a class of a higher room, imported when it is first used.

    A learner may not import the rooms that save, explain or draw it, since they import it.

    Parameters
    ----------
    path : str
        ``"package.module:name"``.

    Examples
    --------
    >>> Lazy("math:sqrt")(4.0)
    2.0
    """

    path: str

    @cached_property
    def value(self) -> Any:
        """The function or class itself."""
        module, _, name = self.path.partition(":")
        return getattr(import_module(module), name)

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return self.value(*args, **settings)


class _Narwhals:
    """Frames of any library. Importing it takes 60 ms, 260 without bytecode, which rows that are dicts need not wait for."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module("narwhals.stable.v1"), name)
        self.__dict__[name] = value
        return value


if TYPE_CHECKING:
    from narwhals.stable import v1

    nw = v1
else:
    nw = _Narwhals()


def lazily(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package that imports its public names when they are first asked for (PEP 562).

    Parameters
    ----------
    package : str
        Name of the package.
    names : dict
        By module, relative to the package, the names it defines, with spaces between. None is that of a module, which its package has
        under this name once it is imported (tests/project/test_house.py).

    Examples
    --------
    >>> lazily("json", {".decoder": "JSONDecoder"})("JSONDecoder").__name__
    'JSONDecoder'
    """
    homes: dict[str, str] = {}
    for home, own in names.items():
        homes |= dict.fromkeys(own.split(), home)

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return find


def public_names(names: Iterable[str], others: Collection[str] = ()) -> list[str]:
    """Return the names that completion shows, without those of other rooms and those that begin with an underscore.

    Examples
    --------
    >>> public_names(["save", "_engine", "held", "__init__"], {"held"})
    ['save']
    """
    return sorted(name for name in names if not name.startswith("_") and name not in others)


SAVE = Lazy("headwater.store.learner_file:save")
EXPORT_ONNX = Lazy("headwater.store.onnx.export:export_onnx")
COMPARE = Lazy("headwater.route.verdict.verdict:compare_baselines")
SENTENCES = Lazy("headwater.route.verdict.verdict:sentences_of")
NOTEBOOK = Lazy("headwater.interop.notebook.representation:html")
SCORED_FIGURE = Lazy("headwater.plot.overview:scored_figure")
SCORED_PICTURES = Lazy("headwater.plot.overview:scored_pictures")
"""What a notebook shows of a learner, a network or a result."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions for n rows, each made before its row was learned.

    Parameters
    ----------
    y_pred
        One prediction a row: labels (None where no class was known yet), or floats.
    proba
        Shape (n, k), one column a class in the order of `classes`; a class that wasn't known yet when the row was
        predicted has 0 there, so a block of rows says the same as its rows one by one. None for a regressor.
    classes
        The k labels of the columns. Empty for a regressor.
    lower, upper
        Shape (n,): the ends of an interval for each row, for a regressor that gives one.
    rewards
        Shape (n, k): the reward expected of each action, of a bandit, whose actions are the `classes`.

    Examples
    --------
    >>> forecast = Predictions(y_pred=["a", "b"], proba=np.array([[0.9, 0.1], [0.2, 0.8]]), classes=("a", "b"))
    >>> len(forecast)
    2
    """

    y_pred: Sequence[Prediction] | NDArray[Any]
    proba: Floats | None = None
    classes: tuple[Label, ...] = ()
    lower: Floats | None = None
    upper: Floats | None = None
    rewards: Floats | None = None

    def __len__(self) -> int:
        return len(self.y_pred)

    def proba_of(self, y: Sequence[Label]) -> list[float]:
        """Return the probability that was given to each label.

        It is 0 for a class that wasn't known yet, and NaN where no class was known.

        Examples
        --------
        >>> given = Predictions(y_pred=["a", "a"], proba=np.array([[0.75, 0.25], [1.0, 0.0]]), classes=("a", "b"))
        >>> given.proba_of(["b", "c"])
        [0.25, 0.0]
        """
        if self.proba is None:
            return [math.nan] * len(y)
        rows: list[list[float]] = self.proba.tolist()
        if len(rows) == 1 == len(y):
            given = [rows[0][self.classes.index(y[0])] if y[0] in self.classes else 0.0]
        else:
            column = dict(zip(self.classes, count(), strict=False))
            given = [row[column[label]] if label in column else 0.0 for row, label in zip(rows, y, strict=True)]
        if self.y_pred[0] is None:  # rows after one with a prediction have one too
            given = [math.nan if guess is None else p for guess, p in zip(self.y_pred, given, strict=True)]
        return given


def join(forecasts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of consecutive rows as one, also of learners that know different classes.

    Classes come in the order in which they appear first. Rows whose learner didn't know a class give it 0.

    Examples
    --------
    >>> first = Predictions(["a"], np.array([[1.0]]), ("a",))
    >>> join([first, Predictions(["b"], np.array([[0.25, 0.75]]), ("a", "b"))]).proba.tolist()
    [[1.0, 0.0], [0.25, 0.75]]
    """
    if len(forecasts) == 1:
        return forecasts[0]
    if not forecasts:
        return Predictions(y_pred=[])
    classes = tuple(dict.fromkeys(chain.from_iterable(forecast.classes for forecast in forecasts)))
    return Predictions(
        y_pred=list(chain.from_iterable(_values(forecast.y_pred) for forecast in forecasts)),
        proba=_stacked([_placed(forecast.proba, forecast.classes, classes) for forecast in forecasts], len(classes)),
        classes=classes,
        lower=_stacked([forecast.lower for forecast in forecasts]),
        upper=_stacked([forecast.upper for forecast in forecasts]),
        rewards=_stacked(
            [_placed(forecast.rewards, forecast.classes, classes) for forecast in forecasts], len(classes)
        ),
    )


def _values(y_pred: Any) -> Any:
    """Return predictions as Python's own values, since what is written as JSON takes no scalars of NumPy for numbers."""
    return y_pred.tolist() if isinstance(y_pred, np.ndarray) else y_pred


def _placed(piece: Floats | None, own: tuple[Label, ...], classes: tuple[Label, ...]) -> Floats | None:
    """Return columns of a learner's own classes as columns of all, unchanged where the first of all are its own."""
    if piece is None or own == classes[: len(own)]:
        return piece
    found = np.zeros((len(piece), len(classes)), piece.dtype)
    found[:, [classes.index(label) for label in own]] = piece
    return found


def _stacked(pieces: Sequence[Floats | None], k: int = 0) -> Floats | None:
    given = [piece for piece in pieces if piece is not None]
    if len(given) < len(pieces):
        return None
    if k:
        given = [np.pad(piece, ((0, 0), (0, k - piece.shape[1]))) for piece in given]
    return np.concatenate(given)


class Learner(Protocol):
    """Protocol of a learner that a route can train.

    `Classifier` and `Regressor` follow it.
    """

    @property
    def task(self) -> str:
        """``"classify"`` or ``"regress"``."""

    @property
    def rejected(self) -> dict[str, int]:
        """Rows that the guards rejected or clipped, by reason."""

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Learn rows one by one, predicting before each that row, or the row of `ask` in its place."""

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing anything."""

    def save(self, path: Any) -> None:
        """Write the learner to a file, all or nothing."""


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Some rows whose answers have been scored, in order.

    Parameters
    ----------
    first
        The number of the first of them among all scored rows, counted from 1.
    X
        Samples: a list of dicts, or an array of shape (n, features).
    y, y_pred
        Their answers, and what was predicted before they were learned.
    proba
        The probability that was given to each answer; NaN where none was.
    task
        ``"classify"`` or ``"regress"``.
    forecast
        The predictions with the probabilities of all classes; None where they were given out earlier, for late answers.

    Examples
    --------
    >>> rows = ScoredRows(1, [{"a": 1.0}, {"a": 2.0}], ["no", "yes"], ["no", "no"], [0.75, 0.5], "classify")
    >>> len(rows), rows.last
    (2, 2)
    """

    first: int
    X: Any
    y: Sequence[Any]
    y_pred: Sequence[Any]
    proba: Sequence[float]
    task: str
    forecast: Predictions | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.first + len(self.y) - 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened while learning, such as drift or a step that was undone.

    Parameters
    ----------
    row
        The row of the stream at which it happened, counted from 1.
    kind
        A short name in the field's words, e.g. ``"drift_detected"``.
    text
        One sentence for a reader.
    size
        Its size, which ranks events of one kind. For a drift, by how much the cost of a prediction rose (0 to 1), or how far
        the distribution of an input moved (0 to 1).
    """

    row: int
    kind: str
    text: str
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """One metric over a number of rows, episodes or other units.

    Parameters
    ----------
    n
        How many.
    model
        The value of the model; NaN where it is not defined.
    guesses
        The value of each simple baseline, by its name.
    """

    n: int
    model: float
    guesses: Scores = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of a model beside its baselines, lately and since the start, for the verdict of all pages.

    Parameters
    ----------
    metric
        The name of the metric.
    phrase
        Which phrase says it, of those in ``route.verdict.phrases``.
    more_is_better
        Whether more of it is better; None where neither is.
    unit
        What is counted: "rows", "values", "decisions", "episodes".
    recent, overall
        The metric over the window, and over all that was scored.
    output
        The output that it is of, where there are several.
    """

    metric: str
    phrase: str
    more_is_better: bool | None
    unit: str
    recent: Span
    overall: Span
    output: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as values for JSON, None for what is not defined."""
        spans = {name: _span_as_dict(span) for name, span in (("recent", self.recent), ("overall", self.overall))}
        return {name: getattr(self, name) for name in self.__slots__ if name not in spans} | spans


def _span_as_dict(span: Span) -> dict[str, Any]:
    guesses = {name: finite_or_none(value) for name, value in span.guesses.items()}
    return {"n": span.n, "model": finite_or_none(span.model), "guesses": guesses}


def finite_or_none(value: float) -> float | None:
    """Return a number for JSON, None for NaN and infinities."""
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Metrics:
    """The scores and counts of a session after some rows.

    Parameters
    ----------
    rows
        Rows predicted so far.
    scored
        Rows whose answer has arrived and been scored; the last `delay` rows wait for theirs.
    window
        How many of the last scored rows the window scores are over.
    names
        The names of the scores, the most important first.
    scores, window_scores
        Score by name, over all scored rows and over the window.
    baselines, window_baselines
        The same scores, on the same rows, for simple baselines: ``"no-change"``, and ``"majority"`` or
        ``"mean"``.
    rows_per_s
        Rows read, predicted and learned per second. The first doesn't count, since it may wait for imports.
    rejected
        Rows that could not be read or learned, counted by reason.
    events
        What happened since the last record.
    unscored
        Rows that were predicted before any class was known. They are scored neither for the model nor for the baselines.
    coverage
        For sets, or intervals with a guarantee, at 90 %: the number of ``rows`` compared, the share ``covered``, their mean
        ``size``, both ``lately``, and rows of a class never seen (``unseen``). Empty for a learner that gives none.
    comparisons
        What the verdict is about, as the score of the learner's kind declares it.
    interval, window_interval
        95 % interval of the first score, over all scored rows and over the window. None for a kind whose scores are no estimates.
    leads
        By how much the learner is better than whoever made the choices of the log, over the "recent" rows and "overall", each with its
        95 % interval (`Lead`). Empty for a kind that learns from no one's choices.
    """

    rows: int
    scored: int
    window: int
    names: tuple[str, ...] = ()
    scores: Scores = field(default_factory=dict)
    window_scores: Scores = field(default_factory=dict)
    baselines: dict[str, Scores] = field(default_factory=dict)
    window_baselines: dict[str, Scores] = field(default_factory=dict)
    rows_per_s: float = 0.0
    rejected: dict[str, int] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    unscored: int = 0
    coverage: Scores = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    interval: tuple[float, float] | None = None
    window_interval: tuple[float, float] | None = None
    leads: Mapping[str, Any] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    @property
    def verdict(self) -> str:
        """How good the model is, lately and since the start, each beside its best baseline."""
        said: str = COMPARE(self)
        return said

    @property
    def sentences(self) -> list[str]:
        """The sentences of the verdict, each for a line."""
        said: list[str] = SENTENCES(self)
        return said

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain dicts, lists, numbers and strings.

        A score that is not defined is None. Intervals and leads are there only where the kind has them.

        Examples
        --------
        >>> Metrics(rows=2, scored=2, window=2, scores={"accuracy": 0.5, "kappa": float("nan")}).as_dict()["scores"]
        {'accuracy': 0.5, 'kappa': None}
        """
        plain: dict[str, Any] = asdict(self)
        del plain["comparisons"]  # the same numbers again
        if self.leads:
            plain["leads"] = {name: None if lead is None else lead.as_dict() for name, lead in self.leads.items()}
        else:
            del plain["interval"], plain["window_interval"], plain["leads"]
        for key in ("scores", "window_scores", "coverage"):
            plain[key] = _defined(plain[key])
        for key in ("baselines", "window_baselines"):
            plain[key] = {name: _defined(scores) for name, scores in plain[key].items()}
        plain["names"], plain["events"] = list(plain["names"]), list(plain["events"])
        return plain


def _defined(scores: Scores) -> dict[str, float | None]:
    # JSON has no NaN. msgspec writes null for it, json.dumps a word that other parsers reject.
    return {name: None if value != value else value for name, value in scores.items()}


def as_mapping(x: Any) -> Mapping[Any, Any]:
    """Return a row as a mapping of names to values.

    The columns of an array are named x0, x1 and so on.

    Examples
    --------
    >>> as_mapping(np.array([1.5, 2.0]))
    {'x0': 1.5, 'x1': 2.0}
    """
    return x if isinstance(x, Mapping) else {f"x{j}": value for j, value in enumerate(x.tolist())}


own_numbers = frozenset(np.sctypeDict.values()).isdisjoint
"""Whether none of some types is one of NumPy's scalars. It is no function of Python, since pools make dozens of settings."""


def with_own_numbers(settings: Any) -> None:
    """Replace NumPy's scalars among the fields of a dataclass by Python's, which its checks, its repr and its file know.

    Settings come from ``rng.choice``, ``np.arange`` and ``np.logspace`` where they are searched for.

    Examples
    --------
    >>> span = Span(np.int64(2), np.float64(0.5), {})
    >>> with_own_numbers(span)
    >>> span
    Span(n=2, model=0.5, guesses={})
    """
    for one in fields(settings):
        if not one.init:
            continue
        value = getattr(settings, one.name)
        if isinstance(value, np.generic):
            object.__setattr__(settings, one.name, value.item())
        elif type(value) in (list, tuple) and not own_numbers(map(type, value)):
            plain = [item.item() if isinstance(item, np.generic) else item for item in value]
            object.__setattr__(settings, one.name, type(value)(plain))


def _record(module: ModuleType) -> type[Metrics]:
    """Return `Metrics`, which had another name until 1.0."""
    _WARN_RENAMED.value(f"{module.__name__}.Record", f"{module.__name__}.Metrics", since="1.0", gone_in="2.0")
    return Metrics


_record.__gone_in__ = "2.0"  # type: ignore[attr-defined]
_WARN_RENAMED = Lazy("headwater.errors._deprecation:warn_renamed")
if TYPE_CHECKING:
    Record: TypeAlias = Metrics
else:  # no __getattr__, with which a type checker takes every name for one that is there, and each import asks it for __path__
    sys.modules[__name__].__class__ = type("Types", (ModuleType,), {"Record": property(_record)})
