"""Manifest of a coordinator, which is a model file whose notes have the position in the stream.

`headwater.load` opens it like any model, and a restarted coordinator resumes from it. It is written atomically (temporary
file, sync, rename). Rounds are pure functions of the manifest and the stream, so rounds lost after it are repeated with the
same bits.
"""

from __future__ import annotations

import base64
import threading
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from headwater.cluster.sources.reader import Place
from headwater.errors import ConfigError
from headwater.learner.base import Learner
from headwater.store.learner_file import load, to_bytes
from headwater.store.model_file import write

__all__ = ["NOTE", "ManifestWriter", "Position", "Totals", "read_manifest", "totals_of"]

NOTE = "cluster"
"""Entry of a manifest's notes."""


@dataclass(frozen=True, slots=True)
class Position:
    """Position in a stream.

    Parameters
    ----------
    round : int
        Number of merged rounds.
    row : int
        Last row given to a worker, counted from 1; 0 before the first.
    waiting : tuple of (int, int)
        First and last rows of earlier ranges not learned yet, the blocks of stragglers, which come next.
    workers : int
        Blocks per round.
    block : int
        Rows per block.
    sources : tuple of Place
        Place in each source that workers read themselves.
    """

    round: int = 0
    row: int = 0
    waiting: tuple[tuple[int, int], ...] = field(default=())
    workers: int = 1
    block: int = 100
    sources: tuple[Place, ...] = field(default=())

    def wants(self, row: int) -> bool:
        """Return whether a row of the stream is still to be learned."""
        return row > self.row or any(first <= row <= last for first, last in self.waiting)


@dataclass(frozen=True, slots=True)
class Totals:
    """Metrics of a run so far, so that a restarted coordinator reports the whole run.

    Parameters
    ----------
    score : bytes
        State of the scores (``Score.to_bytes``).
    progress : dict
        Fields of the `Progress`, None where undefined.
    merging : tuple of float
        Sums of the serial samples.
    rejected : dict
        What the learner had rejected before the run, by reason.
    """

    score: bytes
    progress: dict[str, Any]
    merging: tuple[float, float, int]
    rejected: dict[str, int]

    def note(self) -> dict[str, Any]:
        """Return them as values for JSON."""
        return asdict(self) | {"score": base64.b64encode(self.score).decode("ascii")}


def totals_of(learner: Learner) -> Totals | None:
    """Return the totals in a manifest's learner, or None from an earlier version, which wrote none."""
    noted = learner.notes.get(NOTE, {}).get("totals")
    if noted is None:
        return None
    return Totals(**noted | {"score": base64.b64decode(noted["score"]), "merging": tuple(noted["merging"])})


def read_manifest(path: str | Path) -> tuple[Learner, Position] | None:
    """Return the learner and position of a manifest, or None without a file.

    Raises
    ------
    ModelFileError
        If it is not a model file.
    ConfigError
        If it is a model file that no coordinator wrote.
    """
    if not Path(path).exists():
        return None
    learner: Any = load(path)
    noted = learner.notes.get(NOTE) if isinstance(learner, Learner) else None
    if not isinstance(noted, dict):
        raise ConfigError(
            expected="a manifest of a cluster",
            got="a model file without a position in a stream",
            at=str(path),
            help="Use another path for the manifest, and pass this model as the initial learner.",
        )
    waiting = tuple((int(first), int(last)) for first, last in noted["waiting"])
    known = {one.name: noted[one.name] for one in fields(Position) if one.name in noted}
    sources = tuple(Place(**place) for place in noted.get("sources", ()))
    return learner, Position(**{**known, "waiting": waiting, "sources": sources})


class ManifestWriter:
    """Writer of manifests in a background thread. It writes the newest state as often as the disk allows.

    Parameters
    ----------
    path : str or Path
        The file.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._changed = threading.Condition()
        self._next: tuple[Learner, Position, Totals] | None = None
        self._busy = self._ended = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="headwater-manifest", daemon=True)
        self._thread.start()

    def put(self, learner: Learner, position: Position, totals: Totals, *, wait: bool = False) -> None:
        """Queue a learner, which must no longer change, for writing. With ``wait``, block until it is on disk."""
        with self._changed:
            self._next = (learner, position, totals)
            self._changed.notify_all()
            if wait:
                self._changed.wait_for(lambda: self._error is not None or not (self._busy or self._next))
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Write the queued state, and stop."""
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
                (learner, position, totals), self._next, self._busy = self._next, None, True
            try:
                learner.notes = {**learner.notes, NOTE: asdict(position) | {"totals": totals.note()}}
                write(self._path, to_bytes(learner))
            except Exception as error:  # noqa: BLE001 - the next put or close raises it
                self._error = error
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                if self._error is not None:
                    return
