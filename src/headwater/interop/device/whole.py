"""Describe a learner that a device holds in an arena, with the core as far as this learner needs it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.interop.device.explained import Explained

__all__ = ["Whole", "whole_of"]

_PARTS = 3
"""The table of parts in what ``inside`` tells."""
_TYPES = ("u1", "<i4", "<i8", "<u8", "<f4", "<f8")
"""Types of arrays, by the core's number."""
_SERIES_MEAN = 1
"""Place in the array ``forecast_numbers``, before the variance (core/parts/series/forecast.h)."""
_LOADING = 10_240
"""Bytes that loading a state takes for a while, beside the learner."""
_SEEDS, _ROWS = 3, 1_500
"""Rehearsals, and rows of each: enough for replay buffers to fill, for curves, and for a second learner to begin."""


@dataclass(frozen=True)
class Whole:
    """Columns, parts, memory and flash of a learner in an arena."""

    learner: Any
    columns: list[Any]
    slots: list[int]
    classes: list[Any]
    outputs: int
    parts: frozenset[str]
    horizon: int
    scores: bool
    explained: Explained | None = None

    @property
    def explaining(self) -> str:
        """C that explains rows, empty where none is asked for."""
        return "" if self.explained is None else self.explained.source(scores=self.scores)

    @cached_property
    def _needs(self) -> tuple[int, int]:
        return _rehearsed(self.learner, self.learner.engine.core.learner, self.slots)

    @property
    def arena(self) -> int:
        """Bytes of the arena that are enough."""
        return self._needs[0]

    @property
    def ram(self) -> int:
        """Bytes of RAM beside the stack."""
        return self.arena + (0 if self.explained is None else self.explained.ram(scores=self.scores))

    @property
    def state_bytes(self) -> int:
        """Bytes that are enough for a state in flash."""
        return self._needs[1]

    def image(self, learner: Any) -> bytes:
        """Return the state byte for byte as a device saves it."""
        return _image(learner)

    def identity(self, state: bytes) -> int:
        """Return the number of an export, which depends on columns, classes and first state."""
        told = repr((self.columns, self.slots, self.classes, self.state_bytes))
        return int.from_bytes(hashlib.sha256(told.encode() + state).digest()[:8], "little") or 1

    def used(self, area: bytes) -> bytes:
        """Return the state in an area of flash, which may be larger."""
        size = int.from_bytes(area[:8], "little")
        return area[:size] if size % 8 == 0 and size <= len(area) else b""

    def arrays(self, before: dict[str, NDArray[Any]], state: bytes) -> dict[str, NDArray[Any]]:
        """Return all arrays of the core from a state."""
        found, at = {}, 16
        for name, *_ in self.learner.engine.core.learner.state():
            about, rows, columns = struct.unpack_from("<3Q", state, at)
            kind, dimensions, count = np.dtype(_TYPES[about & 0xFF]), about >> 8, rows * columns
            numbers = np.frombuffer(state, kind, count, at + 24)
            found[name] = numbers.reshape(rows, columns) if dimensions > 1 else numbers
            at += 24 + (count * kind.itemsize + 7) // 8 * 8
        return found


def whole_of(learner: Any, columns: list[Any]) -> Whole:
    """Describe a learner as a device holds it in an arena.

    Parameters
    ----------
    learner : Learner
        One of float32 that has learned from rows of numbers.
    columns : list of Column
        Its columns of the caller, in the order of the core.
    """
    core = learner.engine.core.learner
    parts = frozenset(name for table, _, name, taken in core.inside() if table == _PARTS and taken)
    return Whole(
        learner,
        [column.name for column in columns],
        [column.slot for column in columns],
        list(getattr(learner, "classes", ())),
        learner.engine.core.outputs,
        parts,
        learner.horizon if "ahead" in learner.kind.can else 0,
        "scores" in learner.kind.can,
    )


def _rehearsed(learner: Any, core: Any, slots: list[int]) -> tuple[int, int]:
    """Return bytes of an arena and of a state that are enough, as copies have shown that learned rows as the learner knows them."""
    statistics = learner.engine.core.statistics
    mean, spread = statistics.mean[slots], np.sqrt(statistics.variance[slots])
    arena = state = 0
    for seed in range(_SEEDS):
        drawn = np.random.default_rng(seed)
        x = mean + spread * drawn.normal(size=(_ROWS, len(slots)))
        most, bytes_of_state = _tried(core, np.array(slots, np.int32), x, _labels(learner, drawn))
        arena, state = max(arena, most), max(state, bytes_of_state)
    return (arena + _LOADING + 1023) // 1024 * 1024, (state + state // 16 + 16 + 7) // 8 * 8


def _labels(learner: Any, drawn: np.random.Generator) -> NDArray[np.float64]:
    classes = list(getattr(learner, "classes", ()))
    if classes:
        return drawn.integers(0, len(classes), _ROWS).astype(float)
    mean, variance = _of_labels(learner)
    drawn_labels: NDArray[np.float64] = mean + np.sqrt(variance) * drawn.normal(size=_ROWS)
    return drawn_labels


def _of_labels(learner: Any) -> tuple[float, float]:
    """Return mean and variance of the numbers that were learned as labels."""
    series, answers = learner.engine.core.array("forecast_numbers"), learner.engine.core.array("answers")
    if series.size:
        return float(series[_SERIES_MEAN]), float(series[_SERIES_MEAN + 1])
    return (float(answers[0, 0]), float(answers[0, 1])) if answers.size else (0.0, 1.0)


def _tried(core: Any, slots: NDArray[np.int32], x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[int, int]:
    room = 1 << 20
    while True:
        try:
            most, state = core.rehearse(room, slots, np.ascontiguousarray(x), y)
        except MemoryError:
            room *= 4
            if room > 1 << 32:
                raise
        else:
            return most, state


def _image(learner: Any) -> bytes:
    arrays = learner.engine.core.learner.state()
    pieces = []
    for _, kind, _, array in arrays:
        numbers = np.asarray(array)
        if numbers.ndim > 2:
            raise ConfigError(
                expected="arrays of two dimensions",
                got=str(numbers.ndim),
                at="export to C",
                help="Export another model.",
            )
        rows, columns = numbers.shape if numbers.ndim == 2 else (len(numbers), 1)
        data = np.ascontiguousarray(numbers).tobytes()
        pieces.append(struct.pack("<3Q", kind | numbers.ndim << 8, rows, columns) + data + bytes(-len(data) % 8))
    state = b"".join(pieces)
    return struct.pack("<2Q", len(state) + 16, len(arrays)) + state
