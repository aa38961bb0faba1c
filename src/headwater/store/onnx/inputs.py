"""Inputs of an ONNX graph, one per raw column, declared once however many engines read it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from headwater.encode.seen import Column
from headwater.encode.values import name_bytes
from headwater.encode.vocabulary import BIGRAMS, CATEGORY, COSINE, NUMBER, RAW, TIME, WORDS
from headwater.errors import ConfigError
from headwater.learner.engine import Engine
from headwater.nn.inspect import answers_before

from .graph import Graph
from .times import time_parts

NUMBERS = "a number; NaN where it is missing"
TEXTS = "a category as text (5 and 5.0 as '5'); {} where it is missing"
TIMES = "a date-time as seconds since 1970-01-01T00:00 by the clock that it states; NaN where it is missing"
OFFSETS = "seconds by which that clock is ahead of UTC; 0 if left out, right for date-times without a zone"
MIXED = "the same column where its value is a text that reads as no number or date-time; {} elsewhere"


class Inputs:
    """The inputs of a graph, by raw column.

    Several engines may read a column, and each may have taken it for something else, since a column's kind is that of the first
    value that an engine learned. The kind that comes first has the column's name, another one has its kind behind the name.

    Parameters
    ----------
    g : Graph
        Where the inputs are declared.
    array : bool
        Whether to declare one input X (N, d) for engines that learned arrays, with columns x0, x1 and so on.
    """

    def __init__(self, g: Graph, *, array: bool = False) -> None:
        self.g, self.array = g, array
        self.listed: list[dict[str, Any]] = []
        """Name, kind, type and description of each input."""
        self._first: dict[bytes, str] = {}
        self._known: dict[tuple[bytes, str], set[str]] = {}
        self._numbers: dict[tuple[bytes, str], list[str]] = {}
        self._texts: dict[tuple[bytes, str], str] = {}

    def declare(self, engines: Sequence[Engine], given: Container[Any] = ()) -> None:
        """Declare the columns of engines, except their lag features and those in ``given``, which the graph computes.

        Raises
        ------
        ConfigError
            If there are none, ONNX can't name or read one of them, or the columns are not those of arrays.
        """
        columns = [column for engine in engines for column in _raw(engine, given)]
        for engine in engines:
            _check_room(engine)
        if self.array:
            self._declare_array({column.name: column for column in columns})
            return
        for column in columns:
            _check_kind(column)
            self._first.setdefault(name_bytes(column.name), column.kind)
            self._known.setdefault(_key(column), set()).update(column.values)
        for column in columns:
            self._declare(column)
        if not self.listed:
            raise ConfigError(
                expected="a learner that has seen a column",
                got="one without",
                at="export_onnx",
                help="Let it learn first.",
            )

    def optional(self, name: str, value: float, doc: str) -> str:
        """Declare an input of numbers (N, 1) that is ``value`` where a client leaves it out."""
        self.listed.append({"name": name, "column": name, "kind": "optional", "doc": doc})
        return self.every_row(self.g.input(name, np.float64, ["M", 1], doc, default=np.full((1, 1), value)))

    def every_row(self, value: str) -> str:
        """Return a value (1, k) or (N, k) for each row."""
        return self.g.add("Expand", value, self.g.add("Shape", self._one_column()))

    def numbers(self, columns: Sequence[Column]) -> tuple[list[str], list[int]]:
        """Return the numbers (N, 1) or (N, d) of columns, and the feature index of each."""
        read = [column for column in columns if column.kind in (NUMBER, TIME)]
        slots = [slot for column in read for slot in (column.parts or (column.slot,))]
        if not self.array:
            return [name for column in read for name in self._numbers[_key(column)]], slots
        places = [int(str(column.name)[1:]) for column in read]
        if places == list(range(self.listed[0]["columns"])):
            return ["X"], slots
        return ([self.g.add("Gather", "X", self.g.constant(places, np.int64), axis=1)] if places else []), slots

    def text(self, column: Column) -> str:
        """Return the texts (N, 1) of a column."""
        return self._texts[_key(column)]

    def _one_column(self) -> str:
        if self.array:
            return self.g.add("Gather", "X", self.g.constant([0], np.int64), axis=1)
        return str(self.listed[0]["name"])

    def _declare(self, column: Column) -> None:
        key = _key(column)
        stem = f"{column.name}" if self._first[key[0]] == column.kind else f"{column.name}.{column.kind}"
        if column.kind != CATEGORY and key not in self._numbers:
            time = column.kind == TIME
            number = self._input(stem, column, "time" if time else "number", TIMES if time else NUMBERS)
            self._numbers[key] = time_parts(self.g, number, self._offset(stem, column)) if time else [number]
        if (column.kind == CATEGORY or self._known[key]) and key not in self._texts:
            name, doc = (stem, TEXTS) if column.kind == CATEGORY else (f"{stem}.text", MIXED)
            self._texts[key] = self._input(name, column, "text", doc)

    def _input(self, name: str, column: Column, kind: str, doc: str) -> str:
        entry = {"name": name, "column": f"{column.name}", "kind": kind}
        if kind == "text":
            entry["missing"] = ""
            while entry["missing"] in self._known[_key(column)]:  # the empty text is a known category
                entry["missing"] += "?"
            doc = doc.format(repr(entry["missing"]))
        self.listed.append({**entry, "doc": doc})
        return self.g.input(name, object if kind == "text" else np.float64, ["N", 1], doc)

    def _offset(self, stem: str, column: Column) -> str:
        name = f"{stem}.utc_offset"
        # dimension "M", because the default is one number for all rows
        offset = self.g.input(name, np.float64, ["M", 1], OFFSETS, default=np.zeros((1, 1)))
        self.listed.append({"name": name, "column": f"{column.name}", "kind": "offset", "doc": OFFSETS})
        return offset

    def _declare_array(self, columns: dict[Any, Column]) -> None:
        found = [columns.get(f"x{j}") for j in range(len(columns))]
        kept = [column for column in found if column is not None and column.kind == NUMBER and not column.values]
        if not kept or len(kept) < len(columns):
            raise ConfigError(
                expected="a learner that was taught numeric arrays, with columns x0, x1, …",
                got=f"one with the columns {', '.join(map(str, list(columns)[:5]))}"
                + (" …" if len(columns) > 5 else ""),
                at="export_onnx(array=True)",
                help="Leave array out, so that each column is an input.",
            )
        self.g.input("X", np.float64, ["N", len(kept)], "numbers; NaN where missing")
        self.listed.append({"name": "X", "columns": len(kept), "kind": "number", "doc": NUMBERS})


def _raw(engine: Engine, given: Container[Any]) -> list[Column]:
    """Return the columns that a client sends."""
    before = answers_before(engine.core)
    return [column for column in engine.columns.values() if column.name not in before and column.name not in given]


def _key(column: Column) -> tuple[bytes, str]:
    return name_bytes(column.name), column.kind


def _check_kind(column: Column) -> None:
    """Raise ConfigError for columns of texts and embeddings, because ONNX can't split texts into words."""
    if column.kind in (WORDS, BIGRAMS, COSINE, RAW):
        raise ConfigError(
            expected="columns of numbers, categories and times",
            got=f"column {column.name!r}, which is {'an embedding' if column.kind in (COSINE, RAW) else 'text'}",
            at="export_onnx",
            help="Give text=None, or serve the model over HTTP, which supports both.",
        )


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
