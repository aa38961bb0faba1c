"""Validate labels and weights, rejecting and counting invalid rows without losing anything learned."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.rows import TableRows
from headwater.encode.values import FLOAT, KEY_BITS, SCALARS, as_float, as_key, kind_of
from headwater.errors import DataError, shown
from headwater.streams.readers.frame_rows import FrameRows, is_frame, native_frame, without_views
from headwater.types import Lazy, nw

_SPARSE_ROWS = Lazy("headwater.encode.sparse:sparse_rows")
FARTHEST = 1e30
"""Largest valid magnitude of a target."""
HEAVIEST = 1e15
"""Largest valid weight. The square of a weighted gradient beyond it would overflow and never leave an optimizer's moments."""

PLAIN = frozenset((str, int, bool, bytes))
"""Hashable types that are never NaN, and so need no further validation, but that an int may have too many digits for a file."""

KNOWABLE = PLAIN | {float, *SCALARS}
"""Hashable types of a label that may be a class which is known: a label equal to it is that class."""

OF_NUMPY = frozenset(SCALARS[:-1])
"""NumPy's types of numbers."""


CLASSES = "classes are texts, numbers, booleans, bytes, or tuples of these; str(y) makes one"
ANSWERS = {
    True: f"the answer is missing or can't be a class ({CLASSES})",
    False: "the answer is missing, is not a number or is beyond 1e30, or is not a count where the loss is of counts",
}
"""What is wrong with an answer that is refused, by whether the learner's answers are classes."""

REASONS: dict[str, str] = {
    "target": f"the answer is missing, can't be a class ({CLASSES}), or is not a number, not a count or beyond 1e30 "
    "where that is needed",
    "weight": "the weight of the sample is negative, beyond 1e15, or not a number",
    "decision": "the action is invalid, its reward is not a number, a router's quality is outside of its range, or the probability is "
    "not above 0 and at most 1",
    "price": "a decision of a model that has no price, whose quality was learned but which is never chosen",
    "reward": "a reward outside of the declared range, clipped to it",
    "infinite": "an infinite value, read as missing",
    "huge": "a value beyond 1e30, clipped to 1e30",
    "far": "a value more than ten deviations from its column's mean (of dates, and more than two years), clipped in the "
    "statistics and replaced by the mean beyond a thousand; the first value after a step, as to the next year, and a forecaster's own "
    "inputs may count",
    "far_target": "an answer more than ten deviations from the mean, clipped to ten in the statistics",
    "type": "a value of a type that is not a feature, read as missing",
    "overflow": "the net's output was not finite, so the row was not learned",
    "diverged": "a step that raised the loss of its own row sharply, undone with the step size halved for a while",
}
"""Meaning of each reason in ``rejected``. The first three reject the row, so that not even its names are added. The
next six clip or drop a value. The last two guard the step.
"""


@dataclass(slots=True)
class Block:
    """Validated rows to learn together.

    Parameters
    ----------
    X
        The samples.
    y
        Labels (n,), a list of classes or an array of numbers.
    w, good
        Weights (n,), and which rows can be learned.
    ask
        Rows to predict in lockstep, or None.
    numbers
        Class indices (n,) if all labels are known classes, else None.
    rows, asked
        X and ``ask`` in the core's form, None until the engine has converted them.
    refused
        Masks of rejected rows by reason.
    rolled
        Whether learning has put each row of ``rows`` in the form with its aggregates.
    """

    X: Any
    y: Any
    w: NDArray[np.float64]
    good: NDArray[np.bool_]
    ask: Any = None
    numbers: NDArray[np.float64] | None = None
    rows: Any = None
    asked: Any = None
    refused: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    rolled: bool = False

    @property
    def as_learned(self) -> Any:
        """The samples with all columns that they were learned with."""
        return self.rows if self.rolled else self.X

    def part(self, rows: slice) -> Block:
        """Return some of the rows as a block."""
        if rows == slice(0, len(self.y)):
            return self
        X, ask = (_some(samples, rows) for samples in (self.X, self.ask))
        numbers = None if self.numbers is None else self.numbers[rows]
        refused = {reason: refuses[rows] for reason, refuses in self.refused.items()}
        return Block(X, self.y[rows], self.w[rows], self.good[rows], ask, numbers, refused=refused)

    def count(self, rejected: Counter[str]) -> None:
        """Add the counts of rejected rows."""
        for reason, refuses in self.refused.items():
            rejected[reason] += int(refuses.sum())


def _some(X: Any, rows: slice) -> Any:
    """Return some rows of samples of any form, or None for None."""
    if X is None or isinstance(X, np.ndarray | Sequence):
        return X if X is None else X[rows]
    return native_frame(FrameRows(X)[rows])


REFUSED = ("target", "weight", "decision")
"""Reasons that reject a whole row."""


