"""One block of a round: a pure function of the state it begins from, the rows, and its number.

Whoever is asked gives the same bits: a worker that was started again, another one that takes over, another processor. So a
lost worker loses nothing, and nothing has to be kept where it ran.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.learner.supervised import SupervisedLearner
from headwater.nn.core.cleared import cleared, with_samples
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.model_file import SavedModel

from .delta import Delta, apply, difference

__all__ = ["Block", "Outcome", "Update", "Worker", "pack", "unpack"]


WEIGHT = 10
"""Which of an expert's running numbers is its weight in the mixture: ``HW_WEIGHT`` of core/headwater.h."""
_MOVED = ("weights", "state_0", "state_1", "state_2", "state_3", "state_4")
_PLACES = ("answers", "running", "buffer", "label_history", "cell_code")
_READING = ("row_keys", "slot_basis", "slot_knots")


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that one worker predicts and then learns, one after the other.

    Parameters
    ----------
    index : int
        Its number in the round.
    X, y
        The rows, as a learner takes them, and their answers.
    rows : sequence of int
        Their numbers in the stream, counted from 1.
    lead : (X, y), optional
        The rows right in front of them, which another worker learns: see `warmed`.
    """

    index: int
    X: Any
    y: list[Any]
    rows: Sequence[int]
    lead: tuple[Any, list[Any]] | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True)
class Update:
    """How a worker comes to the state that a round begins from.

    Parameters
    ----------
    version : int
        The number of that state.
    since : int or None
        The state that the arrays are a difference to; None where all of them are there.
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
    """What came of a block.

    Parameters
    ----------
    index : int
        The block's number.
    header : dict
        Classes and counts of the learner behind the block.
    delta : Delta
        What the block has changed in the arrays.
    y_pred, proba
        What was predicted for each row before it was learned, and the probability that was given to its answer.
    seconds, cpu : float
        How long the rows took; and the processor's time for the whole block, with unpacking and comparing.
    """

    index: int
    header: dict[str, Any]
    delta: Delta
    y_pred: Sequence[Any]
    proba: list[float]
    seconds: float
    cpu: float


def pack(learner: SupervisedLearner) -> SavedModel:
    """Return settings and arrays of a learner, without what is kept for a diagnosis or for replay."""
    saved = LEARNER_FORMAT.pack(learner)
    header = saved.header | {"settings": saved.header["settings"] | {"diagnosis": False}}
    arrays = {name: array for name, array in saved.arrays.items() if name != "sample"}
    return SavedModel(header, cleared(arrays) if arrays else arrays)


def unpack(saved: SavedModel) -> SupervisedLearner:
    """Return the learner of settings and arrays."""
    learner: SupervisedLearner = LEARNER_FORMAT.unpack(saved, "the cluster")
    return learner


class Worker:
    """What learns blocks; it keeps the state of the last round, so that only what has changed must be sent."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._saved = SavedModel({}, {})

    def learn(self, update: Update, block: Block) -> Outcome | None:
        """Predict and learn a block; None where the update is a difference to a state that this worker doesn't have."""
        if update.version != self._version:
            if update.since is not None and update.since != self._version:
                return None
            arrays = update.arrays if update.since is None else apply(self._saved.arrays, update.arrays)
            self._saved, self._version = SavedModel(update.header, arrays), update.version
        return learn_block(self._saved, block)


def warmed(saved: SavedModel, X: Any, y: list[Any]) -> dict[str, Any]:
    """Return the arrays of a state whose weights have seen some rows, those of the mixture too; the rows are kept for replay.

    What a net has learned of the last rows fades within some tens of them, and a block begins as if those in front of it had
    never been. So its worker learns a few of them first, and replays them until it has rows of its own. They count for whoever
    learns them as part of a block: here names, counts and statistics stay as they were.
    """
    learner = unpack(saved)
    learner.step_many(X, y)
    before, after = saved.arrays, LEARNER_FORMAT.pack(learner).arrays
    if not all(after[name].shape == before[name].shape for name in _PLACES) or not _same(before, after, "cell_code"):
        return dict(before)  # a class or a test is new, and numbers lie elsewhere
    moved = {name: after[name][: len(array)] for name, array in before.items() if name in _MOVED}
    running = before["running"].copy()
    running[:, WEIGHT] = after["running"][:, WEIGHT]
    arrays = {**before, **moved, "running": running}
    return with_samples(arrays, after) if _same(before, after, *_READING) else arrays


def _same(before: Mapping[str, Any], after: Mapping[str, Any], *names: str) -> bool:
    return all(np.array_equal(before[name], after[name]) for name in names)


def learn_block(saved: SavedModel, block: Block) -> Outcome:
    """Predict and learn the rows of a block, one after the other, from a state."""
    begun = time.process_time()
    learner = unpack(saved if block.lead is None else SavedModel(saved.header, warmed(saved, *block.lead)))
    engine = learner.engine
    if engine is not None:  # draws of its own: how many came before, and its number above that
        engine.core.array("random")[0] += block.index << 32
    started = time.perf_counter()
    forecast = learner.step_many(block.X, block.y)
    seconds = time.perf_counter() - started
    after = pack(learner)
    numbers = learner.task == "regress"
    return Outcome(
        index=block.index,
        header=after.header,
        delta=difference(saved.arrays, after.arrays),
        y_pred=list(forecast.y_pred),
        proba=[math.nan] * len(block) if numbers else forecast.proba_of(block.y),
        seconds=seconds,
        cpu=time.process_time() - begun,
    )
