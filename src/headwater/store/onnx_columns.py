"""Raw columns to the first layer, as ONNX nodes: what the encoder and ``kernels/rows.py`` do with a sample.

A client sends each column as it is: a number as float64 (NaN where missing), a category as text ("" or any unknown text
where missing), a date-time as seconds. Standardising, categories by name and rows that don't take part yet are inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.vocabulary import CATEGORY, NUMBER, TIME, Column
from headwater.engine import Engine
from headwater.errors import ConfigError
from headwater.kernels import _op as col
from headwater.kernels import rows as _rows
from headwater.nn.program import Program
from headwater.nn.steps import table
from headwater.nn.trace import absence

from .onnx_graph import ML, Graph
from .onnx_times import time_parts

NUMBERS = "a number; NaN where it is missing"
TEXTS = "a category as text (5 and 5.0 as '5'); {} where it is missing"
TIMES = "a date-time as seconds since 1970-01-01T00:00 by the clock that it states; NaN where it is missing"
OFFSETS = "seconds by which that clock is ahead of UTC; 0 if left out, right for date-times without a zone"
MIXED = "the same column where its value is a text that reads as no number or date-time; {} elsewhere"


@dataclass(slots=True)
class Columns:
    """What a graph has read: values that scale rows of the table, and category numbers that pick one.

    Parameters
    ----------
    numbers : str
        Values (N, d), 0 where there is no pair; "" without numeric columns.
    plus, minus : ndarray (d,)
        Each value scales the difference of these two rows; 0 for no row to subtract.
    categories : str
        Category numbers (N, c); "" without categories.
    category_rows : ndarray (r,)
        Row of each category number; r itself stands for no pair.
    listed : list
        Name, kind, type and meaning of each input.
    """

    numbers: str = ""
    plus: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    minus: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    categories: str = ""
    category_rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    listed: list[dict[str, Any]] = field(default_factory=list)


def read_columns(g: Graph, engine: Engine) -> Columns:
    """Declare an input for every column of the vocabulary, and turn them into numbers and category numbers."""
    words = engine.words
    _check_room(engine)
    out = Columns()
    numbers: list[str] = []
    slots: list[int] = []
    rows: list[int] = []
    indices: list[tuple[str, int, list[str]]] = []
    for column in words.columns.values():
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
    if numbers:
        _read_numbers(g, out, _side_by_side(g, numbers), engine.program, slots)
    if indices:
        out.category_rows = np.array(rows, np.int64)
        out.categories = _side_by_side(g, [_category(g, *index, len(rows)) for index in indices])
    return out


def read_array(g: Graph, engine: Engine) -> Columns:
    """Declare one input X (N, d) for a learner that was taught arrays, with columns x0, x1 and so on."""
    columns = engine.words.columns
    _check_room(engine)
    found = [columns.get(f"x{j}") for j in range(len(columns))]
    kept = [column for column in found if column is not None and column.kind == NUMBER and not column.values]
    if not kept or len(kept) < len(columns):
        raise ConfigError(
            expected="a learner that was taught numeric arrays, with columns x0, x1, …",
            got=f"one with the columns {', '.join(map(str, list(columns)[:5]))}" + (" …" if len(columns) > 5 else ""),
            at="export_onnx(array=True)",
            help="Leave array out: each column is then an input.",
        )
    x = g.input("X", np.float64, ["N", len(kept)], "numbers; NaN where missing")
    out = Columns(listed=[{"name": "X", "columns": len(kept), "kind": "number", "doc": NUMBERS}])
    _read_numbers(g, out, x, engine.program, [column.slot for column in kept])
    return out


def _check_room(engine: Engine) -> None:
    """Raise an error if names share rows: which ones, only their hash says."""
    words = engine.words
    if words.shared_from:
        raise ConfigError(
            expected="a table with room for every name",
            got=f"a full one, in which {words.shared_names:,} names share rows by a hash",
            at="export_onnx",
            help="ONNX has no such hash: learn with a larger max_rows to export.",
        )


def first_layer(g: Graph, columns: Columns, program: Program, e: int) -> str:
    """Expert e's columns of the table: z = b + Σ value·W[row] over the pairs that take part, (N, m)."""
    w, b = table(program, e)
    parts = []
    if columns.numbers:
        rows = _taking_part(program, w, columns.plus) - _taking_part(program, w, columns.minus)
        parts.append(g.add("MatMul", columns.numbers, g.number(rows)))
    if columns.categories:
        rows = _taking_part(program, w, columns.category_rows)
        nothing = np.zeros((1, rows.shape[1]))
        picked = g.add("Gather", g.number(np.concatenate([rows, nothing])), columns.categories, axis=0)
        parts.append(g.sum(picked, 1, keep=False))
    z = parts[0] if len(parts) == 1 else g.add("Add", *parts)
    return z if b is None else g.add("Add", z, g.number(b))