def check_block(
    X: Any,
    y: Any,
    w: Any,
    ask: Any,
    span: tuple[float, float] | None,
    known: Mapping[Any, int] | None = None,
) -> Block:
    """Validate rows, labels and weights. `Block.count` counts the rejected ones.

    Parameters
    ----------
    X, y, w, ask
        As in ``step_many``.
    span
        Smallest and largest valid target, None for classes.
    known
        Indices of the known classes.

    Returns
    -------
    Block
    """
    X, answers = X if type(X) is list else as_samples(X), y if type(y) is list else as_answers(y)
    ask = None if ask is None else as_samples(ask)
    n = check_pairs(X, answers, ask)
    weights, weighed = check_weights(w, n)
    numbers = None
    if span is None:
        values: Any = answers.tolist() if isinstance(answers, np.ndarray) else list(answers)
        numbers = known_numbers(values, known) if known else None
        good = check_labels(values) if numbers is None else _GOOD[:n] if n <= _MOST else np.ones(n, bool)
    else:
        values, good = check_numbers(answers, *span)
    if w is not None or numbers is None:
        both = good & weighed
        if not both.all():
            return Block(X, values, weights, both, ask, numbers, refused={"target": ~good, "weight": ~weighed})
    return Block(X, values, weights, good, ask, numbers)


def as_samples(X: Any) -> Any:
    """Normalize rows, collecting lazy frames and converting SciPy sparse matrices to ``SparseRows``."""
    if type(X) is list:
        return X
    if isinstance(X, np.ndarray) and type(X) is not np.ndarray and isinstance(X, np.ma.MaskedArray):
        return _unmasked(X)
    if isinstance(X, np.ndarray | Sequence):
        return X
    if is_frame(X):
        return without_views(X)
    if type(X).__module__.startswith("scipy.sparse"):
        return _SPARSE_ROWS(X)
    if type(X).__module__.startswith("pyarrow") and type(X).__name__ == "RecordBatch":
        return as_samples(type(X.schema.empty_table()).from_batches([X]))
    frame = nw.from_native(X, pass_through=True)
    return frame.collect().to_native() if isinstance(frame, nw.LazyFrame) else X


