"""Worker that learns one block of a round, as a pure function of initial state, rows and block number.

Every worker gives the same bits, whether restarted, replaced or on another processor. A lost worker therefore loses nothing,
and needs no storage of its own.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headwater.encode.rolling import ROLLING_STATE
from headwater.learner.base import Learner
from headwater.learner.kind import has_classes
from headwater.nn.core.cleared import added_samples, cleared
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.model_file import SavedModel

from .delta import Arrays, Delta, apply, difference
from .merge import merge
from .sources.reader import Part, Place, Reader

__all__ = ["Block", "Outcome", "Update", "Worker", "after_block", "merge_group", "pack", "together", "unpack"]


WEIGHT = 10
"""Index of the mixture weight in an expert's running numbers, ``HW_WEIGHT`` of core/headwater.h."""
_MOVED = ("weights", "state_0", "state_1", "state_2", "state_3", "state_4")
_PLACES = ("answers", "running", "buffer", "label_history", "cell_code")
_COORDINATED = ("sample", *ROLLING_STATE)
"""Arrays that only the coordinator has. Samples of a learner's members stay with the members."""
_SAMPLE = ".sample"
"""End of the names of members' diagnosis samples."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that one worker predicts and learns in order.

    Parameters
    ----------
    index : int
        Number of the block in the round.
    X, y
        Rows, as passed to a learner, and their labels.
    rows : sequence of int
        Row numbers in the stream, from 1.
    lead : (X, y), optional
        Rows before the block, which another worker learns (see `warmed`).
    part : Part, optional
        Rows that the worker reads itself. The block then has none.
    """

    index: int
    X: Any
    y: list[Any]
    rows: Sequence[int]
    lead: tuple[Any, list[Any]] | None = None
    part: Part | None = None

    def __len__(self) -> int:
        return len(self.y) if self.part is None else self.part.size


@dataclass(frozen=True, slots=True)
class Update:
    """Update of a worker to the initial state of a round.

    Parameters
    ----------
    version : int
        Number of that state.
    since : int or None
        State that the arrays are a difference from, or None for a whole state.
    header : dict
        Settings, classes and counts.
    arrays : dict
        All arrays, or a `Delta`.
    """

    version: int
    since: int | None
    header: dict[str, Any]
    arrays: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a block.

    Parameters
    ----------
    index : int
        Number of the block.
    header : dict
        Classes and counts of the learner after the block. It is empty if a worker merged the block into another outcome.
    delta : Delta
        Changes of the arrays by the block.
    y_pred, proba
        Prediction for each row before it was learned, and predicted probability of its label.
    seconds, cpu : float
        Seconds for the rows, and CPU seconds for the whole block, including unpacking and comparing.
    found : (list, Place), optional
        Labels of the rows that the worker read itself, and the place after them.
    grew : bool
        Whether the learner has got members that the initial state doesn't have.
    """

    index: int
    header: dict[str, Any]
    delta: Delta
    y_pred: Sequence[Any]
    proba: list[float]
    seconds: float
    cpu: float
    found: tuple[list[Any], Place] | None = None
    grew: bool = False


def pack(learner: Learner) -> SavedModel:
    """Return settings and arrays of a learner, without the diagnosis sample and what a merge leaves empty.

    Workers get rows that the coordinator has added aggregates to, so they need neither ``rolling`` nor its state. Members read
    what others predict, which only workers see, so that the first block of each round takes their samples.
    """
    saved = LEARNER_FORMAT.pack(learner)
    settings = {name: value for name, value in saved.header["settings"].items() if name != "rolling"}
    sampled = learner.kind.merge is not None and settings["diagnosis"]
    arrays: dict[str, Any] = {}
    for part, own in _parts({name: array for name, array in saved.arrays.items() if name not in _COORDINATED}).items():
        arrays |= _named(part, cleared(own, samples=False))
    return SavedModel(saved.header | {"settings": settings | {"diagnosis": sampled}}, arrays)


def unpack(saved: SavedModel) -> Any:
    """Return the learner with the given settings and arrays."""
    return LEARNER_FORMAT.unpack(saved, "the cluster")


def _parts(arrays: Arrays) -> dict[str, dict[str, Any]]:
    """Return the arrays of each member, by what their names begin with, or of the learner itself by "".

    Examples
    --------
    >>> _parts({"0.weights": 1, "0.sizes": 2, "1.weights": 3})
    {'0.': {'weights': 1, 'sizes': 2}, '1.': {'weights': 3}}
    """
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, array in arrays.items():
        member, dot, own = name.rpartition(".")
        parts[member + dot][own] = array
    return dict(parts)


def _named(part: str, arrays: Arrays) -> dict[str, Any]:
    return {part + name: array for name, array in arrays.items()}


def _added(before: Arrays, after: Arrays) -> dict[str, Any]:
    """Return arrays after learning, with only those samples in replay buffers that were not there before."""
    known, arrays = _parts(before), dict[str, Any]()
    for part, own in _parts(after).items():
        arrays |= _named(part, added_samples(known[part], own) if part in known else own)
    return arrays


def _unsampled(saved: SavedModel) -> SavedModel:
    """Return a state without diagnosis samples."""
    header = saved.header | {"settings": saved.header["settings"] | {"diagnosis": False}}
    return SavedModel(header, {name: array for name, array in saved.arrays.items() if not name.endswith(_SAMPLE)})


def together(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes that can be merged with one another, in the order of their blocks.

    Of those that found new members only the first one can: the place of a member decides its seed and what it reads. The rows of
    the others come again in the next round, where the members are known.

    Examples
    --------
    >>> done = [Outcome(i, {}, {}, [], [], 0.0, 0.0, grew=i > 1) for i in (3, 0, 2, 1)]
    >>> [outcome.index for outcome in together(done)]
    [0, 1, 2]
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.index)
    first = next((outcome for outcome in ordered if outcome.grew), None)
    return [outcome for outcome in ordered if outcome is first or not outcome.grew]


class Worker:
    """Worker that keeps the state of the last round, so that only differences need to be sent."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._saved = SavedModel({}, {})
        self._readers: dict[int, Reader] = {}

    def learn(self, update: Update, block: Block) -> Outcome | None:
        """Predict and learn a block, or return None if the update's base state is missing."""
        if update.version != self._version:
            if update.since is not None and update.since != self._version:
                return None
            arrays = update.arrays if update.since is None else apply(self._saved.arrays, update.arrays)
            self._saved, self._version = SavedModel(update.header, arrays), update.version
        return learn_block(self._saved, block) if block.part is None else self._learn_part(block, block.part)

    def _learn_part(self, block: Block, part: Part) -> Outcome:
        """Read the rows of a block, then learn them."""
        started, begun = time.perf_counter(), time.process_time()
        X, y, place = self._reader(part).take(part.size)
        seconds, cpu = time.perf_counter() - started, time.process_time() - begun
        outcome = learn_block(self._saved, Block(block.index, X, y, range(len(y))))
        return replace(outcome, seconds=outcome.seconds + seconds, cpu=outcome.cpu + cpu, found=(y, place))

    def _reader(self, part: Part) -> Reader:
        """Return the reader of a source at the place of a part, which stays open if it is there already."""
        reader = self._readers.pop(part.number, None)
        if reader is not None and reader.place != part.place:
            reader.close()
            reader = None
        self._readers[part.number] = reader = Reader(part) if reader is None else reader
        return reader

    def merge(self, version: int, outcomes: Sequence[Outcome]) -> Outcome:
        """Merge outcomes of blocks that started from this state.

        Raises
        ------
        LookupError
            If this worker has another state, as after a restart.
        """
        if version != self._version:
            raise LookupError(f"state {version}, where {self._version} is here")
        return merge_group(self._saved, outcomes)

    def close(self) -> None:
        """Close the sources."""
        for reader in self._readers.values():
            reader.close()
        self._readers = {}