def _taking_part(program: Program, w: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the weights of these rows; zeros for row 0 and for those that no step has touched yet."""
    picked = w[rows - 1].astype(np.float64)
    picked[rows == 0] = 0
    if program.head[col.GROWING]:
        picked[program.touched[rows] == 0] = 0
    return picked


def _declare(g: Graph, out: Columns, column: Column, kind: str, doc: str) -> str:
    """Declare the input of a column, or of the texts in a column that holds numbers or date-times too."""
    name = f"{column.name}.text" if kind == "text" and column.kind != CATEGORY else f"{column.name}"
    entry = {"name": name, "column": f"{column.name}", "kind": kind}
    if kind == "text":
        entry["missing"] = ""
        while entry["missing"] in column.values:  # the stream has shown that the empty text is a category
            entry["missing"] += "?"
        doc = doc.format(repr(entry["missing"]))
    out.listed.append({**entry, "doc": doc})
    return g.input(name, object if kind == "text" else np.float64, ["N", 1], doc)


def _times(g: Graph, out: Columns, column: Column) -> list[str]:
    """Return the seven numbers of a date-time."""
    seconds = _declare(g, out, column, "time", TIMES)
    name = f"{column.name}.utc_offset"
    # "M": left out, it is one number for all rows
    offset = g.input(name, np.float64, ["M", 1], OFFSETS, default=np.zeros((1, 1)))
    out.listed.append({"name": name, "column": f"{column.name}", "kind": "offset", "doc": OFFSETS})
    return time_parts(g, seconds, offset)


def _side_by_side(g: Graph, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else g.add("Concat", *parts, axis=1)


def _category(g: Graph, text: str, start: int, values: list[str], nothing: int) -> str:
    """Return the number of each text's category, counted over all columns; ``nothing`` for an unknown one."""
    numbers = range(start, start + len(values))
    # a lone surrogate can't be sent as UTF-8, so no client can ask for it
    sent = {value: number for value, number in zip(values, numbers, strict=True) if _is_utf8(value)}
    return g.add(
        "LabelEncoder",
        text,
        domain=ML,
        keys_strings=[*sent, *([] if sent else [""])],
        values_int64s=[*sent.values(), *([] if sent else [nothing])],
        default_int64=nothing,
    )


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _read_numbers(g: Graph, out: Columns, x: str, program: Program, slots: list[int]) -> None:
    """Turn raw values (N, slots) into what scales rows: standardised values, and curves through knots of raw ones."""
    present = g.add("LessOrEqual", g.add("Abs", x), _real(g, np.finfo(np.float64).max))  # neither NaN nor infinite
    x = g.add("Where", present, x, _real(g, 0.0))
    x = g.add("Clip", x, _real(g, -_rows.HUGE), _real(g, _rows.HUGE))
    stats = program.stats[slots]
    scaled = x
    if program.head[col.STANDARD]:
        zero = g.add("LessOrEqual", g.add("Abs", x), _real(g, _rows.NOTHING))
        there = g.add("Where", zero, _real(g, 0.0), _real(g, absence(program, stats)))
        x = _plausible(g, x, stats)
        scaled = g.add("Add", _in_deviations(g, x, stats), there)
    counts = stats[:, col.KNOT_COUNT].astype(np.int64) if program.hats else np.zeros(len(slots), np.int64)
    bent = np.flatnonzero(counts >= SHORTEST)
    values, plus, minus = [g.add("Where", present, scaled, _real(g, 0.0))], stats[:, col.ROW], np.zeros(len(slots))
    if len(bent):
        hats, knots = stats[bent, col.HAT], program.knots[slots][bent]
        rising = [(j, hats[i], knots[i], k) for i, j in enumerate(bent) for k in range(counts[j] - 1)]
        start = np.array([row[k] for _, _, row, k in rising])
        width = np.array([row[k + 1] for _, _, row, k in rising]) - start
        first = np.array([hat + k for _, hat, _, k in rising])
        values += _curves(g, x, present, bent, np.array([j for j, *_ in rising]), start, width)
        plus, minus = np.concatenate([plus, hats, first + 1]), np.concatenate([minus, 0 * hats, first])
    out.plus, out.minus = plus.astype(np.int64), minus.astype(np.int64)
    out.numbers = g.cast(_side_by_side(g, values), program.dtype)


SHORTEST = 3
"""Knots that a curve has at least, as in ``kernels.rows.bend``."""


def _curves(
    g: Graph, x: str, present: str, bent: Any, column: Any, start: NDArray[np.float64], width: NDArray[np.float64]
) -> list[str]:
    """Return what scales the rows of hats: 1 for the first, and how far x has come from each knot to the next.

    x between knots k and k + 1 gives hats (1 − u)·W[k] + u·W[k + 1]. With rₖ, x's share of the way from knot k to k + 1
    within 0 and 1, that is W[0] + Σ rₖ·(W[k + 1] − W[k]), without looking for k.
    """
    there = g.cast(present, np.float64)
    share = g.add("Sub", g.add("Gather", x, g.constant(column, np.int64), axis=1), _real(g, start))
    share = g.add("Clip", g.add("Div", share, _real(g, width)), _real(g, 0.0), _real(g, 1.0))
    share = g.add("Mul", share, g.add("Gather", there, g.constant(column, np.int64), axis=1))
    return [g.add("Gather", there, g.constant(bent, np.int64), axis=1), share]


def _plausible(g: Graph, x: str, stats: NDArray[np.float64]) -> str:
    """Return x (N, d) with the column's mean where ``kernels.rows.freak`` takes a value for an error."""
    mean, var, t = stats[:, col.MEAN], stats[:, col.VAR], stats[:, col.COUNT] + 1
    most = np.where((t > _rows.SETTLED) & (var > 0), _rows.FREAK * np.sqrt(var), np.finfo(np.float64).max)
    odd = g.add("Greater", g.add("Abs", g.add("Sub", x, _real(g, mean))), _real(g, most))
    return g.add("Where", odd, _real(g, mean), x)


def _in_deviations(g: Graph, x: str, stats: NDArray[np.float64]) -> str:
    """Return x (N, d) in units of the running deviation; the statistics include x itself, as when it is learned."""
    mean, var, t = stats[:, col.MEAN], stats[:, col.VAR], stats[:, col.COUNT] + 1
    a = np.maximum(1 / t, _rows.FORGET)
    bound = np.where((t > _rows.SETTLED) & (var > 0), _rows.BOUND * np.sqrt(var), np.finfo(np.float64).max)
    d = g.add("Sub", x, _real(g, mean))
    d = g.add("Max", g.add("Min", d, _real(g, bound)), _real(g, -bound))
    step = g.add("Mul", d, _real(g, a))
    moved = g.add("Add", step, _real(g, mean))
    spread = g.add("Mul", g.add("Add", g.add("Mul", step, d), _real(g, var)), _real(g, 1 - a))
    still = g.add("Mul", g.add("Mul", moved, moved), _real(g, 1e-20))
    flat = g.add("LessOrEqual", spread, g.add("Max", still, _real(g, 1e-300)))
    deviation = g.add("Sqrt", g.add("Where", flat, _real(g, 1.0), spread))
    z = g.add("Div", g.add("Sub", x, moved), deviation)
    z = g.add("Clip", z, _real(g, -_rows.CLIP), _real(g, _rows.CLIP))
    return g.add("Where", flat, _real(g, 0.0), z)


def _real(g: Graph, value: Any) -> str:
    return g.constant(value, np.float64)
