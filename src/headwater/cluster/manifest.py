"""What a coordinator leaves behind: a model file whose notes say how far the stream was learned.

So `headwater.load` opens it as any model, and a coordinator that is started again goes on from it. It is written beside its
place, synced, and renamed into it: a crash leaves the one before or the new one. Rounds are pure functions of it and of the
stream, so those that were lost behind it come out the same again.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from headwater.errors import ConfigError
from headwater.learner.supervised import SupervisedLearner
from headwater.store.learner_file import load, to_bytes
from headwater.store.model_file import write

__all__ = ["Keeper", "Position", "read_manifest"]

NOTE = "cluster"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a stream was learned.

    Parameters
    ----------
    round : int
        Rounds that are merged.
    row : int
        The last row that was given to a worker, counted from 1; 0 before the first.
    waiting : tuple of (int, int)
        First and last row of the stretches up to there that are not learned: blocks of stragglers, which come next.
    workers : int
        Blocks of a round.
    block : int
        Rows of a block.
    """

    round: int = 0
    row: int = 0
    waiting: tuple[tuple[int, int], ...] = field(default=())
    workers: int = 1
    block: int = 100

    def wants(self, row: int) -> bool:
        """Whether a row of the stream is still to be learned."""
        return row > self.row or any(first <= row <= last for first, last in self.waiting)

    @property
    def behind(self) -> int:
        """How many rows from the start are all learned."""
        return min([self.row, *(first - 1 for first, _ in self.waiting)])


def read_manifest(path: str | Path) -> tuple[SupervisedLearner, Position] | None:
    """Return the learner and the position of a manifest; None where there is no file.

    Raises
    ------
    ModelFileError
        If it is no model file.
    ConfigError
        If it is one that no coordinator wrote.
    """
    if not Path(path).exists():
        return None
    learner: Any = load(path)
    noted = learner.notes.get(NOTE) if isinstance(learner, SupervisedLearner) else None
    if not isinstance(noted, dict):
        raise ConfigError(
            expected="a manifest of a cluster",
            got="a model that was saved otherwise",
            at=str(path),
            help="Give another path for the manifest, and this model as what to begin with.",
        )
    waiting = tuple((int(first), int(last)) for first, last in noted["waiting"])
    return learner, Position(**{**noted, "waiting": waiting})


class Keeper:
    """Writes manifests from a thread of its own: the newest that there is, as often as the disk takes.

    Parameters
    ----------
    path : str or Path
        The file.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._changed = threading.Condition()
        self._next: tuple[SupervisedLearner, Position] | None = None
        self._busy = self._ended = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="headwater-manifest", daemon=True)
        self._thread.start()

    def put(self, learner: SupervisedLearner, position: Position, *, wait: bool = False) -> None:
        """Hand over what to write; nobody may change the learner any more. `wait`: until it is on disk."""
        with self._changed:
            self._next = (learner, position)
            self._changed.notify_all()
            if wait:
                self._changed.wait_for(lambda: self._error is not None or not (self._busy or self._next))
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Write what is left, and end."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._next is not None)
                if self._next is None:
                    return
                (learner, position), self._next, self._busy = self._next, None, True
            try:
                learner.notes = {**learner.notes, NOTE: asdict(position)}
                write(self._path, to_bytes(learner))
            except Exception as error:  # noqa: BLE001 - whoever puts or closes next raises it
                self._error = error
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                if self._error is not None:
                    return
