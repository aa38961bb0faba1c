"""ONNX nodes from raw columns to the first layer, equivalent to the core's input layer (``plain/inputs/input.py``).

A client sends raw columns. Numbers are float64 (NaN where missing), categories are text ("" or any unknown text where
missing), and date-times are seconds. The graph standardizes, looks up categories by name, and masks rows that are still unused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.encode.seen import Column
from headwater.encode.vocabulary import CATEGORY
from headwater.learner.engine import Engine
from headwater.nn.core import Core
from headwater.nn.core.views import Statistics
from headwater.nn.inspect import answer_history, answers_before
from headwater.plain.inputs.answers import COLUMNS
from headwater.plain.inputs.input import BOUND, CLIP, FORGET, HUGE, NOTHING, OUTLIER, ROUNDING, SETTLED, SHORTEST

from .graph import ML, Graph, is_utf8
from .inputs import Inputs

FARTHEST = 1e150
"""Bound of deviations, so that squares don't overflow. A thousand deviations of any column are far below it."""

CONSTANT, NEAR = 8, 64
"""A computed column is constant if its deviation is below so many last digits, and equal to its mean within so many."""


@dataclass(slots=True)
class Columns:
    """Values and category indices that the graph has read.

    Parameters
    ----------
    numbers : str
        Name of the values (N, d), 0 where absent. "" without numeric columns.
    plus, minus : ndarray (d,)
        Each value scales the difference of these two table rows, where 0 in ``minus`` means nothing to subtract.
    categories : str
        Name of the category indices (N, c). "" without categories.
    category_rows : ndarray (r,)
        Table row of each category index. Index r means absent.
    texts : int
        Number c of columns of category indices.
    raw, slots : str, list
        Name of the raw numbers (N, c) for tile coding, with outliers replaced by the column's mean and NaN where missing, and
        the feature index of each.
    cells : str
        Name of each sample's row in the tile tables (N, tables). "" without tile coding.
    listed : list
        Name, kind, type and description of each input.
    """

    numbers: str = ""
    plus: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    minus: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    categories: str = ""
    category_rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    texts: int = 0
    raw: str = ""
    slots: list[int] = field(default_factory=list)
    cells: str = ""
    listed: list[dict[str, Any]] = field(default_factory=list)


Encode: TypeAlias = Callable[[Graph, Columns, str, Core], None]
_NONE: Mapping[Any, str] = MappingProxyType({})


def read_columns(g: Graph, engine: Engine) -> Columns:
    """Declare an input per column of an engine, and convert them to numbers and category indices."""
    inputs = Inputs(g)
    inputs.declare([engine])
    return columns_of(inputs, engine)


def columns_of(
    inputs: Inputs, engine: Engine, given: Mapping[Any, str] = _NONE, encode: Encode | None = None
) -> Columns:
    """Convert declared inputs to the numbers and category indices of an engine.

    Parameters
    ----------
    inputs : Inputs
        The declared inputs.
    engine : Engine
        An engine whose columns are declared.
    given : mapping
        Columns that the graph computes itself, as the name of their numbers (N, 1).
    encode : callable, optional
        ``encode(g, columns, x, core)`` fills in the factors of the table rows, for an engine that standardizes differently.
    """
    g, before = inputs.g, answers_before(engine.core)
    found = engine.columns
    read = [column for name, column in found.items() if name not in before and name not in given]
    out = Columns(listed=inputs.listed)
    numbers, out.slots = inputs.numbers(read)
    made = {name: _steady(g, value, engine.core, found[name].slot) for name, value in given.items() if name in found}
    made |= {name: inputs.every_row(g.constant([[value]], np.float64)) for name, value in before.items()}
    numbers += made.values()
    out.slots += [found[name].slot for name in made]
    if numbers:
        (encode or _read_numbers)(g, out, _side_by_side(g, numbers), engine.core)
    _read_categories(inputs, out, read)
    if not (out.numbers or out.categories):  # it has learned rows without any column
        out.numbers = g.cast(inputs.every_row(g.constant([[0.0]], np.float64)), engine.core.dtype)
        out.plus, out.minus = np.zeros(1, np.int64), np.zeros(1, np.int64)
    out.cells = _cells(g, out, engine.core)
    return out


