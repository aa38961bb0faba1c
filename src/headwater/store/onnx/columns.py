"""ONNX nodes from raw columns to the first layer, equivalent to the core's input layer (``plain/inputs/input.py``).

A client sends raw columns. Numbers are float64 (NaN where missing), categories are text ("" or any unknown text where
missing), and date-times are seconds. The graph standardizes, looks up categories by name, and masks rows that are still unused.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.seen import Column
from headwater.encode.vocabulary import BIGRAMS, CATEGORY, COSINE, NUMBER, RAW, TIME, WORDS
from headwater.errors import ConfigError
from headwater.learner.engine import Engine
from headwater.nn.core import Core
from headwater.nn.core.views import Statistics
from headwater.nn.inspect import answer_history, answers_before
from headwater.plain.inputs.answers import COLUMNS
from headwater.plain.inputs.input import BOUND, CLIP, FORGET, HUGE, NOTHING, OUTLIER, ROUNDING, SETTLED, SHORTEST

from .graph import ML, Graph, is_utf8
from .times import time_parts

NUMBERS = "a number; NaN where it is missing"
TEXTS = "a category as text (5 and 5.0 as '5'); {} where it is missing"
TIMES = "a date-time as seconds since 1970-01-01T00:00 by the clock that it states; NaN where it is missing"
OFFSETS = "seconds by which that clock is ahead of UTC; 0 if left out, right for date-times without a zone"
FARTHEST = 1e150
"""Bound of deviations, so that squares don't overflow. A thousand deviations of any column are far below it."""
MIXED = "the same column where its value is a text that reads as no number or date-time; {} elsewhere"


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
    raw: str = ""
    slots: list[int] = field(default_factory=list)
    cells: str = ""
    listed: list[dict[str, Any]] = field(default_factory=list)


def _check_kinds(engine: Engine) -> None:
    """Raise ConfigError for columns of texts and embeddings, because ONNX can't split texts into words."""
    for column in engine.columns.values():
        if column.kind in (WORDS, BIGRAMS, COSINE, RAW):
            raise ConfigError(
                expected="columns of numbers, categories and times",
                got=f"column {column.name!r}, which is {'an embedding' if column.kind in (COSINE, RAW) else 'text'}",
                at="export_onnx",
                help="Give text=None, or serve the model over HTTP, which supports both.",
            )


def read_columns(g: Graph, engine: Engine) -> Columns:
    """Declare an input per column of the vocabulary and convert them to numbers and category indices."""
    _check_room(engine)
    _check_kinds(engine)
    out = Columns()
    numbers: list[str] = []
    slots: list[int] = []
    rows: list[int] = []
    indices: list[tuple[str, int, list[str]]] = []
    before = answers_before(engine.core)
    for column in engine.columns.values():
        if column.name in before:
            continue
        if column.kind == NUMBER:
            numbers.append(_declare(g, out, column, "number", NUMBERS))
            slots.append(column.slot)
        elif column.kind == TIME:
            numbers += _times(g, out, column)
            slots += column.parts
        if column.kind == CATEGORY or column.values:
            text = _declare(g, out, column, "text", TEXTS if column.kind == CATEGORY else MIXED)
            indices.append((text, len(rows), list(column.values)))
            rows += column.values.values()
    if not out.listed:
        raise ConfigError(
            expected="a learner that has seen a column", got="one without", at="export_onnx", help="Let it learn first."
        )
    if before:
        numbers += _as_they_stand(g, out.listed[0]["name"], list(before.values()))
        slots += [engine.columns[name].slot for name in before]
    if numbers:
        _read_numbers(g, out, _side_by_side(g, numbers), engine.core, slots)
    if indices:
        out.category_rows = np.array(rows, np.int64)
        out.categories = _side_by_side(g, [_category(g, *index, len(rows)) for index in indices])
    out.cells = _cells(g, out, engine.core)
    return out


def read_array(g: Graph, engine: Engine) -> Columns:
    """Declare a single input X (N, d) for a learner trained on arrays with columns x0, x1 and so on."""
    before = answers_before(engine.core)
    columns = {name: column for name, column in engine.columns.items() if name not in before}
    _check_room(engine)
    found = [columns.get(f"x{j}") for j in range(len(columns))]
    kept = [column for column in found if column is not None and column.kind == NUMBER and not column.values]
    if not kept or len(kept) < len(columns):
        raise ConfigError(
            expected="a learner that was taught numeric arrays, with columns x0, x1, …",
            got=f"one with the columns {', '.join(map(str, list(columns)[:5]))}" + (" …" if len(columns) > 5 else ""),
            at="export_onnx(array=True)",
            help="Leave array out, so that each column is an input.",
        )
    x = g.input("X", np.float64, ["N", len(kept)], "numbers; NaN where missing")
    out = Columns(listed=[{"name": "X", "columns": len(kept), "kind": "number", "doc": NUMBERS}])
    slots = [column.slot for column in kept]
    if before:
        one = g.add("Gather", x, g.constant([0], np.int64), axis=1)
        x = _side_by_side(g, [x, *_as_they_stand(g, one, list(before.values()))])
        slots += [engine.columns[name].slot for name in before]
    _read_numbers(g, out, x, engine.core, slots)
    out.cells = _cells(g, out, engine.core)
    return out