def _unmasked(array: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """Return the data of a masked array, with NaN or, among objects, None where it is masked."""
    numbers = array.dtype.kind in "fiub"
    out: NDArray[Any] = np.array(
        array.data, array.dtype if array.dtype.kind in "fO" else np.float64 if numbers else object
    )
    out[np.ma.getmaskarray(array)] = np.nan if numbers else None
    return out


def check_rows(X: Any) -> int:
    """Return the number of rows after checking that X is a list of mappings, a 2-d array or a data frame."""
    if type(X) is list and set(map(type, X)) == _DICTS:
        return len(X)
    if isinstance(X, TableRows) or (isinstance(X, np.ndarray) and X.ndim == 2):
        return len(X)
    if isinstance(X, Sequence) and not isinstance(X, str | bytes):
        for i, x in enumerate(X):
            if type(x) is not dict and not isinstance(x, Mapping):
                raise DataError(
                    expected="a mapping of names to values",
                    got=type(x).__name__,
                    at=f"sample {i}",
                    help="Give a dict, or rows to a method whose name ends in _many.",
                )
        return len(X)
    if is_frame(X):
        return len(X)
    raise DataError(
        expected="a list of dicts, a 2-d array or a data frame",
        got=f"{X.ndim}-d array" if isinstance(X, np.ndarray) else type(X).__name__,
        at="X",
        help="For one sample use predict_one or learn_one.",
    )


def check_sample(x: Any) -> None:
    """Raise DataError unless x is a mapping."""
    if type(x) is not dict:
        check_rows([x])


def not_as_many(given: Any, n: int, what: str = "answers", *, at: str = "y", of: str = "rows") -> DataError:
    """Return the error of answers that are fewer or more than their rows, n."""
    return DataError(expected=f"as many {what} as {of} ({n})", got=str(len(given)), at=at, help="Give one for each.")


def check_pairs(X: Any, y: Sequence[Any] | NDArray[Any], ask: Any) -> int:
    """Return the number of rows after checking that X, y and ``ask`` agree on it."""
    n = check_rows(X)
    if len(y) != n:
        raise not_as_many(y, n)
    if ask is not None and check_rows(ask) != n and n:
        raise DataError(
            expected=f"as many rows to predict as rows to learn ({n})",
            got=str(len(ask)),
            at="ask",
            help="Give one for each row, or no rows to learn.",
        )
    return n


def as_answers(y: Any) -> Sequence[Any] | NDArray[Any]:
    """Return labels as an array or a list of Python values, taking the column of a one-column table."""
    if isinstance(y, list | tuple):
        return y
    if isinstance(y, np.ndarray) and type(y) is not np.ndarray and isinstance(y, np.ma.MaskedArray):
        y = _unmasked(y) if np.ma.is_masked(y) else y.data
    if isinstance(y, np.ndarray):
        _check_one_column(y.shape)
        return y if y.ndim == 1 else y[:, 0]
    column = nw.from_native(y, allow_series=True, pass_through=True)
    if isinstance(column, nw.LazyFrame):
        column = column.collect()
    if isinstance(column, nw.DataFrame):
        _check_one_column(column.shape)
        column = column[column.columns[0]]
    if isinstance(column, nw.Series):
        return column.to_list()
    if isinstance(y, str | bytes) or not isinstance(y, Sequence):
        raise DataError(
            expected="a list, an array or a column of answers",
            got=type(y).__name__,
            at="y",
            help="For one sample use predict_one or learn_one.",
        )
    return list(y)


def _check_one_column(shape: tuple[int, ...]) -> None:
    """Raise DataError for labels that are not (n,) or (n, 1)."""
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return
    raise DataError(
        expected="one answer per row, shape (n,)",
        got=f"shape {shape}",
        at="y",
        help="Give y.argmax(1) for one-hot labels. For several labels per row use headwater.interop.sklearn or MultiOutput.",
    )


def check_labels(y: Sequence[Any]) -> NDArray[np.bool_]:
    """Return which labels are valid classes, that is, of a type that files can store."""
    kinds = set(map(type, y))
    whole = y if kinds == {int} else [label for label in y if type(label) is int] if int in kinds else ()
    if kinds <= PLAIN and max(max(whole, default=0), -min(whole, default=0)).bit_length() <= KEY_BITS:
        return np.ones(len(y), bool)
    return ~np.isnan(y) if kinds == {float} else np.array([can_be_class(label) for label in y], bool)


def can_be_class(label: Any) -> bool:
    """Return whether a label is a text, number, boolean, bytes or a tuple of these."""
    return type(label) is str or as_key(label) is not ...


def first_refused(y: Any, span: tuple[float, float] | None) -> str:
    """Return the end of a message about rejected labels, naming the first one, with ``span`` as in `check_block`."""
    given = as_answers(y)
    answers = given.tolist() if isinstance(given, np.ndarray) else list(given)
    good = check_labels(answers) if span is None else check_numbers(answers, *span)[1]
    refused = np.flatnonzero(~good)
    return f", got {shown(answers[refused[0]])}" if len(refused) else ""


def known_numbers(labels: Sequence[Any], known: Mapping[Any, int]) -> NDArray[np.float64] | None:
    """Return class indices (n,) if all labels are known classes, else None."""
    try:
        numbers = list(map(known.get, labels, repeat(-1)))
    except TypeError:  # an unhashable label
        return None
    return None if not numbers or -1 in numbers else np.array(numbers, np.float64)


def check_numbers(
    y: Sequence[Any] | NDArray[Any], least: float, most: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return targets as floats, and which are numbers from ``least`` to ``most``."""
    values = _numbers(y)
    good = (values >= least) & (values <= most)  # NaN compares as False
    values[~good] = 0.0
    return values, good


_DICTS = {dict}
_MOST = 1024
_ONES, _GOOD = np.ones(_MOST), np.ones(_MOST, bool)
"""Weights and marks of the rows of most blocks, which nobody writes to, as one row costs less than arrays of its own."""
_ONES.flags.writeable = _GOOD.flags.writeable = False


def is_weighted(w: Any) -> bool:
    """Return whether weights differ from 1, the weight that every row has without them."""
    return w is not None and bool(np.any(np.asarray(w) != 1))


def check_weights(w: Any, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return weights (n,) with 0 for invalid ones, and which are valid."""
    if w is None:
        return (_ONES[:n], _GOOD[:n]) if n <= _MOST else (np.ones(n), np.ones(n, bool))
    weights = np.full(n, w, np.float64) if isinstance(w, int | float) else _numbers(as_answers(w))
    if len(weights) != n:
        raise not_as_many(weights, n, "weights", at="w")
    good = (weights >= 0) & (weights <= HEAVIEST)
    weights[~good] = 0.0
    return weights, good


def _numbers(y: Sequence[Any] | NDArray[Any]) -> NDArray[np.float64]:
    """Return a copy as floats (n,), NaN for values that are not numbers, including numeric texts."""
    try:
        array = np.asarray(y)
    except (ValueError, OverflowError):  # a ragged list
        array = np.zeros(0, object)
    flat = array.ndim == 1 or (isinstance(y, np.ndarray) and array.size == len(y))  # one column of an array is a list
    if array.dtype.kind in "fiub" and array.dtype.itemsize <= 8 and flat:
        return np.array(array, np.float64).reshape(len(y))
    plain = [v[()] if isinstance(v, np.ndarray) and v.ndim == 0 else v for v in y]
    return np.array([as_float(v) if kind_of(v) == FLOAT else math.nan for v in plain], np.float64)