def warmed(saved: SavedModel, X: Any, y: list[Any]) -> dict[str, Any]:
    """Return a state's arrays with weights and mixture updated by the rows before the block.

    Networks forget recent rows within some tens of rows, and without this a block would start as if the rows before it had
    never been. Its worker therefore learns some of them first. They are counted where they are part of a block. Here names,
    counts, statistics and the replay buffer stay unchanged.
    """
    learner = unpack(_unsampled(saved))
    learner.step_many(X, y)
    before, after = _parts(saved.arrays), _parts(LEARNER_FORMAT.pack(learner).arrays)
    if before.keys() != after.keys() or not all(_alike(own, after[part]) for part, own in before.items()):
        return dict(saved.arrays)  # a new member, class or test changed the layout
    arrays = dict(saved.arrays)
    for part, own in before.items():
        moved = {name: after[part][name][: len(array)] for name, array in own.items() if name in _MOVED}
        running = own["running"].copy()
        running[:, WEIGHT] = after[part]["running"][:, WEIGHT]
        arrays |= _named(part, {**moved, "running": running})
    return arrays


def _alike(before: Arrays, after: Arrays) -> bool:
    """Return whether the arrays of a learner have the same layout."""
    same_tests = np.array_equal(before["cell_code"], after["cell_code"])
    return same_tests and all(after[name].shape == before[name].shape for name in _PLACES)


def learn_block(saved: SavedModel, block: Block) -> Outcome:
    """Predict and learn the rows of a block in order, starting from a state."""
    if not len(block.y):
        return Outcome(block.index, saved.header, {}, [], [], seconds=0.0, cpu=0.0)
    begun = time.process_time()
    first = saved if block.lead is None else SavedModel(saved.header, warmed(saved, *block.lead))
    learner = unpack(_unsampled(first) if block.index else first)
    known = list(learner.members.values()) if learner.kind.merge else [learner]
    for one in known:
        if one.engine is not None:  # separate random numbers per block, by its number in the upper bits of the count
            one.engine.core.array("random")[0] += block.index << 32
    started = time.perf_counter()
    forecast = learner.step_many(block.X, block.y)
    seconds = time.perf_counter() - started
    after = pack(learner)
    numbers = not has_classes(learner)
    return Outcome(
        index=block.index,
        header=after.header,
        delta=difference(saved.arrays, _added(saved.arrays, after.arrays)),
        y_pred=list(forecast.y_pred),
        proba=[math.nan] * len(block) if numbers else forecast.proba_of(block.y),
        seconds=seconds,
        cpu=time.process_time() - begun,
        grew=len(learner.members) > len(known),
    )


def merge_group(saved: SavedModel, outcomes: Sequence[Outcome]) -> Outcome:
    """Merge outcomes of blocks that started from a state into one, which counts as one worker's in the next merge."""
    began = time.process_time()
    merged = merge(unpack(saved), [after_block(saved, outcome) for outcome in outcomes])
    after = pack(merged)
    delta = difference(saved.arrays, _added(saved.arrays, after.arrays))
    cpu = time.process_time() - began
    return Outcome(outcomes[0].index, after.header, delta, [], [], seconds=0.0, cpu=cpu)


def after_block(saved: SavedModel, outcome: Outcome) -> Any:
    """Return the learner after a block that started from a state."""
    return unpack(SavedModel(outcome.header, apply(saved.arrays, outcome.delta)))