def _as_they_stand(g: Graph, like: str, values: list[float]) -> list[str]:
    """Return the current lag features as constants, one column (N, 1) each, with N as in ``like``."""
    shape = g.add("Shape", like)
    return [g.add("Expand", g.constant([[value]], np.float64), shape) for value in values]


def _check_room(engine: Engine) -> None:
    """Raise ConfigError if names share table rows by hashing."""
    about = engine.core.sizes()
    if about["shared_from"]:
        raise ConfigError(
            expected="a table with room for every name",
            got=f"a full one, in which {about['shared_names']:,} names share rows by a hash",
            at="export_onnx",
            help="ONNX has no such hash. Learn with a larger max_rows to export.",
        )


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
    picked = w[rows - 1].astype(np.float64)
    picked[rows == 0] = 0
    if core.about["growing"]:
        picked[core.touched[rows] == 0] = 0
    return picked


def _declare(g: Graph, out: Columns, column: Column, kind: str, doc: str) -> str:
    """Declare the input of a column, or of the texts in a column of numbers or date-times."""
    name = f"{column.name}.text" if kind == "text" and column.kind != CATEGORY else f"{column.name}"
    entry = {"name": name, "column": f"{column.name}", "kind": kind}
    if kind == "text":
        entry["missing"] = ""
        while entry["missing"] in column.values:  # the empty text is a known category
            entry["missing"] += "?"
        doc = doc.format(repr(entry["missing"]))
    out.listed.append({**entry, "doc": doc})
    return g.input(name, object if kind == "text" else np.float64, ["N", 1], doc)


def _times(g: Graph, out: Columns, column: Column) -> list[str]:
    """Return the seven numbers of a date-time."""
    seconds = _declare(g, out, column, "time", TIMES)
    name = f"{column.name}.utc_offset"
    # dimension "M", because the default is one number for all rows
    offset = g.input(name, np.float64, ["M", 1], OFFSETS, default=np.zeros((1, 1)))
    out.listed.append({"name": name, "column": f"{column.name}", "kind": "offset", "doc": OFFSETS})
    return time_parts(g, seconds, offset)


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


def _read_numbers(g: Graph, out: Columns, x: str, core: Core, slots: list[int]) -> None:
    """Convert raw values (N, slots) to the factors of table rows (standardized values and basis functions)."""
    worth = _worth(core, slots)
    present = g.add("LessOrEqual", g.add("Abs", x), _real(g, np.finfo(np.float64).max))  # neither NaN nor infinite
    known = _of_slots(core.statistics, slots)
    x = g.add("Where", present, x, _real(g, 0.0))
    asked = _without_outliers(g, x, known) if core.about["standard"] else x
    out.raw, out.slots = g.add("Where", present, asked, _real(g, np.nan)), slots
    x = g.add("Clip", x, _real(g, -HUGE), _real(g, HUGE))
    scaled = x
    if core.about["standard"]:
        zero = g.add("LessOrEqual", g.add("Abs", x), _real(g, NOTHING))
        there = g.add("Where", zero, _real(g, 0.0), _real(g, _presence_offset(core, known)))
        x = _without_outliers(g, x, known)
        scaled = g.add("Add", _in_deviations(g, x, known), there)
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


def _of_slots(known: Statistics, slots: list[int]) -> Statistics:
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


def _in_deviations(g: Graph, x: str, known: Statistics) -> str:
    """Standardize x (N, d) with running statistics that include x itself, as in learning."""
    mean, var, bound = known.mean, known.variance, _bound(known, BOUND)
    a = np.maximum(1 / (known.seen + 1), FORGET)
    d = g.add("Sub", x, _real(g, mean))
    d = g.add("Max", g.add("Min", d, _real(g, bound)), _real(g, -bound))
    step = g.add("Mul", d, _real(g, a))
    moved = g.add("Add", step, _real(g, mean))
    spread = g.add("Mul", g.add("Add", g.add("Mul", step, d), _real(g, var)), _real(g, 1 - a))
    still = g.add("Mul", g.add("Mul", moved, moved), _real(g, ROUNDING))
    flat = g.add("LessOrEqual", spread, g.add("Max", still, _real(g, NOTHING)))
    deviation = g.add("Sqrt", g.add("Where", flat, _real(g, 1.0), spread))
    z = g.add("Div", g.add("Sub", x, moved), deviation)
    z = g.add("Clip", z, _real(g, -CLIP), _real(g, CLIP))
    return g.add("Where", flat, _real(g, 0.0), z)


def _real(g: Graph, value: Any) -> str:
    return g.constant(value, np.float64)
