"""Describe a learner as a device holds it: which arrays its state has, where everything lies, and what it can't be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.encode.values import name_bytes
from headwater.encode.vocabulary import NUMBER
from headwater.errors import ConfigError
from headwater.learner.kind import check_can
from headwater.nn.core.declaration import LAYER_KINDS
from headwater.nn.layers import Dense

__all__ = ["Layout", "Member", "layout_of"]

_LEARNER, _EXPERT, _OPERATION, _PARTS = range(4)
_ACTIVATION = 2
_LEARNED, _HIGHEST_ROW = 8, 11
"""Places in the array ``sizes`` (core/learner.h)."""
_KEPT_PARTS = {"coverage", "limit"}
_RUNNING = 15
"""Numbers of the one expert in the array ``running``; those of others and of the mixture don't change."""


@dataclass(frozen=True, slots=True)
class Member:
    """One array of the state: its name, C type, how many numbers, and where the core keeps it."""

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
    """What is fixed in a learner on a device: its numbers, its layers, its inputs, and the arrays of its state."""

    learner: dict[str, float]
    expert: dict[str, float]
    operations: list[dict[str, float]]
    columns: list[Any]
    slots: list[int]
    slot_rows: list[int]
    classes: list[Any]
    members: list[Member]
    counters: tuple[int, int] = (_LEARNED, _HIGHEST_ROW)

    @property
    def covered(self) -> bool:
        """Whether coverage is followed."""
        return any(member.array == "coverage" for member in self.members)

    @property
    def state_bytes(self) -> int:
        """Bytes of a state."""
        return sum(member.bytes for member in self.members) + 8 * len(self.counters)

    def identity(self, state: bytes) -> int:
        """Return the number of an export: other layouts, names, classes or first states have others."""
        told = repr((self.expert, self.operations, self.columns, self.slots, self.classes, self.members))
        return int.from_bytes(hashlib.sha256(told.encode() + state).digest()[:8], "little") or 1


def layout_of(learner: Any) -> Layout:
    """Describe a learner as a device holds it.

    Parameters
    ----------
    learner : Classifier or Regressor
        A single net that has learned from rows of numbers.

    Raises
    ------
    ConfigError
        If a device can't hold it.
    """
    check_can(learner, "device", at="export to C")
    if learner.engine is None or not learner.engine.learned:
        raise _refused("a model that has learned", "one without a row", "Let it learn at least one row first.")
    tables: tuple[dict[int, dict[str, float]], ...] = ({}, {}, {}, {})
    for table, index, name, number in learner.engine.core.learner.inside():
        tables[table].setdefault(index, {})[name] = number
    about, parts = tables[_LEARNER][0], tables[_PARTS][0]
    for expected, got, remedy in _reasons(learner, about, tables[_EXPERT][0], tables[_OPERATION], parts):
        raise _refused(expected, got, remedy)
    columns = sorted(learner.engine.columns.values(), key=lambda column: _order(name_bytes(column.name)))
    state = learner.engine.core.statistics
    return Layout(
        about,
        tables[_EXPERT][0],
        [tables[_OPERATION][i] for i in sorted(tables[_OPERATION])],
        [column.name for column in columns],
        [column.slot for column in columns],
        [int(row) for row in state.row],
        list(getattr(learner, "classes", ())),
        _members(about, parts, len(state.row)),
    )


def _refused(expected: str, got: str, remedy: str) -> ConfigError:
    return ConfigError(expected=expected, got=got, at="export to C", help=remedy)


def _reasons(
    learner: Any,
    about: dict[str, float],
    expert: dict[str, float],
    operations: dict[int, dict[str, float]],
    parts: dict[str, float],
) -> Iterator[tuple[str, str, str]]:
    """Yield why a device can't hold this learner: what was expected, what it is, what to do."""
    single = f"Train {type(learner).__name__}(hidden=16) or another single net on the same rows."
    others = [name for name, taken in parts.items() if taken and name not in _KEPT_PARTS]
    if about["experts"] > 1:
        yield "a single net", f"a pool of {about['experts']:.0f}", single
    if others or about["knots"] or about["ring"] or about["history"] or about["all"] > 1:
        yield "a net of dense layers alone", f"one with {', '.join(others) or 'more parts'}", single
    if about["is_double"]:
        yield "float32", "float64", "Train it with dtype='float32': small processors compute no other type."
    if any(operation["kind"] not in (LAYER_KINDS[Dense], _ACTIVATION) for operation in operations.values()):
        yield "dense layers and activations", "other layers", "Leave out norm and dropout."
    if not expert["plain"] or expert["two_pass"]:
        yield "a net without penalties", "l1, l2, clip_value or dropout", "Leave them out."
    words = [column.name for column in learner.engine.columns.values() if column.kind != NUMBER]
    if words or about["shared_from"]:
        got = f"{words[0]!r}, which holds none" if words else "more names than rows"
        yield "columns of numbers", got, "Make a column of 0 and 1 for each category."


def _order(name: bytes) -> tuple[int, bytes]:
    """Return what the core sorts columns by: length, then letters."""
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