def _steady(g: Graph, x: str, core: Core, slot: int) -> str:
    """Return numbers that the graph computes, with the column's mean where they differ from a constant by rounding alone.

    A constant is standardized to 0, but one that is off by its last digit lies many deviations away.
    """
    mean, variance = float(core.statistics.mean[slot]), float(core.statistics.variance[slot])
    digit = abs(mean) * float(np.finfo(core.dtype).eps)
    if variance > (CONSTANT * digit) ** 2:
        return x
    near = g.add("LessOrEqual", g.add("Abs", g.add("Sub", x, _real(g, mean))), _real(g, NEAR * digit))
    return g.add("Where", near, _real(g, mean), x)


def _read_categories(inputs: Inputs, out: Columns, read: Sequence[Column]) -> None:
    """Look up the texts of columns, giving each category of an engine an index."""
    texts = [column for column in read if column.kind == CATEGORY or column.values]
    if not texts:
        return
    rows = [row for column in texts for row in column.values.values()]
    starts = np.cumsum([0, *(len(column.values) for column in texts)]).tolist()
    indices = [
        _category(inputs.g, inputs.text(column), start, list(column.values), len(rows))
        for column, start in zip(texts, starts[:-1], strict=True)
    ]
    out.category_rows, out.texts = np.array(rows, np.int64), len(texts)
    out.categories = _side_by_side(inputs.g, indices)


def first_layer(g: Graph, columns: Columns, core: Core, e: int) -> str:
    """Compute expert e's first layer z = b + Σ value·W[row] over the pairs in use, shape (N, m)."""
    w, b = core.table(e)
    parts = _table_parts(g, columns, core, w)
    tables = core.cells(e)
    if tables is not None:
        rows = g.add("Gather", g.number(tables.reshape(-1, tables.shape[2])), columns.cells, axis=0)
        parts.append(g.add("Mul", g.sum(rows, 1, keep=False), g.number(np.sqrt(20 / len(tables)))))
    return _summed(g, parts, b)


def sum_of_rows(g: Graph, columns: Columns, core: Core, w: NDArray[Any], b: NDArray[Any]) -> str:
    """Return b + Σ value·w[row] over the pairs in use, for weights w (rows − 1, m) of one's own."""
    return _summed(g, _table_parts(g, columns, core, w), b)


def _table_parts(g: Graph, columns: Columns, core: Core, w: NDArray[Any]) -> list[str]:
    parts = []
    if columns.numbers:
        rows = _taking_part(core, w, columns.plus) - _taking_part(core, w, columns.minus)
        parts.append(g.add("MatMul", columns.numbers, g.number(rows)))
    if columns.categories:
        rows = _taking_part(core, w, columns.category_rows)
        nothing = np.zeros((1, rows.shape[1]))
        picked = g.add("Gather", g.number(np.concatenate([rows, nothing])), columns.categories, axis=0)
        parts.append(g.sum(picked, 1, keep=False))
    return parts


def _summed(g: Graph, parts: list[str], b: NDArray[Any] | None) -> str:
    z = parts[0]
    for part in parts[1:]:
        z = g.add("Add", z, part)
    return z if b is None else g.add("Add", z, g.number(b))


def _cells(g: Graph, columns: Columns, core: Core) -> str:
    """Return each sample's row in the tile tables, (N, tables), composed from the tests' results as bits."""
    about = core.sizes()
    tables, tests = about["tables"], about["tests"]
    if not tests:
        return ""
    codes = core.array("cell_code").reshape(-1, tables)[:tests]
    thresholds = core.array("cell_threshold").reshape(-1, tables)[:tests]
    rows = g.constant((np.arange(tables) << tests)[None, :], np.float64)
    place = {slot: i for i, slot in enumerate(columns.slots)}
    numbers = [(place[codes[b, t]], thresholds[b, t], t, b) for b, t in np.argwhere(codes >= 0).tolist()]
    if numbers:
        column, threshold, table, test = map(np.array, zip(*numbers, strict=True))
        bits = np.zeros((len(numbers), tables))
        bits[np.arange(len(numbers)), table] = 2.0**test
        asked = g.add("Gather", columns.raw, g.constant(column, np.int64), axis=1)
        above = g.cast(g.add("Greater", asked, _real(g, threshold)), np.float64)
        rows = g.add("Add", rows, g.add("MatMul", above, _real(g, bits)))
    if columns.categories:
        number = {-row - 1: i for i, row in enumerate(columns.category_rows.tolist())}
        bits = np.zeros((len(number) + 1, tables))
        for b, t in np.argwhere((codes < 0) & (thresholds < 1)).tolist():
            bits[number[codes[b, t]], t] += 2.0**b
        picked = g.add("Gather", _real(g, bits), columns.categories, axis=0)
        rows = g.add("Add", rows, g.sum(picked, 1, keep=False))
    return g.cast(rows, np.int64)


