"""Describe a single net as a device holds it, and decide which form a learner gets there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.seen import Column
from headwater.encode.values import name_bytes
from headwater.encode.vocabulary import NUMBER
from headwater.errors import ConfigError
from headwater.interop.device.explained import Explained
from headwater.interop.device.whole import Whole, whole_of
from headwater.learner.expiring import Expiring
from headwater.learner.kind import check_can
from headwater.nn.core.declaration import LAYER_KINDS
from headwater.nn.layers import BatchNorm, Dense, Dropout, LayerNorm

__all__ = ["Layout", "Member", "form_of"]

_LEARNER, _EXPERT, _OPERATION, _PARTS = range(4)
_ACTIVATION = 2
_LEARNED, _HIGHEST_ROW = 8, 11
"""Places in the array ``sizes`` (core/learner.h)."""
_KEPT_PARTS = {"coverage", "limit"}
_TYPES = {"double": "<f8", "float": "<f4", "int64_t": "<i8"}
_RUNNING = 15
"""Numbers of the one expert in the array ``running``; those of others and of the mixture don't change."""


@dataclass(frozen=True, slots=True)
class Member:
    """One array of the state, with its C type, how many numbers it has, and where the core keeps it."""

    array: str
    type: str
    count: int
    place: str

    @property
    def size(self) -> int:
        """Bytes of a number."""
        return 4 if self.type in ("float", "int32_t") else 8

    @property
    def bytes(self) -> int:
        """Bytes in a state, in whole words of 64 bits."""
        return (self.count * self.size + 7) // 8 * 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Numbers, layers, inputs and arrays of a single net on a device."""

    learner: dict[str, float]
    expert: dict[str, float]
    operations: list[dict[str, float]]
    columns: list[Any]
    slots: list[int]
    slot_rows: list[int]
    classes: list[Any]
    members: list[Member]
    counters: tuple[int, int] = (_LEARNED, _HIGHEST_ROW)
    explained: Explained | None = None

    @property
    def explaining(self) -> str:
        """C that explains rows, empty where none is asked for."""
        return "" if self.explained is None else self.explained.source(scores=False)

    @property
    def outputs(self) -> int:
        """How many numbers are predicted."""
        return int(self.learner["outputs"])

    @property
    def scores(self) -> bool:
        """Whether rows are learned alone, and how unusual one is is predicted."""
        return False

    @property
    def ram(self) -> int:
        """Bytes of RAM beside the learner itself and the stack: the state, and working memory."""
        explaining = 0 if self.explained is None else self.explained.ram(scores=False)
        return self.state_bytes + sum(member.bytes for member in self.room) + explaining

    @property
    def room(self) -> list[Member]:
        """Working memory, as the running learner has shown how much it needs."""
        about, inputs = self.learner, len(self.columns)
        rows, expert = int(about["rows"]), self.expert
        undo = (1 + int(about["states"])) * int(expert["dense_last"] - expert["dense_first"] + rows * expert["lanes"])
        lists = int(about["lists"])
        return [
            Member("entry_x", "double", inputs, "entry_x"),
            Member("staging", "double", 3 * inputs, "staging"),
            Member("losses", "double", 1, "losses"),
            Member("values", "float", int(about["values"]) // 4, "values"),
            Member("deltas", "float", int(about["deltas"]) // 4, "deltas"),
            Member("predictions", "float", int(about["predictions"]) // 4, "predictions"),
            Member("row_undo", "float", undo, "row_undo"),
            Member("values_at", "float", 2 * (rows + 3), "values_at"),
            Member("list_values", "float", lists + 1, "list_values"),
            Member("list_rows", "int32_t", lists + 1, "list_rows"),
            Member("rows_at", "int32_t", 2 * (rows + 3), "rows_at"),
            Member("entry_slots", "int32_t", inputs, "entry_slots"),
        ]

    @property
    def covered(self) -> bool:
        """Whether coverage is followed."""
        return any(member.array == "coverage" for member in self.members)

    @property
    def state_bytes(self) -> int:
        """Bytes of a state."""
        return sum(member.bytes for member in self.members) + 8 * len(self.counters)

    def image(self, learner: Any) -> bytes:
        """Return the state byte for byte as a device holds it."""
        state, parts = learner.engine.state(), []
        for member in self.members:
            numbers = np.ascontiguousarray(state[member.array]).reshape(-1)[: member.count]
            parts.append(numbers.tobytes().ljust(member.bytes, b"\0"))
        counters = np.array([state["sizes"][place] for place in self.counters], "<i8")
        return b"".join(parts) + counters.tobytes()

    def used(self, area: bytes) -> bytes:
        """Return the state in an area of flash."""
        return area

    def arrays(self, before: dict[str, NDArray[Any]], state: bytes) -> dict[str, NDArray[Any]]:
        """Return the arrays that a state replaces."""
        found, at = {}, 0
        for member in self.members:
            array = before[member.array].copy()
            array.reshape(-1)[: member.count] = np.frombuffer(state, _TYPES[member.type], member.count, at)
            found[member.array] = array
            at += member.bytes
        sizes = before["sizes"].copy()
        sizes[list(self.counters)] = np.frombuffer(state, "<i8", len(self.counters), at)
        return found | {"sizes": sizes}

    def identity(self, state: bytes) -> int:
        """Return the number of an export, which depends on layout, names, classes and first state."""
        told = repr((self.expert, self.operations, self.columns, self.slots, self.classes, self.members))
        return int.from_bytes(hashlib.sha256(told.encode() + state).digest()[:8], "little") or 1


def form_of(learner: Any, *, explain: bool = False) -> Layout | Whole:
    """Describe a learner as a device holds it, a single net laid out beforehand or anything else in an arena.

    Parameters
    ----------
    learner : Learner
        One that has learned from rows of numbers.
    explain : bool
        Whether the device can explain its predictions.

    Raises
    ------
    ConfigError
        If a device can't hold it.
    """
    if isinstance(learner, Expiring):
        instead = (
            "Serve it. Or export the one that predicts now, model.learner, which goes on learning and never expires."
        )
        raise _refused("a learner that may keep what it learns", repr(learner), instead)
    check_can(learner, "device", at="export to C")
    if learner.engine is None or not learner.engine.learned:
        raise _refused("a model that has learned", "one without a row", "Let it learn at least one row first.")
    tables: tuple[dict[int, dict[str, float]], ...] = ({}, {}, {}, {})
    for table, index, name, number in learner.engine.core.learner.inside():
        tables[table].setdefault(index, {})[name] = number
    about, expert, parts = tables[_LEARNER][0], tables[_EXPERT][0], tables[_PARTS][0]
    operations = [tables[_OPERATION][i] for i in sorted(tables[_OPERATION])]
    columns = _columns(learner, int(about["answer_inputs"]))
    for expected, got, remedy in _reasons(about, columns):
        raise _refused(expected, got, remedy)
    explained = _explained(learner, about, operations, columns) if explain else None
    if not _is_single_net(about, expert, operations, parts):
        return replace(whole_of(learner, columns), explained=explained)
    state = learner.engine.core.statistics
    return Layout(
        about,
        expert,
        operations,
        [column.name for column in columns],
        [column.slot for column in columns],
        [int(row) for row in state.row],
        list(getattr(learner, "classes", ())),
        _members(about, parts, len(state.row)),
        explained=explained,
    )


def _explained(
    learner: Any, about: dict[str, float], operations: list[dict[str, float]], columns: list[Column]
) -> Explained:
    """Return how a device explains, or raise ConfigError where there is nothing that it could."""
    size = int(about["stride"]), int(about["rows"])
    if "scores" in learner.kind.can:
        return Explained(*size)
    if "ahead" in learner.kind.can:
        if not columns:
            raise ConfigError(
                expected="a forecaster with columns",
                got="a series alone",
                at="explain of export to C",
                help="Leave explain out: explain_forecast in Python attributes a forecast to past values.",
            )
        return Explained(*size, moves='(double)__builtin_nanf("")')
    alone = about["experts"] == 1 and not (about["knots"] or about["history"] or about["answer_inputs"])
    layers = {LAYER_KINDS[layer] for layer in (Dense, Dropout, LayerNorm, BatchNorm)} | {_ACTIVATION}
    dense = all(operation["kind"] in layers for operation in operations)
    return Explained(*size) if alone and dense else Explained(*size, moves="mean")


def _columns(learner: Any, lags: int) -> list[Column]:
    """Return the caller's columns in the order of the core; those that the learner adds itself come first in its vocabulary."""
    own = learner.kind.own_inputs
    found = [column for column in learner.engine.columns.values() if not (own and str(column.name).startswith(own))]
    return sorted(found[lags:], key=lambda column: _order(name_bytes(column.name)))


def _refused(expected: str, got: str, remedy: str) -> ConfigError:
    return ConfigError(expected=expected, got=got, at="export to C", help=remedy)


def _reasons(about: dict[str, float], columns: list[Column]) -> Iterator[tuple[str, str, str]]:
    """Yield what was expected, what was found and what to do where a device can't hold this learner."""
    if about["is_double"]:
        yield "float32", "float64", "Train it with dtype='float32': small processors compute no other type."
    words = [column.name for column in columns if column.kind != NUMBER]
    if words or about["shared_from"]:
        got = f"{words[0]!r}, which holds none" if words else "more names than rows"
        yield "columns of numbers", got, "Make a column of 0 and 1 for each category."


def _is_single_net(
    about: dict[str, float], expert: dict[str, float], operations: list[dict[str, float]], parts: dict[str, float]
) -> bool:
    """Return whether a learner is one net of dense layers without penalties, whose memory is known beforehand."""
    others = [name for name, taken in parts.items() if taken and name not in _KEPT_PARTS]
    dense = all(operation["kind"] in (LAYER_KINDS[Dense], _ACTIVATION) for operation in operations)
    more = others or about["knots"] or about["ring"] or about["history"] or about["all"] > 1 or about["answer_inputs"]
    return bool(about["experts"] == 1 and not more and dense and expert["plain"] and not expert["two_pass"])


def _order(name: bytes) -> tuple[int, bytes]:
    """Return what the core sorts columns by, which is length and then letters."""
    return min(len(name), 255), name


def _members(about: dict[str, float], parts: dict[str, float], slots: int) -> list[Member]:
    rows, outputs, states = int(about["rows"]), int(about["outputs"]), int(about["states"])
    numbers = int(about["numbers.rows"] + rows * about["numbers.stride"])
    found = [
        Member("slot_mean", "double", slots, "slots.mean"),
        Member("slot_variance", "double", slots, "slots.variance"),
        Member("slot_seen", "double", slots, "slots.seen"),
        Member("running", "double", _RUNNING, "running"),
        Member("touched", "int64_t", rows, "touched"),
        Member("weights", "float", int(about["dense"] + rows * about["stride"]), "weights"),
        *(Member(f"state_{k}", "float", numbers, f"state[{k}]") for k in range(states)),
    ]
    if about["targets"]:
        found.append(Member("answers", "double", 3 * outputs, "answers"))
    if about["intervals"]:
        found.append(Member("scores", "double", 1001, "scores"))
    if parts["coverage"]:
        found.append(Member("coverage", "double", 63, ""))
    return found