def _taking_part(core: Core, w: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the weights of rows, with zeros for row 0 and for rows that no step has touched."""
    picked = np.zeros((len(rows), w.shape[1]))
    picked[rows > 0] = w[rows[rows > 0] - 1]
    if core.about["growing"]:
        picked[core.touched[rows] == 0] = 0
    return picked


def _side_by_side(g: Graph, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=1)


def _category(g: Graph, text: str, start: int, values: list[str], nothing: int) -> str:
    """Return the index of each text's category over all columns, or ``nothing`` for an unknown one."""
    numbers = range(start, start + len(values))
    # a lone surrogate can't be encoded as UTF-8, so no client can send it
    sent = {value: number for value, number in zip(values, numbers, strict=True) if is_utf8(value)}
    return g.add(
        "LabelEncoder",
        text,
        domain=ML,
        keys_strings=[*sent, *([] if sent else [""])],
        values_int64s=[*sent.values(), *([] if sent else [nothing])],
        default_int64=nothing,
    )


def _read_numbers(g: Graph, out: Columns, x: str, core: Core) -> None:
    """Convert raw values (N, slots) to the factors of table rows (standardized values and basis functions)."""
    slots = out.slots
    worth = _worth(core, slots)
    present = g.add("LessOrEqual", g.add("Abs", x), _real(g, np.finfo(np.float64).max))  # neither NaN nor infinite
    known = of_slots(core.statistics, slots)
    x = g.add("Where", present, x, _real(g, 0.0))
    asked = _without_outliers(g, x, known) if core.about["standard"] else x
    out.raw = g.add("Where", present, asked, _real(g, np.nan))
    x = g.add("Clip", x, _real(g, -HUGE), _real(g, HUGE))
    scaled = x
    if core.about["standard"]:
        zero = g.add("LessOrEqual", g.add("Abs", x), _real(g, NOTHING))
        there = g.add("Where", zero, _real(g, 0.0), _real(g, _presence_offset(core, known)))
        x = _without_outliers(g, x, known)
        pace = np.maximum(1 / (known.seen + 1), FORGET)
        scaled = g.add("Add", in_deviations(g, x, known, pace, CLIP), there)
    bent = np.flatnonzero((known.knot_count >= SHORTEST) & (known.basis > 0))
    scaled = _times_worth(g, scaled, worth)
    values, plus, minus = [g.add("Where", present, scaled, _real(g, 0.0))], known.row, np.zeros(len(slots))
    if len(bent):
        basis, knots = known.basis[bent], known.knots[bent]
        rising = [(j, basis[i], knots[i], k) for i, j in enumerate(bent) for k in range(known.knot_count[j] - 1)]
        start = np.array([row[k] for _, _, row, k in rising])
        width = np.array([row[k + 1] for _, _, row, k in rising]) - start
        first = np.array([row + k for _, row, _, k in rising])
        of = np.array([j for j, *_ in rising])
        values += [
            _times_worth(g, value, worth[own])
            for value, own in zip(_curves(g, x, present, bent, of, start, width), (bent, of), strict=True)
        ]
        plus, minus = np.concatenate([plus, basis, first + 1]), np.concatenate([minus, 0 * basis, first])
    out.plus, out.minus = plus.astype(np.int64), minus.astype(np.int64)
    out.numbers = g.cast(_side_by_side(g, values), core.dtype)


def _worth(core: Core, slots: list[int]) -> NDArray[np.float64]:
    """Return the factor of each column, shape (d,): |ρ| for lag features, times the column's relevance."""
    history = answer_history(core)
    worth = 1.0 if history is None else history.worth()
    lags = np.array([worth if history is not None and slot < len(COLUMNS) else 1.0 for slot in slots])
    return lags * core.relevance[slots]


def _times_worth(g: Graph, x: str, worth: NDArray[np.float64]) -> str:
    """Multiply x (N, d) by the factors of its columns."""
    return x if (worth == 1).all() else g.add("Mul", x, _real(g, worth))


def of_slots(known: Statistics, slots: list[int]) -> Statistics:
    """Return the statistics of the given feature indices, in order."""
    return Statistics(*(getattr(known, part.name)[slots] for part in fields(known)))


def _presence_offset(core: Core, known: Statistics) -> NDArray[np.float64]:
    """Return the offset added to nonzero numbers of each column, shape (d,), as in ``plain.input.presence_offset``."""
    if not core.about["growing"] or not core.about["bias"]:
        return np.zeros(len(known.seen))
    return np.asarray(1 - np.minimum((known.seen + 1) / (core.touched[0] + 1), 1.0))


def _curves(
    g: Graph, x: str, present: str, bent: Any, column: Any, start: NDArray[np.float64], width: NDArray[np.float64]
) -> list[str]:
    """Return the factors of a basis' rows, 1 for the first and the clipped position between each pair of knots.

    x between knots k and k + 1 gives (1 − u)·W[k] + u·W[k + 1]. With rₖ, x's share of the way from knot k to k + 1
    within 0 and 1, that is W[0] + Σ rₖ·(W[k + 1] − W[k]), without looking for k.
    """
    there = g.cast(present, np.float64)
    share = g.add("Sub", g.add("Gather", x, g.constant(column, np.int64), axis=1), _real(g, start))
    share = g.add("Clip", g.add("Div", share, _real(g, width)), _real(g, 0.0), _real(g, 1.0))
    share = g.add("Mul", share, g.add("Gather", there, g.constant(column, np.int64), axis=1))
    return [g.add("Gather", there, g.constant(bent, np.int64), axis=1), share]


def _without_outliers(g: Graph, x: str, known: Statistics) -> str:
    """Replace outliers in x (N, d) with the column's mean, comparing squares as the core does for equal bits."""
    settled = (known.seen + 1 > SETTLED) & (known.variance > 0)
    bound = np.where(settled, OUTLIER**2 * known.variance, np.inf)
    far = g.add("Sub", x, _real(g, known.mean))
    far = g.add("Clip", far, _real(g, -FARTHEST), _real(g, FARTHEST))
    odd = g.add("Greater", g.add("Mul", far, far), _real(g, bound))
    return g.add("Where", odd, _real(g, known.mean), x)


def _bound(known: Statistics, deviations: float) -> NDArray[np.float64]:
    """Return a multiple of each column's standard deviation where it is known, shape (d,)."""
    settled = (known.seen + 1 > SETTLED) & (known.variance > 0)
    return np.where(settled, deviations * np.sqrt(known.variance), np.finfo(np.float64).max)


def in_deviations(g: Graph, x: str, known: Statistics, a: NDArray[np.float64], clip: float) -> str:
    """Standardize x (N, d) with running statistics that include x itself, as in learning, where they move at the pace a (d,)."""
    mean, var, bound = known.mean, known.variance, _bound(known, BOUND)
    d = g.add("Sub", x, _real(g, mean))
    d = g.add("Max", g.add("Min", d, _real(g, bound)), _real(g, -bound))
    step = g.add("Mul", d, _real(g, a))
    moved = g.add("Add", step, _real(g, mean))
    spread = g.add("Mul", g.add("Add", g.add("Mul", step, d), _real(g, var)), _real(g, 1 - a))
    still = g.add("Mul", g.add("Mul", moved, moved), _real(g, ROUNDING))
    flat = g.add("LessOrEqual", spread, g.add("Max", still, _real(g, NOTHING)))
    deviation = g.add("Sqrt", g.add("Where", flat, _real(g, 1.0), spread))
    z = g.add("Div", g.add("Sub", x, moved), deviation)
    z = g.add("Clip", z, _real(g, -clip), _real(g, clip))
    return g.add("Where", flat, _real(g, 0.0), z)


def _real(g: Graph, value: Any) -> str:
    return g.constant(value, np.float64)
